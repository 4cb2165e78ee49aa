/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"
#include "app/desk-timeline-view.h"

G_BEGIN_DECLS

/* The actions of rows that need the history and the inbox, not the composer, as the group "message-file": view (su:
 * message id, number of the file), open-link (s), copy-text (s). To be called once for a widget that is one chat.
 * @timeline and the inbox belong to the widget; the inbox is asked for whenever it is needed. */
typedef DeskInbox *(*DeskGetInbox) (GtkWidget *widget);
void desk_message_actions_add (GtkWidget *widget, DeskTimelineView *timeline, DeskGetInbox get_inbox);

G_END_DECLS
