/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "store/desk-store.h"
#include "sync/desk-account.h"
#include "sync/desk-sync.h"

G_BEGIN_DECLS

#define DESK_TYPE_INBOX (desk_inbox_get_type ())
G_DECLARE_FINAL_TYPE (DeskInbox, desk_inbox, DESK, INBOX, GObject)

/* The open account as the widgets see it: its cache, its engine if there is one, and what both
 * tell. Main thread only; nothing blocks but desk_inbox_close().
 *
 * Signals:
 *  "changed" (DeskStoreChange *)      the cache changed
 *  "state-changed" ()
 *  "capabilities-changed" ()
 *  "typing-changed" (char *key)       a customer began or stopped typing
 *  "problem" (char *text)             something the manager asked for could not be kept
 *  "notice" (DeskNotification *)      the server tells all managers something
 */

typedef struct
{
  const char *dir;        /* of the cache */
  const char *server_url; /* NULL: no engine, the cache alone */
  const char *username;   /* nullable */
  const char *token;      /* nullable: the keyring's */
  gboolean is_demo;
} DeskInboxOptions;

DeskInbox *desk_inbox_new (const DeskInboxOptions *options);
/* Begins to open the cache on a thread; desk_inbox_open_async() then takes what came of it. For the
 * start, before there is anything to call back. Once, before it. */
void desk_inbox_open_early (DeskInbox *self);
/* Opens the cache; fails as desk_store_open() does. */
void desk_inbox_open_async (DeskInbox *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_inbox_open_finish (DeskInbox *self, GAsyncResult *result, GError **error);
/* Moves a damaged cache aside and opens a new one with the drafts and unsent replies. */
void desk_inbox_rescue_async (DeskInbox *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_inbox_rescue_finish (DeskInbox *self, GAsyncResult *result, guint *out_drafts, guint *out_outbox, GError **error);
/* Starts the engine. Called when the first frame is out. */
void desk_inbox_start (DeskInbox *self);
void desk_inbox_close (DeskInbox *self);

DeskStore *desk_inbox_get_store (DeskInbox *self);
DeskSync *desk_inbox_get_sync (DeskInbox *self); /* NULL before the start and without a server */
gboolean desk_inbox_is_demo (DeskInbox *self);
const char *desk_inbox_get_dir (DeskInbox *self);
const char *desk_inbox_get_server_url (DeskInbox *self); /* nullable */
/* Whose inbox it is, for what is asked of the server beside the engine; NULL without a server. Transfer full. */
DeskAccount *desk_inbox_dup_account (DeskInbox *self);
const char *desk_inbox_get_token (DeskInbox *self); /* nullable: the keyring's */
/* The manager's own username, NULL where it is not known. */
const char *desk_inbox_get_me (DeskInbox *self);
/* What customers may be told: the display name, else the username; NULL where neither is known. */
const char *desk_inbox_get_my_name (DeskInbox *self);
/* Borrowed until "state-changed"; never NULL. */
const DeskSyncState *desk_inbox_get_state (DeskInbox *self);
/* Will a reply that is sent now leave at once? */
gboolean desk_inbox_is_online (DeskInbox *self);
/* Server time, as far as it is known. */
gint64 desk_inbox_now_ms (DeskInbox *self);

/* NULL for a platform the server did not name. */
const DeskPlatform *desk_inbox_find_platform (DeskInbox *self, const char *name);
/* For people: "Telegram". Borrowed. */
const char *desk_inbox_platform_title (DeskInbox *self, const char *name);
/* Name of a symbolic icon; always one that exists. Borrowed. */
const char *desk_inbox_platform_icon (const char *name);

gboolean desk_inbox_is_typing (DeskInbox *self, const char *key);
/* Applies a batch (taken) and wakes the engine; failures are told by "problem". */
void desk_inbox_apply (DeskInbox *self, DeskBatch *batch);
void desk_inbox_mark_read (DeskInbox *self, const char *platform, const char *user_id, gint64 up_to);
void desk_inbox_mark_unread (DeskInbox *self, const char *platform, const char *user_id);

G_END_DECLS
