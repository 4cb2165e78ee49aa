/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-files.h"

#include <glib/gi18n-lib.h>

#include "sync/desk-files-private.h"
#include "sync/desk-sync-private.h"

/* The owner's side of files: what is known of each, and who waits for it. An entry is made when a file is first
 * looked at. Whether it is in the cache is always asked of the cache anew before its path is given away: it may have
 * been evicted since.
 *
 * Invariants: a waiter is answered once. While an entry is loading the loader has its key, or news of its end
 * are on their way. */

#define TOUCH_AFTER_MS (10 * 60 * 1000) /* a use is written down that seldom */

struct _DeskFiles
{
  GObject parent_instance;

  DeskStore *store;
  DeskSync *sync; /* NULL: gone */
  DeskFilesLink *link;
  GMainContext *context;
  GHashTable *entries; /* key → Entry */
  GHashTable *uploads; /* gint64 → Progress */
  GCancellable *cancellable;
  DeskFileSettings settings;
};

typedef struct
{
  gint64 local_id;
  gint64 done;
  gint64 total;
} Progress;

typedef struct
{
  char *key;
  DeskFileState state;
  gboolean looking;   /* the cache is being asked */
  gboolean looked;    /* it was, at least once */
  gboolean loading;   /* the loader has it */
  gboolean by_itself; /* asked for because it is shown */
  int code;           /* GIOErrorEnum of the last failure */
  DeskMessage *message; /* nullable: of the last wish */
  DeskAttachment *attachment;
  gint64 max_bytes;
  GPtrArray *waiters; /* of Waiter */
} Entry;

typedef struct
{
  DeskFiles *files;
  char *key;
  GTask *task;
  GSource *cancelled;
} Waiter;

enum
{
  CHANGED,
  UPLOAD_CHANGED,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskFiles, desk_files, G_TYPE_OBJECT)

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  if (waiter->cancelled != NULL)
    {
      g_source_destroy (waiter->cancelled);
      g_source_unref (waiter->cancelled);
    }
  g_object_unref (waiter->task);
  g_free (waiter->key);
  g_free (waiter);
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_ptr_array_unref (entry->waiters);
  g_clear_pointer (&entry->message, desk_message_free);
  g_clear_pointer (&entry->attachment, desk_attachment_free);
  g_free (entry->state.path);
  g_free (entry->state.error);
  g_free (entry->key);
  g_free (entry);
}

static Entry *
ensure_entry (DeskFiles *self, const char *key)
{
  Entry *entry = g_hash_table_lookup (self->entries, key);

  if (entry != NULL)
    return entry;
  entry = g_new0 (Entry, 1);
  entry->key = g_strdup (key);
  entry->state.total = -1;
  entry->waiters = g_ptr_array_new_with_free_func (waiter_free);
  g_hash_table_insert (self->entries, entry->key, entry);
  return entry;
}

static void
set_state (DeskFiles *self, Entry *entry, DeskFilePhase phase, const char *path, const char *error)
{
  g_autofree char *old_path = g_steal_pointer (&entry->state.path);
  g_autofree char *old_error = g_steal_pointer (&entry->state.error);
  g_autofree char *key = g_strdup (entry->key);

  entry->state.phase = phase;
  entry->state.path = g_strdup (path);
  entry->state.error = g_strdup (error);
  g_signal_emit (self, signals[CHANGED], 0, key);
}

/* ── Waiters ────────────────────────────────────────────────────────────────────────────────── */

static void
answer_waiters (DeskFiles *self, Entry *entry)
{
  g_autoptr (GPtrArray) waiters = g_steal_pointer (&entry->waiters);
  g_autofree char *path = g_strdup (entry->state.path);
  g_autofree char *error = g_strdup (entry->state.error ? entry->state.error : _("The download was stopped."));
  int code = entry->code;
  gboolean ready = entry->state.phase == DESK_FILE_READY;

  entry->waiters = g_ptr_array_new_with_free_func (waiter_free);
  for (guint i = 0; i < waiters->len; i++)
    {
      Waiter *waiter = g_ptr_array_index (waiters, i);

      if (ready)
        g_task_return_pointer (waiter->task, g_strdup (path), g_free);
      else
        g_task_return_new_error (waiter->task, G_IO_ERROR, code, "%s", error);
    }
}

typedef struct
{
  char *key;
  gint64 local_id;
  DeskWish *wish;
} Order;

static void
order_free (gpointer data)
{
  Order *order = data;

  g_free (order->key);
  desk_wish_free (order->wish);
  g_free (order);
}

static void
do_order (DeskDriver *driver, gpointer data)
{
  Order *order = data;
  DeskLoader *loader = desk_driver_get_loader (driver);

  if (order->wish != NULL)
    desk_loader_fetch (loader, g_steal_pointer (&order->wish));
  else if (order->key != NULL)
    desk_loader_cancel (loader, order->key);
  else
    desk_loader_cancel_upload (loader, order->local_id);
}

/* Takes order. FALSE: there is no sync thread. */
static gboolean
post (DeskFiles *self, Order *order)
{
  return self->sync != NULL ? desk_sync_post (self->sync, do_order, order, order_free) : (order_free (order), FALSE);
}

static void
stop_loading (DeskFiles *self, Entry *entry)
{
  Order *order;

  if (!entry->loading)
    return;
  order = g_new0 (Order, 1);
  order->key = g_strdup (entry->key);
  post (self, order); /* its news end it */
}

static gboolean
on_waiter_cancelled (GCancellable *cancellable, gpointer data)
{
  Waiter *waiter = data;
  DeskFiles *self = waiter->files;
  Entry *entry = g_hash_table_lookup (self->entries, waiter->key);
  g_autoptr (GTask) task = g_object_ref (waiter->task);

  g_ptr_array_remove (entry->waiters, waiter); /* frees it */
  if (entry->waiters->len == 0 && !entry->by_itself)
    stop_loading (self, entry);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _("The download was stopped."));
  return G_SOURCE_REMOVE;
}

static void
add_waiter (DeskFiles *self, Entry *entry, GTask *task)
{
  Waiter *waiter = g_new0 (Waiter, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  waiter->files = self;
  waiter->key = g_strdup (entry->key);
  waiter->task = g_object_ref (task);
  if (cancellable != NULL)
    {
      waiter->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (waiter->cancelled, G_SOURCE_FUNC (on_waiter_cancelled), waiter, NULL);
      g_source_attach (waiter->cancelled, self->context);
    }
  g_ptr_array_add (entry->waiters, waiter);
}

/* ── Fetching ───────────────────────────────────────────────────────────────────────────────── */

static void
fail (DeskFiles *self, Entry *entry, DeskFilePhase phase, int code, const char *text)
{
  entry->code = code;
  entry->loading = FALSE;
  set_state (self, entry, phase, NULL, text);
  answer_waiters (self, entry);
}

static void
start_loading (DeskFiles *self, Entry *entry)
{
  const DeskAttachment *a = entry->attachment;
  Order *order;

  if (entry->loading)
    return;
  if (g_strcmp0 (a->state, "gone") == 0)
    {
      fail (self, entry, DESK_FILE_GONE, G_IO_ERROR_NOT_FOUND, _("The server does not keep this file any more."));
      return;
    }
  if (a->size > entry->max_bytes)
    {
      fail (self, entry, DESK_FILE_FAILED, G_IO_ERROR_MESSAGE_TOO_LARGE, _("The file is larger than the settings allow."));
      return;
    }
  order = g_new0 (Order, 1);
  order->wish = g_new0 (DeskWish, 1);
  order->wish->key = g_strdup (entry->key);
  order->wish->message = entry->message ? desk_message_copy (entry->message) : NULL;
  order->wish->attachment = desk_attachment_copy (a);
  order->wish->max_bytes = entry->max_bytes;
  entry->loading = TRUE;
  entry->state.done = 0;
  entry->state.total = a->size;
  if (post (self, order))
    set_state (self, entry, DESK_FILE_WAITING, NULL, NULL);
  else
    fail (self, entry, DESK_FILE_FAILED, G_IO_ERROR_NOT_CONNECTED, _("The server cannot be reached. Try again later."));
}

static void
touch (DeskFiles *self, const DeskCachedFile *file)
{
  DeskBatch *batch;

  if (g_get_real_time () / 1000 - file->used_at_ms < TOUCH_AFTER_MS)
    return;
  batch = desk_batch_new ();
  desk_batch_file_used (batch, file->sha256);
  desk_store_apply_async (self->store, batch, NULL, NULL, NULL);
}

typedef struct
{
  DeskFiles *files;
  char *key;
} Look;

static void
on_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Look *look = data;
  g_autoptr (DeskFiles) self = look->files;
  g_autofree char *key = look->key;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskCachedFile) file = desk_store_find_file_finish (DESK_STORE (source), result, &error);
  Entry *entry = g_hash_table_lookup (self->entries, key);
  gboolean wanted;

  g_free (look);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  entry->looking = FALSE;
  entry->looked = TRUE;
  if (entry->loading)
    return;
  wanted = entry->waiters->len > 0 || (entry->by_itself && entry->state.phase == DESK_FILE_REMOTE);
  if (file != NULL)
    {
      entry->state.done = entry->state.total = file->size;
      touch (self, file);
      if (entry->state.phase != DESK_FILE_READY || g_strcmp0 (entry->state.path, file->path) != 0)
        set_state (self, entry, DESK_FILE_READY, file->path, NULL);
      answer_waiters (self, entry);
    }
  else if (wanted)
    start_loading (self, entry);
  else if (entry->state.phase == DESK_FILE_READY)
    set_state (self, entry, DESK_FILE_REMOTE, NULL, NULL);
}

static void
look_up (DeskFiles *self, Entry *entry)
{
  Look *look;

  if (entry->looking || entry->loading)
    return;
  entry->looking = TRUE;
  look = g_new0 (Look, 1);
  look->files = g_object_ref (self);
  look->key = g_strdup (entry->key);
  desk_store_find_file_async (self->store, entry->key, self->cancellable, on_found, look);
}

static void
remember (Entry *entry, const DeskMessage *message, const DeskAttachment *attachment, gint64 max_bytes)
{
  g_clear_pointer (&entry->message, desk_message_free);
  g_clear_pointer (&entry->attachment, desk_attachment_free);
  entry->message = message && message->id ? desk_message_copy (message) : NULL;
  entry->attachment = desk_attachment_copy (attachment);
  entry->max_bytes = max_bytes;
}

/* ── News from the loader ───────────────────────────────────────────────────────────────────── */

static void
take_upload (DeskFiles *self, const DeskFileNews *news)
{
  Progress *progress = g_hash_table_lookup (self->uploads, &news->local_id);

  if (news->over)
    g_hash_table_remove (self->uploads, &news->local_id);
  else
    {
      if (progress == NULL)
        {
          progress = g_new0 (Progress, 1);
          progress->local_id = news->local_id;
          g_hash_table_insert (self->uploads, &progress->local_id, progress);
        }
      progress->done = news->done;
      progress->total = news->total;
    }
  g_signal_emit (self, signals[UPLOAD_CHANGED], 0, news->local_id);
}

static void
on_news (const DeskFileNews *news, gpointer data)
{
  g_autoptr (DeskFiles) self = g_object_ref (data);
  Entry *entry;

  if (news->key == NULL)
    {
      take_upload (self, news);
      return;
    }
  entry = ensure_entry (self, news->key);
  entry->state.done = news->done;
  entry->state.total = news->total;
  if (news->phase == DESK_FILE_WAITING || news->phase == DESK_FILE_FETCHING)
    {
      set_state (self, entry, news->phase, NULL, NULL);
      return;
    }
  entry->loading = FALSE;
  entry->code = news->code;
  set_state (self, entry, news->phase, news->path, news->error);
  answer_waiters (self, entry);
}

void
desk_files_stopped (DeskFiles *self)
{
  g_autoptr (GPtrArray) waiters = g_ptr_array_new_with_free_func (waiter_free);
  GHashTableIter iter;
  Entry *entry;

  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &entry))
    if (entry->loading)
      {
        entry->loading = FALSE;
        entry->code = G_IO_ERROR_NOT_CONNECTED;
        entry->state.phase = DESK_FILE_REMOTE;
        g_ptr_array_extend_and_steal (waiters, g_steal_pointer (&entry->waiters));
        entry->waiters = g_ptr_array_new_with_free_func (waiter_free);
      }
  g_hash_table_remove_all (self->uploads);
  /* Only now: their callbacks may come back here. */
  for (guint i = 0; i < waiters->len; i++)
    g_task_return_new_error (((Waiter *) g_ptr_array_index (waiters, i))->task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                             "%s", _("The server cannot be reached. Try again later."));
}

/* ── What the screen calls ──────────────────────────────────────────────────────────────────── */

const DeskFileState *
desk_files_look (DeskFiles *self, const DeskAttachment *attachment)
{
  static const DeskFileState nothing = { .phase = DESK_FILE_GONE, .total = -1 };
  g_autofree char *key = NULL;
  Entry *entry;

  g_return_val_if_fail (DESK_IS_FILES (self) && attachment != NULL, &nothing);
  key = desk_attachment_cache_key (attachment);
  if (key == NULL)
    return &nothing;
  entry = ensure_entry (self, key);
  if (!entry->looked)
    {
      if (entry->state.phase == DESK_FILE_REMOTE)
        entry->state.total = attachment->size;
      look_up (self, entry);
    }
  return &entry->state;
}

static gboolean
fetches_itself (DeskFiles *self, const DeskMessage *message, const DeskAttachment *a)
{
  gboolean wanted = g_str_has_prefix (a->mime_type, "image/") || message->kind == DESK_KIND_VOICE
                    || message->kind == DESK_KIND_STICKER;
  gboolean own = a->url == NULL || *a->url == '/';

  return wanted && own && message->deleted_at_ms == 0 && a->size >= 0 && a->size <= self->settings.download_auto_bytes
         && g_strcmp0 (a->state, "gone") != 0 && g_strcmp0 (a->state, "pending") != 0;
}

void
desk_files_show (DeskFiles *self, const DeskMessage *message, const DeskAttachment *attachment)
{
  g_autofree char *key = NULL;
  Entry *entry;

  g_return_if_fail (DESK_IS_FILES (self) && message != NULL && attachment != NULL);
  key = desk_attachment_cache_key (attachment);
  if (key == NULL || !fetches_itself (self, message, attachment))
    return;
  entry = ensure_entry (self, key);
  if (entry->by_itself || entry->loading || entry->state.phase == DESK_FILE_READY)
    return;
  entry->by_itself = TRUE;
  remember (entry, message, attachment, MAX (self->settings.download_auto_bytes, attachment->size));
  look_up (self, entry);
}

static void
get (DeskFiles *self, const DeskMessage *message, const DeskAttachment *attachment, gint64 max_bytes, GTask *task)
{
  g_autofree char *key = desk_attachment_cache_key (attachment);
  Entry *entry;

  if (key == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s", _("The server does not keep this file any more."));
      return;
    }
  entry = ensure_entry (self, key);
  add_waiter (self, entry, task);
  if (!entry->loading)
    remember (entry, message, attachment, max_bytes);
  look_up (self, entry);
}

void
desk_files_get_async (DeskFiles *self, const DeskMessage *message, const DeskAttachment *attachment,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DESK_IS_FILES (self) && message != NULL && attachment != NULL);
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_files_get_async);
  get (self, message, attachment, self->settings.download_max_bytes, task);
}

char *
desk_files_get_finish (DeskFiles *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
desk_files_get_avatar_async (DeskFiles *self, const char *url, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (DeskAttachment) attachment = NULL;

  g_return_if_fail (DESK_IS_FILES (self) && url != NULL);
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_files_get_avatar_async);
  attachment = desk_attachment_new (NULL);
  attachment->url = g_strdup (url);
  get (self, NULL, attachment, DESK_AVATAR_MAX_BYTES, task);
}

char *
desk_files_get_avatar_finish (DeskFiles *self, GAsyncResult *result, GError **error)
{
  return desk_files_get_finish (self, result, error);
}

void
desk_files_cancel (DeskFiles *self, const DeskAttachment *attachment)
{
  g_autofree char *key = NULL;
  Entry *entry;

  g_return_if_fail (DESK_IS_FILES (self) && attachment != NULL);
  key = desk_attachment_cache_key (attachment);
  entry = key ? g_hash_table_lookup (self->entries, key) : NULL;
  if (entry != NULL)
    stop_loading (self, entry);
}

/* ── Uploads ────────────────────────────────────────────────────────────────────────────────── */

gboolean
desk_files_get_upload (DeskFiles *self, gint64 local_id, gint64 *done, gint64 *total)
{
  const Progress *progress;

  g_return_val_if_fail (DESK_IS_FILES (self), FALSE);
  progress = g_hash_table_lookup (self->uploads, &local_id);
  if (progress == NULL)
    return FALSE;
  if (done != NULL)
    *done = progress->done;
  if (total != NULL)
    *total = progress->total;
  return TRUE;
}

void
desk_files_cancel_upload (DeskFiles *self, gint64 local_id)
{
  Order *order;

  g_return_if_fail (DESK_IS_FILES (self));
  order = g_new0 (Order, 1);
  order->local_id = local_id;
  post (self, order);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

static void
on_settings (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskFiles) self = data;
  DeskFileSettings settings;

  if (desk_store_get_file_settings_finish (DESK_STORE (source), result, &settings, NULL))
    self->settings = settings;
}

void
desk_files_reload_settings (DeskFiles *self)
{
  g_return_if_fail (DESK_IS_FILES (self));
  desk_store_get_file_settings_async (self->store, self->cancellable, on_settings, g_object_ref (self));
}

DeskFiles *
desk_files_new (DeskStore *store, gpointer sync)
{
  DeskFiles *self = g_object_new (DESK_TYPE_FILES, NULL);

  self->store = g_object_ref (store);
  self->sync = sync;
  desk_files_reload_settings (self);
  return self;
}

void
desk_files_detach (DeskFiles *self)
{
  desk_files_stopped (self);
  self->sync = NULL;
  desk_files_link_cut (self->link);
  g_cancellable_cancel (self->cancellable);
}

DeskFilesLink *
desk_files_get_link (DeskFiles *self)
{
  return self->link;
}

static void
desk_files_finalize (GObject *object)
{
  DeskFiles *self = DESK_FILES (object);

  desk_files_link_cut (self->link);
  desk_files_link_unref (self->link);
  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->uploads);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->store);
  g_main_context_unref (self->context);
  G_OBJECT_CLASS (desk_files_parent_class)->finalize (object);
}

static void
desk_files_class_init (DeskFilesClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = desk_files_finalize;
  signals[CHANGED]
      = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[UPLOAD_CHANGED]
      = g_signal_new ("upload-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT64);
}

static void
desk_files_init (DeskFiles *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->link = desk_files_link_new (self->context, on_news, self);
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  self->uploads = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  self->cancellable = g_cancellable_new ();
  self->settings = (DeskFileSettings){ DESK_FILES_MAX_BYTES, DESK_DOWNLOAD_MAX_BYTES, DESK_DOWNLOAD_AUTO_BYTES };
}
