/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "server/service/desk-service.h"

/* The HTTP front of frontdeskd: routes, sign-in, limits, webhooks and the handshake of websockets,
 * over libmicrohttpd. It decides nothing about chats: it reads a request, asks the service and
 * sends its answer. */

G_BEGIN_DECLS

typedef struct _DeskHttpServer DeskHttpServer;

/**
 * DeskHttpUpgraded:
 * @fd: the connected socket after the 101 was sent; the receiver owns it
 * @extra: bytes of the websocket that came with the request, valid in the call
 * @extra_len: their number
 * @who: (nullable): who asked; the receiver takes the reference; %NULL: the first frame must tell
 * @token: (nullable): what proved it, valid in the call; lets the receiver notice a revocation
 * @level: 0 or 2
 * @cursor: (nullable): text of the cursor to resume from, valid in the call
 */
typedef struct
{
  int fd;
  const void *extra;
  gsize extra_len;
  DeskIdentity *who;
  const char *token;
  guint level;
  const char *cursor;
} DeskHttpUpgraded;

/**
 * DeskHttpOptions:
 * @address: IPv4 or IPv6 address to listen on
 * @port: 0 picks one
 * @threads: [number of processors, at least 2]
 * @max_connections: HTTP connections at once [4096]; websockets do not count
 * @max_body_bytes: of a request [1 MiB]
 * @max_webhook_bytes: of a platform's call [3 MiB]
 * @max_file_bytes: of one file that is sent [20 MiB]
 * @max_files: of one message [10]
 * @timeout_s: seconds without a byte until a connection is closed [30]; a body takes at most
 *   twice as long in all, one with files as long as it brings 16 KiB a second
 * @requests_per_minute: per token, and before sign-in per address; 0 = no limit
 * @sign_ins_per_minute: attempts to sign in, per address; 0 = no limit
 * @service: borrowed, outlives the server
 * @clock: borrowed
 * @random: borrowed; only bytes for request ids
 * @upgraded: takes over a websocket; any thread
 * @find_connector: (nullable): the connector of a webhook path, borrowed; connection is %NULL in
 *   the short form of the path. Any thread
 * @nth_connector: (nullable): all connectors of a platform, one after the other; %NULL beyond the last.
 *   Borrowed; any thread
 * @write_metrics: (nullable): appends what main knows to the service's metrics. Any thread
 * @list_products: (nullable): asks a platform what the customer of a chat offers; page from 1; done
 *   is called once, on any thread. Any thread
 * @data: for the functions
 *
 * 0 stands for the default in brackets where there is one.
 */
typedef struct
{
  const char *address;
  guint16 port;
  guint threads;
  guint max_connections;
  gsize max_body_bytes;
  gsize max_webhook_bytes;
  gint64 max_file_bytes;
  guint max_files;
  guint timeout_s;
  guint requests_per_minute;
  guint sign_ins_per_minute;
  DeskService *service;
  DeskClock *clock;
  DeskRandom *random;
  void (*upgraded) (const DeskHttpUpgraded *socket, gpointer data);
  DeskConnector *(*find_connector) (const char *platform, const char *connection, gpointer data);
  DeskConnector *(*nth_connector) (const char *platform, guint n, gpointer data);
  void (*write_metrics) (GString *out, gpointer data);
  void (*list_products) (const char *platform, const char *user_id, guint page, DeskReplyDone done, gpointer done_data, gpointer data);
  gpointer data;
} DeskHttpOptions;

/**
 * desk_http_server_new:
 * @error: G_IO_ERROR, e.g. ADDRESS_IN_USE; the message names the address
 *
 * Listens and serves from its own threads at once.
 */
DeskHttpServer *desk_http_server_new (const DeskHttpOptions *options, GError **error);

/* The port that it really listens on. */
guint16 desk_http_server_get_port (DeskHttpServer *self);

/* Stops listening. What still comes on open connections is answered with 503; what waits for a
 * commit goes on. */
void desk_http_server_close (DeskHttpServer *self);

/**
 * desk_http_server_free:
 * @deadline_ms: how long requests under way may take from now on; what then still waits for a
 *   commit gets 503 UNAVAILABLE (its outcome is unknown to the client)
 *
 * Closes all connections and ends the threads. Blocks. Replies of the service that come later
 * are dropped.
 */
void desk_http_server_free (DeskHttpServer *self, gint64 deadline_ms);

G_END_DECLS
