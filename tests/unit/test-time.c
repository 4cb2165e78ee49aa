/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* RFC 3339 times: what is no time, what is out of range, and every day of the calendar. */

#include "common/desk-time.h"

#include <string.h>

static void
assert_refused (const char *text, int code)
{
  g_autoptr (GError) error = NULL;
  gint64 ms = 42;

  if (desk_time_parse_rfc3339 (text, &ms, &error))
    g_error ("accepted: %s", text);
  if (!g_error_matches (error, DESK_TIME_ERROR, code))
    g_error ("%s: %s", text, error->message);
  g_assert_cmpint (ms, ==, 42);
  g_assert_false (desk_time_parse_rfc3339 (text, &ms, NULL));
}

static void
test_syntax (void)
{
  static const char *const bad[] = {
    "", " ", "x", "2026", "2026-11-20", "2026-11-20T10:00:00", "2026-11-20T10:00Z",
    "2026-11-20T10:00:00.Z", "2026-11-20T10:00:00.1234567890Z", "2026-11-20T10:00:00,5Z",
    "2026-11-20T10:00:00.5", " 2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z ",
    "2026-11-20T10:00:00Zx", "2026-11-20_10:00:00Z", "2026/11/20T10:00:00Z", "20261120T100000Z",
    "2026-11-20T10:00:00+02", "2026-11-20T10:00:00+0200", "2026-11-20T10:00:00+2:00",
    "2026-11-20T10:00:00 +02:00", "2026-11-20T10:00:00*02:00", "26-11-20T10:00:00Z",
    "+2026-11-20T10:00:00Z", "-2026-11-20T10:00:00Z", "12026-11-20T10:00:00Z",
    "2026-1-20T10:00:00Z", "2026-11-20T1:00:00Z", "2026-11-2aT10:00:00Z", "2026-11-20T10:00:0-1Z",
    "2026-11-20T10:00:00\xe2\x88\x92""02:00", "2026-11-20T10:00:00+02:00Z", "1795168800",
  };

  assert_refused (NULL, DESK_TIME_ERROR_SYNTAX);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (bad[i], DESK_TIME_ERROR_SYNTAX);
}

static void
test_range (void)
{
  static const char *const bad[] = {
    "2026-00-20T10:00:00Z", "2026-13-20T10:00:00Z", "2026-11-00T10:00:00Z", "2026-11-31T10:00:00Z",
    "2026-02-29T10:00:00Z", "2100-02-29T10:00:00Z", "2024-02-30T10:00:00Z", "2026-11-20T24:00:00Z",
    "2026-11-20T10:60:00Z", "2026-11-20T10:00:61Z", "2026-11-20T10:00:00+24:00",
    "2026-11-20T10:00:00-02:60", "1969-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z",
    "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (bad[i], DESK_TIME_ERROR_RANGE);
}

static void
test_values (void)
{
  static const struct
  {
    const char *text;
    gint64 ms;
  } good[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "1970-01-01T00:00:00.001Z", 1 },
    { "1970-01-01T01:00:00+01:00", 0 },
    { "1969-12-31T23:59:00-00:01", 0 },
    { "2026-11-20T10:00:00Z", 1795168800000 },
    { "2026-11-20t10:00:00z", 1795168800000 },
    { "2026-11-20 10:00:00Z", 1795168800000 },
    { "2026-11-20T10:00:00-00:00", 1795168800000 },
    { "2026-11-20T12:30:00+02:30", 1795168800000 },
    { "2026-11-19T10:01:00-23:59", 1795168800000 },
    { "2026-11-20T10:00:00.1Z", 1795168800100 },
    { "2026-11-20T10:00:00.12Z", 1795168800120 },
    { "2026-11-20T10:00:00.123Z", 1795168800123 },
    { "2026-11-20T10:00:00.1239Z", 1795168800123 },
    { "2026-11-20T10:00:00.999999999Z", 1795168800999 },
    { "2026-11-20T10:00:00.000000001+00:00", 1795168800000 },
    { "2016-12-31T23:59:60Z", 1483228800000 },
    { "2016-12-31T23:59:59Z", 1483228799000 },
    { "2024-02-29T00:00:00Z", 1709164800000 },
    { "2000-02-29T00:00:00Z", 951782400000 },
    { "9999-12-31T23:59:59.999Z", 253402300799999 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 ms = -1;

      desk_time_parse_rfc3339 (good[i].text, &ms, &error);
      g_assert_no_error (error);
      g_assert_cmpint (ms, ==, good[i].ms);
    }
}

/* Each day from 1970 to 9999, at some time of the day, against GLib's calendar and back. */
static void
test_every_day (void)
{
  g_autoptr (GDate) date = g_date_new_dmy (1, G_DATE_JANUARY, 1970);
  gint64 n_days = 0;

  for (gint64 day = 0; g_date_get_year (date) <= 9999; day++, n_days++)
    {
      gint64 ms = day * 86400000 + (day * 7919) % 86400000;
      gint64 back = -1;
      char text[25];
      char expected[11];

      desk_time_write_rfc3339 (ms, text);
      g_assert_cmpuint (strlen (text), ==, 24);
      g_snprintf (expected, sizeof expected, "%04u-%02u-%02u", g_date_get_year (date),
                  g_date_get_month (date), g_date_get_day (date));
      g_assert_cmpmem (text, 10, expected, 10);
      g_assert_true (desk_time_parse_rfc3339 (text, &back, NULL));
      g_assert_cmpint (back, ==, ms);
      if (g_date_get_year (date) == 9999 && g_date_get_month (date) == 12
          && g_date_get_day (date) == 31)
        break;
      g_date_add_days (date, 1);
    }
  g_assert_cmpint (n_days, ==, 2932896);
}

static void
test_write (void)
{
  g_autofree char *text = desk_time_format_rfc3339 (1795168800000);
  g_autofree char *before = desk_time_format_rfc3339 (G_MININT64);
  g_autofree char *after = desk_time_format_rfc3339 (G_MAXINT64);

  g_assert_cmpstr (text, ==, "2026-11-20T10:00:00.000Z");
  g_assert_cmpstr (before, ==, "1970-01-01T00:00:00.000Z");
  g_assert_cmpstr (after, ==, "9999-12-31T23:59:59.999Z");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/time/syntax", test_syntax);
  g_test_add_func ("/time/range", test_range);
  g_test_add_func ("/time/values", test_values);
  g_test_add_func ("/time/every-day", test_every_day);
  g_test_add_func ("/time/write", test_write);
  return g_test_run ();
}
