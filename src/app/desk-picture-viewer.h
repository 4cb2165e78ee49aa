/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_PICTURE_VIEWER (desk_picture_viewer_get_type ())
G_DECLARE_FINAL_TYPE (DeskPictureViewer, desk_picture_viewer, DESK, PICTURE_VIEWER, AdwWindow)

/* Shows pictures and videos one at a time, in a window of its own: left and right go through @messages (of
 * DeskMessage with files that can be seen; taken), plus and minus zoom, Ctrl+S saves, Ctrl+C copies, Esc closes. */
GtkWindow *desk_picture_viewer_new (GtkWindow *parent, DeskInbox *inbox, GPtrArray *messages, const char *first_id, guint first_index);

G_END_DECLS
