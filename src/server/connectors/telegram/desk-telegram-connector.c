/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The connection of one Telegram bot: a chain of steps, of which one at a time is under way.
 *
 *   poll:     IDENTIFY → POLL ⟲            (409 "webhook is active": → DELETE_WEBHOOK → POLL)
 *   webhook:  IDENTIFY → SET_WEBHOOK → WATCH ⟲
 *
 * Invariants: the next offset is asked for only after the host stored the updates before it, in
 * one transaction with that offset; a failed step is repeated later and never at once; nothing an
 * update holds can keep the loop from passing it; the token is never logged. */

#include "server/connectors/telegram/desk-telegram-connector.h"

#include <string.h>

#include "common/desk-backoff.h"
#include "common/desk-json-writer.h"
#include "server/connectors/telegram/desk-telegram-ask.h"
#include "server/connectors/telegram/desk-telegram-fetch.h"
#include "server/connectors/telegram/desk-telegram-json.h"
#include "server/connectors/telegram/desk-telegram-parse.h"
#include "server/connectors/telegram/desk-telegram-rules.h"
#include "server/connectors/telegram/desk-telegram-send.h"
#include "server/connectors/telegram/desk-telegram-webhook.h"

#define DEFAULT_URL       "https://api.telegram.org"
#define POLL_TIMEOUT_S    50 /* the server's maximum */
#define CALL_TIMEOUT_S    30
#define POLL_LIMIT        100
#define POLL_SPACING_MS   250 /* after an answer that brought nothing new */
#define BACKOFF_BASE_MS   1000
#define BACKOFF_CAP_MS    60000
#define WATCH_INTERVAL_MS 60000
#define ALLOWED_UPDATES                                                                            \
  "[\"message\",\"edited_message\",\"callback_query\",\"my_chat_member\",\"message_reaction\"]"

typedef enum
{
  STEP_IDENTIFY,
  STEP_DELETE_WEBHOOK,
  STEP_POLL,
  STEP_SET_WEBHOOK,
  STEP_WATCH,
} Step;

struct _DeskTelegramConnector
{
  DeskConnector parent_instance;

  DeskTelegramApi *api;
  DeskTelegramFetcher *fetcher; /* NULL while stopped */
  gboolean uses_webhook;

  Step step;
  GCancellable *cancellable; /* NULL while stopped */
  guint timer;
  guint failures;   /* in a row, for the backoff */
  gboolean settled; /* the last step succeeded: polls may wait long */

  gint64 offset; /* 0: from the oldest that Telegram keeps */
  guint limit;   /* 1 while looking for an update that cannot be read */
};

G_DEFINE_FINAL_TYPE (DeskTelegramConnector, desk_telegram_connector, DESK_TYPE_CONNECTOR)

static void run_step (DeskTelegramConnector *self);

const DeskPlatform *
desk_telegram_describe (void)
{
  static gsize once;
  static DeskPlatform *platform;

  if (g_once_init_enter (&once))
    {
      static const char *const statuses[] = { "sent", NULL };
      platform = desk_platform_new (DESK_TELEGRAM_PLATFORM, "Telegram");
      platform->text_limit = 4096;
      platform->text_unit = DESK_TEXT_CHARS;
      g_strfreev (platform->statuses);
      platform->statuses = g_strdupv ((char **)statuses);
      platform->can_reply = TRUE;
      platform->attachment_limit = 20 * 1024 * 1024; /* what a bot could also fetch again */
      g_once_init_leave (&once, 1);
    }
  return platform;
}

static const DeskPlatform *
get_platform (DeskConnector *connector)
{
  return desk_telegram_describe ();
}

static void
set_health (DeskTelegramConnector *self, DeskHealth health, DeskTrouble trouble, const char *reason)
{
  desk_connector_report_health (DESK_CONNECTOR (self), health, trouble, reason);
}

static gboolean
on_timer (gpointer data)
{
  DeskTelegramConnector *self = data;

  self->timer = 0;
  run_step (self);
  return G_SOURCE_REMOVE;
}

static void
schedule (DeskTelegramConnector *self, Step step, gint64 wait_ms)
{
  g_return_if_fail (self->timer == 0);
  self->step = step;
  self->timer = g_timeout_add ((guint)CLAMP (wait_ms, 0, G_MAXINT32), on_timer, self);
}

/* wait_ms -1: by growing steps */
static void
retry_later (DeskTelegramConnector *self, Step step, gint64 wait_ms)
{
  DeskConnectorHost *host = desk_connector_get_host (DESK_CONNECTOR (self));

  self->settled = FALSE;
  if (wait_ms < 0)
    wait_ms = desk_backoff_equal_jitter_ms (self->failures, BACKOFF_BASE_MS, BACKOFF_CAP_MS,
                                            host->random);
  self->failures++;
  schedule (self, step, wait_ms);
}

static void
succeed (DeskTelegramConnector *self)
{
  self->failures = 0;
  if (!self->settled)
    set_health (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
  self->settled = TRUE;
}

/* ── Polling ────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskTelegramConnector *self;
  DeskTelegramParsed *parsed;
  GCancellable *run; /* which start() this belongs to */
  gboolean advances; /* the offset grows: Telegram has more for us at once */
} Ingest;

static void
ingest_free (Ingest *ingest)
{
  g_object_unref (ingest->self);
  desk_telegram_parsed_free (ingest->parsed);
  g_object_unref (ingest->run);
  g_free (ingest);
}

static void
on_ignored_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTelegramConnector) self = data;
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);

  if (!reply->ok && !reply->cancelled)
    g_debug ("A courtesy call failed with HTTP %u", reply->http_status);
}

/* Takes the spinner from the pressed button. Nothing depends on it. */
static void
answer_callback (DeskTelegramConnector *self, const char *id)
{
  g_autoptr (GString) json = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_string (&writer, "callback_query_id", id);
  desk_json_writer_end_object (&writer);
  desk_telegram_api_post_async (self->api, "answerCallbackQuery", json->str, self->cancellable,
                                on_ignored_reply, g_object_ref (self));
}

static void
on_ingested (gboolean stored, const GError *error, gpointer data)
{
  Ingest *ingest = data;
  DeskTelegramConnector *self = ingest->self;

  if (self->cancellable == ingest->run && stored)
    {
      if (ingest->parsed->next_offset > 0)
        self->offset = ingest->parsed->next_offset;
      self->limit = POLL_LIMIT;
      for (guint i = 0; i < ingest->parsed->callback_ids->len; i++)
        answer_callback (self, g_ptr_array_index (ingest->parsed->callback_ids, i));
      succeed (self);
      schedule (self, STEP_POLL, ingest->advances ? 0 : POLL_SPACING_MS);
    }
  else if (self->cancellable == ingest->run)
    {
      /* the offset stays: Telegram delivers these updates again */
      set_health (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_STORAGE,
                  "Received messages could not be stored; trying again");
      retry_later (self, STEP_POLL, -1);
    }
  ingest_free (ingest);
}

static void
ingest (DeskTelegramConnector *self, DeskTelegramParsed *parsed, GBytes *raw, const char *problem)
{
  DeskConnectorHost *host = desk_connector_get_host (DESK_CONNECTOR (self));
  const char *name = desk_connector_get_connection (DESK_CONNECTOR (self))->name;
  DeskInbound *inbound = desk_inbound_new (name, DESK_SOURCE_POLL, raw);
  Ingest *data = g_new0 (Ingest, 1);
  GPtrArray *items = inbound->items;

  inbound->items = parsed->items;
  parsed->items = items;
  inbound->problem = g_strdup (problem);
  if (parsed->next_offset > 0)
    inbound->checkpoint = g_strdup_printf ("%" G_GINT64_FORMAT, parsed->next_offset);
  if (parsed->n_ignored > 0)
    g_info ("%s: %u updates of no interest were confirmed", name, parsed->n_ignored);

  data->self = g_object_ref (self);
  data->parsed = parsed;
  data->run = g_object_ref (self->cancellable);
  data->advances = parsed->next_offset > self->offset;
  host->ingest (host, inbound, on_ingested, data);
}

/* The update_id of a text that is not JSON to us, or -1. */
static gint64
find_update_id (GBytes *body)
{
  static const char key[] = "\"update_id\"";
  gsize len;
  const char *text = g_bytes_get_data (body, &len);
  const char *at = len > 0 ? memmem (text, len, key, strlen (key)) : NULL;
  gint64 id = 0;
  guint digits = 0;

  if (at == NULL)
    return -1;
  for (at += strlen (key); at < text + len && strchr (" \t\r\n:", *at) != NULL && *at != '\0'; at++)
    ;
  for (; at < text + len && g_ascii_isdigit (*at) && digits < 18; at++, digits++)
    id = id * 10 + (*at - '0');
  return digits > 0 ? id : -1;
}

/* An answer with updates that our reader refuses (nesting, broken Unicode) would come again for
 * ever. So they are fetched one by one, and the one at fault is confirmed and left out; the
 * warning tells of it. Returns whether that is what is going on. */
static gboolean
step_over_unreadable (DeskTelegramConnector *self, DeskTelegramReply *reply)
{
  g_autoptr (DeskTelegramParsed) parsed = NULL;
  gint64 id;

  if (reply->trouble != NULL || reply->http_status != 200 || reply->root != NULL)
    return FALSE;
  id = find_update_id (reply->body);
  if (id < 0 || id < self->offset)
    return FALSE;
  if (self->limit > 1)
    {
      self->limit = 1;
      return FALSE; /* look again, after the usual wait */
    }
  g_warning ("An update of Telegram cannot be read and is left out");
  parsed = desk_telegram_parsed_new ();
  parsed->next_offset = id + 1;
  parsed->n_ignored = 1;
  ingest (self, g_steal_pointer (&parsed), reply->body, "It is not JSON that can be read");
  return TRUE;
}

static void
handle_updates (DeskTelegramConnector *self, DeskTelegramReply *reply)
{
  DeskConnectorHost *host = desk_connector_get_host (DESK_CONNECTOR (self));
  const DeskConnection *connection = desk_connector_get_connection (DESK_CONNECTOR (self));
  JsonArray *updates = reply->result != NULL && JSON_NODE_HOLDS_ARRAY (reply->result)
                           ? json_node_get_array (reply->result)
                           : NULL;

  if (updates == NULL || json_array_get_length (updates) == 0)
    {
      succeed (self);
      schedule (self, STEP_POLL, POLL_SPACING_MS);
      return;
    }
  DeskTelegramContext context = { connection->chat_prefix != NULL ? connection->chat_prefix : "",
                                  desk_clock_now_ms (host->clock) };
  ingest (self, desk_telegram_parse_updates (&context, updates), reply->body, NULL);
}

/* ── Webhook ────────────────────────────────────────────────────────────────────────────────── */

/* getWebhookInfo tells how deliveries to us went. Servers that lack it are tolerated. */
static void
handle_webhook_info (DeskTelegramConnector *self, DeskTelegramReply *reply)
{
  DeskConnectorHost *host = desk_connector_get_host (DESK_CONNECTOR (self));
  JsonObject *info = reply->result != NULL && JSON_NODE_HOLDS_OBJECT (reply->result)
                         ? json_node_get_object (reply->result)
                         : NULL;
  gint64 failed_s = desk_tg_int_or (info, "last_error_date", 0);
  gint64 now_s = desk_clock_now_ms (host->clock) / 1000;
  JsonNode *url = info != NULL ? json_object_get_member (info, "url") : NULL;

  /* present but empty: somebody removed the webhook */
  if (reply->ok && url != NULL && JSON_NODE_HOLDS_VALUE (url)
      && desk_tg_string (info, "url") == NULL)
    {
      self->settled = FALSE;
      schedule (self, STEP_SET_WEBHOOK, POLL_SPACING_MS);
      return;
    }
  if (reply->ok && failed_s > now_s - 2 * WATCH_INTERVAL_MS / 1000
      && desk_tg_int_or (info, "pending_update_count", 0) > 0)
    {
      const char *why = desk_tg_string (info, "last_error_message");
      g_autofree char *reason
          = g_strdup_printf ("Telegram cannot deliver messages to this server: %s",
                             why != NULL ? why : "no reason told");
      set_health (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_WEBHOOK, reason);
      self->settled = FALSE;
    }
  else
    succeed (self);
  schedule (self, STEP_WATCH, WATCH_INTERVAL_MS);
}

/* ── Steps ──────────────────────────────────────────────────────────────────────────────────── */

static void
handle_success (DeskTelegramConnector *self, DeskTelegramReply *reply)
{
  switch (self->step)
    {
    case STEP_IDENTIFY:
      if (!self->uses_webhook)
        {
          schedule (self, STEP_POLL, 0);
          break;
        }
      schedule (self, STEP_SET_WEBHOOK, 0);
      break;
    case STEP_DELETE_WEBHOOK:
      schedule (self, STEP_POLL, POLL_SPACING_MS);
      break;
    case STEP_POLL:
      handle_updates (self, reply);
      break;
    case STEP_SET_WEBHOOK:
      succeed (self);
      schedule (self, STEP_WATCH, 0);
      break;
    case STEP_WATCH:
      handle_webhook_info (self, reply);
      break;
    }
}

static void
handle_failure (DeskTelegramConnector *self,
                DeskTelegramReply *reply,
                const DeskTelegramVerdict *verdict)
{
  Step next = self->step;

  if (self->step == STEP_WATCH && verdict->health != DESK_HEALTH_DOWN)
    {
      schedule (self, STEP_WATCH, WATCH_INTERVAL_MS);
      return;
    }
  if (self->step == STEP_POLL && step_over_unreadable (self, reply))
    return;
  if (self->step == STEP_POLL && verdict->delete_webhook)
    next = STEP_DELETE_WEBHOOK;
  if (verdict->health == DESK_HEALTH_DOWN && reply->error_code != 409)
    next = STEP_IDENTIFY;
  set_health (self, verdict->health, verdict->trouble, verdict->reason);
  /* once at once; if the webhook comes back, more and more slowly */
  retry_later (self, next,
               verdict->delete_webhook && self->failures == 0 ? POLL_SPACING_MS : verdict->wait_ms);
}

typedef struct
{
  DeskTelegramConnector *self;
  GCancellable *run;
} StepCall;

static void
on_step_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree StepCall *call = data;
  g_autoptr (DeskTelegramConnector) self = call->self;
  g_autoptr (GCancellable) run = call->run;
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);
  g_auto (DeskTelegramVerdict) verdict = { 0 };

  if (self->cancellable != run)
    return; /* stopped meanwhile */
  desk_telegram_judge (reply, &verdict);
  if (self->step == STEP_WATCH && reply->error_code == 404)
    verdict.health = DESK_HEALTH_DEGRADED; /* such a server does not know the method */
  if (verdict.ok)
    handle_success (self, reply);
  else
    handle_failure (self, reply, &verdict);
}

static char *
format_poll_query (DeskTelegramConnector *self)
{
  g_autofree char *allowed = g_uri_escape_string (ALLOWED_UPDATES, NULL, FALSE);

  /* the first poll does not wait, so that health is known at once */
  return g_strdup_printf ("offset=%" G_GINT64_FORMAT "&limit=%u&timeout=%d&allowed_updates=%s",
                          self->offset, self->limit, self->settled ? POLL_TIMEOUT_S : 0, allowed);
}

static void
run_step (DeskTelegramConnector *self)
{
  const DeskConnection *connection = desk_connector_get_connection (DESK_CONNECTOR (self));
  g_autofree char *text = NULL;
  StepCall *call = g_new0 (StepCall, 1);

  call->self = g_object_ref (self);
  call->run = g_object_ref (self->cancellable);
  switch (self->step)
    {
    case STEP_IDENTIFY:
      desk_telegram_api_get_async (self->api, "getMe", NULL, call->run, on_step_reply, call);
      break;
    case STEP_DELETE_WEBHOOK:
      desk_telegram_api_post_async (self->api, "deleteWebhook", "{}", call->run, on_step_reply,
                                    call);
      break;
    case STEP_POLL:
      text = format_poll_query (self);
      desk_telegram_api_get_async (self->api, "getUpdates", text, call->run, on_step_reply, call);
      break;
    case STEP_SET_WEBHOOK:
      text = desk_telegram_webhook_format (connection, ALLOWED_UPDATES);
      desk_telegram_api_post_async (self->api, "setWebhook", text, call->run, on_step_reply, call);
      break;
    case STEP_WATCH:
      desk_telegram_api_get_async (self->api, "getWebhookInfo", NULL, call->run, on_step_reply,
                                   call);
      break;
    }
}

static void
start (DeskConnector *connector)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  DeskConnectorHost *host = desk_connector_get_host (connector);
  g_autofree char *checkpoint = NULL;

  if (self->cancellable != NULL)
    return;
  if (self->uses_webhook && (connection->public_url == NULL || *connection->public_url == '\0'))
    {
      set_health (self, DESK_HEALTH_DOWN, DESK_TROUBLE_CONFIG,
                  "A webhook needs public_url in section [server] of the configuration");
      return;
    }
  self->cancellable = g_cancellable_new ();
  if (host->files != NULL)
    self->fetcher = desk_telegram_fetcher_new (self->api, host, connection->name);
  self->failures = 0;
  self->settled = FALSE;
  self->limit = POLL_LIMIT;
  self->offset = 0;
  if (!self->uses_webhook)
    {
      checkpoint = host->get_checkpoint (host, connection->name);
      if (checkpoint != NULL
          && !g_ascii_string_to_signed (checkpoint, 10, 0, G_MAXINT64, &self->offset, NULL))
        g_warning ("%s: the stored poll position is not a number; starting over", connection->name);
    }
  set_health (self, DESK_HEALTH_STARTING, DESK_TROUBLE_NONE, NULL);
  schedule (self, STEP_IDENTIFY, 0);
}

/* A registered webhook stays: Telegram keeps what arrives until the daemon is back. */
static void
stop (DeskConnector *connector)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);
  g_autoptr (GCancellable) run = g_steal_pointer (&self->cancellable);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->fetcher, desk_telegram_fetcher_free);
  if (run != NULL)
    g_cancellable_cancel (run);
}

/* ── Webhook requests, on an HTTP thread ────────────────────────────────────────────────────── */

typedef struct
{
  DeskTelegramConnector *self;
  GPtrArray *ids;
} Callbacks;

static gboolean
answer_callbacks_idle (gpointer data)
{
  Callbacks *callbacks = data;

  for (guint i = 0; callbacks->self->cancellable != NULL && i < callbacks->ids->len; i++)
    answer_callback (callbacks->self, g_ptr_array_index (callbacks->ids, i));
  return G_SOURCE_REMOVE;
}

static void
callbacks_free (gpointer data)
{
  Callbacks *callbacks = data;

  g_object_unref (callbacks->self);
  g_ptr_array_unref (callbacks->ids);
  g_free (callbacks);
}

static void
answer_callbacks_later (DeskTelegramConnector *self, GPtrArray *ids)
{
  Callbacks *callbacks;

  if (ids->len == 0)
    return;
  callbacks = g_new0 (Callbacks, 1);
  callbacks->self = g_object_ref (self);
  callbacks->ids = g_ptr_array_ref (ids);
  g_idle_add_full (G_PRIORITY_DEFAULT, answer_callbacks_idle, callbacks, callbacks_free);
}

static DeskWebhookResult *
parse_webhook (DeskConnector *connector, const DeskWebhookRequest *request)
{
  DeskConnectorHost *host = desk_connector_get_host (connector);
  g_autoptr (DeskTelegramParsed) parsed = desk_telegram_parsed_new ();
  DeskWebhookResult *result
      = desk_telegram_webhook_read (desk_connector_get_connection (connector),
                                    desk_clock_now_ms (host->clock), request, parsed);

  answer_callbacks_later (DESK_TELEGRAM_CONNECTOR (connector), parsed->callback_ids);
  return result;
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */

static void
on_send_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  g_task_return_pointer (task, desk_telegram_send_finish (result),
                         (GDestroyNotify)desk_outcome_free);
}

static void
send_async (DeskConnector *connector,
            const DeskOutbound *outbound,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  GTask *task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, send_async);
  g_task_set_check_cancellable (task, FALSE);
  if (outbound->operation != DESK_OPERATION_SEND)
    {
      g_task_return_pointer (task, desk_outcome_new_not_supported (),
                             (GDestroyNotify)desk_outcome_free);
      g_object_unref (task);
      return;
    }
  desk_telegram_send_async (self->api, desk_connector_get_host (connector)->files,
                            connection->chat_prefix != NULL ? connection->chat_prefix : "",
                            outbound, cancellable, on_send_done, task);
}

static DeskOutcome *
send_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

static void
fetch_files (DeskConnector *connector, const DeskMessage *message)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);

  if (self->fetcher != NULL)
    desk_telegram_fetcher_add (self->fetcher, message);
}

/* Shown for up to 5 s; callers repeat it. */
static void
typing (DeskConnector *connector, const char *user_id)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  g_autofree char *json = NULL;
  gint64 chat_id;

  if (self->cancellable == NULL
      || !desk_telegram_chat_id (connection->chat_prefix != NULL ? connection->chat_prefix : "",
                                 user_id, &chat_id))
    return;
  json = g_strdup_printf ("{\"chat_id\":%" G_GINT64_FORMAT ",\"action\":\"typing\"}", chat_id);
  desk_telegram_api_post_async (self->api, "sendChatAction", json, self->cancellable,
                                on_ignored_reply, g_object_ref (self));
}

/* ── What can be asked ──────────────────────────────────────────────────────────────────────── */

static DeskInbound *
parse_raw (DeskConnector *connector, GBytes *raw, GError **error)
{
  return desk_telegram_parse_raw (desk_connector_get_connection (connector),
                                  desk_clock_now_ms (desk_connector_get_host (connector)->clock), raw,
                                  error);
}

static void
check_async (DeskConnector *connector,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer data)
{
  desk_telegram_check_async (connector, DESK_TELEGRAM_CONNECTOR (connector)->api, cancellable,
                             callback, data);
}

static DeskConnectionReport *
check_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

static void
get_profile_async (DeskConnector *connector,
                   const char *user_id,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer data)
{
  desk_telegram_profile_async (connector, DESK_TELEGRAM_CONNECTOR (connector)->api, user_id,
                               cancellable, callback, data);
}

static DeskFoundProfile *
get_profile_finish (DeskConnector *connector, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
desk_telegram_connector_dispose (GObject *object)
{
  stop (DESK_CONNECTOR (object));
  G_OBJECT_CLASS (desk_telegram_connector_parent_class)->dispose (object);
}

static void
desk_telegram_connector_finalize (GObject *object)
{
  g_clear_pointer (&DESK_TELEGRAM_CONNECTOR (object)->api, desk_telegram_api_free);
  G_OBJECT_CLASS (desk_telegram_connector_parent_class)->finalize (object);
}

static void
desk_telegram_connector_class_init (DeskTelegramConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  DeskConnectorClass *connector_class = DESK_CONNECTOR_CLASS (klass);

  object_class->dispose = desk_telegram_connector_dispose;
  object_class->finalize = desk_telegram_connector_finalize;
  connector_class->get_platform = get_platform;
  connector_class->start = start;
  connector_class->stop = stop;
  connector_class->parse_webhook = parse_webhook;
  connector_class->fetch_files = fetch_files;
  connector_class->send_async = send_async;
  connector_class->send_finish = send_finish;
  connector_class->typing = typing;
  connector_class->parse_raw = parse_raw;
  connector_class->check_async = check_async;
  connector_class->check_finish = check_finish;
  connector_class->get_profile_async = get_profile_async;
  connector_class->get_profile_finish = get_profile_finish;
}

static void
desk_telegram_connector_init (DeskTelegramConnector *self)
{
}

DeskConnector *
desk_telegram_connector_new (const DeskConnection *connection,
                             DeskConnectorHost *host,
                             GError **error)
{
  g_return_val_if_fail (connection != NULL && host != NULL, NULL);
  const char *url = connection->base_url != NULL && *connection->base_url != '\0'
                        ? connection->base_url
                        : DEFAULT_URL;
  DeskTelegramConnector *self;

  if (connection->token == NULL || *connection->token == '\0')
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "Connection %s needs the token of its Telegram bot", connection->name);
      return NULL;
    }
  if (!g_str_has_prefix (url, "https://") && !g_str_has_prefix (url, "http://"))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "base_url of connection %s must begin with https://", connection->name);
      return NULL;
    }
  self = g_object_new (DESK_TYPE_TELEGRAM_CONNECTOR, "connection", connection, "host", host, NULL);
  self->api = desk_telegram_api_new (url, connection->token, POLL_TIMEOUT_S, CALL_TIMEOUT_S);
  self->uses_webhook = g_strcmp0 (connection->mode, "webhook") == 0;
  return DESK_CONNECTOR (self);
}
