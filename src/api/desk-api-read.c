/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-api"

#include "config.h"

#include "api/desk-api-private.h"

/* Reads an answer of bounded size: a hostile or broken server must not fill the memory. */

#define CHUNK (64 * 1024)

typedef struct
{
  GByteArray *bytes;
  gsize max;
} Reading;

static void
reading_free (Reading *reading)
{
  g_byte_array_unref (reading->bytes);
  g_free (reading);
}

static void
on_chunk (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Reading *reading = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) chunk = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  gsize len;
  const guint8 *bytes;

  if (chunk == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  bytes = g_bytes_get_data (chunk, &len);
  if (len == 0)
    {
      g_task_return_pointer (task, g_byte_array_free_to_bytes (g_byte_array_ref (reading->bytes)),
                             (GDestroyNotify) g_bytes_unref);
      return;
    }
  if (reading->bytes->len + len > reading->max)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "the server's answer is too large");
      return;
    }
  g_byte_array_append (reading->bytes, bytes, (guint) len);
  g_input_stream_read_bytes_async (G_INPUT_STREAM (source), CHUNK, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                                   on_chunk, g_object_ref (task));
}

void
desk_api_read_async (GInputStream *stream, gsize max, GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer data)
{
  GTask *task = g_task_new (stream, cancellable, callback, data);
  Reading *reading = g_new0 (Reading, 1);

  g_task_set_source_tag (task, desk_api_read_async);
  reading->bytes = g_byte_array_new ();
  reading->max = max;
  g_task_set_task_data (task, reading, (GDestroyNotify) reading_free);
  g_input_stream_read_bytes_async (stream, CHUNK, G_PRIORITY_DEFAULT, cancellable, on_chunk, task);
}

gboolean
desk_api_read_finish (GAsyncResult *result, GBytes **out_bytes, GError **error)
{
  *out_bytes = g_task_propagate_pointer (G_TASK (result), error);
  return *out_bytes != NULL;
}
