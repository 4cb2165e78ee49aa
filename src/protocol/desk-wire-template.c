/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Templates, and what a reply uses of one. */

#include "protocol/desk-wire-private.h"

#include <string.h>

#define MAX_VARIABLE      4096 /* bytes */
#define MAX_CLOSED_DETAIL (1024 * 1024)

static gpointer
read_template (JsonNode *node, GError **error)
{
  JsonObject *obj = desk_wire_get_root (node, "template", error);
  const char *name = NULL, *language = NULL, *category = NULL, *text = NULL;
  gint64 n = 0;
  if (obj == NULL || !desk_json_get_string (obj, "name", DESK_WIRE_MAX_NAME, TRUE, &name, error)
      || !desk_json_get_string (obj, "language", DESK_WIRE_MAX_WORD, TRUE, &language, error)
      || !desk_json_get_string (obj, "category", DESK_WIRE_MAX_WORD, FALSE, &category, error)
      || !desk_json_get_string (obj, "text", DESK_WIRE_MAX_TEXT, FALSE, &text, error)
      || !desk_json_get_int64 (obj, "variables", 0, DESK_TEMPLATE_MAX_VARIABLES, FALSE, &n, error))
    return NULL;
  DeskTemplate *self = desk_template_new (name, language, text, (guint)n);
  self->category = g_strdup (category);
  return self;
}

GPtrArray *
desk_wire_read_templates (JsonNode *node, GError **error)
{
  return desk_wire_read_list (node, "templates", read_template, (GDestroyNotify)desk_template_free,
                              error);
}

void
desk_wire_write_templates (DeskJsonWriter *w, const GPtrArray *templates)
{
  g_return_if_fail (w != NULL);
  desk_json_writer_begin_array (w);
  for (guint i = 0; templates != NULL && i < templates->len; i++)
    {
      const DeskTemplate *self = templates->pdata[i];
      desk_json_writer_begin_object (w);
      desk_json_writer_member_string (w, "name", self->name);
      desk_json_writer_member_string (w, "language", self->language);
      desk_json_writer_member_string (w, "category", self->category);
      desk_json_writer_member_string (w, "text", self->text);
      desk_json_writer_member_int64 (w, "variables", self->n_variables);
      desk_json_writer_end_object (w);
    }
  desk_json_writer_end_array (w);
}

gboolean
desk_wire_read_window_closed (const char *details,
                              gint64 *out_closed_at_ms,
                              GPtrArray **out_templates,
                              GError **error)
{
  g_return_val_if_fail (details != NULL, FALSE);
  g_autoptr (JsonNode) root = NULL;
  gint64 closed_at_ms = 0;
  JsonObject *obj
      = desk_wire_parse_request (details, strlen (details), MAX_CLOSED_DETAIL, &root, error);
  if (obj == NULL || !desk_wire_get_time (obj, "closed_at", FALSE, &closed_at_ms, error))
    return FALSE;
  if (out_templates != NULL)
    {
      g_autoptr (JsonNode) nothing = json_node_new (JSON_NODE_NULL);
      JsonNode *list = json_object_get_member (obj, "templates");
      *out_templates = desk_wire_read_templates (list != NULL ? list : nothing, error);
      if (*out_templates == NULL)
        return FALSE;
    }
  if (out_closed_at_ms != NULL)
    *out_closed_at_ms = closed_at_ms;
  return TRUE;
}

gboolean
desk_wire_read_template_use (JsonObject *obj, DeskTemplateUse **out, GError **error)
{
  JsonObject *inner = NULL;
  if (!desk_json_get_object (obj, "template", FALSE, &inner, error))
    return FALSE;
  if (inner == NULL)
    return TRUE;
  g_autoptr (DeskTemplateUse) self = desk_template_use_new (NULL, NULL, NULL);
  if (!desk_wire_take_nonempty (inner, "name", DESK_WIRE_MAX_NAME, TRUE, &self->name, error)
      || !desk_wire_take_nonempty (inner, "language", DESK_WIRE_MAX_WORD, TRUE, &self->language,
                                   error)
      || !desk_wire_take_strv (inner, "variables", MAX_VARIABLE, &self->variables, error))
    {
      g_prefix_error (error, "template: ");
      return FALSE;
    }
  if (g_strv_length (self->variables) > DESK_TEMPLATE_MAX_VARIABLES)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "template", "has too many variables");
      return FALSE;
    }
  *out = g_steal_pointer (&self);
  return TRUE;
}

void
desk_wire_write_template_use (DeskJsonWriter *w, const DeskTemplateUse *self)
{
  if (self == NULL)
    return;
  desk_json_writer_key (w, "template");
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "name", self->name);
  desk_json_writer_member_string (w, "language", self->language);
  desk_wire_write_strv (w, "variables", self->variables);
  desk_json_writer_end_object (w);
}
