/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * The log. Invariants: one entry is one line and one write(2); no byte of an entry can begin
 * another line or reach a terminal as a control. The writer is process-wide because GLib's is.
 */

#include "common/desk-log.h"

#include "common/desk-clock.h"
#include "common/desk-json-writer.h"
#include "common/desk-text.h"
#include "common/desk-time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PAIRS 16
#define MAX_VALUE_BYTES 8192

/* The settings of the one writer, read and written atomically. */
static int writer_format = DESK_LOG_PLAIN;
static int writer_min_level = G_LOG_LEVEL_INFO;
static int writer_fatal_mask = G_LOG_LEVEL_ERROR;

static const char *
level_name (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_ERROR)
    return "error";
  if (level & G_LOG_LEVEL_CRITICAL)
    return "critical";
  if (level & G_LOG_LEVEL_WARNING)
    return "warning";
  if (level & G_LOG_LEVEL_MESSAGE)
    return "message";
  if (level & G_LOG_LEVEL_INFO)
    return "info";
  return "debug";
}

static char *
field_text (const GLogField *field)
{
  gsize len = field->length < 0 ? strlen (field->value) : (gsize) field->length;

  return desk_text_sanitize_utf8 (field->value, (gssize) MIN (len, MAX_VALUE_BYTES));
}

static char *
find_text (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key) && fields[i].value != NULL)
      return field_text (&fields[i]);
  return NULL;
}

/* Name to print for an extra field, or NULL for the fields that have a place of their own or
 * belong to GLib. */
static char *
extra_name (const GLogField *field)
{
  static const char *const own[] = { "time", "level", "domain", "message", NULL };
  g_autofree char *name = NULL;

  if (g_str_equal (field->key, "MESSAGE") || g_str_equal (field->key, "PRIORITY")
      || g_str_has_prefix (field->key, "GLIB_") || g_str_has_prefix (field->key, "CODE_")
      || field->value == NULL)
    return NULL;
  name = g_ascii_strdown (field->key, -1);
  if (g_strv_contains (own, name))
    return g_strconcat ("field_", name, NULL); /* a JSON object names a member once */
  return g_steal_pointer (&name);
}

static void
format_json (GString *line, gint64 now_ms, GLogLevelFlags level, const GLogField *fields,
             gsize n_fields)
{
  g_autofree char *domain = find_text (fields, n_fields, "GLIB_DOMAIN");
  g_autofree char *message = find_text (fields, n_fields, "MESSAGE");
  DeskJsonWriter w;

  desk_json_writer_init (&w, line);
  desk_json_writer_begin_object (&w);
  desk_json_writer_key (&w, "time");
  desk_json_writer_time_ms (&w, now_ms);
  desk_json_writer_member_string (&w, "level", level_name (level));
  desk_json_writer_member_string (&w, "domain", domain != NULL ? domain : "");
  desk_json_writer_member_string (&w, "message", message != NULL ? message : "");
  for (gsize i = 0; i < n_fields; i++)
    {
      g_autofree char *name = extra_name (&fields[i]);
      g_autofree char *value = name != NULL ? field_text (&fields[i]) : NULL;

      if (name == NULL)
        continue;
      desk_json_writer_key_text (&w, name);
      desk_json_writer_string (&w, value);
    }
  desk_json_writer_end_object (&w);
}

/* Everything that a terminal could obey is spelled out. */
static void
append_plain (GString *line, const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '\n')
        g_string_append (line, "\\n");
      else if (g_unichar_iscntrl (c) || c == 0x2028 || c == 0x2029)
        g_string_append_printf (line, "\\u%04x", c);
      else
        g_string_append_unichar (line, c);
    }
}

static void
format_plain (GString *line, gint64 now_ms, GLogLevelFlags level, const GLogField *fields,
              gsize n_fields)
{
  g_autofree char *domain = find_text (fields, n_fields, "GLIB_DOMAIN");
  g_autofree char *message = find_text (fields, n_fields, "MESSAGE");
  char time[25];

  desk_time_write_rfc3339 (now_ms, time);
  g_string_append_len (line, time + 11, 12);
  g_string_append_printf (line, " %s ", level_name (level));
  if (domain != NULL)
    {
      append_plain (line, domain);
      g_string_append (line, ": ");
    }
  append_plain (line, message != NULL ? message : "");
  for (gsize i = 0; i < n_fields; i++)
    {
      g_autofree char *name = extra_name (&fields[i]);
      g_autofree char *value = name != NULL ? field_text (&fields[i]) : NULL;

      if (name == NULL)
        continue;
      g_string_append_c (line, ' ');
      append_plain (line, name);
      g_string_append_c (line, '=');
      append_plain (line, value);
    }
}

char *
desk_log_format_line (DeskLogFormat format, gint64 now_ms, GLogLevelFlags level,
                      const GLogField *fields, gsize n_fields)
{
  GString *line = g_string_sized_new (256);

  if (format == DESK_LOG_JSON)
    format_json (line, now_ms, level, fields, n_fields);
  else
    format_plain (line, now_ms, level, fields, n_fields);
  g_string_append_c (line, '\n');
  return g_string_free (line, FALSE);
}

static void
write_line (const char *line, gsize len)
{
  while (len > 0)
    {
      gssize n = write (STDERR_FILENO, line, len);

      if (n >= 0)
        {
          line += n;
          len -= (gsize) n;
        }
      else if (errno != EINTR)
        {
          return; /* there is nobody left to tell */
        }
    }
}

static gboolean
is_dropped (GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  g_autofree char *domain = NULL;

  if ((int) (level & G_LOG_LEVEL_MASK) <= g_atomic_int_get (&writer_min_level))
    return FALSE;
  if (!(level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG)))
    return TRUE;
  domain = find_text (fields, n_fields, "GLIB_DOMAIN");
  return g_log_writer_default_would_drop (level, domain);
}

static GLogWriterOutput
log_writer (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  gboolean fatal
      = (level & ((GLogLevelFlags) g_atomic_int_get (&writer_fatal_mask) | G_LOG_FLAG_FATAL)) != 0;

  if (fatal || !is_dropped (level, fields, n_fields))
    {
      DeskLogFormat format = (DeskLogFormat) g_atomic_int_get (&writer_format);
      gint64 now_ms = desk_clock_now_ms (desk_clock_system ());
      g_autofree char *line = desk_log_format_line (format, now_ms, level, fields, n_fields);

      write_line (line, strlen (line));
    }
  /* GLib leaves it to the writer to honour G_DEBUG=fatal-warnings. */
  if (fatal)
    abort ();
  return G_LOG_WRITER_HANDLED;
}

void
desk_log_init (DeskLogFormat format, GLogLevelFlags min_level)
{
  static gsize installed;
  GLogLevelFlags fatal_mask;

  g_atomic_int_set (&writer_format, (int) format);
  g_atomic_int_set (&writer_min_level, (int) (min_level & G_LOG_LEVEL_MASK));
  if (g_once_init_enter (&installed))
    {
      /* The only way to read the mask is to set it. */
      fatal_mask = g_log_set_always_fatal (G_LOG_FATAL_MASK);
      g_log_set_always_fatal (fatal_mask);
      g_atomic_int_set (&writer_fatal_mask, (int) (fatal_mask & G_LOG_LEVEL_MASK));
      g_log_set_writer_func (log_writer, NULL, NULL);
      g_once_init_leave (&installed, 1);
    }
}

/* As GLib and journald have it: the syslog priority. */
static const char *
priority (GLogLevelFlags level)
{
  if (level & G_LOG_LEVEL_ERROR)
    return "3";
  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    return "4";
  if (level & G_LOG_LEVEL_MESSAGE)
    return "5";
  return level & G_LOG_LEVEL_INFO ? "6" : "7";
}

void
desk_log_event (GLogLevelFlags level, const char *domain, const char *message, ...)
{
  GLogField fields[3 + MAX_PAIRS] = {
    { "MESSAGE", message, -1 },
    { "PRIORITY", priority (level), -1 },
    { "GLIB_DOMAIN", domain, -1 },
  };
  gsize n = 3;
  const char *name;
  va_list pairs;

  g_return_if_fail (domain != NULL && message != NULL);

  va_start (pairs, message);
  while ((name = va_arg (pairs, const char *)) != NULL)
    {
      const char *value = va_arg (pairs, const char *);

      if (value != NULL && n < G_N_ELEMENTS (fields))
        fields[n++] = (GLogField){ name, value, -1 };
    }
  va_end (pairs);
  g_log_structured_array (level, fields, n);
}
