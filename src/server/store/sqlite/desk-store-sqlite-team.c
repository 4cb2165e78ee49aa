/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* Canned replies, and what is known of customers. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

#include <string.h>

#define CANNED_COLUMNS "id,shortcut,title,text,rev,updated_at"

static char *
fold (const char *shortcut)
{
  g_autofree char *normal = g_utf8_normalize (shortcut, -1, G_NORMALIZE_DEFAULT_COMPOSE);
  return g_utf8_casefold (normal != NULL ? normal : shortcut, -1);
}

static DeskCanned *
read_canned (DeskStmt *stmt)
{
  DeskCanned *self
      = desk_canned_new (desk_stmt_column_text (stmt, 0), desk_stmt_column_text (stmt, 1),
                         desk_stmt_column_text (stmt, 2), desk_stmt_column_text (stmt, 3));
  self->rev = desk_stmt_column_int64 (stmt, 4);
  self->updated_at_ms = desk_stmt_column_int64 (stmt, 5);
  return self;
}

static gboolean
canned_list (DeskServerTx *tx, GPtrArray **out, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_canned_free);
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx), "SELECT " CANNED_COLUMNS " FROM canned ORDER BY folded", error);
  if (stmt == NULL)
    return FALSE;
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, read_canned (stmt));
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out = g_steal_pointer (&list);
  return TRUE;
}

static gboolean
canned_find_by (DeskServerTx *tx,
                const char *sql,
                const char *value,
                DeskCanned **out,
                GError **error)
{
  *out = NULL;
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx), sql, error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, value);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out = read_canned (stmt);
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
canned_find (DeskServerTx *tx, const char *id, DeskCanned **out, GError **error)
{
  return canned_find_by (tx, "SELECT " CANNED_COLUMNS " FROM canned WHERE id=?", id, out, error);
}

static gboolean
canned_find_shortcut (DeskServerTx *tx, const char *shortcut, DeskCanned **out, GError **error)
{
  g_autofree char *folded = fold (shortcut);
  return canned_find_by (tx, "SELECT " CANNED_COLUMNS " FROM canned WHERE folded=?", folded, out,
                         error);
}

static gboolean
canned_put (DeskServerTx *tx, const DeskCanned *canned, GError **error)
{
  g_autofree char *folded = fold (canned->shortcut);
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "INSERT INTO canned(id,shortcut,folded,title,text,rev,updated_at) VALUES(?1,?2,?3,?4,?5,?6,?7)"
      " ON CONFLICT(id) DO UPDATE SET shortcut=?2,folded=?3,title=?4,text=?5,rev=?6,updated_at=?7",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, canned->id);
  desk_stmt_bind_text (stmt, 2, canned->shortcut);
  desk_stmt_bind_text (stmt, 3, folded);
  desk_stmt_bind_text (stmt, 4, canned->title);
  desk_stmt_bind_text (stmt, 5, canned->text);
  desk_stmt_bind_int64 (stmt, 6, canned->rev);
  desk_stmt_bind_int64 (stmt, 7, canned->updated_at_ms);
  return desk_stmt_run (stmt, error);
}

static gboolean
canned_delete (DeskServerTx *tx, const char *id, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx), "DELETE FROM canned WHERE id=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, id);
  return desk_stmt_run (stmt, error);
}

static gboolean
profile_get (
    DeskServerTx *tx, gint64 chat_row, char **out_body, gint64 *out_typed, GError **error)
{
  *out_body = NULL;
  *out_typed = 0;
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT body,typed FROM profiles WHERE chat=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, chat_row);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    {
      *out_body = g_strdup (desk_stmt_column_text (stmt, 0));
      *out_typed = desk_stmt_column_int64 (stmt, 1);
    }
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
profile_set (DeskServerTx *tx, gint64 chat_row, const char *body, gint64 typed, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx), "INSERT OR REPLACE INTO profiles(chat,body,typed) VALUES(?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, chat_row);
  desk_stmt_bind_text (stmt, 2, body);
  desk_stmt_bind_int64 (stmt, 3, typed);
  return desk_stmt_run (stmt, error);
}

static gboolean
profiles_list (DeskServerTx *tx,
               gint64 after_row,
               guint limit,
               DeskServerBodyFunc func,
               gpointer data,
               gint64 *out_last,
               GError **error)
{
  g_autoptr (DeskStmt) stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT chat,body FROM profiles WHERE chat>? ORDER BY chat LIMIT ?", error);
  *out_last = 0;
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, after_row);
  desk_stmt_bind_int64 (stmt, 2, limit);
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    {
      const char *body = desk_stmt_column_text (stmt, 1);
      *out_last = desk_stmt_column_int64 (stmt, 0);
      if (!func (body, strlen (body), NULL, data))
        break;
    }
  return step != DESK_STEP_ERROR;
}

/* ── Templates ──────────────────────────────────────────────────────────────────────────────── */

static gboolean
templates_set (
    DeskServerTx *tx, const char *connection, const char *body, gint64 at_ms, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx), "INSERT OR REPLACE INTO templates(connection,body,at) VALUES(?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, connection);
  desk_stmt_bind_text (stmt, 2, body);
  desk_stmt_bind_int64 (stmt, 3, at_ms);
  return desk_stmt_run (stmt, error);
}

static gboolean
templates_get (DeskServerTx *tx, const char *connection, char **out_body, GError **error)
{
  *out_body = NULL;
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT body FROM templates WHERE connection=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, connection);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out_body = g_strdup (desk_stmt_column_text (stmt, 0));
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

void
desk_store_sqlite_init_team (DeskServerStoreClass *ops)
{
  ops->canned_list = canned_list;
  ops->canned_find = canned_find;
  ops->canned_find_shortcut = canned_find_shortcut;
  ops->canned_put = canned_put;
  ops->canned_delete = canned_delete;
  ops->profile_get = profile_get;
  ops->profile_set = profile_set;
  ops->profiles_list = profiles_list;
  ops->templates_set = templates_set;
  ops->templates_get = templates_get;
}
