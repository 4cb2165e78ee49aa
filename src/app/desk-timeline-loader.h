/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-inbox.h"
#include "app/desk-timeline-model.h"

G_BEGIN_DECLS

#define DESK_TYPE_TIMELINE_LOADER (desk_timeline_loader_get_type ())
G_DECLARE_FINAL_TYPE (DeskTimelineLoader, desk_timeline_loader, DESK, TIMELINE_LOADER, GObject)

/* Fills the window of one chat's timeline from the cache. Main thread.
 *
 * Signals:
 *  "loaded" (gboolean first)   the window changed; first: it is a new one (opened or jumped)
 *  "busy-changed" ()           older messages are being fetched from the server, or not any more
 */
DeskTimelineLoader *desk_timeline_loader_new (DeskInbox *inbox, const char *platform, const char *user_id);
/* Ends what is under way; nothing is told any more. */
void desk_timeline_loader_stop (DeskTimelineLoader *self);
DeskTimelineModel *desk_timeline_loader_get_model (DeskTimelineLoader *self);
/* A window at the newest message. With @unread the line is put where reading ended. */
void desk_timeline_loader_open (DeskTimelineLoader *self, gboolean unread);
void desk_timeline_loader_jump_newest (DeskTimelineLoader *self);
/* A window around a message; @id or, if NULL, @order_key. */
void desk_timeline_loader_jump (DeskTimelineLoader *self, const char *id, gint64 order_key);
/* Extends the window by a page, if there is more. Older ones come from the server if the cache has none. */
void desk_timeline_loader_extend_older (DeskTimelineLoader *self);
void desk_timeline_loader_extend_newer (DeskTimelineLoader *self);
/* Reads the window anew: the chat changed. */
void desk_timeline_loader_refresh (DeskTimelineLoader *self);
gboolean desk_timeline_loader_has_newer (DeskTimelineLoader *self);
gboolean desk_timeline_loader_has_older (DeskTimelineLoader *self); /* cached or on the server */
/* A window around a message is on its way. */
gboolean desk_timeline_loader_is_jumping (DeskTimelineLoader *self);
gboolean desk_timeline_loader_is_fetching (DeskTimelineLoader *self);

G_END_DECLS
