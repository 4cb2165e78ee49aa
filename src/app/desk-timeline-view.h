/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"
#include "app/desk-timeline-entry.h"

G_BEGIN_DECLS

#define DESK_TYPE_TIMELINE_VIEW (desk_timeline_view_get_type ())
G_DECLARE_FINAL_TYPE (DeskTimelineView, desk_timeline_view, DESK, TIMELINE_VIEW, GtkWidget)

/* The history of one chat. All scrolling is decided here.
 *
 * Signal "read-to" (gint64 order_key): everything up to there was seen.
 * Signal "loaded" (): the first window of a chat is on the screen, or what was added to it. */

/* Shows a chat from its newest message on; NULL shows none. */
void desk_timeline_view_set_chat (DeskTimelineView *self, DeskInbox *inbox, DeskChatItem *item);
/* The chat changed in the cache. */
void desk_timeline_view_refresh (DeskTimelineView *self);
void desk_timeline_view_jump_newest (DeskTimelineView *self);
/* To a message by id, or by order key if @id is NULL. */
void desk_timeline_view_jump (DeskTimelineView *self, const char *id, gint64 order_key);
/* Follow the newest message from now on: something was sent. */
void desk_timeline_view_stick (DeskTimelineView *self);
/* Tells "read-to" if the chat is seen to its end: called when the window gets the focus. */
void desk_timeline_view_check_read (DeskTimelineView *self);
/* The message with that id, if it is loaded; @id NULL: the newest incoming one. Borrowed. */
DeskTimelineEntry *desk_timeline_view_find_entry (DeskTimelineView *self, const char *id);
DeskTimelineEntry *desk_timeline_view_find_pending (DeskTimelineView *self, gint64 local_id);
/* A reply that was held back and the id of the colleague's answer that is why; FALSE: none. */
gboolean desk_timeline_view_find_conflict (DeskTimelineView *self, gint64 *out_stale, const char **out_answer);
/* The row that has the focus, else the newest incoming message. Borrowed. */
DeskTimelineEntry *desk_timeline_view_get_current (DeskTimelineView *self);
/* The messages that are loaded, oldest first: of DeskTimelineEntry, borrowed until the loop runs; NULL without a chat. */
GPtrArray *desk_timeline_view_get_core (DeskTimelineView *self);

G_END_DECLS
