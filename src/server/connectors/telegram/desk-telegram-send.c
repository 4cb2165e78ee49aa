/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* sendMessage and what came of it.
 * Invariants: one call of sendMessage for one call of ours, except after "migrate_to_chat_id",
 * where Telegram said that it did not take the first. */

#include "server/connectors/telegram/desk-telegram-send.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "server/connectors/telegram/desk-telegram-rules.h"

typedef struct
{
  DeskTelegramApi *api;
  const char *chat_prefix;
  DeskOutbound outbound; /* owns message and reply_to_external_id */
  gboolean moved;
  char *new_user_id;
} Send;

static void
send_free (Send *send)
{
  desk_message_free (send->outbound.message);
  g_free (send->outbound.reply_to_external_id);
  g_free (send->new_user_id);
  g_free (send);
}

gboolean
desk_telegram_chat_id (const char *chat_prefix, const char *user_id, gint64 *out)
{
  if (!g_str_has_prefix (user_id, chat_prefix))
    return FALSE;
  return g_ascii_string_to_signed (user_id + strlen (chat_prefix), 10, G_MININT64, G_MAXINT64, out,
                                   NULL);
}

char *
desk_telegram_format_send (gint64 chat_id, const DeskOutbound *outbound)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter writer;
  gint64 reply_to;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_int64 (&writer, "chat_id", chat_id);
  desk_json_writer_member_string (&writer, "text", outbound->message->text);
  if (outbound->reply_to_external_id != NULL
      && g_ascii_string_to_signed (outbound->reply_to_external_id, 10, 1, G_MAXINT64, &reply_to,
                                   NULL))
    {
      desk_json_writer_key (&writer, "reply_parameters");
      desk_json_writer_begin_object (&writer);
      desk_json_writer_member_int64 (&writer, "message_id", reply_to);
      /* better an answer without its quotation than no answer */
      desk_json_writer_member_bool (&writer, "allow_sending_without_reply", TRUE);
      desk_json_writer_end_object (&writer);
    }
  desk_json_writer_end_object (&writer);
  return g_string_free (json, FALSE);
}

static void on_reply (GObject *source, GAsyncResult *result, gpointer data);

static void
post (GTask *task, gint64 chat_id)
{
  Send *send = g_task_get_task_data (task);
  g_autofree char *json = desk_telegram_format_send (chat_id, &send->outbound);

  desk_telegram_api_post_async (send->api, "sendMessage", json, g_task_get_cancellable (task),
                                on_reply, task);
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Send *send = g_task_get_task_data (task);
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);
  DeskOutcome *outcome;
  gint64 moved_to;

  if (!reply->ok && reply->migrate_to_chat_id != NULL && !send->moved
      && g_ascii_string_to_signed (reply->migrate_to_chat_id, 10, G_MININT64, G_MAXINT64, &moved_to,
                                   NULL))
    {
      send->moved = TRUE;
      send->new_user_id = g_strconcat (send->chat_prefix, reply->migrate_to_chat_id, NULL);
      post (g_steal_pointer (&task), moved_to);
      return;
    }
  outcome = desk_telegram_outcome (reply);
  outcome->new_user_id = g_steal_pointer (&send->new_user_id);
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
}

/* What Telegram need not be asked for. */
static DeskOutcome *
refuse (Send *send, gint64 *out_chat_id)
{
  if (!desk_telegram_chat_id (send->chat_prefix, send->outbound.message->user_id, out_chat_id))
    return desk_outcome_new (DESK_OUTCOME_PERMANENT, NULL,
                             "This chat does not belong to the connection");
  if (send->outbound.message->attachments->len > 0)
    return desk_outcome_new (DESK_OUTCOME_PERMANENT, NULL, "Files cannot be sent to Telegram yet");
  return NULL;
}

void
desk_telegram_send_async (DeskTelegramApi *api,
                          const char *chat_prefix,
                          const DeskOutbound *outbound,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer data)
{
  g_return_if_fail (api != NULL && chat_prefix != NULL && outbound != NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Send *send = g_new0 (Send, 1);
  DeskOutcome *refusal;
  gint64 chat_id;

  g_task_set_source_tag (task, desk_telegram_send_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, send, (GDestroyNotify)send_free);
  send->api = api;
  send->chat_prefix = chat_prefix;
  send->outbound.message = desk_message_copy (outbound->message);
  send->outbound.reply_to_external_id = g_strdup (outbound->reply_to_external_id);

  refusal = refuse (send, &chat_id);
  if (refusal == NULL)
    {
      post (task, chat_id);
      return;
    }
  g_task_return_pointer (task, refusal, (GDestroyNotify)desk_outcome_free);
  g_object_unref (task);
}

DeskOutcome *
desk_telegram_send_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
