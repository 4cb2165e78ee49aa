/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <string.h>

#include "store/desk-store-private.h"

/* Level 0: no chat_seq, ids that cannot be trusted on the websocket, offsets that shift.
 *
 * Rules: a hint makes a provisional row at (created_at in ms, position). A page is contiguous on the
 * server; its rows are matched with the cached ones by id, else as a multiset on (direction, sender,
 * text, created_at in ms). Absence from a page deletes nothing. What lies below the oldest row of
 * a page is kept as gap_before of that row:
 *   0  the next older cached row is its neighbour (or there is nothing older at all)
 *   1  unknown messages, a page at a larger offset tells
 *   2  the server keeps nothing older and the cached rows below do not touch: lost for good
 * The lowest row of a page that was known before decides: if nothing was missing below it, then
 * nothing is missing below the page. */

/* The server restores level 0 rows of a chat to before chat_seq 1 by this. */
#define LEVEL0_SHIFT (G_GINT64_CONSTANT (1) << 62)

typedef struct
{
  gint64 row;
  gint64 order_key;
  DeskMessage *message;
  gboolean provisional;
  int gap_before;
  gboolean used;
} Cached;

static void
cached_free (gpointer data)
{
  Cached *self = data;

  desk_message_free (self->message);
  g_free (self);
}

/* Cached rows of the chat in a span of time, ascending. */
static GPtrArray *
load_cached (DeskFold *self, DeskFoldChat *state, gint64 from_ms, gint64 to_ms, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (cached_free);
  DeskStep step;
  DeskStmt *s = desk_db_prepare (self->db,
                                 "SELECT " DESK_MESSAGE_COLUMNS " FROM message m WHERE chat=?1"
                                 " AND order_key BETWEEN ?2 AND ?3 ORDER BY order_key",
                                 error);

  if (s == NULL)
    return NULL;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, desk_order_key_level0 (from_ms, 0));
  desk_stmt_bind_int64 (s, 3, desk_order_key_level0 (to_ms, 1023));
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      Cached *cached = g_new0 (Cached, 1);
      DeskMessageRowInfo info;

      desk_message_info_from_stmt (s, &info);
      cached->row = info.row;
      cached->order_key = info.order_key;
      cached->provisional = info.provisional;
      cached->gap_before = info.gap_before;
      cached->message = desk_message_from_stmt (s, state->chat->platform, state->chat->user_id);
      g_ptr_array_add (list, cached);
    }
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

static Cached *
match (GPtrArray *cached, const DeskMessage *m)
{
  for (guint i = 0; i < cached->len && m->id != NULL; i++)
    {
      Cached *c = g_ptr_array_index (cached, i);

      if (!c->used && g_strcmp0 (c->message->id, m->id) == 0)
        return c;
    }
  for (guint i = 0; i < cached->len; i++)
    {
      Cached *c = g_ptr_array_index (cached, i);

      if (!c->used && (c->provisional || c->message->id == NULL || m->id == NULL)
          && desk_message_same_level0 (c->message, m))
        return c;
    }
  return NULL;
}

/* The next free position in the message's millisecond; FALSE if all 1024 are taken. */
static gboolean
free_key (GPtrArray *cached, const DeskMessage *m, gint64 *out)
{
  gint64 key = desk_order_key_level0 (m->created_at_ms, 0);
  gint64 end = key + 1023;

  for (guint i = 0; i < cached->len; i++)
    {
      const Cached *c = g_ptr_array_index (cached, i);

      if (c->order_key >= key && c->order_key <= end)
        key = c->order_key + 1;
    }
  *out = key;
  return key <= end;
}

static gboolean
set_gap (DeskFold *self, Cached *c, int gap, GError **error)
{
  DeskStmt *s;

  if (c->gap_before == gap)
    return TRUE;
  c->gap_before = gap;
  s = desk_db_prepare (self->db, "UPDATE message SET gap_before=?2 WHERE message=?1", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, c->row);
  desk_stmt_bind_int64 (s, 2, gap);
  return desk_stmt_run (s, error);
}

/* A copy that is surely valid for level 0: an id of zeros is none, times are not negative. */
static DeskMessage *
normalize (const DeskMessage *m)
{
  DeskMessage *copy = desk_message_copy (m);

  if (copy->id != NULL && strspn (copy->id, "0") == strlen (copy->id))
    g_clear_pointer (&copy->id, g_free);
  copy->created_at_ms = MAX (copy->created_at_ms, 0);
  copy->chat_seq = 0;
  copy->is_level2 = FALSE;
  return copy;
}

/* A row number that the insert just got. */
static Cached *
add_cached (DeskFold *self, GPtrArray *cached, const DeskMessage *m, gint64 key, gboolean provisional,
            gint64 row)
{
  Cached *c = g_new0 (Cached, 1);

  c->row = row;
  c->order_key = key;
  c->message = desk_message_copy (m);
  c->provisional = provisional;
  c->used = TRUE;
  g_ptr_array_add (cached, c);
  return c;
}

/* Stores one row of a page. *out is its cached row, NULL if the id stands elsewhere; *known tells
 * whether a page had confirmed it before. */
static gboolean
store_row (DeskFold *self,
           DeskFoldChat *state,
           GPtrArray *cached,
           const DeskMessage *m,
           Cached **out,
           gboolean *known,
           GError **error)
{
  Cached *c = match (cached, m);
  gint64 key;
  gboolean inserted;

  *out = c;
  *known = c != NULL && !c->provisional;
  if (c != NULL)
    {
      gboolean same = *known && g_strcmp0 (c->message->id, m->id) == 0
                      && strcmp (c->message->text, m->text) == 0
                      && c->message->attachments->len == m->attachments->len;

      c->used = TRUE;
      c->provisional = FALSE;
      if (same || (*known && m->id == NULL && c->message->id != NULL))
        return TRUE;
      desk_fold_chat_see (state, m, c->order_key);
      return desk_fold_update_message (self, c->row, c->message->text, m, c->order_key, FALSE,
                                       c->gap_before, error);
    }
  if (!free_key (cached, m, &key))
    return TRUE;
  if (!desk_fold_insert_message (self, state, m, key, FALSE, 0, &inserted, error))
    return FALSE;
  if (inserted)
    {
      *out = add_cached (self, cached, m, key, FALSE, desk_db_last_rowid (self->db));
      desk_fold_chat_see (state, m, key);
    }
  return TRUE;
}

static gboolean
query_int64 (DeskFold *self, const char *sql, gint64 chat, gint64 key, gint64 *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (self->db, sql, error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  desk_stmt_bind_int64 (s, 2, key);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return FALSE;
  *out = desk_stmt_column_int64 (s, 0);
  return TRUE;
}

/* Since when a customer waits, and how many gaps a page could close. */
static gboolean
derive (DeskFold *self, DeskFoldChat *state, GError **error)
{
  gint64 answered;

  G_STATIC_ASSERT (DESK_SENDER_MANAGER == 1 && DESK_DIRECTION_INCOMING == 0);
  return query_int64 (self,
                      "SELECT coalesce(max(order_key),?2) FROM message WHERE chat=?1 AND sender=1",
                      state->row, -1, &answered, error)
         && query_int64 (self,
                         "SELECT coalesce(min(created_at_ms),0) FROM message"
                         " WHERE chat=?1 AND order_key>?2 AND direction=0",
                         state->row, answered, &state->chat->waiting_since_ms, error)
         && query_int64 (self, "SELECT count(*) FROM message WHERE chat=?1 AND gap_before=1 AND NOT " DESK_LEVEL0_IS_CUT ("?2"),
                         state->row, state->cut_seq, &state->gaps, error);
}

/* rows: those of the page that are cached, oldest first. */
static gboolean
mark_gaps (DeskFold *self,
           DeskFoldChat *state,
           GPtrArray *rows,
           gboolean bottom_known,
           const Cached *lowest_known,
           gboolean last_page,
           GError **error)
{
  gboolean connected = lowest_known != NULL && lowest_known->gap_before != 1;
  Cached *bottom = g_ptr_array_index (rows, 0);
  gint64 older = 0;
  int gap;

  self->result->overlapped = last_page || connected;
  if (!query_int64 (self, "SELECT EXISTS(SELECT 1 FROM message WHERE chat=?1 AND order_key<?2)",
                    state->row, bottom->order_key, &older, error))
    return FALSE;
  if (connected)
    gap = bottom_known ? bottom->gap_before : 0;
  else if (last_page)
    gap = older ? 2 : 0;
  else
    gap = 1;
  for (guint i = 1; i < rows->len; i++)
    if (!set_gap (self, g_ptr_array_index (rows, i), 0, error))
      return FALSE;
  return set_gap (self, bottom, gap, error);
}

static gboolean
fold_rows (DeskFold *self, DeskFoldChat *state, const DeskOp *op, GPtrArray *page, GError **error)
{
  const DeskMessage *newest = g_ptr_array_index (page, 0);
  const DeskMessage *oldest = g_ptr_array_index (page, page->len - 1);
  g_autoptr (GPtrArray) rows = g_ptr_array_new ();
  g_autoptr (GPtrArray) cached = NULL;
  const Cached *lowest_known = NULL;
  gboolean bottom_known = FALSE;

  cached = load_cached (self, state, MIN (oldest->created_at_ms, newest->created_at_ms),
                        MAX (oldest->created_at_ms, newest->created_at_ms), error);
  if (cached == NULL)
    return FALSE;
  for (guint i = page->len; i > 0; i--)
    {
      Cached *c;
      gboolean known;

      if (!store_row (self, state, cached, g_ptr_array_index (page, i - 1), &c, &known, error))
        return FALSE;
      if (known)
        self->result->known_messages++;
      else
        {
          self->result->new_messages++;
          g_ptr_array_add (self->result->fresh, desk_message_copy (g_ptr_array_index (page, i - 1)));
        }
      if (c == NULL)
        continue;
      if (rows->len == 0)
        bottom_known = known;
      if (known && lowest_known == NULL)
        lowest_known = c;
      g_ptr_array_add (rows, c);
    }
  if (rows->len == 0)
    return TRUE;
  return mark_gaps (self, state, rows, bottom_known, lowest_known, op->reached_end, error);
}

/* The server has no more than offset messages: nothing can fill a gap that lies below as many. */
static gboolean
give_up_gaps (DeskFold *self, DeskFoldChat *state, guint offset, GError **error)
{
  DeskStmt *s = desk_db_prepare (
      self->db,
      "UPDATE message SET gap_before=CASE WHEN EXISTS(SELECT 1 FROM message o WHERE o.chat=?1 AND o.order_key<message.order_key)"
      " THEN 2 ELSE 0 END WHERE chat=?1 AND gap_before=1 AND (SELECT count(*) FROM message n WHERE n.chat=?1"
      " AND n.provisional=0 AND n.order_key>=message.order_key)>=?2",
      error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, offset);
  return desk_stmt_run (s, error);
}

gboolean
desk_fold_page_level0 (DeskFold *self, const DeskOp *op, GError **error)
{
  g_autoptr (GPtrArray) page = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  DeskFoldChat *state = desk_fold_get_chat (self, op->platform, op->user_id, TRUE, error);

  if (state == NULL)
    return FALSE;
  if (state->chat->is_level2)
    return TRUE;
  self->result->overlapped = op->reached_end;
  for (guint i = 0; i < op->messages->len; i++)
    g_ptr_array_add (page, normalize (g_ptr_array_index (op->messages, i)));
  if (page->len > 0 && !fold_rows (self, state, op, page, error))
    return FALSE;
  if (page->len == 0 && op->reached_end && !give_up_gaps (self, state, op->offset, error))
    return FALSE;
  if (op->offset == 0)
    state->in_step = TRUE;
  state->unread_dirty = TRUE;
  desk_fold_touch (self, state);
  return derive (self, state, error);
}

gboolean
desk_fold_hint (DeskFold *self, const DeskMessage *told, GError **error)
{
  g_autoptr (DeskMessage) m = normalize (told);
  g_autoptr (GPtrArray) cached = NULL;
  DeskFoldChat *state = desk_fold_get_chat (self, m->platform, m->user_id, TRUE, error);
  gint64 key;
  gboolean inserted = FALSE;

  if (state == NULL)
    return FALSE;
  if (state->chat->is_level2)
    return TRUE; /* level 2 tells the same message with its chat_seq */
  cached = load_cached (self, state, m->created_at_ms, m->created_at_ms, error);
  if (cached == NULL)
    return FALSE;
  if (match (cached, m) == NULL && free_key (cached, m, &key)
      && !desk_fold_insert_message (self, state, m, key, TRUE, 0, &inserted, error))
    return FALSE;
  if (!inserted)
    {
      self->result->known_messages++;
      return TRUE;
    }
  self->result->new_messages++;
  state->in_step = FALSE;
  desk_fold_chat_see (state, m, key);
  desk_fold_touch (self, state);
  state->unread_dirty = TRUE;
  if (m->direction == DESK_DIRECTION_INCOMING)
    {
      if (state->server_counts)
        state->server_unread++;
      g_ptr_array_add (self->notice->change.new_incoming, desk_message_copy (m));
    }
  return derive (self, state, error);
}

gboolean
desk_fold_leave_level0 (DeskFold *self, DeskFoldChat *state, GError **error)
{
  DeskStmt *s;

  if (state->chat->is_level2)
    return TRUE;
  state->chat->is_level2 = TRUE;
  state->cut_seq = 0; /* was a place in another order */
  state->gaps_dirty = TRUE;
  state->unread_dirty = TRUE;
  if (state->last_key == 0)
    return TRUE;
  state->last_key = 0;
  state->chat->personal.read_chat_seq = 0;
  state->chat->waiting_since_ms = 0;
  /* A hint is no message: the real one comes with its chat_seq. */
  if (!desk_fold_flush_texts (self, error))
    return FALSE;
  s = desk_db_prepare (self->db,
                       "INSERT INTO message_text(message_text,rowid,text) SELECT 'delete',message,text"
                       " FROM message WHERE chat=?1 AND provisional=1 ORDER BY message",
                       error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  if (!desk_stmt_run (s, error))
    return FALSE;
  s = desk_db_prepare (self->db, "DELETE FROM message WHERE chat=?1 AND provisional=1", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  if (!desk_stmt_run (s, error))
    return FALSE;
  s = desk_db_prepare (self->db,
                       "UPDATE message SET order_key=order_key-?2,gap_before=0 WHERE chat=?1"
                       " AND order_key>0",
                       error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, LEVEL0_SHIFT);
  return desk_stmt_run (s, error);
}
