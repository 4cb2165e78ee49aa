/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The base class of connectors and the values that go in and out of them.
 * Invariants: connection and host are set once and outlive the connector; a subclass that leaves
 * out start, stop or typing simply does nothing there; parse_webhook never answers NULL. */

#include "server/service/desk-connector.h"

typedef struct
{
  const DeskConnection *connection;
  DeskConnectorHost *host;
} DeskConnectorPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (DeskConnector, desk_connector, G_TYPE_OBJECT)

enum
{
  PROP_CONNECTION = 1,
  PROP_HOST,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
desk_connector_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  DeskConnectorPrivate *priv = desk_connector_get_instance_private (DESK_CONNECTOR (object));

  switch (id)
    {
    case PROP_CONNECTION:
      priv->connection = g_value_get_pointer (value);
      break;
    case PROP_HOST:
      priv->host = g_value_get_pointer (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
desk_connector_class_init (DeskConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = desk_connector_set_property;
  properties[PROP_CONNECTION] = g_param_spec_pointer ("connection", NULL, NULL, flags);
  properties[PROP_HOST] = g_param_spec_pointer ("host", NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
desk_connector_init (DeskConnector *self)
{
}

const DeskConnection *
desk_connector_get_connection (DeskConnector *self)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self), NULL);
  DeskConnectorPrivate *priv = desk_connector_get_instance_private (self);

  return priv->connection;
}

DeskConnectorHost *
desk_connector_get_host (DeskConnector *self)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self), NULL);
  DeskConnectorPrivate *priv = desk_connector_get_instance_private (self);

  return priv->host;
}

const DeskPlatform *
desk_connector_get_platform (DeskConnector *self)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self), NULL);
  return DESK_CONNECTOR_GET_CLASS (self)->get_platform (self);
}

void
desk_connector_start (DeskConnector *self)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self));
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->start != NULL)
    klass->start (self);
}

void
desk_connector_stop (DeskConnector *self)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self));
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->stop != NULL)
    klass->stop (self);
}

DeskWebhookResult *
desk_connector_parse_webhook (DeskConnector *self, const DeskWebhookRequest *request)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self) && request != NULL, NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->parse_webhook != NULL)
    return klass->parse_webhook (self, request);

  /* a platform without webhooks has no such path */
  DeskWebhookResult *result = g_new0 (DeskWebhookResult, 1);
  result->status = 404;
  return result;
}

void
desk_connector_send_async (DeskConnector *self,
                           const DeskOutbound *outbound,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self) && outbound != NULL);
  DESK_CONNECTOR_GET_CLASS (self)->send_async (self, outbound, cancellable, callback, data);
}

DeskOutcome *
desk_connector_send_finish (DeskConnector *self, GAsyncResult *result)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self) && G_IS_ASYNC_RESULT (result), NULL);
  return DESK_CONNECTOR_GET_CLASS (self)->send_finish (self, result);
}

void
desk_connector_fetch_files (DeskConnector *self, const DeskMessage *message)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self) && message != NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->fetch_files != NULL)
    klass->fetch_files (self, message);
}

void
desk_connector_typing (DeskConnector *self, const char *user_id)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self) && user_id != NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->typing != NULL)
    klass->typing (self, user_id);
}

void
desk_connector_mark_read (DeskConnector *self, const char *user_id, const char *external_id)
{
  g_return_if_fail (DESK_IS_CONNECTOR (self) && user_id != NULL && external_id != NULL);
  DeskConnectorClass *klass = DESK_CONNECTOR_GET_CLASS (self);

  if (klass->mark_read != NULL)
    klass->mark_read (self, user_id, external_id);
}

gboolean
desk_connector_has_templates (DeskConnector *self)
{
  g_return_val_if_fail (DESK_IS_CONNECTOR (self), FALSE);
  return DESK_CONNECTOR_GET_CLASS (self)->list_templates_async != NULL;
}

void
desk_connector_list_templates_async (DeskConnector *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer data)
{
  g_return_if_fail (desk_connector_has_templates (self));
  DESK_CONNECTOR_GET_CLASS (self)->list_templates_async (self, cancellable, callback, data);
}

GPtrArray *
desk_connector_list_templates_finish (DeskConnector *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (desk_connector_has_templates (self) && G_IS_ASYNC_RESULT (result), NULL);
  return DESK_CONNECTOR_GET_CLASS (self)->list_templates_finish (self, result, error);
}

DeskInboundItem *
desk_inbound_item_new (DeskInboundType type,
                       const char *platform,
                       const char *user_id,
                       const char *dedup_key)
{
  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  DeskInboundItem *self = g_new0 (DeskInboundItem, 1);

  self->type = type;
  self->message = desk_message_new (platform, user_id);
  self->dedup_key = g_strdup (dedup_key);
  return self;
}

void
desk_inbound_item_free (DeskInboundItem *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->message, desk_message_free);
  g_free (self->dedup_key);
  g_free (self->new_user_id);
  g_free (self->reply_to_external_id);
  g_free (self->metadata);
  g_free (self->album);
  g_free (self->quote);
  g_free (self->partner_room_id);
  g_free (self);
}

DeskInbound *
desk_inbound_new (const char *connection, DeskSource source, GBytes *raw)
{
  g_return_val_if_fail (connection != NULL, NULL);
  DeskInbound *self = g_new0 (DeskInbound, 1);

  self->connection = g_strdup (connection);
  self->source = source;
  self->raw = raw != NULL ? g_bytes_ref (raw) : NULL;
  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  return self;
}

void
desk_inbound_free (DeskInbound *self)
{
  if (self == NULL)
    return;
  g_free (self->connection);
  g_clear_pointer (&self->raw, g_bytes_unref);
  g_ptr_array_unref (self->items);
  g_free (self->checkpoint);
  g_free (self->problem);
  g_free (self);
}

void
desk_outbound_free (DeskOutbound *self)
{
  if (self == NULL)
    return;
  g_free (self->connection);
  g_clear_pointer (&self->message, desk_message_free);
  g_free (self->reply_to_external_id);
  g_free (self->emoji);
  g_free (self);
}

DeskOutcome *
desk_outcome_new (DeskOutcomeType type, const char *code, const char *message)
{
  DeskOutcome *self = g_new0 (DeskOutcome, 1);

  self->type = type;
  self->code = g_strdup (code);
  self->message = g_strdup (message);
  self->retry_after_ms = -1;
  return self;
}

DeskOutcome *
desk_outcome_new_not_supported (void)
{
  return desk_outcome_new (DESK_OUTCOME_PERMANENT, "NOT_SUPPORTED",
                           "This platform cannot do that to a message");
}

void
desk_outcome_free (DeskOutcome *self)
{
  if (self == NULL)
    return;
  g_free (self->external_id);
  g_free (self->new_user_id);
  g_free (self->code);
  g_clear_pointer (&self->attachment_ids, g_ptr_array_unref);
  g_free (self->message);
  g_free (self);
}

void
desk_webhook_result_free (DeskWebhookResult *self)
{
  if (self == NULL)
    return;
  g_free (self->body);
  g_clear_pointer (&self->inbound, desk_inbound_free);
  g_free (self);
}

const char *
desk_health_to_string (DeskHealth health)
{
  static const char *const words[] = { "starting", "ok", "degraded", "down" };

  g_return_val_if_fail ((guint)health < G_N_ELEMENTS (words), NULL);
  return words[health];
}
