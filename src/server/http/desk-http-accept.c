/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Listens, and deals connections out to the workers in turn.
 *
 * libmicrohttpd's own thread pool lets whichever thread wakes first accept all that waits; a proxy
 * that opens its connections at once then gets one processor for all of them. Here each worker is
 * a libmicrohttpd of its own with one thread, and this thread alone accepts.
 * Invariants: beyond max_connections nothing is accepted, who comes waits in the backlog; the
 * workers' own limit is never reached (libmicrohttpd 0.9.75 locks itself up when a connection that
 * was added from outside is over it). */

#include "server/http/desk-http-private.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG  1024
#define PAUSE_MS 50 /* until it is looked again for room or descriptors */

struct _DeskHttpAccept
{
  DeskHttpServer *server;
  GThread *thread;
  int listener;
  int stop; /* an eventfd: readable once the thread shall end */
  guint next;
};

int
desk_http_listen (const char *address, guint16 port, guint16 *out_port, GError **error)
{
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new_from_string (address, port);
  struct sockaddr_storage storage;
  socklen_t len = sizeof storage;
  const int on = 1;

  if (wanted == NULL || !g_socket_address_to_native (wanted, &storage, sizeof storage, NULL))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "“%s” is not an IP address",
                   address);
      return -1;
    }
  int fd = socket (storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
      || bind (fd, (struct sockaddr *)&storage, (socklen_t)g_socket_address_get_native_size (wanted))
             != 0
      || listen (fd, BACKLOG) != 0 || getsockname (fd, (struct sockaddr *)&storage, &len) != 0)
    {
      const int code = errno;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "Cannot listen on %s port %u: %s", address, port, g_strerror (code));
      if (fd >= 0)
        close (fd);
      return -1;
    }
  g_autoptr (GSocketAddress) got = g_socket_address_new_from_native (&storage, len);
  *out_port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  return fd;
}

/* Accepts what waits. FALSE: nothing can be accepted for now. */
static gboolean
accept_all (DeskHttpAccept *self)
{
  DeskHttpServer *server = self->server;

  while (g_atomic_int_get (&server->n_connections) < (gint)server->options.max_connections)
    {
      struct sockaddr_storage address;
      socklen_t len = sizeof address;
      int fd = accept4 (self->listener, (struct sockaddr *)&address, &len,
                        SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
        continue;
      if (fd < 0)
        return errno == EAGAIN;
      g_atomic_int_inc (&server->n_connections);
      /* takes the socket, always */
      if (MHD_add_connection (server->workers[self->next++ % server->options.threads], fd,
                              (struct sockaddr *)&address, len)
          != MHD_YES)
        g_atomic_int_add (&server->n_connections, -1);
    }
  return FALSE;
}

void
desk_http_accept_notify (void *cls,
                         struct MHD_Connection *connection,
                         void **socket_context,
                         enum MHD_ConnectionNotificationCode code)
{
  if (code == MHD_CONNECTION_NOTIFY_CLOSED)
    g_atomic_int_add (&((DeskHttpServer *)cls)->n_connections, -1);
}

static gpointer
accept_main (gpointer data)
{
  DeskHttpAccept *self = data;
  struct pollfd fds[] = { { .fd = self->stop, .events = POLLIN },
                          { .fd = self->listener, .events = POLLIN } };
  gboolean can_accept = TRUE;

  for (;;)
    {
      poll (fds, can_accept ? 2 : 1, can_accept ? -1 : PAUSE_MS);
      if (fds[0].revents != 0)
        return NULL;
      can_accept = accept_all (self);
    }
}

DeskHttpAccept *
desk_http_accept_new (DeskHttpServer *server, int listener)
{
  DeskHttpAccept *self = g_new0 (DeskHttpAccept, 1);

  self->server = server;
  self->listener = listener;
  self->stop = eventfd (0, EFD_CLOEXEC);
  self->thread = g_thread_new ("http-accept", accept_main, self);
  return self;
}

void
desk_http_accept_free (DeskHttpAccept *self)
{
  const guint64 one = 1;

  if (self == NULL)
    return;
  if (write (self->stop, &one, sizeof one) != sizeof one)
    g_critical ("The accepting thread cannot be told to end: %s", g_strerror (errno));
  g_thread_join (self->thread);
  close (self->stop);
  close (self->listener);
  g_free (self);
}
