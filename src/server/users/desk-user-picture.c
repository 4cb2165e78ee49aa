/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-users"

#include "config.h"

/* Pictures of people, from wherever the user service says that they are.
 * Invariants: no token goes there; nothing is followed elsewhere; what is no picture by its own
 * bytes is not kept as one, and no more bytes are read than a picture may have. */

#include "server/users/desk-user-private.h"

#define PIECE_BYTES 65536

typedef struct
{
  DeskUserDirectory *owner;
  SoupMessage *message;
  GInputStream *stream;
  DeskFileUpload *upload; /* nullable */
  DeskStoredFile *file;
} Fetch;

static void
fetch_free (gpointer data)
{
  Fetch *self = data;

  g_clear_object (&self->message);
  g_clear_object (&self->stream);
  g_clear_pointer (&self->upload, desk_file_upload_cancel);
  g_clear_pointer (&self->file, desk_stored_file_free);
  desk_user_directory_unref (self->owner);
  g_free (self);
}

static void
return_stored (gpointer file)
{
  desk_stored_file_free (file);
}

/* The disk is waited for on a thread of its own. */
static void
finish_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Fetch *self = data;
  g_autoptr (GError) error = NULL;
  DeskFileUpload *upload = g_steal_pointer (&self->upload);
  g_autoptr (DeskStoredFile) file = upload->ops->finish (upload, &error);

  if (file == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else if (!g_str_has_prefix (file->mime_type, "image/"))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "This is no picture");
  else
    g_task_return_pointer (task, g_steal_pointer (&file), return_stored);
}

static void read_more (GTask *task);

static void
on_piece (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Fetch *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) piece
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (object), result, &error);

  if (piece != NULL && g_bytes_get_size (piece) == 0)
    {
      g_task_run_in_thread (task, finish_in_thread);
      return;
    }
  if (piece == NULL
      || !self->upload->ops->append (self->upload, g_bytes_get_data (piece, NULL),
                                     g_bytes_get_size (piece), &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  read_more (task);
}

static void
read_more (GTask *task)
{
  Fetch *self = g_task_get_task_data (task);

  g_input_stream_read_bytes_async (self->stream, PIECE_BYTES, G_PRIORITY_LOW,
                                   g_task_get_cancellable (task), on_piece, g_object_ref (task));
}

static void
on_begun (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Fetch *self = g_task_get_task_data (task);
  DeskFileStore *files = self->owner->files;
  g_autoptr (GError) error = NULL;

  self->stream = soup_session_send_finish (SOUP_SESSION (object), result, &error);
  if (self->stream != NULL && soup_message_get_status (self->message) != 200)
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_FAILED, "HTTP status %u",
                 soup_message_get_status (self->message));
  if (error == NULL)
    self->upload
        = files->ops->begin (files, "picture", self->owner->max_picture_bytes, &error);
  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    read_more (task);
}

static gboolean
url_is_allowed (DeskUserDirectory *self, const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  return host != NULL && *host != '\0' && g_uri_get_userinfo (uri) == NULL
         && (g_strcmp0 (g_uri_get_scheme (uri), "https") == 0
             || (self->is_plain && g_strcmp0 (g_uri_get_scheme (uri), "http") == 0));
}

void
desk_user_directory_get_picture_async (DeskUserDirectory *self,
                                       const char *url,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data)
{
  g_return_if_fail (self != NULL && url != NULL);
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  Fetch *fetch = g_new0 (Fetch, 1);

  g_task_set_source_tag (task, desk_user_directory_get_picture_async);
  fetch->owner = desk_user_directory_ref (self);
  g_task_set_task_data (task, fetch, fetch_free);
  if (url_is_allowed (self, url) && self->files != NULL)
    fetch->message = soup_message_new (SOUP_METHOD_GET, url);
  if (fetch->message == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                               "This address is not used");
      return;
    }
  soup_message_add_flags (fetch->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_session_send_async (self->session, fetch->message, G_PRIORITY_LOW, cancellable, on_begun,
                           g_object_ref (task));
}

DeskStoredFile *
desk_user_directory_get_picture_finish (DeskUserDirectory *self,
                                        GAsyncResult *result,
                                        GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
