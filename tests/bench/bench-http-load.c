/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

#include "bench-http-load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_BYTES 4096 /* an answer's head must fit */
#define BODY_BYTES (128 * 1024)

typedef struct
{
  int fd;
  gsize n_head; /* bytes in head; 0 once the head was read */
  gsize missing; /* bytes of the body still to come */
  gboolean in_body;
  char head[HEAD_BYTES + 1];
} Connection;

struct _HttpLoad
{
  int epoll;
  guint n;
  Connection *connections;
  HttpLoadFunc func;
  gpointer data;
  GString *request;
  char *body; /* read and forgotten */
  guint status;
  guint under_way;
  HttpLoadResult result;
};

static int
connect_to (guint16 port)
{
  const struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons (port),
                                       .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  const int on = 1;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0 || connect (fd, (const struct sockaddr *)&address, sizeof address) != 0)
    g_error ("Cannot connect to port %u: %s", port, g_strerror (errno));
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

HttpLoad *
http_load_new (guint16 port, guint n, HttpLoadFunc func, gpointer data)
{
  HttpLoad *self = g_new0 (HttpLoad, 1);

  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  self->n = n;
  self->connections = g_new0 (Connection, n);
  self->func = func;
  self->data = data;
  self->request = g_string_new (NULL);
  self->body = g_malloc (BODY_BYTES);
  for (guint i = 0; i < n; i++)
    {
      struct epoll_event event = { .events = EPOLLIN, .data.ptr = &self->connections[i] };
      self->connections[i].fd = connect_to (port);
      epoll_ctl (self->epoll, EPOLL_CTL_ADD, self->connections[i].fd, &event);
    }
  return self;
}

void
http_load_free (HttpLoad *self)
{
  for (guint i = 0; i < self->n; i++)
    close (self->connections[i].fd);
  close (self->epoll);
  g_string_free (self->request, TRUE);
  g_free (self->body);
  g_free (self->connections);
  g_free (self);
}

static void
ask (HttpLoad *self, Connection *connection)
{
  g_string_truncate (self->request, 0);
  self->func (self->request, self->data);
  if (send (connection->fd, self->request->str, self->request->len, MSG_NOSIGNAL)
      != (gssize)self->request->len)
    g_error ("A request could not be sent: %s", g_strerror (errno));
  connection->n_head = 0;
  connection->in_body = FALSE;
  self->under_way++;
}

/* Returns whether the head is complete. */
static gboolean
read_head (HttpLoad *self, Connection *connection)
{
  gssize got = recv (connection->fd, connection->head + connection->n_head,
                     HEAD_BYTES - connection->n_head, MSG_DONTWAIT);
  if (got <= 0)
    g_error ("The server closed a connection: %s", got < 0 ? g_strerror (errno) : "end");
  connection->n_head += (gsize)got;
  connection->head[connection->n_head] = '\0';

  const char *end = strstr (connection->head, "\r\n\r\n");
  const char *length = end != NULL ? strstr (connection->head, "Content-Length: ") : NULL;
  if (end == NULL && connection->n_head < HEAD_BYTES)
    return FALSE;
  if (end == NULL || length == NULL || length > end)
    g_error ("An answer is not understood: %s", connection->head);
  if (g_ascii_strtoull (connection->head + 9, NULL, 10) != self->status)
    g_error ("Not the expected status %u: %s", self->status, connection->head);
  connection->missing = g_ascii_strtoull (length + 16, NULL, 10);
  self->result.body_bytes += connection->missing;
  connection->missing -= connection->n_head - (gsize)(end + 4 - connection->head);
  connection->in_body = TRUE;
  return TRUE;
}

/* Returns whether the answer is complete. */
static gboolean
read_answer (HttpLoad *self, Connection *connection)
{
  if (!connection->in_body && !read_head (self, connection))
    return FALSE;
  while (connection->missing > 0)
    {
      gssize got = recv (connection->fd, self->body, MIN (connection->missing, BODY_BYTES),
                         MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN)
        return FALSE;
      if (got <= 0)
        g_error ("The server closed a connection: %s", got < 0 ? g_strerror (errno) : "end");
      connection->missing -= (gsize)got;
    }
  return TRUE;
}

HttpLoadResult
http_load_run (HttpLoad *self, gint64 duration_us, guint status)
{
  struct epoll_event events[64];
  const gint64 start_us = g_get_monotonic_time ();

  self->status = status;
  memset (&self->result, 0, sizeof self->result);
  for (guint i = 0; i < self->n; i++)
    ask (self, &self->connections[i]);
  while (self->under_way > 0)
    {
      int n = epoll_wait (self->epoll, events, G_N_ELEMENTS (events), 10000);
      if (n == 0 || (n < 0 && errno != EINTR))
        g_error ("No answer within 10 s");
      const gboolean more = g_get_monotonic_time () - start_us < duration_us;
      for (int i = 0; i < n; i++)
        {
          if (!read_answer (self, events[i].data.ptr))
            continue;
          self->result.answers++;
          self->under_way--;
          if (more)
            ask (self, events[i].data.ptr);
        }
    }
  self->result.seconds = (double)(g_get_monotonic_time () - start_us) / G_USEC_PER_SEC;
  return self->result;
}

char *
http_load_fetch (guint16 port, HttpLoadFunc func, gpointer data, gsize *out_len)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *body = NULL, *length = NULL;
  int fd = connect_to (port);

  func (text, data);
  if (send (fd, text->str, text->len, MSG_NOSIGNAL) != (gssize)text->len)
    g_error ("A request could not be sent: %s", g_strerror (errno));
  g_string_truncate (text, 0);
  do
    {
      char piece[65536];
      gssize got = recv (fd, piece, sizeof piece, 0);
      if (got <= 0)
        g_error ("The server closed a connection: %s", text->str);
      g_string_append_len (text, piece, got);
      body = strstr (text->str, "\r\n\r\n");
      length = strstr (text->str, "Content-Length: ");
      *out_len = length != NULL ? g_ascii_strtoull (length + 16, NULL, 10) : 0;
    }
  while (body == NULL || text->len < (gsize)(body + 4 - text->str) + *out_len);
  close (fd);
  if (!g_str_has_prefix (text->str, "HTTP/1.1 200 "))
    g_error ("Not the expected status 200: %s", text->str);
  return g_strndup (body + 4, *out_len);
}
