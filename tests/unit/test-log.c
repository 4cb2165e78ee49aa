/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* The log: nothing in an entry can forge another one, and the JSON is JSON. */

#include "common/desk-json.h"
#include "common/desk-log.h"

#include <stdlib.h>
#include <string.h>

static char *
format (DeskLogFormat format, const char *message, const char *name, const char *value)
{
  const GLogField fields[] = {
    { "MESSAGE", message, -1 },     { "PRIORITY", "4", -1 },     { "GLIB_DOMAIN", "desk-x", -1 },
    { "CODE_FILE", "secret.c", -1 }, { name, value, -1 },
  };

  return desk_log_format_line (format, 1795168800000, G_LOG_LEVEL_WARNING, fields,
                               G_N_ELEMENTS (fields));
}

static JsonNode *
parse (const char *line)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = desk_json_parse (line, strlen (line), 1000000, &error);

  g_assert_no_error (error);
  return node;
}

static void
test_hostile (void)
{
  static const char *const hostile[] = {
    "a\nb", "a\r\nb", "\x1b[31mred\x1b[0m", "\x07\x08\x7f", "\xff\xfe", "\xc2\x9b""2J", "\"}\n{\"",
    "\xe2\x80\xa8", "tab\there", "\\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (hostile); i++)
    for (int f = DESK_LOG_PLAIN; f <= DESK_LOG_JSON; f++)
      {
        g_autofree char *line = format (f, hostile[i], "FIELD", hostile[i]);
        gsize len = strlen (line);

        g_assert_true (g_utf8_validate (line, -1, NULL));
        g_assert_true (strchr (line, '\n') == line + len - 1);
        for (const char *p = line; *p != '\n'; p++)
          g_assert_cmpint ((guint8) *p, >=, 0x20);
        if (f == DESK_LOG_PLAIN)
          {
            g_assert_null (strchr (line, 0x7f));
            g_assert_null (strstr (line, "\xc2\x9b"));
          }
        else
          {
            g_autoptr (JsonNode) node = parse (line);

            g_assert_nonnull (node);
          }
      }
}

static void
test_json (void)
{
  g_autofree char *line = format (DESK_LOG_JSON, "say \"hi\"", "Room_Id", "x\ny");
  g_autofree char *clash = format (DESK_LOG_JSON, "m", "time", "5");

  g_assert_cmpstr (line, ==,
                   "{\"time\":\"2026-11-20T10:00:00.000Z\",\"level\":\"warning\","
                   "\"domain\":\"desk-x\",\"message\":\"say \\\"hi\\\"\",\"room_id\":\"x\\ny\"}\n");
  g_assert_nonnull (strstr (clash, "\"field_time\":\"5\"}"));
}

static void
test_plain (void)
{
  g_autofree char *line = format (DESK_LOG_PLAIN, "went\nwrong", "k", "v");

  g_assert_cmpstr (line, ==, "10:00:00.000 warning desk-x: went\\nwrong k=v\n");
}

static void
test_binary_and_long (void)
{
  g_autofree char *big = g_strnfill (1000000, 'x');
  const GLogField fields[] = { { "MESSAGE", big, -1 }, { "BYTES", "a\0b", 3 } };
  g_autofree char *line
      = desk_log_format_line (DESK_LOG_JSON, 0, G_LOG_LEVEL_INFO, fields, G_N_ELEMENTS (fields));
  g_autoptr (JsonNode) node = parse (line);

  g_assert_cmpuint (strlen (line), <, 10000);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node), "bytes"), ==,
                   "a\xef\xbf\xbd" "b");
}

static void
test_writer (void)
{
  if (g_test_subprocess ())
    {
      desk_log_init (DESK_LOG_JSON, G_LOG_LEVEL_INFO);
      desk_log_event (G_LOG_LEVEL_INFO, "desk-a", "Started", "port", "8080", "none", NULL, "b", "2",
                      NULL);
      g_message ("plain\nmessage");
      g_debug ("not shown");
      desk_log_event (G_LOG_LEVEL_DEBUG, "desk-a", "not shown", NULL);
      desk_log_init (DESK_LOG_PLAIN, G_LOG_LEVEL_MESSAGE);
      desk_log_event (G_LOG_LEVEL_INFO, "desk-a", "not shown", NULL);
      desk_log_event (G_LOG_LEVEL_MESSAGE, "desk-a", "Now plain", "k", "v w", NULL);
      exit (0);
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("{\"time\":\"20*Z\",\"level\":\"info\",\"domain\":\"desk-a\",\"message"
                             "\":\"Started\",\"port\":\"8080\",\"b\":\"2\"}\n"
                             "{\"time\":\"20*Z\",\"level\":\"message\",\"domain\":\"test\","
                             "\"message\":\"plain\\nmessage\"*}\n"
                             "*message desk-a: Now plain k=v w\n");
  g_test_trap_assert_stderr_unmatched ("*not shown*");
}

/* With G_DEBUG=fatal-warnings, a structured warning stops the program through our writer, too. */
static void
test_fatal (void)
{
  if (g_test_subprocess ())
    {
      g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_WARNING);
      desk_log_init (DESK_LOG_JSON, G_LOG_LEVEL_INFO);
      desk_log_event (G_LOG_LEVEL_WARNING, "desk-a", "Last words", NULL);
      exit (0);
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*Last words*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/log/hostile", test_hostile);
  g_test_add_func ("/log/json", test_json);
  g_test_add_func ("/log/plain", test_plain);
  g_test_add_func ("/log/binary-and-long", test_binary_and_long);
  g_test_add_func ("/log/writer", test_writer);
  g_test_add_func ("/log/fatal", test_fatal);
  return g_test_run ();
}
