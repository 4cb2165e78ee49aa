/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* A change of a chat. What is not told stays; null means "none" where there is such a thing. */

#include "protocol/desk-wire-private.h"

#include <string.h>

#define MAX_PATCH_BODY (2 * DESK_WIRE_MAX_METADATA)

DeskChatPatch *
desk_chat_patch_new (void)
{
  DeskChatPatch *self = g_new0 (DeskChatPatch, 1);
  self->base_rev = DESK_WIRE_REV_NOT_TOLD;
  self->add_labels = g_new0 (char *, 1);
  self->remove_labels = g_new0 (char *, 1);
  return self;
}

DeskChatPatch *
desk_chat_patch_copy (const DeskChatPatch *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskChatPatch *copy = g_new (DeskChatPatch, 1);
  *copy = *self;
  copy->assignee = g_strdup (self->assignee);
  copy->add_labels = g_strdupv (self->add_labels);
  copy->remove_labels = g_strdupv (self->remove_labels);
  copy->metadata = g_strdup (self->metadata);
  return copy;
}

void
desk_chat_patch_free (DeskChatPatch *self)
{
  if (self == NULL)
    return;
  g_free (self->assignee);
  g_strfreev (self->add_labels);
  g_strfreev (self->remove_labels);
  g_free (self->metadata);
  g_free (self);
}

static gboolean
label_is_valid (const char *label)
{
  if (label[0] == '\0' || strlen (label) > DESK_WIRE_MAX_LABEL)
    return FALSE;
  for (const char *c = label; *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)))
      return FALSE;
  return TRUE;
}

static gboolean
take_labels (JsonObject *obj, const char *name, char ***out, GError **error)
{
  if (!desk_wire_take_strv (obj, name, DESK_WIRE_MAX_LABEL, out, error))
    return FALSE;
  for (gsize i = 0; (*out)[i] != NULL; i++)
    if (!label_is_valid ((*out)[i]))
      {
        desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name,
                             "a label has 1 to 64 bytes and no control characters");
        return FALSE;
      }
  return TRUE;
}

static gboolean
read_state (JsonObject *obj, DeskChatPatch *self, GError **error)
{
  const char *word = NULL;
  if (!desk_json_get_string (obj, "state", DESK_WIRE_MAX_WORD, FALSE, &word, error))
    return FALSE;
  if (word == NULL)
    return TRUE;
  self->has_state = TRUE;
  if (desk_chat_state_from_string (word, &self->state))
    return TRUE;
  desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "state", "is an unknown word");
  return FALSE;
}

DeskChatPatch *
desk_wire_read_chat_patch (const char *body, gsize len, GError **error)
{
  g_autoptr (JsonNode) root = NULL;
  JsonObject *obj = desk_wire_parse_request (body, len, MAX_PATCH_BODY, &root, error);
  if (obj == NULL)
    return NULL;
  g_autoptr (DeskChatPatch) self = desk_chat_patch_new ();
  if (!desk_wire_get_count (obj, "base_rev", FALSE, &self->base_rev, error)
      || !desk_wire_take_nonempty (obj, "assignee", DESK_WIRE_MAX_ID, FALSE, &self->assignee, error)
      || !read_state (obj, self, error)
      || !desk_wire_get_time (obj, "snoozed_until", FALSE, &self->snoozed_until_ms, error)
      || !take_labels (obj, "add_labels", &self->add_labels, error)
      || !take_labels (obj, "remove_labels", &self->remove_labels, error)
      || !desk_json_get_bool (obj, "muted", FALSE, &self->muted, error)
      || !desk_wire_take_json (obj, "metadata", JSON_NODE_OBJECT, &self->metadata, error))
    return NULL;
  self->has_assignee = desk_wire_tells (obj, "assignee");
  self->has_snoozed_until = desk_wire_tells (obj, "snoozed_until");
  JsonNode *muted = json_object_get_member (obj, "muted");
  self->has_muted = muted != NULL && !JSON_NODE_HOLDS_NULL (muted);
  return g_steal_pointer (&self);
}

char *
desk_wire_chat_patch_text (const DeskChatPatch *patch)
{
  g_return_val_if_fail (patch != NULL, NULL);
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  if (patch->base_rev >= 0)
    desk_json_writer_member_int64 (&w, "base_rev", patch->base_rev);
  if (patch->has_assignee)
    desk_json_writer_member_string (&w, "assignee", patch->assignee);
  if (patch->has_state)
    desk_json_writer_member_string (&w, "state", desk_chat_state_to_string (patch->state));
  if (patch->has_snoozed_until)
    desk_json_writer_member_time_ms (&w, "snoozed_until", patch->snoozed_until_ms);
  if (patch->add_labels != NULL && patch->add_labels[0] != NULL)
    desk_wire_write_strv (&w, "add_labels", patch->add_labels);
  if (patch->remove_labels != NULL && patch->remove_labels[0] != NULL)
    desk_wire_write_strv (&w, "remove_labels", patch->remove_labels);
  if (patch->has_muted)
    desk_json_writer_member_bool (&w, "muted", patch->muted);
  if (patch->metadata != NULL)
    desk_json_writer_member_raw (&w, "metadata", patch->metadata);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}

static JsonObject *
parse_object (const char *text, JsonNode **out_root, GError **error)
{
  *out_root = desk_json_parse (text, strlen (text), MAX_PATCH_BODY, error);
  return *out_root != NULL ? desk_wire_get_root (*out_root, "object", error) : NULL;
}

char *
desk_wire_merge_objects (const char *object, const char *patch, GError **error)
{
  g_return_val_if_fail (object != NULL && patch != NULL, NULL);
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (JsonNode) changes = NULL;
  JsonObject *into = parse_object (object, &root, error);
  JsonObject *from = into != NULL ? parse_object (patch, &changes, error) : NULL;
  if (from == NULL)
    return NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;
  json_object_iter_init_ordered (&iter, from);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    if (!JSON_NODE_HOLDS_NULL (value))
      json_object_set_member (into, name, json_node_copy (value));
    else if (json_object_has_member (into, name))
      json_object_remove_member (into, name);
  g_autofree char *text = desk_json_to_text (root);
  if (strlen (text) <= DESK_WIRE_MAX_METADATA)
    return g_steal_pointer (&text);
  desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "object", "is too long");
  return NULL;
}
