/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TYPE_TELEGRAM_CONNECTOR (desk_telegram_connector_get_type ())
G_DECLARE_FINAL_TYPE (
    DeskTelegramConnector, desk_telegram_connector, DESK, TELEGRAM_CONNECTOR, DeskConnector)

/**
 * desk_telegram_connector_new:
 * @connection: section of the configuration; lives longer than the connector
 * @host: lives longer than the connector
 * @error: G_IO_ERROR_INVALID_ARGUMENT: there is no token, or the address is not http(s)
 *
 * Returns: (transfer full): a connector that has not been started
 */
DeskConnector *desk_telegram_connector_new (const DeskConnection *connection,
                                            DeskConnectorHost *host,
                                            GError **error);

/**
 * desk_telegram_describe:
 *
 * Returns: (transfer none): what Telegram can do for a bot
 */
const DeskPlatform *desk_telegram_describe (void);

G_END_DECLS
