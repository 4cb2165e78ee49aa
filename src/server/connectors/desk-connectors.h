/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/**
 * desk_connectors_knows:
 * @platform: as in the configuration, for example "telegram"
 *
 * Returns: whether there is a connector for @platform
 */
gboolean desk_connectors_knows (const char *platform);

/**
 * desk_connectors_list:
 *
 * Returns: (transfer none) (array zero-terminated): the platforms that there are connectors for
 */
const char *const *desk_connectors_list (void);

/**
 * desk_connectors_describe:
 * @platform: as in the configuration
 *
 * Returns: (transfer none) (nullable): what @platform can do; %NULL if it is not known
 */
const DeskPlatform *desk_connectors_describe (const char *platform);

/**
 * desk_connectors_create:
 * @connection: section of the configuration; must live longer than the connector
 * @host: must live longer than the connector
 * @error: G_IO_ERROR_NOT_SUPPORTED: no such platform; G_IO_ERROR_INVALID_ARGUMENT: something that
 *   the platform needs is missing
 *
 * Main thread.
 *
 * Returns: (transfer full): a connector that has not been started
 */
DeskConnector *
desk_connectors_create (const DeskConnection *connection, DeskConnectorHost *host, GError **error);

G_END_DECLS
