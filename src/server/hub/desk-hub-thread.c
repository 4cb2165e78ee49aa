/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* One epoll thread. A turn of its loop: wait; read from the sockets that have something; do what is
 * in the inbox; fire timers; flush the sockets that were given frames. So all frames a socket gets
 * in one turn leave with one system call, and nothing is done for sockets without traffic.
 *
 * Invariants: only this thread touches a socket's plain fields; sockets are finished only while
 * reading, firing timers and flushing, never while the list of sockets is walked; callbacks run
 * without a lock, and what they ask for goes through the inbox, so they cannot recur. */

#define EVENTS_A_TURN 256
#define TICKS_A_PERIOD 16
#define MAX_TICK_US (250 * 1000)

static void
free_command (DeskCommand *command)
{
  switch (command->kind)
    {
    case DESK_COMMAND_ADOPT:
      g_clear_pointer ((GBytes **) &command->pointer, g_bytes_unref);
      break;
    case DESK_COMMAND_SEND:
      desk_frame_unref (command->pointer);
      break;
    case DESK_COMMAND_EVENT:
      desk_shared_event_unref (command->pointer);
      break;
    case DESK_COMMAND_REPLAY:
      desk_replay_free (command->pointer);
      break;
    case DESK_COMMAND_CLOSE:
    case DESK_COMMAND_STOP:
      g_free (command->pointer);
      break;
    case DESK_COMMAND_CLASS:
    case DESK_COMMAND_OVERFLOW:
      break;
    }
  g_clear_pointer (&command->socket, desk_socket_unref);
}

static void
wake (DeskHubThread *self)
{
  guint64 one = 1;

  while (write (self->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
    ;
}

gboolean
desk_hub_thread_push (DeskHubThread *self, const DeskCommand *command)
{
  gboolean stopped, need_wake = FALSE;
  DeskCommand dropped = *command;

  pthread_mutex_lock (&self->lock);
  stopped = self->stopped;
  if (!stopped)
    {
      g_array_append_vals (self->inbox, command, 1);
      /* Within a callback: the loop looks into the inbox before it sleeps. */
      need_wake = !self->woken && g_thread_self () != self->gthread;
      if (need_wake)
        self->woken = TRUE;
    }
  /* Within the lock: the descriptor is closed only once `stopped` is set. */
  if (need_wake)
    wake (self);
  pthread_mutex_unlock (&self->lock);
  if (stopped)
    free_command (&dropped);
  return !stopped;
}

/* ── Commands ───────────────────────────────────────────────────────────────────────────────── */
static void
send_command (DeskHubThread *self, DeskCommand *command)
{
  if (command->socket->state == DESK_SOCKET_OPEN)
    desk_socket_queue (command->socket, g_steal_pointer ((DeskFrame **) &command->pointer), TRUE,
                       FALSE);
  else
    DESK_STAT_ADD (self, frames_dropped, 1);
}

static void
fan_out (DeskHubThread *self, const DeskHubEvent *event)
{
  for (guint i = 0; i < self->sockets->len; i++)
    desk_socket_deliver_event (g_ptr_array_index (self->sockets, i), event);
}

static void
stop_command (DeskHubThread *self, DeskCommand *command)
{
  self->stopping = TRUE;
  self->stop_code = (guint16) command->number;
  self->stop_us = *(gint64 *) command->pointer;
  for (guint i = 0; i < self->sockets->len; i++)
    desk_socket_start_close (g_ptr_array_index (self->sockets, i), self->stop_code, "going away",
                             FALSE);
}

static void
run_command (DeskHubThread *self, DeskCommand *command)
{
  DeskSocket *socket = command->socket;

  switch (command->kind)
    {
    case DESK_COMMAND_ADOPT:
      if (!self->stopping)
        desk_socket_open (socket, command->pointer);
      break;
    case DESK_COMMAND_SEND:
      send_command (self, command);
      if (command->pointer == NULL)
        {
          g_clear_pointer (&command->socket, desk_socket_unref);
          return;
        }
      break;
    case DESK_COMMAND_EVENT:
      fan_out (self, &((DeskSharedEvent *) command->pointer)->event);
      break;
    case DESK_COMMAND_CLASS:
      g_atomic_int_set ((gint *) &socket->class_mask, (gint) command->number);
      break;
    case DESK_COMMAND_CLOSE:
      desk_socket_start_close (socket, (guint16) command->number, command->pointer, FALSE);
      break;
    case DESK_COMMAND_OVERFLOW:
      desk_socket_overflow (socket);
      break;
    case DESK_COMMAND_REPLAY:
      desk_socket_take_replay (socket, g_steal_pointer ((DeskReplay **) &command->pointer));
      break;
    case DESK_COMMAND_STOP:
      stop_command (self, command);
      break;
    }
  free_command (command);
}

static void
run_inbox (DeskHubThread *self)
{
  GArray *batch;

  pthread_mutex_lock (&self->lock);
  batch = self->inbox;
  self->inbox = self->batch;
  self->woken = FALSE;
  pthread_mutex_unlock (&self->lock);
  self->batch = batch;
  for (guint i = 0; i < batch->len; i++)
    run_command (self, &g_array_index (batch, DeskCommand, i));
  g_array_set_size (batch, 0);
}

/* ── The loop ───────────────────────────────────────────────────────────────────────────────── */
/* Puts the socket into the list of those to flush at the end of this turn. */
void
desk_hub_thread_mark_dirty (DeskHubThread *self, DeskSocket *socket)
{
  if (socket->dirty)
    return;
  socket->dirty = TRUE;
  g_ptr_array_add (self->dirty, desk_socket_ref (socket));
}

static void
flush_dirty (DeskHubThread *self)
{
  /* A callback cannot add to the list (see the inbox), only the loop itself does. */
  for (guint i = 0; i < self->dirty->len; i++)
    {
      DeskSocket *socket = g_ptr_array_index (self->dirty, i);

      socket->dirty = FALSE;
      desk_socket_flush (socket);
    }
  g_ptr_array_set_size (self->dirty, 0);
}

static gint64
stop_left_us (DeskHubThread *self)
{
  return MAX (self->stop_us - desk_clock_monotonic_us (desk_clock_system ()), 0);
}

static int
wait_ms (DeskHubThread *self)
{
  int wait = desk_timer_wheel_wait_ms (&self->wheel,
                                       desk_clock_monotonic_us (self->options.clock));
  gboolean more;

  pthread_mutex_lock (&self->lock);
  more = self->inbox->len > 0;
  pthread_mutex_unlock (&self->lock);
  if (more)
    return 0;
  if (self->stopping)
    {
      int left = (int) MIN ((stop_left_us (self) + 999) / 1000, G_MAXINT);

      return wait < 0 ? left : MIN (wait, left);
    }
  return wait;
}

static void
socket_events (DeskHubThread *self, DeskSocket *socket, guint32 events)
{
  desk_socket_ref (socket);
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
    desk_socket_read (socket, NULL, 0);
  if (events & EPOLLOUT)
    desk_hub_thread_mark_dirty (self, socket);
  desk_socket_unref (socket);
}

static void
turn (DeskHubThread *self, int wait)
{
  struct epoll_event events[EVENTS_A_TURN];
  guint64 ignored;
  int n;

  n = epoll_wait (self->epoll_fd, events, EVENTS_A_TURN, wait);
  self->now_us = desk_clock_monotonic_us (self->options.clock);
  for (int i = 0; i < n; i++)
    {
      if (events[i].data.ptr != NULL)
        socket_events (self, events[i].data.ptr, events[i].events);
      else if (read (self->wake_fd, &ignored, sizeof ignored) < 0 && errno != EAGAIN)
        g_warning ("Cannot read the wake-up descriptor: %s", g_strerror (errno));
    }
  run_inbox (self);
  desk_timer_wheel_run (&self->wheel, self->now_us, desk_socket_timer_fired, self);
  flush_dirty (self);
}

static void
end (DeskHubThread *self)
{
  while (self->sockets->len > 0)
    {
      DeskSocket *socket = g_ptr_array_index (self->sockets, self->sockets->len - 1);

      desk_socket_finish (socket,
                          socket->close_code != 0 ? socket->close_code : DESK_HUB_CLOSE_ABNORMAL);
    }
  pthread_mutex_lock (&self->lock);
  self->stopped = TRUE;
  pthread_mutex_unlock (&self->lock);
  /* Nothing is added from here on, and no lock is held: freeing may call the upper layer. */
  for (guint i = 0; i < self->inbox->len; i++)
    free_command (&g_array_index (self->inbox, DeskCommand, i));
  g_array_set_size (self->inbox, 0);
}

static gpointer
thread_main (gpointer data)
{
  DeskHubThread *self = data;

  pthread_mutex_lock (&self->lock); /* the creator is still storing gthread */
  pthread_mutex_unlock (&self->lock);
  while (!self->stopping || (self->sockets->len > 0 && stop_left_us (self) > 0))
    turn (self, wait_ms (self));
  end (self);
  return NULL;
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static gint64
tick_us (const DeskHubOptions *options)
{
  gint64 shortest_ms = MIN (MIN (options->ping_interval_ms, options->pong_timeout_ms),
                            MIN (options->auth_timeout_ms, options->close_timeout_ms));

  return CLAMP (shortest_ms * 1000 / TICKS_A_PERIOD, 1000, MAX_TICK_US);
}

static gboolean
open_descriptors (DeskHubThread *self, GError **error)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->epoll_fd >= 0 && self->wake_fd >= 0
      && epoll_ctl (self->epoll_fd, EPOLL_CTL_ADD, self->wake_fd, &event) == 0)
    return TRUE;
  g_set_error (error, DESK_HUB_ERROR, DESK_HUB_ERROR_FAILED, "Cannot set up epoll: %s",
               g_strerror (errno));
  return FALSE;
}

/* options must have no 0 left but max_sockets. The thread runs when this returns. */
DeskHubThread *
desk_hub_thread_new (const DeskHubOptions *options, const DeskHubCallbacks *callbacks,
                     gpointer user_data, gint *hub_load, GError **error)
{
  DeskHubThread *self = g_new0 (DeskHubThread, 1);

  self->refs = 1;
  self->options = *options;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->hub_load = hub_load;
  self->epoll_fd = self->wake_fd = -1;
  pthread_mutex_init (&self->lock, NULL);
  self->inbox = g_array_new (FALSE, FALSE, sizeof (DeskCommand));
  self->batch = g_array_new (FALSE, FALSE, sizeof (DeskCommand));
  self->sockets = g_ptr_array_new ();
  self->dirty = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_socket_unref);
  self->replay_frames = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_frame_unref);
  self->ping = desk_frame_new (WSLAY_PING, NULL, 0);
  self->random = g_rand_new ();
  self->now_us = desk_clock_monotonic_us (options->clock);
  desk_timer_wheel_init (&self->wheel, tick_us (options), self->now_us);
  if (!open_descriptors (self, error))
    {
      desk_hub_thread_unref (self);
      return NULL;
    }
  pthread_mutex_lock (&self->lock);
  self->gthread = g_thread_try_new ("hub", thread_main, self, error);
  pthread_mutex_unlock (&self->lock);
  if (self->gthread == NULL)
    g_clear_pointer (&self, desk_hub_thread_unref);
  return self;
}

DeskHubThread *
desk_hub_thread_ref (DeskHubThread *self)
{
  g_atomic_int_inc (&self->refs);
  return self;
}

/* The last reference may be a socket's that outlived the hub: the thread has ended by then. */
void
desk_hub_thread_unref (DeskHubThread *self)
{
  if (!g_atomic_int_dec_and_test (&self->refs))
    return;
  g_array_unref (self->inbox);
  g_array_unref (self->batch);
  g_ptr_array_unref (self->sockets);
  g_ptr_array_unref (self->dirty);
  g_ptr_array_unref (self->replay_frames);
  g_clear_pointer (&self->spare_reader, desk_reader_free);
  desk_frame_unref (self->ping);
  g_rand_free (self->random);
  pthread_mutex_destroy (&self->lock);
  if (self->epoll_fd >= 0)
    close (self->epoll_fd);
  if (self->wake_fd >= 0)
    close (self->wake_fd);
  g_free (self);
}
