/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The accounts that are open. Every one is a session with a cache that is held and an engine that
 * runs, so that all are notified of; one of them is in the window. Changing between them closes
 * nothing. */

#include "app/desk-application-private.h"

#include <glib/gi18n.h>

/* ── Sessions ───────────────────────────────────────────────────────────────────────────────── */

DeskSession *
desk_application_find_session (DeskApplication *self, const char *dir)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->sessions));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeskSession) session = g_list_model_get_item (G_LIST_MODEL (self->sessions), i);
      if (g_strcmp0 (desk_inbox_get_dir (desk_session_get_inbox (session)), dir) == 0)
        return session; /* the list has it */
    }
  return NULL;
}

static void
on_nudged (DeskApplication *self, const char *what, DeskSession *session)
{
  DeskInbox *inbox = desk_session_get_inbox (session);
  if (g_strcmp0 (what, "present") == 0)
    g_application_activate (G_APPLICATION (self));
  else if (g_strcmp0 (what, "stop") == 0)
    g_action_group_activate_action (G_ACTION_GROUP (self), "quit", NULL);
  else if (desk_inbox_get_store (inbox) != NULL)
    {
      if (desk_inbox_get_sync (inbox) != NULL)
        desk_sync_take_nudge (desk_inbox_get_sync (inbox), what);
      else
        desk_store_notify_external_change (desk_inbox_get_store (inbox));
    }
}

static void
on_session_opened (DeskApplication *self, DeskSession *session)
{
  if (self->shown == session && self->window != NULL)
    desk_window_open (self->window, desk_session_get_inbox (session));
}

static void
on_session_changed (DeskApplication *self)
{
  gint64 unread = 0;
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->sessions));
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeskSession) session = g_list_model_get_item (G_LIST_MODEL (self->sessions), i);
      unread += desk_session_get_unread (session);
    }
  if (self->notifier != NULL)
    desk_notifier_set_badge (self->notifier, unread);
  if (self->window != NULL)
    desk_window_set_account_title (self->window, n > 1 && self->shown != NULL
                                                     ? desk_session_get_title (self->shown)
                                                     : NULL);
}

static gboolean
hold (DeskApplication *self, DeskSession *session)
{
  g_autoptr (GError) error = NULL;
  const char *dir = desk_inbox_get_dir (desk_session_get_inbox (session));
  switch (desk_session_hold (session, &error))
    {
    case DESK_HOLD_OK:
      return TRUE;
    case DESK_HOLD_TAKEN:
      g_printerr ("frontdesk: these chats are open already; the other window comes to the front\n");
      desk_cache_nudge (dir, "present");
      return FALSE;
    case DESK_HOLD_FAILED:
    default:
      g_printerr ("frontdesk: %s: %s\n", dir, error->message);
      self->exit_status = 1;
      return FALSE;
    }
}

DeskSession *
desk_application_add_session (DeskApplication *self,
                              DeskAccount *account,
                              const DeskInboxOptions *options)
{
  g_autoptr (DeskSession) session = desk_session_new (account, options);
  if (!hold (self, session))
    return NULL;
  g_signal_connect_object (session, "nudged", G_CALLBACK (on_nudged), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "opened", G_CALLBACK (on_session_opened), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "changed", G_CALLBACK (on_session_changed), self,
                           G_CONNECT_SWAPPED);
  g_list_store_append (self->sessions, session);
  if (self->notifier != NULL)
    desk_notifier_add_session (self->notifier, session);
  return session; /* the list has it */
}

static void
remove_session (DeskApplication *self, DeskSession *session)
{
  guint position;
  if (self->shown == session)
    {
      if (self->window != NULL)
        desk_window_leave_inbox (self->window);
      self->shown = NULL;
    }
  desk_notifier_remove_session (self->notifier, session);
  desk_session_close (session);
  if (g_list_store_find (self->sessions, session, &position))
    g_list_store_remove (self->sessions, position);
  on_session_changed (self);
}

void
desk_application_show_session (DeskApplication *self, DeskSession *session)
{
  DeskInbox *inbox = desk_session_get_inbox (session);
  if (self->shown != session || desk_window_get_inbox (self->window) != inbox)
    {
      self->shown = session;
      desk_window_leave_inbox (self->window);
      if (!desk_session_is_opening (session))
        desk_window_open (self->window, inbox);
    }
  else
    desk_window_show_inbox (self->window);
  on_session_changed (self);
}

DeskInboxOptions
desk_application_account_options (DeskApplication *self, const DeskAccount *account)
{
  const char *token = g_getenv ("FRONTDESK_TOKEN");
  return (DeskInboxOptions) {
    .dir = self->cache_dir != NULL ? self->cache_dir : account->cache_dir,
    .server_url = account->server_url,
    .username = *account->username != '\0' ? account->username : NULL,
    .token = token != NULL && *token != '\0' ? token : NULL,
  };
}

void
desk_application_open_others (DeskApplication *self)
{
  g_autoptr (GPtrArray) accounts = desk_account_list ();
  for (guint i = 0; i < accounts->len; i++)
    {
      DeskAccount *account = g_ptr_array_index (accounts, i);
      DeskInboxOptions options = desk_application_account_options (self, account);
      if (desk_application_find_session (self, options.dir) != NULL)
        continue;
      DeskSession *session
          = desk_application_add_session (self, desk_account_copy (account), &options);
      if (session != NULL)
        desk_session_open (session);
    }
}

/* ── The demo ───────────────────────────────────────────────────────────────────────────────── */

static void
on_demo_started (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskApplication) self = data;
  g_autoptr (GError) error = NULL;
  gboolean started = desk_demo_start_finish (DESK_DEMO (source), result, &error);
  g_application_release (G_APPLICATION (self));
  if (self->window == NULL || self->demo != DESK_DEMO (source))
    return;
  if (started)
    {
      DeskInboxOptions options = {
        .dir = self->cache_dir != NULL ? self->cache_dir : desk_demo_get_cache_dir (self->demo),
        .server_url = desk_demo_get_url (self->demo),
        .token = desk_demo_get_token (self->demo),
        .is_demo = TRUE,
      };
      DeskSession *session = desk_application_add_session (self, NULL, &options);
      if (session != NULL)
        desk_application_show_session (self, session);
      else
        gtk_window_destroy (GTK_WINDOW (self->window));
      return;
    }
  g_warning ("the demo did not start: %s", error->message);
  g_clear_object (&self->demo);
  desk_window_show_demo_progress (self->window, FALSE,
                                  _ ("The demo could not be started: is frontdeskd installed?"));
}

void
desk_application_start_demo (DeskApplication *self)
{
  if (self->demo != NULL)
    return;
  self->demo = desk_demo_new ();
  desk_window_show_demo_progress (self->window, TRUE, NULL);
  g_application_hold (G_APPLICATION (self));
  desk_demo_start_async (self->demo, NULL, on_demo_started, g_object_ref (self));
}

/* ── Signing in and out ─────────────────────────────────────────────────────────────────────── */

static void
on_signed_in (DeskApplication *self, DeskAccount *account)
{
  g_autoptr (GError) error = NULL;
  DeskInboxOptions options = desk_application_account_options (self, account);
  DeskSession *session = desk_application_find_session (self, options.dir);
  if (self->cache_dir == NULL && !desk_account_set_current (account, &error))
    g_warning ("the account was not remembered: %s", error->message);
  if (session != NULL) /* signed in anew: with the new sign-in */
    remove_session (self, session);
  session = desk_application_add_session (self, desk_account_copy (account), &options);
  if (session != NULL)
    desk_application_show_session (self, session);
  else
    desk_window_tell (self->window, _ ("These chats are open in another window"));
}

static void
on_signed_out (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskApplication) self = data;
  g_autoptr (GError) error = NULL;
  if (!desk_account_sign_out_finish (result, &error) && self->window != NULL)
    desk_window_tell (self->window, error->message);
  g_application_release (G_APPLICATION (self));
}

static void
on_sign_out (DeskApplication *self, gboolean erase)
{
  g_autoptr (DeskSession) session = self->shown != NULL ? g_object_ref (self->shown) : NULL;
  if (session == NULL)
    return;
  const DeskAccount *account = desk_session_get_account (session);
  gboolean demo = desk_inbox_is_demo (desk_session_get_inbox (session));
  remove_session (self, session);
  if (demo)
    g_clear_object (&self->demo);
  g_autoptr (DeskSession) next = g_list_model_get_item (G_LIST_MODEL (self->sessions), 0);
  if (next != NULL)
    desk_application_show_session (self, next);
  else
    desk_window_show_welcome (self->window, account != NULL ? account->server_url : NULL, NULL,
                              self->cache_dir, FALSE);
  if (account == NULL)
    return;
  g_application_hold (G_APPLICATION (self));
  desk_account_sign_out_async (account, erase, NULL, on_signed_out, g_object_ref (self));
}

static void
on_window_gone (DeskApplication *self)
{
  self->window = NULL;
  self->shown = NULL;
}

void
desk_application_connect_window (DeskApplication *self)
{
  g_signal_connect_object (self->window, "try-demo", G_CALLBACK (desk_application_start_demo), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->window, "signed-in", G_CALLBACK (on_signed_in), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->window, "sign-out", G_CALLBACK (on_sign_out), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->window, "destroy", G_CALLBACK (on_window_gone), self,
                           G_CONNECT_SWAPPED);
}
