/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-keyring"

#include "config.h"

#include <glib/gstdio.h>

#include "api/desk-keyring.h"
#include "fake-backend.h"
#include "store/desk-store.h"
#include "sync/desk-sync.h"

/* Secrets in libsecret's file (no bus needed) or, where the environment has one, in a real keyring; and the renewal of
 * a token with them. */

#define SERVER "https://chat.example.com"

typedef struct
{
  gboolean done, ok;
  DeskTokens *tokens;
  GError *error;
} Got;

static void
on_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  Got *got = data;

  got->ok = desk_keyring_store_finish (result, &got->error);
  got->done = TRUE;
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Got *got = data;

  got->tokens = desk_keyring_lookup_finish (result, &got->error);
  got->done = TRUE;
}

static void
on_cleared (GObject *source, GAsyncResult *result, gpointer data)
{
  Got *got = data;

  got->ok = desk_keyring_clear_finish (result, &got->error);
  got->done = TRUE;
}

static void
store (const char *server, const char *username, const char *access, const char *refresh)
{
  DeskTokens tokens = { .access_token = (char *) access, .refresh_token = (char *) refresh, .expires_in_s = 3600 };
  Got got = { 0 };

  desk_keyring_store_async (server, username, &tokens, NULL, on_stored, &got);
  fake_wait (got.done);
  g_assert_no_error (got.error);
  g_assert_true (got.ok);
}

static DeskTokens *
find (const char *server, const char *username)
{
  Got got = { 0 };

  desk_keyring_lookup_async (server, username, NULL, on_found, &got);
  fake_wait (got.done);
  g_assert_no_error (got.error);
  return got.tokens;
}

static void
clear (const char *server, const char *username)
{
  Got got = { 0 };

  desk_keyring_clear_async (server, username, NULL, on_cleared, &got);
  fake_wait (got.done);
  g_assert_no_error (got.error);
  g_assert_true (got.ok);
}

static void
test_round (void)
{
  g_autoptr (DeskTokens) anna = NULL, boris = NULL, static_token = NULL;

  g_assert_null (find (SERVER, "anna"));
  clear (SERVER, "anna"); /* nothing there is no error */
  store (SERVER, "anna", "a1", "r1");
  store (SERVER, "boris", "b1", "r2");
  store (SERVER, "anna", "a2", "r3"); /* replaces */
  anna = find (SERVER, "anna");
  boris = find (SERVER, "boris");
  g_assert_cmpstr (anna->access_token, ==, "a2");
  g_assert_cmpstr (anna->refresh_token, ==, "r3");
  g_assert_cmpstr (boris->access_token, ==, "b1");
  clear (SERVER, "anna");
  g_assert_null (find (SERVER, "anna"));
  clear (SERVER, "boris");
  store (SERVER, "", "static", "");
  static_token = find (SERVER, "");
  g_assert_cmpstr (static_token->access_token, ==, "static");
  clear (SERVER, "");
}

static void
test_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Got got = { 0 };

  g_cancellable_cancel (cancellable);
  desk_keyring_lookup_async (SERVER, "anna", cancellable, on_found, &got);
  fake_wait (got.done);
  g_assert_error (got.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_error_free (got.error);
}

static void
on_settled (GObject *source, GAsyncResult *result, gpointer data)
{
  Got *got = data;

  got->ok = desk_sync_settle_finish (DESK_SYNC (source), result, &got->error);
  got->done = TRUE;
}

static DeskSyncPhase
run_once (FakeBackend *backend, DeskStore *cache, Got *got)
{
  DeskSyncOptions options = { .server_url = backend->url, .username = "anna" };
  g_autoptr (DeskSync) sync = desk_sync_new (cache, &options);
  DeskSyncPhase phase;

  desk_sync_start (sync);
  desk_sync_settle_async (sync, NULL, on_settled, got);
  fake_wait (got->done);
  phase = desk_sync_get_state (sync)->phase;
  desk_sync_stop (sync);
  return phase;
}

/* 401 → the token is renewed once, kept, and the work goes on; a refused renewal asks to sign in. */
static void
test_refresh (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  g_autofree char *dir = g_dir_make_tmp ("desk-keyring-XXXXXX", NULL);
  g_autoptr (DeskStore) cache = desk_store_open (dir, NULL, NULL);
  g_autoptr (DeskTokens) kept = NULL;
  Got got = { 0 }, refused = { 0 };

  fake_backend_message (backend, "42", TRUE, "hello");
  store (backend->url, "anna", "expired", "refresh-0");
  g_assert_cmpint (run_once (backend, cache, &got), ==, DESK_SYNC_LIVE);
  g_assert_no_error (got.error);
  g_assert_cmpuint (backend->refreshes, ==, 1);
  kept = find (backend->url, "anna");
  g_assert_cmpstr (kept->access_token, ==, backend->token);
  g_assert_cmpstr (kept->refresh_token, ==, backend->refresh_token);

  store (backend->url, "anna", "expired", "stolen");
  g_assert_cmpint (run_once (backend, cache, &refused), ==, DESK_SYNC_SIGNED_OUT);
  g_assert_error (refused.error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_error_free (refused.error);
  g_assert_cmpuint (backend->refreshes, ==, 2);
  clear (backend->url, "anna");
  desk_store_close (cache);
  desk_store_erase (dir, NULL);
}

int
main (int argc, char **argv)
{
  g_autofree char *home = NULL;
  int code;

  if (g_getenv ("SECRET_BACKEND") != NULL)
    {
      home = g_dir_make_tmp ("desk-keyring-XXXXXX", NULL);
      g_setenv ("XDG_DATA_HOME", home, TRUE);
    }
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyring/round", test_round);
  g_test_add_func ("/keyring/cancelled", test_cancelled);
  g_test_add_func ("/keyring/refresh", test_refresh);
  code = g_test_run ();
  if (home != NULL)
    {
      g_autofree char *folder = g_build_filename (home, "keyrings", NULL);
      g_autofree char *file = g_build_filename (folder, "default.keyring", NULL);

      g_remove (file);
      g_rmdir (folder);
      g_rmdir (home);
    }
  return code;
}
