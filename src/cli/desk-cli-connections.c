/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

/* How the backend's connections to the platforms are, for "status". What cannot be found out is
 * left out: status must work without a network. */

#include <glib/gi18n.h>

#include "cli/desk-cli.h"
#include "sync/desk-connections.h"

#define FETCH_MS 3000

typedef struct
{
  GMainLoop *loop;
  GPtrArray *list;
} Wait;

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  Wait *wait = data;
  g_autoptr (GError) error = NULL;

  wait->list = desk_connections_fetch_finish (result, &error);
  if (error != NULL)
    g_info ("the connections are not known: %s", error->message);
  g_main_loop_quit (wait->loop);
}

GPtrArray *
desk_cli_fetch_connections (DeskCli *cli)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Wait wait = { loop, NULL };

  desk_connections_fetch_async (cli->account, cli->token, FETCH_MS, NULL, on_fetched, &wait);
  g_main_loop_run (loop);
  return wait.list;
}

void
desk_cli_print_connections (GPtrArray *list)
{
  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const DeskConnectionInfo *info = list->pdata[i];
      g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (info->since_ms / 1000);
      g_autofree char *since = g_date_time_format (time, "%Y-%m-%d %H:%M");

      if (g_strcmp0 (info->state, "starting") == 0)
        g_print (_("Connection:   %s %s: starts\n"), info->title, info->name);
      else if (!desk_connection_info_is_failing (info))
        g_print (_("Connection:   %s %s: works\n"), info->title, info->name);
      else
        g_print (_("Connection:   %s %s: fails since %s: %s. %s\n"), info->title, info->name, since,
                 info->reason != NULL ? info->reason : info->state,
                 info->advice != NULL ? info->advice : "");
    }
}
