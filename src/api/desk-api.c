/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-api"

#include "config.h"

#include "api/desk-api.h"

#include <libsoup/soup.h>
#include <string.h>

#include "api/desk-api-private.h"
#include "common/desk-crypto.h"

/* REST by libsoup. A request is sent once: libsoup itself repeats one on a kept-alive connection that the server
 * had closed only if it is idempotent, and only then; a POST that was written and not answered is LOST here.
 * NOT_SENT is claimed only while no connection was there to write to. libsoup's own timeout is off: it counts
 * silence and would cut a slow answer short of the caller's time. */

#define MAX_CONNECTIONS 8
#define CONNECT_TIMEOUT_MS 20000

enum
{
  WS_OPENED,
  WS_FRAME,
  WS_CLOSED,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskApi, desk_api, G_TYPE_OBJECT)

typedef struct
{
  SoupMessage *message;
  GCancellable *cancellable; /* ours: linked to the caller's and to the deadline */
  GCancellable *outer;
  gulong outer_handler;
  GSource *deadline;
  GSource *connect_deadline;
  GBytes *body;              /* NULL none */
  gboolean timed_out;
  gboolean wrote; /* the first byte of the request may have left */
} Call;

static void
call_free (Call *call)
{
  if (call->outer != NULL)
    g_cancellable_disconnect (call->outer, call->outer_handler);
  desk_api_clear_source (&call->deadline);
  desk_api_clear_source (&call->connect_deadline);
  g_clear_object (&call->outer);
  g_clear_object (&call->cancellable);
  g_clear_object (&call->message);
  g_clear_pointer (&call->body, g_bytes_unref);
  g_free (call);
}

void
desk_api_clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

GSource *
desk_api_add_timeout (guint ms, GSourceFunc func, gpointer data)
{
  GSource *source = g_timeout_source_new (ms);

  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

void
desk_rest_answer_free (DeskRestAnswer *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->failure, desk_failure_free);
  g_free (self->error);
  g_free (self);
}

DeskApi *
desk_api_new (const char *server_url)
{
  DeskApi *self = g_object_new (DESK_TYPE_API, NULL);

  self->server_url = g_strdup (server_url);
  return self;
}

void
desk_api_set_token (DeskApi *self, const char *access_token)
{
  g_return_if_fail (DESK_IS_API (self));

  desk_secure_clear (self->token);
  g_free (self->token);
  self->token = g_strdup (access_token);
}

gboolean
desk_api_has_token (DeskApi *self)
{
  g_return_val_if_fail (DESK_IS_API (self), FALSE);
  return self->token != NULL;
}

void
desk_api_authorize (DeskApi *self, SoupMessage *message)
{
  char *value;

  if (self->token == NULL)
    return;
  value = g_strconcat ("Bearer ", self->token, NULL);
  soup_message_headers_replace (soup_message_get_request_headers (message), "Authorization", value);
  desk_secure_clear (value);
  g_free (value);
}

/* A message for path with our headers; NULL if the address is not one. */
SoupMessage *
desk_api_new_message (DeskApi *self, const char *method, const char *path)
{
  g_autofree char *url = g_strconcat (self->server_url, path, NULL);
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  SoupMessage *message;

  if (uri == NULL)
    return NULL;
  message = soup_message_new_from_uri (method, uri);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT); /* a token follows no redirection */
  desk_api_authorize (self, message);
  return message;
}

/* ── One request ────────────────────────────────────────────────────────────────────────────── */

static void
on_wrote_headers (SoupMessage *message, Call *call)
{
  call->wrote = TRUE;
}

static void
on_starting (SoupMessage *message, Call *call)
{
  /* libsoup is about to write on a live connection: from here on the server may see it. */
  call->wrote = TRUE;
}

/* libsoup repeats an idempotent request by itself, and would repeat it without the body that it has read already. */
static void
on_restarted (SoupMessage *message, Call *call)
{
  if (call->body != NULL)
    soup_message_set_request_body_from_bytes (message, "application/json", call->body);
}

static gboolean
on_deadline (gpointer data)
{
  Call *call = data;

  call->timed_out = TRUE;
  g_cancellable_cancel (call->cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
on_connect_deadline (gpointer data)
{
  Call *call = data;

  return call->wrote ? G_SOURCE_REMOVE : on_deadline (call);
}

static void
on_outer_cancelled (GCancellable *outer, GCancellable *inner)
{
  g_cancellable_cancel (inner);
}

static DeskRestAnswer *
answer_error (Call *call, const GError *error)
{
  DeskRestAnswer *answer = g_new0 (DeskRestAnswer, 1);

  if (call->outer != NULL && g_cancellable_is_cancelled (call->outer))
    answer->outcome = DESK_REST_CANCELLED;
  else
    answer->outcome = call->wrote ? DESK_REST_LOST : DESK_REST_NOT_SENT;
  answer->error = g_strdup (call->timed_out ? "the server did not answer in time" : error->message);
  return answer;
}

static gint64
date_of (SoupMessage *message)
{
  const char *text = soup_message_headers_get_one (soup_message_get_response_headers (message), "Date");
  g_autoptr (GDateTime) date = text ? soup_date_time_new_from_http_string (text) : NULL;

  return date ? g_date_time_to_unix (date) * 1000 : 0;
}

DeskRestAnswer *
desk_api_answer_from_message (SoupMessage *message, GBytes *body)
{
  DeskRestAnswer *answer = g_new0 (DeskRestAnswer, 1);
  gsize len;
  const char *data = g_bytes_get_data (body, &len);

  answer->status = soup_message_get_status (message);
  answer->date_ms = date_of (message);
  if (answer->status >= 200 && answer->status < 300)
    {
      answer->outcome = DESK_REST_OK;
      answer->body = g_bytes_ref (body);
      return answer;
    }
  answer->outcome = DESK_REST_REFUSED;
  answer->failure = desk_wire_read_failure (
      answer->status, data, len,
      soup_message_headers_get_one (soup_message_get_response_headers (message), "Retry-After"));
  return answer;
}

static void
on_spliced (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;

  if (!desk_api_read_finish (result, &body, &error))
    {
      DeskRestAnswer *answer;

      call->wrote = TRUE;
      answer = answer_error (call, error);
      g_task_return_pointer (task, answer, (GDestroyNotify) desk_rest_answer_free);
      return;
    }
  g_task_return_pointer (task, desk_api_answer_from_message (call->message, body), (GDestroyNotify) desk_rest_answer_free);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (stream == NULL)
    {
      g_task_return_pointer (task, answer_error (call, error), (GDestroyNotify) desk_rest_answer_free);
      return;
    }
  desk_api_read_async (stream, DESK_WIRE_MAX_BODY, call->cancellable, on_spliced, g_steal_pointer (&task));
}

static void
start_call (DeskApi *self, GTask *task, Call *call, guint timeout_ms, GCancellable *cancellable)
{
  call->cancellable = g_cancellable_new ();
  if (cancellable != NULL)
    {
      call->outer = g_object_ref (cancellable);
      call->outer_handler = g_cancellable_connect (cancellable, G_CALLBACK (on_outer_cancelled),
                                                   g_object_ref (call->cancellable), g_object_unref);
    }
  call->deadline = desk_api_add_timeout (timeout_ms, on_deadline, call);
  if (timeout_ms > CONNECT_TIMEOUT_MS)
    call->connect_deadline = desk_api_add_timeout (CONNECT_TIMEOUT_MS, on_connect_deadline, call);
  g_signal_connect (call->message, "starting", G_CALLBACK (on_starting), call);
  g_signal_connect (call->message, "wrote-headers", G_CALLBACK (on_wrote_headers), call);
  g_signal_connect (call->message, "restarted", G_CALLBACK (on_restarted), call);
  soup_session_send_async (self->session, call->message, G_PRIORITY_DEFAULT, call->cancellable, on_sent,
                           g_object_ref (task));
}

static void
clear_and_free (gpointer text)
{
  desk_secure_clear (text);
  g_free (text);
}

void
desk_api_request_async (DeskApi *self, const char *method, const char *path, const char *body, guint timeout_ms,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = NULL;
  Call *call;

  g_return_if_fail (DESK_IS_API (self));

  task = g_task_new (self, NULL, callback, data);
  g_task_set_source_tag (task, desk_api_request_async);
  call = g_new0 (Call, 1);
  g_task_set_task_data (task, call, (GDestroyNotify) call_free);
  call->message = desk_api_new_message (self, method, path);
  if (call->message == NULL)
    {
      DeskRestAnswer *answer = g_new0 (DeskRestAnswer, 1);

      answer->outcome = DESK_REST_NOT_SENT;
      answer->error = g_strdup ("the server's address is not usable");
      g_task_return_pointer (task, answer, (GDestroyNotify) desk_rest_answer_free);
      return;
    }
  if (body != NULL)
    {
      /* It may hold a password. */
      char *copy = g_strdup (body);

      call->body = g_bytes_new_with_free_func (copy, strlen (copy), clear_and_free, copy);
      soup_message_set_request_body_from_bytes (call->message, "application/json", call->body);
    }
  start_call (self, task, call, timeout_ms, cancellable);
}

DeskRestAnswer *
desk_api_request_finish (DeskApi *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ── Signals of the websocket (desk-api-ws.c) ───────────────────────────────────────────────── */

void
desk_api_emit_opened (DeskApi *self)
{
  g_signal_emit (self, signals[WS_OPENED], 0);
}

void
desk_api_emit_frame (DeskApi *self, GBytes *bytes)
{
  g_signal_emit (self, signals[WS_FRAME], 0, bytes);
}

void
desk_api_emit_closed (DeskApi *self, guint code, const char *reason)
{
  g_signal_emit (self, signals[WS_CLOSED], 0, code, reason);
}

static void
desk_api_dispose (GObject *object)
{
  DeskApi *self = DESK_API (object);

  desk_api_ws_drop (self);
  g_ptr_array_set_size (self->closing, 0);
  if (self->session != NULL)
    soup_session_abort (self->session);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (desk_api_parent_class)->dispose (object);
}

static void
desk_api_finalize (GObject *object)
{
  DeskApi *self = DESK_API (object);

  g_ptr_array_unref (self->closing);
  g_free (self->server_url);
  desk_secure_clear (self->token);
  g_free (self->token);
  G_OBJECT_CLASS (desk_api_parent_class)->finalize (object);
}

static void
desk_api_class_init (DeskApiClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);

  object_class->dispose = desk_api_dispose;
  object_class->finalize = desk_api_finalize;
  signals[WS_OPENED] = g_signal_new ("ws-opened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[WS_FRAME]
      = g_signal_new ("ws-frame", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BYTES);
  signals[WS_CLOSED] = g_signal_new ("ws-closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                                     G_TYPE_UINT, G_TYPE_STRING);
}

static void
desk_api_init (DeskApi *self)
{
  self->session = soup_session_new_with_options ("max-conns", MAX_CONNECTIONS, "max-conns-per-host", MAX_CONNECTIONS,
                                                 "timeout", 0, "idle-timeout", 60, "user-agent",
                                                 "Frontdesk/" PACKAGE_VERSION, NULL);
  self->closing = g_ptr_array_new_with_free_func (desk_api_closing_free);
  desk_api_set_ping_times (self, 0, 0);
}
