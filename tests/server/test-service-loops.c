/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* Loops: echoes of our own messages by the hundred, two connections that mirror each other, and
 * webhooks that come again and again from everywhere at once. The counts are exact. */

#include "service-fixture.h"

#include <string.h>

#define ADD(name, func)                                                                            \
  g_test_add ("/service/loops/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)

static guint
count_messages (Fixture *self, const char *user_id)
{
  g_autoptr (JsonNode) owner = NULL;

  return json_array_get_length (fixture_messages (self, user_id, &owner));
}

/* How many frames of the type were published since the last call. */
static guint
count_frames (Fixture *self, const char *type)
{
  g_autofree char *types = fixture_take_types (self);
  g_auto (GStrv) list = g_strsplit (types, ",", -1);
  guint n = 0;

  for (guint i = 0; list[i] != NULL; i++)
    n += strcmp (list[i], type) == 0;
  return n;
}

static void
ignore_ok (gboolean ok, gpointer data)
{
  g_assert_true (ok);
}

/* Delivers what waits: the platform takes it and calls it o-TEXT. */
static void
deliver_all (Fixture *self, DeskOutcomeType type)
{
  for (;;)
    {
      gint64 due;
      g_autoptr (GPtrArray) jobs
          = desk_service_due_jobs (self->service, "main", 99, NULL, &due, NULL);
      if (jobs->len == 0)
        return;
      for (guint i = 0; i < jobs->len; i++)
        {
          const DeskOutbound *outbound = jobs->pdata[i];
          g_autoptr (DeskOutcome) outcome = desk_outcome_new (type, NULL, NULL);
          if (type == DESK_OUTCOME_SENT)
            outcome->external_id = g_strconcat ("o-", outbound->message->text, NULL);
          desk_service_begin_attempt (self->service, outbound->job_id, ignore_ok, NULL);
          desk_service_finish_attempt (self->service, outbound, outcome, ignore_ok, NULL);
        }
      fixture_incoming (self, "settle", "s", "s"); /* waits for the writer */
    }
}

/* Everything that we send comes back five times, in another order, also to another process's
 * connection: nothing is stored twice, nothing trips. */
static void
test_echo_storm (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *text = g_strdup_printf ("reply %u", i);
      json_node_unref (take_data (fixture_send (self, self->anna, "7", text, text, -1), 201));
    }
  deliver_all (self, DESK_OUTCOME_SENT);
  fixture_clear_frames (self);
  for (guint round = 0; round < 5; round++)
    for (guint i = 0; i < 50; i++)
      {
        g_autofree char *text = g_strdup_printf ("reply %u", (i * 7 + round) % 50);
        g_autofree char *id = g_strconcat ("o-", text, NULL);
        DeskInbound *echo
            = fixture_inbound (DESK_INBOUND_MESSAGE, "7", id, text, DESK_DIRECTION_OUTGOING);
        if (round % 2 == 1) /* with and without the key of the first time */
          g_clear_pointer (&((DeskInboundItem *)echo->items->pdata[0])->dedup_key, g_free);
        g_assert_true (fixture_ingest (self, echo));
      }
  g_assert_cmpuint (self->frames->len, ==, 0);
  g_assert_cmpuint (count_messages (self, "7"), ==, 51);
}

/* Nobody knows what became of fifty sends; their echoes come, five times each: each settles one. */
static void
test_unknown_storm (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *text = g_strdup_printf ("reply %u", i);
      json_node_unref (take_data (fixture_send (self, self->anna, "7", text, text, -1), 201));
    }
  deliver_all (self, DESK_OUTCOME_UNKNOWN);
  fixture_clear_frames (self);
  for (guint round = 0; round < 5; round++)
    for (guint i = 0; i < 50; i++)
      {
        g_autofree char *text = g_strdup_printf ("reply %u", (i * 7 + round) % 50);
        g_autofree char *id = g_strconcat ("o-", text, NULL);
        g_assert_true (fixture_ingest (
            self, fixture_inbound (DESK_INBOUND_MESSAGE, "7", id, text, DESK_DIRECTION_OUTGOING)));
      }
  g_assert_cmpuint (count_frames (self, "message_status"), ==, 50);
  g_assert_cmpuint (count_messages (self, "7"), ==, 51);
  g_autoptr (JsonNode) owner = NULL;
  JsonArray *page = fixture_messages (self, "7", &owner);
  for (guint i = 1; i <= 50; i++)
    g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (page, i),
                                                    "status"),
                     ==, "sent");
}

/* A status that tells our own id settles an unknown send, and names it. */
static void
test_unknown_by_status (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "hi", "k1", -1), 201));
  deliver_all (self, DESK_OUTCOME_UNKNOWN);
  for (guint i = 0; i < 3; i++)
    {
      DeskInbound *inbound
          = fixture_inbound (DESK_INBOUND_STATUS, "7", "o1", NULL, DESK_DIRECTION_OUTGOING);
      DeskMessage *told = ((DeskInboundItem *)inbound->items->pdata[0])->message;
      told->client_message_id = g_strdup ("k1");
      told->status = DESK_STATUS_DELIVERED;
      g_assert_true (fixture_ingest (self, inbound));
    }
  g_autoptr (JsonNode) owner = NULL;
  JsonObject *message = json_array_get_object_element (fixture_messages (self, "7", &owner), 1);
  g_assert_cmpstr (json_object_get_string_member (message, "status"), ==, "delivered");
  g_assert_cmpstr (json_object_get_string_member (message, "external_id"), ==, "o1");
  gint64 due;
  g_autoptr (GPtrArray) jobs = desk_service_due_jobs (self->service, "main", 9, NULL, &due, NULL);
  g_assert_cmpuint (jobs->len, ==, 0); /* nothing is sent again */
}

/* What one of two connections stores, somebody's program writes into the other, for ever. */
static void
test_mirrored_partners (Fixture *self, gconstpointer data)
{
  static const char *const chats[] = { "left", "right" };
  guint side = 1, stored = 1, hops = 0;

  fixture_incoming (self, "left", "e1", "hello");
  fixture_incoming (self, "right", "e1", "hello");
  fixture_clear_frames (self);
  while (stored > 0 && hops < 1000)
    {
      g_autofree char *id = g_strdup_printf ("m%u", hops++);
      DeskInbound *inbound = fixture_inbound (DESK_INBOUND_MESSAGE, chats[side], id, "hello",
                                              DESK_DIRECTION_OUTGOING);
      g_free (inbound->connection);
      inbound->connection = g_strdup (chats[side]);
      const guint before = count_messages (self, chats[side]);
      desk_clock_manual_advance_ms (self->clock, 100);
      g_assert_true (fixture_ingest (self, inbound));
      stored = count_messages (self, chats[side]) - before;
      side = 1 - side;
    }
  /* twenty each are believed; the next ends it, with one notice */
  g_assert_cmpuint (count_messages (self, "right"), ==, 21);
  g_assert_cmpuint (count_messages (self, "left"), ==, 21);
  g_assert_cmpuint (hops, ==, 41);
  g_assert_cmpuint (count_frames (self, "notification"), ==, 1);
  /* a customer is still heard */
  fixture_incoming (self, "right", "e2", "anybody?");
  g_assert_cmpuint (count_messages (self, "right"), ==, 22);
}

/* Slower than the breaker thinks a loop to be: people who answer on their telephones. */
static void
test_calm_mirror (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  for (guint i = 0; i < 60; i++)
    {
      g_autofree char *id = g_strdup_printf ("o%u", i);
      desk_clock_manual_advance_ms (self->clock, 501);
      fixture_ingest (self, fixture_inbound (DESK_INBOUND_MESSAGE, "7", id, "typed",
                                             DESK_DIRECTION_OUTGOING));
    }
  g_assert_cmpuint (count_messages (self, "7"), ==, 61);
  g_assert_cmpuint (count_frames (self, "notification"), ==, 0);
}

/* ── Webhook retries ────────────────────────────────────────────────────────────────────────── */

#define STORM_THREADS  8
#define STORM_PAYLOADS 200
#define STORM_TIMES    5

typedef struct
{
  Fixture *fixture;
  guint thread;
  gint *left;
} Storm;

static void
count_down (gboolean stored, const GError *error, gpointer data)
{
  g_assert_true (stored);
  g_atomic_int_add ((gint *)data, -1);
}

static gpointer
storm (gpointer data)
{
  Storm *self = data;

  for (guint time = 0; time < STORM_TIMES; time++)
    for (guint i = 0; i < STORM_PAYLOADS; i++)
      {
        const guint n = (i * 13 + self->thread * 29 + time) % STORM_PAYLOADS;
        g_autofree char *id = g_strdup_printf ("w%u", n);
        g_autofree char *user = g_strdup_printf ("u%u", n % 10);
        desk_service_ingest (self->fixture->service,
                             fixture_inbound (DESK_INBOUND_MESSAGE, user, id, id,
                                              DESK_DIRECTION_INCOMING),
                             count_down, self->left);
      }
  return NULL;
}

/* Every payload five times from each of eight connections at once. */
static void
test_retry_storm (Fixture *self, gconstpointer data)
{
  gint left = STORM_THREADS * STORM_PAYLOADS * STORM_TIMES;
  GThread *threads[STORM_THREADS];
  Storm storms[STORM_THREADS];
  guint total = 0;

  for (guint i = 0; i < STORM_THREADS; i++)
    {
      storms[i] = (Storm){ self, i, &left };
      threads[i] = g_thread_new ("storm", storm, &storms[i]);
    }
  for (guint i = 0; i < STORM_THREADS; i++)
    g_thread_join (threads[i]);
  fixture_incoming (self, "settle", "s", "s");
  g_assert_cmpint (g_atomic_int_get (&left), ==, 0);
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *user = g_strdup_printf ("u%u", i);
      total += count_messages (self, user);
    }
  g_assert_cmpuint (total, ==, STORM_PAYLOADS);
  g_assert_cmpuint (count_frames (self, "new_message"), ==, STORM_PAYLOADS + 1);
  g_autoptr (GString) metrics = g_string_new (NULL);
  desk_service_write_metrics (self->service, metrics);
  g_autofree char *line = g_strdup_printf (
      "frontdesk_duplicates_total %u\n", STORM_PAYLOADS * (STORM_THREADS * STORM_TIMES - 1));
  g_assert_nonnull (strstr (metrics->str, line));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("echo-storm", test_echo_storm);
  ADD ("unknown-storm", test_unknown_storm);
  ADD ("unknown-by-status", test_unknown_by_status);
  ADD ("mirrored-partners", test_mirrored_partners);
  ADD ("calm-mirror", test_calm_mirror);
  ADD ("retry-storm", test_retry_storm);
  return g_test_run ();
}
