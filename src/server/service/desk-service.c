/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The service object: what it is made of, the platforms and connections it knows, health and
 * counters. The rules stand in the files beside this one. */

#include "server/service/desk-service-private.h"

#include <string.h>

static void
connection_free (gpointer data)
{
  DeskServiceConnection *connection = data;
  g_free (connection->name);
  g_free (connection->platform);
  g_free (connection->chat_prefix);
  g_free (connection->reason);
  g_free (connection);
}

static void
cached_token_free (gpointer data)
{
  DeskCachedToken *cached = data;
  desk_identity_unref (cached->identity);
  g_free (cached);
}

void desk_service_password_work (gpointer data, gpointer user_data); /* desk-service-sign-in.c */

static void
run_file_task (gpointer data, gpointer user_data)
{
  g_autofree DeskFileTask *task = data;

  task->work (user_data, task->data);
}

DeskService *
desk_service_new (const DeskServiceOptions *options, GError **error)
{
  g_return_val_if_fail (options != NULL && options->store != NULL, NULL);
  DeskService *self = g_new0 (DeskService, 1);
  self->options = *options;
  self->store = options->store;
  self->files = options->files;
  self->clock = desk_clock_ref (options->clock != NULL ? options->clock : desk_clock_system ());
  self->random
      = desk_random_ref (options->random != NULL ? options->random : desk_random_system ());
  self->platforms
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)desk_platform_free);
  self->platform_order = g_ptr_array_new ();
  self->connections = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, connection_free);
  self->tokens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, cached_token_free);
  g_mutex_init (&self->mutex);
  g_rw_lock_init (&self->token_lock);
  self->password_pool = g_thread_pool_new (desk_service_password_work, self, 2, FALSE, NULL);
  self->file_pool = g_thread_pool_new (run_file_task, self, 2, FALSE, NULL);
  return self;
}

DeskFileStore *
desk_service_get_files (DeskService *self)
{
  return self->files;
}

void
desk_service_push_file_task (DeskService *self,
                             void (*work) (DeskService *self, gpointer data),
                             gpointer data)
{
  DeskFileTask *task = g_new0 (DeskFileTask, 1);

  task->work = work;
  task->data = data;
  g_thread_pool_push (self->file_pool, task, NULL);
}

static gboolean
nothing_job (DeskServerTx *tx, gpointer data, GError **error)
{
  return TRUE;
}

/* Nobody may call the service any more. What was begun is finished first: jobs that wait in the
 * store refer to the service. An indigestible payload is handed in a second time by its done, hence
 * two rounds; the cleanup stops after the piece that it is at. */
void
desk_service_free (DeskService *self)
{
  if (self == NULL)
    return;
  g_atomic_int_set (&self->closing, 1);
  g_thread_pool_free (self->password_pool, FALSE, TRUE);
  desk_server_store_run (self->store, nothing_job, NULL, NULL);
  g_thread_pool_free (self->file_pool, FALSE, TRUE);
  for (guint i = 0; i < 3; i++)
    desk_server_store_run (self->store, nothing_job, NULL, NULL);
  g_hash_table_unref (self->tokens);
  g_hash_table_unref (self->connections);
  g_ptr_array_unref (self->platform_order);
  g_hash_table_unref (self->platforms);
  g_mutex_clear (&self->mutex);
  g_rw_lock_clear (&self->token_lock);
  desk_clock_unref (self->clock);
  desk_random_unref (self->random);
  g_free (self->decoy_hash);
  g_free (self);
}

void
desk_service_add_platform (DeskService *self, const DeskPlatform *platform)
{
  g_return_if_fail (self != NULL && platform != NULL);
  if (g_hash_table_contains (self->platforms, platform->name))
    return;
  DeskPlatform *copy = desk_platform_copy (platform);
  g_hash_table_insert (self->platforms, copy->name, copy);
  g_ptr_array_add (self->platform_order, copy);
}

const DeskPlatform *
desk_service_find_platform (DeskService *self, const char *name)
{
  return g_hash_table_lookup (self->platforms, name);
}

void
desk_service_add_connection (DeskService *self,
                             const char *name,
                             const char *platform,
                             const char *chat_prefix)
{
  g_return_if_fail (self != NULL && name != NULL && platform != NULL);
  DeskServiceConnection *connection = g_new0 (DeskServiceConnection, 1);
  connection->name = g_strdup (name);
  connection->platform = g_strdup (platform);
  connection->chat_prefix = g_strdup (chat_prefix != NULL ? chat_prefix : "");
  connection->health = DESK_HEALTH_STARTING;
  g_hash_table_replace (self->connections, connection->name, connection);
}

char *
desk_service_get_epoch (DeskService *self)
{
  return g_strdup (self->store->ops->get_epoch (self->store));
}

gint64
desk_service_get_head (DeskService *self, guint partition)
{
  return partition == 0 ? self->store->ops->get_head (self->store) : 0;
}

/* ── Health ─────────────────────────────────────────────────────────────────────────────────── */

void
desk_service_set_health (DeskService *self, const char *name, DeskHealth health, const char *reason)
{
  g_mutex_lock (&self->mutex);
  DeskServiceConnection *connection = g_hash_table_lookup (self->connections, name);
  if (connection != NULL)
    {
      connection->health = health;
      g_free (connection->reason);
      connection->reason = g_strdup (reason);
    }
  g_mutex_unlock (&self->mutex);
}

static gboolean
probe_job (DeskServerTx *tx, gpointer data, GError **error)
{
  return tx->ops->checkpoint_set (tx, "", "probe", error);
}

static void
probe_done (const GError *error, gpointer data)
{
  desk_service_note_commit (data, error);
}

void
desk_service_note_commit (DeskService *self, const GError *error)
{
  gint failing = 0;
  if (g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FULL))
    failing = DESK_CODE_STORAGE_FULL;
  else if (error != NULL
           && !g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_FAILED)
           && !g_error_matches (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_CONFLICT))
    failing = DESK_CODE_UNAVAILABLE;
  gint before = g_atomic_int_get (&self->storage_failing);
  if (failing == before)
    return;
  g_atomic_int_set (&self->storage_failing, failing);
  if (failing != 0)
    g_message ("the store takes no writes: %s", error->message);
  else
    g_message ("the store takes writes again");
}

static const char *
store_state (DeskService *self)
{
  g_autoptr (GError) error = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  if (tx == NULL)
    return "unreadable";
  tx->ops->end_read (tx);
  gint failing = g_atomic_int_get (&self->storage_failing);
  if (failing == 0)
    return "ok";
  /* With no traffic nobody would notice that there is space again. */
  self->store->ops->submit (self->store, probe_job, probe_done, self);
  return failing == DESK_CODE_STORAGE_FULL ? "full" : "unavailable";
}

static void
write_check (DeskJsonWriter *w, const char *name, gboolean well, const char *message)
{
  desk_json_writer_key_text (w, name);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "status", well ? "ok" : "failing");
  if (message != NULL)
    desk_json_writer_member_string (w, "message", message);
  desk_json_writer_end_object (w);
}

/* A connection that is down does not make the backend unready: what managers write waits for it. */
DeskReply *
desk_service_get_ready (DeskService *self)
{
  const char *store = store_state (self);
  gboolean ready = strcmp (store, "ok") == 0;
  DeskJsonWriter w;
  g_autoptr (GString) details = g_string_new (NULL);
  desk_json_writer_init (&w, details);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "status", ready ? "ok" : "failing");
  desk_json_writer_key (&w, "checks");
  desk_json_writer_begin_object (&w);
  write_check (&w, "store", ready, ready ? NULL : store);
  g_mutex_lock (&self->mutex);
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const DeskServiceConnection *connection = value;
      gboolean well
          = connection->health != DESK_HEALTH_DOWN && connection->health != DESK_HEALTH_DEGRADED;
      /* A connection may be called store, too. */
      g_autofree char *name
          = strcmp (connection->name, "store") == 0 ? g_strdup ("connection store") : NULL;
      write_check (&w, name != NULL ? name : connection->name, well,
                   connection->reason != NULL ? connection->reason
                                              : desk_health_to_string (connection->health));
    }
  g_mutex_unlock (&self->mutex);
  desk_json_writer_end_object (&w);
  desk_json_writer_end_object (&w);
  if (!ready)
    return desk_reply_new_failure (strcmp (store, "full") == 0 ? DESK_CODE_STORAGE_FULL
                                                               : DESK_CODE_UNAVAILABLE,
                                   "The backend cannot store anything", details->str, -1, "");
  DeskReply *reply = desk_reply_new_ok ();
  desk_reply_begin (reply, &w);
  desk_json_writer_raw_len (&w, details->str, details->len);
  desk_reply_end (reply, &w, NULL);
  return reply;
}

void
desk_service_count (DeskService *self, DeskCount what, guint64 n)
{
  g_mutex_lock (&self->mutex);
  self->counters[what] += n;
  g_mutex_unlock (&self->mutex);
}

/* Prometheus text format 0.0.4. */
void
desk_service_write_metrics (DeskService *self, GString *out)
{
  static const char *const names[DESK_COUNT_LAST]
      = { "sends_accepted",  "messages_ingested", "duplicates",   "messages_delivered",
          "messages_failed", "messages_unknown",  "sends_refused" };
  guint64 counters[DESK_COUNT_LAST];
  g_mutex_lock (&self->mutex);
  memcpy (counters, self->counters, sizeof counters);
  g_mutex_unlock (&self->mutex);
  for (guint i = 0; i < DESK_COUNT_LAST; i++)
    g_string_append_printf (
        out, "# TYPE frontdesk_%s_total counter\nfrontdesk_%s_total %" G_GUINT64_FORMAT "\n",
        names[i], names[i], counters[i]);
  g_string_append_printf (out,
                          "# TYPE frontdesk_log_head gauge\nfrontdesk_log_head %" G_GINT64_FORMAT
                          "\n",
                          desk_service_get_head (self, 0));
  DeskServerTx *tx = self->store->ops->begin_read (self->store, NULL);
  if (tx == NULL)
    return;
  gint64 waiting = 0, begun = 0, dead = 0;
  if (tx->ops->jobs_count (tx, DESK_SERVER_JOB_WAITING, &waiting, NULL)
      && tx->ops->jobs_count (tx, DESK_SERVER_JOB_BEGUN, &begun, NULL)
      && tx->ops->jobs_count (tx, DESK_SERVER_JOB_DEAD, &dead, NULL))
    g_string_append_printf (
        out,
        "# TYPE frontdesk_jobs gauge\nfrontdesk_jobs{state=\"waiting\"} %" G_GINT64_FORMAT
        "\nfrontdesk_jobs{state=\"begun\"} %" G_GINT64_FORMAT
        "\nfrontdesk_jobs{state=\"dead\"} %" G_GINT64_FORMAT "\n",
        waiting, begun, dead);
  tx->ops->end_read (tx);
}
