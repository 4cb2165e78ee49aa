/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* A message on its way to Telegram, and what came of it.
 *
 * Telegram takes one file a message, and 1024 characters with it. So a message with files is
 * several there: the files in their order, those that may share an album as one, the first with the
 * text as its caption; a longer text goes before them as a message of its own. What Telegram has
 * taken is told in the outcome, also when a later part fails, and the next attempt goes on from
 * there. An album arrives as a whole or not at all.
 *
 * Invariants: one call of a method for one part, except after "migrate_to_chat_id" and after
 * "not a picture", where Telegram said that it did not take the first; a part that was taken is
 * never sent again. */

#include "server/connectors/telegram/desk-telegram-send.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "server/connectors/telegram/desk-telegram-json.h"
#include "server/connectors/telegram/desk-telegram-parts.h"
#include "server/connectors/telegram/desk-telegram-rules.h"

#define MAX_CAPTION_CHARS 1024
#define PART_TEXT         -1    /* the text as a message of its own; files count from 0 */

typedef struct
{
  DeskTelegramApi *api;
  DeskTelegramLimiter *limiter;
  DeskFileStore *files; /* nullable */
  const char *chat_prefix;
  DeskOutbound outbound; /* owns message and reply_to_external_id */
  gint64 chat_id;
  const char *business; /* nullable; within the message's user_id */
  gboolean moved;
  char *new_user_id;
  gint part;
  guint n_files;        /* of this part: more than 1 in an album */
  gboolean single;      /* Telegram did not take an album: one by one */
  gboolean as_document; /* this part: Telegram did not take it as a picture */
  char *first_id;       /* of what was sent now */
  GPtrArray *ids;       /* of nullable char: of the attachments sent now */
} Send;

static void
send_free (Send *send)
{
  desk_message_free (send->outbound.message);
  g_free (send->outbound.reply_to_external_id);
  g_free (send->new_user_id);
  g_free (send->first_id);
  g_ptr_array_unref (send->ids);
  g_free (send);
}

gboolean
desk_telegram_target (const char *chat_prefix,
                      const char *user_id,
                      gint64 *out_chat_id,
                      const char **out_business)
{
  const char *rest, *at;
  g_autofree char *number = NULL;

  if (!g_str_has_prefix (user_id, chat_prefix))
    return FALSE;
  rest = user_id + strlen (chat_prefix);
  at = strchr (rest, '@');
  number = at != NULL ? g_strndup (rest, (gsize)(at - rest)) : g_strdup (rest);
  if (!g_ascii_string_to_signed (number, 10, G_MININT64, G_MAXINT64, out_chat_id, NULL))
    return FALSE;
  if (out_business != NULL)
    *out_business = at != NULL && at[1] != '\0' ? at + 1 : NULL;
  return TRUE;
}

gboolean
desk_telegram_chat_id (const char *chat_prefix, const char *user_id, gint64 *out)
{
  return desk_telegram_target (chat_prefix, user_id, out, NULL);
}

char *
desk_telegram_format_send (gint64 chat_id, const char *business, const DeskOutbound *outbound)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter writer;
  gint64 reply_to;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  if (business != NULL)
    desk_json_writer_member_string (&writer, "business_connection_id", business);
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

/* ── Parts ──────────────────────────────────────────────────────────────────────────────────── */
static const DeskAttachment *
nth_file (const Send *send, gint part)
{
  return g_ptr_array_index (send->outbound.message->attachments, part);
}

static gboolean
is_caption (const Send *send)
{
  return g_utf8_strlen (send->outbound.message->text, -1) <= MAX_CAPTION_CHARS;
}

/* The next part that Telegram does not have; FALSE after the last. */
static gboolean
next_part (Send *send)
{
  const DeskMessage *message = send->outbound.message;
  const gint n = (gint)message->attachments->len;

  if (send->part == PART_TEXT && send->first_id == NULL
      && (n == 0 || (!is_caption (send) && message->external_id == NULL)))
    return TRUE;
  for (send->part = MAX (send->part, 0); send->part < n; send->part++)
    if (nth_file (send, send->part)->external_id == NULL
        && g_ptr_array_index (send->ids, send->part) == NULL)
      {
        send->n_files = send->single ? 1
                                     : desk_telegram_count_album (message->attachments, send->ids,
                                                                  (guint)send->part);
        return TRUE;
      }
  return FALSE;
}

/* ── The course ─────────────────────────────────────────────────────────────────────────────── */
static void on_reply (GObject *source, GAsyncResult *result, gpointer data);

static void
end_with (GTask *task, DeskOutcome *outcome)
{
  Send *send = g_task_get_task_data (task);

  if (outcome->external_id == NULL)
    outcome->external_id = g_strdup (send->first_id);
  outcome->new_user_id = g_steal_pointer (&send->new_user_id);
  if (send->ids->len > 0)
    outcome->attachment_ids = g_ptr_array_ref (send->ids);
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
  g_object_unref (task);
}

static void
post_text (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  g_autofree char *json = desk_telegram_format_send (send->chat_id, send->business, &send->outbound);

  desk_telegram_api_post_async (send->api, "sendMessage", json, g_task_get_cancellable (task),
                                on_reply, task);
}

static char *
format_reply_parameters (const Send *send)
{
  gint64 id;

  if (send->outbound.reply_to_external_id == NULL || send->first_id != NULL
      || !g_ascii_string_to_signed (send->outbound.reply_to_external_id, 10, 1, G_MAXINT64, &id,
                                    NULL))
    return NULL;
  return g_strdup_printf ("{\"message_id\":%" G_GINT64_FORMAT
                          ",\"allow_sending_without_reply\":true}",
                          id);
}

/* Those of this part; NULL: one is not kept any more. */
static GPtrArray *
map_files (Send *send)
{
  g_autoptr (GPtrArray) bytes = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);

  for (guint i = 0; i < send->n_files; i++)
    {
      GBytes *one = desk_telegram_map_file (send->files, nth_file (send, send->part + (gint)i));
      if (one == NULL)
        return NULL;
      g_ptr_array_add (bytes, one);
    }
  return g_steal_pointer (&bytes);
}

static void
upload (GTask *task, GPtrArray *bytes, const char *const *fields)
{
  static const char *const names[DESK_TELEGRAM_MAX_ALBUM]
      = { "file0", "file1", "file2", "file3", "file4",
          "file5", "file6", "file7", "file8", "file9" };
  Send *send = g_task_get_task_data (task);
  const DeskTelegramWay way
      = desk_telegram_way_of (nth_file (send, send->part), send->as_document);
  DeskTelegramUpload files[DESK_TELEGRAM_MAX_ALBUM];

  for (guint i = 0; i < send->n_files; i++)
    {
      const DeskAttachment *file = nth_file (send, send->part + (gint)i);
      files[i] = (DeskTelegramUpload){ send->n_files > 1 ? names[i] : way.field, file->filename,
                                       file->mime_type, bytes->pdata[i] };
    }
  desk_telegram_api_upload_async (send->api, send->n_files > 1 ? "sendMediaGroup" : way.method,
                                  fields, files, send->n_files, g_task_get_cancellable (task),
                                  on_reply, task);
}

static void
post_files (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  const DeskMessage *message = send->outbound.message;
  g_autoptr (GPtrArray) bytes = map_files (send);
  g_autofree char *chat_id = g_strdup_printf ("%" G_GINT64_FORMAT, send->chat_id);
  g_autofree char *reply_parameters = format_reply_parameters (send);
  g_autofree char *album = NULL;
  const char *caption
      = send->part == 0 && is_caption (send) && message->text[0] != '\0' ? message->text : NULL;
  const char *fields[9] = { "chat_id", chat_id };
  guint n = 2;

  if (bytes == NULL)
    {
      end_with (task, desk_outcome_new (DESK_OUTCOME_PERMANENT, NULL,
                                        "A file of this message is not kept any more"));
      return;
    }
  if (send->n_files > 1)
    {
      album = desk_telegram_format_album (message->attachments, (guint)send->part, send->n_files,
                                          caption);
      fields[n++] = "media";
      fields[n++] = album;
    }
  else if (caption != NULL)
    {
      fields[n++] = "caption";
      fields[n++] = caption;
    }
  if (send->business != NULL)
    {
      fields[n++] = "business_connection_id";
      fields[n++] = send->business;
    }
  if (reply_parameters != NULL)
    {
      fields[n++] = "reply_parameters";
      fields[n++] = reply_parameters;
    }
  upload (task, bytes, fields);
}

static gboolean
on_turn (gpointer data)
{
  GTask *task = data;
  Send *send = g_task_get_task_data (task);

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    end_with (task, desk_outcome_new (DESK_OUTCOME_NOT_CONNECTED, NULL,
                                      "It was given up before it was sent"));
  else if (send->part == PART_TEXT)
    post_text (task);
  else
    post_files (task);
  return G_SOURCE_REMOVE;
}

static void
post_part (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  const gint64 wait_ms = desk_telegram_limiter_take (send->limiter, send->chat_id);

  if (wait_ms > 0)
    desk_telegram_limiter_wait (wait_ms, g_task_get_cancellable (task), on_turn, task);
  else if (send->part == PART_TEXT)
    post_text (task);
  else
    post_files (task);
}

/* Refusals of a picture which a document does not meet. */
static gboolean
is_no_picture (const DeskTelegramReply *reply)
{
  return !reply->ok && reply->trouble == NULL && reply->error_code == 400
         && reply->description != NULL
         && (strstr (reply->description, "PHOTO_INVALID_DIMENSIONS") != NULL
             || strstr (reply->description, "IMAGE_PROCESS_FAILED") != NULL
             || strstr (reply->description, "PHOTO_SAVE_FILE_INVALID") != NULL
             || strstr (reply->description, "VOICE_MESSAGES_FORBIDDEN") != NULL);
}

/* Telegram did not take this part, and said how it would. */
static gboolean
try_otherwise (Send *send, const DeskTelegramReply *reply)
{
  gint64 moved_to;

  if (!reply->ok && reply->migrate_to_chat_id != NULL && !send->moved
      && g_ascii_string_to_signed (reply->migrate_to_chat_id, 10, G_MININT64, G_MAXINT64, &moved_to,
                                   NULL))
    {
      send->moved = TRUE;
      send->chat_id = moved_to;
      send->new_user_id = g_strconcat (send->chat_prefix, reply->migrate_to_chat_id, NULL);
      return TRUE;
    }
  if (send->part == PART_TEXT || send->as_document || !is_no_picture (reply))
    return FALSE;
  if (send->n_files > 1)
    {
      send->single = TRUE; /* it does not tell which of them */
      send->n_files = 1;
    }
  else
    send->as_document = TRUE;
  return TRUE;
}

/* The id of the nth message that an answer tells of: one message, or those of an album. */
static char *
nth_id (const DeskTelegramReply *reply, guint n)
{
  JsonNode *node = reply->result;
  gint64 id;

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    node = n < json_array_get_length (json_node_get_array (node))
               ? json_array_get_element (json_node_get_array (node), n)
               : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
      || !desk_tg_int (json_node_get_object (node), "message_id", &id))
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT, id);
}

/* An answer without an id is an answer all the same: the part must not be sent again. */
static void
note_sent (Send *send, const DeskTelegramReply *reply)
{
  const guint n = send->part >= 0 ? send->n_files : 1;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = nth_id (reply, i);
      if (send->first_id == NULL && id != NULL)
        send->first_id = g_strdup (id);
      if (send->part >= 0)
        send->ids->pdata[(guint)send->part + i] = id != NULL ? g_steal_pointer (&id) : g_strdup ("?");
      if (i > 0) /* each message of an album counts; what comes next waits for it */
        desk_telegram_limiter_take (send->limiter, send->chat_id);
    }
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Send *send = g_task_get_task_data (task);
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);

  if (try_otherwise (send, reply))
    {
      post_part (task);
      return;
    }
  g_autoptr (DeskOutcome) outcome = desk_telegram_outcome (reply);
  if (outcome->type == DESK_OUTCOME_RETRY && outcome->retry_after_ms > 0)
    desk_telegram_limiter_block (send->limiter, send->chat_id, outcome->retry_after_ms);
  if (outcome->type == DESK_OUTCOME_SENT)
    {
      note_sent (send, reply);
      send->as_document = FALSE;
      send->part += send->part >= 0 ? (gint)send->n_files : 1;
      if (next_part (send))
        {
          post_part (task);
          return;
        }
      g_free (outcome->external_id);
      outcome->external_id = g_strdup (send->first_id);
    }
  end_with (task, g_steal_pointer (&outcome));
}

/* What Telegram need not be asked for. */
static DeskOutcome *
refuse (Send *send)
{
  if (!desk_telegram_target (send->chat_prefix, send->outbound.message->user_id, &send->chat_id,
                             &send->business))
    return desk_outcome_new (DESK_OUTCOME_PERMANENT, NULL,
                             "This chat does not belong to the connection");
  if (!next_part (send))
    return desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL); /* the last attempt ended with all */
  return NULL;
}

void
desk_telegram_send_async (DeskTelegramApi *api,
                          DeskTelegramLimiter *limiter,
                          DeskFileStore *files,
                          const char *chat_prefix,
                          const DeskOutbound *outbound,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer data)
{
  g_return_if_fail (api != NULL && limiter != NULL && chat_prefix != NULL && outbound != NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Send *send = g_new0 (Send, 1);
  DeskOutcome *refusal;

  g_task_set_source_tag (task, desk_telegram_send_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, send, (GDestroyNotify)send_free);
  send->api = api;
  send->limiter = limiter;
  send->files = files;
  send->part = PART_TEXT;
  send->ids = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_set_size (send->ids, (gint)outbound->message->attachments->len);
  send->chat_prefix = chat_prefix;
  send->outbound.message = desk_message_copy (outbound->message);
  send->outbound.reply_to_external_id = g_strdup (outbound->reply_to_external_id);

  refusal = refuse (send);
  if (refusal == NULL)
    post_part (task);
  else
    end_with (task, refusal);
}

DeskOutcome *
desk_telegram_send_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
