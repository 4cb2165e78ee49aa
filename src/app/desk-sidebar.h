/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_SIDEBAR (desk_sidebar_get_type ())
G_DECLARE_FINAL_TYPE (DeskSidebar, desk_sidebar, DESK, SIDEBAR, GtkBox)

/* The chat list with its filters, the search and the state of the connection.
 *
 * Signals:
 *  "chat-selected" (DeskChatItem *)   nullable
 *  "chat-activated" ()                the chosen chat shall be shown, also where there is one pane
 *  "hit-activated" (char *platform, char *user_id, char *message_id, gint64 order_key)
 *  "ready" ()                         the first list is there
 *  "choosing-changed" ()              chats are chosen, or not any more */
void desk_sidebar_set_inbox (DeskSidebar *self, DeskInbox *inbox);
/* Waits for the chat if the list is not there yet. */
void desk_sidebar_select (DeskSidebar *self, const char *key);
void desk_sidebar_unselect (DeskSidebar *self);
/* The chat above (-1) or below (1), or the next unread one. */
void desk_sidebar_select_neighbour (DeskSidebar *self, int step, gboolean unread_only);
/* The filter buttons from left to right, 0 = All. */
void desk_sidebar_choose_filter (DeskSidebar *self, guint n);
/* "open", "snoozed", "resolved", "any". */
void desk_sidebar_choose_state (DeskSidebar *self, const char *state);
/* Only chats with it; NULL: all. */
void desk_sidebar_choose_label (DeskSidebar *self, const char *label);
void desk_sidebar_start_search (DeskSidebar *self, gboolean chats_only);
/* FALSE if no search was open. */
gboolean desk_sidebar_end_search (DeskSidebar *self);
/* Whose inbox it is, where there are several; NULL: the application's name. */
void desk_sidebar_set_account_title (DeskSidebar *self, const char *title);
/* Choosing many chats, to do something with all of them. */
void desk_sidebar_begin_choosing (DeskSidebar *self);
void desk_sidebar_end_choosing (DeskSidebar *self);
/* Of DeskChatItem, transfer full; NULL if none are being chosen. */
GPtrArray *desk_sidebar_list_chosen (DeskSidebar *self);
/* The bar at which what is done with them is asked; NULL if none are being chosen. */
GtkWidget *desk_sidebar_get_chosen_bar (DeskSidebar *self);
/* In one pane the selection would keep a chat from being chosen twice. */
void desk_sidebar_set_folded (DeskSidebar *self, gboolean folded);

G_END_DECLS
