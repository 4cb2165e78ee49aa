/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/main/desk-ops.h"

/* The socket frontdeskd.sock in the data folder, through which commands of the same machine ask the
 * running daemon. Only the daemon's own user and root may speak there. */

G_BEGIN_DECLS

typedef struct _DeskOpsSocket DeskOpsSocket;

/* Main thread. Borrows what it gets. */
DeskOpsSocket *desk_ops_socket_new (const char *data,
                                    DeskService *service,
                                    GPtrArray *connectors,
                                    GError **error);
/* Takes no more commands, removes the socket, and waits for the commands under way. */
void desk_ops_socket_free (DeskOpsSocket *self);

/**
 * desk_ops_socket_ask:
 * @data: the data folder
 * @request: what to do
 * @out_ok: (out): whether it succeeded
 * @error: G_IO_ERROR_NOT_FOUND: no daemon listens there
 *
 * Blocks. Returns: (transfer full): what to print
 */
char *desk_ops_socket_ask (const char *data,
                           const DeskOpsRequest *request,
                           gboolean *out_ok,
                           GError **error);

G_END_DECLS
