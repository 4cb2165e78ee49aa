/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_CUSTOMER_PROFILE (desk_customer_profile_get_type ())
G_DECLARE_FINAL_TYPE (DeskCustomerProfile, desk_customer_profile, DESK, CUSTOMER_PROFILE, GtkBox)

/* What is known of the person behind a chat: name, handle, phone, language, attributes, products, and the team's note.
 * Fields are edited in place; Enter or the tick saves. From the cache, also offline. */
void desk_customer_profile_set_chat (DeskCustomerProfile *self, DeskInbox *inbox, DeskChatItem *item);

G_END_DECLS
