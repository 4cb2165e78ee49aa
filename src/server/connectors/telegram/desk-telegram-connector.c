/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* One Telegram bot as the daemon sees it. What it does by itself is desk-telegram-course.c.
 * Invariant: the token is never logged. */

#include "server/connectors/telegram/desk-telegram-private.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "server/connectors/telegram/desk-telegram-ask.h"
#include "server/connectors/telegram/desk-telegram-parse.h"
#include "server/connectors/telegram/desk-telegram-change.h"
#include "server/connectors/telegram/desk-telegram-send.h"
#include "server/connectors/telegram/desk-telegram-webhook.h"

#define DEFAULT_URL    "https://api.telegram.org"
#define CALL_TIMEOUT_S 30

G_DEFINE_FINAL_TYPE (DeskTelegramConnector, desk_telegram_connector, DESK_TYPE_CONNECTOR)

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
      platform->can_edit = TRUE;
      platform->can_delete = TRUE;
      platform->can_react = TRUE;
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
    desk_telegram_course_answer_callback (callbacks->self, g_ptr_array_index (callbacks->ids, i));
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
on_changed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  g_task_return_pointer (task, desk_telegram_change_finish (result),
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
  const char *prefix = connection->chat_prefix != NULL ? connection->chat_prefix : "";
  GTask *task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, send_async);
  g_task_set_check_cancellable (task, FALSE);
  if (outbound->operation == DESK_OPERATION_SEND)
    desk_telegram_send_async (self->api, self->limiter, desk_connector_get_host (connector)->files,
                              prefix, outbound, cancellable, on_send_done, task);
  else
    desk_telegram_change_async (self->api, self->limiter, prefix, outbound, cancellable, on_changed,
                                task);
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
  g_autoptr (GString) json = g_string_new (NULL);
  const char *business;
  DeskJsonWriter writer;
  gint64 chat_id;

  if (self->cancellable == NULL
      || !desk_telegram_target (connection->chat_prefix != NULL ? connection->chat_prefix : "",
                                user_id, &chat_id, &business))
    return;
  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  if (business != NULL)
    desk_json_writer_member_string (&writer, "business_connection_id", business);
  desk_json_writer_member_int64 (&writer, "chat_id", chat_id);
  desk_json_writer_member_string (&writer, "action", "typing");
  desk_json_writer_end_object (&writer);
  desk_telegram_api_post_async (self->api, "sendChatAction", json->str, self->cancellable,
                                desk_telegram_course_ignore_reply, g_object_ref (self));
}

/* Telegram has it for the account of a business alone, where the bot was given that right. */
static void
mark_read (DeskConnector *connector, const char *user_id, const char *external_id)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  g_autoptr (GString) json = g_string_new (NULL);
  const char *business;
  DeskJsonWriter writer;
  gint64 chat_id, message_id;

  if (self->cancellable == NULL
      || !desk_telegram_target (connection->chat_prefix != NULL ? connection->chat_prefix : "",
                                user_id, &chat_id, &business)
      || business == NULL
      || !g_ascii_string_to_signed (external_id, 10, 1, G_MAXINT64, &message_id, NULL))
    return;
  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_string (&writer, "business_connection_id", business);
  desk_json_writer_member_int64 (&writer, "chat_id", chat_id);
  desk_json_writer_member_int64 (&writer, "message_id", message_id);
  desk_json_writer_end_object (&writer);
  desk_telegram_api_post_async (self->api, "readBusinessMessage", json->str, self->cancellable,
                                desk_telegram_course_ignore_reply, g_object_ref (self));
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
  desk_telegram_course_stop (DESK_CONNECTOR (object));
  G_OBJECT_CLASS (desk_telegram_connector_parent_class)->dispose (object);
}

static void
desk_telegram_connector_finalize (GObject *object)
{
  DeskTelegramConnector *self = DESK_TELEGRAM_CONNECTOR (object);

  g_clear_pointer (&self->api, desk_telegram_api_free);
  g_clear_pointer (&self->limiter, desk_telegram_limiter_free);
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
  connector_class->start = desk_telegram_course_start;
  connector_class->stop = desk_telegram_course_stop;
  connector_class->parse_webhook = parse_webhook;
  connector_class->fetch_files = fetch_files;
  connector_class->send_async = send_async;
  connector_class->send_finish = send_finish;
  connector_class->typing = typing;
  connector_class->mark_read = mark_read;
  connector_class->parse_raw = parse_raw;
  connector_class->check_async = check_async;
  connector_class->check_finish = check_finish;
  connector_class->get_profile_async = get_profile_async;
  connector_class->get_profile_finish = get_profile_finish;
}

static void
desk_telegram_connector_init (DeskTelegramConnector *self)
{
  self->lock = -1;
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
  self->api = desk_telegram_api_new (url, connection->token, DESK_TELEGRAM_POLL_TIMEOUT_S, CALL_TIMEOUT_S);
  self->limiter = desk_telegram_limiter_new (host->clock);
  self->uses_webhook = g_strcmp0 (connection->mode, "webhook") == 0;
  return DESK_CONNECTOR (self);
}
