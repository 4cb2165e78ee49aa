/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/main/desk-config.h"

/* frontdeskd itself: wires store, service, hub, HTTP, connectors and delivery. Main thread. */

G_BEGIN_DECLS

typedef struct _DeskDaemon DeskDaemon;

/**
 * desk_daemon_new:
 * @config: borrowed, outlives the daemon; its connections get connectors
 * @error: whatever prevents serving, in words for the operator
 *
 * Locks the data folder, opens the store and begins to serve. Needs the default main context to
 * run afterwards.
 */
DeskDaemon *desk_daemon_new (const DeskConfig *config, GError **error);
guint16 desk_daemon_get_port (DeskDaemon *self);
DeskService *desk_daemon_get_service (DeskDaemon *self);

/* Stops accepting, answers what was accepted, closes websockets with 1001, closes the store. Takes
 * less than 5 s. */
void desk_daemon_free (DeskDaemon *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskDaemon, desk_daemon_free)

/* Name of the database in a data folder; transfer full. */
char *desk_daemon_database_path (const char *data);

G_END_DECLS
