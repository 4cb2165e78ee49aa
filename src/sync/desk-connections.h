/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "model/desk-connection-info.h"
#include "sync/desk-account.h"

G_BEGIN_DECLS

/**
 * desk_connections_fetch_async:
 * @account: whose backend is asked
 * @token: (nullable): serves instead of the one in the keyring
 * @timeout_ms: for the request
 * @cancellable: (nullable): to give up
 * @callback: called on the thread's default context
 * @data: for @callback
 *
 * Asks the backend how its connections to the platforms are. Beside a running engine, too: a token
 * that expired is left to the engine, and is an error here.
 */
void desk_connections_fetch_async (const DeskAccount *account,
                                   const char *token,
                                   guint timeout_ms,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data);
/* Of DeskConnectionInfo, by name; NULL with an error of DESK_ACCOUNT_ERROR: also from a plain backend, which has no such
 * list. */
GPtrArray *desk_connections_fetch_finish (GAsyncResult *result, GError **error);

G_END_DECLS
