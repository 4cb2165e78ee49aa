/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* A message on its way to Messenger or Instagram, and what came of it.
 *
 * These platforms take a text or one file a message. So a message with files is several there: the
 * text first, then the files in their order. What was taken is told in the outcome, also when a
 * later part fails, and the next attempt goes on from there.
 *
 * Each request bears our client_message_id as "metadata": the echo of a message whose answer was
 * lost brings it back, and only so is it known.
 *
 * Invariants: one request for one part, except after "outside the window", where the platform said
 * that it did not take the first, and which the second answers with the tag HUMAN_AGENT; a part
 * that was taken is never sent again; an upload shows the customer nothing, so that its outcome is
 * never unknown. */

#include "server/connectors/messaging/desk-messaging-send.h"

#include <string.h>
#include <unistd.h>

#include "common/desk-json-writer.h"
#include "server/connectors/meta/desk-meta-json.h"

#define MAX_PAUSE_MS 5000 /* a longer wait is the queue's */
#define PART_TEXT        -1 /* files count from 0 */
#define MAX_UPLOADS_KEPT 1000
#define HUMAN_AGENT      "HUMAN_AGENT"

typedef struct
{
  const DeskMessagingSender *sender;
  DeskOutbound outbound; /* owns message, reply_to_external_id and emoji */
  const char *customer;  /* of message->user_id */
  gint part;
  gboolean tagged;      /* this part is sent with HUMAN_AGENT */
  gboolean uploads_new; /* the attachment_id that was kept is no longer good */
  char *first_id;       /* of what was sent now */
  GPtrArray *ids;       /* of nullable char: of the attachments sent now */
} Send;

static void
send_free (Send *send)
{
  desk_message_free (send->outbound.message);
  g_free (send->outbound.reply_to_external_id);
  g_free (send->outbound.emoji);
  g_free (send->first_id);
  g_ptr_array_unref (send->ids);
  g_free (send);
}

const char *
desk_messaging_customer (const char *chat_prefix, const char *user_id)
{
  const char *id = g_str_has_prefix (user_id, chat_prefix) ? user_id + strlen (chat_prefix) : "";

  return *id != '\0' ? id : NULL;
}

/* ── Bodies ─────────────────────────────────────────────────────────────────────────────────── */
static void
write_recipient (DeskJsonWriter *w, const char *customer)
{
  desk_json_writer_key (w, "recipient");
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "id", customer);
  desk_json_writer_end_object (w);
}

char *
desk_messaging_format_action (const char *customer, const char *action)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  write_recipient (&w, customer);
  desk_json_writer_member_string (&w, "sender_action", action);
  desk_json_writer_end_object (&w);
  return g_string_free (json, FALSE);
}

static char *
format_reaction (const Send *send, const char *reaction)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  write_recipient (&w, send->customer);
  desk_json_writer_member_string (&w, "sender_action", reaction != NULL ? "react" : "unreact");
  desk_json_writer_key (&w, "payload");
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "message_id", send->outbound.message->external_id);
  if (reaction != NULL)
    desk_json_writer_member_string (&w, "reaction", reaction);
  desk_json_writer_end_object (&w);
  desk_json_writer_end_object (&w);
  return g_string_free (json, FALSE);
}

static const char *
type_of (const DeskAttachment *file)
{
  if (g_str_has_prefix (file->mime_type, "image/"))
    return "image";
  if (g_str_has_prefix (file->mime_type, "video/"))
    return "video";
  return g_str_has_prefix (file->mime_type, "audio/") ? "audio" : "file";
}

static const DeskAttachment *
nth_file (const Send *send, gint part)
{
  return g_ptr_array_index (send->outbound.message->attachments, part);
}

/* attachment_id or url: one of them */
static void
write_attachment (DeskJsonWriter *w, const char *type, const char *attachment_id, const char *url)
{
  desk_json_writer_key (w, "attachment");
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "type", type);
  desk_json_writer_key (w, "payload");
  desk_json_writer_begin_object (w);
  if (attachment_id != NULL)
    desk_json_writer_member_string (w, "attachment_id", attachment_id);
  else if (url != NULL)
    desk_json_writer_member_string (w, "url", url);
  else
    desk_json_writer_member_bool (w, "is_reusable", TRUE);
  desk_json_writer_end_object (w);
  desk_json_writer_end_object (w);
}

static void
write_kind (DeskJsonWriter *w, const Send *send)
{
  if (send->tagged)
    {
      desk_json_writer_member_string (w, "messaging_type", "MESSAGE_TAG");
      desk_json_writer_member_string (w, "tag", HUMAN_AGENT);
    }
  else if (send->sender->flavour->says_response)
    desk_json_writer_member_string (w, "messaging_type", "RESPONSE");
}

static char *
format_part (const Send *send, const char *attachment_id, const char *url)
{
  const DeskMessage *message = send->outbound.message;
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  write_recipient (&w, send->customer);
  write_kind (&w, send);
  desk_json_writer_key (&w, "message");
  desk_json_writer_begin_object (&w);
  if (send->part == PART_TEXT)
    desk_json_writer_member_string (&w, "text", message->text);
  else
    write_attachment (&w, type_of (nth_file (send, send->part)), attachment_id, url);
  if (message->client_message_id != NULL)
    desk_json_writer_member_string (&w, "metadata", message->client_message_id);
  desk_json_writer_end_object (&w);
  if (send->outbound.reply_to_external_id != NULL && send->first_id == NULL
      && message->external_id == NULL)
    {
      desk_json_writer_key (&w, "reply_to");
      desk_json_writer_begin_object (&w);
      desk_json_writer_member_string (&w, "mid", send->outbound.reply_to_external_id);
      desk_json_writer_end_object (&w);
    }
  desk_json_writer_end_object (&w);
  return g_string_free (json, FALSE);
}

/* ── The course ─────────────────────────────────────────────────────────────────────────────── */
static void post_part (GTask *task);

static void
end_with (GTask *task, DeskOutcome *outcome)
{
  Send *send = g_task_get_task_data (task);

  if (outcome->external_id == NULL)
    outcome->external_id = g_strdup (send->first_id);
  if (send->ids->len > 0)
    outcome->attachment_ids = g_ptr_array_ref (send->ids);
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
  g_object_unref (task);
}

static void
refuse (GTask *task, const char *code, const char *words)
{
  end_with (task, desk_outcome_new (DESK_OUTCOME_PERMANENT, code, words));
}

static DeskOutcome *
judge (const Send *send, const DeskMetaReply *reply)
{
  const DeskMessagingFlavour *flavour = send->sender->flavour;

  return desk_meta_outcome (reply, flavour->rules, flavour->n_rules, send->outbound.attempt);
}

static gboolean
is_window_closed (const DeskOutcome *outcome)
{
  return outcome != NULL && outcome->type == DESK_OUTCOME_PERMANENT
         && g_strcmp0 (outcome->code, DESK_META_WINDOW_CLOSED) == 0;
}

/* The next part that the platform does not have; FALSE after the last. */
static gboolean
next_part (Send *send)
{
  const DeskMessage *message = send->outbound.message;
  const gint n = (gint)message->attachments->len;

  if (send->part == PART_TEXT && send->first_id == NULL && message->external_id == NULL
      && (message->text[0] != '\0' || n == 0))
    return TRUE;
  for (send->part = MAX (send->part, 0); send->part < n; send->part++)
    if (nth_file (send, send->part)->external_id == NULL
        && g_ptr_array_index (send->ids, send->part) == NULL)
      return TRUE;
  return FALSE;
}

/* An answer without an id is an answer all the same: the part must not be sent again. */
static void
note_sent (Send *send, const DeskMetaReply *reply)
{
  const char *id = desk_meta_string (reply->object, "message_id");

  if (send->first_id == NULL && id != NULL)
    send->first_id = g_strdup (id);
  if (send->part >= 0)
    send->ids->pdata[send->part] = g_strdup (id != NULL ? id : "?");
  send->part++;
}

/* The attachment_id that was kept may have died: once more with a new one. */
static gboolean
may_upload_again (Send *send, const DeskMetaReply *reply)
{
  const DeskAttachment *file = send->part >= 0 ? nth_file (send, send->part) : NULL;

  if (file == NULL || file->sha256 == NULL || send->uploads_new || !reply->has_error
      || reply->code != 100 || reply->is_transient
      || send->sender->flavour->file_way != DESK_MESSAGING_BY_UPLOAD)
    return FALSE;
  send->uploads_new = TRUE;
  return g_hash_table_remove (send->sender->uploads, file->sha256);
}

static void
on_posted (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Send *send = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autoptr (DeskOutcome) outcome = judge (send, reply);

  if (is_window_closed (outcome) && send->sender->human_agent && !send->tagged)
    {
      send->tagged = TRUE;
      post_part (task);
    }
  else if (outcome != NULL && may_upload_again (send, reply))
    post_part (task);
  else if (outcome != NULL)
    end_with (task, g_steal_pointer (&outcome));
  else
    {
      note_sent (send, reply);
      send->uploads_new = FALSE;
      if (next_part (send))
        post_part (task);
      else
        end_with (task, desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL));
    }
}

static void
post_message (GTask *task, const char *attachment_id, const char *url)
{
  Send *send = g_task_get_task_data (task);
  g_autofree char *json = format_part (send, attachment_id, url);

  desk_meta_graph_post_async (send->sender->graph, "me/messages", json,
                              g_task_get_cancellable (task), on_posted, task);
}

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
/* Pages of the file itself, not a copy. */
static GBytes *
map_file (const Send *send, const DeskAttachment *file)
{
  DeskFileStore *files = send->sender->files;
  gint64 size;
  int fd = files != NULL && file->sha256 != NULL
               ? files->ops->open (files, file->sha256, &size, NULL, NULL)
               : -1;

  if (fd < 0)
    return NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new_from_fd (fd, FALSE, NULL);
  close (fd);
  return mapped != NULL ? g_mapped_file_get_bytes (mapped) : NULL;
}

static void
keep_upload (const Send *send, const char *id)
{
  GHashTable *uploads = send->sender->uploads;

  if (g_hash_table_size (uploads) >= MAX_UPLOADS_KEPT)
    g_hash_table_remove_all (uploads);
  g_hash_table_replace (uploads, g_strdup (nth_file (send, send->part)->sha256), g_strdup (id));
}

static void
on_uploaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Send *send = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autoptr (DeskOutcome) outcome = judge (send, reply);
  const char *id = desk_meta_string (reply->object, "attachment_id");

  if (outcome == NULL && id == NULL)
    outcome = desk_outcome_new (DESK_OUTCOME_RETRY, NULL, "The upload was not understood");
  /* the customer has seen nothing of an upload */
  if (outcome != NULL && outcome->type == DESK_OUTCOME_UNKNOWN)
    outcome->type = DESK_OUTCOME_RETRY;
  if (outcome != NULL)
    {
      end_with (task, g_steal_pointer (&outcome));
      return;
    }
  keep_upload (send, id);
  post_message (task, id, NULL);
}

static void
upload_file (GTask *task, const DeskAttachment *file)
{
  Send *send = g_task_get_task_data (task);
  g_autoptr (GBytes) bytes = map_file (send, file);
  g_autoptr (GString) message = g_string_new (NULL);
  const char *fields[5] = { "message" };
  DeskJsonWriter w;

  if (bytes == NULL)
    {
      refuse (task, NULL, "A file of this message is not kept any more");
      return;
    }
  desk_json_writer_init (&w, message);
  desk_json_writer_begin_object (&w);
  write_attachment (&w, type_of (file), NULL, NULL);
  desk_json_writer_end_object (&w);
  fields[1] = message->str;
  if (send->sender->flavour->upload_platform != NULL)
    {
      fields[2] = "platform";
      fields[3] = send->sender->flavour->upload_platform;
    }
  const DeskMetaFile form = { "filedata", file->filename, file->mime_type, bytes };
  desk_meta_graph_upload_async (send->sender->graph, "me/message_attachments", fields, &form,
                                g_task_get_cancellable (task), on_uploaded, task);
}

static void
send_link (GTask *task, const DeskAttachment *file)
{
  Send *send = g_task_get_task_data (task);
  const DeskMessagingSender *sender = send->sender;

  if (sender->public_url == NULL || *sender->public_url == '\0')
    {
      refuse (task, NULL,
              "Files need public_url in section [server] of the configuration: the platform "
              "fetches them from there");
      return;
    }
  if (sender->files == NULL || file->sha256 == NULL)
    {
      refuse (task, NULL, "A file of this message is not kept any more");
      return;
    }
  g_autofree char *link
      = desk_file_store_sign_link (sender->files, file->sha256, desk_clock_now_ms (sender->clock));
  gsize len = strlen (sender->public_url);
  while (len > 0 && sender->public_url[len - 1] == '/')
    len--;
  g_autofree char *url
      = g_strdup_printf ("%.*s/api/v1%s", (int)len, sender->public_url, link);
  post_message (task, NULL, url);
}

static void post_part_now (GTask *task);

static gboolean
post_later (gpointer data)
{
  GTask *task = data;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    end_with (task, desk_outcome_new (DESK_OUTCOME_NOT_CONNECTED, NULL,
                                      "It was given up before it was sent"));
  else
    post_part_now (task);
  return G_SOURCE_REMOVE;
}

/* As Meta's load headers want it. */
static void
post_part (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  const gint64 wait_ms = desk_meta_graph_get_wait_ms (send->sender->graph);
  DeskOutcome *outcome;

  if (wait_ms <= 0)
    post_part_now (task);
  else if (wait_ms <= MAX_PAUSE_MS)
    g_timeout_add ((guint)wait_ms, post_later, task);
  else
    {
      outcome = desk_outcome_new (DESK_OUTCOME_RETRY, NULL, "The platform asks to slow down");
      outcome->retry_after_ms = wait_ms;
      end_with (task, outcome);
    }
}

static void
post_part_now (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  const DeskMessagingFlavour *flavour = send->sender->flavour;

  if (send->part == PART_TEXT)
    {
      if (desk_text_length (send->outbound.message->text, flavour->text_unit) > flavour->max_text)
        refuse (task, NULL, "The text is longer than the platform takes");
      else
        post_message (task, NULL, NULL);
      return;
    }
  const DeskAttachment *file = nth_file (send, send->part);
  const char *refusal = flavour->refuse_file != NULL ? flavour->refuse_file (file) : NULL;
  const char *kept
      = file->sha256 != NULL ? g_hash_table_lookup (send->sender->uploads, file->sha256) : NULL;
  if (refusal != NULL)
    refuse (task, NULL, refusal);
  else if (flavour->file_way == DESK_MESSAGING_BY_LINK)
    send_link (task, file);
  else if (kept != NULL)
    post_message (task, kept, NULL);
  else
    upload_file (task, file);
}

/* ── Reactions ──────────────────────────────────────────────────────────────────────────────── */
static void
on_reacted (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Send *send = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  DeskOutcome *outcome = judge (send, reply);

  end_with (task, outcome != NULL ? outcome : desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL));
}

static void
post_reaction (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  const char *emoji = send->outbound.emoji != NULL ? send->outbound.emoji : "";
  const char *name = *emoji != '\0' ? send->sender->flavour->name_reaction (emoji) : NULL;

  if (send->outbound.message->external_id == NULL)
    {
      refuse (task, NULL, "The platform does not know this message");
      return;
    }
  if (*emoji != '\0' && name == NULL)
    {
      refuse (task, NULL, "The platform does not take this emoji as a reaction");
      return;
    }
  g_autofree char *json = format_reaction (send, name);
  desk_meta_graph_post_async (send->sender->graph, "me/messages", json,
                              g_task_get_cancellable (task), on_reacted, task);
}

void
desk_messaging_send_async (const DeskMessagingSender *sender,
                           const DeskOutbound *outbound,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  g_return_if_fail (sender != NULL && outbound != NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Send *send = g_new0 (Send, 1);

  g_task_set_source_tag (task, desk_messaging_send_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, send, (GDestroyNotify)send_free);
  send->sender = sender;
  send->part = PART_TEXT;
  send->outbound.operation = outbound->operation;
  send->outbound.attempt = outbound->attempt;
  send->outbound.message = desk_message_copy (outbound->message);
  send->outbound.reply_to_external_id = g_strdup (outbound->reply_to_external_id);
  send->outbound.emoji = g_strdup (outbound->emoji);
  send->ids = g_ptr_array_new_with_free_func (g_free);
  if (outbound->operation == DESK_OPERATION_SEND)
    g_ptr_array_set_size (send->ids, (gint)outbound->message->attachments->len);
  send->customer
      = desk_messaging_customer (sender->chat_prefix, send->outbound.message->user_id);

  if (send->customer == NULL)
    refuse (task, NULL, "This chat does not belong to the connection");
  else if (outbound->operation == DESK_OPERATION_REACT)
    post_reaction (task);
  else if (outbound->operation != DESK_OPERATION_SEND)
    end_with (task, desk_outcome_new_not_supported ());
  else if (!next_part (send)) /* the last attempt ended with all */
    end_with (task, desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL));
  else
    post_part (task);
}

DeskOutcome *
desk_messaging_send_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
