/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <libsoup/soup.h>

#include "api/desk-api.h"

G_BEGIN_DECLS

struct _DeskApi
{
  GObject parent_instance;

  char *server_url;
  char *token; /* secret */
  SoupSession *session;

  /* the websocket; see desk-api-ws.c */
  guint ping_ms;
  guint pong_ms;
  GCancellable *connecting;
  SoupWebsocketConnection *ws;
  GPtrArray *closing; /* of SoupWebsocketConnection: our close frame is on its way */
  GSource *ping_timer;
  GSource *pong_timer;
};

/* Adds the token. */
void desk_api_authorize (DeskApi *self, SoupMessage *message);
DeskRestAnswer *desk_api_answer_from_message (SoupMessage *message, GBytes *body);
SoupMessage *desk_api_new_message (DeskApi *self, const char *method, const char *path);
void desk_api_emit_opened (DeskApi *self);
void desk_api_emit_frame (DeskApi *self, GBytes *bytes);
void desk_api_emit_closed (DeskApi *self, guint code, const char *reason);
void desk_api_ws_drop (DeskApi *self);
void desk_api_closing_free (gpointer ws);
GSource *desk_api_add_timeout (guint ms, GSourceFunc func, gpointer data); /* on the thread's context */
void desk_api_clear_source (GSource **source);

/* Reads a stream to its end, at most max bytes. */
void desk_api_read_async (GInputStream *stream, gsize max, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_api_read_finish (GAsyncResult *result, GBytes **out_bytes, GError **error);

G_END_DECLS
