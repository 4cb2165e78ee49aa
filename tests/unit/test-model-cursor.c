/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* The cursor: parsing is exact, places stay sorted, limits hold. */

#include "model/desk-cursor.h"

static void
test_refused (void)
{
  static const char *const bad[] = {
    "",
    ":",
    ":0-1",
    "e7",
    "e7:0",
    "e7:0-",
    "e7:-1",
    "e7:0-1,",
    "e7:,0-1",
    "e7:0-1,,1-1",
    "e7:0-1,0-2",
    "e7:1-1,0-2",
    "e7:00-1",
    "e7:0-01",
    "e7:0-+1",
    "e7:+0-1",
    "e7:0--1",
    "e7: 0-1",
    "e7:0-1 ",
    "e7:0 -1",
    " e7:0-1",
    "e7:0-1\n",
    "e7:0-1;1-1",
    "e-7:0-1",
    "e:7:0-1",
    "é:0-1",
    "e7:0-9223372036854775808",
    "e7:0-18446744073709551616",
    "e7:4294967296-1",
    "e7:0x1-1",
    "e7:0-1e3",
    "e7:0-1.0",
    "epoch_of_thirty_three_characters_:0-1",
  };
  g_assert_null (desk_cursor_parse (NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (DeskCursor) cursor = desk_cursor_parse (bad[i]);
      if (cursor != NULL)
        g_error ("accepted: %s", bad[i]);
    }
}

static void
test_round_trip (void)
{
  static const char *const good[] = {
    "e7:",
    "e7:0-0",
    "e7:0-8412",
    "E_7:0-1,1-0,7-9223372036854775807,4294967295-3",
    "epoch_of_thirty_two_characters__:10-10",
  };
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (DeskCursor) cursor = desk_cursor_parse (good[i]);
      g_assert_nonnull (cursor);
      g_autofree char *text = desk_cursor_format (cursor);
      g_assert_cmpstr (text, ==, good[i]);
      g_autoptr (DeskCursor) copy = desk_cursor_copy (cursor);
      g_assert_true (desk_cursor_equal (cursor, copy));
    }
}

static void
test_places (void)
{
  g_autoptr (DeskCursor) cursor = desk_cursor_new ("e1");
  guint partition;
  gint64 seq;
  g_assert_cmpint (desk_cursor_get (cursor, 3), ==, 0);
  desk_cursor_set (cursor, 5, 50);
  desk_cursor_set (cursor, 0, 1);
  desk_cursor_set (cursor, 3, 30);
  desk_cursor_set (cursor, 5, 51);
  g_assert_cmpuint (desk_cursor_get_n_partitions (cursor), ==, 3);
  g_assert_cmpint (desk_cursor_get (cursor, 5), ==, 51);
  g_assert_cmpint (desk_cursor_get (cursor, 4), ==, 0);
  desk_cursor_get_nth (cursor, 1, &partition, &seq);
  g_assert_cmpuint (partition, ==, 3);
  g_assert_cmpint (seq, ==, 30);
  g_autofree char *text = desk_cursor_format (cursor);
  g_assert_cmpstr (text, ==, "e1:0-1,3-30,5-51");
  g_assert_cmpstr (desk_cursor_get_epoch (cursor), ==, "e1");
}

static void
test_equal (void)
{
  g_autoptr (DeskCursor) a = desk_cursor_parse ("e1:0-1,2-3");
  static const char *const others[] = { "e2:0-1,2-3", "e1:0-1", "e1:0-1,2-4", "e1:0-1,3-3" };
  g_assert_true (desk_cursor_equal (a, a));
  g_assert_true (desk_cursor_equal (NULL, NULL));
  g_assert_false (desk_cursor_equal (a, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (DeskCursor) b = desk_cursor_parse (others[i]);
      g_assert_nonnull (b);
      g_assert_false (desk_cursor_equal (a, b));
    }
}

/* n partitions with the longest numbers */
static char *
long_cursor (guint n)
{
  GString *text = g_string_new ("e1:");
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%u-9223372036854775807", i > 0 ? "," : "", 4000000000u + i);
  return g_string_free (text, FALSE);
}

static void
test_many_partitions (void)
{
  g_autofree char *fits = long_cursor (1024), *too_many = long_cursor (1025);
  g_autoptr (DeskCursor) cursor = desk_cursor_parse (fits);
  g_assert_nonnull (cursor);
  g_assert_cmpuint (desk_cursor_get_n_partitions (cursor), ==, 1024);
  g_autofree char *text = desk_cursor_format (cursor);
  g_assert_cmpstr (text, ==, fits);
  g_assert_null (desk_cursor_parse (too_many));
  desk_cursor_set (cursor, 1, 1); /* one more is ignored, a known one is not */
  desk_cursor_set (cursor, 4000000000u, 7);
  g_assert_cmpuint (desk_cursor_get_n_partitions (cursor), ==, 1024);
  g_assert_cmpint (desk_cursor_get (cursor, 4000000000u), ==, 7);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/cursor/refused", test_refused);
  g_test_add_func ("/model/cursor/round-trip", test_round_trip);
  g_test_add_func ("/model/cursor/places", test_places);
  g_test_add_func ("/model/cursor/equal", test_equal);
  g_test_add_func ("/model/cursor/many-partitions", test_many_partitions);
  return g_test_run ();
}
