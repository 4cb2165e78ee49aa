/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The accounts in the main menu. The rows are made anew whenever the menu opens: there are few. */

#include "app/desk-account-switcher.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "app/desk-application.h"
#include "app/desk-session.h"

#define AVATAR_SIZE 32

static GtkWidget *
new_label (const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 24);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  return label;
}

static GtkWidget *
new_row (DeskSession *session, guint position, gboolean shown)
{
  const char *title = desk_session_get_title (session);
  g_autofree char *place = desk_session_dup_place (session);
  gint64 unread = desk_session_get_unread (session);
  g_autofree char *count = g_strdup_printf ("%d", (int)MIN (unread, 9999));
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkWidget *names = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *button = gtk_button_new ();
  g_autofree char *said
      = unread > 0 ? g_strdup_printf (ngettext ("%s, %s, %d unread", "%s, %s, %d unread",
                                                (gulong)unread),
                                      title, place, (int)MIN (unread, G_MAXINT))
                   : g_strdup_printf ("%s, %s", title, place);

  gtk_box_append (GTK_BOX (row), adw_avatar_new (AVATAR_SIZE, title, TRUE));
  gtk_box_append (GTK_BOX (names), new_label (title, shown ? "heading" : NULL));
  gtk_box_append (GTK_BOX (names), new_label (place, "caption"));
  gtk_widget_set_hexpand (names, TRUE);
  gtk_widget_set_valign (names, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (row), names);
  if (unread > 0)
    {
      GtkWidget *badge = new_label (count, "account-unread");
      gtk_widget_set_valign (badge, GTK_ALIGN_CENTER);
      gtk_box_append (GTK_BOX (row), badge);
    }
  if (shown)
    gtk_box_append (GTK_BOX (row), gtk_image_new_from_icon_name ("object-select-symbolic"));
  gtk_button_set_child (GTK_BUTTON (button), row);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_add_css_class (button, "account-row");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "app.switch-account");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "u", position);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  return button;
}

static void
on_clicked (GtkWidget *box)
{
  GtkWidget *popover = gtk_widget_get_ancestor (box, GTK_TYPE_POPOVER);
  if (popover != NULL)
    gtk_popover_popdown (GTK_POPOVER (popover));
}

static void
append (GtkWidget *box, GtkWidget *button)
{
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_clicked), box,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  gtk_box_append (GTK_BOX (box), button);
}

static void
fill (GtkWidget *box)
{
  GApplication *application = g_application_get_default ();
  GtkWidget *child;
  while ((child = gtk_widget_get_first_child (box)) != NULL)
    gtk_box_remove (GTK_BOX (box), child);
  if (!DESK_IS_APPLICATION (application))
    return;
  GListModel *sessions = desk_application_get_sessions (DESK_APPLICATION (application));
  const char *shown = desk_application_get_shown_dir (DESK_APPLICATION (application));
  guint n = g_list_model_get_n_items (sessions);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeskSession) session = g_list_model_get_item (sessions, i);
      const char *dir = desk_inbox_get_dir (desk_session_get_inbox (session));
      append (box, new_row (session, i, g_strcmp0 (dir, shown) == 0));
    }
  GtkWidget *add = gtk_button_new_with_mnemonic (_ ("_Add Account…"));
  gtk_widget_add_css_class (add, "flat");
  gtk_widget_set_halign (gtk_button_get_child (GTK_BUTTON (add)), GTK_ALIGN_START);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (add), "app.add-account");
  append (box, add);
}

void
desk_account_switcher_add_to (GtkMenuButton *button)
{
  GtkPopover *popover = gtk_menu_button_get_popover (button);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  g_return_if_fail (GTK_IS_POPOVER_MENU (popover));
  gtk_popover_menu_add_child (GTK_POPOVER_MENU (popover), box, "accounts");
  g_signal_connect_object (popover, "map", G_CALLBACK (fill), box, G_CONNECT_SWAPPED);
  fill (box);
}
