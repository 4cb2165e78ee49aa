/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-api.h"
#include "server/connectors/telegram/desk-telegram-limiter.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/**
 * desk_telegram_target:
 * @chat_prefix: of the connection
 * @user_id: of a chat
 * @out_chat_id: (out): Telegram's chat id
 * @out_business: (out) (optional): the business connection that the chat is reached through, a part
 *   of @user_id; %NULL if the customer writes to the bot itself
 *
 * A customer may write to the bot and, with the same chat id, to the account of the business behind
 * it: those are two chats, the latter's name being "CHAT_ID@BUSINESS_CONNECTION".
 *
 * Returns: whether @user_id is a chat of this connection
 */
gboolean desk_telegram_target (const char *chat_prefix,
                               const char *user_id,
                               gint64 *out_chat_id,
                               const char **out_business);
/* The same for who wants the number alone. */
gboolean desk_telegram_chat_id (const char *chat_prefix, const char *user_id, gint64 *out);

/**
 * desk_telegram_format_send:
 * @chat_id: where to
 * @business: (nullable): the business connection
 * @outbound: text and, if it answers a message, that message's id
 *
 * Returns: (transfer full): the parameters of sendMessage
 */
char *desk_telegram_format_send (gint64 chat_id,
                                 const char *business,
                                 const DeskOutbound *outbound);

/**
 * desk_telegram_send_async:
 * @api: must live until @callback was called
 * @limiter: gives each call its turn; must live as long
 * @files: (nullable): where attachments are read from; must live as long
 * @chat_prefix: of the connection; must live as long
 * @outbound: borrowed for the call alone
 * @cancellable: (nullable): gives up waiting; what had left by then is unknown
 * @callback: called on the main thread
 * @data: for @callback
 *
 * Sends a message: its text, or its files with the text as the first one's caption (a text over
 * 1024 characters goes before them). A group that became a supergroup is written to at its new id, once.
 */
void desk_telegram_send_async (DeskTelegramApi *api,
                               DeskTelegramLimiter *limiter,
                               DeskFileStore *files,
                               const char *chat_prefix,
                               const DeskOutbound *outbound,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data);
DeskOutcome *desk_telegram_send_finish (GAsyncResult *result);

G_END_DECLS
