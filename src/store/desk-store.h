/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "common/desk-clock.h"
#include "model/desk-chat.h"
#include "model/desk-message.h"
#include "store/desk-store-batch.h"
#include "store/desk-store-rows.h"

/* The client's cache of one account: one SQLite file in a 0700 folder, one writer thread, one
 * reader thread. It knows nothing of the network. The screen, the command line and the sync engine
 * all read here; whatever changes goes through a DeskBatch, one transaction each.
 *
 * Every call has a blocking form, which must not be used on a thread that draws, and an
 * asynchronous one, which calls back on the caller's thread-default main context. */

G_BEGIN_DECLS

#define DESK_STORE_ERROR (desk_store_error_quark ())
GQuark desk_store_error_quark (void);
typedef enum
{
  DESK_STORE_ERROR_FAILED,
  DESK_STORE_ERROR_CORRUPT,        /* damaged: desk_store_rescue() keeps drafts and outbox */
  DESK_STORE_ERROR_SCHEMA_VERSION, /* written by a newer version */
  DESK_STORE_ERROR_FULL,           /* disk full: nothing of the batch was kept */
  DESK_STORE_ERROR_ACCESS,
  DESK_STORE_ERROR_NOT_FOUND,
  DESK_STORE_ERROR_STATE, /* the outbox entry is not in a state that allows this */
  DESK_STORE_ERROR_CLOSED,
  DESK_STORE_ERROR_UNKNOWN, /* the disk fails: whether the batch was kept cannot be known */
} DeskStoreError;

#define DESK_TYPE_STORE (desk_store_get_type ())
G_DECLARE_FINAL_TYPE (DeskStore, desk_store, DESK, STORE, GObject)

typedef struct
{
  DeskClock *clock;       /* NULL: the system's */
  const char *vfs;        /* NULL: the default; tests inject faults here */
  gboolean skip_check;    /* leave out the integrity check */
} DeskStoreOptions;

/* Opens (creates, migrates, checks) the cache in dir. Blocking, any thread that does not draw. */
DeskStore *desk_store_open (const char *dir, const DeskStoreOptions *options, GError **error);
/* Moves a damaged cache aside (name.damaged-TIME), makes a new one and carries drafts, outbox and
 * settings over as far as they can be read; out_drafts/out_outbox count what was saved. */
gboolean desk_store_rescue (const char *dir, const DeskStoreOptions *options, guint *out_drafts, guint *out_outbox, GError **error);
/* Deletes a cache whose store is closed. */
gboolean desk_store_erase (const char *dir, GError **error);
/* Waits for queued writes, checkpoints, closes. Further calls fail with CLOSED. */
void desk_store_close (DeskStore *self);
const char *desk_store_get_dir (DeskStore *self);
/* The folder of an account's cache below base (NULL: the user's data folder/frontdesk): stable and
 * readable, from the server's address and the username. */
char *desk_store_account_dir (const char *base, const char *server_url, const char *username);

/* ── Writing ────────────────────────────────────────────────────────────────────────────────── */
/* One transaction, on the writer thread; takes the batch. After the commit observers are told, then
 * the caller. On error nothing of the batch was kept. */
DeskBatchResult *desk_store_apply (DeskStore *self, DeskBatch *batch, GError **error);
void desk_store_apply_async (DeskStore *self, DeskBatch *batch, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskBatchResult *desk_store_apply_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* What a commit touched; told to every observer on its context. */
typedef struct
{
  gboolean everything; /* another process wrote, or too much to name: read anew */
  GPtrArray *chats;    /* of char* "P/U": their row or timeline changed */
  gboolean outbox;
  gboolean settings; /* cursor, capabilities, managers, canned replies */
  gboolean profiles; /* those of chats */
  GPtrArray *new_incoming; /* of DeskMessage: incoming messages first stored by this commit as live news
                              (not by history pages); for notifications */
} DeskStoreChange;
typedef void (*DeskStoreObserver) (DeskStore *self, const DeskStoreChange *change, gpointer data);
guint desk_store_observe (DeskStore *self, GMainContext *context, DeskStoreObserver observer, gpointer data, GDestroyNotify destroy);
void desk_store_unobserve (DeskStore *self, guint id);
/* Tell observers that another process wrote (the holder calls it when nudged). */
void desk_store_notify_external_change (DeskStore *self);

/* ── Reading. Each on the reader thread; results are owned by the caller ────────────────────── */
GPtrArray *desk_store_list_chats (DeskStore *self, const DeskChatQuery *query, GError **error); /* of DeskChatRow */
void desk_store_list_chats_async (DeskStore *self, const DeskChatQuery *query, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_store_list_chats_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* NULL with NOT_FOUND for a chat that is not cached. */
DeskChatRow *desk_store_get_chat (DeskStore *self, const char *platform, const char *user_id, GError **error);
void desk_store_get_chat_async (DeskStore *self, const char *platform, const char *user_id, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskChatRow *desk_store_get_chat_finish (DeskStore *self, GAsyncResult *result, GError **error);

DeskTimelinePage *desk_store_list_messages (DeskStore *self, const DeskTimelineQuery *query, GError **error);
void desk_store_list_messages_async (DeskStore *self, const DeskTimelineQuery *query, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskTimelinePage *desk_store_list_messages_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* A message by the server's id, as it is shown; NOT_FOUND if it is not cached. */
DeskMessage *desk_store_get_message (DeskStore *self, const char *id, GError **error);

GPtrArray *desk_store_search (DeskStore *self, const DeskSearchQuery *query, GError **error); /* of DeskSearchHit */
void desk_store_search_async (DeskStore *self, const DeskSearchQuery *query, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_store_search_finish (DeskStore *self, GAsyncResult *result, GError **error);

GPtrArray *desk_store_list_outbox (DeskStore *self, GError **error); /* of DeskOutboxEntry, by local_id */
void desk_store_list_outbox_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_store_list_outbox_finish (DeskStore *self, GAsyncResult *result, GError **error);

DeskDraft *desk_store_get_draft (DeskStore *self, const char *platform, const char *user_id, GError **error); /* NULL without error: none */
void desk_store_get_draft_async (DeskStore *self, const char *platform, const char *user_id, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskDraft *desk_store_get_draft_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* Of DeskCanned, as the server orders them. */
GPtrArray *desk_store_list_canned (DeskStore *self, GError **error);
void desk_store_list_canned_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_store_list_canned_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* Of DeskManager, by name. */
GPtrArray *desk_store_list_managers (DeskStore *self, GError **error);
void desk_store_list_managers_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_store_list_managers_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* Of DeskLabelRow: the labels that chats have, the most used first. */
GPtrArray *desk_store_list_labels (DeskStore *self, GError **error);
void desk_store_list_labels_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_store_list_labels_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* NULL without error: nothing is known of the customer yet. */
DeskProfileRow *desk_store_get_profile (DeskStore *self, const char *platform, const char *user_id, GError **error);
void desk_store_get_profile_async (DeskStore *self, const char *platform, const char *user_id, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskProfileRow *desk_store_get_profile_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* Gives the space of what was deleted back to the disk, if that is worth it: a fifth of the file and 16 MiB. Blocks other writes
 * meanwhile (a second per GiB or so), never the caller or reads. TRUE also if there was nothing to do. */
void desk_store_compact_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_store_compact_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* Settings: small text values by key. Keys used by the sync engine: "cursor", "level", "capabilities"
 * (JSON), "me", "server_offset_ms", "complete_to_ms", "server_url"; the manager's own: "cache_days" and "cache_max_bytes"
 * (how much history is kept here, "0" or unset = all). NULL without error: unset. */
char *desk_store_get_setting (DeskStore *self, const char *key, GError **error);
void desk_store_get_setting_async (DeskStore *self, const char *key, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
char *desk_store_get_setting_finish (DeskStore *self, GAsyncResult *result, GError **error);

DeskStoreCounts *desk_store_get_counts (DeskStore *self, GError **error);
void desk_store_get_counts_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskStoreCounts *desk_store_get_counts_finish (DeskStore *self, GAsyncResult *result, GError **error);

/* Up to limit chats whose cached history has holes or does not reach back to the first message the
 * server keeps, most recently active first: what to fetch next. Of DeskHistoryWant. */
GPtrArray *desk_store_list_wanted (DeskStore *self, guint limit, GError **error);
void desk_store_list_wanted_async (DeskStore *self, guint limit, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_store_list_wanted_finish (DeskStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
