/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Every template can be built, with its children and handlers: a fault in one is a fatal warning
 * here. Needs a display. */

#include <adwaita.h>

#include "app/desk-chat-list-row.h"
#include "app/desk-chat-page.h"
#include "app/desk-composer.h"
#include "app/desk-customer-panel.h"
#include "app/desk-preferences.h"
#include "app/desk-search-page.h"
#include "app/desk-sidebar.h"
#include "app/desk-state-bar.h"
#include "app/desk-timeline-view.h"
#include "app/desk-welcome-page.h"
#include "app/desk-window.h"

static void
test_type (gconstpointer data)
{
  GType type = *(const GType *)data;
  GtkWidget *widget = g_object_new (type, NULL);
  g_object_ref_sink (widget);
  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, NULL, NULL, NULL, NULL);
  if (GTK_IS_WINDOW (widget))
    gtk_window_destroy (GTK_WINDOW (widget));
  g_object_add_weak_pointer (G_OBJECT (widget), (gpointer *)&widget);
  g_object_unref (widget);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (widget); /* nothing keeps it alive */
}

static void
test_shortcuts (void)
{
  g_autoptr (GtkBuilder) builder = gtk_builder_new ();
  g_autoptr (GError) error = NULL;
  gtk_builder_add_from_resource (builder, "/org/frontdesk/Frontdesk/ui/shortcuts.ui", &error);
  g_assert_no_error (error);
  gtk_window_destroy (GTK_WINDOW (gtk_builder_get_object (builder, "shortcuts")));
}

int
main (int argc, char *argv[])
{
  static GType types[11];
  g_test_init (&argc, &argv, NULL);
  adw_init ();
  types[0] = DESK_TYPE_CHAT_LIST_ROW;
  types[1] = DESK_TYPE_COMPOSER;
  types[2] = DESK_TYPE_TIMELINE_VIEW;
  types[3] = DESK_TYPE_CHAT_PAGE;
  types[4] = DESK_TYPE_CUSTOMER_PANEL;
  types[5] = DESK_TYPE_SEARCH_PAGE;
  types[6] = DESK_TYPE_STATE_BAR;
  types[7] = DESK_TYPE_SIDEBAR;
  types[8] = DESK_TYPE_WELCOME_PAGE;
  types[9] = DESK_TYPE_PREFERENCES;
  types[10] = DESK_TYPE_WINDOW;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *path = g_strconcat ("/app/template/", g_type_name (types[i]), NULL);
      g_test_add_data_func (path, &types[i], test_type);
    }
  g_test_add_func ("/app/template/shortcuts", test_shortcuts);
  return g_test_run ();
}
