/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-files-private.h"

/* Uploads of outbox entries, on the sync thread. What they mean for the entry is the engine's matter; here they are
 * started, watched and stopped. */

#define TELL_EVERY_US (100 * 1000)

typedef struct
{
  DeskLoader *loader;
  gint64 local_id;
  GCancellable *cancellable;
  GCancellable *outer;
  gulong handler;
  gint64 told_us;
  GAsyncReadyCallback callback;
  gpointer data;
} Upload;

static void
tell_upload (const Upload *upload, gint64 done, gint64 total, gboolean over)
{
  DeskFileNews *news = g_new0 (DeskFileNews, 1);

  news->local_id = upload->local_id;
  news->done = done;
  news->total = total;
  news->over = over;
  desk_files_link_tell (upload->loader->link, news);
}

static void
on_upload_progress (gint64 done, gint64 total, gpointer data)
{
  Upload *upload = data;
  gint64 now_us = g_get_monotonic_time ();

  if (now_us - upload->told_us < TELL_EVERY_US && done < total)
    return;
  upload->told_us = now_us;
  tell_upload (upload, done, total, FALSE);
}

static void
on_uploaded (GObject *source, GAsyncResult *result, gpointer data)
{
  Upload *upload = data;

  tell_upload (upload, 0, 0, TRUE);
  g_hash_table_remove (upload->loader->uploads, &upload->local_id);
  upload->callback (source, result, upload->data);
  g_cancellable_disconnect (upload->outer, upload->handler);
  g_object_unref (upload->outer);
  g_object_unref (upload->cancellable);
  desk_loader_unref (upload->loader);
  g_free (upload);
}

static void
on_outer_cancelled (GCancellable *outer, GCancellable *inner)
{
  g_cancellable_cancel (inner);
}

static gpointer
part_of (DeskLoader *self, const DeskStagedFile *file)
{
  DeskUploadPart *part = g_new0 (DeskUploadPart, 1);

  part->path = desk_store_staged_path (self->store, file);
  part->filename = g_strdup (file->filename);
  part->mime_type = g_strdup (file->mime_type);
  part->size = file->size;
  return part;
}

void
desk_loader_upload (DeskLoader *self, const DeskRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer data)
{
  const DeskOutboxEntry *entry = request->entry;
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_upload_part_free);
  g_autofree char *path = desk_request_path (request);
  DeskSendRequest send = desk_request_send (request);
  Upload *upload = g_new0 (Upload, 1);

  for (guint i = 0; i < entry->files->len; i++)
    g_ptr_array_add (parts, part_of (self, g_ptr_array_index (entry->files, i)));
  upload->loader = desk_loader_ref (self);
  upload->local_id = entry->local_id;
  upload->callback = callback;
  upload->data = data;
  upload->cancellable = g_cancellable_new ();
  upload->outer = g_object_ref (cancellable);
  upload->handler = g_cancellable_connect (cancellable, G_CALLBACK (on_outer_cancelled),
                                           g_object_ref (upload->cancellable), g_object_unref);
  g_hash_table_insert (self->uploads, g_memdup2 (&upload->local_id, sizeof (gint64)), g_object_ref (upload->cancellable));
  tell_upload (upload, 0, -1, FALSE);
  desk_api_upload_async (self->api, path, &send, parts, desk_request_timeout_ms (request), on_upload_progress, upload,
                         upload->cancellable, on_uploaded, upload);
}

void
desk_loader_cancel_upload (DeskLoader *self, gint64 local_id)
{
  GCancellable *cancellable = g_hash_table_lookup (self->uploads, &local_id);

  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}
