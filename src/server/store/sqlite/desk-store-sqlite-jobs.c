/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* Delivery jobs. A job's id is the place of its message, so ids order the jobs of a chat; those which
 * change a message that was sent have one bit more, so that they make a line of their own. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

#define OPERATION_BIT (G_GINT64_CONSTANT (1) << 62)

#define JOB_COLUMNS "id,connection,state,attempts,waits,due_at,created_at"

static gboolean
job_insert (DeskServerTx *tx, DeskServerJobRow *job, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "INSERT OR REPLACE INTO jobs(" JOB_COLUMNS ") VALUES(?,?,?,?,?,?,?)",
                         error);
  if (stmt == NULL)
    return FALSE;
  job->id = PLACE (job->chat_row, job->chat_seq) | (job->is_operation ? OPERATION_BIT : 0);
  desk_stmt_bind_int64 (stmt, 1, job->id);
  desk_stmt_bind_text (stmt, 2, job->connection);
  desk_stmt_bind_int64 (stmt, 3, job->state);
  desk_stmt_bind_int64 (stmt, 4, job->attempts);
  desk_stmt_bind_int64 (stmt, 5, job->waits);
  desk_stmt_bind_int64 (stmt, 6, job->due_ms);
  desk_stmt_bind_int64 (stmt, 7, job->created_ms);
  return desk_stmt_run (stmt, error);
}

static DeskServerJobRow *
read_job (DeskStmt *stmt)
{
  DeskServerJobRow *job = g_new0 (DeskServerJobRow, 1);
  job->id = desk_stmt_column_int64 (stmt, 0);
  job->is_operation = (job->id & OPERATION_BIT) != 0;
  job->chat_row = PLACE_ROW (job->id & ~OPERATION_BIT);
  job->chat_seq = PLACE_SEQ (job->id & ~OPERATION_BIT);
  job->connection = g_strdup (desk_stmt_column_text (stmt, 1));
  job->state = (DeskServerJobState)desk_stmt_column_int64 (stmt, 2);
  job->attempts = (guint)desk_stmt_column_int64 (stmt, 3);
  job->waits = (guint)desk_stmt_column_int64 (stmt, 4);
  job->due_ms = desk_stmt_column_int64 (stmt, 5);
  job->created_ms = desk_stmt_column_int64 (stmt, 6);
  return job;
}

static gboolean
read_jobs (DeskStmt *stmt, GPtrArray **out, GError **error)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_server_job_row_free);
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, read_job (stmt));
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out = g_steal_pointer (&list);
  return TRUE;
}

static gboolean
job_get (DeskServerTx *tx, gint64 id, DeskServerJobRow **out, GError **error)
{
  *out = NULL;
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT " JOB_COLUMNS " FROM jobs WHERE id=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, id);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out = read_job (stmt);
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
job_update (DeskServerTx *tx, const DeskServerJobRow *job, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "UPDATE jobs SET state=?2,attempts=?3,waits=?4,due_at=?5 WHERE id=?1",
                         error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, job->id);
  desk_stmt_bind_int64 (stmt, 2, job->state);
  desk_stmt_bind_int64 (stmt, 3, job->attempts);
  desk_stmt_bind_int64 (stmt, 4, job->waits);
  desk_stmt_bind_int64 (stmt, 5, job->due_ms);
  return desk_stmt_run (stmt, error);
}

static gboolean
job_delete (DeskServerTx *tx, gint64 chat_row, gint64 chat_seq, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx), "DELETE FROM jobs WHERE id=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, chat_seq));
  return desk_stmt_run (stmt, error);
}

static gboolean
job_delete_id (DeskServerTx *tx, gint64 id, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx), "DELETE FROM jobs WHERE id=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, id);
  return desk_stmt_run (stmt, error);
}

static gboolean
job_find (DeskServerTx *tx,
          gint64 chat_row,
          gint64 chat_seq,
          gboolean is_operation,
          DeskServerJobRow **out,
          GError **error)
{
  return job_get (tx, PLACE (chat_row, chat_seq) | (is_operation ? OPERATION_BIT : 0), out, error);
}

static gboolean
jobs_first (DeskServerTx *tx, const char *connection, GPtrArray **out, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "SELECT " JOB_COLUMNS " FROM jobs WHERE id IN"
                                    " (SELECT min(id) FROM jobs WHERE connection=? AND state<2 "
                                    "GROUP BY id>>31) ORDER BY due_at,id",
                                    error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, connection);
  return read_jobs (stmt, out, error);
}

static gboolean
jobs_in_state (DeskServerTx *tx,
               const char *connection,
               DeskServerJobState state,
               gint64 created_before_ms,
               guint limit,
               GPtrArray **out,
               GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "SELECT " JOB_COLUMNS
      " FROM jobs WHERE (?1 IS NULL OR connection=?1) AND state=?2 AND created_at<?3"
      " ORDER BY id LIMIT ?4",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, connection);
  desk_stmt_bind_int64 (stmt, 2, state);
  desk_stmt_bind_int64 (stmt, 3, created_before_ms);
  desk_stmt_bind_int64 (stmt, 4, limit);
  return read_jobs (stmt, out, error);
}

static gboolean
jobs_count (DeskServerTx *tx, DeskServerJobState state, gint64 *out, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT count(*) FROM jobs WHERE state=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, state);
  DeskStep step = desk_stmt_step (stmt, error);
  *out = step == DESK_STEP_ROW ? desk_stmt_column_int64 (stmt, 0) : 0;
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

void
desk_store_sqlite_init_jobs (DeskServerStoreClass *ops)
{
  ops->job_insert = job_insert;
  ops->job_get = job_get;
  ops->job_update = job_update;
  ops->job_delete = job_delete;
  ops->job_delete_id = job_delete_id;
  ops->job_find = job_find;
  ops->jobs_first = jobs_first;
  ops->jobs_in_state = jobs_in_state;
  ops->jobs_count = jobs_count;
}
