/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "api/desk-api-transfer.h"
#include "common/desk-random.h"
#include "sync/desk-files.h"
#include "sync/desk-request.h"

/* DeskFiles lives on the owner's thread, DeskLoader on the sync thread. They share nothing but messages: wishes go
 * one way by desk_sync_post(), DeskFileNews the other way over a DeskFilesLink. */

G_BEGIN_DECLS

#define DESK_AVATAR_MAX_BYTES (4 << 20)

/* One piece of news, of a download (key) or an upload (local_id). */
typedef struct
{
  char *key;
  DeskFilePhase phase;
  char *path;
  char *sha256;
  int code;    /* GIOErrorEnum, FAILED and GONE */
  char *error; /* for people */
  gint64 local_id;
  gint64 done;
  gint64 total;
  gboolean over; /* an upload ended, in whatever way */
} DeskFileNews;
void desk_file_news_free (DeskFileNews *news);

/* The way back to the owner's thread. It outlives both sides. */
typedef struct _DeskFilesLink DeskFilesLink;
typedef void (*DeskFileNewsFunc) (const DeskFileNews *news, gpointer data);
DeskFilesLink *desk_files_link_new (GMainContext *context, DeskFileNewsFunc func, gpointer data);
DeskFilesLink *desk_files_link_ref (DeskFilesLink *self);
void desk_files_link_unref (DeskFilesLink *self);
void desk_files_link_cut (DeskFilesLink *self); /* on the owner's thread: nothing is told any more */
void desk_files_link_tell (DeskFilesLink *self, DeskFileNews *news); /* any thread; takes news */

/* What is to be fetched. */
typedef struct
{
  char *key;
  DeskMessage *message;       /* nullable: an avatar */
  DeskAttachment *attachment;
  gint64 max_bytes;
} DeskWish;
void desk_wish_free (DeskWish *wish);

typedef struct _DeskLoader DeskLoader;
struct _DeskLoader
{
  int refs;
  DeskApi *api;
  struct _DeskTokenKeeper *keeper; /* borrowed: outlives the loader's last call */
  DeskStore *store;
  DeskRandom *random;
  DeskFilesLink *link;
  GHashTable *loads; /* key → Load */
  GQueue *queue;     /* of Load */
  GHashTable *uploads; /* gint64 → GCancellable */
  guint running;
  guint out; /* calls that will come back */
  gboolean stopped;
};
DeskLoader *desk_loader_new (DeskApi *api, struct _DeskTokenKeeper *keeper, DeskStore *store, DeskRandom *random,
                             DeskFilesLink *link);
void desk_loader_stop (DeskLoader *self); /* cancels all of it */
gboolean desk_loader_is_busy (DeskLoader *self); /* calls are out */
void desk_loader_unref (DeskLoader *self);
DeskLoader *desk_loader_ref (DeskLoader *self);
void desk_loader_fetch (DeskLoader *self, DeskWish *wish); /* takes it */
void desk_loader_cancel (DeskLoader *self, const char *key);
/* Sends an outbox entry with files; the callback gets the result for desk_api_request_finish(). */
void desk_loader_upload (DeskLoader *self, const DeskRequest *request, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data);
void desk_loader_cancel_upload (DeskLoader *self, gint64 local_id);

/* For DeskSync. */
DeskFiles *desk_files_new (DeskStore *store, gpointer sync); /* the DeskSync, which owns it; not referenced */
void desk_files_detach (DeskFiles *self); /* the DeskSync goes */
void desk_files_stopped (DeskFiles *self); /* its thread ended: nobody fetches any more */
DeskFilesLink *desk_files_get_link (DeskFiles *self);

G_END_DECLS
