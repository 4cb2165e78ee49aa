/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The partner's configuration, its templates and JSON paths.
 * The defaults are the shape of Chotot's chat API as far as it is publicly documented: rooms are
 * "channels", messages have neither id nor receipt, times are milliseconds.
 * Invariants: pure, any thread; what was checked when the configuration was read cannot fail later;
 * a value from outside never leaves its place in a path or in a JSON string. */

#include "server/connectors/partner/desk-partner-options.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "common/desk-json.h"

#define MAX_VALUE       4096
#define MAX_DEPTH       16
#define LAST_SECOND     G_GINT64_CONSTANT (100000000000) /* beyond it a number can only be ms */
#define LAST_MS         G_GINT64_CONSTANT (253402300799999)
#define MAX_PICKED_TEXT 2048

typedef enum
{
  PATH,      /* of a URL */
  POINTER,   /* into JSON */
  FIELDS,    /* name=pointer,… */
  JSON_BODY, /* template */
  NUMBER,
  HEADER,
  PATTERN,
  NAME,
  WORDS,
} Kind;

static const struct
{
  const char *key;
  Kind kind;
  const char *value;
} options[DESK_PARTNER_N_OPTIONS] = {
  [DESK_PARTNER_ROOMS_PATH] = { "path.rooms", PATH, "" },
  [DESK_PARTNER_MESSAGES_PATH]
  = { "path.messages", PATH,
      "/api/v1/internal/user_channel/{account}/{room}/messages?limit={limit}&before_ts={before}" },
  [DESK_PARTNER_ROOM_PATH] = { "path.room", PATH, "/api/v1/internal/channels/{room}/user_channels" },
  [DESK_PARTNER_SEND_PATH] = { "path.send", PATH, "/api/v1/internal/messages" },
  [DESK_PARTNER_PRODUCTS_PATH] = { "path.products", PATH, "" },
  [DESK_PARTNER_SEND_BODY]
  = { "send.body", JSON_BODY,
      "{\"channel_id\":\"{room}\",\"sender_id\":\"{account}\",\"message\":\"{text}\",\"type\":\"text\"}" },
  [DESK_PARTNER_SEND_ID] = { "send.id", POINTER, "-" },
  [DESK_PARTNER_ANSWER_CODE] = { "answer.code", POINTER, "code" },
  [DESK_PARTNER_ANSWER_ERROR] = { "answer.error", POINTER, "message" },
  [DESK_PARTNER_ROOMS] = { "rooms", POINTER, "data" },
  [DESK_PARTNER_ROOM_ID] = { "room.id", POINTER, "channel_id" },
  [DESK_PARTNER_ROOM_TIME] = { "room.time", POINTER, "last_message_created_at" },
  [DESK_PARTNER_ROOM_USER] = { "room.user", POINTER, "user_id" },
  [DESK_PARTNER_ROOM_NAME] = { "room.name", POINTER, "name" },
  [DESK_PARTNER_ROOM_METADATA]
  = { "room.metadata", FIELDS, "item_name,item_price,item_image,list_id,role,seller_id" },
  [DESK_PARTNER_MESSAGES] = { "messages", POINTER, "data" },
  [DESK_PARTNER_MESSAGE_ROOM] = { "message.room", POINTER, "channel_id" },
  [DESK_PARTNER_MESSAGE_ID] = { "message.id", POINTER, "-" },
  [DESK_PARTNER_MESSAGE_CLIENT_ID] = { "message.client_id", POINTER, "client_gen_id" },
  [DESK_PARTNER_MESSAGE_SENDER] = { "message.sender", POINTER, "sender_id" },
  [DESK_PARTNER_MESSAGE_NAME] = { "message.sender_name", POINTER, "sender_name" },
  [DESK_PARTNER_MESSAGE_TIME] = { "message.time", POINTER, "created_at" },
  [DESK_PARTNER_MESSAGE_TEXT] = { "message.text", POINTER, "message" },
  [DESK_PARTNER_MESSAGE_TYPE] = { "message.type", POINTER, "type" },
  [DESK_PARTNER_MESSAGE_EDITED] = { "message.edited", POINTER, "is_edited" },
  [DESK_PARTNER_MESSAGE_LINK] = { "message.link", POINTER, "attachment.data.url" },
  [DESK_PARTNER_PUSH] = { "push", POINTER, "data" },
  [DESK_PARTNER_PUSH_HEADER] = { "push.header", HEADER, "X-Webhook-Secret" },
  [DESK_PARTNER_PRODUCTS] = { "products", POINTER, "data" },
  [DESK_PARTNER_PRODUCT_FIELDS]
  = { "product.fields", FIELDS, "id=list_id,name=subject,price,url,image" },
  [DESK_PARTNER_TOKEN_HEADER] = { "token.header", HEADER, "Authorization" },
  [DESK_PARTNER_TOKEN_PREFIX] = { "token.prefix", WORDS, "Bearer" },
  [DESK_PARTNER_TEXT_LIMIT] = { "text_limit", NUMBER, "2000" },
  [DESK_PARTNER_POLL_SECONDS] = { "poll_seconds", NUMBER, "5" },
  [DESK_PARTNER_WINDOW_SECONDS] = { "window_seconds", NUMBER, "30" },
  [DESK_PARTNER_FIRST_MESSAGES] = { "first_messages", NUMBER, "100" },
  [DESK_PARTNER_NAME] = { "partner", NAME, "partner" },
  [DESK_PARTNER_TITLE] = { "title", WORDS, "" },
  [DESK_PARTNER_ROOM_PATTERN] = { "room_pattern", PATTERN, "" },
};

/* ── Checks ─────────────────────────────────────────────────────────────────────────────────── */
static int
find_option (const char *key)
{
  for (int i = 0; i < DESK_PARTNER_N_OPTIONS; i++)
    if (strcmp (options[i].key, key) == 0)
      return i;
  return -1;
}

static gboolean
is_header_name (const char *name)
{
  return g_regex_match_simple ("^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$", name, 0, 0);
}

static gboolean
is_body (const char *value)
{
  const DeskPartnerValues values = { "a", "r", "u", "t", "c", 1, 1, 1 };
  g_autofree char *json = desk_partner_expand_json (value, &values);

  return desk_json_scan (json, strlen (json), 2 * MAX_VALUE, NULL);
}

static const char *
check_kind (Kind kind, const char *value)
{
  switch (kind)
    {
    case PATH:
      return *value == '/' && strpbrk (value, " \t#") == NULL
                 ? NULL
                 : "must be a path that begins with a slash";
    case POINTER:
      return g_regex_match_simple ("^[^. \t]*(\\.[^. \t]+)*$", value, 0, 0)
                 ? NULL
                 : "must be names with dots between them, as data.items, or - for none";
    case FIELDS:
      return g_regex_match_simple ("^[^=, \t]+(=[^=, \t]+)?(,[^=, \t]+(=[^=, \t]+)?)*$", value, 0, 0)
                 ? NULL
                 : "must be NAME=PATH,NAME,… without blanks";
    case JSON_BODY:
      return is_body (value) ? NULL : "must be JSON with placeholders inside its strings";
    case NUMBER:
      return g_ascii_string_to_unsigned (value, 10, 1, 1000000, NULL, NULL)
                 ? NULL
                 : "must be a number from 1 to 1000000";
    case HEADER:
      return is_header_name (value) ? NULL : "must be the name of a header";
    case PATTERN:
      {
        g_autoptr (GRegex) regex = g_regex_new (value, 0, 0, NULL);
        return regex != NULL ? NULL : "must be a regular expression";
      }
    case NAME:
      return g_regex_match_simple ("^[a-z][a-z0-9_-]{0,31}$", value, 0, 0)
                 ? NULL
                 : "must be 1 to 32 of a-z 0-9 _ - and begin with a letter";
    case WORDS:
    default:
      return strpbrk (value, "\r\n") == NULL ? NULL : "must be one line";
    }
}

gboolean
desk_partner_option_check (const char *key, const char *value, const char **out_reason)
{
  g_return_val_if_fail (key != NULL && value != NULL && out_reason != NULL, FALSE);
  const int n = find_option (key);

  if (strlen (value) > MAX_VALUE)
    *out_reason = "is too long";
  else if (g_str_has_prefix (key, "header."))
    *out_reason = is_header_name (key + strlen ("header.")) ? check_kind (WORDS, value)
                                                            : "has no valid header name";
  else
    *out_reason = n >= 0 ? check_kind (options[n].kind, value) : "is no key of a partner";
  return *out_reason == NULL;
}

const char *
desk_partner_option (const DeskConnection *connection, DeskPartnerOption option)
{
  g_return_val_if_fail (connection != NULL && option < DESK_PARTNER_N_OPTIONS, "");
  const char *value = connection->options != NULL
                          ? g_hash_table_lookup (connection->options, options[option].key)
                          : NULL;

  if (value == NULL)
    value = options[option].value;
  return value;
}

gint64
desk_partner_option_number (const DeskConnection *connection, DeskPartnerOption option)
{
  return g_ascii_strtoll (desk_partner_option (connection, option), NULL, 10);
}

const char *
desk_partner_find_missing (const DeskConnection *connection)
{
  g_return_val_if_fail (connection != NULL, NULL);
  const char *url = connection->base_url;

  if (url == NULL || (!g_str_has_prefix (url, "https://") && !g_str_has_prefix (url, "http://")))
    return "base_url";
  if (connection->account_id == NULL || *connection->account_id == '\0')
    return "account_id";
  if (g_strcmp0 (connection->mode, "poll") == 0
      && *desk_partner_option (connection, DESK_PARTNER_ROOMS_PATH) == '\0')
    return "path.rooms";
  return NULL;
}

const char *
desk_partner_platform_name (const DeskConnection *connection)
{
  return desk_partner_option (connection, DESK_PARTNER_NAME);
}

const DeskConnection *
desk_partner_detect (GPtrArray *connections, const char *name, const char *room_id)
{
  g_return_val_if_fail (connections != NULL && room_id != NULL, NULL);

  for (guint i = 0; i < connections->len; i++)
    {
      const DeskConnection *connection = connections->pdata[i];
      const char *pattern;

      if (g_strcmp0 (connection->platform, "partner") != 0)
        continue;
      if (name != NULL && *name != '\0')
        {
          if (g_str_equal (desk_partner_platform_name (connection), name))
            return connection;
          continue;
        }
      pattern = desk_partner_option (connection, DESK_PARTNER_ROOM_PATTERN);
      if (*pattern != '\0' && g_regex_match_simple (pattern, room_id, 0, 0))
        return connection;
    }
  return NULL;
}

/* ── Templates ──────────────────────────────────────────────────────────────────────────────── */
static char *
value_of (const char *name, const DeskPartnerValues *values)
{
  const struct
  {
    const char *name;
    const char *text;
  } texts[] = {
    { "account", values->account }, { "room", values->room },           { "user", values->user },
    { "text", values->text },       { "client_id", values->client_id },
  };
  const struct
  {
    const char *name;
    gint64 number;
  } numbers[] = {
    { "limit", values->limit },
    { "page", values->page },
    { "before", values->before_ms },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (strcmp (texts[i].name, name) == 0)
      return g_strdup (texts[i].text != NULL ? texts[i].text : "");
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (strcmp (numbers[i].name, name) == 0)
      return g_strdup_printf ("%" G_GINT64_FORMAT, numbers[i].number);
  return NULL;
}

static char *
escape_for_json (const char *text)
{
  g_autoptr (GString) json = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, json);
  desk_json_writer_string (&writer, text);
  return g_strndup (json->str + 1, json->len - 2); /* without its quotes */
}

static char *
escape_for_path (const char *text)
{
  return g_uri_escape_string (text, NULL, FALSE);
}

/* A brace that begins no known placeholder stays: JSON is full of them. */
static char *
expand (const char *template, const DeskPartnerValues *values, char *(*escape) (const char *text))
{
  GString *out = g_string_new (NULL);

  for (const char *p = template; *p != '\0';)
    {
      const char *close = *p == '{' ? strchr (p, '}') : NULL;
      g_autofree char *name = close != NULL ? g_strndup (p + 1, (gsize)(close - p - 1)) : NULL;
      g_autofree char *value = name != NULL ? value_of (name, values) : NULL;
      g_autofree char *escaped = value != NULL ? escape (value) : NULL;

      if (escaped == NULL)
        {
          g_string_append_c (out, *p++);
          continue;
        }
      g_string_append (out, escaped);
      p = close + 1;
    }
  return g_string_free (out, FALSE);
}

char *
desk_partner_expand_path (const char *template, const DeskPartnerValues *values)
{
  g_return_val_if_fail (template != NULL && values != NULL, NULL);
  return expand (template, values, escape_for_path);
}

char *
desk_partner_expand_json (const char *template, const DeskPartnerValues *values)
{
  g_return_val_if_fail (template != NULL && values != NULL, NULL);
  return expand (template, values, escape_for_json);
}

/* ── Looking into JSON ──────────────────────────────────────────────────────────────────────── */
JsonNode *
desk_partner_find (JsonNode *node, const char *path)
{
  g_return_val_if_fail (path != NULL, NULL);
  guint depth = 0;

  if (strcmp (path, "-") == 0)
    return NULL;
  while (node != NULL && *path != '\0' && depth++ < MAX_DEPTH)
    {
      const gsize len = strcspn (path, ".");
      g_autofree char *name = g_strndup (path, len);
      guint64 n;

      path += len + (path[len] == '.');
      if (JSON_NODE_HOLDS_OBJECT (node))
        node = json_object_get_member (json_node_get_object (node), name);
      else if (JSON_NODE_HOLDS_ARRAY (node)
               && g_ascii_string_to_unsigned (name, 10, 0, G_MAXUINT32, &n, NULL)
               && n < json_array_get_length (json_node_get_array (node)))
        node = json_array_get_element (json_node_get_array (node), (guint)n);
      else
        node = NULL;
    }
  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

static char *
text_of (JsonNode *node)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  switch (json_node_get_value_type (node))
    {
    case G_TYPE_STRING:
      return g_strdup (json_node_get_string (node));
    case G_TYPE_INT64:
      return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
    case G_TYPE_DOUBLE:
      return g_strdup (g_ascii_dtostr (number, sizeof number, json_node_get_double (node)));
    case G_TYPE_BOOLEAN:
      return g_strdup (json_node_get_boolean (node) ? "true" : "false");
    default:
      return NULL;
    }
}

char *
desk_partner_find_text (JsonNode *node, const char *path)
{
  char *text = text_of (desk_partner_find (node, path));

  if (text != NULL && *text == '\0')
    g_clear_pointer (&text, g_free);
  return text;
}

gboolean
desk_partner_find_int (JsonNode *node, const char *path, gint64 *out)
{
  g_autofree char *text = desk_partner_find_text (node, path);

  return text != NULL
         && g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, out, NULL);
}

gboolean
desk_partner_find_time_ms (JsonNode *node, const char *path, gint64 *out)
{
  g_autofree char *text = desk_partner_find_text (node, path);
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) time = NULL;
  gint64 value;

  if (text == NULL)
    return FALSE;
  if (g_ascii_string_to_signed (text, 10, 1, LAST_MS, &value, NULL))
    {
      *out = value > LAST_SECOND ? value : value * 1000;
      return TRUE;
    }
  time = g_date_time_new_from_iso8601 (text, utc);
  if (time == NULL || g_date_time_to_unix (time) <= 0)
    return FALSE;
  *out = g_date_time_to_unix (time) * 1000 + g_date_time_get_microsecond (time) / 1000;
  return TRUE;
}

GPtrArray *
desk_partner_find_list (JsonNode *node, const char *path)
{
  GPtrArray *list = g_ptr_array_new ();
  JsonNode *found = desk_partner_find (node, path);
  JsonArray *array;

  if (found != NULL && JSON_NODE_HOLDS_OBJECT (found))
    g_ptr_array_add (list, found);
  if (found == NULL || !JSON_NODE_HOLDS_ARRAY (found))
    return list;
  array = json_node_get_array (found);
  for (guint i = 0; i < json_array_get_length (array); i++)
    g_ptr_array_add (list, json_array_get_element (array, i));
  return list;
}

static void
pick_one (JsonNode *node, const char *field, DeskJsonWriter *writer, guint *n)
{
  const char *equals = strchr (field, '=');
  g_autofree char *name = equals != NULL ? g_strndup (field, (gsize)(equals - field)) : NULL;
  JsonNode *found = desk_partner_find (node, equals != NULL ? equals + 1 : field);
  g_autofree char *text = text_of (found);
  g_autofree char *cut = NULL;

  if (text == NULL)
    return;
  if (name == NULL) /* "item.price" is told as "price" */
    name = g_strdup (strrchr (field, '.') != NULL ? strrchr (field, '.') + 1 : field);
  desk_json_writer_key_text (writer, name);
  if (json_node_get_value_type (found) != G_TYPE_STRING)
    {
      desk_json_writer_raw (writer, text);
      (*n)++;
      return;
    }
  cut = g_utf8_substring (text, 0, MIN (g_utf8_strlen (text, -1), MAX_PICKED_TEXT));
  desk_json_writer_string (writer, cut);
  (*n)++;
}

char *
desk_partner_pick (JsonNode *node, const char *fields)
{
  g_auto (GStrv) list = g_strsplit (fields, ",", -1);
  GString *json = g_string_new (NULL);
  DeskJsonWriter writer;
  guint n = 0;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  for (char **field = list; *field != NULL; field++)
    pick_one (node, *field, &writer, &n);
  desk_json_writer_end_object (&writer);
  if (n == 0)
    return g_string_free (json, TRUE);
  return g_string_free (json, FALSE);
}
