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

/* What the cache holds goes with it only if nobody has it open. */
static int
sign_out (const DeskAccount *account, gboolean erase)
{
  Wait wait = { 0 };
  int code = DESK_EXIT_DONE;

  if (erase && desk_cache_nudge (account->cache_dir, "ping"))
    return desk_cli_fail (DESK_EXIT_FAILED, _("Frontdesk is running on this cache. Close it first."));
  wait.loop = g_main_loop_new (NULL, FALSE);
  desk_account_sign_out_async (account, erase, NULL, on_signed_out, &wait);
  g_main_loop_run (wait.loop);
  g_main_loop_unref (wait.loop);
  if (!wait.done)
    {
      code = desk_cli_fail (DESK_EXIT_FAILED, "%s", wait.error->message);
      g_error_free (wait.error);
    }
  return code;
}

int
desk_cli_logout (DeskCli *cli, int argc, char **argv)
{
  gboolean erase = FALSE;
  const GOptionEntry entries[] = {
    { "erase", 0, 0, G_OPTION_ARG_NONE, &erase, N_ ("Delete the cached chats, drafts and outbox too"), NULL },
    { NULL },
  };
  int code;

  if (!desk_cli_parse (entries, "logout", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 1)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: logout [--erase]"));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  desk_store_close (cli->store);
  g_clear_object (&cli->store);
  return sign_out (cli->account, erase);
}

/* ── The accounts of this user ──────────────────────────────────────────────────────────────── */

static void
print_account (DeskCli *cli, const DeskAccount *account, guint n)
{
  g_autoptr (GString) line = g_string_new (NULL);
  DeskJsonWriter writer;

  if (cli->json)
    {
      desk_json_writer_init (&writer, line);
      desk_json_writer_begin_object (&writer);
      desk_json_writer_member_int64 (&writer, "number", n);
      desk_json_writer_member_string (&writer, "server", account->server_url);
      desk_json_writer_member_string (&writer, "username", account->username);
      desk_json_writer_member_string (&writer, "cache", account->cache_dir);
      desk_json_writer_end_object (&writer);
    }
  else
    g_string_printf (line, "%u  %s  %s  %s", n, account->server_url, *account->username ? account->username : "-",
                     account->cache_dir);
  g_print ("%s\n", line->str);
}

/* The first of the list is the one that commands use. */
int
desk_cli_accounts (DeskCli *cli, int argc, char **argv)
{
  gboolean erase = FALSE;
  const GOptionEntry entries[] = {
    { "erase", 0, 0, G_OPTION_ARG_NONE, &erase, N_ ("Delete the cached chats, drafts and outbox too"), NULL },
    { NULL },
  };
  g_autoptr (GPtrArray) accounts = desk_account_list ();
  g_autoptr (GError) error = NULL;
  gboolean remove;
  guint64 n = 0;

  if (!desk_cli_parse (entries, "accounts", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc == 1 && !erase)
    {
      for (guint i = 0; i < accounts->len; i++)
        print_account (cli, g_ptr_array_index (accounts, i), i + 1);
      return DESK_EXIT_DONE;
    }
  remove = argc == 3 && g_str_equal (argv[1], "remove");
  if (argc != 3 || accounts->len == 0 || (!remove && (erase || !g_str_equal (argv[1], "use")))
      || !g_ascii_string_to_unsigned (argv[2], 10, 1, accounts->len, &n, NULL))
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: accounts [use NUMBER | remove NUMBER [--erase]]"));
  if (remove)
    return sign_out (g_ptr_array_index (accounts, (guint) n - 1), erase);
  if (!desk_account_set_current (g_ptr_array_index (accounts, (guint) n - 1), &error))
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  return DESK_EXIT_DONE;
}
