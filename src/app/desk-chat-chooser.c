/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The chats that are chosen are kept as items, not as positions: the list may move meanwhile. */

#include "app/desk-chat-chooser.h"

#include <glib/gi18n.h>

#include "app/desk-chat-list-row.h"

struct _DeskChatChooser
{
  GtkBox parent_instance;

  GtkLabel *count;
  GtkBox *buttons;
  GHashTable *chosen; /* of DeskChatItem */
};

enum
{
  SIGNAL_ENDED,
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskChatChooser, desk_chat_chooser, GTK_TYPE_BOX)

static void
changed (DeskChatChooser *self)
{
  guint n = g_hash_table_size (self->chosen);
  g_autofree char *text = n == 0 ? g_strdup (_ ("Choose chats"))
                                 : g_strdup_printf (ngettext ("%u chosen", "%u chosen", n), n);
  gtk_label_set_text (self->count, text);
  gtk_widget_set_sensitive (GTK_WIDGET (self->buttons), n > 0);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

void
desk_chat_chooser_toggle (DeskChatChooser *self, DeskChatItem *item)
{
  if (!g_hash_table_remove (self->chosen, item))
    g_hash_table_add (self->chosen, g_object_ref (item));
  changed (self);
}

void
desk_chat_chooser_choose_all (DeskChatChooser *self, GListModel *model)
{
  guint n = g_list_model_get_n_items (model);
  for (guint i = 0; i < n; i++)
    g_hash_table_add (self->chosen, g_list_model_get_item (model, i));
  changed (self);
}

void
desk_chat_chooser_clear (DeskChatChooser *self)
{
  g_hash_table_remove_all (self->chosen);
  changed (self);
}

GPtrArray *
desk_chat_chooser_list (DeskChatChooser *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer item;
  g_hash_table_iter_init (&iter, self->chosen);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    g_ptr_array_add (list, g_object_ref (item));
  return list;
}

/* ── Rows ───────────────────────────────────────────────────────────────────────────────────── */

static GtkCheckButton *
get_check (GtkListItem *list_item)
{
  return GTK_CHECK_BUTTON (gtk_widget_get_first_child (gtk_list_item_get_child (list_item)));
}

static void
update_check (GtkListItem *list_item, DeskChatChooser *self)
{
  DeskChatItem *item = gtk_list_item_get_item (list_item);
  if (item != NULL)
    gtk_check_button_set_active (get_check (list_item), g_hash_table_contains (self->chosen, item));
}

static void
on_check_toggled (GtkCheckButton *check, gpointer data)
{
  GtkListItem *list_item = data;
  DeskChatChooser *self = g_object_get_data (G_OBJECT (check), "chooser");
  DeskChatItem *item = gtk_list_item_get_item (list_item);
  if (item != NULL && gtk_check_button_get_active (check) != g_hash_table_contains (self->chosen, item))
    desk_chat_chooser_toggle (self, item);
}

static void
on_row_released (GtkGestureClick *gesture, int n_press, double x, double y, gpointer data)
{
  GtkCheckButton *check = get_check (data);
  gtk_check_button_set_active (check, !gtk_check_button_get_active (check));
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  GtkWidget *check = gtk_check_button_new (), *row = g_object_new (DESK_TYPE_CHAT_LIST_ROW, NULL);
  GtkGesture *click = gtk_gesture_click_new ();
  gtk_widget_set_margin_start (check, 6);
  gtk_widget_set_hexpand (row, TRUE);
  gtk_box_append (GTK_BOX (box), check);
  gtk_box_append (GTK_BOX (box), row);
  g_object_set_data (G_OBJECT (check), "chooser", data);
  g_signal_connect_object (check, "toggled", G_CALLBACK (on_check_toggled), list_item, 0);
  g_signal_connect_object (click, "released", G_CALLBACK (on_row_released), list_item, 0);
  gtk_widget_add_controller (row, GTK_EVENT_CONTROLLER (click));
  gtk_list_item_set_activatable (list_item, FALSE);
  gtk_list_item_set_selectable (list_item, FALSE);
  gtk_list_item_set_child (list_item, box);
  g_signal_connect_object (data, "changed", G_CALLBACK (update_check), list_item, G_CONNECT_SWAPPED);
}

static DeskChatListRow *
get_row (GtkListItem *list_item)
{
  return DESK_CHAT_LIST_ROW (gtk_widget_get_last_child (gtk_list_item_get_child (list_item)));
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  DeskChatItem *item = gtk_list_item_get_item (list_item);
  desk_chat_list_row_set_item (get_row (list_item), item);
  gtk_accessible_update_property (GTK_ACCESSIBLE (get_check (list_item)), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  desk_chat_item_get_name (item), -1);
  update_check (list_item, data);
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *list_item, gpointer data)
{
  desk_chat_list_row_set_item (get_row (list_item), NULL);
}

GtkListItemFactory *
desk_chat_chooser_make_factory (DeskChatChooser *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  g_signal_connect_object (factory, "setup", G_CALLBACK (on_setup), self, 0);
  g_signal_connect_object (factory, "bind", G_CALLBACK (on_bind), self, 0);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), NULL);
  return factory;
}

/* ── The bar ────────────────────────────────────────────────────────────────────────────────── */

static void
add_button (GtkBox *box, const char *icon, const char *name, const char *action)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  gtk_widget_add_css_class (button, "flat");
  gtk_box_append (box, button);
}

static void
on_close_clicked (DeskChatChooser *self)
{
  g_signal_emit (self, signals[SIGNAL_ENDED], 0);
}

static void
desk_chat_chooser_finalize (GObject *object)
{
  g_hash_table_unref (DESK_CHAT_CHOOSER (object)->chosen);
  G_OBJECT_CLASS (desk_chat_chooser_parent_class)->finalize (object);
}

static void
desk_chat_chooser_class_init (DeskChatChooserClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = desk_chat_chooser_finalize;
  signals[SIGNAL_ENDED] = g_signal_new ("ended", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
desk_chat_chooser_init (DeskChatChooser *self)
{
  GtkWidget *close = gtk_button_new_from_icon_name ("window-close-symbolic");
  self->chosen = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->count = GTK_LABEL (gtk_label_new (NULL));
  self->buttons = GTK_BOX (gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0));
  gtk_widget_add_css_class (GTK_WIDGET (self), "chooser-bar");
  gtk_box_set_spacing (GTK_BOX (self), 6);
  gtk_label_set_xalign (self->count, 0);
  gtk_label_set_ellipsize (self->count, PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (GTK_WIDGET (self->count), TRUE);
  gtk_widget_add_css_class (GTK_WIDGET (self->count), "heading");
  gtk_widget_add_css_class (close, "flat");
  gtk_widget_set_tooltip_text (close, _ ("Stop Choosing"));
  g_signal_connect_object (close, "clicked", G_CALLBACK (on_close_clicked), self, G_CONNECT_SWAPPED);
  add_button (self->buttons, "object-select-symbolic", _ ("Resolve the Chosen"), "win.resolve");
  add_button (self->buttons, "alarm-symbolic", _ ("Snooze the Chosen"), "win.snooze");
  add_button (self->buttons, "avatar-default-symbolic", _ ("Assign the Chosen"), "win.assign");
  add_button (self->buttons, "user-bookmarks-symbolic", _ ("Label the Chosen"), "win.label");
  add_button (self->buttons, "mail-read-symbolic", _ ("Mark the Chosen as Read"), "win.mark-chosen-read");
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->count));
  gtk_box_append (GTK_BOX (self), GTK_WIDGET (self->buttons));
  gtk_box_append (GTK_BOX (self), close);
  changed (self);
}

GtkWidget *
desk_chat_chooser_new (void)
{
  return g_object_new (DESK_TYPE_CHAT_CHOOSER, NULL);
}
