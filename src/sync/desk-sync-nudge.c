/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <string.h>

#include "sync/desk-sync-private.h"

/* What other processes ask of the one that runs the engine, by a datagram (desk-cache-lock.h). "settle" is answered
 * through the cache, for a datagram has no answer: the setting "settled" says when the question was last answered, and how:
 * "MILLISECONDS done", or "MILLISECONDS no-connection|refused|failed TEXT". */

#define SETTLED "settled"
#define SECOND_TRY_MS 2000 /* an engine that waits for its next attempt makes it at once */

typedef struct
{
  DeskSync *sync;
  gboolean again;
} Settle;

static void
on_told (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) told = desk_store_apply_finish (DESK_STORE (source), result, &error);

  if (told == NULL)
    g_info ("whoever waits cannot be told: %s", error->message);
}

static void
tell (DeskSync *self, const char *word, const char *text)
{
  const DeskDriverConfig *config = desk_sync_get_config (self);
  g_autofree char *value = g_strdup_printf ("%" G_GINT64_FORMAT " %s%s%s", g_get_real_time () / 1000, word,
                                            text ? " " : "", text ? text : "");
  DeskBatch *batch = desk_batch_new ();

  desk_batch_setting (batch, SETTLED, value);
  desk_store_apply_async (config->store, batch, NULL, on_told, NULL);
}

static gboolean try_again (gpointer data);

static void
on_settled (GObject *source, GAsyncResult *result, gpointer data)
{
  Settle *settle = data;
  g_autoptr (GError) error = NULL;

  if (desk_sync_settle_finish (settle->sync, result, &error))
    tell (settle->sync, "done", NULL);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED) && !settle->again)
    {
      g_autoptr (GSource) source_again = g_timeout_source_new (SECOND_TRY_MS);

      settle->again = TRUE;
      desk_sync_retry_now (settle->sync);
      g_source_set_callback (source_again, try_again, settle, NULL);
      g_source_attach (source_again, g_main_context_get_thread_default ());
      return;
    }
  else
    tell (settle->sync,
          g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED)       ? "no-connection"
          : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED) ? "refused"
                                                                              : "failed",
          error->message);
  g_object_unref (settle->sync);
  g_free (settle);
}

static gboolean
try_again (gpointer data)
{
  Settle *settle = data;

  desk_sync_settle_async (settle->sync, NULL, on_settled, settle);
  return G_SOURCE_REMOVE;
}

void
desk_sync_take_nudge (DeskSync *self, const char *what)
{
  Settle *settle;

  g_return_if_fail (DESK_IS_SYNC (self) && what != NULL);

  desk_store_notify_external_change (desk_sync_get_config (self)->store);
  desk_sync_nudge (self);
  if (!g_str_equal (what, "settle"))
    return;
  settle = g_new0 (Settle, 1);
  settle->sync = g_object_ref (self);
  try_again (settle);
}

DeskSettled
desk_sync_read_settled (DeskStore *store, gint64 since_ms, char **out_text)
{
  g_autofree char *value = desk_store_get_setting (store, SETTLED, NULL);
  g_auto (GStrv) parts = value ? g_strsplit (value, " ", 3) : NULL;

  *out_text = NULL;
  if (parts == NULL || g_strv_length (parts) < 2 || g_ascii_strtoll (parts[0], NULL, 10) < since_ms)
    return DESK_SETTLED_NOT_YET;
  if (g_str_equal (parts[1], "done"))
    return DESK_SETTLED_DONE;
  *out_text = g_strdup (parts[2] ? parts[2] : parts[1]);
  return g_str_equal (parts[1], "no-connection") ? DESK_SETTLED_NO_CONNECTION
         : g_str_equal (parts[1], "refused")     ? DESK_SETTLED_REFUSED
                                                 : DESK_SETTLED_FAILED;
}
