/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* A polled partner against a marketplace that fails: every message once, whatever is read again;
 * nothing sent twice; one broken room does not hold up the others. */

#include <string.h>

#include "desk-test-host.h"
#include "desk-test-items.h"
#include "partner-fault-server.h"
#include "server/connectors/desk-connectors.h"
#include "server/connectors/partner/desk-partner-parse.h"
#include "server/connectors/partner/desk-partner-state.h"

#define NOW_MS G_GINT64_CONSTANT (1790000000000)

typedef struct
{
  PartnerFaultServer *server;
  DeskClock *clock;
  DeskTestHost *host;
  DeskConnection connection;
  DeskConnector *connector;
} Fixture;

static void
set_option (Fixture *self, const char *key, const char *value)
{
  const char *reason;

  g_assert_true (desk_connectors_check_option ("partner", key, value, &reason));
  g_hash_table_replace (self->connection.options, g_strdup (key), g_strdup (value));
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->server = partner_fault_server_new ();
  self->clock = desk_clock_manual_new (NOW_MS);
  self->host = desk_test_host_new (self->clock, 1);
  self->connection = (DeskConnection){
    .name = (char *)"market",
    .platform = (char *)"partner",
    .base_url = (char *)partner_fault_server_get_url (self->server),
    .mode = (char *)"poll",
    .chat_prefix = (char *)"",
    .account_id = (char *)PARTNER_FAULT_US,
    .token = (char *)PARTNER_FAULT_TOKEN,
    .options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
  set_option (self, "partner", "chotot");
  set_option (self, "header.X-Service", PARTNER_FAULT_SERVICE);
  set_option (self, "path.rooms", "/rooms?user={account}&limit={limit}");
  set_option (self, "path.messages",
              "/user_channel/{account}/{room}/messages?limit={limit}&before_ts={before}");
  set_option (self, "path.room", "/channels/{room}");
  set_option (self, "path.send", "/messages");
  set_option (self, "poll_seconds", "1");
  self->connector = desk_connectors_create (&self->connection, &self->host->host, NULL);
}

static void
restart (Fixture *self)
{
  desk_connector_stop (self->connector);
  g_object_add_weak_pointer (G_OBJECT (self->connector), (gpointer *)&self->connector);
  g_object_unref (self->connector);
  desk_test_wait_for (self->connector == NULL);
  self->connector = desk_connectors_create (&self->connection, &self->host->host, NULL);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  restart (self);
  g_object_unref (self->connector);
  partner_fault_server_free (self->server);
  desk_test_host_free (self->host);
  desk_clock_unref (self->clock);
  g_hash_table_unref (self->connection.options);
}

/* Messages with different keys: what the service would store. */
static guint
count_stored (Fixture *self, const char *text)
{
  g_autoptr (GHashTable) keys = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->host->items->len; i++)
    {
      const DeskInboundItem *item = self->host->items->pdata[i];
      if (item->type == DESK_INBOUND_MESSAGE
          && (text == NULL || strcmp (item->message->text, text) == 0))
        g_hash_table_add (keys, item->dedup_key);
    }
  return g_hash_table_size (keys);
}

static const DeskInboundItem *
first_message (Fixture *self, const char *text)
{
  for (guint i = 0; i < self->host->items->len; i++)
    {
      const DeskInboundItem *item = self->host->items->pdata[i];
      if (item->type == DESK_INBOUND_MESSAGE && strcmp (item->message->text, text) == 0)
        return item;
    }
  return NULL;
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */
static void
test_poll (Fixture *self, gconstpointer data)
{
  const DeskInboundItem *item;

  partner_fault_server_say (self->server, "r1", "\"500\"", NOW_MS - 5000, "Còn hàng không?", NULL);
  partner_fault_server_say (self->server, "r1", "77", NOW_MS - 4000, "Dạ còn", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (count_stored (self, NULL), ==, 2);
  item = first_message (self, "Còn hàng không?");
  g_assert_cmpstr (item->message->platform, ==, "chotot");
  g_assert_cmpstr (item->message->user_id, ==, "r1");
  g_assert_cmpstr (item->message->user_name, ==, "Linh r1");
  g_assert_cmpstr (item->partner_room_id, ==, "r1");
  g_assert_cmpstr (item->metadata, ==,
                   "{\"item_name\":\"Xe đạp r1\",\"item_price\":12000000,\"role\":\"seller\"}");
  g_assert_cmpint (item->message->direction, ==, DESK_DIRECTION_INCOMING);
  g_assert_cmpint (item->message->created_at_ms, ==, NOW_MS - 5000);
  item = first_message (self, "Dạ còn");
  g_assert_cmpint (item->message->direction, ==, DESK_DIRECTION_OUTGOING);

  /* news arrive with the next round; a room without news is not read again */
  const guint n = partner_fault_server_count_calls (self->server, "messages");
  partner_fault_server_say (self->server, "r2", "500", NOW_MS - 1000, "another room", NULL);
  desk_test_wait_for (count_stored (self, NULL) == 3);
  g_assert_cmpuint (partner_fault_server_count_calls (self->server, "messages"), ==, n + 1);
}

/* Two equal messages of one millisecond are two, however often they are read. */
static void
test_equal_messages (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "ok", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (count_stored (self, "ok") == 3);
  for (guint i = 0; i < 3; i++)
    {
      const guint n = partner_fault_server_count_calls (self->server, "messages");
      restart (self);
      g_clear_pointer (&self->host->checkpoint, g_free); /* everything once more */
      desk_connector_start (self->connector);
      desk_test_wait_for (partner_fault_server_count_calls (self->server, "messages") > n
                          && self->host->health == DESK_HEALTH_OK);
      g_assert_cmpuint (count_stored (self, "ok"), ==, 3);
    }
  /* a fourth of the same millisecond shows up later */
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "ok", NULL);
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 4000, "x", NULL);
  desk_test_wait_for (count_stored (self, "x") == 1);
  g_assert_cmpuint (count_stored (self, "ok"), ==, 4);
}

/* 250 messages in pages of 100, with equal ones across the edges of the pages. */
static void
test_pages (Fixture *self, gconstpointer data)
{
  set_option (self, "first_messages", "1000");
  restart (self);
  for (guint i = 0; i < 250; i++)
    partner_fault_server_say (self->server, "r1", "500", NOW_MS - 100000 + (i / 7) * 10, "same", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (count_stored (self, "same"), ==, 250);
  g_assert_cmpuint (partner_fault_server_count_calls (self->server, "messages"), ==, 3);
}

static void
test_first_messages (Fixture *self, gconstpointer data)
{
  set_option (self, "first_messages", "20");
  restart (self);
  for (guint i = 0; i < 60; i++)
    {
      g_autofree char *text = g_strdup_printf ("m%u", i);
      partner_fault_server_say (self->server, "r1", "500", NOW_MS - 100000 + i, text, NULL);
    }
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (count_stored (self, NULL), ==, 20);
  g_assert_nonnull (first_message (self, "m59"));
  g_assert_null (first_message (self, "m39"));
}

/* A partner that always tells its newest page must not keep the connector busy for ever. */
static void
test_before_ignored (Fixture *self, gconstpointer data)
{
  set_option (self, "first_messages", "1000");
  restart (self);
  partner_fault_server_ignore_before (self->server);
  for (guint i = 0; i < 150; i++)
    {
      g_autofree char *text = g_strdup_printf ("m%u", i);
      partner_fault_server_say (self->server, "r1", "500", NOW_MS - 100000 + i, text, NULL);
    }
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (count_stored (self, NULL), ==, 100);
  g_assert_cmpuint (partner_fault_server_count_calls (self->server, "messages"), <=, 4);
}

/* Late: older than the newest that is stored, within the window. */
static void
test_window (Fixture *self, gconstpointer data)
{
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 100000, "first", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (count_stored (self, NULL) == 1);
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 120000, "late", NULL);
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 900000, "much too late", NULL);
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 90000, "second", NULL);
  desk_test_wait_for (count_stored (self, "second") == 1);
  g_assert_cmpuint (count_stored (self, "late"), ==, 1);
  g_assert_cmpuint (count_stored (self, "much too late"), ==, 0);
}

static void
test_resume (Fixture *self, gconstpointer data)
{
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "one", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpstr (self->host->checkpoint, ==,
                   "{\"rooms\":{\"r1\":[1789999995000,1789999995000]}}");
  const guint n = partner_fault_server_count_calls (self->server, "messages");
  restart (self);
  self->host->health = DESK_HEALTH_STARTING;
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (partner_fault_server_count_calls (self->server, "messages"), ==, n);
}

static void
test_refused_ingest (Fixture *self, gconstpointer data)
{
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "one", NULL);
  self->host->refuse_next = 1;
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->n_refused == 1);
  g_assert_cmpint (self->host->health, ==, DESK_HEALTH_DEGRADED);
  g_assert_null (self->host->checkpoint);
  desk_test_wait_for (count_stored (self, "one") == 1);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
}

static void
test_described (Fixture *self, gconstpointer data)
{
  partner_fault_server_hide_items (self->server);
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "one", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_nonnull (strstr (first_message (self, "one")->metadata, "Xe đạp r1"));
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 4000, "two", NULL);
  desk_test_wait_for (count_stored (self, "two") == 1);
  g_assert_nonnull (strstr (first_message (self, "two")->metadata, "Xe đạp r1"));
  g_assert_cmpuint (partner_fault_server_count_calls (self->server, "room"), ==, 1);
}

static void
test_broken_room (Fixture *self, gconstpointer data)
{
  const guint status = GPOINTER_TO_UINT (data);

  partner_fault_server_say (self->server, "bad", "500", NOW_MS - 5000, "unreachable", NULL);
  partner_fault_server_say (self->server, "good", "500", NOW_MS - 5000, "read", NULL);
  partner_fault_server_break_room (self->server, "bad", status);
  desk_connector_start (self->connector);
  desk_test_wait_for (count_stored (self, "read") == 1);
  desk_test_wait_for (self->host->health == (status == 404 ? DESK_HEALTH_OK : DESK_HEALTH_DEGRADED));
}

static const struct
{
  const char *name;
  PartnerFault fault;
  guint status;
  const char *body;
  DeskHealth health;
  gboolean recovers; /* within the time of a test */
} troubles[] = {
  { "500", PARTNER_FAULT_STATUS, 500, "{}", DESK_HEALTH_DEGRADED, TRUE },
  { "html", PARTNER_FAULT_BODY_AFTER, 200, "<html>", DESK_HEALTH_DEGRADED, TRUE },
  { "own-code-in-200", PARTNER_FAULT_BODY_AFTER, 200, "{\"code\":503,\"message\":\"later\"}",
    DESK_HEALTH_DEGRADED, TRUE },
  { "hung-up", PARTNER_FAULT_CLOSE_AFTER, 0, NULL, DESK_HEALTH_DEGRADED, TRUE },
  { "redirect", PARTNER_FAULT_STATUS, 302, "", DESK_HEALTH_DEGRADED, TRUE },
  { "401", PARTNER_FAULT_STATUS, 401, "{\"message\":\"" PARTNER_FAULT_TOKEN "\"}", DESK_HEALTH_DOWN,
    FALSE },
  { "403", PARTNER_FAULT_STATUS, 403, "", DESK_HEALTH_DOWN, FALSE },
  { "429", PARTNER_FAULT_STATUS, 429, "{}", DESK_HEALTH_DEGRADED, FALSE },
};

static void
test_trouble (Fixture *self, gconstpointer data)
{
  const guint n = GPOINTER_TO_UINT (data);

  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "in spite of all", NULL);
  partner_fault_server_push (self->server, "rooms", troubles[n].fault, troubles[n].status,
                             troubles[n].body);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == troubles[n].health);
  g_assert_null (strstr (self->host->reason, PARTNER_FAULT_TOKEN));
  if (!troubles[n].recovers)
    {
      desk_test_run_for_ms (300);
      g_assert_cmpuint (partner_fault_server_count_calls (self->server, "rooms"), ==, 1);
      return;
    }
  desk_test_wait_for (count_stored (self, "in spite of all") == 1);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
}

static void
test_names (Fixture *self, gconstpointer data)
{
  static const char *const rests[] = { ",\"client_gen_id\":\"g1\"", ",\"client_gen_id\":\"g2\"",
                                       ",\"type\":\"sticker\"" };
  g_autoptr (GPtrArray) empty = g_ptr_array_new ();

  /* equal in all but what else they tell: four messages */
  for (guint i = 0; i < G_N_ELEMENTS (rests); i++)
    partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "ok", rests[i]);
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "ok", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  g_assert_cmpuint (count_stored (self, "ok"), ==, 4);
  g_assert_cmpuint (desk_connectors_detect (empty, NULL, "r1") == NULL, ==, TRUE);
}

static void
test_detect (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  DeskConnection other = { .name = (char *)"b", .platform = (char *)"partner" };
  DeskConnection bot = { .name = (char *)"c", .platform = (char *)"telegram" };

  other.options = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (other.options, (char *)"partner", (char *)"bazaar");
  g_hash_table_insert (other.options, (char *)"room_pattern", (char *)"^bz-[0-9]+$");
  g_ptr_array_add (all, &bot);
  g_ptr_array_add (all, &self->connection);
  g_ptr_array_add (all, &other);
  g_assert_true (desk_connectors_detect (all, "chotot", "bz-1") == &self->connection);
  g_assert_true (desk_connectors_detect (all, "bazaar", "x") == &other);
  g_assert_null (desk_connectors_detect (all, "facebook", "bz-1")); /* the name decides */
  g_assert_true (desk_connectors_detect (all, NULL, "bz-1") == &other);
  g_assert_null (desk_connectors_detect (all, NULL, "x-1"));
  g_hash_table_unref (other.options);
}

/* ── Sending ────────────────────────────────────────────────────────────────────────────────── */
static void
on_outcome (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskOutcome **)data = desk_connector_send_finish (DESK_CONNECTOR (source), result);
}

static DeskOutcome *
send_text (Fixture *self, const char *text)
{
  DeskOutbound outbound = { .job_id = 1, .attempt = 1, .connection = self->connection.name };
  g_autoptr (DeskMessage) message = desk_message_new ("chotot", "r1");
  DeskOutcome *outcome = NULL;

  g_free (message->text);
  message->text = g_strdup (text);
  message->client_message_id = g_strdup ("our-1");
  outbound.message = message;
  desk_connector_send_async (self->connector, &outbound, NULL, on_outcome, &outcome);
  desk_test_wait_for (outcome != NULL);
  return outcome;
}

/* What a lost answer leaves open is found again in the room, as an outgoing message. */
static void
test_echo (Fixture *self, gconstpointer data)
{
  partner_fault_server_set_now (self->server, NOW_MS - 1000);
  partner_fault_server_say (self->server, "r1", "500", NOW_MS - 5000, "hi", NULL);
  desk_connector_start (self->connector);
  desk_test_wait_for (self->host->health == DESK_HEALTH_OK);
  partner_fault_server_push (self->server, "send", PARTNER_FAULT_CLOSE_AFTER, 0, NULL);
  g_autoptr (DeskOutcome) outcome = send_text (self, "Giá “12” triệu\n\\o/");
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_UNKNOWN);
  g_assert_cmpuint (partner_fault_server_count_sends (self->server), ==, 1);
  g_assert_cmpstr (partner_fault_server_get_send (self->server, 0), ==,
                   "{\"channel_id\":\"r1\",\"sender_id\":\"77\",\"message\":\"Giá “12” "
                   "triệu\\n\\\\o/\",\"type\":\"text\"}");
  desk_test_wait_for (count_stored (self, "Giá “12” triệu\n\\o/") == 1);
  const DeskInboundItem *echo = first_message (self, "Giá “12” triệu\n\\o/");
  g_assert_cmpint (echo->message->direction, ==, DESK_DIRECTION_OUTGOING);
  g_assert_nonnull (echo->message->external_id);
}

static void
test_send_body (Fixture *self, gconstpointer data)
{
  const char *reason;

  set_option (self, "send.body", "{\"to\":{\"room\":\"{room}\"},\"channel_id\":\"{room}\",\"sender_id\":"
                                 "\"7\",\"message\":\"{text}\",\"ref\":\"{client_id}\",\"n\":{}}");
  g_autoptr (DeskOutcome) outcome = send_text (self, "{room}\"},{\"x\":\"");
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpstr (partner_fault_server_get_send (self->server, 0), ==,
                   "{\"to\":{\"room\":\"r1\"},\"channel_id\":\"r1\",\"sender_id\":\"7\",\"message\":"
                   "\"{room}\\\"},{\\\"x\\\":\\\"\",\"ref\":\"our-1\",\"n\":{}}");
  g_assert_false (desk_connectors_check_option ("partner", "send.body", "{\"a\":{text}}", &reason));
  g_assert_false (desk_connectors_check_option ("partner", "partner", "telegram", &reason));
  g_assert_false (desk_connectors_check_option ("partner", "path.send", "messages", &reason));
  g_assert_false (desk_connectors_check_option ("partner", "path.nothing", "/x", &reason));
  g_assert_false (desk_connectors_check_option ("partner", "header.A B", "x", &reason));
  g_assert_false (desk_connectors_check_option ("partner", "room_pattern", "(", &reason));
  g_assert_false (desk_connectors_check_option ("telegram", "path.send", "/x", &reason));
}

/* A value never leaves its place in a path. */
static void
test_path (Fixture *self, gconstpointer data)
{
  const DeskPartnerValues values = { .room = "../a?b#c/ü", .limit = 5, .page = 2, .before_ms = 9 };
  g_autofree char *path
      = desk_partner_expand_path ("/r/{room}/m?l={limit}&p={page}&b={before}&{what}", &values);

  g_assert_cmpstr (path, ==, "/r/..%2Fa%3Fb%23c%2F%C3%BC/m?l=5&p=2&b=9&{what}");
}

static void
test_state (Fixture *self, gconstpointer data)
{
  g_autoptr (DeskPartnerState) state = desk_partner_state_new (
      "{\"rooms\":{\"a\":[5,6],\"b\":[1],\"c\":7,\"d\":[\"x\",null]},\"more\":1}");
  g_assert_cmpint (desk_partner_state_get (state, "a").newest_ms, ==, 5);
  g_assert_cmpint (desk_partner_state_get (state, "b").newest_ms, ==, 0);
  g_assert_cmpint (desk_partner_state_get (state, "d").listed_ms, ==, 0);
  for (guint i = 0; i < 5100; i++)
    {
      g_autofree char *room = g_strdup_printf ("room-%u", i);
      desk_partner_state_set (state, room, (DeskPartnerMark){ 100 + i, 1 });
    }
  g_assert_cmpint (desk_partner_state_get (state, "room-5099").newest_ms, ==, 5199);
  g_assert_cmpint (desk_partner_state_get (state, "room-50").newest_ms, ==, 0); /* the quietest */
  g_autofree char *text
      = desk_partner_state_format_with (state, "new", (DeskPartnerMark){ 9999, 2 });
  g_autoptr (DeskPartnerState) again = desk_partner_state_new (text);
  g_assert_cmpint (desk_partner_state_get (again, "new").listed_ms, ==, 2);
  g_assert_cmpint (desk_partner_state_get (again, "room-5099").newest_ms, ==, 5199);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Fixture *fixture, gconstpointer data);
    guint data;
  } tests[] = {
    { "poll", test_poll, 0 },
    { "equal-messages", test_equal_messages, 0 },
    { "pages", test_pages, 0 },
    { "first-messages", test_first_messages, 0 },
    { "before-ignored", test_before_ignored, 0 },
    { "window", test_window, 0 },
    { "resume", test_resume, 0 },
    { "refused-ingest", test_refused_ingest, 0 },
    { "described", test_described, 0 },
    { "broken-room-404", test_broken_room, 404 },
    { "broken-room-500", test_broken_room, 500 },
    { "names", test_names, 0 },
    { "detect", test_detect, 0 },
    { "echo", test_echo, 0 },
    { "send-body", test_send_body, 0 },
    { "path", test_path, 0 },
    { "state", test_state, 0 },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/partner/", tests[i].name, NULL);
      g_test_add (path, Fixture, GUINT_TO_POINTER (tests[i].data), set_up, tests[i].test, tear_down);
    }
  for (guint i = 0; i < G_N_ELEMENTS (troubles); i++)
    {
      g_autofree char *path = g_strconcat ("/partner/trouble/", troubles[i].name, NULL);
      g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_trouble, tear_down);
    }
  return g_test_run ();
}
