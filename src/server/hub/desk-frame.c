/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

#include <string.h>

/* Outgoing frames. A frame is encoded once, by wslay, into the same block as its header and is
 * immutable from then on, so all sockets of all threads share it. Servers do not mask (RFC 6455
 * 5.1) and we never fragment. */

#define MAX_HEADER 14

typedef struct
{
  guint8 *at;
  gsize room;
} Target;

static ssize_t
write_to_target (const uint8_t *data, size_t len, int flags, void *user_data)
{
  Target *target = user_data;

  if (len > target->room)
    return -1;
  memcpy (target->at, data, len);
  target->at += len;
  target->room -= len;
  return (ssize_t) len;
}

/* The payload's bytes are copied through wslay, the frame's header is what it put before them. */
static gsize
encode (DeskFrame *frame, guint8 opcode, const void *payload, gsize len, gsize room)
{
  static const struct wslay_frame_callbacks callbacks = { .send_callback = write_to_target };
  struct wslay_frame_iocb iocb = { .fin = 1,
                                   .opcode = opcode,
                                   .payload_length = len,
                                   .data = payload,
                                   .data_length = len };
  Target target = { frame->bytes, room };
  wslay_frame_context_ptr context = NULL;

  if (wslay_frame_context_init (&context, &callbacks, &target) != 0)
    g_error ("Out of memory");
  if (wslay_frame_send (context, &iocb) != (ssize_t) len)
    g_assert_not_reached (); /* the room is enough and the target takes all at once */
  wslay_frame_context_free (context);
  return (gsize) (target.at - frame->bytes);
}

DeskFrame *
desk_frame_new (guint8 opcode, const void *payload, gsize len)
{
  DeskFrame *frame;
  gsize room = MAX_HEADER + len;

  frame = g_malloc (sizeof (DeskFrame) + room + 1);
  frame->refs = 1;
  frame->size = encode (frame, opcode, payload, len, room);
  frame->header_length = (guint8) (frame->size - len);
  frame->bytes[frame->size] = '\0';
  return frame;
}

DeskFrame *
desk_frame_text_new (const char *payload, gssize len)
{
  g_return_val_if_fail (payload != NULL || len == 0, NULL);

  return desk_frame_new (WSLAY_TEXT_FRAME, payload, len < 0 ? strlen (payload) : (gsize) len);
}

/* code 0: a close frame without one. The reason is cut to what a control frame holds, between two
 * characters. */
DeskFrame *
desk_frame_close_new (guint16 code, const char *reason)
{
  guint8 payload[125] = { 0 };
  gsize len = 0;

  if (code == 0)
    return desk_frame_new (WSLAY_CONNECTION_CLOSE, payload, 0);
  payload[0] = (guint8) (code >> 8);
  payload[1] = (guint8) code;
  if (reason != NULL && g_utf8_validate (reason, -1, NULL))
    {
      len = MIN (strlen (reason), sizeof payload - 2);
      while (len > 0 && (reason[len] & 0xc0) == 0x80)
        len--;
      memcpy (payload + 2, reason, len);
    }
  return desk_frame_new (WSLAY_CONNECTION_CLOSE, payload, len + 2);
}

DeskFrame *
desk_frame_ref (DeskFrame *frame)
{
  g_return_val_if_fail (frame != NULL, NULL);

  g_atomic_int_inc (&frame->refs);
  return frame;
}

void
desk_frame_unref (DeskFrame *frame)
{
  g_return_if_fail (frame != NULL);

  if (g_atomic_int_dec_and_test (&frame->refs))
    g_free (frame);
}

const char *
desk_frame_get_payload (DeskFrame *frame, gsize *out_len)
{
  g_return_val_if_fail (frame != NULL, NULL);

  if (out_len != NULL)
    *out_len = frame->size - frame->header_length;
  return (const char *) frame->bytes + frame->header_length;
}

gsize
desk_frame_get_size (DeskFrame *frame)
{
  g_return_val_if_fail (frame != NULL, 0);

  return frame->size;
}
