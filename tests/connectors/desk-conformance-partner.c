/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* A partner that pushes, as the conformance suite sees it. */

#include "desk-conformance.h"
#include "partner-fault-server.h"

#define SECRET "s3cret-of-the-push"
#define PUSH(members)                                                                              \
  "{\"pattern\":\"message.new\",\"data\":{\"channel_id\":\"r1\",\"sender_id\":500," members "}}"

static const char *const payloads[] = {
  PUSH ("\"created_at\":1789990000123,\"type\":\"text\",\"message\":\"Xin chào 👋\""),
  PUSH ("\"created_at\":1789990001123,\"type\":\"image\",\"message\":\"\",\"attachment\":{\"data\":{"
        "\"url\":\"https://cdn.example.org/a.jpg\"}}"),
  PUSH ("\"created_at\":1789990002123,\"type\":\"text\",\"message\":\"Це далі\",\"client_gen_id\":\"g1\""),
  PUSH ("\"created_at\":1789990002123,\"type\":\"text\",\"message\":\"Це далі!\",\"client_gen_id\":"
        "\"g2\",\"is_edited\":true"),
  "{\"pattern\":\"message.new\",\"data\":{\"channel_id\":\"r1\",\"sender_id\":\"77\",\"created_at\":"
  "1789990003123,\"type\":\"text\",\"message\":\"our own\"}}",
  NULL,
};

static gpointer
begin (DeskConnection *connection)
{
  PartnerFaultServer *server = partner_fault_server_new ();

  connection->base_url = (char *)partner_fault_server_get_url (server);
  connection->token = (char *)PARTNER_FAULT_TOKEN;
  connection->webhook_secret = (char *)SECRET;
  connection->account_id = (char *)PARTNER_FAULT_US;
  if (connection->options == NULL)
    connection->options = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (connection->options, (char *)"partner", (char *)"chotot");
  g_hash_table_insert (connection->options, (char *)"header.X-Service",
                       (char *)PARTNER_FAULT_SERVICE);
  g_hash_table_insert (connection->options, (char *)"path.send", (char *)"/messages");
  g_hash_table_insert (connection->options, (char *)"path.room", (char *)"/channels/{room}");
  return server;
}

static void
end (gpointer server)
{
  partner_fault_server_free (server);
}

static void
answer (gpointer server, DeskConformanceAnswer what)
{
  static const struct
  {
    PartnerFault fault;
    guint status;
    const char *body;
  } faults[] = {
    [DESK_CONFORMANCE_NO_ANSWER] = { PARTNER_FAULT_CLOSE_AFTER, 0, NULL },
    [DESK_CONFORMANCE_GARBAGE] = { PARTNER_FAULT_BODY_AFTER, 200, "<html>" },
    [DESK_CONFORMANCE_SILENT] = { PARTNER_FAULT_SILENT_AFTER, 0, NULL },
    [DESK_CONFORMANCE_LIMITED] = { PARTNER_FAULT_STATUS, 429, "{}" },
    [DESK_CONFORMANCE_REFUSED]
    = { PARTNER_FAULT_STATUS, 403, "{\"message\":\"blocked, says " PARTNER_FAULT_SERVICE "\"}" },
    [DESK_CONFORMANCE_TOKEN]
    = { PARTNER_FAULT_STATUS, 401, "{\"message\":\"wrong " PARTNER_FAULT_TOKEN "\"}" },
  };

  if (what != DESK_CONFORMANCE_ACCEPTED)
    partner_fault_server_push (server, "send", faults[what].fault, faults[what].status,
                               faults[what].body);
}

static guint
count_sends (gpointer server)
{
  return partner_fault_server_count_sends (server);
}

static void
sign (const DeskConnection *connection, GBytes *body, GHashTable *headers)
{
  g_hash_table_insert (headers, g_strdup ("X-Webhook-Secret"), g_strdup (SECRET));
}

const DeskConformance desk_conformance_partner = {
  .name = "partner",
  .user_id = "r1",
  .payloads = payloads,
  .unknown = PUSH ("\"created_at\":1789990009123,\"type\":\"hologram\",\"message\":\"\""),
  .retry_after_ms = 7000,
  .gives_no_ids = TRUE,
  .begin = begin,
  .end = end,
  .answer = answer,
  .count_sends = count_sends,
  .sign = sign,
};
