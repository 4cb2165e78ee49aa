/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-chat-item.h"

G_BEGIN_DECLS

#define DESK_TYPE_CHAT_CHOOSER (desk_chat_chooser_get_type ())
G_DECLARE_FINAL_TYPE (DeskChatChooser, desk_chat_chooser, DESK, CHAT_CHOOSER, GtkBox)

/* Choosing many chats of the list: the bar with what can be done with them, and the rows with a check button.
 *
 * Signal "ended" (): the bar was closed. */
GtkWidget *desk_chat_chooser_new (void);
/* For the list while chats are chosen. Transfer full. */
GtkListItemFactory *desk_chat_chooser_make_factory (DeskChatChooser *self);
void desk_chat_chooser_toggle (DeskChatChooser *self, DeskChatItem *item);
void desk_chat_chooser_choose_all (DeskChatChooser *self, GListModel *model);
void desk_chat_chooser_clear (DeskChatChooser *self);
/* Of DeskChatItem, transfer container: references are held. */
GPtrArray *desk_chat_chooser_list (DeskChatChooser *self);

G_END_DECLS
