/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* The hub: its threads, and what concerns all of them. */

G_DEFINE_QUARK (desk-hub-error-quark, desk_hub_error)

struct _DeskHub
{
  guint n_threads;
  DeskHubThread **threads;
  guint max_sockets;
  gint load; /* atomic: sockets, including those on their way to a thread */
  /* Held while an event is pushed to all threads: this makes the order of broadcasts one. */
  pthread_mutex_t broadcast_lock;
};

static void
fill_in_defaults (DeskHubOptions *options)
{
#define DEFAULT(field, value) options->field = options->field != 0 ? options->field : (value)
  DEFAULT (threads, CLAMP (g_get_num_processors (), 1, 4));
  DEFAULT (max_message_bytes, 16384);
  DEFAULT (max_queue_bytes, 4 * 1024 * 1024);
  DEFAULT (max_queue_frames, 4096);
  DEFAULT (ping_interval_ms, 30000);
  DEFAULT (pong_timeout_ms, 10000);
  DEFAULT (auth_timeout_ms, 5000);
  DEFAULT (close_timeout_ms, 2000);
  DEFAULT (clock, desk_clock_system ());
#undef DEFAULT
}

DeskHub *
desk_hub_new (const DeskHubOptions *options, const DeskHubCallbacks *callbacks, gpointer user_data,
              GError **error)
{
  DeskHubOptions filled = { 0 };
  DeskHub *self;

  g_return_val_if_fail (callbacks != NULL, NULL);

  if (options != NULL)
    filled = *options;
  fill_in_defaults (&filled);
  self = g_new0 (DeskHub, 1);
  self->max_sockets = filled.max_sockets;
  self->threads = g_new0 (DeskHubThread *, filled.threads);
  pthread_mutex_init (&self->broadcast_lock, NULL);
  for (; self->n_threads < filled.threads; self->n_threads++)
    {
      self->threads[self->n_threads]
          = desk_hub_thread_new (&filled, callbacks, user_data, &self->load, error);
      if (self->threads[self->n_threads] == NULL)
        {
          desk_hub_shutdown (self, DESK_HUB_CLOSE_GOING_AWAY, 0);
          return NULL;
        }
    }
  return self;
}

void
desk_hub_shutdown (DeskHub *hub, guint16 code, gint64 deadline_ms)
{
  gint64 deadline_us = desk_clock_monotonic_us (desk_clock_system ()) + deadline_ms * 1000;

  g_return_if_fail (hub != NULL);

  for (guint i = 0; i < hub->n_threads; i++)
    {
      DeskCommand command = { DESK_COMMAND_STOP, code, NULL,
                              g_memdup2 (&deadline_us, sizeof deadline_us) };

      desk_hub_thread_push (hub->threads[i], &command);
    }
  for (guint i = 0; i < hub->n_threads; i++)
    g_thread_join (hub->threads[i]->gthread);
  for (guint i = 0; i < hub->n_threads; i++)
    desk_hub_thread_unref (hub->threads[i]);
  pthread_mutex_destroy (&hub->broadcast_lock);
  g_free (hub->threads);
  g_free (hub);
}

/* ── Adopting ───────────────────────────────────────────────────────────────────────────────── */
static DeskHubThread *
least_loaded (DeskHub *hub)
{
  DeskHubThread *best = hub->threads[0];

  for (guint i = 1; i < hub->n_threads; i++)
    if (g_atomic_int_get (&hub->threads[i]->load) < g_atomic_int_get (&best->load))
      best = hub->threads[i];
  return best;
}

/* TCP_NODELAY: an echo takes 44 ms without it (Nagle against delayed acknowledgements). It fails on
 * sockets other than TCP's, which is all right. */
static void
prepare_descriptor (int fd)
{
  int flags = fcntl (fd, F_GETFL);
  int one = 1;

  if (flags >= 0 && (flags & O_NONBLOCK) == 0)
    fcntl (fd, F_SETFL, flags | O_NONBLOCK);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

gboolean
desk_hub_adopt (DeskHub *hub, int fd, const void *extra_in, gsize extra_in_len,
                gpointer socket_data, GDestroyNotify destroy, GError **error)
{
  DeskHubThread *thread;
  DeskCommand command = { DESK_COMMAND_ADOPT, 0, NULL, NULL };
  guint load;

  g_return_val_if_fail (hub != NULL, FALSE);
  g_return_val_if_fail (fd >= 0, FALSE);

  load = (guint) g_atomic_int_add (&hub->load, 1) + 1;
  thread = least_loaded (hub);
  g_atomic_int_inc (&thread->load);
  command.socket = desk_socket_new (thread, fd, socket_data, destroy);
  if (hub->max_sockets != 0 && load > hub->max_sockets)
    {
      desk_socket_unref (command.socket);
      g_set_error (error, DESK_HUB_ERROR, DESK_HUB_ERROR_LIMIT, "There are %u websockets already",
                   hub->max_sockets);
      return FALSE;
    }
  prepare_descriptor (fd);
  if (extra_in_len > 0)
    command.pointer = g_bytes_new (extra_in, extra_in_len);
  if (desk_hub_thread_push (thread, &command))
    return TRUE;
  g_set_error_literal (error, DESK_HUB_ERROR, DESK_HUB_ERROR_CLOSED, "The server is stopping");
  return FALSE;
}

/* ── Broadcasts ─────────────────────────────────────────────────────────────────────────────── */
DeskSharedEvent *
desk_shared_event_new (const DeskHubEvent *event)
{
  DeskSharedEvent *shared = g_new0 (DeskSharedEvent, 1);

  shared->refs = 1;
  shared->event = *event;
  for (guint i = 0; i < DESK_HUB_MAX_FORMS; i++)
    if (shared->event.forms[i].frame != NULL)
      desk_frame_ref (shared->event.forms[i].frame);
  return shared;
}

void
desk_shared_event_unref (DeskSharedEvent *shared)
{
  if (!g_atomic_int_dec_and_test (&shared->refs))
    return;
  for (guint i = 0; i < DESK_HUB_MAX_FORMS; i++)
    g_clear_pointer (&shared->event.forms[i].frame, desk_frame_unref);
  if (shared->event.filter_destroy != NULL)
    shared->event.filter_destroy (shared->event.filter_data);
  g_free (shared);
}

static void
broadcast (DeskHub *hub, DeskSharedEvent *shared)
{
  pthread_mutex_lock (&hub->broadcast_lock);
  for (guint i = 0; i < hub->n_threads; i++)
    {
      DeskCommand command = { DESK_COMMAND_EVENT, 0, NULL, shared };

      g_atomic_int_inc (&shared->refs);
      desk_hub_thread_push (hub->threads[i], &command);
    }
  pthread_mutex_unlock (&hub->broadcast_lock);
  desk_shared_event_unref (shared);
}

void
desk_hub_broadcast_event (DeskHub *hub, const DeskHubEvent *event)
{
  g_return_if_fail (hub != NULL);
  g_return_if_fail (event != NULL);

  broadcast (hub, desk_shared_event_new (event));
}

void
desk_hub_broadcast (DeskHub *hub, guint class_mask, DeskFrame *frame)
{
  DeskHubEvent event = { .forms = { { class_mask, frame } } };

  g_return_if_fail (class_mask != 0);
  g_return_if_fail (frame != NULL);

  desk_hub_broadcast_event (hub, &event);
}

void
desk_hub_get_stats (DeskHub *hub, DeskHubStats *out_stats)
{
  DeskHubStats sum = { 0 };

  g_return_if_fail (hub != NULL);
  g_return_if_fail (out_stats != NULL);

  sum.sockets = (guint) g_atomic_int_get (&hub->load);
  for (guint i = 0; i < hub->n_threads; i++)
    {
      sum.opened += DESK_STAT_GET (hub->threads[i], opened);
      sum.messages_in += DESK_STAT_GET (hub->threads[i], messages_in);
      sum.frames_out += DESK_STAT_GET (hub->threads[i], frames_out);
      sum.bytes_out += DESK_STAT_GET (hub->threads[i], bytes_out);
      sum.overflows += DESK_STAT_GET (hub->threads[i], overflows);
      sum.frames_dropped += DESK_STAT_GET (hub->threads[i], frames_dropped);
      sum.pong_timeouts += DESK_STAT_GET (hub->threads[i], pong_timeouts);
      sum.protocol_errors += DESK_STAT_GET (hub->threads[i], protocol_errors);
    }
  *out_stats = sum;
}
