/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-api.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/**
 * DeskTelegramVerdict:
 * @ok: the call succeeded
 * @health: what the connection looks like now
 * @trouble: what kind of trouble it is in
 * @reason: (nullable): why it is not %DESK_HEALTH_OK
 * @wait_ms: when to try again; -1: by growing steps
 * @delete_webhook: a webhook stands in the way of polling
 */
typedef struct
{
  gboolean ok;
  DeskHealth health;
  DeskTrouble trouble;
  char *reason;
  gint64 wait_ms;
  gboolean delete_webhook;
} DeskTelegramVerdict;

void desk_telegram_verdict_clear (DeskTelegramVerdict *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeskTelegramVerdict, desk_telegram_verdict_clear)

/**
 * desk_telegram_judge:
 * @reply: answer to getMe, getUpdates, setWebhook or deleteWebhook
 * @out: (out caller-allocates): what follows for the connection
 *
 * Pure. Source of the codes: PLATFORMS.md and the Bot API's server.
 */
void desk_telegram_judge (const DeskTelegramReply *reply, DeskTelegramVerdict *out);

/**
 * desk_telegram_outcome:
 * @reply: answer to sendMessage
 *
 * What became of a message. Pure. Whenever the request may have left and the answer does not say
 * clearly that it was refused, the outcome is %DESK_OUTCOME_UNKNOWN.
 *
 * Returns: (transfer full): the outcome; new_user_id is left to the caller
 */
DeskOutcome *desk_telegram_outcome (const DeskTelegramReply *reply);

G_END_DECLS
