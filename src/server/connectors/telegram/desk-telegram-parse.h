/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TELEGRAM_PLATFORM "telegram"

/* What the normalizer must know besides the payload. */
typedef struct
{
  const char *chat_prefix; /* beginning of every user_id; "" if none */
  gint64 now_ms;           /* stands in where Telegram tells no usable time */
} DeskTelegramContext;

/**
 * DeskTelegramParsed:
 * @items: (element-type DeskInboundItem): what the updates mean, in their order
 * @callback_ids: (element-type utf8): pressed buttons that want answerCallbackQuery
 * @next_offset: greatest update_id + 1, the offset which confirms them all; 0 if there was none
 * @n_ignored: updates of no interest; they are confirmed like the others
 */
typedef struct
{
  GPtrArray *items;
  GPtrArray *callback_ids;
  gint64 next_offset;
  guint n_ignored;
} DeskTelegramParsed;

DeskTelegramParsed *desk_telegram_parsed_new (void);
void desk_telegram_parsed_free (DeskTelegramParsed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTelegramParsed, desk_telegram_parsed_free)

/**
 * desk_telegram_parse_update:
 * @context: where the update arrived
 * @update: one Update of the Bot API; any JSON is tolerated
 * @out: where the meaning is appended
 *
 * Turns one update into inbound items. Never fails: a message that cannot be understood becomes a
 * visible placeholder (%DESK_KIND_UNSUPPORTED) if its chat is known and is counted as ignored if
 * not. Pure, any thread. Source of the shapes: Bot API, "Getting updates" and "Available types".
 */
void desk_telegram_parse_update (const DeskTelegramContext *context,
                                 JsonNode *update,
                                 DeskTelegramParsed *out);

/**
 * desk_telegram_parse_updates:
 * @context: where the updates arrived
 * @updates: result of getUpdates
 *
 * Returns: (transfer full): desk_telegram_parse_update() over all of @updates
 */
DeskTelegramParsed *desk_telegram_parse_updates (const DeskTelegramContext *context,
                                                 JsonArray *updates);

G_END_DECLS
