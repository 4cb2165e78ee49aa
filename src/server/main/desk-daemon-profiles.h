/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/main/desk-daemon-host.h"
#include "server/users/desk-user-directory.h"

/* Asks the user service and the platforms who the customers are. */

G_BEGIN_DECLS

typedef struct _DeskProfiles DeskProfiles;

/**
 * desk_profiles_new:
 * @service: borrowed, outlives what is freed here
 * @connectors: (element-type DeskConnector): borrowed likewise
 * @directory: (nullable) (transfer full): the user service
 * @platforms: (nullable): whose customers the user service knows; %NULL all
 *
 * Main thread.
 */
DeskProfiles *desk_profiles_new (DeskService *service, DeskClock *clock, GPtrArray *connectors,
                                 DeskUserDirectory *directory, const char *const *platforms);
/* Main thread, while service and connectors are there: nobody is asked any more. */
void desk_profiles_stop (DeskProfiles *self);
/* After desk_profiles_stop(), and when no other thread can want anybody. */
void desk_profiles_free (DeskProfiles *self);

/**
 * desk_profiles_want:
 *
 * Puts the customer into the queue, unless he is there or 1000 are. The user service is asked for many at once, the
 * platforms for four a second altogether and one at a time on each connection. Any thread.
 */
void desk_profiles_want (DeskProfiles *self, const char *connection, const char *platform, const char *user_id);

G_END_DECLS
