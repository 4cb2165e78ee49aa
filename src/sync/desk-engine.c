/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "common/desk-backoff.h"
#include "sync/desk-engine-private.h"

/* The connection: discovery, websocket, backoff, polling while there is none, sign-in. Which inputs reach which
 * part is decided in desk_engine_step() alone. */

#define RECONNECT_BASE_MS 500
#define RECONNECT_CAP_MS 30000
#define RESTART_SPREAD_MS 10000
#define HELLO_MS 10000
#define STABLE_MS 30000
#define POLL_AFTER_MS 15000
#define POLL_EVERY_MS 5000
#define REFUSED_RETRY_MS 60000
#define STORE_RETRY_MS 5000
#define TYPING_EVERY_US (3 * G_USEC_PER_SEC)
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
  self->lanes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) desk_lane_free);
  self->walks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) desk_walk_free);
  self->walk_queue = g_queue_new ();
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
  g_hash_table_unref (self->lanes);
  g_hash_table_unref (self->walks);
  g_queue_free_full (self->walk_queue, g_free);
  g_free (self->open_platform);
  g_free (self->open_user_id);
  g_free (self);
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
      return self->poll_ok ? DESK_SYNC_POLLING : DESK_SYNC_OFFLINE;
    default:
      return self->poll_ok ? DESK_SYNC_POLLING : self->attempt > 0 ? DESK_SYNC_OFFLINE : DESK_SYNC_CONNECTING;
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

static void
save_complete (DeskEngine *self)
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

/* ── Connection ─────────────────────────────────────────────────────────────────────────────── */

static void
forget_requests (DeskEngine *self)
{
  GHashTableIter iter;
  DeskRequest *request;

  /* Answers about the outbox still count, and so does a poll; all else is asked anew. */
  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &request))
    if (request->entry == NULL && request->type != DESK_REQUEST_CHANGES)
      g_hash_table_iter_remove (&iter);
}

static void
wait_and_retry (DeskEngine *self, gint64 delay_ms)
{
  self->link = LINK_WAITING;
  self->state->retry_at_ms = self->wall_ms + delay_ms;
  self->state_dirty = TRUE;
  desk_engine_set_timer (self, DESK_TIMER_RETRY, delay_ms);
}

static void
disconnect (DeskEngine *self)
{
  if (self->ws_open || self->link == LINK_CONNECTING || self->link == LINK_RESUMING)
    desk_engine_emit (self, DESK_EFFECT_WS_CLOSE)->code = 1000;
  self->ws_open = FALSE;
  forget_requests (self);
  desk_engine_clear_timer (self, DESK_TIMER_HELLO);
  desk_engine_clear_timer (self, DESK_TIMER_STABLE);
  desk_engine_clear_timer (self, DESK_TIMER_POLL_CHAT);
}

void
desk_engine_lost (DeskEngine *self, const char *why, guint close_code)
{
  gint64 delay;

  if (self->link == LINK_STOPPED || self->link == LINK_SIGNED_OUT)
    return;
  disconnect (self);
  desk_engine_drop_history (self);
  desk_engine_level0_drop (self);
  save_complete (self);
  delay = desk_backoff_full_jitter_ms (self->attempt, RECONNECT_BASE_MS, RECONNECT_CAP_MS, self->random);
  if (close_code == DESK_CLOSE_GOING_AWAY || close_code == DESK_CLOSE_RESTART)
    delay = (gint64) desk_random_below (self->random, RESTART_SPREAD_MS);
  self->attempt++;
  if (why != NULL)
    desk_engine_set_error (self, why);
  if (self->lost_at_us == 0)
    {
      self->lost_at_us = self->now_us;
      if (self->state->level != G_MAXUINT)
        desk_engine_set_timer (self, DESK_TIMER_POLL, POLL_AFTER_MS);
    }
  wait_and_retry (self, delay);
}

/* A 401 or close 4401: renew the token once, then ask to sign in. */
void
desk_engine_unauthorized (DeskEngine *self)
{
  if (self->refreshing || self->link == LINK_SIGNED_OUT || self->link == LINK_STOPPED)
    return;
  self->refreshing = TRUE;
  disconnect (self);
  desk_engine_drop_history (self);
  desk_engine_level0_drop (self);
  self->link = LINK_WAITING;
  self->poll_ok = FALSE;
  self->state_dirty = TRUE;
  desk_engine_clear_timer (self, DESK_TIMER_RETRY);
  desk_engine_emit (self, DESK_EFFECT_REFRESH);
}

static void
signed_out (DeskEngine *self)
{
  self->has_token = FALSE;
  self->link = LINK_SIGNED_OUT;
  self->poll_ok = FALSE;
  for (guint i = 0; i < DESK_N_TIMERS; i++)
    desk_engine_clear_timer (self, i);
  desk_engine_set_error (self, _("The sign-in is not accepted any more. Sign in again."));
  self->state_dirty = TRUE;
}

void
desk_engine_connect (DeskEngine *self)
{
  DeskEffect *effect;

  self->link = LINK_CONNECTING;
  self->state_dirty = TRUE;
  effect = desk_engine_emit (self, DESK_EFFECT_WS_CONNECT);
  effect->level = self->state->level;
  effect->cursor = self->committed ? desk_cursor_copy (self->committed) : NULL;
  desk_engine_set_timer (self, DESK_TIMER_HELLO, HELLO_MS);
  if (self->state->level == 0)
    desk_engine_level0_start (self);
}

/* Contact from the beginning of what is not known yet. */
static void
begin (DeskEngine *self)
{
  desk_engine_clear_timer (self, DESK_TIMER_RETRY);
  self->state->retry_at_ms = 0;
  if (!self->has_token)
    {
      signed_out (self);
      return;
    }
  if (self->state->level != 2)
    {
      self->link = LINK_DISCOVERING;
      self->state_dirty = TRUE;
      desk_engine_request (self, DESK_REQUEST_CAPABILITIES);
    }
  else if (self->committed == NULL)
    desk_engine_snapshot (self);
  else
    {
      /* What was collected and not stored is replayed by the server. */
      if (self->events_apply == 0)
        {
          g_autoptr (DeskCursor) cursor = desk_cursor_copy (self->committed);
          desk_engine_reset_events (self, cursor);
        }
      desk_engine_connect (self);
    }
}

const char *
desk_engine_reply_text (const DeskSyncReply *reply)
{
  if (reply->outcome == DESK_OUT_REFUSED)
    return reply->failure->message;
  if (reply->outcome == DESK_OUT_GARBAGE)
    return _("The server's answer cannot be understood.");
  return _("The server cannot be reached.");
}

gboolean
desk_engine_reply_failed (DeskEngine *self, const DeskSyncReply *reply)
{
  if (reply->outcome == DESK_OUT_OK)
    return FALSE;
  if (reply->outcome == DESK_OUT_REFUSED && reply->failure->http_status == 401)
    desk_engine_unauthorized (self);
  else if (self->link == LINK_LIVE || self->link == LINK_RESUMING)
    return TRUE; /* the websocket tells by itself whether the connection lives */
  else if (self->link != LINK_WAITING)
    desk_engine_lost (self, desk_engine_reply_text (reply), 0);
  else
    {
      self->poll_ok = FALSE;
      self->state_dirty = TRUE;
    }
  return TRUE;
}

/* ── Capabilities ───────────────────────────────────────────────────────────────────────────── */

static void
refuse_server (DeskEngine *self, const char *text)
{
  desk_engine_set_error (self, text);
  disconnect (self);
  self->link = LINK_REFUSED;
  self->state->retry_at_ms = self->wall_ms + REFUSED_RETRY_MS;
  desk_engine_set_timer (self, DESK_TIMER_RETRY, REFUSED_RETRY_MS);
  self->state_dirty = TRUE;
}

static void
save_capabilities (DeskEngine *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter writer;
  DeskBatch *batch = desk_batch_new ();

  desk_json_writer_init (&writer, text);
  desk_wire_write_capabilities (&writer, self->capabilities);
  desk_batch_setting (batch, "capabilities", self->state->level == 2 ? text->str : NULL);
  desk_batch_setting (batch, "level", self->state->level == 2 ? "2" : "0");
  if (self->capabilities->me != NULL)
    desk_batch_setting (batch, "me", self->capabilities->me->username);
  desk_engine_apply (self, batch, APPLY_SETTINGS, NULL);
}

static void
learn (DeskEngine *self, const DeskCapabilities *capabilities)
{
  g_clear_pointer (&self->capabilities, desk_capabilities_free);
  self->capabilities = desk_capabilities_copy (capabilities);
  self->state->level = capabilities->level;
  self->level2_before |= capabilities->level == 2;
  if (capabilities->me != NULL)
    {
      g_free (self->username);
      self->username = g_strdup (capabilities->me->username);
    }
  if (capabilities->server_time_ms > 0)
    self->state->server_offset_ms = capabilities->server_time_ms - self->wall_ms;
  desk_engine_emit (self, DESK_EFFECT_CAPABILITIES);
  self->state_dirty = TRUE;
}

static void
capabilities_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  guint status = reply->outcome == DESK_OUT_REFUSED ? reply->failure->http_status : 0;

  if (self->link != LINK_DISCOVERING)
    return;
  if (reply->outcome == DESK_OUT_OK)
    {
      learn (self, reply->capabilities);
      save_capabilities (self);
    }
  else if (!self->level2_before && (status == 404 || status == 405 || reply->outcome == DESK_OUT_GARBAGE))
    {
      g_autoptr (DeskCapabilities) plain = desk_capabilities_new_level0 ();

      learn (self, plain);
      save_capabilities (self);
    }
  else if (status == 403)
    {
      refuse_server (self, reply->failure->message);
      return;
    }
  else
    {
      desk_engine_reply_failed (self, reply);
      return;
    }
  if (self->state->level == 2 && self->committed == NULL)
    desk_engine_snapshot (self);
  else
    desk_engine_connect (self);
}

/* ── Websocket ──────────────────────────────────────────────────────────────────────────────── */

static void
connected (DeskEngine *self)
{
  self->lost_at_us = 0;
  self->poll_ok = FALSE;
  self->ws_open = TRUE;
  self->state->retry_at_ms = 0;
  desk_engine_set_error (self, NULL);
  desk_engine_clear_timer (self, DESK_TIMER_HELLO);
  desk_engine_set_timer (self, DESK_TIMER_STABLE, STABLE_MS);
  if (self->state->level == 2)
    desk_engine_clear_timer (self, DESK_TIMER_POLL);
  self->state_dirty = TRUE;
}

static void
send_viewing (DeskEngine *self)
{
  if (self->state->level == 2 && self->link == LINK_LIVE)
    desk_engine_emit (self, DESK_EFFECT_WS_SEND)->text = desk_wire_client_frame_text (
        DESK_CLIENT_FRAME_VIEWING, NULL, self->open_platform, self->open_user_id);
}

static void
ws_opened (DeskEngine *self)
{
  if (self->link != LINK_CONNECTING || self->state->level != 0)
    return; /* level 2: hello opens */
  connected (self);
  self->link = self->chats_done ? LINK_LIVE : LINK_RESUMING;
  desk_engine_level0_list (self); /* what came between the list and the websocket is in no event */
}

static void
take_hello (DeskEngine *self, const DeskHello *hello)
{
  if (self->link != LINK_CONNECTING)
    return;
  if (hello->server_time_ms > 0)
    self->state->server_offset_ms = hello->server_time_ms - self->wall_ms;
  if (hello->reset || self->committed == NULL
      || g_strcmp0 (hello->epoch, desk_cursor_get_epoch (self->committed)) != 0)
    {
      desk_engine_clear_timer (self, DESK_TIMER_HELLO);
      desk_engine_snapshot (self);
      return;
    }
  connected (self);
  self->link = LINK_RESUMING;
  g_clear_pointer (&self->head, desk_cursor_free);
  self->head = hello->head ? desk_cursor_copy (hello->head) : desk_cursor_new (hello->epoch);
  if (desk_engine_caught_up (self))
    {
      self->link = LINK_LIVE;
      desk_engine_complete (self);
      desk_engine_want_history (self);
      send_viewing (self);
      desk_engine_read_outbox (self);
    }
  else
    desk_engine_check_head (self);
}

static void
take_head (DeskEngine *self, const DeskEvent *event)
{
  for (guint i = 0; event->head != NULL && i < desk_cursor_get_n_partitions (event->head); i++)
    {
      guint partition;
      gint64 seq;

      desk_cursor_get_nth (event->head, i, &partition, &seq);
      if (seq > desk_cursor_get (self->head, partition))
        desk_cursor_set (self->head, partition, seq);
    }
  desk_engine_check_head (self);
  if (self->link == LINK_LIVE && desk_engine_caught_up (self))
    desk_engine_complete (self);
}

static void
ws_event (DeskEngine *self, const DeskEvent *event)
{
  if (event->type == DESK_EVENT_HELLO)
    take_hello (self, event->hello);
  else if (!self->ws_open)
    return;
  else if (self->state->level == 0)
    desk_engine_level0_event (self, event);
  else if (event->sequenced)
    desk_engine_take_event (self, event);
  else if (event->type == DESK_EVENT_HEAD)
    take_head (self, event);
  else
    desk_engine_emit (self, DESK_EFFECT_EPHEMERAL)->event = desk_event_copy (event);
}

static void
ws_closed (DeskEngine *self, guint code)
{
  if (self->link != LINK_CONNECTING && self->link != LINK_RESUMING && self->link != LINK_LIVE)
    return;
  self->ws_open = FALSE;
  if (self->link == LINK_CONNECTING)
    self->link = LINK_WAITING; /* nothing to close any more */
  if (code == DESK_CLOSE_TOKEN_REFUSED || code == 401)
    desk_engine_unauthorized (self);
  else if (code == DESK_CLOSE_FORBIDDEN || code == 403)
    refuse_server (self, _("The server does not let you in. Ask whoever runs it."));
  else
    {
      if (self->link == LINK_RESUMING || self->link == LINK_LIVE)
        self->link = LINK_WAITING;
      desk_engine_lost (self, code == DESK_CLOSE_TOO_SLOW ? NULL : _("The server cannot be reached."), code);
    }
}

/* ── Timers ─────────────────────────────────────────────────────────────────────────────────── */

static void
poll (DeskEngine *self)
{
  if (self->state->level == 0)
    {
      desk_engine_level0_poll (self);
      return;
    }
  if (self->ws_open || self->link == LINK_SIGNED_OUT || self->link == LINK_STOPPED)
    return;
  if (self->applied != NULL && !self->store_broken)
    desk_engine_ask_changes (self);
  desk_engine_set_timer (self, DESK_TIMER_POLL,
                         POLL_EVERY_MS * 4 / 5 + (gint64) desk_random_below (self->random, POLL_EVERY_MS * 2 / 5));
}

static void
store_retry (DeskEngine *self)
{
  self->store_broken = FALSE;
  if (self->link == LINK_WAITING)
    begin (self);
}

static void
take_timer (DeskEngine *self, DeskTimer timer)
{
  switch (timer)
    {
    case DESK_TIMER_RETRY:
      if (self->link == LINK_WAITING || self->link == LINK_REFUSED)
        begin (self);
      break;
    case DESK_TIMER_HELLO:
      if (self->link == LINK_CONNECTING)
        desk_engine_lost (self, _("The server cannot be reached."), 0);
      break;
    case DESK_TIMER_STABLE:
      self->attempt = 0;
      break;
    case DESK_TIMER_GAP:
      desk_engine_gap_timeout (self);
      break;
    case DESK_TIMER_POLL:
      poll (self);
      break;
    case DESK_TIMER_POLL_CHAT:
      desk_engine_level0_poll_chat (self);
      break;
    case DESK_TIMER_OUTBOX:
      desk_engine_pump_outbox (self);
      break;
    case DESK_TIMER_LOOK:
      desk_engine_look_timeout (self);
      break;
    case DESK_TIMER_HISTORY:
      desk_engine_history_timeout (self);
      break;
    case DESK_TIMER_STORE:
      store_retry (self);
      break;
    case DESK_N_TIMERS:
      break;
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
  switch (request->type)
    {
    case DESK_REQUEST_CAPABILITIES:
      capabilities_reply (self, reply);
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
      desk_engine_intent_reply (self, request, reply);
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
start (DeskEngine *self, const DeskInput *input)
{
  self->has_token = input->has_token;
  self->attempt = 0;
  self->lost_at_us = 0;
  self->state->complete_to_ms = self->complete_saved_ms = input->complete_to_ms;
  self->state->server_offset_ms = input->server_offset_ms;
  if (input->capabilities != NULL)
    learn (self, input->capabilities);
  desk_engine_reset_events (self, input->cursor);
  self->history_wanted = TRUE;
  desk_engine_read_outbox (self);
  begin (self);
}

static void
stop (DeskEngine *self)
{
  save_complete (self);
  disconnect (self);
  desk_engine_drop_history (self);
  desk_engine_level0_drop (self);
  for (guint i = 0; i < DESK_N_TIMERS; i++)
    desk_engine_clear_timer (self, i);
  self->link = LINK_STOPPED;
  self->state_dirty = TRUE;
}

static void
retry_now (DeskEngine *self)
{
  self->attempt = 0;
  self->outbox_not_before_us = 0;
  if (self->link == LINK_WAITING && !self->refreshing)
    begin (self);
  else if (self->link == LINK_REFUSED)
    begin (self);
  desk_engine_pump_outbox (self);
}

static void
take_token (DeskEngine *self, DeskTokenResult result)
{
  self->refreshing = FALSE;
  if (self->link == LINK_STOPPED)
    return;
  if (result == DESK_TOKEN_RENEWED)
    {
      self->has_token = TRUE;
      begin (self);
    }
  else if (result == DESK_TOKEN_REFUSED)
    signed_out (self);
  else
    desk_engine_lost (self, _("The server cannot be reached."), 0);
}

static void
open_chat (DeskEngine *self, const DeskInput *input)
{
  g_free (self->open_platform);
  g_free (self->open_user_id);
  self->open_platform = g_strdup (input->platform);
  self->open_user_id = g_strdup (input->user_id);
  send_viewing (self);
  if (self->state->level == 0 && self->open_platform != NULL && !self->ws_open)
    desk_engine_set_timer (self, DESK_TIMER_POLL_CHAT, 0);
}

static void
typing (DeskEngine *self, const DeskInput *input)
{
  if (self->state->level != 2 || self->link != LINK_LIVE || self->now_us - self->typing_sent_us < TYPING_EVERY_US)
    return;
  self->typing_sent_us = self->now_us;
  desk_engine_emit (self, DESK_EFFECT_WS_SEND)->text
      = desk_wire_client_frame_text (DESK_CLIENT_FRAME_TYPING, NULL, input->platform, input->user_id);
}

static void
dispatch (DeskEngine *self, const DeskInput *input)
{
  switch (input->type)
    {
    case DESK_INPUT_START:
      start (self, input);
      break;
    case DESK_INPUT_STOP:
      stop (self);
      break;
    case DESK_INPUT_TIMER:
      take_timer (self, input->timer);
      break;
    case DESK_INPUT_NETWORK:
      /* Only a hint: a server on this machine needs no network. */
      if (input->flag)
        retry_now (self);
      break;
    case DESK_INPUT_RETRY_NOW:
      retry_now (self);
      break;
    case DESK_INPUT_TOKEN:
      take_token (self, input->token_result);
      break;
    case DESK_INPUT_WS_OPENED:
      ws_opened (self);
      break;
    case DESK_INPUT_WS_EVENT:
      ws_event (self, input->event);
      break;
    case DESK_INPUT_WS_CLOSED:
      ws_closed (self, input->code);
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
      open_chat (self, input);
      break;
    case DESK_INPUT_TYPING:
      typing (self, input);
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

gboolean
desk_engine_is_settled (DeskEngine *self)
{
  if (!desk_engine_is_online (self) || self->store_broken || !desk_engine_outbox_is_settled (self))
    return FALSE;
  if (g_hash_table_size (self->applies) > 0)
    return FALSE;
  if (self->state->level == 0)
    return desk_engine_level0_is_settled (self);
  return desk_engine_caught_up (self) && self->collecting->len == 0
         && (self->no_backfill
             || (!self->history_wanted && !self->history_reading && self->history_running == 0
                 && g_queue_is_empty (self->history)));
}
