/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* The user service's client against a server that is slow, fails, lies and chokes. */

#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <string.h>

#include "server/files/desk-files.h"
#include "server/users/desk-user-directory.h"
#include "server/users/desk-user-private.h"

typedef struct
{
  SoupServer *server;
  char *base;
  char *folder;
  DeskFileStore *files;
  DeskClock *clock;
  DeskUserDirectory *directory;
  /* how the server behaves */
  guint status;
  const char *garbage; /* instead of an answer */
  const char *poison;  /* an id that makes it fail with 500 */
  const char *retry_after;
  gboolean silent;
  /* what it saw */
  guint calls;
  GPtrArray *paused;
  char *authorization;
  GString *bodies;
} Rig;

static void
write_people (SoupServerMessage *message, const char *body)
{
  /* 1: all of him; 2: no name; 3: nothing that helps; 4: unknown; 9: nobody asked */
  g_autoptr (GString) text = g_string_new ("{\"users\":[{\"id\":9,\"name\":\"Stranger\"}");
  if (strchr (body, '1') != NULL)
    g_string_append (text, ",{\"id\":1,\"name\":\"Ann \\u0416\",\"avatar_url\":\"http://x/1.png\"}"
                           ",{\"id\":1,\"name\":\"Twice\"}");
  if (strchr (body, '2') != NULL)
    g_string_append (text, ",{\"id\":\"2\",\"avatar_url\":\"http://x/2.png\",\"name\":null}");
  if (strchr (body, '3') != NULL)
    g_string_append (text, ",{\"id\":3,\"name\":7},null,7,{\"name\":\"No id\"}");
  g_string_append (text, "]}");
  soup_server_message_set_status (message, 200, NULL);
  soup_server_message_set_response (message, "application/json", SOUP_MEMORY_COPY, text->str,
                                    text->len);
}

static void
on_batch (SoupServer *server,
          SoupServerMessage *message,
          const char *path,
          GHashTable *query,
          gpointer data)
{
  Rig *self = data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  g_autofree char *text
      = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  self->calls++;
  g_string_append_printf (self->bodies, "%s;", text);
  g_free (self->authorization);
  self->authorization = g_strdup (soup_message_headers_get_one (headers, "Authorization"));
  if (self->silent)
    {
      g_ptr_array_add (self->paused, g_object_ref (message));
      soup_server_message_pause (message);
    }
  else if (self->status != 200 || (self->poison != NULL && strstr (text, self->poison) != NULL))
    {
      if (self->retry_after != NULL)
        soup_message_headers_append (soup_server_message_get_response_headers (message),
                                     "Retry-After", self->retry_after);
      soup_server_message_set_status (message, self->status != 200 ? self->status : 500, NULL);
    }
  else if (self->garbage != NULL)
    {
      soup_server_message_set_status (message, 200, NULL);
      soup_server_message_set_response (message, "text/html", SOUP_MEMORY_COPY, self->garbage,
                                        strlen (self->garbage));
    }
  else
    write_people (message, text);
}

static void
on_picture (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer data)
{
  static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\2\b\2\0\0\0";
  Rig *self = data;
  g_autofree char *big = g_malloc0 (5000);
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  g_free (self->authorization);
  self->authorization = g_strdup (soup_message_headers_get_one (headers, "Authorization"));
  memcpy (big, png, sizeof png - 1);
  soup_server_message_set_status (message, 200, NULL);
  if (g_str_has_suffix (path, "good.png"))
    soup_server_message_set_response (message, "text/html", SOUP_MEMORY_STATIC, png,
                                      sizeof png - 1);
  else if (g_str_has_suffix (path, "big.png"))
    soup_server_message_set_response (message, "image/png", SOUP_MEMORY_COPY, big, 5000);
  else if (g_str_has_suffix (path, "page.png"))
    soup_server_message_set_response (message, "image/png", SOUP_MEMORY_STATIC, "<html>hi", 8);
  else if (g_str_has_suffix (path, "away.png"))
    soup_server_message_set_redirect (message, 302, "/good.png");
  else
    soup_server_message_set_status (message, 404, NULL);
}

static void
rig_setup (Rig *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (self->server, "/batch", on_batch, self, NULL);
  soup_server_add_handler (self->server, "/pictures", on_picture, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  GSList *uris = soup_server_get_uris (self->server);
  self->base = g_strdup_printf ("http://127.0.0.1:%d", g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify)g_uri_unref);
  self->folder = g_dir_make_tmp ("desk-users-XXXXXX", &error);
  g_autofree char *files = g_build_filename (self->folder, "files", NULL);
  g_autofree char *key = g_build_filename (self->folder, "key", NULL);
  self->files = desk_files_open (files, key, &error);
  g_assert_no_error (error);
  self->clock = desk_clock_manual_new (G_GINT64_CONSTANT (1795000000000));
  self->status = 200;
  self->bodies = g_string_new (NULL);
  self->paused = g_ptr_array_new_with_free_func (g_object_unref);
  const DeskUserDirectoryOptions options = {
    .base_url = self->base,
    .path = "/batch",
    .token = "s3cret",
    .batch_size = 8,
    .timeout_ms = data != NULL ? 300 : 30000,
    .numbers = TRUE,
    .max_picture_bytes = 4096,
    .files = self->files,
    .clock = self->clock,
    .random = desk_random_system (),
  };
  self->directory = desk_user_directory_new (&options);
}

static void
rig_teardown (Rig *self, gconstpointer data)
{
  desk_user_directory_free (self->directory);
  g_ptr_array_unref (self->paused);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  self->files->ops->close (self->files);
  const char *argv[] = { "rm", "-rf", self->folder, NULL };
  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  desk_clock_unref (self->clock);
  g_string_free (self->bodies, TRUE);
  g_free (self->authorization);
  g_free (self->folder);
  g_free (self->base);
}

static void
on_done (GObject *object, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref (result);
}

/* "ID=NAME," of who is known, "ID!," of who failed, sorted; or the error. */
static char *
ask (Rig *self, const char *list)
{
  g_auto (GStrv) ids = g_strsplit (list, ",", -1);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GHashTable) failed = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  desk_user_directory_ask_async (self->directory, (const char *const *)ids, NULL, on_done, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_autoptr (GHashTable) known
      = desk_user_directory_ask_finish (self->directory, result, &failed, &error);
  if (known == NULL)
    return g_strdup ("error");
  for (guint i = 0; ids[i] != NULL; i++)
    {
      const DeskKnownUser *user = g_hash_table_lookup (known, ids[i]);
      if (user != NULL)
        g_string_append_printf (text, "%s=%s%s,", ids[i], user->name != NULL ? user->name : "?",
                                user->picture_url != NULL ? "*" : "");
      else if (g_hash_table_contains (failed, ids[i]))
        g_string_append_printf (text, "%s!,", ids[i]);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_answer (Rig *self, const char *ids, const char *expected)
{
  g_autofree char *text = ask (self, ids);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_batch (Rig *self, gconstpointer data)
{
  assert_answer (self, "1,2,3,4", "1=Ann Ж*,2=?*,");
  g_assert_cmpstr (self->bodies->str, ==, "{\"user_ids\":[1,2,3,4]};");
  g_assert_cmpstr (self->authorization, ==, "Bearer s3cret");
  /* what cannot be an id there is not asked for */
  assert_answer (self, "a,-1,01,99999999999999999999", "");
  g_assert_cmpuint (self->calls, ==, 1);
}

static void
test_poison (Rig *self, gconstpointer data)
{
  self->poison = "666";
  assert_answer (self, "1,2,666,4", "1=Ann Ж*,2=?*,666!,");
  g_assert_cmpuint (self->calls, ==, 5); /* 4, 2, 2, 1, 1 */
  g_assert_true (desk_user_directory_may_ask (self->directory));
}

static void
test_breaker (Rig *self, gconstpointer data)
{
  self->status = 503;
  for (guint i = 0; i < 5; i++)
    assert_answer (self, "1", "error");
  g_assert_cmpuint (self->calls, ==, 5);
  g_assert_false (desk_user_directory_may_ask (self->directory));
  assert_answer (self, "1", "error");
  g_assert_cmpuint (self->calls, ==, 5); /* left alone */

  /* one trial after half a minute, give or take; it fails, and the wait doubles */
  desk_clock_manual_advance_ms (self->clock, 36001);
  assert_answer (self, "1", "error");
  g_assert_cmpuint (self->calls, ==, 6);
  desk_clock_manual_advance_ms (self->clock, 36001);
  g_assert_false (desk_user_directory_may_ask (self->directory));
  desk_clock_manual_advance_ms (self->clock, 36001);
  self->status = 200;
  assert_answer (self, "1", "1=Ann Ж*,");

  /* closed: it takes five again */
  self->status = 404;
  for (guint i = 0; i < 4; i++)
    assert_answer (self, "1", "error");
  g_assert_true (desk_user_directory_may_ask (self->directory));

  /* asked to wait, it waits */
  self->status = 429;
  self->retry_after = "400";
  assert_answer (self, "1", "error");
  desk_clock_manual_advance_ms (self->clock, 399000);
  g_assert_false (desk_user_directory_may_ask (self->directory));
  desk_clock_manual_advance_ms (self->clock, 1000);
  g_assert_true (desk_user_directory_may_ask (self->directory));
}

static void
test_garbage (Rig *self, gconstpointer data)
{
  static const char *const garbage[]
      = { "", "<html>", "[]", "{\"users\":{}}", "{\"users\":[", "\xff\xfe" };
  for (gsize i = 0; i < G_N_ELEMENTS (garbage); i++)
    {
      self->garbage = garbage[i];
      desk_clock_manual_advance_ms (self->clock, 1000000);
      assert_answer (self, "1", "error");
    }
  self->garbage = NULL;
  desk_clock_manual_advance_ms (self->clock, 1000000);
  assert_answer (self, "1", "1=Ann Ж*,");
}

static void
test_slow (Rig *self, gconstpointer data)
{
  self->silent = TRUE;
  assert_answer (self, "1,2", "error");
  g_assert_cmpuint (self->calls, ==, 1);
}

static char *
fetch (Rig *self, const char *name)
{
  g_autofree char *url
      = strstr (name, "//") != NULL ? g_strdup (name) : g_strconcat (self->base, name, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  desk_user_directory_get_picture_async (self->directory, url, NULL, on_done, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_autoptr (DeskStoredFile) file
      = desk_user_directory_get_picture_finish (self->directory, result, &error);
  return file != NULL ? g_strdup (file->mime_type) : NULL;
}

static void
test_pictures (Rig *self, gconstpointer data)
{
  static const char *const bad[] = {
    "/pictures/big.png", "/pictures/page.png", "/pictures/away.png", "/pictures/none.png",
    "file:///etc/passwd", "ftp://127.0.0.1/x.png", "http://a:b@127.0.0.1/x.png", "//",
  };
  g_autofree char *good = fetch (self, "/pictures/good.png");
  g_assert_cmpstr (good, ==, "image/png");
  g_assert_null (self->authorization); /* the token is not for others */
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *type = fetch (self, bad[i]);
      g_assert_null (type);
    }
}

static void
test_end (Rig *self, gconstpointer data)
{
  const char *ids[] = { "1", NULL };
  g_autoptr (GAsyncResult) result = NULL;
  self->silent = TRUE;
  desk_user_directory_ask_async (self->directory, ids, NULL, on_done, &result);
  while (self->calls == 0)
    g_main_context_iteration (NULL, TRUE);
  desk_user_directory_free (g_steal_pointer (&self->directory));
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (desk_user_directory_ask_finish (NULL, result, NULL, NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func, quick)                                                                     \
  g_test_add ("/users/" name, Rig, GINT_TO_POINTER (quick), rig_setup, func, rig_teardown)
  ADD ("batch", test_batch, 0);
  ADD ("poison", test_poison, 0);
  ADD ("breaker", test_breaker, 0);
  ADD ("garbage", test_garbage, 0);
  ADD ("slow", test_slow, 1);
  ADD ("pictures", test_pictures, 0);
  ADD ("end", test_end, 0);
  return g_test_run ();
}
