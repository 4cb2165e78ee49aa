/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* Read markers, unread counts, and since when a customer waits.
 *
 * Markers merge with max() and never go back. The unread flag is the last one told, except while an
 * intent of this manager waits in the outbox (then the local one stands) and except from an event
 * whose marker is below the cached one: that was written before the flag was cleared. At level 2 an
 * intent that is being sent does not count as waiting: the server may have had it before it wrote
 * the event, and would not tell again; if it had it after, its own event follows. */

gboolean
desk_fold_has_marker_intent (DeskFold *self, DeskFoldChat *state, int *out, GError **error)
{
  g_autoptr (DeskStmt) s = NULL;

  *out = 0;
  if (!self->has_outbox)
    return TRUE;
  s = desk_db_prepare (self->db,
                       "SELECT coalesce((SELECT intent FROM outbox WHERE chat=?1 AND intent IN (1,2)"
                       " AND (state=0 OR ?2=0) ORDER BY local_id DESC LIMIT 1),0)",
                       error);
  G_STATIC_ASSERT (DESK_INTENT_READ == 1 && DESK_INTENT_UNREAD == 2 && DESK_OUTBOX_QUEUED == 0);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, state->chat->is_level2);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return FALSE;
  *out = (int) desk_stmt_column_int64 (s, 0);
  return TRUE;
}

void
desk_fold_personal (DeskFoldChat *state, const DeskChat *told, int own_intent)
{
  DeskChatPersonal *mine = &state->chat->personal;

  if (own_intent != 0)
    mine->marked_unread = own_intent == DESK_INTENT_UNREAD;
  else if (told->personal.read_chat_seq >= mine->read_chat_seq)
    mine->marked_unread = told->personal.marked_unread;
  mine->read_chat_seq = MAX (mine->read_chat_seq, told->personal.read_chat_seq);
  mine->read_in_seq = MAX (mine->read_in_seq, told->personal.read_in_seq);
  mine->muted = told->personal.muted;
  state->unread_dirty = TRUE;
}

gboolean
desk_fold_read_event (DeskFold *self, const DeskEvent *event, const char *me, GError **error)
{
  DeskFoldChat *state;
  DeskChatPersonal *mine;
  int own_intent;

  if (me == NULL || g_strcmp0 (event->username, me) != 0)
    return TRUE; /* a colleague's marker changes nothing here */
  state = desk_fold_get_chat (self, event->platform, event->user_id, TRUE, error);
  if (state == NULL || !desk_fold_has_marker_intent (self, state, &own_intent, error))
    return FALSE;
  mine = &state->chat->personal;
  if (own_intent != 0)
    mine->marked_unread = own_intent == DESK_INTENT_UNREAD;
  else if (event->up_to_chat_seq >= mine->read_chat_seq)
    mine->marked_unread = event->marked_unread;
  mine->read_chat_seq = MAX (mine->read_chat_seq, event->up_to_chat_seq);
  mine->read_in_seq = MAX (mine->read_in_seq, event->up_to_in_seq);
  state->unread_dirty = TRUE;
  desk_fold_touch (self, state);
  return TRUE;
}

/* On another device of this manager's, or by a PATCH of ours whose answer was lost. */
gboolean
desk_fold_muted_event (DeskFold *self, const DeskEvent *event, const char *me, GError **error)
{
  DeskFoldChat *state;

  if (me == NULL || g_strcmp0 (event->username, me) != 0)
    return TRUE;
  state = desk_fold_get_chat (self, event->platform, event->user_id, TRUE, error);
  if (state == NULL)
    return FALSE;
  state->chat->personal.muted = event->muted;
  desk_fold_touch (self, state);
  return TRUE;
}

/* The newest in_seq at or before a place. */
static gboolean
find_in_seq (DeskFold *self, gint64 chat, gint64 up_to, gint64 *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (self->db,
                                            "SELECT in_seq FROM message WHERE chat=?1"
                                            " AND order_key<=?2 AND in_seq>0"
                                            " ORDER BY order_key DESC LIMIT 1",
                                            error);
  DeskStep step;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  desk_stmt_bind_int64 (s, 2, up_to);
  step = desk_stmt_step (s, error);
  *out = step == DESK_STEP_ROW ? desk_stmt_column_int64 (s, 0) : 0;
  return step != DESK_STEP_ERROR;
}

gboolean
desk_fold_local_read (DeskFold *self, DeskFoldChat *state, gint64 up_to, GError **error)
{
  DeskChatPersonal *mine = &state->chat->personal;
  gint64 in_seq = state->chat->last_in_seq;

  if (state->chat->is_level2 && up_to < state->chat->last_chat_seq
      && !find_in_seq (self, state->row, up_to, &in_seq, error))
    return FALSE;
  if (state->chat->is_level2)
    up_to = MIN (up_to, state->chat->last_chat_seq); /* as the server clamps it */
  mine->read_chat_seq = MAX (mine->read_chat_seq, up_to);
  mine->read_in_seq = MAX (mine->read_in_seq, in_seq);
  mine->marked_unread = FALSE;
  if (mine->read_chat_seq >= state->last_key)
    state->server_unread = 0;
  state->unread_dirty = TRUE;
  desk_fold_touch (self, state);
  return TRUE;
}

/* Level 0: the server's count where it ever told one, else what came after the last read message. */
static gboolean
count_level0 (DeskFold *self, DeskFoldChat *state, GError **error)
{
  g_autoptr (DeskStmt) s = NULL;
  gint64 count;
  int waiting_read;

  if (!desk_fold_has_marker_intent (self, state, &waiting_read, error))
    return FALSE;
  if (state->server_counts && !waiting_read)
    count = state->server_unread;
  else
    {
      s = desk_db_prepare (self->db,
                           "SELECT count(*) FROM message WHERE chat=?1 AND order_key>?2 AND direction=0",
                           error);
      G_STATIC_ASSERT (DESK_DIRECTION_INCOMING == 0);
      if (s == NULL)
        return FALSE;
      desk_stmt_bind_int64 (s, 1, state->row);
      desk_stmt_bind_int64 (s, 2, state->chat->personal.read_chat_seq);
      if (desk_stmt_step (s, error) != DESK_STEP_ROW)
        return FALSE;
      count = desk_stmt_column_int64 (s, 0);
    }
  state->unread = count > 0 ? count : state->chat->personal.marked_unread ? 1 : 0;
  return TRUE;
}

gboolean
desk_fold_count_unread (DeskFold *self, DeskFoldChat *state, GError **error)
{
  if (!state->unread_dirty)
    return TRUE;
  state->unread_dirty = FALSE;
  if (!state->chat->is_level2)
    return count_level0 (self, state, error);
  state->unread
      = desk_chat_unread_count (state->chat->last_in_seq, state->chat->personal.read_in_seq,
                                state->chat->personal.marked_unread);
  return TRUE;
}

/* What is told holds for the time of told->last_chat_seq; what is cached after it goes on from there. Ignoring an
 * older one instead would lose it: nobody tells the same again. */
gboolean
desk_fold_waiting (DeskFold *self, DeskFoldChat *state, const DeskChat *told, GError **error)
{
  DeskChat *chat = state->chat;
  g_autoptr (DeskStmt) s = NULL;
  DeskStep step;

  G_STATIC_ASSERT (DESK_DIRECTION_INCOMING == 0 && DESK_SENDER_MANAGER == 1);
  if (told->last_chat_seq >= chat->last_chat_seq)
    {
      chat->waiting_since_ms = told->waiting_since_ms;
      chat->window_expires_at_ms = told->window_expires_at_ms;
      return TRUE;
    }
  chat->waiting_since_ms = told->waiting_since_ms;
  chat->window_expires_at_ms = MAX (chat->window_expires_at_ms, told->window_expires_at_ms);
  s = desk_db_prepare (self->db,
                       "SELECT direction,created_at_ms FROM message WHERE chat=?1 AND order_key>?2"
                       " AND (direction=0 OR (sender=1 AND is_private=0)) ORDER BY order_key",
                       error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_int64 (s, 2, told->last_chat_seq);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    if (desk_stmt_column_int64 (s, 0) != DESK_DIRECTION_INCOMING)
      chat->waiting_since_ms = 0;
    else if (chat->waiting_since_ms == 0)
      chat->waiting_since_ms = desk_stmt_column_int64 (s, 1);
  return step != DESK_STEP_ERROR;
}
