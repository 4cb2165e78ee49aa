/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* What the user service tells us: that people changed. */

#include "protocol/desk-wire-users.h"

#include <string.h>

#include "protocol/desk-wire-private.h"

#define MAX_USERS_BODY (DESK_WIRE_MAX_USERS * (DESK_WIRE_MAX_ID * 6 + 4) + 4096)

DeskWireUsers *
desk_wire_users_copy (const DeskWireUsers *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskWireUsers *copy = g_new0 (DeskWireUsers, 1);
  copy->platform = g_strdup (self->platform);
  copy->ids = g_strdupv (self->ids);
  return copy;
}

void
desk_wire_users_free (DeskWireUsers *self)
{
  if (self == NULL)
    return;
  g_free (self->platform);
  g_strfreev (self->ids);
  g_free (self);
}

/* Transfer full; NULL if it is no id. */
static char *
read_id (JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  const char *text = json_node_get_string (node);
  return *text != '\0' && strlen (text) <= DESK_WIRE_MAX_ID ? g_strdup (text) : NULL;
}

static char **
read_ids (JsonArray *array, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  const guint n = json_array_get_length (array);
  gboolean ok = n > 0 && n <= DESK_WIRE_MAX_USERS;
  for (guint i = 0; ok && i < n; i++)
    {
      char *id = read_id (json_array_get_element (array, i));
      ok = id != NULL;
      if (ok)
        g_ptr_array_add (ids, id);
    }
  if (!ok)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, "user_ids",
                           "must hold 1 to 1000 ids, numbers or texts");
      return NULL;
    }
  g_ptr_array_add (ids, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&ids), FALSE);
}

DeskWireUsers *
desk_wire_read_users (const char *body, gsize len, GError **error)
{
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (DeskWireUsers) users = g_new0 (DeskWireUsers, 1);
  JsonArray *array = NULL;
  JsonObject *obj = desk_wire_parse_request (body, len, MAX_USERS_BODY, &root, error);
  if (obj == NULL || !desk_json_get_array (obj, "user_ids", TRUE, &array, error)
      || !desk_wire_take_nonempty (obj, "platform", DESK_WIRE_MAX_WORD, FALSE, &users->platform,
                                   error))
    return NULL;
  users->ids = read_ids (array, error);
  return users->ids != NULL ? g_steal_pointer (&users) : NULL;
}

void
desk_wire_write_invalidated (DeskJsonWriter *w, gint64 chats)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_int64 (w, "chats", chats);
  desk_json_writer_end_object (w);
}
