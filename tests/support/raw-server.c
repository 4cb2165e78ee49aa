/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "raw-server"

#include "config.h"

#include "raw-server.h"

#include <string.h>
#include <sys/socket.h>

/* See the header. */

#define HUGE_CHUNK (1024 * 1024)
#define MAX_REQUEST 65536

static gboolean
put (RawServer *self, GSocketConnection *connection, const char *text, gsize len)
{
  return g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), text, len, NULL,
                                    self->cancellable, NULL);
}

static gboolean
say (RawServer *self, GSocketConnection *connection, const char *text)
{
  return put (self, connection, text, strlen (text));
}

/* One request with its body; FALSE at the end of the connection. */
static gboolean
read_request (RawServer *self, GSocketConnection *connection, GString *request)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  gsize want = 0;

  g_string_truncate (request, 0);
  while (request->len < MAX_REQUEST)
    {
      char byte;
      const char *end, *length;

      if (want > 0 && request->len >= want)
        break;
      if (g_input_stream_read (in, &byte, 1, self->cancellable, NULL) != 1)
        return FALSE;
      g_string_append_c (request, byte);
      if (want > 0 || (end = strstr (request->str, "\r\n\r\n")) == NULL)
        continue;
      length = strstr (request->str, "Content-Length: ");
      want = (gsize) (end + 4 - request->str) + (length ? g_ascii_strtoull (length + 16, NULL, 10) : 0);
    }
  g_atomic_int_inc (&self->requests);
  if (g_str_has_prefix (request->str, "POST "))
    g_atomic_int_inc (&self->posts);
  if (g_str_has_prefix (request->str, "PUT "))
    {
      g_atomic_int_inc (&self->puts);
      if (g_str_has_suffix (request->str, "\r\n\r\n"))
        g_atomic_int_inc (&self->empty_puts);
    }
  return TRUE;
}

static void
wait_for_end (RawServer *self)
{
  GPollFD fd;

  if (g_cancellable_make_pollfd (self->cancellable, &fd))
    {
      g_poll (&fd, 1, -1);
      g_cancellable_release_fd (self->cancellable);
    }
}

static void
reset (GSocketConnection *connection)
{
  struct linger linger = { 1, 0 };

  setsockopt (g_socket_get_fd (g_socket_connection_get_socket (connection)), SOL_SOCKET, SO_LINGER, &linger,
              sizeof linger);
}

static void
accept_websocket (RawServer *self, GSocketConnection *connection, const char *request)
{
  const char *key = strstr (request, "Sec-WebSocket-Key: ");
  g_autofree char *joined = NULL;
  g_autofree char *accept = NULL;
  g_autofree char *answer = NULL;
  guint8 digest[20];
  gsize len = sizeof digest;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA1);

  if (key == NULL)
    return;
  joined = g_strdup_printf ("%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
  g_checksum_update (sum, (const guchar *) joined, -1);
  g_checksum_get_digest (sum, digest, &len);
  accept = g_base64_encode (digest, len);
  answer = g_strdup_printf ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
  say (self, connection, answer);
  if (self->mode == RAW_UPGRADE_RESTART)
    put (self, connection, "\x88\x02\x03\xf4", 4);
  else
    wait_for_end (self);
}

static void
serve (RawServer *self, GSocketConnection *connection)
{
  g_autoptr (GString) request = g_string_new (NULL);
  g_autofree char *chunk = NULL;

  if (self->mode == RAW_CLOSE_UNREAD || !read_request (self, connection, request))
    return;
  switch (self->mode)
    {
    case RAW_RESET:
      say (self, connection, "HTTP/1.1 200 OK\r\nContent-Len");
      reset (connection);
      break;
    case RAW_TRUNCATED:
      say (self, connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"success\":");
      break;
    case RAW_SILENT:
      wait_for_end (self);
      break;
    case RAW_SLOW:
      g_usleep (300000);
      say (self, connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
      break;
    case RAW_HUGE:
      chunk = g_strnfill (HUGE_CHUNK, ' ');
      say (self, connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n");
      while (put (self, connection, chunk, HUGE_CHUNK))
        ;
      break;
    case RAW_GARBAGE:
      say (self, connection, "SSH-2.0-OpenSSH_9.2p1\r\n");
      break;
    case RAW_KEEP_THEN_CLOSE:
      say (self, connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
      read_request (self, connection, request);
      break;
    case RAW_UPGRADE_DEAF:
    case RAW_UPGRADE_RESTART:
      accept_websocket (self, connection, request->str);
      break;
    case RAW_CLOSE:
    case RAW_CLOSE_UNREAD:
      break;
    }
}

static gboolean
on_run (GThreadedSocketService *service, GSocketConnection *connection, GObject *source, RawServer *self)
{
  g_atomic_int_inc (&self->running);
  g_atomic_int_inc (&self->connections);
  serve (self, connection);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  g_atomic_int_add (&self->running, -1);
  return TRUE;
}

RawServer *
raw_server_new (RawMode mode)
{
  RawServer *self = g_new0 (RawServer, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  self->mode = mode;
  self->cancellable = g_cancellable_new ();
  self->service = g_threaded_socket_service_new (8);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), address, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_TCP, NULL, &bound, NULL))
    g_error ("cannot listen");
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->url = g_strdup_printf ("http://127.0.0.1:%u", self->port);
  g_signal_connect (self->service, "run", G_CALLBACK (on_run), self);
  g_socket_service_start (self->service);
  return self;
}

void
raw_server_free (RawServer *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_cancellable_cancel (self->cancellable);
  while (g_atomic_int_get (&self->running) > 0)
    g_thread_yield ();
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_object_unref (self->service);
  g_object_unref (self->cancellable);
  g_free (self->url);
  g_free (self);
}
