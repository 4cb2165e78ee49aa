/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Typed reading and writing of members, shared by every object of the wire. See the header. */

#include "protocol/desk-wire-private.h"

#include <string.h>

GQuark
desk_wire_error_quark (void)
{
  return g_quark_from_static_string ("desk-wire-error-quark");
}

void
desk_wire_set_error (GError **error, DeskJsonError code, const char *name, const char *problem)
{
  g_set_error (error, DESK_JSON_ERROR, code, "%s: %s", name, problem);
}

JsonObject *
desk_wire_get_root (JsonNode *node, const char *what, GError **error)
{
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, what, "not an object");
  return NULL;
}

gboolean
desk_wire_take_string (JsonObject *obj,
                       const char *name,
                       gsize max_bytes,
                       gboolean required,
                       char **out,
                       GError **error)
{
  const char *text = NULL;
  if (!desk_json_get_string (obj, name, max_bytes, required, &text, error))
    return FALSE;
  if (text != NULL)
    {
      g_free (*out);
      *out = g_strdup (text);
    }
  return TRUE;
}

gboolean
desk_wire_take_nonempty (JsonObject *obj,
                         const char *name,
                         gsize max_bytes,
                         gboolean required,
                         char **out,
                         GError **error)
{
  const char *text = NULL;
  if (!desk_json_get_string (obj, name, max_bytes, required, &text, error))
    return FALSE;
  if (text == NULL || *text == '\0')
    {
      if (required)
        desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name, "is empty");
      return !required;
    }
  g_free (*out);
  *out = g_strdup (text);
  return TRUE;
}

gboolean
desk_wire_get_count (
    JsonObject *obj, const char *name, gboolean required, gint64 *out, GError **error)
{
  return desk_json_get_int64 (obj, name, 0, DESK_WIRE_MAX_INT, required, out, error);
}

gboolean
desk_wire_get_time (
    JsonObject *obj, const char *name, gboolean required, gint64 *out_ms, GError **error)
{
  const char *text = NULL;
  if (!desk_json_get_string (obj, name, DESK_WIRE_MAX_WORD, required, &text, error))
    return FALSE;
  if (text == NULL || *text == '\0' || g_str_has_prefix (text, "0001-01-01"))
    return TRUE;
  return desk_json_get_time_ms (obj, name, required, out_ms, error);
}

gboolean
desk_wire_take_strv (
    JsonObject *obj, const char *name, gsize max_bytes, char ***out, GError **error)
{
  JsonArray *array = NULL;
  if (!desk_json_get_array (obj, name, FALSE, &array, error))
    return FALSE;
  if (array == NULL)
    return TRUE;
  guint n = json_array_get_length (array);
  if (n > DESK_WIRE_MAX_ELEMENTS)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name, "has too many elements");
      return FALSE;
    }
  g_auto (GStrv) strings = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      const char *text
          = json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
      if (text == NULL || strlen (text) > max_bytes)
        {
          desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, name,
                               "has an element that is not a string or is too long");
          return FALSE;
        }
      strings[i] = g_strdup (text);
    }
  g_strfreev (*out);
  *out = g_steal_pointer (&strings);
  return TRUE;
}

gboolean
desk_wire_take_key (JsonObject *obj, char **out_platform, char **out_user_id, GError **error)
{
  const char *platform = NULL, *user_id = NULL;
  if (!desk_json_get_string (obj, "platform", DESK_WIRE_MAX_ID, TRUE, &platform, error)
      || !desk_json_get_string (obj, "user_id", DESK_WIRE_MAX_ID, TRUE, &user_id, error))
    return FALSE;
  if (!desk_chat_key_is_valid (platform, "x"))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "platform", "is not valid");
      return FALSE;
    }
  if (!desk_chat_key_is_valid (platform, user_id))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "user_id", "is not valid");
      return FALSE;
    }
  g_free (*out_platform);
  g_free (*out_user_id);
  *out_platform = g_strdup (platform);
  *out_user_id = g_strdup (user_id);
  return TRUE;
}

gboolean
desk_wire_take_elements (
    JsonObject *obj, const char *name, DeskWireReadFunc read, GPtrArray *into, GError **error)
{
  JsonArray *array = NULL;
  if (!desk_json_get_array (obj, name, FALSE, &array, error))
    return FALSE;
  guint n = array != NULL ? json_array_get_length (array) : 0;
  if (n > DESK_WIRE_MAX_ELEMENTS)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name, "has too many elements");
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      gpointer element = read (json_array_get_element (array, i), error);
      if (element == NULL)
        {
          g_prefix_error (error, "%s[%u]: ", name, i);
          return FALSE;
        }
      g_ptr_array_add (into, element);
    }
  return TRUE;
}

GPtrArray *
desk_wire_read_list (JsonNode *node,
                     const char *what,
                     DeskWireReadFunc read,
                     GDestroyNotify free_element,
                     GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (free_element);
  g_autoptr (GError) first = NULL;
  if (node != NULL && JSON_NODE_HOLDS_NULL (node)) /* how some servers write an empty list */
    return g_steal_pointer (&list);
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, what, "not an array");
      return NULL;
    }
  JsonArray *array = json_node_get_array (node);
  guint n = json_array_get_length (array), n_bad = 0;
  for (guint i = 0; i < n; i++)
    {
      gpointer element = read (json_array_get_element (array, i), first == NULL ? &first : NULL);
      if (element != NULL)
        g_ptr_array_add (list, element);
      else
        n_bad++;
    }
  if (n > 0 && n_bad == n)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&first),
                                  "no element of %s is valid: ", what);
      return NULL;
    }
  if (n_bad > 0)
    g_info ("left %u of %u out of %s; the first: %s", n_bad, n, what, first->message);
  return g_steal_pointer (&list);
}

JsonObject *
desk_wire_parse_request (
    const char *body, gsize len, gsize max_len, JsonNode **out_root, GError **error)
{
  g_return_val_if_fail (body != NULL || len == 0, NULL);
  *out_root = desk_json_parse (len > 0 ? body : "", len, max_len, error);
  return *out_root != NULL ? desk_wire_get_root (*out_root, "body", error) : NULL;
}

gboolean
desk_wire_tells (JsonObject *obj, const char *name)
{
  return json_object_has_member (obj, name);
}

gboolean
desk_wire_take_json (
    JsonObject *obj, const char *name, JsonNodeType type, char **out, GError **error)
{
  JsonNode *node = json_object_get_member (obj, name);
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (JSON_NODE_TYPE (node) != type)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, name,
                           type == JSON_NODE_ARRAY ? "not an array" : "not an object");
      return FALSE;
    }
  g_autofree char *text = desk_json_to_text (node);
  if (strlen (text) > DESK_WIRE_MAX_METADATA)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name, "is too long");
      return FALSE;
    }
  g_free (*out);
  *out = g_steal_pointer (&text);
  return TRUE;
}

void
desk_wire_write_strv (DeskJsonWriter *w, const char *name, char *const *strings)
{
  desk_json_writer_key (w, name);
  desk_json_writer_begin_array (w);
  for (gsize i = 0; strings != NULL && strings[i] != NULL; i++)
    desk_json_writer_string (w, strings[i]);
  desk_json_writer_end_array (w);
}

void
desk_wire_write_key (DeskJsonWriter *w, const char *platform, const char *user_id)
{
  desk_json_writer_member_string (w, "platform", platform);
  desk_json_writer_member_string (w, "user_id", user_id);
}

void
desk_wire_write_known (DeskJsonWriter *w, const char *name, gint64 value, gint64 unknown)
{
  if (value == unknown)
    desk_json_writer_member_null (w, name);
  else
    desk_json_writer_member_int64 (w, name, value);
}

void
desk_wire_write_head (DeskJsonWriter *w, const char *name, const DeskCursor *head)
{
  if (name != NULL)
    desk_json_writer_key (w, name);
  desk_json_writer_begin_object (w);
  for (guint i = 0; head != NULL && i < desk_cursor_get_n_partitions (head); i++)
    {
      guint partition;
      gint64 seq;
      char key[11]; /* 4294967295 and the NUL */
      desk_cursor_get_nth (head, i, &partition, &seq);
      g_snprintf (key, sizeof key, "%u", partition);
      desk_json_writer_member_int64 (w, key, seq);
    }
  desk_json_writer_end_object (w);
}
