/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <stdio.h>

#include "cli/desk-cli.h"
#include "common/desk-crypto.h"
#include "common/desk-log.h"

/* frontdeskctl [--cache DIR] [--server URL] [--json] COMMAND … */

static const struct
{
  const char *name;
  DeskCliCommand run;
  const char *help;
} commands[] = {
  { "login", desk_cli_login, N_ ("--user NAME | --token-stdin: sign in") },
  { "logout", desk_cli_logout, N_ ("[--erase]: sign out, and delete the cache if asked") },
  { "sync", desk_cli_sync, N_ ("[--once | --follow]: bring the cache up to date, deliver the outbox") },
  { "chats", desk_cli_chats, N_ ("[--platform P] [--unread] [--limit N]") },
  { "history", desk_cli_history, N_ ("P/U [--limit N] [--before SEQ]") },
  { "search", desk_cli_search, N_ ("WORDS [--limit N]") },
  { "send", desk_cli_send, N_ ("P/U TEXT [--file FILE]… [--wait SECONDS] [--note] [--reply-to ID]") },
  { "templates", desk_cli_templates, N_ ("P/U: what may be sent when free replies are not taken any more") },
  { "files", desk_cli_files, N_ ("P/U [--limit N]: the files of a chat's newest messages") },
  { "download", desk_cli_download, N_ ("P/U MESSAGE [N] [--output FILE]: the N-th file of a message") },
  { "read", desk_cli_read, N_ ("P/U: mark as read") },
  { "assign", desk_cli_assign, N_ ("P/U USER | P/U --none: who answers") },
  { "state", desk_cli_state, N_ ("P/U open | resolved | snoozed --until TIME") },
  { "label", desk_cli_label, N_ ("P/U +LABEL -LABEL …: put labels on, take them off") },
  { "mute", desk_cli_mute, N_ ("P/U [--off]: no notifications of this chat") },
  { "edit", desk_cli_edit, N_ ("ID TEXT: of a message that was sent") },
  { "delete", desk_cli_delete, N_ ("ID: of a message that was sent") },
  { "react", desk_cli_react, N_ ("ID EMOJI: to a message; an empty EMOJI takes it back") },
  { "retry", desk_cli_retry, N_ ("ID: send a message again that failed on its way") },
  { "canned", desk_cli_canned, N_ ("replies that the team has ready") },
  { "profile", desk_cli_profile, N_ ("P/U [--set FIELD=VALUE …]: the customer") },
  { "accounts", desk_cli_accounts, N_ ("[use NUMBER | remove NUMBER [--erase]]: who is signed in here") },
  { "outbox", desk_cli_outbox, N_ ("[retry ID | discard ID | withdraw ID | edit ID TEXT]") },
  { "status", desk_cli_status, N_ ("what is cached, and how fresh it is") },
};

int
desk_cli_fail (int code, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "frontdeskctl: %s\n", text);
  return code;
}

static int
count_separators (int argc, char **argv)
{
  int n = 0;

  for (int i = 1; i < argc; i++)
    n += strcmp (argv[i], "--") == 0;
  return n;
}

/* GLib leaves a "--" standing when something after it begins with a dash: a text, for example. */
static void
drop_separator (int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++)
    if (strcmp (argv[i], "--") == 0)
      {
        memmove (argv + i, argv + i + 1, sizeof (char *) * (gsize) (*argc - i));
        (*argc)--;
        return;
      }
}

gboolean
desk_cli_parse (const GOptionEntry *entries, const char *usage, int *argc, char ***argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  int separators = count_separators (*argc, *argv);

  g_set_prgname (usage);
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, argc, argv, &error))
    {
      if (count_separators (*argc, *argv) == separators)
        drop_separator (argc, *argv);
      return TRUE;
    }
  desk_cli_fail (0, "%s", error->message);
  return FALSE;
}

gboolean
desk_cli_key (const char *text, char **platform, char **user_id)
{
  if (desk_chat_parse_key (text, platform, user_id))
    return TRUE;
  desk_cli_fail (0, _("A chat is named PLATFORM/USER, for example telegram/42."));
  return FALSE;
}

static gboolean
find_account (DeskCli *cli, GError **error)
{
  g_autofree char *url = NULL;

  if (cli->server != NULL && (url = desk_account_normalize_url (cli->server, error)) == NULL)
    return FALSE;
  if (cli->cache != NULL)
    cli->account = desk_account_for_cache (cli->cache);
  else
    {
      g_autoptr (GPtrArray) accounts = desk_account_list ();

      for (guint i = 0; i < accounts->len && cli->account == NULL; i++)
        {
          DeskAccount *account = g_ptr_array_index (accounts, i);

          if (url == NULL || g_strcmp0 (url, account->server_url) == 0)
            cli->account = desk_account_copy (account);
        }
    }
  if (cli->account == NULL && url == NULL)
    {
      g_set_error (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_ADDRESS, "%s",
                   _("Nobody is signed in here. Use “login”, or --server with FRONTDESK_TOKEN."));
      return FALSE;
    }
  if (cli->account == NULL)
    {
      cli->account = g_new0 (DeskAccount, 1);
      cli->account->username = g_strdup ("");
      cli->account->display_name = g_strdup ("");
      cli->account->cache_dir = cli->cache ? g_strdup (cli->cache) : desk_store_account_dir (NULL, url, "");
    }
  if (url != NULL)
    {
      g_free (cli->account->server_url);
      cli->account->server_url = g_steal_pointer (&url);
    }
  return TRUE;
}

int
desk_cli_open (DeskCli *cli)
{
  g_autoptr (GError) error = NULL;
  guint drafts, outbox;

  if (!find_account (cli, &error))
    return desk_cli_fail (g_error_matches (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_ADDRESS) ? DESK_EXIT_USAGE
                                                                                                   : DESK_EXIT_FAILED,
                          "%s", error->message);
  cli->store = desk_store_open (cli->account->cache_dir, NULL, &error);
  if (g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT))
    {
      g_clear_error (&error);
      if (desk_store_rescue (cli->account->cache_dir, NULL, &drafts, &outbox, &error))
        {
          desk_cli_fail (0, _("The cache was damaged and has been set aside. Saved: %u drafts, %u messages to be sent."),
                         drafts, outbox);
          cli->store = desk_store_open (cli->account->cache_dir, NULL, &error);
        }
    }
  if (cli->store == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  return 0;
}

gboolean
desk_cli_apply (DeskCli *cli, DeskBatch *batch, DeskBatchResult **out_result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) result = desk_store_apply (cli->store, batch, &error);

  if (result == NULL)
    {
      desk_cli_fail (0, "%s", error->message);
      return FALSE;
    }
  if (out_result != NULL)
    *out_result = g_steal_pointer (&result);
  desk_cache_nudge (desk_store_get_dir (cli->store), "outbox");
  return TRUE;
}

static void
print_help (void)
{
  g_print (_("frontdeskctl [--cache DIR] [--server URL] [--json] COMMAND\n\n"));
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-9s %s\n", commands[i].name, _ (commands[i].help));
  g_print (_("\nFRONTDESK_TOKEN in the environment serves instead of the keyring.\n"
             "Exit codes: 0 done, 1 failed, 2 usage, 3 no connection, 4 sign-in refused.\n"));
}

static int
run_command (DeskCli *cli, int argc, char **argv)
{
  if (argc < 2)
    {
      print_help ();
      return DESK_EXIT_USAGE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_strcmp0 (argv[1], commands[i].name) == 0)
      return commands[i].run (cli, argc - 1, argv + 1);
  return desk_cli_fail (DESK_EXIT_USAGE, _("There is no command “%s”. “frontdeskctl --help” lists them."), argv[1]);
}

int
main (int argc, char **argv)
{
  DeskCli cli = { 0 };
  gboolean help = FALSE, version = FALSE;
  const GOptionEntry entries[] = {
    { "cache", 0, 0, G_OPTION_ARG_FILENAME, &cli.cache, NULL, "DIR" },
    { "server", 0, 0, G_OPTION_ARG_STRING, &cli.server, NULL, "URL" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &cli.json, NULL, NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, NULL, NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = NULL;
  g_autoptr (GError) error = NULL;
  const char *token;
  int code;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  desk_log_init (DESK_LOG_PLAIN, G_LOG_LEVEL_WARNING);
  context = g_option_context_new (NULL);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return desk_cli_fail (DESK_EXIT_USAGE, "%s", error->message);
  if (help || version)
    {
      if (help)
        print_help ();
      else
        g_print ("frontdeskctl " PACKAGE_VERSION "\n");
      return DESK_EXIT_DONE;
    }
  token = g_getenv ("FRONTDESK_TOKEN");
  cli.token = token != NULL && *token != '\0' ? g_strdup (token) : NULL;
  code = run_command (&cli, argc, argv);
  if (cli.store != NULL)
    desk_store_close (cli.store);
  g_clear_object (&cli.store);
  g_clear_pointer (&cli.account, desk_account_free);
  desk_secure_clear (cli.token);
  g_free (cli.token);
  g_free (cli.cache);
  g_free (cli.server);
  return code;
}
