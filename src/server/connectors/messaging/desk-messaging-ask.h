/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/messaging/desk-messaging-flavour.h"
#include "server/connectors/meta/desk-meta-graph.h"

G_BEGIN_DECLS

/**
 * desk_messaging_account_id:
 * @answer: (nullable): of GET me
 *
 * Returns: (transfer full) (nullable): the account's id in it
 */
char *desk_messaging_account_id (const DeskMessagingFlavour *flavour, JsonObject *answer);

/**
 * desk_messaging_missing_fields:
 * @answer: (nullable): of GET me/subscribed_apps
 *
 * Returns: (transfer full) (nullable): the fields that no app is subscribed to, separated by commas;
 *   %NULL if there are none
 */
char *desk_messaging_missing_fields (const DeskMessagingFlavour *flavour, JsonObject *answer);

/* Body of POST me/subscribed_apps; transfer full. */
char *desk_messaging_format_subscription (const DeskMessagingFlavour *flavour);

/* What kind of trouble an answer without success tells of. */
DeskTrouble desk_messaging_trouble_of (const DeskMetaReply *reply);

/* See DeskConnectorClass.check_async; graph and what connection holds outlive the call. */
void desk_messaging_check_async (DeskMetaGraph *graph,
                                 const DeskMessagingFlavour *flavour,
                                 const DeskConnection *connection,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer data);
DeskConnectionReport *desk_messaging_check_finish (GAsyncResult *result);

/* See DeskConnectorClass.get_profile_async; files: nullable. */
void desk_messaging_profile_async (DeskMetaGraph *graph,
                                   const DeskMessagingFlavour *flavour,
                                   DeskFileStore *files,
                                   const char *own_host,
                                   const char *customer,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);
DeskFoundProfile *desk_messaging_profile_finish (GAsyncResult *result, GError **error);

G_END_DECLS
