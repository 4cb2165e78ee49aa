/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_FILTER_BAR (desk_filter_bar_get_type ())
G_DECLARE_FINAL_TYPE (DeskFilterBar, desk_filter_bar, DESK, FILTER_BAR, GtkBox)

/* The row of filters: All, Unread, Mine, one for each platform. The choice is a word as the setting
 * "chat-filter" keeps it. Signal "changed" (). */
GtkWidget *desk_filter_bar_new (void);
/* A button for the platform, if it has none yet. */
void desk_filter_bar_add_platform (DeskFilterBar *self, DeskInbox *inbox, const char *platform);
const char *desk_filter_bar_get_filter (DeskFilterBar *self);
void desk_filter_bar_set_filter (DeskFilterBar *self, const char *filter);
/* Beside the buttons: the state, "open", "snoozed", "resolved" or "any"; and a label, NULL for all. Each emits
 * "changed" if it is another one. */
void desk_filter_bar_set_state (DeskFilterBar *self, const char *state);
const char *desk_filter_bar_get_state (DeskFilterBar *self);
void desk_filter_bar_set_label (DeskFilterBar *self, const char *label);
const char *desk_filter_bar_get_label (DeskFilterBar *self);
/* Everything that is chosen, in one text, as the setting and saved views keep it; transfer full. */
char *desk_filter_bar_to_text (DeskFilterBar *self);
void desk_filter_bar_from_text (DeskFilterBar *self, const char *text);
/* The nth button from the left. */
void desk_filter_bar_choose (DeskFilterBar *self, guint n);
/* Fills in what the filter asks for; strings are borrowed until the filter changes. */
void desk_filter_bar_fill_query (DeskFilterBar *self, const char *me, DeskChatQuery *query);
/* Does a chat pass? The same rule as the store's for the query. */
gboolean desk_chat_query_matches (const DeskChatQuery *query, const DeskChatRow *row);

G_END_DECLS
