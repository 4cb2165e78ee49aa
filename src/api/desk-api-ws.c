/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-api"

#include "config.h"

#include "api/desk-api-private.h"
#include "common/desk-random.h"

/* The websocket. libsoup 3.2 pings but has no timer for the pong, so pings and their deadline are ours: a
 * half-open connection is noticed 40 s after the last sign of life at the latest. Payloads up to 1 MiB are
 * taken; the default of 128 KiB would turn one big event into a reconnect loop. */

#define PING_MS 30000
#define PING_JITTER 10 /* a ping comes up to the tenth part earlier */
#define PONG_MS 10000

static void arm_ping (DeskApi *self);

void
desk_api_set_ping_times (DeskApi *self, guint ping_ms, guint pong_ms)
{
  self->ping_ms = ping_ms > 0 ? ping_ms : PING_MS;
  self->pong_ms = pong_ms > 0 ? pong_ms : PONG_MS;
}

/* Forgets the connection without telling anybody. */
void
desk_api_ws_drop (DeskApi *self)
{
  if (self->connecting != NULL)
    g_cancellable_cancel (self->connecting);
  g_clear_object (&self->connecting);
  desk_api_clear_source (&self->ping_timer);
  desk_api_clear_source (&self->pong_timer);
  if (self->ws != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->ws, self);
      g_clear_object (&self->ws);
    }
}

static gboolean
on_no_pong (gpointer data)
{
  g_autoptr (DeskApi) self = g_object_ref (data);
  g_autoptr (GIOStream) stream = g_object_ref (soup_websocket_connection_get_io_stream (self->ws));

  desk_api_ws_drop (self);
  g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  desk_api_emit_closed (self, 0, "the server does not answer");
  return G_SOURCE_REMOVE;
}

static gboolean
on_ping (gpointer data)
{
  DeskApi *self = data;

  desk_api_clear_source (&self->ping_timer);
  if (soup_websocket_connection_get_state (self->ws) != SOUP_WEBSOCKET_STATE_OPEN)
    return G_SOURCE_REMOVE;
  /* libsoup has no call for a ping of ours: its keepalive of one second is switched on until the pong comes. */
  soup_websocket_connection_set_keepalive_interval (self->ws, 1);
  desk_api_clear_source (&self->pong_timer);
  self->pong_timer = desk_api_add_timeout (self->pong_ms, on_no_pong, self);
  return G_SOURCE_REMOVE;
}

static void
arm_ping (DeskApi *self)
{
  guint early_ms = (guint) desk_random_below (desk_random_system (), self->ping_ms / PING_JITTER + 1);

  desk_api_clear_source (&self->ping_timer);
  desk_api_clear_source (&self->pong_timer);
  self->ping_timer = desk_api_add_timeout (self->ping_ms - early_ms, on_ping, self);
}

static void
on_pong (SoupWebsocketConnection *ws, GBytes *bytes, DeskApi *self)
{
  soup_websocket_connection_set_keepalive_interval (ws, 0);
  arm_ping (self);
}

static void
on_message (SoupWebsocketConnection *ws, SoupWebsocketDataType type, GBytes *bytes, DeskApi *self)
{
  g_autoptr (DeskApi) hold = g_object_ref (self);

  if (self->pong_timer == NULL)
    arm_ping (self); /* any frame is a sign of life */
  if (type == SOUP_WEBSOCKET_DATA_TEXT)
    desk_api_emit_frame (self, bytes);
}

static void
on_closed (SoupWebsocketConnection *ws, DeskApi *self)
{
  g_autoptr (DeskApi) hold = g_object_ref (self);
  gushort code = soup_websocket_connection_get_close_code (ws);
  g_autofree char *reason = g_strdup (soup_websocket_connection_get_close_data (ws));

  desk_api_ws_drop (self);
  desk_api_emit_closed (self, code == SOUP_WEBSOCKET_CLOSE_ABNORMAL ? 0 : code, reason);
}

typedef struct
{
  DeskApi *api;
  SoupMessage *message;
  GCancellable *cancellable;
} Connecting;

static void
connecting_free (Connecting *connecting)
{
  g_clear_object (&connecting->api);
  g_clear_object (&connecting->message);
  g_clear_object (&connecting->cancellable);
  g_free (connecting);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Connecting, connecting_free)

static void
on_connected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Connecting) connecting = data;
  DeskApi *self = connecting->api;
  g_autoptr (GError) error = NULL;
  SoupWebsocketConnection *ws = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &error);

  if (self->connecting != connecting->cancellable)
    {
      /* Given up meanwhile. */
      if (ws != NULL)
        soup_websocket_connection_close (ws, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
      g_clear_object (&ws);
      return;
    }
  g_clear_object (&self->connecting);
  if (ws == NULL)
    {
      guint status = soup_message_get_status (connecting->message);

      desk_api_emit_closed (self, status == 401 || status == 403 ? status : 0, error->message);
      return;
    }
  self->ws = ws;
  soup_websocket_connection_set_max_incoming_payload_size (ws, DESK_WIRE_MAX_FRAME);
  g_signal_connect (ws, "message", G_CALLBACK (on_message), self);
  g_signal_connect (ws, "pong", G_CALLBACK (on_pong), self);
  g_signal_connect (ws, "closed", G_CALLBACK (on_closed), self);
  arm_ping (self);
  desk_api_emit_opened (self);
}

static gboolean
on_bad_address (gpointer data)
{
  desk_api_emit_closed (DESK_API (data), 0, "the server's address is not usable");
  return G_SOURCE_REMOVE;
}

void
desk_api_ws_connect (DeskApi *self, const char *path)
{
  Connecting *connecting;
  SoupMessage *message;

  g_return_if_fail (DESK_IS_API (self));

  desk_api_ws_drop (self);
  message = desk_api_new_message (self, "GET", path);
  if (message == NULL)
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_callback (source, on_bad_address, g_object_ref (self), g_object_unref);
      g_source_attach (source, g_main_context_get_thread_default ());
      return;
    }
  self->connecting = g_cancellable_new ();
  connecting = g_new0 (Connecting, 1);
  connecting->api = g_object_ref (self);
  connecting->message = message;
  connecting->cancellable = g_object_ref (self->connecting);
  soup_session_websocket_connect_async (self->session, message, NULL, NULL, G_PRIORITY_DEFAULT, self->connecting,
                                        on_connected, connecting);
}

gboolean
desk_api_ws_send (DeskApi *self, const char *text)
{
  g_return_val_if_fail (DESK_IS_API (self), FALSE);

  if (self->ws == NULL || soup_websocket_connection_get_state (self->ws) != SOUP_WEBSOCKET_STATE_OPEN)
    return FALSE;
  soup_websocket_connection_send_text (self->ws, text);
  return TRUE;
}

static void
forget_closing (SoupWebsocketConnection *ws, DeskApi *self)
{
  g_ptr_array_remove_fast (self->closing, ws);
}

/* Whoever is done with a closing websocket, listens to it no more. */
void
desk_api_closing_free (gpointer ws)
{
  g_signal_handlers_disconnect_matched (ws, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, forget_closing, NULL);
  g_object_unref (ws);
}

void
desk_api_ws_probe (DeskApi *self)
{
  g_return_if_fail (DESK_IS_API (self));

  if (self->ws != NULL && self->pong_timer == NULL)
    on_ping (self);
}

/* Our own close tells nobody: whoever asked for it knows. libsoup gives the server 5 s to answer it. */
void
desk_api_ws_close (DeskApi *self, guint code)
{
  g_autoptr (SoupWebsocketConnection) ws = NULL;

  g_return_if_fail (DESK_IS_API (self));

  ws = self->ws ? g_object_ref (self->ws) : NULL;
  desk_api_ws_drop (self);
  if (ws != NULL && soup_websocket_connection_get_state (ws) == SOUP_WEBSOCKET_STATE_OPEN)
    {
      g_signal_connect (ws, "closed", G_CALLBACK (forget_closing), self);
      g_ptr_array_add (self->closing, g_object_ref (ws));
      soup_websocket_connection_close (ws, (gushort) code, NULL);
    }
}
