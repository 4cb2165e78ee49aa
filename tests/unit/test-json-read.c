/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* Reading members: absent, null, wrong, out of range, and what json-glib makes of numbers. */

#include "common/desk-json.h"

#include <string.h>

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = desk_json_parse (text, strlen (text), 100000, &error);

  g_assert_no_error (error);
  g_assert_nonnull (node);
  return node;
}

#define ASSERT_FAILS(call, code_name, field)                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GError) error = NULL;                                                               \
    g_assert_false (call);                                                                         \
    g_assert_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_##code_name);                          \
    g_assert_nonnull (strstr (error->message, "\"" field "\""));                                   \
  }                                                                                                \
  G_STMT_END

static void
test_wrong (void)
{
  g_autoptr (JsonNode) root = parse ("{\"s\":\"abc\",\"i\":5,\"d\":1.5,\"b\":true,\"o\":{},"
                                     "\"a\":[],\"n\":null,\"big\":1e30,"
                                     "\"edge\":9223372036854775808.0,\"t\":\"yesterday\"}");
  JsonObject *obj = json_node_get_object (root);
  const char *s = "kept";
  gint64 i = 42;
  double d = 42.5;
  gboolean b = 42;
  JsonObject *o = obj;
  JsonArray *a = (JsonArray *) obj;

  ASSERT_FAILS (desk_json_get_string (obj, "i", 0, FALSE, &s, &error), TYPE, "i");
  ASSERT_FAILS (desk_json_get_string (obj, "o", 0, FALSE, &s, &error), TYPE, "o");
  ASSERT_FAILS (desk_json_get_string (obj, "s", 2, FALSE, &s, &error), RANGE, "s");
  ASSERT_FAILS (desk_json_get_string (obj, "x", 0, TRUE, &s, &error), MISSING, "x");
  ASSERT_FAILS (desk_json_get_string (obj, "n", 0, TRUE, &s, &error), MISSING, "n");
  ASSERT_FAILS (desk_json_get_int64 (obj, "s", 0, 9, FALSE, &i, &error), TYPE, "s");
  ASSERT_FAILS (desk_json_get_int64 (obj, "b", 0, 9, FALSE, &i, &error), TYPE, "b");
  ASSERT_FAILS (desk_json_get_int64 (obj, "d", 0, 9, FALSE, &i, &error), TYPE, "d");
  ASSERT_FAILS (desk_json_get_int64 (obj, "a", 0, 9, FALSE, &i, &error), TYPE, "a");
  ASSERT_FAILS (desk_json_get_int64 (obj, "i", 0, 4, FALSE, &i, &error), RANGE, "i");
  ASSERT_FAILS (desk_json_get_int64 (obj, "i", 6, 9, FALSE, &i, &error), RANGE, "i");
  ASSERT_FAILS (desk_json_get_int64 (obj, "big", G_MININT64, G_MAXINT64, FALSE, &i, &error), RANGE,
                "big");
  ASSERT_FAILS (desk_json_get_int64 (obj, "edge", G_MININT64, G_MAXINT64, FALSE, &i, &error), RANGE,
                "edge");
  ASSERT_FAILS (desk_json_get_int64 (obj, "x", 0, 9, TRUE, &i, &error), MISSING, "x");
  ASSERT_FAILS (desk_json_get_bool (obj, "i", FALSE, &b, &error), TYPE, "i");
  ASSERT_FAILS (desk_json_get_bool (obj, "n", TRUE, &b, &error), MISSING, "n");
  ASSERT_FAILS (desk_json_get_double (obj, "b", FALSE, &d, &error), TYPE, "b");
  ASSERT_FAILS (desk_json_get_double (obj, "s", FALSE, &d, &error), TYPE, "s");
  ASSERT_FAILS (desk_json_get_object (obj, "a", FALSE, &o, &error), TYPE, "a");
  ASSERT_FAILS (desk_json_get_object (obj, "x", TRUE, &o, &error), MISSING, "x");
  ASSERT_FAILS (desk_json_get_array (obj, "o", FALSE, &a, &error), TYPE, "o");
  ASSERT_FAILS (desk_json_get_array (obj, "n", TRUE, &a, &error), MISSING, "n");
  ASSERT_FAILS (desk_json_get_time_ms (obj, "t", FALSE, &i, &error), RANGE, "t");
  ASSERT_FAILS (desk_json_get_time_ms (obj, "i", FALSE, &i, &error), TYPE, "i");
  ASSERT_FAILS (desk_json_get_time_ms (obj, "x", TRUE, &i, &error), MISSING, "x");

  g_assert_cmpstr (s, ==, "kept");
  g_assert_cmpint (i, ==, 42);
  g_assert_cmpfloat (d, ==, 42.5);
  g_assert_cmpint (b, ==, 42);
  g_assert_true (o == obj && a == (JsonArray *) obj);
}

static void
test_absent (void)
{
  g_autoptr (JsonNode) root = parse ("{\"n\":null}");
  JsonObject *obj = json_node_get_object (root);
  static const char *const names[] = { "n", "x" };

  for (guint k = 0; k < 2; k++)
    {
      const char *s = "kept";
      gint64 i = 42;
      double d = 42.5;
      gboolean b = 42;
      JsonObject *o = obj;
      JsonArray *a = (JsonArray *) obj;

      g_assert_true (desk_json_get_string (obj, names[k], 1, FALSE, &s, NULL));
      g_assert_null (s);
      g_assert_true (desk_json_get_int64 (obj, names[k], 0, 1, FALSE, &i, NULL));
      g_assert_true (desk_json_get_time_ms (obj, names[k], FALSE, &i, NULL));
      g_assert_cmpint (i, ==, 42);
      g_assert_true (desk_json_get_double (obj, names[k], FALSE, &d, NULL));
      g_assert_cmpfloat (d, ==, 42.5);
      g_assert_true (desk_json_get_bool (obj, names[k], FALSE, &b, NULL));
      g_assert_cmpint (b, ==, 42);
      g_assert_true (desk_json_get_object (obj, names[k], FALSE, &o, NULL));
      g_assert_null (o);
      g_assert_true (desk_json_get_array (obj, names[k], FALSE, &a, NULL));
      g_assert_null (a);
    }
}

static void
test_values (void)
{
  g_autoptr (JsonNode) root
      = parse ("{\"s\":\"a\\ud83d\\ude00\\n\",\"min\":-9223372036854775808,"
               "\"max\":9223372036854775807,\"e\":1e3,\"one\":1.0,\"f\":false,\"d\":-2.5,"
               "\"o\":{\"k\":[1,2]},\"t\":\"2026-11-20T12:00:00.5+02:00\",\"zero\":-0}");
  JsonObject *obj = json_node_get_object (root);
  const char *s = NULL;
  gint64 i = 0;
  double d = 0;
  gboolean b = TRUE;
  JsonObject *o = NULL;
  JsonArray *a = NULL;

  g_assert_true (desk_json_get_string (obj, "s", 6, TRUE, &s, NULL));
  g_assert_cmpstr (s, ==, "a\xf0\x9f\x98\x80\n");
  g_assert_true (desk_json_get_int64 (obj, "min", G_MININT64, 0, TRUE, &i, NULL));
  g_assert_cmpint (i, ==, G_MININT64);
  g_assert_true (desk_json_get_int64 (obj, "max", 0, G_MAXINT64, TRUE, &i, NULL));
  g_assert_cmpint (i, ==, G_MAXINT64);
  g_assert_true (desk_json_get_int64 (obj, "e", 0, 1000, TRUE, &i, NULL));
  g_assert_cmpint (i, ==, 1000);
  g_assert_true (desk_json_get_int64 (obj, "one", 1, 1, TRUE, &i, NULL));
  g_assert_cmpint (i, ==, 1);
  g_assert_true (desk_json_get_int64 (obj, "zero", 0, 0, TRUE, &i, NULL));
  g_assert_cmpint (i, ==, 0);
  g_assert_true (desk_json_get_bool (obj, "f", TRUE, &b, NULL));
  g_assert_false (b);
  g_assert_true (desk_json_get_double (obj, "d", TRUE, &d, NULL));
  g_assert_cmpfloat (d, ==, -2.5);
  g_assert_true (desk_json_get_double (obj, "max", TRUE, &d, NULL));
  g_assert_cmpfloat (d, ==, 0x1p63);
  g_assert_true (desk_json_get_object (obj, "o", TRUE, &o, NULL));
  g_assert_true (desk_json_get_array (o, "k", TRUE, &a, NULL));
  g_assert_cmpuint (json_array_get_length (a), ==, 2);
  g_assert_true (desk_json_get_time_ms (obj, "t", TRUE, &i, NULL));
  g_assert_cmpint (i, ==, G_GINT64_CONSTANT (1795168800500));
}

static void
test_to_text (void)
{
  g_autoptr (JsonNode) root = parse ("{ \"a\" : [ 1 , null ] }");
  g_autofree char *text = desk_json_to_text (root);
  g_autofree char *none = desk_json_to_text (NULL);

  g_assert_cmpstr (text, ==, "{\"a\":[1,null]}");
  g_assert_cmpstr (none, ==, "null");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/read/wrong", test_wrong);
  g_test_add_func ("/json/read/absent", test_absent);
  g_test_add_func ("/json/read/values", test_values);
  g_test_add_func ("/json/read/to-text", test_to_text);
  return g_test_run ();
}
