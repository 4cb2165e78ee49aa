/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* One call of the Graph API.
 *
 * Did the request leave? libsoup emits SoupMessage::starting when a connection (with its TLS
 * handshake) stands and right before the first byte of the request is written. An error before
 * that signal is "not connected: surely not sent"; every error after it is "perhaps sent". libsoup
 * repeats a request by itself only if its method is idempotent; a POST gets a connection of its
 * own (SOUP_MESSAGE_NEW_CONNECTION).
 *
 * Invariants: the token is in the Authorization header and nowhere else, and goes to no server but
 * the one that is named; a reply always has either trouble or an HTTP status. */

#include "server/connectors/meta/desk-meta-graph.h"

#include <libsoup/soup.h>
#include <string.h>

#include "common/desk-crypto.h"
#include "server/connectors/meta/desk-meta-private.h"

#define READ_CHUNK (64 * 1024)

/* From here on callers that can wait do: Meta refuses at 100 %. */
#define LOAD_SLOW_PERCENT 90
#define LOAD_SLOW_MS      2000
#define LOAD_FULL_MS      (60 * 1000)

struct _DeskMetaGraph
{
  gatomicrefcount refs; /* the owner's, and one for each call under way */
  SoupSession *session;
  char *root; /* base_url and version, without a slash at the end */
  gboolean is_https;
  char *token;
  gint64 quiet_until_us; /* monotonic */
};

typedef struct
{
  DeskMetaGraph *graph;
  SoupMessage *message;
  char *token;
  GByteArray *body;
  DeskMetaReply *reply;
} Call;

static void
graph_unref (DeskMetaGraph *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_object_unref (self->session);
  g_free (self->root);
  desk_secure_clear (self->token);
  g_free (self->token);
  g_free (self);
}

static void
call_free (Call *call)
{
  graph_unref (call->graph);
  g_clear_object (&call->message);
  desk_secure_clear (call->token);
  g_free (call->token);
  g_byte_array_unref (call->body);
  g_clear_pointer (&call->reply, desk_meta_reply_free);
  g_free (call);
}

DeskMetaGraph *
desk_meta_graph_new (const char *base_url, const char *version, const char *token, guint timeout_s)
{
  g_return_val_if_fail (base_url != NULL && token != NULL, NULL);
  DeskMetaGraph *self = g_new0 (DeskMetaGraph, 1);
  g_autofree char *base = g_strdup (base_url);

  g_atomic_ref_count_init (&self->refs);
  while (g_str_has_suffix (base, "/"))
    base[strlen (base) - 1] = '\0';
  self->root = version != NULL && *version != '\0' ? g_strconcat (base, "/", version, NULL)
                                                   : g_steal_pointer (&base);
  self->is_https = g_str_has_prefix (self->root, "https://");
  self->token = g_strdup (token);
  self->session
      = soup_session_new_with_options ("timeout", timeout_s, "idle-timeout", 60, "max-conns", 16,
                                       "max-conns-per-host", 8, "user-agent",
                                       "frontdesk/" PACKAGE_VERSION, NULL);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_SNIFFER);
  return self;
}

void
desk_meta_graph_free (DeskMetaGraph *self)
{
  if (self == NULL)
    return;
  soup_session_abort (self->session);
  graph_unref (self);
}

void
desk_meta_graph_set_token (DeskMetaGraph *self, const char *token)
{
  g_return_if_fail (self != NULL && token != NULL);
  desk_secure_clear (self->token);
  g_free (self->token);
  self->token = g_strdup (token);
}

gint64
desk_meta_graph_get_wait_ms (const DeskMetaGraph *self)
{
  const gint64 left_us = self->quiet_until_us - g_get_monotonic_time ();

  return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

static void
authorize (SoupMessage *message, const char *token)
{
  g_autofree char *value = g_strconcat ("Bearer ", token, NULL);

  soup_message_headers_replace (soup_message_get_request_headers (message), "Authorization", value);
  desk_secure_clear (value);
}

/* ── Calls ──────────────────────────────────────────────────────────────────────────────────── */
static void
read_headers (DeskMetaReply *reply, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *text = soup_message_headers_get_one (headers, "Retry-After");
  gint64 seconds;

  if (text != NULL && g_ascii_string_to_signed (text, 10, 0, 86400, &seconds, NULL))
    reply->retry_after_ms = seconds * 1000;
  desk_meta_reply_read_load (reply, soup_message_headers_get_one (headers, "X-App-Usage"));
  desk_meta_reply_read_load (reply,
                             soup_message_headers_get_one (headers, "X-Business-Use-Case-Usage"));
}

static void
note_load (DeskMetaGraph *graph, const DeskMetaReply *reply)
{
  gint64 wait_ms = 0;

  if (reply->load_percent >= 100)
    wait_ms = reply->retry_after_ms > 0 ? reply->retry_after_ms : LOAD_FULL_MS;
  else if (reply->load_percent >= LOAD_SLOW_PERCENT)
    wait_ms = LOAD_SLOW_MS;
  if (wait_ms > 0)
    graph->quiet_until_us
        = MAX (graph->quiet_until_us, g_get_monotonic_time () + wait_ms * 1000);
}

static void
call_return (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  DeskMetaReply *reply = g_steal_pointer (&call->reply);

  if (reply->trouble == NULL)
    {
      reply->http_status = soup_message_get_status (call->message);
      read_headers (reply, call->message);
      desk_meta_reply_read (reply, (const char *)call->body->data, call->body->len, call->token);
      note_load (call->graph, reply);
    }
  g_task_return_pointer (task, reply, (GDestroyNotify)desk_meta_reply_free);
  g_object_unref (task);
}

static void
call_fail (GTask *task, const GError *error)
{
  Call *call = g_task_get_task_data (task);

  call->reply->cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  call->reply->trouble = desk_meta_without_token (error->message, call->token);
  call_return (task);
}

static void read_more (GInputStream *stream, GTask *task);

static void
on_read (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) chunk
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  gsize len = chunk != NULL ? g_bytes_get_size (chunk) : 0;

  if (chunk == NULL)
    {
      call_fail (task, error);
      return;
    }
  g_byte_array_append (call->body, g_bytes_get_data (chunk, NULL), len);
  if (len == 0 || call->body->len > DESK_META_MAX_ANSWER)
    call_return (task);
  else
    read_more (G_INPUT_STREAM (source), task);
}

static void
read_more (GInputStream *stream, GTask *task)
{
  g_input_stream_read_bytes_async (stream, READ_CHUNK, G_PRIORITY_DEFAULT,
                                   g_task_get_cancellable (task), on_read, task);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream
      = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (stream == NULL)
    call_fail (task, error);
  else
    read_more (stream, task);
}

static void
on_starting (SoupMessage *message, gpointer data)
{
  Call *call = data;

  call->reply->begun = TRUE;
}

static void
call_async (DeskMetaGraph *self,
            const char *method,
            const char *path,
            const char *content_type,
            GBytes *body,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  g_autofree char *url = g_strconcat (self->root, "/", path, NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Call *call = g_new0 (Call, 1);

  g_task_set_source_tag (task, call_async);
  /* a cancelled call has a reply, too: it tells whether the request had left */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, call, (GDestroyNotify)call_free);
  call->graph = self;
  g_atomic_ref_count_inc (&self->refs);
  call->token = g_strdup (self->token);
  call->body = g_byte_array_new ();
  call->reply = desk_meta_reply_new ();
  call->message = soup_message_new (method, url);
  if (call->message == NULL)
    {
      call->reply->trouble = g_strdup ("The address of the Graph API is not a valid URL");
      call_return (task);
      return;
    }

  soup_message_add_flags (call->message, SOUP_MESSAGE_NO_REDIRECT);
  authorize (call->message, self->token);
  if (strcmp (method, SOUP_METHOD_GET) != 0)
    soup_message_add_flags (call->message, SOUP_MESSAGE_NEW_CONNECTION);
  if (body != NULL)
    soup_message_set_request_body_from_bytes (call->message, content_type, body);
  g_signal_connect (call->message, "starting", G_CALLBACK (on_starting), call);
  soup_session_send_async (self->session, call->message, G_PRIORITY_DEFAULT, cancellable, on_sent,
                           task);
}

void
desk_meta_graph_get_async (DeskMetaGraph *self,
                           const char *path,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  g_return_if_fail (self != NULL && path != NULL);
  call_async (self, SOUP_METHOD_GET, path, NULL, NULL, cancellable, callback, data);
}

void
desk_meta_graph_post_async (DeskMetaGraph *self,
                            const char *path,
                            const char *json,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_return_if_fail (self != NULL && path != NULL && json != NULL);
  g_autoptr (GBytes) body = g_bytes_new (json, strlen (json));

  call_async (self, SOUP_METHOD_POST, path, "application/json", body, cancellable, callback, data);
}

void
desk_meta_graph_delete_async (DeskMetaGraph *self,
                              const char *path,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (self != NULL && path != NULL);
  call_async (self, SOUP_METHOD_DELETE, path, NULL, NULL, cancellable, callback, data);
}

DeskMetaReply *
desk_meta_graph_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ── Forms ──────────────────────────────────────────────────────────────────────────────────── */
static void
append_text (GByteArray *out, const char *text)
{
  g_byte_array_append (out, (const guint8 *)text, (guint)strlen (text));
}

/* Quotes and line ends as HTML's forms write them; the name itself stays UTF-8. */
static void
append_quoted (GByteArray *out, const char *name)
{
  append_text (out, "\"");
  for (const char *p = name; *p != '\0'; p++)
    if (*p == '"')
      append_text (out, "%22");
    else if (*p == '\r' || *p == '\n')
      append_text (out, "%0A");
    else
      g_byte_array_append (out, (const guint8 *)p, 1);
  append_text (out, "\"");
}

static GBytes *
format_form (const char *boundary, const char *const *fields, const DeskMetaFile *file)
{
  GByteArray *out = g_byte_array_sized_new ((guint)g_bytes_get_size (file->bytes) + 2048);

  for (; fields[0] != NULL; fields += 2)
    {
      append_text (out, "--");
      append_text (out, boundary);
      append_text (out, "\r\nContent-Disposition: form-data; name=");
      append_quoted (out, fields[0]);
      append_text (out, "\r\n\r\n");
      append_text (out, fields[1]);
      append_text (out, "\r\n");
    }
  append_text (out, "--");
  append_text (out, boundary);
  append_text (out, "\r\nContent-Disposition: form-data; name=");
  append_quoted (out, file->field);
  append_text (out, "; filename=");
  append_quoted (out, file->filename);
  append_text (out, "\r\nContent-Type: ");
  append_text (out, file->mime_type);
  append_text (out, "\r\n\r\n");
  g_byte_array_append (out, g_bytes_get_data (file->bytes, NULL),
                       (guint)g_bytes_get_size (file->bytes));
  append_text (out, "\r\n--");
  append_text (out, boundary);
  append_text (out, "--\r\n");
  return g_byte_array_free_to_bytes (out);
}

void
desk_meta_graph_upload_async (DeskMetaGraph *self,
                              const char *path,
                              const char *const *fields,
                              const DeskMetaFile *file,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (self != NULL && path != NULL && fields != NULL && file != NULL);
  g_autofree char *boundary = g_uuid_string_random ();
  g_autofree char *type = g_strconcat ("multipart/form-data; boundary=", boundary, NULL);
  g_autoptr (GBytes) body = format_form (boundary, fields, file);

  call_async (self, SOUP_METHOD_POST, path, type, body, cancellable, callback, data);
}

/* ── Downloads ──────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  SoupMessage *message;
  DeskFileUpload *upload;
  char *token;
} Download;

static void
download_free (Download *download)
{
  g_clear_object (&download->message);
  desk_secure_clear (download->token);
  g_free (download->token);
  g_free (download);
}

/* The words may quote the address, which is a secret of its own. */
static void
download_fail (GTask *task, const GError *error)
{
  Download *download = g_task_get_task_data (task);
  g_autofree char *words = desk_meta_without_token (error->message, download->token);

  g_task_return_new_error (task, error->domain, error->code, "%s", words);
  g_object_unref (task);
}

static void download_more (GInputStream *stream, GTask *task);

static void
on_downloaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Download *download = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) chunk
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  gsize len = 0;
  const void *bytes = chunk != NULL ? g_bytes_get_data (chunk, &len) : NULL;

  if (chunk == NULL
      || (len > 0 && !download->upload->ops->append (download->upload, bytes, len, &error)))
    download_fail (task, error);
  else if (len > 0)
    download_more (G_INPUT_STREAM (source), task);
  else
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

static void
download_more (GInputStream *stream, GTask *task)
{
  g_input_stream_read_bytes_async (stream, READ_CHUNK, G_PRIORITY_DEFAULT,
                                   g_task_get_cancellable (task), on_downloaded, task);
}

static void
on_download_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Download *download = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream
      = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  const guint status = soup_message_get_status (download->message);

  if (stream != NULL && status != SOUP_STATUS_OK)
    g_set_error (&error, G_IO_ERROR,
                 status >= 400 && status < 500 && status != 429 ? G_IO_ERROR_NOT_FOUND
                                                                : G_IO_ERROR_FAILED,
                 "HTTP %u", status);
  if (error != NULL)
    download_fail (task, error);
  else
    download_more (stream, task);
}

void
desk_meta_graph_download_async (DeskMetaGraph *self,
                                const char *url,
                                gboolean with_token,
                                DeskFileUpload *upload,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data)
{
  g_return_if_fail (self != NULL && url != NULL && upload != NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Download *download = g_new0 (Download, 1);

  g_task_set_source_tag (task, desk_meta_graph_download_async);
  g_task_set_task_data (task, download, (GDestroyNotify)download_free);
  download->token = g_strdup (self->token);
  download->upload = upload;
  if (g_str_has_prefix (url, "https://") || (!self->is_https && g_str_has_prefix (url, "http://")))
    download->message = soup_message_new (SOUP_METHOD_GET, url);
  if (download->message == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                               "The file has no valid address");
      g_object_unref (task);
      return;
    }
  if (with_token)
    {
      soup_message_add_flags (download->message, SOUP_MESSAGE_NO_REDIRECT);
      authorize (download->message, self->token);
    }
  soup_session_send_async (self->session, download->message, G_PRIORITY_DEFAULT, cancellable,
                           on_download_sent, task);
}

gboolean
desk_meta_graph_download_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
