/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Desktop notifications. Whether a chat is muted stands in its row, so that is read first; of
 * several messages of a chat, the last one is shown. A chat that is read, here or elsewhere, takes
 * its notification back. */

#include "app/desk-notifier.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"
#include "app/desk-sound.h"

struct _DeskNotifier
{
  GObject parent_instance;

  GApplication *application; /* borrowed: it owns us */
  DeskNotifierVisible visible;
  gpointer visible_data;
  GSettings *settings;
  DeskNoticeLedger *ledger;
  GHashTable *shown; /* ids of the notifications that are out */
  gint64 badge;
  gboolean told_background;
};

typedef struct
{
  DeskNotifier *notifier;
  DeskInbox *inbox;
  char *key;
  DeskMessage *message; /* NULL: only whether it is read */
} Note;

G_DEFINE_FINAL_TYPE (DeskNotifier, desk_notifier, G_TYPE_OBJECT)

static void
note_free (Note *note)
{
  g_object_unref (note->notifier);
  g_object_unref (note->inbox);
  g_clear_pointer (&note->message, desk_message_free);
  g_free (note->key);
  g_free (note);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Note, note_free)

static char *
notification_id (const char *dir, const char *key)
{
  g_autofree char *account = g_compute_checksum_for_string (G_CHECKSUM_SHA256, dir, -1);
  return g_strdup_printf ("chat-%.12s-%s", account, key);
}

gboolean
desk_disturb_is_on (GSettings *settings, gint64 now_ms)
{
  gint64 until_ms = g_settings_get_int64 (settings, "do-not-disturb-until");
  return g_settings_get_boolean (settings, "do-not-disturb") && (until_ms == 0 || now_ms < until_ms);
}

/* TRUE: there is a reason against it. */
static gboolean
find_reason (DeskNotifier *self, const Note *note, const DeskChatRow *row, DeskNoticeOutcome *out)
{
  const char *open = self->visible (desk_inbox_get_dir (note->inbox), self->visible_data);
  if (!g_settings_get_boolean (self->settings, "notifications-enabled"))
    *out = DESK_NOTICE_OFF;
  else if (row != NULL && row->chat->has_personal && row->chat->personal.muted)
    *out = DESK_NOTICE_MUTED;
  else if (g_strcmp0 (open, note->key) == 0)
    *out = DESK_NOTICE_OPEN;
  else if (desk_disturb_is_on (self->settings, g_get_real_time () / 1000))
    *out = DESK_NOTICE_DISTURB;
  else if (row != NULL && row->unread == 0)
    *out = DESK_NOTICE_READ;
  else
    return FALSE;
  return TRUE;
}

static char *
dup_body (const DeskChatRow *row, const DeskMessage *message)
{
  g_autofree char *summary = desk_message_summary (message, 200);
  gint64 unread = row != NULL ? row->unread : 1;
  if (unread <= 1)
    return g_steal_pointer (&summary);
  /* Translators: below the newest message of a chat with several that were not read. */
  g_autofree char *more
      = g_strdup_printf (ngettext ("%d unread message", "%d unread messages", (gulong)unread),
                         (int)MIN (unread, G_MAXINT));
  return g_strdup_printf ("%s\n%s", summary, more);
}

static void
show (DeskNotifier *self, const Note *note, const DeskChatRow *row)
{
  const DeskMessage *message = note->message;
  const char *dir = desk_inbox_get_dir (note->inbox);
  g_autofree char *body = dup_body (row, message);
  g_autofree char *id = notification_id (dir, note->key);
  const char *name
      = row != NULL && *row->chat->user_name != '\0' ? row->chat->user_name : message->user_name;
  g_autoptr (GNotification) notification
      = g_notification_new (name != NULL && *name != '\0' ? name : message->user_id);
  g_autoptr (GIcon) icon = g_themed_icon_new (APPLICATION_ID);

  g_notification_set_body (notification, body);
  g_notification_set_icon (notification, icon);
  g_notification_set_category (notification, "im.received");
  g_notification_set_default_action_and_target (notification, "app.open-chat", "(ss)", dir,
                                                note->key);
  g_notification_add_button_with_target (notification, _ ("Reply"), "app.open-chat", "(ss)", dir,
                                         note->key);
  g_notification_add_button_with_target (notification, _ ("Mark as Read"), "app.mark-read", "(ss)",
                                         dir, note->key);
  g_application_send_notification (self->application, id, notification);
  g_hash_table_add (self->shown, g_steal_pointer (&id));
}

static void
on_chat_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Note) note = data;
  DeskNotifier *self = note->notifier;
  g_autoptr (DeskChatRow) row = desk_store_get_chat_finish (DESK_STORE (source), result, NULL);
  DeskNoticeOutcome outcome = DESK_NOTICE_SHOWN;

  if (self->application == NULL)
    return;
  if (row != NULL && row->unread == 0)
    desk_notifier_withdraw (self, desk_inbox_get_dir (note->inbox), note->key);
  if (note->message == NULL)
    return;
  if (!find_reason (self, note, row, &outcome))
    {
      show (self, note, row);
      if (g_settings_get_boolean (self->settings, "notification-sound"))
        {
          desk_sound_play ();
          outcome = DESK_NOTICE_SHOWN_WITH_SOUND;
        }
    }
  desk_notice_ledger_add (self->ledger, g_get_real_time () / 1000,
                          row != NULL && *row->chat->user_name != '\0' ? row->chat->user_name
                                                                       : note->message->user_id,
                          note->message->id, outcome);
}

static void
look_at (DeskNotifier *self, DeskInbox *inbox, const char *key, const DeskMessage *message)
{
  g_autofree char *platform = NULL, *user_id = NULL;
  if (desk_inbox_get_store (inbox) == NULL || !desk_chat_parse_key (key, &platform, &user_id))
    return;
  Note *note = g_new0 (Note, 1);
  note->notifier = g_object_ref (self);
  note->inbox = g_object_ref (inbox);
  note->key = g_strdup (key);
  note->message = message != NULL ? desk_message_copy (message) : NULL;
  desk_store_get_chat_async (desk_inbox_get_store (inbox), platform, user_id, NULL, on_chat_read,
                             note);
}

static void
on_changed (DeskInbox *inbox, const DeskStoreChange *change, gpointer data)
{
  DeskNotifier *self = data;
  for (guint i = 0; change->chats != NULL && i < change->chats->len; i++)
    {
      const char *key = g_ptr_array_index (change->chats, i);
      g_autofree char *id = notification_id (desk_inbox_get_dir (inbox), key);
      if (g_hash_table_contains (self->shown, id))
        look_at (self, inbox, key, NULL);
    }
  for (guint i = 0; change->new_incoming != NULL && i < change->new_incoming->len; i++)
    {
      const DeskMessage *message = g_ptr_array_index (change->new_incoming, i);
      g_autofree char *key = desk_chat_format_key (message->platform, message->user_id);
      look_at (self, inbox, key, message);
    }
}

/* What the server tells all managers: a connection that fails is worth a notification. */
static void
on_notice (DeskInbox *inbox, const DeskNotification *notice, gpointer data)
{
  DeskNotifier *self = data;
  if (!g_settings_get_boolean (self->settings, "notifications-enabled")
      || desk_disturb_is_on (self->settings, g_get_real_time () / 1000) || notice->title == NULL)
    return;
  g_autofree char *id = g_strdup_printf (
      "notice-%s", notice->connection != NULL ? notice->connection : notice->kind);
  g_autoptr (GNotification) notification = g_notification_new (notice->title);
  if (notice->text != NULL)
    g_notification_set_body (notification, notice->text);
  g_application_send_notification (self->application, id, notification);
}

void
desk_notifier_add_session (DeskNotifier *self, DeskSession *session)
{
  DeskInbox *inbox = desk_session_get_inbox (session);
  g_signal_connect_object (inbox, "changed", G_CALLBACK (on_changed), self, 0);
  g_signal_connect_object (inbox, "notice", G_CALLBACK (on_notice), self, 0);
}

void
desk_notifier_remove_session (DeskNotifier *self, DeskSession *session)
{
  g_signal_handlers_disconnect_by_data (desk_session_get_inbox (session), self);
}

void
desk_notifier_withdraw (DeskNotifier *self, const char *dir, const char *key)
{
  g_autofree char *id = notification_id (dir, key);
  if (g_hash_table_remove (self->shown, id))
    g_application_withdraw_notification (self->application, id);
}

/* The protocol of the Unity launcher, which several docks follow. */
void
desk_notifier_set_badge (DeskNotifier *self, gint64 count)
{
  GDBusConnection *bus = g_application_get_dbus_connection (self->application);
  GVariantBuilder builder;
  if (bus == NULL || count == self->badge)
    return;
  self->badge = count;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "count", g_variant_new_int64 (count));
  g_variant_builder_add (&builder, "{sv}", "count-visible", g_variant_new_boolean (count > 0));
  g_dbus_connection_emit_signal (
      bus, NULL, "/org/frontdesk/Frontdesk", "com.canonical.Unity.LauncherEntry", "Update",
      g_variant_new ("(sa{sv})", "application://" APPLICATION_ID ".desktop", &builder), NULL);
}

void
desk_notifier_tell_background (DeskNotifier *self)
{
  g_autoptr (GNotification) notification
      = g_notification_new (_ ("Frontdesk Runs in the Background"));
  if (self->told_background)
    return;
  self->told_background = TRUE;
  g_notification_set_body (notification, _ ("Messages still arrive and you are notified of them."));
  g_notification_set_default_action (notification, "app.present");
  g_notification_add_button (notification, _ ("Quit"), "app.quit");
  g_application_send_notification (self->application, "background", notification);
}

DeskNoticeLedger *
desk_notifier_get_ledger (DeskNotifier *self)
{
  return self->ledger;
}

static void
desk_notifier_dispose (GObject *object)
{
  DeskNotifier *self = DESK_NOTIFIER (object);
  self->application = NULL; /* notes may be under way */
  g_clear_object (&self->settings);
  g_clear_object (&self->ledger);
  g_clear_pointer (&self->shown, g_hash_table_unref);
  G_OBJECT_CLASS (desk_notifier_parent_class)->dispose (object);
}

static void
desk_notifier_class_init (DeskNotifierClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = desk_notifier_dispose;
}

static void
desk_notifier_init (DeskNotifier *self)
{
  self->settings = g_settings_new (APPLICATION_ID);
  self->ledger = desk_notice_ledger_new ();
  self->shown = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

DeskNotifier *
desk_notifier_new (GApplication *application, DeskNotifierVisible visible, gpointer data)
{
  DeskNotifier *self = g_object_new (DESK_TYPE_NOTIFIER, NULL);
  self->application = application;
  self->visible = visible;
  self->visible_data = data;
  return self;
}
