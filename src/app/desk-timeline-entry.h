/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib-object.h>

#include "store/desk-store-rows.h"

G_BEGIN_DECLS

typedef enum
{
  DESK_ENTRY_MESSAGE,
  DESK_ENTRY_PENDING, /* an outbox entry */
  DESK_ENTRY_GAP,
  DESK_ENTRY_DAY,
  DESK_ENTRY_UNREAD, /* the line above the first unread message */
} DeskEntryType;

#define DESK_TYPE_TIMELINE_ENTRY (desk_timeline_entry_get_type ())
G_DECLARE_FINAL_TYPE (DeskTimelineEntry, desk_timeline_entry, DESK, TIMELINE_ENTRY, GObject)

/* One row of the timeline. Signal "changed" () when what is shown differs. Main thread. */

/* Takes @item. */
DeskTimelineEntry *desk_timeline_entry_new (DeskTimelineItem *item);
DeskTimelineEntry *desk_timeline_entry_new_day (gint64 time_ms);
DeskTimelineEntry *desk_timeline_entry_new_unread (void);
/* What names the row as long as it exists; a reply keeps its key from pending to read. Full. */
char *desk_timeline_item_dup_key (const DeskTimelineItem *item);
/* Takes @item; TRUE if what is shown differs. Does not emit. */
gboolean desk_timeline_entry_replace_item (DeskTimelineEntry *self, DeskTimelineItem *item);
/* Where the row stands in its group and whether it is unread; TRUE if that is new. Does not emit. */
gboolean desk_timeline_entry_set_group (DeskTimelineEntry *self, gboolean first, gboolean last, gboolean unread);
void desk_timeline_entry_emit_changed (DeskTimelineEntry *self);

DeskEntryType desk_timeline_entry_get_entry_type (DeskTimelineEntry *self);
/* NULL for days and the unread line. */
const DeskTimelineItem *desk_timeline_entry_get_item (DeskTimelineEntry *self);
const DeskMessage *desk_timeline_entry_get_message (DeskTimelineEntry *self);     /* nullable */
const DeskOutboxEntry *desk_timeline_entry_get_pending (DeskTimelineEntry *self); /* nullable */
gint64 desk_timeline_entry_get_time_ms (DeskTimelineEntry *self);
gboolean desk_timeline_entry_is_first (DeskTimelineEntry *self);
gboolean desk_timeline_entry_is_last (DeskTimelineEntry *self);
gboolean desk_timeline_entry_is_unread (DeskTimelineEntry *self);
/* Do @b after @a share one group: same writer, same kind of bubble, within five minutes? */
gboolean desk_timeline_entry_continues (DeskTimelineEntry *a, DeskTimelineEntry *b);

G_END_DECLS
