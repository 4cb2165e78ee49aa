/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket on its hub thread: opening, sending, replay, heartbeat, closing.
 *
 * Invariants: NEW → OPEN → CLOSING → CLOSED, perhaps leaving out some, never back; frames are put
 * into the queue only while OPEN, except our one close frame, which is the last; closed() is called
 * in the step to CLOSED if opened() was; EPOLLOUT is watched only while the kernel's buffer is full
 * or a replay waits for its next turn. */

#define REPLAY_BATCHES_A_TURN 4
#define JITTER 0.1

static void
watch (DeskSocket *self, guint8 events)
{
  struct epoll_event event = { .events = events, .data.ptr = self };

  if (self->watched == events)
    return;
  self->watched = events;
  epoll_ctl (self->thread->epoll_fd, EPOLL_CTL_MOD, self->fd, &event);
}

/* ── Timers ─────────────────────────────────────────────────────────────────────────────────── */
static gint64
auth_due_us (DeskSocket *self)
{
  if (g_atomic_int_get (&self->authenticated))
    return G_MAXINT64;
  return self->opened_us + self->thread->options.auth_timeout_ms * 1000;
}

void
desk_socket_set_timer (DeskSocket *self)
{
  gint64 due_us = self->ping_due_us;

  if (self->state == DESK_SOCKET_OPEN)
    due_us = MIN (due_us, auth_due_us (self));
  desk_timer_wheel_set (&self->thread->wheel, &self->timer, due_us);
}

static gint64
next_ping_us (DeskSocket *self)
{
  gdouble spread = g_rand_double_range (self->thread->random, 1 - JITTER, 1 + JITTER);

  return self->thread->now_us
         + (gint64) ((gdouble) self->thread->options.ping_interval_ms * 1000 * spread);
}

/* Bytes that reached the client's kernel. */
static guint64
acknowledged (DeskSocket *self)
{
  int unsent = 0;

  if (ioctl (self->fd, SIOCOUTQ, &unsent) != 0 || unsent < 0)
    return self->written;
  return self->written - MIN (self->written, (guint64) unsent);
}

/* The ping overtakes all frames but one that is partly sent. */
static void
send_ping (DeskSocket *self)
{
  guint64 ahead = 0;

  if (self->queue.head_sent > 0)
    ahead = ((DeskFrame *) (self->queue.ring[self->queue.head] & ~(guintptr) 1))->size
            - self->queue.head_sent;
  self->ping_at = self->written + ahead + self->thread->ping->size;
  self->acked = acknowledged (self);
  self->awaiting_pong = TRUE;
  self->ping_due_us = self->thread->now_us + self->thread->options.pong_timeout_ms * 1000;
  desk_socket_queue (self, desk_frame_ref (self->thread->ping), FALSE, TRUE);
}

/* A slow line may hold megabytes in the kernel's buffer before the ping, as in a replay. That is no
 * dead client as long as it takes some of them: it gets another period until the ping is there. */
static void
pong_overdue (DeskSocket *self)
{
  guint64 acked = acknowledged (self);

  if (acked < self->ping_at && acked > self->acked)
    {
      self->acked = acked;
      self->ping_due_us = self->thread->now_us + self->thread->options.pong_timeout_ms * 1000;
      desk_socket_set_timer (self);
      return;
    }
  DESK_STAT_ADD (self->thread, pong_timeouts, 1);
  desk_socket_finish (self, DESK_HUB_CLOSE_ABNORMAL);
}

void
desk_socket_pong_received (DeskSocket *self)
{
  if (!self->awaiting_pong)
    return; /* unsolicited pongs are allowed (RFC 6455 5.5.3) */
  self->awaiting_pong = FALSE;
  self->ping_due_us = next_ping_us (self);
  desk_socket_set_timer (self);
}

void
desk_socket_timer_fired (DeskTimer *timer, gint64 now_us, gpointer data)
{
  DeskSocket *self = (DeskSocket *) timer;

  if (self->state == DESK_SOCKET_CLOSING && now_us >= self->ping_due_us)
    {
      desk_socket_finish (self, self->close_code);
      return;
    }
  if (self->state == DESK_SOCKET_OPEN)
    {
      if (now_us >= auth_due_us (self))
        {
          desk_socket_start_close (self, DESK_HUB_CLOSE_UNAUTHORIZED, "not authenticated", FALSE);
          return;
        }
      if (now_us >= self->ping_due_us && self->awaiting_pong)
        {
          pong_overdue (self);
          return;
        }
      if (now_us >= self->ping_due_us)
        send_ping (self);
    }
  desk_socket_set_timer (self);
}

/* ── Opening ────────────────────────────────────────────────────────────────────────────────── */
void
desk_socket_open (DeskSocket *self, GBytes *extra)
{
  DeskHubThread *thread = self->thread;
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = self };
  gsize length = 0;
  const guint8 *bytes = extra != NULL ? g_bytes_get_data (extra, &length) : NULL;

  if (epoll_ctl (thread->epoll_fd, EPOLL_CTL_ADD, self->fd, &event) != 0)
    {
      /* The kernel's limit of watches: freed with the caller's reference, never opened. */
      g_warning ("Cannot watch a websocket: %s", g_strerror (errno));
      return;
    }
  self->watched = EPOLLIN;
  self->state = DESK_SOCKET_OPEN;
  self->index = thread->sockets->len;
  g_ptr_array_add (thread->sockets, desk_socket_ref (self));
  self->opened_us = thread->now_us;
  self->ping_due_us = next_ping_us (self);
  desk_socket_set_timer (self);
  DESK_STAT_ADD (thread, opened, 1);
  if (thread->callbacks.opened != NULL)
    thread->callbacks.opened (self, thread->user_data);
  if (length > 0)
    desk_socket_read (self, bytes, length);
}

/* ── Sending ────────────────────────────────────────────────────────────────────────────────── */
/* Any thread. Makes room for one counted frame; FALSE if the queue is full. */
gboolean
desk_socket_reserve (DeskSocket *self, gsize bytes)
{
  const DeskHubOptions *options = &self->thread->options;
  guint frames = (guint) __atomic_add_fetch (&self->pending_frames, 1, __ATOMIC_RELAXED);
  gsize total = __atomic_add_fetch (&self->pending_bytes, bytes, __ATOMIC_RELAXED);

  /* A frame larger than the whole queue is no sign of a slow client. */
  if (frames == 1 || (frames <= options->max_queue_frames && total <= options->max_queue_bytes))
    return TRUE;
  __atomic_sub_fetch (&self->pending_frames, 1, __ATOMIC_RELAXED);
  __atomic_sub_fetch (&self->pending_bytes, bytes, __ATOMIC_RELAXED);
  return FALSE;
}

void
desk_socket_queue (DeskSocket *self, DeskFrame *frame, gboolean counted, gboolean front)
{
  if (front)
    desk_send_queue_push_front (&self->queue, frame, counted);
  else
    desk_send_queue_push (&self->queue, frame, counted);
  desk_hub_thread_mark_dirty (self->thread, self);
}

static DeskFrame *
choose_form (DeskSocket *self, const DeskHubEvent *event)
{
  guint class_mask = (guint) g_atomic_int_get ((gint *) &self->class_mask);

  for (guint i = 0; i < DESK_HUB_MAX_FORMS && event->forms[i].class_mask != 0; i++)
    if ((event->forms[i].class_mask & ~class_mask) == 0)
      return event->forms[i].frame;
  return NULL;
}

/* The gap-free switch from replay to live is argued at desk_socket_begin_replay(). */
static gboolean
wants_event (DeskSocket *self, const DeskHubEvent *event)
{
  if (self->replay != NULL)
    return event->order == 0 && !event->skip_replaying;
  return event->order == 0 || event->order > self->replayed;
}

void
desk_socket_deliver_event (DeskSocket *self, const DeskHubEvent *event)
{
  DeskFrame *frame;

  if (self->state != DESK_SOCKET_OPEN || !wants_event (self, event))
    return;
  frame = choose_form (self, event);
  if (frame == NULL || (event->filter != NULL && !event->filter (self, event->filter_data)))
    return;
  if (desk_socket_reserve (self, frame->size))
    desk_socket_queue (self, desk_frame_ref (frame), TRUE, FALSE);
  else
    desk_socket_overflow (self);
}

void
desk_socket_overflow (DeskSocket *self)
{
  if (self->state != DESK_SOCKET_OPEN)
    return;
  DESK_STAT_ADD (self->thread, overflows, 1);
  desk_socket_start_close (self, DESK_HUB_CLOSE_TOO_SLOW, "too slow", TRUE);
}

void
desk_socket_take_replay (DeskSocket *self, DeskReplay *replay)
{
  g_clear_pointer (&self->replay, desk_replay_free);
  if (self->state != DESK_SOCKET_OPEN)
    {
      desk_replay_free (replay);
      return;
    }
  self->replay = replay;
  desk_hub_thread_mark_dirty (self->thread, self);
}

static void
replay_batch (DeskSocket *self)
{
  DeskReplay *replay = self->replay;
  GPtrArray *frames = self->thread->replay_frames;
  gboolean more = replay->next (self, frames, &replay->position, replay->data);

  for (guint i = 0; i < frames->len; i++)
    desk_socket_queue (self, desk_frame_ref (g_ptr_array_index (frames, i)), FALSE, FALSE);
  g_ptr_array_set_size (frames, 0);
  if (more)
    return;
  self->replayed = replay->position;
  g_clear_pointer (&self->replay, desk_replay_free);
}

static DeskFlushResult
flush_queue (DeskSocket *self)
{
  DeskFlushCount count = { 0 };
  DeskFlushResult result = desk_send_queue_flush (&self->queue, self->fd, &count);

  self->written += count.bytes;
  __atomic_sub_fetch (&self->pending_frames, (gint) count.counted_frames, __ATOMIC_RELAXED);
  __atomic_sub_fetch (&self->pending_bytes, count.counted_bytes, __ATOMIC_RELAXED);
  DESK_STAT_ADD (self->thread, frames_out, count.frames);
  DESK_STAT_ADD (self->thread, bytes_out, count.bytes);
  return result;
}

/* Our close frame is in the kernel. The end of our stream follows it, so that the client need not
 * wait; ours is the client's end or the time-out, because closing at once could reset the
 * connection and destroy what the client has not read yet. */
static void
close_sent (DeskSocket *self)
{
  if (self->close_received)
    {
      desk_socket_finish (self, self->close_code);
      return;
    }
  if (!self->write_shut)
    {
      self->write_shut = TRUE;
      shutdown (self->fd, SHUT_WR);
      self->ping_due_us
          = MIN (self->ping_due_us,
                 self->thread->now_us + self->thread->options.close_timeout_ms * 1000);
      desk_socket_set_timer (self);
    }
  watch (self, EPOLLIN);
}

void
desk_socket_flush (DeskSocket *self)
{
  DeskFlushResult result;

  if (self->state == DESK_SOCKET_CLOSED)
    return;
  result = flush_queue (self);
  for (guint i = 0; i < REPLAY_BATCHES_A_TURN && result == DESK_FLUSH_EMPTY && self->replay; i++)
    {
      replay_batch (self);
      result = flush_queue (self);
    }
  if (result == DESK_FLUSH_ERROR || self->ended)
    desk_socket_finish (self, self->state == DESK_SOCKET_CLOSING ? self->close_code
                                                                 : DESK_HUB_CLOSE_ABNORMAL);
  else if (result == DESK_FLUSH_EMPTY && self->close_queued)
    close_sent (self);
  else if (result == DESK_FLUSH_BLOCKED || self->replay != NULL)
    watch (self, EPOLLIN | EPOLLOUT);
  else
    watch (self, EPOLLIN);
}

/* ── Closing ────────────────────────────────────────────────────────────────────────────────── */
void
desk_socket_start_close (DeskSocket *self, guint16 code, const char *reason, gboolean drop)
{
  DeskHubThread *thread = self->thread;

  if (self->state != DESK_SOCKET_OPEN)
    return;
  g_atomic_int_set (&self->shut, TRUE);
  self->state = DESK_SOCKET_CLOSING;
  self->close_code = code;
  g_clear_pointer (&self->replay, desk_replay_free);
  if (drop)
    DESK_STAT_ADD (thread, frames_dropped, desk_send_queue_clear (&self->queue, TRUE));
  desk_socket_queue (
      self, desk_frame_close_new (code == DESK_HUB_CLOSE_NO_STATUS ? 0 : code, reason), FALSE,
      FALSE);
  self->close_queued = TRUE;
  /* A hub that stops gives each socket until its own deadline to take what is queued. */
  self->ping_due_us
      = thread->stopping ? G_MAXINT64 : thread->now_us + thread->options.close_timeout_ms * 1000;
  desk_socket_set_timer (self);
}

static void
leave_thread (DeskSocket *self)
{
  DeskHubThread *thread = self->thread;
  DeskSocket *last = g_ptr_array_index (thread->sockets, thread->sockets->len - 1);

  desk_timer_wheel_unset (&thread->wheel, &self->timer);
  last->index = self->index;
  g_ptr_array_remove_index_fast (thread->sockets, self->index);
  /* Explicitly, and the connection is shut: another descriptor of it may be open elsewhere, so that
   * close() alone would do neither. */
  epoll_ctl (thread->epoll_fd, EPOLL_CTL_DEL, self->fd, NULL);
  shutdown (self->fd, SHUT_RDWR);
  close (self->fd);
  self->fd = -1;
  g_atomic_int_add (&thread->load, -1);
  g_atomic_int_add (thread->hub_load, -1);
}

void
desk_socket_finish (DeskSocket *self, guint16 code)
{
  DeskHubThread *thread = self->thread;

  if (self->state != DESK_SOCKET_OPEN && self->state != DESK_SOCKET_CLOSING)
    return;
  self->state = DESK_SOCKET_CLOSED;
  g_atomic_int_set (&self->shut, TRUE);
  leave_thread (self);
  g_clear_pointer (&self->replay, desk_replay_free);
  g_clear_pointer (&self->reader, desk_reader_free);
  DESK_STAT_ADD (thread, frames_dropped, desk_send_queue_clear (&self->queue, FALSE));
  if (thread->callbacks.closed != NULL)
    thread->callbacks.closed (self, code, thread->user_data);
  desk_socket_unref (self); /* the reference of the thread's list */
}
