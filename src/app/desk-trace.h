/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A debugging aid: with FRONTDESK_TRACE=frames in the environment, prints
 * "NAME MICROSECONDS PROCESSOR-MICROSECONDS" to stderr: the time on the monotonic clock and what
 * the process has used of the processor. "first-frame": the first frame was painted; "cache-open";
 * "inbox-ready": the first frame with the chat list was painted. */
void desk_trace (const char *name);
/* With the same variable: prints "stall END LENGTH" (microseconds, END on the monotonic clock) for
 * every time the default main context worked for more than a frame. Call before it first runs. */
void desk_trace_watch_main_loop (void);

G_END_DECLS
