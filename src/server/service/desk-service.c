/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The service object: what it is made of, the platforms and connections it knows. The rules stand
 * in the files beside this one. */

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
  self->templates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                           (GDestroyNotify)g_ptr_array_unref);
  self->spoiled_jobs = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
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
  g_hash_table_unref (self->templates);
  g_hash_table_unref (self->spoiled_jobs);
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
  connection->since_ms = desk_clock_now_ms (self->clock);
  desk_service_recall_health (self, connection);
  desk_service_recall_templates (self, name);
  g_mutex_lock (&self->mutex);
  g_hash_table_replace (self->connections, connection->name, connection);
  g_mutex_unlock (&self->mutex);
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
