/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-api.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TELEGRAM_MAX_FILE (20 * 1024 * 1024) /* bytes that getFile gives (Bot API, getFile) */

/* Brings files that customers sent into the host's store, one after the other. Main thread. */
typedef struct _DeskTelegramFetcher DeskTelegramFetcher;

/**
 * desk_telegram_fetcher_new:
 * @api: outlives the fetcher, and what it began
 * @host: its files must be there
 * @connection: name, borrowed
 */
DeskTelegramFetcher *
desk_telegram_fetcher_new (DeskTelegramApi *api, DeskConnectorHost *host, const char *connection);
/* Gives up what is under way; it stays pending and is told of again after a start. */
void desk_telegram_fetcher_free (DeskTelegramFetcher *self);
/* Queues the pending attachments of a stored message. Each ends with one DESK_INBOUND_ATTACHMENT:
 * ready, or failed after at most three attempts, of which only the first is made where Telegram
 * itself refused. */
void desk_telegram_fetcher_add (DeskTelegramFetcher *self, const DeskMessage *message);

G_END_DECLS
