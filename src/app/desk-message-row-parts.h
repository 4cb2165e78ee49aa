/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-message-row.h"

/* Private to desk-message-row.c: the parts of a bubble that only some messages have. Each is a new
 * widget, or NULL if the message has no such part. */

G_BEGIN_DECLS

GtkWidget *desk_message_quote_new (DeskTimelineEntry *entry);
GtkWidget *desk_message_reactions_new (DeskTimelineEntry *entry);
/* Why it did not go, and the buttons for what can be done. */
GtkWidget *desk_message_problem_new (DeskTimelineEntry *entry);

G_END_DECLS
