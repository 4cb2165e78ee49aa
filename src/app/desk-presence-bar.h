/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_PRESENCE_BAR (desk_presence_bar_get_type ())
G_DECLARE_FINAL_TYPE (DeskPresenceBar, desk_presence_bar, DESK, PRESENCE_BAR, GtkBox)

/* Who else is in the chat now, above the reply: colleagues who look at it or write in it, the customer who types. */
void desk_presence_bar_set_chat (DeskPresenceBar *self, DeskInbox *inbox, DeskChatItem *item);

G_END_DECLS
