/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-api"

#include "config.h"

#include <errno.h>
#include <gio/gunixoutputstream.h>
#include <string.h>
#include <unistd.h>

#include "api/desk-api-private.h"
#include "api/desk-api-transfer.h"

/* Fetching files: from the socket to the disk piece by piece, as much as was agreed and no more. What the answer's
 * headers claim is believed only as far as it can be checked; the checksum is the caller's matter. */

#define CHUNK (64 * 1024)
#define MAX_REDIRECTS 3
#define BASE "/api/v1" /* links of level 0 are relative to it */

typedef struct
{
  SoupMessage *message;
  GCancellable *cancellable;
  GCancellable *outer;
  gulong outer_handler;
  GSource *stall;
  guint stall_ms;
  gboolean timed_out;
  int fd;
  char *etag;
  gint64 offset;
  gint64 max_bytes;
  gint64 total; /* -1 */
  guint redirects;
  GOutputStream *out;
  GInputStream *in;
  DeskDownload *download;
  DeskTransferProgress progress;
  gpointer progress_data;
} Fetch;

void
desk_download_free (DeskDownload *self)
{
  if (self == NULL)
    return;
  g_free (self->etag);
  g_clear_error (&self->error);
  g_free (self);
}

static void
fetch_free (Fetch *fetch)
{
  if (fetch->outer != NULL)
    g_cancellable_disconnect (fetch->outer, fetch->outer_handler);
  desk_api_clear_source (&fetch->stall);
  g_clear_object (&fetch->outer);
  g_clear_object (&fetch->cancellable);
  g_clear_object (&fetch->message);
  g_clear_object (&fetch->out);
  g_clear_object (&fetch->in);
  g_clear_pointer (&fetch->download, desk_download_free);
  g_free (fetch->etag);
  g_free (fetch);
}

static gboolean
on_stall (gpointer data)
{
  Fetch *fetch = data;

  fetch->timed_out = TRUE;
  g_cancellable_cancel (fetch->cancellable);
  return G_SOURCE_REMOVE;
}

static void
watch (Fetch *fetch)
{
  desk_api_clear_source (&fetch->stall);
  fetch->stall = desk_api_add_timeout (fetch->stall_ms, on_stall, fetch);
}

static void
finish (GTask *task, DeskDownloadOutcome outcome, GError *error)
{
  Fetch *fetch = g_task_get_task_data (task);
  DeskDownload *download = g_steal_pointer (&fetch->download);

  if (outcome == DESK_DOWNLOAD_BROKEN && fetch->outer != NULL && g_cancellable_is_cancelled (fetch->outer))
    outcome = DESK_DOWNLOAD_CANCELLED;
  download->outcome = outcome;
  download->error = error;
  desk_api_clear_source (&fetch->stall);
  g_task_return_pointer (task, download, (GDestroyNotify) desk_download_free);
}

/* ── Links ──────────────────────────────────────────────────────────────────────────────────── */

static gboolean
same_server (GUri *a, GUri *b)
{
  return g_strcmp0 (g_uri_get_scheme (a), g_uri_get_scheme (b)) == 0
         && g_ascii_strcasecmp (g_uri_get_host (a), g_uri_get_host (b)) == 0 && g_uri_get_port (a) == g_uri_get_port (b);
}

/* NULL: not a link that may be followed. */
static GUri *
resolve (DeskApi *self, const char *link, gboolean *out_own)
{
  g_autoptr (GUri) server = g_uri_parse (self->server_url, SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GUri) uri = NULL;
  g_autofree char *full = NULL;

  if (*link == '/')
    full = g_strconcat (self->server_url, g_str_has_prefix (link, BASE "/") ? "" : BASE, link, NULL);
  else
    full = g_strdup (link);
  uri = g_uri_parse (full, SOUP_HTTP_URI_FLAGS, NULL);
  if (uri == NULL || server == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0'
      || g_uri_get_user (uri) != NULL)
    return NULL;
  *out_own = same_server (uri, server);
  if (!*out_own && g_strcmp0 (g_uri_get_scheme (uri), "https") != 0)
    return NULL;
  return g_steal_pointer (&uri);
}

gboolean
desk_api_is_own_link (DeskApi *self, const char *link)
{
  gboolean own = FALSE;
  g_autoptr (GUri) uri = NULL;

  g_return_val_if_fail (DESK_IS_API (self) && link != NULL, FALSE);
  uri = resolve (self, link, &own);
  return uri != NULL && own;
}

/* ── The bytes ──────────────────────────────────────────────────────────────────────────────── */

static void read_more (GTask *task);

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  gsize written = 0;
  gboolean ok = g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, &written, &error);

  fetch->download->received += (gint64) written;
  if (!ok && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    finish (task, DESK_DOWNLOAD_BROKEN, error);
  else if (!ok)
    finish (task, DESK_DOWNLOAD_DISK, error);
  else
    {
      if (fetch->progress != NULL)
        fetch->progress (fetch->download->received, fetch->total, fetch->progress_data);
      read_more (task);
    }
}

static void
on_end (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  if (fetch->total >= 0 && fetch->download->received < fetch->total)
    finish (task, DESK_DOWNLOAD_BROKEN,
            g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "the connection broke"));
  else
    finish (task, DESK_DOWNLOAD_DONE, NULL);
}

static void
write_chunk (GTask *task, GBytes *chunk)
{
  Fetch *fetch = g_task_get_task_data (task);
  gsize len;
  const void *bytes = g_bytes_get_data (chunk, &len);

  watch (fetch);
  if (fetch->download->received + (gint64) len > fetch->max_bytes)
    {
      finish (task, DESK_DOWNLOAD_TOO_LARGE, NULL);
      return;
    }
  g_object_set_data_full (G_OBJECT (task), "chunk", g_bytes_ref (chunk), (GDestroyNotify) g_bytes_unref);
  g_output_stream_write_all_async (fetch->out, bytes, len, G_PRIORITY_DEFAULT, fetch->cancellable, on_written,
                                   g_object_ref (task));
}

static void
on_chunk (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (GBytes) chunk = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (chunk == NULL)
    finish (task, DESK_DOWNLOAD_BROKEN, error);
  else if (g_bytes_get_size (chunk) == 0)
    on_end (task);
  else
    write_chunk (task, chunk);
}

static void
read_more (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  g_input_stream_read_bytes_async (fetch->in, CHUNK, G_PRIORITY_LOW, fetch->cancellable, on_chunk, g_object_ref (task));
}

/* ── The answer ─────────────────────────────────────────────────────────────────────────────── */

/* Where the body begins; -1: nowhere that makes sense. Sets total. */
static gint64
place_of_body (Fetch *fetch)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (fetch->message);
  goffset first = 0, last = 0, total = -1;

  fetch->total = -1;
  if (soup_message_get_status (fetch->message) != 206)
    {
      if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH)
        fetch->total = soup_message_headers_get_content_length (headers);
      return 0;
    }
  if (!soup_message_headers_get_content_range (headers, &first, &last, &total) || first != fetch->offset || last < first
      || (total >= 0 && last >= total))
    return -1;
  fetch->total = total >= 0 ? total : last + 1;
  return first;
}

static gboolean
prepare_file (Fetch *fetch, gint64 place, GError **error)
{
  if (ftruncate (fetch->fd, place) == 0 && lseek (fetch->fd, place, SEEK_SET) == place)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s", g_strerror (errno));
  return FALSE;
}

static void
take_body (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  gint64 place = place_of_body (fetch);

  if (place < 0)
    finish (task, DESK_DOWNLOAD_BAD, NULL);
  else if (fetch->total > fetch->max_bytes)
    finish (task, DESK_DOWNLOAD_TOO_LARGE, NULL);
  else if (!prepare_file (fetch, place, &error))
    finish (task, DESK_DOWNLOAD_DISK, error);
  else
    {
      g_free (fetch->download->etag);
      fetch->download->etag = g_strdup (
          soup_message_headers_get_one (soup_message_get_response_headers (fetch->message), "ETag"));
      fetch->download->received = place;
      fetch->out = g_unix_output_stream_new (fetch->fd, FALSE);
      read_more (task);
    }
}

static void send_message (GTask *task, GUri *uri, gboolean own);

static void
follow (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  const char *location
      = soup_message_headers_get_one (soup_message_get_response_headers (fetch->message), "Location");
  GUri *from = soup_message_get_uri (fetch->message);
  g_autoptr (GUri) uri = location ? g_uri_parse_relative (from, location, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
  gboolean own;
  g_autofree char *text = uri ? g_uri_to_string (uri) : NULL;
  g_autoptr (GUri) allowed = text ? resolve (g_task_get_source_object (task), text, &own) : NULL;

  if (allowed == NULL || !same_server (allowed, from) || fetch->redirects++ >= MAX_REDIRECTS)
    finish (task, DESK_DOWNLOAD_BAD, NULL);
  else
    {
      g_clear_object (&fetch->in);
      send_message (task, allowed, own);
    }
}

static void
refuse (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  const char *wait
      = soup_message_headers_get_one (soup_message_get_response_headers (fetch->message), "Retry-After");
  gint64 seconds;

  if (wait != NULL && g_ascii_string_to_signed (wait, 10, 0, 86400, &seconds, NULL))
    fetch->download->retry_after_ms = seconds * 1000;
  finish (task, DESK_DOWNLOAD_REFUSED, NULL);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  guint status;

  fetch->in = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (fetch->in == NULL)
    {
      finish (task, DESK_DOWNLOAD_BROKEN, error);
      return;
    }
  watch (fetch);
  status = fetch->download->status = soup_message_get_status (fetch->message);
  if (status == 200 || status == 206)
    take_body (task);
  else if (SOUP_STATUS_IS_REDIRECTION (status) && status != 304)
    follow (task);
  else if (status >= 400)
    refuse (task);
  else
    finish (task, DESK_DOWNLOAD_BAD, NULL);
}

/* "Range" with "If-Range": either the rest of the same file, or all of the new one. */
static void
ask_for_rest (Fetch *fetch, SoupMessageHeaders *headers)
{
  if (fetch->offset <= 0)
    return;
  soup_message_headers_set_range (headers, fetch->offset, -1);
  if (fetch->etag != NULL && !g_str_has_prefix (fetch->etag, "W/"))
    soup_message_headers_replace (headers, "If-Range", fetch->etag);
}

static void
send_message (GTask *task, GUri *uri, gboolean own)
{
  DeskApi *self = g_task_get_source_object (task);
  Fetch *fetch = g_task_get_task_data (task);
  SoupMessageHeaders *headers;

  g_clear_object (&fetch->message);
  fetch->message = soup_message_new_from_uri ("GET", uri);
  soup_message_add_flags (fetch->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_message_disable_feature (fetch->message, SOUP_TYPE_CONTENT_DECODER); /* the bytes as they are kept there */
  headers = soup_message_get_request_headers (fetch->message);
  if (own)
    desk_api_authorize (self, fetch->message);
  ask_for_rest (fetch, headers);
  watch (fetch);
  soup_session_send_async (self->session, fetch->message, G_PRIORITY_LOW, fetch->cancellable, on_sent,
                           g_object_ref (task));
}

static void
on_outer_cancelled (GCancellable *outer, GCancellable *inner)
{
  g_cancellable_cancel (inner);
}

static void
link_cancellable (Fetch *fetch, GCancellable *cancellable)
{
  fetch->cancellable = g_cancellable_new ();
  if (cancellable == NULL)
    return;
  fetch->outer = g_object_ref (cancellable);
  fetch->outer_handler = g_cancellable_connect (cancellable, G_CALLBACK (on_outer_cancelled),
                                                g_object_ref (fetch->cancellable), g_object_unref);
}

void
desk_api_download_async (DeskApi *self,
                         const char *link,
                         int fd,
                         gint64 offset,
                         const char *etag,
                         gint64 max_bytes,
                         guint stall_ms,
                         DeskTransferProgress progress,
                         gpointer progress_data,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GUri) uri = NULL;
  gboolean own;
  Fetch *fetch;

  g_return_if_fail (DESK_IS_API (self) && link != NULL && fd >= 0 && offset >= 0);

  task = g_task_new (self, NULL, callback, data);
  g_task_set_source_tag (task, desk_api_download_async);
  fetch = g_new0 (Fetch, 1);
  fetch->fd = fd;
  fetch->offset = offset;
  fetch->etag = g_strdup (etag);
  fetch->max_bytes = max_bytes;
  fetch->stall_ms = stall_ms;
  fetch->progress = progress;
  fetch->progress_data = progress_data;
  fetch->download = g_new0 (DeskDownload, 1);
  fetch->download->received = offset;
  fetch->download->retry_after_ms = -1;
  fetch->download->etag = g_strdup (etag);
  link_cancellable (fetch, cancellable);
  g_task_set_task_data (task, fetch, (GDestroyNotify) fetch_free);
  uri = resolve (self, link, &own);
  if (uri == NULL)
    finish (task, DESK_DOWNLOAD_BAD, NULL);
  else
    send_message (task, uri, own);
}

DeskDownload *
desk_api_download_finish (DeskApi *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
