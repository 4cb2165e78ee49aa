/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "common/desk-backoff.h"
#include "sync/desk-engine-private.h"

/* The connection: discovery, websocket, backoff, polling while there is none, sign-in. */

#define RECONNECT_BASE_MS 500
#define RECONNECT_CAP_MS 30000
#define RESTART_SPREAD_MS 10000
#define HELLO_MS 10000
#define STABLE_MS 30000
#define POLL_AFTER_MS 15000
#define POLL_EVERY_MS 5000
#define REFUSED_RETRY_MS 60000
#define MAX_RENEWALS 2 /* the first may only find what another process renewed long ago */
#define CAPABILITIES_LIFE_MS (6 * 3600 * 1000)
#define TYPING_EVERY_US (3 * G_USEC_PER_SEC)

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
  /* Together: what waits for a request that is forgotten would wait for ever. */
  forget_requests (self);
  desk_engine_drop_history (self);
  desk_engine_drop_team (self);
  desk_engine_clear_presence (self);
  desk_engine_level0_drop (self);
  desk_engine_clear_timer (self, DESK_TIMER_HELLO);
  desk_engine_clear_timer (self, DESK_TIMER_STABLE);
  desk_engine_clear_timer (self, DESK_TIMER_POLL_CHAT);
}

/* The very first websocket failed. Perhaps only websockets do not get through: ask by REST at once, so that a
 * single sync works behind such a proxy too, and "offline" is not said before it is known. */
static void
probe (DeskEngine *self)
{
  if (self->state->level != 2 || self->applied == NULL || self->store_broken)
    return;
  self->probing = TRUE;
  desk_engine_ask_changes (self);
}

void
desk_engine_lost (DeskEngine *self, const char *why, guint close_code)
{
  gint64 delay;

  if (self->link == LINK_STOPPED || self->link == LINK_SIGNED_OUT)
    return;
  disconnect (self);
  desk_engine_save_complete (self);
  delay = desk_backoff_full_jitter_ms (self->attempt, RECONNECT_BASE_MS, RECONNECT_CAP_MS, self->random);
  if (close_code == DESK_CLOSE_GOING_AWAY || close_code == DESK_CLOSE_RESTART)
    delay = (gint64) desk_random_below (self->random, RESTART_SPREAD_MS);
  self->attempt++;
  if (why != NULL)
    desk_engine_set_error (self, why);
  if (!self->had_ws && !self->probing && self->lost_at_us == 0)
    probe (self);
  if (self->lost_at_us == 0)
    {
      self->lost_at_us = self->now_us;
      if (self->state->level != G_MAXUINT)
        desk_engine_set_timer (self, DESK_TIMER_POLL, POLL_AFTER_MS);
    }
  wait_and_retry (self, delay);
}

static void signed_out (DeskEngine *self);

/* A 401 or close 4401: renew the token, then ask to sign in. */
void
desk_engine_unauthorized (DeskEngine *self)
{
  if (self->refreshing || self->link == LINK_SIGNED_OUT || self->link == LINK_STOPPED)
    return;
  disconnect (self);
  if (self->renewals >= MAX_RENEWALS)
    {
      /* It gives new tokens and accepts none of them. */
      self->renewals = 0;
      signed_out (self);
      return;
    }
  self->refreshing = TRUE;
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
  /* Whatever made us begin, what comes has to be written: a cache that could not be is tried again now, or nobody
   * would flush what is collected until its timer, which finds the connection made and does nothing. */
  if (self->store_broken)
    desk_engine_clear_timer (self, DESK_TIMER_STORE);
  self->store_broken = FALSE;
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
  g_autofree char *told = g_strdup_printf ("%" G_GINT64_FORMAT, self->wall_ms);
  DeskJsonWriter writer;
  DeskBatch *batch = desk_batch_new ();

  self->capabilities_ms = self->wall_ms;
  desk_json_writer_init (&writer, text);
  desk_wire_write_capabilities (&writer, self->capabilities);
  desk_batch_setting (batch, "capabilities", self->state->level == 2 ? text->str : NULL);
  desk_batch_setting (batch, "level", self->state->level == 2 ? "2" : "0");
  desk_batch_setting (batch, "capabilities_ms", told);
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

void
desk_engine_capabilities_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  guint status = reply->outcome == DESK_OUT_REFUSED ? reply->failure->http_status : 0;

  if (self->link != LINK_DISCOVERING)
    {
      if (reply->outcome == DESK_OUT_OK && reply->capabilities->level == self->state->level)
        {
          learn (self, reply->capabilities);
          save_capabilities (self);
        }
      return;
    }
  if (reply->outcome == DESK_OUT_OK)
    {
      learn (self, reply->capabilities);
      save_capabilities (self);
    }
  else if (!self->level2_before && (status == 404 || status == 405 || reply->outcome == DESK_OUT_GARBAGE))
    {
      g_autoptr (DeskCapabilities) plain = desk_capabilities_new_level0 ();

      self->level_guessed = status == 0;
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
  self->renewals = 0;
  self->had_ws = TRUE;
  self->probing = FALSE;
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

void
desk_engine_ws_opened (DeskEngine *self)
{
  if (self->link != LINK_CONNECTING || self->state->level != 0)
    return; /* level 2: hello opens */
  connected (self);
  self->link = self->chats_done ? LINK_LIVE : LINK_RESUMING;
  desk_engine_level0_list (self); /* what came between the list and the websocket is in no event */
}

/* Everything up to the server's head is committed. */
void
desk_engine_now_live (DeskEngine *self)
{
  desk_engine_want_history (self);
  send_viewing (self);
  desk_engine_read_outbox (self);
  desk_engine_want_team (self, FALSE);
  desk_engine_want_profile (self);
}

static void
take_hello (DeskEngine *self, const DeskHello *hello)
{
  if (self->state->level == 0 && self->level_guessed)
    desk_engine_not_plain (self);
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
      desk_engine_now_live (self);
    }
  else
    desk_engine_check_head (self);
}

/* Platforms and limits change seldom; a server that has got a new one is noticed the same day. */
static void
refresh_capabilities (DeskEngine *self)
{
  if (ABS (self->wall_ms - self->capabilities_ms) < CAPABILITIES_LIFE_MS)
    return;
  self->capabilities_ms = self->wall_ms;
  desk_engine_request (self, DESK_REQUEST_CAPABILITIES);
  desk_engine_want_team (self, TRUE); /* nobody tells of a new colleague */
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
    {
      desk_engine_complete (self);
      refresh_capabilities (self);
      desk_engine_pump_team (self); /* what failed the last time */
    }
}

void
desk_engine_ws_event (DeskEngine *self, const DeskEvent *event)
{
  if (event->type == DESK_EVENT_HELLO)
    take_hello (self, event->hello);
  else if (!self->ws_open)
    return;
  else if (self->state->level == 0)
    desk_engine_level0_event (self, event);
  else if (event->sequenced)
    {
      desk_engine_take_presence (self, event);
      desk_engine_take_event (self, event);
    }
  else if (event->type == DESK_EVENT_HEAD)
    take_head (self, event);
  else
    {
      desk_engine_take_presence (self, event);
      desk_engine_emit (self, DESK_EFFECT_EPHEMERAL)->event = desk_event_copy (event);
    }
}

void
desk_engine_ws_closed (DeskEngine *self, guint code)
{
  if (self->link != LINK_CONNECTING && self->link != LINK_RESUMING && self->link != LINK_LIVE)
    return;
  self->ws_open = FALSE;
  if (self->link == LINK_CONNECTING)
    self->link = LINK_WAITING; /* nothing to close any more */
  if (self->state->level == 0 && self->chats_asked && !self->had_ws && code == 0)
    {
      /* No websocket, but REST is under way and will tell. */
      self->probing = TRUE;
      self->attempt++;
      wait_and_retry (self, desk_backoff_full_jitter_ms (self->attempt, RECONNECT_BASE_MS, RECONNECT_CAP_MS,
                                                         self->random));
      return;
    }
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
  if (self->link == LINK_WAITING && !self->refreshing)
    {
      begin (self);
      return;
    }
  /* A snapshot began meanwhile, or a token is being renewed. */
  self->store_broken = FALSE;
  desk_engine_flush_events (self);
  desk_engine_check_head (self);
  desk_engine_pump_outbox (self);
}

void
desk_engine_take_timer (DeskEngine *self, DeskTimer timer)
{
  switch (timer)
    {
    case DESK_TIMER_RETRY:
      if ((self->link == LINK_WAITING && !self->refreshing) || self->link == LINK_REFUSED)
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
    case DESK_TIMER_PRESENCE:
      desk_engine_presence_timeout (self);
      break;
    case DESK_N_TIMERS:
      break;
    }
}

/* ── Start, stop, what the manager does ─────────────────────────────────────────────────────── */

void
desk_engine_start (DeskEngine *self, const DeskInput *input)
{
  self->has_token = input->has_token;
  self->attempt = 0;
  self->lost_at_us = 0;
  self->had_ws = self->probing = FALSE;
  self->capabilities_ms = input->capabilities_ms;
  self->team_ms = input->team_ms;
  self->first_sync = input->cursor == NULL && input->complete_to_ms == 0;
  self->state->complete_to_ms = self->complete_saved_ms = input->complete_to_ms;
  self->state->server_offset_ms = self->attempt_offset_ms = input->server_offset_ms;
  self->started_us = self->now_us;
  if (input->capabilities != NULL)
    learn (self, input->capabilities);
  desk_engine_reset_events (self, input->cursor);
  self->history_wanted = TRUE;
  desk_engine_read_outbox (self);
  begin (self);
}

void
desk_engine_stop (DeskEngine *self)
{
  desk_engine_save_complete (self);
  disconnect (self);
  for (guint i = 0; i < DESK_N_TIMERS; i++)
    desk_engine_clear_timer (self, i);
  self->link = LINK_STOPPED;
  self->state_dirty = TRUE;
}

/* flag: the machine has slept; what looks connected most likely is not. */
void
desk_engine_retry_now (DeskEngine *self, const DeskInput *input)
{
  self->attempt = 0;
  self->outbox_not_before_us = 0;
  if (input->type == DESK_INPUT_RETRY_NOW && input->flag && (self->link == LINK_LIVE || self->link == LINK_RESUMING))
    desk_engine_lost (self, NULL, 0);
  if ((self->link == LINK_WAITING && !self->refreshing) || self->link == LINK_REFUSED)
    begin (self);
  desk_engine_pump_outbox (self);
}

void
desk_engine_take_token (DeskEngine *self, DeskTokenResult result)
{
  self->refreshing = FALSE;
  if (self->link == LINK_STOPPED)
    return;
  if (result == DESK_TOKEN_RENEWED)
    {
      self->has_token = TRUE;
      self->renewals++;
      begin (self);
    }
  else if (result == DESK_TOKEN_REFUSED)
    signed_out (self);
  else
    desk_engine_lost (self, _("The server cannot be reached."), 0);
}

void
desk_engine_open_chat (DeskEngine *self, const DeskInput *input)
{
  g_free (self->open_platform);
  g_free (self->open_user_id);
  self->open_platform = g_strdup (input->platform);
  self->open_user_id = g_strdup (input->user_id);
  send_viewing (self);
  desk_engine_want_profile (self);
  if (self->state->level == 0 && self->open_platform != NULL && !self->ws_open)
    desk_engine_set_timer (self, DESK_TIMER_POLL_CHAT, 0);
}

void
desk_engine_typing (DeskEngine *self, const DeskInput *input)
{
  if (self->state->level != 2 || self->link != LINK_LIVE || self->now_us - self->typing_sent_us < TYPING_EVERY_US)
    return;
  self->typing_sent_us = self->now_us;
  desk_engine_emit (self, DESK_EFFECT_WS_SEND)->text
      = desk_wire_client_frame_text (DESK_CLIENT_FRAME_TYPING, NULL, input->platform, input->user_id);
}

