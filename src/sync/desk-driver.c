/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <errno.h>
#include <time.h>

#include "api/desk-api.h"
#include "sync/desk-sync-private.h"

/* Carries out the engine's effects and feeds back what comes of them. No rule stands here. One step at a time:
 * nothing that an effect starts calls back before the main loop runs again, so that the engine always sees its own
 * effects in order. Whoever will call back holds a Ticket; the driver goes when the last one has come back. */

#define WAKE_CHECK_S 5
#define STOP_MS 800 /* how long the end waits for calls that cannot be cancelled, such as a commit */
#define WAKE_JUMP_US (10 * G_USEC_PER_SEC)

struct _DeskDriver
{
  DeskDriverConfig config;
  DeskEngine *engine;
  DeskApi *api;
  DeskTokenKeeper *keeper;
  GCancellable *cancellable;
  GSource *timers[DESK_N_TIMERS];
  GSource *wake;
  DeskRetention *retention;
  gint64 slept_us; /* boot time minus monotonic time at the last look */
  gboolean started;
  gboolean settled_told;
  guint pending; /* tickets out */
  DeskLoader *loader;
  DeskNews *news;
};

typedef struct
{
  DeskDriver *driver;
  guint64 id;
  DeskTimer timer;
  DeskRequest *request;
} Ticket;

static void
ticket_free (Ticket *ticket)
{
  g_clear_pointer (&ticket->request, desk_request_free);
  ticket->driver->pending--;
  g_free (ticket);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ticket, ticket_free)

static Ticket *
ticket_new (DeskDriver *driver, guint64 id)
{
  Ticket *ticket = g_new0 (Ticket, 1);

  ticket->driver = driver;
  ticket->id = id;
  driver->pending++;
  return ticket;
}

/* ── Effects ────────────────────────────────────────────────────────────────────────────────── */

static void
on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Ticket) ticket = data;
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);
  g_autoptr (DeskSyncReply) reply = NULL;
  DeskInput input = { .type = DESK_INPUT_REPLY, .id = ticket->id };

  if (g_cancellable_is_cancelled (ticket->driver->cancellable))
    return; /* the driver is gone */
  if (answer->outcome == DESK_REST_OK)
    {
      gsize len;
      const char *body = g_bytes_get_data (answer->body, &len);

      reply = desk_sync_reply_read (ticket->request, body, len);
    }
  else
    {
      reply = g_new0 (DeskSyncReply, 1);
      reply->outcome = answer->outcome == DESK_REST_REFUSED     ? DESK_OUT_REFUSED
                       : answer->outcome == DESK_REST_CANCELLED ? DESK_OUT_STOPPED
                       : answer->outcome == DESK_REST_NOT_SENT ? DESK_OUT_NOT_SENT
                                                               : DESK_OUT_LOST;
      reply->failure = g_steal_pointer (&answer->failure);
      reply->error = g_steal_pointer (&answer->error);
    }
  reply->date_ms = answer->date_ms;
  input.reply = reply;
  desk_driver_feed (ticket->driver, &input);
}

static void
do_request (DeskDriver *self, DeskEffect *effect)
{
  g_autofree char *path = desk_request_path (effect->request);
  g_autofree char *body = NULL;
  Ticket *ticket = ticket_new (self, effect->id);

  ticket->request = g_steal_pointer (&effect->request);
  if (desk_request_has_files (ticket->request))
    {
      desk_loader_upload (self->loader, ticket->request, self->cancellable, on_reply, ticket);
      return;
    }
  body = desk_request_body (ticket->request);
  desk_api_request_async (self->api, desk_request_method (ticket->request), path, body,
                          desk_request_timeout_ms (ticket->request), self->cancellable, on_reply, ticket);
}

static void
on_applied (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Ticket) ticket = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) outcome = desk_store_apply_finish (DESK_STORE (source), result, &error);
  DeskInput input = { .type = DESK_INPUT_STORED, .id = ticket->id, .result = outcome };

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (outcome == NULL)
    {
      input.type = DESK_INPUT_STORE_FAILED;
      input.text = error->message;
    }
  desk_driver_feed (ticket->driver, &input);
}

static void
on_outbox (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Ticket) ticket = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = desk_store_list_outbox_finish (DESK_STORE (source), result, &error);
  DeskInput input = { .type = DESK_INPUT_OUTBOX, .entries = entries };

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error != NULL)
    g_warning ("cannot read the outbox: %s", error->message);
  desk_driver_feed (ticket->driver, &input);
}

static void
on_wanted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Ticket) ticket = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) wanted = desk_store_list_wanted_finish (DESK_STORE (source), result, &error);
  DeskInput input = { .type = DESK_INPUT_WANTED, .wanted = wanted };

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (error != NULL)
    g_warning ("cannot read what history is missing: %s", error->message);
  desk_driver_feed (ticket->driver, &input);
}

static gboolean
on_timer (gpointer data)
{
  Ticket *ticket = data;
  DeskDriver *self = ticket->driver;
  DeskInput input = { .type = DESK_INPUT_TIMER, .timer = ticket->timer };

  g_clear_pointer (&self->timers[ticket->timer], g_source_unref);
  desk_driver_feed (self, &input);
  return G_SOURCE_REMOVE;
}

static void
clear_timer (DeskDriver *self, DeskTimer timer)
{
  if (self->timers[timer] == NULL)
    return;
  g_source_destroy (self->timers[timer]);
  g_clear_pointer (&self->timers[timer], g_source_unref);
}

static void
set_timer (DeskDriver *self, DeskTimer timer, gint64 delay_ms)
{
  Ticket *ticket = ticket_new (self, 0);

  clear_timer (self, timer);
  ticket->timer = timer;
  self->timers[timer] = g_timeout_source_new ((guint) MIN (delay_ms, G_MAXINT));
  g_source_set_callback (self->timers[timer], on_timer, ticket, (GDestroyNotify) ticket_free);
  g_source_attach (self->timers[timer], g_main_context_get_thread_default ());
}

static void
do_ws_connect (DeskDriver *self, const DeskEffect *effect)
{
  g_autofree char *cursor = effect->cursor ? desk_cursor_format (effect->cursor) : NULL;
  g_autofree char *path = desk_path_ws (effect->level, cursor);

  desk_api_ws_connect (self->api, path);
}

static void
feed_token (DeskDriver *self, DeskTokenResult result)
{
  DeskInput input = { .type = DESK_INPUT_TOKEN, .token_result = result };

  desk_driver_feed (self, &input);
}

static gpointer
copy_presence (gconstpointer presence, gpointer data)
{
  return desk_presence_copy (presence);
}

static GPtrArray *
presence_copy (GPtrArray *presence)
{
  GPtrArray *copy = g_ptr_array_copy (presence, copy_presence, NULL);

  g_ptr_array_set_free_func (copy, (GDestroyNotify) desk_presence_free);
  return copy;
}

static void
on_renewed (DeskTokenResult result, gpointer data)
{
  DeskDriver *self = data;

  if (!g_cancellable_is_cancelled (self->cancellable))
    feed_token (self, result);
}

static void
do_effect (DeskDriver *self, DeskEffect *effect)
{
  DeskFetched fetched;

  switch (effect->type)
    {
    case DESK_EFFECT_REQUEST:
      do_request (self, effect);
      break;
    case DESK_EFFECT_WS_CONNECT:
      do_ws_connect (self, effect);
      break;
    case DESK_EFFECT_WS_SEND:
      desk_api_ws_send (self->api, effect->text);
      break;
    case DESK_EFFECT_WS_CLOSE:
      desk_api_ws_close (self->api, effect->code);
      break;
    case DESK_EFFECT_REFRESH:
      desk_token_keeper_renew (self->keeper, on_renewed, self);
      break;
    case DESK_EFFECT_APPLY:
      /* Never cancelled: it may be the only trace of what the server has acknowledged. */
      desk_store_apply_async (self->config.store, g_steal_pointer (&effect->batch), NULL, on_applied,
                              ticket_new (self, effect->id));
      break;
    case DESK_EFFECT_READ_OUTBOX:
      desk_store_list_outbox_async (self->config.store, self->cancellable, on_outbox, ticket_new (self, 0));
      break;
    case DESK_EFFECT_READ_WANTED:
      desk_store_list_wanted_async (self->config.store, effect->limit, self->cancellable, on_wanted,
                                    ticket_new (self, 0));
      break;
    case DESK_EFFECT_SET_TIMER:
      set_timer (self, effect->timer, effect->delay_ms);
      break;
    case DESK_EFFECT_CLEAR_TIMER:
      clear_timer (self, effect->timer);
      break;
    case DESK_EFFECT_STATE:
      g_clear_pointer (&self->news->state, desk_sync_state_free);
      self->news->state = desk_sync_state_copy (desk_engine_get_state (self->engine));
      break;
    case DESK_EFFECT_CAPABILITIES:
      g_clear_pointer (&self->news->capabilities, desk_capabilities_free);
      self->news->capabilities = desk_capabilities_copy (desk_engine_get_capabilities (self->engine));
      break;
    case DESK_EFFECT_APPLIED:
      g_ptr_array_add (self->news->events, g_steal_pointer (&effect->event));
      break;
    case DESK_EFFECT_EPHEMERAL:
      g_ptr_array_add (self->news->ephemeral, g_steal_pointer (&effect->event));
      break;
    case DESK_EFFECT_PRESENCE:
      g_clear_pointer (&self->news->presence, g_ptr_array_unref);
      self->news->presence = presence_copy (desk_engine_get_presence (self->engine));
      break;
    case DESK_EFFECT_FETCHED:
      fetched = (DeskFetched){ .id = effect->id, .ok = effect->flag, .text = g_steal_pointer (&effect->text) };
      g_array_append_val (self->news->fetched, fetched);
      break;
    }
}

static void
tell_owner (DeskDriver *self)
{
  DeskNews *news = self->news;
  gboolean settled = desk_engine_is_settled (self->engine);

  if (settled == self->settled_told && news->state == NULL && news->capabilities == NULL && news->events->len == 0
      && news->presence == NULL && news->ephemeral->len == 0 && news->fetched->len == 0)
    return;
  self->settled_told = settled;
  news->settled = settled;
  self->news = desk_news_new ();
  self->config.news (news, self->config.news_data);
}

void
desk_driver_feed (DeskDriver *self, DeskInput *input)
{
  g_autoptr (GPtrArray) effects = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_effect_free);

  if (input->type == DESK_INPUT_NETWORK && input->flag)
    desk_api_ws_probe (self->api);
  input->now_us = desk_clock_monotonic_us (self->config.clock);
  input->wall_ms = desk_clock_now_ms (self->config.clock);
  desk_engine_step (self->engine, input, effects);
  for (guint i = 0; i < effects->len; i++)
    do_effect (self, g_ptr_array_index (effects, i));
  tell_owner (self);
}

/* ── Start and end ──────────────────────────────────────────────────────────────────────────── */

static gint64
setting_int (DeskDriver *self, const char *key)
{
  g_autofree char *text = desk_store_get_setting (self->config.store, key, NULL);

  return text ? g_ascii_strtoll (text, NULL, 10) : 0;
}

static void
feed_start (DeskDriver *self)
{
  g_autofree char *cursor_text = desk_store_get_setting (self->config.store, "cursor", NULL);
  g_autofree char *caps_text = desk_store_get_setting (self->config.store, "capabilities", NULL);
  g_autoptr (DeskCursor) cursor = cursor_text ? desk_cursor_parse (cursor_text) : NULL;
  g_autoptr (DeskCapabilities) caps = NULL;
  DeskInput input = { .type = DESK_INPUT_START };

  if (caps_text != NULL)
    caps = desk_wire_read_capabilities (caps_text, strlen (caps_text), NULL);
  if (caps != NULL)
    caps->server_time_ms = 0; /* of that day */
  input.has_token = desk_api_has_token (self->api);
  input.cursor = cursor;
  input.capabilities = caps;
  input.capabilities_ms = setting_int (self, "capabilities_ms");
  input.team_ms = setting_int (self, "team_ms");
  input.complete_to_ms = setting_int (self, "complete_to_ms");
  input.server_offset_ms = setting_int (self, "server_offset_ms");
  if (self->config.files_only)
    return;
  self->started = TRUE;
  desk_store_sweep_files_async (self->config.store, NULL, NULL, NULL);
  desk_driver_feed (self, &input);
}

static void
on_tokens (gpointer data)
{
  feed_start (data);
}

void
desk_driver_start (DeskDriver *self)
{
  desk_token_keeper_load (self->keeper, on_tokens, self);
}

static void
on_ws_opened (DeskApi *api, DeskDriver *self)
{
  DeskInput input = { .type = DESK_INPUT_WS_OPENED };

  desk_driver_feed (self, &input);
}

static void
on_ws_frame (DeskApi *api, GBytes *bytes, DeskDriver *self)
{
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskEvent) event = desk_wire_read_log_event (text, len, &error);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = event };

  /* A frame that cannot be read shows as a gap and is asked for again by /changes. */
  if (event == NULL)
    g_info ("a websocket frame cannot be read: %s", error->message);
  else
    desk_driver_feed (self, &input);
}

static void
on_ws_closed (DeskApi *api, guint code, const char *reason, DeskDriver *self)
{
  DeskInput input = { .type = DESK_INPUT_WS_CLOSED, .code = code, .text = reason };

  desk_driver_feed (self, &input);
}

/* How long the machine has slept since it booted: CLOCK_MONOTONIC stands still meanwhile. */
static gint64
slept_us (void)
{
  struct timespec boot, mono;

  clock_gettime (CLOCK_BOOTTIME, &boot);
  clock_gettime (CLOCK_MONOTONIC, &mono);
  return (gint64) (boot.tv_sec - mono.tv_sec) * G_USEC_PER_SEC + (boot.tv_nsec - mono.tv_nsec) / 1000;
}

static gboolean
check_wake (gpointer data)
{
  DeskDriver *self = data;
  gint64 now = self->config.slept_us ();

  if (now - self->slept_us > WAKE_JUMP_US)
    {
      DeskInput input = { .type = DESK_INPUT_RETRY_NOW, .flag = TRUE };

      desk_driver_feed (self, &input);
    }
  self->slept_us = now;
  return G_SOURCE_CONTINUE;
}

DeskDriver *
desk_driver_new (const DeskDriverConfig *config)
{
  DeskDriver *self = g_new0 (DeskDriver, 1);
  DeskEngineOptions options = {
    .random = config->random, .username = config->username, .no_backfill = config->no_backfill
  };

  self->config = *config;
  self->engine = desk_engine_new (&options);
  self->api = desk_api_new (config->server_url);
  self->cancellable = g_cancellable_new ();
  self->news = desk_news_new ();
  self->keeper = desk_token_keeper_new (self->api, config->server_url, config->username, config->token);
  self->loader = desk_loader_new (self->api, self->keeper, config->store, config->random, config->files);
  g_signal_connect (self->api, "ws-opened", G_CALLBACK (on_ws_opened), self);
  g_signal_connect (self->api, "ws-frame", G_CALLBACK (on_ws_frame), self);
  g_signal_connect (self->api, "ws-closed", G_CALLBACK (on_ws_closed), self);
  if (self->config.slept_us == NULL)
    self->config.slept_us = slept_us;
  self->slept_us = self->config.slept_us ();
  self->wake = g_timeout_source_new_seconds (WAKE_CHECK_S);
  g_source_set_callback (self->wake, check_wake, self, NULL);
  g_source_attach (self->wake, g_main_context_get_thread_default ());
  if (!config->files_only)
    self->retention = desk_retention_new (config->store, config->clock, config->trim_after_ms);
  return self;
}

static gboolean
give_up (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Cancelled calls come back at once; a commit under way is waited for. */
static void
drain (DeskDriver *self)
{
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr (GSource) deadline = g_timeout_source_new (STOP_MS);
  gboolean expired = FALSE;

  g_source_set_callback (deadline, give_up, &expired, NULL);
  g_source_attach (deadline, context);
  while ((self->pending > 0 || desk_loader_is_busy (self->loader) || desk_token_keeper_is_busy (self->keeper)) && !expired)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (deadline);
  if (self->pending > 0)
    g_info ("%u calls did not come back before the end", self->pending);
}

/* ── Questions beside the engine ────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskDriver *driver;
  const char *method; /* static */
  char *path;
  char *body; /* nullable */
  guint timeout_ms;
  gboolean renewed;
  DeskGotFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Question;

static void
question_free (Question *question)
{
  question->driver->pending--;
  question->destroy (question->data);
  g_free (question->path);
  g_free (question->body);
  g_free (question);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

static void ask (Question *question);

static void
on_renewed_for_question (DeskTokenResult result, gpointer data)
{
  g_autoptr (Question) question = data;
  DeskRestAnswer none = { .outcome = result == DESK_TOKEN_REFUSED ? DESK_REST_REFUSED : DESK_REST_LOST, .status = 401 };

  if (g_cancellable_is_cancelled (question->driver->cancellable))
    return;
  if (result == DESK_TOKEN_RENEWED)
    ask (g_steal_pointer (&question));
  else
    question->func (&none, question->data);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Question) question = data;
  DeskDriver *self = question->driver;
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);

  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  if (answer->outcome == DESK_REST_REFUSED && answer->status == 401 && !question->renewed)
    {
      question->renewed = TRUE;
      desk_token_keeper_renew (self->keeper, on_renewed_for_question, g_steal_pointer (&question));
      return;
    }
  question->func (answer, question->data);
}

static void
ask (Question *question)
{
  DeskDriver *self = question->driver;

  desk_api_request_async (self->api, question->method, question->path, question->body, question->timeout_ms,
                          self->cancellable, on_answered, question);
}

void
desk_driver_get (DeskDriver *self, const char *path, guint timeout_ms, DeskGotFunc func, gpointer data,
                 GDestroyNotify destroy)
{
  desk_driver_ask (self, "GET", path, NULL, timeout_ms, func, data, destroy);
}

void
desk_driver_ask (DeskDriver *self, const char *method, const char *path, const char *body, guint timeout_ms,
                 DeskGotFunc func, gpointer data, GDestroyNotify destroy)
{
  Question *question = g_new0 (Question, 1);

  *question = (Question){ self, method, g_strdup (path), g_strdup (body), timeout_ms, FALSE, func, data, destroy };
  self->pending++;
  ask (question);
}

DeskLoader *
desk_driver_get_loader (DeskDriver *self)
{
  return self->loader;
}

void
desk_driver_free (DeskDriver *self)
{
  DeskInput input = { .type = DESK_INPUT_STOP };

  if (self->started)
    desk_driver_feed (self, &input);
  g_signal_handlers_disconnect_by_data (self->api, self);
  g_cancellable_cancel (self->cancellable);
  desk_loader_stop (self->loader);
  desk_token_keeper_stop (self->keeper);
  for (guint i = 0; i < DESK_N_TIMERS; i++)
    clear_timer (self, i);
  g_source_destroy (self->wake);
  g_source_unref (self->wake);
  g_clear_pointer (&self->retention, desk_retention_free);
  drain (self);
  g_clear_pointer (&self->loader, desk_loader_unref);
  g_clear_object (&self->api);
  /* Connections that were closed end on the loop. */
  for (guint i = 0; i < 1000 && g_main_context_iteration (g_main_context_get_thread_default (), FALSE); i++)
    ;
  g_clear_object (&self->cancellable);
  desk_token_keeper_free (self->keeper);
  desk_engine_free (self->engine);
  desk_news_free (self->news);
  g_free (self);
}
