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
 * desk_connectors_check_option:
 * @platform: one whose connections have keys of their own in the configuration
 * @key: a key
 * @value: of it
 * @out_reason: (out): why not, as the end of a sentence that begins with the key
 *
 * Returns: whether there is such a key and may have such a value
 */
gboolean desk_connectors_check_option (const char *platform,
                                       const char *key,
                                       const char *value,
                                       const char **out_reason);

/**
 * desk_connectors_find_missing:
 *
 * Returns: (nullable): a key of its own that @connection needs and does not have
 */
const char *desk_connectors_find_missing (const DeskConnection *connection);

/**
 * desk_connectors_get_name:
 *
 * Returns: (transfer none): what the chats of @connection have as their platform: its own, or that
 *   of the partner
 */
const char *desk_connectors_get_name (const DeskConnection *connection);

/**
 * desk_connectors_detect:
 * @connections: (element-type DeskConnection): all that are configured
 * @partner: (nullable): a partner's name; decides alone if it is there
 * @room_id: the partner's id of a room; else the first whose room_pattern matches it
 *
 * Returns: (transfer none) (nullable): whose room it is
 */
const DeskConnection *
desk_connectors_detect (GPtrArray *connections, const char *partner, const char *room_id);

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
