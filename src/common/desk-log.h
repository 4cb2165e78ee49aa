/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  DESK_LOG_PLAIN, /* for people: "10:00:00.000 warning desk-db: message field=value" */
  DESK_LOG_JSON,  /* for machines: one object a line */
} DeskLogFormat;

/**
 * desk_log_init:
 * @format: form of the lines
 * @min_level: least important level that is written, for example %G_LOG_LEVEL_INFO
 *
 * Sends all of GLib's structured log to stderr, one write(2) a line, so that lines of several
 * threads or processes do not mix. A JSON line is {"time","level","domain","message", then the
 * fields in lower case}; names of GLib's own fields (CODE_FILE, …) are left out, control
 * characters are escaped in both formats. Fatal levels and the debug domains of
 * G_MESSAGES_DEBUG are written whatever @min_level is. GLib allows one log writer a process:
 * the first call installs it, a later one changes format and level. Any thread.
 *
 * Nobody logs message texts, tokens or telephone numbers.
 */
void desk_log_init (DeskLogFormat format, GLogLevelFlags min_level);

/**
 * desk_log_event:
 * @level: one level; not a fatal one
 * @domain: for example %G_LOG_DOMAIN
 * @message: a fixed sentence; what varies goes into the fields
 * @...: pairs of field name (lower case, [a-z0-9_]) and value (a string; a pair with value %NULL
 *   is left out), ended by %NULL in the place of a name
 *
 * Logs @message with structured fields. At most 16 pairs.
 */
void desk_log_event (GLogLevelFlags level, const char *domain, const char *message, ...)
    G_GNUC_NULL_TERMINATED;

/**
 * desk_log_format_line:
 * @format: form of the line
 * @now_ms: wall time, ms UTC
 * @level: level of the entry
 * @fields: (array length=n_fields): as given to a GLogWriterFunc
 * @n_fields: their number
 *
 * What the writer prints, for tests and for other outputs.
 *
 * Returns: (transfer full): one line that ends in a newline and holds no other
 */
char *desk_log_format_line (DeskLogFormat format, gint64 now_ms, GLogLevelFlags level,
                            const GLogField *fields, gsize n_fields);

G_END_DECLS
