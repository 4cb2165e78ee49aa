/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Somebody of the team on the wire. */

#include "protocol/desk-wire-private.h"

static gpointer
read_manager (JsonNode *node, GError **error)
{
  JsonObject *obj = desk_wire_get_root (node, "manager", error);
  const char *username = NULL, *display_name = NULL, *word = NULL;
  DeskRole role = DESK_ROLE_MANAGER; /* the least, for a word that this version does not know */
  if (obj == NULL
      || !desk_json_get_string (obj, "username", DESK_WIRE_MAX_ID, TRUE, &username, error)
      || !desk_json_get_string (obj, "display_name", DESK_WIRE_MAX_NAME, FALSE, &display_name,
                                error)
      || !desk_json_get_string (obj, "role", DESK_WIRE_MAX_WORD, FALSE, &word, error))
    return NULL;
  desk_role_from_string (word, &role);
  return desk_manager_new (username, display_name, role);
}

GPtrArray *
desk_wire_read_managers (JsonNode *node, GError **error)
{
  return desk_wire_read_list (node, "managers", read_manager, (GDestroyNotify)desk_manager_free,
                              error);
}

void
desk_wire_write_manager (DeskJsonWriter *w, const DeskManager *manager)
{
  g_return_if_fail (w != NULL && manager != NULL);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "username", manager->username);
  desk_json_writer_member_string (w, "display_name", manager->display_name);
  desk_json_writer_member_string (w, "role", desk_role_to_string (manager->role));
  desk_json_writer_end_object (w);
}
