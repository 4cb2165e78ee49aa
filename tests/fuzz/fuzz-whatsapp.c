/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-fuzz"

#include "config.h"

/* WhatsApp's webhooks and Graph's answers: any bytes, as a payload, as the answer to a send, as a
 * load header and as a template. What comes out must be usable: a chat, a key, valid text. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "server/connectors/meta/desk-meta-webhook.h"
#include "server/connectors/whatsapp/desk-whatsapp-parse.h"
#include "server/connectors/whatsapp/desk-whatsapp-rules.h"
#include "server/connectors/whatsapp/desk-whatsapp-template.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (const DeskWhatsappParsed *parsed)
{
  for (guint i = 0; i < parsed->items->len; i++)
    {
      const DeskInboundItem *item = g_ptr_array_index (parsed->items, i);
      const DeskMessage *message = item->message;
      g_assert (item->dedup_key != NULL && strlen (item->dedup_key) > 2);
      g_assert (strlen (message->user_id) > 2);
      g_assert (message->text != NULL && g_utf8_validate (message->text, -1, NULL));
      g_assert (message->created_at_ms > 0);
      g_assert (item->type != DESK_INBOUND_CHAT_ID_CHANGED || item->new_user_id != NULL);
      g_assert (item->metadata == NULL || g_utf8_validate (item->metadata, -1, NULL));
      for (guint n = 0; n < message->attachments->len; n++)
        {
          const DeskAttachment *attachment = g_ptr_array_index (message->attachments, n);
          g_assert (attachment->size >= -1 && attachment->external_id != NULL);
          g_assert (g_utf8_validate (attachment->filename, -1, NULL));
          g_assert (attachment->sha256 == NULL || strlen (attachment->sha256) == 64);
        }
    }
}

static void
read_answer (const char *text, size_t size)
{
  static const guint statuses[] = { 200, 400, 429, 500 };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autoptr (DeskMetaReply) reply = desk_meta_reply_new ();
      g_auto (DeskMetaVerdict) verdict = { 0 };
      reply->begun = TRUE;
      reply->http_status = statuses[i];
      desk_meta_reply_read (reply, text, size, "EAAtoken");
      g_autoptr (DeskOutcome) outcome = desk_whatsapp_outcome (reply, 1);
      desk_whatsapp_judge (reply, &verdict);
      g_assert (outcome->type != DESK_OUTCOME_NOT_CONNECTED);
      g_assert (outcome->type != DESK_OUTCOME_SENT
                || (statuses[i] == 200 && outcome->external_id != NULL));
      g_assert (outcome->message == NULL || strstr (outcome->message, "EAAtoken") == NULL);
    }
}

static void
read_template (JsonNode *root)
{
  const char *const variables[] = { "a", NULL };
  g_autoptr (DeskWhatsappTemplate) template
      = root != NULL && JSON_NODE_HOLDS_OBJECT (root)
            ? desk_whatsapp_template_parse (json_node_get_object (root))
            : NULL;

  if (template == NULL)
    return;
  g_autofree char *components
      = desk_whatsapp_template_format_components (template, (char *const *)variables);
  g_autofree char *filled = desk_template_fill (template->shown, (char *const *)variables);
  g_assert (g_utf8_validate (filled, -1, NULL) && components[0] == '[');
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  DeskWhatsappContext context = { "p~", "106540352242922", G_GINT64_CONSTANT (1790000000000) };
  g_autoptr (DeskWhatsappParsed) parsed = desk_whatsapp_parsed_new ();
  g_autoptr (DeskMetaReply) reply = desk_meta_reply_new ();
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (JsonNode) root = desk_meta_payload_read (bytes, NULL);
  g_autofree char *text = g_strndup ((const char *)data, size);

  desk_whatsapp_parse (&context, root, parsed);
  check (parsed);
  read_answer ((const char *)data, size);
  desk_meta_reply_read_load (reply, text);
  read_template (root);
  return 0;
}
