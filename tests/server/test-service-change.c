/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* What managers change of chats, profiles and canned replies. */

#include <string.h>

#include "server/service/desk-service-change.h"
#include "service-fixture.h"

#define ADD(name, func)                                                                            \
  g_test_add ("/service/change/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)
#define HOUR_MS G_GINT64_CONSTANT (3600000)

static void
assert_code (DeskReply *reply, const char *expected)
{
  g_autofree char *code = take_code (reply);
  g_assert_cmpstr (code, ==, expected);
}

static void
assert_invalid (DeskReply *reply, const char *field)
{
  g_autofree char *wanted = g_strdup_printf ("\"field\":\"%s\"", field);
  g_assert_cmpuint (reply->status, ==, 422);
  g_assert_nonnull (strstr (reply->body->str, wanted));
  desk_reply_free (reply);
}

static void
assert_types (Fixture *self, const char *expected)
{
  g_autofree char *types = fixture_take_types (self);
  g_assert_cmpstr (types, ==, expected);
}

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */

static DeskReply *
patch_chat (Fixture *self, DeskIdentity *who, const char *user_id, const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChatPatch) patch = desk_wire_read_chat_patch (json, strlen (json), &error);
  FixtureWait wait;
  g_assert_no_error (error);
  fixture_wait_init (&wait);
  desk_service_change_chat (self->service, who, "demo", user_id, patch, fixture_on_reply, &wait);
  return fixture_wait_end (&wait);
}

static JsonNode *
take_chat (Fixture *self, const char *json)
{
  return take_data (patch_chat (self, self->anna, "7", json), 200);
}

static char *
text_of (JsonNode *node, const char *member)
{
  return desk_json_to_text (json_object_get_member (json_node_get_object (node), member));
}

static void
assert_member (JsonNode *node, const char *member, const char *expected)
{
  g_autofree char *text = text_of (node, member);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_chat (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  g_autoptr (JsonNode) chat
      = take_chat (self, "{\"assignee\":\"bert\",\"state\":\"resolved\",\"add_labels\":[\"vip\","
                         "\"late\",\"vip\"],\"metadata\":{\"a\":1,\"b\":\"x\"}}");
  assert_member (chat, "assignee", "\"bert\"");
  assert_member (chat, "state", "\"resolved\"");
  assert_member (chat, "labels", "[\"vip\",\"late\"]");
  assert_member (chat, "metadata", "{\"a\":1,\"b\":\"x\"}");
  g_assert_null (strstr (self->frames->pdata[0], "\"muted\""));
  g_assert_cmpuint (self->frames0->len, ==, 0);
  assert_types (self, "chat_updated");
  g_autoptr (JsonNode) next
      = take_chat (self, "{\"assignee\":null,\"remove_labels\":[\"vip\",\"no\"],"
                         "\"metadata\":{\"a\":null}}");
  assert_member (next, "assignee", "null");
  assert_member (next, "labels", "[\"late\"]");
  assert_member (next, "metadata", "{\"b\":\"x\"}");
  fixture_reopen (self);
  g_autoptr (JsonNode) kept = take_chat (self, "{}");
  assert_member (kept, "labels", "[\"late\"]");
  assert_member (kept, "state", "\"resolved\"");
}

static void
test_conflict (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  g_autoptr (JsonNode) chat = take_chat (self, "{\"add_labels\":[\"a\"]}");
  gint64 rev = json_object_get_int_member (json_node_get_object (chat), "rev");
  g_autofree char *stale = g_strdup_printf (
      "{\"base_rev\":%" G_GINT64_FORMAT ",\"add_labels\":[\"b\"]}", rev - 1);
  g_autofree char *same = g_strdup_printf (
      "{\"base_rev\":%" G_GINT64_FORMAT ",\"add_labels\":[\"a\"]}", rev - 1);
  g_autofree char *current
      = g_strdup_printf ("{\"base_rev\":%" G_GINT64_FORMAT ",\"add_labels\":[\"b\"]}", rev);
  fixture_clear_frames (self);
  DeskReply *refused = patch_chat (self, self->anna, "7", stale);
  g_assert_nonnull (strstr (refused->body->str, "\"details\":{\"platform\":\"demo\""));
  assert_code (refused, "CONFLICT");
  json_node_unref (take_chat (self, same)); /* the answer was lost: nothing is left to do */
  assert_types (self, "");
  json_node_unref (take_chat (self, current));
  assert_types (self, "chat_updated");
}

static void
test_chat_refused (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  assert_invalid (patch_chat (self, self->anna, "7", "{\"assignee\":\"nobody\"}"), "assignee");
  g_autoptr (GString) many = g_string_new ("{\"add_labels\":[\"x\"");
  for (guint i = 0; i < 50; i++)
    g_string_append_printf (many, ",\"l%u\"", i);
  g_string_append (many, "]}");
  assert_invalid (patch_chat (self, self->anna, "7", many->str), "add_labels");
  g_autofree char *big = g_strnfill (40000, 'y');
  g_autofree char *first = g_strdup_printf ("{\"metadata\":{\"a\":\"%s\"}}", big);
  g_autofree char *second = g_strdup_printf ("{\"metadata\":{\"b\":\"%s\"}}", big);
  json_node_unref (take_chat (self, first));
  assert_invalid (patch_chat (self, self->anna, "7", second), "metadata");
  assert_code (patch_chat (self, self->anna, "8", "{}"), "NOT_FOUND");
}

static void
test_muted (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL;
  g_autoptr (JsonNode) other = NULL;
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  g_autoptr (JsonNode) chat = take_chat (self, "{\"muted\":true}");
  g_assert_true (json_object_get_boolean_member (json_node_get_object (chat), "muted"));
  g_assert_nonnull (strstr (self->frames->pdata[0], "\"username\":\"anna\""));
  assert_types (self, "chat_muted");
  json_node_unref (take_chat (self, "{\"muted\":true}"));
  assert_types (self, "");
  json_node_unref (take_data (fixture_mark_read (self, self->anna, "7", 1), 200));
  JsonObject *mine = fixture_chat (self, self->anna, "7", &owner);
  JsonObject *theirs = fixture_chat (self, self->bert, "7", &other);
  g_assert_true (json_object_get_boolean_member (mine, "muted"));
  g_assert_false (json_object_get_boolean_member (theirs, "muted"));
}

/* ── Snoozing ───────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  gint64 next_ms;
  gint finished;
} Woken;

static void
on_woken (gint64 next_ms, gpointer data)
{
  Woken *self = data;
  self->next_ms = next_ms;
  g_atomic_int_set (&self->finished, 1);
}

static gint64
wake (Fixture *self)
{
  Woken woken = { 0 };
  desk_service_wake_chats (self->service, on_woken, &woken);
  while (g_atomic_int_get (&woken.finished) == 0)
    g_thread_yield ();
  return woken.next_ms;
}

static void
snooze (Fixture *self, const char *user_id, gint64 until_ms)
{
  g_autoptr (DeskChatPatch) patch = desk_chat_patch_new ();
  FixtureWait wait;
  patch->has_snoozed_until = TRUE;
  patch->snoozed_until_ms = until_ms;
  fixture_wait_init (&wait);
  desk_service_change_chat (self->service, self->anna, "demo", user_id, patch, fixture_on_reply,
                            &wait);
  json_node_unref (take_data (fixture_wait_end (&wait), 200));
}

static void
assert_state (Fixture *self, const char *user_id, const char *expected)
{
  g_autoptr (JsonNode) owner = NULL;
  JsonObject *chat = fixture_chat (self, self->anna, user_id, &owner);
  g_assert_cmpstr (json_object_get_string_member (chat, "state"), ==, expected);
  if (strcmp (expected, "snoozed") != 0)
    g_assert_true (json_object_get_null_member (chat, "snoozed_until"));
}

static void
test_snooze (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_incoming (self, "8", "e1", "hello");
  snooze (self, "7", START_MS + HOUR_MS);
  snooze (self, "8", START_MS + 2 * HOUR_MS);
  assert_state (self, "7", "snoozed");
  fixture_clear_frames (self);
  g_assert_cmpint (desk_service_next_snooze_ms (self->service), ==, START_MS + HOUR_MS);
  g_assert_cmpint (wake (self), ==, START_MS + HOUR_MS);
  assert_types (self, "");
  fixture_reopen (self); /* it survives a restart */
  desk_clock_manual_advance_ms (self->clock, HOUR_MS);
  g_assert_cmpint (wake (self), ==, START_MS + 2 * HOUR_MS);
  assert_types (self, "chat_updated");
  assert_state (self, "7", "open");
  assert_state (self, "8", "snoozed");
  g_assert_cmpint (wake (self), ==, START_MS + 2 * HOUR_MS); /* once */
  assert_types (self, "");
  desk_clock_manual_advance_ms (self->clock, HOUR_MS);
  g_assert_cmpint (wake (self), ==, 0);
  g_assert_cmpint (desk_service_next_snooze_ms (self->service), ==, 0);
}

/* What was asked offline and arrives after its time is over at once; without a time it lasts until
 * the customer writes. */
static void
test_snooze_ends (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  snooze (self, "7", START_MS - HOUR_MS);
  assert_state (self, "7", "open");
  json_node_unref (take_chat (self, "{\"state\":\"snoozed\"}"));
  assert_state (self, "7", "snoozed");
  g_assert_cmpint (wake (self), ==, 0);
  assert_state (self, "7", "snoozed");
  fixture_clear_frames (self);
  fixture_incoming (self, "7", "e2", "still there?");
  assert_state (self, "7", "open");
  assert_types (self, "chat_updated,new_message");
  json_node_unref (take_chat (self, "{\"state\":\"resolved\"}"));
  fixture_clear_frames (self);
  fixture_incoming (self, "7", "e3", "one more");
  assert_state (self, "7", "open");
  assert_types (self, "chat_updated,new_message");
}

static guint
count_chats (Fixture *self, const DeskChatsFilter *filter)
{
  g_autoptr (JsonNode) node
      = take_data (desk_service_get_chats (self->service, self->anna, filter), 200);
  return json_array_get_length (json_node_get_array (node));
}

static void
test_filters (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_incoming (self, "8", "e1", "hello");
  json_node_unref (take_chat (self, "{\"assignee\":\"bert\",\"add_labels\":[\"vip\",\"x\"]}"));
  DeskChatsFilter all = { .state = -1 }, label = { .state = -1, .label = "vip" },
                  part = { .state = -1, .label = "vi" }, theirs = { .state = -1, .assignee = "bert" },
                  nobodys = { .state = -1, .assignee = "" };
  g_assert_cmpuint (count_chats (self, &all), ==, 2);
  g_assert_cmpuint (count_chats (self, &label), ==, 1);
  g_assert_cmpuint (count_chats (self, &part), ==, 0);
  g_assert_cmpuint (count_chats (self, &theirs), ==, 1);
  g_assert_cmpuint (count_chats (self, &nobodys), ==, 1);
}

/* ── Canned replies ─────────────────────────────────────────────────────────────────────────── */

static DeskReply *
add_canned (Fixture *self, DeskIdentity *who, const char *id, const char *shortcut, const char *text)
{
  g_autoptr (DeskCanned) canned = desk_canned_new (id, shortcut, NULL, text);
  FixtureWait wait;
  fixture_wait_init (&wait);
  desk_service_add_canned (self->service, who, canned, fixture_on_reply, &wait);
  return fixture_wait_end (&wait);
}

static DeskReply *
change_canned (
    Fixture *self, const char *id, const char *shortcut, const char *text, gint64 base_rev)
{
  g_autoptr (DeskCanned) canned = desk_canned_new (NULL, shortcut, "Title", text);
  FixtureWait wait;
  fixture_wait_init (&wait);
  desk_service_change_canned (self->service, self->bert, id, canned, base_rev, fixture_on_reply,
                              &wait);
  return fixture_wait_end (&wait);
}

static DeskReply *
delete_canned (Fixture *self, DeskIdentity *who, const char *id)
{
  FixtureWait wait;
  fixture_wait_init (&wait);
  desk_service_delete_canned (self->service, who, id, fixture_on_reply, &wait);
  return fixture_wait_end (&wait);
}

static guint
count_canned (Fixture *self)
{
  g_autoptr (JsonNode) all = take_data (desk_service_get_canned (self->service, self->anna), 200);
  return json_array_get_length (json_node_get_array (all));
}

static void
test_canned (Fixture *self, gconstpointer data)
{
  fixture_clear_frames (self);
  json_node_unref (take_data (add_canned (self, self->anna, "c1", "Hello", "Hi!"), 201));
  assert_types (self, "canned_updated");
  json_node_unref (take_data (add_canned (self, self->anna, "c1", "Hello", "Hi!"), 200));
  assert_code (add_canned (self, self->anna, "c1", "Hello", "Other"), "IDEMPOTENCY_MISMATCH");
  assert_invalid (add_canned (self, self->anna, "c2", "hELLO", "Other"), "shortcut");
  assert_code (add_canned (self, self->robot, "c2", "robot", "Other"), "FORBIDDEN");
  g_autoptr (JsonNode) made = take_data (add_canned (self, self->anna, NULL, "bye", "Bye"), 201);
  g_assert_cmpuint (strlen (json_object_get_string_member (json_node_get_object (made), "id")), ==,
                    36);
  fixture_clear_frames (self);
  assert_code (change_canned (self, "no", "x", "y", -1), "NOT_FOUND");
  assert_invalid (change_canned (self, "c1", "BYE", "y", -1), "shortcut");
  g_autoptr (JsonNode) changed = take_data (change_canned (self, "c1", "hello", "Hey", 1), 200);
  assert_member (changed, "rev", "2");
  assert_code (change_canned (self, "c1", "hello", "Hey you", 1), "CONFLICT");
  json_node_unref (take_data (change_canned (self, "c1", "hello", "Hey", 1), 200));
  assert_types (self, "canned_updated");
  fixture_reopen (self);
  g_assert_cmpuint (count_canned (self), ==, 2);
  assert_code (delete_canned (self, self->robot, "c1"), "FORBIDDEN");
  json_node_unref (take_data (delete_canned (self, self->anna, "c1"), 200));
  json_node_unref (take_data (delete_canned (self, self->anna, "c1"), 200));
  g_assert_nonnull (strstr (self->frames->pdata[0], "{\"id\":\"c1\",\"canned\":null}"));
  assert_types (self, "canned_updated");
  g_assert_cmpuint (count_canned (self), ==, 1);
}

/* ── Profiles ───────────────────────────────────────────────────────────────────────────────── */

static DeskReply *
patch_profile (Fixture *self, const char *user_id, const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskProfilePatch) patch = desk_wire_read_profile_patch (json, strlen (json), &error);
  FixtureWait wait;
  g_assert_no_error (error);
  fixture_wait_init (&wait);
  desk_service_change_profile (self->service, self->anna, "demo", user_id, patch, fixture_on_reply,
                               &wait);
  return fixture_wait_end (&wait);
}

static void
on_told (gboolean ok, gpointer data)
{
  g_atomic_int_set ((gint *)data, ok ? 1 : 2);
}

static gboolean
platform_tells (Fixture *self, const char *user_id, const char *json)
{
  g_autoptr (DeskProfilePatch) patch = desk_wire_read_profile_patch (json, strlen (json), NULL);
  gint done = 0;
  desk_service_update_profile (self->service, "demo", user_id, patch, on_told, &done);
  while (g_atomic_int_get (&done) == 0)
    g_thread_yield ();
  return done == 1;
}

static JsonNode *
get_profile (Fixture *self)
{
  return take_data (desk_service_get_profile (self->service, self->bert, "demo", "7"), 200);
}

static void
test_profile (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  fixture_clear_frames (self);
  g_autoptr (JsonNode) fresh = get_profile (self);
  assert_member (fresh, "name", "\"Customer\"");
  assert_member (fresh, "rev", "0");
  json_node_unref (take_data (
      patch_profile (self, "7",
                     "{\"name\":\"Olena\",\"note\":\"kind\",\"attributes\":{\"size\":\"M\"}}"),
      200));
  assert_types (self, "profile_updated,chat_updated");
  json_node_unref (take_data (patch_profile (self, "7", "{\"note\":\"kind\"}"), 200));
  assert_types (self, "");
  g_assert_true (platform_tells (self, "7",
                                 "{\"name\":\"Платформа\",\"phone\":\"+1\",\"attributes\":"
                                 "{\"size\":\"L\",\"city\":\"Kyiv\"},\"products\":[{\"id\":1}]}"));
  assert_types (self, "profile_updated");
  fixture_incoming (self, "7", "e2", "again"); /* brings the platform's name, too */
  fixture_reopen (self);
  g_autoptr (JsonNode) known = get_profile (self);
  assert_member (known, "name", "\"Olena\"");
  assert_member (known, "phone", "\"+1\"");
  assert_member (known, "products", "[{\"id\":1}]");
  g_autofree char *attributes = text_of (known, "attributes");
  g_assert_nonnull (strstr (attributes, "\"size\":\"M\""));
  g_assert_nonnull (strstr (attributes, "\"city\":\"Kyiv\""));
  g_autoptr (JsonNode) owner = NULL;
  JsonObject *chat = fixture_chat (self, self->anna, "7", &owner);
  g_assert_cmpstr (json_object_get_string_member (chat, "user_name"), ==, "Olena");
  /* Cleared by hand, it is the platform's again. */
  json_node_unref (take_data (patch_profile (self, "7", "{\"name\":null}"), 200));
  fixture_incoming (self, "7", "e3", "again");
  g_autoptr (JsonNode) last = get_profile (self);
  assert_member (last, "name", "\"Customer\"");
}

static void
test_profile_refused (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_data (patch_profile (self, "7", "{\"note\":\"one\"}"), 200));
  assert_code (patch_profile (self, "7", "{\"base_rev\":0,\"note\":\"two\"}"), "CONFLICT");
  json_node_unref (take_data (patch_profile (self, "7", "{\"base_rev\":1,\"note\":\"two\"}"), 200));
  assert_code (patch_profile (self, "8", "{\"note\":\"x\"}"), "NOT_FOUND");
  g_assert_false (platform_tells (self, "8", "{\"name\":\"x\"}"));
  assert_code (desk_service_get_profile (self->service, self->anna, "demo", "8"), "NOT_FOUND");
}

/* A manager's metadata stays when the platform tells more. */
static void
test_metadata_merges (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  json_node_unref (take_chat (self, "{\"metadata\":{\"mine\":1,\"item\":\"old\"}}"));
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "e2", "hi", DESK_DIRECTION_INCOMING);
  ((DeskInboundItem *)inbound->items->pdata[0])->metadata = g_strdup ("{\"item\":\"Coat\"}");
  g_assert_true (fixture_ingest (self, inbound));
  g_autoptr (JsonNode) chat = take_chat (self, "{}");
  assert_member (chat, "metadata", "{\"mine\":1,\"item\":\"Coat\"}");
}

/* ── Templates ──────────────────────────────────────────────────────────────────────────────── */

static DeskReply *
send_template (Fixture *self, const char *name, guint n_variables)
{
  static char *const variables[] = { (char *)"4711", (char *)"Friday", NULL };
  DeskTemplateUse *use = desk_template_use_new (name, "uk", n_variables == 2 ? variables : NULL);
  DeskSendRequest request
      = { .text = (char *)"", .client_message_id = (char *)"k1", .seen_seq = -1, .template = use };
  DeskReply *reply = fixture_send_full (self, self->anna, "whatsapp", "7", &request);
  desk_template_use_free (use);
  return reply;
}

static void
whatsapp_incoming (Fixture *self)
{
  DeskInbound *inbound
      = fixture_inbound (DESK_INBOUND_MESSAGE, "7", "e1", "hi", DESK_DIRECTION_INCOMING);
  DeskMessage *told = ((DeskInboundItem *)inbound->items->pdata[0])->message;
  g_free (told->platform);
  told->platform = g_strdup ("whatsapp");
  g_assert_true (fixture_ingest (self, inbound));
}

static void
test_templates (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_template_free);
  g_autoptr (GPtrArray) offered = NULL;
  gint64 closed_at_ms = 0;
  DeskSendRequest plain = { .text = (char *)"hi", .seen_seq = -1 };
  whatsapp_incoming (self);
  desk_clock_manual_advance_ms (self->clock, 25 * HOUR_MS);
  assert_code (send_template (self, "order", 2), "NOT_SUPPORTED"); /* none are known */
  g_ptr_array_add (known, desk_template_new ("order", "uk", "Order {{1}}: {{2}}", 2));
  desk_service_set_templates (self->service, "main", known);

  g_autoptr (DeskReply) refused
      = fixture_send_full (self, self->anna, "whatsapp", "7", &plain);
  g_assert_cmpuint (refused->status, ==, 409);
  g_autoptr (DeskFailure) failure
      = desk_wire_read_failure (409, refused->body->str, refused->body->len, NULL);
  g_assert_cmpint (failure->code, ==, DESK_CODE_WINDOW_CLOSED);
  g_assert_true (desk_wire_read_window_closed (failure->details, &closed_at_ms, &offered, NULL));
  g_assert_cmpint (closed_at_ms, ==, START_MS + 24 * HOUR_MS);
  g_assert_cmpuint (offered->len, ==, 1);

  assert_invalid (send_template (self, "other", 2), "template");
  assert_invalid (send_template (self, "order", 0), "template");
  g_autoptr (JsonNode) sent = take_data (send_template (self, "order", 2), 201);
  JsonObject *message = json_object_get_object_member (json_node_get_object (sent), "message");
  g_assert_cmpstr (json_object_get_string_member (message, "text"), ==, "Order 4711: Friday");
  json_node_unref (take_data (send_template (self, "order", 2), 200)); /* asked twice */
  gint64 due;
  g_autoptr (GPtrArray) jobs = desk_service_due_jobs (self->service, "main", 9, NULL, &due, NULL);
  const DeskOutbound *outbound = jobs->pdata[0];
  g_assert_cmpstr (outbound->message->template->name, ==, "order");
  g_assert_cmpstr (outbound->message->template->variables[1], ==, "Friday");
  g_autoptr (JsonNode) list = take_data (
      desk_service_get_templates (self->service, self->anna, "whatsapp", "7"), 200);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (list)), ==, 1);
  desk_service_set_templates (self->service, "main", NULL);
  g_autoptr (JsonNode) none = take_data (
      desk_service_get_templates (self->service, self->anna, "whatsapp", "7"), 200);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (none)), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("chat", test_chat);
  ADD ("conflict", test_conflict);
  ADD ("chat-refused", test_chat_refused);
  ADD ("muted", test_muted);
  ADD ("snooze", test_snooze);
  ADD ("snooze-ends", test_snooze_ends);
  ADD ("filters", test_filters);
  ADD ("canned", test_canned);
  ADD ("profile", test_profile);
  ADD ("profile-refused", test_profile_refused);
  ADD ("templates", test_templates);
  ADD ("metadata-merges", test_metadata_merges);
  return g_test_run ();
}
