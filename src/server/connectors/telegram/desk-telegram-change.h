/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-api.h"
#include "server/connectors/telegram/desk-telegram-limiter.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/**
 * desk_telegram_change_async:
 * @api: must live until @callback was called
 * @limiter: as @api
 * @chat_prefix: of the connection; must live as long
 * @outbound: an edit, a deletion or a reaction; borrowed for the call alone
 * @callback: called on the main thread
 *
 * Changes a message at Telegram. What is so already counts as done.
 */
void desk_telegram_change_async (DeskTelegramApi *api,
                                 DeskTelegramLimiter *limiter,
                                 const char *chat_prefix,
                                 const DeskOutbound *outbound,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer data);
DeskOutcome *desk_telegram_change_finish (GAsyncResult *result);

G_END_DECLS
