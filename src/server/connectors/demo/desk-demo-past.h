/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/demo/desk-demo-story.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_DEMO_PLATFORM "demo"

/**
 * desk_demo_item_new:
 * @type: what it is
 * @who: whose chat
 * @chat_prefix: (nullable): of the connection
 * @dedup_key: (nullable): its key
 * @now_ms: when, ms UTC
 *
 * Returns: (transfer full): an item that @who caused
 */
DeskInboundItem *desk_demo_item_new (DeskInboundType type,
                                     const DeskDemoPerson *who,
                                     const char *chat_prefix,
                                     const char *dedup_key,
                                     gint64 now_ms);

/**
 * desk_demo_tell_past:
 * @chat_prefix: (nullable): of the connection
 * @now_ms: when the story ends, ms UTC
 * @random: for the seconds of its lines
 * @items: (element-type DeskInboundItem): where the story is added
 */
void
desk_demo_tell_past (const char *chat_prefix, gint64 now_ms, DeskRandom *random, GPtrArray *items);

G_END_DECLS
