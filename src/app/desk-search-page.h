/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_SEARCH_PAGE (desk_search_page_get_type ())
G_DECLARE_FINAL_TYPE (DeskSearchPage, desk_search_page, DESK, SEARCH_PAGE, GtkBox)

/* Search in place of the chat list: chats by name, and messages in everything cached.
 *
 * Signals:
 *  "hit-activated" (char *platform, char *user_id, char *message_id, gint64 order_key)  id nullable: a chat
 *  "ended" () */
/* @chats: a list of #DeskChatItem; with @chats_only messages are not searched. */
void desk_search_page_start (DeskSearchPage *self, DeskInbox *inbox, GListModel *chats, gboolean chats_only);

G_END_DECLS
