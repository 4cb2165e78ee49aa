/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "hub-fixture.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* How sockets live and end: heartbeat, authentication, close, shutdown, many of them. */

/* A clock that the test moves; atomic, since the hub's threads read it. */
typedef struct
{
  DeskClock base;
  gint64 us;
  gint looks; /* how often it was read */
} TestClock;

static gint64
test_clock_read (DeskClock *clock)
{
  TestClock *self = (TestClock *) clock;

  g_atomic_int_inc (&self->looks);
  return __atomic_load_n (&self->us, __ATOMIC_RELAXED);
}

static void
test_clock_init (TestClock *self)
{
  memset (self, 0, sizeof *self);
  g_atomic_ref_count_init (&self->base.refs);
  self->base.monotonic_us = self->base.now_ms = test_clock_read;
  self->us = 1000000;
}

static void
test_clock_advance_ms (TestClock *self, gint64 ms)
{
  __atomic_add_fetch (&self->us, ms * 1000, __ATOMIC_RELAXED);
}

/* The hub has done what was due: it looks twice a turn. */
static void
test_clock_wait_looked (TestClock *self)
{
  gint64 deadline_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  gint looks = g_atomic_int_get (&self->looks);

  while (g_atomic_int_get (&self->looks) < looks + 5)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline_us);
      g_usleep (500); /* polls */
    }
}

static DeskHubOptions
fast_options (TestClock *clock)
{
  /* A real tick of 6 ms: the hub looks at the clock that often. */
  return (DeskHubOptions){ .threads = 1,
                           .ping_interval_ms = 1000,
                           .pong_timeout_ms = 400,
                           .auth_timeout_ms = 60000,
                           .close_timeout_ms = 100,
                           .clock = &clock->base };
}

static void
expect_ping (int client)
{
  g_autoptr (GByteArray) payload = g_byte_array_new ();

  g_assert_cmphex (client_read (client, payload), ==, 0x89);
  g_assert_cmpuint (payload->len, <=, 125);
}

static void
expect_nothing (int client)
{
  char byte;

  client_text (client, "anything?");
  client_expect_text (client, "anything?");
  g_assert_cmpint (recv (client, &byte, 1, MSG_DONTWAIT), ==, -1);
}

static void
test_heartbeat (void)
{
  TestClock clock;
  DeskHubOptions options;
  HubFixture fixture;
  DeskHubStats stats;
  int client;

  test_clock_init (&clock);
  options = fast_options (&clock);
  hub_fixture_init (&fixture, &options);
  client = hub_fixture_client (&fixture);
  client_text (client, "auth");
  for (guint i = 0; i < 5; i++)
    {
      test_clock_advance_ms (&clock, 890); /* before the earliest jitter */
      expect_nothing (client);
      test_clock_advance_ms (&clock, 300); /* after the latest, and a tick */
      expect_ping (client);
      client_send (client, 0x8a, "", 0);
      expect_nothing (client); /* the pong has been taken: the next ping is counted from here */
    }
  test_clock_advance_ms (&clock, 1190);
  expect_ping (client);
  g_assert_cmpuint (hub_fixture_get_closed (&fixture), ==, 0);
  test_clock_advance_ms (&clock, 500);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 1), ==, 1006);
  desk_hub_get_stats (fixture.hub, &stats);
  g_assert_cmpuint (stats.pong_timeouts, ==, 1);
  close (client);
  hub_fixture_clear (&fixture);
}

#define SLOW_SIZE 3000000

static void
read_bytes (int client, gsize n)
{
  char buffer[4096];

  while (n > 0)
    {
      ssize_t got = recv (client, buffer, MIN (n, sizeof buffer), 0);

      g_assert_cmpint (got, >, 0);
      n -= (gsize) got;
    }
}

/* A ping waits behind megabytes on a slow line: while the client takes some of them it is alive,
 * though each look of the hub comes later than a pong may. */
static void
test_slow_is_not_dead (void)
{
  TestClock clock;
  DeskHubOptions options;
  HubFixture fixture;
  DeskHubStats stats;
  g_autofree char *text = g_strnfill (SLOW_SIZE, 'x');
  g_autoptr (DeskFrame) frame = desk_frame_text_new (text, -1);
  int client;
  gsize left = SLOW_SIZE + 10;

  test_clock_init (&clock);
  options = fast_options (&clock);
  hub_fixture_init (&fixture, &options);
  client = hub_fixture_narrow_client (&fixture);
  client_text (client, "auth");
  client_text (client, "class:1");
  client_expect_text (client, "class");
  desk_hub_broadcast (fixture.hub, 1, frame);
  read_bytes (client, 10); /* it is on its way */
  left -= 10;
  test_clock_advance_ms (&clock, 1190);
  test_clock_wait_looked (&clock);
  for (guint i = 0; i < 8; i++)
    {
      read_bytes (client, 200000);
      left -= 200000;
      test_clock_advance_ms (&clock, 450);
      test_clock_wait_looked (&clock);
    }
  read_bytes (client, left);
  expect_ping (client);
  client_send (client, 0x8a, "", 0);
  expect_nothing (client);
  desk_hub_get_stats (fixture.hub, &stats);
  g_assert_cmpuint (stats.pong_timeouts, ==, 0);
  close (client);
  hub_fixture_wait_closed (&fixture, 1);
  hub_fixture_clear (&fixture);
}

static void
test_authentication (void)
{
  TestClock clock;
  DeskHubOptions options;
  HubFixture fixture;
  int late, in_time;

  test_clock_init (&clock);
  options = fast_options (&clock);
  options.auth_timeout_ms = 500;
  hub_fixture_init (&fixture, &options);
  late = hub_fixture_client (&fixture);
  in_time = hub_fixture_client (&fixture);
  client_text (in_time, "auth");
  expect_nothing (in_time);
  test_clock_advance_ms (&clock, 490);
  expect_nothing (late);
  test_clock_advance_ms (&clock, 100);
  client_expect_close (late, 4401);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 1), ==, 4401);
  expect_nothing (in_time);
  close (in_time);
  hub_fixture_wait_closed (&fixture, 2);
  hub_fixture_clear (&fixture);
}

static void
test_close (void)
{
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  g_autoptr (GByteArray) out = g_byte_array_new ();
  HubFixture fixture;
  int client;

  hub_fixture_init (&fixture, NULL);
  client = hub_fixture_client (&fixture);
  client_frame (out, 0x81, "first", 5, TRUE);
  client_frame (out, 0x81, "close:4403", 10, TRUE);
  client_frame (out, 0x81, "not looked at", 13, TRUE);
  client_write (client, out->data, out->len);
  client_expect_text (client, "first");
  g_assert_cmphex (client_read (client, payload), ==, 0x88);
  g_assert_cmpmem (payload->data, payload->len, "\x11\x33" "asked for", 11);
  g_assert_cmpint (client_read (client, payload), ==, -1);
  g_assert_cmpuint (hub_fixture_get_closed (&fixture), ==, 0); /* still waiting for the client's answer */
  client_send (client, 0x88, "\x11\x33", 2);
  close (client);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 1), ==, 4403);
  hub_fixture_clear (&fixture);
}

/* A client that never answers the close frame is not waited for longer than promised. */
static void
test_close_timeout (void)
{
  TestClock clock;
  DeskHubOptions options;
  HubFixture fixture;
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  int client;

  test_clock_init (&clock);
  options = fast_options (&clock);
  hub_fixture_init (&fixture, &options);
  client = hub_fixture_client (&fixture);
  client_text (client, "close:4403");
  g_assert_cmphex (client_read (client, payload), ==, 0x88);
  test_clock_advance_ms (&clock, 200);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 1), ==, 4403);
  close (client);
  hub_fixture_clear (&fixture);
}

/* Another descriptor of the connection is open elsewhere: the hub's end is the end all the same. */
static void
test_duplicate_descriptor (void)
{
  HubFixture fixture;
  int client, server, copy;

  hub_fixture_init (&fixture, NULL);
  hub_fixture_connect (&fixture, &client, &server);
  copy = dup (server);
  g_assert_true (desk_hub_adopt (fixture.hub, server, NULL, 0, NULL, NULL, NULL));
  client_send (client, 0x88, "\x03\xe8", 2);
  client_expect_close (client, 1000);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 1), ==, 1000);
  close (copy);
  hub_fixture_clear (&fixture);
}

/* The client resets the connection while it is sent to: no signal, one closed(). */
static void
test_reset (void)
{
  struct linger reset = { 1, 0 };
  g_autofree char *text = g_strnfill (100000, 'x');
  g_autoptr (DeskFrame) frame = desk_frame_text_new (text, -1);
  HubFixture fixture;
  DeskSocket *socket = NULL;
  int client;

  hub_fixture_init (&fixture, NULL);
  client = hub_fixture_client_socket (&fixture, &socket);
  for (guint i = 0; i < 20; i++)
    desk_socket_send (socket, frame);
  setsockopt (client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close (client);
  while (desk_socket_send (socket, frame))
    g_thread_yield ();
  hub_fixture_wait_closed (&fixture, 1);
  desk_socket_unref (socket);
  hub_fixture_clear (&fixture);
}

static void
count_destroyed (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

static void
test_limit (void)
{
  DeskHubOptions options = { .max_sockets = 1 };
  g_autoptr (GError) error = NULL;
  HubFixture fixture;
  gint destroyed = 0;
  int client, refused, server;

  hub_fixture_init (&fixture, &options);
  client = hub_fixture_client (&fixture);
  hub_fixture_connect (&fixture, &refused, &server);
  g_assert_false (desk_hub_adopt (fixture.hub, server, NULL, 0, &destroyed,
                                  count_destroyed, &error));
  g_assert_error (error, DESK_HUB_ERROR, DESK_HUB_ERROR_LIMIT);
  g_assert_cmpint (destroyed, ==, 1);
  close (refused);
  close (client);
  hub_fixture_wait_closed (&fixture, 1);
  close (hub_fixture_client (&fixture)); /* there is room again */
  hub_fixture_wait_closed (&fixture, 2);
  hub_fixture_clear (&fixture);
}

/* ── Shutdown ───────────────────────────────────────────────────────────────────────────────── */
static gpointer
shutdown_thread (gpointer hub)
{
  desk_hub_shutdown (hub, 1001, 20000);
  return NULL;
}

static void
test_shutdown (void)
{
  g_autofree char *text = g_strnfill (3000000, 'x');
  g_autoptr (DeskFrame) frame = desk_frame_text_new (text, -1);
  HubFixture fixture;
  DeskSocket *socket = NULL;
  GThread *thread;
  int clients[20];

  hub_fixture_init (&fixture, NULL);
  for (guint i = 0; i < 20; i++)
    clients[i] = hub_fixture_client_socket (&fixture, i == 0 ? &socket : NULL);
  desk_socket_send (socket, frame); /* more than the kernel takes at once: still flushed */
  thread = g_thread_new ("shutdown", shutdown_thread, g_steal_pointer (&fixture.hub));
  client_expect_text (clients[0], text);
  for (guint i = 0; i < 20; i++)
    client_expect_close (clients[i], 1001);
  g_thread_join (thread);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 20), ==, 1001);
  g_assert_false (desk_socket_send (socket, frame));
  desk_socket_close (socket, 1000, NULL);
  desk_socket_unref (socket);
  g_clear_pointer (&fixture.last_opened, desk_socket_unref);
  g_assert_cmpint (g_atomic_int_get (&fixture.destroyed), ==, 20);
  hub_fixture_clear (&fixture);
}

/* Nobody reads: the deadline ends it. */
static void
test_shutdown_deadline (void)
{
  DeskHubOptions options = { .close_timeout_ms = 60000 };
  g_autofree char *text = g_strnfill (10000000, 'x');
  g_autoptr (DeskFrame) frame = desk_frame_text_new (text, -1);
  HubFixture fixture;
  DeskSocket *socket = NULL;
  int clients[2];
  gint64 start_us;

  hub_fixture_init (&fixture, &options);
  clients[0] = hub_fixture_client (&fixture);
  clients[1] = hub_fixture_client_socket (&fixture, &socket);
  desk_socket_send (socket, frame);
  start_us = g_get_monotonic_time ();
  desk_hub_shutdown (g_steal_pointer (&fixture.hub), 1001, 100);
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, 100 * 1000);
  g_assert_cmpint (g_get_monotonic_time () - start_us, <, 15 * G_USEC_PER_SEC);
  hub_fixture_wait_closed (&fixture, 2);
  desk_socket_unref (socket);
  close (clients[0]);
  close (clients[1]);
  hub_fixture_clear (&fixture);
}

/* ── Many ───────────────────────────────────────────────────────────────────────────────────── */
#define MANY 2000

static void
test_many (void)
{
  struct rlimit limit;
  g_autoptr (DeskFrame) all = desk_frame_text_new ("all", -1);
  HubFixture fixture;
  DeskHubStats stats;
  int *clients = g_new (int, MANY);

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  hub_fixture_init (&fixture, NULL);
  for (guint i = 0; i < MANY; i++)
    {
      clients[i] = hub_fixture_client (&fixture);
      client_text (clients[i], "class:1");
    }
  for (guint i = 0; i < MANY; i++)
    client_expect_text (clients[i], "class");
  for (guint i = 0; i < 3; i++)
    desk_hub_broadcast (fixture.hub, 1, all);
  desk_hub_get_stats (fixture.hub, &stats);
  g_assert_cmpuint (stats.sockets, ==, MANY);
  for (guint i = 0; i < MANY; i++)
    {
      for (guint j = 0; j < 3; j++)
        client_expect_text (clients[i], "all");
      client_send (clients[i], 0x88, "\x03\xe8", 2);
      client_expect_close (clients[i], 1000);
    }
  hub_fixture_wait_closed (&fixture, MANY);
  desk_hub_get_stats (fixture.hub, &stats);
  g_assert_cmpuint (stats.sockets, ==, 0);
  g_assert_cmpuint (stats.opened, ==, MANY);
  g_free (clients);
  hub_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hub/life/heartbeat", test_heartbeat);
  g_test_add_func ("/hub/life/slow-is-not-dead", test_slow_is_not_dead);
  g_test_add_func ("/hub/life/authentication", test_authentication);
  g_test_add_func ("/hub/life/close", test_close);
  g_test_add_func ("/hub/life/close-timeout", test_close_timeout);
  g_test_add_func ("/hub/life/duplicate-descriptor", test_duplicate_descriptor);
  g_test_add_func ("/hub/life/reset", test_reset);
  g_test_add_func ("/hub/life/limit", test_limit);
  g_test_add_func ("/hub/life/shutdown", test_shutdown);
  g_test_add_func ("/hub/life/shutdown-deadline", test_shutdown_deadline);
  g_test_add_func ("/hub/life/many", test_many);
  return g_test_run ();
}
