/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-fuzz"

#include "config.h"

/* The normalizer of Telegram's updates and the reader of the Bot API's answers: any bytes, as one
 * update, as the result of getUpdates and as the answer to a send. What comes out must be usable:
 * a chat, a key, valid text; and next_offset must never fall behind what was read. */

#include <stddef.h>
#include <stdint.h>

#include "common/desk-json.h"
#include "server/connectors/telegram/desk-telegram-parse.h"
#include "server/connectors/telegram/desk-telegram-rules.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (const DeskTelegramParsed *parsed)
{
  for (guint i = 0; i < parsed->items->len; i++)
    {
      const DeskInboundItem *item = g_ptr_array_index (parsed->items, i);
      const DeskMessage *message = item->message;
      g_assert (item->dedup_key != NULL && *item->dedup_key != '\0');
      g_assert (*message->user_id != '\0');
      g_assert (message->text != NULL && g_utf8_validate (message->text, -1, NULL));
      g_assert (message->created_at_ms > 0);
      g_assert (item->type != DESK_INBOUND_CHAT_ID_CHANGED || item->new_user_id != NULL);
      for (guint n = 0; n < message->attachments->len; n++)
        {
          const DeskAttachment *attachment = g_ptr_array_index (message->attachments, n);
          g_assert (attachment->size >= -1 && attachment->duration_ms >= 0);
          g_assert (g_utf8_validate (attachment->filename, -1, NULL));
        }
    }
}

static void
read_answer (const uint8_t *data, size_t size)
{
  g_autoptr (DeskTelegramReply) reply = g_new0 (DeskTelegramReply, 1);
  g_auto (DeskTelegramVerdict) verdict = { 0 };
  g_autoptr (DeskOutcome) outcome = NULL;

  reply->http_status = 200;
  reply->retry_after_ms = -1;
  reply->body = g_bytes_new (data, size);
  desk_telegram_reply_read (reply, "12:token");
  desk_telegram_judge (reply, &verdict);
  outcome = desk_telegram_outcome (reply);
  g_assert (verdict.ok == reply->ok || reply->error_code == 429);
  g_assert (outcome->type != DESK_OUTCOME_NOT_CONNECTED);
  /* only an envelope that says ok makes a message sent */
  g_assert (outcome->type != DESK_OUTCOME_SENT || reply->ok);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  DeskTelegramContext context = { "p:", G_GINT64_CONSTANT (1790000000000) };
  g_autoptr (DeskTelegramParsed) one = desk_telegram_parsed_new ();
  g_autoptr (JsonNode) root = desk_json_parse ((const char *)data, size, 1 << 20, NULL);

  desk_telegram_parse_update (&context, root, one);
  check (one);
  if (root != NULL && JSON_NODE_HOLDS_ARRAY (root))
    {
      g_autoptr (DeskTelegramParsed) many
          = desk_telegram_parse_updates (&context, json_node_get_array (root));
      check (many);
    }
  read_answer (data, size);
  return 0;
}
