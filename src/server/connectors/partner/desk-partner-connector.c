/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The connection to one partner's chat.
 * Invariants: a push is believed only with the secret; one request for one message, never repeated
 * by itself; what a send leaves open is found again by reading the room. */

#include "server/connectors/partner/desk-partner-connector.h"

#include <string.h>

#include "common/desk-crypto.h"
#include "common/desk-json.h"
#include "server/connectors/partner/desk-partner-http.h"
#include "server/connectors/partner/desk-partner-parse.h"
#include "server/connectors/partner/desk-partner-sync.h"

#define MAX_PUSH (3 * 1024 * 1024)

struct _DeskPartnerConnector
{
  DeskConnector parent_instance;
  DeskPlatform *platform;
  DeskPartnerHttp *http;
  DeskPartnerSync *sync; /* NULL while stopped */
};

G_DEFINE_FINAL_TYPE (DeskPartnerConnector, desk_partner_connector, DESK_TYPE_CONNECTOR)

static DeskPlatform *
describe (const char *name, const char *title, guint text_limit)
{
  static const char *const statuses[] = { "sent", NULL };
  DeskPlatform *platform = desk_platform_new (name, title);

  platform->text_limit = text_limit;
  platform->text_unit = DESK_TEXT_CHARS;
  g_strfreev (platform->statuses);
  platform->statuses = g_strdupv ((char **)statuses);
  return platform;
}

const DeskPlatform *
desk_partner_describe (void)
{
  static gsize once;
  static DeskPlatform *platform;

  if (g_once_init_enter (&once))
    {
      platform = describe ("partner", "Partner", 2000);
      g_once_init_leave (&once, 1);
    }
  return platform;
}

static const DeskPlatform *
get_platform (DeskConnector *connector)
{
  return DESK_PARTNER_CONNECTOR (connector)->platform;
}

static void
start (DeskConnector *connector)
{
  DeskPartnerConnector *self = DESK_PARTNER_CONNECTOR (connector);

  if (self->sync == NULL)
    self->sync = desk_partner_sync_new (connector, self->http);
}

static void
stop (DeskConnector *connector)
{
  g_clear_pointer (&DESK_PARTNER_CONNECTOR (connector)->sync, desk_partner_sync_free);
}

/* ── Pushes, on an HTTP thread ──────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskPartnerConnector *self;
  GPtrArray *rooms; /* of char* */
} Told;

static void
told_free (gpointer data)
{
  Told *told = data;

  g_object_unref (told->self);
  g_ptr_array_unref (told->rooms);
  g_free (told);
}

static gboolean
describe_idle (gpointer data)
{
  Told *told = data;

  for (guint i = 0; told->self->sync != NULL && i < told->rooms->len; i++)
    desk_partner_sync_describe (told->self->sync, told->rooms->pdata[i]);
  return G_SOURCE_REMOVE;
}

static gboolean
is_authentic (const DeskConnection *connection, const DeskWebhookRequest *request)
{
  const char *secret = connection->webhook_secret;
  const char *header
      = request->get_header (request->request,
                             desk_partner_option (connection, DESK_PARTNER_PUSH_HEADER));

  return secret != NULL && *secret != '\0' && header != NULL
         && desk_secure_equal (secret, strlen (secret), header, strlen (header));
}

/* rooms: nullable, of char* */
static DeskInbound *
read_push (DeskConnector *connector, GBytes *body, GPtrArray *rooms)
{
  const DeskConnection *connection = desk_connector_get_connection (connector);
  DeskConnectorHost *host = desk_connector_get_host (connector);
  DeskInbound *inbound = desk_inbound_new (connection->name, DESK_SOURCE_WEBHOOK, body);
  gsize len;
  const char *text = g_bytes_get_data (body, &len);
  g_autoptr (JsonNode) root = desk_json_parse (text != NULL ? text : "", len, MAX_PUSH, NULL);
  g_autoptr (GPtrArray) rows = NULL;

  if (root == NULL)
    {
      inbound->problem = g_strdup ("it is not JSON");
      return inbound;
    }
  rows = desk_partner_parse_rows (connection, root, DESK_PARTNER_PUSH);
  desk_partner_rows_to_items (connection, rows, NULL, NULL, desk_clock_now_ms (host->clock),
                              inbound->items);
  for (guint i = 0; rooms != NULL && i < rows->len; i++)
    {
      const char *room = ((DeskPartnerRow *)rows->pdata[i])->room;
      if (room != NULL && !g_ptr_array_find_with_equal_func (rooms, room, g_str_equal, NULL))
        g_ptr_array_add (rooms, g_strdup (room));
    }
  return inbound;
}

static DeskWebhookResult *
parse_webhook (DeskConnector *connector, const DeskWebhookRequest *request)
{
  DeskWebhookResult *result = g_new0 (DeskWebhookResult, 1);
  Told *told;

  if (g_strcmp0 (request->method, "POST") != 0)
    result->status = 405;
  else if (!is_authentic (desk_connector_get_connection (connector), request))
    result->status = 403;
  else if (g_bytes_get_size (request->body) > MAX_PUSH)
    result->status = 413;
  if (result->status != 0)
    return result;
  told = g_new0 (Told, 1);
  told->self = g_object_ref (DESK_PARTNER_CONNECTOR (connector));
  told->rooms = g_ptr_array_new_with_free_func (g_free);
  result->status = 200;
  result->inbound = read_push (connector, request->body, told->rooms);
  if (told->rooms->len > 0)
    g_idle_add_full (G_PRIORITY_DEFAULT, describe_idle, told, told_free);
  else
    told_free (told);
  return result;
}

static DeskInbound *
parse_raw (DeskConnector *connector, GBytes *raw, GError **error)
{
  g_autoptr (DeskInbound) inbound = read_push (connector, raw, NULL);

  if (inbound->problem == NULL)
    return g_steal_pointer (&inbound);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "It cannot be understood: %s",
               inbound->problem);
  return NULL;
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */
static const char *
find_room (DeskConnector *connector, const char *user_id)
{
  const char *prefix = desk_connector_get_connection (connector)->chat_prefix;

  if (prefix == NULL || *prefix == '\0')
    return user_id;
  return g_str_has_prefix (user_id, prefix) && user_id[strlen (prefix)] != '\0'
             ? user_id + strlen (prefix)
             : NULL;
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  DeskPartnerConnector *self = g_task_get_source_object (task);
  g_autoptr (DeskPartnerReply) reply = desk_partner_http_call_finish (result);
  DeskOutcome *outcome
      = desk_partner_outcome (reply, desk_connector_get_connection (DESK_CONNECTOR (self)));

  if (self->sync != NULL && !reply->cancelled)
    {
      desk_partner_sync_note_outcome (self->sync, outcome);
      if (outcome->type == DESK_OUTCOME_SENT || outcome->type == DESK_OUTCOME_UNKNOWN)
        desk_partner_sync_touch (self->sync, g_task_get_task_data (task));
    }
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
}

static void
send_async (DeskConnector *connector,
            const DeskOutbound *outbound,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  DeskPartnerConnector *self = DESK_PARTNER_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  const DeskMessage *message = outbound->message;
  const char *room = find_room (connector, message->user_id);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  const char *refusal = NULL;

  g_task_set_source_tag (task, send_async);
  g_task_set_check_cancellable (task, FALSE);
  if (outbound->operation != DESK_OPERATION_SEND)
    {
      g_task_return_pointer (task, desk_outcome_new_not_supported (),
                             (GDestroyNotify)desk_outcome_free);
      return;
    }
  if (room == NULL)
    refusal = "This chat does not belong to the connection";
  else if (message->attachments->len > 0)
    refusal = "This partner takes text alone";
  if (refusal != NULL)
    {
      g_task_return_pointer (task, desk_outcome_new (DESK_OUTCOME_PERMANENT, NULL, refusal),
                             (GDestroyNotify)desk_outcome_free);
      return;
    }
  const DeskPartnerValues values = { .account = connection->account_id,
                                     .room = room,
                                     .text = message->text,
                                     .client_id = message->client_message_id };
  g_autofree char *path = desk_partner_expand_path (
      desk_partner_option (connection, DESK_PARTNER_SEND_PATH), &values);
  g_autofree char *json = desk_partner_expand_json (
      desk_partner_option (connection, DESK_PARTNER_SEND_BODY), &values);
  g_task_set_task_data (task, g_strdup (room), g_free);
  desk_partner_http_call_async (self->http, path, json, cancellable, on_sent,
                                g_steal_pointer (&task));
}

static DeskOutcome *
send_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ── Asked ──────────────────────────────────────────────────────────────────────────────────── */
static void
on_checked (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  DeskConnector *connector = g_task_get_source_object (task);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  g_autoptr (DeskPartnerReply) reply = desk_partner_http_call_finish (result);
  DeskConnectionReport *report = desk_connection_report_new ();
  g_autoptr (GPtrArray) rooms = NULL;

  if (reply->trouble != NULL)
    desk_connection_report_add (report, DESK_FINDING_PROBLEM,
                                desk_trouble_get_advice (DESK_TROUBLE_UNREACHABLE),
                                "There is no connection to the partner: %s", reply->trouble);
  else if (reply->code == 401 || reply->code == 403)
    desk_connection_report_add (report, DESK_FINDING_PROBLEM,
                                "Check account_id, the token and the headers",
                                "The partner refuses this account (%" G_GINT64_FORMAT ")",
                                reply->code);
  else if (!desk_partner_reply_is_good (reply))
    desk_connection_report_add (report, DESK_FINDING_PROBLEM, "Check base_url and path.rooms",
                                "The partner's answer (%" G_GINT64_FORMAT ") cannot be used",
                                reply->code);
  else
    {
      rooms = desk_partner_parse_rooms (connection, reply->root);
      desk_connection_report_add (report, DESK_FINDING_OK, NULL, "The partner lists %u rooms",
                                  rooms->len);
      if (rooms->len == 0)
        desk_connection_report_add (report, DESK_FINDING_NOTE, "Check rooms, room.id and path.rooms",
                                    "No room was found in the answer");
    }
  g_task_return_pointer (task, report, (GDestroyNotify)desk_connection_report_free);
}

static void
check_async (DeskConnector *connector,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer data)
{
  DeskPartnerConnector *self = DESK_PARTNER_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  const char *template = desk_partner_option (connection, DESK_PARTNER_ROOMS_PATH);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  const DeskPartnerValues values = { .account = connection->account_id, .limit = 100, .page = 1 };
  g_autofree char *path = desk_partner_expand_path (template, &values);

  g_task_set_source_tag (task, check_async);
  g_task_set_check_cancellable (task, FALSE);
  if (*template == '\0')
    {
      DeskConnectionReport *report = desk_connection_report_new ();
      desk_connection_report_add (report, DESK_FINDING_NOTE, NULL,
                                  "Without path.rooms there is nothing to ask the partner for");
      g_task_return_pointer (task, report, (GDestroyNotify)desk_connection_report_free);
      return;
    }
  desk_partner_http_call_async (self->http, path, NULL, cancellable, on_checked,
                                g_steal_pointer (&task));
}

static DeskConnectionReport *
check_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ── Products ───────────────────────────────────────────────────────────────────────────────── */
#define PRODUCTS_PAGE 20

static void
on_products (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  DeskConnector *connector = g_task_get_source_object (task);
  const guint page = GPOINTER_TO_UINT (g_task_get_task_data (task));
  g_autoptr (DeskPartnerReply) reply = desk_partner_http_call_finish (result);
  DeskProductPage *found;

  if (!desk_partner_reply_is_good (reply))
    {
      g_task_return_new_error (task, G_IO_ERROR,
                               reply->code == 404 ? G_IO_ERROR_NOT_FOUND : G_IO_ERROR_FAILED,
                               "The partner's answer (%" G_GINT64_FORMAT ") cannot be used",
                               reply->code);
      return;
    }
  found = g_new0 (DeskProductPage, 1);
  found->products = desk_partner_parse_products (desk_connector_get_connection (connector),
                                                 reply->root, &found->n);
  found->next = found->n >= PRODUCTS_PAGE ? page + 1 : 0; /* a full page: there may be more */
  g_task_return_pointer (task, found, (GDestroyNotify)desk_product_page_free);
}

static void
list_products_async (DeskConnector *connector,
                     const char *user_id,
                     const char *customer,
                     guint page,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer data)
{
  DeskPartnerConnector *self = DESK_PARTNER_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  const char *template = desk_partner_option (connection, DESK_PARTNER_PRODUCTS_PATH);
  const char *room = find_room (connector, user_id);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, list_products_async);
  g_task_set_task_data (task, GUINT_TO_POINTER (page), NULL);
  if (*template == '\0')
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "There is no path.products");
  else if (room == NULL || (customer == NULL && strstr (template, "{user}") != NULL))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "Nobody has written yet");
  else
    {
      const DeskPartnerValues values = { .account = connection->account_id,
                                         .room = room,
                                         .user = customer,
                                         .limit = PRODUCTS_PAGE,
                                         .page = page };
      g_autofree char *path = desk_partner_expand_path (template, &values);
      desk_partner_http_call_async (self->http, path, NULL, cancellable, on_products,
                                    g_steal_pointer (&task));
    }
}

static DeskProductPage *
list_products_finish (DeskConnector *connector, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static void
desk_partner_connector_dispose (GObject *object)
{
  stop (DESK_CONNECTOR (object));
  G_OBJECT_CLASS (desk_partner_connector_parent_class)->dispose (object);
}

static void
desk_partner_connector_finalize (GObject *object)
{
  DeskPartnerConnector *self = DESK_PARTNER_CONNECTOR (object);

  g_clear_pointer (&self->http, desk_partner_http_free);
  g_clear_pointer (&self->platform, desk_platform_free);
  G_OBJECT_CLASS (desk_partner_connector_parent_class)->finalize (object);
}

static void
desk_partner_connector_class_init (DeskPartnerConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  DeskConnectorClass *connector_class = DESK_CONNECTOR_CLASS (klass);

  object_class->dispose = desk_partner_connector_dispose;
  object_class->finalize = desk_partner_connector_finalize;
  connector_class->get_platform = get_platform;
  connector_class->start = start;
  connector_class->stop = stop;
  connector_class->parse_webhook = parse_webhook;
  connector_class->parse_raw = parse_raw;
  connector_class->send_async = send_async;
  connector_class->send_finish = send_finish;
  connector_class->check_async = check_async;
  connector_class->check_finish = check_finish;
  connector_class->list_products_async = list_products_async;
  connector_class->list_products_finish = list_products_finish;
}

static void
desk_partner_connector_init (DeskPartnerConnector *self)
{
}

DeskConnector *
desk_partner_connector_new (const DeskConnection *connection, DeskConnectorHost *host, GError **error)
{
  g_return_val_if_fail (connection != NULL && host != NULL, NULL);
  const char *missing = desk_partner_find_missing (connection);
  const char *name = desk_partner_platform_name (connection);
  const char *title = desk_partner_option (connection, DESK_PARTNER_TITLE);
  g_autofree char *made_title = NULL;
  DeskPartnerConnector *self;

  if (missing == NULL && g_strcmp0 (connection->mode, "poll") != 0
      && (connection->webhook_secret == NULL || *connection->webhook_secret == '\0'))
    missing = "webhook_secret";
  if (missing != NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "Connection %s needs “%s” of its partner", connection->name, missing);
      return NULL;
    }
  made_title = g_strdup (name);
  made_title[0] = g_ascii_toupper (made_title[0]);
  self = g_object_new (DESK_TYPE_PARTNER_CONNECTOR, "connection", connection, "host", host, NULL);
  self->platform = describe (
      name, *title != '\0' ? title : made_title,
      (guint)desk_partner_option_number (connection, DESK_PARTNER_TEXT_LIMIT));
  self->http = desk_partner_http_new (connection);
  return DESK_CONNECTOR (self);
}
