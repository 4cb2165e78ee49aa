/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Telegram's webhook: how it is registered and how its requests are read.
 * Invariants: pure, any thread; a request is refused before its body is read if it does not know
 * the secret; everything authentic is confirmed. */

#include "server/connectors/telegram/desk-telegram-webhook.h"

#include <string.h>

#include "common/desk-crypto.h"
#include "common/desk-json-writer.h"
#include "common/desk-json.h"

char *
desk_telegram_webhook_format (const DeskConnection *connection, const char *allowed_updates)
{
  GString *json = g_string_new (NULL);
  g_autofree char *name = g_uri_escape_string (connection->name, NULL, FALSE);
  g_autofree char *url = NULL;
  gsize len = strlen (connection->public_url);
  DeskJsonWriter writer;

  while (len > 0 && connection->public_url[len - 1] == '/')
    len--;
  url = g_strdup_printf ("%.*s/webhook/telegram/%s", (int)len, connection->public_url, name);
  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_string (&writer, "url", url);
  if (connection->webhook_secret != NULL)
    desk_json_writer_member_string (&writer, "secret_token", connection->webhook_secret);
  desk_json_writer_member_raw (&writer, "allowed_updates", allowed_updates);
  desk_json_writer_end_object (&writer);
  return g_string_free (json, FALSE);
}

static gboolean
is_authentic (const DeskConnection *connection, const DeskWebhookRequest *request)
{
  const char *secret = connection->webhook_secret;
  const char *header = request->get_header (request->request, "X-Telegram-Bot-Api-Secret-Token");

  if (secret == NULL || *secret == '\0')
    return TRUE; /* check-config warns about it */
  return header != NULL && desk_secure_equal (secret, strlen (secret), header, strlen (header));
}

DeskWebhookResult *
desk_telegram_webhook_read (const DeskConnection *connection,
                            gint64 now_ms,
                            const DeskWebhookRequest *request,
                            DeskTelegramParsed *parsed)
{
  DeskTelegramContext context
      = { connection->chat_prefix != NULL ? connection->chat_prefix : "", now_ms };
  DeskWebhookResult *result = g_new0 (DeskWebhookResult, 1);
  g_autoptr (JsonNode) update = NULL;
  gsize len;
  const char *text = g_bytes_get_data (request->body, &len);

  if (g_strcmp0 (request->method, "POST") != 0)
    result->status = 405;
  else if (!is_authentic (connection, request))
    result->status = 403;
  else if (len > DESK_TELEGRAM_MAX_WEBHOOK)
    result->status = 413;
  if (result->status != 0)
    return result;

  /* Anything but 200 would hold up this customer's chat for a day, so that a body which cannot be
   * read is confirmed like the others. */
  update = desk_json_parse (text != NULL ? text : "", len, DESK_TELEGRAM_MAX_WEBHOOK, NULL);
  if (update == NULL)
    g_warning ("%s: an update of Telegram cannot be read and is left out", connection->name);
  desk_telegram_parse_update (&context, update, parsed);
  if (update != NULL && parsed->n_ignored > 0)
    g_info ("%s: an update of no interest was confirmed", connection->name);

  result->status = 200;
  result->inbound = desk_inbound_new (connection->name, DESK_SOURCE_WEBHOOK, request->body);
  g_ptr_array_unref (result->inbound->items);
  result->inbound->items = g_ptr_array_ref (parsed->items);
  if (update == NULL)
    result->inbound->problem = g_strdup ("It is not JSON");
  return result;
}
