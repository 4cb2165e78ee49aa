/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The simulated customers, in virtual time. */

#include <string.h>

#include "desk-test-host.h"
#include "desk-test-items.h"
#include "server/connectors/demo/desk-demo-connector.h"

#define NOW_MS G_GINT64_CONSTANT (1790000000000)

typedef struct
{
  DeskClock *clock;
  DeskTestHost *host;
  DeskConnection connection;
  DeskConnector *connector;
} World;

static void
world_init (World *self, guint64 seed, const char *mode)
{
  self->clock = desk_clock_manual_new (NOW_MS);
  self->host = desk_test_host_new (self->clock, seed);
  self->connection = (DeskConnection) { .name = (char *)"demo",
                                        .platform = (char *)"demo",
                                        .mode = (char *)mode,
                                        .chat_prefix = (char *)"" };
  self->connector = desk_demo_connector_new (&self->connection, &self->host->host, NULL);
}

static void
world_clear (World *self)
{
  desk_connector_stop (self->connector);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (self->connector);
  desk_test_host_free (self->host);
  desk_clock_unref (self->clock);
}

/* Lets ms of virtual time pass in small steps, so that what is due happens when it is due. */
static void
pass (World *self, gint64 ms)
{
  for (gint64 left = ms; left >= 0; left -= 10)
    {
      desk_demo_connector_run_due (DESK_DEMO_CONNECTOR (self->connector));
      while (g_main_context_pending (NULL))
        g_main_context_iteration (NULL, FALSE);
      desk_clock_manual_advance_ms (self->clock, 10);
    }
}

static const DeskInboundItem *
nth (World *self, guint n)
{
  return g_ptr_array_index (self->host->items, n);
}

static void
on_outcome (GObject *source, GAsyncResult *result, gpointer data)
{
  *(DeskOutcome **)data = desk_connector_send_finish (DESK_CONNECTOR (source), result);
}

static void
send_text (World *self, const char *user_id, DeskOutcome **outcome)
{
  DeskOutbound outbound = { .connection = self->connection.name };
  g_autoptr (DeskMessage) message = desk_message_new ("demo", user_id);

  message->client_message_id = g_strdup ("client-1");
  outbound.message = message;
  desk_connector_send_async (self->connector, &outbound, NULL, on_outcome, outcome);
}

static void
test_story (void)
{
  World world;
  g_autoptr (GHashTable) chats = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) outgoing = g_hash_table_new (g_str_hash, g_str_equal);
  guint kinds = 0, n_quotes = 0, n_reactions = 0;

  world_init (&world, 1, "quiet");
  desk_connector_start (world.connector);
  pass (&world, 100);
  g_assert_cmpstr (world.host->checkpoint, ==, "story");
  g_assert_cmpuint (world.host->n_stored, ==, 1);
  g_assert_cmpint (world.host->health, ==, DESK_HEALTH_OK);

  for (guint i = 0; i < world.host->items->len; i++)
    {
      const DeskInboundItem *item = nth (&world, i);
      const DeskMessage *message = item->message;

      g_hash_table_add (chats, message->user_id);
      g_assert_cmpint (message->created_at_ms, <, NOW_MS);
      if (i > 0)
        g_assert_cmpint (message->created_at_ms, >=, nth (&world, i - 1)->message->created_at_ms);
      if (item->type == DESK_INBOUND_REACTION)
        {
          n_reactions++;
          g_assert_true (g_hash_table_contains (ids, message->external_id));
          continue;
        }
      g_assert_cmpint (item->type, ==, DESK_INBOUND_MESSAGE);
      g_assert_true (g_hash_table_add (ids, message->external_id));
      kinds |= 1u << message->kind;
      if (item->reply_to_external_id != NULL)
        {
          n_quotes++;
          g_assert_true (g_hash_table_contains (ids, item->reply_to_external_id));
        }
      if (message->direction == DESK_DIRECTION_OUTGOING)
        {
          guint n = 1 + GPOINTER_TO_UINT (g_hash_table_lookup (outgoing, message->user_id));
          g_hash_table_insert (outgoing, message->user_id, GUINT_TO_POINTER (n));
          g_assert_cmpuint (n, <, 20); /* or the breaker against loops would open */
        }
    }
  g_assert_cmpuint (g_hash_table_size (chats), ==, 14);
  g_assert_cmpuint (n_quotes, >=, 1);
  g_assert_cmpuint (n_reactions, >=, 3);
  for (guint kind = DESK_KIND_TEXT; kind <= DESK_KIND_UNSUPPORTED; kind++)
    if (kind != DESK_KIND_VIDEO && kind != DESK_KIND_AUDIO && kind != DESK_KIND_SYSTEM)
      g_assert_true (kinds & (1u << kind));
  world_clear (&world);
}

static void
test_story_once (void)
{
  World world;

  world_init (&world, 1, "quiet");
  world.host->checkpoint = g_strdup ("story");
  desk_connector_start (world.connector);
  pass (&world, 5000);
  g_assert_cmpuint (world.host->items->len, ==, 0);
  g_assert_cmpint (world.host->health, ==, DESK_HEALTH_OK);
  world_clear (&world);
}

static void
test_story_again_after_refusal (void)
{
  World world;

  world_init (&world, 1, "quiet");
  world.host->refuse_next = 1;
  g_test_expect_message ("desk-connectors", G_LOG_LEVEL_WARNING, "*could not store*");
  desk_connector_start (world.connector);
  pass (&world, 100);
  g_test_assert_expected_messages ();
  g_assert_cmpint (world.host->health, ==, DESK_HEALTH_STARTING);
  pass (&world, 2500);
  g_assert_cmpstr (world.host->checkpoint, ==, "story");
  g_assert_cmpint (world.host->health, ==, DESK_HEALTH_OK);
  world_clear (&world);
}

static void
test_answer (void)
{
  World world;
  DeskOutcome *outcome = NULL;
  guint n;

  world_init (&world, 7, "quiet");
  desk_connector_start (world.connector);
  pass (&world, 100);
  n = world.host->items->len;
  gint64 sent_ms = desk_clock_now_ms (world.clock);
  send_text (&world, "emma.hartley", &outcome);
  pass (&world, 60000); /* nobody writes unasked */

  g_assert_nonnull (outcome);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_SENT);
  g_assert_cmpuint (world.host->items->len, >=, n + 4);
  for (guint i = 0; i < 2; i++)
    {
      const DeskInboundItem *item = nth (&world, n + i);
      g_assert_cmpint (item->type, ==, DESK_INBOUND_STATUS);
      g_assert_cmpint (item->message->status, ==,
                       i == 0 ? DESK_STATUS_DELIVERED : DESK_STATUS_READ);
      g_assert_cmpstr (item->message->external_id, ==, outcome->external_id);
      g_assert_cmpstr (item->message->client_message_id, ==, "client-1");
    }
  g_assert_cmpint (nth (&world, n + 2)->type, ==, DESK_INBOUND_TYPING);
  const DeskInboundItem *answer = nth (&world, world.host->items->len - 1);
  g_assert_cmpint (answer->type, ==, DESK_INBOUND_MESSAGE);
  g_assert_cmpstr (answer->message->user_id, ==, "emma.hartley");
  g_assert_cmpstr (answer->message->text, ==, "Brilliant, thank you so much!");
  g_assert_cmpint (answer->message->created_at_ms - sent_ms, >=, 1500);
  g_assert_cmpint (answer->message->created_at_ms - sent_ms, <=, 4020);
  desk_outcome_free (outcome);
  world_clear (&world);
}

static void
test_refusals (void)
{
  World world;
  DeskOutcome *outcome = NULL;

  world_init (&world, 7, "quiet");
  desk_connector_start (world.connector);
  pass (&world, 100);
  send_text (&world, "growth.expert", &outcome);
  pass (&world, 100);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_assert_cmpstr (outcome->code, ==, "403");
  g_clear_pointer (&outcome, desk_outcome_free);
  send_text (&world, "nobody", &outcome);
  pass (&world, 100);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_PERMANENT);
  g_clear_pointer (&outcome, desk_outcome_free);

  /* a send that is under way when the daemon stops has an outcome, too */
  send_text (&world, "emma.hartley", &outcome);
  desk_connector_stop (world.connector);
  while (outcome == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (outcome->type, ==, DESK_OUTCOME_NOT_CONNECTED);
  desk_outcome_free (outcome);
  world_clear (&world);
}

/* Ten minutes of a day with two replies, as text. */
static char *
live (guint64 seed, const char *mode)
{
  World world;
  DeskOutcome *first = NULL, *second = NULL;
  char *text;

  world_init (&world, seed, mode);
  desk_connector_start (world.connector);
  pass (&world, 1000);
  send_text (&world, "oksana.bondar", &first);
  pass (&world, 500);
  send_text (&world, "linh.nguyen", &second);
  pass (&world, 10 * 60 * 1000);
  g_autoptr (JsonNode) items = desk_test_items_to_json (world.host->items);
  text = json_to_string (items, FALSE);
  desk_outcome_free (first);
  desk_outcome_free (second);
  world_clear (&world);
  return text;
}

static void
test_determinism (void)
{
  g_autofree char *once = live (42, "poll");
  g_autofree char *again = live (42, "poll");
  g_autofree char *other = live (43, "poll");

  g_assert_cmpstr (once, ==, again);
  g_assert_cmpstr (once, !=, other);
}

static void
test_spontaneous (void)
{
  World world;
  gint64 last_ms = 0;
  guint n = 0;

  world_init (&world, 3, "poll");
  world.host->checkpoint = g_strdup ("story");
  desk_connector_start (world.connector);
  pass (&world, 30 * 60 * 1000);
  for (guint i = 0; i < world.host->items->len; i++)
    {
      gint64 at_ms = nth (&world, i)->message->created_at_ms;
      if (last_ms > 0)
        {
          g_assert_cmpint (at_ms - last_ms, >=, 20000);
          g_assert_cmpint (at_ms - last_ms, <=, 60020);
        }
      last_ms = at_ms;
      n += nth (&world, i)->type == DESK_INBOUND_EDIT;
    }
  g_assert_cmpuint (world.host->items->len, >=, 29);
  g_assert_cmpuint (n, >=, 1);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  g_unsetenv ("FRONTDESK_DEMO_PACE_S");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/demo/story", test_story);
  g_test_add_func ("/demo/story-once", test_story_once);
  g_test_add_func ("/demo/story-again-after-refusal", test_story_again_after_refusal);
  g_test_add_func ("/demo/answer", test_answer);
  g_test_add_func ("/demo/refusals", test_refusals);
  g_test_add_func ("/demo/determinism", test_determinism);
  g_test_add_func ("/demo/spontaneous", test_spontaneous);
  return g_test_run ();
}
