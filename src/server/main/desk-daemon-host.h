/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/main/desk-config.h"
#include "server/service/desk-service.h"

/* The connectors of the daemon and what they may ask of it. */

G_BEGIN_DECLS

typedef struct _DeskHost DeskHost;

/**
 * desk_host_new:
 * @config: borrowed; its connections outlive the host
 * @service: borrowed, outlives the host
 * @health: (nullable): told of every change, on the main thread
 * @data: for @health
 *
 * Makes a connector for each connection and tells the service of platforms and connections. A
 * platform without a connector in this build is told to health and left out.
 */
DeskHost *desk_host_new (const DeskConfig *config, DeskService *service, DeskClock *clock,
                         DeskRandom *random,
                         void (*health) (const char *connection, DeskHealth health, gpointer data),
                         gpointer data, GError **error);
void desk_host_start (DeskHost *self);
void desk_host_stop (DeskHost *self);
void desk_host_free (DeskHost *self);

DeskService *desk_host_get_service (DeskHost *self);
/* All connectors; borrowed, never changes. */
GPtrArray *desk_host_get_connectors (DeskHost *self);
/* connection NULL: the only one of the platform. Borrowed; any thread. */
DeskConnector *desk_host_find (DeskHost *self, const char *platform, const char *connection);
/* Those of a platform, in the order of the configuration; NULL beyond the last. Borrowed; any thread. */
DeskConnector *desk_host_nth (DeskHost *self, const char *platform, guint n);
/* A message's files are to be fetched: passed on on the main thread. Any thread. */
void desk_host_fetch_files (DeskHost *self, const char *connection, const DeskMessage *message);
/* A manager types: passed on on the main thread. Any thread. */
void desk_host_typing (DeskHost *self, const char *platform, const char *user_id);
/* A manager has read a chat: passed on on the main thread. Any thread. */
void desk_host_mark_read (DeskHost *self, const char *connection, const char *user_id, const char *external_id);
/* What the customer of a chat offers: asked on the main thread. done: once, any thread. Any thread. */
void desk_host_list_products (DeskHost *self, const char *platform, const char *user_id, guint page, DeskReplyDone done, gpointer data);

G_END_DECLS
