/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-api"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "api/desk-api-form.h"
#include "api/desk-api-private.h"
#include "api/desk-api-transfer.h"

/* Sending files: one form, streamed from the disk. Its length is told beforehand, so a server that did not get all of
 * it knows that, and takes nothing: what breaks off before the last byte was surely not sent. */

typedef struct
{
  SoupMessage *message;
  GCancellable *cancellable; /* ours */
  GCancellable *outer;
  gulong outer_handler;
  GSource *stall;
  guint stall_ms;
  gint64 done;
  gint64 total;
  gboolean timed_out;
  gboolean refused; /* before anything was sent: see error */
  DeskTransferProgress progress;
  gpointer progress_data;
} Upload;

void
desk_upload_part_free (DeskUploadPart *self)
{
  if (self == NULL)
    return;
  g_free (self->path);
  g_free (self->filename);
  g_free (self->mime_type);
  g_free (self);
}

static void
upload_free (Upload *upload)
{
  if (upload->outer != NULL)
    g_cancellable_disconnect (upload->outer, upload->outer_handler);
  if (upload->message != NULL)
    g_signal_handlers_disconnect_by_data (upload->message, upload);
  desk_api_clear_source (&upload->stall);
  g_clear_object (&upload->outer);
  g_clear_object (&upload->cancellable);
  g_clear_object (&upload->message);
  g_free (upload);
}

static gboolean
is_complete (const Upload *upload)
{
  return upload->done >= upload->total;
}

static gboolean
on_stall (gpointer data)
{
  Upload *upload = data;

  upload->timed_out = TRUE;
  g_cancellable_cancel (upload->cancellable);
  return G_SOURCE_REMOVE;
}

static void
watch (Upload *upload)
{
  desk_api_clear_source (&upload->stall);
  upload->stall = desk_api_add_timeout (upload->stall_ms, on_stall, upload);
}

static void
on_wrote (SoupMessage *message, guint chunk, Upload *upload)
{
  upload->done = MIN (upload->done + chunk, upload->total);
  watch (upload);
  if (upload->progress != NULL)
    upload->progress (upload->done, upload->total, upload->progress_data);
}

/* libsoup begins anew, on another connection. */
static void
on_restarted (SoupMessage *message, Upload *upload)
{
  upload->done = 0;
}

static void
on_outer_cancelled (GCancellable *outer, GCancellable *inner)
{
  g_cancellable_cancel (inner);
}

static DeskRestAnswer *
broken (Upload *upload, const GError *error)
{
  DeskRestAnswer *answer = g_new0 (DeskRestAnswer, 1);

  if (upload->outer != NULL && g_cancellable_is_cancelled (upload->outer) && !is_complete (upload))
    answer->outcome = DESK_REST_CANCELLED;
  else
    answer->outcome = is_complete (upload) ? DESK_REST_LOST : DESK_REST_NOT_SENT;
  answer->error = g_strdup (upload->timed_out ? "the server did not answer in time" : error->message);
  return answer;
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Upload *upload = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;

  if (desk_api_read_finish (result, &body, &error))
    g_task_return_pointer (task, desk_api_answer_from_message (upload->message, body),
                           (GDestroyNotify) desk_rest_answer_free);
  else
    g_task_return_pointer (task, broken (upload, error), (GDestroyNotify) desk_rest_answer_free);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Upload *upload = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (stream == NULL)
    g_task_return_pointer (task, broken (upload, error), (GDestroyNotify) desk_rest_answer_free);
  else
    desk_api_read_async (stream, DESK_WIRE_MAX_BODY, upload->cancellable, on_read, g_steal_pointer (&task));
}

static void
return_not_sent (GTask *task, const char *why)
{
  DeskRestAnswer *answer = g_new0 (DeskRestAnswer, 1);

  answer->outcome = DESK_REST_NOT_SENT;
  answer->error = g_strdup (why);
  g_task_return_pointer (task, answer, (GDestroyNotify) desk_rest_answer_free);
}

static void
start (DeskApi *self, GTask *task, Upload *upload, GInputStream *form, GCancellable *cancellable)
{
  g_autofree char *type
      = g_strconcat ("multipart/form-data; boundary=", desk_form_get_boundary (DESK_FORM (form)), NULL);

  upload->total = desk_form_get_size (DESK_FORM (form));
  soup_message_set_request_body (upload->message, type, form, upload->total);
  upload->cancellable = g_cancellable_new ();
  if (cancellable != NULL)
    {
      upload->outer = g_object_ref (cancellable);
      upload->outer_handler
          = g_cancellable_connect (cancellable, G_CALLBACK (on_outer_cancelled),
                                   g_object_ref (upload->cancellable), g_object_unref);
    }
  g_signal_connect (upload->message, "wrote-body-data", G_CALLBACK (on_wrote), upload);
  g_signal_connect (upload->message, "restarted", G_CALLBACK (on_restarted), upload);
  watch (upload);
  soup_session_send_async (self->session, upload->message, G_PRIORITY_DEFAULT, upload->cancellable, on_sent,
                           g_object_ref (task));
}

void
desk_api_upload_async (DeskApi *self,
                       const char *path,
                       const DeskSendRequest *fields,
                       GPtrArray *parts,
                       guint stall_ms,
                       DeskTransferProgress progress,
                       gpointer progress_data,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GInputStream) form = NULL;
  g_autoptr (GError) error = NULL;
  Upload *upload;

  g_return_if_fail (DESK_IS_API (self) && path != NULL && parts != NULL);

  task = g_task_new (self, NULL, callback, data);
  g_task_set_source_tag (task, desk_api_upload_async);
  upload = g_new0 (Upload, 1);
  upload->stall_ms = stall_ms;
  upload->progress = progress;
  upload->progress_data = progress_data;
  g_task_set_task_data (task, upload, (GDestroyNotify) upload_free);
  form = desk_form_new (fields, parts, &error);
  upload->message = form ? desk_api_new_message (self, "POST", path) : NULL;
  if (form == NULL)
    return_not_sent (task, error->message);
  else if (upload->message == NULL)
    return_not_sent (task, "the server's address is not usable");
  else
    start (self, task, upload, form, cancellable);
}
