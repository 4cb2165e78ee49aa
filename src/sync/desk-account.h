/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

/* Accounts: which server, who, and where the cache is. The list stands in a key file below the user's
 * configuration folder; secrets stand in the keyring only. */

G_BEGIN_DECLS

#define DESK_ACCOUNT_ERROR (desk_account_error_quark ())
GQuark desk_account_error_quark (void);
typedef enum
{
  DESK_ACCOUNT_ERROR_ADDRESS, /* not a usable server address */
  DESK_ACCOUNT_ERROR_REFUSED, /* wrong user name, password or token */
  DESK_ACCOUNT_ERROR_NETWORK, /* no answer */
  DESK_ACCOUNT_ERROR_SERVER,  /* answers, but is no chat backend, or failed */
  DESK_ACCOUNT_ERROR_KEYRING, /* the keyring cannot be used */
} DeskAccountError;

typedef struct
{
  char *server_url; /* normalized: scheme://host[:port] without a trailing slash */
  char *username;   /* "" where a level-0 server tells none */
  char *display_name;
  char *cache_dir;
} DeskAccount;
DeskAccount *desk_account_copy (const DeskAccount *self);
void desk_account_free (DeskAccount *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskAccount, desk_account_free)

GPtrArray *desk_account_list (void); /* of DeskAccount, the last used first */
/* What a cache folder says of its account (--cache DIR); NULL if it was never signed in. */
DeskAccount *desk_account_for_cache (const char *cache_dir);
gboolean desk_account_set_current (const DeskAccount *account, GError **error);

/* "chat.example.com" → "https://chat.example.com"; http only for loopback addresses or when written out. */
char *desk_account_normalize_url (const char *text, GError **error);

/* Signs in by password, or by token where username is NULL, checks it against the server, stores the secret in the
 * keyring and the account in the list (and in cache_dir, NULL: the account's own folder). */
void desk_account_sign_in_async (const char *server_url, const char *username, const char *secret, const char *cache_dir,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskAccount *desk_account_sign_in_finish (GAsyncResult *result, GError **error);
/* Tells the server (best effort), forgets the secret; erases the cache if asked. The store must be closed. */
void desk_account_sign_out_async (const DeskAccount *account, gboolean erase, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
gboolean desk_account_sign_out_finish (GAsyncResult *result, GError **error);

G_END_DECLS
