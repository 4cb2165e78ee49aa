/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* Messages: one row a message, clustered by chat and chat_seq; the body is never parsed here. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

#define PROTECTED "status NOT IN (1,2)" /* queued and unknown messages are never trimmed */
G_STATIC_ASSERT (DESK_STATUS_QUEUED == 1 && DESK_STATUS_UNKNOWN == 2);
G_STATIC_ASSERT (DESK_DIRECTION_OUTGOING == 1 && DESK_SENDER_MANAGER == 1 && DESK_SOURCE_ECHO == 4);

static gboolean
message_insert (DeskServerTx *tx,
                gint64 chat_row,
                const DeskMessage *message,
                const char *body,
                gsize len,
                gint64 stored_ms,
                gint64 key_row,
                GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "INSERT INTO "
      "messages(place,id,in_seq,direction,sender,sender_id,is_private,status,source,created_at,"
      "stored_at,deleted_at,key_row,chat,external_id,body) "
      "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
      "?14,?15,?16)",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, message->chat_seq));
  desk_stmt_bind_text (stmt, 2, message->id);
  desk_stmt_bind_int64 (stmt, 3, message->in_seq);
  desk_stmt_bind_int64 (stmt, 4, message->direction);
  desk_stmt_bind_int64 (stmt, 5, message->sender);
  desk_stmt_bind_text (stmt, 6, message->sender_id);
  desk_stmt_bind_int64 (stmt, 7, message->is_private ? 1 : 0);
  desk_stmt_bind_int64 (stmt, 8, message->status);
  desk_stmt_bind_int64 (stmt, 9, message->source);
  desk_stmt_bind_int64 (stmt, 10, message->created_at_ms);
  desk_stmt_bind_int64 (stmt, 11, stored_ms);
  desk_stmt_bind_int64 (stmt, 12, message->deleted_at_ms);
  if (key_row > 0)
    desk_stmt_bind_int64 (stmt, 13, key_row);
  else
    desk_stmt_bind_null (stmt, 13);
  desk_stmt_bind_int64 (stmt, 14, chat_row);
  desk_stmt_bind_text (stmt, 15, message->external_id);
  desk_stmt_bind_text_len (stmt, 16, body, (gssize)len);
  return desk_stmt_run (stmt, error);
}

static gboolean
message_update (DeskServerTx *tx,
                gint64 chat_row,
                const DeskMessage *message,
                const char *body,
                gsize len,
                GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "UPDATE messages SET status=?2,deleted_at=?3,external_id=?4,body=?5 WHERE place=?1", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, message->chat_seq));
  desk_stmt_bind_int64 (stmt, 2, message->status);
  desk_stmt_bind_int64 (stmt, 3, message->deleted_at_ms);
  desk_stmt_bind_text (stmt, 4, message->external_id);
  desk_stmt_bind_text_len (stmt, 5, body, (gssize)len);
  return desk_stmt_run (stmt, error);
}

/* Columns: place, body. */
static DeskServerMessage *
read_message (DeskStmt *stmt)
{
  DeskServerMessage *self = g_new0 (DeskServerMessage, 1);
  gint64 place = desk_stmt_column_int64 (stmt, 0);
  self->chat_row = PLACE_ROW (place);
  self->chat_seq = PLACE_SEQ (place);
  self->body = g_strdup (desk_stmt_column_text (stmt, 1));
  return self;
}

static gboolean
find_with (DeskStmt *stmt, DeskServerMessage **out, GError **error)
{
  *out = NULL;
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out = read_message (stmt);
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
message_by_seq (
    DeskServerTx *tx, gint64 chat_row, gint64 chat_seq, DeskServerMessage **out, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT place,body FROM messages WHERE place=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, chat_seq));
  return find_with (stmt, out, error);
}

static gboolean
message_by_id (DeskServerTx *tx, const char *id, DeskServerMessage **out, GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx), "SELECT place,body FROM messages WHERE id=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, id);
  return find_with (stmt, out, error);
}

static gboolean
message_by_external (DeskServerTx *tx,
                     gint64 chat_row,
                     const char *external_id,
                     DeskServerMessage **out,
                     GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT place,body FROM messages WHERE chat=? AND external_id=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, chat_row);
  desk_stmt_bind_text (stmt, 2, external_id);
  return find_with (stmt, out, error);
}

/* Columns: body, and id where it is wanted. Ends the loop in every case. */
static gboolean
each_body (
    DeskStmt *stmt, gboolean has_id, DeskServerBodyFunc func, gpointer data, GError **error)
{
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    {
      gsize len;
      const char *body = desk_stmt_column_text_len (stmt, 0, &len);
      if (!func (body, len, has_id ? desk_stmt_column_text (stmt, 1) : NULL, data))
        break;
    }
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
messages_page (DeskServerTx *tx,
               const DeskServerMessagesQuery *query,
               DeskServerBodyFunc func,
               gpointer data,
               GError **error)
{
  gint64 from = PLACE (query->chat_row, 0), to = PLACE_MAX (query->chat_row);
  guint offset = 0;
  const char *sql = "SELECT body FROM messages WHERE place BETWEEN ?1 AND ?2 AND is_private<=?3"
                    " ORDER BY place DESC LIMIT ?4 OFFSET ?5";
  if (query->after_seq >= 0)
    {
      sql = "SELECT body FROM messages WHERE place BETWEEN ?1 AND ?2 AND is_private<=?3"
            " ORDER BY place LIMIT ?4 OFFSET ?5";
      from = MIN (query->after_seq, (1LL << PLACE_BITS) - 2) + 1 + PLACE (query->chat_row, 0);
    }
  else if (query->before_seq > 0)
    to = PLACE (query->chat_row, 0) + MIN (query->before_seq, (1LL << PLACE_BITS) - 1) - 1;
  else if (query->before_seq < 0)
    offset = query->offset;
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx), sql, error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, from);
  desk_stmt_bind_int64 (stmt, 2, to);
  desk_stmt_bind_int64 (stmt, 3, query->public_only ? 0 : 1);
  desk_stmt_bind_int64 (stmt, 4, query->limit);
  desk_stmt_bind_int64 (stmt, 5, offset);
  return each_body (stmt, FALSE, func, data, error);
}

/* Ids are version 7 UUIDs of one process: they grow in the order of storing. */
static gboolean
messages_all (DeskServerTx *tx,
              const char *before_id,
              guint limit,
              DeskServerBodyFunc func,
              gpointer data,
              GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT body,id FROM messages WHERE id<? ORDER BY id DESC LIMIT ?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, before_id != NULL ? before_id : "g");
  desk_stmt_bind_int64 (stmt, 2, limit);
  return each_body (stmt, TRUE, func, data, error);
}

static gboolean
messages_replies_after (DeskServerTx *tx,
                        gint64 chat_row,
                        gint64 after_seq,
                        const char *username,
                        guint limit,
                        DeskServerBodyFunc func,
                        gpointer data,
                        GError **error)
{
  DeskStmt *stmt
      = desk_db_prepare (SQLITE_DB (tx),
                         "SELECT body FROM messages WHERE place BETWEEN ?1 AND ?2 AND "
                         "direction=1 AND sender=1 AND is_private=0"
                         " AND deleted_at=0 AND sender_id IS NOT ?3 ORDER BY place LIMIT ?4",
                         error);
  if (stmt == NULL)
    return FALSE;
  gint64 base = PLACE (chat_row, 0);
  desk_stmt_bind_int64 (stmt, 1, base + CLAMP (after_seq, 0, (1LL << PLACE_BITS) - 2) + 1);
  desk_stmt_bind_int64 (stmt, 2, PLACE_MAX (chat_row));
  desk_stmt_bind_text (stmt, 3, username);
  desk_stmt_bind_int64 (stmt, 4, limit);
  return each_body (stmt, FALSE, func, data, error);
}

static gboolean
messages_with_status (
    DeskServerTx *tx, gint64 chat_row, guint mask, gint64 until_ms, GPtrArray **out, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "SELECT place,body FROM (SELECT place,body,direction,status,created_at FROM messages"
      " WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC LIMIT 500)"
      " WHERE direction=1 AND (1<<status)&?3 AND created_at<=?4 ORDER BY place",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, 0));
  desk_stmt_bind_int64 (stmt, 2, PLACE_MAX (chat_row));
  desk_stmt_bind_int64 (stmt, 3, mask);
  desk_stmt_bind_int64 (stmt, 4, until_ms);
  g_autoptr (GPtrArray) list
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_server_message_free);
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    g_ptr_array_add (list, read_message (stmt));
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out = g_steal_pointer (&list);
  return TRUE;
}

static gboolean
query_number (DeskStmt *stmt, gboolean *found, gint64 *out, GError **error)
{
  DeskStep step = desk_stmt_step (stmt, error);
  *found = step == DESK_STEP_ROW;
  if (*found)
    *out = desk_stmt_column_int64 (stmt, 0);
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
messages_count_mirrored (
    DeskServerTx *tx, gint64 chat_row, gint64 since_stored_ms, gint64 *out, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "SELECT count(*) FROM (SELECT source,stored_at FROM messages WHERE place BETWEEN ?1 AND ?2"
      " ORDER BY place DESC LIMIT 100) WHERE source=4 AND stored_at>?3",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, 0));
  desk_stmt_bind_int64 (stmt, 2, PLACE_MAX (chat_row));
  desk_stmt_bind_int64 (stmt, 3, since_stored_ms);
  gboolean found;
  return query_number (stmt, &found, out, error);
}

static gboolean
message_in_seq (DeskServerTx *tx, gint64 chat_row, gint64 chat_seq, gint64 *out, GError **error)
{
  gboolean found;
  *out = 0;
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "SELECT in_seq FROM messages WHERE place BETWEEN ?1 AND ?2 AND "
                                    "in_seq>0 ORDER BY place DESC LIMIT 1",
                                    error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, 0));
  desk_stmt_bind_int64 (stmt, 2, PLACE (chat_row, chat_seq));
  if (!query_number (stmt, &found, out, error))
    return FALSE;
  if (found)
    return TRUE;
  stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "SELECT coalesce((SELECT in_seq-1 FROM messages WHERE place BETWEEN ?1 AND ?2 AND in_seq>0"
      " ORDER BY place LIMIT 1),(SELECT last_in_seq FROM chats WHERE row=?3),0)",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, PLACE (chat_row, chat_seq) + 1);
  desk_stmt_bind_int64 (stmt, 2, PLACE_MAX (chat_row));
  desk_stmt_bind_int64 (stmt, 3, chat_row);
  return query_number (stmt, &found, out, error);
}

static gboolean
run_range (DeskDb *db, const char *sql, gint64 from, gint64 to, gint64 before_ms, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (db, sql, error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, from);
  desk_stmt_bind_int64 (stmt, 2, to);
  desk_stmt_bind_int64 (stmt, 3, before_ms > 0 ? before_ms : G_MAXINT64);
  return desk_stmt_run (stmt, error);
}

static gboolean
messages_trim (DeskServerTx *tx,
               gint64 chat_row,
               gint64 below_seq,
               gint64 before_ms,
               gint64 *out_deleted,
               gint64 *out_first,
               GError **error)
{
  DeskDb *db = SQLITE_DB (tx);
  gint64 from = PLACE (chat_row, 0), to = PLACE (chat_row, below_seq) - 1;
  if (!run_range (db,
                  "UPDATE keys SET body=(SELECT body FROM messages WHERE messages.place=keys.place)"
                  " WHERE row IN (SELECT key_row FROM messages WHERE place BETWEEN ?1 AND ?2 AND "
                  "created_at<?3"
                  " AND key_row IS NOT NULL AND " PROTECTED ")",
                  from, to, before_ms, error)
      || !run_range (
          db, "DELETE FROM messages WHERE place BETWEEN ?1 AND ?2 AND created_at<?3 AND " PROTECTED,
          from, to, before_ms, error))
    return FALSE;
  *out_deleted = desk_db_changes (db);
  DeskStmt *stmt = desk_db_prepare (
      db, "SELECT place FROM messages WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT 1", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, from);
  desk_stmt_bind_int64 (stmt, 2, PLACE_MAX (chat_row));
  gboolean found;
  gint64 place = 0;
  if (!query_number (stmt, &found, &place, error))
    return FALSE;
  *out_first = found ? PLACE_SEQ (place) : below_seq;
  return TRUE;
}

static gboolean
chats_to_clean (DeskServerTx *tx,
                gint64 after_row,
                gint64 before_ms,
                guint keep,
                guint limit,
                GArray **out_rows,
                GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "SELECT c.row FROM chats c WHERE c.row>?1 AND c.last_chat_seq-c.first_chat_seq+1>?3 AND "
      "EXISTS"
      " (SELECT 1 FROM messages m WHERE m.place=(c.row<<31|c.first_chat_seq) AND m.created_at<?2)"
      " ORDER BY c.row LIMIT ?4",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, after_row);
  desk_stmt_bind_int64 (stmt, 2, before_ms);
  desk_stmt_bind_int64 (stmt, 3, keep);
  desk_stmt_bind_int64 (stmt, 4, limit);
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    {
      gint64 row = desk_stmt_column_int64 (stmt, 0);
      g_array_append_val (rows, row);
    }
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out_rows = g_steal_pointer (&rows);
  return TRUE;
}

void
desk_store_sqlite_init_messages (DeskServerStoreClass *ops)
{
  ops->message_insert = message_insert;
  ops->message_update = message_update;
  ops->message_by_seq = message_by_seq;
  ops->message_by_id = message_by_id;
  ops->message_by_external = message_by_external;
  ops->messages_page = messages_page;
  ops->messages_all = messages_all;
  ops->messages_replies_after = messages_replies_after;
  ops->messages_with_status = messages_with_status;
  ops->messages_count_mirrored = messages_count_mirrored;
  ops->message_in_seq = message_in_seq;
  ops->messages_trim = messages_trim;
  ops->chats_to_clean = chats_to_clean;
}
