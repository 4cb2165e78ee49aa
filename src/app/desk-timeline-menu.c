/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* What can be done with a message. The actions are those of the chat page, by the message's id. */

#include "app/desk-timeline-menu.h"

#include <glib/gi18n.h>

static void
add_item (GMenu *menu, const char *label, const char *action, const char *id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);
  g_menu_item_set_action_and_target (item, action, "s", id);
  g_menu_append_item (menu, item);
}

void
desk_timeline_menu_show (
    GtkWidget *parent, GtkWidget **menu, DeskTimelineEntry *entry, double x, double y)
{
  const DeskMessage *message = desk_timeline_entry_get_message (entry);
  if (message == NULL || message->id == NULL || message->deleted_at_ms > 0)
    return;
  g_autoptr (GMenu) items = g_menu_new ();
  add_item (items, _ ("_Reply"), "message.reply", message->id);
  if (*message->text != '\0')
    add_item (items, _ ("_Copy Text"), "message.copy", message->id);
  if (*menu == NULL)
    {
      *menu = gtk_popover_menu_new_from_model (NULL);
      gtk_popover_set_has_arrow (GTK_POPOVER (*menu), FALSE);
      gtk_widget_set_halign (*menu, GTK_ALIGN_START);
      gtk_widget_set_parent (*menu, parent);
    }
  gtk_popover_menu_set_menu_model (GTK_POPOVER_MENU (*menu), G_MENU_MODEL (items));
  gtk_popover_set_pointing_to (GTK_POPOVER (*menu), &(GdkRectangle) { (int)x, (int)y, 1, 1 });
  gtk_popover_popup (GTK_POPOVER (*menu));
}
