/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The customer's profile. A field that the manager is typing in is never overwritten by what comes from elsewhere: it
 * keeps its text until it is applied or left. Each saving is a PROFILE intent with the fields that differ. */

#include "app/desk-customer-profile.h"

#include <glib/gi18n.h>
#include <string.h>

#include "common/desk-json.h"

#define NOTE_DELAY_MS 1500
#define MOST_DETAILS  24
#define DETAILS_BYTES (64 * 1024)

typedef enum
{
  FIELD_NAME,
  FIELD_HANDLE,
  FIELD_PHONE,
  FIELD_LANGUAGE,
  N_FIELDS
} Field;

struct _DeskCustomerProfile
{
  GtkBox parent_instance;

  AdwEntryRow *fields[N_FIELDS];
  AdwPreferencesGroup *details_group;
  GPtrArray *details; /* of GtkWidget, in details_group */
  GtkTextBuffer *note;

  DeskInbox *inbox;
  DeskChatItem *item;
  GCancellable *cancellable;
  DeskProfile *shown;  /* nullable: as the fields were filled */
  gboolean note_touched;
  gboolean loading;
  guint note_source;
};

G_DEFINE_FINAL_TYPE (DeskCustomerProfile, desk_customer_profile, GTK_TYPE_BOX)

static const char *
get_shown (DeskCustomerProfile *self, Field field)
{
  const char *texts[N_FIELDS] = { 0 };
  if (self->shown != NULL)
    {
      texts[FIELD_NAME] = self->shown->name;
      texts[FIELD_HANDLE] = self->shown->handle;
      texts[FIELD_PHONE] = self->shown->phone;
      texts[FIELD_LANGUAGE] = self->shown->language;
    }
  return texts[field] != NULL ? texts[field] : "";
}

/* ── Saving ─────────────────────────────────────────────────────────────────────────────────── */

/* Takes change. */
static void
save (DeskCustomerProfile *self, DeskProfileChange *change)
{
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_PROFILE, chat->platform, chat->user_id);
  DeskBatch *batch = desk_batch_new ();
  entry->profile = change;
  entry->created_at_ms = g_get_real_time () / 1000;
  desk_batch_outbox_add (batch, entry, FALSE);
  desk_inbox_apply (self->inbox, batch);
}

static void
on_apply (DeskCustomerProfile *self, AdwEntryRow *row)
{
  g_autofree char *text = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (row))));
  DeskProfileChange *change;
  Field field = FIELD_NAME;
  if (self->item == NULL)
    return;
  while (field < N_FIELDS && self->fields[field] != row)
    field++;
  if (field == N_FIELDS || g_str_equal (text, get_shown (self, field)))
    return;
  change = desk_profile_change_new ();
  char **places[N_FIELDS] = { &change->name, &change->handle, &change->phone, &change->language };
  *places[field] = g_steal_pointer (&text);
  save (self, change);
}

static void
save_note (DeskCustomerProfile *self)
{
  GtkTextIter start, end;
  DeskProfileChange *change;
  g_clear_handle_id (&self->note_source, g_source_remove);
  if (!self->note_touched || self->item == NULL || desk_inbox_get_store (self->inbox) == NULL)
    return;
  gtk_text_buffer_get_bounds (self->note, &start, &end);
  change = desk_profile_change_new ();
  change->note = gtk_text_buffer_get_text (self->note, &start, &end, FALSE);
  self->note_touched = FALSE;
  save (self, change);
}

static gboolean
on_note_due (gpointer data)
{
  DeskCustomerProfile *self = data;
  self->note_source = 0;
  save_note (self);
  return G_SOURCE_REMOVE;
}

/* Saved a moment after the last key, and when the field or the chat is left. */
static void
on_note_changed (DeskCustomerProfile *self)
{
  if (self->loading)
    return;
  self->note_touched = TRUE;
  g_clear_handle_id (&self->note_source, g_source_remove);
  self->note_source = g_timeout_add (NOTE_DELAY_MS, on_note_due, self);
}

/* ── Showing ────────────────────────────────────────────────────────────────────────────────── */

static void
on_copy_clicked (GtkWidget *button, gpointer data)
{
  const char *text = g_object_get_data (G_OBJECT (button), "text");
  gdk_clipboard_set_text (gtk_widget_get_clipboard (button),
                          text != NULL ? text : gtk_editable_get_text (GTK_EDITABLE (data)));
}

static GtkWidget *
make_copy_button (const char *title, const char *text, gpointer editable)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("edit-copy-symbolic");
  /* Translators: %s is a detail of the customer, for example "Phone". */
  g_autofree char *name = g_strdup_printf (_ ("Copy “%s”"), title);
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "circular");
  if (text != NULL)
    g_object_set_data_full (G_OBJECT (button), "text", g_strdup (text), g_free);
  g_signal_connect (button, "clicked", G_CALLBACK (on_copy_clicked), editable);
  return button;
}

static void
add_detail (DeskCustomerProfile *self, const char *title, const char *value)
{
  GtkWidget *row = adw_action_row_new ();
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), value);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 4);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), make_copy_button (title, value, NULL));
  gtk_widget_add_css_class (row, "property-row");
  adw_preferences_group_add (self->details_group, row);
  g_ptr_array_add (self->details, row);
}

static char *
node_text (JsonNode *node)
{
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_dup_string (node);
  return desk_json_to_text (node);
}

static void
add_attributes (DeskCustomerProfile *self, const char *attributes)
{
  g_autoptr (JsonNode) root = desk_json_parse (attributes, strlen (attributes), DETAILS_BYTES, NULL);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  json_object_iter_init_ordered (&iter, json_node_get_object (root));
  while (self->details->len < MOST_DETAILS && json_object_iter_next_ordered (&iter, &name, &node))
    {
      g_autofree char *value = node_text (node);
      add_detail (self, name, value);
    }
}

static const char *
product_text (JsonObject *product, const char *name)
{
  const char *text = NULL;
  return desk_json_get_string (product, name, 1024, FALSE, &text, NULL) ? text : NULL;
}

static void
add_products (DeskCustomerProfile *self, const char *products)
{
  g_autoptr (JsonNode) root = desk_json_parse (products, strlen (products), DETAILS_BYTES, NULL);
  JsonArray *array = root != NULL && JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
  for (guint i = 0; array != NULL && i < json_array_get_length (array) && self->details->len < MOST_DETAILS; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      JsonObject *product = json_node_get_object (node);
      const char *name = product_text (product, "name");
      JsonNode *price = json_object_get_member (product, "price");
      g_autofree char *cost = price != NULL && !JSON_NODE_HOLDS_NULL (price) ? node_text (price) : g_strdup ("");
      g_autofree char *line = g_strstrip (g_strdup_printf ("%s  %s", name != NULL ? name : "", cost));
      add_detail (self, _ ("Product"), line);
    }
}

static gboolean
is_being_edited (DeskCustomerProfile *self, GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  return focus != NULL && gtk_widget_is_ancestor (focus, widget);
}

static void
fill (DeskCustomerProfile *self, const DeskProfile *profile)
{
  gboolean note_differs = self->shown == NULL || profile == NULL
                          || g_strcmp0 (self->shown->note, profile->note) != 0;
  g_autoptr (DeskProfile) old = g_steal_pointer (&self->shown);
  self->shown = profile != NULL ? desk_profile_copy (profile) : NULL;
  self->loading = TRUE;
  for (Field i = FIELD_NAME; i < N_FIELDS; i++)
    if (!is_being_edited (self, GTK_WIDGET (self->fields[i]))
        && !g_str_equal (gtk_editable_get_text (GTK_EDITABLE (self->fields[i])), get_shown (self, i)))
      {
        /* without the button to apply, which is for what was typed */
        adw_entry_row_set_show_apply_button (self->fields[i], FALSE);
        gtk_editable_set_text (GTK_EDITABLE (self->fields[i]), get_shown (self, i));
        adw_entry_row_set_show_apply_button (self->fields[i], TRUE);
      }
  if (note_differs && !self->note_touched)
    gtk_text_buffer_set_text (self->note, profile != NULL && profile->note != NULL ? profile->note : "", -1);
  self->loading = FALSE;
  for (guint i = 0; i < self->details->len; i++)
    adw_preferences_group_remove (self->details_group, g_ptr_array_index (self->details, i));
  g_ptr_array_set_size (self->details, 0);
  if (profile != NULL && profile->attributes != NULL)
    add_attributes (self, profile->attributes);
  if (profile != NULL && profile->products != NULL)
    add_products (self, profile->products);
  gtk_widget_set_visible (GTK_WIDGET (self->details_group), self->details->len > 0);
}

static void
on_profile (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskCustomerProfile) self = data;
  g_autoptr (GError) error = NULL;
  DeskProfileRow *row = desk_store_get_profile_finish (DESK_STORE (source), result, &error);
  if (error == NULL && self->item != NULL)
    {
      fill (self, row != NULL ? row->profile : NULL);
      gtk_widget_set_sensitive (GTK_WIDGET (self), TRUE);
      gtk_widget_remove_css_class (GTK_WIDGET (self), "skeleton");
    }
  g_clear_pointer (&row, desk_profile_row_free);
}

static void
read_profile (DeskCustomerProfile *self)
{
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  DeskStore *store = desk_inbox_get_store (self->inbox);
  if (store != NULL)
    desk_store_get_profile_async (store, chat->platform, chat->user_id, self->cancellable, on_profile,
                                  g_object_ref (self));
}

static void
on_store_changed (DeskCustomerProfile *self, const DeskStoreChange *change)
{
  if (self->item != NULL && (change->everything || change->profiles || change->outbox))
    read_profile (self);
}

void
desk_customer_profile_set_chat (DeskCustomerProfile *self, DeskInbox *inbox, DeskChatItem *item)
{
  if (self->item == item)
    return;
  save_note (self);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  if (self->inbox != NULL && self->inbox != inbox)
    g_signal_handlers_disconnect_by_data (self->inbox, self);
  if (inbox != NULL && self->inbox != inbox)
    g_signal_connect_object (inbox, "changed", G_CALLBACK (on_store_changed), self, G_CONNECT_SWAPPED);
  g_set_object (&self->inbox, inbox);
  g_set_object (&self->item, item);
  self->note_touched = FALSE;
  fill (self, NULL);
  if (item == NULL)
    return;
  gtk_widget_set_visible (GTK_WIDGET (self), desk_chat_item_get_chat (item)->is_level2);
  gtk_widget_set_sensitive (GTK_WIDGET (self), FALSE);
  gtk_widget_add_css_class (GTK_WIDGET (self), "skeleton");
  read_profile (self);
}

/* ── The widget ─────────────────────────────────────────────────────────────────────────────── */

static void
add_fields (DeskCustomerProfile *self)
{
  const char *titles[N_FIELDS] = { _ ("Name"), _ ("Handle"), _ ("Phone"), _ ("Language") };
  GtkWidget *group = adw_preferences_group_new ();
  for (Field i = FIELD_NAME; i < N_FIELDS; i++)
    {
      GtkWidget *row = adw_entry_row_new ();
      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), titles[i]);
      adw_entry_row_set_show_apply_button (ADW_ENTRY_ROW (row), TRUE);
      if (i == FIELD_PHONE)
        adw_entry_row_set_input_purpose (ADW_ENTRY_ROW (row), GTK_INPUT_PURPOSE_PHONE);
      if (i == FIELD_HANDLE || i == FIELD_PHONE)
        adw_entry_row_add_suffix (ADW_ENTRY_ROW (row), make_copy_button (titles[i], NULL, row));
      g_signal_connect_object (row, "apply", G_CALLBACK (on_apply), self, G_CONNECT_SWAPPED);
      adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), row);
      self->fields[i] = ADW_ENTRY_ROW (row);
    }
  gtk_box_append (GTK_BOX (self), group);
}

static void
add_note (DeskCustomerProfile *self)
{
  GtkWidget *group = adw_preferences_group_new (), *view = gtk_text_view_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), _ ("Note"));
  self->note = gtk_text_view_get_buffer (GTK_TEXT_VIEW (view));
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (view), FALSE);
  gtk_widget_set_size_request (view, -1, 72);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Note on the customer"), -1);
  gtk_widget_add_css_class (view, "card");
  gtk_widget_add_css_class (view, "customer-note");
  g_signal_connect_object (self->note, "changed", G_CALLBACK (on_note_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (focus, "leave", G_CALLBACK (save_note), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (view, focus);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), view);
  gtk_box_append (GTK_BOX (self), group);
}

static void
desk_customer_profile_dispose (GObject *object)
{
  DeskCustomerProfile *self = DESK_CUSTOMER_PROFILE (object);
  g_clear_handle_id (&self->note_source, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->item);
  g_clear_object (&self->inbox);
  g_clear_pointer (&self->shown, desk_profile_free);
  g_clear_pointer (&self->details, g_ptr_array_unref);
  G_OBJECT_CLASS (desk_customer_profile_parent_class)->dispose (object);
}

static void
desk_customer_profile_class_init (DeskCustomerProfileClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = desk_customer_profile_dispose;
}

static void
desk_customer_profile_init (DeskCustomerProfile *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 18);
  self->cancellable = g_cancellable_new ();
  self->details = g_ptr_array_new ();
  add_fields (self);
  self->details_group = ADW_PREFERENCES_GROUP (adw_preferences_group_new ());
  adw_preferences_group_set_title (self->details_group, _ ("Attributes"));
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->details_group));
  add_note (self);
}
