/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * desk_cleanup_last_due:
 * @now_s: seconds UTC
 * @minute: of the local day, 0 to 1439
 * @zone: whose day it is
 *
 * Returns: when the daily cleanup was last due, in seconds UTC, at most @now_s. On a day whose
 *   clocks jump over the minute it is due when they jumped; on one that has it twice, once.
 */
gint64 desk_cleanup_last_due (gint64 now_s, guint minute, GTimeZone *zone);

G_END_DECLS
