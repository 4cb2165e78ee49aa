/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-api"

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "api/desk-api.h"
#include "fake-backend.h"
#include "raw-server.h"

/* How requests end. "Surely not sent" is the promise that a reply is not doubled, so it is tested against servers that
 * count what reached them. */

#define PATH "/api/v1/crm/chats/telegram/42/send"

typedef struct
{
  DeskRestAnswer *answer;
} Got;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  ((Got *) data)->answer = desk_api_request_finish (DESK_API (source), result);
}

static DeskRestAnswer *
call (DeskApi *api, const char *method, const char *path, const char *body, guint timeout_ms)
{
  Got got = { NULL };

  desk_api_request_async (api, method, path, body, timeout_ms, NULL, on_answer, &got);
  fake_wait (got.answer != NULL);
  return got.answer;
}

/* Lets go of the object and proves that nobody else holds it. */
static void
drop (DeskApi *api)
{
  gpointer weak = api;

  g_object_add_weak_pointer (G_OBJECT (api), &weak);
  g_object_unref (api);
  fake_wait (weak == NULL);
}

static void
test_outcome (gconstpointer data)
{
  RawMode mode = (RawMode) GPOINTER_TO_INT (data);
  g_autoptr (RawServer) server = raw_server_new (mode);
  DeskApi *api = desk_api_new (server->url);
  g_autoptr (DeskRestAnswer) answer = call (api, "POST", PATH, "{\"text\":\"x\"}", mode == RAW_SILENT ? 300 : 5000);

  g_assert_cmpint (answer->outcome, ==, DESK_REST_LOST);
  g_assert_nonnull (answer->error);
  g_assert_null (answer->body);
  g_assert_cmpint (g_atomic_int_get (&server->connections), ==, 1);
  g_assert_cmpint (g_atomic_int_get (&server->posts), ==, mode == RAW_CLOSE_UNREAD ? 0 : 1);
  drop (api);
}

static guint
closed_port (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_CLOSE);

  return server->port;
}

static void
expect_not_sent (const char *url)
{
  DeskApi *api = desk_api_new (url);
  g_autoptr (DeskRestAnswer) answer = call (api, "POST", PATH, "{}", 8000);

  g_assert_cmpint (answer->outcome, ==, DESK_REST_NOT_SENT);
  g_assert_nonnull (answer->error);
  drop (api);
}

static void
test_not_sent (void)
{
  g_autofree char *refused = g_strdup_printf ("http://127.0.0.1:%u", closed_port ());

  expect_not_sent (refused);
  expect_not_sent ("http://no-such-host.invalid");
  expect_not_sent ("http://[bad");
}

static void
test_tls_refused (void)
{
  RawMode modes[] = { RAW_GARBAGE, RAW_CLOSE_UNREAD };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (RawServer) server = raw_server_new (modes[i]);
      g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u", server->port);

      expect_not_sent (url);
      g_assert_cmpint (g_atomic_int_get (&server->posts), ==, 0);
    }
}

/* A certificate that nobody vouches for: the handshake ends before the request. */
static void
test_tls_untrusted (void)
{
  g_autofree char *dir = g_dir_make_tmp ("desk-api-XXXXXX", NULL);
  g_autofree char *pem = g_build_filename (dir, "both.pem", NULL);
  g_autofree char *command = g_strdup_printf ("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
                                              "-keyout %s -out %s.crt",
                                              pem, pem);
  g_autofree char *crt = g_strconcat (pem, ".crt", NULL);
  g_autofree char *url = NULL;
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (SoupServer) server = NULL;
  g_autoslist (GUri) uris = NULL;
  int status = 1;

  if (!g_spawn_command_line_sync (command, NULL, NULL, &status, NULL) || status != 0
      || !g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    {
      g_test_skip ("no openssl or no TLS");
      return;
    }
  certificate = g_tls_certificate_new_from_files (crt, pem, NULL);
  g_assert_nonnull (certificate);
  server = soup_server_new ("tls-certificate", certificate, NULL);
  g_assert_true (soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  uris = soup_server_get_uris (server);
  url = g_strdup_printf ("https://127.0.0.1:%d", g_uri_get_port (uris->data));
  expect_not_sent (url);
  g_remove (crt);
  g_remove (pem);
  g_rmdir (dir);
}

/* The server closes a kept-alive connection at its second request. libsoup never puts a POST on a connection that was
 * used before, so it is never in doubt for that, and never repeated. */
static void
test_reused_connection (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_KEEP_THEN_CLOSE);
  DeskApi *api = desk_api_new (server->url);
  g_autoptr (DeskRestAnswer) first = call (api, "GET", "/a", NULL, 5000);
  g_autoptr (DeskRestAnswer) second = NULL;

  g_assert_cmpint (first->outcome, ==, DESK_REST_OK);
  fake_run_ms (100); /* the connection becomes idle */
  second = call (api, "POST", PATH, "{}", 5000);
  g_assert_cmpint (second->outcome, ==, DESK_REST_OK);
  fake_run_ms (100);
  g_assert_cmpint (g_atomic_int_get (&server->posts), ==, 1);
  g_assert_cmpint (g_atomic_int_get (&server->connections), ==, 2);
  drop (api);
}

/* A PUT may be repeated, and libsoup repeats it by itself: with its body. */
static void
test_repeated_with_body (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_KEEP_THEN_CLOSE);
  DeskApi *api = desk_api_new (server->url);
  g_autoptr (DeskRestAnswer) first = call (api, "GET", "/a", NULL, 5000);
  g_autoptr (DeskRestAnswer) second = NULL;

  g_assert_cmpint (first->outcome, ==, DESK_REST_OK);
  fake_run_ms (100); /* the connection becomes idle */
  second = call (api, "PUT", "/b", "{\"up_to_chat_seq\":7}", 5000);
  g_assert_cmpint (second->outcome, ==, DESK_REST_OK);
  g_assert_cmpint (g_atomic_int_get (&server->puts), ==, 2);
  g_assert_cmpint (g_atomic_int_get (&server->empty_puts), ==, 0);
  drop (api);
}

static void
test_huge (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_HUGE);
  DeskApi *api = desk_api_new (server->url);
  g_autoptr (DeskRestAnswer) answer = call (api, "GET", "/a", NULL, 60000);

  g_assert_cmpint (answer->outcome, ==, DESK_REST_LOST);
  g_assert_nonnull (strstr (answer->error, "too large"));
  drop (api);
}

/* An answer later than a moment of silence is still an answer; one after the deadline is not. */
static void
test_deadline (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_SLOW);
  DeskApi *api = desk_api_new (server->url);
  g_autoptr (DeskRestAnswer) in_time = call (api, "POST", PATH, "{}", 5000);
  gint64 begin = g_get_monotonic_time ();
  g_autoptr (DeskRestAnswer) late = call (api, "POST", PATH, "{}", 100);

  g_assert_cmpint (in_time->outcome, ==, DESK_REST_OK);
  g_assert_cmpint (late->outcome, ==, DESK_REST_LOST);
  g_assert_nonnull (strstr (late->error, "in time"));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 280 * 1000);
  drop (api);
}

static void
test_cancel (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_SILENT);
  DeskApi *api = desk_api_new (server->url);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Got got[2] = { { NULL }, { NULL } };

  desk_api_request_async (api, "POST", PATH, "{}", 5000, cancellable, on_answer, &got[0]);
  fake_wait (g_atomic_int_get (&server->posts) == 1);
  g_cancellable_cancel (cancellable);
  fake_wait (got[0].answer != NULL);
  g_assert_cmpint (got[0].answer->outcome, ==, DESK_REST_CANCELLED);
  desk_api_request_async (api, "POST", PATH, "{}", 5000, cancellable, on_answer, &got[1]);
  fake_wait (got[1].answer != NULL);
  g_assert_cmpint (got[1].answer->outcome, ==, DESK_REST_CANCELLED);
  g_assert_cmpint (g_atomic_int_get (&server->posts), ==, 1);
  desk_rest_answer_free (got[0].answer);
  desk_rest_answer_free (got[1].answer);
  drop (api);
}

static void
test_refused (void)
{
  static const guint statuses[] = { 400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 502, 503 };
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  DeskApi *api = desk_api_new (backend->url);

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autoptr (DeskRestAnswer) answer = NULL;

      fake_backend_fault (backend, "POST", "/send", FAKE_REFUSE, statuses[i],
                          i % 2 ? "<html>proxy</html>" : "{\"success\":false,\"error\":{\"code\":\"X\",\"message\":\"why\"}}");
      answer = call (api, "POST", PATH, "{}", 5000);
      g_assert_cmpint (answer->outcome, ==, DESK_REST_REFUSED);
      g_assert_cmpuint (answer->status, ==, statuses[i]);
      g_assert_cmpuint (answer->failure->http_status, ==, statuses[i]);
      g_assert_cmpint (answer->failure->retry_after_ms, ==, statuses[i] == 429 ? 1000 : -1);
      if (i % 2 == 0)
        g_assert_cmpstr (answer->failure->message, ==, "why");
      else
        g_assert_null (strchr (answer->failure->message, '<'));
    }
  g_assert_cmpuint (backend->requests, ==, G_N_ELEMENTS (statuses)); /* 401 and 503 bring no second try */
  drop (api);
}

static void
on_redirect (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  (*(guint *) data)++;
  soup_server_message_set_redirect (msg, 307, "/elsewhere");
}

static void
test_no_redirect (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  DeskApi *api = desk_api_new (backend->url);
  guint hits = 0;
  g_autoptr (DeskRestAnswer) answer = NULL;

  soup_server_add_handler (backend->server, "/moved", on_redirect, &hits, NULL);
  answer = call (api, "GET", "/moved", NULL, 5000);
  g_assert_cmpint (answer->outcome, ==, DESK_REST_REFUSED);
  g_assert_cmpuint (answer->status, ==, 307);
  g_assert_cmpuint (hits, ==, 1);
  g_assert_cmpuint (backend->requests, ==, 0);
  drop (api);
}

static void
on_look (SoupServer *server, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer data)
{
  char **seen = data;

  seen[0] = g_uri_to_string (soup_server_message_get_uri (msg));
  seen[1] = g_strdup (
      soup_message_headers_get_one (soup_server_message_get_request_headers (msg), "Authorization"));
  soup_server_message_set_status (msg, 204, NULL);
}

static void
test_token_and_path (void)
{
  g_autoptr (FakeBackend) backend = fake_backend_new (2);
  DeskApi *api = desk_api_new (backend->url);
  g_autofree char *path = desk_path_send ("telegram", "a/b ?#%2F\xc3\xa9");
  g_autoptr (DeskRestAnswer) answer = NULL;
  char *seen[2] = { NULL, NULL };

  soup_server_add_handler (backend->server, "/api", on_look, seen, NULL);
  desk_api_set_token (api, "s3cret");
  g_assert_true (desk_api_has_token (api));
  answer = call (api, "POST", path, "{}", 5000);
  g_assert_cmpint (answer->outcome, ==, DESK_REST_OK);
  g_assert_true (g_str_has_suffix (seen[0], "/telegram/a%2Fb%20%3F%23%252F%C3%A9/send"));
  g_assert_null (strstr (seen[0], "s3cret"));
  g_assert_cmpstr (seen[1], ==, "Bearer s3cret");
  g_free (seen[0]);
  g_free (seen[1]);
  drop (api);
}

/* The object goes while requests are out: each is still answered, once. */
static void
test_dispose_in_flight (void)
{
  g_autoptr (RawServer) server = raw_server_new (RAW_SILENT);
  DeskApi *api = desk_api_new (server->url);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gpointer weak = api;
  Got got[12] = { { NULL } };

  g_object_add_weak_pointer (G_OBJECT (api), &weak);
  for (guint i = 0; i < G_N_ELEMENTS (got); i++)
    desk_api_request_async (api, "GET", "/a", NULL, 5000, cancellable, on_answer, &got[i]);
  fake_wait (g_atomic_int_get (&server->requests) > 0);
  g_object_unref (api);
  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (got); i++)
    {
      fake_wait (got[i].answer != NULL);
      g_assert_cmpint (got[i].answer->outcome, ==, DESK_REST_CANCELLED);
      desk_rest_answer_free (got[i].answer);
    }
  fake_wait (weak == NULL);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    RawMode mode;
  } lost[] = {
    { "/api/lost/closed", RAW_CLOSE },         { "/api/lost/closed-unread", RAW_CLOSE_UNREAD },
    { "/api/lost/reset", RAW_RESET },          { "/api/lost/truncated", RAW_TRUNCATED },
    { "/api/lost/timeout", RAW_SILENT },       { "/api/lost/garbage", RAW_GARBAGE },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (lost); i++)
    g_test_add_data_func (lost[i].name, GINT_TO_POINTER (lost[i].mode), test_outcome);
  g_test_add_func ("/api/not-sent", test_not_sent);
  g_test_add_func ("/api/tls/refused", test_tls_refused);
  g_test_add_func ("/api/tls/untrusted", test_tls_untrusted);
  g_test_add_func ("/api/reused-connection", test_reused_connection);
  g_test_add_func ("/api/repeated-with-body", test_repeated_with_body);
  g_test_add_func ("/api/huge", test_huge);
  g_test_add_func ("/api/deadline", test_deadline);
  g_test_add_func ("/api/cancel", test_cancel);
  g_test_add_func ("/api/refused", test_refused);
  g_test_add_func ("/api/no-redirect", test_no_redirect);
  g_test_add_func ("/api/token-and-path", test_token_and_path);
  g_test_add_func ("/api/dispose-in-flight", test_dispose_in_flight);
  return g_test_run ();
}
