/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "api/desk-api.h"
#include "api/desk-keyring.h"
#include "common/desk-crypto.h"
#include "store/desk-store.h"
#include "sync/desk-account-private.h"

/* Sign-in: password → tokens, or a token as it is; then capabilities, which says who we are and what kind of
 * server it is; at a plain server the chat list proves the token. Only then is anything kept. */

#define TIMEOUT_MS 30000

typedef struct
{
  char *server_url;
  char *username; /* nullable */
  char *secret;
  char *cache_dir; /* nullable */
  DeskApi *api;
  DeskTokens *tokens;
  DeskAccount *account;
} SignIn;

static void
sign_in_free (SignIn *self)
{
  g_free (self->server_url);
  g_free (self->username);
  desk_secure_clear (self->secret);
  g_free (self->secret);
  g_free (self->cache_dir);
  g_clear_object (&self->api);
  g_clear_pointer (&self->tokens, desk_tokens_free);
  g_clear_pointer (&self->account, desk_account_free);
  g_free (self);
}

/* Fails the task for what the answer says; FALSE if the answer is good. */
static gboolean
failed (GTask *task, const DeskRestAnswer *answer)
{
  DeskAccountError code = DESK_ACCOUNT_ERROR_SERVER;
  const char *text = _("The server answers, but could not sign you in. Try again later.");

  if (answer->outcome == DESK_REST_OK)
    return FALSE;
  if (answer->outcome != DESK_REST_REFUSED)
    {
      code = DESK_ACCOUNT_ERROR_NETWORK;
      text = _("The server cannot be reached. Check the address and your network.");
    }
  else if (answer->failure->http_status == 401 || answer->failure->http_status == 403)
    {
      code = DESK_ACCOUNT_ERROR_REFUSED;
      text = _("The server does not accept this sign-in. Check the user name and the password or token.");
    }
  else if (answer->failure->http_status == 429)
    text = _("Too many attempts. Wait a minute and try again.");
  else if (answer->failure->http_status == 404)
    text = _("There is no chat server at this address.");
  g_task_return_new_error (task, DESK_ACCOUNT_ERROR, code, "%s", text);
  return TRUE;
}

static void
on_kept (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  SignIn *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!desk_keyring_store_finish (result, &error))
    {
      g_task_return_new_error (task, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_KEYRING,
                               _("The sign-in could not be kept in the keyring: %s"), error->message);
      return;
    }
  if (!desk_account_save (self->account, self->cache_dir == NULL, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_task_return_pointer (task, g_steal_pointer (&self->account), (GDestroyNotify) desk_account_free);
}

static void
keep (GTask *task, const DeskManager *me)
{
  SignIn *self = g_task_get_task_data (task);
  const char *username = me ? me->username : self->username ? self->username : "";

  self->account = g_new0 (DeskAccount, 1);
  self->account->server_url = g_strdup (self->server_url);
  self->account->username = g_strdup (username);
  self->account->display_name = g_strdup (me && me->display_name ? me->display_name : username);
  self->account->cache_dir = self->cache_dir ? g_strdup (self->cache_dir)
                                             : desk_store_account_dir (NULL, self->server_url, username);
  desk_keyring_store_async (self->server_url, username, self->tokens, g_task_get_cancellable (task), on_kept,
                            g_object_ref (task));
}

static void
on_plain_chats (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);

  if (!failed (task, answer))
    keep (task, NULL);
}

static void
on_capabilities (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  SignIn *self = g_task_get_task_data (task);
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);
  g_autoptr (DeskCapabilities) capabilities = NULL;
  gboolean plain = answer->outcome == DESK_REST_REFUSED
                   && (answer->failure->http_status == 404 || answer->failure->http_status == 405);

  if (answer->outcome == DESK_REST_OK)
    {
      gsize len;
      const char *body = g_bytes_get_data (answer->body, &len);

      capabilities = desk_wire_read_capabilities (body, len, NULL);
    }
  if (capabilities != NULL)
    {
      keep (task, capabilities->me);
    }
  else if (plain || answer->outcome == DESK_REST_OK)
    {
      g_autofree char *path = desk_path_chats (0, NULL);

      desk_api_request_async (self->api, "GET", path, NULL, TIMEOUT_MS, g_task_get_cancellable (task), on_plain_chats,
                              g_object_ref (task));
    }
  else
    failed (task, answer);
}

static void
ask_capabilities (GTask *task)
{
  SignIn *self = g_task_get_task_data (task);
  g_autofree char *path = desk_path_capabilities ();

  desk_api_set_token (self->api, self->tokens->access_token);
  desk_api_request_async (self->api, "GET", path, NULL, TIMEOUT_MS, g_task_get_cancellable (task), on_capabilities,
                          g_object_ref (task));
}

static void
on_tokens (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  SignIn *self = g_task_get_task_data (task);
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);
  g_autoptr (JsonNode) node = NULL;
  gsize len;
  const char *body;

  if (failed (task, answer))
    return;
  body = g_bytes_get_data (answer->body, &len);
  node = desk_wire_read_answer (body, len, NULL, NULL);
  self->tokens = node ? desk_wire_read_tokens (node, NULL) : NULL;
  if (self->tokens == NULL)
    {
      g_task_return_new_error (task, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_SERVER, "%s",
                               _("There is no chat server at this address."));
      return;
    }
  ask_capabilities (task);
}

void
desk_account_sign_in_async (const char *server_url, const char *username, const char *secret, const char *cache_dir,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  SignIn *self = g_new0 (SignIn, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, desk_account_sign_in_async);
  g_task_set_task_data (task, self, (GDestroyNotify) sign_in_free);
  self->server_url = desk_account_normalize_url (server_url, &error);
  if (self->server_url == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  self->username = g_strdup (username);
  self->secret = g_strdup (secret);
  self->cache_dir = g_strdup (cache_dir);
  self->api = desk_api_new (self->server_url);
  if (username != NULL)
    {
      g_autofree char *path = desk_path_auth_token ();
      char *body = desk_wire_credentials_text (username, secret);

      desk_api_request_async (self->api, "POST", path, body, TIMEOUT_MS, cancellable, on_tokens, g_object_ref (task));
      desk_secure_clear (body);
      g_free (body);
      return;
    }
  self->tokens = g_new0 (DeskTokens, 1);
  self->tokens->access_token = g_strdup (secret);
  self->tokens->refresh_token = g_strdup ("");
  ask_capabilities (task);
}

DeskAccount *
desk_account_sign_in_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ── Sign-out ───────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskAccount *account;
  gboolean erase;
  DeskApi *api;
} SignOut;

static void
sign_out_free (SignOut *self)
{
  desk_account_free (self->account);
  g_clear_object (&self->api);
  g_free (self);
}

static void
on_forgotten (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  SignOut *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (!desk_keyring_clear_finish (result, &error) || !desk_account_forget (self->account, &error)
      || (self->erase && !desk_store_erase (self->account->cache_dir, &error)))
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
forget (GTask *task)
{
  SignOut *self = g_task_get_task_data (task);

  desk_keyring_clear_async (self->account->server_url, self->account->username, g_task_get_cancellable (task),
                            on_forgotten, g_object_ref (task));
}

static void
on_logged_out (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);

  if (answer->outcome != DESK_REST_OK)
    g_info ("the server was not told of the sign-out; its tokens expire by themselves");
  forget (task);
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  SignOut *self = g_task_get_task_data (task);
  g_autoptr (DeskTokens) tokens = desk_keyring_lookup_finish (result, NULL);
  g_autofree char *path = desk_path_auth_logout ();

  /* A token that was made by hand is revoked by hand: others may use it. */
  if (tokens == NULL || tokens->refresh_token == NULL || *tokens->refresh_token == '\0')
    {
      forget (task);
      return;
    }
  self->api = desk_api_new (self->account->server_url);
  desk_api_set_token (self->api, tokens->access_token);
  desk_api_request_async (self->api, "POST", path, "{}", 5000, g_task_get_cancellable (task), on_logged_out,
                          g_object_ref (task));
}

void
desk_account_sign_out_async (const DeskAccount *account, gboolean erase, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  SignOut *self = g_new0 (SignOut, 1);

  g_task_set_source_tag (task, desk_account_sign_out_async);
  self->account = desk_account_copy (account);
  self->erase = erase;
  g_task_set_task_data (task, self, (GDestroyNotify) sign_out_free);
  desk_keyring_lookup_async (account->server_url, account->username, cancellable, on_looked_up, task);
}

gboolean
desk_account_sign_out_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
