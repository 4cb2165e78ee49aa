/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Dead letters: replies that could not be delivered. An operator lists them, queues them again or
 * gives them up.
 *
 * Invariants: one that is queued again takes its old place among the replies of its chat, before
 * what was written later; queueing it twice queues it once; one that was given up is failed for
 * good, and no button brings it back. */

#include "server/service/desk-service-private.h"

#include <string.h>

#define LETTERS_A_JOB 100

/* ── The list ───────────────────────────────────────────────────────────────────────────────── */

void
desk_dead_letter_free (DeskDeadLetter *self)
{
  if (self == NULL)
    return;
  g_free (self->connection);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->message_id);
  g_free (self->code);
  g_free (self->reason);
  g_free (self);
}

static gint64
failed_at (const DeskMessage *message)
{
  const guint n = message->status_history->len;

  return n > 0 ? ((const DeskStatusChange *)message->status_history->pdata[n - 1])->at_ms
               : message->created_at_ms;
}

/* NULL without an error: its message was trimmed. */
static DeskDeadLetter *
load_letter (DeskServerTx *tx, const DeskServerJobRow *job, GError **error)
{
  g_autoptr (DeskServerMessage) stored = NULL;

  if (!tx->ops->message_by_seq (tx, job->chat_row, job->chat_seq, &stored, error) || stored == NULL)
    return NULL;
  g_autoptr (DeskMessage) message = desk_service_parse_body (stored->body, error);
  if (message == NULL)
    return NULL;
  DeskDeadLetter *letter = g_new0 (DeskDeadLetter, 1);
  letter->id = job->id;
  letter->connection = g_strdup (job->connection);
  letter->platform = g_strdup (message->platform);
  letter->user_id = g_strdup (message->user_id);
  letter->message_id = g_strdup (message->id);
  letter->created_ms = message->created_at_ms;
  letter->failed_ms = failed_at (message);
  letter->attempts = job->attempts;
  letter->code = g_strdup (message->error.code);
  letter->reason = g_strdup (message->error.message);
  return letter;
}

static gboolean
list_letters (
    DeskServerTx *tx, const char *connection, guint limit, GPtrArray *into, GError **error)
{
  g_autoptr (GPtrArray) jobs = NULL;
  GError *local = NULL;

  if (!tx->ops->jobs_in_state (tx, connection, DESK_SERVER_JOB_DEAD, G_MAXINT64, limit, &jobs,
                               error))
    return FALSE;
  for (guint i = 0; i < jobs->len; i++)
    {
      DeskDeadLetter *letter = load_letter (tx, jobs->pdata[i], &local);
      if (letter != NULL)
        g_ptr_array_add (into, letter);
      else if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
    }
  return TRUE;
}

GPtrArray *
desk_service_list_dead_letters (DeskService *self,
                                const char *connection,
                                guint limit,
                                GError **error)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_dead_letter_free);
  DeskServerTx *tx = self->store->ops->begin_read (self->store, error);

  if (tx == NULL)
    return NULL;
  const gboolean ok = list_letters (tx, connection, limit, list, error);
  tx->ops->end_read (tx);
  return ok ? g_steal_pointer (&list) : NULL;
}

/* ── Again, or never ────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskWork work;
  char *connection; /* nullable: all */
  gint64 id;        /* 0: all */
  gboolean discard;
  guint n, total;   /* of this job, of all */
  gboolean looked;  /* there was something to look at: there may be more */
  DeskLettersDone done;
  gpointer data;
} DeskLetters;

static gboolean
give_up (DeskLetters *self, const DeskServerJobRow *job, DeskMessage *message, GError **error)
{
  g_free (message->error.code);
  g_free (message->error.message);
  message->error.code = g_strdup (DESK_CODE_WORD_DISCARDED);
  message->error.message = g_strdup ("It could not be delivered and was given up");
  message->error.retryable = FALSE;
  return self->work.tx->ops->job_delete (self->work.tx, job->chat_row, job->chat_seq, error)
         && desk_work_change_message (&self->work, job->chat_row, message,
                                      DESK_EVENT_MESSAGE_STATUS, error);
}

static gboolean
handle_letter (DeskLetters *self, const DeskServerJobRow *job, GError **error)
{
  DeskServerTx *tx = self->work.tx;
  g_autoptr (DeskServerMessage) stored = NULL;
  gboolean queued = FALSE;

  if (!tx->ops->message_by_seq (tx, job->chat_row, job->chat_seq, &stored, error))
    return FALSE;
  g_autoptr (DeskMessage) message
      = stored != NULL ? desk_service_parse_body (stored->body, error) : NULL;
  if (stored != NULL && message == NULL)
    return FALSE;
  /* trimmed, deleted by somebody, or sent after all: nothing is left to do */
  if (message == NULL || message->status != DESK_STATUS_FAILED || message->deleted_at_ms != 0)
    return tx->ops->job_delete (tx, job->chat_row, job->chat_seq, error);
  if (self->discard)
    {
      self->n++;
      return give_up (self, job, message, error);
    }
  if (!desk_work_queue_again (&self->work, job->chat_row, message, &queued, error))
    return FALSE;
  self->n += queued ? 1 : 0;
  return queued || tx->ops->job_delete (tx, job->chat_row, job->chat_seq, error);
}

static gboolean
letters_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskLetters *self = data;
  g_autoptr (GPtrArray) jobs = NULL;

  desk_work_begin (&self->work, tx);
  self->n = 0;
  self->looked = FALSE;
  if (self->id != 0)
    {
      g_autoptr (DeskServerJobRow) job = NULL;
      if (!tx->ops->job_get (tx, self->id, &job, error))
        return FALSE;
      return job == NULL || job->state != DESK_SERVER_JOB_DEAD || handle_letter (self, job, error);
    }
  if (!tx->ops->jobs_in_state (tx, self->connection, DESK_SERVER_JOB_DEAD, G_MAXINT64,
                               LETTERS_A_JOB, &jobs, error))
    return FALSE;
  self->looked = jobs->len > 0;
  for (guint i = 0; i < jobs->len; i++)
    if (!handle_letter (self, jobs->pdata[i], error))
      return FALSE;
  return TRUE;
}

static void
letters_done (const GError *error, gpointer data)
{
  DeskLetters *self = data;
  DeskServerStore *store = self->work.service->store;

  desk_service_note_commit (self->work.service, error);
  if (error == NULL)
    {
      desk_work_publish (&self->work);
      self->total += self->n;
      if (self->looked && !g_atomic_int_get (&self->work.service->closing))
        {
          store->ops->submit (store, letters_job, letters_done, self);
          return;
        }
    }
  self->done (self->total, error, self->data);
  desk_work_clear (&self->work);
  g_free (self->connection);
  g_free (self);
}

static void
handle_letters (DeskService *service,
                const char *connection,
                gint64 id,
                gboolean discard,
                DeskLettersDone done,
                gpointer data)
{
  DeskLetters *self = g_new0 (DeskLetters, 1);

  desk_work_init (&self->work, service);
  self->connection = g_strdup (connection);
  self->id = id;
  self->discard = discard;
  self->done = done;
  self->data = data;
  service->store->ops->submit (service->store, letters_job, letters_done, self);
}

void
desk_service_retry_dead_letters (
    DeskService *self, const char *connection, gint64 id, DeskLettersDone done, gpointer data)
{
  g_return_if_fail (self != NULL && done != NULL);
  handle_letters (self, connection, id, FALSE, done, data);
}

void
desk_service_discard_dead_letters (
    DeskService *self, const char *connection, gint64 id, DeskLettersDone done, gpointer data)
{
  g_return_if_fail (self != NULL && done != NULL);
  handle_letters (self, connection, id, TRUE, done, data);
}
