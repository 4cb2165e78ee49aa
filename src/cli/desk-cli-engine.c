/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-cli"

#include "config.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "cli/desk-cli.h"

/* Runs the engine in this process, or waits for the process that runs it. One engine a cache: who has the lock. */

#define LOOK_MS 100
#define LOOKS_A_SECOND (1000 / LOOK_MS)
#define ASK_AGAIN_S 10
#define ANSWER_S 120 /* how long the holder of the cache may take to answer */

typedef struct
{
  DeskCli *cli;
  DeskSync *sync; /* NULL: another process has the cache */
  GMainLoop *loop;
  gint64 local_id;
  gint64 deadline_us; /* 0 none */
  DeskCacheLock *lock;
  gint64 asked_ms; /* wall clock: the holder of the cache was asked to settle */
  guint looks;
  gboolean follow;
  gboolean settled;
  int code;
} Run;

static void
finish (Run *run, int code)
{
  run->code = code;
  g_main_loop_quit (run->loop);
}

static gboolean
on_signal (gpointer data)
{
  Run *run = data;

  finish (run, run->follow ? DESK_EXIT_DONE : DESK_EXIT_FAILED);
  return G_SOURCE_CONTINUE;
}

static void
on_event (DeskSync *sync, DeskEvent *event, Run *run)
{
  if (run->follow)
    desk_cli_print_event (run->cli, event);
}

static void
on_state (DeskSync *sync, Run *run)
{
  const DeskSyncState *state = desk_sync_get_state (sync);

  if (run->follow && state->phase == DESK_SYNC_SIGNED_OUT)
    {
      desk_cli_fail (0, "%s", state->error);
      finish (run, DESK_EXIT_REFUSED);
    }
}

/* Where an entry of the outbox stands: 0 acknowledged, 1 refused or waiting for the manager, -1 not yet. */
static int
look_at_entry (Run *run)
{
  g_autoptr (GPtrArray) entries = desk_store_list_outbox (run->cli->store, NULL);
  guint pending = 0;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);
      gboolean waits = entry->state == DESK_OUTBOX_QUEUED || entry->state == DESK_OUTBOX_SENDING;

      pending += waits;
      if (entry->local_id != run->local_id)
        continue;
      if (waits)
        return -1;
      desk_cli_fail (0, "%s", entry->error ? entry->error : _("The message was not accepted."));
      return 1;
    }
  if (entries == NULL || (run->local_id == 0 && pending > 0))
    return -1;
  return 0;
}

static void on_nudge (const char *what, gpointer data);
static void start_sync (Run *run);

/* The holder of the cache tells when all is here and delivered; if it goes, this process takes its place. */
static void
look_at_holder (Run *run)
{
  static const int codes[] = { 0, DESK_EXIT_DONE, DESK_EXIT_NO_CONNECTION, DESK_EXIT_REFUSED, DESK_EXIT_FAILED };
  g_autofree char *text = NULL;
  DeskSettled settled = desk_sync_read_settled (run->cli->store, run->asked_ms, &text);

  if (settled == DESK_SETTLED_DONE && look_at_entry (run) < 0)
    return; /* something was written after it had looked */
  if (settled != DESK_SETTLED_NOT_YET)
    {
      if (text != NULL)
        desk_cli_fail (0, "%s", text);
      finish (run, codes[settled]);
      return;
    }
  if (++run->looks % LOOKS_A_SECOND != 0)
    return;
  run->lock = desk_cache_lock_acquire (desk_store_get_dir (run->cli->store), on_nudge, run, NULL);
  if (run->lock != NULL)
    start_sync (run);
  else if (run->looks % (ASK_AGAIN_S * LOOKS_A_SECOND) == 0) /* its queue may have been full */
    desk_cache_nudge (desk_store_get_dir (run->cli->store), "settle");
  if (run->lock == NULL && run->looks >= ANSWER_S * LOOKS_A_SECOND)
    finish (run, desk_cli_fail (DESK_EXIT_FAILED, _("The process that keeps this cache in sync does not answer.")));
}

static gboolean
on_look (gpointer data)
{
  Run *run = data;  int found;

  if (run->sync == NULL && run->local_id == 0)
    {
      look_at_holder (run);
      return G_SOURCE_CONTINUE;
    }
  found = run->follow ? -1 : run->local_id != 0 ? look_at_entry (run) : -1;

  if (found >= 0)
    finish (run, found == 0 ? DESK_EXIT_DONE : DESK_EXIT_FAILED);
  else if (run->deadline_us != 0 && g_get_monotonic_time () >= run->deadline_us)
    {
      desk_cli_fail (0, _("Not acknowledged yet; it stays in the outbox."));
      finish (run, DESK_EXIT_FAILED);
    }
  return G_SOURCE_CONTINUE;
}

static void
on_settled (GObject *source, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  g_autoptr (GError) error = NULL;

  if (desk_sync_settle_finish (DESK_SYNC (source), result, &error))
    {
      if (run->local_id != 0)
        {
          int found = look_at_entry (run);

          if (found < 0)
            desk_cli_fail (0, _("An earlier message of this chat waits for you; this one stays behind it in the outbox."));
          finish (run, found == 0 ? DESK_EXIT_DONE : DESK_EXIT_FAILED);
        }
      else
        finish (run, DESK_EXIT_DONE);
      return;
    }
  if (run->deadline_us != 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED))
    return; /* the engine goes on trying until the deadline */
  desk_cli_fail (0, "%s", error->message);
  finish (run, g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED)       ? DESK_EXIT_NO_CONNECTION
               : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED) ? DESK_EXIT_REFUSED
                                                                                   : DESK_EXIT_FAILED);
}

static void
on_nudge (const char *what, gpointer data)
{
  Run *run = data;

  if (run->sync != NULL)
    desk_sync_take_nudge (run->sync, what);
}

static void
start_sync (Run *run)
{
  DeskSyncOptions options = {
    .server_url = run->cli->account->server_url,
    .username = run->cli->account->username,
    .token = run->cli->token,
    .no_backfill = run->local_id != 0,
  };

  run->sync = desk_sync_new (run->cli->store, &options);
  g_signal_connect (run->sync, "event", G_CALLBACK (on_event), run);
  g_signal_connect (run->sync, "state-changed", G_CALLBACK (on_state), run);
  desk_sync_start (run->sync);
  if (!run->follow)
    desk_sync_settle_async (run->sync, NULL, on_settled, run);
}

int
desk_cli_run_engine (DeskCli *cli, gboolean follow, gint64 local_id, gint64 timeout_ms)
{
  Run run = { .cli = cli, .follow = follow, .local_id = local_id };
  g_autoptr (GError) error = NULL;
  guint sources[3];

  run.lock = desk_cache_lock_acquire (desk_store_get_dir (cli->store), on_nudge, &run, &error);
  if (error != NULL)
    return desk_cli_fail (DESK_EXIT_FAILED, "%s", error->message);
  if (run.lock == NULL && follow)
    return desk_cli_fail (DESK_EXIT_FAILED, _("Another process keeps this cache in sync; follow it there."));
  run.loop = g_main_loop_new (NULL, FALSE);
  run.deadline_us = timeout_ms > 0 ? g_get_monotonic_time () + timeout_ms * 1000 : 0;
  run.asked_ms = g_get_real_time () / 1000;
  if (run.lock != NULL)
    start_sync (&run);
  else
    desk_cache_nudge (desk_store_get_dir (cli->store), local_id != 0 ? "outbox" : "settle");
  sources[0] = g_unix_signal_add (SIGINT, on_signal, &run);
  sources[1] = g_unix_signal_add (SIGTERM, on_signal, &run);
  sources[2] = g_timeout_add (LOOK_MS, on_look, &run);
  g_main_loop_run (run.loop);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  if (run.sync != NULL)
    {
      g_signal_handlers_disconnect_by_data (run.sync, &run);
      desk_sync_stop (run.sync);
      g_clear_object (&run.sync);
    }
  g_clear_pointer (&run.lock, desk_cache_lock_release);
  g_main_loop_unref (run.loop);
  return run.code;
}

int
desk_cli_sync (DeskCli *cli, int argc, char **argv)
{
  gboolean once = FALSE, follow = FALSE;
  const GOptionEntry entries[] = {
    { "once", 0, 0, G_OPTION_ARG_NONE, &once, N_ ("Until everything is here and the outbox is delivered"), NULL },
    { "follow", 0, 0, G_OPTION_ARG_NONE, &follow, N_ ("Print a line an event until interrupted"), NULL },
    { NULL },
  };
  int code;

  if (!desk_cli_parse (entries, "sync", &argc, &argv))
    return DESK_EXIT_USAGE;
  if (argc != 1 || (once && follow))
    return desk_cli_fail (DESK_EXIT_USAGE, _("usage: sync [--once | --follow]"));
  if ((code = desk_cli_open (cli)) != 0)
    return code;
  return desk_cli_run_engine (cli, follow, 0, 0);
}
