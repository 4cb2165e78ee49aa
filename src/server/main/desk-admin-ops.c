/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* frontdeskd deadletters and replay. They ask the daemon that runs in the data folder; where none
 * runs they hold its lock and do the work themselves, so that two never write the log of events. */

#include "server/main/desk-admin-ops.h"

#include <stdio.h>
#include <string.h>

#include "common/desk-time.h"
#include "server/connectors/desk-connectors.h"
#include "server/main/desk-admin.h"
#include "server/main/desk-config.h"
#include "server/main/desk-daemon-host.h"
#include "server/main/desk-daemon.h"
#include "server/main/desk-ops-socket.h"
#include "server/store/sqlite/desk-store-sqlite.h"

typedef struct
{
  char *config;
  char *data;
  char *connection;
  char *since;
  gint64 id;
  gboolean all;
  gboolean problems;
  char **rest;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->config);
  g_free (self->data);
  g_free (self->connection);
  g_free (self->since);
  g_strfreev (self->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* ── Without a daemon ───────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskServerLock *lock;
  DeskServerStore *store;
  DeskService *service;
  DeskHost *host;
} Offline;

static void
offline_clear (Offline *self)
{
  desk_service_free (self->service);
  desk_host_free (self->host);
  if (self->store != NULL)
    self->store->ops->close (self->store);
  desk_server_lock_release (self->lock);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Offline, offline_clear)

static void
ignore_published (gpointer data, const DeskLoggedEvent *const *events, gsize n)
{
}

static void
ignore_wanted (gpointer data)
{
}

static gboolean
open_offline (const DeskConfig *config, gboolean with_connectors, Offline *out, GError **error)
{
  g_autofree char *path = desk_daemon_database_path (config->data);
  const DeskServiceOptions options = {
    .clock = desk_clock_system (),
    .random = desk_random_system (),
    .sink = { .published = ignore_published, .delivery_wanted = ignore_wanted },
    .retention = config->retention,
  };
  DeskServiceOptions service = options;

  out->lock = desk_server_lock_acquire (config->data, error);
  if (out->lock == NULL)
    return FALSE;
  out->store = desk_store_sqlite_open (path, NULL, error);
  if (out->store == NULL)
    return FALSE;
  service.store = out->store;
  out->service = desk_service_new (&service, error);
  if (out->service == NULL)
    return FALSE;
  if (!with_connectors)
    return TRUE;
  out->host = desk_host_new (config, out->service, service.clock, service.random, NULL, NULL, error);
  return out->host != NULL;
}

typedef struct
{
  GMainLoop *loop;
  gboolean ok;
  char *text;
} Waited;

static void
on_done (gboolean ok, const char *text, gpointer data)
{
  Waited *waited = data;

  waited->ok = ok;
  waited->text = g_strdup (text);
  g_main_loop_quit (waited->loop);
}

static gboolean
quit_at_once (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static char *
run_offline (const DeskConfig *config, const DeskOpsRequest *request, gboolean *out_ok, GError **error)
{
  g_auto (Offline) offline = { NULL };
  g_autoptr (GMainLoop) loop = NULL;
  Waited waited = { 0 };

  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  if (!open_offline (config, request->command == DESK_OPS_REPLAY, &offline, error))
    return NULL;
  waited.loop = loop = g_main_loop_new (NULL, FALSE);
  desk_ops_run (offline.service,
                offline.host != NULL ? desk_host_get_connectors (offline.host) : none, request, NULL,
                on_done, &waited);
  if (waited.text != NULL) /* it was done at once: nobody would quit the loop */
    g_idle_add (quit_at_once, loop);
  g_main_loop_run (loop);
  *out_ok = waited.ok;
  return waited.text;
}

/* ── The command lines ──────────────────────────────────────────────────────────────────────── */

static gboolean
parse (int argc, char **argv, Options *out, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &out->config, "The daemon's configuration", "FILE" },
    { "data", 0, 0, G_OPTION_ARG_FILENAME, &out->data, "Folder of the database", "DIR" },
    { "connection", 0, 0, G_OPTION_ARG_STRING, &out->connection, "Of this connection alone", "NAME" },
    { "since", 0, 0, G_OPTION_ARG_STRING, &out->since, "From this time on, or 7d, 12h, 30m", "TIME" },
    { "id", 0, 0, G_OPTION_ARG_INT64, &out->id, "This one alone", "N" },
    { "all", 0, 0, G_OPTION_ARG_NONE, &out->all, "All of them", NULL },
    { "problems", 0, 0, G_OPTION_ARG_NONE, &out->problems, "Those that were not understood", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &out->rest, NULL, "COMMAND…" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_auto (GStrv) copy = g_new0 (char *, argc + 1);

  for (int i = 0; i < argc; i++)
    copy[i] = g_strdup (argv[i]);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse_strv (context, &copy, error);
}

/* "7d", "12h", "30m" before now, or RFC 3339. */
static gboolean
parse_since (const char *text, gint64 *out_ms)
{
  const gsize len = strlen (text);
  const char unit = len > 1 ? text[len - 1] : '\0';
  const gint64 unit_ms = unit == 'd' ? 86400000 : unit == 'h' ? 3600000 : unit == 'm' ? 60000 : 0;
  g_autofree char *digits = unit_ms > 0 ? g_strndup (text, len - 1) : NULL;
  gint64 n;

  if (digits != NULL && g_ascii_string_to_signed (digits, 10, 0, 100000, &n, NULL))
    {
      *out_ms = MAX (g_get_real_time () / 1000 - n * unit_ms, 0);
      return TRUE;
    }
  return desk_time_parse_rfc3339 (text, out_ms, NULL);
}

static gboolean
make_request (const Options *options, DeskOpsRequest *out)
{
  const guint n = options->rest != NULL ? g_strv_length (options->rest) : 0;
  const char *command = n > 0 ? options->rest[0] : "";
  const char *verb = n > 1 ? options->rest[1] : "";
  const gboolean is_replay = strcmp (command, "replay") == 0 && n == 1;

  out->connection = g_strdup (options->connection);
  out->id = options->id;
  out->problems_only = options->problems;
  if (options->id < 0 || (options->id > 0 && (options->all || options->connection != NULL)))
    return FALSE;
  if (options->since != NULL && (!is_replay || !parse_since (options->since, &out->since_ms)))
    return FALSE;
  if (is_replay)
    {
      out->command = DESK_OPS_REPLAY;
      return !options->all;
    }
  if (strcmp (command, "deadletters") != 0 || n != 2 || options->problems)
    return FALSE;
  if (strcmp (verb, "list") == 0)
    {
      out->command = DESK_OPS_LETTERS_LIST;
      return options->id == 0;
    }
  out->command
      = strcmp (verb, "retry") == 0 ? DESK_OPS_LETTERS_RETRY : DESK_OPS_LETTERS_DISCARD;
  if (strcmp (verb, "retry") != 0 && strcmp (verb, "discard") != 0)
    return FALSE;
  /* all of them is said, not assumed */
  return options->id > 0 || options->all || options->connection != NULL;
}

static DeskConfig *
load_config (const Options *options, GError **error)
{
  g_autoptr (DeskConfig) config
      = options->config != NULL ? desk_config_load (options->config, DESK_CONFIG_CHECK, NULL, error)
                                : desk_config_new ();

  if (config == NULL)
    return NULL;
  if (options->data != NULL)
    {
      g_free (config->data);
      config->data = g_strdup (options->data);
    }
  return g_steal_pointer (&config);
}

int
desk_admin_ops_run (int argc, char **argv)
{
  g_auto (Options) options = { NULL };
  g_auto (DeskOpsRequest) request = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean ok = FALSE;

  if (!parse (argc, argv, &options, &error))
    {
      desk_admin_complain ("%s", error->message);
      return DESK_EXIT_USAGE;
    }
  if (!make_request (&options, &request))
    {
      desk_admin_complain ("usage:\n" DESK_ADMIN_OPS_USAGE);
      return DESK_EXIT_USAGE;
    }
  g_autoptr (DeskConfig) config = load_config (&options, &error);
  g_autofree char *text
      = config != NULL ? desk_ops_socket_ask (config->data, &request, &ok, &error) : NULL;
  if (text == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_clear_error (&error);
      text = run_offline (config, &request, &ok, &error);
    }
  if (text == NULL)
    {
      desk_admin_complain ("%s", error->message);
      return DESK_EXIT_FAILED;
    }
  if (!ok)
    {
      g_strchomp (text);
      desk_admin_complain ("%s", text);
      return DESK_EXIT_FAILED;
    }
  fputs (text, stdout);
  return fflush (stdout) == 0 ? 0 : DESK_EXIT_FAILED;
}
