/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Pictures are decoded off the main thread and no greater than they are shown.
 * Invariants: files come from strangers, so one that claims to be enormous is not decoded; the
 * memory of textures is touched on the main thread only. */

#include "app/desk-picture-loader.h"

#define MOST_PIXELS   (G_GINT64_CONSTANT (120) * 1000 * 1000)
#define MOST_TEXTURES 48

typedef struct
{
  char *path;
  int side;
  GdkTexture *texture;
} Loaded;

/* Newest first. One for the process: rows are recycled, and show the same pictures again. */
static GQueue recent_textures = G_QUEUE_INIT;

static void
loaded_free (Loaded *self)
{
  g_free (self->path);
  g_clear_object (&self->texture);
  g_free (self);
}

static GdkTexture *
find_recent (const char *path, int side)
{
  for (GList *at = recent_textures.head; at != NULL; at = at->next)
    {
      Loaded *loaded = at->data;
      if (loaded->side != side || !g_str_equal (loaded->path, path))
        continue;
      g_queue_unlink (&recent_textures, at);
      g_queue_push_head_link (&recent_textures, at);
      return g_object_ref (loaded->texture);
    }
  return NULL;
}

static void
remember (const char *path, int side, GdkTexture *texture)
{
  Loaded *loaded = g_new0 (Loaded, 1);
  loaded->path = g_strdup (path);
  loaded->side = side;
  loaded->texture = g_object_ref (texture);
  g_queue_push_head (&recent_textures, loaded);
  while (recent_textures.length > MOST_TEXTURES)
    loaded_free (g_queue_pop_tail (&recent_textures));
}

static void
load_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Loaded *wanted = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  int width = 0, height = 0;

  if (gdk_pixbuf_get_file_info (wanted->path, &width, &height) != NULL
      && (gint64)width * height > MOST_PIXELS)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%d × %d pixels", width,
                               height);
      return;
    }
  if (width > wanted->side || height > wanted->side)
    pixbuf = gdk_pixbuf_new_from_file_at_scale (wanted->path, wanted->side, wanted->side, TRUE,
                                                &error);
  else
    pixbuf = gdk_pixbuf_new_from_file (wanted->path, &error);
  if (pixbuf == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_autoptr (GdkPixbuf) upright = gdk_pixbuf_apply_embedded_orientation (pixbuf);
  g_task_return_pointer (task, gdk_texture_new_for_pixbuf (upright), g_object_unref);
}

void
desk_picture_load_async (const char *path,
                         int side,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Loaded *wanted = g_new0 (Loaded, 1);
  GdkTexture *recent = find_recent (path, side);

  wanted->path = g_strdup (path);
  wanted->side = side;
  g_task_set_source_tag (task, desk_picture_load_async);
  g_task_set_task_data (task, wanted, (GDestroyNotify)loaded_free);
  if (recent != NULL)
    g_task_return_pointer (task, recent, g_object_unref);
  else
    g_task_run_in_thread (task, load_in_thread);
  g_object_unref (task);
}

GdkTexture *
desk_picture_load_finish (GAsyncResult *result, GError **error)
{
  const Loaded *wanted = g_task_get_task_data (G_TASK (result));
  GdkTexture *texture = g_task_propagate_pointer (G_TASK (result), error);
  g_autoptr (GdkTexture) known = texture != NULL ? find_recent (wanted->path, wanted->side) : NULL;
  if (texture != NULL && known == NULL)
    remember (wanted->path, wanted->side, texture);
  return texture;
}
