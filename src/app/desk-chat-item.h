/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib-object.h>

#include "store/desk-store-rows.h"

G_BEGIN_DECLS

#define DESK_TYPE_CHAT_ITEM (desk_chat_item_get_type ())
G_DECLARE_FINAL_TYPE (DeskChatItem, desk_chat_item, DESK, CHAT_ITEM, GObject)

/* Takes @row. Signal "changed" () when what is shown differs. Main thread. */
DeskChatItem *desk_chat_item_new (DeskChatRow *row);
/* Takes @row and does not emit: the model does when its structure is right again. */
void desk_chat_item_replace_row (DeskChatItem *self, DeskChatRow *row);
void desk_chat_item_emit_changed (DeskChatItem *self);
const DeskChatRow *desk_chat_item_get_row (DeskChatItem *self);
const DeskChat *desk_chat_item_get_chat (DeskChatItem *self);
/* "P/U", borrowed. */
const char *desk_chat_item_get_key (DeskChatItem *self);
/* The customer's name, never empty. */
const char *desk_chat_item_get_name (DeskChatItem *self);
gboolean desk_chat_item_get_typing (DeskChatItem *self);
void desk_chat_item_set_typing (DeskChatItem *self, gboolean typing);

G_END_DECLS
