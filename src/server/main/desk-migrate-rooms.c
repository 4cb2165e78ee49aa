/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* Rooms of the time when a room had an external id, an item and a price, and no partner.
 * Invariants: idempotent: what a chat has is never overwritten; all rooms in one transaction. */

#include "server/main/desk-migrate-rooms.h"

#include <string.h>

#include "common/desk-json.h"
#include "common/desk-text.h"
#include "server/connectors/desk-connectors.h"

#define MAX_FILE (256 * 1024 * 1024)
#define MAX_ROOM (256 * 1024)

typedef struct
{
  GPtrArray *rooms; /* of JsonNode */
  GPtrArray *connections;
  DeskMigration result;
} Migration;

static const char *
text_of (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  const char *text = node != NULL && JSON_NODE_HOLDS_VALUE (node)
                             && json_node_get_value_type (node) == G_TYPE_STRING
                         ? json_node_get_string (node)
                         : NULL;

  return text != NULL && *text != '\0' ? text : NULL;
}

static JsonObject *
object_of (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* ── One room ───────────────────────────────────────────────────────────────────────────────── */
static gboolean
add_member (JsonObject *metadata, const char *name, JsonNode *value)
{
  if (value == NULL || JSON_NODE_HOLDS_NULL (value) || json_object_has_member (metadata, name))
    return FALSE;
  json_object_set_member (metadata, name, json_node_copy (value));
  return TRUE;
}

/* Returns whether the chat's metadata gained something. */
static gboolean
merge_metadata (DeskChat *chat, JsonObject *room)
{
  const char *before = chat->metadata != NULL ? chat->metadata : "{}";
  g_autoptr (JsonNode) node = desk_json_parse (before, strlen (before), MAX_ROOM, NULL);
  JsonObject *metadata;
  JsonObject *told = object_of (room, "metadata");
  g_autoptr (GList) names = told != NULL ? json_object_get_members (told) : NULL;
  gboolean changed = FALSE;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  metadata = json_node_get_object (node);
  for (GList *l = names; l != NULL; l = l->next)
    changed |= add_member (metadata, l->data, json_object_get_member (told, l->data));
  changed |= add_member (metadata, "item_name", json_object_get_member (room, "item_name"));
  changed |= add_member (metadata, "item_price", json_object_get_member (room, "item_price"));
  if (!changed)
    return FALSE;
  g_free (chat->metadata);
  chat->metadata = desk_json_to_text (node);
  return TRUE;
}

static DeskServerChat *
chat_new (const DeskConnection *connection, const char *user_id, const char *name)
{
  DeskChat *chat = desk_chat_new (desk_connectors_get_name (connection), user_id);

  chat->is_level2 = TRUE;
  g_free (chat->user_name);
  chat->user_name = name != NULL ? desk_text_preview (name, 200) : g_strdup (user_id);
  g_free (chat->stream_id);
  chat->stream_id = desk_chat_stream_id (chat->platform, user_id);
  chat->connection = g_strdup (connection->name);
  chat->first_chat_seq = 1;
  chat->type = DESK_CHAT_TYPE_BUSINESS;
  return desk_server_chat_new (chat);
}

static gboolean
migrate_room (Migration *self, DeskServerTx *tx, JsonObject *room, GError **error)
{
  JsonObject *partner = object_of (room, "partner");
  const char *room_id = text_of (partner, "room_id");
  const DeskConnection *connection;
  g_autoptr (DeskServerChat) chat = NULL;
  g_autofree char *user_id = NULL;
  gboolean is_new, changed;

  if (room_id == NULL)
    room_id = text_of (room, "external_room_id");
  connection = room_id != NULL ? desk_connectors_detect (self->connections,
                                                         text_of (partner, "name"), room_id)
                               : NULL;
  if (connection != NULL)
    user_id = g_strconcat (connection->chat_prefix, room_id, NULL);
  if (connection == NULL
      || !desk_chat_key_is_valid (desk_connectors_get_name (connection), user_id))
    {
      self->result.n_passed_over++;
      return TRUE;
    }
  if (!tx->ops->chat_find (tx, desk_connectors_get_name (connection), user_id, NULL, &chat, error))
    return FALSE;
  is_new = chat == NULL;
  if (is_new)
    chat = chat_new (connection, user_id, text_of (room, "name"));
  changed = merge_metadata (chat->chat, room);
  if (chat->chat->partner_room_id == NULL)
    {
      g_free (chat->chat->partner_name);
      chat->chat->partner_name = g_strdup (chat->chat->platform);
      chat->chat->partner_room_id = g_strdup (room_id);
      changed = TRUE;
    }
  if (is_new)
    self->result.n_made++;
  else if (changed)
    self->result.n_completed++;
  else
    self->result.n_same++;
  if (!is_new && !changed)
    return TRUE;
  chat->chat->rev++;
  return is_new ? tx->ops->chat_insert (tx, chat, error) : tx->ops->chat_update (tx, chat, error);
}

static gboolean
run (DeskServerTx *tx, gpointer data, GError **error)
{
  Migration *self = data;

  self->result = (DeskMigration){ 0, 0, 0, 0 };
  for (guint i = 0; i < self->rooms->len; i++)
    {
      JsonNode *room = self->rooms->pdata[i];
      if (!JSON_NODE_HOLDS_OBJECT (room))
        self->result.n_passed_over++;
      else if (!migrate_room (self, tx, json_node_get_object (room), error))
        return FALSE;
    }
  return TRUE;
}

/* ── The file ───────────────────────────────────────────────────────────────────────────────── */
static gboolean
read_lines (const char *text, GPtrArray *rooms, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *line = g_strstrip (lines[i]);
      JsonNode *node;
      if (*line == '\0')
        continue;
      node = desk_json_parse (line, strlen (line), MAX_ROOM, error);
      if (node == NULL)
        {
          g_prefix_error (error, "line %u: ", i + 1);
          return FALSE;
        }
      g_ptr_array_add (rooms, node);
    }
  return TRUE;
}

static gboolean
read_file (const char *path, GPtrArray *rooms, GError **error)
{
  g_autofree char *text = NULL;
  gsize len;
  const char *begin;

  if (!g_file_get_contents (path, &text, &len, error))
    return FALSE;
  begin = text + strspn (text, " \t\r\n");
  if (*begin != '[')
    return read_lines (text, rooms, error);
  g_autoptr (JsonNode) root = desk_json_parse (text, len, MAX_FILE, error);
  if (root == NULL)
    return FALSE;
  JsonArray *array = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (array); i++)
    g_ptr_array_add (rooms, json_node_copy (json_array_get_element (array, i)));
  return TRUE;
}

gboolean
desk_migrate_rooms (DeskServerStore *store,
                    GPtrArray *connections,
                    const char *path,
                    DeskMigration *out,
                    GError **error)
{
  g_return_val_if_fail (store != NULL && connections != NULL && path != NULL, FALSE);
  g_autoptr (GPtrArray) rooms = g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);
  Migration migration = { rooms, connections, { 0, 0, 0, 0 } };

  if (!read_file (path, rooms, error))
    {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
  if (!desk_server_store_run (store, run, &migration, error))
    return FALSE;
  *out = migration.result;
  return TRUE;
}
