/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

#include "service-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

/* The event log, cursors, read markers, retention, sign-in. */

#define ADD(name, func)                                                                            \
  g_test_add ("/service/log/" name, Fixture, NULL, fixture_setup, func, fixture_teardown)

static JsonObject *
get_changes (Fixture *self, const char *cursor, guint limit, JsonNode **owner)
{
  *owner = take_data (desk_service_get_changes (self->service, self->anna, cursor, limit), 200);
  return json_node_get_object (*owner);
}

static void
assert_expired (Fixture *self, const char *cursor)
{
  g_autofree char *code
      = take_code (desk_service_get_changes (self->service, self->anna, cursor, 10));
  g_assert_cmpstr (code, ==, "CURSOR_EXPIRED");
}

static void
test_changes (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) start = NULL, page = NULL, rest = NULL;
  g_autofree char *cursor
      = g_strdup (json_object_get_string_member (get_changes (self, NULL, 0, &start), "cursor"));
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("e%u", i);
      fixture_incoming (self, "7", id, "hello");
    }
  JsonObject *changes = get_changes (self, cursor, 3, &page);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (changes, "events")), ==,
                    3);
  g_assert_true (json_object_get_boolean_member (changes, "has_more"));
  changes = get_changes (self, json_object_get_string_member (changes, "cursor"), 3, &rest);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (changes, "events")), ==,
                    2);
  g_assert_false (json_object_get_boolean_member (changes, "has_more"));
  g_autofree char *epoch = desk_service_get_epoch (self->service);
  g_autofree char *ahead = g_strconcat (epoch, ":0-9999", NULL);
  assert_expired (self, ahead);
  assert_expired (self, "other:0-1");
  assert_expired (self, "nonsense");
}

static void
note_deleted (gint64 deleted, gpointer data)
{
  g_atomic_int_set ((gint *)data, (gint)deleted + 1);
}

static gint
run_cleanup (Fixture *self)
{
  gint result = 0;
  desk_service_cleanup (self->service, note_deleted, &result);
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (g_atomic_int_get (&result) == 0 && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  g_assert_cmpint (result, >, 0);
  return result - 1;
}

static void
test_old_cursor (Fixture *self, gconstpointer data)
{
  fixture_incoming (self, "7", "e1", "hello");
  g_autofree char *epoch = desk_service_get_epoch (self->service);
  g_autofree char *first = g_strconcat (epoch, ":0-0", NULL);
  g_autoptr (JsonNode) page = NULL;
  get_changes (self, first, 10, &page);
  desk_clock_manual_advance_ms (self->clock, 31 * G_GINT64_CONSTANT (86400000));
  run_cleanup (self);
  assert_expired (self, first);
  gint64 head = desk_service_get_head (self->service, 0);
  fixture_reopen (self); /* the head survives an empty log */
  g_assert_cmpint (desk_service_get_head (self->service, 0), ==, head);
  g_autoptr (DeskCursor) now = desk_cursor_new (epoch);
  desk_cursor_set (now, 0, head);
  g_assert_true (desk_service_can_resume (self->service, now));
}

static void
test_retention (Fixture *self, gconstpointer data)
{
  g_autoptr (JsonNode) owner = NULL, after = NULL, chat_owner = NULL;
  fixture_incoming (self, "7", "e0", "first");
  json_node_unref (take_data (fixture_send (self, self->anna, "7", "queued", "k1", -1), 201));
  for (guint i = 1; i < 130; i++)
    {
      g_autofree char *id = g_strdup_printf ("e%u", i);
      fixture_incoming (self, "7", id, "hello");
    }
  /* 131 came; a hundred stay, and the one that still waits to be sent. */
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &owner)), ==, 101);
  g_autofree char *types = fixture_take_types (self);
  g_assert_nonnull (strstr (types, "chat_trimmed"));
  g_assert_cmpint (run_cleanup (self), ==, 0);
  desk_clock_manual_advance_ms (self->clock, 31 * G_GINT64_CONSTANT (86400000));
  g_assert_cmpint (run_cleanup (self), ==, 80);
  g_assert_cmpuint (json_array_get_length (fixture_messages (self, "7", &after)), ==, 21);
  JsonObject *chat = fixture_chat (self, self->anna, "7", &chat_owner);
  g_assert_cmpint (json_object_get_int_member (chat, "first_chat_seq"), ==, 2);
  g_assert_cmpint (json_object_get_int_member (chat, "last_chat_seq"), ==, 131);
  /* A message that was deleted is still known to the platform's key. */
  fixture_clear_frames (self);
  fixture_incoming (self, "7", "e1", "hello");
  g_assert_cmpuint (self->frames->len, ==, 1); /* 30 days are over for the key, too */
}

static void
test_dedup_outlives_message (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 120; i++)
    {
      g_autofree char *id = g_strdup_printf ("e%u", i);
      fixture_incoming (self, "7", id, "hello");
    }
  fixture_clear_frames (self);
  fixture_incoming (self, "7", "e1", "hello");
  g_assert_cmpuint (self->frames->len, ==, 0);
}

static void
assert_unread (Fixture *self, DeskIdentity *who, gint64 expected)
{
  g_autoptr (JsonNode) owner = NULL;
  g_assert_cmpint (json_object_get_int_member (fixture_chat (self, who, "7", &owner), "unread"), ==,
                   expected);
}

static void
test_marks (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("e%u", i);
      fixture_incoming (self, "7", id, "hello");
    }
  fixture_clear_frames (self);
  assert_unread (self, self->anna, 4);
  json_node_unref (take_data (fixture_mark_read (self, self->anna, "7", 3), 200));
  assert_unread (self, self->anna, 1);
  assert_unread (self, self->bert, 4);
  json_node_unref (take_data (fixture_mark_read (self, self->anna, "7", 1), 200)); /* never back */
  assert_unread (self, self->anna, 1);
  g_assert_cmpuint (self->frames->len, ==, 1);
  g_assert_cmpuint (self->ephemeral->len, ==, 1);
  g_assert_nonnull (strstr (self->ephemeral->pdata[0], "read_receipt"));
  json_node_unref (take_data (fixture_mark_read (self, self->anna, "7", G_MAXINT64), 200));
  assert_unread (self, self->anna, 0);
  g_assert_nonnull (strstr (self->frames->pdata[1], "\"up_to_chat_seq\":4"));
  json_node_unref (take_data (fixture_mark_unread (self, self->anna, "7"), 200));
  assert_unread (self, self->anna, 1);
  json_node_unref (take_data (fixture_mark_read (self, self->anna, "7", 0), 200));
  assert_unread (self, self->anna, 0);
  /* Who comes later has read everything. */
  g_assert_true (
      desk_service_add_user (self->service, "carl", "Carl", DESK_ROLE_MANAGER, NULL, NULL));
  DeskIdentity carl = { .username = "carl" };
  assert_unread (self, &carl, 0);
}

static void
test_chats (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *user = g_strdup_printf ("u%u", i);
      DeskInbound *inbound
          = fixture_inbound (DESK_INBOUND_MESSAGE, user, "e", "x", DESK_DIRECTION_INCOMING);
      ((DeskInboundItem *)inbound->items->pdata[0])->message->created_at_ms = START_MS + i / 2;
      g_assert_true (fixture_ingest (self, inbound));
    }
  DeskChatsFilter filter = { .limit = 2, .state = -1 };
  g_autofree char *page = NULL;
  g_autoptr (GString) seen = g_string_new (NULL);
  do
    {
      filter.page = page;
      DeskReply *reply = desk_service_get_chats (self->service, self->anna, &filter);
      char *next = NULL;
      g_autoptr (JsonNode) node
          = desk_wire_read_answer (reply->body->str, reply->body->len, &next, NULL);
      JsonArray *list = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (list); i++)
        g_string_append (seen,
                         json_object_get_string_member (json_array_get_object_element (list, i),
                                                        "user_id"));
      g_free (page);
      page = next;
      desk_reply_free (reply);
    }
  while (page != NULL);
  g_assert_cmpstr (seen->str, ==, "u4u3u2u1u0");
  filter.page = "x";
  g_autofree char *code = take_code (desk_service_get_chats (self->service, self->anna, &filter));
  g_assert_cmpstr (code, ==, "INVALID");
}

static void
test_all_messages (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *user = g_strdup_printf ("u%u", i % 2), *id = g_strdup_printf ("e%u", i);
      desk_clock_manual_advance_ms (self->clock, 1);
      fixture_incoming (self, user, id, id);
    }
  char *page = NULL;
  g_autoptr (GString) seen = g_string_new (NULL);
  do
    {
      DeskReply *reply = desk_service_get_all_messages (self->service, self->anna, 2, page);
      char *next = NULL;
      g_autoptr (JsonNode) node
          = desk_wire_read_answer (reply->body->str, reply->body->len, &next, NULL);
      JsonArray *list = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (list); i++)
        g_string_append (seen,
                         json_object_get_string_member (json_array_get_object_element (list, i),
                                                        "text"));
      g_free (page);
      page = next;
      desk_reply_free (reply);
    }
  while (page != NULL);
  g_assert_cmpstr (seen->str, ==, "e4e3e2e1e0");
}

/* A backup that comes back knows less than was told: everybody starts afresh. */
static void
test_epoch (Fixture *self, gconstpointer data)
{
  g_autofree char *epoch = desk_service_get_epoch (self->service), *text = NULL, *same = NULL,
                  *drawn = NULL;
  gsize len;
  fixture_incoming (self, "7", "e1", "hello");
  fixture_close (self);
  g_assert_true (g_file_get_contents (self->path, &text, &len, NULL));
  fixture_open (self);
  same = desk_service_get_epoch (self->service);
  g_assert_cmpstr (same, ==, epoch);
  fixture_incoming (self, "7", "e2", "lost");
  fixture_close (self);
  g_assert_true (g_file_set_contents (self->path, text, (gssize)len, NULL));
  fixture_open (self);
  drawn = desk_service_get_epoch (self->service);
  g_assert_cmpstr (drawn, !=, epoch);
}

/* ── Sign-in ────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskReply *reply;
  gint ready;
} Waiting;

static void
on_reply (DeskReply *reply, gpointer data)
{
  Waiting *waiting = data;
  waiting->reply = reply;
  g_atomic_int_set (&waiting->ready, 1);
}

static DeskReply *
await (Waiting *waiting)
{
  gint64 deadline = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  while (!g_atomic_int_get (&waiting->ready) && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  g_assert_true (waiting->ready);
  return waiting->reply;
}

static DeskReply *
sign_in (Fixture *self, const char *username, const char *password)
{
  Waiting waiting = { 0 };
  desk_service_sign_in (self->service, username, password, on_reply, &waiting);
  return await (&waiting);
}

static DeskReply *
refresh (Fixture *self, const char *token)
{
  Waiting waiting = { 0 };
  desk_service_refresh (self->service, token, on_reply, &waiting);
  return await (&waiting);
}

static DeskTokens *
take_tokens (DeskReply *reply)
{
  g_autoptr (JsonNode) node = take_data (reply, 200);
  DeskTokens *tokens = desk_wire_read_tokens (node, NULL);
  g_assert_nonnull (tokens);
  return tokens;
}

static void
assert_refused (DeskReply *reply)
{
  g_autofree char *code = take_code (reply);
  g_assert_cmpstr (code, ==, "UNAUTHORIZED");
}

static gboolean
is_good (Fixture *self, const char *token)
{
  g_autoptr (DeskIdentity) who = desk_service_authenticate (self->service, token);
  return who != NULL;
}

static void
test_sign_in (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (desk_service_add_user (self->service, "dora", "Dora", DESK_ROLE_ADMIN,
                                        "correct horse", &error));
  g_assert_false (
      desk_service_add_user (self->service, "dora", "D", DESK_ROLE_ADMIN, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  assert_refused (sign_in (self, "dora", "wrong"));
  assert_refused (sign_in (self, "nobody", "correct horse"));
  assert_refused (sign_in (self, "anna", ""));
  g_autoptr (DeskTokens) tokens = take_tokens (sign_in (self, "dora", "correct horse"));
  g_assert_cmpint (tokens->expires_in_s, ==, 3600);
  g_assert_true (is_good (self, tokens->access_token));
  g_assert_false (is_good (self, tokens->refresh_token));
  g_assert_false (is_good (self, "x"));
  desk_clock_manual_advance_ms (self->clock, 3600 * 1000 + 1);
  g_assert_false (is_good (self, tokens->access_token));
}

static void
test_refresh (Fixture *self, gconstpointer data)
{
  desk_service_add_user (self->service, "dora", "Dora", DESK_ROLE_ADMIN, "correct horse", NULL);
  g_autoptr (DeskTokens) first = take_tokens (sign_in (self, "dora", "correct horse"));
  g_autoptr (DeskTokens) second = take_tokens (refresh (self, first->refresh_token));
  /* The answer may have got lost. */
  g_autoptr (DeskTokens) third = take_tokens (refresh (self, first->refresh_token));
  g_assert_true (is_good (self, third->access_token));
  assert_refused (refresh (self, third->access_token));
  desk_clock_manual_advance_ms (self->clock, 61000);
  assert_refused (refresh (self, first->refresh_token)); /* somebody has a copy */
  assert_refused (refresh (self, second->refresh_token));
  g_assert_false (is_good (self, third->access_token));
}

static void
test_sign_out (Fixture *self, gconstpointer data)
{
  Waiting waiting = { 0 };
  desk_service_add_user (self->service, "dora", "Dora", DESK_ROLE_ADMIN, "correct horse", NULL);
  g_autoptr (DeskTokens) tokens = take_tokens (sign_in (self, "dora", "correct horse"));
  g_autoptr (DeskIdentity) who = desk_service_authenticate (self->service, tokens->access_token);
  desk_service_sign_out (self->service, who, on_reply, &waiting);
  json_node_unref (take_data (await (&waiting), 200));
  g_assert_false (is_good (self, tokens->access_token));
  assert_refused (refresh (self, tokens->refresh_token));
}

/* A command in another process: the daemon notices within two seconds. */
static void
test_two_processes (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DeskServerStore *store = desk_store_sqlite_open (self->path, NULL, &error);
  g_assert_no_error (error);
  DeskServiceOptions options = { .store = store, .clock = self->clock };
  DeskService *command = desk_service_new (&options, &error);
  g_assert_true (desk_service_add_user (command, "dora", "Dora", DESK_ROLE_ADMIN, NULL, &error));
  g_autofree char *token = desk_service_create_token (command, "dora", &error);
  g_assert_null (desk_service_create_token (command, "nobody", &error));
  g_autofree char *epoch = desk_service_get_epoch (self->service),
                  *other = desk_service_get_epoch (command);
  g_assert_cmpstr (epoch, ==, other);
  g_assert_true (is_good (self, token));
  g_autoptr (DeskIdentity) who = desk_service_authenticate (command, token);
  Waiting waiting = { 0 };
  desk_service_sign_out (command, who, on_reply, &waiting);
  json_node_unref (take_data (await (&waiting), 200));
  desk_clock_manual_advance_ms (self->clock, 1001);
  g_assert_false (is_good (self, token));
  desk_service_free (command);
  store->ops->close (store);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("changes", test_changes);
  ADD ("old-cursor", test_old_cursor);
  ADD ("retention", test_retention);
  ADD ("dedup-outlives-message", test_dedup_outlives_message);
  ADD ("marks", test_marks);
  ADD ("chats", test_chats);
  ADD ("all-messages", test_all_messages);
  ADD ("epoch", test_epoch);
  ADD ("sign-in", test_sign_in);
  ADD ("refresh", test_refresh);
  ADD ("sign-out", test_sign_out);
  ADD ("two-processes", test_two_processes);
  return g_test_run ();
}
