/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* The order of sequenced events (level 2). An event at or below what was applied is dropped, the next one is
 * collected, a later one held until what is missing arrives or /changes brings it. Collected events and the
 * cursor that covers them become one batch; only one such batch is under way. When it cannot be stored, the
 * cursor falls back to what was committed: the server still has everything after it. */

#define GAP_MS 500
#define MAX_BATCH 2000
#define MAX_HELD 5000
#define CHANGES_LIMIT 500

static void
release_held (DeskEngine *self, guint partition)
{
  for (;;)
    {
      DeskEvent key = { .partition = partition, .seq = desk_cursor_get (self->applied, partition) + 1 };
      DeskEvent *event = g_tree_lookup (self->held, &key);

      if (event == NULL)
        return;
      desk_cursor_set (self->applied, partition, key.seq);
      g_ptr_array_add (self->collecting, desk_event_copy (event));
      g_tree_remove (self->held, &key);
    }
}

static void
note_head (DeskEngine *self, guint partition, gint64 seq)
{
  if (seq > desk_cursor_get (self->head, partition))
    desk_cursor_set (self->head, partition, seq);
}

void
desk_engine_take_event (DeskEngine *self, const DeskEvent *event)
{
  gint64 applied;

  if (self->applied == NULL)
    return; /* a snapshot is under way: its head covers this event */
  applied = desk_cursor_get (self->applied, event->partition);
  note_head (self, event->partition, event->seq);
  if (event->seq <= applied)
    return;
  if (event->seq == applied + 1)
    {
      desk_cursor_set (self->applied, event->partition, event->seq);
      g_ptr_array_add (self->collecting, desk_event_copy (event));
      g_tree_remove (self->held, event); /* the same one, brought twice */
      release_held (self, event->partition);
      desk_engine_flush_events (self);
    }
  else if (g_tree_nnodes (self->held) < MAX_HELD)
    {
      DeskEvent *copy = desk_event_copy (event);

      g_tree_replace (self->held, copy, copy);
    }
  desk_engine_check_head (self);
}

/* Sets the clock for what is missing: between what was applied and the head that the server told. */
void
desk_engine_check_head (DeskEngine *self)
{
  if (self->applied == NULL)
    return;
  for (guint i = 0; i < desk_cursor_get_n_partitions (self->head); i++)
    {
      guint partition;
      gint64 seq;

      desk_cursor_get_nth (self->head, i, &partition, &seq);
      if (seq > desk_cursor_get (self->applied, partition))
        {
          desk_engine_set_timer (self, DESK_TIMER_GAP, GAP_MS);
          return;
        }
    }
  desk_engine_clear_timer (self, DESK_TIMER_GAP);
}

/* Everything up to the head that the server told is committed. */
gboolean
desk_engine_caught_up (DeskEngine *self)
{
  if (self->committed == NULL)
    return FALSE;
  for (guint i = 0; i < desk_cursor_get_n_partitions (self->head); i++)
    {
      guint partition;
      gint64 seq;

      desk_cursor_get_nth (self->head, i, &partition, &seq);
      if (seq > desk_cursor_get (self->committed, partition))
        return FALSE;
    }
  return TRUE;
}

void
desk_engine_flush_events (DeskEngine *self)
{
  DeskBatch *batch;
  g_autoptr (DeskCursor) cursor = NULL;
  guint n;

  if (self->events_apply != 0 || self->collecting->len == 0 || self->store_broken)
    return;
  batch = desk_batch_new ();
  cursor = desk_cursor_copy (self->committed);
  n = MIN (self->collecting->len, MAX_BATCH);
  for (guint i = 0; i < n; i++)
    {
      DeskEvent *event = g_ptr_array_index (self->collecting, i);

      desk_batch_event (batch, event, self->username);
      desk_cursor_set (cursor, event->partition, event->seq);
      g_ptr_array_add (self->committing, event);
    }
  /* They moved to committing; only their places here go. */
  g_ptr_array_set_free_func (self->collecting, NULL);
  g_ptr_array_remove_range (self->collecting, 0, n);
  g_ptr_array_set_free_func (self->collecting, (GDestroyNotify) desk_event_free);
  desk_batch_cursor (batch, cursor);
  desk_engine_apply (self, batch, APPLY_EVENTS, NULL);
  self->events_apply = self->next_id;
}

static gboolean
starts_history (const DeskEvent *event)
{
  return event->type == DESK_EVENT_CHAT_UPDATED;
}

void
desk_engine_events_stored (DeskEngine *self)
{
  gboolean history = FALSE, canned = FALSE;

  self->events_apply = 0;
  for (guint i = 0; i < self->committing->len; i++)
    {
      DeskEvent *event = g_ptr_array_index (self->committing, i);

      desk_cursor_set (self->committed, event->partition, event->seq);
      history |= starts_history (event);
      canned |= event->type == DESK_EVENT_CANNED_UPDATED;
      desk_engine_emit (self, DESK_EFFECT_APPLIED)->event = event;
    }
  g_ptr_array_set_free_func (self->committing, NULL);
  g_ptr_array_set_size (self->committing, 0);
  g_ptr_array_set_free_func (self->committing, (GDestroyNotify) desk_event_free);
  if (history)
    desk_engine_want_history (self);
  if (canned)
    {
      self->canned_wanted = TRUE;
      desk_engine_pump_team (self);
    }
  desk_engine_flush_events (self);
  if (self->link == LINK_RESUMING && desk_engine_caught_up (self))
    {
      self->link = LINK_LIVE;
      desk_engine_now_live (self);
    }
  if (desk_engine_is_online (self) && desk_engine_caught_up (self))
    desk_engine_complete (self);
}

/* Nothing of the batch was kept: go back to what was. That is nothing if a snapshot began while it was being written. */
void
desk_engine_events_failed (DeskEngine *self)
{
  g_autoptr (DeskCursor) cursor = self->committed ? desk_cursor_copy (self->committed) : NULL;

  self->events_apply = 0;
  desk_engine_reset_events (self, cursor);
}

void
desk_engine_reset_events (DeskEngine *self, const DeskCursor *cursor)
{
  DeskCursor *copy = cursor ? desk_cursor_copy (cursor) : NULL;
  GTree *held = self->held;

  g_clear_pointer (&self->applied, desk_cursor_free);
  g_clear_pointer (&self->committed, desk_cursor_free);
  g_clear_pointer (&self->head, desk_cursor_free);
  self->applied = copy;
  self->committed = copy ? desk_cursor_copy (copy) : NULL;
  self->head = desk_cursor_new (copy ? desk_cursor_get_epoch (copy) : "none");
  g_ptr_array_set_size (self->collecting, 0);
  g_ptr_array_set_size (self->committing, 0);
  g_tree_remove_all (held);
  self->changes_asked = FALSE;
  desk_engine_clear_timer (self, DESK_TIMER_GAP);
}

void
desk_engine_gap_timeout (DeskEngine *self)
{
  if (self->applied == NULL || self->store_broken)
    return;
  desk_engine_ask_changes (self);
}

void
desk_engine_ask_changes (DeskEngine *self)
{
  DeskRequest *request;

  if (self->changes_asked || self->applied == NULL)
    return;
  self->changes_asked = TRUE;
  request = desk_engine_request (self, DESK_REQUEST_CHANGES);
  request->cursor = desk_cursor_format (self->applied);
  request->limit = CHANGES_LIMIT;
}

static gboolean
take_cursor (DeskEngine *self, const char *text)
{
  g_autoptr (DeskCursor) cursor = desk_cursor_parse (text);

  if (cursor == NULL || g_strcmp0 (desk_cursor_get_epoch (cursor), desk_cursor_get_epoch (self->applied)) != 0)
    return FALSE;
  for (guint i = 0; i < desk_cursor_get_n_partitions (cursor); i++)
    {
      guint partition;
      gint64 seq;

      desk_cursor_get_nth (cursor, i, &partition, &seq);
      note_head (self, partition, seq);
    }
  return TRUE;
}

void
desk_engine_changes_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  gint64 before, after;

  self->changes_asked = FALSE;
  if (self->applied == NULL)
    return;
  if (self->probing)
    {
      self->probing = FALSE;
      self->state_dirty = TRUE;
    }
  if (reply->outcome == DESK_OUT_REFUSED && reply->failure->code == DESK_CODE_CURSOR_EXPIRED)
    {
      desk_engine_snapshot (self);
      return;
    }
  if (desk_engine_reply_failed (self, reply))
    return;
  before = desk_cursor_get (self->applied, 0);
  for (guint i = 0; i < reply->changes->events->len; i++)
    desk_engine_take_event (self, g_ptr_array_index (reply->changes->events, i));
  if (!take_cursor (self, reply->changes->cursor))
    {
      desk_engine_snapshot (self);
      return;
    }
  after = desk_cursor_get (self->applied, 0);
  if (reply->changes->has_more && (after > before || reply->changes->events->len == 0))
    desk_engine_ask_changes (self);
  else
    desk_engine_check_head (self);
  if (!self->ws_open && !reply->changes->has_more)
    {
      self->poll_ok = TRUE;
      desk_engine_set_error (self, NULL);
      self->state_dirty = TRUE;
      if (desk_engine_caught_up (self))
        desk_engine_complete (self);
      if (self->history_wanted) /* each failed attempt to connect drops what was planned */
        desk_engine_want_history (self);
      desk_engine_read_outbox (self);
      desk_engine_want_team (self, FALSE); /* no websocket will ever be live, and no heartbeat asks again */
      desk_engine_want_profile (self);
    }
}
