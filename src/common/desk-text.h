/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a platform counts when it limits a text. */
typedef enum
{
  DESK_TEXT_CHARS, /* Unicode code points */
  DESK_TEXT_UTF16, /* UTF-16 code units: 2 for characters beyond U+FFFF */
  DESK_TEXT_BYTES, /* bytes of UTF-8 */
} DeskTextUnit;

/**
 * desk_text_sanitize_utf8:
 * @text: (nullable): bytes; %NULL is the empty text
 * @len: their number, or -1 up to the NUL
 *
 * Returns: (transfer full): valid UTF-8; every invalid byte and every NUL within @len has become
 *   U+FFFD, everything else is kept
 */
char *desk_text_sanitize_utf8 (const char *text, gssize len);

/**
 * desk_text_length:
 * @text: (nullable): valid UTF-8; %NULL is empty
 * @unit: what to count
 *
 * Returns: the length of @text in @unit
 */
gsize desk_text_length (const char *text, DeskTextUnit unit);

/**
 * desk_text_preview:
 * @text: (nullable): valid UTF-8
 * @max_chars: most characters of the result, the ellipsis included; at least 1
 *
 * One line for a list or a notification: runs of white space and control characters become one
 * space, both ends are trimmed, and what is too long ends in "…", not inside a combined
 * character as far as combining marks, variation selectors and joiners tell.
 *
 * Returns: (transfer full): the line
 */
char *desk_text_preview (const char *text, gsize max_chars);

G_END_DECLS
