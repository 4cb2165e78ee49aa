/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define DESK_TYPE_PICK_POPOVER (desk_pick_popover_get_type ())
G_DECLARE_FINAL_TYPE (DeskPickPopover, desk_pick_popover, DESK, PICK_POPOVER, GtkPopover)

/* A list to pick one thing from by typing a part of its name: a manager, a label. Enter takes the first that
 * matches, the arrow keys walk, Escape closes.
 *
 * Signals:
 *  "picked" (char *id)     one of the rows; the popover closes by itself
 *  "created" (char *text)  what was typed and is no row, where that is allowed */
GtkWidget *desk_pick_popover_new (const char *placeholder);
/* A row at the end. @subtitle and @icon nullable; @ticked says that it is what holds now. */
void desk_pick_popover_add (DeskPickPopover *self, const char *id, const char *title,
                            const char *subtitle, const char *icon, gboolean ticked);
/* Offers to make what was typed; @format has one %s, for example "Add “%s”". */
void desk_pick_popover_allow_new (DeskPickPopover *self, const char *format);
/* Shows it at @anchor, a child of @parent, and lets it go once it is closed. */
void desk_popover_show_at (GtkPopover *popover, GtkWidget *parent, GtkWidget *anchor);

G_END_DECLS
