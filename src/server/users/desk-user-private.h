/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <libsoup/soup.h>

#include "server/users/desk-user-directory.h"

G_BEGIN_DECLS

#define DESK_USER_MAX_ANSWER (4 * 1024 * 1024) /* bytes */

struct _DeskUserDirectory
{
  gatomicrefcount refs; /* calls under way hold one */
  SoupSession *session;
  char *url;
  char *token; /* nullable; secret */
  gboolean is_plain; /* base_url is http */
  guint batch_size;
  guint timeout_ms;
  gboolean numbers;
  gint64 max_picture_bytes;
  DeskFileStore *files; /* nullable */
  DeskClock *clock;
  DeskRandom *random;
  GCancellable *cancellable; /* the end */

  guint failures;      /* in a row */
  guint opened;        /* times in a row that the breaker opened */
  gint64 open_until_us; /* monotonic; 0: closed */
};

DeskUserDirectory *desk_user_directory_ref (DeskUserDirectory *self);
void desk_user_directory_unref (DeskUserDirectory *self);

/**
 * desk_user_read_answer:
 * @text: the body
 * @asked: ids; whoever else is in the answer is passed over
 * @out_broken: (out): entries that could not be used
 *
 * Pure, any thread.
 *
 * Returns: (transfer full) (nullable): id → #DeskKnownUser; %NULL with an error if it is no such answer
 */
GHashTable *desk_user_read_answer (const char *text, gsize len, GHashTable *asked, guint *out_broken, GError **error);

/* The body of the call. Transfer full. */
char *desk_user_write_request (const char *const *ids, gboolean numbers);
/* Whether the service can know such an id. */
gboolean desk_user_id_is_possible (const char *id, gboolean numbers);

G_END_DECLS
