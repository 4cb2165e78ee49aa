/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* Chats and what each manager has read of them. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

#define LABEL_SEPARATOR "\x1f"

#define CHAT_COLUMNS                                                                               \
  "c.row,c.platform,c.user_id,c.user_name,c.messenger_name,c.last_message,c.last_time,c.type,c."   \
  "partner_name,"                                                                                  \
  "c.partner_room_id,c.metadata,c.stream_id,c.state,c.snoozed_until,c.assignee,c.labels,c."        \
  "connection,"                                                                                    \
  "c.first_chat_seq,c.last_chat_seq,c.last_in_seq,c.waiting_since,c.window_expires_at,c.rev,c."    \
  "preview_seq,"                                                                                   \
  "c.last_reply_seq,c.breaker_until,c.profile_at,c.profile_due,c.profile_stale_until"
#define PERSONAL_COLUMNS                                                                           \
  "coalesce(m.read_chat_seq,0),coalesce(m.read_in_seq,0),coalesce(m.marked_unread,0),coalesce(m."  \
  "muted,0)"

static void
read_shared (DeskStmt *stmt, DeskChat *chat)
{
  g_free (chat->user_name);
  chat->user_name = g_strdup (desk_stmt_column_text (stmt, 3));
  chat->messenger_name = g_strdup (desk_stmt_column_text (stmt, 4));
  g_free (chat->last_message);
  chat->last_message = g_strdup (desk_stmt_column_text (stmt, 5));
  chat->last_time_ms = desk_stmt_column_int64 (stmt, 6);
  chat->is_level2 = TRUE;
  chat->type = (DeskChatType)desk_stmt_column_int64 (stmt, 7);
  chat->partner_name = g_strdup (desk_stmt_column_text (stmt, 8));
  chat->partner_room_id = g_strdup (desk_stmt_column_text (stmt, 9));
  g_free (chat->metadata);
  chat->metadata = g_strdup (desk_stmt_column_text (stmt, 10));
  g_free (chat->stream_id);
  chat->stream_id = g_strdup (desk_stmt_column_text (stmt, 11));
  chat->state = (DeskChatState)desk_stmt_column_int64 (stmt, 12);
  chat->snoozed_until_ms = desk_stmt_column_int64 (stmt, 13);
  chat->assignee = g_strdup (desk_stmt_column_text (stmt, 14));
  const char *labels = desk_stmt_column_text (stmt, 15);
  g_strfreev (chat->labels);
  chat->labels = g_strsplit (labels != NULL ? labels : "", LABEL_SEPARATOR, -1);
  chat->connection = g_strdup (desk_stmt_column_text (stmt, 16));
  chat->first_chat_seq = desk_stmt_column_int64 (stmt, 17);
  chat->last_chat_seq = desk_stmt_column_int64 (stmt, 18);
  chat->last_in_seq = desk_stmt_column_int64 (stmt, 19);
  chat->waiting_since_ms = desk_stmt_column_int64 (stmt, 20);
  chat->window_expires_at_ms = desk_stmt_column_int64 (stmt, 21);
  chat->rev = desk_stmt_column_int64 (stmt, 22);
}

static DeskServerChat *
read_chat (DeskStmt *stmt, gboolean has_personal)
{
  DeskChat *chat = desk_chat_new (desk_stmt_column_text (stmt, 1), desk_stmt_column_text (stmt, 2));
  read_shared (stmt, chat);
  DeskServerChat *self = desk_server_chat_new (chat);
  self->row = desk_stmt_column_int64 (stmt, 0);
  self->preview_seq = desk_stmt_column_int64 (stmt, 23);
  self->last_reply_seq = desk_stmt_column_int64 (stmt, 24);
  self->breaker_until_ms = desk_stmt_column_int64 (stmt, 25);
  self->profile_at_ms = desk_stmt_column_int64 (stmt, 26);
  self->profile_due_ms = desk_stmt_column_int64 (stmt, 27);
  self->profile_stale_until_ms = desk_stmt_column_int64 (stmt, 28);
  if (has_personal)
    {
      chat->has_personal = TRUE;
      chat->personal.read_chat_seq = desk_stmt_column_int64 (stmt, 29);
      chat->personal.read_in_seq = desk_stmt_column_int64 (stmt, 30);
      chat->personal.marked_unread = desk_stmt_column_int64 (stmt, 31) != 0;
      chat->personal.muted = desk_stmt_column_int64 (stmt, 32) != 0;
      chat->has_unread = TRUE;
      chat->unread = desk_chat_unread_count (chat->last_in_seq, chat->personal.read_in_seq,
                                             chat->personal.marked_unread);
    }
  return self;
}

static gboolean
find_with (DeskStmt *stmt, gboolean has_personal, DeskServerChat **out, GError **error)
{
  *out = NULL;
  DeskStep step = desk_stmt_step (stmt, error);
  if (step == DESK_STEP_ROW)
    *out = read_chat (stmt, has_personal);
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
chat_find (DeskServerTx *tx,
           const char *platform,
           const char *user_id,
           const char *reader,
           DeskServerChat **out,
           GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      reader != NULL ? "SELECT " CHAT_COLUMNS "," PERSONAL_COLUMNS
                       " FROM chats c LEFT JOIN markers m"
                       " ON m.chat=c.row AND m.username=?3 WHERE c.platform=?1 AND c.user_id=?2"
                     : "SELECT " CHAT_COLUMNS " FROM chats c WHERE c.platform=?1 AND c.user_id=?2",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, platform);
  desk_stmt_bind_text (stmt, 2, user_id);
  if (reader != NULL)
    desk_stmt_bind_text (stmt, 3, reader);
  return find_with (stmt, reader != NULL, out, error);
}

/* The unique index answers alone. */
static gboolean
chat_get_row (DeskServerTx *tx,
              const char *platform,
              const char *user_id,
              gint64 *out_row,
              GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx), "SELECT row FROM chats WHERE platform=?1 AND user_id=?2", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, platform);
  desk_stmt_bind_text (stmt, 2, user_id);
  DeskStep step = desk_stmt_step (stmt, error);
  *out_row = step == DESK_STEP_ROW ? desk_stmt_column_int64 (stmt, 0) : 0;
  desk_stmt_reset (stmt);
  return step != DESK_STEP_ERROR;
}

static gboolean
chat_find_row (DeskServerTx *tx, gint64 row, DeskServerChat **out, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "SELECT " CHAT_COLUMNS " FROM chats c WHERE c.row=?", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, row);
  return find_with (stmt, FALSE, out, error);
}

static void
bind_chat (DeskStmt *stmt, const DeskServerChat *self)
{
  const DeskChat *chat = self->chat;
  g_autofree char *labels = g_strjoinv (LABEL_SEPARATOR, chat->labels);
  desk_stmt_bind_text (stmt, 1, chat->platform);
  desk_stmt_bind_text (stmt, 2, chat->user_id);
  desk_stmt_bind_text (stmt, 3, chat->user_name != NULL ? chat->user_name : "");
  desk_stmt_bind_text (stmt, 4, chat->messenger_name);
  desk_stmt_bind_text (stmt, 5, chat->last_message != NULL ? chat->last_message : "");
  desk_stmt_bind_int64 (stmt, 6, chat->last_time_ms);
  desk_stmt_bind_int64 (stmt, 7, chat->type);
  desk_stmt_bind_text (stmt, 8, chat->partner_name);
  desk_stmt_bind_text (stmt, 9, chat->partner_room_id);
  desk_stmt_bind_text (stmt, 10, chat->metadata != NULL ? chat->metadata : "{}");
  desk_stmt_bind_text (stmt, 11, chat->stream_id);
  desk_stmt_bind_int64 (stmt, 12, chat->state);
  desk_stmt_bind_int64 (stmt, 13, chat->snoozed_until_ms);
  desk_stmt_bind_text (stmt, 14, chat->assignee);
  desk_stmt_bind_text (stmt, 15, labels);
  desk_stmt_bind_text (stmt, 16, chat->connection);
  desk_stmt_bind_int64 (stmt, 17, chat->first_chat_seq);
  desk_stmt_bind_int64 (stmt, 18, chat->last_chat_seq);
  desk_stmt_bind_int64 (stmt, 19, chat->last_in_seq);
  desk_stmt_bind_int64 (stmt, 20, chat->waiting_since_ms);
  desk_stmt_bind_int64 (stmt, 21, chat->window_expires_at_ms);
  desk_stmt_bind_int64 (stmt, 22, chat->rev);
  desk_stmt_bind_int64 (stmt, 23, self->preview_seq);
  desk_stmt_bind_int64 (stmt, 24, self->last_reply_seq);
  desk_stmt_bind_int64 (stmt, 25, self->breaker_until_ms);
  desk_stmt_bind_int64 (stmt, 26, self->profile_at_ms);
  desk_stmt_bind_int64 (stmt, 27, self->profile_due_ms);
  desk_stmt_bind_int64 (stmt, 28, self->profile_stale_until_ms);
}

static gboolean
chat_insert (DeskServerTx *tx, DeskServerChat *chat, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "INSERT INTO "
      "chats(platform,user_id,user_name,messenger_name,last_message,last_time,type,partner_name,"
      "partner_room_id,metadata,stream_id,state,snoozed_until,assignee,labels,connection,first_"
      "chat_seq,"
      "last_chat_seq,last_in_seq,waiting_since,window_expires_at,rev,preview_seq,last_reply_seq,"
      "breaker_until,profile_at,profile_due,profile_stale_until)"
      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?"
      "24,?25,?26,?27,?28)",
      error);
  if (stmt == NULL)
    return FALSE;
  bind_chat (stmt, chat);
  if (!desk_stmt_run (stmt, error))
    return FALSE;
  chat->row = desk_db_last_rowid (SQLITE_DB (tx));
  return TRUE;
}

/* SQLite leaves an index alone when the values of its columns do not change. */
static gboolean
chat_update (DeskServerTx *tx, const DeskServerChat *chat, GError **error)
{
  DeskStmt *stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "UPDATE chats SET "
      "platform=?1,user_id=?2,user_name=?3,messenger_name=?4,last_message=?5,last_time=?6,"
      "type=?7,partner_name=?8,partner_room_id=?9,metadata=?10,stream_id=?11,state=?12,snoozed_"
      "until=?13,"
      "assignee=?14,labels=?15,connection=?16,first_chat_seq=?17,last_chat_seq=?18,last_in_seq=?19,"
      "waiting_since=?20,window_expires_at=?21,rev=?22,preview_seq=?23,last_reply_seq=?24,breaker_"
      "until=?25,profile_at=?26,profile_due=?27,profile_stale_until=?28"
      " WHERE row=?29",
      error);
  if (stmt == NULL)
    return FALSE;
  bind_chat (stmt, chat);
  desk_stmt_bind_int64 (stmt, 29, chat->row);
  return desk_stmt_run (stmt, error);
}

static gboolean
chats_list (DeskServerTx *tx,
            const DeskServerChatsQuery *query,
            DeskServerChatFunc func,
            gpointer data,
            GError **error)
{
  g_autoptr (DeskStmt) stmt = desk_db_prepare (
      SQLITE_DB (tx),
      "SELECT " CHAT_COLUMNS "," PERSONAL_COLUMNS " FROM chats c LEFT JOIN markers m"
      " ON m.chat=c.row AND m.username=?1"
      " WHERE (c.last_time,c.row)<(?2,?3) AND (?4 IS NULL OR c.platform=?4) AND (?5<0 OR "
      "c.state=?5)"
      " AND (?6 IS NULL OR coalesce(c.assignee,'')=?6)"
      " AND (NOT ?7 OR c.last_in_seq>coalesce(m.read_in_seq,0) OR coalesce(m.marked_unread,0))"
      " AND (?9 IS NULL OR instr(char(31)||c.labels||char(31),char(31)||?9||char(31)))"
      " ORDER BY c.last_time DESC,c.row DESC LIMIT ?8",
      error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, query->username);
  desk_stmt_bind_int64 (stmt, 2, query->before_time_ms);
  desk_stmt_bind_int64 (stmt, 3, query->before_row);
  desk_stmt_bind_text (stmt, 4, query->platform);
  desk_stmt_bind_int64 (stmt, 5, query->state);
  desk_stmt_bind_text (stmt, 6, query->assignee);
  desk_stmt_bind_int64 (stmt, 7, query->unread_only ? 1 : 0);
  desk_stmt_bind_int64 (stmt, 8, query->limit > 0 ? (gint64)query->limit : -1);
  desk_stmt_bind_text (stmt, 9, query->label);
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    {
      g_autoptr (DeskServerChat) chat = read_chat (stmt, TRUE);
      if (!func (chat, data))
        return TRUE;
    }
  return step == DESK_STEP_DONE;
}

static gboolean
chats_snoozed (DeskServerTx *tx, guint limit, GArray **out_rows, gint64 *out_first_ms, GError **error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (gint64));
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "SELECT row,snoozed_until FROM chats WHERE state=1 AND"
                                    " snoozed_until>0 ORDER BY snoozed_until LIMIT ?",
                                    error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_int64 (stmt, 1, limit);
  *out_first_ms = 0;
  DeskStep step;
  while ((step = desk_stmt_step (stmt, error)) == DESK_STEP_ROW)
    {
      gint64 row = desk_stmt_column_int64 (stmt, 0);
      if (rows->len == 0)
        *out_first_ms = desk_stmt_column_int64 (stmt, 1);
      g_array_append_val (rows, row);
    }
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out_rows = g_steal_pointer (&rows);
  return TRUE;
}

static gboolean
personal_set (DeskServerTx *tx,
              gint64 chat_row,
              const char *username,
              const DeskChatPersonal *personal,
              GError **error)
{
  DeskStmt *stmt = desk_db_prepare (SQLITE_DB (tx),
                                    "INSERT OR REPLACE INTO markers VALUES(?,?,?,?,?,?)", error);
  if (stmt == NULL)
    return FALSE;
  desk_stmt_bind_text (stmt, 1, username);
  desk_stmt_bind_int64 (stmt, 2, chat_row);
  desk_stmt_bind_int64 (stmt, 3, personal->read_chat_seq);
  desk_stmt_bind_int64 (stmt, 4, personal->read_in_seq);
  desk_stmt_bind_int64 (stmt, 5, personal->marked_unread ? 1 : 0);
  desk_stmt_bind_int64 (stmt, 6, personal->muted ? 1 : 0);
  return desk_stmt_run (stmt, error);
}

void
desk_store_sqlite_init_chats (DeskServerStoreClass *ops)
{
  ops->chat_find = chat_find;
  ops->chat_get_row = chat_get_row;
  ops->chat_find_row = chat_find_row;
  ops->chat_insert = chat_insert;
  ops->chat_update = chat_update;
  ops->chats_list = chats_list;
  ops->personal_set = personal_set;
  ops->chats_snoozed = chats_snoozed;
}
