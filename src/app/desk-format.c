/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Text as people read it: message markup and times. Nothing here trusts its input: whatever comes
 * from a customer is escaped before it is given to Pango. */

#include "app/desk-format.h"

#include <glib/gi18n.h>
#include <string.h>

#define ZONE_SPAN_US (5 * G_USEC_PER_SEC)

static gboolean
is_link_char (gunichar c)
{
  return c > ' ' && c != '<' && c != '>' && c != '"' && c != '\\' && c != '^' && c != '`'
         && c != '{' && c != '|' && c != '}' && !g_unichar_isspace (c) && !g_unichar_iscntrl (c)
         && g_unichar_type (c) != G_UNICODE_FORMAT;
}

/* The end of the address that begins at @p: punctuation that belongs to the sentence is left out,
 * a closing bracket only if it was opened inside. */
static const char *
link_end (const char *p)
{
  const char *end = p;
  while (*end != '\0' && is_link_char (g_utf8_get_char (end)))
    end = g_utf8_next_char (end);
  while (end > p)
    {
      const char *last = g_utf8_prev_char (end);
      int open = 0;
      for (const char *q = p; *last == ')' && q < end; q++)
        open += *q == '(' ? 1 : *q == ')' ? -1 : 0;
      if (strchr (".,;:!?'*_~)]", *last) == NULL || (*last == ')' && open >= 0))
        break;
      end = last;
    }
  return end;
}

static gsize
link_prefix (const char *p)
{
  static const char *const schemes[] = { "https://", "mailto:" };
  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    if (g_ascii_strncasecmp (p, schemes[i], strlen (schemes[i])) == 0)
      return strlen (schemes[i]);
  return 0;
}

static void
append_escaped (GString *out, const char *text, gsize len)
{
  g_autofree char *escaped = g_markup_escape_text (text, (gssize)len);
  g_string_append (out, escaped);
}

char *
desk_format_markup (const char *text)
{
  GString *out = g_string_new (NULL);
  const char *plain = text != NULL ? text : "";
  gunichar before = 0;

  for (const char *p = plain; *p != '\0';)
    {
      gsize prefix = g_unichar_isalnum (before) ? 0 : link_prefix (p);
      const char *end = prefix > 0 ? link_end (p) : p;
      if (prefix > 0 && end > p + prefix)
        {
          append_escaped (out, plain, (gsize)(p - plain));
          g_string_append (out, "<a href=\"");
          append_escaped (out, p, (gsize)(end - p));
          g_string_append (out, "\">");
          append_escaped (out, p, (gsize)(end - p));
          g_string_append (out, "</a>");
          plain = p = end;
          before = ' ';
          continue;
        }
      before = g_utf8_get_char (p);
      p = g_utf8_next_char (p);
    }
  append_escaped (out, plain, strlen (plain));
  return g_string_free (out, FALSE);
}

char *
desk_format_hit_markup (const char *snippet)
{
  GString *out = g_string_new (NULL);
  gboolean open = FALSE;
  const char *plain = snippet != NULL ? snippet : "";

  for (const char *p = plain; *p != '\0'; p++)
    {
      if (*p != '\002' && *p != '\003')
        continue;
      append_escaped (out, plain, (gsize)(p - plain));
      plain = p + 1;
      if (*p == '\002' && !open)
        g_string_append (out, "<b>");
      else if (*p == '\003' && open)
        g_string_append (out, "</b>");
      open = *p == '\002';
    }
  append_escaped (out, plain, strlen (plain));
  if (open)
    g_string_append (out, "</b>");
  return g_string_free (out, FALSE);
}

static gboolean
is_emoji_base (gunichar c)
{
  return (c >= 0x1f000 && c <= 0x1faff) || (c >= 0x2600 && c <= 0x27bf)
         || (c >= 0x2b00 && c <= 0x2bff) || (c >= 0x2190 && c <= 0x21ff)
         || (c >= 0x2300 && c <= 0x23ff) || c == 0x3030 || c == 0x303d;
}

gboolean
desk_format_is_emoji_only (const char *text)
{
  guint count = 0;
  gboolean joined = FALSE;
  if (text == NULL || strlen (text) > 160)
    return FALSE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (c == 0x200d)
        {
          joined = TRUE;
          continue;
        }
      if (c == 0xfe0f || (c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0xe0020 && c <= 0xe007f)
          || g_unichar_isspace (c))
        continue;
      if (!is_emoji_base (c))
        return FALSE;
      count += joined ? 0 : 1;
      joined = FALSE;
    }
  return count >= 1 && count <= 6;
}

/* The local time zone. GLib looks it up on the disk each time, which a list of chats does not want
 * to pay for by the row; a traveller's new zone is taken within seconds. Main thread only. */
static GTimeZone *
local_zone (void)
{
  static GTimeZone *zone;
  static gint64 asked_us;
  gint64 now_us = g_get_monotonic_time ();
  if (zone == NULL || now_us - asked_us > ZONE_SPAN_US)
    {
      g_clear_pointer (&zone, g_time_zone_unref);
      zone = g_time_zone_new_local ();
      asked_us = now_us;
    }
  return zone;
}

static GDateTime *
local_time (gint64 ms)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (ms / 1000);
  return utc != NULL ? g_date_time_to_timezone (utc, local_zone ())
                     : g_date_time_new_from_unix_local (0);
}

static char *
format_local (gint64 ms, const char *format)
{
  g_autoptr (GDateTime) time = local_time (ms);
  return g_date_time_format (time, format);
}

gint64
desk_format_day_number (gint64 ms)
{
  g_autoptr (GDateTime) time = local_time (ms);
  GDate date;
  int year, month, day;
  g_date_time_get_ymd (time, &year, &month, &day);
  g_date_clear (&date, 1);
  g_date_set_dmy (&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
  return g_date_get_julian (&date);
}

char *
desk_format_clock (gint64 ms)
{
  return format_local (ms, "%H:%M");
}

char *
desk_format_when (gint64 ms, gint64 now_ms)
{
  gint64 days = desk_format_day_number (now_ms) - desk_format_day_number (ms);
  if (days <= 0)
    return format_local (ms, "%H:%M");
  if (days == 1)
    return g_strdup (_ ("Yesterday"));
  if (days < 7)
    return format_local (ms, "%a");
  /* Translators: a date in the chat list, in this year, for example "3 Jun". */
  if (days < 300)
    return format_local (ms, _ ("%-e %b"));
  return format_local (ms, "%x");
}

char *
desk_format_day (gint64 ms, gint64 now_ms)
{
  gint64 days = desk_format_day_number (now_ms) - desk_format_day_number (ms);
  if (days == 0)
    return g_strdup (_ ("Today"));
  if (days == 1)
    return g_strdup (_ ("Yesterday"));
  /* Translators: a day between messages of this year, for example "Monday, 3 June". */
  if (days > 0 && days < 300)
    return format_local (ms, _ ("%A, %-e %B"));
  /* Translators: a day between messages of another year, for example "3 June 2024". */
  return format_local (ms, _ ("%-e %B %Y"));
}

char *
desk_format_full (gint64 ms)
{
  return format_local (ms, "%c");
}

char *
desk_format_exact (gint64 ms)
{
  gint64 now_ms = g_get_real_time () / 1000;
  gboolean today = desk_format_day_number (ms) == desk_format_day_number (now_ms);
  return format_local (ms, today ? "%H:%M:%S" : "%x %H:%M:%S");
}

char *
desk_format_span (gint64 span_ms)
{
  gint64 minutes = MAX (span_ms, 0) / 60000;
  if (minutes < 1)
    return g_strdup (_ ("less than a minute"));
  if (minutes < 60)
    /* Translators: a span of minutes, shortened. */
    return g_strdup_printf (_ ("%d min"), (int)minutes);
  if (minutes < 48 * 60)
    /* Translators: a span of hours, shortened. */
    return g_strdup_printf (_ ("%d h"), (int)(minutes / 60));
  /* Translators: a span of days, shortened. */
  return g_strdup_printf (_ ("%d d"), (int)MIN (minutes / 1440, 9999));
}

char *
desk_format_duration (gint64 duration_ms)
{
  gint64 seconds = MAX (duration_ms, 0) / 1000;
  return g_strdup_printf ("%d:%02d", (int)MIN (seconds / 60, 9999), (int)(seconds % 60));
}
