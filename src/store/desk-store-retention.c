/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* Retention: the manager's wish to keep less history on this machine. Rows of message are in the order of their time, so
 * the oldest of all chats are found without an index.
 *
 * Invariants: what is unread, quoted by the outbox or a draft, or among the newest KEEP of its chat stays. A
 * dropped message leaves no covered range behind, and cut_seq of its chat stands after it: the place before which
 * nothing is fetched without being asked for. Drafts and the outbox are never touched. */

#define KEEP 50
#define ROWS_PER_MS 1024 /* see schema/001.sql: row = created_at in ms × 1024 + n */

typedef struct
{
  gint64 row;
  gint64 chat;
  gint64 order_key;
  char *text;
} Old;

static void
old_clear (gpointer data)
{
  g_free (((Old *) data)->text);
}

static gint64
end_row (gint64 before_ms)
{
  if (before_ms <= 0)
    return 0;
  return before_ms > G_MAXINT64 / ROWS_PER_MS ? G_MAXINT64 : before_ms * ROWS_PER_MS;
}

/* Up to limit rows; sets where to go on. */
static GArray *
load_old (DeskFold *self, const DeskOp *op, gint64 *next, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (Old));
  DeskStep step;
  DeskStmt *s = desk_db_prepare (self->db,
                                 "SELECT m.message,m.chat,m.order_key,m.text FROM message m"
                                 " WHERE m.message>=?1 AND m.message<?2 ORDER BY m.message LIMIT ?3",
                                 error);

  g_array_set_clear_func (list, old_clear);
  *next = 0;
  if (s == NULL)
    return NULL;
  desk_stmt_bind_int64 (s, 1, op->first);
  desk_stmt_bind_int64 (s, 2, end_row (op->last));
  desk_stmt_bind_int64 (s, 3, op->offset);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      Old old = { desk_stmt_column_int64 (s, 0), desk_stmt_column_int64 (s, 1), desk_stmt_column_int64 (s, 2),
                  g_strdup (desk_stmt_column_text (s, 3)) };

      g_array_append_val (list, old);
      *next = old.row + 1;
    }
  if (list->len < op->offset)
    *next = 0; /* the last of them */
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

/* The places of a chat before this one may go: neither unread nor among the newest. */
static gboolean
find_limit (DeskFold *self, DeskFoldChat *state, gint64 *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      self->db, "SELECT order_key FROM message WHERE chat=?1 ORDER BY order_key DESC LIMIT 1 OFFSET ?2", error);
  DeskStep step;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, KEEP - 1);
  step = desk_stmt_step (s, error);
  if (step == DESK_STEP_ERROR)
    return FALSE;
  *out = step == DESK_STEP_ROW ? desk_stmt_column_int64 (s, 0) : G_MININT64;
  if (state->unread > 0)
    *out = MIN (*out, state->chat->personal.read_chat_seq + 1);
  return TRUE;
}

/* A quote, or the message that an intent changes. */
static gboolean
is_needed (DeskFold *self, gint64 row, gboolean *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      self->db,
      "SELECT EXISTS(SELECT 1 FROM outbox o WHERE m.id IN (o.reply_to,o.message_id))"
      " OR EXISTS(SELECT 1 FROM draft d WHERE d.reply_to=m.id) FROM message m WHERE m.message=?1 AND m.id IS NOT NULL",
      error);
  DeskStep step;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, row);
  step = desk_stmt_step (s, error);
  *out = step == DESK_STEP_ROW && desk_stmt_column_int64 (s, 0) != 0;
  return step != DESK_STEP_ERROR;
}

static gboolean
drop_row (DeskFold *self, Old *old, GError **error)
{
  DeskStmt *s;

  desk_fold_text (self, old->row, old->text, NULL);
  s = desk_db_prepare (self->db, "DELETE FROM message WHERE message=?1", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, old->row);
  return desk_stmt_run (s, error);
}

/* Level 2: nothing up to cut_seq counts as known any more. What still stands there is simply seen again if it is fetched. */
static gboolean
uncover_below (DeskFold *self, DeskFoldChat *state, GError **error)
{
  static const char *const statements[] = {
    "INSERT OR IGNORE INTO covered(chat,first,last)"
    " SELECT chat,?2,last FROM covered WHERE chat=?1 AND first<?2 AND last>=?2",
    "DELETE FROM covered WHERE chat=?1 AND first<?2",
  };

  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      DeskStmt *s = desk_db_prepare (self->db, statements[i], error);

      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, state->row);
      desk_stmt_bind_int64 (s, 2, state->cut_seq);
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  state->gaps_dirty = TRUE;
  return TRUE;
}

/* Level 0: the first message that is left has unknown ones before it. */
static gboolean
mark_gap (DeskFold *self, DeskFoldChat *state, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db,
                                 "UPDATE message SET gap_before=1 WHERE message=(SELECT message FROM message"
                                 " WHERE chat=?1 AND order_key>=?2 ORDER BY order_key LIMIT 1)",
                                 error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, state->cut_seq);
  return desk_stmt_run (s, error);
}

static gboolean
close_chats (DeskFold *self, GHashTable *cut, GError **error)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, cut);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    {
      DeskFoldChat *state = value;

      if (!(state->chat->is_level2 ? uncover_below (self, state, error) : mark_gap (self, state, error)))
        return FALSE;
      desk_fold_touch (self, state);
    }
  return TRUE;
}

gboolean
desk_fold_trim (DeskFold *self, const DeskOp *op, GError **error)
{
  gint64 next;
  g_autoptr (GArray) list = load_old (self, op, &next, error);
  g_autoptr (GHashTable) limits = g_hash_table_new_full (NULL, NULL, NULL, g_free); /* DeskFoldChat → gint64 */
  g_autoptr (GHashTable) cut = g_hash_table_new (NULL, NULL);

  if (list == NULL)
    return FALSE;
  for (guint i = 0; i < list->len; i++)
    {
      Old *old = &g_array_index (list, Old, i);
      DeskFoldChat *state = desk_fold_get_chat_by_row (self, old->chat, error);
      gint64 *limit;
      gboolean needed;

      if (state == NULL)
        return FALSE;
      limit = g_hash_table_lookup (limits, state);
      if (limit == NULL)
        {
          limit = g_new (gint64, 1);
          g_hash_table_insert (limits, state, limit);
          if (!find_limit (self, state, limit, error))
            return FALSE;
        }
      if (old->order_key >= *limit)
        continue;
      if (!is_needed (self, old->row, &needed, error))
        return FALSE;
      if (needed)
        continue;
      if (!drop_row (self, old, error))
        return FALSE;
      state->cut_seq = MAX (state->cut_seq, old->order_key + 1);
      g_hash_table_add (cut, state);
      self->result->trimmed++;
    }
  self->result->trim_next = next;
  return close_chats (self, cut, error);
}
