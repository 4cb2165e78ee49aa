/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* The envelope around answers, on and off: bare values and {"data","success",…} mean the same. */

#include "protocol/desk-wire-private.h"

/* Has it an envelope? "success" alone decides, since no object of the wire has such a member; some
 * servers leave it out and tell the rest. */
static gboolean
is_envelope (JsonObject *obj)
{
  JsonNode *success = json_object_get_member (obj, "success");
  if (success != NULL)
    return json_node_get_value_type (success) == G_TYPE_BOOLEAN;
  return json_object_has_member (obj, "data") && json_object_has_member (obj, "status_message");
}

static JsonNode *
open_envelope (JsonObject *obj, char **out_next, GError **error)
{
  gboolean success = TRUE;
  const char *next = NULL;
  if (!desk_json_get_bool (obj, "success", FALSE, &success, error))
    return NULL;
  if (!success)
    {
      const char *reason = NULL;
      desk_json_get_string (obj, "status_message", DESK_WIRE_MAX_REASON, FALSE, &reason, NULL);
      g_set_error (error, DESK_WIRE_ERROR, DESK_WIRE_ERROR_REFUSED, "the server refused: %s",
                   reason != NULL ? reason : "no reason told");
      return NULL;
    }
  if (!desk_json_get_string (obj, "next", DESK_WIRE_MAX_LINK, FALSE, &next, error))
    return NULL;
  if (out_next != NULL)
    *out_next = g_strdup (next);
  JsonNode *data = json_object_dup_member (obj, "data");
  return data != NULL ? data : json_node_new (JSON_NODE_NULL);
}

JsonNode *
desk_wire_read_answer (const char *body, gsize len, char **out_next, GError **error)
{
  g_return_val_if_fail (body != NULL || len == 0, NULL);
  if (out_next != NULL)
    *out_next = NULL;
  if (len == 0)
    return json_node_new (JSON_NODE_NULL);
  g_autoptr (JsonNode) root = desk_json_parse (body, len, DESK_WIRE_MAX_BODY, error);
  if (root == NULL)
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (root) && is_envelope (json_node_get_object (root)))
    return open_envelope (json_node_get_object (root), out_next, error);
  return g_steal_pointer (&root);
}

void
desk_wire_begin_answer (DeskJsonWriter *w)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_bool (w, "success", TRUE);
  desk_json_writer_key (w, "data");
}

void
desk_wire_end_answer (DeskJsonWriter *w, const char *next)
{
  if (next != NULL)
    desk_json_writer_member_string (w, "next", next);
  desk_json_writer_end_object (w);
}
