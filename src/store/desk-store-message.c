/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <string.h>

#include "store/desk-store-private.h"

/* Rows of message: reading, writing, and the fold of one message of level 2.
 *
 * Invariants: one row a place (chat, order_key) and one row an id. The row number follows created_at, so
 * descending rows are newest first for the full-text index. The index holds exactly the text
 * column; a tombstone's text is empty. A row changes only when a higher rev comes. */

#define ROWS_PER_MS 1024
#define MAX_MS (G_GINT64_CONSTANT (1) << 52)

/* ── Values ─────────────────────────────────────────────────────────────────────────────────── */

DeskMessage *
desk_message_from_stmt (DeskStmt *s, const char *platform, const char *user_id)
{
  DeskMessage *m = desk_message_new (platform, user_id);
  gsize len = 0;
  const void *extra;

  m->id = g_strdup (desk_stmt_column_text (s, 2));
  m->direction = desk_stmt_column_int64 (s, 3);
  m->sender = desk_stmt_column_int64 (s, 4);
  m->kind = desk_stmt_column_int64 (s, 5);
  m->status = desk_stmt_column_int64 (s, 6);
  m->source = desk_stmt_column_int64 (s, 7);
  m->is_private = desk_stmt_column_int64 (s, 8) != 0;
  m->is_level2 = desk_stmt_column_int64 (s, 9) != 0;
  m->chat_seq = m->is_level2 ? desk_stmt_column_int64 (s, 1) : 0;
  m->created_at_ms = desk_stmt_column_int64 (s, 12);
  m->edited_at_ms = desk_stmt_column_int64 (s, 13);
  m->deleted_at_ms = desk_stmt_column_int64 (s, 14);
  m->in_seq = desk_stmt_column_int64 (s, 15);
  m->rev = desk_stmt_column_int64 (s, 16);
  g_free (m->text);
  m->text = g_strdup (desk_stmt_column_text (s, 17));
  if (m->text == NULL)
    m->text = g_strdup ("");
  m->client_message_id = g_strdup (desk_stmt_column_text (s, 18));
  m->sender_id = g_strdup (desk_stmt_column_text (s, 19));
  m->sender_name = g_strdup (desk_stmt_column_text (s, 20));
  extra = desk_stmt_column_blob (s, 21, &len);
  if (extra != NULL)
    desk_extra_unpack (extra, len, m);
  return m;
}

void
desk_message_info_from_stmt (DeskStmt *s, DeskMessageRowInfo *out)
{
  out->row = desk_stmt_column_int64 (s, 0);
  out->order_key = desk_stmt_column_int64 (s, 1);
  out->provisional = desk_stmt_column_int64 (s, 10) != 0;
  out->gap_before = (int) desk_stmt_column_int64 (s, 11);
}

/* ── The full-text index ────────────────────────────────────────────────────────────────────── */

void
desk_fold_text (DeskFold *self, gint64 row, const char *old_text, const char *new_text)
{
  DeskTextChange change = { .row = row };

  if (g_strcmp0 (old_text, new_text) == 0)
    return;
  /* An empty text has its row as well, or the index would not pass its own check. */
  change.old_text = g_strdup (old_text);
  change.new_text = g_strdup (new_text);
  g_array_append_val (self->texts, change);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  gint64 x = ((const DeskTextChange *) a)->row, y = ((const DeskTextChange *) b)->row;

  return (x > y) - (x < y);
}

static gboolean
flush_text (DeskFold *self, const DeskTextChange *change, GError **error)
{
  DeskStmt *s;

  if (change->old_text != NULL)
    {
      s = desk_db_prepare (self->db,
                           "INSERT INTO message_text(message_text,rowid,text) VALUES('delete',?1,?2)",
                           error);
      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, change->row);
      desk_stmt_bind_text (s, 2, change->old_text);
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  if (change->new_text == NULL)
    return TRUE;
  s = desk_db_prepare (self->db, "INSERT INTO message_text(rowid,text) VALUES(?1,?2)", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, change->row);
  desk_stmt_bind_text (s, 2, change->new_text);
  return desk_stmt_run (s, error);
}

gboolean
desk_fold_flush_texts (DeskFold *self, GError **error)
{
  /* The sort is stable: changes of one row stay in the order they were made. */
  g_array_sort (self->texts, compare_texts);
  for (guint i = 0; i < self->texts->len; i++)
    if (!flush_text (self, &g_array_index (self->texts, DeskTextChange, i), error))
      return FALSE;
  g_array_set_size (self->texts, 0);
  return TRUE;
}

/* ── Rows ───────────────────────────────────────────────────────────────────────────────────── */

static const char *
stored_text (const DeskMessage *m)
{
  return m->deleted_at_ms > 0 ? "" : m->text;
}

/* Binds parameters 1 to 20: what insert and update have in common. */
static void
bind_message (DeskStmt *s, const DeskMessage *m, gint64 order_key, gboolean provisional, int gap)
{
  g_autoptr (GBytes) extra = desk_extra_pack (m);

  desk_stmt_bind_int64 (s, 1, order_key);
  desk_stmt_bind_text (s, 2, m->id);
  desk_stmt_bind_int64 (s, 3, m->direction);
  desk_stmt_bind_int64 (s, 4, m->sender);
  desk_stmt_bind_int64 (s, 5, m->kind);
  desk_stmt_bind_int64 (s, 6, m->status);
  desk_stmt_bind_int64 (s, 7, m->source);
  desk_stmt_bind_int64 (s, 8, m->is_private != FALSE);
  desk_stmt_bind_int64 (s, 9, m->is_level2 != FALSE);
  desk_stmt_bind_int64 (s, 10, provisional != FALSE);
  desk_stmt_bind_int64 (s, 11, gap);
  desk_stmt_bind_int64 (s, 12, m->created_at_ms);
  desk_stmt_bind_int64 (s, 13, m->edited_at_ms);
  desk_stmt_bind_int64 (s, 14, m->deleted_at_ms);
  desk_stmt_bind_int64 (s, 15, m->in_seq);
  desk_stmt_bind_int64 (s, 16, m->rev);
  desk_stmt_bind_text (s, 17, stored_text (m));
  desk_stmt_bind_text (s, 18, m->client_message_id);
  desk_stmt_bind_text (s, 19, m->sender_id);
  desk_stmt_bind_text (s, 20, m->sender_name);
  if (extra != NULL)
    desk_stmt_bind_blob (s, 21, g_bytes_get_data (extra, NULL), g_bytes_get_size (extra));
  else
    desk_stmt_bind_null (s, 21);
}

/* A row number that is free in the millisecond, or in the next one with room. */
static gboolean
find_free_row (DeskFold *self, gint64 base, gint64 *out, GError **error)
{
  for (;; base += ROWS_PER_MS)
    {
      g_autoptr (DeskStmt) s = desk_db_prepare (
          self->db, "SELECT max(message) FROM message WHERE message>=?1 AND message<?2", error);
      gint64 last;

      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, base);
      desk_stmt_bind_int64 (s, 2, base + ROWS_PER_MS);
      if (desk_stmt_step (s, error) != DESK_STEP_ROW)
        return FALSE;
      last = desk_stmt_column_is_null (s, 0) ? base - 1 : desk_stmt_column_int64 (s, 0);
      if (last < base + ROWS_PER_MS - 1)
        {
          *out = last + 1;
          return TRUE;
        }
    }
}

static gboolean
is_taken (DeskFold *self, gint64 chat, gint64 order_key, const char *id, gboolean *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      self->db,
      "SELECT EXISTS(SELECT 1 FROM message WHERE chat=?1 AND order_key=?2)"
      " OR EXISTS(SELECT 1 FROM message WHERE id=?3 AND id IS NOT NULL)",
      error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  desk_stmt_bind_int64 (s, 2, order_key);
  desk_stmt_bind_text (s, 3, id);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return FALSE;
  *out = desk_stmt_column_int64 (s, 0) != 0;
  return TRUE;
}

/* Tries once; the row number alone may be in the way. */
static gboolean
try_insert (DeskFold *self,
            DeskStmt *s,
            gint64 row,
            const char *text,
            gboolean *inserted,
            GError **error)
{
  desk_stmt_bind_int64 (s, 22, row);
  if (!desk_stmt_run (s, error))
    return FALSE;
  *inserted = desk_db_changes (self->db) > 0;
  if (*inserted)
    desk_fold_text (self, row, NULL, text);
  return TRUE;
}

gboolean
desk_fold_insert_message (DeskFold *self,
                          DeskFoldChat *state,
                          const DeskMessage *m,
                          gint64 order_key,
                          gboolean provisional,
                          int gap_before,
                          gboolean *inserted,
                          GError **error)
{
  gint64 row = CLAMP (m->created_at_ms, 0, MAX_MS) * ROWS_PER_MS;
  gboolean taken;
  DeskStmt *s = desk_db_prepare (
      self->db,
      "INSERT INTO message(order_key,id,direction,sender,kind,status,source,is_private,is_level2,"
      "provisional,gap_before,created_at_ms,edited_at_ms,deleted_at_ms,in_seq,rev,text,"
      "client_message_id,sender_id,sender_name,extra,message,chat)"
      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23)"
      " ON CONFLICT DO NOTHING",
      error);

  if (s == NULL)
    return FALSE;
  bind_message (s, m, order_key, provisional, gap_before);
  desk_stmt_bind_int64 (s, 23, state->row);
  if (!try_insert (self, s, row, stored_text (m), inserted, error))
    return FALSE;
  if (*inserted)
    return TRUE;
  if (!is_taken (self, state->row, order_key, m->id, &taken, error))
    return FALSE;
  if (taken)
    return TRUE;
  return find_free_row (self, row, &row, error)
         && try_insert (self, s, row, stored_text (m), inserted, error);
}

gboolean
desk_fold_update_message (DeskFold *self,
                          gint64 row,
                          const char *old_text,
                          const DeskMessage *m,
                          gint64 order_key,
                          gboolean provisional,
                          int gap_before,
                          GError **error)
{
  DeskStmt *s = desk_db_prepare (
      self->db,
      "UPDATE message SET order_key=?1,id=?2,direction=?3,sender=?4,kind=?5,status=?6,source=?7,"
      "is_private=?8,is_level2=?9,provisional=?10,gap_before=?11,created_at_ms=?12,edited_at_ms=?13,"
      "deleted_at_ms=?14,in_seq=?15,rev=?16,text=?17,client_message_id=?18,sender_id=?19,"
      "sender_name=?20,extra=?21 WHERE message=?22",
      error);

  if (s == NULL)
    return FALSE;
  bind_message (s, m, order_key, provisional, gap_before);
  desk_stmt_bind_int64 (s, 22, row);
  if (!desk_stmt_run (s, error))
    return FALSE;
  desk_fold_text (self, row, old_text, stored_text (m));
  return TRUE;
}

/* ── The fold of one message ────────────────────────────────────────────────────────────────── */

typedef struct
{
  gint64 row; /* 0: there is none */
  gint64 chat;
  gint64 order_key;
  gint64 rev;
  gboolean is_level2;
  char *id;
  char *text;
} Existing;

static void
existing_clear (Existing *self)
{
  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->text, g_free);
  self->row = 0;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Existing, existing_clear)

static gboolean
read_existing (DeskStmt *s, Existing *out, GError **error)
{
  DeskStep step = desk_stmt_step (s, error);

  if (step == DESK_STEP_ROW)
    {
      out->row = desk_stmt_column_int64 (s, 0);
      out->chat = desk_stmt_column_int64 (s, 1);
      out->order_key = desk_stmt_column_int64 (s, 2);
      out->rev = desk_stmt_column_int64 (s, 3);
      out->is_level2 = desk_stmt_column_int64 (s, 4) != 0;
      out->id = g_strdup (desk_stmt_column_text (s, 5));
      out->text = g_strdup (desk_stmt_column_text (s, 6));
    }
  desk_stmt_reset (s);
  return step != DESK_STEP_ERROR;
}

static gboolean
find_by_id (DeskFold *self, const char *id, Existing *out, GError **error)
{
  DeskStmt *s;

  if (id == NULL)
    return TRUE;
  s = desk_db_prepare (
      self->db,
      "SELECT message,chat,order_key,rev,is_level2,id,text FROM message WHERE id=?1", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, id);
  return read_existing (s, out, error);
}

static gboolean
find_by_place (DeskFold *self, gint64 chat, gint64 order_key, Existing *out, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db,
                                 "SELECT message,chat,order_key,rev,is_level2,id,text FROM message"
                                 " WHERE chat=?1 AND order_key=?2",
                                 error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  desk_stmt_bind_int64 (s, 2, order_key);
  return read_existing (s, out, error);
}

static gboolean
delete_row (DeskFold *self, const Existing *row, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db, "DELETE FROM message WHERE message=?1", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, row->row);
  if (!desk_stmt_run (s, error))
    return FALSE;
  desk_fold_text (self, row->row, row->text, NULL);
  return TRUE;
}

/* Place or id is known. Two different rows in the way happen only when the server was restored from
 * a backup and gave the same chat_seq anew: what it says now is the truth for that place. */
static DeskStored
merge_message (DeskFold *self, DeskFoldChat *state, const DeskMessage *m, GError **error)
{
  g_auto (Existing) by_id = { 0 };
  g_auto (Existing) by_place = { 0 };
  const Existing *row;
  gboolean inserted;

  if (!find_by_id (self, m->id, &by_id, error)
      || !find_by_place (self, state->row, m->chat_seq, &by_place, error))
    return DESK_STORED_ERROR;
  if (by_id.row != 0 && by_id.chat != state->row)
    { /* ids are unique over all chats, so this one moved here */
      if (!delete_row (self, &by_id, error))
        return DESK_STORED_ERROR;
      existing_clear (&by_id);
    }
  if (by_id.row != 0 && by_id.is_level2 && m->rev <= by_id.rev && by_id.order_key == m->chat_seq)
    return DESK_STORED_KNOWN;
  if (by_id.row != 0 && by_place.row != 0 && by_id.row != by_place.row
      && !delete_row (self, &by_place, error))
    return DESK_STORED_ERROR;
  row = by_id.row != 0 ? &by_id : &by_place;
  if (row->row != 0)
    return desk_fold_update_message (self, row->row, row->text, m, m->chat_seq, FALSE, 0, error)
               ? DESK_STORED_CHANGED
               : DESK_STORED_ERROR;
  if (!desk_fold_insert_message (self, state, m, m->chat_seq, FALSE, 0, &inserted, error))
    return DESK_STORED_ERROR;
  return inserted ? DESK_STORED_NEW : DESK_STORED_KNOWN;
}

gboolean
desk_fold_acknowledge (DeskFold *self, const DeskMessage *m, GError **error)
{
  DeskStmt *s;
  gint64 chat = 0;
  DeskFoldChat *state;
  g_autoptr (DeskOutboxEntry) edited = NULL; /* the text that it would have had */

  if (!self->has_outbox || m->client_message_id == NULL || m->direction != DESK_DIRECTION_OUTGOING)
    return TRUE;
  s = desk_db_prepare (self->db,
                       "DELETE FROM outbox WHERE client_message_id=?1 RETURNING chat,CASE WHEN edited THEN text END,"
                       "is_private,reply_to",
                       error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, m->client_message_id);
  switch (desk_stmt_step (s, error))
    {
    case DESK_STEP_ERROR:
      return FALSE;
    case DESK_STEP_DONE:
      return TRUE;
    case DESK_STEP_ROW:
      chat = desk_stmt_column_int64 (s, 0);
      edited = desk_stmt_column_text (s, 1) ? desk_outbox_entry_new (DESK_INTENT_SEND, m->platform, m->user_id) : NULL;
      if (edited != NULL)
        {
          g_free (edited->text);
          edited->text = g_strdup (desk_stmt_column_text (s, 1));
          edited->is_private = desk_stmt_column_int64 (s, 2) != 0;
          edited->reply_to = g_strdup (desk_stmt_column_text (s, 3));
        }
    }
  if (!desk_stmt_run (s, error)) /* to the end: a reset half-way would undo the deletion */
    return FALSE;
  state = desk_fold_get_chat_by_row (self, chat, error);
  if (state == NULL)
    return FALSE;
  self->notice->change.outbox = TRUE;
  state->counts_dirty = TRUE;
  desk_fold_touch (self, state);
  /* An earlier attempt got through, with the text as it was then: the newer one must not be lost. */
  return edited == NULL || g_strcmp0 (edited->text, m->text) == 0 || desk_fold_into_draft (self, state, edited, error);
}

/* Does it show in the chat's row? Most of a first sync does not. */
static gboolean
concerns_row (const DeskFoldChat *state, const DeskMessage *m)
{
  return m->chat_seq >= state->last_key || m->in_seq > state->chat->last_in_seq
         || m->chat_seq > state->chat->last_chat_seq;
}

/* What a new message means for the chat's columns. chat_updated tells the same later, with more. */
static void
count_message (DeskFoldChat *state, const DeskMessage *m)
{
  DeskChat *chat = state->chat;

  if (m->in_seq > chat->last_in_seq)
    {
      chat->last_in_seq = m->in_seq;
      state->unread_dirty = TRUE;
    }
  if (m->chat_seq <= chat->last_chat_seq)
    return;
  chat->last_chat_seq = m->chat_seq;
  state->gaps_dirty = TRUE;
  if (m->direction == DESK_DIRECTION_INCOMING && chat->waiting_since_ms == 0)
    chat->waiting_since_ms = m->created_at_ms;
  else if (m->sender == DESK_SENDER_MANAGER && !m->is_private)
    chat->waiting_since_ms = 0;
}

DeskStored
desk_fold_message (DeskFold *self, const DeskMessage *m, gboolean live, GError **error)
{
  DeskFoldChat *state;
  DeskStored stored = DESK_STORED_NEW;
  gboolean inserted;

  if (m->chat_seq <= 0)
    return desk_fold_hint (self, m, error) ? DESK_STORED_KNOWN : DESK_STORED_ERROR;
  state = desk_fold_get_chat (self, m->platform, m->user_id, TRUE, error);
  if (state == NULL || !desk_fold_leave_level0 (self, state, error))
    return DESK_STORED_ERROR;
  if (!desk_fold_insert_message (self, state, m, m->chat_seq, FALSE, 0, &inserted, error))
    return DESK_STORED_ERROR;
  if (!inserted)
    stored = merge_message (self, state, m, error);
  if (stored == DESK_STORED_ERROR || !desk_fold_acknowledge (self, m, error))
    return DESK_STORED_ERROR;
  desk_fold_chat_cover (state, m->chat_seq, m->chat_seq);
  if (stored == DESK_STORED_KNOWN)
    {
      self->result->known_messages++;
      return stored;
    }
  if (stored == DESK_STORED_NEW)
    self->result->new_messages++;
  if (concerns_row (state, m))
    {
      count_message (state, m);
      desk_fold_chat_see (state, m, m->chat_seq);
      desk_fold_touch (self, state);
    }
  desk_fold_tell (self, state);
  if (stored == DESK_STORED_NEW && live && m->direction == DESK_DIRECTION_INCOMING)
    g_ptr_array_add (self->notice->change.new_incoming, desk_message_copy (m));
  return stored;
}
