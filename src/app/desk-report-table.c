/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* A report for a spreadsheet. What people typed is quoted, and never taken for a formula there. */

#include "app/desk-report-table.h"

#include <string.h>

static void
append_text (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  /* A cell that begins so is run as a formula by the common spreadsheets. */
  if (text != NULL && *text != '\0' && strchr ("=+-@\t\r", *text) != NULL)
    g_string_append_c (out, '\'');
  for (const char *p = text; p != NULL && *p != '\0'; p++)
    {
      if (*p == '"')
        g_string_append_c (out, '"');
      g_string_append_c (out, *p);
    }
  g_string_append_c (out, '"');
}

static void
append_wait (GString *out, const GArray *sorted, double q)
{
  gint64 ms = desk_report_quantile (sorted, q);
  if (ms >= 0)
    g_string_append_printf (out, "%" G_GINT64_FORMAT, ms / 1000);
}

static void
append_time (GString *out, gint64 ms)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (ms / 1000);
  g_autofree char *text = g_date_time_format_iso8601 (time);
  g_string_append (out, text);
}

GBytes *
desk_report_table_new (const DeskReport *report)
{
  GString *out = g_string_new ("from,to,platform,incoming,replies,automatic\r\n");
  for (guint i = 0; i < report->n_spans; i++)
    for (guint j = 0; j < report->platforms->len; j++)
      {
        const DeskReportPlatform *platform = g_ptr_array_index (report->platforms, j);
        append_time (out, report->edges[i]);
        g_string_append_c (out, ',');
        append_time (out, report->edges[i + 1]);
        g_string_append_c (out, ',');
        append_text (out, platform->platform);
        g_string_append_printf (out, ",%u,%u,%u\r\n", platform->spans[i].incoming,
                                platform->spans[i].replies, platform->spans[i].bots);
      }
  g_string_append (out, "\r\nmanager,name,replies,chats,first_response_median_s,first_response_9_of_10_s\r\n");
  for (guint i = 0; i < report->managers->len; i++)
    {
      const DeskReportManager *manager = g_ptr_array_index (report->managers, i);
      append_text (out, manager->username);
      g_string_append_c (out, ',');
      append_text (out, manager->name);
      g_string_append_printf (out, ",%u,%u,", manager->replies, manager->chats);
      append_wait (out, manager->first_replies, .5);
      g_string_append_c (out, ',');
      append_wait (out, manager->first_replies, .9);
      g_string_append (out, "\r\n");
    }
  return g_string_free_to_bytes (out);
}
