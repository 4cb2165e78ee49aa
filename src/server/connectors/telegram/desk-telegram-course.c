/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What a connection does by itself: a chain of steps, of which one at a time is under way.
 *
 *   poll:     IDENTIFY → POLL ⟲            (409 "webhook is active": → DELETE_WEBHOOK → POLL)
 *   webhook:  IDENTIFY → SET_WEBHOOK → WATCH ⟲
 *
 * Invariants: the next offset is asked for only after the host stored the updates before it, in
 * one transaction with that offset; a failed step is repeated later and never at once; nothing an
 * update holds can keep the loop from passing it; nobody polls without the token's lock; the token
 * is never logged. */

#include "server/connectors/telegram/desk-telegram-private.h"

#include <string.h>

#include "common/desk-backoff.h"
#include "common/desk-json-writer.h"
#include "server/connectors/telegram/desk-telegram-json.h"
#include "server/connectors/telegram/desk-telegram-lock.h"
#include "server/connectors/telegram/desk-telegram-parse.h"
#include "server/connectors/telegram/desk-telegram-rules.h"
#include "server/connectors/telegram/desk-telegram-webhook.h"

#define POLL_LIMIT        100
#define POLL_SPACING_MS   250 /* after an answer that brought nothing new */
#define BACKOFF_BASE_MS   1000
#define BACKOFF_CAP_MS    60000
#define WATCH_INTERVAL_MS 60000
#define LOCK_RETRY_MS     30000
#define ALLOWED_UPDATES                                                                            \
  "[\"message\",\"edited_message\",\"callback_query\",\"my_chat_member\",\"message_reaction\","       \
  "\"business_connection\",\"business_message\",\"edited_business_message\","                      \
  "\"deleted_business_messages\"]"

typedef DeskTelegramStep Step;

static void run_step (DeskTelegramConnector *self);

void
desk_telegram_course_set_health (DeskTelegramConnector *self, DeskHealth health, DeskTrouble trouble, const char *reason)
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
    desk_telegram_course_set_health (self, DESK_HEALTH_OK, DESK_TROUBLE_NONE, NULL);
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

void
desk_telegram_course_ignore_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskTelegramConnector) self = data;
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);

  if (!reply->ok && !reply->cancelled)
    g_debug ("A courtesy call failed with HTTP %u", reply->http_status);
}

/* Takes the spinner from the pressed button. Nothing depends on it. */
void
desk_telegram_course_answer_callback (DeskTelegramConnector *self, const char *id)
{
  g_autoptr (GString) json = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_string (&writer, "callback_query_id", id);
  desk_json_writer_end_object (&writer);
  desk_telegram_api_post_async (self->api, "answerCallbackQuery", json->str, self->cancellable,
                                desk_telegram_course_ignore_reply, g_object_ref (self));
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
        desk_telegram_course_answer_callback (self, g_ptr_array_index (ingest->parsed->callback_ids, i));
      succeed (self);
      schedule (self, DESK_TELEGRAM_STEP_POLL, ingest->advances ? 0 : POLL_SPACING_MS);
    }
  else if (self->cancellable == ingest->run)
    {
      /* the offset stays: Telegram delivers these updates again */
      desk_telegram_course_set_health (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_STORAGE,
                  "Received messages could not be stored; trying again");
      retry_later (self, DESK_TELEGRAM_STEP_POLL, -1);
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
      schedule (self, DESK_TELEGRAM_STEP_POLL, POLL_SPACING_MS);
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
      schedule (self, DESK_TELEGRAM_STEP_SET_WEBHOOK, POLL_SPACING_MS);
      return;
    }
  if (reply->ok && failed_s > now_s - 2 * WATCH_INTERVAL_MS / 1000
      && desk_tg_int_or (info, "pending_update_count", 0) > 0)
    {
      const char *why = desk_tg_string (info, "last_error_message");
      g_autofree char *reason
          = g_strdup_printf ("Telegram cannot deliver messages to this server: %s",
                             why != NULL ? why : "no reason told");
      desk_telegram_course_set_health (self, DESK_HEALTH_DEGRADED, DESK_TROUBLE_WEBHOOK, reason);
      self->settled = FALSE;
    }
  else
    succeed (self);
  schedule (self, DESK_TELEGRAM_STEP_WATCH, WATCH_INTERVAL_MS);
}

/* ── Steps ──────────────────────────────────────────────────────────────────────────────────── */

static void
handle_success (DeskTelegramConnector *self, DeskTelegramReply *reply)
{
  switch (self->step)
    {
    case DESK_TELEGRAM_STEP_IDENTIFY:
      if (!self->uses_webhook)
        {
          schedule (self, DESK_TELEGRAM_STEP_POLL, 0);
          break;
        }
      schedule (self, DESK_TELEGRAM_STEP_SET_WEBHOOK, 0);
      break;
    case DESK_TELEGRAM_STEP_DELETE_WEBHOOK:
      schedule (self, DESK_TELEGRAM_STEP_POLL, POLL_SPACING_MS);
      break;
    case DESK_TELEGRAM_STEP_POLL:
      handle_updates (self, reply);
      break;
    case DESK_TELEGRAM_STEP_SET_WEBHOOK:
      succeed (self);
      schedule (self, DESK_TELEGRAM_STEP_WATCH, 0);
      break;
    case DESK_TELEGRAM_STEP_WATCH:
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

  if (self->step == DESK_TELEGRAM_STEP_WATCH && verdict->health != DESK_HEALTH_DOWN)
    {
      schedule (self, DESK_TELEGRAM_STEP_WATCH, WATCH_INTERVAL_MS);
      return;
    }
  if (self->step == DESK_TELEGRAM_STEP_POLL && step_over_unreadable (self, reply))
    return;
  if (self->step == DESK_TELEGRAM_STEP_POLL && verdict->delete_webhook)
    next = DESK_TELEGRAM_STEP_DELETE_WEBHOOK;
  if (verdict->health == DESK_HEALTH_DOWN && reply->error_code != 409)
    next = DESK_TELEGRAM_STEP_IDENTIFY;
  desk_telegram_course_set_health (self, verdict->health, verdict->trouble, verdict->reason);
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
  if (self->step == DESK_TELEGRAM_STEP_WATCH && reply->error_code == 404)
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
                          self->offset, self->limit, self->settled ? DESK_TELEGRAM_POLL_TIMEOUT_S : 0, allowed);
}

/* Telegram ends one poll when another begins, and so takes turns between two pollers for ever. */
static gboolean
may_poll (DeskTelegramConnector *self)
{
  const DeskConnection *connection = desk_connector_get_connection (DESK_CONNECTOR (self));

  if (self->uses_webhook || self->lock >= 0)
    return TRUE;
  self->lock = desk_telegram_lock (connection->base_url, connection->token);
  if (self->lock >= 0)
    return TRUE;
  desk_telegram_course_set_health (
      self, DESK_HEALTH_DOWN, DESK_TROUBLE_CONFLICT,
      "Another connection on this machine receives the messages of this bot");
  retry_later (self, DESK_TELEGRAM_STEP_IDENTIFY, LOCK_RETRY_MS);
  return FALSE;
}

static void
run_step (DeskTelegramConnector *self)
{
  if (!may_poll (self))
    return;
  const DeskConnection *connection = desk_connector_get_connection (DESK_CONNECTOR (self));
  g_autofree char *text = NULL;
  StepCall *call = g_new0 (StepCall, 1);

  call->self = g_object_ref (self);
  call->run = g_object_ref (self->cancellable);
  switch (self->step)
    {
    case DESK_TELEGRAM_STEP_IDENTIFY:
      desk_telegram_api_get_async (self->api, "getMe", NULL, call->run, on_step_reply, call);
      break;
    case DESK_TELEGRAM_STEP_DELETE_WEBHOOK:
      desk_telegram_api_post_async (self->api, "deleteWebhook", "{}", call->run, on_step_reply,
                                    call);
      break;
    case DESK_TELEGRAM_STEP_POLL:
      text = format_poll_query (self);
      desk_telegram_api_get_async (self->api, "getUpdates", text, call->run, on_step_reply, call);
      break;
    case DESK_TELEGRAM_STEP_SET_WEBHOOK:
      text = desk_telegram_webhook_format (connection, ALLOWED_UPDATES);
      desk_telegram_api_post_async (self->api, "setWebhook", text, call->run, on_step_reply, call);
      break;
    case DESK_TELEGRAM_STEP_WATCH:
      desk_telegram_api_get_async (self->api, "getWebhookInfo", NULL, call->run, on_step_reply,
                                   call);
      break;
    }
}

void
desk_telegram_course_start (DeskConnector *connector)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  DeskConnectorHost *host = desk_connector_get_host (connector);
  g_autofree char *checkpoint = NULL;

  if (self->cancellable != NULL)
    return;
  if (self->uses_webhook && (connection->public_url == NULL || *connection->public_url == '\0'))
    {
      desk_telegram_course_set_health (self, DESK_HEALTH_DOWN, DESK_TROUBLE_CONFIG,
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
  desk_telegram_course_set_health (self, DESK_HEALTH_STARTING, DESK_TROUBLE_NONE, NULL);
  schedule (self, DESK_TELEGRAM_STEP_IDENTIFY, 0);
}

/* A registered webhook stays: Telegram keeps what arrives until the daemon is back. */
void
desk_telegram_course_stop (DeskConnector *connector)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);
  g_autoptr (GCancellable) run = g_steal_pointer (&self->cancellable);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->fetcher, desk_telegram_fetcher_free);
  desk_telegram_unlock (&self->lock);
  if (run != NULL)
    g_cancellable_cancel (run);
}
