/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "common/desk-clock.h"
#include "common/desk-random.h"
#include "server/service/desk-file-store.h"

/* The user service of the business: who are these people? One call for many ids, on the main thread. It keeps nothing:
 * what is known stands in the store. */

G_BEGIN_DECLS

#define DESK_USER_MAX_BATCH 500

typedef struct _DeskUserDirectory DeskUserDirectory;

/**
 * DeskUserDirectoryOptions:
 * @base_url: for example "https://users.example.com"
 * @path: of the batch call, with a slash in front
 * @token: (nullable): the secret for the Authorization header
 * @batch_size: most ids of one call, 1 to %DESK_USER_MAX_BATCH
 * @timeout_ms: of one call altogether
 * @numbers: ids are numbers in JSON; any other is unknown without a call
 * @max_picture_bytes: larger pictures are left out
 * @files: (nullable): where pictures go
 */
typedef struct
{
  const char *base_url;
  const char *path;
  const char *token;
  guint batch_size;
  guint timeout_ms;
  gboolean numbers;
  gint64 max_picture_bytes;
  DeskFileStore *files;
  DeskClock *clock;
  DeskRandom *random;
} DeskUserDirectoryOptions;

/* What the user service tells of one person; at least one of name and picture_url is there. */
typedef struct
{
  char *id;
  char *name;        /* nullable */
  char *picture_url; /* nullable: absolute */
} DeskKnownUser;
void desk_known_user_free (DeskKnownUser *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskKnownUser, desk_known_user_free)

DeskUserDirectory *desk_user_directory_new (const DeskUserDirectoryOptions *options);
/* Calls that are under way end with G_IO_ERROR_CANCELLED. */
void desk_user_directory_free (DeskUserDirectory *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskUserDirectory, desk_user_directory_free)

guint desk_user_directory_get_batch_size (DeskUserDirectory *self);

/**
 * desk_user_directory_may_ask:
 *
 * The circuit breaker: after five failures in a row nobody is asked for a while (30 s, growing to 5 minutes); then one
 * call is let through as a trial.
 *
 * Returns: whether a call would leave now
 */
gboolean desk_user_directory_may_ask (DeskUserDirectory *self);

/**
 * desk_user_directory_ask_async:
 * @ids: (array zero-terminated): at most the batch size
 *
 * POST {"user_ids":[…]}; the answer is {"users":[{"id","name","avatar_url"},…]} (see data/api/openapi.yaml). A batch
 * that the service refuses or chokes on (400, 413, 422, 500) is asked in halves, so that one id that it cannot bear does
 * not hide the others.
 */
void desk_user_directory_ask_async (DeskUserDirectory *self, const char *const *ids, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer data);

/**
 * desk_user_directory_ask_finish:
 * @out_failed: (out): ids (char*) of which nothing was learnt, because a part of the batch failed
 * @error: G_IO_ERROR if nothing was learnt of anybody
 *
 * Returns: (transfer full) (nullable): id → #DeskKnownUser; who was asked for and stands in neither is not known there
 */
GHashTable *desk_user_directory_ask_finish (DeskUserDirectory *self, GAsyncResult *result, GHashTable **out_failed,
                                            GError **error);

/**
 * desk_user_directory_get_picture_async:
 * @url: as the user service told it; https, or what base_url is
 *
 * Fetches a picture into the file store; redirects are not followed, the token stays here.
 */
void desk_user_directory_get_picture_async (DeskUserDirectory *self, const char *url, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer data);
/* NULL with an error if there is none, it is too large, or its bytes are no picture. */
DeskStoredFile *desk_user_directory_get_picture_finish (DeskUserDirectory *self, GAsyncResult *result, GError **error);

G_END_DECLS
