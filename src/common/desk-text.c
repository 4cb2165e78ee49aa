/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * Text that comes from people and platforms: made valid, measured in the units that platforms
 * count, cut to one line.
 */

#include "common/desk-text.h"

#include <string.h>

#define ELLIPSIS 0x2026

char *
desk_text_sanitize_utf8 (const char *text, gssize len)
{
  if (text == NULL)
    return g_strdup ("");
  return g_utf8_make_valid (text, len);
}

gsize
desk_text_length (const char *text, DeskTextUnit unit)
{
  gsize chars = 0;
  gsize surrogates = 0;
  const guint8 *p;

  if (text == NULL)
    return 0;
  for (p = (const guint8 *) text; *p != 0; p++)
    {
      chars += (*p & 0xc0) != 0x80;
      surrogates += *p >= 0xf0; /* first byte of a character beyond U+FFFF */
    }
  switch (unit)
    {
    case DESK_TEXT_BYTES:
      return (gsize) (p - (const guint8 *) text);
    case DESK_TEXT_UTF16:
      return chars + surrogates;
    case DESK_TEXT_CHARS:
    default:
      return chars;
    }
}

/* Whether @c belongs to the character before it. */
static gboolean
continues_character (gunichar c)
{
  return g_unichar_ismark (c) || c == 0x200d || (c >= 0x1f3fb && c <= 0x1f3ff);
}

/* The next character of the preview, with runs of space and controls as one space; 0 at the end.
 * Leading space is the caller's matter. */
static gunichar
next_preview_char (const char **p)
{
  gboolean space = FALSE;

  for (; **p != '\0'; *p = g_utf8_next_char (*p))
    {
      gunichar c = g_utf8_get_char (*p);

      if (!g_unichar_isspace (c) && !g_unichar_iscntrl (c))
        break;
      space = TRUE;
    }
  if (**p == '\0')
    return 0; /* trailing space is dropped */
  if (space)
    return ' ';
  else
    {
      gunichar c = g_utf8_get_char (*p);

      *p = g_utf8_next_char (*p);
      return c;
    }
}

/* Cuts @out to at most @max_chars - 1 characters, at the start of a combined one. */
static void
cut_for_ellipsis (GString *out, gsize max_chars)
{
  const char *cut = g_utf8_offset_to_pointer (out->str, (glong) max_chars - 1);

  while (cut > out->str)
    {
      const char *previous = g_utf8_prev_char (cut);

      if (!continues_character (g_utf8_get_char (cut)) && g_utf8_get_char (previous) != 0x200d)
        break;
      cut = previous;
    }
  while (cut > out->str && cut[-1] == ' ')
    cut--;
  g_string_truncate (out, (gsize) (cut - out->str));
  g_string_append_unichar (out, ELLIPSIS);
}

char *
desk_text_preview (const char *text, gsize max_chars)
{
  GString *out;
  const char *p = text;
  gsize chars = 0;
  gunichar c;

  g_return_val_if_fail (max_chars > 0, g_strdup (""));

  if (text == NULL)
    return g_strdup ("");
  out = g_string_new (NULL);
  /* One more than fits shows whether something is left out, and what the cut would split. */
  while (chars <= max_chars && (c = next_preview_char (&p)) != 0)
    {
      if (c == ' ' && chars == 0)
        continue;
      g_string_append_unichar (out, c);
      chars++;
    }
  if (chars > max_chars)
    cut_for_ellipsis (out, max_chars);
  return g_string_free (out, FALSE);
}
