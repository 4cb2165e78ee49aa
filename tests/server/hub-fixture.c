/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "hub-fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* pthread's mutexes instead of GLib's, because ThreadSanitizer understands them. */

#define DEADLINE_S 20

/* ── The server's side ──────────────────────────────────────────────────────────────────────── */
static void
on_opened (DeskSocket *socket, gpointer user_data)
{
  HubFixture *self = user_data;

  pthread_mutex_lock (&self->lock);
  self->opened++;
  g_clear_pointer (&self->last_opened, desk_socket_unref);
  self->last_opened = desk_socket_ref (socket);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static void
on_closed (DeskSocket *socket, guint16 code, gpointer user_data)
{
  HubFixture *self = user_data;

  pthread_mutex_lock (&self->lock);
  self->closed++;
  self->last_code = code;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static gboolean
replay_next (DeskSocket *socket, GPtrArray *frames, guint64 *position, gpointer data)
{
  HubFixture *self = data;
  gboolean more;

  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < self->replay_batch && *position < self->log->len; i++)
    {
      g_ptr_array_add (frames, desk_frame_ref (g_ptr_array_index (self->log, *position)));
      *position += 1;
    }
  more = *position < self->log->len;
  pthread_mutex_unlock (&self->lock);
  return more;
}

static void
echo (DeskSocket *socket, const char *text, gsize len)
{
  DeskFrame *frame = desk_frame_text_new (text, (gssize) len);

  desk_socket_send (socket, frame);
  desk_frame_unref (frame);
}

static void
on_message (DeskSocket *socket, const char *text, gsize len, gpointer user_data)
{
  if (g_str_has_prefix (text, "class:"))
    {
      desk_socket_set_class (socket, (guint) atoi (text + 6));
      echo (socket, "class", 5);
    }
  else if (g_str_has_prefix (text, "close:"))
    desk_socket_close (socket, (guint16) atoi (text + 6), "asked for");
  else if (g_str_equal (text, "auth"))
    desk_socket_set_authenticated (socket);
  else if (g_str_equal (text, "replay"))
    {
      desk_socket_begin_replay (socket, replay_next, user_data, NULL);
      desk_socket_set_class (socket, 1);
    }
  else
    echo (socket, text, len);
}

static void
on_destroyed (gpointer data)
{
  HubFixture *self = data;

  g_atomic_int_inc (&self->destroyed);
}

void
hub_fixture_init (HubFixture *self, const DeskHubOptions *options)
{
  static const DeskHubCallbacks callbacks = { on_opened, on_message, on_closed };
  struct sockaddr_in address = { .sin_family = AF_INET };
  g_autoptr (GError) error = NULL;

  memset (self, 0, sizeof *self);
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  self->log = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_frame_unref);
  self->replay_batch = 50;
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  self->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (self->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (self->listener, 128), ==, 0);
  self->hub = desk_hub_new (options, &callbacks, self, &error);
  g_assert_no_error (error);
}

void
hub_fixture_clear (HubFixture *self)
{
  if (self->hub != NULL)
    desk_hub_shutdown (self->hub, 1001, 0);
  g_clear_pointer (&self->last_opened, desk_socket_unref);
  g_assert_cmpuint (self->opened, ==, self->closed);
  g_ptr_array_unref (self->log);
  close (self->listener);
  pthread_mutex_destroy (&self->lock);
  pthread_cond_destroy (&self->changed);
}

void
hub_fixture_connect (HubFixture *self, int *out_client, int *out_server)
{
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  struct timeval deadline = { DEADLINE_S, 0 };
  int one = 1;

  g_assert_cmpint (getsockname (self->listener, (struct sockaddr *) &address, &length), ==, 0);
  *out_client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (*out_client, (struct sockaddr *) &address, length), ==, 0);
  setsockopt (*out_client, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  setsockopt (*out_client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  *out_server = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (*out_server, >=, 0);
}

/* Waits for *counter to become n, with the lock held. */
static void
wait_for (HubFixture *self, guint *counter, guint n)
{
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += DEADLINE_S;
  while (*counter < n)
    g_assert_cmpint (pthread_cond_timedwait (&self->changed, &self->lock, &until), ==, 0);
}

static void
adopt (HubFixture *self, int server, DeskSocket **out_socket)
{
  g_autoptr (GError) error = NULL;
  guint opened;

  pthread_mutex_lock (&self->lock);
  opened = self->opened;
  pthread_mutex_unlock (&self->lock);
  desk_hub_adopt (self->hub, server, NULL, 0, self, on_destroyed, &error);
  g_assert_no_error (error);
  pthread_mutex_lock (&self->lock);
  wait_for (self, &self->opened, opened + 1);
  if (out_socket != NULL)
    *out_socket = desk_socket_ref (self->last_opened);
  pthread_mutex_unlock (&self->lock);
}

int
hub_fixture_client_socket (HubFixture *self, DeskSocket **out_socket)
{
  int client, server;

  hub_fixture_connect (self, &client, &server);
  adopt (self, server, out_socket);
  return client;
}

int
hub_fixture_narrow_client (HubFixture *self)
{
  int client, server, small = 16384, large = 400000;

  hub_fixture_connect (self, &client, &server);
  setsockopt (client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  setsockopt (server, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
  adopt (self, server, NULL);
  return client;
}

int
hub_fixture_client (HubFixture *self)
{
  return hub_fixture_client_socket (self, NULL);
}

guint16
hub_fixture_wait_closed (HubFixture *self, guint n)
{
  guint16 code;

  pthread_mutex_lock (&self->lock);
  wait_for (self, &self->closed, n);
  g_assert_cmpuint (self->closed, ==, n);
  code = self->last_code;
  pthread_mutex_unlock (&self->lock);
  return code;
}

guint
hub_fixture_get_closed (HubFixture *self)
{
  guint closed;

  pthread_mutex_lock (&self->lock);
  closed = self->closed;
  pthread_mutex_unlock (&self->lock);
  return closed;
}

void
hub_fixture_publish (HubFixture *self, const char *text)
{
  DeskHubEvent event = { 0 };

  event.forms[0].class_mask = 1;
  event.forms[0].frame = desk_frame_text_new (text, -1);
  pthread_mutex_lock (&self->lock);
  g_ptr_array_add (self->log, desk_frame_ref (event.forms[0].frame));
  event.order = self->log->len;
  pthread_mutex_unlock (&self->lock);
  desk_hub_broadcast_event (self->hub, &event);
  desk_frame_unref (event.forms[0].frame);
}

/* ── The client's side ──────────────────────────────────────────────────────────────────────── */
void
client_frame (GByteArray *out, guint8 first, const void *payload, gsize len, gboolean masked)
{
  static const guint8 key[4] = { 0x12, 0xf3, 0x7b, 0x04 };
  guint8 header[10] = { first };
  gsize n = 2, start;

  if (len < 126)
    header[1] = (guint8) len;
  else
    {
      n = len < 65536 ? 4 : 10;
      header[1] = len < 65536 ? 126 : 127;
      for (gsize i = 2; i < n; i++)
        header[i] = (guint8) (len >> (8 * (n - 1 - i)));
    }
  header[1] |= masked ? 0x80 : 0;
  g_byte_array_append (out, header, (guint) n);
  if (masked)
    g_byte_array_append (out, key, 4);
  start = out->len;
  g_byte_array_append (out, payload, (guint) len);
  for (gsize i = 0; masked && i < len; i++)
    out->data[start + i] ^= key[i % 4];
}

void
client_write (int fd, const void *bytes, gsize len)
{
  const guint8 *at = bytes;

  while (len > 0)
    {
      ssize_t n = send (fd, at, len, MSG_NOSIGNAL);

      if (n < 0)
        return; /* the hub may have closed already: what it sent tells */
      at += n;
      len -= (gsize) n;
    }
}

void
client_send (int fd, guint8 first, const void *payload, gsize len)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();

  client_frame (out, first, payload, len, TRUE);
  client_write (fd, out->data, out->len);
}

void
client_text (int fd, const char *text)
{
  client_send (fd, 0x81, text, strlen (text));
}

static gboolean
read_exactly (int fd, void *into, gsize len)
{
  guint8 *at = into;

  while (len > 0)
    {
      ssize_t n = recv (fd, at, len, 0);

      if (n < 0)
        {
          g_assert_cmpint (errno, !=, EAGAIN); /* the deadline */
          return FALSE;
        }
      if (n == 0)
        return FALSE;
      at += n;
      len -= (gsize) n;
    }
  return TRUE;
}

int
client_read (int fd, GByteArray *payload)
{
  guint8 header[10];
  gsize len, extended;

  if (!read_exactly (fd, header, 2))
    return -1;
  g_assert_cmpuint (header[1] & 0x80, ==, 0); /* servers do not mask */
  len = header[1];
  extended = len == 126 ? 2 : len == 127 ? 8 : 0;
  if (extended > 0)
    {
      len = 0;
      if (!read_exactly (fd, header + 2, extended))
        return -1;
      for (gsize i = 0; i < extended; i++)
        len = len << 8 | header[2 + i];
    }
  g_byte_array_set_size (payload, (guint) len + 1);
  if (!read_exactly (fd, payload->data, len))
    return -1;
  payload->data[len] = '\0';
  g_byte_array_set_size (payload, (guint) len);
  return header[0];
}

void
client_expect_text (int fd, const char *text)
{
  g_autoptr (GByteArray) payload = g_byte_array_new ();

  g_assert_cmphex (client_read (fd, payload), ==, 0x81);
  g_assert_cmpmem (payload->data, payload->len, text, strlen (text));
}

void
client_expect_close (int fd, guint16 code)
{
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  int first = client_read (fd, payload);

  if (first == 0x89)
    first = client_read (fd, payload);
  g_assert_cmphex (first, ==, 0x88);
  if (code == 0)
    g_assert_cmpuint (payload->len, ==, 0);
  else
    {
      g_assert_cmpuint (payload->len, >=, 2);
      g_assert_cmpuint ((guint) payload->data[0] << 8 | payload->data[1], ==, code);
    }
  g_assert_cmpint (client_read (fd, payload), ==, -1);
  close (fd);
}
