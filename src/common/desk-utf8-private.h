/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/*
 * Length of the valid UTF-8 sequence at @p (Unicode, table 3-7), or 0 if there is none. @p is
 * before @end and points at a byte of 0x80 or more.
 */
static inline guint
desk_utf8_sequence (const guint8 *p, const guint8 *end)
{
  gsize left = (gsize) (end - p);
  guint8 lead = p[0];

#define CONTINUATION(i) ((p[i] & 0xc0) == 0x80)
  if (lead < 0xc2)
    return 0;
  if (lead < 0xe0)
    return left >= 2 && CONTINUATION (1) ? 2 : 0;
  if (lead < 0xf0)
    {
      if (left < 3 || !CONTINUATION (1) || !CONTINUATION (2))
        return 0;
      if ((lead == 0xe0 && p[1] < 0xa0) || (lead == 0xed && p[1] >= 0xa0))
        return 0; /* too long a form, or a surrogate */
      return 3;
    }
  if (lead > 0xf4 || left < 4 || !CONTINUATION (1) || !CONTINUATION (2) || !CONTINUATION (3))
    return 0;
  if ((lead == 0xf0 && p[1] < 0x90) || (lead == 0xf4 && p[1] >= 0x90))
    return 0; /* too long a form, or beyond U+10FFFF */
  return 4;
#undef CONTINUATION
}
