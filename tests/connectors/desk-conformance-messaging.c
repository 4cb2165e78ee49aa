/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Messenger and Instagram as the conformance suite sees them. */

#include <string.h>

#include "common/desk-crypto.h"
#include "desk-conformance.h"
#include "messaging-fault-server.h"

#define VERIFY "verify-word-17"

#define ENTRY(object, id, event)                                                                   \
  "{\"object\":\"" object "\",\"entry\":[{\"id\":\"" id "\",\"time\":1789990000500,\"messaging\":" \
  "[{\"sender\":{\"id\":\"5001\"},\"recipient\":{\"id\":\"" id "\"},\"timestamp\":"                \
  "1789990000000," event "}]}]}"
#define PAGE(event) ENTRY ("page", "1080", event)
#define GRAM(event) ENTRY ("instagram", "17840001", event)

static const char *const messenger_payloads[] = {
  PAGE ("\"message\":{\"mid\":\"m_1\",\"text\":\"Xin ch\\u00e0o \\ud83d\\udc4b\"}"),
  PAGE ("\"message\":{\"mid\":\"m_2\",\"attachments\":[{\"type\":\"image\",\"payload\":{\"url\":"
        "\"https://scontent.xx.fbcdn.net/v/1.jpg?oh=1\"}}]}"),
  PAGE ("\"message_edit\":{\"mid\":\"m_1\",\"text\":\"Ch\\u00e0o\",\"num_edit\":\"1\"}"),
  PAGE ("\"reaction\":{\"mid\":\"m_1\",\"action\":\"react\",\"reaction\":\"other\",\"emoji\":"
        "\"\\ud83d\\udc4d\"}"),
  PAGE ("\"postback\":{\"mid\":\"m_3\",\"title\":\"\\u041a\\u0443\\u043f\\u0438\\u0442\\u0438\","
        "\"payload\":\"BUY\"}"),
  PAGE ("\"delivery\":{\"mids\":[\"m_100\"],\"watermark\":1789990000000}"),
  PAGE ("\"read\":{\"watermark\":1789990000000}"),
  NULL,
};

static const char *const instagram_payloads[] = {
  GRAM ("\"message\":{\"mid\":\"aWdf1\",\"text\":\"Xin ch\\u00e0o \\ud83d\\udc4b\"}"),
  GRAM ("\"message\":{\"mid\":\"aWdf2\",\"attachments\":[{\"type\":\"image\",\"payload\":{\"url\":"
        "\"https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1\"}}]}"),
  GRAM ("\"message\":{\"mid\":\"aWdf3\",\"text\":\"\\u0417\\u0430\\u0445\\u043e\\u043f\\u043b\","
        "\"reply_to\":{\"story\":{\"id\":\"1\",\"url\":\"https://lookaside.fbsbx.com/s\"}}}"),
  GRAM ("\"message_edit\":{\"mid\":\"aWdf1\",\"text\":\"Ch\\u00e0o\",\"num_edit\":1}"),
  GRAM ("\"reaction\":{\"mid\":\"aWdf1\",\"action\":\"react\",\"reaction\":\"love\"}"),
  GRAM ("\"message\":{\"mid\":\"aWdf1\",\"is_deleted\":true}"),
  GRAM ("\"read\":{\"mid\":\"aWdf100\"}"),
  NULL,
};

static gpointer
begin (DeskConnection *connection, MessagingFaultRole role)
{
  MessagingFaultServer *server = messaging_fault_server_new (role);

  connection->base_url = (char *)messaging_fault_server_get_url (server);
  connection->version = (char *)"v23.0";
  connection->account_id
      = (char *)(role == MESSAGING_FAULT_MESSENGER ? "1080" : "17840001");
  connection->token = (char *)MESSAGING_FAULT_TOKEN;
  connection->app_secret = (char *)MESSAGING_FAULT_SECRET;
  connection->verify_token = (char *)VERIFY;
  return server;
}

static gpointer
begin_messenger (DeskConnection *connection)
{
  return begin (connection, MESSAGING_FAULT_MESSENGER);
}

static gpointer
begin_instagram (DeskConnection *connection)
{
  return begin (connection, MESSAGING_FAULT_INSTAGRAM);
}

static void
end (gpointer server)
{
  g_assert_false (messaging_fault_server_saw_leak (server));
  messaging_fault_server_free (server);
}

static void
answer (gpointer server, DeskConformanceAnswer what)
{
  switch (what)
    {
    case DESK_CONFORMANCE_ACCEPTED:
      break;
    case DESK_CONFORMANCE_NO_ANSWER:
      messaging_fault_server_push (server, "send", MESSAGING_FAULT_CLOSE_AFTER, 0, NULL);
      break;
    case DESK_CONFORMANCE_GARBAGE:
      messaging_fault_server_push (server, "send", MESSAGING_FAULT_BODY_AFTER, 200,
                                   "<html>" MESSAGING_FAULT_TOKEN);
      break;
    case DESK_CONFORMANCE_SILENT:
      messaging_fault_server_push (server, "send", MESSAGING_FAULT_SILENT_AFTER, 0, NULL);
      break;
    case DESK_CONFORMANCE_LIMITED:
      messaging_fault_server_push_error (server, "send", 400, 613, 0);
      break;
    case DESK_CONFORMANCE_REFUSED:
      messaging_fault_server_push_error (server, "send", 400, 551, 1545041);
      break;
    case DESK_CONFORMANCE_TOKEN:
      messaging_fault_server_push_error (server, "send", 401, 190, 463);
      break;
    }
}

static guint
count_sends (gpointer server)
{
  return messaging_fault_server_count_done (server, "send");
}

static void
sign (const DeskConnection *connection, GBytes *body, GHashTable *headers)
{
  gsize len;
  const void *data = g_bytes_get_data (body, &len);
  g_autofree char *hex = desk_hmac_sha256_hex (
      MESSAGING_FAULT_SECRET, strlen (MESSAGING_FAULT_SECRET), data != NULL ? data : "", len);

  g_hash_table_insert (headers, g_strdup ("X-Hub-Signature-256"),
                       g_strconcat ("sha256=", hex, NULL));
}

#define UNKNOWN                                                                                    \
  "\"message\":{\"mid\":\"x1\",\"attachments\":[{\"type\":\"hologram\",\"payload\":{\"depth\":3}}]}"

const DeskConformance desk_conformance_messenger = {
  .name = "messenger",
  .user_id = "5001",
  .payloads = messenger_payloads,
  .unknown = PAGE (UNKNOWN),
  .retry_after_ms = -1,
  .begin = begin_messenger,
  .end = end,
  .answer = answer,
  .count_sends = count_sends,
  .sign = sign,
};

const DeskConformance desk_conformance_instagram = {
  .name = "instagram",
  .user_id = "5001",
  .payloads = instagram_payloads,
  .unknown = GRAM (UNKNOWN),
  .retry_after_ms = -1,
  .begin = begin_instagram,
  .end = end,
  .answer = answer,
  .count_sends = count_sends,
  .sign = sign,
};
