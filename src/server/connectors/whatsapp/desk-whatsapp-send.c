/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* A message on its way to WhatsApp, and what came of it.
 *
 * WhatsApp takes one file a message, with at most 1024 characters. So a message with files is
 * several there: the files in their order, the text as the caption of the first that can have one;
 * a text that is longer, or that no file can bear, goes after them as a message of its own. Each
 * file is uploaded and then sent by its media id.
 *
 * The last part stands for the whole: its id becomes the message's and it alone bears our own id
 * (biz_opaque_callback_data). So a status of an earlier part never makes the message look sent
 * while parts of it wait.
 *
 * Invariants: a part that WhatsApp has taken is never sent again; an upload that failed is a
 * message that was surely not sent. */

#include "server/connectors/whatsapp/desk-whatsapp-send.h"

#include <string.h>
#include <unistd.h>

#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/whatsapp/desk-whatsapp-format.h"
#include "server/connectors/whatsapp/desk-whatsapp-rules.h"

#define MAX_PAUSE_MS 10000 /* longer ones are for the queue */

typedef struct
{
  DeskMetaGraph *graph;
  DeskFileStore *files; /* nullable */
  char *components; /* nullable: of a template */
  char *messages_path;
  char *media_path;
  DeskOutbound outbound; /* owns message and reply_to_external_id */
  const char *to;        /* within outbound.message->user_id */
  gint part;             /* files from 0, then the text */
  gint n_files;
  gint caption_at;     /* -1: no file bears the text */
  gboolean owns_text;  /* the text is a part of its own */
  char *last_id;       /* of what was sent last */
  GPtrArray *ids;      /* of nullable char: of the attachments sent now */
} Send;

static void
send_free (Send *send)
{
  desk_message_free (send->outbound.message);
  g_free (send->outbound.reply_to_external_id);
  g_free (send->outbound.emoji);
  g_free (send->components);
  g_free (send->messages_path);
  g_free (send->media_path);
  g_free (send->last_id);
  g_ptr_array_unref (send->ids);
  g_free (send);
}

/* ── Parts ──────────────────────────────────────────────────────────────────────────────────── */
static const DeskAttachment *
nth_file (const Send *send, gint part)
{
  return g_ptr_array_index (send->outbound.message->attachments, part);
}

static const char *
type_of (const Send *send, gint part)
{
  const DeskAttachment *file = nth_file (send, part);

  return desk_whatsapp_media_type (file->mime_type, file->size,
                                   send->outbound.message->kind == DESK_KIND_STICKER);
}

static gboolean
takes_caption (const char *type)
{
  return type != NULL && strcmp (type, "audio") != 0 && strcmp (type, "sticker") != 0;
}

/* Told by the message alone, so that every attempt comes to the same parts. */
static void
plan_parts (Send *send)
{
  const char *text = send->outbound.message->text;

  send->caption_at = -1;
  if (send->outbound.operation != DESK_OPERATION_SEND || send->outbound.message->template != NULL)
    {
      send->owns_text = TRUE;
      return;
    }
  send->n_files = (gint)send->outbound.message->attachments->len;
  if (*text != '\0' && g_utf8_strlen (text, -1) <= DESK_WHATSAPP_MAX_CAPTION)
    for (gint i = 0; i < send->n_files && send->caption_at < 0; i++)
      if (takes_caption (type_of (send, i)))
        send->caption_at = i;
  send->owns_text = send->n_files == 0 || (*text != '\0' && send->caption_at < 0);
}

static gboolean
is_taken (const Send *send, gint part)
{
  return nth_file (send, part)->external_id != NULL || g_ptr_array_index (send->ids, part) != NULL;
}

/* The next part that WhatsApp does not have; FALSE after the last. */
static gboolean
next_part (Send *send)
{
  while (send->part < send->n_files && is_taken (send, send->part))
    send->part++;
  return send->part < send->n_files || (send->part == send->n_files && send->owns_text);
}

static gboolean
is_last (const Send *send)
{
  return send->part == (send->owns_text ? send->n_files : send->n_files - 1);
}

/* Pages of the file itself, not a copy. */
static GBytes *
map_file (Send *send, const DeskAttachment *file)
{
  gint64 size;
  int fd = send->files != NULL && file->sha256 != NULL
               ? send->files->ops->open (send->files, file->sha256, &size, NULL, NULL)
               : -1;

  if (fd < 0)
    return NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new_from_fd (fd, FALSE, NULL);
  close (fd);
  return mapped != NULL ? g_mapped_file_get_bytes (mapped) : NULL;
}

/* ── The course ─────────────────────────────────────────────────────────────────────────────── */
static void post_part (GTask *task);

static void
end_with (GTask *task, DeskOutcome *outcome)
{
  Send *send = g_task_get_task_data (task);

  if (send->ids->len > 0)
    outcome->attachment_ids = g_ptr_array_ref (send->ids);
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
  g_object_unref (task);
}

static void
end_refused (GTask *task, const char *words)
{
  end_with (task, desk_outcome_new (DESK_OUTCOME_PERMANENT, NULL, words));
}

static void
go_on (GTask *task, char *taken_id)
{
  Send *send = g_task_get_task_data (task);
  DeskOutcome *outcome;

  g_free (send->last_id);
  send->last_id = taken_id;
  if (send->part < send->n_files)
    send->ids->pdata[send->part] = g_strdup (taken_id);
  send->part++;
  if (next_part (send))
    {
      post_part (task);
      return;
    }
  outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);
  outcome->external_id = g_strdup (send->last_id);
  end_with (task, outcome);
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Send *send = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autoptr (DeskOutcome) outcome = desk_whatsapp_outcome (reply, send->outbound.attempt);

  if (outcome->type == DESK_OUTCOME_SENT)
    go_on (task, g_strdup (outcome->external_id));
  else
    end_with (task, g_steal_pointer (&outcome));
}

static DeskWhatsappHead
head_of (const Send *send)
{
  const gboolean first = send->part == 0;

  return (DeskWhatsappHead) { send->to, first ? send->outbound.reply_to_external_id : NULL,
                              is_last (send) ? send->outbound.message->client_message_id : NULL };
}

static void
on_uploaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Send *send = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autoptr (DeskOutcome) outcome = desk_whatsapp_refusal (reply, send->outbound.attempt);
  const char *id = desk_meta_string (reply->object, "id");
  const DeskWhatsappHead head = head_of (send);
  const char *type = type_of (send, send->part);
  const DeskAttachment *file = nth_file (send, send->part);

  if (outcome == NULL && id == NULL)
    outcome = desk_outcome_new (DESK_OUTCOME_RETRY, NULL, "WhatsApp did not take the file");
  if (outcome != NULL)
    {
      /* whatever became of the file, the customer has not got it */
      if (outcome->type == DESK_OUTCOME_UNKNOWN)
        outcome->type = DESK_OUTCOME_RETRY;
      end_with (task, g_steal_pointer (&outcome));
      return;
    }
  g_autofree char *json = desk_whatsapp_format_media (
      &head, type, id, send->part == send->caption_at ? send->outbound.message->text : NULL,
      strcmp (type, "document") == 0 ? file->filename : NULL);
  desk_meta_graph_post_async (send->graph, send->messages_path, json,
                              g_task_get_cancellable (task), on_reply, task);
}

static void
post_file (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  const DeskAttachment *file = nth_file (send, send->part);
  const char *const fields[] = { "messaging_product", "whatsapp", "type", file->mime_type, NULL };
  g_autoptr (GBytes) bytes = NULL;

  if (type_of (send, send->part) == NULL)
    {
      end_refused (task, "WhatsApp takes files up to 100 MB");
      return;
    }
  bytes = map_file (send, file);
  if (bytes == NULL)
    {
      end_refused (task, "A file of this message is not kept any more");
      return;
    }
  const DeskMetaFile upload = { "file", file->filename, file->mime_type, bytes };
  desk_meta_graph_upload_async (send->graph, send->media_path, fields, &upload,
                                g_task_get_cancellable (task), on_uploaded, task);
}

static char *
format_text (const Send *send)
{
  const DeskWhatsappHead head = head_of (send);
  const DeskMessage *message = send->outbound.message;

  if (send->outbound.operation == DESK_OPERATION_REACT)
    {
      const DeskWhatsappHead plain = { send->to, NULL, NULL };
      return desk_whatsapp_format_reaction (&plain, message->external_id, send->outbound.emoji);
    }
  if (message->template != NULL)
    return desk_whatsapp_format_template (&head, message->template->name,
                                          message->template->language,
                                          send->components != NULL ? send->components : "[]");
  return desk_whatsapp_format_text (&head, message->text);
}

static void
post_text (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  g_autofree char *json = NULL;

  if (send->outbound.operation == DESK_OPERATION_SEND
      && send->outbound.message->template == NULL
      && g_utf8_strlen (send->outbound.message->text, -1) > DESK_WHATSAPP_MAX_TEXT)
    {
      end_refused (task, "The text is longer than WhatsApp takes");
      return;
    }
  json = format_text (send);
  desk_meta_graph_post_async (send->graph, send->messages_path, json,
                              g_task_get_cancellable (task), on_reply, task);
}

static void
post_part (GTask *task)
{
  Send *send = g_task_get_task_data (task);

  if (send->part < send->n_files)
    post_file (task);
  else
    post_text (task);
}

static gboolean
post_later (gpointer data)
{
  post_part (data);
  return G_SOURCE_REMOVE;
}

/* As Meta's load headers want it. */
static void
post_in_time (GTask *task)
{
  Send *send = g_task_get_task_data (task);
  const gint64 wait_ms = desk_meta_graph_get_wait_ms (send->graph);
  DeskOutcome *outcome;

  if (wait_ms <= 0)
    post_part (task);
  else if (wait_ms <= MAX_PAUSE_MS)
    g_timeout_add ((guint)wait_ms, post_later, task);
  else
    {
      outcome = desk_outcome_new (DESK_OUTCOME_RETRY, NULL, "WhatsApp asks to slow down");
      outcome->retry_after_ms = wait_ms;
      end_with (task, outcome);
    }
}

static Send *
send_new (DeskMetaGraph *graph,
          DeskFileStore *files,
          const DeskConnection *connection,
          const DeskOutbound *outbound,
          const char *components)
{
  Send *send = g_new0 (Send, 1);
  const char *prefix = connection->chat_prefix != NULL ? connection->chat_prefix : "";

  send->graph = graph;
  send->files = files;
  send->messages_path = g_strconcat (connection->account_id, "/messages", NULL);
  send->media_path = g_strconcat (connection->account_id, "/media", NULL);
  send->ids = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_set_size (send->ids, (gint)outbound->message->attachments->len);
  send->components = g_strdup (components);
  send->outbound.attempt = outbound->attempt;
  send->outbound.operation = outbound->operation;
  send->outbound.emoji = g_strdup (outbound->emoji != NULL ? outbound->emoji : "");
  send->outbound.message = desk_message_copy (outbound->message);
  send->outbound.reply_to_external_id = g_strdup (outbound->reply_to_external_id);
  if (g_str_has_prefix (outbound->message->user_id, prefix))
    send->to = send->outbound.message->user_id + strlen (prefix);
  plan_parts (send);
  return send;
}

void
desk_whatsapp_send_async (DeskMetaGraph *graph,
                          DeskFileStore *files,
                          const DeskConnection *connection,
                          const DeskOutbound *outbound,
                          const char *components,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer data)
{
  g_return_if_fail (graph != NULL && connection != NULL && outbound != NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Send *send = send_new (graph, files, connection, outbound, components);

  g_task_set_source_tag (task, desk_whatsapp_send_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, send, (GDestroyNotify)send_free);
  if (send->to == NULL || *send->to == '\0')
    end_refused (task, "This chat does not belong to the connection");
  else if (outbound->operation == DESK_OPERATION_REACT && outbound->message->external_id == NULL)
    end_refused (task, "WhatsApp does not have the message");
  else if (outbound->operation != DESK_OPERATION_SEND
           && outbound->operation != DESK_OPERATION_REACT)
    end_with (task, desk_outcome_new_not_supported ());
  else if (!next_part (send))
    {
      /* by the last attempt, whose last part stands for the whole */
      DeskOutcome *outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);
      outcome->external_id = g_strdup (nth_file (send, send->n_files - 1)->external_id);
      end_with (task, outcome);
    }
  else
    post_in_time (task);
}

DeskOutcome *
desk_whatsapp_send_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
