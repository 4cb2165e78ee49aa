/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * desk_format_markup:
 * @text: (nullable): a message's text, untrusted
 *
 * Returns: (transfer full): Pango markup in which everything is escaped, and https and mailto
 *   addresses are links. No other scheme ever becomes one.
 */
char *desk_format_markup (const char *text);

/**
 * desk_format_hit_markup:
 * @snippet: plain text with the hits between U+0002 and U+0003, as the search gives it
 *
 * Returns: (transfer full): escaped markup with the hits in bold
 */
char *desk_format_hit_markup (const char *snippet);

/* TRUE for one to six emoji and nothing else but white space: they are shown larger. */
gboolean desk_format_is_emoji_only (const char *text);

/* All take ms UTC and answer in local time; transfer full. */
char *desk_format_clock (gint64 ms);                  /* "12:31" */
char *desk_format_when (gint64 ms, gint64 now_ms);    /* "12:31", "Yesterday", "Mon", "3 Jun", "03.06.24" */
char *desk_format_day (gint64 ms, gint64 now_ms);     /* "Today", "Yesterday", "Monday, 3 June" */
char *desk_format_full (gint64 ms);                   /* date and time, for tooltips */
char *desk_format_exact (gint64 ms);                  /* "12:34:07", with the date if not today */
gint64 desk_format_day_number (gint64 ms);            /* local days since year 1 */
/* "41 min", "3 h", "2 d" for a span; transfer full. */
char *desk_format_span (gint64 span_ms);
/* "0:07" for the length of a voice message; transfer full. */
char *desk_format_duration (gint64 duration_ms);

G_END_DECLS
