/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

#include "server/delivery/desk-delivery.h"
#include "service-fixture.h"

#include <string.h>

/* Delivery with a connector that does what the test tells it, and a clock that moves when the test
 * says so. */

#define TEST_TYPE_CONNECTOR (test_connector_get_type ())
G_DECLARE_FINAL_TYPE (TestConnector, test_connector, TEST, CONNECTOR, DeskConnector)

struct _TestConnector
{
  DeskConnector parent;
  GQueue open;      /* GTask: sends that nobody has answered */
  GPtrArray *texts; /* char*: what was sent, in order */
};

G_DEFINE_TYPE (TestConnector, test_connector, DESK_TYPE_CONNECTOR)

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  GTask *task = data;
  TestConnector *self = g_task_get_source_object (task);
  if (g_queue_remove (&self->open, task))
    {
      g_task_return_pointer (task, desk_outcome_new (DESK_OUTCOME_UNKNOWN, NULL, "cancelled"),
                             (GDestroyNotify)desk_outcome_free);
      g_object_unref (task);
    }
}

static void
send_async (DeskConnector *connector,
            const DeskOutbound *outbound,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  TestConnector *self = TEST_CONNECTOR (connector);
  GTask *task = g_task_new (self, NULL, callback, data);
  g_task_set_task_data (task, g_strdup (outbound->message->text), g_free);
  g_ptr_array_add (self->texts, g_strdup (outbound->message->text));
  g_queue_push_tail (&self->open, task);
  /* The cancellable outlives a task that was answered. */
  g_signal_connect_object (cancellable, "cancelled", G_CALLBACK (on_cancelled), task, 0);
}

static DeskOutcome *
send_finish (DeskConnector *connector, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

static void
test_connector_finalize (GObject *object)
{
  g_ptr_array_unref (TEST_CONNECTOR (object)->texts);
  G_OBJECT_CLASS (test_connector_parent_class)->finalize (object);
}

static void
test_connector_class_init (TestConnectorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_connector_finalize;
  DESK_CONNECTOR_CLASS (klass)->send_async = send_async;
  DESK_CONNECTOR_CLASS (klass)->send_finish = send_finish;
}

static void
test_connector_init (TestConnector *self)
{
  g_queue_init (&self->open);
  self->texts = g_ptr_array_new_with_free_func (g_free);
}

/* ── A delivery around the fixture ──────────────────────────────────────────────────────────── */

typedef struct
{
  Fixture base;
  DeskConnection connection;
  DeskConnectorHost host;
  TestConnector *connector;
  DeskRandom *random;
  DeskDelivery *delivery;
  gboolean stopped;
} Setup;

static void
start (Setup *self)
{
  g_autoptr (GError) error = NULL;
  self->delivery = desk_delivery_new (self->base.service, self->base.clock, self->random);
  desk_delivery_add_connector (self->delivery, DESK_CONNECTOR (self->connector));
  g_assert_true (desk_delivery_start (self->delivery, &error));
}

static void
setup (Setup *self, gconstpointer data)
{
  fixture_setup (&self->base, NULL);
  self->connection.name = "main";
  self->connection.platform = "demo";
  self->random = desk_random_seeded_new (1);
  self->connector = g_object_new (TEST_TYPE_CONNECTOR, "connection", &self->connection, "host",
                                  &self->host, NULL);
  fixture_incoming (&self->base, "7", "e1", "hello");
  fixture_incoming (&self->base, "8", "e1", "hello");
  start (self);
}

static void
on_stopped (gpointer data)
{
  *(gboolean *)data = TRUE;
}

/* Lets the loop and the writer work until the condition holds; FALSE after five seconds. */
#define UNTIL(condition)                                                                           \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gint64 deadline_ = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;                               \
    while (!(condition) && g_get_monotonic_time () < deadline_)                                    \
      if (!g_main_context_iteration (NULL, FALSE))                                                 \
        g_usleep (200);                                                                            \
    g_assert_true (condition);                                                                     \
  }                                                                                                \
  G_STMT_END

static void
stop (Setup *self)
{
  self->stopped = FALSE;
  desk_delivery_stop (self->delivery, 0, on_stopped, &self->stopped);
  UNTIL (self->stopped);
  g_clear_pointer (&self->delivery, desk_delivery_free);
}

static void
teardown (Setup *self, gconstpointer data)
{
  if (self->delivery != NULL)
    stop (self);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_object_unref (self->connector);
  desk_random_unref (self->random);
  fixture_teardown (&self->base, NULL);
}

/* Everything that was written is committed, and what followed from it was looked at. */
static void
settle (Setup *self)
{
  for (guint i = 0; i < 5; i++)
    {
      while (g_main_context_iteration (NULL, FALSE))
        ;
      json_node_unref (take_data (fixture_mark_read (&self->base, self->base.anna, "7", 0), 200));
    }
}

static void
say (Setup *self, const char *user_id, const char *text)
{
  json_node_unref (
      take_data (fixture_send (&self->base, self->base.anna, user_id, text, text, -1), 201));
  desk_delivery_wake (self->delivery);
}

static void
answer (Setup *self, DeskOutcomeType type, gint64 retry_after_ms, gboolean per_chat)
{
  UNTIL (!g_queue_is_empty (&self->connector->open));
  GTask *task = g_queue_pop_head (&self->connector->open);
  DeskOutcome *outcome = desk_outcome_new (type, "X", "told by the test");
  outcome->retry_after_ms = retry_after_ms;
  outcome->per_chat = per_chat;
  if (type == DESK_OUTCOME_SENT)
    outcome->external_id = g_strconcat ("o-", g_task_get_task_data (task), NULL);
  g_task_return_pointer (task, outcome, (GDestroyNotify)desk_outcome_free);
  g_object_unref (task);
}

static void
advance (Setup *self, gint64 ms)
{
  desk_clock_manual_advance_ms (self->base.clock, ms);
  desk_delivery_tick (self->delivery);
}

static char *
status_of (Setup *self, const char *user_id, const char *text)
{
  g_autoptr (JsonNode) owner = NULL;
  JsonArray *page = fixture_messages (&self->base, user_id, &owner);
  for (guint i = 0; i < json_array_get_length (page); i++)
    {
      JsonObject *message = json_array_get_object_element (page, i);
      if (strcmp (json_object_get_string_member (message, "text"), text) == 0)
        return g_strdup (json_object_get_string_member (message, "status"));
    }
  return g_strdup ("none");
}

static gboolean
has_status (Setup *self, const char *user_id, const char *text, const char *expected)
{
  g_autofree char *status = status_of (self, user_id, text);
  return strcmp (status, expected) == 0;
}

static void
test_order (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  say (self, "7", "b");
  say (self, "8", "c");
  UNTIL (self->connector->texts->len == 2);
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 2); /* b waits for a */
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  UNTIL (self->connector->texts->len == 3);
  g_assert_cmpstr (self->connector->texts->pdata[2], ==, "b");
  UNTIL (has_status (self, "7", "a", "sent"));
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  UNTIL (has_status (self, "7", "b", "sent") && has_status (self, "8", "c", "sent"));
}

static void
test_retry (Setup *self, gconstpointer data)
{
  static const gint64 waits[] = { 1000, 2000, 4000, 8000, 16000 };
  say (self, "7", "a");
  say (self, "7", "b");
  for (guint i = 0; i < G_N_ELEMENTS (waits); i++)
    {
      answer (self, DESK_OUTCOME_RETRY, -1, FALSE);
      settle (self);
      advance (self, waits[i] * 79 / 100);
      settle (self);
      g_assert_cmpuint (self->connector->texts->len, ==, i + 1);
      advance (self, waits[i] * 42 / 100);
      UNTIL (self->connector->texts->len == i + 2);
      g_assert_cmpstr (self->connector->texts->pdata[i + 1], ==, "a");
    }
  answer (self, DESK_OUTCOME_RETRY, -1, FALSE);
  UNTIL (has_status (self, "7", "a", "failed"));
  UNTIL (self->connector->texts->len == 7);
  g_assert_cmpstr (self->connector->texts->pdata[6], ==, "b");
}

static void
test_retry_after (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  answer (self, DESK_OUTCOME_RETRY, 10000, TRUE);
  settle (self);
  say (self, "8", "b"); /* another chat does not wait */
  UNTIL (self->connector->texts->len == 2);
  answer (self, DESK_OUTCOME_RETRY, 20000, FALSE);
  settle (self);
  advance (self, 11000);
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 2); /* now the connection waits */
  advance (self, 9500);
  UNTIL (self->connector->texts->len == 4);
}

static void
test_breaker (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  for (guint i = 0; i < 5; i++)
    {
      answer (self, DESK_OUTCOME_NOT_CONNECTED, -1, FALSE);
      settle (self);
      advance (self, i < 4 ? 29000 : 25000);
      settle (self);
    }
  say (self, "8", "b");
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 5);
  advance (self, 6000);
  UNTIL (self->connector->texts->len == 6); /* one probe */
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 6);
  answer (self, DESK_OUTCOME_NOT_CONNECTED, -1, FALSE);
  settle (self);
  advance (self, 29000);
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 6);
  advance (self, 10000);
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  advance (self, 40000);
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  UNTIL (has_status (self, "7", "a", "sent") && has_status (self, "8", "b", "sent"));
}

/* No connection for a day: it fails, and more than six tries were no attempts. */
static void
test_gives_up (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  for (guint i = 0; i < 9; i++)
    {
      answer (self, DESK_OUTCOME_NOT_CONNECTED, -1, FALSE);
      settle (self);
      advance (self, 60000);
    }
  UNTIL (self->connector->texts->len == 10);
  answer (self, DESK_OUTCOME_RETRY, -1, FALSE); /* the first attempt that counts */
  settle (self);
  g_assert_true (has_status (self, "7", "a", "queued"));
  advance (self, 20000);
  UNTIL (self->connector->texts->len == 11);
  desk_clock_manual_advance_ms (self->base.clock, 24 * 3600 * 1000);
  answer (self, DESK_OUTCOME_NOT_CONNECTED, -1, FALSE);
  UNTIL (has_status (self, "7", "a", "failed"));
}

static void
test_unknown_and_permanent (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  say (self, "7", "b");
  answer (self, DESK_OUTCOME_UNKNOWN, -1, FALSE);
  UNTIL (has_status (self, "7", "a", "unknown"));
  answer (self, DESK_OUTCOME_PERMANENT, -1, FALSE);
  UNTIL (has_status (self, "7", "b", "failed"));
  advance (self, 3600 * 1000);
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 2);
}

static void
keep_reply (DeskReply *reply, gpointer data)
{
  g_atomic_pointer_set ((DeskReply **)data, reply);
}

static DeskReply *
retry (Setup *self, const char *text)
{
  g_autoptr (JsonNode) owner = NULL;
  JsonArray *page = fixture_messages (&self->base, "7", &owner);
  DeskReply *reply = NULL;
  for (guint i = 0; i < json_array_get_length (page); i++)
    {
      JsonObject *message = json_array_get_object_element (page, i);
      if (strcmp (json_object_get_string_member (message, "text"), text) == 0)
        desk_service_retry (self->base.service, self->base.anna,
                            json_object_get_string_member (message, "id"), keep_reply, &reply);
    }
  UNTIL (g_atomic_pointer_get (&reply) != NULL);
  return reply;
}

static void
test_retry_by_hand (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  answer (self, DESK_OUTCOME_PERMANENT, -1, FALSE);
  UNTIL (has_status (self, "7", "a", "failed"));
  g_autoptr (JsonNode) node = take_data (retry (self, "a"), 200);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node), "status"), ==,
                   "queued");
  g_assert_true (json_object_get_null_member (json_node_get_object (node), "error"));
  json_node_unref (take_data (retry (self, "a"), 200)); /* twice is once */
  desk_delivery_wake (self->delivery);
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  UNTIL (has_status (self, "7", "a", "sent"));
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 2);
  g_autofree char *code = take_code (retry (self, "a")),
                  *incoming = take_code (retry (self, "hello"));
  g_assert_cmpstr (code, ==, "NOT_SUPPORTED");
  g_assert_cmpstr (incoming, ==, "NOT_SUPPORTED");
}

static void
test_refused (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  answer (self, DESK_OUTCOME_CONNECTION, -1, FALSE);
  settle (self);
  say (self, "8", "b");
  advance (self, 3600 * 1000);
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 1);
  desk_delivery_health_changed (self->delivery, "main", DESK_HEALTH_OK);
  UNTIL (self->connector->texts->len == 3);
  answer (self, DESK_OUTCOME_CONNECTION, -1, FALSE);
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  settle (self);
  advance (self, 24 * 3600 * 1000); /* nobody came to mend it */
  UNTIL (has_status (self, "7", "a", "failed") || has_status (self, "8", "b", "failed"));
}

/* What was on its way when the process died is never sent again. */
static void
test_crash (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  UNTIL (self->connector->texts->len == 1);
  /* Without a word to the worker: the fixture's service goes on, a new worker starts over it. */
  g_autoptr (DeskDelivery) dead = g_steal_pointer (&self->delivery);
  start (self);
  UNTIL (has_status (self, "7", "a", "unknown"));
  settle (self);
  g_assert_cmpuint (self->connector->texts->len, ==, 1);
  answer (self, DESK_OUTCOME_UNKNOWN, -1, FALSE);
  settle (self);
}

static void
test_stop (Setup *self, gconstpointer data)
{
  say (self, "7", "a");
  UNTIL (self->connector->texts->len == 1);
  desk_delivery_stop (self->delivery, 10000, on_stopped, &self->stopped);
  say (self, "8", "b");
  settle (self);
  g_assert_false (self->stopped);
  answer (self, DESK_OUTCOME_SENT, -1, FALSE);
  UNTIL (self->stopped);
  g_assert_true (has_status (self, "7", "a", "sent"));
  g_assert_cmpuint (self->connector->texts->len, ==, 1);
  g_clear_pointer (&self->delivery, desk_delivery_free);
  /* Beyond the deadline the request is cancelled. */
  start (self);
  UNTIL (self->connector->texts->len == 2);
  stop (self);
  g_assert_true (has_status (self, "8", "b", "unknown"));
}

#define ADD(name, func) g_test_add ("/delivery/" name, Setup, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("order", test_order);
  ADD ("retry", test_retry);
  ADD ("retry-after", test_retry_after);
  ADD ("breaker", test_breaker);
  ADD ("gives-up", test_gives_up);
  ADD ("unknown-and-permanent", test_unknown_and_permanent);
  ADD ("retry-by-hand", test_retry_by_hand);
  ADD ("refused", test_refused);
  ADD ("crash", test_crash);
  ADD ("stop", test_stop);
  return g_test_run ();
}
