/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/messaging/desk-messaging-flavour.h"
#include "server/connectors/meta/desk-meta-graph.h"

G_BEGIN_DECLS

/**
 * DeskMessagingSender:
 * @graph: the client
 * @flavour: whose rules count
 * @files: (nullable): where files of messages are
 * @clock: for signed links
 * @chat_prefix: which begins each user_id; "" if none
 * @public_url: (nullable): how the world reaches this server
 * @human_agent: whether replies after the first day bear the tag HUMAN_AGENT
 * @uploads: (element-type utf8 utf8): hash of a file → attachment_id, filled here
 *
 * What a send needs of its connection. Borrowed while one is under way.
 */
typedef struct
{
  DeskMetaGraph *graph;
  const DeskMessagingFlavour *flavour;
  DeskFileStore *files;
  DeskClock *clock;
  const char *chat_prefix;
  const char *public_url;
  gboolean human_agent;
  GHashTable *uploads;
} DeskMessagingSender;

/**
 * desk_messaging_send_async:
 * @sender: outlives the call
 * @outbound: borrowed for this call alone
 *
 * Sends a message or changes one, and tells what came of it. Never fails. Main thread.
 */
void desk_messaging_send_async (const DeskMessagingSender *sender,
                                const DeskOutbound *outbound,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data);
DeskOutcome *desk_messaging_send_finish (GAsyncResult *result);

/* The platform's id of the customer of a chat; NULL if the chat is not of this connection. Borrowed. */
const char *desk_messaging_customer (const char *chat_prefix, const char *user_id);

/* Body of a request that shows something: "typing_on", "mark_seen". Transfer full. */
char *desk_messaging_format_action (const char *customer, const char *action);

G_END_DECLS
