/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "cli/desk-cli.h"
#include "store/desk-store-files.h"

/* Files of messages: attaching, listing, fetching. */

#define LIST_LIMIT 100

gboolean
desk_cli_stage (DeskCli *cli, char **paths, DeskOutboxEntry *entry)
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      DeskStagedFile *file = desk_store_stage_file (cli->store, paths[i], NULL, NULL, NULL, &error);

      if (file == NULL)
        {
          desk_cli_fail (0, "%s: %s", paths[i], error->message);
          return FALSE;
        }
      if (entry->files == NULL)
        entry->files = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_staged_file_free);
      g_ptr_array_add (entry->files, file);
    }
  return TRUE;
}

static gboolean
is_cached (DeskCli *cli, const DeskAttachment *attachment)
{
  g_autofree char *key = desk_attachment_cache_key (attachment);
  g_autoptr (DeskCachedFile) file = key ? desk_store_find_file (cli->store, key, NULL) : NULL;

  return file != NULL;
}

static void
print_files (DeskCli *cli, const DeskMessage *message)
{
  for (guint i = 0; i < message->attachments->len; i++)
    {
      const DeskAttachment *a = g_ptr_array_index (message->attachments, i);
      g_autofree char *size = a->size >= 0 ? g_format_size ((guint64) a->size) : g_strdup ("?");
      g_autofree char *name = g_strdup (a->filename);

      g_strdelimit (name, "\r\n\t\033", ' ');
      g_print ("%s  %u  %s  %s  %s  %s\n", message->id ? message->id : "-", i + 1, *name ? name : "-",
               *a->mime_type ? a->mime_type : "-", size, is_cached (cli, a) ? _("here") : _("on the server"));
    }
}

int
desk_cli_files (DeskCli *cli, int argc, char **argv)
{
  int limit = LIST_LIMIT;
  const GOptionEntry options[] = {
    { "limit", 0, 0, G_OPTION_ARG_INT, &limit, N_ ("Look at so many messages"), "N" },
    { NULL },
  };
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (DeskTimelinePage) page = NULL;
  g_autoptr (GError) error = NULL;
  DeskTimelineQuery query = { .anchor = DESK_ANCHOR_NEWEST };
  int code;

  if (!desk_cli_parse (options, "files P/U", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 2 || limit < 1 || limit > 1000)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: files P/U [--limit N]"));
  if (!desk_cli_key (argv[1], &platform, &user_id))
    return DESK_EXIT_USAGE;
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  query.platform = platform;
  query.user_id = user_id;
  query.limit = (guint) limit;
  page = desk_store_list_messages (cli->store, &query, &error);
  if (page == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  for (guint i = 0; i < page->items->len; i++)
    {
      const DeskTimelineItem *item = g_ptr_array_index (page->items, i);

      if (item->type == DESK_ITEM_MESSAGE)
        print_files (cli, item->message);
    }
  return DESK_EXIT_DONE;
}

/* ── Fetching ───────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  GMainLoop *loop;
  char *path;
  gboolean saved;
  GError *error;
} Wait;

static void
on_got (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;

  wait->path = desk_files_get_finish (DESK_FILES (source), result, &wait->error);
  g_main_loop_quit (wait->loop);
}

static void
on_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;

  wait->saved = desk_files_save_finish (DESK_FILES (source), result, &wait->error);
  g_main_loop_quit (wait->loop);
}

static DeskMessage *
find_message (DeskCli *cli, const char *platform, const char *user_id, const char *id)
{
  DeskTimelineQuery query = {
    .platform = platform, .user_id = user_id, .anchor = DESK_ANCHOR_MESSAGE_ID, .message_id = id, .limit = 3
  };
  g_autoptr (DeskTimelinePage) page = desk_store_list_messages (cli->store, &query, NULL);

  for (guint i = 0; page != NULL && i < page->items->len; i++)
    {
      const DeskTimelineItem *item = g_ptr_array_index (page->items, i);

      if (item->type == DESK_ITEM_MESSAGE && g_strcmp0 (item->message->id, id) == 0)
        return desk_message_copy (item->message);
    }
  return NULL;
}

static int
fetch (DeskCli *cli, const DeskMessage *message, const DeskAttachment *attachment, const char *output)
{
  /* Whoever keeps the cache in sync is not disturbed: files are taken in by any process. */
  DeskSyncOptions options = {
    .server_url = cli->account->server_url,
    .username = cli->account->username,
    .token = cli->token,
    .files_only = TRUE,
  };
  g_autoptr (DeskSync) sync = desk_sync_new (cli->store, &options);
  g_autoptr (GFile) target = output ? g_file_new_for_commandline_arg (output) : NULL;
  Wait wait = { .loop = g_main_loop_new (NULL, FALSE) };
  int code = DESK_EXIT_DONE;

  desk_sync_start (sync);
  if (target != NULL)
    desk_files_save_async (desk_sync_get_files (sync), message, attachment, target, NULL, on_saved, &wait);
  else
    desk_files_get_async (desk_sync_get_files (sync), message, attachment, NULL, on_got, &wait);
  g_main_loop_run (wait.loop);
  g_main_loop_unref (wait.loop);
  if (wait.path != NULL)
    g_print ("%s\n", wait.path);
  else if (!wait.saved)
    code = desk_cli_fail (g_error_matches (wait.error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED) ? DESK_EXIT_NO_CONNECTION
                                                                                             : DESK_EXIT_FAILED,
                          "%s", wait.error->message);
  g_clear_error (&wait.error);
  g_free (wait.path);
  desk_sync_stop (sync);
  return code;
}

int
desk_cli_download (DeskCli *cli, int argc, char **argv)
{
  g_autofree char *output = NULL;
  const GOptionEntry options[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &output, N_ ("Save it there; without, its place in the cache is printed"), "FILE" },
    { NULL },
  };
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (DeskMessage) message = NULL;
  guint64 n = 1;
  int code;

  if (!desk_cli_parse (options, "download P/U MESSAGE", &argc, &argv))
    return DESK_EXIT_USAGE;
  if ((argc != 3 && argc != 4) || (argc == 4 && !g_ascii_string_to_unsigned (argv[3], 10, 1, 1000, &n, NULL)))
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: download P/U MESSAGE [N] [--output FILE]"));
  if (!desk_cli_key (argv[1], &platform, &user_id))
    return DESK_EXIT_USAGE;
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  message = find_message (cli, platform, user_id, argv[2]);
  if (message == NULL || n > message->attachments->len)
    return desk_cli_fail (DESK_EXIT_FAILED, _("There is no such message in the cache, or it has no such file. “files P/U” lists them."));
  return fetch (cli, message, g_ptr_array_index (message->attachments, n - 1), output);
}
