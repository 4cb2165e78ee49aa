/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* frontdeskd: the command line. What goes wrong before serving is told in plain words on stderr;
 * from then on stderr carries log lines in JSON, and stdout the address alone. */

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/desk-log.h"
#include "server/main/desk-admin.h"
#include "server/main/desk-daemon.h"
#include "server/main/desk-demo.h"

typedef struct
{
  char *config;
  char *data;
  char *listen;
  gboolean demo;
  gboolean version;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->config);
  g_free (self->data);
  g_free (self->listen);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (int *argc, char ***argv, Options *out, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &out->config, "Read the configuration from FILE", "FILE" },
    { "data", 0, 0, G_OPTION_ARG_FILENAME, &out->data, "Keep the database in DIR", "DIR" },
    { "listen", 0, 0, G_OPTION_ARG_STRING, &out->listen, "Listen there; port 0 takes a free one",
      "ADDR:PORT" },
    { "demo", 0, 0, G_OPTION_ARG_NONE, &out->demo,
      "Simulate customers; without --data in a folder that is thrown away", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &out->version, "Print the version", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- the chat backend of Frontdesk");

  g_option_context_set_description (
      context, "Commands:\n"
               "  frontdeskd user add NAME [--role admin|manager|bot] [--display-name TEXT] "
               "--password-stdin [--data DIR]\n"
               "  frontdeskd token create NAME [--data DIR]\n"
               "  frontdeskd migrate-rooms FILE --config FILE [--data DIR]\n"
               "  frontdeskd check-config FILE\n"
               "  frontdeskd connections list|check [NAME] --config FILE [--data DIR]\n"
               "  frontdeskd connections add NAME --platform P --config FILE\n"
               "  frontdeskd deadletters list|retry|discard [--connection C] [--id N|--all] "
               "[--data DIR]\n"
               "  frontdeskd replay [--connection C] [--since T] [--id N] [--problems] "
               "[--data DIR]\n\n"
               "With --demo the file demo-token in the data folder holds a token to sign in with.\n");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static DeskConfig *
make_config (const Options *options, GError **error)
{
  g_autoptr (DeskConfig) config
      = options->config != NULL ? desk_config_load (options->config, DESK_CONFIG_RUN, NULL, error)
                                : desk_config_new ();

  if (config == NULL)
    return NULL;
  if (options->listen != NULL)
    {
      g_autofree char *address = NULL;
      if (desk_config_parse_listen (options->listen, &address, &config->port))
        {
          g_free (config->address);
          config->address = g_steal_pointer (&address);
        }
    }
  else if (options->demo && options->config == NULL)
    config->port = 0;
  if (options->data != NULL)
    {
      g_free (config->data);
      config->data = g_canonicalize_filename (options->data, NULL);
    }
  return g_steal_pointer (&config);
}

/* Descriptors for websockets; a full disk or a lost reader must be an error, not a death. */
static void
prepare_process (void)
{
  struct rlimit limit;

  umask (0077);
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN);
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    {
      limit.rlim_cur = limit.rlim_max;
      setrlimit (RLIMIT_NOFILE, &limit);
    }
}

static gboolean
on_signal (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
serve (const Options *options, const DeskConfig *config, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  const guint on_term = g_unix_signal_add (SIGTERM, on_signal, loop);
  const guint on_int = g_unix_signal_add (SIGINT, on_signal, loop);
  g_autoptr (DeskDaemon) daemon = desk_daemon_new (config, error);
  g_autofree char *token_path = NULL;

  if (daemon != NULL && options->demo)
    token_path = desk_demo_sign_in (desk_daemon_get_service (daemon), config->data, error);
  if (daemon != NULL && (!options->demo || token_path != NULL))
    {
      const gboolean is_ipv6 = strchr (config->address, ':') != NULL;
      printf ("listening on http://%s%s%s:%u\n", is_ipv6 ? "[" : "", config->address,
              is_ipv6 ? "]" : "", desk_daemon_get_port (daemon));
      if (token_path != NULL)
        printf ("demo token in %s\n", token_path);
      fflush (stdout);
      desk_log_event (G_LOG_LEVEL_INFO, G_LOG_DOMAIN, "Serving", "data", config->data, "demo_token",
                      token_path, NULL);
      g_main_loop_run (loop);
      desk_log_event (G_LOG_LEVEL_INFO, G_LOG_DOMAIN, "Stopping", NULL);
    }
  const gboolean ok = daemon != NULL && (!options->demo || token_path != NULL);
  g_clear_pointer (&daemon, desk_daemon_free);
  g_source_remove (on_term);
  g_source_remove (on_int);
  return ok;
}

static int
run (const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *remove = NULL;
  g_autoptr (DeskConfig) config = make_config (options, &error);
  gboolean ok = config != NULL;

  if (ok && options->demo)
    ok = desk_demo_prepare (config, options->data != NULL, &remove, &error);
  if (ok)
    {
      desk_log_init (DESK_LOG_JSON, G_LOG_LEVEL_INFO);
      ok = serve (options, config, &error);
    }
  if (remove != NULL)
    desk_demo_remove (remove);
  if (ok)
    return 0;
  /* check-config gives FILE:LINE first, so does this */
  if (error->domain == DESK_CONFIG_ERROR)
    fprintf (stderr, "%s\n", error->message);
  else
    desk_admin_complain ("%s", error->message);
  return DESK_EXIT_FAILED;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *address = NULL;
  guint16 port;

  prepare_process ();
  if (argc > 1 && argv[1][0] != '-')
    return desk_admin_run (argc, argv);
  if (!parse (&argc, &argv, &options, &error))
    desk_admin_complain ("%s", error->message);
  else if (argc > 1)
    desk_admin_complain ("unexpected argument “%s”; see --help", argv[1]);
  else if (options.listen != NULL && !desk_config_parse_listen (options.listen, &address, &port))
    desk_admin_complain ("--listen must be an IP address and a port, as 127.0.0.1:8080");
  else if (options.version)
    {
      puts ("frontdeskd " PACKAGE_VERSION);
      return 0;
    }
  else
    return run (&options);
  return DESK_EXIT_USAGE;
}
