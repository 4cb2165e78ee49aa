/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Refusals in all their forms, capabilities, sign-in, requests, client frames, pages of changes. */

#include <string.h>

#include "wire-samples.h"

static void
test_codes (void)
{
  for (guint i = 0; i <= DESK_CODE_OTHER; i++)
    {
      const char *word = desk_code_to_string ((DeskCode)i);
      g_assert_cmpint (word == NULL, ==, i == DESK_CODE_NONE || i == DESK_CODE_OTHER);
      if (word != NULL)
        g_assert_cmpint (desk_code_from_string (word), ==, i);
    }
  g_assert_cmpint (desk_code_from_string ("TEAPOT"), ==, DESK_CODE_OTHER);
  g_assert_cmpint (desk_code_from_string (NULL), ==, DESK_CODE_OTHER);
  g_assert_cmpuint (desk_code_http_status (DESK_CODE_STALE_REPLY), ==, 409);
  g_assert_cmpuint (desk_code_http_status (DESK_CODE_CURSOR_EXPIRED), ==, 410);
  g_assert_cmpuint (desk_code_http_status (DESK_CODE_TEXT_TOO_LONG), ==, 422);
  g_assert_cmpuint (desk_code_http_status (DESK_CODE_STORAGE_FULL), ==, 503);
}

static void
test_failure_round_trip (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_wire_write_failure (&w, DESK_CODE_RATE_LIMITED, "Too many \"requests\"",
                           "{\"field\":\"text\"}", 7, "r-1");
  g_assert_cmpstr (text->str, ==,
                   "{\"success\":false,\"error\":{\"code\":\"RATE_LIMITED\",\"message\":"
                   "\"Too many \\\"requests\\\"\",\"details\":{\"field\":\"text\"},"
                   "\"retry_after\":7,\"request_id\":\"r-1\"}}");
  g_autoptr (DeskFailure) failure = desk_wire_read_failure (429, text->str, text->len, "3");
  g_assert_cmpuint (failure->http_status, ==, 429);
  g_assert_cmpint (failure->code, ==, DESK_CODE_RATE_LIMITED);
  g_assert_cmpstr (failure->code_text, ==, "RATE_LIMITED");
  g_assert_cmpstr (failure->message, ==, "Too many \"requests\"");
  g_assert_cmpstr (failure->details, ==, "{\"field\":\"text\"}");
  g_assert_cmpint (failure->retry_after_ms, ==, 7000);
  g_assert_cmpstr (failure->request_id, ==, "r-1");
}

static void
test_failure_forms (void)
{
  static const struct
  {
    const char *body, *message, *header;
    gint64 retry_ms;
  } table[] = {
    { "{\"success\":false,\"status_message\":\"no such chat\"}", "no such chat", NULL, -1 },
    { "{\"error\":\"bad token\"}", "bad token", "12", 12000 },
    { "{\"message\":\"gone\"}", "gone", "Wed, 21 Oct 2026 07:28:00 GMT", -1 },
    { "  upstream\n\tis   gone \n", "upstream is gone", "-5", -1 },
    { "\"in quotes\"", "in quotes", "99999999", 86400000 },
    { "<html><h1>502</h1></html>", "HTTP 500", NULL, -1 },
    { "", "HTTP 500", NULL, -1 },
    { "{\"broken", "HTTP 500", NULL, -1 },
    { "{}", "HTTP 500", NULL, -1 },
    { "{\"error\":{\"code\":7,\"message\":[],\"retry_after\":\"x\"}}", "HTTP 500", "1", 1000 },
    { "{\"error\":{\"code\":\"TEAPOT\",\"message\":\"short\"}}", "short", NULL, -1 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (DeskFailure) failure
          = desk_wire_read_failure (500, table[i].body, strlen (table[i].body), table[i].header);
      g_assert_cmpstr (failure->message, ==, table[i].message);
      g_assert_cmpint (failure->retry_after_ms, ==, table[i].retry_ms);
      g_assert_cmpint (failure->code, ==, DESK_CODE_OTHER);
    }
  g_autofree char *long_text = g_strnfill (100000, 'x');
  g_autoptr (DeskFailure) failure = desk_wire_read_failure (500, long_text, 100000, NULL);
  g_assert_cmpuint (g_utf8_strlen (failure->message, -1), <=, 500);
  g_autoptr (DeskFailure) bytes = desk_wire_read_failure (500, "\xff\xfe oops", 7, NULL);
  g_assert_true (g_utf8_validate (bytes->message, -1, NULL));
  g_autoptr (DeskFailure) none = desk_wire_read_failure (503, NULL, 0, NULL);
  g_assert_cmpstr (none->message, ==, "HTTP 503");
}

static void
test_capabilities (void)
{
  static const char want[]
      = "{\"api\":\"frontdesk\",\"version\":2,\"features\":[\"send\",\"read\"],\"platforms\":["
        "{\"name\":\"telegram\",\"title\":\"Telegram\",\"text_limit\":4000,\"text_unit\":\"utf16\","
        "\"attachment_limit\":50000000,\"window_hours\":24,\"statuses\":[\"sent\",\"read\"],"
        "\"can_edit\":true,\"can_delete\":true,\"can_react\":true,\"can_reply\":true},"
        "{\"name\":\"demo\",\"title\":\"Demo\",\"text_limit\":4096,\"text_unit\":\"chars\","
        "\"attachment_limit\":0,\"window_hours\":0,\"statuses\":[],\"can_edit\":false,"
        "\"can_delete\":false,\"can_react\":false,\"can_reply\":false}],"
        "\"me\":{\"username\":\"ivan\",\"display_name\":\"Ivan\",\"role\":\"admin\"},"
        "\"server_time\":\"2026-11-20T11:33:00.000Z\"}";
  g_autoptr (DeskCapabilities) made = sample_capabilities ();
  g_autofree char *text = text_of_capabilities (made);
  g_autofree char *wrapped = g_strdup_printf ("{\"success\":true,\"data\":%s}", text);
  g_autoptr (GError) error = NULL;
  g_assert_cmpstr (text, ==, want);
  g_autoptr (DeskCapabilities) back
      = desk_wire_read_capabilities (wrapped, strlen (wrapped), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (back->level, ==, 2);
  g_autoptr (DeskCapabilities) copy = desk_capabilities_copy (back);
  g_autofree char *again = text_of_capabilities (copy);
  g_assert_cmpstr (again, ==, want);
  g_assert_cmpuint (desk_capabilities_find_platform (copy, "demo")->text_limit, ==, 4096);
  g_assert_null (desk_capabilities_find_platform (copy, "telex"));
}

static void
check_capabilities_error (const char *body, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (desk_wire_read_capabilities (body, strlen (body), &error));
  g_assert_error (error, domain, code);
}

/* Only what is not ours leads to level 0; ours but broken does not. */
static void
test_capabilities_of_others (void)
{
  static const char *const others[] = {
    "",
    "<html></html>",
    "[]",
    "null",
    "{}",
    "{\"api\":\"other\",\"version\":2}",
    "{\"api\":7,\"version\":2}",
    "{\"api\":\"frontdesk\",\"version\":1}",
    "{\"api\":\"frontdesk\"}",
    "{\"success\":false,\"status_message\":\"no\"}",
    "{\"data\":\"x\",\"success\":true}",
  };
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    check_capabilities_error (others[i], DESK_WIRE_ERROR, DESK_WIRE_ERROR_NOT_OURS);
  check_capabilities_error ("{\"api\":\"frontdesk\",\"version\":2,\"platforms\":[{}]}",
                            DESK_JSON_ERROR, DESK_JSON_ERROR_MISSING);
  check_capabilities_error ("{\"api\":\"frontdesk\",\"version\":2,\"platforms\":[{\"name\":\"a\","
                            "\"text_limit\":0,\"text_unit\":\"chars\"}]}",
                            DESK_JSON_ERROR, DESK_JSON_ERROR_RANGE);
  g_autoptr (DeskCapabilities) plain = desk_capabilities_new_level0 ();
  g_assert_cmpuint (plain->level, ==, 0);
  g_assert_null (plain->me);
  g_assert_cmpuint (plain->platforms->len, ==, 0);
}

static void
test_sign_in (void)
{
  static const char answer[] = "{\"access_token\":\"fda_x\",\"token_type\":\"bearer\","
                               "\"expires_in\":3600,\"refresh_token\":\"fdr_x\"}";
  static const char mac[] = "{\"access_token\":\"a\",\"token_type\":\"mac\",\"expires_in\":1}";
  g_autofree char *credentials = desk_wire_credentials_text ("ivan", "pass\"word\n");
  g_autofree char *refresh = desk_wire_refresh_text ("fdr_x");
  g_autofree char *username = NULL, *password = NULL, *token = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = parse_or_die (answer);
  g_autoptr (JsonNode) bad = parse_or_die (mac);
  g_autoptr (DeskTokens) tokens = desk_wire_read_tokens (node, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (tokens->access_token, ==, "fda_x");
  g_assert_cmpstr (tokens->refresh_token, ==, "fdr_x");
  g_assert_cmpint (tokens->expires_in_s, ==, 3600);
  g_assert_null (desk_wire_read_tokens (bad, NULL));
  g_assert_true (
      desk_wire_read_credentials (credentials, strlen (credentials), &username, &password, &error));
  g_assert_cmpstr (username, ==, "ivan");
  g_assert_cmpstr (password, ==, "pass\"word\n");
  g_assert_true (desk_wire_read_refresh (refresh, strlen (refresh), &token, &error));
  g_assert_cmpstr (token, ==, "fdr_x");
  g_assert_false (
      desk_wire_read_credentials ("{\"username\":\"a\"}", 16, &username, &password, NULL));
  g_assert_cmpstr (username, ==, "ivan"); /* untouched */
  g_assert_false (desk_wire_read_refresh (NULL, 0, &token, &error));
}

static void
refuse_send (const char *body, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (desk_wire_read_send (body, strlen (body), &error));
  g_assert_true (error->domain == DESK_JSON_ERROR);
  g_assert_nonnull (strstr (error->message, name));
}

static void
test_send (void)
{
  char text[] = "hi \"you\"", key[] = "key-1", reply[] = "m-6";
  DeskSendRequest full = { text, key, reply, TRUE, 0, TRUE };
  DeskSendRequest bare = { .text = text, .seen_seq = -1 };
  g_autofree char *full_text = desk_wire_send_text (&full);
  g_autofree char *bare_text = desk_wire_send_text (&bare);
  g_assert_cmpstr (
      full_text, ==,
      "{\"text\":\"hi \\\"you\\\"\",\"client_message_id\":\"key-1\",\"reply_to\":\"m-6\","
      "\"private\":true,\"seen_seq\":0,\"force\":true}");
  g_assert_cmpstr (bare_text, ==, "{\"text\":\"hi \\\"you\\\"\"}");
  g_autoptr (DeskSendRequest) back = desk_wire_read_send (full_text, strlen (full_text), NULL);
  g_autofree char *again = desk_wire_send_text (back);
  g_assert_cmpstr (again, ==, full_text);
  g_autoptr (DeskSendRequest) plain = desk_wire_read_send (bare_text, strlen (bare_text), NULL);
  g_assert_cmpint (plain->seen_seq, ==, -1);
  g_assert_null (plain->client_message_id);
  refuse_send ("{}", "text");
  refuse_send ("{\"text\":\"\"}", "text");
  refuse_send ("{\"text\":\"a\",\"client_message_id\":\"\"}", "client_message_id");
  refuse_send ("{\"text\":\"a\",\"reply_to\":\"\"}", "reply_to");
  refuse_send ("{\"text\":\"a\",\"seen_seq\":-1}", "seen_seq");
  refuse_send ("[]", "body");
}

/* The longest text fits even when every byte of it is escaped. */
static void
test_send_longest (void)
{
  g_autoptr (GString) body = g_string_new ("{\"text\":\"");
  for (guint i = 0; i < DESK_WIRE_MAX_TEXT; i++)
    g_string_append (body, "\\u0041");
  g_string_append (body, "\"}");
  g_autoptr (DeskSendRequest) request = desk_wire_read_send (body->str, body->len, NULL);
  g_assert_nonnull (request);
  g_assert_cmpuint (strlen (request->text), ==, DESK_WIRE_MAX_TEXT);
}

static void
test_read (void)
{
  gint64 seq = -1;
  g_autofree char *text = desk_wire_read_text (17);
  g_assert_true (desk_wire_read_read (text, strlen (text), &seq, NULL));
  g_assert_cmpint (seq, ==, 17);
  g_assert_false (desk_wire_read_read ("{\"up_to_chat_seq\":-1}", 21, &seq, NULL));
  g_assert_false (desk_wire_read_read ("{}", 2, &seq, NULL));
  g_assert_false (desk_wire_read_read (NULL, 0, &seq, NULL));
  g_assert_cmpint (seq, ==, 17);
}

static void
test_client_frames (void)
{
  static const char *const want[] = {
    "{\"type\":\"auth\",\"token\":\"t\"}",
    "{\"type\":\"typing\",\"data\":{\"platform\":\"p\",\"user_id\":\"u\"}}",
    "{\"type\":\"viewing\",\"data\":{\"platform\":\"p\",\"user_id\":\"u\"}}",
    "{\"type\":\"mark_read\",\"data\":{\"platform\":\"p\",\"user_id\":\"u\"}}",
  };
  static const char *const bad[] = {
    "{\"type\":\"auth\"}",
    "{\"type\":\"auth\",\"token\":\"\"}",
    "{\"type\":\"typing\"}",
    "{\"type\":\"typing\",\"data\":{\"platform\":\"p\"}}",
    "{\"type\":\"viewing\",\"data\":{\"platform\":\"p\",\"user_id\":null}}",
    "{\"type\":\"mark_read\",\"data\":{\"platform\":\"p/q\",\"user_id\":\"u\"}}",
  };
  for (guint i = 0; i < G_N_ELEMENTS (want); i++)
    {
      g_autofree char *text = desk_wire_client_frame_text ((DeskClientFrameType)i, "t", "p", "u");
      g_assert_cmpstr (text, ==, want[i]);
      g_autoptr (DeskClientFrame) frame = desk_wire_read_client_frame (text, strlen (text), NULL);
      g_assert_cmpint (frame->type, ==, i);
      g_assert_cmpstr (frame->token, ==, i == 0 ? "t" : NULL);
      g_assert_cmpstr (frame->user_id, ==, i == 0 ? NULL : "u");
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (desk_wire_read_client_frame (bad[i], strlen (bad[i]), NULL));
  g_autofree char *text = desk_wire_client_frame_text (DESK_CLIENT_FRAME_VIEWING, NULL, NULL, NULL);
  g_autoptr (DeskClientFrame) none = desk_wire_read_client_frame (text, strlen (text), NULL);
  g_assert_null (none->platform);
  g_autoptr (DeskClientFrame) later = desk_wire_read_client_frame ("{\"type\":\"x\"}", 12, NULL);
  g_assert_cmpint (later->type, ==, DESK_CLIENT_FRAME_UNKNOWN);
}

static void
check_changes (const char *text, const char *wrong_member)
{
  g_autoptr (JsonNode) node = parse_or_die (text);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChanges) changes = desk_wire_read_changes (node, &error);
  if (wrong_member == NULL)
    {
      g_assert_no_error (error);
      g_assert_cmpuint (changes->events->len, ==, 1);
      g_assert_cmpstr (changes->cursor, ==, "e7:0-5");
      g_assert_true (changes->has_more);
      return;
    }
  g_assert_null (changes);
  g_assert_nonnull (strstr (error->message, wrong_member));
}

static void
test_changes (void)
{
  check_changes ("{\"events\":[{\"type\":\"hidden\",\"p\":0,\"seq\":5}],\"cursor\":\"e7:0-5\","
                 "\"has_more\":true}",
                 NULL);
  check_changes ("{\"events\":[{\"type\":\"hidden\",\"p\":0,\"seq\":5},{\"type\":\"read\"}],"
                 "\"cursor\":\"e7:0-5\",\"has_more\":true}",
                 "events[1]");
  check_changes ("{\"events\":[],\"cursor\":\"nonsense\",\"has_more\":true}", "cursor");
  check_changes ("{\"events\":[]}", "cursor");
  check_changes ("{\"cursor\":\"e7:0-5\"}", "events");
}

/* A known event with broken data must not hold up the log behind it. */
static void
test_broken_event (void)
{
  static const char broken[] = "{\"type\":\"new_message\",\"p\":3,\"seq\":5,\"data\":{\"text\":\"private\"}}";
  g_autofree char *page
      = g_strdup_printf ("{\"events\":[%s],\"cursor\":\"e7:0-5\",\"has_more\":true}", broken);
  g_autoptr (GError) error = NULL;
  g_test_expect_message ("desk-protocol", G_LOG_LEVEL_WARNING, "event 3-5 is broken and passed over:*");
  g_autoptr (DeskEvent) event = desk_wire_read_log_event (broken, strlen (broken), &error);
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  g_assert_cmpint (event->type, ==, DESK_EVENT_UNKNOWN);
  g_assert_true (event->sequenced);
  g_assert_cmpuint (event->partition, ==, 3);
  g_assert_cmpint (event->seq, ==, 5);
  g_test_expect_message ("desk-protocol", G_LOG_LEVEL_WARNING, "event 3-5 is broken and passed over:*");
  check_changes (page, NULL);
  g_test_assert_expected_messages ();
  g_assert_null (desk_wire_read_log_event ("{\"type\":\"new_message\",\"data\":{}}", 32, NULL));
}

static void
test_send_answer (void)
{
  g_autoptr (DeskMessage) message = sample_message_full (), back = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter w;
  gboolean duplicate = FALSE;
  desk_json_writer_init (&w, text);
  desk_wire_begin_answer (&w);
  desk_wire_write_send_answer (&w, message, TRUE);
  desk_wire_end_answer (&w, NULL);
  g_autoptr (JsonNode) node = desk_wire_read_answer (text->str, text->len, NULL, NULL);
  g_assert_true (desk_wire_read_send_answer (node, &back, &duplicate, NULL));
  g_assert_true (duplicate);
  g_autofree char *want = text_of_message (message), *got = text_of_message (back);
  g_assert_cmpstr (got, ==, want);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/answers/codes", test_codes);
  g_test_add_func ("/wire/answers/failure-round-trip", test_failure_round_trip);
  g_test_add_func ("/wire/answers/failure-forms", test_failure_forms);
  g_test_add_func ("/wire/answers/capabilities", test_capabilities);
  g_test_add_func ("/wire/answers/capabilities-of-others", test_capabilities_of_others);
  g_test_add_func ("/wire/answers/sign-in", test_sign_in);
  g_test_add_func ("/wire/answers/send", test_send);
  g_test_add_func ("/wire/answers/send-longest", test_send_longest);
  g_test_add_func ("/wire/answers/send-answer", test_send_answer);
  g_test_add_func ("/wire/answers/read", test_read);
  g_test_add_func ("/wire/answers/client-frames", test_client_frames);
  g_test_add_func ("/wire/answers/changes", test_changes);
  g_test_add_func ("/wire/answers/broken-event", test_broken_event);
  return g_test_run ();
}
