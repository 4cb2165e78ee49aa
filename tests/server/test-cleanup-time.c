/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* The daily cleanup's clock: ordinary days, the days on which clocks are put forward and back, and
 * a machine that was off. Every night has exactly one due moment. */

#include "common/desk-time.h"
#include "server/main/desk-cleanup-time.h"

static gint64
at (const char *text)
{
  gint64 ms = 0;

  g_assert_true (desk_time_parse_rfc3339 (text, &ms, NULL));
  return ms / 1000;
}

static void
test_table (void)
{
  static const struct
  {
    const char *zone, *now, *due;
    guint minute;
  } table[] = {
    /* an ordinary day: just before, at, and after three in the morning in Kyiv (UTC+2) */
    { "Europe/Kyiv", "2026-02-10T00:59:59Z", "2026-02-09T01:00:00Z", 180 },
    { "Europe/Kyiv", "2026-02-10T01:00:00Z", "2026-02-10T01:00:00Z", 180 },
    { "Europe/Kyiv", "2026-02-10T22:30:00Z", "2026-02-10T01:00:00Z", 180 },
    /* forward: 03:00 is 04:00 on 29 March 2026, and the moment exists once */
    { "Europe/Kyiv", "2026-03-29T00:59:59Z", "2026-03-28T01:00:00Z", 180 },
    { "Europe/Kyiv", "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z", 180 },
    { "Europe/Kyiv", "2026-03-30T00:00:00Z", "2026-03-30T00:00:00Z", 180 },
    /* forward in New York: 02:30 does not exist on 8 March 2026 */
    { "America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T07:00:00Z", 150 },
    { "America/New_York", "2026-03-09T06:29:00Z", "2026-03-08T07:00:00Z", 150 },
    { "America/New_York", "2026-03-09T06:30:00Z", "2026-03-09T06:30:00Z", 150 },
    /* no change of clocks at all */
    { "Asia/Ho_Chi_Minh", "2026-06-01T19:59:00Z", "2026-05-31T20:00:00Z", 180 },
    { "Asia/Ho_Chi_Minh", "2026-06-01T20:00:00Z", "2026-06-01T20:00:00Z", 180 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GTimeZone) zone = g_time_zone_new_identifier (table[i].zone);
      if (zone == NULL)
        {
          g_test_skip ("no time zones are installed");
          return;
        }
      g_test_message ("%s in %s", table[i].now, table[i].zone);
      g_assert_cmpint (desk_cleanup_last_due (at (table[i].now), table[i].minute, zone), ==,
                       at (table[i].due));
    }
}

/* Minute by minute through two years: due moments only grow, one a night, 23 to 25 hours apart. */
static void
test_every_night (void)
{
  static const char *const zones[]
      = { "Europe/Kyiv", "America/New_York", "Australia/Lord_Howe", "UTC" };
  static const guint minutes[] = { 0, 90, 120, 150, 180, 1439 };

  for (guint z = 0; z < G_N_ELEMENTS (zones); z++)
    for (guint m = 0; m < G_N_ELEMENTS (minutes); m++)
      {
        g_autoptr (GTimeZone) zone = g_time_zone_new_identifier (zones[z]);
        if (zone == NULL)
          continue;
        const gint64 from = at ("2026-01-01T12:00:00Z");
        gint64 last = desk_cleanup_last_due (from, minutes[m], zone);
        guint nights = 0;
        for (gint64 now = from; now < from + 2 * 365 * 86400; now += 600)
          {
            const gint64 due = desk_cleanup_last_due (now, minutes[m], zone);
            g_assert_cmpint (due, <=, now);
            if (due == last)
              continue;
            g_assert_cmpint (due - last, >=, 22 * 3600);
            g_assert_cmpint (due - last, <=, 26 * 3600);
            last = due;
            nights++;
          }
        g_assert_cmpuint (nights, ==, 2 * 365);
      }
}

/* Off for three weeks: due at once, and once. */
static void
test_downtime (void)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_utc ();
  const gint64 stamp = at ("2026-05-01T03:00:05Z"), back = at ("2026-05-22T17:00:00Z");

  g_assert_cmpint (desk_cleanup_last_due (back, 180, zone), >, stamp);
  g_assert_cmpint (desk_cleanup_last_due (back + 60, 180, zone), <=, back);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cleanup-time/table", test_table);
  g_test_add_func ("/cleanup-time/every-night", test_every_night);
  g_test_add_func ("/cleanup-time/downtime", test_downtime);
  return g_test_run ();
}
