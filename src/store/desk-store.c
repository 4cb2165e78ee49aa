/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* The store as an object: a writer thread, a reader thread, a queue for each, and the observers.
 *
 * Invariants: a connection is used by its thread alone. Whatever waits in the writer's queue becomes one
 * transaction (a commit costs a flush to the disk, whatever its size); if a batch of it fails, the
 * transaction is rolled back and each batch is tried by itself, so every batch stays atomic and
 * only the guilty one fails. Nobody is told anything before the commit; observers are told before
 * the caller. Results go home by a source on the caller's context, and the last reference to a
 * task is dropped there: the store is never finalized by its own threads. */

#define MAX_GROUP_JOBS 64
#define MAX_GROUP_OPS 4096
#define COMPACT_MIN_BYTES (16 * 1024 * 1024)
#define CHECK_WAIT_US (200 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  /* write */
  DeskBatch *batch;
  gboolean compact; /* instead of a batch */
  DeskNotice *notice;
  /* read */
  DeskReadFunc run;
  gconstpointer params;
  GDestroyNotify free_params; /* NULL: params belong to a blocked caller */
  GDestroyNotify free_result;

  gboolean stop;  /* the last job of a queue */
  GTask *task;    /* NULL: a caller is blocked until done */
  gboolean done;  /* under the lock */
  gpointer result;
  GError *error;
} Job;

typedef struct
{
  gatomicrefcount refs;
  guint id;
  GMainContext *context;
  DeskStoreObserver func;
  gpointer data;
  GDestroyNotify destroy;
  gint alive; /* atomic */
} Observer;

struct _DeskStore
{
  GObject parent_instance;

  char *dir;
  DeskClock *clock;
  DeskStoreMark *mark;
  DeskDb *writer_db; /* used by the writer's thread, once it runs */
  DeskDb *reader_db;
  GThread *writer;
  GThread *reader;
  GAsyncQueue *writes; /* of Job */
  GAsyncQueue *reads;

  GMutex lock; /* of all below */
  GCond cond;
  gboolean closed;
  GPtrArray *observers;
  guint last_observer;

  DeskDb *check_db;
  GThread *checker;
  gboolean checked;
  gint damaged; /* atomic: the check found damage */
};

G_DEFINE_FINAL_TYPE (DeskStore, desk_store, G_TYPE_OBJECT)

/* ── Jobs ───────────────────────────────────────────────────────────────────────────────────── */

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_pointer (&job->batch, desk_batch_free);
  g_clear_pointer (&job->notice, desk_notice_unref);
  if (job->free_params != NULL)
    job->free_params ((gpointer) job->params);
  if (job->result != NULL && job->free_result != NULL)
    job->free_result (job->result);
  g_clear_error (&job->error);
  g_clear_object (&job->task);
  g_free (job);
}

static GError *
closed_error (void)
{
  return g_error_new_literal (DESK_STORE_ERROR, DESK_STORE_ERROR_CLOSED, "The cache is closed");
}

static gboolean
give_result (gpointer data)
{
  Job *job = data;

  if (job->error != NULL)
    g_task_return_error (job->task, g_steal_pointer (&job->error));
  else
    g_task_return_pointer (job->task, g_steal_pointer (&job->result), job->free_result);
  return G_SOURCE_REMOVE;
}

/* Hands a finished job back; it must not be used any more. */
static void
finish_job (DeskStore *self, Job *job)
{
  /* In this order: what is declared last is let go first, and a source must not outlive its context. */
  g_autoptr (GMainContext) context = NULL;
  g_autoptr (GSource) source = NULL;

  if (g_error_matches (job->error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT))
    g_atomic_int_set (&self->damaged, TRUE);
  if (job->task == NULL)
    {
      g_mutex_lock (&self->lock);
      job->done = TRUE;
      g_cond_broadcast (&self->cond);
      g_mutex_unlock (&self->lock);
      return;
    }
  source = g_idle_source_new ();
  g_source_set_priority (source, g_task_get_priority (job->task));
  g_source_set_static_name (source, "[frontdesk] store result");
  g_source_set_callback (source, give_result, job, job_free);
  /* The job, and with it the last reference to the context, may go while it is being attached. */
  context = g_main_context_ref (g_task_get_context (job->task));
  g_source_attach (source, context);
}

/* Takes the job. */
static void
push_job (DeskStore *self, GAsyncQueue *queue, Job *job)
{
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  if (!closed)
    g_async_queue_push (queue, job);
  g_mutex_unlock (&self->lock);
  if (closed)
    {
      job->error = closed_error ();
      finish_job (self, job);
    }
}

static void
wait_for_job (DeskStore *self, Job *job)
{
  g_mutex_lock (&self->lock);
  while (!job->done)
    g_cond_wait (&self->cond, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* Cancelled before it began, or the file is known to be damaged: the job fails without running. */
static gboolean
refuse_job (DeskStore *self, Job *job)
{
  GCancellable *cancellable = job->task ? g_task_get_cancellable (job->task) : NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &job->error))
    return TRUE;
  if (!g_atomic_int_get (&self->damaged))
    return FALSE;
  g_set_error (&job->error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT, "The cache is damaged");
  return TRUE;
}

/* ── Observers ──────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskStore *store;
  Observer *observer;
  DeskNotice *notice;
} Telling;

static void
observer_unref (Observer *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  if (self->destroy != NULL)
    self->destroy (self->data);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self);
}

static void
telling_free (gpointer data)
{
  Telling *telling = data;

  observer_unref (telling->observer);
  desk_notice_unref (telling->notice);
  g_object_unref (telling->store);
  g_free (telling);
}

static gboolean
tell (gpointer data)
{
  Telling *telling = data;

  if (g_atomic_int_get (&telling->observer->alive))
    telling->observer->func (telling->store, &telling->notice->change, telling->observer->data);
  return G_SOURCE_REMOVE;
}

static void
tell_observers (DeskStore *self, DeskNotice *notice)
{
  if (desk_notice_is_empty (notice))
    return;
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->observers->len; i++)
    {
      Telling *telling = g_new0 (Telling, 1);
      g_autoptr (GSource) source = g_idle_source_new ();

      telling->store = g_object_ref (self);
      telling->observer = g_ptr_array_index (self->observers, i);
      g_atomic_ref_count_inc (&telling->observer->refs);
      telling->notice = desk_notice_ref (notice);
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_static_name (source, "[frontdesk] store change");
      g_source_set_callback (source, tell, telling, telling_free);
      g_source_attach (source, telling->observer->context);
    }
  g_mutex_unlock (&self->lock);
}

guint
desk_store_observe (DeskStore *self,
                    GMainContext *context,
                    DeskStoreObserver func,
                    gpointer data,
                    GDestroyNotify destroy)
{
  Observer *observer;
  guint id;

  g_return_val_if_fail (DESK_IS_STORE (self) && func != NULL, 0);
  observer = g_new0 (Observer, 1);
  g_atomic_ref_count_init (&observer->refs);
  observer->context = context ? g_main_context_ref (context) : g_main_context_ref_thread_default ();
  observer->func = func;
  observer->data = data;
  observer->destroy = destroy;
  observer->alive = TRUE;
  g_mutex_lock (&self->lock);
  id = observer->id = ++self->last_observer;
  g_ptr_array_add (self->observers, observer);
  g_mutex_unlock (&self->lock);
  return id;
}

void
desk_store_unobserve (DeskStore *self, guint id)
{
  Observer *found = NULL;

  g_return_if_fail (DESK_IS_STORE (self));
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->observers->len && found == NULL; i++)
    if (((Observer *) g_ptr_array_index (self->observers, i))->id == id)
      found = g_ptr_array_steal_index (self->observers, i);
  g_mutex_unlock (&self->lock);
  g_return_if_fail (found != NULL);
  g_atomic_int_set (&found->alive, FALSE);
  observer_unref (found); /* outside the lock: destroy is the caller's code */
}

void
desk_store_notify_external_change (DeskStore *self)
{
  g_autoptr (DeskNotice) notice = desk_notice_new ();

  g_return_if_fail (DESK_IS_STORE (self));
  notice->change.everything = TRUE;
  notice->change.outbox = TRUE;
  notice->change.settings = TRUE;
  tell_observers (self, notice);
}

/* ── The writer ─────────────────────────────────────────────────────────────────────────────── */

static gboolean
fold_job (DeskStore *self, Job *job, GError **error)
{
  g_autoptr (DeskFold) fold = desk_fold_new (self->writer_db, self->clock);

  if (!desk_fold_apply (fold, job->batch, error))
    return FALSE;
  job->result = g_steal_pointer (&fold->result);
  job->notice = g_steal_pointer (&fold->notice);
  return TRUE;
}

static void
forget_results (Job **jobs, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_clear_pointer ((DeskBatchResult **) &jobs[i]->result, desk_batch_result_free);
      g_clear_pointer (&jobs[i]->notice, desk_notice_unref);
    }
}

/* One transaction for all of them; FALSE and nothing kept if any fails. */
static gboolean
commit_jobs (DeskStore *self, Job **jobs, guint n, GError **error)
{
  g_autoptr (DeskNotice) notice = NULL;

  if (!desk_db_begin (self->writer_db, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!fold_job (self, jobs[i], error))
      {
        desk_db_rollback (self->writer_db);
        forget_results (jobs, n);
        return FALSE;
      }
  if (!desk_store_commit (self->writer_db, error))
    {
      forget_results (jobs, n);
      return FALSE;
    }
  desk_files_purge (self->writer_db, self->dir);
  notice = desk_notice_new ();
  for (guint i = 0; i < n; i++)
    desk_notice_merge (notice, jobs[i]->notice);
  tell_observers (self, notice);
  return TRUE;
}

static void
write_jobs (DeskStore *self, Job **jobs, guint n)
{
  gboolean together = n > 1 && commit_jobs (self, jobs, n, NULL);

  for (guint i = 0; i < n; i++)
    {
      if (!together && !commit_jobs (self, &jobs[i], 1, &jobs[i]->error))
        desk_store_map_error (&jobs[i]->error);
      finish_job (self, jobs[i]);
    }
}

/* Only where it is worth it: the whole file is written anew. */
static void
compact (DeskStore *self, Job *job)
{
  gint64 pages = 0, unused = 0, page_size = 0;

  if (desk_db_query_int64 (self->writer_db, "PRAGMA page_count", &pages, &job->error)
      && desk_db_query_int64 (self->writer_db, "PRAGMA freelist_count", &unused, &job->error)
      && desk_db_query_int64 (self->writer_db, "PRAGMA page_size", &page_size, &job->error)
      && unused * page_size >= COMPACT_MIN_BYTES && unused >= pages / 5
      && desk_db_exec (self->writer_db, "VACUUM", &job->error))
    desk_db_checkpoint (self->writer_db, NULL);
  desk_store_map_error (&job->error);
  job->result = job->error ? NULL : self;
  finish_job (self, job);
}

static gpointer
writer_main (gpointer data)
{
  DeskStore *self = data;
  gboolean stop = FALSE;

  while (!stop)
    {
      Job *group[MAX_GROUP_JOBS];
      guint n = 0, ops = 0;
      Job *job = g_async_queue_pop (self->writes);

      for (; job != NULL; job = g_async_queue_try_pop (self->writes))
        {
          if (job->stop)
            {
              stop = TRUE;
              job_free (job);
              break;
            }
          if (refuse_job (self, job))
            {
              finish_job (self, job);
              continue;
            }
          if (job->compact)
            {
              compact (self, job); /* what came before it may as well come after it */
              continue;
            }
          group[n++] = job;
          ops += job->batch->ops->len;
          if (n == MAX_GROUP_JOBS || ops >= MAX_GROUP_OPS)
            break;
        }
      if (n > 0)
        write_jobs (self, group, n);
    }
  return NULL;
}

DeskBatchResult *
desk_store_apply (DeskStore *self, DeskBatch *batch, GError **error)
{
  Job *job;
  DeskBatchResult *result;

  g_return_val_if_fail (DESK_IS_STORE (self) && batch != NULL, NULL);
  job = g_new0 (Job, 1);
  job->batch = batch;
  job->free_result = (GDestroyNotify) desk_batch_result_free;
  push_job (self, self->writes, job);
  wait_for_job (self, job);
  result = g_steal_pointer (&job->result);
  if (job->error != NULL)
    g_propagate_error (error, g_steal_pointer (&job->error));
  job_free (job);
  return result;
}

static GTask *
new_task (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data, gpointer tag)
{
  GTask *task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, tag);
  /* What was done is told as done, even if it was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

void
desk_store_apply_async (DeskStore *self,
                        DeskBatch *batch,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer data)
{
  Job *job;

  g_return_if_fail (DESK_IS_STORE (self) && batch != NULL);
  job = g_new0 (Job, 1);
  job->batch = batch;
  job->free_result = (GDestroyNotify) desk_batch_result_free;
  job->task = new_task (self, cancellable, callback, data, desk_store_apply_async);
  push_job (self, self->writes, job);
}

void
desk_store_compact_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Job *job;

  g_return_if_fail (DESK_IS_STORE (self));
  job = g_new0 (Job, 1);
  job->compact = TRUE;
  job->task = new_task (self, cancellable, callback, data, desk_store_compact_async);
  push_job (self, self->writes, job);
}

gboolean
desk_store_compact_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

DeskBatchResult *
desk_store_apply_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ── The reader ─────────────────────────────────────────────────────────────────────────────── */

static gpointer
reader_main (gpointer data)
{
  DeskStore *self = data;

  for (;;)
    {
      Job *job = g_async_queue_pop (self->reads);

      if (job->stop)
        {
          job_free (job);
          return NULL;
        }
      if (!refuse_job (self, job))
        {
          job->result = job->run (self->reader_db, job->params, &job->error);
          desk_store_map_error (&job->error);
        }
      finish_job (self, job);
    }
}

gpointer
desk_store_read (DeskStore *self, DeskReadFunc run, gconstpointer params, GError **error)
{
  Job *job = g_new0 (Job, 1);
  gpointer result;

  job->run = run;
  job->params = params;
  push_job (self, self->reads, job);
  wait_for_job (self, job);
  result = g_steal_pointer (&job->result);
  if (job->error != NULL)
    g_propagate_error (error, g_steal_pointer (&job->error));
  job_free (job);
  return result;
}

void
desk_store_read_async (DeskStore *self,
                       DeskReadFunc run,
                       gpointer params,
                       GDestroyNotify free_params,
                       GDestroyNotify free_result,
                       gpointer tag,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->run = run;
  job->params = params;
  job->free_params = free_params;
  job->free_result = free_result;
  job->task = new_task (self, cancellable, callback, data, tag);
  push_job (self, self->reads, job);
}

/* ── The check after a disorderly end ───────────────────────────────────────────────────────── */

/* Reads the whole file, which takes seconds for a big one: open waits a moment for it (a small cache is
 * through by then), and otherwise it goes on beside the work. Damage found later makes every
 * further call fail with CORRUPT, and observers read anew to learn that. */
static gpointer
checker_main (gpointer data)
{
  DeskStore *self = data;
  g_autoptr (GError) error = NULL;
  gboolean fine = desk_db_quick_check (self->check_db, &error);

  if (!fine && g_error_matches (error, DESK_DB_ERROR, DESK_DB_ERROR_CORRUPT))
    {
      g_warning ("The cache is damaged: %s", error->message);
      g_atomic_int_set (&self->damaged, TRUE);
    }
  g_mutex_lock (&self->lock);
  self->checked = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  if (g_atomic_int_get (&self->damaged))
    desk_store_notify_external_change (self);
  return NULL;
}

static gboolean
start_check (DeskStore *self, const char *vfs, GError **error)
{
  gint64 end = g_get_monotonic_time () + CHECK_WAIT_US;

  self->check_db = desk_store_connect (self->dir, vfs, TRUE, error);
  if (self->check_db == NULL)
    return FALSE;
  self->checker = g_thread_new ("desk-store-check", checker_main, self);
  g_mutex_lock (&self->lock);
  while (!self->checked && g_cond_wait_until (&self->cond, &self->lock, end))
    ;
  g_mutex_unlock (&self->lock);
  if (!g_atomic_int_get (&self->damaged))
    return TRUE;
  g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT, "The cache is damaged");
  return FALSE;
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

static void
desk_store_init (DeskStore *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->writes = g_async_queue_new_full (job_free);
  self->reads = g_async_queue_new_full (job_free);
  self->observers = g_ptr_array_new ();
}

static void
stop_thread (GThread **thread, GAsyncQueue *queue)
{
  Job *job;

  if (*thread == NULL)
    return;
  job = g_new0 (Job, 1);
  job->stop = TRUE;
  g_async_queue_push (queue, job);
  g_thread_join (g_steal_pointer (thread));
}

void
desk_store_close (DeskStore *self)
{
  gboolean was_closed;

  g_return_if_fail (DESK_IS_STORE (self));
  g_mutex_lock (&self->lock);
  was_closed = self->closed;
  self->closed = TRUE; /* from here on nothing is queued any more */
  g_mutex_unlock (&self->lock);
  if (was_closed)
    return;
  stop_thread (&self->writer, self->writes);
  stop_thread (&self->reader, self->reads);
  if (self->checker != NULL)
    {
      desk_db_interrupt (self->check_db);
      g_thread_join (g_steal_pointer (&self->checker));
    }
  g_clear_pointer (&self->check_db, desk_db_close);
  g_clear_pointer (&self->reader_db, desk_db_close);
  if (self->writer_db != NULL && !g_atomic_int_get (&self->damaged))
    desk_db_checkpoint (self->writer_db, NULL); /* another process may still read: then later */
  g_clear_pointer (&self->writer_db, desk_db_close);
  /* after damage the mark stays, so that the next open checks, and learns that a rescue is due */
  desk_store_mark_leave (g_steal_pointer (&self->mark), self->checked && !g_atomic_int_get (&self->damaged));
}

static void
desk_store_finalize (GObject *object)
{
  DeskStore *self = DESK_STORE (object);

  desk_store_close (self);
  for (guint i = 0; i < self->observers->len; i++)
    observer_unref (g_ptr_array_index (self->observers, i));
  g_ptr_array_unref (self->observers);
  g_async_queue_unref (self->writes);
  g_async_queue_unref (self->reads);
  g_clear_pointer (&self->clock, desk_clock_unref);
  g_free (self->dir);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (desk_store_parent_class)->finalize (object);
}

static void
desk_store_class_init (DeskStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_store_finalize;
}

DeskStore *
desk_store_open (const char *dir, const DeskStoreOptions *options, GError **error)
{
  g_autoptr (DeskStore) self = NULL;
  const char *vfs = options ? options->vfs : NULL;
  gboolean clean;

  g_return_val_if_fail (dir != NULL, NULL);
  self = g_object_new (DESK_TYPE_STORE, NULL);
  self->dir = g_strdup (dir);
  self->clock = desk_clock_ref (options && options->clock ? options->clock : desk_clock_system ());
  if (!desk_store_make_dir (dir, error))
    return NULL;
  self->mark = desk_store_mark_enter (dir, &clean, error);
  if (self->mark == NULL)
    return NULL;
  self->writer_db = desk_store_connect_writer (dir, vfs, error);
  if (self->writer_db == NULL)
    return NULL;
  self->reader_db = desk_store_connect (dir, vfs, TRUE, error);
  if (self->reader_db == NULL)
    return NULL;
  if (clean || (options && options->skip_check))
    self->checked = clean;
  else if (!start_check (self, vfs, error))
    return NULL;
  self->writer = g_thread_new ("desk-store-write", writer_main, self);
  self->reader = g_thread_new ("desk-store-read", reader_main, self);
  return g_steal_pointer (&self);
}

const char *
desk_store_get_dir (DeskStore *self)
{
  g_return_val_if_fail (DESK_IS_STORE (self), NULL);
  return self->dir;
}
