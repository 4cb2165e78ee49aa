/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "app/desk-inbox.h"
#include "store/desk-cache-lock.h"
#include "sync/desk-account.h"

G_BEGIN_DECLS

#define DESK_TYPE_SESSION (desk_session_get_type ())
G_DECLARE_FINAL_TYPE (DeskSession, desk_session, DESK, SESSION, GObject)

/* One account that is open, whether its inbox is on the screen or not: its cache is held, its engine
 * runs, its unread messages are counted. Main thread.
 *
 * Signals:
 *  "changed" ()   the name, the unread count or the state differs
 *  "opened" ()    desk_session_open() has ended: see desk_inbox_get_store()
 *  "nudged" (char *what)  another process asks something of the holder of the cache
 */

typedef enum
{
  DESK_HOLD_OK,
  DESK_HOLD_TAKEN,  /* another process has the cache */
  DESK_HOLD_FAILED, /* the folder cannot be used */
} DeskHold;

/* @account: (nullable): whose cache it is; a cache alone and the demo have none. Taken.
 * @options: what is opened; copied. */
DeskSession *desk_session_new (DeskAccount *account, const DeskInboxOptions *options);
/* Takes hold of the cache. */
DeskHold desk_session_hold (DeskSession *self, GError **error);
/* Opens the cache and starts the engine, without a window. Once. */
void desk_session_open (DeskSession *self);
gboolean desk_session_is_opening (DeskSession *self);
/* Closes the inbox and lets go of the cache. */
void desk_session_close (DeskSession *self);

DeskInbox *desk_session_get_inbox (DeskSession *self);
const DeskAccount *desk_session_get_account (DeskSession *self); /* nullable */
/* For people: "Olena", or "Demo". Borrowed. */
const char *desk_session_get_title (DeskSession *self);
/* For people: the host of the server. Transfer full. */
char *desk_session_dup_place (DeskSession *self);
gint64 desk_session_get_unread (DeskSession *self); /* messages */

G_END_DECLS
