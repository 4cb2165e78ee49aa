/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-fuzz"

#include "config.h"

/* The normalizer of Messenger and Instagram (DESK_FUZZ_PLATFORM) and what reads Graph's answers: any
 * bytes, as the body of a webhook call and as the answer to a send. What comes out must be usable: a
 * chat, a key, valid text; nothing is fetched from strangers. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/desk-json.h"
#include "server/connectors/messaging/desk-messaging-content.h"
#include "server/connectors/messaging/desk-messaging-parse.h"
#include "server/connectors/meta/desk-meta-rules.h"
#include "server/connectors/meta/desk-meta-webhook.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      const DeskInboundItem *item = g_ptr_array_index (items, i);
      const DeskMessage *message = item->message;
      g_assert (item->dedup_key != NULL && *item->dedup_key != '\0');
      g_assert (desk_chat_key_is_valid (message->platform, message->user_id));
      g_assert (message->text != NULL && g_utf8_validate (message->text, -1, NULL));
      g_assert (message->created_at_ms > 0);
      g_assert (message->external_id == NULL
                || strlen (message->external_id) <= DESK_MESSAGING_MAX_MID);
      g_assert (item->metadata == NULL
                || desk_json_scan (item->metadata, strlen (item->metadata), 1 << 20, NULL));
      for (guint n = 0; n < message->attachments->len; n++)
        {
          const DeskAttachment *attachment = g_ptr_array_index (message->attachments, n);
          g_assert (attachment->size == -1 && attachment->external_id != NULL);
          g_assert (g_utf8_validate (attachment->filename, -1, NULL));
          g_assert (desk_messaging_is_media_url (attachment->url, NULL));
        }
    }
}

static void
read_answer (const uint8_t *data, size_t size)
{
  g_autoptr (DeskMetaReply) reply = desk_meta_reply_new ();
  g_autoptr (DeskOutcome) outcome = NULL;

  reply->http_status = 200;
  reply->begun = TRUE;
  desk_meta_reply_read (reply, (const char *)data, size, "token");
  outcome = desk_meta_outcome (reply, NULL, 0, 1);
  g_assert ((outcome == NULL) == desk_meta_reply_is_ok (reply));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const DeskMessagingContext context = {
    .platform = DESK_FUZZ_PLATFORM,
    .chat_prefix = "p~",
    .account_id = DESK_FUZZ_ACCOUNT,
    .app_id = "7700",
    .now_ms = G_GINT64_CONSTANT (1790000000000),
  };
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  g_autofree char *mended = desk_meta_mend_surrogates ((const char *)data, size);
  g_autoptr (JsonNode) root
      = mended != NULL ? desk_json_parse (mended, strlen (mended), 1 << 20, NULL)
                       : desk_json_parse ((const char *)data, size, 1 << 20, NULL);
  DeskMessagingLeft left;

  desk_messaging_parse (&context, root, items, &left);
  check (items);
  read_answer (data, size);
  return 0;
}
