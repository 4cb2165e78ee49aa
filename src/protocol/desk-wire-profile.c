/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* A customer's profile, and what is changed of one. */

#include "protocol/desk-wire-private.h"

#include <string.h>

#define MAX_PROFILE_BODY (6 * DESK_PROFILE_MAX_NOTE + 4 * DESK_WIRE_MAX_METADATA)
#define MAX_ATTRIBUTE    4096 /* bytes of a value */

static const struct
{
  const char *name;
  gsize max_bytes;
} fields[DESK_PROFILE_N_FIELDS] = {
  [DESK_PROFILE_NAME] = { "name", DESK_WIRE_MAX_NAME },
  [DESK_PROFILE_HANDLE] = { "handle", DESK_WIRE_MAX_NAME },
  [DESK_PROFILE_PHONE] = { "phone", 64 },
  [DESK_PROFILE_LANGUAGE] = { "language", 64 },
  [DESK_PROFILE_AVATAR] = { "avatar", DESK_WIRE_MAX_LINK },
  [DESK_PROFILE_NOTE] = { "note", DESK_PROFILE_MAX_NOTE },
};

const char *
desk_profile_field_to_string (DeskProfileField field)
{
  g_return_val_if_fail ((guint)field < DESK_PROFILE_N_FIELDS, NULL);
  return fields[field].name;
}

DeskProfilePatch *
desk_profile_patch_new (void)
{
  DeskProfilePatch *self = g_new0 (DeskProfilePatch, 1);
  self->base_rev = DESK_WIRE_REV_NOT_TOLD;
  return self;
}

DeskProfilePatch *
desk_profile_patch_copy (const DeskProfilePatch *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskProfilePatch *copy = g_new (DeskProfilePatch, 1);
  *copy = *self;
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    copy->texts[i] = g_strdup (self->texts[i]);
  copy->attributes = g_strdup (self->attributes);
  copy->products = g_strdup (self->products);
  return copy;
}

void
desk_profile_patch_free (DeskProfilePatch *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    g_free (self->texts[i]);
  g_free (self->attributes);
  g_free (self->products);
  g_free (self);
}

void
desk_profile_patch_set (DeskProfilePatch *self, DeskProfileField field, const char *text)
{
  g_return_if_fail (self != NULL && (guint)field < DESK_PROFILE_N_FIELDS);
  char *copy = g_strdup (text);
  self->has[field] = TRUE;
  g_free (self->texts[field]);
  self->texts[field] = copy;
}

/* Attributes are shown as they are, so they are texts. */
static gboolean
check_attributes (JsonObject *obj, gboolean allow_null, GError **error)
{
  JsonObject *attributes = NULL;
  if (!desk_json_get_object (obj, "attributes", FALSE, &attributes, error))
    return FALSE;
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;
  if (attributes == NULL)
    return TRUE;
  json_object_iter_init (&iter, attributes);
  while (json_object_iter_next (&iter, &name, &value))
    {
      gboolean is_text = JSON_NODE_HOLDS_VALUE (value)
                         && json_node_get_value_type (value) == G_TYPE_STRING
                         && strlen (json_node_get_string (value)) <= MAX_ATTRIBUTE;
      if (*name != '\0' && strlen (name) <= DESK_WIRE_MAX_WORD
          && (is_text || (allow_null && JSON_NODE_HOLDS_NULL (value))))
        continue;
      g_set_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_TYPE,
                   "attributes: %.256s: is not a text, or too long", name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_products (JsonObject *obj, GError **error)
{
  JsonArray *products = NULL;
  if (!desk_json_get_array (obj, "products", FALSE, &products, error))
    return FALSE;
  guint n = products != NULL ? json_array_get_length (products) : 0;
  gboolean ok = n <= DESK_WIRE_MAX_ELEMENTS;
  for (guint i = 0; ok && i < n; i++)
    ok = JSON_NODE_HOLDS_OBJECT (json_array_get_element (products, i));
  if (!ok)
    desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, "products",
                         "has too many elements, or one that is not an object");
  return ok;
}

DeskProfilePatch *
desk_wire_read_profile_patch (const char *body, gsize len, GError **error)
{
  g_autoptr (JsonNode) root = NULL;
  JsonObject *obj = desk_wire_parse_request (body, len, MAX_PROFILE_BODY, &root, error);
  g_autoptr (DeskProfilePatch) self = desk_profile_patch_new ();
  if (obj == NULL || !desk_wire_get_count (obj, "base_rev", FALSE, &self->base_rev, error))
    return NULL;
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    {
      if (!desk_wire_take_nonempty (obj, fields[i].name, fields[i].max_bytes, FALSE,
                                    &self->texts[i], error))
        return NULL;
      self->has[i] = desk_wire_tells (obj, fields[i].name);
    }
  if (!check_attributes (obj, TRUE, error) || !check_products (obj, error)
      || !desk_wire_take_json (obj, "attributes", JSON_NODE_OBJECT, &self->attributes, error)
      || !desk_wire_take_json (obj, "products", JSON_NODE_ARRAY, &self->products, error))
    return NULL;
  return g_steal_pointer (&self);
}

char *
desk_wire_profile_patch_text (const DeskProfilePatch *patch)
{
  g_return_val_if_fail (patch != NULL, NULL);
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  if (patch->base_rev >= 0)
    desk_json_writer_member_int64 (&w, "base_rev", patch->base_rev);
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    if (patch->has[i])
      desk_json_writer_member_string (&w, fields[i].name, patch->texts[i]);
  if (patch->attributes != NULL)
    desk_json_writer_member_raw (&w, "attributes", patch->attributes);
  if (patch->products != NULL)
    desk_json_writer_member_raw (&w, "products", patch->products);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}

static char **
profile_text (DeskProfile *self, guint field)
{
  char **const texts[DESK_PROFILE_N_FIELDS] = {
    [DESK_PROFILE_NAME] = &self->name,         [DESK_PROFILE_HANDLE] = &self->handle,
    [DESK_PROFILE_PHONE] = &self->phone,       [DESK_PROFILE_LANGUAGE] = &self->language,
    [DESK_PROFILE_AVATAR] = &self->avatar,     [DESK_PROFILE_NOTE] = &self->note,
  };
  return texts[field];
}

DeskProfile *
desk_wire_read_profile (JsonNode *node, GError **error)
{
  g_autofree char *platform = NULL, *user_id = NULL;
  JsonObject *obj = desk_wire_get_root (node, "profile", error);
  if (obj == NULL || !desk_wire_take_key (obj, &platform, &user_id, error))
    return NULL;
  g_autoptr (DeskProfile) self = desk_profile_new (platform, user_id);
  for (guint i = 0; i < DESK_PROFILE_N_FIELDS; i++)
    if (!desk_wire_take_nonempty (obj, fields[i].name, fields[i].max_bytes, FALSE,
                                  profile_text (self, i), error))
      return NULL;
  if (!check_attributes (obj, FALSE, error) || !check_products (obj, error)
      || !desk_wire_take_json (obj, "attributes", JSON_NODE_OBJECT, &self->attributes, error)
      || !desk_wire_take_json (obj, "products", JSON_NODE_ARRAY, &self->products, error)
      || !desk_wire_get_time (obj, "updated_at", FALSE, &self->updated_at_ms, error)
      || !desk_wire_get_count (obj, "rev", FALSE, &self->rev, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
desk_wire_write_profile (DeskJsonWriter *w, const DeskProfile *profile)
{
  g_return_if_fail (w != NULL && profile != NULL);
  desk_json_writer_begin_object (w);
  desk_wire_write_key (w, profile->platform, profile->user_id);
  desk_json_writer_member_string (w, "name", profile->name != NULL ? profile->name : "");
  desk_json_writer_member_string (w, "handle", profile->handle);
  desk_json_writer_member_string (w, "phone", profile->phone);
  desk_json_writer_member_string (w, "language", profile->language);
  desk_json_writer_member_string (w, "avatar", profile->avatar);
  desk_json_writer_member_raw (w, "attributes", profile->attributes);
  desk_json_writer_member_string (w, "note", profile->note != NULL ? profile->note : "");
  desk_json_writer_member_raw (w, "products", profile->products);
  desk_json_writer_member_time_ms (w, "updated_at", profile->updated_at_ms);
  desk_json_writer_member_int64 (w, "rev", profile->rev);
  desk_json_writer_end_object (w);
}
