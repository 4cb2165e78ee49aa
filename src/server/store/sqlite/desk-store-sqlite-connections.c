/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* The state of connections, and the payloads that they brought. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

static gboolean
connection_set (DeskServerTx *tx, const DeskServerConnectionRow *row, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "INSERT OR REPLACE INTO connections(name,platform,health,"
                                    "trouble,reason,since,failing_since,told)"
                                    " VALUES(?,?,?,?,?,?,?,?)",
                                    error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, row->name);
  desk_stmt_bind_text (stmt, 2, row->platform);
  desk_stmt_bind_int64 (stmt, 3, row->health);
  desk_stmt_bind_int64 (stmt, 4, row->trouble);
  desk_stmt_bind_text (stmt, 5, row->reason);
  desk_stmt_bind_int64 (stmt, 6, row->since_ms);
  desk_stmt_bind_int64 (stmt, 7, row->failing_since_ms);
  desk_stmt_bind_int64 (stmt, 8, row->told);
  return desk_stmt_run (stmt, error);
}

static gboolean
connections_list (DeskServerTx *tx, GPtrArray **out, GError **error)
{
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_server_connection_row_free);
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "SELECT name,platform,health,trouble,reason,since,"
                                    "failing_since,told FROM connections ORDER BY name",
                                    error);
  if (stmt == NULL)
    return FALSE;
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    {
      DeskServerConnectionRow *row = g_new0 (DeskServerConnectionRow, 1);
      row->name = g_strdup (desk_stmt_column_text (stmt, 0));
      row->platform = g_strdup (desk_stmt_column_text (stmt, 1));
      row->health = (gint)desk_stmt_column_int64 (stmt, 2);
      row->trouble = (gint)desk_stmt_column_int64 (stmt, 3);
      row->reason = g_strdup (desk_stmt_column_text (stmt, 4));
      row->since_ms = desk_stmt_column_int64 (stmt, 5);
      row->failing_since_ms = desk_stmt_column_int64 (stmt, 6);
      row->told = desk_stmt_column_int64 (stmt, 7) != 0;
      g_ptr_array_add (list, row);
    }
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out = g_steal_pointer (&list);
  return TRUE;
}

/* ── Payloads ───────────────────────────────────────────────────────────────────────────────── */

static DeskServerRaw *
read_raw (DeskStmt *stmt)
{
  DeskServerRaw *raw = g_new0 (DeskServerRaw, 1);
  gsize len = 0;
  gconstpointer bytes;

  raw->id = desk_stmt_column_int64 (stmt, 0);
  raw->connection = g_strdup (desk_stmt_column_text (stmt, 1));
  raw->at_ms = desk_stmt_column_int64 (stmt, 2);
  raw->problem = g_strdup (desk_stmt_column_text (stmt, 3));
  bytes = desk_stmt_column_blob (stmt, 4, &len);
  raw->payload = g_bytes_new (bytes, len);
  return raw;
}

static gboolean
raw_next (DeskServerTx *tx, const DeskServerRawQuery *query, DeskServerRaw **out, GError **error)
{
  *out = NULL;
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "SELECT id,connection,at,problem,payload FROM raw WHERE id>?1 AND"
      " (?2 IS NULL OR connection=?2) AND at>=?3 AND (?4=0 OR problem IS NOT NULL) ORDER BY id LIMIT 1",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, query->after_id);
  desk_stmt_bind_text (stmt, 2, query->connection);
  desk_stmt_bind_int64 (stmt, 3, query->since_ms);
  desk_stmt_bind_int64 (stmt, 4, query->problems_only);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out = read_raw (stmt);
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
raw_set_problem (DeskServerTx *tx, gint64 id, const char *problem, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "UPDATE raw SET problem=?2 WHERE id=?1", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, id);
  desk_stmt_bind_text (stmt, 2, problem);
  return desk_stmt_run (stmt, error);
}

static gboolean
raw_count_problems (DeskServerTx *tx, gint64 *out, GError **error)
{
  return desk_db_query_int64 (SQLITE_DB (tx), "SELECT count(*) FROM raw WHERE problem IS NOT NULL",
                              out, error);
}

void
desk_store_sqlite_init_connections (DeskServerStoreClass *ops)
{
  ops->connection_set = connection_set;
  ops->connections_list = connections_list;
  ops->raw_next = raw_next;
  ops->raw_set_problem = raw_set_problem;
  ops->raw_count_problems = raw_count_problems;
}
