/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "protocol/desk-wire.h"

/* REST and websocket towards one backend, by libsoup, on the thread-default main context of the thread that made
 * the object. It knows paths and bytes; what an answer means for the cache is the engine's matter. The token
 * is held here, sent as Authorization: Bearer, never logged and never put in a URL. */

G_BEGIN_DECLS

/* How a request ended. NOT_SENT: surely never reached the server (no connection, TLS refused). LOST: it may
 * have reached it; no usable answer came. */
typedef enum
{
  DESK_REST_OK,
  DESK_REST_REFUSED, /* the server answered with an error: see failure */
  DESK_REST_NOT_SENT,
  DESK_REST_LOST,
  DESK_REST_CANCELLED,
} DeskRestOutcome;

typedef struct
{
  DeskRestOutcome outcome;
  guint status;
  GBytes *body;         /* OK */
  DeskFailure *failure; /* REFUSED */
  char *error;          /* NOT_SENT, LOST: for people */
  gint64 date_ms;       /* of the answer (RFC 9110, 6.6.1), in whole seconds; 0 not told */
} DeskRestAnswer;
void desk_rest_answer_free (DeskRestAnswer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskRestAnswer, desk_rest_answer_free)

#define DESK_TYPE_API (desk_api_get_type ())
G_DECLARE_FINAL_TYPE (DeskApi, desk_api, DESK, API, GObject)

/* Signals: "ws-opened" (), "ws-frame" (GBytes *text), "ws-closed" (guint code, char *reason): code 0 where the
 * connection was never made or broke without a close frame, 401/403 where the upgrade was refused. */
DeskApi *desk_api_new (const char *server_url);
void desk_api_set_token (DeskApi *self, const char *access_token);
gboolean desk_api_has_token (DeskApi *self);

/* method "GET", "POST", "PUT", "PATCH", "DELETE"; body nullable JSON text. timeout_ms bounds the whole request.
 * A request is never repeated by itself. */
void desk_api_request_async (DeskApi *self, const char *method, const char *path, const char *body, guint timeout_ms,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskRestAnswer *desk_api_request_finish (DeskApi *self, GAsyncResult *result); /* never NULL */

/* One websocket at a time. Pings by itself: every 27 to 30 s, closed 10 s after an unanswered one. */
void desk_api_ws_connect (DeskApi *self, const char *path);
gboolean desk_api_ws_send (DeskApi *self, const char *text);
void desk_api_ws_close (DeskApi *self, guint code);
/* The network changed: find out at once whether the connection still lives. */
void desk_api_ws_probe (DeskApi *self);
/* Other times than the above, for tests: ping_ms from the last sign of life, pong_ms (at least 2000) from there.
 * Holds for connections made later. */
void desk_api_set_ping_times (DeskApi *self, guint ping_ms, guint pong_ms);

G_END_DECLS
