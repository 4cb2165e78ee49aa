/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A debugging aid: with FRONTDESK_TRACE=frames in the environment, prints "NAME MICROSECONDS" to
 * stderr, the time on the monotonic clock: "first-frame" when the first frame was painted,
 * "cache-open", "inbox-ready" when the first frame with the chat list was painted. */
void desk_trace (const char *name);

G_END_DECLS
