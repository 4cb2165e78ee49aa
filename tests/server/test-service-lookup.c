/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* When customers are asked for, and what the answers change; and templates over a restart. */

#include <string.h>

#include "server/service/desk-service-lookup.h"
#include "service-fixture.h"

#define ADD(name, func)                                                                            \
  g_test_add ("/service/lookup/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)
#define MINUTE_MS G_GINT64_CONSTANT (60000)
#define HOUR_MS   (60 * MINUTE_MS)

static void
assert_types (Fixture *self, const char *expected)
{
  g_autofree char *types = fixture_take_types (self);
  g_assert_cmpstr (types, ==, expected);
}

static void
ingest_named (Fixture *self, const char *external_id, const char *name)
{
  DeskInbound *inbound = fixture_inbound (DESK_INBOUND_MESSAGE, "7", external_id, "hi",
                                          DESK_DIRECTION_INCOMING);
  DeskInboundItem *item = inbound->items->pdata[0];
  g_free (item->message->user_name);
  item->message->user_name = g_strdup (name);
  g_assert_true (fixture_ingest (self, inbound));
}

/* Who was wanted since the last call, with commas. */
static void
assert_wanted (Fixture *self, const char *expected)
{
  g_mutex_lock (&self->mutex);
  g_autofree char *wanted = g_string_free (self->wanted, FALSE);
  self->wanted = g_string_new (NULL);
  g_mutex_unlock (&self->mutex);
  g_assert_cmpstr (wanted, ==, expected);
}

typedef struct
{
  FixtureWait wait;
  gint64 again_ms;
} Finished;

static void
on_finished (gint64 again_ms, gpointer data)
{
  Finished *finished = data;
  finished->again_ms = again_ms;
  fixture_on_reply (desk_reply_new_failure (DESK_CODE_NOT_FOUND, "", NULL, -1, ""), &finished->wait);
}

static gint64
finish (Fixture *self, const char *user_id, const DeskLookup *lookup)
{
  Finished finished;
  fixture_wait_init (&finished.wait);
  desk_service_finish_lookup (self->service, "demo", user_id, lookup, on_finished, &finished);
  desk_reply_free (fixture_wait_end (&finished.wait));
  return finished.again_ms;
}

static gint64
finish_platform (Fixture *self, const char *user_id, DeskLookupResult result, const char *name)
{
  g_autoptr (DeskProfilePatch) patch = desk_profile_patch_new ();
  DeskLookup lookup = { .asked_platform = TRUE, .platform = result };
  desk_profile_patch_set (patch, DESK_PROFILE_NAME, name);
  if (result == DESK_LOOKUP_FOUND)
    lookup.told_by_platform = patch;
  return finish (self, user_id, &lookup);
}

static gint64
finish_directory (Fixture *self, const char *user_id, DeskLookupResult result, const char *name)
{
  g_autoptr (DeskProfilePatch) patch = desk_profile_patch_new ();
  DeskLookup lookup = { .asked_directory = TRUE, .directory = result };
  desk_profile_patch_set (patch, DESK_PROFILE_NAME, name);
  if (result == DESK_LOOKUP_FOUND)
    lookup.told_by_directory = patch;
  return finish (self, user_id, &lookup);
}

static void
assert_name (Fixture *self, const char *expected)
{
  g_autoptr (JsonNode) profile
      = take_data (desk_service_get_profile (self->service, self->anna, "demo", "7"), 200);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (profile), "name"), ==,
                   expected);
  g_autoptr (JsonNode) chat
      = take_data (desk_service_get_chat (self->service, self->anna, "demo", "7"), 200);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (chat), "user_name"), ==,
                   expected);
}

static void
test_times (Fixture *self, gconstpointer data)
{
  ingest_named (self, "e1", NULL);
  ingest_named (self, "e2", NULL);
  assert_wanted (self, "demo/7,");

  /* found: good for a day */
  g_assert_cmpint (finish_platform (self, "7", DESK_LOOKUP_FOUND, "Ann"), ==, 0);
  assert_name (self, "Ann");
  desk_clock_manual_advance_ms (self->clock, 24 * HOUR_MS - 1);
  ingest_named (self, "e3", NULL);
  assert_wanted (self, "");
  desk_clock_manual_advance_ms (self->clock, 1);
  ingest_named (self, "e4", NULL);
  assert_wanted (self, "demo/7,");

  /* failed: ten minutes; what is known stays */
  g_assert_cmpint (finish_platform (self, "7", DESK_LOOKUP_FAILED, NULL), ==, 0);
  assert_name (self, "Ann");
  desk_clock_manual_advance_ms (self->clock, 10 * MINUTE_MS - 1);
  ingest_named (self, "e5", NULL);
  assert_wanted (self, "");
  desk_clock_manual_advance_ms (self->clock, 1);
  g_autoptr (JsonNode) profile /* who looks asks, too, and does not wait */
      = take_data (desk_service_get_profile (self->service, self->anna, "demo", "7"), 200);
  assert_wanted (self, "demo/7,");

  /* the platform does not tell: nobody asks again for a day, also after a restart */
  finish_platform (self, "7", DESK_LOOKUP_UNKNOWN, NULL);
  assert_name (self, "Ann");
  fixture_reopen (self);
  desk_clock_manual_advance_ms (self->clock, 23 * HOUR_MS);
  ingest_named (self, "e6", NULL);
  assert_wanted (self, "");
  /* an unknown user is good for an hour */
  finish_directory (self, "7", DESK_LOOKUP_UNKNOWN, NULL);
  desk_clock_manual_advance_ms (self->clock, HOUR_MS);
  ingest_named (self, "e7", NULL);
  assert_wanted (self, "demo/7,");
  /* nobody of that name */
  finish_platform (self, "8", DESK_LOOKUP_FOUND, "Nobody");
}

static void
test_precedence (Fixture *self, gconstpointer data)
{
  ingest_named (self, "e1", "platform");
  finish_platform (self, "7", DESK_LOOKUP_FOUND, "Platform");
  assert_name (self, "Platform");
  fixture_clear_frames (self);
  finish_directory (self, "7", DESK_LOOKUP_FOUND, "User Service");
  assert_types (self, "profile_updated,chat_updated");
  assert_name (self, "User Service");
  finish_directory (self, "7", DESK_LOOKUP_FOUND, "User Service");
  assert_types (self, ""); /* nothing new, nothing told */

  /* neither what a message says nor a profile of the platform overwrites it */
  ingest_named (self, "e2", "platform");
  finish_platform (self, "7", DESK_LOOKUP_FOUND, "Platform");
  assert_name (self, "User Service");

  /* until it does not know him any more */
  finish_directory (self, "7", DESK_LOOKUP_UNKNOWN, NULL);
  assert_name (self, "User Service");
  ingest_named (self, "e3", "platform");
  assert_name (self, "platform");

  /* a manager has the last word */
  g_autoptr (DeskProfilePatch) patch = desk_profile_patch_new ();
  FixtureWait wait;
  desk_profile_patch_set (patch, DESK_PROFILE_NAME, "By Hand");
  fixture_wait_init (&wait);
  desk_service_change_profile (self->service, self->anna, "demo", "7", patch, fixture_on_reply,
                               &wait);
  desk_reply_free (fixture_wait_end (&wait));
  finish_directory (self, "7", DESK_LOOKUP_FOUND, "User Service");
  finish_platform (self, "7", DESK_LOOKUP_FOUND, "Platform");
  assert_name (self, "By Hand");
}

static DeskReply *
invalidate (Fixture *self, DeskIdentity *who, const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskWireUsers) users = desk_wire_read_users (json, strlen (json), &error);
  FixtureWait wait;
  g_assert_no_error (error);
  fixture_wait_init (&wait);
  desk_service_invalidate_users (self->service, who, users, fixture_on_reply, &wait);
  return fixture_wait_end (&wait);
}

static void
assert_chats (DeskReply *reply, int expected)
{
  g_autofree char *wanted = g_strdup_printf ("{\"chats\":%d}", expected);
  g_assert_cmpuint (reply->status, ==, 202);
  g_assert_nonnull (strstr (reply->body->str, wanted));
  desk_reply_free (reply);
}

static void
test_invalidate (Fixture *self, gconstpointer data)
{
  ingest_named (self, "e1", NULL);
  finish_directory (self, "7", DESK_LOOKUP_FOUND, "Ann");
  assert_wanted (self, "demo/7,");

  DeskReply *refused = invalidate (self, self->anna, "{\"user_ids\":[7]}");
  g_assert_cmpuint (refused->status, ==, 403);
  desk_reply_free (refused);
  assert_wanted (self, "");

  assert_chats (invalidate (self, self->robot, "{\"user_ids\":[7,\"8\"]}"), 1);
  assert_wanted (self, "demo/7,");
  assert_name (self, "Ann"); /* shown while it is asked for */

  /* a failure within five minutes: again in half a minute */
  g_assert_cmpint (finish_directory (self, "7", DESK_LOOKUP_FAILED, NULL), ==,
                   desk_clock_now_ms (self->clock) + 30000);
  desk_clock_manual_advance_ms (self->clock, 5 * MINUTE_MS);
  /* after them what is known is good until its day is over */
  g_assert_cmpint (finish_directory (self, "7", DESK_LOOKUP_FAILED, NULL), ==, 0);
  desk_clock_manual_advance_ms (self->clock, HOUR_MS);
  ingest_named (self, "e2", NULL);
  assert_wanted (self, "");
  desk_clock_manual_advance_ms (self->clock, 23 * HOUR_MS);
  ingest_named (self, "e3", NULL);
  assert_wanted (self, "demo/7,");

  assert_chats (invalidate (self, self->robot, "{\"user_ids\":[7],\"platform\":\"other\"}"), 0);
  assert_wanted (self, "");
}

static void
test_requests (void)
{
  static const char *const bad[] = {
    "", "[]", "{}", "{\"user_ids\":[]}", "{\"user_ids\":7}", "{\"user_ids\":[null]}",
    "{\"user_ids\":[\"\"]}", "{\"user_ids\":[1.5]}", "{\"user_ids\":[1],\"platform\":3}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (desk_wire_read_users (bad[i], strlen (bad[i]), &error));
      g_assert_nonnull (error);
    }
}

static void
test_templates (Fixture *self, gconstpointer data)
{
  static const char text[] = "[{\"name\":\"hello\",\"language\":\"en\",\"category\":\"utility\","
                             "\"text\":\"Hello {{1}}\",\"variables\":1}]";
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = desk_json_parse (text, strlen (text), 4096, &error);
  g_autoptr (GPtrArray) templates = desk_wire_read_templates (node, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (templates->len, ==, 1);
  ingest_named (self, "e1", NULL);
  desk_service_set_templates (self->service, "main", templates);
  fixture_reopen (self);
  DeskReply *reply = desk_service_get_templates (self->service, self->anna, "demo", "7");
  g_assert_nonnull (strstr (reply->body->str, "Hello {{1}}"));
  desk_reply_free (reply);
  /* none any more is a list, too */
  desk_service_set_templates (self->service, "main", NULL);
  fixture_reopen (self);
  reply = desk_service_get_templates (self->service, self->anna, "demo", "7");
  g_assert_nonnull (strstr (reply->body->str, "\"data\":[]"));
  desk_reply_free (reply);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("times", test_times);
  ADD ("precedence", test_precedence);
  ADD ("invalidate", test_invalidate);
  ADD ("templates", test_templates);
  g_test_add_func ("/service/lookup/requests", test_requests);
  return g_test_run ();
}
