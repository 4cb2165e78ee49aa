/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* What the connectors of Meta's platforms share: handshake, signature, load headers, table of
 * errors. The client itself is tested with each platform's connector. */

#include <string.h>

#include "common/desk-crypto.h"
#include "server/connectors/meta/desk-meta-fetch.h"
#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/meta/desk-meta-rules.h"
#include "server/connectors/meta/desk-meta-webhook.h"

#define SECRET "app-secret"

static char *signature;

static const char *
get_header (gpointer request, const char *name)
{
  return g_ascii_strcasecmp (name, "X-Hub-Signature-256") == 0 ? signature : NULL;
}

static DeskConnection *
connection_new (void)
{
  DeskConnection *self = g_new0 (DeskConnection, 1);

  self->name = (char *)"shop";
  self->app_secret = (char *)SECRET;
  self->verify_token = (char *)"hello";
  return self;
}

static void
sign (const char *secret, const char *body, gsize len)
{
  g_autofree char *hex = desk_hmac_sha256_hex (secret, strlen (secret), body, len);

  g_free (signature);
  signature = g_strconcat ("sha256=", hex, NULL);
}

static DeskWebhookResult *
call (const DeskConnection *connection, const char *method, const char *query, const char *body, JsonNode **root)
{
  g_autoptr (GHashTable) table
      = query != NULL ? g_uri_parse_params (query, -1, "&", G_URI_PARAMS_NONE, NULL)
                      : g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GBytes) bytes = g_bytes_new (body != NULL ? body : "", body != NULL ? strlen (body) : 0);
  DeskWebhookRequest request = { method, table, get_header, NULL, bytes };

  return desk_meta_webhook_open (connection, &request, root);
}

static void
test_handshake (void)
{
  static const struct
  {
    const char *query;
    guint status;
  } cases[] = {
    { "hub.mode=subscribe&hub.verify_token=hello&hub.challenge=1158201444", 200 },
    { "hub.mode=subscribe&hub.verify_token=hellO&hub.challenge=1158201444", 403 },
    { "hub.mode=subscribe&hub.verify_token=hello2&hub.challenge=1158201444", 403 },
    { "hub.mode=subscribe&hub.verify_token=&hub.challenge=1158201444", 403 },
    { "hub.mode=unsubscribe&hub.verify_token=hello&hub.challenge=1158201444", 403 },
    { "hub.mode=subscribe&hub.verify_token=hello&hub.challenge=%3Cscript%3E", 400 },
    { "hub.mode=subscribe&hub.verify_token=hello", 400 },
    { "", 403 },
  };
  g_autofree DeskConnection *connection = connection_new ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonNode) root = NULL;
      g_autoptr (DeskWebhookResult) result = call (connection, "GET", cases[i].query, NULL, &root);
      g_assert_cmpuint (result->status, ==, cases[i].status);
      g_assert_null (root);
      g_assert_null (result->inbound);
      g_assert_cmpstr (result->body, ==, cases[i].status == 200 ? "1158201444" : NULL);
    }
  connection->verify_token = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (DeskWebhookResult) result
      = call (connection, "GET", "hub.mode=subscribe&hub.verify_token=&hub.challenge=1", NULL, &root);
  g_assert_cmpuint (result->status, ==, 403);
}

static void
test_signature (void)
{
  static const char body[] = "{\"object\":\"page\",\"text\":\"\\u041f\\u0440\\u0438\"}";
  g_autofree DeskConnection *connection = connection_new ();
  guint statuses[6];
  gsize n = 0;

  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (JsonNode) root = NULL;
      sign (i == 1 ? "another" : SECRET, body, strlen (body));
      if (i == 2)
        g_clear_pointer (&signature, g_free);
      if (i == 3)
        signature[strlen (signature) - 1] ^= 1;
      if (i == 4)
        signature[strlen (signature) - 1] = '\0';
      connection->app_secret = (char *)(i == 5 ? "" : SECRET);
      g_autoptr (DeskWebhookResult) result = call (connection, "POST", NULL, body, &root);
      statuses[n++] = result->status;
      g_assert_true ((root != NULL) == (i == 0));
      g_assert_true ((result->inbound != NULL) == (i == 0));
    }
  g_assert_cmpuint (statuses[0], ==, 200);
  for (guint i = 1; i < n; i++)
    g_assert_cmpuint (statuses[i], ==, 403);

  connection->app_secret = (char *)SECRET;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (DeskWebhookResult) result = call (connection, "PUT", NULL, body, &root);
  g_assert_cmpuint (result->status, ==, 405);
}

/* Authentic, but not to be read: confirmed, since Meta would repeat it for days. */
static void
test_unreadable (void)
{
  static const char *const bodies[] = { "", "{", "[[1,]]", "{\"a\":1,\"a\":2}", "\xff\xfe" };
  g_autofree DeskConnection *connection = connection_new ();

  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (JsonNode) root = NULL;
      sign (SECRET, bodies[i], strlen (bodies[i]));
      g_test_expect_message ("desk-connectors", G_LOG_LEVEL_WARNING, "*cannot be read*");
      g_autoptr (DeskWebhookResult) result = call (connection, "POST", NULL, bodies[i], &root);
      g_test_assert_expected_messages ();
      g_assert_cmpuint (result->status, ==, 200);
      g_assert_null (root);
      g_assert_nonnull (result->inbound->problem);
    }
}

static void
test_surrogates (void)
{
  static const char cut[] = "{\"t\":\"a\\ud83d\",\"u\":\"\\ude00b \\\\ud83d \\ud83d\\ude00\"}";
  static const char whole[] = "{\"t\":\"\\ud83d\\ude00 \\\\ud83d\"}";
  g_autofree DeskConnection *connection = connection_new ();
  g_autoptr (JsonNode) root = NULL;

  sign (SECRET, cut, strlen (cut));
  g_autoptr (DeskWebhookResult) result = call (connection, "POST", NULL, cut, &root);
  g_assert_cmpuint (result->status, ==, 200);
  g_assert_cmpstr (desk_meta_string (json_node_get_object (root), "t"), ==, "a\xef\xbf\xbd");
  g_assert_cmpstr (desk_meta_string (json_node_get_object (root), "u"), ==,
                   "\xef\xbf\xbd" "b \\ud83d 😀");
  g_assert_null (desk_meta_mend_surrogates (whole, strlen (whole)));
  g_assert_null (desk_meta_mend_surrogates ("\\u", 2));
}

static void
test_load (void)
{
  g_autoptr (DeskMetaReply) reply = desk_meta_reply_new ();

  desk_meta_reply_read_load (reply, NULL);
  desk_meta_reply_read_load (reply, "nonsense");
  g_assert_cmpuint (reply->load_percent, ==, 0);
  desk_meta_reply_read_load (reply, "{\"call_count\":28,\"total_time\":25,\"total_cputime\":30}");
  g_assert_cmpuint (reply->load_percent, ==, 30);
  g_assert_cmpint (reply->retry_after_ms, ==, -1);
  desk_meta_reply_read_load (reply,
                             "{\"1\":[{\"type\":\"messenger\",\"call_count\":1,\"total_cputime\":1,"
                             "\"total_time\":1,\"estimated_time_to_regain_access\":0},{\"type\":"
                             "\"pages\",\"call_count\":100,\"estimated_time_to_regain_access\":7}]}");
  g_assert_cmpuint (reply->load_percent, ==, 100);
  g_assert_cmpint (reply->retry_after_ms, ==, 7 * 60 * 1000);
}

static DeskMetaReply *
reply_of (guint status, const char *body)
{
  DeskMetaReply *reply = desk_meta_reply_new ();

  reply->begun = TRUE;
  reply->http_status = status;
  desk_meta_reply_read (reply, body, strlen (body), "EAAtoken");
  return reply;
}

static void
test_outcomes (void)
{
  static const DeskMetaRule own[] = {
    { 10, 10, 2018278, DESK_META_CLASS_WINDOW, 0, "Closed" },
    { 131052, 131052, 0, DESK_META_CLASS_ONCE, 0, NULL },
    { 131056, 131056, 0, DESK_META_CLASS_RATE_CHAT, 0, NULL },
  };
  static const struct
  {
    guint status;
    const char *body;
    guint attempt;
    DeskOutcomeType type;
    const char *code;
    gint64 retry_after_ms;
  } cases[] = {
    { 400, "{\"error\":{\"code\":190}}", 1, DESK_OUTCOME_CONNECTION, "190", -1 },
    { 400, "{\"error\":{\"code\":4}}", 1, DESK_OUTCOME_RETRY, "4", 60000 },
    { 429, "{\"error\":{\"code\":4}}", 1, DESK_OUTCOME_RETRY, "4", 60000 },
    { 400, "{\"error\":{\"code\":\"80007\"}}", 1, DESK_OUTCOME_RETRY, "80007", 60000 },
    { 500, "{\"error\":{\"code\":1}}", 1, DESK_OUTCOME_RETRY, "1", -1 },
    { 500, "{\"error\":{\"code\":2}}", 1, DESK_OUTCOME_RETRY, "2", -1 },
    { 400, "{\"error\":{\"code\":99,\"is_transient\":true}}", 1, DESK_OUTCOME_RETRY, "99", -1 },
    { 400, "{\"error\":{\"code\":100,\"is_transient\":true}}", 1, DESK_OUTCOME_RETRY, "100", -1 },
    { 400, "{\"error\":{\"code\":100,\"error_subcode\":33}}", 1, DESK_OUTCOME_PERMANENT, "100", -1 },
    { 400, "{\"error\":{\"code\":4711}}", 1, DESK_OUTCOME_PERMANENT, "4711", -1 },
    { 503, "{\"error\":{\"code\":4711}}", 1, DESK_OUTCOME_UNKNOWN, NULL, -1 },
    { 429, "{\"error\":{\"code\":4711}}", 1, DESK_OUTCOME_RETRY, "4711", 30000 },
    { 429, "slow", 1, DESK_OUTCOME_RETRY, "429", 30000 },
    { 500, "<html>", 1, DESK_OUTCOME_UNKNOWN, "500", -1 },
    { 200, "<html>", 1, DESK_OUTCOME_UNKNOWN, "200", -1 },
    { 403, "{\"error\":{\"code\":10}}", 1, DESK_OUTCOME_CONNECTION, "10", -1 },
    { 403, "{\"error\":{\"code\":10,\"error_subcode\":2018278}}", 1, DESK_OUTCOME_PERMANENT,
      DESK_META_WINDOW_CLOSED, -1 },
    { 400, "{\"error\":{\"code\":131052}}", 1, DESK_OUTCOME_RETRY, "131052", -1 },
    { 400, "{\"error\":{\"code\":131052}}", 2, DESK_OUTCOME_PERMANENT, "131052", -1 },
    { 400, "{\"error\":{\"code\":131056}}", 1, DESK_OUTCOME_RETRY, "131056", 6000 },
    { 400, "{\"error\":{\"code\":131056}}", 3, DESK_OUTCOME_RETRY, "131056", 24000 },
    { 400, "{\"error\":{\"code\":250}}", 1, DESK_OUTCOME_CONNECTION, "250", -1 },
    { 400, "{\"error\":{\"code\":368}}", 1, DESK_OUTCOME_CONNECTION, "368", -1 },
    { 400, "{\"error\":{}}", 1, DESK_OUTCOME_PERMANENT, "-1", -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DeskMetaReply) reply = reply_of (cases[i].status, cases[i].body);
      g_autoptr (DeskOutcome) outcome
          = desk_meta_outcome (reply, own, G_N_ELEMENTS (own), cases[i].attempt);
      g_test_message ("%u %s", cases[i].status, cases[i].body);
      g_assert_cmpint (outcome->type, ==, cases[i].type);
      g_assert_cmpstr (outcome->code, ==, cases[i].code);
      g_assert_cmpint (outcome->retry_after_ms, ==, cases[i].retry_after_ms);
      g_assert_nonnull (outcome->message);
      g_assert_true (outcome->per_chat == (reply->code == 131056));
    }
  g_autoptr (DeskMetaReply) fine = reply_of (200, "{\"id\":\"1\"}");
  g_assert_null (desk_meta_outcome (fine, NULL, 0, 1));
}

static void
test_words (void)
{
  g_autoptr (DeskMetaReply) reply
      = reply_of (400, "{\"error\":{\"code\":100,\"message\":\"(#100) EAAtoken is bad\"}}");

  g_assert_cmpstr (reply->words, ==, "(#100) … is bad");
  g_autoptr (DeskMetaReply) told = reply_of (
      400, "{\"error\":{\"code\":100,\"message\":\"x\",\"error_data\":{\"details\":\"why\"}}}");
  g_assert_cmpstr (told->words, ==, "why");
}

static void
test_judge (void)
{
  static const struct
  {
    guint status;
    const char *body;
    DeskHealth health;
  } cases[] = {
    { 200, "{\"id\":\"1\"}", DESK_HEALTH_OK },
    { 401, "{\"error\":{\"code\":190,\"error_subcode\":463}}", DESK_HEALTH_DOWN },
    { 400, "{\"error\":{\"code\":100,\"error_subcode\":33}}", DESK_HEALTH_DOWN },
    { 400, "{\"error\":{\"code\":200}}", DESK_HEALTH_DOWN },
    { 400, "{\"error\":{\"code\":4}}", DESK_HEALTH_DEGRADED },
    { 500, "{\"error\":{\"code\":2}}", DESK_HEALTH_DEGRADED },
    { 502, "", DESK_HEALTH_DEGRADED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DeskMetaReply) reply = reply_of (cases[i].status, cases[i].body);
      g_auto (DeskMetaVerdict) verdict = { 0 };
      desk_meta_judge (reply, NULL, 0, &verdict);
      g_assert_cmpint (verdict.health, ==, cases[i].health);
      g_assert_true (verdict.ok == (cases[i].health == DESK_HEALTH_OK));
      g_assert_true ((verdict.reason == NULL) == verdict.ok);
    }
}

static void
test_sha256 (void)
{
  static const char hex[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  g_autofree char *a = desk_meta_sha256_hex ("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  g_autofree char *b
      = desk_meta_sha256_hex ("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");

  g_assert_cmpstr (a, ==, hex);
  g_assert_cmpstr (b, ==, hex);
  g_assert_null (desk_meta_sha256_hex (NULL));
  g_assert_null (desk_meta_sha256_hex (""));
  g_assert_null (desk_meta_sha256_hex ("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/Yf"));
}

static void
test_times (void)
{
  g_assert_cmpint (desk_meta_time_ms (1790000000, 5), ==, G_GINT64_CONSTANT (1790000000000));
  g_assert_cmpint (desk_meta_time_ms (G_GINT64_CONSTANT (1790000000123), 5), ==,
                   G_GINT64_CONSTANT (1790000000123));
  g_assert_cmpint (desk_meta_time_ms (0, 5), ==, 5);
  g_assert_cmpint (desk_meta_time_ms (G_MAXINT64, 5), ==, 5);
  g_assert_cmpint (desk_meta_time_ms (-1, 5), ==, 5);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/meta/handshake", test_handshake);
  g_test_add_func ("/meta/signature", test_signature);
  g_test_add_func ("/meta/unreadable", test_unreadable);
  g_test_add_func ("/meta/surrogates", test_surrogates);
  g_test_add_func ("/meta/load", test_load);
  g_test_add_func ("/meta/outcomes", test_outcomes);
  g_test_add_func ("/meta/words", test_words);
  g_test_add_func ("/meta/judge", test_judge);
  g_test_add_func ("/meta/sha256", test_sha256);
  g_test_add_func ("/meta/times", test_times);
  return g_test_run ();
}
