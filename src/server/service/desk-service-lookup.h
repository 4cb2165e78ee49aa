/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "protocol/desk-wire-users.h"
#include "server/service/desk-service-change.h"

/* Asking others who a customer is: when it is time, and what the answer changes. Any thread. */

G_BEGIN_DECLS

typedef enum
{
  DESK_LOOKUP_FOUND,
  DESK_LOOKUP_UNKNOWN, /* whoever was asked answered, and knows nothing of him */
  DESK_LOOKUP_FAILED,  /* nobody answered: what is known stays, and is asked for again soon */
} DeskLookupResult;

/* What the platform and the user service said, each asked or not. */
typedef struct
{
  gboolean asked_directory;
  DeskLookupResult directory;
  const DeskProfilePatch *told_by_directory; /* FOUND */
  gboolean asked_platform;
  DeskLookupResult platform;
  const DeskProfilePatch *told_by_platform; /* FOUND */
} DeskLookup;

/**
 * desk_service_finish_lookup:
 * @lookup: borrowed for the call
 * @done: (nullable): @again_ms: 0, or the wall time at which to ask once more, because somebody said that what is
 *   known is outdated; on the writer thread
 *
 * Takes what profile_wanted of the sink led to. What a manager typed stays; what the user service tells counts for more
 * than what the platform does. Found and unknown are good for 24 hours (unknown to the user service for one), and after a
 * failure whoever writes is asked for again after ten minutes. Nothing happens if there is no such chat.
 */
void desk_service_finish_lookup (DeskService *self, const char *platform, const char *user_id, const DeskLookup *lookup,
                                 void (*done) (gint64 again_ms, gpointer data), gpointer data);

/**
 * desk_service_invalidate_users:
 * @who: an admin or a bot; others are refused
 * @users: ids as the user service has them
 *
 * Somebody changed: what is known of these customers counts as outdated for five minutes, is shown all the same, and is
 * asked for at once. 202 with the number of chats.
 */
void desk_service_invalidate_users (DeskService *self, DeskIdentity *who, const DeskWireUsers *users, DeskReplyDone done,
                                    gpointer data);

G_END_DECLS
