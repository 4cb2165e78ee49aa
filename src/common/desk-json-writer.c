/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * JSON straight into a buffer. Strings are copied in runs: a table tells which bytes need a look,
 * and everything between two such bytes is one memcpy. Invariant: what is appended is valid UTF-8
 * whatever the input holds, since invalid bytes are replaced here.
 */

#include "common/desk-json-writer.h"

#include "common/desk-time.h"
#include "common/desk-utf8-private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 64
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* What a byte needs: 0 nothing, 1 a check of its UTF-8 sequence, 'u' a \u escape, other letters
 * the short escape of that name. */
static const guint8 byte_class[256] = {
  /* clang-format off */
  'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',
  'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
  ['"'] = '"', ['\\'] = '\\', [0x80 ... 0xff] = 1,
  /* clang-format on */
};

void
desk_json_writer_init (DeskJsonWriter *self, GString *out)
{
  self->out = out;
  self->has_item = 0;
  self->depth = 0;
  self->after_key = FALSE;
}

/* The comma before an item, if one is needed. */
static inline void
separate (DeskJsonWriter *self)
{
  guint64 bit;

  if (self->after_key)
    {
      self->after_key = FALSE;
      return;
    }
  if (self->depth == 0)
    return;
  bit = G_GUINT64_CONSTANT (1) << (self->depth - 1);
  if (self->has_item & bit)
    g_string_append_c (self->out, ',');
  self->has_item |= bit;
}

static void
begin (DeskJsonWriter *self, char bracket)
{
  g_return_if_fail (self->depth < MAX_DEPTH);

  separate (self);
  g_string_append_c (self->out, bracket);
  self->has_item &= ~(G_GUINT64_CONSTANT (1) << self->depth);
  self->depth++;
}

static void
end (DeskJsonWriter *self, char bracket)
{
  g_return_if_fail (self->depth > 0 && !self->after_key);

  self->depth--;
  g_string_append_c (self->out, bracket);
}

void
desk_json_writer_begin_object (DeskJsonWriter *self)
{
  begin (self, '{');
}

void
desk_json_writer_end_object (DeskJsonWriter *self)
{
  end (self, '}');
}

void
desk_json_writer_begin_array (DeskJsonWriter *self)
{
  begin (self, '[');
}

void
desk_json_writer_end_array (DeskJsonWriter *self)
{
  end (self, ']');
}

static void
append_escape (GString *out, guint8 byte, guint8 class)
{
  static const char hex[] = "0123456789abcdef";
  char escape[6] = { '\\', (char) class, '0', '0', hex[byte >> 4], hex[byte & 15] };

  g_string_append_len (out, escape, class == 'u' ? 6 : 2);
}

static void
append_quoted (GString *out, const char *text, gsize len)
{
  const guint8 *p = (const guint8 *) text;
  const guint8 *stop = p + len;
  const guint8 *run = p;

  g_string_append_c (out, '"');
  while (p < stop)
    {
      guint8 class = byte_class[*p];
      guint n;

      if (class == 0)
        {
          p++;
          continue;
        }
      if (class == 1 && (n = desk_utf8_sequence (p, stop)) > 0)
        {
          p += n;
          continue;
        }
      g_string_append_len (out, (const char *) run, p - run);
      if (class == 1)
        g_string_append_len (out, REPLACEMENT, 3);
      else
        append_escape (out, *p, class);
      run = ++p;
    }
  g_string_append_len (out, (const char *) run, p - run);
  g_string_append_c (out, '"');
}

void
desk_json_writer_key (DeskJsonWriter *self, const char *name)
{
  separate (self);
  g_string_append_c (self->out, '"');
  g_string_append (self->out, name);
  g_string_append_len (self->out, "\":", 2);
  self->after_key = TRUE;
}

void
desk_json_writer_key_text (DeskJsonWriter *self, const char *name)
{
  separate (self);
  append_quoted (self->out, name, strlen (name));
  g_string_append_c (self->out, ':');
  self->after_key = TRUE;
}

void
desk_json_writer_string (DeskJsonWriter *self, const char *text)
{
  if (text == NULL)
    desk_json_writer_null (self);
  else
    desk_json_writer_string_len (self, text, strlen (text));
}

void
desk_json_writer_string_len (DeskJsonWriter *self, const char *text, gsize len)
{
  separate (self);
  append_quoted (self->out, text, len);
}

void
desk_json_writer_int64 (DeskJsonWriter *self, gint64 value)
{
  char digits[20];
  gsize first = sizeof digits;
  guint64 rest = value < 0 ? 0 - (guint64) value : (guint64) value;

  do
    {
      digits[--first] = (char) ('0' + rest % 10);
      rest /= 10;
    }
  while (rest > 0);
  if (value < 0)
    digits[--first] = '-';
  desk_json_writer_raw_len (self, digits + first, sizeof digits - first);
}

void
desk_json_writer_double (DeskJsonWriter *self, double value)
{
  static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (value))
    {
      desk_json_writer_null (self);
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_ascii_formatd (text, sizeof text, formats[i], value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  /* Keeps the type for a reader that tells 1 from 1.0. */
  if (strpbrk (text, ".e") == NULL)
    g_strlcat (text, ".0", sizeof text);
  desk_json_writer_raw_len (self, text, strlen (text));
}

void
desk_json_writer_bool (DeskJsonWriter *self, gboolean value)
{
  if (value)
    desk_json_writer_raw_len (self, "true", 4);
  else
    desk_json_writer_raw_len (self, "false", 5);
}

void
desk_json_writer_null (DeskJsonWriter *self)
{
  desk_json_writer_raw_len (self, "null", 4);
}

void
desk_json_writer_time_ms (DeskJsonWriter *self, gint64 ms)
{
  char text[27];

  desk_time_write_rfc3339 (ms, text + 1);
  text[0] = '"';
  text[25] = '"';
  desk_json_writer_raw_len (self, text, 26);
}

void
desk_json_writer_raw (DeskJsonWriter *self, const char *json)
{
  desk_json_writer_raw_len (self, json, strlen (json));
}

void
desk_json_writer_raw_len (DeskJsonWriter *self, const char *json, gsize len)
{
  separate (self);
  g_string_append_len (self->out, json, (gssize) len);
}

void
desk_json_writer_member_string (DeskJsonWriter *self, const char *name, const char *text)
{
  desk_json_writer_key (self, name);
  desk_json_writer_string (self, text);
}

void
desk_json_writer_member_int64 (DeskJsonWriter *self, const char *name, gint64 value)
{
  desk_json_writer_key (self, name);
  desk_json_writer_int64 (self, value);
}

void
desk_json_writer_member_double (DeskJsonWriter *self, const char *name, double value)
{
  desk_json_writer_key (self, name);
  desk_json_writer_double (self, value);
}

void
desk_json_writer_member_bool (DeskJsonWriter *self, const char *name, gboolean value)
{
  desk_json_writer_key (self, name);
  desk_json_writer_bool (self, value);
}

void
desk_json_writer_member_null (DeskJsonWriter *self, const char *name)
{
  desk_json_writer_key (self, name);
  desk_json_writer_null (self);
}

void
desk_json_writer_member_time_ms (DeskJsonWriter *self, const char *name, gint64 ms)
{
  desk_json_writer_key (self, name);
  if (ms > 0)
    desk_json_writer_time_ms (self, ms);
  else
    desk_json_writer_null (self);
}

void
desk_json_writer_member_raw (DeskJsonWriter *self, const char *name, const char *json)
{
  desk_json_writer_key (self, name);
  if (json != NULL)
    desk_json_writer_raw (self, json);
  else
    desk_json_writer_null (self);
}
