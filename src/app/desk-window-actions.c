/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The actions "win.…": everything that a key or a menu can ask of the window. */

#include "app/desk-window-private.h"

#include <glib/gi18n.h>

#include "app/desk-switcher.h"

static gboolean
has_chat (DeskWindow *self)
{
  return self->chat_page != NULL && desk_chat_page_get_item (self->chat_page) != NULL;
}

static void
action_back (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  adw_leaflet_navigate (self->leaflet, ADW_NAVIGATION_DIRECTION_BACK);
  if (adw_leaflet_get_folded (self->leaflet))
    desk_sidebar_unselect (self->sidebar);
}

static void
action_reply (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (has_chat (self))
    desk_chat_page_reply_to_current (self->chat_page);
}

static void
action_note (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (has_chat (self))
    desk_chat_page_toggle_note (self->chat_page);
}

static void
action_mark_unread (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (!has_chat (self))
    return;
  const DeskChat *chat = desk_chat_item_get_chat (desk_chat_page_get_item (self->chat_page));
  desk_inbox_mark_unread (self->inbox, chat->platform, chat->user_id);
  action_back (widget, name, NULL);
  desk_sidebar_unselect (self->sidebar); /* an open chat would be read again at once */
}

static void
action_search (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (self->inbox == NULL)
    return;
  adw_leaflet_set_visible_child (self->leaflet, GTK_WIDGET (self->sidebar_clamp));
  desk_sidebar_start_search (self->sidebar, FALSE);
}

static void
action_switch_chat (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (self->inbox != NULL)
    gtk_window_present (desk_switcher_new (GTK_WINDOW (self), self->inbox));
}

static void
action_go_to_chat (GtkWidget *widget, const char *name, GVariant *parameter)
{
  desk_window_open_chat (DESK_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

static void
action_neighbour (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  gboolean unread = g_str_equal (name, "win.next-unread");
  desk_sidebar_select_neighbour (self->sidebar, g_str_equal (name, "win.previous-chat") ? -1 : 1,
                                 unread);
}

static void
action_filter (GtkWidget *widget, const char *name, GVariant *parameter)
{
  desk_sidebar_choose_filter (DESK_WINDOW (widget)->sidebar, g_variant_get_uint32 (parameter));
}

static void
action_escape (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  if (desk_sidebar_get_chosen_bar (self->sidebar) != NULL)
    {
      desk_sidebar_end_choosing (self->sidebar);
      return;
    }
  if (desk_sidebar_end_search (self->sidebar))
    {
      if (has_chat (self))
        desk_chat_page_focus_composer (self->chat_page);
      return;
    }
  if (has_chat (self))
    desk_chat_page_escape (self->chat_page);
}

static void
action_retry_now (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  DeskSync *sync = self->inbox != NULL ? desk_inbox_get_sync (self->inbox) : NULL;
  if (sync != NULL)
    desk_sync_retry_now (sync);
}

static void
action_sign_in (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  g_autofree char *url
      = self->inbox != NULL ? g_strdup (desk_inbox_get_server_url (self->inbox)) : NULL;
  g_autofree char *dir = self->inbox != NULL ? g_strdup (desk_inbox_get_dir (self->inbox)) : NULL;
  const char *me = self->inbox != NULL ? desk_inbox_get_me (self->inbox) : NULL;
  desk_window_show_welcome (self, url, me, dir, TRUE);
}

static void
on_sign_out_answer (AdwMessageDialog *dialog, const char *answer, gpointer data)
{
  DeskWindow *self = data;
  if (g_str_equal (answer, "keep") || g_str_equal (answer, "erase"))
    g_signal_emit_by_name (self, "sign-out", g_str_equal (answer, "erase"));
}

static void
action_sign_out (GtkWidget *widget, const char *name, GVariant *parameter)
{
  GtkWidget *dialog = adw_message_dialog_new (
      GTK_WINDOW (widget), _ ("Sign Out?"),
      _ ("The chats on this computer can be kept, so that signing in again is quick, "
         "or erased, together with drafts and replies that were not sent yet."));
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "cancel", _ ("_Cancel"), "erase",
                                    _ ("_Erase and Sign Out"), "keep", _ ("_Keep and Sign Out"),
                                    NULL);
  adw_message_dialog_set_response_appearance (ADW_MESSAGE_DIALOG (dialog), "erase",
                                              ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "keep");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "cancel");
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_sign_out_answer), widget, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
action_leave_demo (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_signal_emit_by_name (widget, "sign-out", TRUE);
}

static void
action_toggle_panel (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  desk_window_show_panel (self, !adw_flap_get_reveal_flap (self->flap));
}

void
desk_window_update_actions (DeskWindow *self)
{
  gboolean chat = has_chat (self), demo = self->inbox != NULL && desk_inbox_is_demo (self->inbox);
  GtkWidget *widget = GTK_WIDGET (self);
  gtk_widget_action_set_enabled (widget, "win.reply", chat);
  gtk_widget_action_set_enabled (widget, "win.note", chat);
  gtk_widget_action_set_enabled (widget, "win.mark-unread", chat);
  gtk_widget_action_set_enabled (widget, "win.save-chat", chat);
  gtk_widget_action_set_enabled (widget, "win.print-chat", chat);
  gtk_widget_action_set_enabled (widget, "win.sign-out",
                                 self->inbox != NULL && !demo
                                     && desk_inbox_get_server_url (self->inbox) != NULL);
  gtk_widget_action_set_enabled (widget, "win.leave-demo", demo);
  desk_window_watch_chat (self);
}

void
desk_window_install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.back", NULL, action_back);
  gtk_widget_class_install_action (widget_class, "win.reply", NULL, action_reply);
  gtk_widget_class_install_action (widget_class, "win.note", NULL, action_note);
  gtk_widget_class_install_action (widget_class, "win.mark-unread", NULL, action_mark_unread);
  gtk_widget_class_install_action (widget_class, "win.search", NULL, action_search);
  gtk_widget_class_install_action (widget_class, "win.switch-chat", NULL, action_switch_chat);
  gtk_widget_class_install_action (widget_class, "win.go-to-chat", "s", action_go_to_chat);
  gtk_widget_class_install_action (widget_class, "win.next-chat", NULL, action_neighbour);
  gtk_widget_class_install_action (widget_class, "win.previous-chat", NULL, action_neighbour);
  gtk_widget_class_install_action (widget_class, "win.next-unread", NULL, action_neighbour);
  gtk_widget_class_install_action (widget_class, "win.filter", "u", action_filter);
  gtk_widget_class_install_action (widget_class, "win.escape", NULL, action_escape);
  gtk_widget_class_install_action (widget_class, "win.retry-now", NULL, action_retry_now);
  gtk_widget_class_install_action (widget_class, "win.sign-in", NULL, action_sign_in);
  gtk_widget_class_install_action (widget_class, "win.sign-out", NULL, action_sign_out);
  gtk_widget_class_install_action (widget_class, "win.leave-demo", NULL, action_leave_demo);
  gtk_widget_class_install_action (widget_class, "win.toggle-panel", NULL, action_toggle_panel);
  desk_window_install_export_actions (widget_class);
  desk_window_install_chat_actions (widget_class);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "win.escape", NULL);
}
