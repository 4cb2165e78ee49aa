/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "app/desk-notice-ledger.h"
#include "app/desk-session.h"

G_BEGIN_DECLS

#define DESK_TYPE_NOTIFIER (desk_notifier_get_type ())
G_DECLARE_FINAL_TYPE (DeskNotifier, desk_notifier, DESK, NOTIFIER, GObject)

/* "P/U" of the chat of that cache that the manager looks at now, or NULL. */
typedef const char *(*DeskNotifierVisible) (const char *dir, gpointer data);

/* One notification a chat for what arrives as news, of all accounts: each incoming message ends in
 * one, or in a reason, and either is recorded in the ledger. Main thread. */
DeskNotifier *desk_notifier_new (GApplication *application, DeskNotifierVisible visible, gpointer data);
void desk_notifier_add_session (DeskNotifier *self, DeskSession *session);
void desk_notifier_remove_session (DeskNotifier *self, DeskSession *session);
/* The chat was opened or read. @dir: of its cache. */
void desk_notifier_withdraw (DeskNotifier *self, const char *dir, const char *key);
/* The number on the application's icon, where the shell shows one; 0 hides it. */
void desk_notifier_set_badge (DeskNotifier *self, gint64 count);
/* Says that the application goes on without a window; once in its life. */
void desk_notifier_tell_background (DeskNotifier *self);
DeskNoticeLedger *desk_notifier_get_ledger (DeskNotifier *self); /* borrowed */

/* Whether nothing is to disturb now: the setting, until its time has come. */
gboolean desk_disturb_is_on (GSettings *settings, gint64 now_ms);

G_END_DECLS
