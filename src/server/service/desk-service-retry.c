/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* A failed reply is queued again by hand. It is the one step down on the ladder of statuses, and a
 * command of a person: nothing here happens by itself. A message whose outcome is unknown is not
 * offered, since nobody can tell whether it would be doubled. */

#include "server/service/desk-service-private.h"

typedef struct
{
  DeskWork work;
  char *id;
  DeskReply *reply;
  DeskReplyDone done;
  gpointer data;
} DeskRetry;

static DeskReply *
new_message_answer (DeskRetry *self, const DeskMessage *message)
{
  g_autoptr (DeskMessage) told = desk_service_copy_signed (self->work.service, message);
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  desk_reply_begin (reply, &w);
  desk_wire_write_message (&w, told);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

gboolean
desk_work_queue_again (
    DeskWork *self, gint64 chat_row, DeskMessage *message, gboolean *out_queued, GError **error)
{
  DeskServerTx *tx = self->tx;
  g_autoptr (DeskServerChat) chat = NULL;
  *out_queued = FALSE;
  if (!tx->ops->chat_find_row (tx, chat_row, &chat, error))
    return FALSE;
  if (chat == NULL)
    return TRUE;
  DeskServerJobRow job
      = { .chat_row = chat_row,
          .chat_seq = message->chat_seq,
          .connection = chat->chat->connection != NULL ? chat->chat->connection : (char *)"",
          .due_ms = self->now_ms,
          .created_ms = self->now_ms };
  message->status = DESK_STATUS_QUEUED;
  g_ptr_array_add (message->status_history,
                   desk_status_change_new (DESK_STATUS_QUEUED, self->now_ms, NULL, NULL));
  g_clear_pointer (&message->error.code, g_free);
  g_clear_pointer (&message->error.message, g_free);
  message->error.retryable = FALSE;
  if (!tx->ops->job_insert (tx, &job, error)
      || !desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_STATUS, error))
    return FALSE;
  self->wants_delivery = TRUE;
  *out_queued = TRUE;
  return TRUE;
}

static gboolean
queue_again (DeskRetry *self, gint64 chat_row, DeskMessage *message, GError **error)
{
  gboolean queued;
  if (!desk_work_queue_again (&self->work, chat_row, message, &queued, error))
    return FALSE;
  self->reply = queued ? new_message_answer (self, message) : desk_reply_new_no_chat ();
  return TRUE;
}

static gboolean
retry_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskRetry *self = data;
  g_autoptr (DeskServerMessage) stored = NULL;
  desk_work_begin (&self->work, tx);
  g_clear_pointer (&self->reply, desk_reply_free);
  if (!tx->ops->message_by_id (tx, self->id, &stored, error))
    return FALSE;
  if (stored == NULL)
    {
      self->reply
          = desk_reply_new_failure (DESK_CODE_NOT_FOUND, "There is no such message", NULL, -1, "");
      return TRUE;
    }
  g_autoptr (DeskMessage) message = desk_service_parse_body (stored->body, error);
  if (message == NULL)
    return FALSE;
  if (message->status == DESK_STATUS_FAILED && message->direction == DESK_DIRECTION_OUTGOING
      && message->deleted_at_ms == 0
      && g_strcmp0 (message->error.code, DESK_CODE_WORD_DISCARDED) != 0)
    return queue_again (self, stored->chat_row, message, error);
  if (message->status == DESK_STATUS_QUEUED) /* asked twice */
    self->reply = new_message_answer (self, message);
  else
    self->reply = desk_reply_new_failure (DESK_CODE_NOT_SUPPORTED,
                                          "Only a failed message can be sent again", NULL, -1, "");
  return TRUE;
}

static void
retry_done (const GError *error, gpointer data)
{
  DeskRetry *self = data;
  desk_service_note_commit (self->work.service, error);
  if (error == NULL)
    desk_work_publish (&self->work);
  else
    {
      g_clear_pointer (&self->reply, desk_reply_free);
      self->reply = desk_reply_new_store_failure (error);
    }
  self->done (g_steal_pointer (&self->reply), self->data);
  desk_work_clear (&self->work);
  g_free (self->id);
  g_free (self);
}

void
desk_service_retry (DeskService *service,
                    const DeskIdentity *who,
                    const char *message_id,
                    DeskReplyDone done,
                    gpointer data)
{
  g_return_if_fail (service != NULL && who != NULL && message_id != NULL && done != NULL);
  DeskRetry *self = g_new0 (DeskRetry, 1);
  desk_work_init (&self->work, service);
  self->id = g_strdup (message_id);
  self->done = done;
  self->data = data;
  service->store->ops->submit (service->store, retry_job, retry_done, self);
}
