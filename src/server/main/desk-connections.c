/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* frontdeskd connections list, check and add.
 * Invariants: a secret comes by a file, an environment variable, standard input or a prompt, never
 * by an argument, and is never printed; nothing is added that the platform refused, unless asked. */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/desk-crypto.h"
#include "common/desk-time.h"
#include "server/connectors/desk-connectors.h"
#include "server/main/desk-admin-ops.h"
#include "server/main/desk-admin.h"
#include "server/main/desk-config.h"
#include "server/main/desk-daemon.h"
#include "server/store/sqlite/desk-store-sqlite.h"

#define CHECK_TIME_S 60
#define MAX_SECRET   4096

typedef struct
{
  char *config;
  char *data;
  char *platform;
  char *secrets; /* folder */
  char **set;
  char **secret_env;
  gboolean no_check;
  char **rest;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->config);
  g_free (self->data);
  g_free (self->platform);
  g_free (self->secrets);
  g_strfreev (self->set);
  g_strfreev (self->secret_env);
  g_strfreev (self->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* ── list ───────────────────────────────────────────────────────────────────────────────────── */

static GPtrArray *
read_rows (const char *data)
{
  g_autofree char *path = desk_daemon_database_path (data);
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  DeskServerStore *store = desk_store_sqlite_open (path, NULL, &error);
  DeskServerTx *tx = store != NULL ? store->ops->begin_read (store, &error) : NULL;
  if (tx != NULL)
    {
      tx->ops->connections_list (tx, &rows, &error);
      tx->ops->end_read (tx);
    }
  if (store != NULL)
    store->ops->close (store);
  if (error != NULL)
    desk_admin_complain ("how the connections are cannot be read: %s", error->message);
  return rows;
}

static const DeskServerConnectionRow *
find_row (GPtrArray *rows, const char *name)
{
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    if (strcmp (((DeskServerConnectionRow *)rows->pdata[i])->name, name) == 0)
      return rows->pdata[i];
  return NULL;
}

/* Whether a daemon works in the folder: then what it wrote down is true now. */
static gboolean
is_running (const char *data)
{
  g_autoptr (GError) error = NULL;
  DeskServerLock *lock = NULL;

  if (!g_file_test (data, G_FILE_TEST_IS_DIR))
    return FALSE;
  lock = desk_server_lock_acquire (data, &error);
  desk_server_lock_release (lock);
  return g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_LOCKED);
}

static void
print_row (const DeskConnection *connection, const DeskServerConnectionRow *row, gboolean running)
{
  const gboolean known = row != NULL && row->health >= DESK_HEALTH_STARTING
                         && row->health <= DESK_HEALTH_DOWN && row->trouble >= DESK_TROUBLE_NONE
                         && row->trouble <= DESK_TROUBLE_STORAGE;
  const char *state = !running ? "stopped" : known ? desk_health_to_string (row->health) : "starting";

  printf ("%s\t%s\t%s\t%s", connection->name, connection->platform, connection->mode, state);
  if (known && running)
    {
      g_autofree char *since = desk_time_format_rfc3339 (row->since_ms);
      printf ("\tsince %s", since);
      if (row->reason != NULL)
        printf ("\t%s", row->reason);
      if (row->trouble != DESK_TROUBLE_NONE)
        printf ("\t%s", desk_trouble_get_advice (row->trouble));
    }
  putchar ('\n');
}

static int
list (const DeskConfig *config, const char *data)
{
  g_autoptr (GPtrArray) rows = read_rows (data);
  const gboolean running = is_running (data);

  for (guint i = 0; i < config->connections->len; i++)
    {
      const DeskConnection *connection = config->connections->pdata[i];
      print_row (connection, find_row (rows, connection->name), running);
    }
  return fflush (stdout) == 0 ? 0 : DESK_EXIT_FAILED;
}

/* ── check ──────────────────────────────────────────────────────────────────────────────────── */

static void
ignore_health (DeskConnectorHost *host, const char *connection, DeskHealth health, const char *reason)
{
}

static char *
no_checkpoint (DeskConnectorHost *host, const char *connection)
{
  return NULL;
}

static void
refuse_ingest (DeskConnectorHost *host, DeskInbound *inbound, DeskIngestDone done, gpointer data)
{
  g_autoptr (GError) error
      = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "Nothing is stored during a check");

  desk_inbound_free (inbound);
  done (FALSE, error, data);
}

typedef struct
{
  GMainLoop *loop;
  DeskConnectionReport *report;
} Check;

static void
on_checked (GObject *source, GAsyncResult *result, gpointer data)
{
  Check *check = data;

  check->report = desk_connector_check_finish (DESK_CONNECTOR (source), result);
  g_main_loop_quit (check->loop);
}

static gboolean
on_too_long (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
print_report (const DeskConnection *connection, const DeskConnectionReport *report)
{
  static const char *const words[]
      = { [DESK_FINDING_OK] = "ok", [DESK_FINDING_NOTE] = "note", [DESK_FINDING_PROBLEM] = "problem" };

  for (guint i = 0; i < report->findings->len; i++)
    {
      const DeskFinding *finding = report->findings->pdata[i];
      printf ("%s: %s: %s\n", connection->name, words[finding->level], finding->text);
      if (finding->advice != NULL && finding->level != DESK_FINDING_OK)
        printf ("%s: to do: %s\n", connection->name, finding->advice);
    }
}

static gboolean
check_one (const DeskConnection *connection)
{
  DeskConnectorHost host = { .ingest = refuse_ingest,
                             .get_checkpoint = no_checkpoint,
                             .set_health = ignore_health,
                             .clock = desk_clock_system (),
                             .random = desk_random_system () };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Check check = { .loop = loop };
  g_autoptr (DeskConnector) connector = desk_connectors_create (connection, &host, &error);

  if (connector == NULL)
    {
      printf ("%s: problem: %s\n", connection->name, error->message);
      return FALSE;
    }
  const guint timer = g_timeout_add_seconds (CHECK_TIME_S, on_too_long, cancellable);
  desk_connector_check_async (connector, cancellable, on_checked, &check);
  g_main_loop_run (loop);
  if (!g_cancellable_is_cancelled (cancellable))
    g_source_remove (timer);
  print_report (connection, check.report);
  const gboolean good = desk_connection_report_is_good (check.report);
  desk_connection_report_free (check.report);
  return good;
}

static int
check_some (const DeskConfig *config, const char *name)
{
  gboolean good = TRUE, any = FALSE;

  for (guint i = 0; i < config->connections->len; i++)
    {
      const DeskConnection *connection = config->connections->pdata[i];
      if (name != NULL && strcmp (connection->name, name) != 0)
        continue;
      any = TRUE;
      good = check_one (connection) && good;
      fflush (stdout);
    }
  if (!any && name != NULL)
    desk_admin_complain ("there is no connection “%s”", name);
  return good && (any || name == NULL) ? 0 : DESK_EXIT_FAILED;
}

/* ── add: secrets ───────────────────────────────────────────────────────────────────────────── */

/* One line of standard input; on a terminal it is asked for and not shown. */
static char *
read_secret (const char *what)
{
  char buffer[MAX_SECRET + 2];
  const gboolean terminal = isatty (STDIN_FILENO);
  struct termios before, quiet;
  const gboolean hidden = terminal && tcgetattr (STDIN_FILENO, &before) == 0;
  char *secret = NULL;

  if (terminal)
    fprintf (stderr, "%s: ", what);
  if (hidden)
    {
      quiet = before;
      quiet.c_lflag &= ~(tcflag_t)ECHO;
      tcsetattr (STDIN_FILENO, TCSAFLUSH, &quiet);
    }
  if (fgets (buffer, sizeof buffer, stdin) != NULL)
    {
      const gsize len = strcspn (buffer, "\r\n");
      if (len > 0 && len <= MAX_SECRET)
        secret = g_strndup (buffer, len);
    }
  if (hidden)
    {
      tcsetattr (STDIN_FILENO, TCSAFLUSH, &before);
      fputc ('\n', stderr);
    }
  explicit_bzero (buffer, sizeof buffer);
  return secret;
}

static gboolean
write_secret (const char *path, const char *secret, GError **error)
{
  const int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  const gssize len = (gssize)strlen (secret);
  gboolean ok = fd >= 0 && write (fd, secret, (gsize)len) == len && write (fd, "\n", 1) == 1
                && fsync (fd) == 0;

  if (!ok)
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", path,
                 g_strerror (errno));
  if (fd >= 0)
    close (fd);
  if (fd >= 0 && !ok)
    g_unlink (path);
  return ok;
}

/* The part after NAME= of one of the pairs, NULL if there is none. */
static const char *
find_pair (char **pairs, const char *name)
{
  const gsize len = strlen (name);

  for (guint i = 0; pairs != NULL && pairs[i] != NULL; i++)
    if (strncmp (pairs[i], name, len) == 0 && pairs[i][len] == '=')
      return pairs[i] + len + 1;
  return NULL;
}

typedef struct
{
  GPtrArray *entries; /* keys and values in turn */
  GPtrArray *files;   /* secrets that were written */
  gboolean keep;
} Draft;

static void
draft_clear (Draft *self)
{
  for (guint i = 0; !self->keep && i < self->files->len; i++)
    g_unlink (self->files->pdata[i]);
  g_ptr_array_unref (self->files);
  g_ptr_array_unref (self->entries);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Draft, draft_clear)

static void
draft_add (Draft *self, const char *key, const char *value)
{
  g_ptr_array_add (self->entries, g_strdup (key));
  g_ptr_array_add (self->entries, g_strdup (value));
}

static gboolean
draft_secret (Draft *self, const Options *options, const char *name, const char *secret, GError **error)
{
  const char *variable = find_pair (options->secret_env, secret);
  g_autofree char *key = g_strconcat (secret, variable != NULL ? "_env" : "_file", NULL);

  if (variable != NULL)
    {
      draft_add (self, key, variable);
      return TRUE;
    }
  g_autofree char *beside = g_path_get_dirname (options->config);
  g_autofree char *folder
      = g_canonicalize_filename (options->secrets != NULL ? options->secrets : beside, NULL);
  g_autofree char *leaf = g_strdup_printf ("%s.%s", name, secret);
  g_autofree char *path = g_build_filename (folder, leaf, NULL);
  g_autofree char *value = read_secret (secret);
  if (value == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "give the %s as a line of standard input, or name its environment variable with "
                   "--secret-env %s=VARIABLE",
                   secret, secret);
      return FALSE;
    }
  const gboolean ok = write_secret (path, value, error);
  desk_secure_clear (value);
  if (ok)
    {
      g_ptr_array_add (self->files, g_strdup (path));
      draft_add (self, key, path);
    }
  return ok;
}

static gboolean
draft_fill (Draft *self, const Options *options, const char *name, GError **error)
{
  const char *mode = find_pair (options->set, "mode");
  g_auto (GStrv) secrets
      = desk_config_list_secrets (options->platform, g_strcmp0 (mode, "webhook") == 0);

  draft_add (self, "platform", options->platform);
  for (guint i = 0; options->set != NULL && options->set[i] != NULL; i++)
    {
      const char *equals = strchr (options->set[i], '=');
      g_autofree char *key
          = equals != NULL ? g_strndup (options->set[i], (gsize)(equals - options->set[i])) : NULL;
      if (key == NULL || *key == '\0' || strpbrk (options->set[i], "\r\n[") != NULL)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                               "--set wants KEY=VALUE");
          return FALSE;
        }
      draft_add (self, key, equals + 1);
    }
  for (guint i = 0; secrets != NULL && secrets[i] != NULL; i++)
    if (!draft_secret (self, options, name, secrets[i], error))
      return FALSE;
  g_ptr_array_add (self->entries, NULL);
  return TRUE;
}

/* ── add ────────────────────────────────────────────────────────────────────────────────────── */

static const DeskConnection *
find_connection (const DeskConfig *config, const char *name)
{
  for (guint i = 0; i < config->connections->len; i++)
    if (strcmp (((DeskConnection *)config->connections->pdata[i])->name, name) == 0)
      return config->connections->pdata[i];
  return NULL;
}

static int
add (const Options *options, const char *name)
{
  g_auto (Draft) draft = { g_ptr_array_new_with_free_func (g_free),
                           g_ptr_array_new_with_free_func (g_free), FALSE };
  g_autofree char *group = g_strconcat ("connection ", name, NULL);
  g_autoptr (DeskConfig) config = NULL;
  g_autoptr (GError) error = NULL;

  if (options->platform == NULL || strpbrk (name, "/[]\r\n") != NULL)
    {
      desk_admin_complain ("usage:\n" DESK_ADMIN_CONNECTIONS_USAGE);
      return DESK_EXIT_USAGE;
    }
  if (!draft_fill (&draft, options, name, &error)
      || !desk_config_append_group (options->config, group,
                                    (const char *const *)draft.entries->pdata, FALSE, &config,
                                    &error))
    {
      desk_admin_complain ("%s", error->message);
      return DESK_EXIT_FAILED;
    }
  if (!options->no_check && !check_one (find_connection (config, name)))
    {
      desk_admin_complain ("nothing was added; --no-check adds it all the same");
      return DESK_EXIT_FAILED;
    }
  if (!desk_config_append_group (options->config, group, (const char *const *)draft.entries->pdata,
                                 TRUE, NULL, &error))
    {
      desk_admin_complain ("%s", error->message);
      return DESK_EXIT_FAILED;
    }
  draft.keep = TRUE;
  printf ("%s was added to %s; it works after a restart of frontdeskd\n", name, options->config);
  return 0;
}

/* ── The command line ───────────────────────────────────────────────────────────────────────── */

static gboolean
parse (int argc, char **argv, Options *out, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &out->config, "The daemon's configuration", "FILE" },
    { "data", 0, 0, G_OPTION_ARG_FILENAME, &out->data, "Folder of the database", "DIR" },
    { "platform", 0, 0, G_OPTION_ARG_STRING, &out->platform, "Platform to add", "P" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &out->set, "A key of the new group", "KEY=VALUE" },
    { "secret-env", 0, 0, G_OPTION_ARG_STRING_ARRAY, &out->secret_env,
      "Environment variable that holds a secret", "SECRET=VARIABLE" },
    { "secrets", 0, 0, G_OPTION_ARG_FILENAME, &out->secrets,
      "Folder for files of secrets; else that of the configuration", "DIR" },
    { "no-check", 0, 0, G_OPTION_ARG_NONE, &out->no_check, "Do not ask the platform first", NULL },
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

int
desk_admin_connections_run (int argc, char **argv)
{
  g_auto (Options) options = { NULL };
  g_autoptr (GError) error = NULL;

  if (!parse (argc, argv, &options, &error))
    {
      desk_admin_complain ("%s", error->message);
      return DESK_EXIT_USAGE;
    }
  const guint n = options.rest != NULL ? g_strv_length (options.rest) : 0;
  const char *verb = n > 1 ? options.rest[1] : "";
  const char *name = n > 2 ? options.rest[2] : NULL;
  const gboolean is_add = strcmp (verb, "add") == 0 && n == 3;
  const gboolean is_check = strcmp (verb, "check") == 0 && n <= 3;
  if (options.config == NULL || !(is_add || is_check || (strcmp (verb, "list") == 0 && n == 2)))
    {
      desk_admin_complain ("usage:\n" DESK_ADMIN_CONNECTIONS_USAGE);
      return DESK_EXIT_USAGE;
    }
  if (is_add)
    return add (&options, name);
  g_autoptr (DeskConfig) config = desk_config_load (options.config, DESK_CONFIG_CHECK, NULL, &error);
  if (config == NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      return DESK_EXIT_FAILED;
    }
  return is_check ? check_some (config, name)
                  : list (config, options.data != NULL ? options.data : config->data);
}
