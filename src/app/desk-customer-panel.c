/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* What is known of the customer. The metadata come from the partner and are shown as they are, by
 * name and value, and never more than MOST_METADATA of them. */

#include "app/desk-customer-panel.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/desk-customer-profile.h"
#include "app/desk-format.h"
#include "common/desk-json.h"

#define MOST_METADATA  24
#define METADATA_BYTES (64 * 1024)

struct _DeskCustomerPanel
{
  GtkBox parent_instance;

  AdwHeaderBar *header;
  AdwAvatar *avatar;
  GtkLabel *name_label;
  GtkLabel *handle_label;
  GtkImage *platform_image;
  GtkFlowBox *labels_box;
  DeskCustomerProfile *profile;
  GCancellable *avatar_cancellable;
  char *shown_labels; /* as text, to leave the pills alone while nothing changed */
  AdwPreferencesGroup *state_group;
  AdwActionRow *state_row;
  AdwActionRow *assignee_row;
  AdwActionRow *waiting_row;
  AdwActionRow *window_row;
  AdwPreferencesGroup *metadata_group;

  DeskInbox *inbox;
  DeskChatItem *item;
  GPtrArray *metadata_rows; /* of GtkWidget, in metadata_group */
  char *shown_metadata;
};

G_DEFINE_FINAL_TYPE (DeskCustomerPanel, desk_customer_panel, GTK_TYPE_BOX)

/* ── Metadata ───────────────────────────────────────────────────────────────────────────────── */

/* "item_price" → "Item price"; the names every partner uses are translated. */
static char *
metadata_title (const char *name)
{
  static const char *const known[][2] = {
    { "item_name", N_ ("Item") }, { "item", N_ ("Item") },      { "item_price", N_ ("Price") },
    { "price", N_ ("Price") },    { "order_id", N_ ("Order Number") }, { "phone", N_ ("Phone") },
    { "email", N_ ("E-mail") },   { "city", N_ ("City") },      { "language", N_ ("Language") },
  };
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_str_equal (name, known[i][0]))
      return g_strdup (_ (known[i][1]));
  char *title = g_strdelimit (g_strdup (name), "_-", ' ');
  title[0] = g_ascii_toupper (title[0]);
  return title;
}

static char *
metadata_value (JsonNode *node)
{
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%'" G_GINT64_FORMAT, json_node_get_int (node));
  return desk_json_to_text (node);
}

static void
add_metadata (DeskCustomerPanel *self, const char *name, JsonNode *node)
{
  g_autofree char *title = metadata_title (name);
  g_autofree char *value = metadata_value (node);
  GtkWidget *row = adw_action_row_new ();

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), value);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 4);
  gtk_widget_add_css_class (row, "property-row");
  adw_preferences_group_add (self->metadata_group, row);
  g_ptr_array_add (self->metadata_rows, row);
}

static void
update_metadata (DeskCustomerPanel *self, const char *metadata)
{
  g_autoptr (JsonNode) root = NULL;
  if (g_strcmp0 (metadata, self->shown_metadata) == 0)
    return;
  for (guint i = 0; i < self->metadata_rows->len; i++)
    adw_preferences_group_remove (self->metadata_group, g_ptr_array_index (self->metadata_rows, i));
  g_ptr_array_set_size (self->metadata_rows, 0);
  g_free (self->shown_metadata);
  self->shown_metadata = g_strdup (metadata);
  if (metadata != NULL)
    root = desk_json_parse (metadata, strlen (metadata), METADATA_BYTES, NULL);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *node;
      json_object_iter_init_ordered (&iter, json_node_get_object (root));
      while (self->metadata_rows->len < MOST_METADATA
             && json_object_iter_next_ordered (&iter, &name, &node))
        if (!JSON_NODE_HOLDS_NULL (node) && *name != '\0')
          add_metadata (self, name, node);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->metadata_group), self->metadata_rows->len > 0);
}

/* ── The rest ───────────────────────────────────────────────────────────────────────────────── */

static void
add_pill (DeskCustomerPanel *self, const char *label)
{
  GtkWidget *pill = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 3);
  GtkWidget *text = gtk_label_new (label), *remove = gtk_button_new_from_icon_name ("window-close-symbolic");
  /* Translators: %s is a label of the chat. */
  g_autofree char *name = g_strdup_printf (_ ("Remove Label “%s”"), label);
  gtk_label_set_ellipsize (GTK_LABEL (text), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (text), 20);
  gtk_widget_add_css_class (pill, "label-pill");
  gtk_widget_add_css_class (remove, "flat");
  gtk_widget_add_css_class (remove, "circular");
  gtk_widget_set_tooltip_text (remove, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (remove), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (remove), "win.toggle-label");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (remove), "s", label);
  gtk_box_append (GTK_BOX (pill), text);
  gtk_box_append (GTK_BOX (pill), remove);
  gtk_flow_box_insert (self->labels_box, pill, -1);
}

static void
update_labels (DeskCustomerPanel *self, const DeskChat *chat)
{
  g_autofree char *all = g_strjoinv ("\n", chat->labels);
  GtkWidget *child;
  gtk_widget_set_visible (GTK_WIDGET (self->labels_box), chat->is_level2);
  if (g_strcmp0 (all, self->shown_labels) == 0)
    return;
  g_free (self->shown_labels);
  self->shown_labels = g_steal_pointer (&all);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->labels_box))) != NULL)
    gtk_flow_box_remove (self->labels_box, child);
  for (guint i = 0; chat->labels[i] != NULL; i++)
    add_pill (self, chat->labels[i]);
  GtkWidget *add = gtk_button_new_with_label (_ ("Add Label"));
  gtk_widget_add_css_class (add, "pill-small");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (add), "win.label");
  gtk_flow_box_insert (self->labels_box, add, -1);
  for (child = gtk_widget_get_first_child (GTK_WIDGET (self->labels_box)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    gtk_widget_set_focusable (child, FALSE); /* the buttons within take the focus */
}

static void
on_avatar (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskCustomerPanel) self = data;
  g_autofree char *path = desk_files_get_avatar_finish (DESK_FILES (source), result, NULL);
  g_autoptr (GFile) file = path != NULL ? g_file_new_for_path (path) : NULL;
  g_autoptr (GdkTexture) texture = file != NULL ? gdk_texture_new_from_file (file, NULL) : NULL;
  if (texture != NULL)
    adw_avatar_set_custom_image (self->avatar, GDK_PAINTABLE (texture));
}

static void
on_profile (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskCustomerPanel) self = data;
  DeskProfileRow *row = desk_store_get_profile_finish (DESK_STORE (source), result, NULL);
  DeskSync *sync = self->inbox != NULL ? desk_inbox_get_sync (self->inbox) : NULL;
  if (row != NULL && sync != NULL && row->profile->avatar != NULL && *row->profile->avatar != '\0'
      && !g_cancellable_is_cancelled (self->avatar_cancellable))
    desk_files_get_avatar_async (desk_sync_get_files (sync), row->profile->avatar, self->avatar_cancellable, on_avatar,
                                 g_object_ref (self));
  g_clear_pointer (&row, desk_profile_row_free);
}

/* The picture of the customer, where there is one. */
static void
read_avatar (DeskCustomerPanel *self)
{
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  g_cancellable_cancel (self->avatar_cancellable);
  g_clear_object (&self->avatar_cancellable);
  self->avatar_cancellable = g_cancellable_new ();
  adw_avatar_set_custom_image (self->avatar, NULL);
  if (desk_inbox_get_store (self->inbox) != NULL)
    desk_store_get_profile_async (desk_inbox_get_store (self->inbox), chat->platform, chat->user_id,
                                  self->avatar_cancellable, on_profile, g_object_ref (self));
}

static const char *
state_text (DeskChatState state)
{
  switch (state)
    {
    case DESK_CHAT_STATE_SNOOZED:
      return _ ("Snoozed");
    case DESK_CHAT_STATE_RESOLVED:
      return _ ("Resolved");
    case DESK_CHAT_STATE_OPEN:
    default:
      return _ ("Open");
    }
}

static void
update_state (DeskCustomerPanel *self, const DeskChat *chat)
{
  gint64 now_ms = desk_inbox_now_ms (self->inbox);
  gtk_widget_set_visible (GTK_WIDGET (self->state_group), chat->is_level2);
  if (chat->state == DESK_CHAT_STATE_SNOOZED && chat->snoozed_until_ms > 0)
    {
      g_autoptr (GDateTime) until = g_date_time_new_from_unix_local (chat->snoozed_until_ms / 1000);
      g_autofree char *when = g_date_time_format (until, _ ("%a %-e %b, %H:%M"));
      g_autofree char *text = g_strdup_printf (_ ("Snoozed until %s"), when);
      adw_action_row_set_subtitle (self->state_row, text);
    }
  else
    adw_action_row_set_subtitle (self->state_row, state_text (chat->state));
  adw_action_row_set_subtitle (self->assignee_row, chat->assignee != NULL && *chat->assignee != '\0'
                                                       ? chat->assignee
                                                       : _ ("Nobody"));
  gtk_widget_set_visible (GTK_WIDGET (self->waiting_row), chat->waiting_since_ms > 0);
  if (chat->waiting_since_ms > 0)
    {
      g_autofree char *span = desk_format_span (now_ms - chat->waiting_since_ms);
      adw_action_row_set_subtitle (self->waiting_row, span);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->window_row), chat->window_expires_at_ms > 0);
  if (chat->window_expires_at_ms > now_ms)
    {
      g_autofree char *span = desk_format_span (chat->window_expires_at_ms - now_ms);
      adw_action_row_set_subtitle (self->window_row, span);
    }
  else
    adw_action_row_set_subtitle (self->window_row, _ ("Over: the customer must write first"));
}

static void
update (DeskCustomerPanel *self)
{
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  const char *title = desk_inbox_platform_title (self->inbox, chat->platform);
  const char *handle = chat->messenger_name;
  g_autofree char *line = handle != NULL && *handle != '\0'
                              ? g_strdup_printf ("%s · %s", title, handle)
                              : g_strdup (title);

  adw_avatar_set_text (self->avatar, desk_chat_item_get_name (self->item));
  gtk_label_set_text (self->name_label, desk_chat_item_get_name (self->item));
  gtk_label_set_text (self->handle_label, line);
  gtk_image_set_from_icon_name (self->platform_image, desk_inbox_platform_icon (chat->platform));
  update_labels (self, chat);
  update_state (self, chat);
  update_metadata (self, chat->metadata);
}

void
desk_customer_panel_set_chat (DeskCustomerPanel *self, DeskInbox *inbox, DeskChatItem *item)
{
  if (self->item != NULL)
    g_signal_handlers_disconnect_by_data (self->item, self);
  desk_customer_profile_set_chat (self->profile, inbox, item);
  gboolean other = self->item != item;
  g_set_object (&self->inbox, inbox);
  g_set_object (&self->item, item);
  if (item == NULL)
    return;
  if (other)
    read_avatar (self);
  g_signal_connect_object (item, "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
}

static void
desk_customer_panel_dispose (GObject *object)
{
  DeskCustomerPanel *self = DESK_CUSTOMER_PANEL (object);
  g_clear_object (&self->item);
  g_clear_object (&self->inbox);
  g_clear_pointer (&self->metadata_rows, g_ptr_array_unref);
  g_clear_pointer (&self->shown_metadata, g_free);
  g_clear_pointer (&self->shown_labels, g_free);
  g_cancellable_cancel (self->avatar_cancellable);
  g_clear_object (&self->avatar_cancellable);
  G_OBJECT_CLASS (desk_customer_panel_parent_class)->dispose (object);
}

static void
desk_customer_panel_class_init (DeskCustomerPanelClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_customer_panel_dispose;
  g_type_ensure (DESK_TYPE_CUSTOMER_PROFILE);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/org/frontdesk/Frontdesk/ui/desk-customer-panel.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, header);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, avatar);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, name_label);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, handle_label);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, platform_image);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, labels_box);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, profile);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, state_group);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, state_row);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, assignee_row);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, waiting_row);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, window_row);
  gtk_widget_class_bind_template_child (widget_class, DeskCustomerPanel, metadata_group);
}

static void
desk_customer_panel_init (DeskCustomerPanel *self)
{
  self->metadata_rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}
