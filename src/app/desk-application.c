/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The application: which inbox is opened. A cache has one holder: if another process has it, that
 * one is asked to come to the front and this one ends. With several accounts the one used last is
 * shown first, and the others open when the window is there. */

#include "app/desk-application-private.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>

#include "app/desk-trace.h"

/* So long the first window has the machine for itself. */
#define OTHERS_MS 400

G_DEFINE_FINAL_TYPE (DeskApplication, desk_application, ADW_TYPE_APPLICATION)

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
  g_autoptr (DeskAccount) account = account_of_command_line (self);
  DeskInboxOptions options = { .dir = self->cache_dir }; /* a cache alone can be read */
  if (account == NULL && self->cache_dir == NULL && self->server_url == NULL)
    {
      g_autoptr (GPtrArray) accounts = desk_account_list ();
      if (accounts->len > 0)
        account = desk_account_copy (g_ptr_array_index (accounts, 0));
    }
  if (account != NULL)
    options = desk_application_account_options (self, account);
  else if (!cache_exists (self->cache_dir))
    return;
  self->first = desk_application_add_session (
      self, account != NULL ? desk_account_copy (account) : NULL, &options);
  if (self->first != NULL)
    desk_inbox_open_early (desk_session_get_inbox (self->first));
  else
    self->refused = TRUE;
}

/* With what the window needs done first: after the first frames, at rest. */
static gboolean
on_others (gpointer data)
{
  DeskApplication *self = data;
  self->others_source = 0;
  desk_application_open_others (self);
  return G_SOURCE_REMOVE;
}

static void
open_first (DeskApplication *self)
{
  g_autoptr (DeskSession) any = g_list_model_get_item (G_LIST_MODEL (self->sessions), 0);
  DeskSession *first = g_steal_pointer (&self->first);
  if (self->want_demo)
    desk_application_start_demo (self);
  else if (first != NULL || any != NULL)
    desk_application_show_session (self, first != NULL ? first : any);
  else
    desk_window_show_welcome (self->window, self->server_url, NULL, self->cache_dir,
                              self->server_url != NULL);
  if (!self->want_demo && self->cache_dir == NULL && self->server_url == NULL
      && self->others_source == 0)
    self->others_source = g_timeout_add_full (G_PRIORITY_LOW, OTHERS_MS, on_others, self, NULL);
}

/* Started at login: the accounts are open and notified of, and there is no window yet. */
static void
start_in_background (DeskApplication *self)
{
  self->want_background = FALSE;
  if (self->first != NULL)
    desk_session_open (g_steal_pointer (&self->first));
  desk_application_open_others (self);
  if (g_list_model_get_n_items (G_LIST_MODEL (self->sessions)) == 0)
    return; /* nothing to wait for: the application ends */
  self->held = TRUE;
  g_application_hold (G_APPLICATION (self));
}

static void
desk_application_activate (GApplication *application)
{
  DeskApplication *self = DESK_APPLICATION (application);
  if (self->refused)
    return; /* and with no window, the application ends */
  if (self->want_background)
    {
      start_in_background (self);
      return;
    }
  if (self->window == NULL)
    {
      desk_trace ("activate");
      self->window = desk_window_new (GTK_APPLICATION (self));
      desk_application_connect_window (self);
      desk_trace ("window");
      open_first (self);
      if (self->held)
        g_application_release (application);
      self->held = FALSE;
    }
  if (self->window != NULL)
    gtk_window_present (GTK_WINDOW (self->window));
}

/* "P/U" of the chat that the manager looks at, if it is one of that cache. */
static const char *
get_visible_chat (const char *dir, gpointer data)
{
  DeskApplication *self = data;
  return self->window != NULL && g_strcmp0 (desk_application_get_shown_dir (self), dir) == 0
             ? desk_window_get_visible_chat (self->window)
             : NULL;
}

static void
on_text_size_changed (DeskApplication *self)
{
  GtkSettings *gtk_settings = gtk_settings_get_default ();
  int percent = g_settings_get_int (self->settings, "text-size");
  if (gtk_settings == NULL)
    return;
  gtk_settings_reset_property (gtk_settings, "gtk-xft-dpi");
  if (percent == 100)
    return;
  int dpi = 0;
  g_object_get (gtk_settings, "gtk-xft-dpi", &dpi, NULL);
  g_object_set (gtk_settings, "gtk-xft-dpi", (dpi > 0 ? dpi : 96 * 1024) * percent / 100, NULL);
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
  if (self->first != NULL)
    desk_notifier_add_session (self->notifier, self->first);
  g_signal_connect_object (self->settings, "changed::text-size", G_CALLBACK (on_text_size_changed),
                           self, G_CONNECT_SWAPPED);
  on_text_size_changed (self);
  desk_application_watch_disturb (self);
  g_signal_connect_object (self->settings, "changed::color-scheme", G_CALLBACK (on_style_changed),
                           self, G_CONNECT_SWAPPED);
  on_style_changed (self);
  desk_application_add_actions (self);
  self->term_source = g_unix_signal_add (SIGTERM, on_terminated, self);
  self->int_source = g_unix_signal_add (SIGINT, on_terminated, self);
  gtk_window_set_default_icon_name (APPLICATION_ID);
}

/* Drafts are stored by the window before. */
static void
close_sessions (DeskApplication *self)
{
  self->shown = self->first = NULL;
  for (guint n; (n = g_list_model_get_n_items (G_LIST_MODEL (self->sessions))) > 0;)
    {
      g_autoptr (DeskSession) last = g_list_model_get_item (G_LIST_MODEL (self->sessions), n - 1);
      desk_notifier_remove_session (self->notifier, last);
      desk_session_close (last);
      g_list_store_remove (self->sessions, n - 1);
    }
}

static void
desk_application_shutdown (GApplication *application)
{
  DeskApplication *self = DESK_APPLICATION (application);
  if (self->window != NULL)
    desk_window_leave_inbox (self->window);
  close_sessions (self);
  g_clear_handle_id (&self->disturb_source, g_source_remove);
  g_clear_handle_id (&self->others_source, g_source_remove);
  g_clear_handle_id (&self->term_source, g_source_remove);
  g_clear_handle_id (&self->int_source, g_source_remove);
  g_clear_object (&self->notifier);
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
  self->want_background = g_variant_dict_contains (options, "background");
  if (self->want_demo || self->cache_dir != NULL || self->server_url != NULL)
    g_application_set_flags (application,
                             g_application_get_flags (application) | G_APPLICATION_NON_UNIQUE);
  /* One that runs already must not show its window because of a login. */
  if (self->want_background && g_application_register (application, NULL, NULL)
      && g_application_get_is_remote (application))
    return 0;
  return -1;
}

static void
desk_application_finalize (GObject *object)
{
  DeskApplication *self = DESK_APPLICATION (object);
  g_free (self->cache_dir);
  g_free (self->server_url);
  g_clear_object (&self->sessions);
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
    { "background", 0, 0, G_OPTION_ARG_NONE, NULL,
      N_ ("Receive messages and notify of them without a window"), NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Print the version and exit"), NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  self->sessions = g_list_store_new (DESK_TYPE_SESSION);
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

GListModel *
desk_application_get_sessions (DeskApplication *self)
{
  return G_LIST_MODEL (self->sessions);
}

const char *
desk_application_get_shown_dir (DeskApplication *self)
{
  return self->shown != NULL ? desk_inbox_get_dir (desk_session_get_inbox (self->shown)) : NULL;
}

DeskNoticeLedger *
desk_application_get_ledger (DeskApplication *self)
{
  return desk_notifier_get_ledger (self->notifier);
}
