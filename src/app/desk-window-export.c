/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Saving and printing the open chat. */

#include <glib/gi18n.h>

#include "app/desk-chat-print.h"
#include "app/desk-export.h"
#include "app/desk-window-private.h"

static void
on_exported (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskWindow) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint n;
  if (desk_export_chat_finish (DESK_INBOX (source), result, &n, &error))
    text = g_strdup_printf (ngettext ("Saved with %u message", "Saved with %u messages", n), n);
  else
    text = g_strdup_printf (_ ("The chat could not be saved: %s"), error->message);
  desk_window_tell (self, text);
}

static void
on_file_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  DeskWindow *self = data;
  GtkFileChooser *chooser = GTK_FILE_CHOOSER (dialog);
  g_autoptr (GFile) file = gtk_file_chooser_get_file (chooser);
  char **key = g_object_get_data (G_OBJECT (dialog), "chat");
  g_autofree char *name = file != NULL ? g_file_get_basename (file) : NULL;
  const char *notes = gtk_file_chooser_get_choice (chooser, "notes");
  if (response == GTK_RESPONSE_ACCEPT && file != NULL && self->inbox != NULL
      && desk_inbox_get_store (self->inbox) != NULL)
    desk_export_chat_async (self->inbox, key[0], key[1],
                            g_str_has_suffix (name, ".json") ? DESK_EXPORT_JSON : DESK_EXPORT_HTML,
                            g_strcmp0 (notes, "true") == 0, file, NULL, on_exported, g_object_ref (self));
  g_object_unref (dialog);
}

static void
add_filter (GtkFileChooser *chooser, const char *name, const char *pattern)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();
  gtk_file_filter_set_name (filter, name);
  gtk_file_filter_add_pattern (filter, pattern);
  gtk_file_chooser_add_filter (chooser, filter);
}

static void
action_save_chat (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  DeskChatItem *item = self->chat_page != NULL ? desk_chat_page_get_item (self->chat_page) : NULL;
  if (item == NULL)
    return;
  const DeskChat *chat = desk_chat_item_get_chat (item);
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
      _ ("Save Chat"), GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_SAVE, NULL, NULL);
  g_autofree char *safe = g_strdelimit (g_strdup (desk_chat_item_get_name (item)), "/\\:", '-');
  g_autofree char *file_name = g_strconcat (safe, ".html", NULL);
  char **key = g_new0 (char *, 3);
  key[0] = g_strdup (chat->platform);
  key[1] = g_strdup (chat->user_id);
  g_object_set_data_full (G_OBJECT (dialog), "chat", key, (GDestroyNotify)g_strfreev);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), file_name);
  add_filter (GTK_FILE_CHOOSER (dialog), _ ("Web page (.html)"), "*.html");
  add_filter (GTK_FILE_CHOOSER (dialog), _ ("Data for programs (.json)"), "*.json");
  gtk_file_chooser_add_choice (GTK_FILE_CHOOSER (dialog), "notes", _ ("With internal notes"), NULL, NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_file_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

static void
on_printed (const char *problem, gpointer data)
{
  g_autoptr (DeskWindow) self = data;
  if (problem == NULL)
    return;
  g_autofree char *text = g_strdup_printf (_ ("The chat could not be printed: %s"), problem);
  desk_window_tell (self, text);
}

static void
action_print_chat (GtkWidget *widget, const char *name, GVariant *parameter)
{
  DeskWindow *self = DESK_WINDOW (widget);
  DeskChatItem *item = self->chat_page != NULL ? desk_chat_page_get_item (self->chat_page) : NULL;
  if (item == NULL)
    return;
  const DeskChat *chat = desk_chat_item_get_chat (item);
  desk_chat_print (GTK_WINDOW (self), self->inbox, chat->platform, chat->user_id,
                   desk_chat_item_get_name (item), NULL, on_printed, g_object_ref (self));
}

void
desk_window_install_export_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.save-chat", NULL, action_save_chat);
  gtk_widget_class_install_action (widget_class, "win.print-chat", NULL, action_print_chat);
}
