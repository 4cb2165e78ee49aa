/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The ledger of notifications as a list. It is filled when it opens and follows what comes. */

#include "app/desk-notice-window.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "app/desk-format.h"

#define MOST_ROWS 200

static GtkWidget *
new_row (DeskNoticeRecord *record)
{
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *chat = g_markup_escape_text (desk_notice_record_get_chat (record), -1);
  g_autofree char *when = desk_format_exact (desk_notice_record_get_time_ms (record));
  GtkWidget *time = gtk_label_new (when);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), chat);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), desk_notice_outcome_describe (
                                                         desk_notice_record_get_outcome (record)));
  gtk_widget_add_css_class (time, "numeric");
  gtk_widget_add_css_class (time, "dim-label");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), time);
  return row;
}

static void
on_records_changed (
    GListModel *records, guint position, guint removed, guint added, gpointer data)
{
  GtkWidget *list = data;
  GtkStack *stack = GTK_STACK (gtk_widget_get_ancestor (list, GTK_TYPE_STACK));
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (DeskNoticeRecord) record = g_list_model_get_item (records, position + i);
      gtk_list_box_prepend (GTK_LIST_BOX (list), new_row (record));
    }
  if (stack != NULL && added > 0)
    gtk_stack_set_visible_child_name (stack, "list");
}

static GtkWidget *
new_list (GListModel *records)
{
  GtkWidget *list = gtk_list_box_new ();
  guint n = g_list_model_get_n_items (records);
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_set_valign (list, GTK_ALIGN_START);
  for (guint i = n > MOST_ROWS ? n - MOST_ROWS : 0; i < n; i++)
    on_records_changed (records, i, 0, 1, list);
  g_signal_connect_object (records, "items-changed", G_CALLBACK (on_records_changed), list, 0);
  return list;
}

static GtkWidget *
new_empty (void)
{
  return g_object_new (ADW_TYPE_STATUS_PAGE, "icon-name", "preferences-system-notifications-symbolic",
                       "title", _ ("Nothing Arrived Yet"), "description",
                       _ ("For each message that arrives from now on, you see here whether there "
                          "was a notification, and if not, why."),
                       NULL);
}

GtkWindow *
desk_notice_window_new (GtkWindow *parent, DeskNoticeLedger *ledger)
{
  GListModel *records = desk_notice_ledger_get_records (ledger);
  GtkWidget *window = adw_window_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *scrolled = gtk_scrolled_window_new (), *clamp = adw_clamp_new ();
  GtkWidget *stack = gtk_stack_new ();
  GtkWidget *list = new_list (records);

  g_object_set (clamp, "child", list, "margin-top", 18, "margin-bottom", 18, "margin-start", 12,
                "margin-end", 12, NULL);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), clamp);
  gtk_widget_set_vexpand (stack, TRUE);
  gtk_stack_add_named (GTK_STACK (stack), new_empty (), "empty");
  gtk_stack_add_named (GTK_STACK (stack), scrolled, "list");
  gtk_stack_set_visible_child_name (GTK_STACK (stack),
                                    g_list_model_get_n_items (records) > 0 ? "list" : "empty");
  gtk_box_append (GTK_BOX (box), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (box), stack);
  g_object_set (window, "title", _ ("Notification Log"), "transient-for", parent,
                "destroy-with-parent", TRUE, "default-width", 480, "default-height", 520, NULL);
  adw_window_set_content (ADW_WINDOW (window), box);
  return GTK_WINDOW (window);
}
