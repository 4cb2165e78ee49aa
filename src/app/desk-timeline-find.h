/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-timeline-entry.h"

G_BEGIN_DECLS

/* Looks into the loaded part of a chat, from its end. @core: of DeskTimelineEntry, oldest first,
 * nullable. What is found is borrowed. */

/* The message with that id; @id NULL: the newest incoming one that is not deleted. */
DeskTimelineEntry *desk_timeline_find_entry (GPtrArray *core, const char *id);
DeskTimelineEntry *desk_timeline_find_pending (GPtrArray *core, gint64 local_id);
/* A reply that was held back, and the id of the newest answer by somebody else than @me, which is why. */
gboolean desk_timeline_find_conflict (GPtrArray *core, const char *me, gint64 *out_stale, const char **out_answer);

G_END_DECLS
