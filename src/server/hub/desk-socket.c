/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

#include <sys/socket.h>
#include <unistd.h>

/* What the upper layer may do with a socket, on any thread: it becomes a command in the inbox of
 * the socket's thread. */

static guint64
next_id (void)
{
  static guint64 last; /* the one counter of the process */

  return __atomic_add_fetch (&last, 1, __ATOMIC_RELAXED);
}

/* Takes the descriptor and data. */
DeskSocket *
desk_socket_new (DeskHubThread *thread, int fd, gpointer data, GDestroyNotify destroy)
{
  DeskSocket *self = g_new0 (DeskSocket, 1);

  self->refs = 1;
  self->fd = fd;
  self->id = next_id ();
  self->thread = desk_hub_thread_ref (thread);
  self->data = data;
  self->data_destroy = destroy;
  self->state = DESK_SOCKET_NEW;
  return self;
}

DeskSocket *
desk_socket_ref (DeskSocket *socket)
{
  g_return_val_if_fail (socket != NULL, NULL);

  g_atomic_int_inc (&socket->refs);
  return socket;
}

void
desk_socket_unref (DeskSocket *socket)
{
  g_return_if_fail (socket != NULL);

  if (!g_atomic_int_dec_and_test (&socket->refs))
    return;
  if (socket->fd >= 0) /* never opened */
    {
      shutdown (socket->fd, SHUT_RDWR);
      close (socket->fd);
      g_atomic_int_add (&socket->thread->load, -1);
      g_atomic_int_add (socket->thread->hub_load, -1);
    }
  desk_send_queue_clear (&socket->queue, FALSE);
  if (socket->data_destroy != NULL)
    socket->data_destroy (socket->data);
  desk_hub_thread_unref (socket->thread);
  g_free (socket);
}

guint64
desk_socket_get_id (DeskSocket *socket)
{
  g_return_val_if_fail (socket != NULL, 0);

  return socket->id;
}

gpointer
desk_socket_get_data (DeskSocket *socket)
{
  g_return_val_if_fail (socket != NULL, NULL);

  return socket->data;
}

void
desk_socket_set_data (DeskSocket *socket, gpointer data, GDestroyNotify destroy)
{
  gpointer old;
  GDestroyNotify old_destroy;

  g_return_if_fail (socket != NULL);

  old = socket->data;
  old_destroy = socket->data_destroy;
  socket->data = data;
  socket->data_destroy = destroy;
  if (old_destroy != NULL)
    old_destroy (old);
}

static gboolean
push (DeskSocket *socket, DeskCommandKind kind, guint number, gpointer pointer)
{
  DeskCommand command = { kind, number, desk_socket_ref (socket), pointer };

  return desk_hub_thread_push (socket->thread, &command);
}

/* FALSE if it was shut before. */
static gboolean
shut (DeskSocket *socket)
{
  return g_atomic_int_compare_and_exchange (&socket->shut, FALSE, TRUE);
}

gboolean
desk_socket_send (DeskSocket *socket, DeskFrame *frame)
{
  g_return_val_if_fail (socket != NULL, FALSE);
  g_return_val_if_fail (frame != NULL, FALSE);

  if (g_atomic_int_get (&socket->shut))
    return FALSE;
  if (desk_socket_reserve (socket, frame->size))
    return push (socket, DESK_COMMAND_SEND, 0, desk_frame_ref (frame));
  if (shut (socket))
    push (socket, DESK_COMMAND_OVERFLOW, 0, NULL);
  return FALSE;
}

void
desk_socket_set_class (DeskSocket *socket, guint class_mask)
{
  g_return_if_fail (socket != NULL);

  push (socket, DESK_COMMAND_CLASS, class_mask, NULL);
}

guint
desk_socket_get_class (DeskSocket *socket)
{
  g_return_val_if_fail (socket != NULL, 0);

  return (guint) g_atomic_int_get ((gint *) &socket->class_mask);
}

void
desk_socket_set_authenticated (DeskSocket *socket)
{
  g_return_if_fail (socket != NULL);

  g_atomic_int_set (&socket->authenticated, TRUE);
}

void
desk_socket_close (DeskSocket *socket, guint16 code, const char *reason)
{
  g_return_if_fail (socket != NULL);
  g_return_if_fail (code >= 1000 && code < 5000);

  if (shut (socket))
    push (socket, DESK_COMMAND_CLOSE, code, g_strdup (reason));
}

void
desk_replay_free (DeskReplay *replay)
{
  if (replay == NULL)
    return;
  if (replay->destroy != NULL)
    replay->destroy (replay->data);
  g_free (replay);
}

void
desk_socket_begin_replay (DeskSocket *socket, DeskReplayNext next, gpointer data,
                          GDestroyNotify destroy)
{
  DeskReplay *replay;

  g_return_if_fail (socket != NULL);
  g_return_if_fail (next != NULL);

  replay = g_new0 (DeskReplay, 1);
  replay->next = next;
  replay->data = data;
  replay->destroy = destroy;
  push (socket, DESK_COMMAND_REPLAY, 0, replay);
}
