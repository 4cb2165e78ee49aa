/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* Which chat_seq of a chat are known: the algebra of covered intervals. A batch collects them in
 * memory and joins them to the table once, at its end.
 *
 * Invariant of the table: the intervals of a chat are disjoint and never adjacent (there is at least
 * one unknown chat_seq between two). A gap is what lies between first_chat_seq and last_chat_seq and
 * in no interval; below first_chat_seq the server keeps nothing, so nothing is missing there. */

void
desk_fold_chat_cover (DeskFoldChat *self, gint64 first, gint64 last)
{
  DeskInterval *previous;
  DeskInterval interval = { first, last };

  if (first < 1 || last < first)
    return;
  if (self->intervals == NULL)
    self->intervals = g_array_new (FALSE, FALSE, sizeof (DeskInterval));
  if (self->intervals->len > 0)
    { /* pages come in order, upwards or downwards */
      previous = &g_array_index (self->intervals, DeskInterval, self->intervals->len - 1);
      if (first <= previous->last + 1 && last >= previous->first - 1)
        {
          previous->first = MIN (previous->first, first);
          previous->last = MAX (previous->last, last);
          return;
        }
    }
  g_array_append_val (self->intervals, interval);
}

static int
compare_intervals (gconstpointer a, gconstpointer b)
{
  gint64 x = ((const DeskInterval *) a)->first, y = ((const DeskInterval *) b)->first;

  return (x > y) - (x < y);
}

/* Joins one interval to the table. */
static gboolean
add_interval (DeskFold *self, DeskFoldChat *state, DeskInterval new, GError **error)
{
  DeskInterval whole = new;
  guint found = 0;
  DeskStep step;
  DeskStmt *s = desk_db_prepare (self->db,
                                 "SELECT first,last FROM covered WHERE chat=?1 AND first<=?2+1"
                                 " ORDER BY first DESC",
                                 error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, new.last);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      DeskInterval old = { desk_stmt_column_int64 (s, 0), desk_stmt_column_int64 (s, 1) };

      if (old.last < new.first - 1)
        break; /* they are disjoint: so are all before it */
      found++;
      if (old.first <= new.first && old.last >= new.last)
        {
          desk_stmt_reset (s);
          return TRUE; /* nothing new */
        }
      whole.first = MIN (whole.first, old.first);
      whole.last = MAX (whole.last, old.last);
    }
  if (step == DESK_STEP_ERROR)
    return FALSE;
  desk_stmt_reset (s);
  state->gaps_dirty = TRUE;
  if (found > 0)
    {
      s = desk_db_prepare (self->db, "DELETE FROM covered WHERE chat=?1 AND first>=?2 AND last<=?3",
                           error);
      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, state->row);
      desk_stmt_bind_int64 (s, 2, whole.first);
      desk_stmt_bind_int64 (s, 3, whole.last);
      if (!desk_stmt_run (s, error))
        return FALSE;
    }
  s = desk_db_prepare (self->db, "INSERT INTO covered(chat,first,last) VALUES(?1,?2,?3)", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, whole.first);
  desk_stmt_bind_int64 (s, 3, whole.last);
  return desk_stmt_run (s, error);
}

GArray *
desk_ranges_load (DeskDb *db, gint64 chat, GError **error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (DeskInterval));
  DeskStep step;
  DeskStmt *s = desk_db_prepare (
      db, "SELECT first,last FROM covered WHERE chat=?1 ORDER BY first", error);

  if (s == NULL)
    return NULL;
  desk_stmt_bind_int64 (s, 1, chat);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    {
      DeskInterval i = { desk_stmt_column_int64 (s, 0), desk_stmt_column_int64 (s, 1) };

      g_array_append_val (list, i);
    }
  return step == DESK_STEP_ERROR ? NULL : g_steal_pointer (&list);
}

GArray *
desk_ranges_uncovered (GArray *covered, gint64 from, gint64 to)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (DeskInterval));
  gint64 next = MAX (from, 1);

  for (guint i = 0; i < covered->len && next <= to; i++)
    {
      const DeskInterval *c = &g_array_index (covered, DeskInterval, i);
      DeskInterval hole = { next, MIN (c->first - 1, to) };

      if (hole.first <= hole.last)
        g_array_append_val (list, hole);
      next = MAX (next, c->last + 1);
    }
  if (next <= to)
    {
      DeskInterval hole = { next, to };

      g_array_append_val (list, hole);
    }
  return list;
}

static gboolean
count_gaps (DeskFold *self, DeskFoldChat *state, GError **error)
{
  g_autoptr (GArray) covered = NULL;
  g_autoptr (GArray) holes = NULL;

  if (!state->chat->is_level2)
    return TRUE; /* counted where pages are folded */
  covered = desk_ranges_load (self->db, state->row, error);
  if (covered == NULL)
    return FALSE;
  holes = desk_ranges_uncovered (covered, MAX (state->chat->first_chat_seq, state->cut_seq),
                                 state->chat->last_chat_seq);
  state->gaps = holes->len;
  return TRUE;
}

gboolean
desk_fold_flush_ranges (DeskFold *self, DeskFoldChat *state, GError **error)
{
  if (state->intervals != NULL)
    {
      g_array_sort (state->intervals, compare_intervals);
      for (guint i = 0; i < state->intervals->len;)
        {
          DeskInterval joined = g_array_index (state->intervals, DeskInterval, i);

          for (i++; i < state->intervals->len; i++)
            {
              const DeskInterval *next = &g_array_index (state->intervals, DeskInterval, i);

              if (next->first > joined.last + 1)
                break;
              joined.last = MAX (joined.last, next->last);
            }
          if (!add_interval (self, state, joined, error))
            return FALSE;
        }
      g_clear_pointer (&state->intervals, g_array_unref);
    }
  if (!state->gaps_dirty)
    return TRUE;
  state->gaps_dirty = FALSE;
  return count_gaps (self, state, error);
}

gboolean
desk_fold_uncover (DeskFold *self, GError **error)
{
  static const char *const statements[] = {
    "DELETE FROM covered",
    "UPDATE chat SET gaps=1 WHERE is_level2=1 AND last_chat_seq>=max(first_chat_seq,1)",
  };

  g_return_val_if_fail (g_hash_table_size (self->chats) == 0, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      DeskStmt *s = desk_db_prepare (self->db, statements[i], error);

      if (s == NULL || !desk_stmt_run (s, error))
        return FALSE;
    }
  return TRUE;
}
