/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-db"

#include "config.h"

/*
 * Statements and their cache. A statement is found by the address of its text, which costs no
 * hashing; since an address may be used again for another text, the text is compared, too.
 * Invariant: a statement that is not on a row has been reset, so it holds no lock.
 */

#include "common/desk-db-private.h"

#include "common/desk-log.h"

#include <string.h>
#include <time.h>

/* Literals are few; more addresses than this come from texts made at run time. */
#define MAX_ADDRESSES 2048

void
desk_stmt_free (DeskStmt *self)
{
  sqlite3_finalize (self->handle);
  g_free (self->sql);
  g_free (self);
}

static gboolean
is_blank (const char *text)
{
  return text == NULL || text[strspn (text, " \t\r\n;")] == '\0';
}

static DeskStmt *
compile (DeskDb *db, const char *sql, GError **error)
{
  sqlite3_stmt *handle = NULL;
  const char *tail = NULL;
  DeskStmt *self;
  int rc;

  desk_db_enter (db);
  rc = sqlite3_prepare_v3 (db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, &tail);
  if (rc != SQLITE_OK)
    desk_db_fail (db, rc, error);
  desk_db_leave (db);
  if (rc != SQLITE_OK)
    return NULL;
  if (handle == NULL || !is_blank (tail))
    {
      sqlite3_finalize (handle);
      g_set_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FAILED,
                   "A prepared text must hold exactly one statement");
      return NULL;
    }
  self = g_new0 (DeskStmt, 1);
  self->db = db;
  self->handle = handle;
  self->sql = g_strdup (sql);
  return self;
}

static DeskStmt *
find_or_compile (DeskDb *db, const char *sql, GError **error)
{
  DeskStmt *stmt = g_hash_table_lookup (db->by_address, sql);

  if (stmt != NULL && strcmp (stmt->sql, sql) == 0)
    return stmt;
  stmt = g_hash_table_lookup (db->by_text, sql);
  if (stmt == NULL)
    {
      stmt = compile (db, sql, error);
      if (stmt == NULL)
        return NULL;
      g_hash_table_insert (db->by_text, stmt->sql, stmt);
    }
  if (g_hash_table_size (db->by_address) >= MAX_ADDRESSES)
    g_hash_table_remove_all (db->by_address);
  g_hash_table_insert (db->by_address, (gpointer) sql, stmt);
  return stmt;
}

DeskStmt *
desk_db_prepare (DeskDb *self, const char *sql, GError **error)
{
  DeskStmt *stmt;

  g_return_val_if_fail (self != NULL && sql != NULL, NULL);

  stmt = find_or_compile (self, sql, error);
  if (stmt == NULL)
    return NULL;
  if (stmt->has_row)
    {
      g_critical ("This statement was left on a row, or is used inside its own loop: %s", sql);
      desk_stmt_reset (stmt);
    }
  sqlite3_clear_bindings (stmt->handle);
  return stmt;
}

static void
check_bind (DeskStmt *self, int index, int rc)
{
  if (rc != SQLITE_OK)
    g_critical ("Parameter %d cannot be bound (%d): %s", index, rc, self->sql);
}

void
desk_stmt_bind_int64 (DeskStmt *self, int index, gint64 value)
{
  check_bind (self, index, sqlite3_bind_int64 (self->handle, index, value));
}

void
desk_stmt_bind_double (DeskStmt *self, int index, double value)
{
  check_bind (self, index, sqlite3_bind_double (self->handle, index, value));
}

void
desk_stmt_bind_text (DeskStmt *self, int index, const char *text)
{
  desk_stmt_bind_text_len (self, index, text, -1);
}

void
desk_stmt_bind_text_len (DeskStmt *self, int index, const char *text, gssize len)
{
  gsize bytes = text == NULL ? 0 : len < 0 ? strlen (text) : (gsize) len;
  int rc = text == NULL ? sqlite3_bind_null (self->handle, index)
                        : sqlite3_bind_text64 (self->handle, index, text, bytes, SQLITE_TRANSIENT,
                                               SQLITE_UTF8);

  check_bind (self, index, rc);
}

void
desk_stmt_bind_blob (DeskStmt *self, int index, const void *data, gsize len)
{
  check_bind (self, index,
              sqlite3_bind_blob64 (self->handle, index, len > 0 ? data : "", len,
                                   SQLITE_TRANSIENT));
}

void
desk_stmt_bind_null (DeskStmt *self, int index)
{
  check_bind (self, index, sqlite3_bind_null (self->handle, index));
}

static void
log_if_slow (DeskStmt *self)
{
  char ms[G_ASCII_DTOSTR_BUF_SIZE];

  if (self->db->slow_query_us < 0 || self->spent_us <= self->db->slow_query_us)
    return;
  g_ascii_formatd (ms, sizeof ms, "%.1f", (double) self->spent_us / 1000.0);
  desk_log_event (G_LOG_LEVEL_INFO, G_LOG_DOMAIN, "Slow query", "sql", self->sql, "ms", ms, NULL);
}

void
desk_stmt_reset (DeskStmt *self)
{
  if (self == NULL)
    return;
  sqlite3_reset (self->handle);
  if (self->has_row)
    {
      self->has_row = FALSE;
      self->db->open_rows--;
    }
  if (self->spent_us > 0)
    log_if_slow (self);
  self->spent_us = 0;
}

/* Statements that only read may go on after a transaction was lost: they cannot do harm. */
static gboolean
may_run (DeskStmt *self, GError **error)
{
  return self->db->lost == NULL || sqlite3_stmt_readonly (self->handle)
         || desk_db_check_transaction (self->db, error);
}

static gint64
now_us (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* Sorting and grouping happen in the first step. The further rows of a loop take the kernel's tick
 * (some ms), which costs a fraction and adds up right for what is slow. */
static int
timed_step (DeskStmt *self)
{
  const clockid_t clock = self->has_row ? CLOCK_MONOTONIC_COARSE : CLOCK_MONOTONIC;
  gint64 start;
  int rc;

  if (self->db->slow_query_us < 0)
    return sqlite3_step (self->handle);
  start = now_us (clock);
  rc = sqlite3_step (self->handle);
  self->spent_us += now_us (clock) - start;
  return rc;
}

DeskStep
desk_stmt_step (DeskStmt *self, GError **error)
{
  g_autoptr (GError) failure = NULL;
  DeskStep result = DESK_STEP_DONE;
  int rc;

  if (!may_run (self, error))
    return DESK_STEP_ERROR;
  desk_db_enter (self->db);
  rc = timed_step (self);
  if (rc == SQLITE_ROW)
    {
      self->db->open_rows += self->has_row ? 0 : 1;
      self->has_row = TRUE;
      result = DESK_STEP_ROW;
    }
  else
    {
      if (rc != SQLITE_DONE)
        {
          desk_db_fail (self->db, rc, &failure);
          result = DESK_STEP_ERROR;
        }
      desk_stmt_reset (self);
    }
  if (failure != NULL)
    {
      desk_db_note_failure (self->db, failure);
      g_propagate_error (error, g_steal_pointer (&failure));
    }
  desk_db_leave (self->db);
  return result;
}

gint64
desk_stmt_column_int64 (DeskStmt *self, int column)
{
  return sqlite3_column_int64 (self->handle, column);
}

double
desk_stmt_column_double (DeskStmt *self, int column)
{
  return sqlite3_column_double (self->handle, column);
}

const char *
desk_stmt_column_text (DeskStmt *self, int column)
{
  return (const char *) sqlite3_column_text (self->handle, column);
}

const char *
desk_stmt_column_text_len (DeskStmt *self, int column, gsize *len)
{
  const char *text = (const char *) sqlite3_column_text (self->handle, column);

  if (len != NULL)
    *len = (gsize) sqlite3_column_bytes (self->handle, column);
  return text;
}

const void *
desk_stmt_column_blob (DeskStmt *self, int column, gsize *len)
{
  const void *data = sqlite3_column_blob (self->handle, column);

  if (len != NULL)
    *len = (gsize) sqlite3_column_bytes (self->handle, column);
  return data;
}

gboolean
desk_stmt_column_is_null (DeskStmt *self, int column)
{
  return sqlite3_column_type (self->handle, column) == SQLITE_NULL;
}

gboolean
desk_stmt_run (DeskStmt *self, GError **error)
{
  DeskStep step;

  do
    step = desk_stmt_step (self, error);
  while (step == DESK_STEP_ROW);
  return step == DESK_STEP_DONE;
}
