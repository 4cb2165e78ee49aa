/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-private.h"

/* Folds a batch into the tables. Runs on the writer's thread inside a transaction; whoever opened it
 * rolls back on error. Chats are kept in memory and written at the end together with the full-text
 * changes, so a batch of a thousand messages writes each chat once.
 *
 * Applying a batch again changes nothing: that is what makes replay after a crash safe. */

static void
text_change_clear (gpointer data)
{
  DeskTextChange *change = data;

  g_free (change->old_text);
  g_free (change->new_text);
}

DeskFold *
desk_fold_new (DeskDb *db, DeskClock *clock)
{
  DeskFold *self = g_new0 (DeskFold, 1);

  self->db = db;
  self->clock = clock;
  self->result = desk_batch_result_new ();
  self->notice = desk_notice_new ();
  self->chats
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) desk_fold_chat_free);
  self->texts = g_array_new (FALSE, FALSE, sizeof (DeskTextChange));
  g_array_set_clear_func (self->texts, text_change_clear);
  return self;
}

void
desk_fold_free (DeskFold *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->result, desk_batch_result_free);
  g_clear_pointer (&self->notice, desk_notice_unref);
  g_hash_table_unref (self->chats);
  g_array_unref (self->texts);
  g_free (self);
}

static gboolean
fold_setting (DeskFold *self, const char *key, const char *value, GError **error)
{
  DeskStmt *s;

  s = value != NULL
          ? desk_db_prepare (self->db, "INSERT OR REPLACE INTO setting(key,value) VALUES(?1,?2)",
                             error)
          : desk_db_prepare (self->db, "DELETE FROM setting WHERE key=?1", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_text (s, 1, key);
  if (value != NULL)
    desk_stmt_bind_text (s, 2, value);
  self->notice->change.settings = TRUE;
  return desk_stmt_run (s, error);
}

static gboolean
fold_trimmed (DeskFold *self, const DeskEvent *event, GError **error)
{
  DeskFoldChat *state
      = desk_fold_get_chat (self, event->platform, event->user_id, TRUE, error);

  if (state == NULL || !desk_fold_leave_level0 (self, state, error))
    return FALSE;
  state->chat->first_chat_seq = MAX (state->chat->first_chat_seq, event->first_chat_seq);
  state->gaps_dirty = TRUE;
  desk_fold_touch (self, state);
  return TRUE;
}

static gboolean
fold_erased (DeskFold *self, const DeskEvent *event, GError **error)
{
  g_autoptr (GError) local = NULL;
  DeskFoldChat *state
      = desk_fold_get_chat (self, event->platform, event->user_id, FALSE, &local);

  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return state == NULL || desk_fold_erase_chat (self, state, error);
}

static gboolean
fold_event (DeskFold *self, const DeskEvent *event, const char *me, GError **error)
{
  switch (event->type)
    {
    case DESK_EVENT_NEW_MESSAGE:
      return event->message == NULL
             || desk_fold_message (self, event->message, TRUE, error) != DESK_STORED_ERROR;
    case DESK_EVENT_MESSAGE_STATUS:
    case DESK_EVENT_MESSAGE_UPDATED:
    case DESK_EVENT_MESSAGE_DELETED:
      return event->message == NULL
             || desk_fold_message (self, event->message, FALSE, error) != DESK_STORED_ERROR;
    case DESK_EVENT_CHAT_UPDATED:
      return event->chat == NULL || desk_fold_chat (self, event->chat, error);
    case DESK_EVENT_CHAT_TRIMMED:
      return fold_trimmed (self, event, error);
    case DESK_EVENT_CHAT_ERASED:
      return fold_erased (self, event, error);
    case DESK_EVENT_READ:
      return desk_fold_read_event (self, event, me, error);
    case DESK_EVENT_CHAT_MUTED:
      return desk_fold_muted_event (self, event, me, error);
    case DESK_EVENT_PROFILE_UPDATED:
      return event->profile == NULL
             || desk_fold_profile (self, event->profile, desk_clock_now_ms (self->clock), error);
    case DESK_EVENT_CANNED_UPDATED: /* fetched anew by who cares, kept as a setting */
    case DESK_EVENT_NOTIFICATION:
    case DESK_EVENT_HIDDEN:
    case DESK_EVENT_UNKNOWN:
    case DESK_EVENT_HELLO:
    case DESK_EVENT_TYPING:
    case DESK_EVENT_PRESENCE:
    case DESK_EVENT_HEAD:
    case DESK_EVENT_READ_RECEIPT:
      return TRUE;
    }
  return TRUE;
}

static gboolean
fold_messages (DeskFold *self, GPtrArray *messages, DeskInterval *span, GError **error)
{
  /* From the end: pages come newest first, and rows are appended best in ascending order. */
  for (guint i = messages->len; i > 0; i--)
    {
      const DeskMessage *m = g_ptr_array_index (messages, i - 1);
      DeskStored stored = desk_fold_message (self, m, FALSE, error);

      if (stored == DESK_STORED_ERROR)
        return FALSE;
      if (stored != DESK_STORED_NEW)
        self->result->overlapped = TRUE;
      if (m->chat_seq > 0)
        {
          span->first = span->first == 0 ? m->chat_seq : MIN (span->first, m->chat_seq);
          span->last = MAX (span->last, m->chat_seq);
        }
    }
  return TRUE;
}

/* A page without rows that reached the start says that nothing is left below what is cached. */
static gboolean
span_of_empty_page (DeskFold *self, DeskFoldChat *state, gboolean both, DeskInterval *span, GError **error)
{
  g_autoptr (GArray) covered = NULL;

  if (both)
    {
      span->last = state->chat->last_chat_seq;
      return TRUE;
    }
  if (!desk_fold_flush_ranges (self, state, error))
    return FALSE;
  covered = desk_ranges_load (self->db, state->row, error);
  if (covered == NULL)
    return FALSE;
  if (covered->len > 0)
    span->last = g_array_index (covered, DeskInterval, 0).first - 1;
  return TRUE;
}

static gboolean
fold_page (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskInterval span = { 0, 0 };
  DeskFoldChat *state = desk_fold_get_chat (self, op->platform, op->user_id, TRUE, error);

  if (state == NULL || !desk_fold_leave_level0 (self, state, error))
    return FALSE;
  self->result->overlapped = op->reached_start;
  if (!fold_messages (self, op->messages, &span, error))
    return FALSE;
  if (span.last == 0 && op->reached_start
      && !span_of_empty_page (self, state, op->reached_end, &span, error))
    return FALSE;
  if (op->reached_start)
    span.first = 1;
  if (op->reached_end && span.last > 0)
    span.last = MAX (span.last, state->chat->last_chat_seq);
  desk_fold_chat_cover (state, span.first, span.last);
  state->gaps_dirty = TRUE;
  desk_fold_touch (self, state);
  return TRUE;
}

static gboolean
fold_cover (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskFoldChat *state = desk_fold_get_chat (self, op->platform, op->user_id, TRUE, error);

  if (state == NULL || !desk_fold_leave_level0 (self, state, error))
    return FALSE;
  desk_fold_chat_cover (state, op->first, op->last);
  state->gaps_dirty = TRUE;
  desk_fold_touch (self, state);
  return TRUE;
}

static gboolean
fold_op (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskInterval span = { 0, 0 };

  switch (op->type)
    {
    case DESK_OP_EVENT:
      return fold_event (self, op->event, op->a, error);
    case DESK_OP_CHAT:
      return desk_fold_chat (self, op->chat, error);
    case DESK_OP_PAGE:
      return fold_page (self, op, error);
    case DESK_OP_COVER:
      return fold_cover (self, op, error);
    case DESK_OP_MESSAGES:
      return fold_messages (self, op->messages, &span, error);
    case DESK_OP_PAGE_LEVEL0:
      return desk_fold_page_level0 (self, op, error);
    case DESK_OP_HINT:
      return desk_fold_hint (self, op->message, error);
    case DESK_OP_UNCOVER:
      return desk_fold_uncover (self, error);
    case DESK_OP_CURSOR:
      return fold_setting (self, "cursor", op->b, error);
    case DESK_OP_SETTING:
      return fold_setting (self, op->a, op->b, error);
    case DESK_OP_OUTBOX_ADD:
      return desk_fold_outbox_add (self, op, error);
    case DESK_OP_OUTBOX_STATE:
      return desk_fold_outbox_state (self, op, error);
    case DESK_OP_OUTBOX_ATTEMPT:
      return desk_fold_outbox_attempt (self, op->local_id, error);
    case DESK_OP_OUTBOX_DONE:
      return desk_fold_outbox_done (self, op, error);
    case DESK_OP_OUTBOX_RETRY:
      return desk_fold_outbox_retry (self, op, error);
    case DESK_OP_OUTBOX_DISCARD:
      return desk_fold_outbox_discard (self, op->local_id, error);
    case DESK_OP_DRAFT:
      return desk_fold_draft (self, op->draft, error);
    case DESK_OP_FILE_ADD:
      return desk_fold_file_add (self, op, error);
    case DESK_OP_FILE_USED:
      return desk_fold_file_used (self, op->b, error);
    case DESK_OP_FILE_GONE:
      return desk_fold_file_gone (self, op->a, error);
    case DESK_OP_OUTBOX_REBASE:
      return desk_fold_outbox_rebase (self, op, error);
    case DESK_OP_OUTBOX_DETAILS:
      return desk_fold_outbox_details (self, op, error);
    case DESK_OP_OUTBOX_EDIT:
      return desk_fold_outbox_edit (self, op->local_id, op->a, op->use, error);
    case DESK_OP_OUTBOX_WITHDRAW:
      return desk_fold_outbox_withdraw (self, op->local_id, error);
    case DESK_OP_CANNED:
      return desk_fold_canned (self, op->values, error);
    case DESK_OP_MANAGERS:
      return desk_fold_managers (self, op->values, error);
    case DESK_OP_PROFILE:
      return desk_fold_profile (self, op->profile, op->first, error);
    case DESK_OP_TRIM:
      return desk_fold_trim (self, op, error);
    }
  g_return_val_if_reached (FALSE);
}

static gboolean
flush_chats (DeskFold *self, GError **error)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->chats);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      DeskFoldChat *state = value;

      if ((state->dirty || state->intervals != NULL || state->gaps_dirty)
          && !desk_fold_flush_chat (self, state, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
desk_fold_apply (DeskFold *self, const DeskBatch *batch, GError **error)
{
  gint64 entries = 0;

  if (!desk_db_query_int64 (self->db, "SELECT EXISTS(SELECT 1 FROM outbox)", &entries, error))
    return FALSE;
  self->has_outbox = entries != 0;
  for (guint i = 0; i < batch->ops->len; i++)
    if (!fold_op (self, g_ptr_array_index (batch->ops, i), error))
      return FALSE;
  return desk_fold_flush_texts (self, error) && flush_chats (self, error);
}
