/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "hub-fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who gets which frames in which order: broadcasts, classes, overflow, replay. */

static void
enter_class (int client, guint class_mask)
{
  g_autofree char *text = g_strdup_printf ("class:%u", class_mask);

  client_text (client, text);
  client_expect_text (client, "class");
}

static void
finish (HubFixture *fixture, int *clients, guint n)
{
  for (guint i = 0; i < n; i++)
    close (clients[i]);
  hub_fixture_wait_closed (fixture, n);
  hub_fixture_clear (fixture);
}

/* ── Order ──────────────────────────────────────────────────────────────────────────────────── */
#define PUBLISHERS 4
#define EACH 2000
#define RECEIVERS 6

typedef struct
{
  HubFixture *fixture;
  guint index;
  gint *ready; /* atomic: all start together, or the order would be no achievement */
} Publisher;

static gpointer
publish_thread (gpointer data)
{
  Publisher *publisher = data;

  g_atomic_int_inc (publisher->ready);
  while (g_atomic_int_get (publisher->ready) < PUBLISHERS)
    g_thread_yield ();
  for (guint i = 0; i < EACH; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u %u", publisher->index, i);
      g_autoptr (DeskFrame) frame = desk_frame_text_new (text, -1);

      desk_hub_broadcast (publisher->fixture->hub, 1, frame);
    }
  return NULL;
}

static void
test_one_order (void)
{
  DeskHubOptions options = { .threads = 4, .max_queue_frames = 2 * PUBLISHERS * EACH };
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  g_autoptr (GPtrArray) seen = g_ptr_array_new_with_free_func (g_free);
  HubFixture fixture;
  Publisher publishers[PUBLISHERS];
  GThread *threads[PUBLISHERS];
  guint next[PUBLISHERS] = { 0 };
  gint ready = 0;
  int clients[RECEIVERS];

  hub_fixture_init (&fixture, &options);
  for (guint i = 0; i < RECEIVERS; i++)
    {
      clients[i] = hub_fixture_client (&fixture);
      enter_class (clients[i], 1);
    }
  for (guint i = 0; i < PUBLISHERS; i++)
    {
      publishers[i] = (Publisher){ &fixture, i, &ready };
      threads[i] = g_thread_new ("publisher", publish_thread, &publishers[i]);
    }
  for (guint i = 0; i < PUBLISHERS * EACH; i++)
    {
      g_auto (GStrv) words = NULL;

      g_assert_cmphex (client_read (clients[0], payload), ==, 0x81);
      g_ptr_array_add (seen, g_strdup ((const char *) payload->data));
      words = g_strsplit ((const char *) payload->data, " ", 2);
      g_assert_cmpint (atoi (words[1]), ==, (int) next[atoi (words[0])]++);
    }
  for (guint i = 1; i < RECEIVERS; i++)
    for (guint j = 0; j < seen->len; j++)
      client_expect_text (clients[i], g_ptr_array_index (seen, j));
  for (guint i = 0; i < PUBLISHERS; i++)
    g_thread_join (threads[i]);
  finish (&fixture, clients, RECEIVERS);
}

/* ── Classes ────────────────────────────────────────────────────────────────────────────────── */
enum
{
  LEVEL_0 = 1,
  LEVEL_2 = 2,
  NOTES = 4,
};

static gboolean
only_this (DeskSocket *socket, gpointer data)
{
  return desk_socket_get_id (socket) == *(guint64 *) data;
}

static void
count_destroy (gpointer data)
{
  g_free (data);
}

static void
test_classes (void)
{
  static const guint classes[] = { LEVEL_0, LEVEL_2, LEVEL_2 | NOTES, 0 };
  static const char *expected[] = { NULL, "hidden", "note", NULL };
  HubFixture fixture;
  DeskSocket *socket = NULL;
  DeskHubEvent event = { 0 };
  g_autoptr (DeskFrame) note = desk_frame_text_new ("note", -1);
  g_autoptr (DeskFrame) hidden = desk_frame_text_new ("hidden", -1);
  g_autoptr (DeskFrame) filtered = desk_frame_text_new ("filtered", -1);
  guint64 id;
  int clients[4];

  hub_fixture_init (&fixture, NULL);
  for (guint i = 0; i < 4; i++)
    {
      clients[i] = hub_fixture_client_socket (&fixture, i == 1 ? &socket : NULL);
      enter_class (clients[i], classes[i]);
    }
  event.forms[0] = (DeskHubForm){ LEVEL_2 | NOTES, note };
  event.forms[1] = (DeskHubForm){ LEVEL_2, hidden };
  desk_hub_broadcast_event (fixture.hub, &event);
  id = desk_socket_get_id (socket);
  event = (DeskHubEvent){ .filter = only_this, .filter_destroy = count_destroy };
  event.forms[0] = (DeskHubForm){ LEVEL_2, filtered };
  event.filter_data = g_memdup2 (&id, sizeof id);
  desk_hub_broadcast_event (fixture.hub, &event);
  for (guint i = 0; i < 4; i++)
    {
      client_text (clients[i], "end");
      if (expected[i] != NULL)
        client_expect_text (clients[i], expected[i]);
      if (i == 1)
        client_expect_text (clients[i], "filtered");
      client_expect_text (clients[i], "end");
    }
  desk_socket_unref (socket);
  finish (&fixture, clients, 4);
}

/* ── Overflow ───────────────────────────────────────────────────────────────────────────────── */
/* Reads numbered frames from 0 up to a close frame; returns how many came. */
static guint
read_numbered_until_close (int client, guint16 code)
{
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  guint n = 0;
  int first;

  while ((first = client_read (client, payload)) == 0x81)
    g_assert_cmpint (atoi ((const char *) payload->data), ==, (int) n++);
  g_assert_cmphex (first, ==, 0x88);
  g_assert_cmpuint ((guint) payload->data[0] << 8 | payload->data[1], ==, code);
  g_assert_cmpint (client_read (client, payload), ==, -1);
  close (client);
  return n;
}

static DeskFrame *
numbered_frame (guint n, gsize size)
{
  g_autofree char *text = g_malloc0 (size + 1);
  int digits = g_snprintf (text, size, "%u ", n);

  memset (text + digits, 'x', size - (gsize) digits);
  return desk_frame_text_new (text, (gssize) size);
}

/* A client that does not read is told that it was too slow, after a whole prefix of its frames; its
 * neighbour notices nothing. */
static void
overflow (gboolean by_broadcast)
{
  DeskHubOptions options = { .threads = 1, .max_queue_bytes = 200000, .close_timeout_ms = 20000 };
  HubFixture fixture;
  DeskHubStats stats;
  DeskSocket *slow_socket = NULL;
  g_autoptr (DeskFrame) late = desk_frame_text_new ("late", -1);
  int slow, quick;
  guint sent = 0;

  hub_fixture_init (&fixture, &options);
  slow = hub_fixture_client_socket (&fixture, &slow_socket);
  quick = hub_fixture_client (&fixture);
  enter_class (slow, 1);
  enter_class (quick, 2);
  do
    {
      g_autoptr (DeskFrame) frame = numbered_frame (sent, 50000);

      if (!by_broadcast && !desk_socket_send (slow_socket, frame))
        break;
      if (by_broadcast)
        desk_hub_broadcast (fixture.hub, 1, frame);
      client_text (quick, "still here?");
      client_expect_text (quick, "still here?");
      desk_hub_get_stats (fixture.hub, &stats);
      sent++;
    }
  while (stats.overflows == 0 && sent < 2000);
  g_assert_cmpuint (sent, <, 2000);
  g_assert_cmpuint (read_numbered_until_close (slow, 4408), <, sent);
  g_assert_cmpuint (hub_fixture_wait_closed (&fixture, 1), ==, 4408);
  desk_hub_get_stats (fixture.hub, &stats);
  g_assert_cmpuint (stats.overflows, ==, 1);
  g_assert_cmpuint (stats.frames_dropped, >, 0);
  client_text (quick, "bye");
  client_expect_text (quick, "bye");
  g_assert_false (desk_socket_send (slow_socket, late));
  desk_socket_unref (slow_socket);
  close (quick);
  hub_fixture_wait_closed (&fixture, 2);
  hub_fixture_clear (&fixture);
}

static void
test_overflow_by_send (void)
{
  overflow (FALSE);
}

static void
test_overflow_by_broadcast (void)
{
  overflow (TRUE);
}

static void
test_large_frame_fits (void)
{
  DeskHubOptions options = { .max_queue_bytes = 1000 };
  g_autoptr (DeskFrame) frame = numbered_frame (0, 300000);
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  HubFixture fixture;
  DeskSocket *socket = NULL;
  int client;

  hub_fixture_init (&fixture, &options);
  client = hub_fixture_client_socket (&fixture, &socket);
  g_assert_true (desk_socket_send (socket, frame));
  g_assert_cmphex (client_read (client, payload), ==, 0x81);
  g_assert_cmpuint (payload->len, ==, 300000);
  desk_socket_unref (socket);
  finish (&fixture, &client, 1);
}

/* ── Replay ─────────────────────────────────────────────────────────────────────────────────── */
#define EVENTS 3000

static gpointer
publish_log (gpointer data)
{
  HubFixture *fixture = data;

  for (guint i = 0; i < EVENTS; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      hub_fixture_publish (fixture, text);
      if (i % 16 == 0)
        g_thread_yield ();
    }
  return NULL;
}

typedef struct
{
  HubFixture *fixture;
  int client;
} Resumer;

static gpointer
resume_thread (gpointer data)
{
  Resumer *resumer = data;

  client_text (resumer->client, "replay");
  for (guint i = 0; i < EVENTS; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      client_expect_text (resumer->client, text);
    }
  client_text (resumer->client, "end");
  client_expect_text (resumer->client, "end");
  return NULL;
}

/* Clients resume from the start while a publisher is at work: each must see every event once, in
 * order, wherever its switch to live falls. */
static void
test_replay_then_live (void)
{
  DeskHubOptions options = { .threads = 2, .max_queue_frames = EVENTS };
  HubFixture fixture;
  Resumer resumers[8];
  GThread *threads[8], *publisher;
  int clients[8];

  for (guint round = 0; round < 3; round++)
    {
      hub_fixture_init (&fixture, &options);
      fixture.replay_batch = round == 0 ? 1 : 50;
      publisher = g_thread_new ("publisher", publish_log, &fixture);
      for (guint i = 0; i < 8; i++)
        {
          clients[i] = hub_fixture_client (&fixture);
          resumers[i] = (Resumer){ &fixture, clients[i] };
          threads[i] = g_thread_new ("resumer", resume_thread, &resumers[i]);
        }
      g_thread_join (publisher);
      for (guint i = 0; i < 8; i++)
        g_thread_join (threads[i]);
      finish (&fixture, clients, 8);
    }
}

/* A log far larger than the queue, to a client that lets it wait: not too slow. What is unsequenced
 * comes in between unless it must not. */
static void
test_replay_is_not_counted (void)
{
  DeskHubOptions options = { .max_queue_frames = 4, .max_queue_bytes = 100000 };
  g_autoptr (DeskFrame) typing = desk_frame_text_new ("typing", -1);
  g_autoptr (DeskFrame) head = desk_frame_text_new ("head", -1);
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  HubFixture fixture;
  DeskHubEvent event = { .skip_replaying = TRUE };
  DeskHubStats stats;
  guint n = 0;
  int client;

  hub_fixture_init (&fixture, &options);
  for (guint i = 0; i < 1000; i++) /* 20 MB: it cannot end before the broadcasts */
    g_ptr_array_add (fixture.log, numbered_frame (i, 20000));
  client = hub_fixture_narrow_client (&fixture);
  client_text (client, "replay");
  do
    desk_hub_get_stats (fixture.hub, &stats);
  while (stats.frames_out == 0);
  event.forms[0] = (DeskHubForm){ 1, head };
  desk_hub_broadcast_event (fixture.hub, &event);
  hub_fixture_publish (&fixture, "1000");
  desk_hub_broadcast (fixture.hub, 1, typing);
  while (n <= 1000)
    {
      g_assert_cmphex (client_read (client, payload), ==, 0x81);
      if (strcmp ((const char *) payload->data, "typing") == 0)
        g_assert_cmpuint (n, <, 1000);
      else
        g_assert_cmpint (atoi ((const char *) payload->data), ==, (int) n++);
    }
  hub_fixture_publish (&fixture, "1001");
  client_expect_text (client, "1001");
  finish (&fixture, &client, 1);
}

static void
count_destroyed (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

static gboolean
never_next (DeskSocket *socket, GPtrArray *frames, guint64 *position, gpointer data)
{
  g_assert_not_reached ();
}

static void
test_replay_of_a_closed_socket (void)
{
  HubFixture fixture;
  DeskSocket *socket = NULL;
  gint destroyed = 0;
  int client;

  hub_fixture_init (&fixture, NULL);
  client = hub_fixture_client_socket (&fixture, &socket);
  close (client);
  hub_fixture_wait_closed (&fixture, 1);
  desk_socket_begin_replay (socket, never_next, &destroyed, count_destroyed);
  desk_hub_shutdown (g_steal_pointer (&fixture.hub), 1001, 1000);
  g_assert_cmpint (g_atomic_int_get (&destroyed), ==, 1);
  desk_socket_begin_replay (socket, never_next, &destroyed, count_destroyed);
  g_assert_cmpint (g_atomic_int_get (&destroyed), ==, 2);
  desk_socket_unref (socket);
  hub_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hub/delivery/one-order", test_one_order);
  g_test_add_func ("/hub/delivery/classes", test_classes);
  g_test_add_func ("/hub/delivery/overflow-by-send", test_overflow_by_send);
  g_test_add_func ("/hub/delivery/overflow-by-broadcast", test_overflow_by_broadcast);
  g_test_add_func ("/hub/delivery/large-frame-fits", test_large_frame_fits);
  g_test_add_func ("/hub/delivery/replay-then-live", test_replay_then_live);
  g_test_add_func ("/hub/delivery/replay-is-not-counted", test_replay_is_not_counted);
  g_test_add_func ("/hub/delivery/replay-of-a-closed-socket", test_replay_of_a_closed_socket);
  return g_test_run ();
}
