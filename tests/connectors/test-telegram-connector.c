/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The Telegram connector against a Bot API that fails: nothing lost, nothing sent twice, no token
 * told, and every trouble shows in the connection's health. */

#include <string.h>

#include "desk-test-host.h"
#include "server/connectors/desk-connectors.h"
#include "server/connectors/telegram/desk-telegram-webhook.h"
#include "telegram-fault-server.h"

#define MESSAGE(id, words)                                                                         \
  "\"message\":{\"message_id\":" id ",\"date\":1789990000,\"chat\":{\"id\":5,\"type\":"            \
  "\"private\",\"first_name\":\"Emma\"},\"from\":{\"id\":5,\"first_name\":\"Emma\"},\"text\":"     \
  "\"" words "\"}"
#define REFUSAL(code, words) "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" words "\"}"

typedef struct
{
  TelegramFaultServer *server;
  DeskTestHost *host;
  DeskConnection connection;
  DeskConnector *connector;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->server = telegram_fault_server_new ();
  self->host = desk_test_host_new (desk_clock_system (), 1);
  self->connection = (DeskConnection) {
    .name = (char *)"shop",
    .platform = (char *)"telegram",
    .base_url = (char *)telegram_fault_server_get_url (self->server),
    .mode = (char *)(data != NULL ? data : "poll"),
    .chat_prefix = (char *)"",
    .token = (char *)TELEGRAM_FAULT_TOKEN,
    .webhook_secret = (char *)"s3cret_-",
    .public_url = (char *)"https://desk.example.org/",
  };
  self->connector = desk_connectors_create (&self->connection, &self->host->host, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  if (self->host->reason != NULL)
    g_assert_null (strstr (self->host->reason, "AAFD39"));
  desk_connector_stop (self->connector);
  g_object_add_weak_pointer (G_OBJECT (self->connector), (gpointer *)&self->connector);
  g_object_unref (self->connector);
  desk_test_wait_for (self->connector == NULL); /* no reference is left behind */
  telegram_fault_server_free (self->server);
  desk_test_host_free (self->host);
}

static const DeskMessage *
nth_message (Fixture *self, guint n)
{
  return ((DeskInboundItem *)g_ptr_array_index (self->host->items, n))->message;
}

/* ── In ─────────────────────────────────────────────────────────────────────────────────────── */

static void
test_poll (Fixture *self, gconstpointer data)
{
  telegram_fault_server_add_update (self->server, MESSAGE ("1", "one"));
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->items->len == 1
                      && telegram_fault_server_count_pending (self->server) == 0);
  g_assert_cmpstr (nth_message (self, 0)->text, ==, "one");
  g_assert_cmpstr (self->host->checkpoint, ==, "501");
  g_assert_nonnull (self->host->last_raw);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_OK);
  g_assert_cmpstr (self->host->healths->str, ==, "starting ok ");
  g_assert_nonnull (strstr (telegram_fault_server_get_done (self->server, "getUpdates", 0),
                            "offset=0&limit=100&timeout=0&allowed_updates=%5B%22message%22"));

  /* the next one arrives through a poll that waits */
  telegram_fault_server_add_update (self->server, MESSAGE ("2", "two"));
  desk_test_wait_for (self->host->items->len == 2
                      && telegram_fault_server_count_pending (self->server) == 0);
  g_assert_nonnull (strstr (telegram_fault_server_get_done (self->server, "getUpdates", 1),
                            "offset=501&limit=100&timeout=50"));
}

static void
test_resume (Fixture *self, gconstpointer data)
{
  self->host->checkpoint = g_strdup ("501");
  telegram_fault_server_add_update (self->server, MESSAGE ("1", "stored before"));
  telegram_fault_server_add_update (self->server, MESSAGE ("2", "new"));
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->items->len == 1);
  g_assert_cmpstr (nth_message (self, 0)->text, ==, "new");
}

static void
test_refused_ingest (Fixture *self, gconstpointer data)
{
  self->host->refuse_next = 1;
  telegram_fault_server_add_update (self->server, MESSAGE ("1", "one"));
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->n_refused == 1);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_DEGRADED);
  g_assert_cmpuint (telegram_fault_server_count_pending (self->server), ==, 1);
  g_assert_null (self->host->checkpoint);

  desk_test_wait_for (self->host->items->len == 1);
  g_assert_nonnull (
      strstr (telegram_fault_server_get_done (self->server, "getUpdates", 1), "offset=0&"));
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  desk_test_wait_for (telegram_fault_server_count_pending (self->server) == 0);
}

static void
test_ignored_offset (Fixture *self, gconstpointer data)
{
  telegram_fault_server_ignore_offset (self->server);
  telegram_fault_server_add_update (self->server, MESSAGE ("1", "again and again"));
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->items->len >= 2);
  desk_test_run_for_ms (1000);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "getUpdates"), <=, 8);

  /* the same key each time: the service drops it */
  const DeskInboundItem *first = g_ptr_array_index (self->host->items, 0);
  const DeskInboundItem *second = g_ptr_array_index (self->host->items, 1);
  g_assert_cmpstr (first->dedup_key, ==, second->dedup_key);
}

/* One update that no JSON reader of ours takes stands between two others. */
static void
test_poison (Fixture *self, gconstpointer data)
{
  telegram_fault_server_add_update (self->server, MESSAGE ("1", "before"));
  telegram_fault_server_add_update (self->server, MESSAGE ("2", "\\ud83d broken"));
  telegram_fault_server_add_update (self->server, MESSAGE ("3", "after"));
  g_test_expect_message ("desk-connectors", G_LOG_LEVEL_WARNING, "*cannot be read and is left*");
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->items->len == 2
                      && telegram_fault_server_count_pending (self->server) == 0);
  g_test_assert_expected_messages ();
  g_assert_cmpstr (nth_message (self, 0)->text, ==, "before");
  g_assert_cmpstr (nth_message (self, 1)->text, ==, "after");
  g_assert_cmpstr (self->host->checkpoint, ==, "503");
}

static void
test_button (Fixture *self, gconstpointer data)
{
  telegram_fault_server_add_update (
      self->server, "\"callback_query\":{\"id\":\"cb1\",\"from\":{\"id\":5,\"first_name\":\"E\"},"
                    "\"message\":{\"message_id\":3,\"date\":0,\"chat\":{\"id\":5,\"type\":"
                    "\"private\"}},\"data\":\"yes\"}");
  desk_connector_start (self->connector);
  desk_test_wait_for (telegram_fault_server_count_done (self->server, "answerCallbackQuery") == 1);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "answerCallbackQuery", 0), ==,
                   "{\"callback_query_id\":\"cb1\"}");
  g_assert_cmpuint (self->host->items->len, ==, 1);
}

/* Every failure shows, is survived, and loses nothing. */
static const struct
{
  const char *name;
  const char *method;
  TelegramFault fault;
  guint status;
  const char *body;
  DeskHealth health;
} troubles[] = {
  { "500", "getUpdates", TELEGRAM_FAULT_STATUS, 500, REFUSAL (500, "Internal"),
    DESK_HEALTH_DEGRADED },
  { "502-html", "getUpdates", TELEGRAM_FAULT_STATUS, 502, "<html>", DESK_HEALTH_DEGRADED },
  { "garbage", "getUpdates", TELEGRAM_FAULT_BODY_AFTER, 200, "{\"ok\":tr", DESK_HEALTH_DEGRADED },
  { "not-an-envelope", "getUpdates", TELEGRAM_FAULT_BODY_AFTER, 200, "[]", DESK_HEALTH_DEGRADED },
  { "truncated", "getUpdates", TELEGRAM_FAULT_TRUNCATE_AFTER, 0, NULL, DESK_HEALTH_DEGRADED },
  { "hung-up", "getUpdates", TELEGRAM_FAULT_CLOSE_AFTER, 0, NULL, DESK_HEALTH_DEGRADED },
  { "flood", "getUpdates", TELEGRAM_FAULT_STATUS, 429,
    "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 1\","
    "\"parameters\":{\"retry_after\":1}}",
    DESK_HEALTH_DEGRADED },
  { "get-me-500", "getMe", TELEGRAM_FAULT_STATUS, 500, "", DESK_HEALTH_DEGRADED },
};

static void
test_trouble (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++)
    {
      guint n = self->host->items->len;

      g_test_message ("%s", troubles[i].name);
      self->host->health = DESK_HEALTH_STARTING;
      telegram_fault_server_push (self->server, troubles[i].method, troubles[i].fault,
                                  troubles[i].status, troubles[i].body);
      telegram_fault_server_add_update (self->server, MESSAGE ("1", "in spite of all"));
      desk_connector_start (self->connector);
      desk_test_wait_for (self->host->health == troubles[i].health);
      g_assert_nonnull (self->host->reason);
      g_assert_null (strstr (self->host->reason, "AAFD39"));
      desk_test_wait_for (self->host->items->len == n + 1);
      desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
      desk_test_wait_for (telegram_fault_server_count_pending (self->server) == 0);
      desk_connector_stop (self->connector);
      desk_test_run_for_ms (20);
    }
}

static void
test_wrong_token (Fixture *self, gconstpointer data)
{
  self->connection.token = (char *)"4839574812:AAFD39-old";
  g_object_unref (self->connector);
  self->connector = desk_connectors_create (&self->connection, &self->host->host, NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "token"));
  desk_test_run_for_ms (300);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "getMe"), ==, 1);
}

static void
test_webhook_in_the_way (Fixture *self, gconstpointer data)
{
  telegram_fault_server_push (
      self->server, "getUpdates", TELEGRAM_FAULT_STATUS, 409,
      REFUSAL (409, "Conflict: can't use getUpdates method while webhook is active; use "
                    "deleteWebhook to delete the webhook first"));
  telegram_fault_server_add_update (self->server, MESSAGE ("1", "one"));
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->items->len == 1);
  g_assert_cmpuint (telegram_fault_server_count_done (self->server, "deleteWebhook"), ==, 1);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
}

static void
test_other_poller (Fixture *self, gconstpointer data)
{
  telegram_fault_server_push (
      self->server, "getUpdates", TELEGRAM_FAULT_STATUS, 409,
      REFUSAL (409, "Conflict: terminated by other getUpdates request; make sure that only one "
                    "bot instance is running"));
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "Another program"));
  desk_test_run_for_ms (300);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "getUpdates"), ==, 1);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "deleteWebhook"), ==, 0);
}

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */

static void
on_outcome (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskOutcome **)data = desk_connector_send_finish (DESK_CONNECTOR (source), result);
}

static DeskOutcome *
send_text (Fixture *self, const char *user_id, const char *reply_to)
{
  DeskOutbound outbound = { .job_id = 1, .attempt = 1, .connection = self->connection.name };
  g_autoptr (DeskMessage) message = desk_message_new ("telegram", user_id);
  DeskOutcome *outcome = NULL;

  g_free (message->text);
  message->text = g_strdup ("Hello “you” \n 👋");
  outbound.message = message;
  outbound.reply_to_external_id = (char *)reply_to;
  desk_connector_send_async (self->connector, &outbound, NULL, on_outcome, &outcome);
  desk_test_wait_for (outcome != NULL);
  if (outcome->message != NULL)
    g_assert_null (strstr (outcome->message, "AAFD39"));
  return outcome;
}

static void
test_send (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *wanted_id = g_strdup_printf ("%u", 9000 + i);
      g_autoptr (DeskOutcome) outcome = send_text (self, "5", i == 1 ? "31" : NULL);
      g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
      g_assert_cmpstr (outcome->external_id, ==, wanted_id);
    }
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "sendMessage"), ==, 3);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "sendMessage", 0), ==,
                   "{\"chat_id\":5,\"text\":\"Hello “you” \\n 👋\"}");
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "sendMessage", 1), ==,
                   "{\"chat_id\":5,\"text\":\"Hello “you” \\n 👋\",\"reply_parameters\":"
                   "{\"message_id\":31,\"allow_sending_without_reply\":true}}");
}

/* n_done: how often the platform has carried out the send. It must never be more than once. */
static const struct
{
  const char *name;
  TelegramFault fault;
  guint status;
  const char *body;
  DeskOutcomeType type;
  const char *words; /* part of what the manager reads */
  guint n_done;
} answers[] = {
  { "reply-lost", TELEGRAM_FAULT_CLOSE_AFTER, 0, NULL, DESK_OUTCOME_UNKNOWN, NULL, 1 },
  { "reply-truncated", TELEGRAM_FAULT_TRUNCATE_AFTER, 0, NULL, DESK_OUTCOME_UNKNOWN, NULL, 1 },
  { "reply-garbage", TELEGRAM_FAULT_BODY_AFTER, 200, "<html>", DESK_OUTCOME_UNKNOWN, NULL, 1 },
  { "reply-empty", TELEGRAM_FAULT_BODY_AFTER, 200, "", DESK_OUTCOME_UNKNOWN, NULL, 1 },
  { "result-null", TELEGRAM_FAULT_BODY_AFTER, 200, "{\"ok\":true,\"result\":null}",
    DESK_OUTCOME_SENT, NULL, 1 },
  { "id-missing", TELEGRAM_FAULT_BODY_AFTER, 200, "{\"ok\":true,\"result\":{\"date\":1}}",
    DESK_OUTCOME_SENT, NULL, 1 },
  { "500-after", TELEGRAM_FAULT_BODY_AFTER, 500, REFUSAL (500, "Internal Server Error"),
    DESK_OUTCOME_UNKNOWN, NULL, 1 },
  { "502", TELEGRAM_FAULT_STATUS, 502, "<html>", DESK_OUTCOME_UNKNOWN, NULL, 0 },
  { "redirect", TELEGRAM_FAULT_STATUS, 307, "", DESK_OUTCOME_UNKNOWN, NULL, 0 },
  { "closed-before", TELEGRAM_FAULT_CLOSE_BEFORE, 0, NULL, DESK_OUTCOME_UNKNOWN, NULL, 0 },
  { "flood", TELEGRAM_FAULT_STATUS, 429,
    "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after 14\","
    "\"parameters\":{\"retry_after\":14}}",
    DESK_OUTCOME_RETRY, "slow down", 0 },
  { "flood-plain", TELEGRAM_FAULT_STATUS, 429, "", DESK_OUTCOME_RETRY, "slow down", 0 },
  { "blocked", TELEGRAM_FAULT_STATUS, 403, REFUSAL (403, "Forbidden: bot was blocked by the user"),
    DESK_OUTCOME_PERMANENT, "customer blocked the bot", 0 },
  { "deactivated", TELEGRAM_FAULT_STATUS, 403, REFUSAL (403, "Forbidden: user is deactivated"),
    DESK_OUTCOME_PERMANENT, "no longer exists", 0 },
  { "kicked", TELEGRAM_FAULT_STATUS, 403,
    REFUSAL (403, "Forbidden: bot was kicked from the supergroup chat"), DESK_OUTCOME_PERMANENT,
    "removed from this group", 0 },
  { "never-wrote", TELEGRAM_FAULT_STATUS, 403,
    REFUSAL (403, "Forbidden: bot can't initiate conversation with a user"), DESK_OUTCOME_PERMANENT,
    "write first", 0 },
  { "chat-not-found", TELEGRAM_FAULT_STATUS, 400, REFUSAL (400, "Bad Request: chat not found"),
    DESK_OUTCOME_PERMANENT, "does not know this chat", 0 },
  { "too-long", TELEGRAM_FAULT_STATUS, 400, REFUSAL (400, "Bad Request: message is too long"),
    DESK_OUTCOME_PERMANENT, "longer", 0 },
  { "other-400", TELEGRAM_FAULT_STATUS, 400, REFUSAL (400, "Bad Request: PEER_ODD"),
    DESK_OUTCOME_PERMANENT, "PEER_ODD", 0 },
  { "quoting-the-token", TELEGRAM_FAULT_STATUS, 400,
    REFUSAL (400, "Bad Request: /bot" TELEGRAM_FAULT_TOKEN "/sendMessage"), DESK_OUTCOME_PERMANENT,
    "/bot…/sendMessage", 0 },
  { "revoked", TELEGRAM_FAULT_STATUS, 401, REFUSAL (401, "Unauthorized"), DESK_OUTCOME_CONNECTION,
    "token", 0 },
};

static void
test_outcome (Fixture *self, gconstpointer data)
{
  guint n = GPOINTER_TO_UINT (data);

  telegram_fault_server_push (self->server, "sendMessage", answers[n].fault, answers[n].status,
                              answers[n].body);
  g_autoptr (DeskOutcome) outcome = send_text (self, "5", NULL);
  g_assert_cmpint (outcome->type, ==, answers[n].type);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "sendMessage"), ==, 1);
  g_assert_cmpuint (telegram_fault_server_count_done (self->server, "sendMessage"), ==,
                    answers[n].n_done);
  g_assert_null (outcome->external_id);
  if (answers[n].words != NULL)
    g_assert_nonnull (strstr (outcome->message, answers[n].words));
  if (g_str_equal (answers[n].name, "flood"))
    g_assert_cmpint (outcome->retry_after_ms, ==, 14000);
  g_assert_cmpint (outcome->per_chat, ==, answers[n].type == DESK_OUTCOME_RETRY);
}

static void
set_up_outcome (Fixture *self, gconstpointer data)
{
  set_up (self, NULL);
}

static void
test_migrated (Fixture *self, gconstpointer data)
{
  telegram_fault_server_push (
      self->server, "sendMessage", TELEGRAM_FAULT_STATUS, 400,
      "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was upgraded to "
      "a supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":-1009988776655}}");
  g_autoptr (DeskOutcome) outcome = send_text (self, "-4455", NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (outcome->new_user_id, ==, "-1009988776655");
  g_assert_nonnull (strstr (telegram_fault_server_get_done (self->server, "sendMessage", 0),
                            "\"chat_id\":-1009988776655"));
}

static void
test_not_ours (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskOutcome) outcome = send_text (self, "not-a-number", NULL);

  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "sendMessage"), ==, 0);
}

static void
send_to (Fixture *self, const char *url, DeskOutcomeType type)
{
  self->connection.base_url = (char *)url;
  g_object_unref (self->connector);
  self->connector = desk_connectors_create (&self->connection, &self->host->host, NULL);
  g_autoptr (DeskOutcome) outcome = send_text (self, "5", NULL);
  g_assert_cmpint (outcome->type, ==, type);
  g_assert_nonnull (outcome->message);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  return g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
}

static void
test_not_connected (Fixture *self, gconstpointer data)
{
  TelegramFaultServer *gone = telegram_fault_server_new ();
  g_autofree char *url = g_strdup (telegram_fault_server_get_url (gone));
  g_autoptr (GSocketService) service = g_socket_service_new ();
  guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, NULL);
  g_autofree char *secure = g_strdup_printf ("https://127.0.0.1:%u", port);

  g_signal_connect (service, "incoming", G_CALLBACK (on_incoming), NULL);
  telegram_fault_server_free (gone);
  send_to (self, url, DESK_OUTCOME_NOT_CONNECTED);
  /* the handshake fails, since the server closes during it */
  send_to (self, secure, DESK_OUTCOME_NOT_CONNECTED);
  send_to (self, "http://no-such-host.invalid", DESK_OUTCOME_NOT_CONNECTED);
}

static void
test_cancelled (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  DeskOutbound outbound = { .connection = self->connection.name };
  g_autoptr (DeskMessage) message = desk_message_new ("telegram", "5");
  DeskOutcome *outcome = NULL;

  outbound.message = message;
  g_cancellable_cancel (cancellable);
  desk_connector_send_async (self->connector, &outbound, cancellable, on_outcome, &outcome);
  desk_test_wait_for (outcome != NULL);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_NOT_CONNECTED);
  desk_outcome_free (outcome);
}

static void
test_typing (Fixture *self, gconstpointer data)
{
  desk_connector_start (self->connector);
  desk_connector_typing (self->connector, "5");
  desk_test_wait_for (telegram_fault_server_count_done (self->server, "sendChatAction") == 1);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "sendChatAction", 0), ==,
                   "{\"chat_id\":5,\"action\":\"typing\"}");
}

/* ── Webhook ────────────────────────────────────────────────────────────────────────────────── */

static void
test_set_webhook (Fixture *self, gconstpointer data)
{
  telegram_fault_server_push (self->server, "getWebhookInfo", TELEGRAM_FAULT_STATUS, 404,
                              REFUSAL (404, "Not Found"));
  desk_connector_start (self->connector);
  desk_test_wait_for (telegram_fault_server_count_calls (self->server, "getWebhookInfo") == 1);
  desk_test_run_for_ms (50);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_OK);
  g_assert_cmpuint (telegram_fault_server_count_calls (self->server, "getUpdates"), ==, 0);
  g_assert_cmpstr (telegram_fault_server_get_done (self->server, "setWebhook", 0), ==,
                   "{\"url\":\"https://desk.example.org/webhook/telegram/shop\","
                   "\"secret_token\":\"s3cret_-\",\"allowed_updates\":[\"message\","
                   "\"edited_message\",\"callback_query\",\"my_chat_member\","
                   "\"message_reaction\",\"business_connection\",\"business_message\","
                   "\"edited_business_message\",\"deleted_business_messages\"]}");
}

static void
test_webhook_undelivered (Fixture *self, gconstpointer data)
{
  g_autofree char *info
      = g_strdup_printf ("{\"ok\":true,\"result\":{\"url\":\"https://desk.example.org\","
                         "\"pending_update_count\":3,\"last_error_date\":%" G_GINT64_FORMAT
                         ",\"last_error_message\":\"Connection refused\"}}",
                         g_get_real_time () / G_USEC_PER_SEC);

  telegram_fault_server_push (self->server, "getWebhookInfo", TELEGRAM_FAULT_BODY_AFTER, 200, info);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_DEGRADED);
  g_assert_nonnull (strstr (self->host->reason, "Connection refused"));
}

static const char *
get_header (gpointer request, const char *name)
{
  g_assert_cmpstr (name, ==, "X-Telegram-Bot-Api-Secret-Token");
  return request;
}

static DeskWebhookResult *
call_webhook (Fixture *self, const char *method, const char *secret, const char *body, gssize len)
{
  g_autoptr (GBytes) bytes = g_bytes_new (body, len < 0 ? strlen (body) : (gsize)len);
  DeskWebhookRequest request
      = { .method = method, .get_header = get_header, .request = (gpointer)secret, .body = bytes };

  return desk_connector_parse_webhook (self->connector, &request);
}

static void
check_refused (Fixture *self,
               const char *method,
               const char *secret,
               const char *body,
               gssize len,
               guint status)
{
  g_autoptr (DeskWebhookResult) result = call_webhook (self, method, secret, body, len);

  g_assert_cmpuint (result->status, ==, status);
  g_assert_null (result->inbound);
  g_assert_null (result->body);
}

static void
test_webhook_request (Fixture *self, gconstpointer data)
{
  static const char update[] = "{\"update_id\":9," MESSAGE ("1", "hello") "}";
  g_autofree char *big = g_malloc0 (DESK_TELEGRAM_MAX_WEBHOOK + 1);
  g_autoptr (DeskWebhookResult) result = call_webhook (self, "POST", "s3cret_-", update, -1);

  g_test_expect_message ("desk-connectors", G_LOG_LEVEL_WARNING, "*cannot be read and is left*");
  g_autoptr (DeskWebhookResult) unreadable = call_webhook (self, "POST", "s3cret_-", "{\"", -1);
  g_test_assert_expected_messages ();

  g_assert_cmpuint (result->status, ==, 200);
  g_assert_null (result->body);
  g_assert_cmpuint (result->inbound->items->len, ==, 1);
  g_assert_cmpint (result->inbound->source, ==, DESK_SOURCE_WEBHOOK);
  g_assert_null (result->inbound->checkpoint);
  g_assert_cmpuint (g_bytes_get_size (result->inbound->raw), ==, strlen (update));

  /* authentic but not to be read: confirmed, or it would come for a day */
  g_assert_cmpuint (unreadable->status, ==, 200);
  g_assert_cmpuint (unreadable->inbound->items->len, ==, 0);
  g_assert_nonnull (unreadable->inbound->raw);

  check_refused (self, "POST", "s3cret_+", update, -1, 403);
  check_refused (self, "POST", "s3cret_", update, -1, 403);
  check_refused (self, "POST", "s3cret_-x", update, -1, 403);
  check_refused (self, "POST", "", update, -1, 403);
  check_refused (self, "POST", NULL, update, -1, 403);
  check_refused (self, "GET", "s3cret_-", update, -1, 405);
  check_refused (self, "POST", "s3cret_-", big, DESK_TELEGRAM_MAX_WEBHOOK + 1, 413);

  self->connection.webhook_secret = NULL;
  g_autoptr (DeskWebhookResult) open = call_webhook (self, "POST", NULL, update, -1);
  g_assert_cmpuint (open->status, ==, 200);
}

static void
test_webhook_without_url (Fixture *self, gconstpointer data)
{
  self->connection.public_url = NULL;
  desk_connector_start (self->connector);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_DOWN);
  g_assert_nonnull (strstr (self->host->reason, "public_url"));
}

/* ── The table ──────────────────────────────────────────────────────────────────────────────── */

static void
test_registry (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (desk_connectors_knows ("telegram"));
  g_assert_true (desk_connectors_knows ("demo"));
  g_assert_false (desk_connectors_knows ("fax"));
  g_assert_null (desk_connectors_describe ("fax"));
  g_assert_cmpuint (desk_connectors_describe ("telegram")->text_limit, ==, 4096);
  g_assert_true (desk_platform_reports_status (desk_connectors_describe ("telegram"), "sent"));
  g_assert_false (desk_platform_reports_status (desk_connectors_describe ("telegram"), "read"));

  self->connection.platform = (char *)"fax";
  g_assert_null (desk_connectors_create (&self->connection, &self->host->host, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  self->connection.platform = (char *)"telegram";
  self->connection.token = NULL;
  g_assert_null (desk_connectors_create (&self->connection, &self->host->host, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
}

static void
add (const char *path, const char *mode, void (*test) (Fixture *, gconstpointer))
{
  g_autofree char *full = g_strconcat ("/telegram/", path, NULL);

  g_test_add (full, Fixture, mode, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("in/poll", "poll", test_poll);
  add ("in/resume", "poll", test_resume);
  add ("in/refused-ingest", "poll", test_refused_ingest);
  add ("in/ignored-offset", "poll", test_ignored_offset);
  add ("in/poison", "poll", test_poison);
  add ("in/button", "poll", test_button);
  add ("in/trouble", "poll", test_trouble);
  add ("in/wrong-token", "poll", test_wrong_token);
  add ("in/webhook-in-the-way", "poll", test_webhook_in_the_way);
  add ("in/other-poller", "poll", test_other_poller);
  add ("out/send", "poll", test_send);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *path = g_strconcat ("/telegram/out/outcome/", answers[i].name, NULL);
      g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up_outcome, test_outcome, tear_down);
    }
  add ("out/migrated", "poll", test_migrated);
  add ("out/not-ours", "poll", test_not_ours);
  add ("out/not-connected", "poll", test_not_connected);
  add ("out/cancelled", "poll", test_cancelled);
  add ("out/typing", "poll", test_typing);
  add ("webhook/set", "webhook", test_set_webhook);
  add ("webhook/undelivered", "webhook", test_webhook_undelivered);
  add ("webhook/request", "webhook", test_webhook_request);
  add ("webhook/without-url", "webhook", test_webhook_without_url);
  add ("registry", "poll", test_registry);
  return g_test_run ();
}
