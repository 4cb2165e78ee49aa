/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Canned replies as text: their variables, and which of them is meant. */

#include "app/desk-canned-fill.h"

#include <string.h>

#include "common/desk-json.h"

#define METADATA_BYTES (64 * 1024)

static char *
metadata_value (const char *metadata, const char *key)
{
  g_autoptr (JsonNode) root
      = metadata != NULL ? desk_json_parse (metadata, strlen (metadata), METADATA_BYTES, NULL) : NULL;
  JsonNode *node = root != NULL && JSON_NODE_HOLDS_OBJECT (root)
                       ? json_object_get_member (json_node_get_object (root), key)
                       : NULL;
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("");
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_dup_string (node);
  return desk_json_to_text (node);
}

/* NULL: no variable that we know. */
static char *
value_of (const char *name, const DeskCannedContext *context)
{
  if (g_str_equal (name, "customer.name"))
    return g_strdup (context->customer != NULL ? context->customer : "");
  if (g_str_equal (name, "manager.name"))
    return g_strdup (context->manager != NULL ? context->manager : "");
  if (g_str_has_prefix (name, "metadata."))
    return metadata_value (context->metadata, name + strlen ("metadata."));
  return NULL;
}

char *
desk_canned_fill (const char *text, const DeskCannedContext *context)
{
  GString *out = g_string_new (NULL);
  const char *p = text, *open, *close;

  while ((open = strstr (p, "{{")) != NULL && (close = strstr (open, "}}")) != NULL)
    {
      g_autofree char *name = g_strstrip (g_strndup (open + 2, (gsize)(close - open - 2)));
      g_autofree char *value = value_of (name, context);
      g_string_append_len (out, p, open - p);
      if (value != NULL)
        g_string_append (out, value);
      else
        g_string_append_len (out, open, close + 2 - open);
      p = close + 2;
    }
  g_string_append (out, p);
  return g_string_free (out, FALSE);
}

static gboolean
contains (const char *text, const char *folded)
{
  g_autofree char *own = g_utf8_casefold (text != NULL ? text : "", -1);
  return strstr (own, folded) != NULL;
}

guint
desk_canned_match (const DeskCanned *canned, const char *typed)
{
  g_autofree char *folded = g_utf8_casefold (typed, -1);
  g_autofree char *shortcut = g_utf8_casefold (canned->shortcut, -1);
  if (g_str_equal (shortcut, folded))
    return 4;
  if (g_str_has_prefix (shortcut, folded))
    return 3;
  if (contains (canned->title, folded))
    return 2;
  return contains (canned->text, folded) ? 1 : 0;
}
