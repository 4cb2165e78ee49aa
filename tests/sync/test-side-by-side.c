/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-side-by-side"

#include "config.h"

#include <glib/gstdio.h>

#include "api/desk-keyring.h"
#include "fake-backend.h"
#include "sync/desk-sync-private.h"
#include "sync/desk-templates.h"

/* Several engines in one process: of two accounts, and of one; and what is asked of the server beside them. */

#define LIST                                                                                                          \
  "{\"success\":true,\"data\":[{\"name\":\"hello\",\"language\":\"en\",\"category\":null,\"text\":\"Hello {{1}}\","     \
  "\"variables\":1},{\"name\":\"hello\",\"language\":\"uk\",\"category\":null,\"text\":\"Вітаю\",\"variables\":0}]}"
#define UNAUTHORIZED                                                                                                   \
  "{\"success\":false,\"error\":{\"code\":\"UNAUTHORIZED\",\"message\":\"no\",\"request_id\":\"r\"}}"

typedef struct
{
  char *dir;
  DeskStore *store;
  DeskSync *sync;
} Side;

static void
side_begin (Side *side, FakeBackend *backend, const char *token, gboolean files_only)
{
  DeskSyncOptions options
      = { .server_url = backend->url, .username = "anna", .token = token, .files_only = files_only };
  g_autoptr (GError) error = NULL;

  side->dir = g_dir_make_tmp ("desk-side-XXXXXX", NULL);
  side->store = desk_store_open (side->dir, NULL, &error);
  g_assert_no_error (error);
  side->sync = desk_sync_new (side->store, &options);
}

static void
side_end (Side *side)
{
  g_object_unref (side->sync);
  desk_store_close (side->store);
  g_object_unref (side->store);
  desk_store_erase (side->dir, NULL);
  g_free (side->dir);
}

static DeskSyncPhase
phase (Side *side)
{
  return desk_sync_get_state (side->sync)->phase;
}

static guint
count_messages (Side *side)
{
  g_autofree DeskStoreCounts *counts = desk_store_get_counts (side->store, NULL);

  return (guint) counts->messages;
}

static void
reply (Side *side, const char *text)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, "telegram", "42");
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  g_free (entry->text);
  entry->text = g_strdup (text);
  entry->seen_seq = -2;
  desk_batch_outbox_add (batch, entry, FALSE);
  result = desk_store_apply (side->store, batch, NULL);
  g_assert_nonnull (result);
  desk_sync_nudge (side->sync);
}

/* Two accounts at two servers with the same chat in both: nothing of one gets into the other. */
static void
test_two_accounts (void)
{
  g_autoptr (FakeBackend) first = fake_backend_new (2);
  g_autoptr (FakeBackend) second = fake_backend_new (0);
  Side a = { 0 }, b = { 0 };

  fake_backend_message (first, "42", TRUE, "to the first");
  fake_backend_message (second, "42", TRUE, "to the second");
  side_begin (&a, first, "access-0", FALSE);
  side_begin (&b, second, "access-0", FALSE);
  desk_sync_start (a.sync);
  desk_sync_start (b.sync);
  fake_wait (phase (&a) == DESK_SYNC_LIVE && phase (&b) == DESK_SYNC_LIVE);
  fake_wait (count_messages (&a) == 1 && count_messages (&b) == 1);
  reply (&a, "from the first");
  reply (&b, "from the second");
  fake_wait (first->delivered == 1 && second->delivered == 1);
  fake_wait (count_messages (&a) == 2 && count_messages (&b) == 2);

  /* One goes offline, is stopped, and the other does not notice. */
  fake_backend_down (second);
  fake_wait (phase (&b) == DESK_SYNC_OFFLINE);
  fake_backend_message (first, "42", TRUE, "more");
  fake_wait (count_messages (&a) == 3);
  fake_wait (phase (&a) == DESK_SYNC_LIVE);
  side_end (&b);
  fake_backend_message (first, "42", TRUE, "and more");
  fake_wait (count_messages (&a) == 4);
  g_assert_cmpuint (second->delivered, ==, 1);
  side_end (&a);
}

static int slept_s;

static gint64
fake_slept_us (void)
{
  return (gint64) g_atomic_int_get (&slept_s) * G_USEC_PER_SEC;
}

/* A machine that slept does not trust its websocket, though nobody has closed it; a short nap is none. */
static void
test_wake (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  Side side = { 0 };

  fake_backend_message (backend, "42", TRUE, "hello");
  side_begin (&side, backend, "access-0", FALSE);
  ((DeskDriverConfig *) desk_sync_get_config (side.sync))->slept_us = fake_slept_us;
  desk_sync_start (side.sync);
  fake_wait (phase (&side) == DESK_SYNC_LIVE && count_messages (&side) == 1);
  g_assert_cmpuint (backend->hellos, ==, 1);
  g_atomic_int_set (&slept_s, 8 * 3600);
  fake_wait (backend->hellos == 2 && phase (&side) == DESK_SYNC_LIVE);
  fake_backend_message (backend, "42", TRUE, "good morning");
  fake_wait (count_messages (&side) == 2);
  side_end (&side);
}

/* ── Templates ──────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  gboolean done;
  GPtrArray *list;
  GError *error;
} Listed;

static void
on_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  Listed *listed = data;

  listed->list = desk_sync_list_templates_finish (NULL, result, &listed->error);
  listed->done = TRUE;
}

static guint
list (Side *side, const char *user_id)
{
  Listed listed = { 0 };
  guint n;

  desk_sync_list_templates_async (side->sync, "telegram", user_id, NULL, on_listed, &listed);
  fake_wait (listed.done);
  g_assert_no_error (listed.error);
  n = listed.list->len;
  if (n > 0)
    {
      g_assert_cmpstr (desk_templates_find (listed.list, "hello", NULL)->language, ==, "en");
      g_assert_cmpuint (desk_templates_find (listed.list, "hello", "en")->n_variables, ==, 1);
      g_assert_cmpstr (desk_templates_find (listed.list, "hello", "uk")->text, ==, "Вітаю");
      g_assert_null (desk_templates_find (listed.list, "hello", "de"));
    }
  g_ptr_array_unref (listed.list);
  return n;
}

static void
list_fails (Side *side, const char *user_id, GIOErrorEnum code)
{
  Listed listed = { 0 };

  desk_sync_list_templates_async (side->sync, "telegram", user_id, NULL, on_listed, &listed);
  fake_wait (listed.done);
  g_assert_null (listed.list);
  g_assert_error (listed.error, G_IO_ERROR, (int) code);
  g_error_free (listed.error);
}

static void
age_templates (Side *side)
{
  g_autofree char *text = desk_store_get_setting (side->store, "templates:telegram/", NULL);
  g_autofree char *old = g_strconcat ("1000", strchr (text, '\n'), NULL);
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  desk_batch_setting (batch, "templates:telegram/", old);
  result = desk_store_apply (side->store, batch, NULL);
  g_assert_nonnull (result);
}

static gboolean
has_setting (Side *side, const char *key)
{
  g_autofree char *text = desk_store_get_setting (side->store, key, NULL);

  return text != NULL;
}

static void
test_templates (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  Side side = { 0 };
  guint requests;

  fake_backend_message (backend, "42", TRUE, "hello");
  fake_backend_message (backend, "43", TRUE, "hello");
  side_begin (&side, backend, "access-0", FALSE);
  list_fails (&side, "42", G_IO_ERROR_NOT_FOUND); /* not cached yet */
  desk_sync_start (side.sync);
  fake_wait (phase (&side) == DESK_SYNC_LIVE && count_messages (&side) == 2);
  fake_backend_fault (backend, "GET", "/templates", FAKE_REFUSE, 503, UNAUTHORIZED);
  list_fails (&side, "42", G_IO_ERROR_FAILED);
  fake_backend_fault (backend, "GET", "/templates", FAKE_REFUSE, 200, "{\"success\":true,\"data\":{}}");
  list_fails (&side, "42", G_IO_ERROR_FAILED);
  fake_backend_fault (backend, "GET", "/templates", FAKE_REFUSE, 200, LIST);
  g_assert_cmpuint (list (&side, "42"), ==, 2);
  fake_wait (has_setting (&side, "templates:telegram/"));

  /* Kept for the connection: the next chat asks for nothing. */
  requests = backend->requests;
  g_assert_cmpuint (list (&side, "43"), ==, 2);
  g_assert_cmpuint (backend->requests, ==, requests);

  /* Old: asked again; if nobody answers, what was told last serves. */
  age_templates (&side);
  fake_backend_fault (backend, "GET", "/templates", FAKE_REFUSE, 503, UNAUTHORIZED);
  g_assert_cmpuint (list (&side, "43"), ==, 2);
  g_assert_cmpuint (backend->requests, >, requests);
  fake_backend_fault (backend, "GET", "/templates", FAKE_REFUSE, 403, UNAUTHORIZED);
  list_fails (&side, "43", G_IO_ERROR_FAILED);
  desk_sync_stop (side.sync);
  g_assert_cmpuint (list (&side, "42"), ==, 2);
  side_end (&side);
}

static void
test_no_templates (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (0);
  Side side = { 0 };

  fake_backend_message (backend, "42", TRUE, "hello");
  side_begin (&side, backend, "access-0", FALSE);
  desk_sync_start (side.sync);
  fake_wait (phase (&side) == DESK_SYNC_LIVE && count_messages (&side) == 1);
  list_fails (&side, "42", G_IO_ERROR_NOT_SUPPORTED);
  side_end (&side);
}

/* ── One sign-in, several processes ─────────────────────────────────────────────────────────── */

static void
on_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (desk_keyring_store_finish (result, NULL));
  *(gboolean *) data = TRUE;
}

static void
keep_tokens (FakeBackend *backend, const char *access, const char *refresh)
{
  DeskTokens tokens = { .access_token = (char *) access, .refresh_token = (char *) refresh, .expires_in_s = 3600 };
  gboolean done = FALSE;

  desk_keyring_store_async (backend->url, "anna", &tokens, NULL, on_stored, &done);
  fake_wait (done);
}

/* The token expires while two engines of one sign-in run: each notices, one renews it, and nobody is signed out because
 * the server takes the old one no more. */
static void
test_shared_renewal (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  Side sides[3] = { 0 };

  keep_tokens (backend, backend->token, backend->refresh_token);
  fake_backend_message (backend, "42", TRUE, "hello");
  for (guint i = 0; i < 3; i++)
    {
      side_begin (&sides[i], backend, NULL, FALSE);
      desk_sync_start (sides[i].sync);
    }
  for (guint i = 0; i < 3; i++)
    fake_wait (phase (&sides[i]) == DESK_SYNC_LIVE);
  g_free (backend->token);
  backend->token = g_strdup ("another");
  fake_backend_close_sockets (backend, 4401);
  fake_wait (backend->hellos >= 6);
  for (guint i = 0; i < 3; i++)
    {
      fake_wait (phase (&sides[i]) == DESK_SYNC_LIVE);
      side_end (&sides[i]);
    }
  g_assert_cmpuint (backend->refreshes, >=, 1);
}

/* Only files and questions, no engine: the token is renewed all the same, and kept. */
static void
test_renewal_without_engine (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  Side side = { 0 };
  g_autoptr (DeskChat) chat = desk_chat_new ("telegram", "42");
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  keep_tokens (backend, "expired", backend->refresh_token);
  side_begin (&side, backend, NULL, TRUE);
  chat->is_level2 = TRUE;
  chat->rev = 1;
  desk_batch_chat (batch, chat);
  result = desk_store_apply (side.store, batch, NULL);
  g_assert_nonnull (result);
  desk_sync_start (side.sync);
  fake_backend_fault (backend, "GET", "/templates", FAKE_REFUSE, 401, UNAUTHORIZED);
  fake_backend_fault (backend, "GET", "/templates", FAKE_REFUSE, 200, LIST);
  g_assert_cmpuint (list (&side, "42"), ==, 2);
  g_assert_cmpuint (backend->refreshes, ==, 1);
  side_end (&side);

  /* The sign-in is gone for good. */
  keep_tokens (backend, "expired", "gone");
  side_begin (&side, backend, NULL, TRUE);
  batch = desk_batch_new ();
  desk_batch_chat (batch, chat);
  g_clear_pointer (&result, desk_batch_result_free);
  result = desk_store_apply (side.store, batch, NULL);
  desk_sync_start (side.sync);
  list_fails (&side, "42", G_IO_ERROR_PERMISSION_DENIED);
  side_end (&side);
}

int
main (int argc, char **argv)
{
  g_autofree char *home = g_dir_make_tmp ("desk-keyring-XXXXXX", NULL);
  g_autofree char *folder = NULL;
  g_autofree char *file = NULL;
  int code;

  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/side-by-side/two-accounts", test_two_accounts);
  g_test_add_func ("/side-by-side/wake", test_wake);
  g_test_add_func ("/side-by-side/templates", test_templates);
  g_test_add_func ("/side-by-side/no-templates", test_no_templates);
  g_test_add_func ("/side-by-side/shared-renewal", test_shared_renewal);
  g_test_add_func ("/side-by-side/renewal-without-engine", test_renewal_without_engine);
  code = g_test_run ();
  folder = g_build_filename (home, "keyrings", NULL);
  file = g_build_filename (folder, "default.keyring", NULL);
  g_remove (file);
  g_rmdir (folder);
  g_rmdir (home);
  return code;
}
