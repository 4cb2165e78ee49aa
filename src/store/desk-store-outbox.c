/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "common/desk-random.h"
#include "common/desk-uuid.h"
#include "store/desk-store-private.h"

/* The outbox and the drafts: what this manager wants and the server does not know yet.
 *
 * Invariants: an entry leaves only by acknowledgement (or the message itself being seen), by the
 * manager's discard, or with its erased chat. Every SEND has a client_message_id, unique in the
 * table. A chat has at most one waiting READ and one waiting UNREAD. */

static gboolean
not_found (gint64 local_id, GError **error)
{
  g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND,
               "There is no outbox entry %" G_GINT64_FORMAT, local_id);
  return FALSE;
}

/* Chat and state of an entry; FALSE with NOT_FOUND if there is none. */
static gboolean
find_entry (DeskFold *self, gint64 local_id, gint64 *chat, DeskOutboxState *state, GError **error)
{
  g_autoptr (DeskStmt) s
      = desk_db_prepare (self->db, "SELECT chat,state FROM outbox WHERE local_id=?1", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, local_id);
  switch (desk_stmt_step (s, error))
    {
    case DESK_STEP_ERROR:
      return FALSE;
    case DESK_STEP_DONE:
      return not_found (local_id, error);
    case DESK_STEP_ROW:
      *chat = desk_stmt_column_int64 (s, 0);
      *state = desk_stmt_column_int64 (s, 1);
    }
  return TRUE;
}

/* The entry's chat will be counted and told anew. */
static gboolean
touch_row (DeskFold *self, gint64 chat, GError **error)
{
  DeskFoldChat *state = desk_fold_get_chat_by_row (self, chat, error);

  if (state == NULL)
    return FALSE;
  state->counts_dirty = TRUE;
  state->unread_dirty = TRUE;
  self->notice->change.outbox = TRUE;
  desk_fold_touch (self, state);
  return TRUE;
}

gboolean
desk_fold_outbox_delete (DeskFold *self, gint64 local_id, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db, "DELETE FROM outbox WHERE local_id=?1", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, local_id);
  return desk_stmt_run (s, error);
}

/* A marker intent takes the place of the waiting ones: READ of READ and UNREAD, UNREAD of UNREAD. */
static gboolean
replace_markers (DeskFold *self, gint64 chat, DeskIntent intent, gint64 *up_to, GError **error)
{
  DeskStep step;
  DeskStmt *s = desk_db_prepare (self->db,
                                 "DELETE FROM outbox WHERE chat=?1 AND state=0 AND intent IN (?2,2)"
                                 " RETURNING intent,up_to_chat_seq",
                                 error);

  G_STATIC_ASSERT (DESK_OUTBOX_QUEUED == 0 && DESK_INTENT_UNREAD == 2);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  desk_stmt_bind_int64 (s, 2, intent);
  while ((step = desk_stmt_step (s, error)) == DESK_STEP_ROW)
    if (desk_stmt_column_int64 (s, 0) == DESK_INTENT_READ)
      *up_to = MAX (*up_to, desk_stmt_column_int64 (s, 1));
  return step != DESK_STEP_ERROR;
}

static gboolean
find_newest_seq (DeskFold *self, gint64 chat, gint64 *out, GError **error)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (
      self->db,
      "SELECT coalesce(max(order_key),-1) FROM message WHERE chat=?1 AND order_key>0", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return FALSE;
  *out = desk_stmt_column_int64 (s, 0);
  return TRUE;
}

static void
bind_packed (DeskStmt *s, int index, GBytes *bytes)
{
  if (bytes != NULL)
    desk_stmt_bind_blob (s, index, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  else
    desk_stmt_bind_null (s, index);
}

static void
bind_changes (DeskStmt *s, const DeskOutboxEntry *e)
{
  g_autoptr (GBytes) change = e->change    ? desk_chat_change_pack (e->change)
                              : e->profile ? desk_profile_change_pack (e->profile)
                                           : NULL;
  g_autoptr (GBytes) seen = e->seen ? desk_chat_change_pack (e->seen) : NULL;
  g_autoptr (GBytes) use = e->template_use ? desk_template_use_pack (e->template_use) : NULL;

  desk_stmt_bind_text (s, 17, e->message_id);
  desk_stmt_bind_int64 (s, 18, e->base_rev);
  bind_packed (s, 19, change);
  bind_packed (s, 20, seen);
  desk_stmt_bind_text (s, 21, e->seen_text);
  bind_packed (s, 22, use);
  desk_stmt_bind_text (s, 23, e->details);
  desk_stmt_bind_int64 (s, 24, e->edited != FALSE);
}

static gboolean
insert_entry (DeskFold *self, gint64 chat, const DeskOutboxEntry *e, GError **error)
{
  gint64 local_id;
  DeskStmt *s = desk_db_prepare (
      self->db,
      "INSERT INTO outbox(local_id,chat,intent,client_message_id,text,reply_to,is_private,seen_seq,"
      "force,up_to_chat_seq,state,attempts,created_at_ms,attempted_at_ms,error_code,error,message_id,base_rev,change,"
      "seen,seen_text,template,details,edited)"
      " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)",
      error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_null (s, 1);
  desk_stmt_bind_int64 (s, 2, chat);
  desk_stmt_bind_int64 (s, 3, e->intent);
  desk_stmt_bind_text (s, 4, e->client_message_id);
  desk_stmt_bind_text (s, 5, e->text ? e->text : "");
  desk_stmt_bind_text (s, 6, e->reply_to);
  desk_stmt_bind_int64 (s, 7, e->is_private != FALSE);
  desk_stmt_bind_int64 (s, 8, e->seen_seq);
  desk_stmt_bind_int64 (s, 9, e->force != FALSE);
  desk_stmt_bind_int64 (s, 10, e->up_to_chat_seq);
  desk_stmt_bind_int64 (s, 11, e->state);
  desk_stmt_bind_int64 (s, 12, e->attempts);
  desk_stmt_bind_int64 (s, 13, e->created_at_ms);
  desk_stmt_bind_int64 (s, 14, e->attempted_at_ms);
  desk_stmt_bind_text (s, 15, e->error_code);
  desk_stmt_bind_text (s, 16, e->error);
  bind_changes (s, e);
  if (!desk_stmt_run (s, error))
    return FALSE;
  local_id = desk_db_last_rowid (self->db);
  g_array_append_val (self->result->added_local_ids, local_id);
  self->has_outbox = TRUE;
  return desk_fold_entry_files (self, local_id, e->files, error);
}

static gboolean
remove_draft (DeskFold *self, gint64 chat, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db, "DELETE FROM draft WHERE chat=?1", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, chat);
  return desk_stmt_run (s, error);
}

gboolean
desk_fold_outbox_add (DeskFold *self, const DeskOp *op, GError **error)
{
  g_autoptr (DeskOutboxEntry) e = desk_outbox_entry_copy (op->entry);
  DeskFoldChat *state = desk_fold_get_chat (self, e->platform, e->user_id, TRUE, error);

  if (state == NULL)
    return FALSE;
  if (e->created_at_ms == 0)
    e->created_at_ms = desk_clock_now_ms (self->clock);
  if (e->intent == DESK_INTENT_SEND && e->client_message_id == NULL)
    e->client_message_id = desk_uuid7_new (self->clock, desk_random_system ());
  if (e->seen_seq == -2 && !state->chat->is_level2)
    e->seen_seq = -1;
  if (e->seen_seq == -2 && !find_newest_seq (self, state->row, &e->seen_seq, error))
    return FALSE;
  if ((e->intent == DESK_INTENT_READ || e->intent == DESK_INTENT_UNREAD)
      && !replace_markers (self, state->row, e->intent, &e->up_to_chat_seq, error))
    return FALSE;
  if (!desk_fold_merge_intent (self, state, e, error))
    return FALSE;
  if (!insert_entry (self, state->row, e, error))
    return FALSE;
  if (e->intent == DESK_INTENT_READ
      && !desk_fold_local_read (self, state, e->up_to_chat_seq, error))
    return FALSE;
  if (e->intent == DESK_INTENT_UNREAD)
    state->chat->personal.marked_unread = TRUE;
  if (op->flag && !remove_draft (self, state->row, error))
    return FALSE;
  state->counts_dirty = TRUE;
  state->unread_dirty = TRUE;
  self->notice->change.outbox = TRUE;
  desk_fold_touch (self, state);
  return TRUE;
}

gboolean
desk_fold_outbox_state (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskStmt *s;
  gint64 chat;
  DeskOutboxState old;
  g_autoptr (GError) local = NULL;

  if (!find_entry (self, op->local_id, &chat, &old, &local))
    { /* acknowledged meanwhile by the message itself: there is nothing left to say */
      if (g_error_matches (local, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  s = desk_db_prepare (
      self->db, "UPDATE outbox SET state=?2,error_code=?3,error=?4 WHERE local_id=?1", error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, op->local_id);
  desk_stmt_bind_int64 (s, 2, op->state);
  desk_stmt_bind_text (s, 3, op->a);
  desk_stmt_bind_text (s, 4, op->b);
  return desk_stmt_run (s, error) && touch_row (self, chat, error);
}

gboolean
desk_fold_outbox_attempt (DeskFold *self, gint64 local_id, GError **error)
{
  DeskStmt *s;
  gint64 chat;
  DeskOutboxState state;

  if (!find_entry (self, local_id, &chat, &state, error))
    return FALSE; /* discarded by another process: it must not go out */
  if (state != DESK_OUTBOX_QUEUED && state != DESK_OUTBOX_SENDING)
    {
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_STATE,
                   "The entry is %s and waits for the manager", desk_outbox_state_to_string (state));
      return FALSE;
    }
  s = desk_db_prepare (self->db,
                       "UPDATE outbox SET state=?2,attempts=attempts+1,attempted_at_ms=?3"
                       " WHERE local_id=?1",
                       error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, local_id);
  desk_stmt_bind_int64 (s, 2, DESK_OUTBOX_SENDING);
  desk_stmt_bind_int64 (s, 3, desk_clock_now_ms (self->clock));
  return desk_stmt_run (s, error) && touch_row (self, chat, error);
}

gboolean
desk_fold_outbox_done (DeskFold *self, const DeskOp *op, GError **error)
{
  gint64 chat;
  DeskOutboxState state;
  g_autoptr (GError) local = NULL;

  if (find_entry (self, op->local_id, &chat, &state, &local))
    {
      if (!desk_fold_outbox_delete (self, op->local_id, error) || !touch_row (self, chat, error))
        return FALSE;
    }
  else if (!g_error_matches (local, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (op->chat != NULL && !desk_fold_chat (self, op->chat, error))
    return FALSE;
  if (op->profile != NULL && !desk_fold_profile (self, op->profile, op->first, error))
    return FALSE;
  return op->message == NULL
         || desk_fold_message (self, op->message, FALSE, error) != DESK_STORED_ERROR;
}

/* An entry that is gone has nothing to be told. */
gboolean
desk_fold_outbox_rebase (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskStmt *s = desk_db_prepare (
      self->db, "UPDATE outbox SET base_rev=?2,state=0,error_code=NULL,error=NULL WHERE local_id=?1 RETURNING chat",
      error);
  gint64 chat = 0;

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, op->local_id);
  desk_stmt_bind_int64 (s, 2, op->first);
  switch (desk_stmt_step (s, error))
    {
    case DESK_STEP_ERROR:
      return FALSE;
    case DESK_STEP_DONE:
      return TRUE;
    case DESK_STEP_ROW:
      chat = desk_stmt_column_int64 (s, 0);
    }
  return desk_stmt_run (s, error) && touch_row (self, chat, error);
}

gboolean
desk_fold_outbox_details (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskStmt *s = desk_db_prepare (self->db, "UPDATE outbox SET details=?2 WHERE local_id=?1", error);

  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, op->local_id);
  desk_stmt_bind_text (s, 2, op->a);
  self->notice->change.outbox = TRUE;
  return desk_stmt_run (s, error);
}

/* What the manager insists on is meant against what there is now. */
static gboolean
renew_base (DeskFold *self, gint64 local_id, gint64 chat, GError **error)
{
  DeskFoldChat *state = desk_fold_get_chat_by_row (self, chat, error);
  DeskStmt *s;

  if (state == NULL)
    return FALSE;
  s = desk_db_prepare (self->db,
                       "UPDATE outbox SET seen=NULL,base_rev=CASE intent WHEN 3 THEN ?2 ELSE coalesce("
                       "(SELECT m.rev FROM message m WHERE m.id=message_id),base_rev) END WHERE local_id=?1"
                       " AND intent IN (3,4)",
                       error);
  G_STATIC_ASSERT (DESK_INTENT_CHAT == 3 && DESK_INTENT_EDIT == 4);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, local_id);
  desk_stmt_bind_int64 (s, 2, state->chat->rev);
  return desk_stmt_run (s, error);
}

gboolean
desk_fold_outbox_retry (DeskFold *self, const DeskOp *op, GError **error)
{
  DeskStmt *s;
  gint64 chat;
  DeskOutboxState state;

  if (!find_entry (self, op->local_id, &chat, &state, error))
    return FALSE;
  if (state == DESK_OUTBOX_QUEUED || state == DESK_OUTBOX_SENDING)
    {
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_STATE,
                   "The entry is %s already", desk_outbox_state_to_string (state));
      return FALSE;
    }
  s = desk_db_prepare (self->db,
                       "UPDATE outbox SET state=?2,force=max(force,?3),error_code=NULL,error=NULL,details=NULL,"
                       "client_message_id=coalesce(?4,client_message_id) WHERE local_id=?1",
                       error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, op->local_id);
  desk_stmt_bind_int64 (s, 2, DESK_OUTBOX_QUEUED);
  desk_stmt_bind_int64 (s, 3, op->flag != FALSE);
  desk_stmt_bind_text (s, 4, op->a);
  return desk_stmt_run (s, error) && renew_base (self, op->local_id, chat, error) && touch_row (self, chat, error);
}

gboolean
desk_fold_outbox_discard (DeskFold *self, gint64 local_id, GError **error)
{
  gint64 chat;
  DeskOutboxState state;

  if (!find_entry (self, local_id, &chat, &state, error))
    return FALSE;
  if (state == DESK_OUTBOX_SENDING)
    {
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_STATE,
                   "The entry is being sent and cannot be taken back");
      return FALSE;
    }
  return desk_fold_outbox_delete (self, local_id, error) && touch_row (self, chat, error);
}

gboolean
desk_fold_draft (DeskFold *self, const DeskDraft *draft, GError **error)
{
  DeskStmt *s;
  DeskFoldChat *state = desk_fold_get_chat (self, draft->platform, draft->user_id, TRUE, error);
  const char *attachments = draft->attachments ? draft->attachments : "[]";

  if (state == NULL)
    return FALSE;
  desk_fold_touch (self, state);
  if ((draft->text == NULL || *draft->text == '\0') && draft->reply_to == NULL
      && (g_str_equal (attachments, "[]") || *attachments == '\0'))
    return remove_draft (self, state->row, error);
  s = desk_db_prepare (
      self->db,
      "INSERT OR REPLACE INTO draft(chat,text,reply_to,is_private,attachments,updated_at_ms)"
      " VALUES(?1,?2,?3,?4,?5,?6)",
      error);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  desk_stmt_bind_text (s, 2, draft->text ? draft->text : "");
  desk_stmt_bind_text (s, 3, draft->reply_to);
  desk_stmt_bind_int64 (s, 4, draft->is_private != FALSE);
  desk_stmt_bind_text (s, 5, attachments);
  desk_stmt_bind_int64 (s, 6,
                        draft->updated_at_ms ? draft->updated_at_ms
                                             : desk_clock_now_ms (self->clock));
  return desk_stmt_run (s, error) && desk_fold_draft_files (self, state->row, attachments, error);
}

/* pending, attention and activity of the chat's row. */
gboolean
desk_fold_count_outbox (DeskFold *self, DeskFoldChat *state, GError **error)
{
  g_autoptr (DeskStmt) s = NULL;

  state->activity_ms = state->chat->last_time_ms;
  if (!self->has_outbox && !state->counts_dirty)
    {
      state->pending = state->attention = 0;
      return TRUE;
    }
  state->counts_dirty = FALSE;
  s = desk_db_prepare (self->db,
                       "SELECT count(*) FILTER (WHERE intent=0 AND state IN (0,1)),"
                       " count(*) FILTER (WHERE state IN (2,3,4,5)),"
                       " coalesce(max(created_at_ms) FILTER (WHERE intent=0),0)"
                       " FROM outbox WHERE chat=?1",
                       error);
  G_STATIC_ASSERT (DESK_INTENT_SEND == 0 && DESK_OUTBOX_SENDING == 1 && DESK_OUTBOX_STALE == 4
                   && DESK_OUTBOX_NEEDS_TEMPLATE == 5);
  if (s == NULL)
    return FALSE;
  desk_stmt_bind_int64 (s, 1, state->row);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return FALSE;
  state->pending = (guint) desk_stmt_column_int64 (s, 0);
  state->attention = (guint) desk_stmt_column_int64 (s, 1);
  state->activity_ms = MAX (state->activity_ms, desk_stmt_column_int64 (s, 2));
  return TRUE;
}

static void
take_changes (DeskOutboxEntry *e, DeskStmt *s)
{
  gsize len;
  const void *data;

  e->message_id = g_strdup (desk_stmt_column_text (s, 16));
  e->base_rev = desk_stmt_column_int64 (s, 17);
  data = desk_stmt_column_blob (s, 18, &len);
  if (e->intent == DESK_INTENT_CHAT)
    e->change = desk_chat_change_unpack (data, len);
  else if (e->intent == DESK_INTENT_PROFILE)
    e->profile = desk_profile_change_unpack (data, len);
  data = desk_stmt_column_blob (s, 19, &len);
  e->seen = desk_chat_change_unpack (data, len);
  e->seen_text = g_strdup (desk_stmt_column_text (s, 20));
  data = desk_stmt_column_blob (s, 21, &len);
  e->template_use = desk_template_use_unpack (data, len);
  e->details = g_strdup (desk_stmt_column_text (s, 22));
  e->edited = desk_stmt_column_int64 (s, 23) != 0;
}

DeskOutboxEntry *
desk_outbox_from_stmt (DeskStmt *s, const char *platform, const char *user_id)
{
  DeskOutboxEntry *e = desk_outbox_entry_new (desk_stmt_column_int64 (s, 1), platform, user_id);

  e->local_id = desk_stmt_column_int64 (s, 0);
  e->client_message_id = g_strdup (desk_stmt_column_text (s, 2));
  g_free (e->text);
  e->text = g_strdup (desk_stmt_column_text (s, 3));
  e->reply_to = g_strdup (desk_stmt_column_text (s, 4));
  e->is_private = desk_stmt_column_int64 (s, 5) != 0;
  e->seen_seq = desk_stmt_column_int64 (s, 6);
  e->force = desk_stmt_column_int64 (s, 7) != 0;
  e->up_to_chat_seq = desk_stmt_column_int64 (s, 8);
  e->state = desk_stmt_column_int64 (s, 9);
  e->attempts = (guint) desk_stmt_column_int64 (s, 10);
  e->created_at_ms = desk_stmt_column_int64 (s, 11);
  e->attempted_at_ms = desk_stmt_column_int64 (s, 12);
  e->error_code = g_strdup (desk_stmt_column_text (s, 13));
  e->error = g_strdup (desk_stmt_column_text (s, 14));
  e->files = desk_outbox_files_from_text (desk_stmt_column_text (s, 15));
  take_changes (e, s);
  return e;
}
