/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

/* What a manager does with one chat or many at once. Everything goes into the outbox and shows at once. Main thread. */

/* How to take a change back: the values that the chats had before. */
typedef struct _DeskChatUndo DeskChatUndo;
void desk_chat_undo_free (DeskChatUndo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskChatUndo, desk_chat_undo_free)
void desk_chat_undo_apply (DeskChatUndo *self, DeskInbox *inbox);
/* The chat that is undone, "P/U"; NULL for several. */
const char *desk_chat_undo_get_key (DeskChatUndo *self);

/**
 * desk_chat_actions_apply:
 * @items: of #DeskChatItem
 *
 * Changes all of @items, in one transaction. Returns: (transfer full): how to undo it.
 */
DeskChatUndo *desk_chat_actions_apply (DeskInbox *inbox, GPtrArray *items, const DeskChatChange *change);
void desk_chat_actions_mark_read (DeskInbox *inbox, GPtrArray *items);

/* "Resolved", "3 chats resolved", "Snoozed until Mon 3 Jun, 09:00", "Assigned to ivan" … Transfer full. */
char *desk_chat_actions_describe (const DeskChatChange *change, guint n_chats, const char *me);

G_END_DECLS
