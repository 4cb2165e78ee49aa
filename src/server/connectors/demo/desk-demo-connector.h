/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TYPE_DEMO_CONNECTOR (desk_demo_connector_get_type ())
G_DECLARE_FINAL_TYPE (DeskDemoConnector, desk_demo_connector, DESK, DEMO_CONNECTOR, DeskConnector)

/**
 * desk_demo_connector_new:
 * @connection: section of the configuration; mode "quiet" lets customers only answer
 * @host: lives longer than the connector
 * @error: never set
 *
 * Customers who exist only on this machine. They have a history, read, type, answer, and now and
 * then write first: every 20 to 60 s, or about every FRONTDESK_DEMO_PACE_S seconds if that
 * environment variable is a number; 0 and mode "quiet" stop it.
 *
 * Returns: (transfer full): a connector that has not been started
 */
DeskConnector *
desk_demo_connector_new (const DeskConnection *connection, DeskConnectorHost *host, GError **error);

/**
 * desk_demo_describe:
 *
 * Returns: (transfer none): what the demonstration's platform can do
 */
const DeskPlatform *desk_demo_describe (void);

/**
 * desk_demo_connector_run_due:
 * @self: a started connector
 *
 * Lets happen what is due by the host's clock. The connector does so by itself; tests which move
 * the clock call it.
 *
 * Returns: when the next thing is due, µs of the monotonic clock; -1 if nothing is planned
 */
gint64 desk_demo_connector_run_due (DeskDemoConnector *self);

G_END_DECLS
