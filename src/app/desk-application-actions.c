/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The actions "app.…" and all keys. */

#include "app/desk-application-private.h"

#include <glib/gi18n.h>

#include "app/desk-preferences.h"
#include "app/desk-report-window.h"

static void
on_preferences (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  if (self->window != NULL)
    gtk_window_present (GTK_WINDOW (desk_preferences_new (GTK_WINDOW (self->window))));
}

static void
on_reports (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  DeskInbox *inbox = self->window != NULL ? desk_window_get_inbox (self->window) : NULL;
  if (inbox != NULL && desk_inbox_get_store (inbox) != NULL)
    gtk_window_present (desk_report_window_new (GTK_WINDOW (self->window), inbox));
}

static void
on_shortcuts (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  g_autoptr (GtkBuilder) builder
      = gtk_builder_new_from_resource ("/org/frontdesk/Frontdesk/ui/shortcuts.ui");
  GtkWindow *shortcuts = GTK_WINDOW (gtk_builder_get_object (builder, "shortcuts"));
  gtk_window_set_transient_for (shortcuts, GTK_WINDOW (self->window));
  gtk_window_present (shortcuts);
}

static void
on_help (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  gtk_show_uri (GTK_WINDOW (self->window), "help:frontdesk", GDK_CURRENT_TIME);
}

static void
on_about (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  adw_show_about_window (GTK_WINDOW (self->window), "application-name", _ ("Frontdesk"),
                         "application-icon", APPLICATION_ID, "version", PACKAGE_VERSION,
                         "developer-name", _ ("The Frontdesk developers"), "license-type",
                         GTK_LICENSE_GPL_3_0, "comments",
                         _ ("One inbox for the customers of all platforms"),
                         /* Translators: put your names here, one a line. */
                         "translator-credits", _ ("translator-credits"), NULL);
}

static void
on_quit (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  if (self->window != NULL)
    desk_window_close_inbox (self->window);
  g_application_quit (G_APPLICATION (self));
}

static void
on_open_chat (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  const char *key = g_variant_get_string (parameter, NULL);
  g_application_activate (G_APPLICATION (self));
  if (self->window != NULL)
    desk_window_open_chat (self->window, key);
  desk_notifier_withdraw (self->notifier, key);
}

typedef struct
{
  DeskInbox *inbox;
  char *platform;
  char *user_id;
} MarkRead;

static void
on_marked_chat (GObject *source, GAsyncResult *result, gpointer data)
{
  MarkRead *mark = data;
  DeskTimelinePage *newest = desk_store_list_messages_finish (DESK_STORE (source), result, NULL);
  for (guint i = newest != NULL ? newest->items->len : 0; i > 0; i--)
    {
      const DeskTimelineItem *item = g_ptr_array_index (newest->items, i - 1);
      if (item->type != DESK_ITEM_MESSAGE)
        continue;
      desk_inbox_mark_read (mark->inbox, mark->platform, mark->user_id, item->order_key);
      break;
    }
  g_clear_pointer (&newest, desk_timeline_page_free);
  g_object_unref (mark->inbox);
  g_free (mark->platform);
  g_free (mark->user_id);
  g_free (mark);
}

static void
on_mark_read (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  DeskInbox *inbox = self->window != NULL ? desk_window_get_inbox (self->window) : NULL;
  MarkRead *mark = g_new0 (MarkRead, 1);
  if (inbox == NULL || desk_inbox_get_store (inbox) == NULL
      || !desk_chat_parse_key (g_variant_get_string (parameter, NULL), &mark->platform,
                               &mark->user_id))
    {
      g_free (mark);
      return;
    }
  DeskTimelineQuery query = {
    .platform = mark->platform, .user_id = mark->user_id, .anchor = DESK_ANCHOR_NEWEST, .limit = 10
  };
  mark->inbox = g_object_ref (inbox);
  desk_store_list_messages_async (desk_inbox_get_store (inbox), &query, NULL, on_marked_chat, mark);
  desk_notifier_withdraw (self->notifier, g_variant_get_string (parameter, NULL));
}

static const GActionEntry entries[] = {
  { "preferences", on_preferences, NULL, NULL, NULL, { 0 } },
  { "reports", on_reports, NULL, NULL, NULL, { 0 } },
  { "shortcuts", on_shortcuts, NULL, NULL, NULL, { 0 } },
  { "help", on_help, NULL, NULL, NULL, { 0 } },
  { "about", on_about, NULL, NULL, NULL, { 0 } },
  { "quit", on_quit, NULL, NULL, NULL, { 0 } },
  { "open-chat", on_open_chat, "s", NULL, NULL, { 0 } },
  { "mark-read", on_mark_read, "s", NULL, NULL, { 0 } },
};

static const char *const keys[][2] = {
  { "app.preferences", "<Control>comma" },
  { "app.shortcuts", "<Control>question" },
  { "app.help", "F1" },
  { "app.quit", "<Control>q" },
  { "window.close", "<Control>w" },
  { "win.switch-chat", "<Control>k" },
  { "win.next-chat", "<Alt>Down" },
  { "win.previous-chat", "<Alt>Up" },
  { "win.next-unread", "<Alt><Shift>Down" },
  { "win.note", "<Control><Shift>n" },
  { "win.reply", "<Control>r" },
  { "win.toggle-panel", "F9" },
  { "win.save-chat", "<Control>s" },
  { "win.print-chat", "<Control>p" },
  { "win.mark-unread", "<Control><Shift>u" },
};

void
desk_application_add_actions (DeskApplication *self)
{
  GtkApplication *application = GTK_APPLICATION (self);
  g_autoptr (GAction) disturb = g_settings_create_action (self->settings, "do-not-disturb");

  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  g_action_map_add_action (G_ACTION_MAP (self), disturb);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_application_set_accels_for_action (application, keys[i][0],
                                           (const char *[]) { keys[i][1], NULL });
  gtk_application_set_accels_for_action (application, "win.search",
                                         (const char *[]) { "<Control>f", "<Control><Shift>f",
                                                            NULL });
  for (guint i = 0; i < 9; i++)
    {
      g_autofree char *action = g_strdup_printf ("win.filter(uint32 %u)", i);
      g_autofree char *key = g_strdup_printf ("<Control>%u", i + 1);
      gtk_application_set_accels_for_action (application, action, (const char *[]) { key, NULL });
    }
}
