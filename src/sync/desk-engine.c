/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* One step of the engine: which input reaches which part is decided here alone, and what the parts share. */

#define STORE_RETRY_MS 5000
#define COMPLETE_SAVE_MS 60000

static int
compare_events (gconstpointer a, gconstpointer b, gpointer data)
{
  const DeskEvent *x = a;
  const DeskEvent *y = b;

  if (x->partition != y->partition)
    return x->partition < y->partition ? -1 : 1;
  return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void
apply_free (Apply *apply)
{
  g_free (apply->key);
  g_free (apply);
}

DeskEngine *
desk_engine_new (const DeskEngineOptions *options)
{
  DeskEngine *self = g_new0 (DeskEngine, 1);

  self->random = options->random;
  self->username = g_strdup (options->username);
  self->no_backfill = options->no_backfill;
  self->state = g_new0 (DeskSyncState, 1);
  self->state->level = G_MAXUINT;
  self->requests = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) desk_request_free);
  self->applies = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) apply_free);
  self->held = g_tree_new_full (compare_events, NULL, NULL, (GDestroyNotify) desk_event_free);
  self->collecting = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_event_free);
  self->committing = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_event_free);
  self->head = desk_cursor_new ("none");
  self->history = g_queue_new ();
  self->fetches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->outbox_done = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->lanes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) desk_lane_free);
  self->sighted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->walks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) desk_walk_free);
  self->walk_queue = g_queue_new ();
  self->profiles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->presence = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_presence_free);
  return self;
}

void
desk_engine_free (DeskEngine *self)
{
  if (self == NULL)
    return;
  g_free (self->username);
  desk_sync_state_free (self->state);
  g_clear_pointer (&self->capabilities, desk_capabilities_free);
  g_hash_table_unref (self->requests);
  g_hash_table_unref (self->applies);
  g_tree_unref (self->held);
  g_ptr_array_unref (self->collecting);
  g_ptr_array_unref (self->committing);
  g_clear_pointer (&self->applied, desk_cursor_free);
  g_clear_pointer (&self->committed, desk_cursor_free);
  g_clear_pointer (&self->head, desk_cursor_free);
  g_clear_pointer (&self->snapshot_head, desk_cursor_free);
  g_queue_free_full (self->history, (GDestroyNotify) desk_history_want_free);
  g_hash_table_unref (self->fetches);
  g_clear_pointer (&self->outbox, g_ptr_array_unref);
  g_hash_table_unref (self->outbox_done);
  g_hash_table_unref (self->lanes);
  g_hash_table_unref (self->sighted);
  g_hash_table_unref (self->walks);
  g_queue_free_full (self->walk_queue, g_free);
  g_hash_table_unref (self->profiles);
  g_ptr_array_unref (self->presence);
  g_free (self->bulk_page);
  g_free (self->open_platform);
  g_free (self->open_user_id);
  g_free (self);
}

/* For logs and coverage. */
const char *
desk_input_type_to_string (DeskInputType type)
{
  static const char *const words[DESK_N_INPUTS]
      = { "start",  "stop",         "timer",  "network",        "retry-now", "token",       "ws-opened", "ws-event", "ws-closed",
          "reply",  "stored",       "store-failed", "outbox",   "outbox-changed", "wanted", "fetch-older", "open-chat", "typing" };

  return type < DESK_N_INPUTS ? words[type] : "?";
}

/* ── Effects ────────────────────────────────────────────────────────────────────────────────── */

void
desk_effect_free (DeskEffect *self)
{
  g_free (self->text);
  g_clear_pointer (&self->request, desk_request_free);
  g_clear_pointer (&self->batch, desk_batch_free);
  g_clear_pointer (&self->event, desk_event_free);
  g_clear_pointer (&self->cursor, desk_cursor_free);
  g_free (self);
}

DeskEffect *
desk_engine_emit (DeskEngine *self, DeskEffectType type)
{
  DeskEffect *effect = g_new0 (DeskEffect, 1);

  effect->type = type;
  g_ptr_array_add (self->out, effect);
  return effect;
}

void
desk_engine_set_timer (DeskEngine *self, DeskTimer timer, gint64 delay_ms)
{
  DeskEffect *effect = desk_engine_emit (self, DESK_EFFECT_SET_TIMER);

  effect->timer = timer;
  effect->delay_ms = MAX (delay_ms, 0);
}

void
desk_engine_clear_timer (DeskEngine *self, DeskTimer timer)
{
  desk_engine_emit (self, DESK_EFFECT_CLEAR_TIMER)->timer = timer;
}

static guint64 *
new_id (DeskEngine *self)
{
  guint64 *id = g_new (guint64, 1);

  *id = ++self->next_id;
  return id;
}

/* The caller fills the request in before the step ends; the effect has a twin of it by then (see seal()). */
DeskRequest *
desk_engine_request (DeskEngine *self, DeskRequestType type)
{
  guint64 *id = new_id (self);
  DeskRequest *request = desk_request_new (type, *id);

  request->asked_us = self->now_us;
  g_hash_table_insert (self->requests, id, request);
  desk_engine_emit (self, DESK_EFFECT_REQUEST)->id = *id;
  return request;
}

Apply *
desk_engine_apply (DeskEngine *self, DeskBatch *batch, ApplyType type, const char *key)
{
  guint64 *id = new_id (self);
  Apply *apply = g_new0 (Apply, 1);
  DeskEffect *effect;

  apply->id = *id;
  apply->type = type;
  apply->key = g_strdup (key);
  effect = desk_engine_emit (self, DESK_EFFECT_APPLY);
  effect->id = *id;
  effect->batch = batch;
  g_hash_table_insert (self->applies, id, apply);
  return apply;
}

static DeskRequest *
request_copy (const DeskRequest *from)
{
  DeskRequest *copy = desk_request_new (from->type, from->id);

  copy->platform = g_strdup (from->platform);
  copy->user_id = g_strdup (from->user_id);
  copy->cursor = g_strdup (from->cursor);
  copy->page = g_strdup (from->page);
  copy->seq = from->seq;
  copy->offset = from->offset;
  copy->limit = from->limit;
  copy->entry = from->entry ? desk_outbox_entry_copy (from->entry) : NULL;
  return copy;
}

void
desk_engine_set_error (DeskEngine *self, const char *text)
{
  if (g_strcmp0 (self->state->error, text) == 0)
    return;
  g_free (self->state->error);
  self->state->error = g_strdup (text);
  self->state_dirty = TRUE;
}

/* ── The public state ───────────────────────────────────────────────────────────────────────── */

gboolean
desk_engine_is_online (DeskEngine *self)
{
  return self->link == LINK_LIVE || (self->poll_ok && !self->ws_open && self->link != LINK_STOPPED
                                     && self->link != LINK_SIGNED_OUT && self->link != LINK_REFUSED);
}

static DeskSyncPhase
current_phase (DeskEngine *self)
{
  switch (self->link)
    {
    case LINK_STOPPED:
      return DESK_SYNC_STOPPED;
    case LINK_SIGNED_OUT:
      return DESK_SYNC_SIGNED_OUT;
    case LINK_REFUSED:
      return DESK_SYNC_REFUSED;
    case LINK_LIVE:
      return desk_engine_caught_up (self) || self->state->level == 0 ? DESK_SYNC_LIVE : DESK_SYNC_CATCHING_UP;
    case LINK_HEAD:
    case LINK_CHATS:
    case LINK_RESUMING:
      return DESK_SYNC_CATCHING_UP;
    case LINK_WAITING:
      /* While a token is renewed nothing has failed yet. */
      return self->poll_ok                          ? DESK_SYNC_POLLING
             : self->probing || self->refreshing ? DESK_SYNC_CONNECTING
                                                  : DESK_SYNC_OFFLINE;
    default:
      return self->poll_ok ? DESK_SYNC_POLLING : self->attempt > 0 && !self->probing ? DESK_SYNC_OFFLINE : DESK_SYNC_CONNECTING;
    }
}

/* The cache is complete up to now, by the server's clock. Saved with the next events, or once a minute. */
void
desk_engine_complete (DeskEngine *self)
{
  gint64 ms = self->wall_ms + self->state->server_offset_ms;

  self->state->complete_to_ms = MAX (self->state->complete_to_ms, ms);
  self->state_dirty = TRUE;
  if (ms - self->complete_saved_ms >= COMPLETE_SAVE_MS)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, self->state->complete_to_ms);
      g_autofree char *offset = g_strdup_printf ("%" G_GINT64_FORMAT, self->state->server_offset_ms);
      DeskBatch *batch = desk_batch_new ();

      self->complete_saved_ms = ms;
      desk_batch_setting (batch, "complete_to_ms", text);
      desk_batch_setting (batch, "server_offset_ms", offset);
      desk_engine_apply (self, batch, APPLY_SETTINGS, NULL);
    }
}

void
desk_engine_save_complete (DeskEngine *self)
{
  if (self->state->complete_to_ms > self->complete_saved_ms)
    {
      self->complete_saved_ms = 0;
      g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, self->state->complete_to_ms);
      DeskBatch *batch = desk_batch_new ();

      self->complete_saved_ms = self->state->complete_to_ms;
      desk_batch_setting (batch, "complete_to_ms", text);
      desk_engine_apply (self, batch, APPLY_SETTINGS, NULL);
    }
}

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */

static void
take_reply (DeskEngine *self, guint64 id, const DeskSyncReply *reply)
{
  gpointer key, value;
  DeskRequest *request;

  if (!g_hash_table_steal_extended (self->requests, &id, &key, &value))
    return; /* of a connection that is no more */
  g_free (key);
  request = value;
  if (reply->outcome == DESK_OUT_OK)
    self->renewals = 0;
  desk_engine_learn_date (self, request, reply->date_ms);
  switch (request->type)
    {
    case DESK_REQUEST_CAPABILITIES:
      desk_engine_capabilities_reply (self, reply);
      break;
    case DESK_REQUEST_HEAD:
      desk_engine_head_reply (self, reply);
      break;
    case DESK_REQUEST_CHANGES:
      desk_engine_changes_reply (self, reply);
      break;
    case DESK_REQUEST_CHATS:
      if (self->state->level == 0)
        desk_engine_level0_chats_reply (self, reply);
      else
        desk_engine_chats_reply (self, request, reply);
      break;
    case DESK_REQUEST_MESSAGES:
      desk_engine_history_reply (self, request, reply);
      break;
    case DESK_REQUEST_PAGE0:
      desk_engine_level0_page_reply (self, request, reply);
      break;
    case DESK_REQUEST_SEND:
    case DESK_REQUEST_READ:
    case DESK_REQUEST_UNREAD:
    case DESK_REQUEST_CHANGE:
      desk_engine_intent_reply (self, request, reply);
      break;
    case DESK_REQUEST_ALL_MESSAGES:
      desk_engine_bulk_reply (self, reply);
      break;
    case DESK_REQUEST_CANNED:
      desk_engine_canned_reply (self, reply);
      break;
    case DESK_REQUEST_MANAGERS:
      desk_engine_managers_reply (self, reply);
      break;
    case DESK_REQUEST_PROFILE:
      desk_engine_profile_reply (self, request, reply);
      break;
    }
  desk_request_free (request);
}

static void
take_stored (DeskEngine *self, guint64 id, const DeskBatchResult *result)
{
  gpointer key, value;
  Apply *apply;

  if (!g_hash_table_steal_extended (self->applies, &id, &key, &value))
    return;
  g_free (key);
  apply = value;
  switch (apply->type)
    {
    case APPLY_EVENTS:
      if (id == self->events_apply)
        desk_engine_events_stored (self);
      break;
    case APPLY_CHATS:
      if (self->state->level == 0)
        desk_engine_level0_chats_stored (self, result);
      else
        desk_engine_chats_stored (self, apply);
      break;
    case APPLY_PAGE:
      if (self->state->level == 0)
        desk_engine_level0_page_stored (self, apply, result);
      else
        desk_engine_history_stored (self, apply, result);
      break;
    case APPLY_ATTEMPT:
      desk_engine_attempt_stored (self, apply, TRUE);
      break;
    case APPLY_OUTBOX:
      desk_engine_outbox_stored (self, apply);
      break;
    case APPLY_SETTINGS:
      break;
    case APPLY_BULK:
      desk_engine_bulk_stored (self, apply);
      break;
    }
  apply_free (apply);
}

/* The cache took nothing of that batch: most likely the disk is full. Everything that is told meanwhile would be lost
 * on us, so the connection is given up until the cache can be written again. */
static void
take_store_failed (DeskEngine *self, guint64 id, const char *text)
{
  gpointer key, value;
  Apply *apply;

  if (!g_hash_table_steal_extended (self->applies, &id, &key, &value))
    return;
  g_free (key);
  apply = value;
  if (apply->type == APPLY_ATTEMPT)
    {
      desk_engine_attempt_stored (self, apply, FALSE);
    }
  else
    {
      self->store_broken = TRUE;
      if (apply->type == APPLY_EVENTS)
        desk_engine_events_failed (self);
      else if (apply->type == APPLY_OUTBOX)
        desk_engine_outbox_failed (self, apply);
      desk_engine_fetched (self, apply->fetch_id, FALSE, text);
      desk_engine_lost (self, text, 0);
      desk_engine_clear_timer (self, DESK_TIMER_RETRY);
      desk_engine_set_timer (self, DESK_TIMER_STORE, STORE_RETRY_MS);
      desk_engine_read_outbox (self);
    }
  apply_free (apply);
}

/* ── Inputs ─────────────────────────────────────────────────────────────────────────────────── */

static void
dispatch (DeskEngine *self, const DeskInput *input)
{
  switch (input->type)
    {
    case DESK_INPUT_START:
      desk_engine_start (self, input);
      break;
    case DESK_INPUT_STOP:
      desk_engine_stop (self);
      break;
    case DESK_INPUT_TIMER:
      desk_engine_take_timer (self, input->timer);
      break;
    case DESK_INPUT_NETWORK:
      /* Only a hint: a server on this machine needs no network. */
      if (input->flag)
        desk_engine_retry_now (self, input);
      break;
    case DESK_INPUT_RETRY_NOW:
      desk_engine_retry_now (self, input);
      break;
    case DESK_INPUT_TOKEN:
      desk_engine_take_token (self, input->token_result);
      break;
    case DESK_INPUT_WS_OPENED:
      desk_engine_ws_opened (self);
      break;
    case DESK_INPUT_WS_EVENT:
      desk_engine_ws_event (self, input->event);
      break;
    case DESK_INPUT_WS_CLOSED:
      desk_engine_ws_closed (self, input->code);
      break;
    case DESK_INPUT_REPLY:
      take_reply (self, input->id, input->reply);
      break;
    case DESK_INPUT_STORED:
      take_stored (self, input->id, input->result);
      break;
    case DESK_INPUT_STORE_FAILED:
      take_store_failed (self, input->id, input->text);
      break;
    case DESK_INPUT_OUTBOX:
      desk_engine_outbox (self, input->entries);
      break;
    case DESK_INPUT_OUTBOX_CHANGED:
      desk_engine_read_outbox (self);
      break;
    case DESK_INPUT_WANTED:
      desk_engine_wanted (self, input->wanted);
      break;
    case DESK_INPUT_FETCH_OLDER:
      desk_engine_fetch_older (self, input);
      break;
    case DESK_INPUT_OPEN_CHAT:
      desk_engine_open_chat (self, input);
      break;
    case DESK_INPUT_TYPING:
      desk_engine_typing (self, input);
      break;
    case DESK_N_INPUTS:
      break;
    }
}

/* Requests are filled in after they were emitted; each effect gets its own copy when the step ends. A request that
 * was given up within the same step goes. */
static void
seal (DeskEngine *self, GPtrArray *effects, guint first)
{
  for (guint i = effects->len; i-- > first;)
    {
      DeskEffect *effect = g_ptr_array_index (effects, i);
      DeskRequest *request;

      if (effect->type != DESK_EFFECT_REQUEST)
        continue;
      request = g_hash_table_lookup (self->requests, &effect->id);
      if (request != NULL)
        effect->request = request_copy (request);
      else
        g_ptr_array_remove_index (effects, i);
    }
}

void
desk_engine_step (DeskEngine *self, const DeskInput *input, GPtrArray *effects)
{
  guint first = effects->len;
  DeskSyncPhase phase;

  if (self->link == LINK_STOPPED && input->type != DESK_INPUT_START && input->type != DESK_INPUT_STORED
      && input->type != DESK_INPUT_STORE_FAILED && input->type != DESK_INPUT_FETCH_OLDER)
    return;
  self->out = effects;
  self->now_us = input->now_us;
  self->wall_ms = input->wall_ms;
  dispatch (self, input);
  phase = current_phase (self);
  if (phase != self->state->phase)
    {
      self->state->phase = phase;
      self->state_dirty = TRUE;
    }
  seal (self, effects, first);
  if (self->state_dirty)
    desk_engine_emit (self, DESK_EFFECT_STATE);
  self->state_dirty = FALSE;
  self->out = NULL;
}

const DeskSyncState *
desk_engine_get_state (DeskEngine *self)
{
  return self->state;
}

const DeskCapabilities *
desk_engine_get_capabilities (DeskEngine *self)
{
  return self->capabilities;
}

GPtrArray *
desk_engine_get_presence (DeskEngine *self)
{
  return self->presence;
}

gboolean
desk_engine_is_settled (DeskEngine *self)
{
  if (!desk_engine_is_online (self) || self->store_broken || !desk_engine_outbox_is_settled (self))
    return FALSE;
  if (g_hash_table_size (self->applies) > 0)
    return FALSE;
  if (self->state->level == 0)
    return desk_engine_level0_is_settled (self);
  return desk_engine_caught_up (self) && self->collecting->len == 0 && !self->canned_asked && !self->managers_asked
         && (self->no_backfill
             || (!self->history_wanted && !self->bulk_running && !self->history_reading && self->history_running == 0
                 && g_queue_is_empty (self->history)));
}
