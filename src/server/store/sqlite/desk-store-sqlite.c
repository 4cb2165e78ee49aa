/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* The SQLite store: opening, the writer thread with group commit, the pool of readers.
 *
 * Invariants: every write happens on the writer thread; done functions run there, in the order of
 * the jobs, after the commit of their transaction; a group that fails leaves nothing behind. When a
 * job fails on its own account, the group is undone and its jobs run again one by one, so that one
 * bad job never takes its neighbours along. When the file cannot be written (full, input/output
 * error), the whole group fails and the next one tries again. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "desk-store-sqlite-resources.h"

#define MAX_IDLE_READERS 64

typedef struct
{
  DeskServerJob job;
  DeskServerJobDone done;
  gpointer data;
} DeskQueued;

struct _DeskStoreSqlite
{
  DeskServerStore parent;
  char *path;
  char *epoch;
  int epoch_fd;
  guint group;

  GThread *thread;
  GMutex mutex; /* guards queue, closing, readers, max_pages */
  GCond cond;
  GArray *queue; /* of DeskQueued */
  gboolean closing;
  gint64 max_pages;   /* to be set by the writer; -1 nothing to do */
  GPtrArray *readers; /* idle DeskSqliteTx */

  DeskSqliteTx writer;
  gint64 head; /* atomic by the mutex */
};

static DeskServerStoreClass sqlite_ops;

/* ── Errors ─────────────────────────────────────────────────────────────────────────────────── */

void
desk_store_sqlite_map_error (GError **error)
{
  if (error == NULL || *error == NULL || (*error)->domain != DESK_DB_ERROR)
    return;
  int code = DESK_SERVER_STORE_ERROR_FAILED;
  switch ((*error)->code)
    {
    case DESK_DB_ERROR_BUSY:
    case DESK_DB_ERROR_IO:
      code = DESK_SERVER_STORE_ERROR_UNAVAILABLE;
      break;
    case DESK_DB_ERROR_FULL:
      code = DESK_SERVER_STORE_ERROR_FULL;
      break;
    case DESK_DB_ERROR_CORRUPT:
      code = DESK_SERVER_STORE_ERROR_DAMAGED;
      break;
    case DESK_DB_ERROR_SCHEMA_VERSION:
      code = DESK_SERVER_STORE_ERROR_TOO_NEW;
      break;
    case DESK_DB_ERROR_CONSTRAINT:
      code = DESK_SERVER_STORE_ERROR_CONFLICT;
      break;
    case DESK_DB_ERROR_READ_ONLY:
    case DESK_DB_ERROR_CANT_OPEN:
      code = DESK_SERVER_STORE_ERROR_NOT_WRITABLE;
      break;
    default:
      break;
    }
  (*error)->domain = DESK_SERVER_STORE_ERROR;
  (*error)->code = code;
}

/* Is it the storage that failed, so that running the neighbours again is pointless? */
static gboolean
is_storage_failure (const GError *error)
{
  return g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FULL)
         || g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_UNAVAILABLE)
         || g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_DAMAGED)
         || g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_NOT_WRITABLE);
}

/* ── The writer ─────────────────────────────────────────────────────────────────────────────── */

static gboolean
read_head (DeskSqliteTx *tx, gint64 *out, GError **error)
{
  *out = 0;
  return desk_db_query_int64 (tx->db, "SELECT coalesce(max(seq),0) FROM events", out, error);
}

static gboolean
begin_group (DeskStoreSqlite *self, GError **error)
{
  gint64 head;
  if (!desk_db_begin (self->writer.db, error))
    return FALSE;
  if (!read_head (&self->writer, &head, error))
    {
      desk_db_rollback (self->writer.db);
      return FALSE;
    }
  self->writer.next_seq = head + 1;
  return TRUE;
}

/* A limit on the size of files reaches us as an input/output error; SQLite keeps the system's code to
 * itself. */
static gboolean
is_no_space (const GError *error)
{
  struct rlimit limit;
  return g_error_matches (error, DESK_DB_ERROR, DESK_DB_ERROR_IO)
         && getrlimit (RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* Runs n jobs in one transaction; on failure nothing of them stays. */
static gboolean
run_group (DeskStoreSqlite *self, DeskQueued *jobs, guint n, GError **error)
{
  gboolean ok = begin_group (self, error);
  if (ok)
    {
      for (guint i = 0; ok && i < n; i++)
        ok = jobs[i].job (&self->writer.parent, jobs[i].data, error);
      if (ok)
        ok = desk_db_commit (self->writer.db, error);
      else
        desk_db_rollback (self->writer.db);
    }
  gboolean no_space = !ok && error != NULL && is_no_space (*error);
  desk_store_sqlite_map_error (error);
  if (no_space)
    (*error)->code = DESK_SERVER_STORE_ERROR_FULL;
  if (!ok)
    return FALSE;
  g_mutex_lock (&self->mutex);
  gboolean moved = self->head != self->writer.next_seq - 1;
  self->head = self->writer.next_seq - 1;
  g_mutex_unlock (&self->mutex);
  if (moved)
    desk_epoch_file_write (self->epoch_fd, self->epoch, self->writer.next_seq - 1);
  return TRUE;
}

static void
run_jobs (DeskStoreSqlite *self, DeskQueued *jobs, guint n)
{
  g_autoptr (GError) error = NULL;
  if (run_group (self, jobs, n, &error) || n == 1 || is_storage_failure (error))
    {
      for (guint i = 0; i < n; i++)
        jobs[i].done (error, jobs[i].data);
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) alone = NULL;
      run_group (self, &jobs[i], 1, &alone);
      jobs[i].done (alone, jobs[i].data);
    }
}

static void
apply_max_pages (DeskStoreSqlite *self, gint64 pages)
{
  g_autofree char *sql
      = g_strdup_printf ("PRAGMA max_page_count=%" G_GINT64_FORMAT, pages > 0 ? pages : 4294967294);
  g_autoptr (GError) error = NULL;
  if (!desk_db_exec (self->writer.db, sql, &error))
    g_warning ("max_page_count: %s", error->message);
}

static gpointer
writer_main (gpointer data)
{
  DeskStoreSqlite *self = data;
  g_autoptr (GArray) mine = g_array_new (FALSE, FALSE, sizeof (DeskQueued));
  for (;;)
    {
      g_mutex_lock (&self->mutex);
      while (self->queue->len == 0 && !self->closing && self->max_pages < 0)
        g_cond_wait (&self->cond, &self->mutex);
      if (self->queue->len == 0 && self->closing)
        break;
      gint64 max_pages = self->max_pages;
      self->max_pages = -1;
      guint n = MIN (self->queue->len, self->group);
      g_array_set_size (mine, 0);
      g_array_append_vals (mine, self->queue->data, n);
      g_array_remove_range (self->queue, 0, n);
      g_mutex_unlock (&self->mutex);

      if (max_pages >= 0)
        apply_max_pages (self, max_pages);
      if (n > 0)
        run_jobs (self, (DeskQueued *)(gpointer)mine->data, n);
    }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

static void
sqlite_submit (DeskServerStore *store, DeskServerJob job, DeskServerJobDone done, gpointer data)
{
  DeskStoreSqlite *self = (DeskStoreSqlite *)store;
  DeskQueued queued = { job, done, data };
  g_mutex_lock (&self->mutex);
  gboolean was_empty = self->queue->len == 0;
  g_array_append_val (self->queue, queued);
  if (was_empty)
    g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* ── Readers ────────────────────────────────────────────────────────────────────────────────── */

static void
reader_free (gpointer data)
{
  DeskSqliteTx *tx = data;
  desk_db_close (tx->db);
  g_free (tx);
}

static DeskServerTx *
sqlite_begin_read (DeskServerStore *store, GError **error)
{
  DeskStoreSqlite *self = (DeskStoreSqlite *)store;
  DeskSqliteTx *tx = NULL;
  g_mutex_lock (&self->mutex);
  if (self->readers->len > 0)
    tx = g_ptr_array_steal_index_fast (self->readers, self->readers->len - 1);
  g_mutex_unlock (&self->mutex);
  if (tx == NULL)
    {
      DeskDbOptions options = { .read_only = TRUE, .cache_kib = 8192, .mmap_bytes = 1LL << 30 };
      DeskDb *db = desk_db_open (self->path, &options, error);
      if (db == NULL)
        {
          desk_store_sqlite_map_error (error);
          return NULL;
        }
      tx = g_new0 (DeskSqliteTx, 1);
      tx->parent.ops = &sqlite_ops;
      tx->store = self;
      tx->db = db;
    }
  if (!desk_db_begin_read (tx->db, error))
    {
      desk_store_sqlite_map_error (error);
      reader_free (tx);
      return NULL;
    }
  return &tx->parent;
}

static void
sqlite_end_read (DeskServerTx *tx)
{
  DeskSqliteTx *reader = SQLITE_TX (tx);
  DeskStoreSqlite *self = reader->store;
  desk_db_rollback (reader->db);
  g_mutex_lock (&self->mutex);
  if (self->readers->len < MAX_IDLE_READERS)
    {
      g_ptr_array_add (self->readers, reader);
      reader = NULL;
    }
  g_mutex_unlock (&self->mutex);
  if (reader != NULL)
    reader_free (reader);
}

/* ── Opening and closing ────────────────────────────────────────────────────────────────────── */

static const char *
sqlite_get_epoch (DeskServerStore *store)
{
  return ((DeskStoreSqlite *)store)->epoch;
}

static gint64
sqlite_get_head (DeskServerStore *store)
{
  DeskStoreSqlite *self = (DeskStoreSqlite *)store;
  g_mutex_lock (&self->mutex);
  gint64 head = self->head;
  g_mutex_unlock (&self->mutex);
  return head;
}

static void
store_free (DeskStoreSqlite *self)
{
  g_ptr_array_unref (self->readers);
  desk_db_close (self->writer.db);
  if (self->epoch_fd >= 0)
    close (self->epoch_fd);
  g_array_unref (self->queue);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self->epoch);
  g_free (self->path);
  g_free (self);
}

static void
sqlite_close (DeskServerStore *store)
{
  DeskStoreSqlite *self = (DeskStoreSqlite *)store;
  g_mutex_lock (&self->mutex);
  self->closing = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
  g_thread_join (self->thread);
  store_free (self);
}

static char *
draw_epoch (DeskRandom *random)
{
  return g_strdup_printf ("e%013" G_GINT64_MODIFIER "x", desk_random_u64 (random) >> 12);
}

/* Keeps the epoch of the file, or draws one: for a new file, and for one that knows less than was
 * promised. */
static gboolean
settle_epoch (DeskStoreSqlite *self, DeskRandom *random, GError **error)
{
  /* The file first: a daemon at work may commit in between, and the file never knows more than the
   * database. */
  g_autofree char *file_epoch = NULL;
  gint64 file_head = 0;
  gboolean known = desk_epoch_file_read (self->path, &file_epoch, &file_head);
  if (!read_head (&self->writer, &self->head, error))
    return FALSE;

  DeskStmt *stmt
      = desk_db_prepare (self->writer.db, "SELECT value FROM meta WHERE key='epoch'", error);
  if (stmt == NULL)
    return FALSE;
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    self->epoch = g_strdup (desk_stmt_column_text (stmt, 0));
  desk_stmt_reset (stmt);
  if (step == DESK_STEP_ERROR)
    return FALSE;
  if (self->epoch != NULL && known
      && (g_strcmp0 (file_epoch, self->epoch) != 0 || file_head > self->head))
    {
      g_message ("the database is older than its epoch file: clients will start afresh");
      g_clear_pointer (&self->epoch, g_free);
    }
  if (self->epoch == NULL)
    {
      self->epoch = draw_epoch (random);
      stmt = desk_db_prepare (self->writer.db, "INSERT OR REPLACE INTO meta VALUES('epoch',?)",
                              error);
      if (stmt == NULL)
        return FALSE;
      desk_stmt_bind_text (stmt, 1, self->epoch);
      if (!desk_stmt_run (stmt, error))
        return FALSE;
    }
  self->epoch_fd = desk_epoch_file_open (self->path);
  desk_epoch_file_write (self->epoch_fd, self->epoch, self->head);
  return TRUE;
}

#define SCHEMA_VERSION 4 /* schema/001.sql to this one */

static gboolean
migrate (DeskStoreSqlite *self, GError **error)
{
  char *texts[SCHEMA_VERSION + 1] = { NULL };
  DeskMigration list[SCHEMA_VERSION];

  for (guint i = 0; i < SCHEMA_VERSION; i++)
    {
      g_autofree char *path = g_strdup_printf ("/org/frontdesk/server/sqlite/%03u.sql", i + 1);
      g_autoptr (GBytes) sql = g_resource_lookup_data (desk_store_sqlite_get_resource (), path,
                                                       G_RESOURCE_LOOKUP_FLAGS_NONE, error);
      if (sql == NULL)
        break;
      texts[i] = g_strndup (g_bytes_get_data (sql, NULL), g_bytes_get_size (sql));
      list[i] = (DeskMigration){ (int)i + 1, texts[i] };
    }
  const gboolean ok = texts[SCHEMA_VERSION - 1] != NULL
                      && desk_db_migrate (self->writer.db, list, SCHEMA_VERSION, NULL, error);
  for (guint i = 0; i < SCHEMA_VERSION; i++)
    g_free (texts[i]);
  return ok;
}

static void
explain_error (const char *path, GError **error)
{
  desk_store_sqlite_map_error (error);
  if (g_error_matches (*error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_DAMAGED))
    g_prefix_error (error, "The database %s is damaged; restore it from a backup: ", path);
  else if (g_error_matches (*error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_TOO_NEW))
    g_prefix_error (error, "The database %s was written by a newer version of frontdeskd: ", path);
  else if (g_error_matches (*error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_NOT_WRITABLE))
    g_prefix_error (error, "The database %s cannot be written: ", path);
  else
    g_prefix_error (error, "The database %s: ", path);
}

static void
init_ops (void)
{
  static gsize once = 0;
  if (!g_once_init_enter (&once))
    return;
  sqlite_ops.name = "sqlite";
  sqlite_ops.submit = sqlite_submit;
  sqlite_ops.begin_read = sqlite_begin_read;
  sqlite_ops.end_read = sqlite_end_read;
  sqlite_ops.get_epoch = sqlite_get_epoch;
  sqlite_ops.get_head = sqlite_get_head;
  sqlite_ops.close = sqlite_close;
  desk_store_sqlite_init_chats (&sqlite_ops);
  desk_store_sqlite_init_messages (&sqlite_ops);
  desk_store_sqlite_init_log (&sqlite_ops);
  desk_store_sqlite_init_jobs (&sqlite_ops);
  desk_store_sqlite_init_team (&sqlite_ops);
  desk_store_sqlite_init_users (&sqlite_ops);
  desk_store_sqlite_init_connections (&sqlite_ops);
  g_once_init_leave (&once, 1);
}

DeskServerStore *
desk_store_sqlite_open (const char *path, const DeskStoreSqliteOptions *options, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);
  DeskStoreSqliteOptions none = { 0 };
  if (options == NULL)
    options = &none;
  init_ops ();

  GError *local = NULL;
  DeskStoreSqlite *self = g_new0 (DeskStoreSqlite, 1);
  self->parent.ops = &sqlite_ops;
  self->path = g_strdup (path);
  self->epoch_fd = -1;
  self->max_pages = -1;
  self->group = options->group > 0 ? options->group : DESK_STORE_SQLITE_GROUP;
  self->queue = g_array_new (FALSE, FALSE, sizeof (DeskQueued));
  self->readers = g_ptr_array_new_with_free_func (reader_free);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->writer.parent.ops = &sqlite_ops;
  self->writer.store = self;

  DeskDbOptions db_options = { .create = TRUE,
                               .synchronous = DESK_DB_SYNC_FULL,
                               .cache_kib = options->cache_kib > 0 ? options->cache_kib : 65536 };
  self->writer.db = desk_db_open (path, &db_options, &local);
  if (self->writer.db == NULL || !migrate (self, &local)
      || !settle_epoch (self, options->random != NULL ? options->random : desk_random_system (),
                        &local))
    {
      explain_error (path, &local);
      g_propagate_error (error, local);
      store_free (self);
      return NULL;
    }
  if (options->max_pages > 0)
    apply_max_pages (self, options->max_pages);
  self->thread = g_thread_new ("store-writer", writer_main, self);
  return &self->parent;
}

void
desk_store_sqlite_set_max_pages (DeskServerStore *store, gint64 max_pages)
{
  DeskStoreSqlite *self = (DeskStoreSqlite *)store;
  g_mutex_lock (&self->mutex);
  self->max_pages = MAX (max_pages, 0);
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}
