/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Opening and rescuing the cache. Both block on the disk, so each gets a thread of its own for as
 * long as it takes (not GLib's pool, which others wait for). */

#include "app/desk-inbox-private.h"

typedef struct
{
  char *dir;
  GThread *early; /* nullable: has begun already */
  gboolean rescue;
  guint drafts, outbox;
} OpenJob;

static void
open_job_free (gpointer data)
{
  OpenJob *job = data;
  g_free (job->dir);
  g_free (job);
}

typedef struct
{
  DeskStore *store;
  GError *error;
} EarlyResult;

static gpointer
run_early (gpointer data)
{
  g_autofree char *dir = data;
  EarlyResult *early = g_new0 (EarlyResult, 1);
  early->store = desk_store_open (dir, NULL, &early->error);
  return early;
}

void
desk_inbox_open_early (DeskInbox *self)
{
  GThread **early = desk_inbox_get_early (self);
  g_return_if_fail (*early == NULL);
  *early = g_thread_new ("desk-open", run_early, g_strdup (desk_inbox_get_dir (self)));
}

DeskStore *
desk_inbox_join_early (GThread *early, GError **error)
{
  EarlyResult *result = g_thread_join (early);
  DeskStore *store = result->store;
  if (result->error != NULL)
    g_propagate_error (error, result->error);
  g_free (result);
  return store;
}

static gpointer
run_open (gpointer data)
{
  g_autoptr (GTask) task = data;
  OpenJob *job = g_task_get_task_data (task);
  GError *error = NULL;
  DeskStore *store = NULL;

  if (job->early != NULL)
    store = desk_inbox_join_early (job->early, &error);
  else if (!job->rescue || desk_store_rescue (job->dir, NULL, &job->drafts, &job->outbox, &error))
    store = desk_store_open (job->dir, NULL, &error);
  if (store != NULL)
    g_task_return_pointer (task, store, g_object_unref);
  else
    g_task_return_error (task, error);
  return NULL;
}

static void
start_job (DeskInbox *self,
           gboolean rescue,
           gpointer tag,
           GCancellable *cancellable,
           GAsyncReadyCallback callback,
           gpointer data)
{
  GTask *task = g_task_new (self, cancellable, callback, data);
  OpenJob *job = g_new0 (OpenJob, 1);
  job->dir = g_strdup (desk_inbox_get_dir (self));
  job->rescue = rescue;
  job->early = g_steal_pointer (desk_inbox_get_early (self));
  g_task_set_source_tag (task, tag);
  g_task_set_priority (task, G_PRIORITY_HIGH);
  g_task_set_task_data (task, job, open_job_free);
  g_thread_unref (g_thread_new ("desk-open", run_open, task));
}

void
desk_inbox_open_async (DeskInbox *self,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  start_job (self, FALSE, desk_inbox_open_async, cancellable, callback, data);
}

gboolean
desk_inbox_open_finish (DeskInbox *self, GAsyncResult *result, GError **error)
{
  g_autoptr (DeskStore) store = g_task_propagate_pointer (G_TASK (result), error);
  if (store == NULL)
    return FALSE;
  desk_inbox_adopt_store (self, store);
  return TRUE;
}

void
desk_inbox_rescue_async (DeskInbox *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  start_job (self, TRUE, desk_inbox_rescue_async, cancellable, callback, data);
}

gboolean
desk_inbox_rescue_finish (
    DeskInbox *self, GAsyncResult *result, guint *out_drafts, guint *out_outbox, GError **error)
{
  OpenJob *job = g_task_get_task_data (G_TASK (result));
  if (!desk_inbox_open_finish (self, result, error))
    return FALSE;
  *out_drafts = job->drafts;
  *out_outbox = job->outbox;
  return TRUE;
}
