/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* editMessageText and editMessageCaption, deleteMessages and deleteBusinessMessages,
 * setMessageReaction.
 * Invariants: one call for one change, and one more where the group moved meanwhile; it may be
 * repeated, so that "is so already" is success. */

#include "server/connectors/telegram/desk-telegram-change.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "server/connectors/telegram/desk-telegram-rules.h"
#include "server/connectors/telegram/desk-telegram-send.h"

typedef struct
{
  DeskTelegramApi *api;
  DeskTelegramLimiter *limiter;
  gint64 chat_id;
  const char *chat_prefix;
  const char *method;
  char *json;
  DeskOutbound outbound; /* owns message and emoji */
  const char *business;  /* nullable; within the message's user_id */
  gint64 id;
  char *new_user_id; /* nullable: the group moved there */
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->json);
  desk_message_free (change->outbound.message);
  g_free (change->outbound.emoji);
  g_free (change->new_user_id);
  g_free (change);
}

static gboolean
parse_id (const char *text, gint64 *out)
{
  return text != NULL && g_ascii_string_to_signed (text, 10, 1, G_MAXINT64, out, NULL);
}

/* A message with files is several there; each is taken away once. */
static void
write_ids (DeskJsonWriter *writer, const DeskMessage *message, gint64 first)
{
  desk_json_writer_key (writer, "message_ids");
  desk_json_writer_begin_array (writer);
  desk_json_writer_int64 (writer, first);
  for (guint i = 0; message->direction == DESK_DIRECTION_OUTGOING && i < message->attachments->len;
       i++)
    {
      const DeskAttachment *attachment = message->attachments->pdata[i];
      gint64 id;
      if (parse_id (attachment->external_id, &id) && id != first)
        desk_json_writer_int64 (writer, id);
    }
  desk_json_writer_end_array (writer);
}

static void
write_reaction (DeskJsonWriter *writer, const char *emoji)
{
  desk_json_writer_key (writer, "reaction");
  desk_json_writer_begin_array (writer);
  if (emoji != NULL && *emoji != '\0')
    {
      desk_json_writer_begin_object (writer);
      desk_json_writer_member_string (writer, "type", "emoji");
      desk_json_writer_member_string (writer, "emoji", emoji);
      desk_json_writer_end_object (writer);
    }
  desk_json_writer_end_array (writer);
}

/* The text stands below the first file, unless it was too long for that and went ahead alone. */
static gboolean
is_caption (const DeskMessage *message)
{
  const DeskAttachment *first
      = message->attachments->len > 0 ? message->attachments->pdata[0] : NULL;

  return first != NULL && g_strcmp0 (first->external_id, message->external_id) == 0;
}

static void
format (Change *change)
{
  const DeskOutbound *outbound = &change->outbound;
  const DeskMessage *message = outbound->message;
  const char *business = change->business;
  const gint64 id = change->id;
  GString *json = g_string_new (NULL);
  DeskJsonWriter writer;
  const gboolean caption = is_caption (message);

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  if (business != NULL)
    desk_json_writer_member_string (&writer, "business_connection_id", business);
  if (outbound->operation != DESK_OPERATION_DELETE || business == NULL)
    desk_json_writer_member_int64 (&writer, "chat_id", change->chat_id);
  if (outbound->operation == DESK_OPERATION_DELETE)
    write_ids (&writer, message, id);
  else
    desk_json_writer_member_int64 (&writer, "message_id", id);
  if (outbound->operation == DESK_OPERATION_EDIT)
    desk_json_writer_member_string (&writer, caption ? "caption" : "text", message->text);
  if (outbound->operation == DESK_OPERATION_REACT)
    write_reaction (&writer, outbound->emoji);
  desk_json_writer_end_object (&writer);
  g_free (change->json);
  change->json = g_string_free (json, FALSE);
  change->method = outbound->operation == DESK_OPERATION_REACT    ? "setMessageReaction"
                   : outbound->operation == DESK_OPERATION_DELETE ? business != NULL
                                                                        ? "deleteBusinessMessages"
                                                                        : "deleteMessages"
                   : caption                                      ? "editMessageCaption"
                                                                  : "editMessageText";
}

/* What Telegram answers where the change was made before. */
static gboolean
is_so_already (const DeskTelegramReply *reply, const char *method)
{
  if (reply->trouble != NULL || reply->ok || reply->error_code != 400
      || reply->description == NULL)
    return FALSE;
  return strstr (reply->description, "message is not modified") != NULL
         || (g_str_has_prefix (method, "delete")
             && strstr (reply->description, "message to delete not found") != NULL);
}

/* The group became a supergroup: its messages are found there. */
static gboolean
follow (Change *change, const DeskTelegramReply *reply)
{
  gint64 moved_to;

  if (reply->ok || change->new_user_id != NULL || reply->migrate_to_chat_id == NULL
      || !g_ascii_string_to_signed (reply->migrate_to_chat_id, 10, G_MININT64, G_MAXINT64, &moved_to,
                                    NULL))
    return FALSE;
  change->chat_id = moved_to;
  change->new_user_id = g_strconcat (change->chat_prefix, reply->migrate_to_chat_id, NULL);
  format (change);
  return TRUE;
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Change *change = g_task_get_task_data (task);
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);

  if (follow (change, reply))
    {
      GCancellable *cancellable = g_task_get_cancellable (task);
      desk_telegram_api_post_async (change->api, change->method, change->json, cancellable, on_reply,
                                    g_steal_pointer (&task));
      return;
    }
  DeskOutcome *outcome = is_so_already (reply, change->method)
                             ? desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL)
                             : desk_telegram_outcome (reply);

  if (outcome->type == DESK_OUTCOME_RETRY && outcome->retry_after_ms > 0)
    desk_telegram_limiter_block (change->limiter, change->chat_id, outcome->retry_after_ms);
  g_clear_pointer (&outcome->external_id, g_free); /* it is the message's own */
  outcome->new_user_id = g_steal_pointer (&change->new_user_id);
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
}

static gboolean
on_turn (gpointer data)
{
  g_autoptr (GTask) task = data;
  Change *change = g_task_get_task_data (task);
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (g_cancellable_is_cancelled (cancellable))
    g_task_return_pointer (task,
                           desk_outcome_new (DESK_OUTCOME_NOT_CONNECTED, NULL,
                                             "It was given up before it was sent"),
                           (GDestroyNotify)desk_outcome_free);
  else
    desk_telegram_api_post_async (change->api, change->method, change->json, cancellable, on_reply,
                                  g_steal_pointer (&task));
  return G_SOURCE_REMOVE;
}

void
desk_telegram_change_async (DeskTelegramApi *api,
                            DeskTelegramLimiter *limiter,
                            const char *chat_prefix,
                            const DeskOutbound *outbound,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_return_if_fail (api != NULL && limiter != NULL && chat_prefix != NULL && outbound != NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Change *change = g_new0 (Change, 1);
  gint64 wait_ms;

  g_task_set_source_tag (task, desk_telegram_change_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, change, change_free);
  change->api = api;
  change->limiter = limiter;
  change->chat_prefix = chat_prefix;
  change->outbound.operation = outbound->operation;
  change->outbound.message = desk_message_copy (outbound->message);
  change->outbound.emoji = g_strdup (outbound->emoji);
  if (!desk_telegram_target (chat_prefix, change->outbound.message->user_id, &change->chat_id,
                             &change->business)
      || !parse_id (outbound->message->external_id, &change->id))
    {
      g_task_return_pointer (task,
                             desk_outcome_new (DESK_OUTCOME_PERMANENT, NULL,
                                               "Telegram does not know this message"),
                             (GDestroyNotify)desk_outcome_free);
      g_object_unref (task);
      return;
    }
  format (change);
  wait_ms = desk_telegram_limiter_take (limiter, change->chat_id);
  if (wait_ms > 0)
    desk_telegram_limiter_wait (wait_ms, cancellable, on_turn, task);
  else
    on_turn (task);
}

DeskOutcome *
desk_telegram_change_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
