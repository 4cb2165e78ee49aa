/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

#include "server/events/local/desk-events-local.h"

/* The ring of the newest events. */

static void
publish (DeskEventsLocal *ring, gint64 seq, gsize bytes)
{
  g_autofree char *text = g_strnfill (bytes, (char)('a' + seq % 26));
  g_autoptr (GBytes) frame = g_bytes_new (text, bytes);
  DeskLoggedEvent event = { .seq = seq, .frame = frame };
  const DeskLoggedEvent *list[] = { &event };
  desk_events_local_publish (ring, list, 1);
}

static void
assert_read (DeskEventsLocal *ring, gint64 after, guint limit, gint expected, gint64 expected_last)
{
  gint64 last = -1;
  g_autoptr (GPtrArray) frames = desk_events_local_read (ring, 0, after, limit, &last);
  if (expected < 0)
    {
      g_assert_null (frames);
      return;
    }
  g_assert_nonnull (frames);
  g_assert_cmpint (frames->len, ==, expected);
  g_assert_cmpint (last, ==, expected_last);
  for (guint i = 0; i < frames->len; i++)
    {
      const char *text = g_bytes_get_data (frames->pdata[i], NULL);
      g_assert_cmpint (text[0], ==, 'a' + (after + 1 + i) % 26);
    }
}

static void
test_read (void)
{
  g_autoptr (DeskEventsLocal) ring = desk_events_local_new (1000000);
  assert_read (ring, 0, 10, -1, 0);
  for (gint64 seq = 5; seq <= 1000; seq++)
    publish (ring, seq, 100);
  assert_read (ring, 3, 10, -1, 0); /* 4 is not there */
  assert_read (ring, 4, 10, 10, 14);
  assert_read (ring, 995, 10, 5, 1000);
  assert_read (ring, 1000, 10, 0, 1000);
  gint64 last;
  g_assert_null (desk_events_local_read (ring, 1, 4, 10, &last));
}

static void
test_bound (void)
{
  g_autoptr (DeskEventsLocal) ring = desk_events_local_new (1000);
  for (gint64 seq = 1; seq <= 50; seq++)
    publish (ring, seq, 100);
  assert_read (ring, 39, 100, -1, 0);
  assert_read (ring, 40, 100, 10, 50);
  publish (ring, 51, 5000); /* the newest stays, however big */
  assert_read (ring, 50, 100, 1, 51);
  assert_read (ring, 49, 100, -1, 0);
}

static void
test_gap (void)
{
  g_autoptr (DeskEventsLocal) ring = desk_events_local_new (1000);
  publish (ring, 1, 10);
  publish (ring, 3, 10);
  assert_read (ring, 0, 10, -1, 0);
  assert_read (ring, 2, 10, 1, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/events/local/read", test_read);
  g_test_add_func ("/events/local/bound", test_bound);
  g_test_add_func ("/events/local/gap", test_gap);
  return g_test_run ();
}
