/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* The writer: hostile strings, structure, numbers; json-glib reads back what it writes. */

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "common/desk-text.h"

#include <math.h>
#include <string.h>

static char *
write_string (const char *text, gssize len)
{
  GString *out = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, out);
  if (len < 0)
    desk_json_writer_string (&w, text);
  else
    desk_json_writer_string_len (&w, text, (gsize) len);
  return g_string_free (out, FALSE);
}

static void
test_bad_utf8 (void)
{
  static const char *const cases[][2] = {
    { "\xff", "\"\xef\xbf\xbd\"" },
    { "a\x80z", "\"a\xef\xbf\xbdz\"" },
    { "\xc3", "\"\xef\xbf\xbd\"" },
    { "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    { "\xf0\x9f\x98\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\\"\"" },
    { "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = write_string (cases[i][0], -1);

      g_assert_cmpstr (json, ==, cases[i][1]);
    }
}

static void
test_escapes (void)
{
  g_autofree char *json
      = write_string ("\"\\/\b\f\n\r\t\x01\x1f\x7f\0\xc3\xa9\xf0\x9f\x98\x80</script>", 27);
  g_autofree char *none = write_string (NULL, -1);

  g_assert_cmpstr (json, ==,
                   "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\xc3\xa9"
                   "\xf0\x9f\x98\x80</script>\"");
  g_assert_cmpstr (none, ==, "null");
}

static void
test_structure (void)
{
  g_autoptr (GString) out = g_string_new ("prefix ");
  DeskJsonWriter w;

  desk_json_writer_init (&w, out);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "s", "x");
  desk_json_writer_member_string (&w, "none", NULL);
  desk_json_writer_member_int64 (&w, "min", G_MININT64);
  desk_json_writer_member_int64 (&w, "zero", 0);
  desk_json_writer_member_bool (&w, "t", TRUE);
  desk_json_writer_member_bool (&w, "f", FALSE);
  desk_json_writer_member_null (&w, "z");
  desk_json_writer_member_double (&w, "d", 2.5);
  desk_json_writer_member_time_ms (&w, "at", 1);
  desk_json_writer_member_time_ms (&w, "never", 0);
  desk_json_writer_member_raw (&w, "raw", "{\"a\":[1]}");
  desk_json_writer_member_raw (&w, "no_raw", NULL);
  desk_json_writer_key_text (&w, "quo\"te");
  desk_json_writer_begin_array (&w);
  desk_json_writer_begin_array (&w);
  desk_json_writer_end_array (&w);
  desk_json_writer_begin_object (&w);
  desk_json_writer_end_object (&w);
  desk_json_writer_int64 (&w, 1);
  desk_json_writer_int64 (&w, G_MAXINT64);
  desk_json_writer_end_array (&w);
  desk_json_writer_member_int64 (&w, "last", -7);
  desk_json_writer_end_object (&w);

  g_assert_cmpstr (out->str, ==,
                   "prefix {\"s\":\"x\",\"none\":null,\"min\":-9223372036854775808,\"zero\":0,"
                   "\"t\":true,\"f\":false,\"z\":null,\"d\":2.5,"
                   "\"at\":\"1970-01-01T00:00:00.001Z\",\"never\":null,\"raw\":{\"a\":[1]},"
                   "\"no_raw\":null,\"quo\\\"te\":[[],{},1,9223372036854775807],\"last\":-7}");
}

/* The comma state of a deep level does not leak into a later one of the same depth. */
static void
test_deepest (void)
{
  g_autoptr (GString) out = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, out);
  for (int round = 0; round < 2; round++)
    {
      if (round == 0)
        desk_json_writer_begin_array (&w);
      for (int i = 0; i < 63; i++)
        desk_json_writer_begin_array (&w);
      desk_json_writer_int64 (&w, 1);
      desk_json_writer_int64 (&w, 2);
      for (int i = 0; i < 63; i++)
        desk_json_writer_end_array (&w);
    }
  desk_json_writer_end_array (&w);
  g_assert_true (desk_json_scan (out->str, out->len, out->len, NULL));
}

static void
assert_double (double value, const char *expected)
{
  g_autoptr (GString) out = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, out);
  desk_json_writer_double (&w, value);
  if (expected != NULL)
    g_assert_cmpstr (out->str, ==, expected);
  g_assert_true (desk_json_scan (out->str, out->len, out->len, NULL));
  if (isfinite (value))
    g_assert_cmpfloat (g_ascii_strtod (out->str, NULL), ==, value);
}

static void
test_doubles (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  assert_double (NAN, "null");
  assert_double (INFINITY, "null");
  assert_double (-INFINITY, "null");
  assert_double (0.1, "0.1");
  assert_double (1, "1.0");
  assert_double (-3, "-3.0");
  assert_double (1e300, "1e+300");
  assert_double (5e-324, NULL);
  assert_double (1.7976931348623157e308, NULL);
  for (int i = 0; i < 2000; i++)
    assert_double (ldexp (g_rand_double (rand), g_rand_int_range (rand, -300, 300)), NULL);
}

/* Random bytes as value and as key: valid JSON, and json-glib gives back what sanitizing gives. */
static void
test_round_trip (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  for (int round = 0; round < 5000; round++)
    {
      char text[64];
      int n = g_rand_int_range (rand, 0, 63);
      g_autofree char *clean = NULL;
      g_autoptr (GString) out = g_string_new (NULL);
      g_autoptr (JsonNode) node = NULL;
      g_autoptr (GError) error = NULL;
      const char *back = NULL;
      DeskJsonWriter w;

      for (int i = 0; i < n; i++)
        text[i] = (char) (g_rand_boolean (rand) ? g_rand_int_range (rand, 1, 256)
                                                : g_rand_int_range (rand, 1, 128));
      text[n] = '\0';
      clean = desk_text_sanitize_utf8 (text, n);
      desk_json_writer_init (&w, out);
      desk_json_writer_begin_object (&w);
      desk_json_writer_member_string (&w, "v", text);
      desk_json_writer_key_text (&w, "k");
      desk_json_writer_string (&w, clean);
      desk_json_writer_end_object (&w);
      node = desk_json_parse (out->str, out->len, 10000, &error);
      g_assert_no_error (error);
      g_assert_true (g_utf8_validate (out->str, -1, NULL));
      desk_json_get_string (json_node_get_object (node), "v", 0, TRUE, &back, &error);
      g_assert_cmpstr (back, ==, clean);
      desk_json_get_string (json_node_get_object (node), "k", 0, TRUE, &back, &error);
      g_assert_cmpstr (back, ==, clean);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/writer/bad-utf8", test_bad_utf8);
  g_test_add_func ("/json/writer/escapes", test_escapes);
  g_test_add_func ("/json/writer/structure", test_structure);
  g_test_add_func ("/json/writer/deepest", test_deepest);
  g_test_add_func ("/json/writer/doubles", test_doubles);
  g_test_add_func ("/json/writer/round-trip", test_round_trip);
  return g_test_run ();
}
