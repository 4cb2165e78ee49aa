/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DESK_TIME_ERROR (desk_time_error_quark ())

typedef enum
{
  DESK_TIME_ERROR_SYNTAX, /* not an RFC 3339 date-time */
  DESK_TIME_ERROR_RANGE,  /* well formed, but no such moment, or outside the years 1970-9999 */
} DeskTimeError;

GQuark desk_time_error_quark (void);

/**
 * desk_time_parse_rfc3339:
 * @text: (nullable): an RFC 3339 date-time with "Z" or a numeric zone offset
 * @out_ms: (out): ms UTC since 1970-01-01; untouched on failure
 * @error: #DeskTimeError
 *
 * Strict reading of RFC 3339, section 5.6: 0 to 9 fractional digits, of which those after the
 * millisecond are cut off; "T" or "t" (a space too, as the note there allows), "Z" or "z". A leap
 * second (":60") counts as the second after it. The moment in UTC must lie in the years 1970 to
 * 9999. Any thread.
 *
 * Returns: whether @text was a time
 */
gboolean desk_time_parse_rfc3339 (const char *text, gint64 *out_ms, GError **error);

/**
 * desk_time_format_rfc3339:
 * @ms: ms UTC since 1970-01-01
 *
 * Returns: (transfer full): for example "2026-11-20T10:00:00.000Z"
 */
char *desk_time_format_rfc3339 (gint64 ms);

/**
 * desk_time_write_rfc3339:
 * @ms: ms UTC since 1970-01-01; clamped to the years 1970 to 9999
 * @out: (out caller-allocates): 24 characters and the terminating NUL
 *
 * As desk_time_format_rfc3339(), without allocation or library calls: for hot paths.
 */
void desk_time_write_rfc3339 (gint64 ms, char out[25]);

G_END_DECLS
