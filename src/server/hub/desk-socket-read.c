/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* The receiving side: wslay takes the stream apart into frames (and refuses lengths that are not
 * minimal, and long or fragmented control frames), the rest of RFC 6455's rules is here.
 *
 * wslay does not tell whether it stands between two frames, so bytes fed and bytes told of are
 * compared; only then may a reader go on to another socket. One call reads one buffer of wslay's at
 * most, 4 KiB: epoll reports the socket again, others have their turn, and the answers to a burst
 * of small messages are flushed before they can fill the send queue. */

#define READ_A_TURN 4096

static ssize_t
receive (uint8_t *buf, size_t len, int flags, void *user_data)
{
  DeskReader *self = user_data;
  ssize_t n;

  if (self->extra_length > 0)
    {
      n = (ssize_t) MIN (len, self->extra_length);
      memcpy (buf, self->extra, (gsize) n);
      self->extra += n;
      self->extra_length -= (gsize) n;
      self->fed += (guint64) n;
      return n;
    }
  if (self->read_state != DESK_READ_MORE || self->budget <= 0)
    return -1;
  len = MIN (len, (size_t) self->budget);
  do
    n = recv (self->fd, buf, len, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n > 0)
    {
      self->fed += (guint64) n;
      self->budget -= n;
      /* A short read emptied the kernel's buffer; a system call to hear it is saved. */
      self->read_state = (size_t) n < len ? DESK_READ_BLOCKED : DESK_READ_MORE;
      return n;
    }
  if (n == 0)
    self->read_state = DESK_READ_EOF;
  else
    self->read_state
        = errno == EAGAIN || errno == EWOULDBLOCK ? DESK_READ_BLOCKED : DESK_READ_ERROR;
  return -1;
}

DeskReader *
desk_reader_new (void)
{
  static const struct wslay_frame_callbacks callbacks = { .recv_callback = receive };
  DeskReader *self = g_new0 (DeskReader, 1);

  if (wslay_frame_context_init (&self->frames, &callbacks, self) != 0)
    g_error ("Out of memory");
  self->message = g_byte_array_new ();
  return self;
}

void
desk_reader_free (DeskReader *reader)
{
  wslay_frame_context_free (reader->frames);
  g_byte_array_unref (reader->message);
  g_free (reader);
}

static gboolean
is_between_messages (DeskReader *self)
{
  return self->fed == self->consumed && self->frame_left == 0 && !self->in_message;
}

/* Through the inbox like any close, so that the answers to the messages before go out first. */
static gboolean
fail (DeskSocket *socket, guint16 code, const char *reason)
{
  DESK_STAT_ADD (socket->thread, protocol_errors, 1);
  desk_socket_close (socket, code, reason);
  return FALSE;
}

/* ── Control frames ─────────────────────────────────────────────────────────────────────────── */
/* RFC 6455 7.4: what may stand in a close frame. */
static gboolean
is_close_code (guint code)
{
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006))
         || (code >= 3000 && code <= 4999);
}

static gboolean
handle_close (DeskSocket *socket, DeskReader *reader)
{
  guint code = DESK_HUB_CLOSE_NO_STATUS;

  if (reader->control_length == 1)
    return fail (socket, DESK_HUB_CLOSE_PROTOCOL, "bad close frame");
  if (reader->control_length >= 2)
    {
      code = (guint) reader->control[0] << 8 | reader->control[1];
      if (!is_close_code (code))
        return fail (socket, DESK_HUB_CLOSE_PROTOCOL, "bad close code");
      if (reader->control_length > 2
          && !g_utf8_validate ((const char *) reader->control + 2, reader->control_length - 2,
                               NULL))
        return fail (socket, DESK_HUB_CLOSE_BAD_TEXT, "reason is not UTF-8");
    }
  socket->close_received = TRUE;
  desk_socket_close (socket, (guint16) code, NULL); /* the echo */
  return FALSE;
}

static gboolean
handle_ping (DeskSocket *socket, DeskReader *reader)
{
  DeskFrame *pong = desk_frame_new (WSLAY_PONG, reader->control, reader->control_length);
  gboolean sent = desk_socket_send (socket, pong);

  desk_frame_unref (pong);
  return sent;
}

static gboolean
handle_control (DeskSocket *socket, DeskReader *reader, guint8 opcode)
{
  switch (opcode)
    {
    case WSLAY_PING:
      return handle_ping (socket, reader);
    case WSLAY_PONG:
      desk_socket_pong_received (socket);
      return TRUE;
    default:
      return handle_close (socket, reader);
    }
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */
static gboolean
handle_message (DeskSocket *socket, DeskReader *reader)
{
  DeskHubThread *thread = socket->thread;
  gsize len = reader->message->len;
  const guint8 nul = 0;

  reader->in_message = FALSE;
  g_byte_array_append (reader->message, &nul, 1);
  if (!g_utf8_validate ((const char *) reader->message->data, (gssize) len, NULL))
    return fail (socket, DESK_HUB_CLOSE_BAD_TEXT, "not UTF-8");
  DESK_STAT_ADD (thread, messages_in, 1);
  if (thread->callbacks.message != NULL)
    thread->callbacks.message (socket, (const char *) reader->message->data, len,
                               thread->user_data);
  g_byte_array_set_size (reader->message, 0);
  return TRUE;
}

static gboolean
check_data_frame (DeskSocket *socket, DeskReader *reader, const struct wslay_frame_iocb *frame)
{
  if (frame->opcode == WSLAY_BINARY_FRAME)
    return fail (socket, DESK_HUB_CLOSE_UNSUPPORTED, "text only");
  if (reader->in_message != (frame->opcode == WSLAY_CONTINUATION_FRAME))
    return fail (socket, DESK_HUB_CLOSE_PROTOCOL, "bad continuation");
  if (frame->payload_length > socket->thread->options.max_message_bytes - reader->message->len)
    return fail (socket, DESK_HUB_CLOSE_TOO_BIG, "message too big");
  reader->in_message = TRUE;
  return TRUE;
}

static gboolean
check_frame (DeskSocket *socket, DeskReader *reader, const struct wslay_frame_iocb *frame)
{
  if (!frame->mask)
    return fail (socket, DESK_HUB_CLOSE_PROTOCOL, "not masked");
  if (frame->rsv != WSLAY_RSV_NONE)
    return fail (socket, DESK_HUB_CLOSE_PROTOCOL, "reserved bits");
  if (frame->opcode <= WSLAY_BINARY_FRAME)
    return check_data_frame (socket, reader, frame);
  if (frame->opcode < WSLAY_CONNECTION_CLOSE || frame->opcode > WSLAY_PONG)
    return fail (socket, DESK_HUB_CLOSE_PROTOCOL, "bad opcode");
  reader->control_length = 0;
  return TRUE;
}

static guint
header_length (const struct wslay_frame_iocb *frame)
{
  guint extended = frame->payload_length < 126 ? 0 : frame->payload_length < 65536 ? 2 : 8;

  return 2 + extended + (frame->mask ? 4 : 0);
}

/* One piece of a frame's payload, all of it or not. FALSE: no more may be read. */
static gboolean
handle_piece (DeskSocket *socket, DeskReader *reader, const struct wslay_frame_iocb *frame)
{
  if (reader->frame_left == 0)
    {
      reader->consumed += header_length (frame);
      reader->frame_left = frame->payload_length;
      if (!check_frame (socket, reader, frame))
        return FALSE;
    }
  reader->consumed += frame->data_length;
  reader->frame_left -= frame->data_length;
  if (wslay_is_ctrl_frame (frame->opcode))
    {
      /* wslay has refused control frames over 125 bytes. */
      memcpy (reader->control + reader->control_length, frame->data, frame->data_length);
      reader->control_length += (guint8) frame->data_length;
      return reader->frame_left > 0 || handle_control (socket, reader, frame->opcode);
    }
  g_byte_array_append (reader->message, frame->data, (guint) frame->data_length);
  return reader->frame_left > 0 || !frame->fin || handle_message (socket, reader);
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */
static void
read_frames (DeskSocket *socket, DeskReader *reader)
{
  struct wslay_frame_iocb frame;
  ssize_t n;

  while (!g_atomic_int_get (&socket->shut))
    {
      memset (&frame, 0, sizeof frame);
      n = wslay_frame_recv (reader->frames, &frame);
      if (n == WSLAY_ERR_WANT_READ)
        break;
      if (n < 0)
        fail (socket, DESK_HUB_CLOSE_PROTOCOL, "bad frame");
      else if (!handle_piece (socket, reader, &frame))
        break;
    }
}

/* After our close frame nothing is looked at any more, but it must be read: unread bytes would
 * turn the end of the connection into a reset. */
static void
discard (DeskSocket *self)
{
  guint8 scratch[READ_A_TURN];
  ssize_t n = recv (self->fd, scratch, sizeof scratch, MSG_DONTWAIT);

  self->ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static DeskReader *
take_reader (DeskSocket *self)
{
  if (self->reader != NULL)
    return g_steal_pointer (&self->reader);
  if (self->thread->spare_reader != NULL)
    return g_steal_pointer (&self->thread->spare_reader);
  return desk_reader_new ();
}

static void
put_reader (DeskSocket *self, DeskReader *reader)
{
  if (g_atomic_int_get (&self->shut))
    desk_reader_free (reader);
  else if (!is_between_messages (reader))
    self->reader = reader;
  else if (self->thread->spare_reader == NULL)
    self->thread->spare_reader = reader;
  else
    desk_reader_free (reader);
}

void
desk_socket_read (DeskSocket *self, const guint8 *extra, gsize extra_length)
{
  DeskReader *reader;

  if (self->state == DESK_SOCKET_CLOSED)
    return;
  if (g_atomic_int_get (&self->shut))
    discard (self);
  else
    {
      reader = take_reader (self);
      reader->fd = self->fd;
      reader->extra = extra;
      reader->extra_length = extra_length;
      reader->budget = READ_A_TURN;
      reader->read_state = DESK_READ_MORE;
      read_frames (self, reader);
      self->ended = reader->read_state == DESK_READ_EOF || reader->read_state == DESK_READ_ERROR;
      put_reader (self, reader);
    }
  /* Only the flush finishes it: what was asked for before must come first. */
  if (self->ended)
    desk_hub_thread_mark_dirty (self->thread, self);
}
