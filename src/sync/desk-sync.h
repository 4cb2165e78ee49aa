/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "common/desk-clock.h"
#include "common/desk-random.h"
#include "model/desk-event.h"
#include "protocol/desk-wire.h"
#include "store/desk-store.h"
#include "sync/desk-files.h"

/* The sync engine as the screen and the command line see it: it runs on a thread of its own, keeps the cache
 * equal to the backend, and delivers the outbox. Nothing here blocks. All functions are called on the thread
 * that made the object; signals are emitted there (its thread-default main context at construction). */

G_BEGIN_DECLS

typedef enum
{
  DESK_SYNC_STOPPED,
  DESK_SYNC_OFFLINE,     /* no network, or no answer: retries by itself */
  DESK_SYNC_CONNECTING,  /* first contact or reconnecting */
  DESK_SYNC_CATCHING_UP, /* connected; the cache is not yet complete */
  DESK_SYNC_LIVE,        /* complete and told of every change at once */
  DESK_SYNC_POLLING,     /* complete as of the last poll: no websocket */
  DESK_SYNC_SIGNED_OUT,  /* the sign-in is not accepted (any more) */
  DESK_SYNC_REFUSED,     /* the server answers but cannot be used: see error */
} DeskSyncPhase;
const char *desk_sync_phase_to_string (DeskSyncPhase phase);

typedef struct
{
  DeskSyncPhase phase;
  guint level;             /* 0 or 2; G_MAXUINT while not known */
  gint64 complete_to_ms;   /* server time up to which the cache is known to be complete; 0 never */
  gint64 retry_at_ms;      /* next attempt by the wall clock; 0 none */
  gint64 server_offset_ms; /* server clock minus ours */
  guint chats_done, chats_total; /* first sync and history; total 0: nothing under way */
  guint pending;           /* outbox entries that will go out by themselves */
  char *error;             /* nullable: for people, in plain words */
} DeskSyncState;
DeskSyncState *desk_sync_state_copy (const DeskSyncState *self);
void desk_sync_state_free (DeskSyncState *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskSyncState, desk_sync_state_free)

/* What somebody does now in a chat, or that a colleague is there. */
typedef struct
{
  char *username; /* NULL: the customer */
  char *platform; /* with user_id: which chat; NULL: a colleague who looks at none */
  char *user_id;
  gboolean typing; /* else a colleague who is signed in, and looks at that chat */
  char *status;    /* nullable: the server's word for a colleague's presence, "online" */
  gint64 until_us; /* monotonic; typing ends by itself */
} DeskPresence;
DeskPresence *desk_presence_copy (const DeskPresence *self);
void desk_presence_free (DeskPresence *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskPresence, desk_presence_free)

#define DESK_TYPE_SYNC (desk_sync_get_type ())
G_DECLARE_FINAL_TYPE (DeskSync, desk_sync, DESK, SYNC, GObject)

typedef struct
{
  const char *server_url;
  const char *username; /* nullable when only a token is known */
  const char *token;    /* from FRONTDESK_TOKEN; NULL: the keyring's */
  DeskClock *clock;     /* NULL: the system's */
  DeskRandom *random;
  gboolean no_backfill; /* fetch history on demand only */
  gboolean files_only;  /* another process keeps the cache in sync: only fetch files */
} DeskSyncOptions;

/* Signals:
 *  "state-changed" ()                    see desk_sync_get_state()
 *  "event" (DeskEvent *)                 after it was committed to the cache, however it was found
 *  "ephemeral" (DeskEvent *)             typing and presence: never stored
 *  "capabilities-changed" ()
 *  "presence-changed" ()                 see desk_sync_get_presence()
 */
DeskSync *desk_sync_new (DeskStore *store, const DeskSyncOptions *options);
void desk_sync_start (DeskSync *self);
/* Finishes what was begun durable, then stops the thread. Blocking for at most a second. */
void desk_sync_stop (DeskSync *self);
const DeskSyncState *desk_sync_get_state (DeskSync *self); /* borrowed, until the next signal */
/* NULL until known; from the cache at first. Borrowed until "capabilities-changed". */
const DeskCapabilities *desk_sync_get_capabilities (DeskSync *self);

/* Files of messages: fetching, uploads. Lives as long as the object. */
DeskFiles *desk_sync_get_files (DeskSync *self);
/* Bytes that a file may have in this chat: 0: none can be sent, -1: not known yet, the server will say. */
gint64 desk_sync_get_file_limit (DeskSync *self, const char *platform);

/* Who types where, and which chat each colleague looks at: of DeskPresence, borrowed until "presence-changed". This
 * manager is not among them. Empty without a websocket. */
GPtrArray *desk_sync_get_presence (DeskSync *self);
/* Of those the ones in a chat: of DeskPresence. Transfer full. */
GPtrArray *desk_sync_list_typing (DeskSync *self, const char *platform, const char *user_id);
GPtrArray *desk_sync_list_viewing (DeskSync *self, const char *platform, const char *user_id);

/* The outbox changed (by us or by another process). */
void desk_sync_nudge (DeskSync *self);
/* What another process asks of the engine that holds the cache (desk_cache_lock_acquire()'s what): "outbox": as
 * desk_sync_nudge(); "settle": tell in the cache when everything is here and delivered, or why not. */
void desk_sync_take_nudge (DeskSync *self, const char *what);
typedef enum
{
  DESK_SETTLED_NOT_YET,
  DESK_SETTLED_DONE,
  DESK_SETTLED_NO_CONNECTION,
  DESK_SETTLED_REFUSED,
  DESK_SETTLED_FAILED,
} DeskSettled;
/* For who asked "settle" at since_ms of the wall clock: what the holder of the cache has answered. Blocking; out_text:
 * why not, for people. */
DeskSettled desk_sync_read_settled (DeskStore *store, gint64 since_ms, char **out_text);
/* Try at once instead of waiting for the backoff; also after wake-up and network change (which the object
 * notices by itself through GNetworkMonitor and the clock). */
void desk_sync_retry_now (DeskSync *self);
/* The chat on the screen (NULL: none): polled more often at level 0, told as "viewing" at level 2. */
void desk_sync_set_open_chat (DeskSync *self, const char *platform, const char *user_id);
/* A key was pressed in the composer; throttled to one frame in 3 s. */
void desk_sync_typing (DeskSync *self, const char *platform, const char *user_id);
/* Fetches messages before order_key (0: the newest) into the cache. */
void desk_sync_fetch_older_async (DeskSync *self, const char *platform, const char *user_id, gint64 before_key,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_sync_fetch_older_finish (DeskSync *self, GAsyncResult *result, GError **error);
/* What needs an answer at once and is not kept in the outbox. All fail with a text for people:
 * G_IO_ERROR_NOT_CONNECTED (not asked, or no answer came), _PERMISSION_DENIED (the role may not), _EXISTS (a colleague
 * has changed it, or the shortcut is taken), _NOT_FOUND, _FAILED. The cache follows by the event that the server sends.
 *
 * A canned reply: base_rev is that of the one that was edited, -1 for a new one, whose id the caller makes (a UUID). */
void desk_sync_save_canned_async (DeskSync *self, const DeskCanned *canned, gint64 base_rev, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer data);
gboolean desk_sync_save_canned_finish (DeskSync *self, GAsyncResult *result, GError **error);
void desk_sync_delete_canned_async (DeskSync *self, const char *id, GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data);
gboolean desk_sync_delete_canned_finish (DeskSync *self, GAsyncResult *result, GError **error);
/* Done when the cache is complete, history is fetched and the outbox has nothing that would still go out by
 * itself; or fails: G_IO_ERROR_NOT_CONNECTED when the server cannot be reached, G_IO_ERROR_PERMISSION_DENIED
 * when the sign-in is refused, G_IO_ERROR_FAILED otherwise. */
void desk_sync_settle_async (DeskSync *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_sync_settle_finish (DeskSync *self, GAsyncResult *result, GError **error);

G_END_DECLS
