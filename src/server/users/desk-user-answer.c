/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-users"

#include "config.h"

/* What is asked of the user service, and what its answers mean.
 * Invariants: one entry that makes no sense does not spoil the others; nobody who was not asked for
 * gets in; every text has a limit. Pure. */

#include <json-glib/json-glib.h>
#include <string.h>

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "common/desk-text.h"
#include "server/users/desk-user-private.h"

#define MAX_ID   256
#define MAX_NAME 200  /* characters */
#define MAX_URL  2048 /* bytes */

void
desk_known_user_free (DeskKnownUser *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->name);
  g_free (self->picture_url);
  g_free (self);
}

gboolean
desk_user_id_is_possible (const char *id, gboolean numbers)
{
  const gsize len = strlen (id);

  if (!numbers)
    return len > 0 && len <= MAX_ID;
  return len > 0 && len <= 15 && strspn (id, "0123456789") == len && (id[0] != '0' || len == 1);
}

char *
desk_user_write_request (const char *const *ids, gboolean numbers)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  desk_json_writer_key (&w, "user_ids");
  desk_json_writer_begin_array (&w);
  for (guint i = 0; ids[i] != NULL; i++)
    if (numbers)
      desk_json_writer_raw (&w, ids[i]);
    else
      desk_json_writer_string (&w, ids[i]);
  desk_json_writer_end_array (&w);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}

/* A number or a text; transfer full. */
static char *
read_id (JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "id");

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  return json_node_get_value_type (node) == G_TYPE_STRING ? json_node_dup_string (node) : NULL;
}

static const char *
read_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  const char *text = json_node_get_string (node);
  return *text != '\0' ? text : NULL;
}

static DeskKnownUser *
read_user (JsonNode *node, GHashTable *asked)
{
  g_autoptr (DeskKnownUser) user = g_new0 (DeskKnownUser, 1);

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  JsonObject *object = json_node_get_object (node);
  user->id = read_id (object);
  if (user->id == NULL || !g_hash_table_contains (asked, user->id))
    return NULL;
  const char *name = read_text (object, "name");
  const char *url = read_text (object, "avatar_url");
  user->name = name != NULL ? desk_text_preview (name, MAX_NAME) : NULL;
  if (user->name != NULL && *user->name == '\0')
    g_clear_pointer (&user->name, g_free);
  user->picture_url = url != NULL && strlen (url) <= MAX_URL ? g_strdup (url) : NULL;
  return user->name != NULL || user->picture_url != NULL ? g_steal_pointer (&user) : NULL;
}

GHashTable *
desk_user_read_answer (
    const char *text, gsize len, GHashTable *asked, guint *out_broken, GError **error)
{
  g_autoptr (JsonNode) root = desk_json_parse (text, len, DESK_USER_MAX_ANSWER, error);
  g_autoptr (GHashTable) users = NULL;

  *out_broken = 0;
  if (root == NULL)
    return NULL;
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonNode *list = object != NULL ? json_object_get_member (object, "users") : NULL;
  if (list == NULL || !JSON_NODE_HOLDS_ARRAY (list))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "The answer of the user service has no list of users");
      return NULL;
    }
  users = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                 (GDestroyNotify)desk_known_user_free);
  JsonArray *array = json_node_get_array (list);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      DeskKnownUser *user = read_user (json_array_get_element (array, i), asked);
      if (user == NULL || g_hash_table_contains (users, user->id))
        {
          (*out_broken)++;
          desk_known_user_free (user);
        }
      else
        g_hash_table_insert (users, user->id, user);
    }
  return g_steal_pointer (&users);
}
