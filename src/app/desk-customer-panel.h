/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_CUSTOMER_PANEL (desk_customer_panel_get_type ())
G_DECLARE_FINAL_TYPE (DeskCustomerPanel, desk_customer_panel, DESK, CUSTOMER_PANEL, GtkBox)

/* What is known of the customer. */
void desk_customer_panel_set_chat (DeskCustomerPanel *self, DeskInbox *inbox, DeskChatItem *item);

G_END_DECLS
