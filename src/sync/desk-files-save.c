/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-files.h"

/* Saving a file where the manager wants it: fetched first, then copied. The copy takes the place of an older file
 * only when it is complete. */

static void
on_copied (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (g_file_copy_finish (G_FILE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_got (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autofree char *path = desk_files_get_finish (DESK_FILES (source), result, &error);
  g_autoptr (GFile) file = NULL;
  GCancellable *cancellable;
  GFile *target;

  if (path == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  file = g_file_new_for_path (path);
  target = g_task_get_task_data (task);
  cancellable = g_task_get_cancellable (task);
  g_file_copy_async (file, target, G_FILE_COPY_OVERWRITE | G_FILE_COPY_TARGET_DEFAULT_PERMS,
                     G_PRIORITY_DEFAULT, cancellable, NULL, NULL, on_copied, g_steal_pointer (&task));
}

void
desk_files_save_async (DeskFiles *self, const DeskMessage *message, const DeskAttachment *attachment, GFile *target,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task;

  g_return_if_fail (DESK_IS_FILES (self) && G_IS_FILE (target));
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_files_save_async);
  g_task_set_task_data (task, g_object_ref (target), g_object_unref);
  desk_files_get_async (self, message, attachment, cancellable, on_got, task);
}

gboolean
desk_files_save_finish (DeskFiles *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
