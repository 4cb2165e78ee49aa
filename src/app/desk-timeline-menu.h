/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-timeline-entry.h"

G_BEGIN_DECLS

/* Opens the context menu of a message at a place inside @parent; nothing for rows without a message.
 * @menu (inout, nullable at first) is the popover: made when first asked for and a child of @parent,
 * which unparents it in the end. */
void desk_timeline_menu_show (GtkWidget *parent, GtkWidget **menu, DeskTimelineEntry *entry, double x, double y);

G_END_DECLS
