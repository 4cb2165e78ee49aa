/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* One request a connection: a line of JSON in, a line of JSON out.
 * Invariants: the kernel tells who asks, and others than our user and root are hung up on; a
 * request is at most MAX_LINE bytes; the socket's file belongs to whoever holds the data folder's
 * lock, so an old one may be removed. */

#include "server/main/desk-ops-socket.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "common/desk-json.h"

#define MAX_LINE      65536
#define READ_TIME_S   10  /* for a request to arrive */
#define ANSWER_TIME_S 600 /* longest command that somebody waits for */

struct _DeskOpsSocket /* in a g_rc_box: every call holds it */
{
  char *path;
  DeskService *service;
  GPtrArray *connectors;
  GSocketService *listener;
  GCancellable *cancellable;
  guint n_running;
};

static char *
make_path (const char *data)
{
  return g_build_filename (data, "frontdeskd.sock", NULL);
}

/* ── The daemon's side ──────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskOpsSocket *socket;
  GSocketConnection *connection;
  char *buffer;
  gsize len;
} Call;

static void
socket_clear (gpointer data)
{
  DeskOpsSocket *self = data;

  g_free (self->path);
  g_object_unref (self->cancellable);
}

static void
call_free (Call *call)
{
  g_rc_box_release_full (call->socket, socket_clear);
  g_object_unref (call->connection);
  g_free (call->buffer);
  g_free (call);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);
  call_free (call);
}

static void
on_done (gboolean ok, const char *text, gpointer data)
{
  Call *call = data;
  g_autoptr (GString) line = g_string_new (NULL);
  DeskJsonWriter w;

  call->socket->n_running--;
  desk_json_writer_init (&w, line);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_bool (&w, "ok", ok);
  desk_json_writer_member_string (&w, "text", text);
  desk_json_writer_end_object (&w);
  g_string_append_c (line, '\n');
  g_free (call->buffer);
  const gsize len = line->len;
  call->buffer = g_string_free (g_steal_pointer (&line), FALSE);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (call->connection)),
                                   call->buffer, len, G_PRIORITY_DEFAULT, NULL, on_written, call);
}

static void
run_call (Call *call)
{
  g_auto (DeskOpsRequest) request = { 0 };
  g_autoptr (GError) error = NULL;
  DeskOpsSocket *self = call->socket;

  self->n_running++;
  if (g_cancellable_is_cancelled (self->cancellable))
    on_done (FALSE, "The backend is stopping\n", call);
  else if (!desk_ops_request_read (&request, call->buffer, call->len, &error))
    on_done (FALSE, "The request cannot be read\n", call);
  else
    desk_ops_run (self->service, self->connectors, &request, self->cancellable,
                  on_done, call);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;
  const gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (n <= 0)
    {
      call_free (call);
      return;
    }
  call->len += (gsize)n;
  if (memchr (call->buffer, '\n', call->len) != NULL)
    run_call (call);
  else if (call->len == MAX_LINE)
    call_free (call);
  else
    g_input_stream_read_async (G_INPUT_STREAM (source), call->buffer + call->len,
                               MAX_LINE - call->len, G_PRIORITY_DEFAULT, NULL, on_read, call);
}

static gboolean
is_allowed (GSocketConnection *connection)
{
  g_autoptr (GCredentials) who
      = g_socket_get_credentials (g_socket_connection_get_socket (connection), NULL);
  const uid_t uid = who != NULL ? g_credentials_get_unix_user (who, NULL) : (uid_t)-1;

  return uid == geteuid () || uid == 0;
}

static gboolean
on_incoming (GSocketService *listener, GSocketConnection *connection, GObject *from, gpointer data)
{
  if (!is_allowed (connection))
    return TRUE;
  Call *call = g_new0 (Call, 1);
  call->socket = g_rc_box_acquire (data);
  call->connection = g_object_ref (connection);
  call->buffer = g_malloc (MAX_LINE);
  g_socket_set_timeout (g_socket_connection_get_socket (connection), READ_TIME_S);
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (connection)), call->buffer,
                             MAX_LINE, G_PRIORITY_DEFAULT, NULL, on_read, call);
  return TRUE;
}

DeskOpsSocket *
desk_ops_socket_new (const char *data, DeskService *service, GPtrArray *connectors, GError **error)
{
  g_autofree char *path = make_path (data);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocketService) listener = g_socket_service_new ();

  g_unlink (path);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (listener), address, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error))
    return NULL;
  g_chmod (path, 0600);
  DeskOpsSocket *self = g_rc_box_new0 (DeskOpsSocket);
  self->cancellable = g_cancellable_new ();
  self->path = g_steal_pointer (&path);
  self->service = service;
  self->connectors = connectors;
  self->listener = g_steal_pointer (&listener);
  g_signal_connect (self->listener, "incoming", G_CALLBACK (on_incoming), self);
  g_socket_service_start (self->listener);
  return self;
}

void
desk_ops_socket_free (DeskOpsSocket *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  g_signal_handlers_disconnect_by_data (self->listener, self);
  g_socket_service_stop (self->listener);
  g_socket_listener_close (G_SOCKET_LISTENER (self->listener));
  g_object_unref (self->listener);
  g_unlink (self->path);
  while (self->n_running > 0)
    g_main_context_iteration (NULL, TRUE);
  g_rc_box_release_full (self, socket_clear);
}

/* ── The command's side ─────────────────────────────────────────────────────────────────────── */

static char *
read_answer (GInputStream *input, gboolean *out_ok, GError **error)
{
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
  gsize len = 0;
  g_autofree char *line = g_data_input_stream_read_line (lines, &len, NULL, error);
  const char *text = NULL;

  if (line == NULL)
    {
      if (error != NULL && *error == NULL)
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED,
                             "The daemon hung up without an answer");
      return NULL;
    }
  g_autoptr (JsonNode) node = desk_json_parse (line, len, 64 * 1024 * 1024, error);
  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (node)
      || !desk_json_get_bool (json_node_get_object (node), "ok", TRUE, out_ok, NULL)
      || !desk_json_get_string (json_node_get_object (node), "text", 64 * 1024 * 1024, TRUE, &text,
                                NULL))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "The daemon's answer cannot be read");
      return NULL;
    }
  return g_strdup (text);
}

char *
desk_ops_socket_ask (const char *data,
                     const DeskOpsRequest *request,
                     gboolean *out_ok,
                     GError **error)
{
  g_autofree char *path = make_path (data);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autofree char *text = desk_ops_request_to_text (request);
  g_autofree char *line = g_strconcat (text, "\n", NULL);

  g_socket_client_set_timeout (client, ANSWER_TIME_S);
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  if (connection == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No daemon listens there");
      return NULL;
    }
  if (!g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), line,
                                  strlen (line), NULL, NULL, error))
    return NULL;
  return read_answer (g_io_stream_get_input_stream (G_IO_STREAM (connection)), out_ok, error);
}
