/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

#include "service-fixture.h"

#include <string.h>

#define ADD(name, func)                                                                            \
  g_test_add ("/service/ingest/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)

static DeskMessage *
message_of (DeskInbound *inbound)
{
  return ((DeskInboundItem *)inbound->items->pdata[0])->message;
}

static JsonObject *
nth_message (Fixture *self, guint n, JsonNode **owner)
{
  JsonArray *page = fixture_messages (self, "7", owner);
  g_assert_cmpuint (json_array_get_length (page), >, n);
  return json_array_get_object_element (page, n);
}

static void
assert_types (Fixture *self, const char *expected)
{
  g_autofree char *types = fixture_take_types (self);
  g_assert_cmpstr (types, ==, expected);
}

static void
test_dedup (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  fixture_incoming (self, "7", "e1", "hello");
  assert_types (self, "chat_updated,new_message");
  fixture_incoming (self, "7", "e1", "hello");
  assert_types (self, "");
  /* Without the key the external id still tells. */
  DeskInbound *again
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "e1", "hello", DESK_DIRECTION_INCOMING);
  g_clear_pointer (&((DeskInboundItem *)again->items->pdata[0])->dedup_key, g_free);
  g_assert_true (fixture_ingest (self, again));
  assert_types (self, "");
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 1);
  fixture_incoming (self, "7", "e2", "more");
  assert_types (self, "new_message");
}

static void
test_sequences (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL, chat_owner = NULL;
  fixture_incoming (self, "7", "e1", "one");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "two", NULL, -1), 201));
  fixture_incoming (self, "7", "e3", "three");
  JsonArray *page = fixture_messages (self, "7", &owner);
  g_assert_cmpint (json_object_get_int_member (json_array_get_object_element (page, 2), "chat_seq"),
                   ==, 3);
  g_assert_cmpint (json_object_get_int_member (json_array_get_object_element (page, 2), "in_seq"),
                   ==, 2);
  JsonObject *chat = fixture_chat (self, self->anna, "7", &chat_owner);
  g_assert_cmpint (json_object_get_int_member (chat, "unread"), ==, 2);
  g_assert_cmpint (json_object_get_int_member (chat, "last_chat_seq"), ==, 3);
  g_assert_cmpstr (json_object_get_string_member (chat, "user_name"), ==, "Customer");
}

static void
test_edit (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  fixture_incoming (self, "7", "e1", "helo");
  fixture_clear_frames (self);
  fixture_ingest (self,
                  fixture_inbound (DESK_INBOUND_EDIT, "7", "e1", "helo", DESK_DIRECTION_INCOMING));
  assert_types (self, "");
  fixture_ingest (self,
                  fixture_inbound (DESK_INBOUND_EDIT, "7", "e1", "hello", DESK_DIRECTION_INCOMING));
  assert_types (self, "message_updated,chat_updated");
  JsonObject *message = nth_message (self, 0, &owner);
  g_assert_cmpstr (json_object_get_string_member (message, "text"), ==, "hello");
  g_assert_cmpint (json_object_get_int_member (message, "rev"), ==, 2);
  g_assert_false (json_object_get_null_member (message, "edited_at"));
  /* Of nothing that we know. */
  fixture_ingest (self,
                  fixture_inbound (DESK_INBOUND_EDIT, "7", "e9", "x", DESK_DIRECTION_INCOMING));
  fixture_ingest (self,
                  fixture_inbound (DESK_INBOUND_EDIT, "70", "e1", "x", DESK_DIRECTION_INCOMING));
  assert_types (self, "");
}

/* ── Albums ─────────────────────────────────────────────────────────────────────────────────── */
static DeskInbound *
album_part (DeskInboundType type, const char *external_id, const char *text, const char *file)
{
  DeskInbound *inbound = fixture_inbound (type, "7", external_id, text, DESK_DIRECTION_INCOMING);
  DeskInboundItem *item = inbound->items->pdata[0];
  DeskAttachment *attachment = desk_attachment_new (NULL);
  attachment->external_id = g_strdup (file);
  attachment->state = g_strdup ("pending");
  item->message->kind = DESK_KIND_IMAGE;
  g_ptr_array_add (item->message->attachments, attachment);
  if (type == DESK_INBOUND_MESSAGE)
    item->album = g_strdup ("g1");
  return inbound;
}

static char *
describe_album (Fixture *self, guint n)
{
  g_autoptr (JsonNode) owner = NULL;
  JsonObject *message = nth_message (self, n, &owner);
  JsonArray *files = json_object_get_array_member (message, "attachments");
  GString *text = g_string_new (json_object_get_string_member (message, "text"));
  for (guint i = 0; i < json_array_get_length (files); i++)
    {
      JsonObject *file = json_array_get_object_element (files, i);
      g_string_append_printf (text, "|%s %s",
                              json_object_get_string_member_with_default (file, "external_id", "-"),
                              json_object_get_string_member (file, "state"));
    }
  return g_string_free (text, FALSE);
}

static void
assert_album (Fixture *self, const char *expected)
{
  g_autofree char *found = describe_album (self, 0);
  g_assert_cmpstr (found, ==, expected);
}

/* Parts one by one, with another message and a restart between them, and each of them twice, are one
 * message; what comes after them is not. */
static void
test_album (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL, chat_owner = NULL;
  fixture_ingest (self, album_part (DESK_INBOUND_MESSAGE, "10", "", "a"));
  assert_types (self, "chat_updated,new_message");
  fixture_incoming (self, "7", "11", "in between");
  fixture_reopen (self);
  fixture_clear_frames (self);
  fixture_ingest (self, album_part (DESK_INBOUND_MESSAGE, "12", "Both", "b"));
  assert_types (self, "message_updated");
  for (guint i = 0; i < 2; i++)
    {
      fixture_ingest (self, album_part (DESK_INBOUND_MESSAGE, "13", "", "c"));
      DeskInbound *again = album_part (DESK_INBOUND_MESSAGE, "12", "Both", "b");
      g_clear_pointer (&((DeskInboundItem *)again->items->pdata[0])->dedup_key, g_free);
      fixture_ingest (self, again);
    }
  assert_types (self, "message_updated");
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 2);
  g_autofree char *found = describe_album (self, 0);
  g_assert_cmpstr (found, ==, "Both|a pending|b pending|c pending");
  g_assert_cmpint (json_object_get_int_member (fixture_chat (self, self->anna, "7", &chat_owner),
                                               "unread"),
                   ==, 2);
  /* a part is quoted and reacted to as the whole */
  DeskInbound *reply
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "14", "that one", DESK_DIRECTION_INCOMING);
  ((DeskInboundItem *)reply->items->pdata[0])->reply_to_external_id = g_strdup ("13");
  fixture_ingest (self, reply);
  g_autoptr (JsonNode) quoting = NULL;
  JsonObject *quote
      = json_object_get_object_member (nth_message (self, 2, &quoting), "reply_to");
  g_assert_cmpint (json_object_get_int_member (quote, "chat_seq"), ==, 1);
  /* and where the platform tells which words of it are meant, those are shown */
  DeskInbound *words
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "16", "these", DESK_DIRECTION_INCOMING);
  ((DeskInboundItem *)words->items->pdata[0])->reply_to_external_id = g_strdup ("11");
  ((DeskInboundItem *)words->items->pdata[0])->quote = g_strdup ("between");
  fixture_ingest (self, words);
  g_autoptr (JsonNode) worded = NULL;
  quote = json_object_get_object_member (nth_message (self, 3, &worded), "reply_to");
  g_assert_cmpstr (json_object_get_string_member (quote, "text"), ==, "between");
  /* another album */
  DeskInbound *other = album_part (DESK_INBOUND_MESSAGE, "15", "", "d");
  g_free (((DeskInboundItem *)other->items->pdata[0])->album);
  ((DeskInboundItem *)other->items->pdata[0])->album = g_strdup ("g2");
  fixture_clear_frames (self);
  fixture_ingest (self, other);
  assert_types (self, "new_message");
}

static void
test_album_changes (Fixture *self, gconstpointer data)
{
  fixture_ingest (self, album_part (DESK_INBOUND_MESSAGE, "10", "One", "a"));
  fixture_ingest (self, album_part (DESK_INBOUND_MESSAGE, "12", "", "b"));
  fixture_clear_frames (self);
  /* an edit tells of one file and does not take the others away */
  fixture_ingest (self, album_part (DESK_INBOUND_EDIT, "12", "", "b"));
  assert_types (self, "");
  fixture_ingest (self, album_part (DESK_INBOUND_EDIT, "10", "Two", "a"));
  assert_album (self, "Two|a pending|b pending");
  fixture_ingest (self, album_part (DESK_INBOUND_EDIT, "12", "", "b2"));
  assert_album (self, "Two|a pending|b2 pending");
  fixture_ingest (self, fixture_inbound (DESK_INBOUND_DELETE, "7", "10", NULL,
                                         DESK_DIRECTION_INCOMING));
  assert_album (self, "Two|- gone|b2 pending");
  fixture_ingest (self, album_part (DESK_INBOUND_EDIT, "12", "Three", "b2"));
  assert_album (self, "Three|- gone|b2 pending");
  fixture_ingest (self, fixture_inbound (DESK_INBOUND_DELETE, "7", "12", NULL,
                                         DESK_DIRECTION_INCOMING));
  assert_album (self, "");
  fixture_clear_frames (self);
  fixture_ingest (self, album_part (DESK_INBOUND_MESSAGE, "13", "", "c"));
  assert_types (self, ""); /* it was taken back before it came */
}

static void
test_delete (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL, chat_owner = NULL;
  fixture_incoming (self, "7", "e1", "oops");
  fixture_clear_frames (self);
  for (guint i = 0; i < 2; i++)
    fixture_ingest (self, fixture_inbound (DESK_INBOUND_DELETE, "7", "e1", NULL,
                                           DESK_DIRECTION_INCOMING));
  assert_types (self, "message_deleted,chat_updated");
  JsonObject *message = nth_message (self, 0, &owner);
  g_assert_cmpstr (json_object_get_string_member (message, "text"), ==, "");
  g_assert_false (json_object_get_null_member (message, "deleted_at"));
  JsonObject *chat = fixture_chat (self, self->anna, "7", &chat_owner);
  g_assert_cmpstr (json_object_get_string_member (chat, "last_message"), ==, "");
  g_assert_cmpint (json_object_get_int_member (chat, "unread"), ==, 1); /* tombstones count */
}

static void
react (Fixture *self, const char *by, const char *emoji)
{
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_REACTION, "7", "e1", NULL, DESK_DIRECTION_INCOMING);
  message_of (inbound)->sender_id = g_strdup (by);
  if (emoji != NULL)
    g_ptr_array_add (message_of (inbound)->reactions, desk_reaction_new (emoji, by));
  g_assert_true (fixture_ingest (self, inbound));
}

static void
test_reaction (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  react (self, "c1", "+");
  react (self, "c2", "-");
  react (self, "c1", "+");
  assert_types (self, "message_updated,message_updated");
  react (self, "c1", NULL);
  JsonArray *reactions = json_object_get_array_member (nth_message (self, 0, &owner), "reactions");
  g_assert_cmpuint (json_array_get_length (reactions), ==, 1);
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (reactions, 0),
                                                  "by"),
                   ==, "c2");
}

static void
tell_status (Fixture *self, const char *external_id, const char *client_id, DeskStatus status)
{
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_STATUS, "7", external_id, NULL, DESK_DIRECTION_OUTGOING);
  message_of (inbound)->status = status;
  message_of (inbound)->client_message_id = g_strdup (client_id);
  g_assert_true (fixture_ingest (self, inbound));
}

static void
assert_status (Fixture *self, guint n, const char *expected)
{
  g_autoptr (JsonNode) owner = NULL;
  g_assert_cmpstr (json_object_get_string_member (nth_message (self, n, &owner), "status"), ==,
                   expected);
}

static void
test_status (Fixture *self, gconstpointer data)
{
  gint64 due;
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "hi", "k1", -1), 201));
  fixture_clear_frames (self);
  tell_status (self, "o1", "k1", DESK_STATUS_DELIVERED);
  assert_status (self, 1, "delivered");
  tell_status (self, "o1", NULL, DESK_STATUS_SENT); /* never falls */
  assert_status (self, 1, "delivered");
  tell_status (self, "o1", NULL, DESK_STATUS_READ);
  tell_status (self, "o1", NULL, DESK_STATUS_FAILED);
  assert_status (self, 1, "read");
  assert_types (self, "message_status,message_status");
  /* What the platform has is not sent again. */
  g_autoptr (GPtrArray) jobs = desk_service_due_jobs (self->service, "main", 9, NULL, &due, NULL);
  g_assert_cmpuint (jobs->len, ==, 0);
}

static void
test_read_up_to (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "one", "k1", -1), 201));
  desk_clock_manual_advance_ms (self->clock, 1000);
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "two", "k2", -1), 201));
  tell_status (self, "o1", "k1", DESK_STATUS_SENT);
  tell_status (self, "o2", "k2", DESK_STATUS_SENT);
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_READ_UP_TO, "7", NULL, NULL, DESK_DIRECTION_OUTGOING);
  message_of (inbound)->created_at_ms = START_MS + 500;
  g_assert_true (fixture_ingest (self, inbound));
  assert_status (self, 1, "read");
  assert_status (self, 2, "sent");
}

static void
test_echo (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "hi", "k1", -1), 201));
  tell_status (self, "o1", "k1", DESK_STATUS_SENT);
  fixture_clear_frames (self);
  fixture_ingest (self,
                  fixture_inbound (DESK_INBOUND_MESSAGE, "7", "o1", "hi", DESK_DIRECTION_OUTGOING));
  assert_types (self, "");
  /* From the owner's telephone: a message of a manager whom nobody knows. */
  fixture_ingest (self, fixture_inbound (DESK_INBOUND_MESSAGE, "7", "o2", "from afar",
                                         DESK_DIRECTION_OUTGOING));
  assert_types (self, "new_message");
  JsonObject *message = nth_message (self, 2, &owner);
  g_assert_cmpstr (json_object_get_string_member (message, "source"), ==, "echo");
  g_assert_cmpstr (json_object_get_string_member (message, "status"), ==, "sent");
}

static void
count_begun (gboolean ok, gpointer data)
{
  g_atomic_int_add ((gint *)data, ok ? 1 : 100);
}

/* The echo overtakes the answer to our request. */
static void
test_early_echo (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  gint64 due;
  gint begun = 0;
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "hi", "k1", -1), 201));
  g_autoptr (GPtrArray) jobs = desk_service_due_jobs (self->service, "main", 9, NULL, &due, NULL);
  DeskOutbound *outbound = jobs->pdata[0];
  desk_service_begin_attempt (self->service, outbound->job_id, count_begun, &begun);
  fixture_ingest (self,
                  fixture_inbound (DESK_INBOUND_MESSAGE, "7", "o1", "hi", DESK_DIRECTION_OUTGOING));
  g_assert_cmpint (g_atomic_int_get (&begun), ==, 1);
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 2);
  assert_status (self, 1, "sent");
  g_autoptr (DeskOutcome) outcome = desk_outcome_new (DESK_OUTCOME_UNKNOWN, NULL, NULL);
  desk_service_finish_attempt (self->service, outbound, outcome, count_begun, &begun);
  fixture_incoming (self, "7", "e2", "next");
  g_assert_cmpint (g_atomic_int_get (&begun), ==, 2);
  assert_status (self, 1, "sent");
}

/* A platform whose answers tell no id: what was sent is known by its text when it comes back, each once. */
static void
test_echo_without_id (Fixture *self, gconstpointer data)
{
  static const char *const keys[] = { "k1", "k2" };
  gint done = 0;
  fixture_incoming (self, "7", "e1", "hello");
  for (guint i = 0; i < 2; i++)
    {
      gint64 due;
      json_node_unref (take_data (fixture_send (self, self->anna, "7", "hi", keys[i], -1), 201));
      g_autoptr (GPtrArray) jobs
          = desk_service_due_jobs (self->service, "main", 9, NULL, &due, NULL);
      g_assert_cmpuint (jobs->len, ==, 1);
      g_autoptr (DeskOutcome) outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);
      desk_service_begin_attempt (self->service, ((DeskOutbound *)jobs->pdata[0])->job_id,
                                  count_begun, &done);
      desk_service_finish_attempt (self->service, jobs->pdata[0], outcome, count_begun, &done);
      fixture_incoming (self, "7", keys[i], "go on"); /* commits after both */
    }
  g_assert_cmpint (g_atomic_int_get (&done), ==, 4);
  for (guint i = 0; i < 4; i++) /* the second half comes again */
    fixture_ingest (self, fixture_inbound (DESK_INBOUND_MESSAGE, "7", i % 2 == 0 ? "o1" : "o2", "hi",
                                           DESK_DIRECTION_OUTGOING));
  g_autoptr (JsonNode) before = NULL, after = NULL;
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &before)), ==, 5);
  /* a third one is somebody's who wrote on the platform itself; and old ones are left alone */
  fixture_ingest (self,
                  fixture_inbound (DESK_INBOUND_MESSAGE, "7", "o3", "hi", DESK_DIRECTION_OUTGOING));
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &after)), ==, 6);
}

static void
test_chat_told (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      DeskInbound *inbound
          = fixture_inbound (DESK_INBOUND_CHAT, "7", NULL, NULL, DESK_DIRECTION_INCOMING);
      DeskInboundItem *item = inbound->items->pdata[0];
      item->metadata = g_strdup ("{\"item_price\":12000000}");
      item->partner_room_id = g_strdup (i == 2 ? "another" : "room-7");
      message_of (inbound)->user_name = g_strdup ("Linh");
      fixture_ingest (self, inbound);
      /* it makes no chat, and the same again is no news */
      assert_types (self, i == 1 ? "chat_updated" : "");
      if (i == 0)
        fixture_incoming (self, "7", "e1", "hello");
      fixture_clear_frames (self);
    }
  g_autoptr (JsonNode) owner = NULL;
  JsonObject *chat = fixture_chat (self, self->anna, "7", &owner);
  JsonObject *partner = json_object_get_object_member (chat, "partner");
  g_assert_cmpstr (json_object_get_string_member (partner, "name"), ==, "demo");
  g_assert_cmpstr (json_object_get_string_member (partner, "room_id"), ==, "room-7");
  g_assert_cmpstr (json_object_get_string_member (chat, "user_name"), ==, "Linh");
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (chat, "metadata"),
                                               "item_price"),
                   ==, 12000000);
}

static void
test_loop (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL, later = NULL;
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  for (guint i = 0; i < 30; i++)
    {
      g_autofree char *id = g_strdup_printf ("o%u", i);
      fixture_ingest (self, fixture_inbound (DESK_INBOUND_MESSAGE, "7", id, "loop",
                                             DESK_DIRECTION_OUTGOING));
    }
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 21);
  g_autofree char *types = fixture_take_types (self);
  g_assert_true (g_str_has_suffix (types, ",notification"));
  desk_clock_manual_advance_ms (self->clock, 61000);
  fixture_ingest (self, fixture_inbound (DESK_INBOUND_MESSAGE, "7", "late", "calm",
                                         DESK_DIRECTION_OUTGOING));
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &later)), ==, 22);
}

static void
test_quote (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  fixture_incoming (self, "7", "e1", "the question");
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "e2", "re", DESK_DIRECTION_INCOMING);
  ((DeskInboundItem *)inbound->items->pdata[0])->reply_to_external_id = g_strdup ("e1");
  g_assert_true (fixture_ingest (self, inbound));
  JsonObject *quote = json_object_get_object_member (nth_message (self, 1, &owner), "reply_to");
  g_assert_cmpstr (json_object_get_string_member (quote, "text"), ==, "the question");
  g_assert_cmpint (json_object_get_int_member (quote, "chat_seq"), ==, 1);
}

static void
test_typing_and_checkpoint (Fixture *self, gconstpointer data)
{
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_TYPING, "7", NULL, NULL, DESK_DIRECTION_INCOMING);
  inbound->checkpoint = g_strdup ("42");
  fixture_clear_frames (self);
  g_assert_true (fixture_ingest (self, inbound));
  g_assert_cmpuint (self->ephemeral->len, ==, 1);
  g_assert_cmpuint (self->frames->len, ==, 0);
  fixture_reopen (self);
  g_autofree char *checkpoint = desk_service_get_checkpoint (self->service, "main");
  g_assert_cmpstr (checkpoint, ==, "42");
  g_assert_null (desk_service_get_checkpoint (self->service, "other"));
}

/* What cannot be digested is confirmed and does not block what follows. */
static void
test_bad_item (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_MESSAGE, "", "e0", "nobody", DESK_DIRECTION_INCOMING);
  g_autoptr (DeskInbound) good = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "e1",
                                                  "a\xff"
                                                  "b",
                                                  DESK_DIRECTION_INCOMING);
  g_ptr_array_add (inbound->items, g_ptr_array_steal_index (good->items, 0));
  g_assert_true (fixture_ingest (self, inbound));
  g_assert_cmpstr (json_object_get_string_member (nth_message (self, 0, &owner), "text"), ==,
                   "a\xef\xbf\xbd"
                   "b");
}

/* A message that the codec would refuse is shown as a placeholder and stops nobody. */
static void
test_over_limits (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  g_autofree char *long_id = g_strnfill (3000, 'i');
  fixture_incoming (self, "7", long_id, "readable");
  JsonObject *message = nth_message (self, 0, &owner);
  g_assert_cmpstr (json_object_get_string_member (message, "kind"), ==, "unsupported");
  g_assert_cmpstr (json_object_get_string_member (message, "text"), ==, "readable");
  for (guint i = 0; i < self->frames->len; i++)
    {
      const char *frame = self->frames->pdata[i];
      g_autoptr (DeskEvent) event = desk_wire_read_event (frame, strlen (frame), NULL);
      g_assert_nonnull (event);
    }
  fixture_incoming (self, "7", "e1", "hello");
  DeskInbound *edit = fixture_inbound (DESK_INBOUND_EDIT, "7", "e1", "x", DESK_DIRECTION_INCOMING);
  for (guint i = 0; i < 200; i++)
    g_ptr_array_add (message_of (edit)->attachments, desk_attachment_new ("f"));
  fixture_clear_frames (self);
  g_assert_true (fixture_ingest (self, edit));
  assert_types (self, "");
}

static void
test_chat_moves (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_CHAT_ID_CHANGED, "7", NULL, NULL, DESK_DIRECTION_INCOMING);
  ((DeskInboundItem *)inbound->items->pdata[0])->new_user_id = g_strdup ("-1007");
  g_assert_true (fixture_ingest (self, inbound));
  assert_types (self, "chat_erased,chat_updated");
  g_autoptr (JsonNode) owner = NULL;
  JsonArray *page = fixture_messages (self, "-1007", &owner);
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (page, 0),
                                                  "user_id"),
                   ==, "-1007");
  g_autofree char *code
      = take_code (desk_service_get_chat (self->service, self->anna, "demo", "7"));
  g_assert_cmpstr (code, ==, "NOT_FOUND");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("dedup", test_dedup);
  ADD ("sequences", test_sequences);
  ADD ("edit", test_edit);
  ADD ("album", test_album);
  ADD ("album-changes", test_album_changes);
  ADD ("delete", test_delete);
  ADD ("reaction", test_reaction);
  ADD ("status", test_status);
  ADD ("read-up-to", test_read_up_to);
  ADD ("echo", test_echo);
  ADD ("early-echo", test_early_echo);
  ADD ("echo-without-id", test_echo_without_id);
  ADD ("chat-told", test_chat_told);
  ADD ("loop", test_loop);
  ADD ("quote", test_quote);
  ADD ("typing-and-checkpoint", test_typing_and_checkpoint);
  ADD ("bad-item", test_bad_item);
  ADD ("over-limits", test_over_limits);
  ADD ("chat-moves", test_chat_moves);
  return g_test_run ();
}
