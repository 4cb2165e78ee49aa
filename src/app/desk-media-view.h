/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_MEDIA_VIEW (desk_media_view_get_type ())
G_DECLARE_FINAL_TYPE (DeskMediaView, desk_media_view, DESK, MEDIA_VIEW, GtkWidget)

/* One file of a message in the timeline: a picture, a sound, a video or a card. It fetches by itself what may be
 * fetched when it comes into view, shows how far that is and why it failed, and opens and saves the file. The
 * action "message-file.view" ("(su)": message id, index) of an ancestor opens the viewer. Main thread. */
GtkWidget *desk_media_view_new (DeskInbox *inbox, const DeskMessage *message, guint index);

G_END_DECLS
