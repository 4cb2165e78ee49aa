/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/meta/desk-meta-graph.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

typedef struct _DeskMetaFetcher DeskMetaFetcher;

typedef enum
{
  DESK_META_FETCH_BY_ID,  /* external_id is a media id: GET /{id} tells the address (good for five
                           * minutes), which wants the token */
  DESK_META_FETCH_BY_URL, /* the attachment's url is the address, open for whoever knows it */
} DeskMetaFetchWay;

/**
 * desk_meta_fetcher_new:
 * @graph: borrowed, outlives the fetcher
 * @host: with a file store
 * @connection: the connection's name
 * @way: how the address of a file is learnt
 * @max_bytes: larger files are not fetched
 *
 * Brings the files of customers into the host's store, one at a time and at most three attempts
 * each, checks them against the SHA-256 that the platform told (attachment->sha256, nullable), and
 * tells of each by %DESK_INBOUND_ATTACHMENT. Main thread.
 */
DeskMetaFetcher *desk_meta_fetcher_new (DeskMetaGraph *graph,
                                        DeskConnectorHost *host,
                                        const char *connection,
                                        DeskMetaFetchWay way,
                                        gint64 max_bytes);
void desk_meta_fetcher_free (DeskMetaFetcher *self);

/* Queues the attachments of a stored message that are "pending". */
void desk_meta_fetcher_add (DeskMetaFetcher *self, const DeskMessage *message);

/**
 * desk_meta_sha256_hex:
 * @text: (nullable): a SHA-256 in base64 (webhooks) or in hex (answers)
 *
 * Returns: (transfer full) (nullable): 64 lower-case hex digits
 */
char *desk_meta_sha256_hex (const char *text);

G_END_DECLS
