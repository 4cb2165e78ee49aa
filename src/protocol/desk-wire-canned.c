/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Canned replies: the object, the requests that write one, and the event's data. */

#include "protocol/desk-wire-private.h"

#include <string.h>

#define MAX_CANNED_BODY (6 * DESK_CANNED_MAX_TEXT + 16384) /* escapes make a text longer */

static gboolean
read_content (JsonObject *obj, DeskCanned *self, GError **error)
{
  return desk_wire_take_nonempty (obj, "shortcut", DESK_CANNED_MAX_SHORTCUT, TRUE, &self->shortcut,
                                  error)
         && desk_wire_take_nonempty (obj, "title", DESK_CANNED_MAX_TITLE, FALSE, &self->title,
                                     error)
         && desk_wire_take_nonempty (obj, "text", DESK_CANNED_MAX_TEXT, TRUE, &self->text, error);
}

DeskCanned *
desk_wire_read_canned (JsonNode *node, GError **error)
{
  JsonObject *obj = desk_wire_get_root (node, "canned", error);
  g_autoptr (DeskCanned) self = desk_canned_new (NULL, NULL, NULL, NULL);
  if (obj == NULL || !read_content (obj, self, error)
      || !desk_wire_take_nonempty (obj, "id", DESK_WIRE_MAX_ID, TRUE, &self->id, error)
      || !desk_wire_get_time (obj, "updated_at", FALSE, &self->updated_at_ms, error)
      || !desk_wire_get_count (obj, "rev", FALSE, &self->rev, error))
    return NULL;
  return g_steal_pointer (&self);
}

GPtrArray *
desk_wire_read_canned_list (JsonNode *node, GError **error)
{
  return desk_wire_read_list (node, "canned replies", (DeskWireReadFunc)desk_wire_read_canned,
                              (GDestroyNotify)desk_canned_free, error);
}

void
desk_wire_write_canned (DeskJsonWriter *w, const DeskCanned *canned)
{
  g_return_if_fail (w != NULL && canned != NULL);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "id", canned->id);
  desk_json_writer_member_string (w, "shortcut", canned->shortcut);
  desk_json_writer_member_string (w, "title", canned->title);
  desk_json_writer_member_string (w, "text", canned->text);
  desk_json_writer_member_time_ms (w, "updated_at", canned->updated_at_ms);
  desk_json_writer_member_int64 (w, "rev", canned->rev);
  desk_json_writer_end_object (w);
}

DeskCanned *
desk_wire_read_canned_request (const char *body, gsize len, gint64 *out_base_rev, GError **error)
{
  g_return_val_if_fail (out_base_rev != NULL, NULL);
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (DeskCanned) self = desk_canned_new (NULL, NULL, NULL, NULL);
  gint64 base_rev = DESK_WIRE_REV_NOT_TOLD;
  JsonObject *obj = desk_wire_parse_request (body, len, MAX_CANNED_BODY, &root, error);
  if (obj == NULL || !read_content (obj, self, error)
      || !desk_wire_take_nonempty (obj, "id", 64, FALSE, &self->id, error)
      || !desk_wire_get_count (obj, "base_rev", FALSE, &base_rev, error))
    return NULL;
  if (!desk_canned_shortcut_is_valid (self->shortcut))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "shortcut",
                           "must be one word without a slash");
      return NULL;
    }
  *out_base_rev = base_rev;
  return g_steal_pointer (&self);
}

char *
desk_wire_canned_request_text (const DeskCanned *canned, gint64 base_rev)
{
  g_return_val_if_fail (canned != NULL, NULL);
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  if (canned->id != NULL)
    desk_json_writer_member_string (&w, "id", canned->id);
  if (base_rev >= 0)
    desk_json_writer_member_int64 (&w, "base_rev", base_rev);
  desk_json_writer_member_string (&w, "shortcut", canned->shortcut);
  if (canned->title != NULL)
    desk_json_writer_member_string (&w, "title", canned->title);
  desk_json_writer_member_string (&w, "text", canned->text);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}

gboolean
desk_wire_read_canned_event (const char *data,
                             char **out_id,
                             DeskCanned **out_canned,
                             GError **error)
{
  g_return_val_if_fail (data != NULL && out_id != NULL && out_canned != NULL, FALSE);
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *id = NULL;
  g_autoptr (DeskCanned) canned = NULL;
  JsonObject *obj = desk_wire_parse_request (data, strlen (data), MAX_CANNED_BODY, &root, error);
  if (obj == NULL || !desk_wire_take_nonempty (obj, "id", DESK_WIRE_MAX_ID, TRUE, &id, error))
    return FALSE;
  JsonNode *node = json_object_get_member (obj, "canned");
  if (node != NULL && !JSON_NODE_HOLDS_NULL (node))
    {
      canned = desk_wire_read_canned (node, error);
      if (canned == NULL)
        return FALSE;
    }
  *out_id = g_steal_pointer (&id);
  *out_canned = g_steal_pointer (&canned);
  return TRUE;
}

char *
desk_wire_canned_event_text (const char *id, const DeskCanned *canned)
{
  g_return_val_if_fail (id != NULL, NULL);
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "id", id);
  desk_json_writer_key (&w, "canned");
  if (canned != NULL)
    desk_wire_write_canned (&w, canned);
  else
    desk_json_writer_null (&w);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}
