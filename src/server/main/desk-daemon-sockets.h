/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/http/desk-http-server.h"
#include "server/hub/desk-hub.h"

/* What websockets say and hear: the session logic of PROTOCOL over the hub. */

G_BEGIN_DECLS

typedef struct _DeskSockets DeskSockets;

/**
 * DeskSocketsOptions:
 * @service: borrowed, outlives the sockets
 * @clock: borrowed
 * @typing: a manager types (at most every 3 s a chat and socket); any thread
 * @data: for @typing
 */
typedef struct
{
  DeskService *service;
  DeskClock *clock;
  void (*typing) (const char *platform, const char *user_id, gpointer data);
  gpointer data;
} DeskSocketsOptions;

DeskSockets *desk_sockets_new (const DeskSocketsOptions *options, GError **error);
/* Takes over an upgraded socket, upgraded->who included. Any thread. */
void desk_sockets_adopt (DeskSockets *self, const DeskHttpUpgraded *upgraded);
/* Committed events, in log order. The writer thread. */
void desk_sockets_publish (DeskSockets *self, const DeskLoggedEvent *const *events, gsize n);
/* An unsequenced frame for everybody; level0 is nullable. Any thread. */
void desk_sockets_ephemeral (DeskSockets *self, GBytes *frame, GBytes *frame_level0);
/* Every 30 s: tells the head of the log. */
void desk_sockets_beat (DeskSockets *self);
/* Every few seconds: closes sockets whose token is no longer good with 4401. */
void desk_sockets_check_tokens (DeskSockets *self);
/* Closes all with 1001; blocks at most deadline_ms. Later calls of the others do nothing. */
void desk_sockets_shutdown (DeskSockets *self, gint64 deadline_ms);
void desk_sockets_free (DeskSockets *self);
void desk_sockets_write_metrics (DeskSockets *self, GString *out);

#define DESK_SOCKETS_HEARTBEAT_MS 30000

G_END_DECLS
