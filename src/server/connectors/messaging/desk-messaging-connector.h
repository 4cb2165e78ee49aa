/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/messaging/desk-messaging-flavour.h"
#include "server/connectors/meta/desk-meta-graph.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TYPE_MESSAGING_CONNECTOR (desk_messaging_connector_get_type ())
G_DECLARE_FINAL_TYPE (
    DeskMessagingConnector, desk_messaging_connector, DESK, MESSAGING_CONNECTOR, DeskConnector)

/**
 * desk_messaging_connector_new:
 * @connection: section of the configuration; lives longer than the connector
 * @host: lives longer than the connector
 * @flavour: which platform, and which way of signing in
 * @default_url: where its API is if @connection has no base_url
 * @error: G_IO_ERROR_INVALID_ARGUMENT: a secret is missing, or the address is not http(s)
 *
 * A connection to Messenger or Instagram. Messages come by webhook alone.
 *
 * Returns: (transfer full): a connector that has not been started
 */
DeskConnector *desk_messaging_connector_new (const DeskConnection *connection,
                                             DeskConnectorHost *host,
                                             const DeskMessagingFlavour *flavour,
                                             const char *default_url,
                                             GError **error);

/**
 * DeskMessagingKeeper:
 * @start: when the connector starts, before its first request
 * @stop: when it stops; perhaps without a start
 * @free: with the connector
 *
 * Who looks after the token of a connection, where tokens end by themselves. Main thread.
 */
typedef struct
{
  gpointer data;
  void (*start) (gpointer data);
  void (*stop) (gpointer data);
  void (*free) (gpointer data);
} DeskMessagingKeeper;

/* Before the start; at most once. */
void
desk_messaging_connector_set_keeper (DeskMessagingConnector *self, DeskMessagingKeeper keeper);

DeskMetaGraph *desk_messaging_connector_get_graph (DeskMessagingConnector *self);

/* From now on this token is used, and the account behind it looked at again. */
void desk_messaging_connector_set_token (DeskMessagingConnector *self, const char *token);

/* What somebody should look after although the connection works; NULL: no more. */
void desk_messaging_connector_set_warning (DeskMessagingConnector *self, const char *warning);

G_END_DECLS
