/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>

#include "cli/desk-cli.h"

/* Commands that write intents: they go into the outbox first, whatever the network does. */

static gboolean
check_chat (DeskCli *cli, const char *platform, const char *user_id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChatRow) row = desk_store_get_chat (cli->store, platform, user_id, &error);

  if (row != NULL)
    return TRUE;
  if (g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND))
    desk_cli_fail (0, _("The chat %s/%s is not in the cache. Run “sync --once” first, or check its name."), platform, user_id);
  else
    desk_cli_fail (0, "%s", error->message);
  return FALSE;
}

int
desk_cli_send (DeskCli *cli, int argc, char **argv)
{
  int wait = -1;
  gboolean note = FALSE;
  g_autofree char *reply_to = NULL;
  g_auto (GStrv) files = NULL;
  g_autofree char *template = NULL;
  g_autofree char *language = NULL;
  g_auto (GStrv) variables = NULL;
  const GOptionEntry options[] = {
    { "file", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, N_ ("Attach this file; may be given several times"), "FILE" },
    { "wait", 0, 0, G_OPTION_ARG_INT, &wait, N_ ("Wait so long for the backend to acknowledge"), "SECONDS" },
    { "note", 0, 0, G_OPTION_ARG_NONE, &note, N_ ("An internal note, which the customer never sees"), NULL },
    { "reply-to", 0, 0, G_OPTION_ARG_STRING, &reply_to, N_ ("Quote the message with this id"), "ID" },
    { "template", 0, 0, G_OPTION_ARG_STRING, &template, N_ ("Send this template instead of a text"), "NAME" },
    { "language", 0, 0, G_OPTION_ARG_STRING, &language, N_ ("Of the template"), "TAG" },
    { "var", 0, 0, G_OPTION_ARG_STRING_ARRAY, &variables, N_ ("A variable of the template, in their order"), "TEXT" },
    { NULL },
  };
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (DeskOutboxEntry) entry = NULL;
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch;
  const char *text;
  int code;

  if (!desk_cli_parse (options, "send P/U TEXT", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (wait < -1
      || (template == NULL ? (argc != 3 && (argc != 2 || files == NULL)) || language != NULL || variables != NULL
                           : argc != 2 || files != NULL || note))
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: send P/U TEXT [--file FILE]… [--wait SECONDS] [--note] [--reply-to ID]\n"
                                              "       send P/U --template NAME [--language TAG] [--var TEXT]… [--wait SECONDS]"));
  if (!desk_cli_key (argv[1], &platform, &user_id))
    return DESK_EXIT_USAGE;
  text = argc == 3 ? argv[2] : "";
  if (!g_utf8_validate (text, -1, NULL) || (*text == '\0' && files == NULL && template == NULL) || strlen (text) > DESK_WIRE_MAX_TEXT)
    return desk_cli_fail (DESK_EXIT_USAGE, _("The text is empty, too long or not UTF-8."));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  if (!check_chat (cli, platform, user_id))
    return DESK_EXIT_FAILED;

  entry = desk_outbox_entry_new (DESK_INTENT_SEND, platform, user_id);
  g_free (entry->text);
  entry->text = g_strdup (text);
  entry->reply_to = g_steal_pointer (&reply_to);
  entry->is_private = note;
  entry->seen_seq = -2; /* the newest one cached */
  if (template != NULL && (code = desk_cli_use_template (cli, template, language, variables, entry)) != 0)
    return code;
  if (!desk_cli_stage (cli, files, entry))
    return DESK_EXIT_FAILED;
  batch = desk_batch_new ();
  desk_batch_outbox_add (batch, entry, FALSE);
  if (!desk_cli_apply (cli, batch, &result))
    return DESK_EXIT_FAILED;
  if (wait < 0)
    return DESK_EXIT_DONE;
  return desk_cli_run_engine (cli, FALSE, g_array_index (result->added_local_ids, gint64, 0), MAX ((gint64) wait * 1000, 1));
}

int
desk_cli_read (DeskCli *cli, int argc, char **argv)
{
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (DeskOutboxEntry) entry = NULL;
  g_autoptr (DeskChatRow) row = NULL;
  g_autoptr (GError) error = NULL;
  DeskBatch *batch;
  int code;

  if (argc != 2)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: read P/U"));
  if (!desk_cli_key (argv[1], &platform, &user_id))
    return DESK_EXIT_USAGE;
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  row = desk_store_get_chat (cli->store, platform, user_id, &error);
  if (row == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  entry = desk_outbox_entry_new (DESK_INTENT_READ, platform, user_id);
  entry->up_to_chat_seq = row->chat->last_chat_seq;
  batch = desk_batch_new ();
  desk_batch_outbox_add (batch, entry, FALSE);
  return desk_cli_apply (cli, batch, NULL) ? DESK_EXIT_DONE : DESK_EXIT_FAILED;
}

static int
list_outbox (DeskCli *cli)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = desk_store_list_outbox (cli->store, &error);

  if (entries == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  for (guint i = 0; i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);

      if (entry->intent != DESK_INTENT_READ && entry->intent != DESK_INTENT_UNREAD)
        desk_cli_print_entry (cli, entry);
    }
  return DESK_EXIT_DONE;
}

int
desk_cli_outbox (DeskCli *cli, int argc, char **argv)
{
  static const char *const words[] = { "retry", "discard", "withdraw", NULL };
  DeskBatch *batch;
  gint64 id = 0;
  char *end = NULL;
  int code;

  gboolean edit = argc == 4 && g_strcmp0 (argv[1], "edit") == 0;

  if (argc == 3 || edit)
    id = g_ascii_strtoll (argv[2], &end, 10);
  if (argc != 1 && (id <= 0 || *end != '\0' || (argc == 3 && !g_strv_contains (words, argv[1]))
                    || (edit && (*argv[3] == '\0' || !g_utf8_validate (argv[3], -1, NULL)))))
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: outbox [retry ID | discard ID | withdraw ID | edit ID TEXT]"));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  if (argc == 1)
    return list_outbox (cli);
  batch = desk_batch_new ();
  if (g_strcmp0 (argv[1], "retry") == 0)
    desk_batch_outbox_retry (batch, id, TRUE, NULL);
  else if (edit)
    desk_batch_outbox_edit (batch, id, argv[3]);
  else if (g_strcmp0 (argv[1], "withdraw") == 0)
    desk_batch_outbox_withdraw (batch, id);
  else
    desk_batch_outbox_discard (batch, id);
  return desk_cli_apply (cli, batch, NULL) ? DESK_EXIT_DONE : DESK_EXIT_FAILED;
}
