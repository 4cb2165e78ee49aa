/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/meta/desk-meta-graph.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/**
 * desk_whatsapp_send_async:
 * @graph: the client; outlives the call
 * @files: (nullable): where the attachments are
 * @connection: whose phone number it is
 * @outbound: what to do; a copy is kept
 * @components: (nullable): the components of outbound->message->template, filled in: JSON
 * @cancellable: (nullable): to give up
 * @callback: called on the main thread
 * @data: for @callback
 *
 * Sends a message with its files, a template or a reaction. Main thread.
 */
void desk_whatsapp_send_async (DeskMetaGraph *graph,
                               DeskFileStore *files,
                               const DeskConnection *connection,
                               const DeskOutbound *outbound,
                               const char *components,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data);
/* Never fails: what went wrong is an outcome. */
DeskOutcome *desk_whatsapp_send_finish (GAsyncResult *result);

G_END_DECLS
