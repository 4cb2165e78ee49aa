/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The actions "app.…" and all keys. */

#include "app/desk-application-private.h"

#include <glib/gi18n.h>

#include "app/desk-notice-window.h"
#include "app/desk-canned-window.h"
#include "app/desk-preferences.h"
#include "app/desk-report-window.h"

/* "Until tomorrow" ends at this hour. */
#define MORNING_HOUR 8

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
on_canned (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  DeskInbox *inbox = self->window != NULL ? desk_window_get_inbox (self->window) : NULL;
  if (inbox != NULL && desk_inbox_get_store (inbox) != NULL)
    gtk_window_present (GTK_WINDOW (desk_canned_window_new (GTK_WINDOW (self->window), inbox)));
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
  g_autofree char *ledger = desk_notice_ledger_to_text (desk_notifier_get_ledger (self->notifier));
  adw_show_about_window (GTK_WINDOW (self->window), "application-name", _ ("Frontdesk"),
                         "application-icon", APPLICATION_ID, "version", PACKAGE_VERSION,
                         "developer-name", _ ("The Frontdesk developers"), "license-type",
                         GTK_LICENSE_GPL_3_0, "comments",
                         _ ("One inbox for the customers of all platforms"),
                         /* Translators: put your names here, one a line. */
                         "translator-credits", _ ("translator-credits"), "debug-info", ledger,
                         "debug-info-filename", "frontdesk-notifications.txt", NULL);
}

static void
on_quit (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  if (self->window != NULL)
    desk_window_leave_inbox (self->window);
  g_application_quit (G_APPLICATION (self));
}

static void
on_present (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_application_activate (G_APPLICATION (data));
}

static void
on_tell_background (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  desk_notifier_tell_background (DESK_APPLICATION (data)->notifier);
}

static void
on_notification_log (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  if (self->window != NULL)
    gtk_window_present (desk_notice_window_new (GTK_WINDOW (self->window),
                                                desk_notifier_get_ledger (self->notifier)));
}

/* ── Accounts ───────────────────────────────────────────────────────────────────────────────── */

static void
on_switch_account (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  g_autoptr (DeskSession) session = g_list_model_get_item (G_LIST_MODEL (self->sessions),
                                                           g_variant_get_uint32 (parameter));
  if (session != NULL && self->window != NULL)
    desk_application_show_session (self, session);
}

static void
on_add_account (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  if (self->window != NULL && self->cache_dir == NULL)
    desk_window_show_welcome (self->window, NULL, NULL, NULL, TRUE);
}

/* ── What notifications ask for ─────────────────────────────────────────────────────────────── */

/* The session and the chat that a notification names; NULL: the account is not open any more. */
static DeskSession *
find_target (DeskApplication *self, GVariant *parameter, const char **out_key)
{
  const char *dir;
  g_variant_get (parameter, "(&s&s)", &dir, out_key);
  desk_notifier_withdraw (self->notifier, dir, *out_key);
  return desk_application_find_session (self, dir);
}

static void
on_open_chat (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  const char *key;
  DeskSession *session = find_target (self, parameter, &key);
  g_application_activate (G_APPLICATION (self));
  if (self->window == NULL || session == NULL)
    return;
  desk_application_show_session (self, session);
  desk_window_open_chat (self->window, key);
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
  const char *key;
  DeskSession *session = find_target (self, parameter, &key);
  DeskInbox *inbox = session != NULL ? desk_session_get_inbox (session) : NULL;
  MarkRead *mark = g_new0 (MarkRead, 1);
  if (inbox == NULL || desk_inbox_get_store (inbox) == NULL
      || !desk_chat_parse_key (key, &mark->platform, &mark->user_id))
    {
      g_free (mark);
      return;
    }
  DeskTimelineQuery query = {
    .platform = mark->platform, .user_id = mark->user_id, .anchor = DESK_ANCHOR_NEWEST, .limit = 10
  };
  mark->inbox = g_object_ref (inbox);
  desk_store_list_messages_async (desk_inbox_get_store (inbox), &query, NULL, on_marked_chat, mark);
}

/* ── Do not disturb ─────────────────────────────────────────────────────────────────────────── */

static gboolean
on_disturb_over (gpointer data)
{
  DeskApplication *self = data;
  self->disturb_source = 0;
  desk_application_watch_disturb (self);
  return G_SOURCE_REMOVE;
}

void
desk_application_watch_disturb (DeskApplication *self)
{
  gint64 until_ms = g_settings_get_int64 (self->settings, "do-not-disturb-until");
  gint64 left_ms = until_ms - g_get_real_time () / 1000;
  g_clear_handle_id (&self->disturb_source, g_source_remove);
  if (!g_settings_get_boolean (self->settings, "do-not-disturb"))
    {
      if (until_ms != 0)
        g_settings_set_int64 (self->settings, "do-not-disturb-until", 0);
    }
  else if (until_ms > 0 && left_ms <= 0)
    g_settings_set_boolean (self->settings, "do-not-disturb", FALSE);
  else if (until_ms > 0) /* looked at again every minute: the computer may sleep meanwhile */
    self->disturb_source = g_timeout_add ((guint)MIN (left_ms, 60000), on_disturb_over, self);
}

static void
on_disturb_for (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  DeskApplication *self = data;
  int minutes = g_variant_get_int32 (parameter);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) until = NULL;
  if (minutes > 0)
    until = g_date_time_add_minutes (now, minutes);
  else
    {
      g_autoptr (GDateTime) tomorrow = g_date_time_add_days (now, 1);
      until = g_date_time_new_local (g_date_time_get_year (tomorrow),
                                     g_date_time_get_month (tomorrow),
                                     g_date_time_get_day_of_month (tomorrow), MORNING_HOUR, 0, 0);
    }
  g_settings_set_boolean (self->settings, "do-not-disturb", TRUE);
  g_settings_set_int64 (self->settings, "do-not-disturb-until", g_date_time_to_unix (until) * 1000);
  if (self->window != NULL)
    {
      g_autofree char *when = g_date_time_format (until, _ ("%a %H:%M"));
      /* Translators: %s is a day and a time, "Tue 08:00". */
      g_autofree char *text = g_strdup_printf (_ ("No notifications until %s"), when);
      desk_window_tell (self->window, text);
    }
}

static const GActionEntry entries[] = {
  { "preferences", on_preferences, NULL, NULL, NULL, { 0 } },
  { "reports", on_reports, NULL, NULL, NULL, { 0 } },
  { "canned-replies", on_canned, NULL, NULL, NULL, { 0 } },
  { "shortcuts", on_shortcuts, NULL, NULL, NULL, { 0 } },
  { "help", on_help, NULL, NULL, NULL, { 0 } },
  { "about", on_about, NULL, NULL, NULL, { 0 } },
  { "quit", on_quit, NULL, NULL, NULL, { 0 } },
  { "present", on_present, NULL, NULL, NULL, { 0 } },
  { "tell-background", on_tell_background, NULL, NULL, NULL, { 0 } },
  { "notification-log", on_notification_log, NULL, NULL, NULL, { 0 } },
  { "switch-account", on_switch_account, "u", NULL, NULL, { 0 } },
  { "add-account", on_add_account, NULL, NULL, NULL, { 0 } },
  { "do-not-disturb-for", on_disturb_for, "i", NULL, NULL, { 0 } },
  { "open-chat", on_open_chat, "(ss)", NULL, NULL, { 0 } },
  { "mark-read", on_mark_read, "(ss)", NULL, NULL, { 0 } },
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
  { "app.reports", "<Control><Shift>r" },
  { "win.assign", "<Control><Shift>a" },
  { "win.resolve", "<Control><Shift>e" },
  { "win.snooze", "<Control><Shift>s" },
  { "win.reopen", "<Control><Shift>o" },
  { "win.label", "<Control><Shift>l" },
  { "win.mute", "<Control><Shift>m" },
  { "win.send-and-resolve", "<Control>Return" },
  { "win.choose-chats", "<Control><Alt>s" },
};

void
desk_application_add_actions (DeskApplication *self)
{
  GtkApplication *application = GTK_APPLICATION (self);
  g_autoptr (GAction) disturb = g_settings_create_action (self->settings, "do-not-disturb");

  g_action_map_add_action_entries (G_ACTION_MAP (self), entries, G_N_ELEMENTS (entries), self);
  g_action_map_add_action (G_ACTION_MAP (self), disturb);
  g_signal_connect_object (self->settings, "changed::do-not-disturb",
                           G_CALLBACK (desk_application_watch_disturb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->settings, "changed::do-not-disturb-until",
                           G_CALLBACK (desk_application_watch_disturb), self, G_CONNECT_SWAPPED);
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

      g_autofree char *account = g_strdup_printf ("app.switch-account(uint32 %u)", i);
      g_autofree char *account_key = g_strdup_printf ("<Control><Alt>%u", i + 1);
      gtk_application_set_accels_for_action (application, account,
                                             (const char *[]) { account_key, NULL });
    }
}
