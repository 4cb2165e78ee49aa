/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The daily cleanup: old messages beyond what each chat keeps, and what has outlived its use in the
 * other tables. It goes in small jobs, so that nobody waits behind it. */

#include "server/service/desk-service-private.h"

#define CHATS_A_JOB 50
#define ROWS_A_JOB  1000
#define KEY_DAYS    90
#define DEDUP_DAYS  30
#define RAW_DAYS    7

typedef struct
{
  DeskWork work;
  gint64 after_row, next_row; /* chats up to there are done */
  gint64 deleted, total;
  gint64 purged;
  gboolean finished;
  void (*done) (gint64 deleted, gpointer data);
  gpointer data;
} DeskCleanup;

static gboolean
clean_chat (DeskCleanup *self, gint64 row, gint64 before_ms, GError **error)
{
  const DeskRetention *retention = &self->work.service->options.retention;
  g_autoptr (DeskServerChat) chat = NULL;
  gint64 deleted;
  if (!self->work.tx->ops->chat_find_row (self->work.tx, row, &chat, error))
    return FALSE;
  if (chat == NULL)
    return TRUE;
  gint64 below = chat->chat->last_chat_seq - MAX (retention->keep_at_least, 1) + 1;
  if (below <= chat->chat->first_chat_seq)
    return TRUE;
  if (!desk_work_trim (&self->work, chat, below, before_ms, &deleted, error))
    return FALSE;
  self->deleted += deleted;
  return self->work.tx->ops->chat_update (self->work.tx, chat, error);
}

static gboolean
clean_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskCleanup *self = data;
  const DeskRetention *retention = &self->work.service->options.retention;
  g_autoptr (GArray) rows = NULL;
  desk_work_begin (&self->work, tx);
  self->deleted = 0;
  gint64 before_ms = self->work.now_ms - retention->days * DAY_MS;
  if (!tx->ops->chats_to_clean (tx, self->after_row, before_ms, retention->keep_at_least,
                                CHATS_A_JOB, &rows, error))
    return FALSE;
  for (guint i = 0; i < rows->len; i++)
    if (!clean_chat (self, g_array_index (rows, gint64, i), before_ms, error))
      return FALSE;
  self->finished = rows->len == 0;
  if (!self->finished)
    self->next_row = g_array_index (rows, gint64, rows->len - 1);
  return TRUE;
}

static gboolean
purge_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskCleanup *self = data;
  guint events_days = self->work.service->options.retention.events_days;
  desk_work_begin (&self->work, tx);
  gint64 now = self->work.now_ms;
  return tx->ops->purge (tx, now - KEY_DAYS * DAY_MS, now - DEDUP_DAYS * DAY_MS,
                         now - RAW_DAYS * DAY_MS, events_days > 0 ? now - events_days * DAY_MS : 0,
                         now, ROWS_A_JOB, &self->purged, error);
}

/* Last, when the messages are gone that named them. */
static void
sweep (DeskService *service, gpointer data)
{
  const guint removed = desk_service_sweep_files (service);

  if (removed > 0)
    g_message ("the cleanup removed %u files", removed);
}

static void
finish (DeskCleanup *self)
{
  if (self->done != NULL)
    self->done (self->total, self->data);
  desk_work_clear (&self->work);
  g_free (self);
}

static void
purge_done (const GError *error, gpointer data)
{
  DeskCleanup *self = data;
  DeskServerStore *store = self->work.service->store;
  desk_service_note_commit (self->work.service, error);
  if (error != NULL)
    g_message ("the cleanup stops early: %s", error->message);
  if (error == NULL && self->purged > 0 && !g_atomic_int_get (&self->work.service->closing))
    store->ops->submit (store, purge_job, purge_done, self);
  else
    {
      if (error == NULL && !g_atomic_int_get (&self->work.service->closing))
        desk_service_push_file_task (self->work.service, sweep, NULL);
      finish (self);
    }
}

static void
clean_done (const GError *error, gpointer data)
{
  DeskCleanup *self = data;
  DeskServerStore *store = self->work.service->store;
  desk_service_note_commit (self->work.service, error);
  if (error != NULL)
    {
      g_message ("the cleanup stops early: %s", error->message);
      finish (self);
      return;
    }
  desk_work_publish (&self->work);
  self->total += self->deleted;
  self->after_row = self->next_row;
  if (g_atomic_int_get (&self->work.service->closing))
    finish (self);
  else if (self->finished)
    store->ops->submit (store, purge_job, purge_done, self);
  else
    store->ops->submit (store, clean_job, clean_done, self);
}

/**
 * desk_service_cleanup:
 * @done: (nullable): gets the number of messages deleted, on the writer thread
 *
 * Any thread; returns at once. One at a time.
 */
void
desk_service_cleanup (DeskService *self,
                      void (*done) (gint64 deleted, gpointer data),
                      gpointer data)
{
  g_return_if_fail (self != NULL);
  DeskCleanup *cleanup = g_new0 (DeskCleanup, 1);
  desk_work_init (&cleanup->work, self);
  cleanup->done = done;
  cleanup->data = data;
  if (self->options.retention.days > 0)
    self->store->ops->submit (self->store, clean_job, clean_done, cleanup);
  else
    self->store->ops->submit (self->store, purge_job, purge_done, cleanup);
}
