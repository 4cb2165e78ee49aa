/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Desktop notifications. Whether a chat is muted stands in its row, so that is read first; of
 * several messages of a chat in one change, the last one is shown. */

#include "app/desk-notifier.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"

struct _DeskNotifier
{
  GObject parent_instance;

  GApplication *application; /* borrowed: it owns us */
  DeskNotifierVisible visible;
  gpointer visible_data;
  GSettings *settings;
  DeskInbox *inbox;
};

typedef struct
{
  DeskNotifier *notifier;
  DeskMessage *message;
} Note;

G_DEFINE_FINAL_TYPE (DeskNotifier, desk_notifier, G_TYPE_OBJECT)

static void
note_free (Note *note)
{
  g_object_unref (note->notifier);
  desk_message_free (note->message);
  g_free (note);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Note, note_free)

static char *
notification_id (const char *key)
{
  return g_strconcat ("chat-", key, NULL);
}

/* NULL: it is shown. */
static const char *
reason_against (DeskNotifier *self, const char *key, const DeskChatRow *row)
{
  if (!g_settings_get_boolean (self->settings, "notifications-enabled"))
    return "switched off";
  if (g_settings_get_boolean (self->settings, "do-not-disturb"))
    return "do not disturb";
  if (row != NULL && row->chat->has_personal && row->chat->personal.muted)
    return "muted";
  if (g_strcmp0 (self->visible (self->visible_data), key) == 0)
    return "the chat is open";
  return NULL;
}

static void
show (DeskNotifier *self, const char *key, const DeskChatRow *row, const DeskMessage *message)
{
  g_autofree char *body = desk_message_summary (message, 200);
  g_autofree char *id = notification_id (key);
  const char *name
      = row != NULL && *row->chat->user_name != '\0' ? row->chat->user_name : message->user_name;
  g_autoptr (GNotification) notification
      = g_notification_new (name != NULL ? name : message->user_id);
  g_autoptr (GIcon) icon = g_themed_icon_new (APPLICATION_ID);

  g_notification_set_body (notification, body);
  g_notification_set_icon (notification, icon);
  g_notification_set_default_action_and_target (notification, "app.open-chat", "s", key);
  g_notification_add_button_with_target (notification, _ ("Reply"), "app.open-chat", "s", key);
  g_notification_add_button_with_target (notification, _ ("Mark as Read"), "app.mark-read", "s",
                                         key);
  g_application_send_notification (self->application, id, notification);
}

static void
on_chat_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Note) note = data;
  g_autoptr (DeskChatRow) row = desk_store_get_chat_finish (DESK_STORE (source), result, NULL);
  g_autofree char *key = desk_chat_format_key (note->message->platform, note->message->user_id);
  const char *reason = reason_against (note->notifier, key, row);
  if (reason == NULL)
    show (note->notifier, key, row, note->message);
  else
    g_debug ("no notification of %s: %s",
             note->message->id != NULL ? note->message->id : "a message", reason);
}

static void
on_changed (DeskNotifier *self, const DeskStoreChange *change)
{
  for (guint i = 0; change->new_incoming != NULL && i < change->new_incoming->len; i++)
    {
      const DeskMessage *message = g_ptr_array_index (change->new_incoming, i);
      Note *note = g_new0 (Note, 1);
      note->notifier = g_object_ref (self);
      note->message = desk_message_copy (message);
      desk_store_get_chat_async (desk_inbox_get_store (self->inbox), message->platform,
                                 message->user_id, NULL, on_chat_read, note);
    }
}

void
desk_notifier_set_inbox (DeskNotifier *self, DeskInbox *inbox)
{
  if (self->inbox != NULL)
    g_signal_handlers_disconnect_by_data (self->inbox, self);
  if (g_set_object (&self->inbox, inbox) && inbox != NULL)
    g_signal_connect_object (inbox, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
}

void
desk_notifier_withdraw (DeskNotifier *self, const char *key)
{
  g_autofree char *id = notification_id (key);
  g_application_withdraw_notification (self->application, id);
}

static void
desk_notifier_dispose (GObject *object)
{
  DeskNotifier *self = DESK_NOTIFIER (object);
  g_clear_object (&self->inbox);
  g_clear_object (&self->settings);
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
