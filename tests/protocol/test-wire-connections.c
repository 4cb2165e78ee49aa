/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Connections of the backend and notices about them, in both directions. */

#include <string.h>

#include "common/desk-json.h"
#include "protocol/desk-wire.h"

static char *
write_one (const DeskConnectionInfo *info)
{
  GString *text = g_string_new ("[");
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  desk_wire_write_connection (&w, info);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

static GPtrArray *
read_list (const char *text, GError **error)
{
  g_autoptr (JsonNode) node = desk_json_parse (text, strlen (text), 65536, error);

  return node != NULL ? desk_wire_read_connections (node, error) : NULL;
}

static void
test_round_trip (void)
{
  DeskConnectionInfo info = { .name = (char *)"shop-bot",
                              .platform = (char *)"telegram",
                              .title = (char *)"Telegram",
                              .state = (char *)"down",
                              .trouble = (char *)"token",
                              .reason = (char *)"Telegram refuses the token",
                              .advice = (char *)"Make a new one",
                              .since_ms = G_GINT64_CONSTANT (1795000000123) };
  g_autoptr (GError) error = NULL;
  g_autofree char *text = write_one (&info);
  g_autoptr (GPtrArray) list = read_list (text, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 1);
  const DeskConnectionInfo *got = list->pdata[0];
  g_assert_cmpstr (got->name, ==, info.name);
  g_assert_cmpstr (got->platform, ==, info.platform);
  g_assert_cmpstr (got->title, ==, info.title);
  g_assert_cmpstr (got->state, ==, info.state);
  g_assert_cmpstr (got->trouble, ==, info.trouble);
  g_assert_cmpstr (got->reason, ==, info.reason);
  g_assert_cmpstr (got->advice, ==, info.advice);
  g_assert_cmpint (got->since_ms, ==, info.since_ms);
  g_assert_true (desk_connection_info_is_failing (got));
}

static void
test_well (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list
      = read_list ("[{\"name\":\"a\",\"platform\":\"demo\",\"state\":\"ok\",\"trouble\":null,"
                   "\"reason\":null,\"advice\":null,\"since\":null},{\"name\":\"\"},"
                   "{\"name\":\"b\",\"platform\":\"demo\",\"state\":\"odd\"}]",
                   &error);

  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 2); /* the broken one is left out */
  g_assert_false (desk_connection_info_is_failing (list->pdata[0]));
  g_assert_cmpstr (((DeskConnectionInfo *)list->pdata[0])->title, ==, "demo");
  g_assert_true (desk_connection_info_is_failing (list->pdata[1])); /* unknown is not well */
}

static void
test_refused (void)
{
  static const char *const bad[] = { "{}", "[{}]", "[{\"name\":\"a\",\"platform\":\"demo\"}]",
                                     "[{\"name\":1,\"platform\":\"demo\",\"state\":\"ok\"}]" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (read_list (bad[i], &error));
      g_assert_nonnull (error);
    }
}

static void
test_notification (void)
{
  DeskNotification notice = { .id = (char *)"n1",
                              .kind = (char *)"connection_failed",
                              .title = (char *)"shop-bot does not work",
                              .text = (char *)"Telegram refuses the token",
                              .platform = (char *)"telegram",
                              .connection = (char *)"shop-bot",
                              .trouble = (char *)"token",
                              .advice = (char *)"Make a new one",
                              .since_ms = G_GINT64_CONSTANT (1795000000000),
                              .created_at_ms = G_GINT64_CONSTANT (1795000000500) };
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  desk_wire_write_notification (&w, &notice);
  g_autoptr (DeskNotification) got = desk_wire_read_notification (text->str, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (got->kind, ==, notice.kind);
  g_assert_cmpstr (got->connection, ==, notice.connection);
  g_assert_cmpstr (got->trouble, ==, notice.trouble);
  g_assert_cmpstr (got->advice, ==, notice.advice);
  g_assert_null (got->user_id);
  g_assert_cmpint (got->since_ms, ==, notice.since_ms);
  g_assert_cmpint (got->created_at_ms, ==, notice.created_at_ms);
  g_assert_null (desk_wire_read_notification ("{\"id\":\"n\"}", NULL));
  g_assert_null (desk_wire_read_notification (NULL, NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/connections/round-trip", test_round_trip);
  g_test_add_func ("/wire/connections/well", test_well);
  g_test_add_func ("/wire/connections/refused", test_refused);
  g_test_add_func ("/wire/connections/notification", test_notification);
  return g_test_run ();
}
