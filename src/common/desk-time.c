/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * RFC 3339 times to and from ms UTC, by arithmetic on the proleptic Gregorian calendar (the
 * day count follows Howard Hinnant, "chrono-compatible low-level date algorithms"). No locale,
 * no zone database, no allocation in the hot direction.
 */

#include "common/desk-time.h"

#include <string.h>

#define MS_PER_DAY G_GINT64_CONSTANT (86400000)
#define MAX_MS G_GINT64_CONSTANT (253402300799999) /* 9999-12-31T23:59:59.999Z */

G_DEFINE_QUARK (desk-time-error-quark, desk_time_error)

static gint64
days_from_civil (int year, int month, int day)
{
  int y = year - (month <= 2);
  int era = y / 400;
  int yoe = y - era * 400;
  int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

  return (gint64) era * 146097 + doe - 719468;
}

static void
civil_from_days (gint64 days, int *year, int *month, int *day)
{
  int z = (int) days + 719468;
  int era = z / 146097;
  int doe = z - era * 146097;
  int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int mp = (5 * doy + 2) / 153;

  *day = doy - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = yoe + era * 400 + (*month <= 2);
}

static int
days_in_month (int year, int month)
{
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  gboolean leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

  return month == 2 && leap ? 29 : days[month - 1];
}

/* Reads exactly @n digits; a NUL is no digit, so this never runs past the end. */
static gboolean
read_digits (const char **p, int n, int *out)
{
  int value = 0;

  for (int i = 0; i < n; i++)
    {
      if (!g_ascii_isdigit ((*p)[i]))
        return FALSE;
      value = value * 10 + ((*p)[i] - '0');
    }
  *p += n;
  *out = value;
  return TRUE;
}

static gboolean
read_char (const char **p, const char *accepted)
{
  if (**p == '\0' || strchr (accepted, **p) == NULL)
    return FALSE;
  (*p)++;
  return TRUE;
}

/* ".123456789" or nothing; only milliseconds are kept. */
static gboolean
read_fraction (const char **p, int *out_ms)
{
  int weight = 100;
  int digits = 0;

  *out_ms = 0;
  if (**p != '.')
    return TRUE;
  for ((*p)++; g_ascii_isdigit (**p); (*p)++, digits++)
    {
      *out_ms += (**p - '0') * weight;
      weight /= 10;
    }
  return digits >= 1 && digits <= 9;
}

static gboolean
read_offset (const char **p, int *out_minutes, gboolean *in_range)
{
  int sign, hours, minutes;

  *out_minutes = 0;
  if (read_char (p, "Zz"))
    return TRUE;
  sign = **p == '-' ? -1 : 1;
  if (!read_char (p, "+-") || !read_digits (p, 2, &hours) || !read_char (p, ":")
      || !read_digits (p, 2, &minutes))
    return FALSE;
  *in_range = hours <= 23 && minutes <= 59;
  *out_minutes = sign * (hours * 60 + minutes);
  return TRUE;
}

typedef struct
{
  int year, month, day, hour, minute, second, ms, offset_minutes;
} Parts;

static gboolean
read_parts (const char *text, Parts *t, gboolean *in_range)
{
  const char *p = text;

  *in_range = TRUE;
  return read_digits (&p, 4, &t->year) && read_char (&p, "-") && read_digits (&p, 2, &t->month)
         && read_char (&p, "-") && read_digits (&p, 2, &t->day) && read_char (&p, "Tt ")
         && read_digits (&p, 2, &t->hour) && read_char (&p, ":") && read_digits (&p, 2, &t->minute)
         && read_char (&p, ":") && read_digits (&p, 2, &t->second) && read_fraction (&p, &t->ms)
         && read_offset (&p, &t->offset_minutes, in_range) && *p == '\0';
}

gboolean
desk_time_parse_rfc3339 (const char *text, gint64 *out_ms, GError **error)
{
  Parts t;
  gboolean in_range;
  gint64 seconds, ms;

  g_return_val_if_fail (out_ms != NULL, FALSE);

  if (text == NULL || !read_parts (text, &t, &in_range))
    {
      g_set_error (error, DESK_TIME_ERROR, DESK_TIME_ERROR_SYNTAX, "Not an RFC 3339 time");
      return FALSE;
    }
  if (!in_range || t.month < 1 || t.month > 12 || t.day < 1
      || t.day > days_in_month (t.year, t.month) || t.hour > 23 || t.minute > 59 || t.second > 60)
    {
      g_set_error (error, DESK_TIME_ERROR, DESK_TIME_ERROR_RANGE, "There is no such time");
      return FALSE;
    }
  seconds = days_from_civil (t.year, t.month, t.day) * 86400
            + ((t.hour * 60 + t.minute) - t.offset_minutes) * 60 + t.second;
  ms = seconds * 1000 + t.ms;
  if (ms < 0 || ms > MAX_MS)
    {
      g_set_error (error, DESK_TIME_ERROR, DESK_TIME_ERROR_RANGE,
                   "The time is outside the years 1970 to 9999");
      return FALSE;
    }
  *out_ms = ms;
  return TRUE;
}

static inline void
write_digits (char *out, int n, int value)
{
  for (int i = n - 1; i >= 0; i--, value /= 10)
    out[i] = (char) ('0' + value % 10);
}

void
desk_time_write_rfc3339 (gint64 ms, char out[25])
{
  int year, month, day, rest;

  ms = CLAMP (ms, 0, MAX_MS);
  civil_from_days (ms / MS_PER_DAY, &year, &month, &day);
  rest = (int) (ms % MS_PER_DAY);

  memcpy (out, "0000-00-00T00:00:00.000Z", 25);
  write_digits (out, 4, year);
  write_digits (out + 5, 2, month);
  write_digits (out + 8, 2, day);
  write_digits (out + 11, 2, rest / 3600000);
  write_digits (out + 14, 2, rest / 60000 % 60);
  write_digits (out + 17, 2, rest / 1000 % 60);
  write_digits (out + 20, 3, rest % 1000);
}

char *
desk_time_format_rfc3339 (gint64 ms)
{
  char *result = g_malloc (25);

  desk_time_write_rfc3339 (ms, result);
  return result;
}
