/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* frontdeskd user add, token create, check-config.
 * Invariants: a password comes by standard input only; a token is printed once and kept nowhere. */

#include "server/main/desk-admin.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/desk-crypto.h"
#include "server/main/desk-admin-ops.h"
#include "server/main/desk-config.h"
#include "server/main/desk-daemon.h"
#include "server/main/desk-migrate-rooms.h"
#include "server/store/sqlite/desk-store-sqlite.h"

#define MAX_PASSWORD 1024
#define SHORT_PASSWORD 8

typedef struct
{
  char *config;
  char *data;
  char *role;
  char *display_name;
  gboolean password_stdin;
  char **rest;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->config);
  g_free (self->data);
  g_free (self->role);
  g_free (self->display_name);
  g_strfreev (self->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

void
desk_admin_complain (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "frontdeskd: %s\n", text);
}

/* ── The store without a daemon ─────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskServerStore *store;
  DeskService *service;
} Access;

static void
access_clear (Access *self)
{
  desk_service_free (self->service);
  if (self->store != NULL)
    self->store->ops->close (self->store);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Access, access_clear)

static void
ignore_published (gpointer data, const DeskLoggedEvent *const *events, gsize n)
{
}

static void
ignore_wanted (gpointer data)
{
}

static char *
find_data (const Options *options, GError **error)
{
  if (options->data != NULL)
    return g_strdup (options->data);
  if (options->config == NULL)
    {
      g_autoptr (DeskConfig) defaults = desk_config_new ();
      return g_strdup (defaults->data);
    }
  g_autoptr (DeskConfig) config = desk_config_load (options->config, DESK_CONFIG_CHECK, NULL, error);
  return config != NULL ? g_strdup (config->data) : NULL;
}

static gboolean
open_access (const Options *options, Access *out, GError **error)
{
  g_autofree char *data = find_data (options, error);

  if (data == NULL)
    return FALSE;
  if (g_mkdir_with_parents (data, 0700) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
                   "The data folder %s cannot be made: %s", data, g_strerror (errno));
      return FALSE;
    }
  g_autofree char *path = desk_daemon_database_path (data);
  out->store = desk_store_sqlite_open (path, NULL, error);
  if (out->store == NULL)
    return FALSE;

  const DeskServiceOptions service = {
    .store = out->store,
    .clock = desk_clock_system (),
    .random = desk_random_system (),
    .sink = { .published = ignore_published, .delivery_wanted = ignore_wanted },
  };
  out->service = desk_service_new (&service, error);
  return out->service != NULL;
}

/* ── user add ───────────────────────────────────────────────────────────────────────────────── */
static char *
read_password (void)
{
  char buffer[MAX_PASSWORD + 2];
  gsize len = fread (buffer, 1, sizeof buffer, stdin);
  char *password = NULL;

  if (len > 0 && buffer[len - 1] == '\n')
    len--;
  if (len > 0 && buffer[len - 1] == '\r')
    len--;
  if (len > 0 && len <= MAX_PASSWORD && memchr (buffer, '\0', len) == NULL
      && memchr (buffer, '\n', len) == NULL)
    password = g_strndup (buffer, len);
  explicit_bzero (buffer, sizeof buffer);
  return password;
}

static int
add_user (const Options *options, const char *name)
{
  DeskRole role = DESK_ROLE_MANAGER;
  g_autoptr (GError) error = NULL;
  g_auto (Access) access = { NULL };

  if (!desk_username_is_valid (name))
    {
      desk_admin_complain ("a user's name is 1 to 64 of A-Z a-z 0-9 . _ @ -");
      return DESK_EXIT_USAGE;
    }
  if (options->role != NULL && !desk_role_from_string (options->role, &role))
    {
      desk_admin_complain ("--role must be admin, manager or bot");
      return DESK_EXIT_USAGE;
    }
  if (!options->password_stdin)
    {
      desk_admin_complain ("give the password on standard input and say --password-stdin");
      return DESK_EXIT_USAGE;
    }
  g_autofree char *password = read_password ();
  if (password == NULL)
    {
      desk_admin_complain ("the password must be one line of 1 to %d bytes", MAX_PASSWORD);
      return DESK_EXIT_FAILED;
    }
  if (strlen (password) < SHORT_PASSWORD)
    desk_admin_complain ("warning: a password of fewer than %d bytes is easily guessed", SHORT_PASSWORD);
  const gboolean ok
      = open_access (options, &access, &error)
        && desk_service_add_user (access.service, name,
                                  options->display_name != NULL ? options->display_name : name, role,
                                  password, &error);
  desk_secure_clear (password);
  if (ok)
    return 0;
  desk_admin_complain ("%s", error->message);
  return DESK_EXIT_FAILED;
}

/* ── token create ───────────────────────────────────────────────────────────────────────────── */
static int
create_token (const Options *options, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_auto (Access) access = { NULL };
  g_autofree char *token = NULL;

  if (open_access (options, &access, &error))
    token = desk_service_create_token (access.service, name, &error);
  if (token == NULL)
    {
      desk_admin_complain ("%s", error->message);
      return DESK_EXIT_FAILED;
    }
  puts (token);
  desk_secure_clear (token);
  return fflush (stdout) == 0 ? 0 : DESK_EXIT_FAILED;
}

/* ── check-config ───────────────────────────────────────────────────────────────────────────── */
static int
check_config (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) notes = g_string_new (NULL);
  g_autoptr (DeskConfig) config = desk_config_load (path, DESK_CONFIG_CHECK, notes, &error);

  fputs (notes->str, stderr);
  if (config != NULL)
    return 0;
  fprintf (stderr, "%s\n", error->message);
  return DESK_EXIT_FAILED;
}

/* ── migrate-rooms ──────────────────────────────────────────────────────────────────────────── */
static int
migrate_rooms (const Options *options, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskConfig) config = NULL;
  g_auto (Access) access = { NULL };
  DeskMigration done;

  if (options->config == NULL)
    {
      desk_admin_complain ("migrate-rooms needs --config: it names the partners");
      return DESK_EXIT_USAGE;
    }
  config = desk_config_load (options->config, DESK_CONFIG_CHECK, NULL, &error);
  if (config != NULL && open_access (options, &access, &error)
      && desk_migrate_rooms (access.store, config->connections, path, &done, &error))
    {
      printf ("%u chats made, %u completed, %u complete already, %u rooms passed over\n", done.n_made,
              done.n_completed, done.n_same, done.n_passed_over);
      return 0;
    }
  desk_admin_complain ("%s", error->message);
  return DESK_EXIT_FAILED;
}

/* ── The command line ───────────────────────────────────────────────────────────────────────── */
static gboolean
parse (int argc, char **argv, gboolean with_user, Options *out, GError **error)
{
  const GOptionEntry common[] = {
    { "data", 0, 0, G_OPTION_ARG_FILENAME, &out->data, "Folder of the database", "DIR" },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &out->config, "Configuration that names the folder",
      "FILE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &out->rest, NULL, "COMMAND…" },
    G_OPTION_ENTRY_NULL,
  };
  const GOptionEntry user[] = {
    { "role", 0, 0, G_OPTION_ARG_STRING, &out->role, "admin, manager (default) or bot", "ROLE" },
    { "display-name", 0, 0, G_OPTION_ARG_STRING, &out->display_name, "Name that others see", "TEXT" },
    { "password-stdin", 0, 0, G_OPTION_ARG_NONE, &out->password_stdin,
      "Read the password from standard input", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) copy = g_new0 (char *, argc + 1);

  for (int i = 0; i < argc; i++)
    copy[i] = g_strdup (argv[i]);
  g_option_context_add_main_entries (context, common, NULL);
  if (with_user)
    g_option_context_add_main_entries (context, user, NULL);
  return g_option_context_parse_strv (context, &copy, error);
}

int
desk_admin_run (int argc, char **argv)
{
  g_auto (Options) options = { NULL };
  g_autoptr (GError) error = NULL;

  if (strcmp (argv[1], "deadletters") == 0 || strcmp (argv[1], "replay") == 0)
    return desk_admin_ops_run (argc, argv);
  if (strcmp (argv[1], "connections") == 0)
    return desk_admin_connections_run (argc, argv);
  if (!parse (argc, argv, strcmp (argv[1], "user") == 0, &options, &error))
    {
      desk_admin_complain ("%s", error->message);
      return DESK_EXIT_USAGE;
    }
  const guint n = options.rest != NULL ? g_strv_length (options.rest) : 0;
  const char *command = n > 0 ? options.rest[0] : "";
  const char *verb = n > 1 ? options.rest[1] : "";

  if (strcmp (command, "user") == 0 && strcmp (verb, "add") == 0 && n == 3)
    return add_user (&options, options.rest[2]);
  if (strcmp (command, "token") == 0 && strcmp (verb, "create") == 0 && n == 3)
    return create_token (&options, options.rest[2]);
  if (strcmp (command, "check-config") == 0 && n == 2)
    return check_config (verb);
  if (strcmp (command, "migrate-rooms") == 0 && n == 2)
    return migrate_rooms (&options, verb);
  desk_admin_complain ("usage: frontdeskd user add NAME [--role admin|manager|bot] "
                       "[--display-name TEXT] --password-stdin [--data DIR]\n"
                       "       frontdeskd token create NAME [--data DIR]\n"
                       "       frontdeskd check-config FILE\n"
                       "       frontdeskd migrate-rooms FILE --config FILE [--data DIR]\n" DESK_ADMIN_OPS_USAGE
                           DESK_ADMIN_CONNECTIONS_USAGE);
  return DESK_EXIT_USAGE;
}
