/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Webhook calls of Messenger and Instagram, and their payloads once more at a replay.
 * Invariants: pure, any thread; what is authentic is confirmed; what was not understood is named,
 * so that its bytes are kept for a version that does. */

#include "server/connectors/messaging/desk-messaging-webhook.h"

#include <string.h>

#include "common/desk-json.h"
#include "server/connectors/messaging/desk-messaging-parse.h"
#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/meta/desk-meta-webhook.h"

static void
normalize (const DeskMessagingReader *self, JsonNode *root, DeskInbound *inbound)
{
  const DeskConnection *connection = self->connection;
  const DeskMessagingContext context = {
    .platform = self->flavour->platform,
    .chat_prefix = connection->chat_prefix != NULL ? connection->chat_prefix : "",
    .account_id = connection->account_id,
    .app_id = connection->app_id,
    .own_host = self->own_host,
    .now_ms = desk_clock_now_ms (self->clock),
  };
  const char *object = desk_meta_string (desk_meta_node_object (root), "object");
  DeskMessagingLeft left = { 0 };

  if (object != NULL && strcmp (object, self->flavour->object) != 0)
    left.n_foreign = 1;
  else
    desk_messaging_parse (&context, root, inbound->items, &left);
  inbound->has_others = left.n_foreign > 0;
  if (left.n_foreign > 0)
    g_info ("%s: %u events are for other accounts", connection->name, left.n_foreign);
  if (left.n_unknown > 0)
    inbound->problem = g_strdup_printf ("%u events of an unknown kind", left.n_unknown);
}

DeskWebhookResult *
desk_messaging_read_webhook (const DeskMessagingReader *self, const DeskWebhookRequest *request)
{
  g_autoptr (JsonNode) root = NULL;
  DeskWebhookResult *result = desk_meta_webhook_open (self->connection, request, &root);

  if (root != NULL)
    normalize (self, root, result->inbound);
  return result;
}

DeskInbound *
desk_messaging_read_raw (const DeskMessagingReader *self, GBytes *raw, GError **error)
{
  gsize len;
  const char *text = g_bytes_get_data (raw, &len);
  g_autofree char *mended = desk_meta_mend_surrogates (text != NULL ? text : "", len);
  g_autoptr (JsonNode) root
      = mended != NULL
            ? desk_json_parse (mended, strlen (mended), 2 * DESK_META_MAX_WEBHOOK, error)
            : desk_json_parse (text != NULL ? text : "", len, DESK_META_MAX_WEBHOOK, error);

  if (root == NULL)
    return NULL;
  DeskInbound *inbound = desk_inbound_new (self->connection->name, DESK_SOURCE_WEBHOOK, raw);
  normalize (self, root, inbound);
  return inbound;
}
