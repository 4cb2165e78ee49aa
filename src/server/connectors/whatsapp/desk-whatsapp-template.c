/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* WhatsApp's templates. Each component counts its variables from {{1}}, or names them ({{name}}),
 * while to us a template has one row of variables: slots tell which is which.
 * Invariants: pure; n_variables of what is shown is the number of slots. */

#include "server/connectors/whatsapp/desk-whatsapp-template.h"

#include <stdlib.h>
#include <string.h>

#include "common/desk-json-writer.h"
#include "server/connectors/meta/desk-meta-json.h"

#define VARIABLE "\\{\\{\\s*([A-Za-z0-9_]{1,64})\\s*\\}\\}"

typedef enum
{
  IN_HEADER,
  IN_BODY,
  IN_BUTTON,
} Place;

typedef struct
{
  Place place;
  guint button; /* which one, of IN_BUTTON */
  char *name;   /* as it stands in the component: "2", "order_id" */
} Slot;

static void
slot_free (gpointer data)
{
  Slot *slot = data;

  g_free (slot->name);
  g_free (slot);
}

void
desk_whatsapp_template_free (DeskWhatsappTemplate *self)
{
  if (self == NULL)
    return;
  desk_template_free (self->shown);
  g_ptr_array_unref (self->slots);
  g_free (self);
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */
static GRegex *
variable_regex (void)
{
  static gsize once;
  static GRegex *regex;

  if (g_once_init_enter (&once))
    {
      regex = g_regex_new (VARIABLE, G_REGEX_OPTIMIZE, 0, NULL);
      g_once_init_leave (&once, 1);
    }
  return regex;
}

static guint
find_slot (GPtrArray *slots, guint from, const char *name)
{
  guint i = from;

  while (i < slots->len && strcmp (((Slot *)slots->pdata[i])->name, name) != 0)
    i++;
  return i;
}

/* {{2}} may stand before {{1}}: they are sent in the order of their numbers. */
static gint
compare_slots (gconstpointer a, gconstpointer b)
{
  const Slot *one = *(Slot *const *)a, *other = *(Slot *const *)b;

  if (!g_ascii_isdigit (one->name[0]) || !g_ascii_isdigit (other->name[0]))
    return 0;
  return atoi (one->name) - atoi (other->name);
}

static void
collect_slots (GPtrArray *slots, Place place, guint button, const char *text)
{
  g_autoptr (GPtrArray) own = g_ptr_array_new ();
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (variable_regex (), text, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree char *name = g_match_info_fetch (match, 1);
      if (find_slot (own, 0, name) < own->len)
        continue;
      Slot *slot = g_new0 (Slot, 1);
      slot->place = place;
      slot->button = button;
      slot->name = g_steal_pointer (&name);
      g_ptr_array_add (own, slot);
    }
  g_ptr_array_sort (own, compare_slots);
  for (guint i = 0; i < own->len; i++)
    g_ptr_array_add (slots, own->pdata[i]);
}

typedef struct
{
  GPtrArray *slots;
  guint from;
} Count;

static gboolean
count_on (const GMatchInfo *match, GString *out, gpointer data)
{
  const Count *count = data;
  g_autofree char *name = g_match_info_fetch (match, 1);

  g_string_append_printf (out, "{{%u}}", find_slot (count->slots, count->from, name) + 1);
  return FALSE;
}

static void
add_component (DeskWhatsappTemplate *self,
               GString *out,
               Place place,
               guint button,
               const char *lead,
               const char *text)
{
  Count count = { self->slots, self->slots->len };
  g_autofree char *counted = NULL;

  if (text == NULL)
    return;
  collect_slots (self->slots, place, button, text);
  counted = g_regex_replace_eval (variable_regex (), text, -1, 0, 0, count_on, &count, NULL);
  if (out->len > 0)
    g_string_append_c (out, '\n');
  if (lead != NULL)
    g_string_append_printf (out, "%s: ", lead);
  g_string_append (out, counted != NULL ? counted : text);
}

static gboolean
add_buttons (DeskWhatsappTemplate *self, GString *out, JsonArray *buttons)
{
  for (guint i = 0; i < desk_meta_length (buttons); i++)
    {
      JsonObject *button = desk_meta_element (buttons, i);
      const char *type = desk_meta_string (button, "type");
      if (g_strcmp0 (type, "URL") == 0)
        add_component (self, out, IN_BUTTON, i, desk_meta_string (button, "text"),
                       desk_meta_string (button, "url"));
      else if (g_strcmp0 (type, "QUICK_REPLY") != 0 && g_strcmp0 (type, "PHONE_NUMBER") != 0
               && g_strcmp0 (type, "REQUEST_CONTACT_INFO") != 0)
        return FALSE; /* a code, a flow, a catalogue: wants parameters that are no text */
    }
  return TRUE;
}

static gboolean
add_object (DeskWhatsappTemplate *self, GString *out, JsonObject *component)
{
  const char *type = desk_meta_string (component, "type");
  const char *format = desk_meta_string (component, "format");
  const char *text = desk_meta_string (component, "text");

  if (g_strcmp0 (type, "HEADER") == 0)
    {
      if (format != NULL && strcmp (format, "TEXT") != 0)
        return FALSE;
      add_component (self, out, IN_HEADER, 0, NULL, text);
      return TRUE;
    }
  if (g_strcmp0 (type, "BODY") == 0)
    {
      add_component (self, out, IN_BODY, 0, NULL, text);
      return text != NULL;
    }
  if (g_strcmp0 (type, "FOOTER") == 0)
    {
      if (text != NULL)
        g_string_append_printf (out, "\n%s", text);
      return TRUE;
    }
  return g_strcmp0 (type, "BUTTONS") == 0
         && add_buttons (self, out, desk_meta_array (component, "buttons"));
}

DeskWhatsappTemplate *
desk_whatsapp_template_parse (JsonObject *object)
{
  const char *name = desk_meta_string (object, "name");
  const char *language = desk_meta_string (object, "language");
  const char *category = desk_meta_string (object, "category");
  JsonArray *components = desk_meta_array (object, "components");
  g_autoptr (DeskWhatsappTemplate) self = g_new0 (DeskWhatsappTemplate, 1);
  g_autoptr (GString) text = g_string_new (NULL);

  self->slots = g_ptr_array_new_with_free_func (slot_free);
  if (name == NULL || language == NULL || desk_meta_length (components) == 0
      || g_strcmp0 (desk_meta_string (object, "status"), "APPROVED") != 0
      || g_strcmp0 (category, "AUTHENTICATION") == 0)
    return NULL;
  for (guint i = 0; i < desk_meta_length (components); i++)
    if (!add_object (self, text, desk_meta_element (components, i)))
      return NULL;
  if (self->slots->len > DESK_TEMPLATE_MAX_VARIABLES || text->len == 0)
    return NULL;
  self->shown = desk_template_new (name, language, text->str, self->slots->len);
  g_free (self->shown->category);
  self->shown->category = g_strdup (category);
  return g_steal_pointer (&self);
}

/* ── Writing ────────────────────────────────────────────────────────────────────────────────── */
static void
begin_component (DeskJsonWriter *w, const Slot *slot)
{
  static const char *const types[] = { "header", "body", "button" };

  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "type", types[slot->place]);
  if (slot->place == IN_BUTTON)
    {
      g_autofree char *index = g_strdup_printf ("%u", slot->button);
      desk_json_writer_member_string (w, "sub_type", "url");
      desk_json_writer_member_string (w, "index", index);
    }
  desk_json_writer_key (w, "parameters");
  desk_json_writer_begin_array (w);
}

static void
write_parameter (DeskJsonWriter *w, const Slot *slot, const char *value)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "type", "text");
  if (!g_ascii_isdigit (slot->name[0]))
    desk_json_writer_member_string (w, "parameter_name", slot->name);
  desk_json_writer_member_string (w, "text", value);
  desk_json_writer_end_object (w);
}

char *
desk_whatsapp_template_format_components (const DeskWhatsappTemplate *self, char *const *variables)
{
  g_return_val_if_fail (self != NULL && variables != NULL, NULL);
  const guint n = g_strv_length ((char **)variables);
  GString *json = g_string_new (NULL);
  const Slot *last = NULL;
  DeskJsonWriter w;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_array (&w);
  for (guint i = 0; i < self->slots->len; i++)
    {
      const Slot *slot = self->slots->pdata[i];
      if (last == NULL || last->place != slot->place || last->button != slot->button)
        {
          if (last != NULL)
            {
              desk_json_writer_end_array (&w);
              desk_json_writer_end_object (&w);
            }
          begin_component (&w, slot);
        }
      write_parameter (&w, slot, i < n ? variables[i] : "");
      last = slot;
    }
  if (last != NULL)
    {
      desk_json_writer_end_array (&w);
      desk_json_writer_end_object (&w);
    }
  desk_json_writer_end_array (&w);
  return g_string_free (json, FALSE);
}
