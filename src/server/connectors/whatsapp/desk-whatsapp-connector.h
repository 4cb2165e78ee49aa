/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TYPE_WHATSAPP_CONNECTOR (desk_whatsapp_connector_get_type ())
G_DECLARE_FINAL_TYPE (DeskWhatsappConnector, desk_whatsapp_connector, DESK, WHATSAPP_CONNECTOR, DeskConnector)

/* What WhatsApp can do; constant, never freed. */
const DeskPlatform *desk_whatsapp_describe (void);

/**
 * desk_whatsapp_connector_new:
 * @connection: account_id is the phone number's id; borrowed, outlives the connector
 * @host: as above
 * @error: G_IO_ERROR_INVALID_ARGUMENT if the configuration cannot work
 *
 * Returns: (transfer full): the connector of one number of the WhatsApp Cloud API
 */
DeskConnector *desk_whatsapp_connector_new (const DeskConnection *connection,
                                            DeskConnectorHost *host,
                                            GError **error);

G_END_DECLS
