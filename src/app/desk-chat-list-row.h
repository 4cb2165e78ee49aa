/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-chat-item.h"

G_BEGIN_DECLS

#define DESK_TYPE_CHAT_LIST_ROW (desk_chat_list_row_get_type ())
G_DECLARE_FINAL_TYPE (DeskChatListRow, desk_chat_list_row, DESK, CHAT_LIST_ROW, GtkWidget)

/* A line of the chat list. Shows @item (NULL: nothing) and follows its changes. */
void desk_chat_list_row_set_item (DeskChatListRow *self, DeskChatItem *item);
/* Times are relative: called every half minute. */
void desk_chat_list_row_refresh (DeskChatListRow *self);
/* What a screen reader says of a chat. Transfer full. */
char *desk_chat_list_row_describe (DeskChatItem *item, gint64 now_ms);

G_END_DECLS
