/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/**
 * desk_instagram_connector_new:
 * @connection: section of the configuration; lives longer than the connector
 * @host: lives longer than the connector
 * @error: G_IO_ERROR_INVALID_ARGUMENT: a secret is missing, or the address is not http(s)
 *
 * With login "facebook" through the page that the professional account is linked to; else by the
 * account's own login, whose token is refreshed in time.
 *
 * Returns: (transfer full): a connector that has not been started
 */
DeskConnector *desk_instagram_connector_new (const DeskConnection *connection,
                                             DeskConnectorHost *host,
                                             GError **error);

/* What Instagram can do for a professional account; constant. */
const DeskPlatform *desk_instagram_describe (void);

G_END_DECLS
