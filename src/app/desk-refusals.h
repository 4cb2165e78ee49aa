/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_REFUSALS (desk_refusals_get_type ())
G_DECLARE_FINAL_TYPE (DeskRefusals, desk_refusals, DESK, REFUSALS, GObject)

/* Watches the outbox for changes of chats and profiles that the server does not take. The cache shows the server's value
 * again by itself; this tells the manager why.
 *
 * Signal "refused" (char *text, gint64 local_id): once for each. What is not tried again within the toast's life may be
 * dropped by desk_refusals_drop(). */
DeskRefusals *desk_refusals_new (DeskInbox *inbox);
/* The same change once more, over what a colleague did. */
void desk_refusals_retry (DeskRefusals *self, gint64 local_id);
void desk_refusals_drop (DeskRefusals *self, gint64 local_id);

G_END_DECLS
