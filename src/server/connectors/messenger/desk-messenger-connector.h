/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/**
 * desk_messenger_connector_new:
 * @connection: section of the configuration; lives longer than the connector
 * @host: lives longer than the connector
 * @error: G_IO_ERROR_INVALID_ARGUMENT: a secret is missing, or the address is not http(s)
 *
 * Returns: (transfer full): a connector that has not been started
 */
DeskConnector *desk_messenger_connector_new (const DeskConnection *connection,
                                             DeskConnectorHost *host,
                                             GError **error);

/* What Messenger can do for a page; constant. */
const DeskPlatform *desk_messenger_describe (void);

G_END_DECLS
