/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

/* Lenient getters for the payloads of Meta's platforms: what is absent, null or of another type is
 * simply not there, since a surprise in one member must not lose the rest of a customer's message.
 * All results are borrowed; a NULL object has no members. */

static inline JsonObject *
desk_meta_node_object (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static inline JsonObject *
desk_meta_object (JsonObject *obj, const char *name)
{
  return obj != NULL ? desk_meta_node_object (json_object_get_member (obj, name)) : NULL;
}

static inline JsonArray *
desk_meta_array (JsonObject *obj, const char *name)
{
  JsonNode *node = obj != NULL ? json_object_get_member (obj, name) : NULL;
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static inline guint
desk_meta_length (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

/* NULL if the element is no object */
static inline JsonObject *
desk_meta_element (JsonArray *array, guint n)
{
  return desk_meta_node_object (json_array_get_element (array, n));
}

/* NULL for the empty string, too. */
static inline const char *
desk_meta_string (JsonObject *obj, const char *name)
{
  JsonNode *node = obj != NULL ? json_object_get_member (obj, name) : NULL;
  const char *text;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  text = json_node_get_string (node);
  return text != NULL && *text != '\0' ? text : NULL;
}

/* A number, or a string of digits: Meta writes many numbers both ways. */
static inline gboolean
desk_meta_int (JsonObject *obj, const char *name, gint64 *out)
{
  JsonNode *node = obj != NULL ? json_object_get_member (obj, name) : NULL;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return g_ascii_string_to_signed (json_node_get_string (node), 10, G_MININT64, G_MAXINT64, out,
                                     NULL);
  if (json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  *out = json_node_get_int (node);
  return TRUE;
}

static inline gint64
desk_meta_int_or (JsonObject *obj, const char *name, gint64 fallback)
{
  gint64 value = fallback;
  desk_meta_int (obj, name, &value);
  return value;
}

static inline gboolean
desk_meta_double (JsonObject *obj, const char *name, double *out)
{
  JsonNode *node = obj != NULL ? json_object_get_member (obj, name) : NULL;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_INT64
          && json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return FALSE;
  *out = json_node_get_double (node);
  return TRUE;
}

static inline gboolean
desk_meta_true (JsonObject *obj, const char *name)
{
  JsonNode *node = obj != NULL ? json_object_get_member (obj, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}
