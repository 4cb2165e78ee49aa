/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* The event log, idempotency keys, deduplication, raw payloads and poll positions. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

static gboolean
key_find (
    DeskServerTx *tx, const char *username, const char *key, DeskServerKey **out, GError **error)
{
  *out = NULL;
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT row,fingerprint,place,body FROM keys WHERE key=? AND username=?",
                         error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, key);
  desk_stmt_bind_text (stmt, 2, username);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    {
      gint64 place = desk_stmt_column_int64 (stmt, 2);
      DeskServerKey *found = g_new0 (DeskServerKey, 1);
      found->row = desk_stmt_column_int64 (stmt, 0);
      found->fingerprint = g_strdup (desk_stmt_column_text (stmt, 1));
      found->chat_row = PLACE_ROW (place);
      found->chat_seq = PLACE_SEQ (place);
      found->body = g_strdup (desk_stmt_column_text (stmt, 3));
      *out = found;
    }
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
key_insert (DeskServerTx *tx,
            const char *username,
            const char *key,
            const char *fingerprint,
            gint64 chat_row,
            gint64 chat_seq,
            gint64 at_ms,
            gint64 *out_row,
            GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "INSERT INTO keys(key,username,fingerprint,place,created_at) VALUES(?,?,?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, key);
  desk_stmt_bind_text (stmt, 2, username);
  desk_stmt_bind_text (stmt, 3, fingerprint);
  desk_stmt_bind_int64 (stmt, 4, PLACE (chat_row, chat_seq));
  desk_stmt_bind_int64 (stmt, 5, at_ms);
  if (!desk_stmt_run (stmt, error))
    return FALSE;
  *out_row = desk_db_last_rowid (SQLITE_DB (tx));
  return TRUE;
}

static gboolean
key_find_message (
    DeskServerTx *tx, const char *key, gint64 chat_row, DeskServerMessage **out, GError **error)
{
  *out = NULL;
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "SELECT m.place,m.body FROM keys k JOIN messages m ON "
                                    "m.place=k.place WHERE k.key=? AND k.place>>31=?",
                                    error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, key);
  desk_stmt_bind_int64 (stmt, 2, chat_row);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    {
      DeskServerMessage *found = g_new0 (DeskServerMessage, 1);
      found->chat_row = chat_row;
      found->chat_seq = PLACE_SEQ (desk_stmt_column_int64 (stmt, 0));
      found->body = g_strdup (desk_stmt_column_text (stmt, 1));
      *out = found;
    }
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
dedup_insert (DeskServerTx *tx,
              const char *connection,
              const char *key,
              gint64 at_ms,
              gboolean *out_is_new,
              GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "INSERT OR IGNORE INTO dedup(connection,key,at) VALUES(?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, connection);
  desk_stmt_bind_text (stmt, 2, key);
  desk_stmt_bind_int64 (stmt, 3, at_ms);
  if (!desk_stmt_run (stmt, error))
    return FALSE;
  *out_is_new = desk_db_changes (SQLITE_DB (tx)) > 0;
  return TRUE;
}

static gboolean
raw_insert (DeskServerTx *tx,
            const char *connection,
            gint64 at_ms,
            GBytes *payload,
            const char *problem,
            GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "INSERT INTO raw(connection,at,problem,payload) VALUES(?,?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  gsize len;
  gconstpointer bytes = g_bytes_get_data (payload, &len);
  desk_stmt_bind_text (stmt, 1, connection);
  desk_stmt_bind_int64 (stmt, 2, at_ms);
  desk_stmt_bind_text (stmt, 3, problem);
  desk_stmt_bind_blob (stmt, 4, bytes, len);
  return desk_stmt_run (stmt, error);
}

static gboolean
checkpoint_get (DeskServerTx *tx, const char *connection, char **out, GError **error)
{
  *out = NULL;
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT value FROM checkpoints WHERE connection=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, connection);
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out = g_strdup (desk_stmt_column_text (stmt, 0));
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
checkpoint_set (DeskServerTx *tx, const char *connection, const char *value, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "INSERT OR REPLACE INTO checkpoints VALUES(?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, connection);
  desk_stmt_bind_text (stmt, 2, value);
  return desk_stmt_run (stmt, error);
}

static gboolean
purge_with (
    DeskDb *db, const char *sql, gint64 before_ms, guint limit, gint64 *total, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (db, sql, error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, before_ms);
  desk_stmt_bind_int64 (stmt, 2, limit);
  if (!desk_stmt_run (stmt, error))
    return FALSE;
  *total += desk_db_changes (db);
  return TRUE;
}

/* raw and events grow by id in the order of time, so their oldest rows are their first. The log
 * loses a prefix only and keeps its newest row. */
static gboolean
purge (DeskServerTx *tx,
       gint64 keys_before_ms,
       gint64 dedup_before_ms,
       gint64 raw_before_ms,
       gint64 events_before_ms,
       gint64 now_ms,
       guint limit,
       gint64 *out,
       GError **error)
{
  DeskDb *db = SQLITE_DB (tx);
  *out = 0;
  return purge_with (
             db,
             "DELETE FROM keys WHERE row IN (SELECT row FROM keys WHERE created_at<?1 LIMIT ?2)",
             keys_before_ms, limit, out, error)
         && purge_with (db,
                        "DELETE FROM dedup WHERE (connection,key) IN"
                        " (SELECT connection,key FROM dedup WHERE at<?1 LIMIT ?2)",
                        dedup_before_ms, limit, out, error)
         && purge_with (db,
                        "DELETE FROM raw WHERE id IN (SELECT id FROM (SELECT id,at FROM raw ORDER "
                        "BY id LIMIT ?2)"
                        " WHERE at<?1)",
                        raw_before_ms, limit, out, error)
         && purge_with (
             db,
             "DELETE FROM events WHERE seq<(SELECT max(seq) FROM events) AND seq<="
             "(SELECT max(seq) FROM (SELECT seq,at FROM events ORDER BY seq LIMIT ?2) WHERE at<?1)",
             events_before_ms, limit, out, error)
         && purge_with (
             db,
             "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires_at>0 AND"
             " expires_at<?1 LIMIT ?2)",
             now_ms, limit, out, error);
}

static gint64
event_next_seq (DeskServerTx *tx)
{
  return SQLITE_TX (tx)->next_seq;
}

static gboolean
event_append (
    DeskServerTx *tx, gint64 seq, gint64 at_ms, const char *frame, gsize len, GError **error)
{
  g_return_val_if_fail (seq == SQLITE_TX (tx)->next_seq, FALSE);
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "INSERT INTO events(seq,at,frame) VALUES(?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, seq);
  desk_stmt_bind_int64 (stmt, 2, at_ms);
  desk_stmt_bind_text_len (stmt, 3, frame, (gssize)len);
  if (!desk_stmt_run (stmt, error))
    return FALSE;
  SQLITE_TX (tx)->next_seq++;
  return TRUE;
}

static gboolean
events_read (DeskServerTx *tx,
             gint64 after_seq,
             guint limit,
             DeskServerEventFunc func,
             gpointer data,
             GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT seq,frame FROM events WHERE seq>? ORDER BY seq LIMIT ?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, after_seq);
  desk_stmt_bind_int64 (stmt, 2, limit);
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    {
      gsize len;
      const char *frame = desk_stmt_column_text_len (stmt, 1, &len);
      if (!func (desk_stmt_column_int64 (stmt, 0), frame, len, data))
        break;
    }
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
events_tail (DeskServerTx *tx, gint64 *out, GError **error)
{
  *out = 1;
  return desk_db_query_int64 (SQLITE_DB (tx), "SELECT coalesce(min(seq),1) FROM events", out,
                              error);
}

void
desk_store_sqlite_init_log (DeskServerStoreClass *ops)
{
  ops->key_find = key_find;
  ops->key_insert = key_insert;
  ops->key_find_message = key_find_message;
  ops->dedup_insert = dedup_insert;
  ops->raw_insert = raw_insert;
  ops->checkpoint_get = checkpoint_get;
  ops->checkpoint_set = checkpoint_set;
  ops->purge = purge;
  ops->event_next_seq = event_next_seq;
  ops->event_append = event_append;
  ops->events_read = events_read;
  ops->events_tail = events_tail;
}
