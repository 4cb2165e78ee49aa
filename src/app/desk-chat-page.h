/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_CHAT_PAGE (desk_chat_page_get_type ())
G_DECLARE_FINAL_TYPE (DeskChatPage, desk_chat_page, DESK, CHAT_PAGE, GtkBox)

/* One chat: its header, history and composer. */
void desk_chat_page_set_chat (DeskChatPage *self, DeskInbox *inbox, DeskChatItem *item);
DeskChatItem *desk_chat_page_get_item (DeskChatPage *self); /* nullable */
void desk_chat_page_jump (DeskChatPage *self, const char *id, gint64 order_key);
/* Before the window goes: stores the draft. */
void desk_chat_page_flush (DeskChatPage *self);
/* The window got the focus, the page came into view. */
void desk_chat_page_check_read (DeskChatPage *self);
void desk_chat_page_reply_to_current (DeskChatPage *self);
void desk_chat_page_toggle_note (DeskChatPage *self);
void desk_chat_page_focus_composer (DeskChatPage *self);
/* Gives the key that @controller handles now to the composer; FALSE if it is no text. */
gboolean desk_chat_page_take_key (DeskChatPage *self, GtkEventControllerKey *controller);
/* As the button does; FALSE if there is nothing that can be sent. */
gboolean desk_chat_page_send (DeskChatPage *self);
/* Below the buttons of the header. */
void desk_chat_page_show_popover (DeskChatPage *self, GtkPopover *popover);
/* Cancels a quote, or goes to the newest message. */
void desk_chat_page_escape (DeskChatPage *self);
/* With one pane: a button that leads back to the list. */
void desk_chat_page_set_folded (DeskChatPage *self, gboolean folded);
/* The customer panel stands beside the page and has the window's buttons. */
void desk_chat_page_set_panel_beside (DeskChatPage *self, gboolean beside);

G_END_DECLS
