/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-parse.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/* Longest webhook body that is taken. */
#define DESK_TELEGRAM_MAX_WEBHOOK (3 * 1024 * 1024)

/**
 * desk_telegram_webhook_format:
 * @connection: with public_url
 * @allowed_updates: a JSON array
 *
 * Returns: (transfer full): the parameters of setWebhook
 */
char *desk_telegram_webhook_format (const DeskConnection *connection, const char *allowed_updates);

/**
 * desk_telegram_webhook_read:
 * @connection: whose webhook it is; without webhook_secret every request counts as authentic
 * @now_ms: stands in where Telegram tells no usable time
 * @request: as it came
 * @parsed: (inout): an empty result, which is filled
 *
 * Checks the secret in constant time and normalizes the update. Any thread.
 *
 * Returns: (transfer full): 200 with what is to be stored, or 403, 405 or 413
 */
DeskWebhookResult *desk_telegram_webhook_read (const DeskConnection *connection,
                                               gint64 now_ms,
                                               const DeskWebhookRequest *request,
                                               DeskTelegramParsed *parsed);

G_END_DECLS
