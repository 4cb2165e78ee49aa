/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* Sessions of websockets.
 *
 * A level-2 socket begins with a replay: hello, the presence of all, then the log from its cursor
 * (or from the head that hello tells); the hub switches it to live events without a gap. A level-0
 * socket gets live level-0 frames alone, never an internal note.
 * Invariants: a session is touched on the hub thread of its socket only; nothing is sent before
 * the token was accepted; a token reaches no log. */

#include "server/main/desk-daemon-sockets.h"

#include <string.h>
#include <unistd.h>

#include "common/desk-crypto.h"
#include "common/desk-log.h"
#include "server/main/desk-daemon-presence.h"

#define CLASS_LEVEL0     (1u << 0)
#define CLASS_LEVEL2     (1u << 1)
#define REPLAY_BATCH     64
#define TYPING_US        (3 * G_USEC_PER_SEC)
#define FRAMES_WINDOW_US (10 * G_USEC_PER_SEC)
#define FRAMES_MAX       500 /* of a client in that window; a person needs a handful */

struct _DeskSockets
{
  DeskSocketsOptions options;
  GRWLock lock; /* guards hub: writing means shutting down */
  DeskHub *hub;
  DeskPresence *presence;
};

typedef struct
{
  DeskSockets *owner;
  DeskIdentity *who; /* NULL until the token was accepted */
  char *token;
  guint level;
  char *cursor;
  gboolean started;

  char *typing_chat; /* the last chat typed in, and when that was told */
  gint64 typing_us;
  gint64 window_us;
  guint n_frames;
} Session;

typedef struct
{
  DeskSockets *owner;
  char *cursor;
  gboolean begun;
} Replay;

static void
session_free (gpointer data)
{
  Session *self = data;

  g_clear_pointer (&self->who, desk_identity_unref);
  desk_secure_clear (self->token);
  g_free (self->token);
  g_free (self->cursor);
  g_free (self->typing_chat);
  g_free (self);
}

static DeskFrame *
frame_of_event (const DeskEvent *event)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, text);
  desk_wire_write_event (&writer, event);
  return desk_frame_text_new (text->str, (gssize)text->len);
}

static DeskFrame *
frame_of_bytes (GBytes *bytes)
{
  gsize len;
  const char *text = g_bytes_get_data (bytes, &len);

  return desk_frame_text_new (text, (gssize)len);
}

/* Takes filter_data over, also when there is no hub any more. */
static void
broadcast (DeskSockets *self, const DeskHubEvent *event)
{
  g_rw_lock_reader_lock (&self->lock);
  if (self->hub != NULL)
    desk_hub_broadcast_event (self->hub, event);
  else if (event->filter_destroy != NULL)
    event->filter_destroy (event->filter_data);
  g_rw_lock_reader_unlock (&self->lock);
}

static void
tell_level2 (DeskFrame *frame, gpointer data)
{
  const DeskHubEvent event = { .forms = { { CLASS_LEVEL2, frame } } };

  broadcast (data, &event);
}

/* ── The beginning of a level-2 socket ──────────────────────────────────────────────────────── */
static void
replay_free (gpointer data)
{
  Replay *self = data;

  g_free (self->cursor);
  g_free (self);
}

/* The cursor to replay from, or NULL: the client must take a snapshot. */
static DeskCursor *
find_resume (Replay *self)
{
  g_autoptr (DeskCursor) cursor
      = self->cursor != NULL ? desk_cursor_parse (self->cursor) : NULL;

  if (cursor == NULL || !desk_service_can_resume (self->owner->options.service, cursor))
    return NULL;
  return g_steal_pointer (&cursor);
}

static void
begin_replay (Replay *self, GPtrArray *frames, guint64 *position)
{
  DeskService *service = self->owner->options.service;
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_HELLO);
  DeskHello *hello = g_new0 (DeskHello, 1);
  const gint64 head = desk_service_get_head (service, 0);
  g_autoptr (DeskCursor) resume = find_resume (self);

  event->hello = hello;
  hello->epoch = desk_service_get_epoch (service);
  hello->reset = resume == NULL;
  hello->head = desk_cursor_new (hello->epoch);
  desk_cursor_set (hello->head, 0, head);
  hello->server_time_ms = desk_clock_now_ms (self->owner->options.clock);
  hello->heartbeat_ms = DESK_SOCKETS_HEARTBEAT_MS;
  g_ptr_array_add (frames, frame_of_event (event));
  desk_presence_snapshot (self->owner->presence, frames);
  *position = (guint64)(resume != NULL ? desk_cursor_get (resume, 0) : head);
}

static gboolean
next_replay (DeskSocket *socket, GPtrArray *frames, guint64 *position, gpointer data)
{
  Replay *self = data;
  g_autoptr (GError) error = NULL;
  gint64 last = 0;

  if (!self->begun)
    {
      self->begun = TRUE;
      begin_replay (self, frames, position);
      return TRUE;
    }
  g_autoptr (GPtrArray) events = desk_service_read_log (
      self->owner->options.service, 0, (gint64)*position, REPLAY_BATCH, &last, &error);
  if (events == NULL)
    {
      desk_log_event (G_LOG_LEVEL_WARNING, G_LOG_DOMAIN, "The log cannot be replayed", "error",
                      error != NULL ? error->message : NULL, NULL);
      desk_socket_close (socket, 1011, "The log cannot be read");
      return FALSE;
    }
  for (guint i = 0; i < events->len; i++)
    g_ptr_array_add (frames, frame_of_bytes (g_ptr_array_index (events, i)));
  if (events->len > 0)
    *position = (guint64)last;
  return events->len >= REPLAY_BATCH;
}

/* The token was accepted. */
static void
start_session (DeskSocket *socket, Session *session)
{
  session->started = TRUE;
  desk_socket_set_authenticated (socket);
  desk_presence_join (session->owner->presence, session->who->username);
  if (session->level == 2)
    {
      Replay *replay = g_new0 (Replay, 1);
      replay->owner = session->owner;
      replay->cursor = g_steal_pointer (&session->cursor);
      desk_socket_begin_replay (socket, next_replay, replay, replay_free);
      desk_socket_set_class (socket, CLASS_LEVEL2);
    }
  else
    desk_socket_set_class (socket, CLASS_LEVEL0);
}

/* ── What a client says ─────────────────────────────────────────────────────────────────────── */
static gboolean
is_other_person (DeskSocket *socket, gpointer username)
{
  const Session *session = desk_socket_get_data (socket);

  return session->who != NULL && strcmp (session->who->username, username) != 0;
}

static void
take_typing (Session *session, const DeskClientFrame *frame)
{
  DeskSockets *self = session->owner;
  g_autofree char *chat = g_strconcat (frame->platform, "/", frame->user_id, NULL);
  const gint64 now_us = desk_clock_monotonic_us (self->options.clock);

  if (session->typing_us != 0 && g_strcmp0 (session->typing_chat, chat) == 0
      && now_us - session->typing_us < TYPING_US)
    return;
  g_free (session->typing_chat);
  session->typing_chat = g_steal_pointer (&chat);
  session->typing_us = now_us;

  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_TYPING);
  event->platform = g_strdup (frame->platform);
  event->user_id = g_strdup (frame->user_id);
  event->username = g_strdup (session->who->username);
  event->by_customer = FALSE;
  g_autoptr (DeskFrame) encoded = frame_of_event (event);
  const DeskHubEvent out = {
    .forms = { { CLASS_LEVEL2, encoded } },
    .filter = is_other_person,
    .filter_data = g_strdup (session->who->username),
    .filter_destroy = g_free,
  };
  broadcast (self, &out);
  if (self->options.typing != NULL)
    self->options.typing (frame->platform, frame->user_id, self->options.data);
}

static void
drop_reply (DeskReply *reply, gpointer data)
{
  desk_reply_free (reply);
}

static void
take_auth (DeskSocket *socket, Session *session, const DeskClientFrame *frame)
{
  session->who = desk_service_authenticate (session->owner->options.service, frame->token);
  if (session->who == NULL)
    {
      desk_socket_close (socket, DESK_CLOSE_TOKEN_REFUSED, "The token is not valid");
      return;
    }
  session->token = g_strdup (frame->token);
  start_session (socket, session);
}

static void
take_frame (DeskSocket *socket, Session *session, const DeskClientFrame *frame)
{
  DeskSockets *self = session->owner;

  switch (frame->type)
    {
    case DESK_CLIENT_FRAME_TYPING:
      take_typing (session, frame);
      break;
    case DESK_CLIENT_FRAME_VIEWING:
      desk_presence_view (self->presence, session->who->username, session, frame->platform,
                          frame->user_id);
      break;
    case DESK_CLIENT_FRAME_MARK_READ:
      desk_service_mark_read (self->options.service, session->who, frame->platform, frame->user_id,
                              G_MAXINT64, drop_reply, NULL);
      break;
    case DESK_CLIENT_FRAME_AUTH:    /* it is known already */
    case DESK_CLIENT_FRAME_UNKNOWN: /* of a newer client */
    default:
      break;
    }
}

static gboolean
is_flood (Session *session)
{
  const gint64 now_us = desk_clock_monotonic_us (session->owner->options.clock);

  if (session->n_frames == 0 || now_us - session->window_us > FRAMES_WINDOW_US)
    {
      session->window_us = now_us;
      session->n_frames = 0;
    }
  return ++session->n_frames > FRAMES_MAX;
}

static void
on_message (DeskSocket *socket, const char *text, gsize len, gpointer user_data)
{
  Session *session = desk_socket_get_data (socket);
  g_autoptr (DeskClientFrame) frame = desk_wire_read_client_frame (text, len, NULL);

  if (frame == NULL)
    desk_socket_close (socket, DESK_CLOSE_BAD_FRAME, "Not a frame of the protocol");
  else if (is_flood (session))
    desk_socket_close (socket, DESK_CLOSE_BAD_FRAME, "Too many frames");
  else if (session->who != NULL)
    take_frame (socket, session, frame);
  else if (frame->type == DESK_CLIENT_FRAME_AUTH)
    take_auth (socket, session, frame);
  else
    desk_socket_close (socket, DESK_CLOSE_TOKEN_REFUSED, "The first frame must be auth");
  if (frame != NULL)
    desk_secure_clear (frame->token);
}

static void
on_opened (DeskSocket *socket, gpointer user_data)
{
  Session *session = desk_socket_get_data (socket);

  if (session->who != NULL)
    start_session (socket, session);
}

static void
on_closed (DeskSocket *socket, guint16 code, gpointer user_data)
{
  Session *session = desk_socket_get_data (socket);

  if (session->started)
    desk_presence_leave (session->owner->presence, session->who->username, session);
}

/* ── Interface ──────────────────────────────────────────────────────────────────────────────── */
DeskSockets *
desk_sockets_new (const DeskSocketsOptions *options, GError **error)
{
  static const DeskHubCallbacks callbacks = { on_opened, on_message, on_closed };
  const DeskHubOptions hub_options = {
    .max_message_bytes = DESK_WIRE_MAX_CLIENT_FRAME,
    .ping_interval_ms = DESK_SOCKETS_HEARTBEAT_MS,
  };
  DeskSockets *self = g_new0 (DeskSockets, 1);

  self->options = *options;
  g_rw_lock_init (&self->lock);
  self->presence = desk_presence_new (tell_level2, self);
  self->hub = desk_hub_new (&hub_options, &callbacks, self, error);
  if (self->hub == NULL)
    g_clear_pointer (&self, desk_sockets_free);
  return self;
}

void
desk_sockets_adopt (DeskSockets *self, const DeskHttpUpgraded *upgraded)
{
  Session *session = g_new0 (Session, 1);
  g_autoptr (GError) error = NULL;

  session->owner = self;
  session->who = upgraded->who;
  session->token = g_strdup (upgraded->token);
  session->level = upgraded->level;
  session->cursor = g_strdup (upgraded->cursor);

  g_rw_lock_reader_lock (&self->lock);
  if (self->hub == NULL)
    {
      close (upgraded->fd);
      session_free (session);
    }
  else if (!desk_hub_adopt (self->hub, upgraded->fd, upgraded->extra, upgraded->extra_len, session,
                            session_free, &error))
    desk_log_event (G_LOG_LEVEL_WARNING, G_LOG_DOMAIN, "A websocket was not taken over", "error",
                    error->message, NULL);
  g_rw_lock_reader_unlock (&self->lock);
}

void
desk_sockets_publish (DeskSockets *self, const DeskLoggedEvent *const *events, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      const DeskLoggedEvent *logged = events[i];
      const gboolean for_level0 = logged->frame_level0 != NULL && !logged->is_private;
      g_autoptr (DeskFrame) frame = frame_of_bytes (logged->frame);
      g_autoptr (DeskFrame) level0 = for_level0 ? frame_of_bytes (logged->frame_level0) : NULL;
      const DeskHubEvent event = {
        .forms = { { CLASS_LEVEL2, frame }, { CLASS_LEVEL0, level0 } },
        .order = (guint64)logged->seq,
      };
      broadcast (self, &event);
    }
}

void
desk_sockets_ephemeral (DeskSockets *self, GBytes *bytes, GBytes *bytes_level0)
{
  g_autoptr (DeskFrame) frame = frame_of_bytes (bytes);
  g_autoptr (DeskFrame) level0 = bytes_level0 != NULL ? frame_of_bytes (bytes_level0) : NULL;
  const DeskHubEvent event = { .forms = { { CLASS_LEVEL2, frame }, { CLASS_LEVEL0, level0 } } };

  broadcast (self, &event);
}

void
desk_sockets_beat (DeskSockets *self)
{
  DeskService *service = self->options.service;
  g_autofree char *epoch = desk_service_get_epoch (service);
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_HEAD);

  event->head = desk_cursor_new (epoch);
  desk_cursor_set (event->head, 0, desk_service_get_head (service, 0));
  g_autoptr (DeskFrame) frame = frame_of_event (event);
  tell_level2 (frame, self);
}

/* A filter that lets nothing through: it visits each session on its own thread. */
static gboolean
check_token (DeskSocket *socket, gpointer data)
{
  const Session *session = desk_socket_get_data (socket);
  DeskSockets *self = data;
  g_autoptr (DeskIdentity) who
      = session->token != NULL
            ? desk_service_authenticate (self->options.service, session->token)
            : NULL;

  if (session->token != NULL && who == NULL)
    desk_socket_close (socket, DESK_CLOSE_TOKEN_REFUSED, "The token is no longer valid");
  return FALSE;
}

void
desk_sockets_check_tokens (DeskSockets *self)
{
  g_autoptr (DeskFrame) frame = desk_frame_text_new ("{}", 2);
  const DeskHubEvent event = {
    .forms = { { CLASS_LEVEL2, frame }, { CLASS_LEVEL0, frame } },
    .filter = check_token,
    .filter_data = self,
  };

  broadcast (self, &event);
}

void
desk_sockets_shutdown (DeskSockets *self, gint64 deadline_ms)
{
  g_rw_lock_writer_lock (&self->lock);
  DeskHub *hub = g_steal_pointer (&self->hub);
  g_rw_lock_writer_unlock (&self->lock);

  if (hub != NULL)
    desk_hub_shutdown (hub, DESK_CLOSE_GOING_AWAY, deadline_ms);
}

void
desk_sockets_free (DeskSockets *self)
{
  if (self == NULL)
    return;
  desk_sockets_shutdown (self, 0);
  desk_presence_free (self->presence);
  g_rw_lock_clear (&self->lock);
  g_free (self);
}

static void
write_metric (GString *out, const char *name, const char *type, const char *help, guint64 value)
{
  g_string_append_printf (out, "# HELP %s %s\n# TYPE %s %s\n%s %" G_GUINT64_FORMAT "\n", name, help,
                          name, type, name, value);
}

void
desk_sockets_write_metrics (DeskSockets *self, GString *out)
{
  DeskHubStats stats = { 0 };

  g_rw_lock_reader_lock (&self->lock);
  if (self->hub != NULL)
    desk_hub_get_stats (self->hub, &stats);
  g_rw_lock_reader_unlock (&self->lock);
  write_metric (out, "frontdesk_websockets", "gauge", "Websockets open.", stats.sockets);
  write_metric (out, "frontdesk_websockets_opened_total", "counter", "Websockets ever opened.",
                stats.opened);
  write_metric (out, "frontdesk_websocket_frames_total", "counter", "Frames sent.",
                stats.frames_out);
  write_metric (out, "frontdesk_websocket_overflows_total", "counter",
                "Sockets closed because they were too slow.", stats.overflows);
}
