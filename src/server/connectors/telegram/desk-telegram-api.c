/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* One call of the Bot API and its envelope.
 *
 * Did the request leave? libsoup emits SoupMessage::starting when a connection (with its TLS
 * handshake) stands and right before the first byte of the request is written. An error before
 * that signal is "not connected: surely not sent"; every error after it is "perhaps sent", however
 * early it came. libsoup repeats a request by itself only if its method is idempotent and the
 * connection was used before (request_is_restartable() in soup-client-message-io-http1.c), and
 * gives a POST a new connection each time; SOUP_MESSAGE_NEW_CONNECTION says so once more, in case
 * that ever changes.
 *
 * Invariants: the token is in the URL and nowhere else; a reply always has either trouble or an
 * HTTP status. */

#include "server/connectors/telegram/desk-telegram-api.h"

#include <libsoup/soup.h>
#include <string.h>

#include "common/desk-crypto.h"
#include "common/desk-json.h"
#include "server/connectors/telegram/desk-telegram-json.h"

#define POLL_GRACE_S 15
#define READ_CHUNK   (64 * 1024)

struct _DeskTelegramApi
{
  SoupSession *polls; /* patient: getUpdates alone */
  SoupSession *calls;
  char *base_url; /* without a slash at its end */
  char *token;
};

typedef struct
{
  SoupMessage *message;
  char *token;
  GByteArray *body;
  DeskTelegramReply *reply;
} Call;

static void
call_free (Call *call)
{
  g_clear_object (&call->message);
  desk_secure_clear (call->token);
  g_free (call->token);
  g_byte_array_unref (call->body);
  g_clear_pointer (&call->reply, desk_telegram_reply_free);
  g_free (call);
}

void
desk_telegram_reply_free (DeskTelegramReply *self)
{
  if (self == NULL)
    return;
  g_free (self->trouble);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->root, json_node_unref);
  g_free (self->description);
  g_free (self->migrate_to_chat_id);
  g_free (self);
}

static SoupSession *
session_new (guint timeout_s)
{
  SoupSession *session
      = soup_session_new_with_options ("timeout", timeout_s, "idle-timeout", 60, "max-conns", 16,
                                       "max-conns-per-host", 8, "user-agent",
                                       "frontdesk/" PACKAGE_VERSION, NULL);

  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_SNIFFER);
  return session;
}

DeskTelegramApi *
desk_telegram_api_new (const char *base_url,
                       const char *token,
                       guint poll_timeout_s,
                       guint call_timeout_s)
{
  g_return_val_if_fail (base_url != NULL && token != NULL, NULL);
  DeskTelegramApi *self = g_new0 (DeskTelegramApi, 1);

  self->polls = session_new (poll_timeout_s + POLL_GRACE_S);
  self->calls = session_new (call_timeout_s);
  self->base_url = g_strdup (base_url);
  while (g_str_has_suffix (self->base_url, "/"))
    self->base_url[strlen (self->base_url) - 1] = '\0';
  self->token = g_strdup (token);
  return self;
}

void
desk_telegram_api_free (DeskTelegramApi *self)
{
  if (self == NULL)
    return;
  soup_session_abort (self->polls);
  soup_session_abort (self->calls);
  g_object_unref (self->polls);
  g_object_unref (self->calls);
  g_free (self->base_url);
  desk_secure_clear (self->token);
  g_free (self->token);
  g_free (self);
}

/* What a server or a library says may quote the URL. */
static char *
without_token (const char *text, const char *token)
{
  if (token == NULL || *token == '\0' || strstr (text, token) == NULL)
    return g_strdup (text);
  g_auto (GStrv) parts = g_strsplit (text, token, -1);
  return g_strjoinv ("…", parts);
}

void
desk_telegram_reply_read (DeskTelegramReply *self, const char *token)
{
  gsize len = 0;
  const char *text = self->body != NULL ? g_bytes_get_data (self->body, &len) : NULL;
  g_autoptr (JsonNode) root
      = desk_json_parse (text != NULL ? text : "", len, DESK_TELEGRAM_MAX_ANSWER, NULL);
  JsonObject *object, *parameters;
  JsonNode *ok;
  const char *description;
  gint64 value;

  self->error_code = self->http_status;
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  object = json_node_get_object (root);
  ok = json_object_get_member (object, "ok");
  if (ok == NULL || !JSON_NODE_HOLDS_VALUE (ok) || json_node_get_value_type (ok) != G_TYPE_BOOLEAN)
    return;

  self->root = g_steal_pointer (&root);
  self->ok = json_node_get_boolean (ok);
  self->result = json_object_get_member (object, "result");
  if (self->result != NULL && JSON_NODE_HOLDS_NULL (self->result))
    self->result = NULL;
  self->error_code = desk_tg_int_or (object, "error_code", self->http_status);
  description = desk_tg_string (object, "description");
  if (description != NULL)
    self->description = without_token (description, token);
  parameters = desk_tg_object (object, "parameters");
  if (desk_tg_int (parameters, "retry_after", &value) && value >= 0)
    self->retry_after_ms = MIN (value, 86400) * 1000;
  if (desk_tg_int (parameters, "migrate_to_chat_id", &value))
    self->migrate_to_chat_id = g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

static void
read_retry_after (DeskTelegramReply *reply, SoupMessage *message)
{
  const char *text
      = soup_message_headers_get_one (soup_message_get_response_headers (message), "Retry-After");
  gint64 seconds;

  if (text != NULL && g_ascii_string_to_signed (text, 10, 0, 86400, &seconds, NULL))
    reply->retry_after_ms = seconds * 1000;
}

static void
call_return (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  DeskTelegramReply *reply = g_steal_pointer (&call->reply);

  if (reply->trouble == NULL)
    {
      reply->http_status = soup_message_get_status (call->message);
      reply->body = g_bytes_new (call->body->data, call->body->len);
      read_retry_after (reply, call->message);
      desk_telegram_reply_read (reply, call->token);
    }
  g_task_return_pointer (task, reply, (GDestroyNotify)desk_telegram_reply_free);
  g_object_unref (task);
}

static void
call_fail (GTask *task, const GError *error)
{
  Call *call = g_task_get_task_data (task);

  call->reply->cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  call->reply->trouble = without_token (error->message, call->token);
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
  if (len == 0 || call->body->len > DESK_TELEGRAM_MAX_ANSWER)
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
call_async (DeskTelegramApi *self,
            SoupSession *session,
            const char *http_method,
            const char *method,
            const char *query,
            const char *content_type,
            GBytes *body,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer data)
{
  g_autofree char *url = g_strconcat (self->base_url, "/bot", self->token, "/", method,
                                      query != NULL ? "?" : "", query, NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Call *call = g_new0 (Call, 1);

  g_task_set_source_tag (task, call_async);
  /* a cancelled call has a reply, too: it tells whether the request had left */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, call, (GDestroyNotify)call_free);
  call->token = g_strdup (self->token);
  call->body = g_byte_array_new ();
  call->reply = g_new0 (DeskTelegramReply, 1);
  call->reply->retry_after_ms = -1;
  call->message = soup_message_new (http_method, url);
  desk_secure_clear (url);
  if (call->message == NULL)
    {
      call->reply->trouble = g_strdup ("The address of the Bot API is not a valid URL");
      call_return (task);
      return;
    }

  soup_message_add_flags (call->message, SOUP_MESSAGE_NO_REDIRECT);
  if (body != NULL)
    {
      soup_message_add_flags (call->message, SOUP_MESSAGE_NEW_CONNECTION);
      soup_message_set_request_body_from_bytes (call->message, content_type, body);
    }
  g_signal_connect (call->message, "starting", G_CALLBACK (on_starting), call);
  soup_session_send_async (session, call->message, G_PRIORITY_DEFAULT, cancellable, on_sent, task);
}

void
desk_telegram_api_get_async (DeskTelegramApi *self,
                             const char *method,
                             const char *query,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  g_return_if_fail (self != NULL && method != NULL);
  SoupSession *session = g_str_equal (method, "getUpdates") ? self->polls : self->calls;

  call_async (self, session, SOUP_METHOD_GET, method, query, NULL, NULL, cancellable,
              callback, data);
}

void
desk_telegram_api_post_async (DeskTelegramApi *self,
                              const char *method,
                              const char *json,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (self != NULL && method != NULL && json != NULL);
  g_autoptr (GBytes) body = g_bytes_new (json, strlen (json));

  call_async (self, self->calls, SOUP_METHOD_POST, method, NULL, "application/json", body,
              cancellable, callback, data);
}

static void
append_text (GByteArray *out, const char *text)
{
  g_byte_array_append (out, (const guint8 *)text, (guint)strlen (text));
}

/* Quotes and line ends as HTML's forms write them; the name itself stays UTF-8, since not every
 * server reads filename*. */
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

static void
append_file (GByteArray *out, const char *boundary, const DeskTelegramUpload *file)
{
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
  append_text (out, "\r\n");
}

static GBytes *
format_form (const char *boundary,
             const char *const *fields,
             const DeskTelegramUpload *files,
             guint n_files)
{
  gsize len = 2048;
  GByteArray *out;

  for (guint i = 0; i < n_files; i++)
    len += g_bytes_get_size (files[i].bytes) + 512;
  out = g_byte_array_sized_new ((guint)len);

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
  for (guint i = 0; i < n_files; i++)
    append_file (out, boundary, &files[i]);
  append_text (out, "--");
  append_text (out, boundary);
  append_text (out, "--\r\n");
  return g_byte_array_free_to_bytes (out);
}

void
desk_telegram_api_upload_async (DeskTelegramApi *self,
                                const char *method,
                                const char *const *fields,
                                const DeskTelegramUpload *files,
                                guint n_files,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data)
{
  g_return_if_fail (self != NULL && method != NULL && fields != NULL && files != NULL);
  g_autofree char *boundary = g_uuid_string_random ();
  g_autofree char *type = g_strconcat ("multipart/form-data; boundary=", boundary, NULL);
  g_autoptr (GBytes) body = format_form (boundary, fields, files, n_files);

  call_async (self, self->calls, SOUP_METHOD_POST, method, NULL, type, body, cancellable, callback,
              data);
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

static void
download_fail (GTask *task, const GError *error)
{
  Download *download = g_task_get_task_data (task);
  g_autofree char *words = without_token (error->message, download->token);

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

  if (stream != NULL && soup_message_get_status (download->message) != SOUP_STATUS_OK)
    g_set_error (&error, G_IO_ERROR, G_IO_ERROR_FAILED, "HTTP %u",
                 soup_message_get_status (download->message));
  if (error != NULL)
    download_fail (task, error);
  else
    download_more (stream, task);
}

void
desk_telegram_api_download_async (DeskTelegramApi *self,
                                  const char *file_path,
                                  DeskFileUpload *upload,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data)
{
  g_return_if_fail (self != NULL && file_path != NULL && upload != NULL);
  g_autofree char *path = g_uri_escape_string (file_path, "/", FALSE);
  g_autofree char *url
      = g_strconcat (self->base_url, "/file/bot", self->token, "/", path, NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Download *download = g_new0 (Download, 1);

  g_task_set_source_tag (task, desk_telegram_api_download_async);
  g_task_set_task_data (task, download, (GDestroyNotify)download_free);
  download->token = g_strdup (self->token);
  download->upload = upload;
  download->message = soup_message_new (SOUP_METHOD_GET, url);
  desk_secure_clear (url);
  if (download->message == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                               "The file has no valid address");
      g_object_unref (task);
      return;
    }
  soup_message_add_flags (download->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_session_send_async (self->calls, download->message, G_PRIORITY_DEFAULT, cancellable,
                           on_download_sent, task);
}

gboolean
desk_telegram_api_download_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

DeskTelegramReply *
desk_telegram_api_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
