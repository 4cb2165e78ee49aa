/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

#include <errno.h>
#include <sys/socket.h>

/* The queue of a socket's unsent frames: a ring of references, written with one sendmsg() for many.
 * Only the first frame can be partly sent, so a control frame may overtake all but that one. */

#define UNCOUNTED ((guintptr) 1)

static DeskFrame *
entry_frame (guintptr entry)
{
  return (DeskFrame *) (entry & ~UNCOUNTED);
}

static guintptr *
entry_at (DeskSendQueue *self, guint32 i)
{
  return &self->ring[(self->head + i) & (self->capacity - 1)];
}

static void
grow (DeskSendQueue *self)
{
  guint32 capacity = self->capacity == 0 ? 4 : self->capacity * 2;
  guintptr *ring = g_new (guintptr, capacity);

  for (guint32 i = 0; i < self->length; i++)
    ring[i] = *entry_at (self, i);
  g_free (self->ring);
  self->ring = ring;
  self->head = 0;
  self->capacity = capacity;
}

static void
release_ring (DeskSendQueue *self)
{
  g_clear_pointer (&self->ring, g_free);
  self->head = self->length = self->capacity = self->head_sent = 0;
}

/* Takes the frame. */
void
desk_send_queue_push (DeskSendQueue *self, DeskFrame *frame, gboolean counted)
{
  if (self->length == self->capacity)
    grow (self);
  self->length++;
  *entry_at (self, self->length - 1) = (guintptr) frame | (counted ? 0 : UNCOUNTED);
}

/* Takes the frame; puts it before all frames that were not begun. */
void
desk_send_queue_push_front (DeskSendQueue *self, DeskFrame *frame, gboolean counted)
{
  guint32 first = self->head_sent > 0 ? 1 : 0;

  desk_send_queue_push (self, frame, counted);
  for (guint32 i = self->length - 1; i > first; i--)
    {
      guintptr entry = *entry_at (self, i);

      *entry_at (self, i) = *entry_at (self, i - 1);
      *entry_at (self, i - 1) = entry;
    }
}

/* Drops all frames, but a partly sent one if keep_started: the stream must stay well-formed.
 * Returns how many were dropped. */
guint
desk_send_queue_clear (DeskSendQueue *self, gboolean keep_started)
{
  guint32 keep = keep_started && self->head_sent > 0 ? 1 : 0;
  guint dropped = self->length - MIN (keep, self->length);

  for (guint32 i = keep; i < self->length; i++)
    desk_frame_unref (entry_frame (*entry_at (self, i)));
  self->length -= dropped;
  if (self->length == 0)
    release_ring (self);
  return dropped;
}

static gsize
gather (DeskSendQueue *self, struct iovec *iov, guint32 *out_n)
{
  guint32 n = MIN (self->length, DESK_FLUSH_IOV);
  gsize total = 0;

  for (guint32 i = 0; i < n; i++)
    {
      DeskFrame *frame = entry_frame (*entry_at (self, i));
      gsize skip = i == 0 ? self->head_sent : 0;

      iov[i].iov_base = frame->bytes + skip;
      iov[i].iov_len = frame->size - skip;
      total += iov[i].iov_len;
    }
  *out_n = n;
  return total;
}

static void
advance (DeskSendQueue *self, gsize sent, DeskFlushCount *count)
{
  count->bytes += sent;
  sent += self->head_sent;
  while (self->length > 0 && sent >= entry_frame (self->ring[self->head])->size)
    {
      guintptr entry = self->ring[self->head];
      DeskFrame *frame = entry_frame (entry);

      sent -= frame->size;
      count->frames++;
      if ((entry & UNCOUNTED) == 0)
        {
          count->counted_frames++;
          count->counted_bytes += frame->size;
        }
      self->head = (self->head + 1) & (self->capacity - 1);
      self->length--;
      desk_frame_unref (frame);
    }
  self->head_sent = (guint32) sent;
}

/* Writes until the queue is empty or the kernel takes no more. Adds to count. */
DeskFlushResult
desk_send_queue_flush (DeskSendQueue *self, int fd, DeskFlushCount *count)
{
  while (self->length > 0)
    {
      struct iovec iov[DESK_FLUSH_IOV];
      struct msghdr message = { .msg_iov = iov };
      guint32 n;
      gsize total = gather (self, iov, &n);
      ssize_t sent;

      message.msg_iovlen = n;
      sent = sendmsg (fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0)
        {
          if (errno == EINTR)
            continue;
          return errno == EAGAIN || errno == EWOULDBLOCK ? DESK_FLUSH_BLOCKED : DESK_FLUSH_ERROR;
        }
      advance (self, (gsize) sent, count);
      if ((gsize) sent < total)
        return DESK_FLUSH_BLOCKED;
    }
  release_ring (self);
  return DESK_FLUSH_EMPTY;
}
