/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Telegram as the conformance suite sees it. */

#include "desk-conformance.h"
#include "telegram-fault-server.h"

#define SECRET "s3cret_-of-the-webhook"
#define CHAT                                                                                       \
  "\"chat\":{\"id\":5,\"type\":\"private\",\"first_name\":\"Emma\"},\"from\":{\"id\":5,"           \
  "\"first_name\":\"Emma\"}"

static const char *const payloads[] = {
  "{\"update_id\":1,\"message\":{\"message_id\":10,\"date\":1789990000," CHAT
  ",\"text\":\"Xin chào 👋\"}}",
  "{\"update_id\":2,\"message\":{\"message_id\":11,\"date\":1789990001," CHAT
  ",\"photo\":[{\"file_id\":\"s\",\"width\":9,\"height\":9},{\"file_id\":\"b\",\"width\":90,"
  "\"height\":90}],\"caption\":\"Це фото\"}}",
  "{\"update_id\":3,\"edited_message\":{\"message_id\":10,\"date\":1789990000,\"edit_date\":"
  "1789990009," CHAT ",\"text\":\"Chào\"}}",
  "{\"update_id\":4,\"message_reaction\":{\"message_id\":10,\"date\":1789990010,\"chat\":{\"id\":5,"
  "\"type\":\"private\"},\"user\":{\"id\":5,\"first_name\":\"Emma\"},\"old_reaction\":[],"
  "\"new_reaction\":[{\"type\":\"emoji\",\"emoji\":\"👍\"}]}}",
  "{\"update_id\":5,\"deleted_business_messages\":{\"business_connection_id\":\"b\",\"chat\":"
  "{\"id\":5,\"type\":\"private\"},\"message_ids\":[10,11]}}",
  "{\"update_id\":6,\"my_chat_member\":{\"date\":1789990011," CHAT
  ",\"old_chat_member\":{\"status\":\"member\"},\"new_chat_member\":{\"status\":\"kicked\"}}}",
  NULL,
};

static gpointer
begin (DeskConnection *connection)
{
  TelegramFaultServer *server = telegram_fault_server_new ();

  connection->base_url = (char *)telegram_fault_server_get_url (server);
  connection->token = (char *)TELEGRAM_FAULT_TOKEN;
  connection->webhook_secret = (char *)SECRET;
  return server;
}

static void
end (gpointer server)
{
  telegram_fault_server_free (server);
}

static void
answer (gpointer server, DeskConformanceAnswer what)
{
  static const struct
  {
    TelegramFault fault;
    guint status;
    const char *body;
  } faults[] = {
    [DESK_CONFORMANCE_NO_ANSWER] = { TELEGRAM_FAULT_CLOSE_AFTER, 0, NULL },
    [DESK_CONFORMANCE_GARBAGE] = { TELEGRAM_FAULT_BODY_AFTER, 200, "<html>" TELEGRAM_FAULT_TOKEN },
    [DESK_CONFORMANCE_SILENT] = { TELEGRAM_FAULT_SILENT_AFTER, 0, NULL },
    [DESK_CONFORMANCE_LIMITED]
    = { TELEGRAM_FAULT_STATUS, 429,
        "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 7\","
        "\"parameters\":{\"retry_after\":7}}" },
    [DESK_CONFORMANCE_REFUSED]
    = { TELEGRAM_FAULT_STATUS, 403,
        "{\"ok\":false,\"error_code\":403,\"description\":\"Forbidden: bot was blocked by the "
        "user\"}" },
    [DESK_CONFORMANCE_TOKEN]
    = { TELEGRAM_FAULT_STATUS, 401,
        "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized: " TELEGRAM_FAULT_TOKEN
        "\"}" },
  };

  if (what != DESK_CONFORMANCE_ACCEPTED)
    telegram_fault_server_push (server, "sendMessage", faults[what].fault, faults[what].status,
                                faults[what].body);
}

static guint
count_sends (gpointer server)
{
  return telegram_fault_server_count_done (server, "sendMessage");
}

static void
sign (const DeskConnection *connection, GBytes *body, GHashTable *headers)
{
  g_hash_table_insert (headers, g_strdup ("X-Telegram-Bot-Api-Secret-Token"), g_strdup (SECRET));
}

const DeskConformance desk_conformance_telegram = {
  .name = "telegram",
  .user_id = "5",
  .payloads = payloads,
  .unknown = "{\"update_id\":7,\"message\":{\"message_id\":12,\"date\":1789990012," CHAT
             ",\"hologram\":{\"depth\":3}}}",
  .retry_after_ms = 7000,
  .begin = begin,
  .end = end,
  .answer = answer,
  .count_sends = count_sends,
  .sign = sign,
};
