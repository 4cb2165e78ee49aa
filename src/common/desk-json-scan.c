/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * The gate for untrusted JSON: RFC 8259 and our limits, checked in one pass without recursion
 * before json-glib may look at the text. Invariants: never reads outside [start, end); the stack
 * of open containers has a fixed size; each byte is visited a constant number of times.
 */

#include "common/desk-json.h"

#include "common/desk-json-keys-private.h"
#include "common/desk-utf8-private.h"

#include <math.h>
#include <string.h>

typedef struct
{
  gboolean is_object;
  DeskJsonKeySet keys;
} Frame;

typedef struct
{
  const guint8 *start;
  const guint8 *p;
  const guint8 *end;
  guint depth;
  Frame frames[DESK_JSON_MAX_DEPTH];
  DeskJsonKeys keys;
  GString *decoded; /* scratch for a key with escapes */
  GError **error;
} Scanner;

G_DEFINE_QUARK (desk-json-error-quark, desk_json_error)

static gboolean
fail (Scanner *s, DeskJsonError code, const char *message)
{
  g_set_error (s->error, DESK_JSON_ERROR, code, "%s at byte %" G_GSIZE_FORMAT, message,
               (gsize) (s->p - s->start));
  return FALSE;
}

static inline void
skip_space (Scanner *s)
{
  while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
    s->p++;
}

static inline int
peek (Scanner *s)
{
  return s->p < s->end ? *s->p : -1;
}

static inline gboolean
is_digit (int c)
{
  return c >= '0' && c <= '9';
}

/* Four hex digits at @p, or -1. */
static int
read_hex4 (const guint8 *p, const guint8 *end)
{
  int value = 0;

  if (end - p < 4)
    return -1;
  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value ((char) p[i]);

      if (digit < 0)
        return -1;
      value = value * 16 + digit;
    }
  return value;
}

/* At "\u": checks the escape, and the second one of a surrogate pair; gives the character. */
static gboolean
scan_unicode_escape (Scanner *s, gunichar *out)
{
  int unit = read_hex4 (s->p + 2, s->end);
  int low;

  if (unit < 0)
    return fail (s, DESK_JSON_ERROR_SYNTAX, "A \\u escape needs four hex digits");
  if (unit == 0)
    return fail (s, DESK_JSON_ERROR_UTF8, "A string may not hold \\u0000");
  if (unit < 0xd800 || unit > 0xdfff)
    {
      *out = (gunichar) unit;
      s->p += 6;
      return TRUE;
    }
  low = s->end - s->p >= 12 && s->p[6] == '\\' && s->p[7] == 'u' ? read_hex4 (s->p + 8, s->end)
                                                                 : -1;
  if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
    return fail (s, DESK_JSON_ERROR_UTF8, "Half of a surrogate pair");
  *out = 0x10000 + (((gunichar) unit - 0xd800) << 10) + ((gunichar) low - 0xdc00);
  s->p += 12;
  return TRUE;
}

/* At a backslash. Appends what it stands for to @decoded, if that is wanted. */
static gboolean
scan_escape (Scanner *s, GString *decoded)
{
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  const char *found;
  gunichar c = 0;

  if (s->end - s->p < 2)
    return fail (s, DESK_JSON_ERROR_SYNTAX, "The text ends in a string");
  if (s->p[1] == 'u')
    {
      if (!scan_unicode_escape (s, &c))
        return FALSE;
      if (decoded != NULL)
        g_string_append_unichar (decoded, c);
      return TRUE;
    }
  found = s->p[1] != 0 ? strchr (names, s->p[1]) : NULL;
  if (found == NULL)
    return fail (s, DESK_JSON_ERROR_SYNTAX, "Unknown escape");
  if (decoded != NULL)
    g_string_append_c (decoded, values[found - names]);
  s->p += 2;
  return TRUE;
}

/* Skips characters that stand for themselves, up to a quote, a backslash or something wrong. */
static inline gboolean
scan_plain (Scanner *s)
{
  while (s->p < s->end)
    {
      guint8 c = *s->p;
      guint n = 1;

      if (c == '"' || c == '\\' || c < 0x20)
        break;
      if (c >= 0x80 && (n = desk_utf8_sequence (s->p, s->end)) == 0)
        return fail (s, DESK_JSON_ERROR_UTF8, "Invalid UTF-8");
      s->p += n;
    }
  return TRUE;
}

/* At the opening quote. With @decoded, the content is appended there. */
static gboolean
scan_string (Scanner *s, GString *decoded)
{
  s->p++;
  for (;;)
    {
      const guint8 *run = s->p;

      if (!scan_plain (s))
        return FALSE;
      if (decoded != NULL)
        g_string_append_len (decoded, (const char *) run, s->p - run);
      switch (peek (s))
        {
        case '"':
          s->p++;
          return TRUE;
        case '\\':
          if (!scan_escape (s, decoded))
            return FALSE;
          break;
        case -1:
          return fail (s, DESK_JSON_ERROR_SYNTAX, "The text ends in a string");
        default:
          return fail (s, DESK_JSON_ERROR_SYNTAX, "Control character in a string");
        }
    }
}

static gboolean
skip_digits (Scanner *s)
{
  const guint8 *first = s->p;

  while (is_digit (peek (s)))
    s->p++;
  return s->p > first;
}

static gboolean
integer_fits (const guint8 *p, const guint8 *end)
{
  guint64 limit = G_MAXINT64;
  guint64 value = 0;

  if (*p == '-')
    {
      limit++;
      p++;
    }
  for (; p < end; p++)
    {
      guint digit = *p - '0';

      if (value > (limit - digit) / 10)
        return FALSE;
      value = value * 10 + digit;
    }
  return TRUE;
}

static gboolean
double_is_finite (const guint8 *p, const guint8 *end)
{
  char buffer[64];
  gsize len = (gsize) (end - p);
  g_autofree char *longer = NULL;
  const char *text = buffer;

  if (len < sizeof buffer)
    {
      memcpy (buffer, p, len);
      buffer[len] = '\0';
    }
  else
    {
      text = longer = g_strndup ((const char *) p, len);
    }
  return isfinite (g_ascii_strtod (text, NULL));
}

static gboolean
scan_number (Scanner *s)
{
  const guint8 *first = s->p;
  gboolean integer = TRUE;

  if (peek (s) == '-')
    s->p++;
  if (peek (s) == '0')
    s->p++;
  else if (!skip_digits (s))
    return fail (s, DESK_JSON_ERROR_SYNTAX, "A number needs a digit");
  if (peek (s) == '.')
    {
      integer = FALSE;
      s->p++;
      if (!skip_digits (s))
        return fail (s, DESK_JSON_ERROR_SYNTAX, "A fraction needs a digit");
    }
  if (peek (s) == 'e' || peek (s) == 'E')
    {
      integer = FALSE;
      s->p++;
      if (peek (s) == '+' || peek (s) == '-')
        s->p++;
      if (!skip_digits (s))
        return fail (s, DESK_JSON_ERROR_SYNTAX, "An exponent needs a digit");
    }
  if (integer ? !integer_fits (first, s->p) : !double_is_finite (first, s->p))
    return fail (s, DESK_JSON_ERROR_NUMBER, "The number before is too big");
  return TRUE;
}

static gboolean
scan_literal (Scanner *s, const char *word)
{
  gsize len = strlen (word);

  if ((gsize) (s->end - s->p) < len || memcmp (s->p, word, len) != 0)
    return fail (s, DESK_JSON_ERROR_SYNTAX, "Not a JSON value");
  s->p += len;
  return TRUE;
}

static gboolean
scan_scalar (Scanner *s)
{
  int c = peek (s);

  switch (c)
    {
    case '"':
      return scan_string (s, NULL);
    case 't':
      return scan_literal (s, "true");
    case 'f':
      return scan_literal (s, "false");
    case 'n':
      return scan_literal (s, "null");
    case -1:
      return fail (s, DESK_JSON_ERROR_SYNTAX, "The text ends where a value should be");
    default:
      if (c == '-' || is_digit (c))
        return scan_number (s);
      return fail (s, DESK_JSON_ERROR_SYNTAX, "Not a JSON value");
    }
}

/* A key and its colon, after space. */
static gboolean
scan_key (Scanner *s)
{
  const guint8 *key;

  skip_space (s);
  if (peek (s) != '"')
    return fail (s, DESK_JSON_ERROR_SYNTAX, "A key should be here");
  key = s->p;
  g_string_truncate (s->decoded, 0);
  if (!scan_string (s, s->decoded))
    return FALSE;
  if (!desk_json_keys_add (&s->keys, &s->frames[s->depth - 1].keys, s->decoded->str,
                           s->decoded->len))
    {
      s->p = key;
      return fail (s, DESK_JSON_ERROR_DUPLICATE_KEY, "The object has this key already");
    }
  skip_space (s);
  if (peek (s) != ':')
    return fail (s, DESK_JSON_ERROR_SYNTAX, "A colon should be here");
  s->p++;
  return TRUE;
}

static gboolean
open_container (Scanner *s)
{
  Frame *frame;

  if (s->depth == DESK_JSON_MAX_DEPTH)
    return fail (s, DESK_JSON_ERROR_DEPTH, "Nested too deeply");
  frame = &s->frames[s->depth++];
  frame->is_object = *s->p == '{';
  if (frame->is_object)
    desk_json_keys_open (&s->keys, &frame->keys);
  s->p++;
  return TRUE;
}

static void
close_container (Scanner *s)
{
  Frame *frame = &s->frames[--s->depth];

  if (frame->is_object)
    desk_json_keys_close (&s->keys, &frame->keys);
}

/* At a closing bracket of the right kind: consumes it. */
static gboolean
try_close (Scanner *s)
{
  if (peek (s) != (s->frames[s->depth - 1].is_object ? '}' : ']'))
    return FALSE;
  s->p++;
  close_container (s);
  return TRUE;
}

/* After a value: closes what ends here, and consumes the comma before the next value. Without
 * one, depth is 0. */
static gboolean
scan_after_value (Scanner *s)
{
  while (s->depth > 0)
    {
      skip_space (s);
      if (peek (s) == ',')
        {
          s->p++;
          return s->frames[s->depth - 1].is_object ? scan_key (s) : TRUE;
        }
      if (!try_close (s))
        return fail (s, DESK_JSON_ERROR_SYNTAX, "A comma or a closing bracket should be here");
    }
  return TRUE;
}

/* At a value. A container that is not empty leaves the scanner at its first value. */
static gboolean
scan_value (Scanner *s, gboolean *complete)
{
  *complete = TRUE;
  skip_space (s);
  if (peek (s) != '{' && peek (s) != '[')
    return scan_scalar (s);
  if (!open_container (s))
    return FALSE;
  skip_space (s);
  if (try_close (s))
    return TRUE;
  *complete = FALSE;
  return s->frames[s->depth - 1].is_object ? scan_key (s) : TRUE;
}

static gboolean
scan_document (Scanner *s)
{
  gboolean complete;

  do
    {
      if (!scan_value (s, &complete) || (complete && !scan_after_value (s)))
        return FALSE;
    }
  while (s->depth > 0);

  skip_space (s);
  if (s->p < s->end)
    return fail (s, DESK_JSON_ERROR_SYNTAX, "Something follows the value");
  return TRUE;
}

gboolean
desk_json_scan (const char *text, gsize len, gsize max_len, GError **error)
{
  Scanner s;
  gboolean ok;

  g_return_val_if_fail (text != NULL || len == 0, FALSE);

  if (len > max_len)
    {
      g_set_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_TOO_LARGE,
                   "JSON of %" G_GSIZE_FORMAT " bytes is over the limit of %" G_GSIZE_FORMAT, len,
                   max_len);
      return FALSE;
    }
  s.start = s.p = len > 0 ? (const guint8 *) text : (const guint8 *) "";
  s.end = s.start + len;
  s.depth = 0;
  s.keys = (DeskJsonKeys){ 0 };
  s.decoded = g_string_sized_new (64);
  s.error = error;

  ok = scan_document (&s);

  while (s.depth > 0)
    close_container (&s);
  g_free (s.keys.hashes);
  g_string_free (s.decoded, TRUE);
  return ok;
}
