/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TYPE_PARTNER_CONNECTOR (desk_partner_connector_get_type ())
G_DECLARE_FINAL_TYPE (
    DeskPartnerConnector, desk_partner_connector, DESK, PARTNER_CONNECTOR, DeskConnector)

/**
 * desk_partner_connector_new:
 * @connection: section of the configuration; lives longer than the connector
 * @host: lives longer than the connector
 * @error: G_IO_ERROR_INVALID_ARGUMENT: something that is needed is missing
 *
 * A marketplace's chat: rooms about an item, polled or pushed.
 *
 * Returns: (transfer full): a connector that has not been started
 */
DeskConnector *desk_partner_connector_new (const DeskConnection *connection,
                                           DeskConnectorHost *host,
                                           GError **error);

/**
 * desk_partner_describe:
 *
 * Returns: (transfer none): what a partner can do; its name, title and text limit are those of the
 *   connection, which desk_connector_get_platform() tells
 */
const DeskPlatform *desk_partner_describe (void);

G_END_DECLS
