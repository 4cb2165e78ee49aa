/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "protocol/desk-wire.h"

/* Secrets of an account in the user's keyring (libsecret). FRONTDESK_TOKEN in the environment is the caller's
 * matter. Asynchronous: a keyring may ask the user to unlock it. A static token is kept as tokens without
 * refresh_token and expires_in_s 0. */

G_BEGIN_DECLS

void desk_keyring_store_async (const char *server_url, const char *username, const DeskTokens *tokens, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_keyring_store_finish (GAsyncResult *result, GError **error);
/* NULL without error: nothing stored. */
void desk_keyring_lookup_async (const char *server_url, const char *username, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskTokens *desk_keyring_lookup_finish (GAsyncResult *result, GError **error);
void desk_keyring_clear_async (const char *server_url, const char *username, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_keyring_clear_finish (GAsyncResult *result, GError **error);

G_END_DECLS
