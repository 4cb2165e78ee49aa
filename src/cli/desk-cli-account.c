/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "cli/desk-cli.h"
#include "common/desk-crypto.h"

/* Sign-in and sign-out. Secrets come on the standard input, never as arguments. */

#define MAX_SECRET 4096

typedef struct
{
  GMainLoop *loop;
  DeskAccount *account;
  gboolean done;
  GError *error;
} Wait;

static int
exit_code (const GError *error)
{
  if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_REFUSED))
    return DESK_EXIT_REFUSED;
  if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_NETWORK))
    return DESK_EXIT_NO_CONNECTION;
  if (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_ADDRESS))
    return DESK_EXIT_USAGE;
  return DESK_EXIT_FAILED;
}

static void
on_signed_in (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;

  wait->account = desk_account_sign_in_finish (result, &wait->error);
  g_main_loop_quit (wait->loop);
}

/* The first line of the standard input. */
static char *
read_secret (void)
{
  char *line = g_malloc0 (MAX_SECRET);

  if (fgets (line, MAX_SECRET, stdin) == NULL)
    *line = '\0';
  line[strcspn (line, "\r\n")] = '\0';
  return line;
}

int
desk_cli_login (DeskCli *cli, int argc, char **argv)
{
  g_autofree char *user = NULL;
  gboolean token_stdin = FALSE;
  const GOptionEntry entries[] = {
    { "user", 0, 0, G_OPTION_ARG_STRING, &user, N_ ("Your user name; the password is read from the standard input"), "NAME" },
    { "token-stdin", 0, 0, G_OPTION_ARG_NONE, &token_stdin, N_ ("Read a token from the standard input"), NULL },
    { NULL },
  };
  Wait wait = { 0 };
  char *secret;
  int code = DESK_EXIT_DONE;

  if (!desk_cli_parse (entries, "login", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 1 || (user != NULL) == token_stdin)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: login --user NAME | login --token-stdin"));
  if (cli->server == NULL && cli->cache != NULL)
    {
      g_autoptr (DeskAccount) known = desk_account_for_cache (cli->cache);

      cli->server = known ? g_strdup (known->server_url) : NULL;
    }
  if (cli->server == NULL)
    return desk_cli_fail (DESK_EXIT_USAGE, _("Say which server: --server URL"));
  secret = read_secret ();
  wait.loop = g_main_loop_new (NULL, FALSE);
  desk_account_sign_in_async (cli->server, user, secret, cli->cache, NULL, on_signed_in, &wait);
  desk_secure_clear (secret);
  g_free (secret);
  g_main_loop_run (wait.loop);
  g_main_loop_unref (wait.loop);
  if (wait.account == NULL)
    {
      code = desk_cli_fail (exit_code (wait.error), "%s", wait.error->message);
      g_error_free (wait.error);
      return code;
    }
  g_printerr (_("Signed in as %s at %s.\n"), *wait.account->username ? wait.account->username : "-", wait.account->server_url);
  desk_account_free (wait.account);
  return code;
}

static void
on_signed_out (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;

  wait->done = desk_account_sign_out_finish (result, &wait->error);
  g_main_loop_quit (wait->loop);
}

int
desk_cli_logout (DeskCli *cli, int argc, char **argv)
{
  gboolean erase = FALSE;
  const GOptionEntry entries[] = {
    { "erase", 0, 0, G_OPTION_ARG_NONE, &erase, N_ ("Delete the cached chats, drafts and outbox too"), NULL },
    { NULL },
  };
  Wait wait = { 0 };
  int code;

  if (!desk_cli_parse (entries, "logout", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 1)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: logout [--erase]"));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  if (erase && desk_cache_nudge (desk_store_get_dir (cli->store), "ping"))
    return desk_cli_fail (DESK_EXIT_FAILED, _("Frontdesk is running on this cache. Close it first."));
  desk_store_close (cli->store);
  g_clear_object (&cli->store);
  wait.loop = g_main_loop_new (NULL, FALSE);
  desk_account_sign_out_async (cli->account, erase, NULL, on_signed_out, &wait);
  g_main_loop_run (wait.loop);
  g_main_loop_unref (wait.loop);
  if (!wait.done)
    {
      code = desk_cli_fail (DESK_EXIT_FAILED, "%s", wait.error->message);
      g_error_free (wait.error);
    }
  return code;
}
