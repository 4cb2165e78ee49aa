/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/meta/desk-meta-graph.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/* What WhatsApp can be asked: DeskConnector's parse_raw, check and list_templates. graph must live
 * until the callback. Main thread, except desk_whatsapp_parse_raw(). */

/* Path of the question about the phone number, below the version; transfer full. */
char *desk_whatsapp_number_path (const DeskConnection *connection);

/* Any thread, pure: into inbound, which gets items and perhaps a problem. */
void desk_whatsapp_read_payload (const DeskConnection *connection,
                                 gint64 now_ms,
                                 JsonNode *payload,
                                 DeskInbound *inbound);
DeskInbound *desk_whatsapp_parse_raw (const DeskConnection *connection,
                                      gint64 now_ms,
                                      GBytes *raw,
                                      GError **error);

/* The result is that of a GTask: a DeskConnectionReport, never an error. */
void desk_whatsapp_check_async (DeskConnector *connector,
                                DeskMetaGraph *graph,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data);

/* All pages. The result is that of a GTask: a GPtrArray of DeskWhatsappTemplate, or an error of G_IO_ERROR. */
void desk_whatsapp_templates_async (DeskConnector *connector,
                                    DeskMetaGraph *graph,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer data);

G_END_DECLS
