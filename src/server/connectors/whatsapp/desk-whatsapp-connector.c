/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* One phone number of the WhatsApp Cloud API. It receives by webhook alone; what runs by itself is
 * a look at the number every few minutes, from which the connection's health follows.
 *
 * Invariants: main thread, except parse_webhook and parse_raw, which touch nothing but the table of
 * last messages (under its lock); at most one step is scheduled or under way. */

#include "server/connectors/whatsapp/desk-whatsapp-connector.h"

#include <string.h>

#include "common/desk-backoff.h"
#include "server/connectors/meta/desk-meta-fetch.h"
#include "server/connectors/meta/desk-meta-graph.h"
#include "server/connectors/meta/desk-meta-webhook.h"
#include "server/connectors/whatsapp/desk-whatsapp-ask.h"
#include "server/connectors/whatsapp/desk-whatsapp-format.h"
#include "server/connectors/whatsapp/desk-whatsapp-parse.h"
#include "server/connectors/whatsapp/desk-whatsapp-rules.h"
#include "server/connectors/whatsapp/desk-whatsapp-send.h"
#include "server/connectors/whatsapp/desk-whatsapp-template.h"

#define DEFAULT_URL       "https://graph.facebook.com"
#define DEFAULT_VERSION   "v23.0"
#define CALL_TIMEOUT_S    60
#define WATCH_INTERVAL_MS (10 * 60 * 1000)
#define BACKOFF_BASE_MS   1000
#define BACKOFF_CAP_MS    60000
#define REFUSED_LOOK_MS   1000
#define MAX_LAST          20000 /* chats whose last message is remembered */

struct _DeskWhatsappConnector
{
  DeskConnector parent_instance;

  DeskMetaGraph *graph;
  DeskMetaFetcher *fetcher;  /* NULL while stopped */
  GCancellable *cancellable; /* NULL while stopped */
  guint timer;
  guint failures; /* in a row, for the backoff */
  gboolean asking;
  DeskHealth told; /* the last health that was told */
  GPtrArray *templates; /* nullable; of DeskWhatsappTemplate */

  GMutex lock;
  GHashTable *last; /* user_id → id of the customer's last message; under lock */
};

G_DEFINE_FINAL_TYPE (DeskWhatsappConnector, desk_whatsapp_connector, DESK_TYPE_CONNECTOR)

const DeskPlatform *
desk_whatsapp_describe (void)
{
  static gsize once;
  static DeskPlatform *platform;

  if (g_once_init_enter (&once))
    {
      static const char *const statuses[] = { "sent", "delivered", "read", NULL };
      platform = desk_platform_new (DESK_WHATSAPP_PLATFORM, "WhatsApp");
      platform->text_limit = DESK_WHATSAPP_MAX_TEXT;
      platform->text_unit = DESK_TEXT_CHARS;
      g_strfreev (platform->statuses);
      platform->statuses = g_strdupv ((char **)statuses);
      platform->can_reply = TRUE;
      platform->can_react = TRUE;
      platform->window_hours = 24;
      platform->attachment_limit = DESK_WHATSAPP_MAX_DOCUMENT;
      g_once_init_leave (&once, 1);
    }
  return platform;
}

static const DeskPlatform *
get_platform (DeskConnector *connector)
{
  return desk_whatsapp_describe ();
}

/* ── Health ─────────────────────────────────────────────────────────────────────────────────── */
static void look (DeskWhatsappConnector *self);

static void
tell (DeskWhatsappConnector *self, DeskHealth health, DeskTrouble trouble, const char *reason)
{
  if (health == DESK_HEALTH_OK && self->told == DESK_HEALTH_OK)
    return;
  self->told = health;
  desk_connector_report_health (DESK_CONNECTOR (self), health, trouble, reason);
}

static gboolean
on_timer (gpointer data)
{
  DeskWhatsappConnector *self = data;

  self->timer = 0;
  look (self);
  return G_SOURCE_REMOVE;
}

static void
look_in (DeskWhatsappConnector *self, gint64 wait_ms)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->cancellable != NULL && !self->asking)
    self->timer = g_timeout_add ((guint)CLAMP (wait_ms, 0, G_MAXINT32), on_timer, self);
}

typedef struct
{
  DeskWhatsappConnector *self;
  GCancellable *run; /* which start() this belongs to */
} Look;

static void
on_looked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Look *call = data;
  g_autoptr (DeskWhatsappConnector) self = call->self;
  g_autoptr (GCancellable) run = call->run;
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  DeskConnectorHost *host = desk_connector_get_host (DESK_CONNECTOR (self));
  g_auto (DeskMetaVerdict) verdict = { 0 };

  if (self->cancellable != run)
    return; /* stopped meanwhile */
  self->asking = FALSE;
  desk_whatsapp_judge (reply, &verdict);
  tell (self, verdict.health, verdict.trouble, verdict.reason);
  if (verdict.ok)
    {
      self->failures = 0;
      look_in (self, WATCH_INTERVAL_MS);
      return;
    }
  look_in (self, verdict.wait_ms >= 0
                     ? verdict.wait_ms
                     : desk_backoff_equal_jitter_ms (self->failures, BACKOFF_BASE_MS,
                                                     BACKOFF_CAP_MS, host->random));
  self->failures++;
}

static void
look (DeskWhatsappConnector *self)
{
  g_autofree char *path
      = desk_whatsapp_number_path (desk_connector_get_connection (DESK_CONNECTOR (self)));
  Look *call = g_new0 (Look, 1);

  self->asking = TRUE;
  call->self = g_object_ref (self);
  call->run = g_object_ref (self->cancellable);
  desk_meta_graph_get_async (self->graph, path, call->run, on_looked, call);
}

static void
start (DeskConnector *connector)
{
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (connector);
  DeskConnectorHost *host = desk_connector_get_host (connector);

  if (self->cancellable != NULL)
    return;
  self->cancellable = g_cancellable_new ();
  if (host->files != NULL)
    self->fetcher = desk_meta_fetcher_new (self->graph, host,
                                           desk_connector_get_connection (connector)->name,
                                           DESK_META_FETCH_BY_ID, DESK_WHATSAPP_MAX_DOCUMENT);
  self->failures = 0;
  self->asking = FALSE;
  tell (self, DESK_HEALTH_STARTING, DESK_TROUBLE_NONE, NULL);
  look_in (self, 0);
}

static void
stop (DeskConnector *connector)
{
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (connector);
  g_autoptr (GCancellable) run = g_steal_pointer (&self->cancellable);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->fetcher, desk_meta_fetcher_free);
  if (run != NULL)
    g_cancellable_cancel (run);
}

/* ── In, on an HTTP thread ──────────────────────────────────────────────────────────────────── */

/* For the courtesy of "read" and "typing", which WhatsApp wants by the message. */
static void
remember_last (DeskWhatsappConnector *self, GPtrArray *items)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < items->len; i++)
    {
      const DeskInboundItem *item = items->pdata[i];
      if (item->type != DESK_INBOUND_MESSAGE || item->message->external_id == NULL
          || item->message->direction != DESK_DIRECTION_INCOMING)
        continue;
      if (g_hash_table_size (self->last) >= MAX_LAST)
        g_hash_table_remove_all (self->last);
      g_hash_table_replace (self->last, g_strdup (item->message->user_id),
                            g_strdup (item->message->external_id));
    }
  g_mutex_unlock (&self->lock);
}

static DeskWebhookResult *
parse_webhook (DeskConnector *connector, const DeskWebhookRequest *request)
{
  const DeskConnection *connection = desk_connector_get_connection (connector);
  DeskConnectorHost *host = desk_connector_get_host (connector);
  g_autoptr (JsonNode) root = NULL;
  DeskWebhookResult *result = desk_meta_webhook_open (connection, request, &root);

  if (root == NULL)
    return result;
  desk_whatsapp_read_payload (connection, desk_clock_now_ms (host->clock), root, result->inbound);
  remember_last (DESK_WHATSAPP_CONNECTOR (connector), result->inbound->items);
  return result;
}

static DeskInbound *
parse_raw (DeskConnector *connector, GBytes *raw, GError **error)
{
  return desk_whatsapp_parse_raw (desk_connector_get_connection (connector),
                                  desk_clock_now_ms (desk_connector_get_host (connector)->clock),
                                  raw, error);
}

static void
fetch_files (DeskConnector *connector, const DeskMessage *message)
{
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (connector);

  if (self->fetcher != NULL)
    desk_meta_fetcher_add (self->fetcher, message);
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */
static void
on_send_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  DeskWhatsappConnector *self = g_task_get_source_object (task);
  DeskOutcome *outcome = desk_whatsapp_send_finish (result);

  /* what stopped this one stops all: red at once, and a look whether it lasts */
  if (outcome->type == DESK_OUTCOME_CONNECTION && self->cancellable != NULL)
    {
      tell (self, DESK_HEALTH_DOWN,
            g_strcmp0 (outcome->code, "190") == 0 ? DESK_TROUBLE_TOKEN : DESK_TROUBLE_PERMISSION,
            outcome->message);
      look_in (self, REFUSED_LOOK_MS);
    }
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
}

static const DeskWhatsappTemplate *
find_template (DeskWhatsappConnector *self, const DeskTemplateUse *use)
{
  for (guint i = 0; self->templates != NULL && i < self->templates->len; i++)
    {
      const DeskWhatsappTemplate *template = self->templates->pdata[i];
      if (strcmp (template->shown->name, use->name) == 0
          && strcmp (template->shown->language, use->language) == 0)
        return template;
    }
  return NULL;
}

static void
outbound_free (gpointer data)
{
  desk_outbound_free (data);
}

static void
send_now (GTask *task, const DeskOutbound *outbound)
{
  DeskConnector *connector = g_task_get_source_object (task);
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (connector);
  const DeskTemplateUse *use
      = outbound->operation == DESK_OPERATION_SEND ? outbound->message->template : NULL;
  const DeskWhatsappTemplate *template = use != NULL ? find_template (self, use) : NULL;
  g_autofree char *components
      = template != NULL ? desk_whatsapp_template_format_components (template, use->variables)
                         : NULL;

  if (use != NULL && template == NULL)
    {
      g_task_return_pointer (task,
                             desk_outcome_new (DESK_OUTCOME_PERMANENT, "132001",
                                               "There is no such template in this language, or it "
                                               "is not approved"),
                             (GDestroyNotify)desk_outcome_free);
      g_object_unref (task);
      return;
    }
  desk_whatsapp_send_async (self->graph, desk_connector_get_host (connector)->files,
                            desk_connector_get_connection (connector), outbound, components,
                            g_task_get_cancellable (task), on_send_done, task);
}

static void
take_templates (DeskWhatsappConnector *self, GPtrArray *templates)
{
  g_clear_pointer (&self->templates, g_ptr_array_unref);
  self->templates = g_ptr_array_ref (templates);
}

/* Not known since the start: nothing was sent yet. */
static void
on_templates_for_send (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) templates = g_task_propagate_pointer (G_TASK (result), &error);

  if (templates != NULL)
    {
      take_templates (g_task_get_source_object (task), templates);
      send_now (task, g_task_get_task_data (task));
      return;
    }
  g_task_return_pointer (task, desk_outcome_new (DESK_OUTCOME_RETRY, NULL, error->message),
                         (GDestroyNotify)desk_outcome_free);
  g_object_unref (task);
}

static void
send_async (DeskConnector *connector,
            const DeskOutbound *outbound,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (connector);
  GTask *task = g_task_new (self, cancellable, callback, data);
  DeskOutbound *copy;

  g_task_set_source_tag (task, send_async);
  g_task_set_check_cancellable (task, FALSE);
  if (outbound->operation != DESK_OPERATION_SEND || outbound->message->template == NULL
      || find_template (self, outbound->message->template) != NULL)
    {
      send_now (task, outbound);
      return;
    }
  copy = g_new0 (DeskOutbound, 1);
  copy->attempt = outbound->attempt;
  copy->operation = outbound->operation;
  copy->message = desk_message_copy (outbound->message);
  copy->reply_to_external_id = g_strdup (outbound->reply_to_external_id);
  g_task_set_task_data (task, copy, outbound_free);
  desk_whatsapp_templates_async (connector, self->graph, cancellable, on_templates_for_send, task);
}

static DeskOutcome *
send_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

static void
on_ignored_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWhatsappConnector) self = data;
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);

  if (!desk_meta_reply_is_ok (reply) && !reply->cancelled)
    g_debug ("A courtesy call failed with HTTP %u", reply->http_status);
}

/* Shown for up to 25 s; WhatsApp marks the customer's messages as read with it. */
static void
typing (DeskConnector *connector, const char *user_id)
{
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  g_autofree char *path = g_strconcat (connection->account_id, "/messages", NULL);
  g_autofree char *last = NULL;
  g_autofree char *json = NULL;

  g_mutex_lock (&self->lock);
  last = g_strdup (g_hash_table_lookup (self->last, user_id));
  g_mutex_unlock (&self->lock);
  if (self->cancellable == NULL || last == NULL || desk_meta_graph_get_wait_ms (self->graph) > 0)
    return;
  json = desk_whatsapp_format_read (last, TRUE);
  desk_meta_graph_post_async (self->graph, path, json, self->cancellable, on_ignored_reply,
                              g_object_ref (self));
}

/* Also marks what came before it (Cloud API, "Mark messages as read"). */
static void
mark_read (DeskConnector *connector, const char *user_id, const char *external_id)
{
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (connector);
  g_autofree char *path
      = g_strconcat (desk_connector_get_connection (connector)->account_id, "/messages", NULL);
  g_autofree char *json = desk_whatsapp_format_read (external_id, FALSE);

  if (self->cancellable != NULL && desk_meta_graph_get_wait_ms (self->graph) <= 0)
    desk_meta_graph_post_async (self->graph, path, json, self->cancellable, on_ignored_reply,
                                g_object_ref (self));
}

/* ── Questions ──────────────────────────────────────────────────────────────────────────────── */
static void
check_async (DeskConnector *connector,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer data)
{
  desk_whatsapp_check_async (connector, DESK_WHATSAPP_CONNECTOR (connector)->graph, cancellable,
                             callback, data);
}

static DeskConnectionReport *
check_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

static void
list_templates_async (DeskConnector *connector,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer data)
{
  desk_whatsapp_templates_async (connector, DESK_WHATSAPP_CONNECTOR (connector)->graph, cancellable,
                                 callback, data);
}

static GPtrArray *
list_templates_finish (DeskConnector *connector, GAsyncResult *result, GError **error)
{
  g_autoptr (GPtrArray) templates = g_task_propagate_pointer (G_TASK (result), error);
  GPtrArray *shown;

  if (templates == NULL)
    return NULL;
  take_templates (DESK_WHATSAPP_CONNECTOR (connector), templates);
  shown = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_template_free);
  for (guint i = 0; i < templates->len; i++)
    g_ptr_array_add (shown,
                     desk_template_copy (((DeskWhatsappTemplate *)templates->pdata[i])->shown));
  return shown;
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static void
desk_whatsapp_connector_dispose (GObject *object)
{
  stop (DESK_CONNECTOR (object));
  G_OBJECT_CLASS (desk_whatsapp_connector_parent_class)->dispose (object);
}

static void
desk_whatsapp_connector_finalize (GObject *object)
{
  DeskWhatsappConnector *self = DESK_WHATSAPP_CONNECTOR (object);

  g_clear_pointer (&self->graph, desk_meta_graph_free);
  g_clear_pointer (&self->templates, g_ptr_array_unref);
  g_hash_table_unref (self->last);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (desk_whatsapp_connector_parent_class)->finalize (object);
}

static void
desk_whatsapp_connector_class_init (DeskWhatsappConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  DeskConnectorClass *connector_class = DESK_CONNECTOR_CLASS (klass);

  object_class->dispose = desk_whatsapp_connector_dispose;
  object_class->finalize = desk_whatsapp_connector_finalize;
  connector_class->get_platform = get_platform;
  connector_class->start = start;
  connector_class->stop = stop;
  connector_class->parse_webhook = parse_webhook;
  connector_class->parse_raw = parse_raw;
  connector_class->fetch_files = fetch_files;
  connector_class->send_async = send_async;
  connector_class->send_finish = send_finish;
  connector_class->typing = typing;
  connector_class->mark_read = mark_read;
  connector_class->check_async = check_async;
  connector_class->check_finish = check_finish;
  connector_class->list_templates_async = list_templates_async;
  connector_class->list_templates_finish = list_templates_finish;
}

static void
desk_whatsapp_connector_init (DeskWhatsappConnector *self)
{
  g_mutex_init (&self->lock);
  self->last = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static const char *
non_empty (const char *text, const char *fallback)
{
  return text != NULL && *text != '\0' ? text : fallback;
}

DeskConnector *
desk_whatsapp_connector_new (const DeskConnection *connection,
                             DeskConnectorHost *host,
                             GError **error)
{
  g_return_val_if_fail (connection != NULL && host != NULL, NULL);
  const char *url = non_empty (connection->base_url, DEFAULT_URL);
  DeskWhatsappConnector *self;

  if (non_empty (connection->token, NULL) == NULL
      || non_empty (connection->account_id, NULL) == NULL
      || non_empty (connection->app_secret, NULL) == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "Connection %s needs an access token, the secret of its app and the id of its "
                   "phone number",
                   connection->name);
      return NULL;
    }
  if (!g_str_has_prefix (url, "https://") && !g_str_has_prefix (url, "http://"))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "base_url of connection %s must begin with https://", connection->name);
      return NULL;
    }
  self = g_object_new (DESK_TYPE_WHATSAPP_CONNECTOR, "connection", connection, "host", host, NULL);
  self->graph = desk_meta_graph_new (url, non_empty (connection->version, DEFAULT_VERSION),
                                     connection->token, CALL_TIMEOUT_S);
  return DESK_CONNECTOR (self);
}
