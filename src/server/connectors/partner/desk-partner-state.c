/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* {"rooms":{"ROOM":[newest_ms,listed_ms],…}}
 * Invariant: bounded, whatever the partner lists. */

#include "server/connectors/partner/desk-partner-state.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "server/connectors/partner/desk-partner-options.h"

#define MAX_ROOMS 5000
#define MAX_TEXT  (4 * 1024 * 1024)

struct _DeskPartnerState
{
  GHashTable *marks; /* char* → DeskPartnerMark* */
};

static void
read_rooms (DeskPartnerState *self, JsonObject *rooms)
{
  g_autoptr (GList) names = json_object_get_members (rooms);

  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonNode *node = json_object_get_member (rooms, l->data);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      if (pair == NULL || json_array_get_length (pair) != 2)
        continue;
      DeskPartnerMark mark = { 0, 0 };
      desk_partner_find_int (json_array_get_element (pair, 0), "", &mark.newest_ms);
      desk_partner_find_int (json_array_get_element (pair, 1), "", &mark.listed_ms);
      desk_partner_state_set (self, l->data, mark);
    }
}

DeskPartnerState *
desk_partner_state_new (const char *text)
{
  DeskPartnerState *self = g_new0 (DeskPartnerState, 1);
  g_autoptr (JsonNode) root
      = text != NULL ? desk_json_parse (text, strlen (text), MAX_TEXT, NULL) : NULL;
  JsonNode *rooms = root != NULL && JSON_NODE_HOLDS_OBJECT (root)
                        ? json_object_get_member (json_node_get_object (root), "rooms")
                        : NULL;

  self->marks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (rooms != NULL && JSON_NODE_HOLDS_OBJECT (rooms))
    read_rooms (self, json_node_get_object (rooms));
  else if (text != NULL)
    g_message ("The stored position of a partner cannot be read; its rooms are read once more");
  return self;
}

void
desk_partner_state_free (DeskPartnerState *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->marks);
  g_free (self);
}

DeskPartnerMark
desk_partner_state_get (DeskPartnerState *self, const char *room)
{
  const DeskPartnerMark *mark = g_hash_table_lookup (self->marks, room);

  return mark != NULL ? *mark : (DeskPartnerMark){ 0, 0 };
}

static gboolean
find_quietest (DeskPartnerState *self, const char **out)
{
  GHashTableIter iter;
  gpointer room, mark;
  gint64 oldest = G_MAXINT64;

  *out = NULL;
  g_hash_table_iter_init (&iter, self->marks);
  while (g_hash_table_iter_next (&iter, &room, &mark))
    if (((DeskPartnerMark *)mark)->newest_ms < oldest)
      {
        oldest = ((DeskPartnerMark *)mark)->newest_ms;
        *out = room;
      }
  return *out != NULL;
}

void
desk_partner_state_set (DeskPartnerState *self, const char *room, DeskPartnerMark mark)
{
  g_return_if_fail (self != NULL && room != NULL);
  const char *quietest;

  g_hash_table_replace (self->marks, g_strdup (room), g_memdup2 (&mark, sizeof mark));
  while (g_hash_table_size (self->marks) > MAX_ROOMS && find_quietest (self, &quietest))
    g_hash_table_remove (self->marks, quietest);
}

static void
write_mark (DeskJsonWriter *writer, const char *room, const DeskPartnerMark *mark)
{
  desk_json_writer_key_text (writer, room);
  desk_json_writer_begin_array (writer);
  desk_json_writer_int64 (writer, mark->newest_ms);
  desk_json_writer_int64 (writer, mark->listed_ms);
  desk_json_writer_end_array (writer);
}

char *
desk_partner_state_format_with (DeskPartnerState *self, const char *room, DeskPartnerMark mark)
{
  g_return_val_if_fail (self != NULL && room != NULL, NULL);
  GString *json = g_string_new (NULL);
  DeskJsonWriter writer;
  GHashTableIter iter;
  gpointer other, of_other;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_key (&writer, "rooms");
  desk_json_writer_begin_object (&writer);
  write_mark (&writer, room, &mark);
  g_hash_table_iter_init (&iter, self->marks);
  while (g_hash_table_iter_next (&iter, &other, &of_other))
    if (strcmp (other, room) != 0)
      write_mark (&writer, other, of_other);
  desk_json_writer_end_object (&writer);
  desk_json_writer_end_object (&writer);
  return g_string_free (json, FALSE);
}
