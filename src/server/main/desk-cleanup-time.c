/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* When the daily cleanup is due. Pure: the time and the zone come from outside. */

#include "server/main/desk-cleanup-time.h"

/* The minute of the local day that is `days` before that of now, in seconds UTC. */
static gint64
due_on (GDateTime *now, guint minute, int days, GTimeZone *zone)
{
  /* noon exists on every day, and a day before noon is the day before */
  g_autoptr (GDateTime) noon
      = g_date_time_new (zone, g_date_time_get_year (now), g_date_time_get_month (now),
                         g_date_time_get_day_of_month (now), 12, 0, 0);
  g_autoptr (GDateTime) day = noon != NULL ? g_date_time_add_days (noon, -days) : NULL;
  g_autoptr (GDateTime) due
      = day != NULL ? g_date_time_new (zone, g_date_time_get_year (day),
                                       g_date_time_get_month (day),
                                       g_date_time_get_day_of_month (day), (int)(minute / 60),
                                       (int)(minute % 60), 0)
                    : NULL;

  return due != NULL ? g_date_time_to_unix (due) : 0;
}

gint64
desk_cleanup_last_due (gint64 now_s, guint minute, GTimeZone *zone)
{
  g_return_val_if_fail (minute < 24 * 60 && zone != NULL, 0);
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (now_s);
  g_autoptr (GDateTime) now = utc != NULL ? g_date_time_to_timezone (utc, zone) : NULL;

  if (now == NULL)
    return 0;
  const gint64 today = due_on (now, minute, 0, zone);
  return today <= now_s ? today : due_on (now, minute, 1, zone);
}
