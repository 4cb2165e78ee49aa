/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Paths and limits of the HTTP front. */

#include <arpa/inet.h>
#include <string.h>

#include "server/http/desk-http-limiter.h"
#include "server/http/desk-http-router.h"

static const DeskHttpRoute routes[] = {
  { "GET", "/a", "a" },
  { "GET", "/a/{x}", "get" },
  { "PUT", "/a/{x}", "put" },
  { "GET", "/c/{p}/{u}", "chat" },
  { "POST", "/c/{p}/{u}/send", "send" },
};

static DeskHttpMatchResult
match (const char *method, const char *path, DeskHttpMatch *out)
{
  return desk_http_router_match (routes, G_N_ELEMENTS (routes), method, path, out);
}

static void
test_found (void)
{
  static const struct
  {
    const char *method;
    const char *path;
    const char *data;
    const char *args[2];
  } found[] = {
    { "GET", "/a", "a", { NULL, NULL } },
    { "HEAD", "/a", "a", { NULL, NULL } },
    { "GET", "/%61", "a", { NULL, NULL } },
    { "PUT", "/a/1", "put", { "1", NULL } },
    { "GET", "/c/telegram/42", "chat", { "telegram", "42" } },
    { "GET", "/c/demo/a%20b%23%3F%2B%25", "chat", { "demo", "a b#?+%" } },
    { "GET", "/c/demo/%2541", "chat", { "demo", "%41" } },
    { "GET", "/c/demo/a+b", "chat", { "demo", "a+b" } },
    { "GET", "/c/demo/..", "chat", { "demo", ".." } },
    { "POST", "/c/demo/%D0%9E/send", "send", { "demo", "О" } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (found); i++)
    {
      DeskHttpMatch got;
      g_assert_cmpint (match (found[i].method, found[i].path, &got), ==, DESK_HTTP_MATCH_FOUND);
      g_assert_cmpstr (got.route->data, ==, found[i].data);
      g_assert_cmpstr (got.args[0], ==, found[i].args[0]);
      g_assert_cmpstr (got.args[1], ==, found[i].args[1]);
      desk_http_match_clear (&got);
    }
}

static void
test_refused (void)
{
  g_autofree char *longest = g_strnfill (256, 'x');
  g_autofree char *fits = g_strconcat ("/a/", longest, NULL);
  g_autofree char *too_long = g_strconcat ("/a/", longest, "x", NULL);
  const struct
  {
    const char *path;
    DeskHttpMatchResult result;
  } refused[] = {
    { "", DESK_HTTP_MATCH_NOT_FOUND },
    { "*", DESK_HTTP_MATCH_NOT_FOUND },
    { "a", DESK_HTTP_MATCH_NOT_FOUND },
    { "/", DESK_HTTP_MATCH_NOT_FOUND },
    { "/a/", DESK_HTTP_MATCH_NOT_FOUND },
    { "/a/1/2", DESK_HTTP_MATCH_NOT_FOUND },
    { "/c//42", DESK_HTTP_MATCH_NOT_FOUND },
    { "/////////////////////////", DESK_HTTP_MATCH_NOT_FOUND },
    { "/a/%", DESK_HTTP_MATCH_BAD_PATH },
    { "/a/%4", DESK_HTTP_MATCH_BAD_PATH },
    { "/a/%4g", DESK_HTTP_MATCH_BAD_PATH },
    { "/a/%00", DESK_HTTP_MATCH_BAD_PATH },
    { "/a/%FF", DESK_HTTP_MATCH_BAD_PATH },
    { "/a/%ED%A0%80", DESK_HTTP_MATCH_BAD_PATH },
    { "/a/b%2Fc", DESK_HTTP_MATCH_BAD_PATH },
    { too_long, DESK_HTTP_MATCH_BAD_PATH },
    { fits, DESK_HTTP_MATCH_FOUND },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      DeskHttpMatch got;
      g_assert_cmpint (match ("GET", refused[i].path, &got), ==, refused[i].result);
      desk_http_match_clear (&got);
    }
}

static void
test_allow (void)
{
  DeskHttpMatch got;

  g_assert_cmpint (match ("DELETE", "/a/1", &got), ==, DESK_HTTP_MATCH_METHOD);
  g_assert_cmpstr (got.allow, ==, "GET, HEAD, PUT");
  desk_http_match_clear (&got);
}

static void
test_limiter (void)
{
  g_autoptr (DeskClock) clock = desk_clock_manual_new (1700000000000);
  g_autoptr (DeskHttpLimiter) limiter = desk_http_limiter_new (3, clock);
  gint64 retry_after_s = -1;

  for (int i = 0; i < 3; i++)
    g_assert_true (desk_http_limiter_take (limiter, 1, &retry_after_s));
  g_assert_false (desk_http_limiter_take (limiter, 1, &retry_after_s));
  g_assert_cmpint (retry_after_s, ==, 20);
  g_assert_true (desk_http_limiter_take (limiter, 2, &retry_after_s));

  desk_clock_manual_advance_ms (clock, 19999);
  g_assert_false (desk_http_limiter_take (limiter, 1, &retry_after_s));
  g_assert_cmpint (retry_after_s, ==, 1);
  desk_clock_manual_advance_ms (clock, 1);
  g_assert_true (desk_http_limiter_take (limiter, 1, &retry_after_s));
  g_assert_false (desk_http_limiter_take (limiter, 1, &retry_after_s));

  /* a day away gives a minute's worth, not more */
  desk_clock_manual_advance_ms (clock, 86400000);
  for (int i = 0; i < 3; i++)
    g_assert_true (desk_http_limiter_take (limiter, 1, &retry_after_s));
  g_assert_false (desk_http_limiter_take (limiter, 1, &retry_after_s));
}

static void
test_limiter_off_and_flood (void)
{
  g_autoptr (DeskClock) clock = desk_clock_manual_new (1700000000000);
  g_autoptr (DeskHttpLimiter) off = desk_http_limiter_new (0, clock);
  g_autoptr (DeskHttpLimiter) limiter = desk_http_limiter_new (1, clock);
  gint64 retry_after_s;

  for (guint i = 0; i < 100; i++)
    g_assert_true (desk_http_limiter_take (off, 1, &retry_after_s));
  for (guint64 i = 0; i < 200000; i++)
    g_assert_true (desk_http_limiter_take (limiter, i, &retry_after_s));
}

static guint64
key_of (const char *text)
{
  struct sockaddr_in in = { .sin_family = AF_INET };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

  if (inet_pton (AF_INET, text, &in.sin_addr) == 1)
    return desk_http_limiter_key_address ((struct sockaddr *)&in);
  g_assert_cmpint (inet_pton (AF_INET6, text, &in6.sin6_addr), ==, 1);
  return desk_http_limiter_key_address ((struct sockaddr *)&in6);
}

static void
test_address_keys (void)
{
  g_assert_cmpuint (key_of ("192.0.2.1"), !=, key_of ("192.0.2.2"));
  g_assert_cmpuint (key_of ("2001:db8:0:1::1"), ==, key_of ("2001:db8:0:1:ffff::2"));
  g_assert_cmpuint (key_of ("2001:db8:0:1::1"), !=, key_of ("2001:db8:0:2::1"));
  g_assert_cmpuint (key_of ("::ffff:192.0.2.1"), !=, key_of ("::ffff:192.0.2.2"));
  g_assert_cmpuint (desk_http_limiter_key_token (1), !=, key_of ("0.0.0.1"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/router/found", test_found);
  g_test_add_func ("/http/router/refused", test_refused);
  g_test_add_func ("/http/router/allow", test_allow);
  g_test_add_func ("/http/limiter/bucket", test_limiter);
  g_test_add_func ("/http/limiter/off-and-flood", test_limiter_off_and_flood);
  g_test_add_func ("/http/limiter/address-keys", test_address_keys);
  return g_test_run ();
}
