/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-inbox.h"

/* Private to desk-inbox.c and desk-inbox-open.c. */

G_BEGIN_DECLS

/* Takes over an opened store: observes it and reads what is shown before the engine speaks. */
void desk_inbox_adopt_store (DeskInbox *self, DeskStore *store);
/* The place of the thread that opens early, NULL if there is none. */
GThread **desk_inbox_get_early (DeskInbox *self);
/* Waits for that thread; NULL with an error if the cache cannot be opened. Blocks. Transfer full. */
DeskStore *desk_inbox_join_early (GThread *early, GError **error);

G_END_DECLS
