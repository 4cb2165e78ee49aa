/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "api/desk-api.h"
#include "sync/desk-engine.h"
#include "sync/desk-files-private.h"
#include "sync/desk-sync.h"

/* DeskSync lives on its owner's thread, DeskDriver on the sync thread. They share nothing but messages: the owner
 * posts inputs to the driver, the driver posts DeskNews to the owner. */

G_BEGIN_DECLS

typedef struct _DeskDriver DeskDriver;

/* What the driver tells the owner. */
typedef struct
{
  DeskSyncState *state;
  DeskCapabilities *capabilities; /* nullable: as before */
  gboolean settled;
  guint64 nudges;       /* as many nudges of the owner's had been taken by then */
  GPtrArray *presence;  /* of DeskPresence; NULL: as before */
  GPtrArray *events;    /* of DeskEvent, committed */
  GPtrArray *ephemeral; /* of DeskEvent */
  GArray *fetched;      /* of DeskFetched */
} DeskNews;
typedef struct
{
  guint64 id;
  gboolean ok;
  char *text;
} DeskFetched;
DeskNews *desk_news_new (void);
void desk_news_free (DeskNews *news);
void desk_news_merge (DeskNews *into, DeskNews *from); /* takes from, the newer */

/* Called on the sync thread; takes news. */
typedef void (*DeskNewsFunc) (DeskNews *news, gpointer data);

typedef struct
{
  DeskStore *store;
  char *server_url;
  char *username; /* nullable */
  char *token;    /* nullable */
  DeskClock *clock;
  DeskRandom *random;
  gboolean no_backfill;
  gboolean files_only;
  DeskFilesLink *files;
  gint64 (*slept_us) (void); /* how long the machine has slept since it booted; NULL: ask it */
  gint64 trim_after_ms; /* when the first look at the cache's size and age is due; 0: as usual */
  DeskNewsFunc news;
  gpointer news_data;
} DeskDriverConfig;

/* Holds the tokens of the api and renews them (desk-token-keeper.c), on the sync thread. A token that is given cannot
 * be renewed; NULL: the keyring's. */
typedef struct _DeskTokenKeeper DeskTokenKeeper;
typedef void (*DeskTokenFunc) (DeskTokenResult result, gpointer data);
DeskTokenKeeper *desk_token_keeper_new (DeskApi *api, const char *server_url, const char *username, const char *token);
void desk_token_keeper_load (DeskTokenKeeper *self, void (*loaded) (gpointer data), gpointer data);
/* Never calls back before it returns. */
void desk_token_keeper_renew (DeskTokenKeeper *self, DeskTokenFunc func, gpointer data);
void desk_token_keeper_stop (DeskTokenKeeper *self); /* whoever waits is told DESK_TOKEN_FAILED */
gboolean desk_token_keeper_is_busy (DeskTokenKeeper *self); /* calls are out */
void desk_token_keeper_free (DeskTokenKeeper *self);

/* Keeps the cache as small as the manager wants it (desk-driver-retention.c). */
typedef struct _DeskRetention DeskRetention;
DeskRetention *desk_retention_new (DeskStore *store, DeskClock *clock, gint64 first_after_ms);
/* Cancels what waits. A step under way ends by itself, harmlessly. */
void desk_retention_free (DeskRetention *self);

/* All of these run on the sync thread, whose thread-default context is the driver's. */
DeskDriver *desk_driver_new (const DeskDriverConfig *config);
void desk_driver_start (DeskDriver *self);
void desk_driver_feed (DeskDriver *self, DeskInput *input); /* fills in the clocks */
void desk_driver_free (DeskDriver *self); /* stops first */
DeskLoader *desk_driver_get_loader (DeskDriver *self);
/* GET beside the engine; a token that expired is renewed once. The func is called unless the driver goes; answer is
 * borrowed. */
typedef void (*DeskGotFunc) (const DeskRestAnswer *answer, gpointer data);
void desk_driver_get (DeskDriver *self, const char *path, guint timeout_ms, DeskGotFunc func, gpointer data,
                      GDestroyNotify destroy);
/* The same with another method (a literal) and body (nullable). Renewing asks a second time only where the server did
 * not take the token, so nothing is done twice. */
void desk_driver_ask (DeskDriver *self, const char *method, const char *path, const char *body, guint timeout_ms,
                      DeskGotFunc func, gpointer data, GDestroyNotify destroy);

/* What the object was made with; borrowed. */
const DeskDriverConfig *desk_sync_get_config (DeskSync *self);
/* Runs func on the sync thread; takes data. On the owner's thread. FALSE: there is no such thread now. */
gboolean desk_sync_post (DeskSync *self, void (*func) (DeskDriver *driver, gpointer data), gpointer data,
                         GDestroyNotify destroy);

G_END_DECLS
