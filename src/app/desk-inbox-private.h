/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-inbox.h"

/* Private to desk-inbox.c and desk-inbox-open.c. */

G_BEGIN_DECLS

/* Takes over an opened store: observes it and reads what is shown before the engine speaks. */
void desk_inbox_adopt_store (DeskInbox *self, DeskStore *store);

G_END_DECLS
