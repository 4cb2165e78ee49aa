/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_NOTIFIER (desk_notifier_get_type ())
G_DECLARE_FINAL_TYPE (DeskNotifier, desk_notifier, DESK, NOTIFIER, GObject)

/* "P/U" of the chat that the manager looks at now, or NULL. */
typedef const char *(*DeskNotifierVisible) (gpointer data);

/* One notification a chat for what arrives as news: each incoming message ends in one, or in a line
 * of the debug log that says why not. Main thread. */
DeskNotifier *desk_notifier_new (GApplication *application, DeskNotifierVisible visible, gpointer data);
void desk_notifier_set_inbox (DeskNotifier *self, DeskInbox *inbox);
/* The chat was opened or read. */
void desk_notifier_withdraw (DeskNotifier *self, const char *key);

G_END_DECLS
