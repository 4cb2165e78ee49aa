/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_ATTACH_STRIP (desk_attach_strip_get_type ())
G_DECLARE_FINAL_TYPE (DeskAttachStrip, desk_attach_strip, DESK, ATTACH_STRIP, GtkWidget)

/* The files that go with the reply that is being written, above the entry. A file is copied at the moment it is
 * attached, off the main thread. Signal "changed" () when a file came or went, and while one is being copied.
 * Main thread. */

/* The chat whose reply it is; both NULL: none. Forgets the files that are shown; the draft keeps them. */
void desk_attach_strip_set_chat (DeskAttachStrip *self, DeskInbox *inbox, const char *platform);
/* As a draft has them: desk_staged_files_to_json(). */
void desk_attach_strip_load (DeskAttachStrip *self, const char *json);
char *desk_attach_strip_to_json (DeskAttachStrip *self);
guint desk_attach_strip_get_count (DeskAttachStrip *self);
/* Is a file still being copied? */
gboolean desk_attach_strip_is_busy (DeskAttachStrip *self);
/* The staged files; the strip is empty then. NULL if there are none. Transfer full. */
GPtrArray *desk_attach_strip_take (DeskAttachStrip *self);
/* Why nothing can be attached in this chat; NULL if something can. Borrowed. */
const char *desk_attach_strip_get_reason (DeskAttachStrip *self);

/* Asks for files. */
void desk_attach_strip_choose (DeskAttachStrip *self);
void desk_attach_strip_add_file (DeskAttachStrip *self, GFile *file);
void desk_attach_strip_add_texture (DeskAttachStrip *self, GdkTexture *texture);
/* Takes files or a picture from the clipboard, if it has nothing but those; FALSE: leave it to the entry. */
gboolean desk_attach_strip_paste (DeskAttachStrip *self);
/* Files and pictures that are dropped on @widget are attached; it has the class "drop-zone" meanwhile. */
void desk_attach_strip_take_drops (DeskAttachStrip *self, GtkWidget *widget);

G_END_DECLS
