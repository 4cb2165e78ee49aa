/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* WhatsApp as the conformance suite sees it. */

#include "common/desk-crypto.h"
#include "desk-conformance.h"
#include "whatsapp-fault-server.h"

#include <string.h>

#define VALUE(inner)                                                                               \
  "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"" WHATSAPP_FAULT_WABA            \
  "\",\"changes\":[{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\","         \
  "\"metadata\":{\"display_phone_number\":\"15550783881\",\"phone_number_id\":"                    \
  "\"" WHATSAPP_FAULT_NUMBER "\"}," inner "}}]}]}"
#define MESSAGE(id, rest)                                                                          \
  VALUE ("\"contacts\":[{\"profile\":{\"name\":\"Emma\"},\"wa_id\":\"16505551234\"}],"             \
         "\"messages\":[{\"from\":\"16505551234\",\"id\":\"wamid." id                              \
         "\",\"timestamp\":\"1789990000\"," rest "}]")

static const char *const payloads[] = {
  MESSAGE ("1", "\"type\":\"text\",\"text\":{\"body\":\"Xin ch\\u00e0o \\ud83d\\udc4b\"}"),
  MESSAGE ("2", "\"type\":\"image\",\"image\":{\"id\":\"77\",\"mime_type\":\"image/jpeg\","
                "\"caption\":\"Це фото\"}"),
  MESSAGE ("3", "\"type\":\"edit\",\"edit\":{\"original_message_id\":\"wamid.1\",\"message\":"
                "{\"type\":\"text\",\"text\":{\"body\":\"Chào\"}}}"),
  MESSAGE ("4", "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"wamid.1\",\"emoji\":"
                "\"👍\"}"),
  MESSAGE ("5", "\"type\":\"revoke\",\"revoke\":{\"original_message_id\":\"wamid.2\"}"),
  VALUE ("\"statuses\":[{\"id\":\"wamid.9\",\"status\":\"read\",\"timestamp\":\"1789990001\","
         "\"recipient_id\":\"16505551234\"}]"),
  NULL,
};

static gpointer
begin (DeskConnection *connection)
{
  WhatsappFaultServer *server = whatsapp_fault_server_new ();

  connection->base_url = (char *)whatsapp_fault_server_get_url (server);
  connection->version = (char *)"v23.0";
  connection->account_id = (char *)WHATSAPP_FAULT_NUMBER;
  connection->waba_id = (char *)WHATSAPP_FAULT_WABA;
  connection->token = (char *)WHATSAPP_FAULT_TOKEN;
  connection->app_secret = (char *)WHATSAPP_FAULT_SECRET;
  connection->verify_token = (char *)"verify-me-please";
  return server;
}

static void
end (gpointer server)
{
  whatsapp_fault_server_free (server);
}

static void
answer (gpointer server, DeskConformanceAnswer what)
{
  switch (what)
    {
    case DESK_CONFORMANCE_ACCEPTED:
      break;
    case DESK_CONFORMANCE_NO_ANSWER:
      whatsapp_fault_server_push (server, "messages", WHATSAPP_FAULT_CLOSE_AFTER, 0, NULL);
      break;
    case DESK_CONFORMANCE_GARBAGE:
      whatsapp_fault_server_push (server, "messages", WHATSAPP_FAULT_BODY_AFTER, 200,
                                  "<html>" WHATSAPP_FAULT_TOKEN);
      break;
    case DESK_CONFORMANCE_SILENT:
      whatsapp_fault_server_push (server, "messages", WHATSAPP_FAULT_SILENT_AFTER, 0, NULL);
      break;
    case DESK_CONFORMANCE_LIMITED:
      whatsapp_fault_server_push_error (server, "messages", 429, 131056, 0);
      break;
    case DESK_CONFORMANCE_REFUSED:
      whatsapp_fault_server_push_error (server, "messages", 400, 131026, 0);
      break;
    case DESK_CONFORMANCE_TOKEN:
      whatsapp_fault_server_push_error (server, "messages", 401, 190, 463);
      break;
    }
}

static guint
count_sends (gpointer server)
{
  return whatsapp_fault_server_count_done (server, "messages");
}

static void
sign (const DeskConnection *connection, GBytes *body, GHashTable *headers)
{
  gsize len;
  const void *bytes = g_bytes_get_data (body, &len);
  g_autofree char *hex = desk_hmac_sha256_hex (
      connection->app_secret, strlen (connection->app_secret), bytes != NULL ? bytes : "", len);

  g_hash_table_insert (headers, g_strdup ("X-Hub-Signature-256"),
                       g_strconcat ("sha256=", hex, NULL));
}

const DeskConformance desk_conformance_whatsapp = {
  .name = "whatsapp",
  .user_id = "16505551234",
  .payloads = payloads,
  .unknown = MESSAGE ("6", "\"type\":\"hologram\",\"hologram\":{\"depth\":3}"),
  .retry_after_ms = 6000,
  .begin = begin,
  .end = end,
  .answer = answer,
  .count_sends = count_sends,
  .sign = sign,
};
