/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* People and tokens. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

#define TOKEN_COLUMNS "id,hash,kind,username,family,expires_at,used_at"

static DeskServerUser *
read_user (DeskStmt *stmt)
{
  DeskServerUser *user = g_new0 (DeskServerUser, 1);
  user->username = g_strdup (desk_stmt_column_text (stmt, 0));
  user->display_name = g_strdup (desk_stmt_column_text (stmt, 1));
  user->role = (DeskRole)desk_stmt_column_int64 (stmt, 2);
  user->password = g_strdup (desk_stmt_column_text (stmt, 3));
  return user;
}

static gboolean
user_find (DeskServerTx *tx, const char *username, DeskServerUser **out, GError **error)
{
  *out = NULL;
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT username,display_name,role,password FROM users WHERE username=?",
                         error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, username);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out = read_user (stmt);
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
user_insert (DeskServerTx *tx, const DeskServerUser *user, gint64 at_ms, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx), "INSERT INTO users VALUES(?,?,?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, user->username);
  desk_stmt_bind_text (stmt, 2, user->display_name);
  desk_stmt_bind_int64 (stmt, 3, user->role);
  desk_stmt_bind_text (stmt, 4, user->password);
  desk_stmt_bind_int64 (stmt, 5, at_ms);
  if (!desk_stmt_run (stmt, error))
    return FALSE;
  stmt = desk_db_prepare (
      SQLITE_DB (tx), "INSERT INTO markers SELECT ?,row,last_chat_seq,last_in_seq,0,0 FROM chats",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, user->username);
  return desk_stmt_run (stmt, error);
}

static gboolean
users_list (DeskServerTx *tx, GPtrArray **out, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT username,display_name,role,NULL FROM users ORDER BY username",
                         error);
  if (stmt == NULL)
    return FALSE;
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_server_user_free);
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, read_user (stmt));
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out = g_steal_pointer (&list);
  return TRUE;
}

static gboolean
token_with (DeskStmt *stmt, DeskServerToken **out, GError **error)
{
  *out = NULL;
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    {
      DeskServerToken *token = g_new0 (DeskServerToken, 1);
      token->id = desk_stmt_column_int64 (stmt, 0);
      token->hash = g_strdup (desk_stmt_column_text (stmt, 1));
      token->kind = (DeskServerTokenKind)desk_stmt_column_int64 (stmt, 2);
      token->username = g_strdup (desk_stmt_column_text (stmt, 3));
      token->family = g_strdup (desk_stmt_column_text (stmt, 4));
      token->expires_ms = desk_stmt_column_int64 (stmt, 5);
      token->used_ms = desk_stmt_column_int64 (stmt, 6);
      *out = token;
    }
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
token_find (DeskServerTx *tx, const char *hash, DeskServerToken **out, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "SELECT " TOKEN_COLUMNS " FROM tokens WHERE hash=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, hash);
  return token_with (stmt, out, error);
}

static gboolean
token_find_id (DeskServerTx *tx, gint64 id, DeskServerToken **out, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT " TOKEN_COLUMNS " FROM tokens WHERE id=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, id);
  return token_with (stmt, out, error);
}

static gboolean
token_insert (DeskServerTx *tx, const DeskServerToken *token, gint64 at_ms, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "INSERT INTO tokens(hash,kind,username,family,expires_at,created_at) VALUES(?,?,?,?,?,?)",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, token->hash);
  desk_stmt_bind_int64 (stmt, 2, token->kind);
  desk_stmt_bind_text (stmt, 3, token->username);
  desk_stmt_bind_text (stmt, 4, token->family);
  desk_stmt_bind_int64 (stmt, 5, token->expires_ms);
  desk_stmt_bind_int64 (stmt, 6, at_ms);
  return desk_stmt_run (stmt, error);
}

static gboolean
token_set_used (DeskServerTx *tx, gint64 id, gint64 used_ms, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "UPDATE tokens SET used_at=?2 WHERE id=?1", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, id);
  desk_stmt_bind_int64 (stmt, 2, used_ms);
  return desk_stmt_run (stmt, error);
}

static gboolean
tokens_revoke_family (DeskServerTx *tx, const char *family, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx), "DELETE FROM tokens WHERE family=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, family);
  return desk_stmt_run (stmt, error);
}

void
desk_store_sqlite_init_users (DeskServerStoreClass *ops)
{
  ops->user_find = user_find;
  ops->user_insert = user_insert;
  ops->users_list = users_list;
  ops->token_find = token_find;
  ops->token_find_id = token_find_id;
  ops->token_insert = token_insert;
  ops->token_set_used = token_set_used;
  ops->tokens_revoke_family = tokens_revoke_family;
}
