/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The normalizer of WhatsApp's webhooks, against data/whatsapp/payloads.json: every case is a
 * payload and exactly what it means. */

#include <stdio.h>
#include <string.h>

#include "common/desk-json.h"
#include "desk-test-items.h"
#include "server/connectors/whatsapp/desk-whatsapp-parse.h"
#include "server/connectors/whatsapp/desk-whatsapp-rules.h"
#include "server/connectors/whatsapp/desk-whatsapp-template.h"

#define NOW_MS G_GINT64_CONSTANT (1790000000000)
#define NUMBER "106540352242922"

static JsonNode *fixture;

static char *
pretty (JsonNode *node)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, node);
  return json_generator_to_data (generator, NULL);
}

static void
test_case (gconstpointer data)
{
  JsonObject *test = (JsonObject *)data;
  DeskWhatsappContext context
      = { json_object_get_string_member_with_default (test, "chat_prefix", ""), NUMBER, NOW_MS };
  g_autoptr (DeskWhatsappParsed) parsed = desk_whatsapp_parsed_new ();
  g_autoptr (JsonNode) items = NULL;
  g_autofree char *got = NULL;

  desk_whatsapp_parse (&context, json_object_get_member (test, "payload"), parsed);
  items = desk_test_items_to_json (parsed->items);
  got = pretty (items);
  if (!json_node_equal (items, json_object_get_member (test, "items")))
    fprintf (stderr, "got %s\n", got); /* GLib would write it in the locale of C */
  g_assert_true (json_node_equal (items, json_object_get_member (test, "items")));
  g_assert_cmpint (parsed->n_foreign, ==,
                   json_object_get_int_member_with_default (test, "n_foreign", 0));
  if (json_object_has_member (test, "error"))
    {
      const DeskInboundItem *item = parsed->items->pdata[0];
      JsonObject *error = json_object_get_object_member (test, "error");
      g_assert_cmpstr (item->message->error.code, ==, json_object_get_string_member (error, "code"));
      g_assert_true (item->message->error.retryable
                     == json_object_get_boolean_member (error, "retryable"));
      g_assert_nonnull (item->message->error.message);
    }
}

/* Every member of every payload left out, or made something else: nothing may fail. */
static void
spoil (JsonNode *node, JsonNode *root, guint *n)
{
  static const char *const others[] = { "null", "7", "\"x\"", "[]", "{}", "true", "1e300", "[null]" };
  DeskWhatsappContext context = { "p~", NUMBER, NOW_MS };

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        spoil (json_array_get_element (array, i), root, n);
    }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return;
  JsonObject *object = json_node_get_object (node);
  g_autoptr (GList) names = json_object_get_members (object);
  for (GList *l = names; l != NULL; l = l->next)
    {
      g_autofree char *name = g_strdup (l->data);
      g_autoptr (JsonNode) kept = json_node_ref (json_object_get_member (object, name));
      for (guint i = 0; i < G_N_ELEMENTS (others); i++)
        {
          g_autoptr (DeskWhatsappParsed) parsed = desk_whatsapp_parsed_new ();
          json_object_set_member (object, name, json_from_string (others[i], NULL));
          desk_whatsapp_parse (&context, root, parsed);
          for (guint k = 0; k < parsed->items->len; k++)
            {
              const DeskInboundItem *item = parsed->items->pdata[k];
              g_assert_true (g_str_has_prefix (item->message->user_id, "p~"));
              g_assert_cmpuint (strlen (item->message->user_id), >, 2);
              g_assert_true (item->dedup_key != NULL && strlen (item->dedup_key) > 2);
              g_assert_true (g_utf8_validate (item->message->text, -1, NULL));
              g_assert_cmpint (item->message->created_at_ms, >, 0);
            }
          ++*n;
        }
      json_object_set_member (object, name, json_node_ref (kept));
      spoil (kept, root, n);
    }
}

static void
test_spoiled (void)
{
  JsonArray *cases = json_node_get_array (fixture);
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonNode *payload
          = json_object_get_member (json_array_get_object_element (cases, i), "payload");
      g_autofree char *text = json_to_string (payload, FALSE);
      g_autoptr (JsonNode) copy = json_from_string (text, NULL);
      spoil (copy, copy, &n);
    }
  g_assert_cmpuint (n, >, 5000);
}

static void
test_media_types (void)
{
  const gint64 mib = 1024 * 1024;

  g_assert_cmpstr (desk_whatsapp_media_type ("image/jpeg", 5 * mib, FALSE), ==, "image");
  g_assert_cmpstr (desk_whatsapp_media_type ("image/jpeg", 5 * mib + 1, FALSE), ==, "document");
  g_assert_cmpstr (desk_whatsapp_media_type ("image/gif", 1, FALSE), ==, "document");
  g_assert_cmpstr (desk_whatsapp_media_type ("video/mp4", 16 * mib, FALSE), ==, "video");
  g_assert_cmpstr (desk_whatsapp_media_type ("audio/ogg", 1, FALSE), ==, "audio");
  g_assert_cmpstr (desk_whatsapp_media_type ("image/webp", 1, TRUE), ==, "sticker");
  g_assert_cmpstr (desk_whatsapp_media_type ("image/webp", mib, TRUE), ==, "document");
  g_assert_cmpstr (desk_whatsapp_media_type ("application/pdf", 100 * mib, FALSE), ==, "document");
  g_assert_null (desk_whatsapp_media_type ("application/pdf", 100 * mib + 1, FALSE));
}

static DeskWhatsappTemplate *
template_of (const char *json)
{
  g_autoptr (JsonNode) root = json_from_string (json, NULL);

  g_assert_nonnull (root);
  return desk_whatsapp_template_parse (json_node_get_object (root));
}

static void
test_templates (void)
{
  static const char full[]
      = "{\"name\":\"order\",\"language\":\"vi\",\"status\":\"APPROVED\",\"category\":\"UTILITY\","
        "\"components\":[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"Đơn {{1}}\"},{\"type\":"
        "\"BODY\",\"text\":\"Chào {{2}}, đơn của {{1}} và {{2}}\"},{\"type\":\"FOOTER\",\"text\":"
        "\"Cảm ơn\"},{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":\"QUICK_REPLY\",\"text\":\"OK\"},"
        "{\"type\":\"URL\",\"text\":\"Xem\",\"url\":\"https://shop.example/{{1}}\"}]}]}";
  static const char named[]
      = "{\"name\":\"hi\",\"language\":\"uk\",\"status\":\"APPROVED\",\"category\":\"MARKETING\","
        "\"parameter_format\":\"NAMED\",\"components\":[{\"type\":\"BODY\",\"text\":\"Вітаємо, "
        "{{first_name}}!\"}]}";
  static const char *const refused[] = {
    "{\"name\":\"a\",\"language\":\"en\",\"status\":\"PENDING\",\"components\":[{\"type\":\"BODY\","
    "\"text\":\"x\"}]}",
    "{\"name\":\"a\",\"language\":\"en\",\"status\":\"APPROVED\",\"components\":[{\"type\":\"HEADER\","
    "\"format\":\"IMAGE\"},{\"type\":\"BODY\",\"text\":\"x\"}]}",
    "{\"name\":\"a\",\"language\":\"en\",\"status\":\"APPROVED\",\"category\":\"AUTHENTICATION\","
    "\"components\":[{\"type\":\"BODY\",\"text\":\"{{1}}\"}]}",
    "{\"name\":\"a\",\"language\":\"en\",\"status\":\"APPROVED\",\"components\":[]}",
    "{\"status\":\"APPROVED\"}",
  };
  const char *const five[] = { "42", "A", "B", "xyz", NULL };
  const char *const one[] = { "Олена", NULL };
  const char *const none[] = { NULL };
  g_autoptr (DeskWhatsappTemplate) order = template_of (full);
  g_autoptr (DeskWhatsappTemplate) hi = template_of (named);
  g_autofree char *of_order = NULL, *of_hi = NULL, *empty = NULL, *filled = NULL;

  g_assert_cmpuint (order->shown->n_variables, ==, 4);
  g_assert_cmpstr (order->shown->text, ==,
                   "Đơn {{1}}\nChào {{3}}, đơn của {{2}} và {{3}}\nCảm ơn\nXem: "
                   "https://shop.example/{{4}}");
  filled = desk_template_fill (order->shown, (char *const *)five);
  g_assert_cmpstr (filled, ==,
                   "Đơn 42\nChào B, đơn của A và B\nCảm ơn\nXem: https://shop.example/xyz");
  of_order = desk_whatsapp_template_format_components (order, (char *const *)five);
  g_assert_cmpstr (
      of_order, ==,
      "[{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":\"42\"}]},{\"type\":\"body\","
      "\"parameters\":[{\"type\":\"text\",\"text\":\"A\"},{\"type\":\"text\",\"text\":\"B\"}]},"
      "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"1\",\"parameters\":[{\"type\":\"text\","
      "\"text\":\"xyz\"}]}]");
  of_hi = desk_whatsapp_template_format_components (hi, (char *const *)one);
  g_assert_cmpstr (of_hi, ==,
                   "[{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"parameter_name\":"
                   "\"first_name\",\"text\":\"Олена\"}]}]");
  empty = desk_whatsapp_template_format_components (hi, (char *const *)none);
  g_assert_nonnull (empty);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    g_assert_null (template_of (refused[i]));
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL, *text = NULL;
  gsize len;

  g_test_init (&argc, &argv, NULL);
  path = g_test_build_filename (G_TEST_DIST, "data", "whatsapp", "payloads.json", NULL);
  g_assert_true (g_file_get_contents (path, &text, &len, &error));
  fixture = desk_json_parse (text, len, 1 << 22, &error);
  g_assert_no_error (error);
  JsonArray *cases = json_node_get_array (fixture);
  g_assert_cmpuint (json_array_get_length (cases), >=, 40);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test = json_array_get_object_element (cases, i);
      g_autofree char *name
          = g_strdup_printf ("/whatsapp-parse/%s", json_object_get_string_member (test, "name"));
      g_test_add_data_func (name, test, test_case);
    }
  g_test_add_func ("/whatsapp-parse/spoiled", test_spoiled);
  g_test_add_func ("/whatsapp-rules/media-types", test_media_types);
  g_test_add_func ("/whatsapp-template/templates", test_templates);
  int result = g_test_run ();
  json_node_unref (fixture);
  return result;
}
