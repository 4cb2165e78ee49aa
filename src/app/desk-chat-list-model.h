/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "app/desk-chat-item.h"

G_BEGIN_DECLS

#define DESK_TYPE_CHAT_LIST_MODEL (desk_chat_list_model_get_type ())
G_DECLARE_FINAL_TYPE (DeskChatListModel, desk_chat_list_model, DESK, CHAT_LIST_MODEL, GObject)

DeskChatListModel *desk_chat_list_model_new (void);
/**
 * desk_chat_list_model_set_rows:
 * @rows: (transfer full): an array of #DeskChatRow
 * @sort: the order from now on
 *
 * Makes the list equal to @rows. Chats that stay keep their objects; at most one items-changed.
 */
void desk_chat_list_model_set_rows (DeskChatListModel *self, GPtrArray *rows, DeskChatSort sort);
/* Adds or changes one chat; takes @row. A move is one items-changed over the span it crosses. */
void desk_chat_list_model_update (DeskChatListModel *self, DeskChatRow *row);
void desk_chat_list_model_remove (DeskChatListModel *self, const char *key);
/* Borrowed; NULL if the chat is not listed. */
DeskChatItem *desk_chat_list_model_find (DeskChatListModel *self, const char *key);
/* G_MAXUINT if it is not listed. */
guint desk_chat_list_model_get_position (DeskChatListModel *self, const char *key);
/* The order: of RECENT by last activity, of WAITING by the longest waiting customer; total by id. */
int desk_chat_list_model_compare (const DeskChatRow *a, const DeskChatRow *b, DeskChatSort sort);

G_END_DECLS
