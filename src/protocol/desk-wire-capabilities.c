/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* What a backend can do: discovered before anything else, and what decides the level. */

#include <string.h>

#include "protocol/desk-wire-private.h"

#define API_NAME       "frontdesk"
#define VERSION        2
#define MAX_TEXT_LIMIT 1000000
#define MAX_WINDOW_H   (24 * 366)

static const char *const unit_words[] = {
  [DESK_TEXT_CHARS] = "chars",
  [DESK_TEXT_UTF16] = "utf16",
  [DESK_TEXT_BYTES] = "bytes",
};

static DeskCapabilities *
capabilities_new (guint level)
{
  DeskCapabilities *self = g_new0 (DeskCapabilities, 1);
  self->level = level;
  self->features = g_new0 (char *, 1);
  self->platforms = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_platform_free);
  return self;
}

DeskCapabilities *
desk_capabilities_new_level0 (void)
{
  return capabilities_new (0);
}

DeskCapabilities *
desk_capabilities_copy (const DeskCapabilities *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskCapabilities *copy = capabilities_new (self->level);
  g_strfreev (copy->features);
  copy->features = self->features != NULL ? g_strdupv (self->features) : g_new0 (char *, 1);
  for (guint i = 0; i < self->platforms->len; i++)
    g_ptr_array_add (copy->platforms, desk_platform_copy (g_ptr_array_index (self->platforms, i)));
  copy->me = self->me != NULL ? desk_manager_copy (self->me) : NULL;
  copy->server_time_ms = self->server_time_ms;
  return copy;
}

void
desk_capabilities_free (DeskCapabilities *self)
{
  if (self == NULL)
    return;
  g_strfreev (self->features);
  g_clear_pointer (&self->platforms, g_ptr_array_unref);
  desk_manager_free (self->me);
  g_free (self);
}

const DeskPlatform *
desk_capabilities_find_platform (const DeskCapabilities *self, const char *name)
{
  g_return_val_if_fail (self != NULL && name != NULL, NULL);
  for (guint i = 0; i < self->platforms->len; i++)
    {
      const DeskPlatform *platform = g_ptr_array_index (self->platforms, i);
      if (strcmp (platform->name, name) == 0)
        return platform;
    }
  return NULL;
}

/* A unit that this version does not know is counted in bytes: never more than the platform takes.
 */
static gboolean
read_text_limit (JsonObject *obj, DeskPlatform *self, GError **error)
{
  const char *unit = NULL;
  gint64 limit = 0;
  if (!desk_json_get_int64 (obj, "text_limit", 1, MAX_TEXT_LIMIT, TRUE, &limit, error)
      || !desk_json_get_string (obj, "text_unit", DESK_WIRE_MAX_WORD, TRUE, &unit, error))
    return FALSE;
  self->text_limit = (guint)limit;
  self->text_unit = DESK_TEXT_BYTES;
  for (guint i = 0; i < G_N_ELEMENTS (unit_words); i++)
    if (strcmp (unit_words[i], unit) == 0)
      self->text_unit = (DeskTextUnit)i;
  return TRUE;
}

static gpointer
read_platform (JsonNode *node, GError **error)
{
  JsonObject *obj = desk_wire_get_root (node, "platform", error);
  const char *name = NULL, *title = NULL;
  gint64 window_hours = 0;
  if (obj == NULL || !desk_json_get_string (obj, "name", DESK_WIRE_MAX_ID, TRUE, &name, error)
      || !desk_json_get_string (obj, "title", DESK_WIRE_MAX_NAME, FALSE, &title, error))
    return NULL;
  g_autoptr (DeskPlatform) self = desk_platform_new (name, title);
  if (!read_text_limit (obj, self, error)
      || !desk_wire_get_count (obj, "attachment_limit", FALSE, &self->attachment_limit, error)
      || !desk_json_get_int64 (obj, "window_hours", 0, MAX_WINDOW_H, FALSE, &window_hours, error)
      || !desk_wire_take_strv (obj, "statuses", DESK_WIRE_MAX_WORD, &self->statuses, error)
      || !desk_json_get_bool (obj, "can_edit", FALSE, &self->can_edit, error)
      || !desk_json_get_bool (obj, "can_delete", FALSE, &self->can_delete, error)
      || !desk_json_get_bool (obj, "can_react", FALSE, &self->can_react, error)
      || !desk_json_get_bool (obj, "can_reply", FALSE, &self->can_reply, error))
    return NULL;
  self->window_hours = (guint)window_hours;
  return g_steal_pointer (&self);
}

static gboolean
read_me (JsonObject *obj, DeskCapabilities *self, GError **error)
{
  JsonObject *me = NULL;
  const char *username = NULL, *display_name = NULL, *word = NULL;
  DeskRole role = DESK_ROLE_MANAGER; /* the least, for a word that this version does not know */
  if (!desk_json_get_object (obj, "me", FALSE, &me, error))
    return FALSE;
  if (me == NULL)
    return TRUE;
  if (!desk_json_get_string (me, "username", DESK_WIRE_MAX_ID, TRUE, &username, error)
      || !desk_json_get_string (me, "display_name", DESK_WIRE_MAX_NAME, FALSE, &display_name, error)
      || !desk_json_get_string (me, "role", DESK_WIRE_MAX_WORD, FALSE, &word, error))
    {
      g_prefix_error (error, "me: ");
      return FALSE;
    }
  desk_role_from_string (word, &role);
  self->me = desk_manager_new (username, display_name, role);
  return TRUE;
}

static gboolean
is_ours (JsonNode *node)
{
  const char *api = NULL;
  gint64 version = 0;
  JsonObject *obj = desk_wire_get_root (node, "capabilities", NULL);
  return obj != NULL && desk_json_get_string (obj, "api", 0, TRUE, &api, NULL)
         && strcmp (api, API_NAME) == 0
         && desk_json_get_int64 (obj, "version", VERSION, G_MAXINT64, TRUE, &version, NULL);
}

DeskCapabilities *
desk_wire_read_capabilities (const char *body, gsize len, GError **error)
{
  g_autoptr (JsonNode) node = desk_wire_read_answer (body, len, NULL, NULL);
  if (node == NULL || !is_ours (node))
    {
      g_set_error (error, DESK_WIRE_ERROR, DESK_WIRE_ERROR_NOT_OURS,
                   "the server does not speak level 2");
      return NULL;
    }
  JsonObject *obj = json_node_get_object (node);
  g_autoptr (DeskCapabilities) self = capabilities_new (VERSION);
  if (!desk_wire_take_strv (obj, "features", DESK_WIRE_MAX_WORD, &self->features, error)
      || !desk_wire_take_elements (obj, "platforms", read_platform, self->platforms, error)
      || !read_me (obj, self, error)
      || !desk_wire_get_time (obj, "server_time", FALSE, &self->server_time_ms, error))
    return NULL;
  return g_steal_pointer (&self);
}

static void
write_platform (DeskJsonWriter *w, const DeskPlatform *self)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "name", self->name);
  desk_json_writer_member_string (w, "title", self->title);
  desk_json_writer_member_int64 (w, "text_limit", self->text_limit);
  desk_json_writer_member_string (w, "text_unit", unit_words[self->text_unit]);
  desk_json_writer_member_int64 (w, "attachment_limit", self->attachment_limit);
  desk_json_writer_member_int64 (w, "window_hours", self->window_hours);
  desk_wire_write_strv (w, "statuses", self->statuses);
  desk_json_writer_member_bool (w, "can_edit", self->can_edit);
  desk_json_writer_member_bool (w, "can_delete", self->can_delete);
  desk_json_writer_member_bool (w, "can_react", self->can_react);
  desk_json_writer_member_bool (w, "can_reply", self->can_reply);
  desk_json_writer_end_object (w);
}

static void
write_me (DeskJsonWriter *w, const DeskManager *me)
{
  desk_json_writer_key (w, "me");
  if (me == NULL)
    {
      desk_json_writer_null (w);
      return;
    }
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "username", me->username);
  desk_json_writer_member_string (w, "display_name", me->display_name);
  desk_json_writer_member_string (w, "role", desk_role_to_string (me->role));
  desk_json_writer_end_object (w);
}

void
desk_wire_write_capabilities (DeskJsonWriter *w, const DeskCapabilities *capabilities)
{
  g_return_if_fail (w != NULL && capabilities != NULL);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "api", API_NAME);
  desk_json_writer_member_int64 (w, "version", VERSION);
  desk_wire_write_strv (w, "features", capabilities->features);
  desk_json_writer_key (w, "platforms");
  desk_json_writer_begin_array (w);
  for (guint i = 0; i < capabilities->platforms->len; i++)
    write_platform (w, g_ptr_array_index (capabilities->platforms, i));
  desk_json_writer_end_array (w);
  write_me (w, capabilities->me);
  desk_json_writer_key (w, "server_time");
  desk_json_writer_time_ms (w, capabilities->server_time_ms);
  desk_json_writer_end_object (w);
}
