/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-db"

#include "config.h"

/*
 * A SQLite connection: opening with our pragmas, errors, transactions, checks. Every pragma of
 * the product is set here.
 *
 * Invariants: foreign keys are on whenever a caller's statement runs (the migrator turns them off
 * for itself); SQLite may give up a transaction by itself when the disk is full or fails, and
 * from then until the caller's commit or rollback every writing statement fails with that error,
 * so that nothing is written outside the transaction it belonged to.
 */

#include "common/desk-db-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_BUSY_TIMEOUT_MS 5000
#define DEFAULT_SLOW_QUERY_US 40000

G_DEFINE_QUARK (desk-db-error-quark, desk_db_error)

static DeskDbError
error_code (int rc)
{
  switch (rc & 0xff)
    {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return DESK_DB_ERROR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DESK_DB_ERROR_CORRUPT;
    case SQLITE_FULL:
      return DESK_DB_ERROR_FULL;
    case SQLITE_IOERR:
      return DESK_DB_ERROR_IO;
    case SQLITE_CONSTRAINT:
      return DESK_DB_ERROR_CONSTRAINT;
    case SQLITE_READONLY:
      return DESK_DB_ERROR_READ_ONLY;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return DESK_DB_ERROR_CANT_OPEN;
    default:
      return DESK_DB_ERROR_FAILED;
    }
}

/* SQLite calls only ENOSPC full; a quota and a limit on file sizes are the same to us. Which of its
 * two files it was is not told, so both are asked for their last error. */
static gboolean
is_full (DeskDb *self, int rc)
{
  static const int which[] = { SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER };

  if (self->handle == NULL || rc != SQLITE_IOERR_WRITE)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (which); i++)
    {
      sqlite3_file *file = NULL;
      int code = 0;

      if (sqlite3_file_control (self->handle, "main", which[i], &file) == SQLITE_OK && file != NULL
          && file->pMethods != NULL
          && file->pMethods->xFileControl (file, SQLITE_FCNTL_LAST_ERRNO, &code) == SQLITE_OK
          && (code == ENOSPC || code == EDQUOT || code == EFBIG))
        return TRUE;
    }
  return FALSE;
}

gboolean
desk_db_fail (DeskDb *self, int rc, GError **error)
{
  const char *message = self->handle != NULL ? sqlite3_errmsg (self->handle) : sqlite3_errstr (rc);

  g_set_error (error, DESK_DB_ERROR, is_full (self, rc) ? DESK_DB_ERROR_FULL : error_code (rc),
               "Database: %s (%d)", message, rc);
  return FALSE;
}

void
desk_db_enter (DeskDb *self)
{
#ifndef NDEBUG
  GThread *me = g_thread_self ();

  if (!g_atomic_pointer_compare_and_exchange (&self->inside, NULL, me))
    g_critical ("Two threads use the database connection at once");
  if (self->owner != NULL && self->owner != me
      && (self->open_rows > 0 || !sqlite3_get_autocommit (self->handle)))
    g_critical ("The database connection changed its thread within a transaction or row loop");
  self->owner = me;
#endif
}

void
desk_db_leave (DeskDb *self)
{
#ifndef NDEBUG
  g_atomic_pointer_set (&self->inside, NULL);
#endif
}

/* SQLite makes new files with mode 0644; the log and index files take the mode of the main one. */
static gboolean
create_private_file (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0 && errno != EEXIST)
    {
      int saved = errno;

      g_set_error (error, DESK_DB_ERROR,
                   saved == ENOSPC || saved == EDQUOT ? DESK_DB_ERROR_FULL
                                                      : DESK_DB_ERROR_CANT_OPEN,
                   "The database file cannot be made: %s", g_strerror (saved));
      return FALSE;
    }
  if (fd >= 0)
    close (fd);
  return TRUE;
}

static gboolean
set_pragmas (DeskDb *self, const DeskDbOptions *opts, GError **error)
{
  g_autofree char *sql = g_strdup_printf (
      "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=%s; PRAGMA synchronous=%s;"
      "PRAGMA mmap_size=%" G_GINT64_FORMAT ";",
      opts->trust_schema ? "ON" : "OFF",
      opts->synchronous == DESK_DB_SYNC_NORMAL ? "NORMAL" : "FULL", MAX (opts->mmap_bytes, 0));
  g_autofree char *cache = NULL;

  if (opts->cache_kib > 0)
    cache = g_strdup_printf ("PRAGMA cache_size=-%d", opts->cache_kib);
  return desk_db_exec (self, sql, error) && (cache == NULL || desk_db_exec (self, cache, error))
         && (opts->read_only || desk_db_exec (self, "PRAGMA journal_mode=WAL", error))
         /* Reads the header, so that a file which is no database is found now and not later. */
         && desk_db_user_version (self, error) >= 0;
}

static int
busy_timeout (const DeskDbOptions *opts)
{
  if (opts->busy_timeout_ms < 0)
    return 0;
  return opts->busy_timeout_ms > 0 ? opts->busy_timeout_ms : DEFAULT_BUSY_TIMEOUT_MS;
}

DeskDb *
desk_db_open (const char *path, const DeskDbOptions *opts, GError **error)
{
  static const DeskDbOptions defaults = { .create = TRUE };
  g_autoptr (DeskDb) self = NULL;
  gboolean in_memory;
  int flags, rc;

  g_return_val_if_fail (path != NULL, NULL);

  if (opts == NULL)
    opts = &defaults;
  in_memory = g_str_equal (path, ":memory:");
  if (opts->create && !opts->read_only && !in_memory && !create_private_file (path, error))
    return NULL;

  self = g_new0 (DeskDb, 1);
  self->path = g_strdup (path);
  self->slow_query_us = opts->slow_query_us == 0 ? DEFAULT_SLOW_QUERY_US : opts->slow_query_us;
  self->by_address = g_hash_table_new (g_direct_hash, g_direct_equal);
  self->by_text = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                         (GDestroyNotify) desk_stmt_free);
  flags = (opts->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE)
          | (opts->create && !opts->read_only ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX
          | SQLITE_OPEN_EXRESCODE;
  rc = sqlite3_open_v2 (path, &self->handle, flags, opts->vfs);
  if (rc != SQLITE_OK)
    {
      desk_db_fail (self, rc, error);
      return NULL;
    }
  sqlite3_busy_timeout (self->handle, busy_timeout (opts));
  if (!set_pragmas (self, opts, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
desk_db_close (DeskDb *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->by_address, g_hash_table_unref);
  g_clear_pointer (&self->by_text, g_hash_table_unref);
  if (self->handle != NULL && sqlite3_close (self->handle) != SQLITE_OK)
    g_critical ("The database connection was closed while in use");
  g_clear_error (&self->lost);
  g_free (self->path);
  g_free (self);
}

const char *
desk_db_get_path (DeskDb *self)
{
  return self->path;
}

void *
desk_db_get_handle (DeskDb *self)
{
  return self->handle;
}

void
desk_db_interrupt (DeskDb *self)
{
  sqlite3_interrupt (self->handle);
}

gboolean
desk_db_exec (DeskDb *self, const char *sql, GError **error)
{
  g_autoptr (GError) failure = NULL;
  int rc;

  g_return_val_if_fail (self != NULL && sql != NULL, FALSE);

  if (!desk_db_check_transaction (self, error))
    return FALSE;
  desk_db_enter (self);
  rc = sqlite3_exec (self->handle, sql, NULL, NULL, NULL);
  if (rc != SQLITE_OK)
    {
      desk_db_fail (self, rc, &failure);
      desk_db_note_failure (self, failure);
    }
  desk_db_leave (self);
  if (failure == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

void
desk_db_note_failure (DeskDb *self, const GError *error)
{
  if (self->in_transaction && self->lost == NULL && sqlite3_get_autocommit (self->handle))
    self->lost = g_error_copy (error);
}

gboolean
desk_db_check_transaction (DeskDb *self, GError **error)
{
  if (self->lost == NULL)
    return TRUE;
  if (error != NULL)
    *error = g_error_copy (self->lost);
  return FALSE;
}

gboolean
desk_db_run_literal (DeskDb *self, const char *sql, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (self, sql, error);

  return stmt != NULL && desk_stmt_run (stmt, error);
}

gboolean
desk_db_query_int64 (DeskDb *self, const char *sql, gint64 *out, GError **error)
{
  g_autoptr (DeskStmt) stmt = desk_db_prepare (self, sql, error);

  if (stmt == NULL)
    return FALSE;
  switch (desk_stmt_step (stmt, error))
    {
    case DESK_STEP_ROW:
      *out = desk_stmt_column_int64 (stmt, 0);
      return TRUE;
    case DESK_STEP_DONE:
      return TRUE;
    case DESK_STEP_ERROR:
    default:
      return FALSE;
    }
}

static gboolean
begin (DeskDb *self, const char *sql, GError **error)
{
  if (!desk_db_run_literal (self, sql, error))
    return FALSE;
  self->in_transaction = TRUE;
  return TRUE;
}

gboolean
desk_db_begin (DeskDb *self, GError **error)
{
  return begin (self, "BEGIN IMMEDIATE", error);
}

gboolean
desk_db_begin_read (DeskDb *self, GError **error)
{
  return begin (self, "BEGIN DEFERRED", error);
}

gboolean
desk_db_commit (DeskDb *self, GError **error)
{
  if (!desk_db_check_transaction (self, error) || !desk_db_run_literal (self, "COMMIT", error))
    {
      desk_db_rollback (self);
      return FALSE;
    }
  self->in_transaction = FALSE;
  return TRUE;
}

void
desk_db_rollback (DeskDb *self)
{
  g_autoptr (GError) error = NULL;

  g_clear_error (&self->lost);
  self->in_transaction = FALSE;
  if (!sqlite3_get_autocommit (self->handle) && !desk_db_run_literal (self, "ROLLBACK", &error)
      && !sqlite3_get_autocommit (self->handle))
    g_warning ("A transaction could not be rolled back: %s", error->message);
}

gboolean
desk_db_in_transaction (DeskDb *self)
{
  return !sqlite3_get_autocommit (self->handle);
}

static gboolean
run_savepoint (DeskDb *self, const char *format, const char *name, GError **error)
{
  g_autofree char *sql = NULL;

  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (
      *name != '\0' && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen (name),
      FALSE);

  sql = g_strdup_printf (format, name, name);
  return desk_db_exec (self, sql, error);
}

gboolean
desk_db_savepoint (DeskDb *self, const char *name, GError **error)
{
  return run_savepoint (self, "SAVEPOINT \"%1$s\"", name, error);
}

gboolean
desk_db_release (DeskDb *self, const char *name, GError **error)
{
  return run_savepoint (self, "RELEASE \"%1$s\"", name, error);
}

gboolean
desk_db_rollback_to (DeskDb *self, const char *name, GError **error)
{
  return run_savepoint (self, "ROLLBACK TO \"%1$s\"; RELEASE \"%1$s\"", name, error);
}

gint64
desk_db_changes (DeskDb *self)
{
  return sqlite3_changes64 (self->handle);
}

gint64
desk_db_last_rowid (DeskDb *self)
{
  return sqlite3_last_insert_rowid (self->handle);
}

gboolean
desk_db_quick_check (DeskDb *self, GError **error)
{
  g_autoptr (DeskStmt) check = desk_db_prepare (self, "PRAGMA quick_check(1)", error);
  g_autoptr (DeskStmt) keys = NULL;
  const char *finding;

  if (check == NULL || desk_stmt_step (check, error) == DESK_STEP_ERROR)
    return FALSE;
  finding = desk_stmt_column_text (check, 0);
  if (g_strcmp0 (finding, "ok") != 0)
    {
      g_set_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CORRUPT, "The database is damaged: %s",
                   finding != NULL ? finding : "no answer");
      return FALSE;
    }
  desk_stmt_reset (check);
  keys = desk_db_prepare (self, "PRAGMA foreign_key_check", error);
  if (keys == NULL)
    return FALSE;
  switch (desk_stmt_step (keys, error))
    {
    case DESK_STEP_DONE:
      return TRUE;
    case DESK_STEP_ROW:
      g_set_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CORRUPT,
                   "The database is damaged: a row of \"%s\" points at nothing",
                   desk_stmt_column_text (keys, 0));
      return FALSE;
    case DESK_STEP_ERROR:
    default:
      return FALSE;
    }
}

gboolean
desk_db_checkpoint (DeskDb *self, GError **error)
{
  gboolean ok = TRUE;
  int rc;

  desk_db_enter (self);
  rc = sqlite3_wal_checkpoint_v2 (self->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  if (rc != SQLITE_OK)
    ok = desk_db_fail (self, rc, error);
  desk_db_leave (self);
  return ok;
}

int
desk_db_user_version (DeskDb *self, GError **error)
{
  gint64 version = 0;

  if (!desk_db_query_int64 (self, "PRAGMA user_version", &version, error))
    return -1;
  return (int) version;
}
