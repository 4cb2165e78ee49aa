/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

#include "service-fixture.h"

#include <string.h>

#define ADD(name, func)                                                                            \
  g_test_add ("/service/send/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)

static void
assert_code (DeskReply *reply, const char *expected)
{
  g_autofree char *code = take_code (reply);
  g_assert_cmpstr (code, ==, expected);
}

static JsonObject *
get_message (JsonNode *data)
{
  return json_object_get_object_member (json_node_get_object (data), "message");
}

static void
test_plain (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  g_autofree char *before = fixture_take_types (self);
  g_assert_cmpstr (before, ==, "chat_updated,new_message");
  g_autoptr (JsonNode) node
      = take_data (fixture_send (self, self->anna, "7", "hi there", "k1", 1), 201);
  JsonObject *message = get_message (node);
  g_assert_cmpint (json_object_get_int_member (message, "chat_seq"), ==, 2);
  g_assert_cmpstr (json_object_get_string_member (message, "status"), ==, "queued");
  g_assert_cmpstr (json_object_get_string_member (message, "sender_id"), ==, "anna");
  g_assert_cmpstr (json_object_get_string_member (message, "client_message_id"), ==, "k1");
  g_assert_false (json_object_get_boolean_member (json_node_get_object (node), "duplicate"));
  g_assert_cmpint (g_atomic_int_get (&self->wakes), ==, 1);
  /* waiting_since ended, so the chat is told first. */
  g_assert_cmpuint (self->frames0->len, ==, 1);
  g_autofree char *after = fixture_take_types (self);
  g_assert_cmpstr (after, ==, "chat_updated,new_message");
  g_autoptr (JsonNode) owner = NULL;
  JsonObject *chat = fixture_chat (self, self->anna, "7", &owner);
  g_assert_cmpstr (json_object_get_string_member (chat, "last_message"), ==, "hi there");
  g_assert_true (json_object_get_null_member (chat, "waiting_since"));
}

static void
test_idempotency (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_incoming (self, "8", "e1", "hello");
  g_autoptr (JsonNode) first
      = take_data (fixture_send (self, self->anna, "7", "hi", "k1", -1), 201);
  gint64 head = desk_service_get_head (self->service, 0);
  g_autoptr (JsonNode) again
      = take_data (fixture_send (self, self->anna, "7", "hi", "k1", -1), 200);
  g_assert_true (json_object_get_boolean_member (json_node_get_object (again), "duplicate"));
  g_assert_cmpstr (json_object_get_string_member (get_message (again), "id"), ==,
                   json_object_get_string_member (get_message (first), "id"));
  assert_code (fixture_send (self, self->anna, "7", "other", "k1", -1), "IDEMPOTENCY_MISMATCH");
  assert_code (fixture_send (self, self->anna, "8", "hi", "k1", -1), "IDEMPOTENCY_MISMATCH");
  g_assert_cmpint (desk_service_get_head (self->service, 0), ==, head);
  /* The key is the manager's. */
  g_autoptr (JsonNode) other
      = take_data (fixture_send (self, self->bert, "7", "hi", "k1", -1), 201);
  assert_code (fixture_send (self, self->anna, "7", "hi", "", -1), "INVALID");
}

static void
test_key_outlives_message (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  DeskSendRequest note
      = { .text = "first", .client_message_id = "k1", .is_private = TRUE, .seen_seq = -1 };
  g_autoptr (JsonNode) first
      = take_data (fixture_send_full (self, self->anna, "demo", "7", &note), 201);
  for (guint i = 0; i < 110; i++)
    {
      g_autofree char *id = g_strdup_printf ("f%u", i);
      fixture_incoming (self, "7", id, "more");
    }
  g_autoptr (JsonNode) owner = NULL;
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 100);
  g_autoptr (JsonNode) again
      = take_data (fixture_send_full (self, self->anna, "demo", "7", &note), 200);
  g_assert_cmpstr (json_object_get_string_member (get_message (again), "id"), ==,
                   json_object_get_string_member (get_message (first), "id"));
}

static void
test_guards (Fixture *self, gconstpointer data)
{
  g_autofree char *longer = g_strnfill (101, 'x');
  fixture_incoming (self, "7", "e1", "hello");
  gint64 head = desk_service_get_head (self->service, 0);
  assert_code (fixture_send (self, self->anna, "7", "", NULL, -1), "INVALID");
  assert_code (fixture_send (self, self->anna, "7", " \n", NULL, -1), "INVALID");
  assert_code (fixture_send (self, self->anna, "7", longer, NULL, -1), "TEXT_TOO_LONG");
  assert_code (fixture_send (self, self->anna, "99", "hi", NULL, -1), "NOT_FOUND");
  DeskSendRequest request = { .text = "hi", .reply_to = "nothing", .seen_seq = -1 };
  assert_code (fixture_send_full (self, self->anna, "demo", "7", &request), "INVALID");
  g_assert_cmpint (desk_service_get_head (self->service, 0), ==, head);
  /* A refusal binds no key. */
  assert_code (fixture_send (self, self->anna, "7", "", "k1", -1), "INVALID");
  g_autoptr (JsonNode) node = take_data (fixture_send (self, self->anna, "7", "hi", "k1", -1), 201);
  /* What goes to nobody may be longer. */
  DeskSendRequest note = { .text = longer, .is_private = TRUE, .seen_seq = -1 };
  g_autoptr (JsonNode) stored
      = take_data (fixture_send_full (self, self->anna, "demo", "7", &note), 201);
}

static void
test_stale (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "from anna", NULL, 1), 201));
  DeskReply *reply = fixture_send (self, self->bert, "7", "from bert", "b1", 1);
  g_assert_nonnull (strstr (reply->body->str, "from anna"));
  assert_code (reply, "STALE_REPLY");
  /* Her own reply is no reason, neither is a note, nor a bot's. */
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "again", NULL, 1), 201));
  json_node_unref (take_data (fixture_send (self, self->robot, "7", "beep", NULL, -1), 201));
  DeskSendRequest note = { .text = "psst", .is_private = TRUE, .seen_seq = 1 };
  json_node_unref (take_data (fixture_send_full (self, self->bert, "demo", "7", &note), 201));
  json_node_unref (take_data (fixture_send (self, self->bert, "7", "has seen", NULL, 3), 201));
  /* The same key with force. */
  DeskSendRequest forced
      = { .text = "from bert", .client_message_id = "b1", .seen_seq = 1, .force = TRUE };
  json_node_unref (take_data (fixture_send_full (self, self->bert, "demo", "7", &forced), 201));
}

static void
test_window (Fixture *self, gconstpointer data)
{
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "e1", "hello", DESK_DIRECTION_INCOMING);
  DeskMessage *message = ((DeskInboundItem *)inbound->items->pdata[0])->message;
  g_free (message->platform);
  message->platform = g_strdup ("whatsapp");
  g_assert_true (fixture_ingest (self, inbound));
  DeskSendRequest request = { .text = "hi", .seen_seq = -1 };
  json_node_unref (
      take_data (fixture_send_full (self, self->anna, "whatsapp", "7", &request), 201));
  desk_clock_manual_advance_ms (self->clock, 24 * 3600 * 1000 + 1);
  DeskReply *reply = fixture_send_full (self, self->anna, "whatsapp", "7", &request);
  g_assert_nonnull (strstr (reply->body->str, "\"templates\":[]"));
  g_assert_nonnull (strstr (reply->body->str, "\"closed_at\":\""));
  assert_code (reply, "WINDOW_CLOSED");
  request.is_private = TRUE;
  json_node_unref (
      take_data (fixture_send_full (self, self->anna, "whatsapp", "7", &request), 201));
}

static void
test_notes (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  DeskSendRequest note = { .text = "secret", .is_private = TRUE, .seen_seq = -1 };
  g_autoptr (JsonNode) node
      = take_data (fixture_send_full (self, self->anna, "demo", "7", &note), 201);
  g_assert_true (json_object_get_null_member (get_message (node), "status"));
  g_assert_cmpint (g_atomic_int_get (&self->wakes), ==, 0);
  g_assert_cmpuint (self->frames->len, ==, 1);
  g_assert_cmpuint (self->frames0->len, ==, 0);
  /* Level 0's form of the page leaves it out, and so does the preview. */
  g_autoptr (JsonNode) level0 = take_data (desk_service_get_messages (self->service, self->anna,
                                                                      "demo", "7", 50, 0, -1, -1),
                                           200);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (level0)), ==, 1);
  g_autoptr (JsonNode) owner = NULL;
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 2);
  g_autoptr (JsonNode) chat_owner = NULL;
  JsonObject *chat = fixture_chat (self, self->anna, "7", &chat_owner);
  g_assert_cmpstr (json_object_get_string_member (chat, "last_message"), ==, "hello");
  g_assert_false (json_object_get_null_member (chat, "waiting_since"));
}

static void
test_reply_to (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_incoming (self, "8", "e1", "elsewhere");
  g_autoptr (JsonNode) owner = NULL, other_owner = NULL;
  JsonArray *page = fixture_messages (self, "7", &owner);
  const char *id = json_object_get_string_member (json_array_get_object_element (page, 0), "id");
  DeskSendRequest request = { .text = "hi", .reply_to = (char *)id, .seen_seq = -1 };
  g_autoptr (JsonNode) node
      = take_data (fixture_send_full (self, self->anna, "demo", "7", &request), 201);
  JsonObject *quote = json_object_get_object_member (get_message (node), "reply_to");
  g_assert_cmpstr (json_object_get_string_member (quote, "id"), ==, id);
  g_assert_cmpstr (json_object_get_string_member (quote, "text"), ==, "hello");
  page = fixture_messages (self, "8", &other_owner);
  request.reply_to
      = (char *)json_object_get_string_member (json_array_get_object_element (page, 0), "id");
  assert_code (fixture_send_full (self, self->anna, "demo", "7", &request), "INVALID");
}

typedef struct
{
  Fixture *fixture;
  gint created, repeated;
} Race;

static gpointer
race_thread (gpointer data)
{
  Race *race = data;
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *key = g_strdup_printf ("k%u", i);
      DeskReply *reply = fixture_send (race->fixture, race->fixture->anna, "7", key, key, -1);
      g_atomic_int_add (reply->status == 201 ? &race->created : &race->repeated,
                        reply->status <= 201);
      desk_reply_free (reply);
    }
  return NULL;
}

/* One key from eight threads at once: one message. */
static void
test_race (Fixture *self, gconstpointer data)
{
  Race race = { .fixture = self };
  GThread *threads[8];
  fixture_incoming (self, "7", "e1", "hello");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("race", race_thread, &race);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (race.created, ==, 20);
  g_assert_cmpint (race.repeated, ==, 140);
  g_autoptr (JsonNode) owner = NULL;
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 21);
}

/* No space: nothing is stored or published, reads work, and it mends itself. */
static void
test_full (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  g_autofree char *text = g_strnfill (60000, 'n');
  DeskSendRequest note = { .text = text, .is_private = TRUE, .seen_seq = -1 };
  desk_store_sqlite_set_max_pages (self->store, 1);
  guint accepted = 0;
  DeskReply *reply;
  while ((reply = fixture_send_full (self, self->anna, "demo", "7", &note))->status == 201)
    {
      desk_reply_free (reply);
      g_assert_cmpuint (accepted++, <, 100);
    }
  g_assert_cmpint (reply->retry_after_s, >, 0);
  assert_code (reply, "STORAGE_FULL");
  g_assert_cmpuint (self->frames->len, ==, accepted);
  gint64 head = desk_service_get_head (self->service, 0);
  DeskReply *ready = desk_service_get_ready (self->service);
  g_assert_cmpuint (ready->status, ==, 503);
  desk_reply_free (ready);
  g_autoptr (JsonNode) owner = NULL;
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, accepted + 1);
  desk_store_sqlite_set_max_pages (self->store, 0);
  json_node_unref (take_data (fixture_send_full (self, self->anna, "demo", "7", &note), 201));
  g_assert_cmpint (desk_service_get_head (self->service, 0), ==, head + 1);
  ready = desk_service_get_ready (self->service);
  g_assert_cmpuint (ready->status, ==, 200);
  desk_reply_free (ready);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("plain", test_plain);
  ADD ("idempotency", test_idempotency);
  ADD ("key-outlives-message", test_key_outlives_message);
  ADD ("guards", test_guards);
  ADD ("stale", test_stale);
  ADD ("window", test_window);
  ADD ("notes", test_notes);
  ADD ("reply-to", test_reply_to);
  ADD ("race", test_race);
  ADD ("full", test_full);
  return g_test_run ();
}
