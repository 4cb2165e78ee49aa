/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What Telegram's answers mean for the connection and for a message: the two tables in one place.
 * Invariants: pure; a message is called unsent only if it surely is. */

#include "server/connectors/telegram/desk-telegram-rules.h"

#include <string.h>

#include "server/connectors/telegram/desk-telegram-json.h"

#define TOKEN_RETRY_MS  (5 * 60 * 1000)
#define POLLER_RETRY_MS (30 * 1000)
#define FLOOD_RETRY_MS  (5 * 1000) /* where Telegram does not tell how long */

void
desk_telegram_verdict_clear (DeskTelegramVerdict *self)
{
  g_clear_pointer (&self->reason, g_free);
}

static gboolean
says (const DeskTelegramReply *reply, const char *words)
{
  return reply->description != NULL && strstr (reply->description, words) != NULL;
}

static gint64
flood_wait_ms (const DeskTelegramReply *reply)
{
  return reply->retry_after_ms >= 0 ? MAX (reply->retry_after_ms, 250) : FLOOD_RETRY_MS;
}

static void
judge_conflict (const DeskTelegramReply *reply, DeskTelegramVerdict *out)
{
  if (says (reply, "webhook is active"))
    {
      out->health = DESK_HEALTH_DEGRADED;
      out->trouble = DESK_TROUBLE_BUSY;
      out->delete_webhook = TRUE;
      out->reason = g_strdup ("A webhook is registered for this bot; it is being removed");
      return;
    }
  out->health = DESK_HEALTH_DOWN;
  out->trouble = DESK_TROUBLE_CONFLICT;
  out->wait_ms = POLLER_RETRY_MS;
  out->reason = g_strdup ("Another program receives the messages of this bot. Stop it, or give "
                          "this connection a bot of its own");
}

void
desk_telegram_judge (const DeskTelegramReply *reply, DeskTelegramVerdict *out)
{
  *out = (DeskTelegramVerdict) { .health = DESK_HEALTH_DEGRADED,
                                 .trouble = DESK_TROUBLE_PLATFORM,
                                 .wait_ms = -1 };

  if (reply->trouble != NULL)
    {
      out->trouble = DESK_TROUBLE_UNREACHABLE;
      out->reason = g_strdup_printf ("No connection to Telegram: %s", reply->trouble);
    }
  else if (reply->http_status == 429 || reply->error_code == 429)
    {
      out->wait_ms = flood_wait_ms (reply);
      out->trouble = DESK_TROUBLE_BUSY;
      out->reason = g_strdup ("Telegram asks to slow down");
    }
  else if (reply->root == NULL)
    out->reason
        = g_strdup_printf ("Telegram's answer (HTTP %u) cannot be read", reply->http_status);
  else if (reply->ok)
    {
      out->ok = TRUE;
      out->health = DESK_HEALTH_OK;
      out->trouble = DESK_TROUBLE_NONE;
      out->wait_ms = 0;
    }
  else if (reply->error_code == 401 || reply->error_code == 404)
    {
      /* a token that is not even well formed is answered with 404 */
      out->health = DESK_HEALTH_DOWN;
      out->trouble = DESK_TROUBLE_TOKEN;
      out->wait_ms = TOKEN_RETRY_MS;
      out->reason = g_strdup ("Telegram refuses the bot token. Get the current one from BotFather");
    }
  else if (reply->error_code == 409)
    judge_conflict (reply, out);
  else
    out->reason = g_strdup_printf ("Telegram answers %" G_GINT64_FORMAT ": %s", reply->error_code,
                                   reply->description != NULL ? reply->description : "no reason");
}

/* The platform's phrases that a manager meets, in plain words. */
static const struct
{
  const char *phrase;
  const char *meaning;
} refusals[] = {
  { "bot was blocked by the user",
    "The customer blocked the bot. Messages arrive again after the customer unblocks it" },
  { "user is deactivated", "The customer's Telegram account no longer exists" },
  { "bot was kicked", "The bot was removed from this group" },
  { "bot is not a member", "The bot is not a member of this group" },
  { "can't initiate conversation",
    "Telegram lets bots answer only: the customer has to write first" },
  { "not enough rights", "The bot may not write in this group" },
  { "have no rights", "The bot may not write in this group" },
  { "CHAT_WRITE_FORBIDDEN", "The bot may not write in this group" },
  { "chat not found", "Telegram does not know this chat, or the bot may not write to it" },
  { "message to be replied not found", "The message that you answer no longer exists" },
  { "message to reply not found", "The message that you answer no longer exists" },
  { "message can't be edited", "Telegram no longer lets this message be edited" },
  { "message to edit not found", "The message no longer exists at Telegram" },
  { "message can't be deleted", "Telegram no longer lets this message be deleted" },
  { "REACTION_INVALID", "Telegram does not take this reaction here" },
  { "message to react not found", "The message no longer exists at Telegram" },
  { "BUSINESS_CONNECTION_INVALID", "The business account is no longer connected to the bot" },
  { "message is too long", "The text is longer than Telegram takes" },
  { "message text is empty", "Telegram takes no empty messages" },
};

static const char *
plain_words (const DeskTelegramReply *reply)
{
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    if (says (reply, refusals[i].phrase))
      return refusals[i].meaning;
  return reply->description != NULL ? reply->description : "Telegram refused the message";
}

static DeskOutcome *
outcome_sent (const DeskTelegramReply *reply)
{
  DeskOutcome *outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);
  gint64 id;

  if (reply->result != NULL && JSON_NODE_HOLDS_OBJECT (reply->result)
      && desk_tg_int (json_node_get_object (reply->result), "message_id", &id))
    outcome->external_id = g_strdup_printf ("%" G_GINT64_FORMAT, id);
  return outcome;
}

DeskOutcome *
desk_telegram_outcome (const DeskTelegramReply *reply)
{
  g_autofree char *code = g_strdup_printf ("%" G_GINT64_FORMAT, reply->error_code);
  DeskOutcome *outcome;

  if (reply->trouble != NULL)
    return reply->begun ? desk_outcome_new (DESK_OUTCOME_UNKNOWN, NULL, reply->trouble)
                        : desk_outcome_new (DESK_OUTCOME_NOT_CONNECTED, NULL, reply->trouble);
  if (reply->http_status == 429 || reply->error_code == 429)
    {
      outcome = desk_outcome_new (DESK_OUTCOME_RETRY, "429", "Telegram asks to slow down");
      outcome->retry_after_ms = flood_wait_ms (reply);
      outcome->per_chat = TRUE;
      return outcome;
    }
  if (reply->root == NULL)
    return desk_outcome_new (DESK_OUTCOME_UNKNOWN, code, "Telegram's answer cannot be read");
  if (reply->ok)
    return outcome_sent (reply);
  if (reply->http_status >= 500 || reply->error_code >= 500)
    return desk_outcome_new (DESK_OUTCOME_UNKNOWN, code, "Telegram had an internal error");
  if (reply->error_code == 401 || reply->error_code == 404)
    return desk_outcome_new (DESK_OUTCOME_CONNECTION, code, "Telegram refuses the bot token");
  if (reply->error_code == 409)
    return desk_outcome_new (DESK_OUTCOME_RETRY, code, plain_words (reply));
  if (reply->error_code >= 400)
    return desk_outcome_new (DESK_OUTCOME_PERMANENT, code, plain_words (reply));
  return desk_outcome_new (DESK_OUTCOME_UNKNOWN, code, "Telegram's answer cannot be read");
}
