/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Delivery jobs: which are due, that an attempt begins, and what came of it.
 *
 * Invariants: an attempt is on record before its request goes out, so that a crash in between
 * leaves the message unknown and never sent twice; a job ends when its message is sent, unknown or
 * failed; failed ones stay as dead letters. */

#include "server/service/desk-service-private.h"

#include <string.h>

#include "common/desk-backoff.h"
#include "server/service/desk-fault.h"

#define MAX_ATTEMPTS  6 /* the first, and one after 1, 2, 4, 8, 16 s */
#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS  16000
#define WAIT_CAP_MS   30000

/* ── Due jobs ───────────────────────────────────────────────────────────────────────────────── */

static gboolean
find_quote (DeskServerTx *tx, const DeskMessage *message, char **out, GError **error)
{
  g_autoptr (DeskServerMessage) stored = NULL;
  *out = NULL;
  if (message->reply_to == NULL || message->reply_to->id == NULL)
    return TRUE;
  if (!tx->ops->message_by_id (tx, message->reply_to->id, &stored, error))
    return FALSE;
  g_autoptr (DeskMessage) quoted
      = stored != NULL ? desk_service_parse_body (stored->body, NULL) : NULL;
  if (quoted != NULL)
    *out = g_strdup (quoted->external_id);
  return TRUE;
}

static gboolean
make_outbound (DeskServerTx *tx, const DeskServerJobRow *job, DeskOutbound **out, GError **error)
{
  g_autoptr (DeskServerMessage) stored = NULL;
  g_autofree char *quote = NULL;
  *out = NULL;
  if (!tx->ops->message_by_seq (tx, job->chat_row, job->chat_seq, &stored, error))
    return FALSE;
  g_autoptr (DeskMessage) message
      = stored != NULL ? desk_service_parse_body (stored->body, error) : NULL;
  if (message == NULL)
    return stored == NULL;
  const DeskChange *change = message->change;
  if (job->is_operation && (change == NULL || change->state != DESK_CHANGE_QUEUED))
    return TRUE; /* the platform told it first */
  if (!job->is_operation && !find_quote (tx, message, &quote, error))
    return FALSE;
  DeskOutbound *outbound = g_new0 (DeskOutbound, 1);
  outbound->operation = job->is_operation ? change->operation : DESK_OPERATION_SEND;
  if (outbound->operation == DESK_OPERATION_EDIT)
    {
      g_free (message->text);
      message->text = g_strdup (change->text);
    }
  if (outbound->operation == DESK_OPERATION_REACT)
    outbound->emoji = g_strdup (change->emoji != NULL ? change->emoji : "");
  outbound->job_id = job->id;
  outbound->attempt = job->attempts + 1;
  outbound->connection = g_strdup (job->connection);
  outbound->message = g_steal_pointer (&message);
  outbound->reply_to_external_id = g_steal_pointer (&quote);
  *out = outbound;
  return TRUE;
}

static gboolean
collect_due (DeskService *self,
             DeskServerTx *tx,
             const char *connection,
             guint limit,
             GHashTable *running,
             gint64 *out_next_due_ms,
             GPtrArray *list,
             GError **error)
{
  g_autoptr (GPtrArray) jobs = NULL;
  gint64 now_ms = desk_clock_now_ms (self->clock);
  if (!tx->ops->jobs_first (tx, connection, &jobs, error))
    return FALSE;
  for (guint i = 0; i < jobs->len; i++)
    {
      const DeskServerJobRow *job = jobs->pdata[i];
      DeskOutbound *outbound;
      if (job->state == DESK_SERVER_JOB_BEGUN
          || (running != NULL && g_hash_table_contains (running, &job->id)))
        continue;
      if (job->due_ms > now_ms)
        {
          if (*out_next_due_ms < 0)
            *out_next_due_ms = job->due_ms;
          continue;
        }
      if (list->len == limit)
        continue;
      if (!make_outbound (tx, job, &outbound, error))
        return FALSE;
      if (outbound != NULL)
        g_ptr_array_add (list, outbound);
    }
  return TRUE;
}

/**
 * desk_service_due_jobs:
 * @running: (nullable): job ids (gint64 keys, g_int64_hash) that are under way already
 * @out_next_due_ms: when the next one falls due, wall time; -1 if none waits
 *
 * Returns: (transfer full) (element-type DeskOutbound): at most @limit, longest due first
 */
GPtrArray *
desk_service_due_jobs (DeskService *self,
                       const char *connection,
                       guint limit,
                       GHashTable *running,
                       gint64 *out_next_due_ms,
                       GError **error)
{
  *out_next_due_ms = -1;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, error);
  if (tx == NULL)
    return NULL;
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_outbound_free);
  gboolean ok = collect_due (self, tx, connection, limit, running, out_next_due_ms, list, error);
  tx->ops->end_read (tx);
  return ok ? g_steal_pointer (&list) : NULL;
}

/* ── Attempts ───────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskWork work;
  gint64 job_id;
  gboolean applied; /* begin: the job was there to begin */
  char *connection;
  DeskOutcome *outcome; /* finish */
  DeskChange *change;   /* finish: what was attempted, nullable */
  gboolean spoiled;     /* begin: what was read of the job is no longer so */
  DeskCount count;
  guint n;
  void (*done) (gboolean ok, gpointer data);
  gpointer data;
} DeskAttempt;

static DeskAttempt *
attempt_new (DeskService *service, gint64 job_id, void (*done) (gboolean, gpointer), gpointer data)
{
  DeskAttempt *self = g_new0 (DeskAttempt, 1);
  desk_work_init (&self->work, service);
  self->job_id = job_id;
  self->count = DESK_COUNT_LAST;
  self->done = done;
  self->data = data;
  return self;
}

static void
attempt_done (const GError *error, gpointer data)
{
  DeskAttempt *self = data;
  desk_service_note_commit (self->work.service, error);
  if (self->job_id != 0)
    desk_fault_point (self->outcome != NULL ? "finish-committed" : "begin-committed");
  if (error == NULL)
    {
      desk_work_publish (&self->work);
      if (self->count != DESK_COUNT_LAST)
        desk_service_count (self->work.service, self->count, MAX (self->n, 1));
    }
  else
    g_message ("a delivery could not be recorded: %s", error->message);
  if (self->spoiled && error == NULL)
    {
      g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->work.service->mutex);
      g_hash_table_remove (self->work.service->spoiled_jobs, &self->job_id);
    }
  if (self->done != NULL)
    self->done (error == NULL && self->applied, self->data);
  desk_work_clear (&self->work);
  desk_outcome_free (self->outcome);
  desk_change_free (self->change);
  g_free (self->connection);
  g_free (self);
}

void
desk_service_spoil_job (DeskService *self, gint64 job_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_add (self->spoiled_jobs, g_memdup2 (&job_id, sizeof job_id));
}

static gboolean
is_spoiled (DeskService *self, gint64 job_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  return g_hash_table_contains (self->spoiled_jobs, &job_id);
}

static gboolean
begin_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskAttempt *self = data;
  g_autoptr (DeskServerJobRow) job = NULL;
  desk_work_begin (&self->work, tx);
  self->applied = FALSE;
  if (!tx->ops->job_get (tx, self->job_id, &job, error))
    return FALSE;
  self->spoiled = is_spoiled (self->work.service, self->job_id);
  if (job == NULL || job->state != DESK_SERVER_JOB_WAITING || self->spoiled)
    return TRUE;
  job->state = DESK_SERVER_JOB_BEGUN;
  job->attempts++;
  self->applied = TRUE;
  const gboolean ok = tx->ops->job_update (tx, job, error);
  desk_fault_point ("begin-uncommitted");
  return ok;
}

void
desk_service_begin_attempt (DeskService *self,
                            gint64 job_id,
                            void (*done) (gboolean ok, gpointer data),
                            gpointer data)
{
  g_return_if_fail (self != NULL);
  self->store->ops->submit (self->store, begin_job, attempt_done,
                            attempt_new (self, job_id, done, data));
}

/* Ends a job with a message that failed for good: the job stays as a dead letter. */
static gboolean
fail_job (DeskAttempt *self,
          DeskServerJobRow *job,
          DeskMessage *message,
          const char *code,
          const char *reason,
          gboolean retryable,
          GError **error)
{
  job->state = DESK_SERVER_JOB_DEAD;
  self->count = DESK_COUNT_FAILED;
  self->n++;
  return self->work.tx->ops->job_update (self->work.tx, job, error)
         && desk_work_set_status (&self->work, job->chat_row, message, DESK_STATUS_FAILED,
                                  self->work.now_ms, code != NULL ? code : "FAILED", reason,
                                  retryable, NULL, error);
}

static gboolean
wait_job (DeskAttempt *self, DeskServerJobRow *job, gint64 wait_ms, GError **error)
{
  job->state = DESK_SERVER_JOB_WAITING;
  job->due_ms = self->work.now_ms + MAX (wait_ms, self->outcome->retry_after_ms);
  self->work.wants_delivery = TRUE;
  return self->work.tx->ops->job_update (self->work.tx, job, error);
}

static gboolean
is_too_old (const DeskAttempt *self, const DeskServerJobRow *job)
{
  return self->work.now_ms - job->created_ms >= DAY_MS;
}

static gboolean
finish_retry (DeskAttempt *self, DeskServerJobRow *job, DeskMessage *message, GError **error)
{
  const DeskOutcome *outcome = self->outcome;
  DeskRandom *random = self->work.service->random;
  if (outcome->type == DESK_OUTCOME_RETRY)
    {
      job->waits = 0;
      if (job->attempts >= MAX_ATTEMPTS || is_too_old (self, job))
        return fail_job (self, job, message, outcome->code,
                         outcome->message != NULL ? outcome->message
                                                  : "The platform did not take it",
                         TRUE, error);
      return wait_job (self, job,
                       desk_backoff_equal_jitter_ms (job->attempts - 1, RETRY_BASE_MS, RETRY_CAP_MS,
                                                     random),
                       error);
    }
  job->attempts -= job->attempts > 0 ? 1 : 0;
  if (is_too_old (self, job))
    return fail_job (self, job, message, outcome->code,
                     outcome->message != NULL ? outcome->message
                                              : "The platform could not be reached for a day",
                     TRUE, error);
  gint64 wait = outcome->type == DESK_OUTCOME_CONNECTION
                    ? 0 /* the connection is stopped as a whole until it is well again */
                    : desk_backoff_equal_jitter_ms (MIN (job->waits, 10), RETRY_BASE_MS,
                                                    WAIT_CAP_MS, random);
  job->waits++;
  return wait_job (self, job, wait, error);
}

static gboolean
finish_sent (DeskAttempt *self, DeskServerJobRow *job, DeskMessage *message, GError **error)
{
  DeskServerTx *tx = self->work.tx;
  const DeskOutcome *outcome = self->outcome;
  g_autoptr (DeskServerMessage) other = NULL;
  if (message->external_id == NULL && outcome->external_id != NULL)
    {
      if (!tx->ops->message_by_external (tx, job->chat_row, outcome->external_id, &other, error))
        return FALSE;
      if (other == NULL)
        message->external_id = g_strdup (outcome->external_id);
    }
  self->count = DESK_COUNT_DELIVERED;
  return tx->ops->job_delete (tx, job->chat_row, job->chat_seq, error)
         && desk_work_set_status (&self->work, job->chat_row, message, DESK_STATUS_SENT,
                                  self->work.now_ms, NULL, NULL, FALSE, NULL, error);
}

static gboolean
finish_unknown (DeskAttempt *self,
                DeskServerJobRow *job,
                DeskMessage *message,
                const char *code,
                const char *reason,
                GError **error)
{
  self->count = DESK_COUNT_UNKNOWN;
  self->n++;
  return self->work.tx->ops->job_delete (self->work.tx, job->chat_row, job->chat_seq, error)
         && desk_work_set_status (&self->work, job->chat_row, message, DESK_STATUS_UNKNOWN,
                                  self->work.now_ms, code,
                                  reason != NULL ? reason
                                                 : "Nobody can tell whether the platform took it",
                                  FALSE, NULL, error);
}

static gboolean
load_job (DeskServerTx *tx,
          gint64 id,
          DeskServerJobRow **out_job,
          DeskMessage **out_message,
          GError **error)
{
  g_autoptr (DeskServerMessage) stored = NULL;
  *out_message = NULL;
  if (!tx->ops->job_get (tx, id, out_job, error))
    return FALSE;
  if (*out_job == NULL)
    return TRUE;
  if (!tx->ops->message_by_seq (tx, (*out_job)->chat_row, (*out_job)->chat_seq, &stored, error))
    return FALSE;
  if (stored == NULL)
    return tx->ops->job_delete_id (tx, id, error);
  *out_message = desk_service_parse_body (stored->body, error);
  return *out_message != NULL;
}

/* What the platform already has of a message with several files, so that no attempt brings it
 * twice. */
static gboolean
apply_parts (DeskAttempt *self, DeskServerJobRow *job, DeskMessage *message, GError **error)
{
  const DeskOutcome *outcome = self->outcome;
  const GPtrArray *ids = outcome->attachment_ids;
  gboolean changed = FALSE;
  for (guint i = 0; ids != NULL && i < ids->len && i < message->attachments->len; i++)
    {
      DeskAttachment *attachment = message->attachments->pdata[i];
      if (ids->pdata[i] == NULL || attachment->external_id != NULL)
        continue;
      attachment->external_id = g_strdup (ids->pdata[i]);
      changed = TRUE;
      if (strcmp (ids->pdata[i], "?") != 0
          && !desk_work_add_part (&self->work, job->chat_row, job->chat_seq, ids->pdata[i], i, error))
        return FALSE;
    }
  if (outcome->type == DESK_OUTCOME_SENT) /* stored with the status */
    return TRUE;
  if (outcome->external_id != NULL && message->external_id == NULL)
    {
      g_autoptr (DeskServerMessage) other = NULL;
      if (!self->work.tx->ops->message_by_external (self->work.tx, job->chat_row,
                                                    outcome->external_id, &other, error))
        return FALSE;
      if (other == NULL)
        message->external_id = g_strdup (outcome->external_id);
      changed |= other == NULL;
    }
  return !changed
         || desk_work_change_message (&self->work, job->chat_row, message,
                                      DESK_EVENT_MESSAGE_UPDATED, error);
}

static gboolean
finish_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskAttempt *self = data;
  const DeskOutcome *outcome = self->outcome;
  g_autoptr (DeskServerJobRow) job = NULL;
  g_autoptr (DeskMessage) message = NULL;
  g_autoptr (DeskServerChat) chat = NULL;
  gboolean ok = TRUE;
  desk_work_begin (&self->work, tx);
  self->applied = TRUE;
  self->count = DESK_COUNT_LAST;
  self->n = 0;
  if (!load_job (tx, self->job_id, &job, &message, error))
    return FALSE;
  if (message == NULL) /* an echo was here first */
    return TRUE;
  if (job->is_operation)
    return desk_work_finish_operation (&self->work, job, message, self->change, outcome, error);
  if (!apply_parts (self, job, message, error))
    return FALSE;
  switch (outcome->type)
    {
    case DESK_OUTCOME_SENT:
      ok = finish_sent (self, job, message, error);
      break;
    case DESK_OUTCOME_RETRY:
    case DESK_OUTCOME_NOT_CONNECTED:
    case DESK_OUTCOME_CONNECTION:
      ok = finish_retry (self, job, message, error);
      break;
    case DESK_OUTCOME_UNKNOWN:
      ok = finish_unknown (self, job, message, outcome->code, outcome->message, error);
      break;
    case DESK_OUTCOME_PERMANENT:
      ok = fail_job (self, job, message, outcome->code,
                     outcome->message != NULL ? outcome->message : "The platform refused it", FALSE,
                     error);
      break;
    }
  desk_fault_point ("finish-uncommitted");
  if (!ok || outcome->new_user_id == NULL)
    return ok;
  return tx->ops->chat_find_row (tx, job->chat_row, &chat, error)
         && (chat == NULL
             || desk_work_rename_chat (&self->work, chat, outcome->new_user_id, error));
}

static gpointer
copy_id (gconstpointer id, gpointer data)
{
  return g_strdup (id);
}

static DeskOutcome *
outcome_copy (const DeskOutcome *outcome)
{
  DeskOutcome *copy = desk_outcome_new (outcome->type, outcome->code, outcome->message);
  copy->external_id = g_strdup (outcome->external_id);
  copy->new_user_id = g_strdup (outcome->new_user_id);
  copy->retry_after_ms = outcome->retry_after_ms;
  copy->per_chat = outcome->per_chat;
  if (outcome->attachment_ids != NULL)
    copy->attachment_ids = g_ptr_array_copy (outcome->attachment_ids, copy_id, NULL);
  if (copy->attachment_ids != NULL)
    g_ptr_array_set_free_func (copy->attachment_ids, g_free);
  return copy;
}

void
desk_service_finish_attempt (DeskService *self,
                             const DeskOutbound *outbound,
                             const DeskOutcome *outcome,
                             void (*done) (gboolean ok, gpointer data),
                             gpointer data)
{
  g_return_if_fail (self != NULL && outbound != NULL && outcome != NULL);
  DeskAttempt *attempt = attempt_new (self, outbound->job_id, done, data);
  attempt->outcome = outcome_copy (outcome);
  attempt->change = desk_change_copy (outbound->message->change);
  self->store->ops->submit (self->store, finish_job, attempt_done, attempt);
}

/* ── Jobs that nobody attempts ──────────────────────────────────────────────────────────────── */

static gboolean
expire_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskAttempt *self = data;
  g_autoptr (GPtrArray) jobs = NULL;
  desk_work_begin (&self->work, tx);
  self->applied = TRUE;
  self->n = 0;
  if (!tx->ops->jobs_in_state (tx, self->connection, DESK_SERVER_JOB_WAITING,
                               self->work.now_ms - DAY_MS, 500, &jobs, error))
    return FALSE;
  for (guint i = 0; i < jobs->len; i++)
    {
      const DeskServerJobRow *row = jobs->pdata[i];
      g_autoptr (DeskServerJobRow) job = NULL;
      g_autoptr (DeskMessage) message = NULL;
      if (!load_job (tx, row->id, &job, &message, error))
        return FALSE;
      if (message != NULL && job->is_operation)
        {
          if (!desk_work_fail_operation (&self->work, job, message, "EXPIRED",
                                         "The connection to the platform was down for a day",
                                         error))
            return FALSE;
          continue;
        }
      if (message != NULL
          && !fail_job (self, job, message, "EXPIRED",
                        "The connection to the platform was down for a day", TRUE, error))
        return FALSE;
    }
  if (self->n == 0)
    self->count = DESK_COUNT_LAST;
  return TRUE;
}

void
desk_service_expire_jobs (DeskService *self,
                          const char *connection,
                          void (*done) (gboolean ok, gpointer data),
                          gpointer data)
{
  g_return_if_fail (self != NULL);
  DeskAttempt *attempt = attempt_new (self, 0, done, data);
  attempt->connection = g_strdup (connection);
  self->store->ops->submit (self->store, expire_job, attempt_done, attempt);
}

static gboolean
recover_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskAttempt *self = data;
  g_autoptr (GPtrArray) jobs = NULL;
  desk_work_begin (&self->work, tx);
  self->n = 0;
  if (!tx->ops->jobs_in_state (tx, NULL, DESK_SERVER_JOB_BEGUN, G_MAXINT64, 1000, &jobs, error))
    return FALSE;
  for (guint i = 0; i < jobs->len; i++)
    {
      const DeskServerJobRow *row = jobs->pdata[i];
      g_autoptr (DeskServerJobRow) job = NULL;
      g_autoptr (DeskMessage) message = NULL;
      if (!load_job (tx, row->id, &job, &message, error))
        return FALSE;
      if (message != NULL && job->is_operation) /* told by value: doing it twice is doing it once */
        {
          job->state = DESK_SERVER_JOB_WAITING;
          if (!tx->ops->job_update (tx, job, error))
            return FALSE;
          continue;
        }
      if (message != NULL
          && !finish_unknown (self, job, message, "INTERRUPTED",
                              "The backend stopped while it was sending; it may have arrived",
                              error))
        return FALSE;
    }
  return TRUE;
}

gboolean
desk_service_recover_jobs (DeskService *self, guint *out_unknown, GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  DeskAttempt *attempt = attempt_new (self, 0, NULL, NULL);
  guint total = 0;
  gboolean ok;
  do
    {
      ok = desk_server_store_run (self->store, recover_job, attempt, error);
      if (ok)
        desk_work_publish (&attempt->work);
      total += ok ? attempt->n : 0;
    }
  while (ok && attempt->n > 0);
  desk_work_clear (&attempt->work);
  g_free (attempt);
  if (out_unknown != NULL)
    *out_unknown = total;
  return ok;
}
