/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib/gi18n.h>
#include <inttypes.h> /* PRId64: gettext knows it, G_GINT64_FORMAT would cut the text */
#include <stdio.h>

#include "cli/desk-cli.h"

/* Commands that only read the cache: they need no server and no lock. */

#define MAX_LIMIT 1000000

int
desk_cli_chats (DeskCli *cli, int argc, char **argv)
{
  g_autofree char *platform = NULL;
  gboolean unread = FALSE;
  int limit = 0;
  const GOptionEntry entries[] = {
    { "platform", 0, 0, G_OPTION_ARG_STRING, &platform, N_ ("Only chats of this platform"), "P" },
    { "unread", 0, 0, G_OPTION_ARG_NONE, &unread, N_ ("Only chats with unread messages"), NULL },
    { "limit", 0, 0, G_OPTION_ARG_INT, &limit, N_ ("At most so many"), "N" },
    { NULL },
  };
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) error = NULL;
  DeskChatQuery query = { .state = -1 };
  int code;

  if (!desk_cli_parse (entries, "chats", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 1 || limit < 0)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: chats [--platform P] [--unread] [--limit N]"));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  query.platform = platform;
  query.unread_only = unread;
  query.limit = (guint) limit;
  rows = desk_store_list_chats (cli->store, &query, &error);
  if (rows == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  for (guint i = 0; i < rows->len; i++)
    desk_cli_print_chat (cli, g_ptr_array_index (rows, i));
  return DESK_EXIT_DONE;
}

/* The messages of one chat, oldest first, at most limit before order_key (0: the newest). */
static GPtrArray *
collect (DeskCli *cli, const char *platform, const char *user_id, gint64 before, guint limit, GError **error)
{
  g_autoptr (GPtrArray) pages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_timeline_page_free);
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  guint wanted = limit;

  while (wanted > 0)
    {
      DeskTimelineQuery query = { .platform = platform, .user_id = user_id, .limit = MIN (wanted, 500) };
      DeskTimelinePage *page;
      guint found = 0;

      query.anchor = before > 0 ? DESK_ANCHOR_BEFORE : DESK_ANCHOR_NEWEST;
      query.order_key = before;
      page = desk_store_list_messages (cli->store, &query, error);
      if (page == NULL)
        {
          g_ptr_array_unref (messages);
          return NULL;
        }
      for (guint i = page->items->len; i-- > 0 && wanted > 0;)
        {
          DeskTimelineItem *item = g_ptr_array_index (page->items, i);

          if (item->type != DESK_ITEM_MESSAGE)
            continue;
          g_ptr_array_insert (messages, -1, desk_message_copy (item->message));
          before = item->order_key;
          wanted--;
          found++;
        }
      g_ptr_array_add (pages, page);
      if (found == 0 || !page->has_older)
        break;
    }
  return messages;
}

int
desk_cli_history (DeskCli *cli, int argc, char **argv)
{
  int limit = 50;
  gint64 before = 0;
  const GOptionEntry entries[] = {
    { "limit", 0, 0, G_OPTION_ARG_INT, &limit, N_ ("At most so many, the newest"), "N" },
    { "before", 0, 0, G_OPTION_ARG_INT64, &before, N_ ("Only messages before this chat_seq"), "SEQ" },
    { NULL },
  };
  g_autofree char *platform = NULL;
  g_autofree char *user_id = NULL;
  g_autoptr (GPtrArray) messages = NULL;
  g_autoptr (DeskChatRow) row = NULL;
  g_autoptr (GError) error = NULL;
  int code;

  if (!desk_cli_parse (entries, "history P/U", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 2 || limit < 1 || limit > MAX_LIMIT || before < 0)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: history P/U [--limit N] [--before SEQ]"));
  if (!desk_cli_key (argv[1], &platform, &user_id))
    return DESK_EXIT_USAGE;
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  row = desk_store_get_chat (cli->store, platform, user_id, &error);
  if (row == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  messages = collect (cli, platform, user_id, before, (guint) limit, &error);
  if (messages == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  for (guint i = messages->len; i-- > 0;)
    desk_cli_print_message (cli, g_ptr_array_index (messages, i), FALSE);
  return DESK_EXIT_DONE;
}

int
desk_cli_search (DeskCli *cli, int argc, char **argv)
{
  int limit = 50;
  const GOptionEntry entries[] = {
    { "limit", 0, 0, G_OPTION_ARG_INT, &limit, N_ ("At most so many, the newest"), "N" },
    { NULL },
  };
  g_autofree char *words = NULL;
  g_autoptr (GPtrArray) hits = NULL;
  g_autoptr (GError) error = NULL;
  DeskSearchQuery query = { 0 };
  int code;

  if (!desk_cli_parse (entries, "search WORDS", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc < 2 || limit < 1 || limit > MAX_LIMIT)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: search WORDS [--limit N]"));
  words = g_strjoinv (" ", argv + 1);
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  query.words = words;
  query.limit = (guint) limit;
  hits = desk_store_search (cli->store, &query, &error);
  if (hits == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  for (guint i = 0; i < hits->len; i++)
    desk_cli_print_message (cli, ((DeskSearchHit *) g_ptr_array_index (hits, i))->message, TRUE);
  return DESK_EXIT_DONE;
}

static void
print_status_json (DeskCli *cli, const DeskStoreCounts *counts, const char *level, const char *cursor, gint64 complete_ms, gboolean held, GPtrArray *connections)
{
  g_autoptr (GString) line = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, line);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_string (&writer, "server_url", cli->account->server_url);
  desk_json_writer_member_string (&writer, "username", cli->account->username);
  desk_json_writer_member_string (&writer, "cache", desk_store_get_dir (cli->store));
  desk_json_writer_member_bool (&writer, "engine_running", held);
  desk_json_writer_key (&writer, "level");
  if (level != NULL)
    desk_json_writer_int64 (&writer, g_ascii_strtoll (level, NULL, 10));
  else
    desk_json_writer_null (&writer);
  desk_json_writer_member_string (&writer, "cursor", cursor);
  desk_json_writer_member_time_ms (&writer, "complete_to", complete_ms);
  desk_json_writer_member_int64 (&writer, "chats", counts->chats);
  desk_json_writer_member_int64 (&writer, "messages", counts->messages);
  desk_json_writer_member_int64 (&writer, "unread", counts->unread);
  desk_json_writer_member_int64 (&writer, "unread_chats", counts->unread_chats);
  desk_json_writer_member_int64 (&writer, "pending", counts->pending);
  desk_json_writer_member_int64 (&writer, "attention", counts->attention);
  desk_json_writer_member_int64 (&writer, "drafts", counts->drafts);
  desk_json_writer_member_int64 (&writer, "gaps", counts->gaps);
  desk_json_writer_member_int64 (&writer, "bytes", counts->bytes);
  desk_json_writer_key (&writer, "connections");
  if (connections == NULL)
    desk_json_writer_null (&writer);
  else
    {
      desk_json_writer_begin_array (&writer);
      for (guint i = 0; i < connections->len; i++)
        desk_wire_write_connection (&writer, connections->pdata[i]);
      desk_json_writer_end_array (&writer);
    }
  desk_json_writer_end_object (&writer);
  puts (line->str);
}

static void
print_status (DeskCli *cli, const DeskStoreCounts *counts, const char *level, gint64 complete_ms, gboolean held)
{
  g_autoptr (GDateTime) time = complete_ms > 0 ? g_date_time_new_from_unix_local (complete_ms / 1000) : NULL;
  g_autofree char *complete = time ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S") : g_strdup (_("never synchronized"));

  g_print (_("Server:       %s\n"), cli->account->server_url);
  g_print (_("User:         %s\n"), *cli->account->username ? cli->account->username : "-");
  g_print (_("Cache:        %s\n"), desk_store_get_dir (cli->store));
  g_print (_("Engine:       %s\n"), held ? _("running") : _("not running"));
  g_print (_("Protocol:     %s\n"), level ? level : "-");
  g_print (_("Complete to:  %s\n"), complete);
  g_print (_("Chats:        %" PRId64 " (%" PRId64 " unread)\n"), counts->chats, counts->unread_chats);
  g_print (_("Messages:     %" PRId64 "\n"), counts->messages);
  g_print (_("To be sent:   %" PRId64 "\n"), counts->pending);
  g_print (_("Need you:     %" PRId64 "\n"), counts->attention);
}

int
desk_cli_status (DeskCli *cli, int argc, char **argv)
{
  g_autofree char *level = NULL;
  g_autofree char *cursor = NULL;
  g_autofree char *complete = NULL;
  g_autofree DeskStoreCounts *counts = NULL;
  g_autoptr (GError) error = NULL;
  gint64 complete_ms;
  gboolean held;
  int code;

  if (argc != 1)
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: status"));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  counts = desk_store_get_counts (cli->store, &error);
  if (counts == NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  level = desk_store_get_setting (cli->store, "level", NULL);
  cursor = desk_store_get_setting (cli->store, "cursor", NULL);
  complete = desk_store_get_setting (cli->store, "complete_to_ms", NULL);
  complete_ms = complete ? g_ascii_strtoll (complete, NULL, 10) : 0;
  held = desk_cache_nudge (desk_store_get_dir (cli->store), "ping");
  g_autoptr (GPtrArray) connections = desk_cli_fetch_connections (cli);
  if (cli->json)
    print_status_json (cli, counts, level, cursor, complete_ms, held, connections);
  else
    {
      print_status (cli, counts, level, complete_ms, held);
      desk_cli_print_connections (connections);
    }
  return DESK_EXIT_DONE;
}
