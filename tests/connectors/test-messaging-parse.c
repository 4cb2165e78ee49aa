/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The normalizer of Messenger and Instagram, against data/PLATFORM/payloads.json: every case is a
 * body of a webhook call and exactly what it means. */

#include <string.h>

#include "common/desk-json.h"
#include "desk-test-items.h"
#include "server/connectors/messaging/desk-messaging-content.h"
#include "server/connectors/messaging/desk-messaging-parse.h"

#define NOW_MS G_GINT64_CONSTANT (1790000000000)

static const char *const platforms[] = { "instagram", "messenger" };
static JsonNode *fixtures[G_N_ELEMENTS (platforms)];

static DeskMessagingContext
context_of (const char *platform, const char *chat_prefix)
{
  return (DeskMessagingContext) {
    .platform = platform,
    .chat_prefix = chat_prefix,
    .account_id = strcmp (platform, "instagram") == 0 ? "17840001" : "1080",
    .app_id = "7700",
    .own_host = "127.0.0.1",
    .now_ms = NOW_MS,
  };
}

static gint64
member_or (JsonObject *object, const char *name, gint64 fallback)
{
  return json_object_has_member (object, name) ? json_object_get_int_member (object, name)
                                               : fallback;
}

static void
test_case (gconstpointer data)
{
  JsonObject *test = (JsonObject *)data;
  DeskMessagingContext context
      = context_of (json_object_get_string_member (test, "platform"),
                    json_object_get_string_member_with_default (test, "chat_prefix", ""));
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  g_autoptr (JsonNode) got = NULL;
  JsonNode *wanted = json_object_get_member (test, "items");
  DeskMessagingLeft left;

  desk_messaging_parse (&context, json_object_get_member (test, "payload"), items, &left);
  got = desk_test_items_to_json (items);
  if (!json_node_equal (got, wanted))
    {
      g_autofree char *text = json_to_string (got, FALSE);
      g_test_message ("got %s %s", json_object_get_string_member (test, "name"), text);
    }
  g_assert_true (json_node_equal (got, wanted));
  g_assert_cmpuint (left.n_ignored, ==, member_or (test, "ignored", 0));
  g_assert_cmpuint (left.n_unknown, ==, member_or (test, "unknown", 0));
  g_assert_cmpuint (left.n_foreign, ==, member_or (test, "foreign", 0));
}

/* ── Any type anywhere ──────────────────────────────────────────────────────────────────────── */

static void
check_payload (const DeskMessagingContext *context, JsonNode *payload)
{
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  DeskMessagingLeft left;

  desk_messaging_parse (context, payload, items, &left);
  for (guint i = 0; i < items->len; i++)
    {
      const DeskInboundItem *item = items->pdata[i];
      g_assert_true (item->dedup_key != NULL && *item->dedup_key != '\0');
      g_assert_true (desk_chat_key_is_valid (item->message->platform, item->message->user_id));
      g_assert_true (g_utf8_validate (item->message->text, -1, NULL));
      g_assert_cmpint (item->message->created_at_ms, >, 0);
      for (guint n = 0; n < item->message->attachments->len; n++)
        {
          const DeskAttachment *file = item->message->attachments->pdata[n];
          g_assert_true (desk_messaging_is_media_url (file->url, "127.0.0.1"));
        }
    }
}

/* Each member of each case, at any depth, replaced by values of other types. */
static void
mutate (const DeskMessagingContext *context, JsonNode *root, JsonNode *node, JsonNode *replacement)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        mutate (context, root, json_array_get_element (array, i), replacement);
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

      mutate (context, root, json_object_get_member (object, name), replacement);
      json_object_set_member (object, name, json_node_copy (replacement));
      check_payload (context, root);
      json_object_set_member (object, name, g_steal_pointer (&saved));
    }
}

static void
test_mutations (gconstpointer data)
{
  static const char *const values[]
      = { "null",  "true", "-7", "9223372036854775807", "1.5",           "\"\"",
          "\"x\"", "[]",   "{}", "[1,null,{}]",         "{\"id\":\"a\"}", "\"/crm/files/../x\"" };
  const guint which = GPOINTER_TO_UINT (data);
  const DeskMessagingContext context = context_of (platforms[which], "");
  JsonArray *tests = json_node_get_array (fixtures[which]);

  for (guint v = 0; v < G_N_ELEMENTS (values); v++)
    {
      g_autoptr (JsonNode) value = json_from_string (values[v], NULL);
      for (guint i = 0; i < json_array_get_length (tests); i++)
        {
          JsonNode *payload
              = json_object_get_member (json_array_get_object_element (tests, i), "payload");
          g_autofree char *text = json_to_string (payload, FALSE);
          g_autoptr (JsonNode) copy = json_from_string (text, NULL);
          mutate (&context, copy, copy, value);
        }
    }
}

/* Only Meta's own hosts are fetched from: an address is a stranger's word. */
static void
test_media_hosts (void)
{
  static const char *const good[] = {
    "https://scontent.xx.fbcdn.net/v/t1.15752-9/1.jpg?oh=1",
    "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1",
    "https://scontent.cdninstagram.com/v/1.mp4",
    "https://fbcdn.net/x",
    "http://127.0.0.1:8080/cdn/x",
  };
  static const char *const bad[] = {
    "http://scontent.xx.fbcdn.net/1.jpg",      "https://evilfbcdn.net/1.jpg",
    "https://fbcdn.net.example.org/1.jpg",     "https://fbcdn.net:8443/1.jpg",
    "https://user@scontent.xx.fbcdn.net/1",    "file:///etc/passwd",
    "ftp://fbcdn.net/1",                       "/crm/files/0123",
    "https://169.254.169.254/latest/meta-data", "https://127.0.0.2/x",
    "https://fbcdn.net@example.org/",          "",
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (desk_messaging_is_media_url (good[i], "127.0.0.1"));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (desk_messaging_is_media_url (bad[i], "127.0.0.1"));
  g_assert_false (desk_messaging_is_media_url (NULL, NULL));
  g_assert_false (desk_messaging_is_media_url (good[4], NULL));
}

/* Thousands of events in one body, as they come after an outage. */
static void
test_many (void)
{
  const DeskMessagingContext context = context_of ("messenger", "");
  g_autoptr (GString) text = g_string_new ("{\"object\":\"page\",\"entry\":[");
  g_autoptr (GPtrArray) items
      = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  DeskMessagingLeft left;

  for (guint i = 0; i < 9000; i++)
    g_string_append_printf (text,
                            "%s{\"id\":\"1080\",\"time\":1,\"messaging\":[{\"sender\":{\"id\":"
                            "\"%u\"},\"recipient\":{\"id\":\"1080\"},\"timestamp\":1789990000000,"
                            "\"message\":{\"mid\":\"m_%u\",\"text\":\"%0200u\"}}]}",
                            i > 0 ? "," : "", 5000 + i % 7, i, i);
  g_string_append (text, "]}");
  g_assert_cmpuint (text->len, >, 3 * 1024 * 1024);
  g_autoptr (JsonNode) root = desk_json_parse (text->str, text->len, 8 << 20, NULL);
  desk_messaging_parse (&context, root, items, &left);
  g_assert_cmpuint (items->len, ==, 9000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint p = 0; p < G_N_ELEMENTS (platforms); p++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path
          = g_test_build_filename (G_TEST_DIST, "data", platforms[p], "payloads.json", NULL);
      g_autofree char *text = NULL;
      gsize len;
      g_file_get_contents (path, &text, &len, &error);
      g_assert_no_error (error);
      fixtures[p] = desk_json_parse (text, len, 1 << 20, &error);
      g_assert_no_error (error);

      JsonArray *tests = json_node_get_array (fixtures[p]);
      g_assert_cmpuint (json_array_get_length (tests), >=, 30);
      for (guint i = 0; i < json_array_get_length (tests); i++)
        {
          JsonObject *test = json_array_get_object_element (tests, i);
          g_autofree char *name = g_strdup_printf ("/messaging/%s/%s", platforms[p],
                                                   json_object_get_string_member (test, "name"));
          json_object_set_string_member (test, "platform", platforms[p]);
          g_test_add_data_func (name, test, test_case);
        }
      g_autofree char *name = g_strconcat ("/messaging/any-type-anywhere/", platforms[p], NULL);
      g_test_add_data_func (name, GUINT_TO_POINTER (p), test_mutations);
    }
  g_test_add_func ("/messaging/media-hosts", test_media_hosts);
  g_test_add_func ("/messaging/many", test_many);

  int result = g_test_run ();
  for (guint p = 0; p < G_N_ELEMENTS (platforms); p++)
    json_node_unref (fixtures[p]);
  return result;
}
