/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * Reading JSON: json-glib behind our scan, and the getters which turn a member into a value or
 * a clear error. Invariant: results are untouched when a getter fails.
 */

#include "common/desk-json.h"

#include "common/desk-time.h"

#include <math.h>
#include <string.h>

JsonNode *
desk_json_parse (const char *text, gsize len, gsize max_len, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) parse_error = NULL;

  if (!desk_json_scan (text, len, max_len, error))
    return NULL;
  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, text, (gssize) len, &parse_error))
    {
      /* Not passed on: json-glib quotes the text. */
      g_set_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_SYNTAX,
                   "The JSON cannot be represented (%s %d)",
                   g_quark_to_string (parse_error->domain), parse_error->code);
      return NULL;
    }
  return json_parser_steal_root (parser);
}

/* Sets *node to the member, or to NULL if it is absent or null. */
static gboolean
find_member (JsonObject *obj, const char *name, gboolean required, JsonNode **node, GError **error)
{
  *node = json_object_get_member (obj, name);
  if (*node != NULL && JSON_NODE_HOLDS_NULL (*node))
    *node = NULL;
  if (*node == NULL && required)
    {
      g_set_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_MISSING, "\"%s\" is missing", name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
wrong_type (const char *name, const char *wanted, GError **error)
{
  g_set_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_TYPE, "\"%s\" should be %s", name, wanted);
  return FALSE;
}

static gboolean
out_of_range (const char *name, const char *problem, GError **error)
{
  g_set_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_RANGE, "\"%s\" %s", name, problem);
  return FALSE;
}

static gboolean
holds (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

gboolean
desk_json_get_string (JsonObject *obj, const char *name, gsize max_bytes, gboolean required,
                      const char **out, GError **error)
{
  JsonNode *node;
  const char *text;

  g_return_val_if_fail (obj != NULL && name != NULL && out != NULL, FALSE);

  if (!find_member (obj, name, required, &node, error))
    return FALSE;
  if (node == NULL)
    {
      *out = NULL;
      return TRUE;
    }
  if (!holds (node, G_TYPE_STRING))
    return wrong_type (name, "a string", error);
  text = json_node_get_string (node);
  if (max_bytes > 0 && strlen (text) > max_bytes)
    return out_of_range (name, "is too long", error);
  *out = text;
  return TRUE;
}

gboolean
desk_json_get_int64 (JsonObject *obj, const char *name, gint64 min, gint64 max, gboolean required,
                     gint64 *out, GError **error)
{
  JsonNode *node;
  gint64 value;

  g_return_val_if_fail (obj != NULL && name != NULL && out != NULL, FALSE);

  if (!find_member (obj, name, required, &node, error))
    return FALSE;
  if (node == NULL)
    return TRUE;
  if (holds (node, G_TYPE_INT64))
    {
      value = json_node_get_int (node);
    }
  else if (holds (node, G_TYPE_DOUBLE))
    {
      double number = json_node_get_double (node);

      if (number != floor (number))
        return wrong_type (name, "a whole number", error);
      if (!(number >= -0x1p63 && number < 0x1p63))
        return out_of_range (name, "is out of range", error);
      value = (gint64) number;
    }
  else
    {
      return wrong_type (name, "a whole number", error);
    }
  if (value < min || value > max)
    return out_of_range (name, "is out of range", error);
  *out = value;
  return TRUE;
}

gboolean
desk_json_get_bool (JsonObject *obj, const char *name, gboolean required, gboolean *out,
                    GError **error)
{
  JsonNode *node;

  g_return_val_if_fail (obj != NULL && name != NULL && out != NULL, FALSE);

  if (!find_member (obj, name, required, &node, error))
    return FALSE;
  if (node == NULL)
    return TRUE;
  if (!holds (node, G_TYPE_BOOLEAN))
    return wrong_type (name, "true or false", error);
  *out = json_node_get_boolean (node);
  return TRUE;
}

gboolean
desk_json_get_double (JsonObject *obj, const char *name, gboolean required, double *out,
                      GError **error)
{
  JsonNode *node;

  g_return_val_if_fail (obj != NULL && name != NULL && out != NULL, FALSE);

  if (!find_member (obj, name, required, &node, error))
    return FALSE;
  if (node == NULL)
    return TRUE;
  if (!holds (node, G_TYPE_DOUBLE) && !holds (node, G_TYPE_INT64))
    return wrong_type (name, "a number", error);
  *out = json_node_get_double (node);
  return TRUE;
}

gboolean
desk_json_get_object (JsonObject *obj, const char *name, gboolean required, JsonObject **out,
                      GError **error)
{
  JsonNode *node;

  g_return_val_if_fail (obj != NULL && name != NULL && out != NULL, FALSE);

  if (!find_member (obj, name, required, &node, error))
    return FALSE;
  if (node != NULL && !JSON_NODE_HOLDS_OBJECT (node))
    return wrong_type (name, "an object", error);
  *out = node != NULL ? json_node_get_object (node) : NULL;
  return TRUE;
}

gboolean
desk_json_get_array (JsonObject *obj, const char *name, gboolean required, JsonArray **out,
                     GError **error)
{
  JsonNode *node;

  g_return_val_if_fail (obj != NULL && name != NULL && out != NULL, FALSE);

  if (!find_member (obj, name, required, &node, error))
    return FALSE;
  if (node != NULL && !JSON_NODE_HOLDS_ARRAY (node))
    return wrong_type (name, "an array", error);
  *out = node != NULL ? json_node_get_array (node) : NULL;
  return TRUE;
}

gboolean
desk_json_get_time_ms (JsonObject *obj, const char *name, gboolean required, gint64 *out,
                       GError **error)
{
  const char *text;
  gint64 ms;

  g_return_val_if_fail (obj != NULL && name != NULL && out != NULL, FALSE);

  if (!desk_json_get_string (obj, name, 0, required, &text, error))
    return FALSE;
  if (text == NULL)
    return TRUE;
  if (!desk_time_parse_rfc3339 (text, &ms, NULL))
    return out_of_range (name, "is not an RFC 3339 time", error);
  *out = ms;
  return TRUE;
}

char *
desk_json_to_text (JsonNode *node)
{
  return node != NULL ? json_to_string (node, FALSE) : g_strdup ("null");
}
