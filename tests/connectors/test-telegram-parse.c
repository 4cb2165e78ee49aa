/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The normalizer of Telegram's updates, against data/telegram-updates.json: every case is an
 * update and exactly what it means. */

#include <string.h>

#include "common/desk-json.h"
#include "desk-test-items.h"
#include "server/connectors/telegram/desk-telegram-parse.h"

#define NOW_MS G_GINT64_CONSTANT (1790000000000)

static JsonNode *fixture;

static char *
pretty (JsonNode *node)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, node);
  return json_generator_to_data (generator, NULL);
}

static JsonNode *
callbacks_to_json (GPtrArray *ids)
{
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; i < ids->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (ids, i));
  json_node_take_array (node, array);
  return node;
}

static void
test_case (gconstpointer data)
{
  JsonObject *test = (JsonObject *)data;
  DeskTelegramContext context
      = { json_object_get_string_member_with_default (test, "chat_prefix", ""), NOW_MS };
  g_autoptr (DeskTelegramParsed) parsed = desk_telegram_parsed_new ();
  g_autoptr (JsonNode) items = NULL;
  g_autoptr (JsonNode) callbacks = NULL;
  g_autofree char *got = NULL;
  g_autofree char *wanted = pretty (json_object_get_member (test, "items"));

  desk_telegram_parse_update (&context, json_object_get_member (test, "update"), parsed);
  items = desk_test_items_to_json (parsed->items);
  got = pretty (items);
  if (!json_node_equal (items, json_object_get_member (test, "items")))
    g_test_message ("got %s\nwanted %s", got, wanted);
  g_assert_true (json_node_equal (items, json_object_get_member (test, "items")));

  g_assert_cmpint (parsed->next_offset, ==, json_object_get_int_member (test, "next_offset"));
  g_assert_cmpuint (parsed->n_ignored, ==, (guint)(parsed->items->len == 0));
  callbacks = callbacks_to_json (parsed->callback_ids);
  if (json_object_has_member (test, "callbacks"))
    g_assert_true (json_node_equal (callbacks, json_object_get_member (test, "callbacks")));
  else
    g_assert_cmpuint (parsed->callback_ids->len, ==, 0);
}

/* Every item must name a valid chat and have a key, whatever the payload. */
static void
check_items (const DeskTelegramParsed *parsed)
{
  for (guint i = 0; i < parsed->items->len; i++)
    {
      const DeskInboundItem *item = g_ptr_array_index (parsed->items, i);
      g_assert_nonnull (item->dedup_key);
      g_assert_cmpstr (item->dedup_key, !=, "");
      g_assert_cmpstr (item->message->user_id, !=, "");
      g_assert_nonnull (item->message->text);
      g_assert_true (g_utf8_validate (item->message->text, -1, NULL));
      g_assert_cmpint (item->message->created_at_ms, >, 0);
    }
}

/* Each member of each case, at any depth, replaced by values of other types. */
static void
mutate (JsonNode *root, JsonNode *node, JsonNode *replacement)
{
  DeskTelegramContext context = { "", NOW_MS };

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        mutate (root, json_array_get_element (array, i), replacement);
      return;
    }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return;

  JsonObject *object = json_node_get_object (node);
  g_autoptr (GList) names = json_object_get_members (object);
  for (GList *l = names; l != NULL; l = l->next)
    {
      g_autofree char *name = g_strdup (l->data);
      g_autoptr (JsonNode) saved = json_node_copy (json_object_get_member (object, name));
      g_autoptr (DeskTelegramParsed) parsed = desk_telegram_parsed_new ();

      mutate (root, json_object_get_member (object, name), replacement);
      json_object_set_member (object, name, json_node_copy (replacement));
      desk_telegram_parse_update (&context, root, parsed);
      check_items (parsed);
      g_assert_cmpuint (parsed->items->len + parsed->n_ignored, >, 0);
      json_object_set_member (object, name, g_steal_pointer (&saved));
    }
}

static void
test_mutations (void)
{
  static const char *const values[]
      = { "null",  "true", "-7", "9223372036854775807", "1.5",           "\"\"",
          "\"x\"", "[]",   "{}", "[1,null,{}]",         "{\"id\":\"a\"}" };
  JsonArray *tests = json_node_get_array (fixture);

  for (guint v = 0; v < G_N_ELEMENTS (values); v++)
    {
      g_autoptr (JsonNode) value = json_from_string (values[v], NULL);
      for (guint i = 0; i < json_array_get_length (tests); i++)
        {
          JsonNode *update
              = json_object_get_member (json_array_get_object_element (tests, i), "update");
          g_autofree char *text = json_to_string (update, FALSE);
          g_autoptr (JsonNode) copy = json_from_string (text, NULL);
          mutate (copy, copy, value);
        }
    }
}

static void
test_batch (void)
{
  static const char text[] = "[{\"update_id\":7,\"message\":{\"message_id\":1,\"chat\":{\"id\":5},"
                             "\"text\":\"a\"}},17,null,{\"update_id\":9,\"poll\":{}},"
                             "{\"update_id\":8,\"message\":{\"message_id\":2,\"chat\":{\"id\":5},"
                             "\"text\":\"b\"}}]";
  g_autoptr (JsonNode) updates = desk_json_parse (text, strlen (text), 4096, NULL);
  DeskTelegramContext context = { "", NOW_MS };
  g_autoptr (DeskTelegramParsed) parsed
      = desk_telegram_parse_updates (&context, json_node_get_array (updates));

  g_assert_cmpint (parsed->next_offset, ==, 10);
  g_assert_cmpuint (parsed->items->len, ==, 2);
  g_assert_cmpuint (parsed->n_ignored, ==, 3);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  gsize len;

  g_test_init (&argc, &argv, NULL);
  path = g_test_build_filename (G_TEST_DIST, "data", "telegram-updates.json", NULL);
  g_file_get_contents (path, &text, &len, &error);
  g_assert_no_error (error);
  fixture = desk_json_parse (text, len, 1 << 20, &error);
  g_assert_no_error (error);

  JsonArray *tests = json_node_get_array (fixture);
  g_assert_cmpuint (json_array_get_length (tests), >=, 40);
  for (guint i = 0; i < json_array_get_length (tests); i++)
    {
      JsonObject *test = json_array_get_object_element (tests, i);
      g_autofree char *name
          = g_strconcat ("/telegram/parse/", json_object_get_string_member (test, "name"), NULL);
      g_test_add_data_func (name, test, test_case);
    }
  g_test_add_func ("/telegram/parse/any-type-anywhere", test_mutations);
  g_test_add_func ("/telegram/parse/batch", test_batch);

  int result = g_test_run ();
  json_node_unref (fixture);
  return result;
}
