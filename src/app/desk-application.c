/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The application: which inbox is opened. A cache has one holder: if another process has it, that
 * one is asked to come to the front and this one ends. */

#include "app/desk-application-private.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>

#include "app/desk-trace.h"

G_DEFINE_FINAL_TYPE (DeskApplication, desk_application, ADW_TYPE_APPLICATION)

/* ── Opening ────────────────────────────────────────────────────────────────────────────────── */

static void
on_nudged (const char *what, gpointer data)
{
  DeskApplication *self = data;
  DeskInbox *inbox = self->window != NULL ? desk_window_get_inbox (self->window) : NULL;
  if (g_strcmp0 (what, "present") == 0 && self->window != NULL)
    gtk_window_present (GTK_WINDOW (self->window));
  else if (g_strcmp0 (what, "stop") == 0)
    g_action_group_activate_action (G_ACTION_GROUP (self), "quit", NULL);
  else if (inbox != NULL && desk_inbox_get_store (inbox) != NULL)
    {
      desk_store_notify_external_change (desk_inbox_get_store (inbox));
      if (desk_inbox_get_sync (inbox) != NULL)
        desk_sync_nudge (desk_inbox_get_sync (inbox));
    }
}

/* FALSE: somebody else holds the cache, or it cannot be used; it was said. */
static gboolean
hold_cache (DeskApplication *self, const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_clear_pointer (&self->lock, desk_cache_lock_release);
  g_mkdir_with_parents (dir, 0700);
  self->lock = desk_cache_lock_acquire (dir, on_nudged, self, &error);
  if (self->lock != NULL)
    return TRUE;
  if (error != NULL)
    {
      g_printerr ("frontdesk: %s: %s\n", dir, error->message);
      self->exit_status = 1;
    }
  else
    {
      g_printerr ("frontdesk: these chats are open already; the other window comes to the front\n");
      desk_cache_nudge (dir, "present");
    }
  return FALSE;
}

/* The inbox of a cache that is held from now on; NULL if it cannot be held. */
static DeskInbox *
make_inbox (DeskApplication *self, const DeskInboxOptions *options)
{
  return hold_cache (self, options->dir) ? desk_inbox_new (options) : NULL;
}

static void
show_inbox (DeskApplication *self, DeskInbox *inbox)
{
  desk_notifier_set_inbox (self->notifier, inbox);
  desk_window_open (self->window, inbox);
}

static gboolean
open_inbox (DeskApplication *self, const DeskInboxOptions *options)
{
  desk_window_close_inbox (self->window);
  g_autoptr (DeskInbox) inbox = make_inbox (self, options);
  if (inbox == NULL)
    {
      gtk_window_destroy (GTK_WINDOW (self->window));
      return FALSE;
    }
  show_inbox (self, inbox);
  return TRUE;
}

/* Takes the account; what is returned borrows from it. */
static DeskInboxOptions
choose_account (DeskApplication *self, DeskAccount *account)
{
  const char *token = g_getenv ("FRONTDESK_TOKEN");
  g_clear_pointer (&self->account, desk_account_free);
  self->account = account;
  return (DeskInboxOptions) {
    .dir = self->cache_dir != NULL ? self->cache_dir : account->cache_dir,
    .server_url = account->server_url,
    .username = *account->username != '\0' ? account->username : NULL,
    .token = token != NULL && *token != '\0' ? token : NULL,
  };
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
      open_inbox (self, &options);
      return;
    }
  g_warning ("the demo did not start: %s", error->message);
  g_clear_object (&self->demo);
  desk_window_show_demo_progress (self->window, FALSE,
                                  _ ("The demo could not be started: is frontdeskd installed?"));
}

static void
start_demo (DeskApplication *self)
{
  if (self->demo != NULL)
    return;
  self->demo = desk_demo_new ();
  desk_window_show_demo_progress (self->window, TRUE, NULL);
  g_application_hold (G_APPLICATION (self));
  desk_demo_start_async (self->demo, NULL, on_demo_started, g_object_ref (self));
}

/* ── What the window asks for ───────────────────────────────────────────────────────────────── */

static void
on_signed_in (DeskApplication *self, DeskAccount *account)
{
  g_autoptr (GError) error = NULL;
  if (self->cache_dir == NULL && !desk_account_set_current (account, &error))
    g_warning ("the account was not remembered: %s", error->message);
  DeskInboxOptions options = choose_account (self, desk_account_copy (account));
  open_inbox (self, &options);
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
  desk_window_close_inbox (self->window);
  desk_notifier_set_inbox (self->notifier, NULL);
  g_clear_pointer (&self->lock, desk_cache_lock_release);
  desk_window_show_welcome (self->window, self->account != NULL ? self->account->server_url : NULL,
                            self->cache_dir, FALSE);
  if (self->demo != NULL)
    {
      g_clear_object (&self->demo);
      return;
    }
  if (self->account == NULL)
    return;
  g_application_hold (G_APPLICATION (self));
  desk_account_sign_out_async (self->account, erase, NULL, on_signed_out, g_object_ref (self));
  g_clear_pointer (&self->account, desk_account_free);
}

static void
on_window_gone (DeskApplication *self)
{
  self->window = NULL;
}

static const char *
get_visible_chat (gpointer data)
{
  DeskApplication *self = data;
  return self->window != NULL ? desk_window_get_visible_chat (self->window) : NULL;
}

/* ── The start ──────────────────────────────────────────────────────────────────────────────── */

/* With a server and a token in the environment no account is needed. */
static DeskAccount *
account_of_command_line (DeskApplication *self)
{
  const char *token = g_getenv ("FRONTDESK_TOKEN");
  DeskAccount *account = self->cache_dir != NULL ? desk_account_for_cache (self->cache_dir) : NULL;
  g_autoptr (GError) error = NULL;

  if (account != NULL
      && (self->server_url == NULL || g_strcmp0 (self->server_url, account->server_url) == 0))
    return account;
  g_clear_pointer (&account, desk_account_free);
  if (self->server_url == NULL || token == NULL || *token == '\0')
    return NULL;
  account = g_new0 (DeskAccount, 1);
  account->server_url = desk_account_normalize_url (self->server_url, &error);
  if (account->server_url == NULL)
    {
      g_printerr ("frontdesk: %s\n", error->message);
      g_free (account);
      return NULL;
    }
  account->username = g_strdup ("");
  account->display_name = g_strdup ("");
  account->cache_dir = self->cache_dir != NULL
                           ? g_strdup (self->cache_dir)
                           : desk_store_account_dir (NULL, account->server_url, "");
  return account;
}

static gboolean
cache_exists (const char *dir)
{
  g_autoptr (GDir) open = dir != NULL ? g_dir_open (dir, 0, NULL) : NULL;
  return open != NULL && g_dir_read_name (open) != NULL;
}

/* Begins to open what is shown first, before GTK starts: the disk and GTK's own start take about
 * the same time, on two threads. */
static void
prepare_first (DeskApplication *self)
{
  DeskAccount *account = account_of_command_line (self);
  DeskInboxOptions options = { .dir = self->cache_dir }; /* a cache alone can be read */
  if (account == NULL && self->cache_dir == NULL && self->server_url == NULL)
    {
      g_autoptr (GPtrArray) accounts = desk_account_list ();
      if (accounts->len > 0)
        account = desk_account_copy (g_ptr_array_index (accounts, 0));
    }
  if (account != NULL)
    options = choose_account (self, account);
  else if (!cache_exists (self->cache_dir))
    return;
  self->first_inbox = make_inbox (self, &options);
  if (self->first_inbox != NULL)
    desk_inbox_open_early (self->first_inbox);
  else
    self->refused = TRUE;
}

static void
open_first (DeskApplication *self)
{
  g_autoptr (DeskInbox) inbox = g_steal_pointer (&self->first_inbox);
  if (self->want_demo)
    start_demo (self);
  else if (inbox != NULL)
    show_inbox (self, inbox);
  else
    desk_window_show_welcome (self->window, self->server_url, self->cache_dir,
                              self->server_url != NULL);
}

static void
desk_application_activate (GApplication *application)
{
  DeskApplication *self = DESK_APPLICATION (application);
  if (self->refused)
    return; /* and with no window, the application ends */
  if (self->window == NULL)
    {
      desk_trace ("activate");
      self->window = desk_window_new (GTK_APPLICATION (self));
      g_signal_connect_object (self->window, "try-demo", G_CALLBACK (start_demo), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (self->window, "signed-in", G_CALLBACK (on_signed_in), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (self->window, "sign-out", G_CALLBACK (on_sign_out), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (self->window, "destroy", G_CALLBACK (on_window_gone), self,
                               G_CONNECT_SWAPPED);
      desk_trace ("window");
      open_first (self);
    }
  if (self->window != NULL)
    gtk_window_present (GTK_WINDOW (self->window));
}

static void
on_style_changed (DeskApplication *self)
{
  static const AdwColorScheme schemes[]
      = { ADW_COLOR_SCHEME_DEFAULT, ADW_COLOR_SCHEME_FORCE_LIGHT, ADW_COLOR_SCHEME_FORCE_DARK };
  guint choice = (guint)g_settings_get_enum (self->settings, "color-scheme");
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (),
                                      schemes[MIN (choice, G_N_ELEMENTS (schemes) - 1)]);
}

/* Ended from outside: drafts are stored and the demo is removed as when the manager quits. */
static gboolean
on_terminated (gpointer data)
{
  g_action_group_activate_action (G_ACTION_GROUP (data), "quit", NULL);
  return G_SOURCE_CONTINUE;
}

static void
desk_application_startup (GApplication *application)
{
  DeskApplication *self = DESK_APPLICATION (application);
  if (!self->want_demo)
    prepare_first (self);
  G_APPLICATION_CLASS (desk_application_parent_class)->startup (application);
  self->settings = g_settings_new (APPLICATION_ID);
  self->notifier = desk_notifier_new (application, get_visible_chat, self);
  g_signal_connect_object (self->settings, "changed::color-scheme", G_CALLBACK (on_style_changed),
                           self, G_CONNECT_SWAPPED);
  on_style_changed (self);
  desk_application_add_actions (self);
  self->term_source = g_unix_signal_add (SIGTERM, on_terminated, self);
  self->int_source = g_unix_signal_add (SIGINT, on_terminated, self);
  gtk_window_set_default_icon_name (APPLICATION_ID);
}

static void
desk_application_shutdown (GApplication *application)
{
  DeskApplication *self = DESK_APPLICATION (application);
  if (self->window != NULL)
    desk_window_close_inbox (self->window);
  g_clear_handle_id (&self->term_source, g_source_remove);
  g_clear_handle_id (&self->int_source, g_source_remove);
  g_clear_object (&self->notifier);
  g_clear_object (&self->first_inbox);
  g_clear_pointer (&self->lock, desk_cache_lock_release);
  g_clear_object (&self->demo);
  g_clear_object (&self->settings);
  G_APPLICATION_CLASS (desk_application_parent_class)->shutdown (application);
}

static int
desk_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  DeskApplication *self = DESK_APPLICATION (application);
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("frontdesk %s\n", PACKAGE_VERSION);
      return 0;
    }
  g_variant_dict_lookup (options, "cache", "^ay", &self->cache_dir);
  g_variant_dict_lookup (options, "server", "s", &self->server_url);
  self->want_demo = g_variant_dict_contains (options, "demo");
  if (self->want_demo || self->cache_dir != NULL || self->server_url != NULL)
    g_application_set_flags (application,
                             g_application_get_flags (application) | G_APPLICATION_NON_UNIQUE);
  return -1;
}

static void
desk_application_finalize (GObject *object)
{
  DeskApplication *self = DESK_APPLICATION (object);
  g_free (self->cache_dir);
  g_free (self->server_url);
  g_clear_pointer (&self->account, desk_account_free);
  G_OBJECT_CLASS (desk_application_parent_class)->finalize (object);
}

static void
desk_application_class_init (DeskApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = desk_application_finalize;
  application_class->activate = desk_application_activate;
  application_class->startup = desk_application_startup;
  application_class->shutdown = desk_application_shutdown;
  application_class->handle_local_options = desk_application_handle_local_options;
}

static void
desk_application_init (DeskApplication *self)
{
  static const GOptionEntry options[] = {
    { "demo", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Start with simulated customers"), NULL },
    { "cache", 0, 0, G_OPTION_ARG_FILENAME, NULL, N_ ("Folder of the chats on this computer"),
      N_ ("FOLDER") },
    { "server", 0, 0, G_OPTION_ARG_STRING, NULL, N_ ("Address of the server"), N_ ("URL") },
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Print the version and exit"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  g_application_add_main_option_entries (G_APPLICATION (self), options);
}

DeskApplication *
desk_application_new (void)
{
  return g_object_new (DESK_TYPE_APPLICATION, "application-id", APPLICATION_ID,
                       "resource-base-path", "/org/frontdesk/Frontdesk", NULL);
}

int
desk_application_get_exit_status (DeskApplication *self)
{
  return self->exit_status;
}
