/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* The JSON gate: hostile text is refused with the right code, and honest text passes. */

#include "common/desk-json.h"

#include <string.h>
#include <time.h>

typedef struct
{
  const char *text;
  gsize len; /* 0: up to the NUL */
  int code;
} Refused;

#define BAD(text, name) { text, 0, DESK_JSON_ERROR_##name }
#define BAD_BYTES(text, name) { text, sizeof text - 1, DESK_JSON_ERROR_##name }

static const Refused refused[] = {
  /* no value, or half of one */
  BAD (" ", SYNTAX), BAD ("\n\t\r", SYNTAX), BAD ("[", SYNTAX), BAD ("{", SYNTAX),
  BAD ("]", SYNTAX), BAD ("}", SYNTAX), BAD ("[1", SYNTAX), BAD ("[1,", SYNTAX),
  BAD ("[1,]", SYNTAX), BAD ("[,1]", SYNTAX), BAD ("[1 2]", SYNTAX), BAD ("[1,,2]", SYNTAX),
  BAD ("[1}", SYNTAX), BAD ("{]", SYNTAX), BAD ("{\"a\":1]", SYNTAX), BAD ("[[]", SYNTAX),
  BAD ("{\"a\"}", SYNTAX), BAD ("{\"a\":}", SYNTAX), BAD ("{\"a\" 1}", SYNTAX),
  BAD ("{\"a\":1,}", SYNTAX), BAD ("{,}", SYNTAX), BAD ("{a:1}", SYNTAX), BAD ("{'a':1}", SYNTAX),
  BAD ("{1:1}", SYNTAX), BAD ("{null:1}", SYNTAX), BAD ("{\"a\":1 \"b\":2}", SYNTAX),
  BAD ("{\"a\"::1}", SYNTAX), BAD ("{\"a\":1:2}", SYNTAX), BAD (",", SYNTAX), BAD (":", SYNTAX),
  /* things that follow, and things that are not JSON */
  BAD ("1 1", SYNTAX), BAD ("{}{}", SYNTAX), BAD ("[]]", SYNTAX), BAD ("null,", SYNTAX),
  BAD ("\"a\"x", SYNTAX), BAD_BYTES ("1\0", SYNTAX), BAD_BYTES ("{}\0{}", SYNTAX),
  BAD ("// c\n1", SYNTAX), BAD ("/* c */1", SYNTAX), BAD ("#1", SYNTAX), BAD ("1//", SYNTAX),
  BAD ("\xef\xbb\xbf{}", SYNTAX), BAD ("\x0b""1", SYNTAX), BAD ("\x0c""1", SYNTAX),
  BAD ("\xc2\xa0""1", SYNTAX), BAD ("var a = 1;", SYNTAX), BAD ("undefined", SYNTAX),
  /* literals */
  BAD ("nul", SYNTAX), BAD ("nulL", SYNTAX), BAD ("True", SYNTAX), BAD ("tru", SYNTAX),
  BAD ("truee", SYNTAX), BAD ("fals", SYNTAX), BAD ("NaN", SYNTAX), BAD ("Infinity", SYNTAX),
  BAD ("-Infinity", SYNTAX), BAD ("nan", SYNTAX),
  /* numbers */
  BAD ("-", SYNTAX), BAD ("+1", SYNTAX), BAD ("01", SYNTAX), BAD ("-01", SYNTAX),
  BAD ("00", SYNTAX), BAD (".5", SYNTAX), BAD ("1.", SYNTAX), BAD ("-.5", SYNTAX),
  BAD ("1.e1", SYNTAX), BAD ("1e", SYNTAX), BAD ("1e+", SYNTAX), BAD ("1e1.5", SYNTAX),
  BAD ("0x10", SYNTAX), BAD ("1_000", SYNTAX), BAD ("--1", SYNTAX), BAD ("1,5", SYNTAX),
  BAD ("1e400", NUMBER), BAD ("-1e400", NUMBER), BAD ("1e99999999999999999999", NUMBER),
  BAD ("9223372036854775808", NUMBER), BAD ("-9223372036854775809", NUMBER),
  BAD ("18446744073709551616", NUMBER), BAD ("99999999999999999999999999", NUMBER),
  BAD ("9223372036854775810", NUMBER), BAD ("[1.8e308]", NUMBER),
  /* strings */
  BAD ("\"", SYNTAX), BAD ("\"a", SYNTAX), BAD ("'a'", SYNTAX), BAD ("\"\\", SYNTAX),
  BAD ("\"\\\"", SYNTAX), BAD ("\"\\x41\"", SYNTAX), BAD ("\"\\'\"", SYNTAX),
  BAD ("\"\\a\"", SYNTAX), BAD ("\"\\0\"", SYNTAX), BAD_BYTES ("\"\\\0\"", SYNTAX),
  BAD ("\"a\nb\"", SYNTAX), BAD ("\"\t\"", SYNTAX), BAD ("\"\x1f\"", SYNTAX),
  BAD_BYTES ("\"a\0b\"", SYNTAX), BAD ("\"\\u\"", SYNTAX), BAD ("\"\\u12\"", SYNTAX),
  BAD ("\"\\u123", SYNTAX), BAD ("\"\\u12g4\"", SYNTAX), BAD ("\"\\u-123\"", SYNTAX),
  BAD ("\"\\U0041\"", SYNTAX), BAD ("\"\\u 041\"", SYNTAX),
  BAD ("\"\\u0000\"", UTF8), BAD ("{\"\\u0000\":1}", UTF8),
  BAD ("\"\\ud800\"", UTF8), BAD ("\"\\udbff\"", UTF8), BAD ("\"\\udc00\"", UTF8),
  BAD ("\"\\udfff\"", UTF8), BAD ("\"\\ud800\\ud800\"", UTF8), BAD ("\"\\ud800\\u0041\"", UTF8),
  BAD ("\"\\udc00\\ud800\"", UTF8), BAD ("\"\\ud83d x\"", UTF8),
  BAD ("\"\\ud83d\\n\\ude00\"", UTF8),
  BAD ("\"\\ud83d\\ude0", UTF8), BAD ("\"\\ud83d\\ude0\"", UTF8), BAD ("\"\\uD83D\"", UTF8),
  /* UTF-8: bare continuation, cut short, too long, surrogate, beyond the end, never valid */
  BAD ("\"\x80\"", UTF8), BAD ("\"\xbf\"", UTF8), BAD ("\"\xc3\"", UTF8),
  BAD ("\"\xe2\x82\"", UTF8),
  BAD ("\"\xf0\x9f\x98\"", UTF8), BAD ("\"\xc3", UTF8), BAD ("\"\xf0\x9f\x98", UTF8),
  BAD ("\"\xc0\x80\"", UTF8), BAD ("\"\xc1\xbf\"", UTF8), BAD ("\"\xe0\x80\x80\"", UTF8),
  BAD ("\"\xe0\x9f\xbf\"", UTF8), BAD ("\"\xf0\x80\x80\x80\"", UTF8),
  BAD ("\"\xf0\x8f\xbf\xbf\"", UTF8), BAD ("\"\xed\xa0\x80\"", UTF8),
  BAD ("\"\xed\xbf\xbf\"", UTF8),
  BAD ("\"\xf4\x90\x80\x80\"", UTF8), BAD ("\"\xf5\x80\x80\x80\"", UTF8), BAD ("\"\xfe\"", UTF8),
  BAD ("\"\xff\"", UTF8), BAD ("\"\xe2\x28\xa1\"", UTF8), BAD ("{\"\xff\":1}", UTF8),
  BAD ("\"\xf8\x88\x80\x80\x80\"", UTF8), BAD ("\"abcdefghijklmnop\xe9t\xe9\"", UTF8),
  /* keys that come twice, however they are spelled */
  BAD ("{\"a\":1,\"a\":2}", DUPLICATE_KEY), BAD ("{\"a\":1,\"b\":2,\"a\":3}", DUPLICATE_KEY),
  BAD ("{\"a\":1,\"\\u0061\":2}", DUPLICATE_KEY), BAD ("{\"\\u0061\":1,\"a\":2}", DUPLICATE_KEY),
  BAD ("{\"\\u004A\":1,\"\\u004a\":2}", DUPLICATE_KEY), BAD ("{\"\":1,\"\":2}", DUPLICATE_KEY),
  BAD ("{\"/\":1,\"\\/\":2}", DUPLICATE_KEY), BAD ("{\"\\n\":1,\"\\u000a\":2}", DUPLICATE_KEY),
  BAD ("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", DUPLICATE_KEY),
  BAD ("{\"\xc3\xa9\":1,\"\\u00e9\":2}", DUPLICATE_KEY),
  BAD ("[{\"x\":{\"a\":1,\"a\":2}}]", DUPLICATE_KEY),
  BAD ("{\"a\":{\"a\":1},\"a\":2}", DUPLICATE_KEY),
  BAD ("{\"a\":[{\"b\":1}],\"a\":2}", DUPLICATE_KEY),
};

static const char *const accepted[] = {
  "{}", "[]", "null", "true", "false", "0", "-0", "1", "-1", "\"\"", " [ ] ", "\t{\r\n}\n",
  "9223372036854775807", "-9223372036854775808", "1.7976931348623157e308", "1e-400", "0.0", "-0.0",
  "1E5", "1e+5", "1e-5", "10", "100.001", "[1,2,3]", "[[],{},[{}]]",
  "{\"a\":{\"a\":{\"a\":1}}}", "[{\"a\":1},{\"a\":1}]", "{\"a\":{\"b\":1},\"b\":{\"a\":1}}",
  "{\"a\":1,\"A\":2,\"\":3,\"aa\":4,\"a \":5}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
  "\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\"", "\"\\udbff\\udfff\"", "\"\x7f\"", "\"\xc2\x80\"",
  "\"\xdf\xbf\"", "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"", "\"\xee\x80\x80\"", "\"\xef\xbf\xbf\"",
  "\"\xf0\x90\x80\x80\"", "\"\xf4\x8f\xbf\xbf\"", "\"\\\\u0000\"", "\"\\uffff\"", "\"\\u0001\"",
  "123456789012345678.5", "1e0000000000000000000000001",
};

static void
assert_refused (const char *text, gsize len, int code)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *shown = g_strescape (text, NULL);

  if (desk_json_scan (text, len, G_MAXSIZE, &error))
    g_error ("accepted: %s", shown);
  if (!g_error_matches (error, DESK_JSON_ERROR, code))
    g_error ("%s: code %d instead of %d: %s", shown, error->code, code, error->message);
  g_clear_error (&error);
  g_assert_false (desk_json_scan (text, len, G_MAXSIZE, NULL));
  g_assert_null (desk_json_parse (text, len, G_MAXSIZE, &error));
  g_assert_error (error, DESK_JSON_ERROR, code);
}

/* A copy without a byte behind it, so that a sanitizer sees a read too far. */
static void
test_refused (void)
{
  G_STATIC_ASSERT (G_N_ELEMENTS (refused) >= 60);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      gsize len = refused[i].len > 0 ? refused[i].len : strlen (refused[i].text);
      g_autofree char *exact = g_memdup2 (refused[i].text, len + 1);

      assert_refused (exact, len, refused[i].code);
      exact = g_realloc (exact, len);
      g_assert_false (desk_json_scan (exact, len, len, NULL));
    }
  assert_refused ("", 0, DESK_JSON_ERROR_SYNTAX);
  g_assert_false (desk_json_scan (NULL, 0, 0, NULL));
}

static void
test_accepted (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (accepted); i++)
    {
      gsize len = strlen (accepted[i]);
      g_autofree char *exact = g_memdup2 (accepted[i], len);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = NULL;

      desk_json_scan (exact, len, len, &error);
      g_assert_no_error (error);
      /* json-glib alone refuses an empty member name, which RFC 8259 allows. */
      node = desk_json_parse (exact, len, len, &error);
      if (strstr (accepted[i], "\"\":") == NULL)
        g_assert_no_error (error);
    }
}

/* Every prefix of a text that uses everything is refused, and none is read past its end. */
static void
test_prefixes (void)
{
  static const char text[] = "{\"k\\u00e9\\ud83d\\ude00\":[1,-2.5e+10,true,false,null,"
                             "\"\xc3\xa9\xf0\x9f\x98\x80\\n\"],\"o\":{\"p\":{}}}";

  g_assert_true (desk_json_scan (text, sizeof text - 1, 1000, NULL));
  for (gsize len = 0; len < sizeof text - 1; len++)
    {
      g_autofree char *exact = g_memdup2 (text, len);

      g_assert_false (desk_json_scan (exact, len, 1000, NULL));
    }
}

static void
assert_depth (const char *open, const char *middle, const char *close, gsize n, gboolean fits)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < n; i++)
    g_string_append (text, open);
  g_string_append (text, middle);
  for (gsize i = 0; i < n; i++)
    g_string_append (text, close);
  g_assert_cmpint (desk_json_scan (text->str, text->len, G_MAXSIZE, &error), ==, fits);
  if (!fits)
    g_assert_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_DEPTH);
  g_string_free (text, TRUE);
}

static void
test_depth (void)
{
  g_autofree char *brackets = g_strnfill (200000, '[');

  assert_depth ("[", "", "]", DESK_JSON_MAX_DEPTH, TRUE);
  assert_depth ("[", "", "]", DESK_JSON_MAX_DEPTH + 1, FALSE);
  assert_depth ("{\"a\":", "1", "}", DESK_JSON_MAX_DEPTH, TRUE);
  assert_depth ("{\"a\":", "1", "}", DESK_JSON_MAX_DEPTH + 1, FALSE);
  assert_depth ("[", "", "]", 200000, FALSE);
  assert_depth ("{\"a\":[", "1", "]}", 200000, FALSE);
  assert_refused (brackets, 200000, DESK_JSON_ERROR_DEPTH);
}

static void
test_size (void)
{
  const gsize limit = 1024 * 1024;
  g_autofree char *text = g_strnfill (limit + 1, ' ');
  g_autoptr (GError) error = NULL;

  text[0] = '1';
  g_assert_true (desk_json_scan (text, limit, limit, NULL));
  g_assert_false (desk_json_scan (text, limit + 1, limit, &error));
  g_assert_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_TOO_LARGE);
}

static GString *
object_of_keys (guint n)
{
  GString *text = g_string_new ("{");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s\"key-%u\":%u", i > 0 ? "," : "", i, i);
  return text;
}

/* Around the size where the hash table begins and grows, each key is found again. */
static void
test_many_keys (void)
{
  static const guint sizes[] = { 1, 15, 16, 17, 31, 32, 33, 64, 65, 500 };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint again = 0; again < sizes[i]; again++)
      {
        GString *text = object_of_keys (sizes[i]);

        g_string_append_printf (text, ",\"new\":[{\"key-%u\":1}],\"key-%u\":2}", again, again);
        assert_refused (text->str, text->len, DESK_JSON_ERROR_DUPLICATE_KEY);
        g_string_free (text, TRUE);
      }
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      GString *text = object_of_keys (sizes[i]);

      g_string_append_c (text, '}');
      g_assert_true (desk_json_scan (text->str, text->len, G_MAXSIZE, NULL));
      g_string_free (text, TRUE);
    }
}

/* Of this thread alone: what else the machine does costs no test. */
static gint64
spent_us (void)
{
  struct timespec spent = { 0, 0 };

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &spent);
  return (gint64) spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000;
}

/* Growing the text eightfold may cost more than eight times the time through the cache, but not
 * sixty-four times, as a comparison of all pairs would. */
static void
test_linear (void)
{
  GString *small = object_of_keys (25000);
  GString *big = object_of_keys (200000);
  gint64 best_small = G_MAXINT64;
  gint64 best_big = G_MAXINT64;

  g_string_append_c (small, '}');
  g_string_append_c (big, '}');
  for (int i = 0; i < 5; i++)
    {
      gint64 start = spent_us ();

      g_assert_true (desk_json_scan (small->str, small->len, G_MAXSIZE, NULL));
      best_small = MIN (best_small, spent_us () - start);
      start = spent_us ();
      g_assert_true (desk_json_scan (big->str, big->len, G_MAXSIZE, NULL));
      best_big = MIN (best_big, spent_us () - start);
    }
  g_test_message ("25,000 keys: %" G_GINT64_FORMAT " us, 200,000 keys: %" G_GINT64_FORMAT " us",
                  best_small, best_big);
  g_assert_cmpint (best_big, <, MAX (best_small, 1000) * 40);
  g_string_free (small, TRUE);
  g_string_free (big, TRUE);
}

/* Changed bytes of an honest text: whatever the scan lets through, json-glib takes, too. */
static void
test_mutations (void)
{
  static const char honest[] = "{\"type\":\"new_message\",\"p\":0,\"seq\":8412,\"data\":{\"text\":"
                               "\"h\\u00e9\\n\xf0\x9f\x98\x80\",\"n\":[1,-2.5e3,null,true,{}]}}";
  static const char bytes[] = "{}[]\",:\\u0e-+.1\x80\xc3\xff\n /tfn";
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint passed = 0;

  for (int round = 0; round < 20000; round++)
    {
      char text[sizeof honest];
      g_autoptr (JsonNode) node = NULL;

      memcpy (text, honest, sizeof honest);
      for (int n = g_rand_int_range (rand, 1, 4); n > 0; n--)
        text[g_rand_int_range (rand, 0, sizeof honest - 1)]
            = bytes[g_rand_int_range (rand, 0, sizeof bytes - 1)];
      if (!desk_json_scan (text, sizeof honest - 1, 1000, NULL))
        continue;
      passed++;
      node = desk_json_parse (text, sizeof honest - 1, 1000, NULL);
      if (node == NULL && strstr (text, "\"\"") == NULL)
        g_error ("json-glib refuses what the scan takes: %s", text);
    }
  g_assert_cmpuint (passed, >, 1000);
  g_assert_cmpuint (passed, <, 19000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/scan/refused", test_refused);
  g_test_add_func ("/json/scan/accepted", test_accepted);
  g_test_add_func ("/json/scan/prefixes", test_prefixes);
  g_test_add_func ("/json/scan/depth", test_depth);
  g_test_add_func ("/json/scan/size", test_size);
  g_test_add_func ("/json/scan/many-keys", test_many_keys);
  g_test_add_func ("/json/scan/linear", test_linear);
  g_test_add_func ("/json/scan/mutations", test_mutations);
  return g_test_run ();
}
