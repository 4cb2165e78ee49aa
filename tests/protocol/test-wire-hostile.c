/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Hostile input: every member of every full object replaced by every other type, one by one; texts
 * that are no JSON; limits. */

#include <string.h>

#include "wire-samples.h"

typedef gpointer (*ReadFunc) (JsonNode *node, GError **error);

typedef struct
{
  ReadFunc read;
  GDestroyNotify free_value;
  JsonNode *root;
  guint n_refused, n_taken;
} Mutation;

static const char *const replacements[]
    = { "null", "true",     "17", "-17",  "1.5",  "1e300", "9223372036854775807",
        "\"\"", "\"word\"", "[]", "[[]]", "[17]", "{}",    "{\"a\":1}" };

static gboolean
same_type (JsonNode *a, JsonNode *b)
{
  return json_node_get_node_type (a) == json_node_get_node_type (b)
         && json_node_get_value_type (a) == json_node_get_value_type (b);
}

/* Members that take any type, or several: their content is free, or a plain backend's. */
static gboolean
takes_other_types (const char *path, JsonNode *node)
{
  if (strstr (path, ".metadata.") != NULL || strstr (path, ".products.") != NULL
      || strstr (path, ".viewing.") != NULL)
    return TRUE;
  if (g_str_has_suffix (path, ".unread"))
    return json_node_get_value_type (node) == G_TYPE_BOOLEAN;
  return FALSE;
}

/* After each replacement: no crash, a result or an error, and no result for another type. */
static void
try_replacement (
    Mutation *self, const char *path, const char *name, JsonNode *original, JsonNode *replacement)
{
  g_autoptr (GError) error = NULL;
  gpointer value = self->read (self->root, &error);
  g_assert_true ((value == NULL) == (error != NULL));
  if (value != NULL)
    {
      self->n_taken++;
      self->free_value (value);
      if (!JSON_NODE_HOLDS_NULL (replacement) && !JSON_NODE_HOLDS_NULL (original)
          && !same_type (original, replacement) && !takes_other_types (path, replacement))
        {
          g_autofree char *text = desk_json_to_text (replacement);
          g_error ("%s takes %s", path, text);
        }
      return;
    }
  self->n_refused++;
  g_assert_true (error->domain == DESK_JSON_ERROR);
  if (JSON_NODE_HOLDS_OBJECT (replacement) && error->code == DESK_JSON_ERROR_MISSING)
    return; /* what it lacks inside is named instead */
  if (strstr (error->message, name) == NULL)
    g_error ("%s: the error names another member: %s", path, error->message);
}

static void mutate_node (Mutation *self, const char *path, JsonNode *node);

static void
mutate_member (Mutation *self, const char *path, JsonObject *obj, const char *name)
{
  g_autofree char *member = g_strconcat (path, ".", name, NULL);
  g_autoptr (JsonNode) original = json_object_dup_member (obj, name);
  for (guint i = 0; i < G_N_ELEMENTS (replacements); i++)
    {
      json_object_set_member (obj, name, parse_or_die (replacements[i]));
      try_replacement (self, member, name, original, json_object_get_member (obj, name));
    }
  json_object_set_member (obj, name, json_node_copy (original));
  mutate_node (self, member, json_object_get_member (obj, name));
}

static void
mutate_node (Mutation *self, const char *path, JsonNode *node)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        mutate_node (self, path, json_array_get_element (array, i));
    }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return;
  JsonObject *obj = json_node_get_object (node);
  g_autoptr (GList) names = json_object_get_members (obj);
  for (GList *l = names; l != NULL; l = l->next)
    {
      g_autofree char *name = g_strdup (l->data);
      l->data = NULL;
      mutate_member (self, path, obj, name);
    }
}

static void
mutate (char *text, ReadFunc read, GDestroyNotify free_value)
{
  g_autofree char *owned = text;
  Mutation self = { .read = read, .free_value = free_value, .root = parse_or_die (text) };
  mutate_node (&self, "", self.root);
  g_autofree char *after = desk_json_to_text (self.root);
  gpointer value = read (self.root, NULL); /* every replacement was taken back */
  g_assert_nonnull (value);
  free_value (value);
  json_node_unref (self.root);
  g_test_message ("%u refused, %u taken", self.n_refused, self.n_taken);
}

static void
test_mutate_message (void)
{
  g_autoptr (DeskMessage) message = sample_message_full ();
  mutate (text_of_message (message), (ReadFunc)desk_wire_read_message,
          (GDestroyNotify)desk_message_free);
}

static void
test_mutate_chat (void)
{
  g_autoptr (DeskChat) chat = sample_chat_full ();
  mutate (text_of_chat (chat), (ReadFunc)desk_wire_read_chat, (GDestroyNotify)desk_chat_free);
}

static void
test_mutate_events (void)
{
  for (guint n = 0; n < sample_n_events (); n++)
    {
      g_autoptr (DeskEvent) event = sample_event (n);
      if (event->message != NULL || event->chat != NULL || event->data != NULL
          || event->type == DESK_EVENT_HEAD)
        continue; /* done above, free content, or below */
      if (event->type == DESK_EVENT_UNKNOWN || event->type == DESK_EVENT_HIDDEN)
        continue;
      g_autofree char *text = text_of_event (event);
      g_autoptr (JsonNode) root = parse_or_die (text);
      JsonObject *frame = json_node_get_object (root);
      Mutation self = { .read = (ReadFunc)desk_wire_read_event_node,
                        .free_value = (GDestroyNotify)desk_event_free,
                        .root = root };
      mutate_member (&self, "", frame, "data");
      if (event->sequenced)
        {
          mutate_member (&self, "", frame, "p");
          mutate_member (&self, "", frame, "seq");
        }
    }
}

static gpointer
read_capabilities_node (JsonNode *node, GError **error)
{
  g_autofree char *text = desk_json_to_text (node);
  return desk_wire_read_capabilities (text, strlen (text), error);
}

static void
test_mutate_capabilities (void)
{
  g_autoptr (DeskCapabilities) capabilities = sample_capabilities ();
  g_autofree char *text = text_of_capabilities (capabilities);
  g_autoptr (JsonNode) root = parse_or_die (text);
  Mutation self = { .read = read_capabilities_node,
                    .free_value = (GDestroyNotify)desk_capabilities_free,
                    .root = root };
  static const char *const names[] = { "features", "platforms", "me", "server_time" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    mutate_member (&self, "", json_node_get_object (root), names[i]);
}

static gpointer
read_send_node (JsonNode *node, GError **error)
{
  g_autofree char *text = desk_json_to_text (node);
  return desk_wire_read_send (text, strlen (text), error);
}

static void
test_mutate_send (void)
{
  char text[] = "hi", key[] = "key-1", reply[] = "m-6";
  DeskSendRequest request = { text, key, reply, TRUE, 7, TRUE };
  mutate (desk_wire_send_text (&request), read_send_node, (GDestroyNotify)desk_send_request_free);
}

static void
refuse_frame (const char *text, gssize len, int code)
{
  g_autoptr (GError) error = NULL;
  gsize size = len < 0 ? strlen (text) : (gsize)len;
  g_assert_null (desk_wire_read_event (text, size, &error));
  g_assert_error (error, DESK_JSON_ERROR, code);
  g_clear_error (&error);
  if (size > DESK_WIRE_MAX_CLIENT_FRAME)
    return;
  g_assert_null (desk_wire_read_client_frame (text, size, &error));
  g_assert_error (error, DESK_JSON_ERROR, code);
}

static void
test_no_json (void)
{
  g_autofree char *deep = g_strnfill (200000, '[');
  g_autofree char *less_deep = g_strnfill (10000, '[');
  g_autofree char *large = g_strnfill (DESK_WIRE_MAX_FRAME + 1, ' ');
  refuse_frame ("", 0, DESK_JSON_ERROR_SYNTAX);
  refuse_frame ("nonsense", -1, DESK_JSON_ERROR_SYNTAX);
  refuse_frame ("{\"type\":\"hidden\"}x", -1, DESK_JSON_ERROR_SYNTAX);
  refuse_frame (deep, -1, DESK_JSON_ERROR_DEPTH);
  refuse_frame (less_deep, -1, DESK_JSON_ERROR_DEPTH);
  refuse_frame (large, -1, DESK_JSON_ERROR_TOO_LARGE);
  refuse_frame ("{\"type\":\"a\xff\"}", -1, DESK_JSON_ERROR_UTF8);
  refuse_frame ("{\"type\":\"\\ud800\"}", -1, DESK_JSON_ERROR_UTF8);
  refuse_frame ("{\"type\":\"a\\u0000b\"}", -1, DESK_JSON_ERROR_UTF8);
  refuse_frame ("{\"type\":\"head\",\"type\":\"hidden\"}", -1, DESK_JSON_ERROR_DUPLICATE_KEY);
  refuse_frame ("{\"type\":\"x\",\"p\":1e999}", -1, DESK_JSON_ERROR_NUMBER);
  refuse_frame ("{\"type\":\"x\",\"p\":99999999999999999999}", -1, DESK_JSON_ERROR_NUMBER);
  refuse_frame ("[]", -1, DESK_JSON_ERROR_TYPE);
  refuse_frame ("{}", -1, DESK_JSON_ERROR_MISSING);
}

static void
refuse_event (const char *text, int code, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (desk_wire_read_event (text, strlen (text), &error));
  g_assert_error (error, DESK_JSON_ERROR, code);
  if (strstr (error->message, name) == NULL)
    g_error ("%s does not name %s", error->message, name);
}

static void
test_event_places (void)
{
  refuse_event ("{\"type\":\"hidden\",\"p\":0}", DESK_JSON_ERROR_MISSING, "seq");
  refuse_event ("{\"type\":\"hidden\",\"seq\":1}", DESK_JSON_ERROR_MISSING, "p");
  refuse_event ("{\"type\":\"hidden\",\"p\":-1,\"seq\":1}", DESK_JSON_ERROR_RANGE, "p");
  refuse_event ("{\"type\":\"hidden\",\"p\":4294967296,\"seq\":1}", DESK_JSON_ERROR_RANGE, "p");
  refuse_event ("{\"type\":\"hidden\",\"p\":0,\"seq\":0}", DESK_JSON_ERROR_RANGE, "seq");
  refuse_event ("{\"type\":\"hidden\",\"p\":0,\"seq\":9007199254740992}", DESK_JSON_ERROR_RANGE,
                "seq");
  refuse_event ("{\"type\":\"head\",\"data\":{\"00\":1}}", DESK_JSON_ERROR_RANGE, "head");
  refuse_event ("{\"type\":\"head\",\"data\":{\"x\":1}}", DESK_JSON_ERROR_RANGE, "head");
  refuse_event ("{\"type\":\"head\",\"data\":{\"0\":-1}}", DESK_JSON_ERROR_RANGE, "head");
  refuse_event ("{\"type\":\"new_message\",\"p\":0,\"seq\":1,\"data\":{}}", DESK_JSON_ERROR_MISSING,
                "platform");
  refuse_event ("{\"type\":\"new_message\",\"p\":0,\"seq\":1}", DESK_JSON_ERROR_TYPE, "message");
}

/* A type of the future still tells its place, whatever its data is. */
static void
test_event_unknown (void)
{
  static const char text[] = "{\"type\":\"later\",\"p\":7,\"seq\":12,\"data\":[1,{\"a\":null}]}";
  static const char broken[] = "{\"type\":\"read\",\"p\":7,\"seq\":12,\"data\":3}";
  guint partition = 0;
  gint64 seq = 0;
  g_autoptr (DeskEvent) event = desk_wire_read_event (text, strlen (text), NULL);
  g_assert_nonnull (event);
  g_assert_cmpint (event->type, ==, DESK_EVENT_UNKNOWN);
  g_assert_true (event->sequenced);
  g_assert_cmpuint (event->partition, ==, 7);
  g_assert_cmpint (event->seq, ==, 12);
  g_autoptr (JsonNode) node = parse_or_die (broken);
  g_assert_null (desk_wire_read_event_node (node, NULL));
  g_assert_true (desk_wire_read_event_place (node, &partition, &seq));
  g_assert_cmpuint (partition, ==, 7);
  g_assert_cmpint (seq, ==, 12);
}

/* name: a member with a string of n bytes */
static gboolean
message_takes (const char *name, gsize n)
{
  g_autofree char *value = g_strnfill (n, 'x');
  g_autoptr (DeskMessage) message = sample_message_full ();
  g_autofree char *text = text_of_message (message);
  g_autoptr (JsonNode) node = parse_or_die (text);
  g_autoptr (GError) error = NULL;
  json_object_set_string_member (json_node_get_object (node), name, value);
  g_autoptr (DeskMessage) back = desk_wire_read_message (node, &error);
  if (back == NULL)
    {
      g_assert_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_RANGE);
      g_assert_nonnull (strstr (error->message, name));
    }
  return back != NULL;
}

static void
test_string_limits (void)
{
  static const struct
  {
    const char *name;
    gsize max;
  } table[] = {
    { "id", 256 },          { "platform", 256 },     { "user_id", 256 },
    { "chat_id", 256 },     { "sender_name", 1024 }, { "text", DESK_WIRE_MAX_TEXT },
    { "external_id", 1024 }, { "sender_id", 256 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_assert_true (message_takes (table[i].name, table[i].max));
      g_assert_false (message_takes (table[i].name, table[i].max + 1));
    }
}

static gboolean
message_takes_elements (const char *name, const char *element, guint n)
{
  g_autoptr (DeskMessage) message = sample_message_full ();
  g_autofree char *text = text_of_message (message);
  g_autoptr (JsonNode) node = parse_or_die (text);
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < n; i++)
    json_array_add_element (array, parse_or_die (element));
  json_object_set_array_member (json_node_get_object (node), name, array);
  g_autoptr (DeskMessage) back = desk_wire_read_message (node, NULL);
  return back != NULL;
}

static void
test_array_limits (void)
{
  static const struct
  {
    const char *name, *element;
  } table[] = {
    { "attachments", "{}" },
    { "reactions", "{\"emoji\":\"!\",\"by\":\"x\"}" },
    { "status_history", "{\"status\":\"sent\",\"at\":\"2026-11-20T12:34:00.500Z\"}" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_assert_true (message_takes_elements (table[i].name, table[i].element, 100));
      g_assert_false (message_takes_elements (table[i].name, table[i].element, 101));
    }
}

static void
test_label_limits (void)
{
  static const struct
  {
    guint n;
    gsize len;
    gboolean fits;
  } table[] = { { 100, 4, TRUE }, { 101, 4, FALSE }, { 1, 1024, TRUE }, { 1, 1025, FALSE } };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (DeskChat) chat = sample_chat_full ();
      g_autofree char *label = g_strnfill (table[i].len, 'x');
      g_strfreev (chat->labels);
      chat->labels = g_new0 (char *, table[i].n + 1);
      for (guint n = 0; n < table[i].n; n++)
        chat->labels[n] = g_strdup (label);
      g_autofree char *text = text_of_chat (chat);
      g_autoptr (JsonNode) node = parse_or_die (text);
      g_autoptr (GError) error = NULL;
      g_autoptr (DeskChat) back = desk_wire_read_chat (node, &error);
      g_assert_cmpint (back != NULL, ==, table[i].fits);
      if (back == NULL)
        g_assert_nonnull (strstr (error->message, "labels"));
    }
}

static void
test_metadata_limit (void)
{
  for (guint over = 0; over < 2; over++)
    {
      g_autofree char *value = g_strnfill (65536 - strlen ("{\"a\":\"\"}") + over, 'x');
      g_autofree char *text = g_strdup_printf (
          "{\"platform\":\"a\",\"user_id\":\"b\",\"stream_id\":\"0123456789abcdef\","
          "\"metadata\":{\"a\":\"%s\"}}",
          value);
      g_autoptr (JsonNode) node = parse_or_die (text);
      g_autoptr (DeskChat) chat = desk_wire_read_chat (node, NULL);
      g_assert_cmpint (chat != NULL, ==, over == 0);
    }
}

/* 1000 partitions in hello, in head and in a page's cursor; 1025 are too many. */
static void
test_many_partitions (void)
{
  for (guint n = 1000; n <= 1025; n += 25)
    {
      g_autoptr (GString) text = g_string_new ("{\"type\":\"head\",\"data\":{");
      for (guint i = 0; i < n; i++)
        g_string_append_printf (text, "%s\"%u\":%u", i > 0 ? "," : "", n - i, i);
      g_string_append (text, "}}");
      g_autoptr (DeskEvent) event = desk_wire_read_event (text->str, text->len, NULL);
      g_assert_cmpint (event != NULL, ==, n <= 1024);
      if (event != NULL)
        g_assert_cmpuint (desk_cursor_get_n_partitions (event->head), ==, n);
    }
}

/* Words of the future. */
static void
test_unknown_words (void)
{
  g_autoptr (DeskMessage) message = sample_message_full ();
  g_autofree char *text = text_of_message (message);
  g_autoptr (JsonNode) node = parse_or_die (text);
  JsonObject *obj = json_node_get_object (node);
  g_autoptr (GError) error = NULL;
  json_object_set_string_member (obj, "kind", "hologram");
  json_object_set_string_member (obj, "status", "pondered");
  json_object_set_string_member (obj, "source", "dream");
  g_autoptr (DeskMessage) back = desk_wire_read_message (node, &error);
  g_assert_no_error (error);
  g_assert_cmpint (back->kind, ==, DESK_KIND_UNSUPPORTED);
  g_assert_cmpint (back->status, ==, DESK_STATUS_NONE);
  g_assert_cmpint (back->source, ==, DESK_SOURCE_NONE);
  json_object_set_string_member (obj, "direction", "sideways");
  g_assert_null (desk_wire_read_message (node, &error));
  g_assert_nonnull (strstr (error->message, "direction"));
  g_assert_null (strstr (error->message, "sideways"));
}

static void
test_unknown_chat_words (void)
{
  g_autoptr (DeskChat) chat = sample_chat_full ();
  g_autofree char *text = text_of_chat (chat);
  g_autoptr (JsonNode) node = parse_or_die (text);
  JsonObject *obj = json_node_get_object (node);
  g_autoptr (GError) error = NULL;
  json_object_set_string_member (obj, "type", "choir");
  json_object_set_string_member (obj, "state", "asleep");
  g_autoptr (DeskChat) back = desk_wire_read_chat (node, &error);
  g_assert_no_error (error);
  g_assert_cmpint (back->type, ==, DESK_CHAT_TYPE_DIRECT);
  g_assert_cmpint (back->state, ==, DESK_CHAT_STATE_OPEN);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/hostile/mutate-message", test_mutate_message);
  g_test_add_func ("/wire/hostile/mutate-chat", test_mutate_chat);
  g_test_add_func ("/wire/hostile/mutate-events", test_mutate_events);
  g_test_add_func ("/wire/hostile/mutate-capabilities", test_mutate_capabilities);
  g_test_add_func ("/wire/hostile/mutate-send", test_mutate_send);
  g_test_add_func ("/wire/hostile/no-json", test_no_json);
  g_test_add_func ("/wire/hostile/event-places", test_event_places);
  g_test_add_func ("/wire/hostile/event-unknown", test_event_unknown);
  g_test_add_func ("/wire/hostile/string-limits", test_string_limits);
  g_test_add_func ("/wire/hostile/array-limits", test_array_limits);
  g_test_add_func ("/wire/hostile/label-limits", test_label_limits);
  g_test_add_func ("/wire/hostile/metadata-limit", test_metadata_limit);
  g_test_add_func ("/wire/hostile/many-partitions", test_many_partitions);
  g_test_add_func ("/wire/hostile/unknown-words", test_unknown_words);
  g_test_add_func ("/wire/hostile/unknown-chat-words", test_unknown_chat_words);
  return g_test_run ();
}
