/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

/* One question to the backend: how are its connections to the platforms?
 * Invariant: the token is read and never renewed here; renewing is the engine's. */

#include "sync/desk-connections.h"

#include "api/desk-api.h"
#include "api/desk-keyring.h"
#include "protocol/desk-wire.h"

typedef struct
{
  DeskApi *api;
  guint timeout_ms;
} Fetch;

static void
fetch_free (Fetch *self)
{
  g_clear_object (&self->api);
  g_free (self);
}

static void
fail (GTask *task, const DeskRestAnswer *answer)
{
  if (answer->outcome == DESK_REST_REFUSED)
    g_task_return_new_error (task, DESK_ACCOUNT_ERROR,
                             answer->status == 401 ? DESK_ACCOUNT_ERROR_REFUSED : DESK_ACCOUNT_ERROR_SERVER,
                             "%s", answer->failure->message);
  else
    g_task_return_new_error (task, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_NETWORK, "%s",
                             answer->error != NULL ? answer->error : "no answer");
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);
  g_autoptr (GError) error = NULL;
  gsize len = 0;

  if (answer->outcome != DESK_REST_OK)
    {
      fail (task, answer);
      return;
    }
  const char *body = g_bytes_get_data (answer->body, &len);
  g_autoptr (JsonNode) node = desk_wire_read_answer (body, len, NULL, &error);
  GPtrArray *list = node != NULL ? desk_wire_read_connections (node, &error) : NULL;
  if (list != NULL)
    g_task_return_pointer (task, list, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_new_error (task, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_SERVER, "%s", error->message);
}

static void
ask (GTask *task, const char *token)
{
  Fetch *self = g_task_get_task_data (task);
  g_autofree char *path = desk_path_connections ();

  desk_api_set_token (self->api, token);
  desk_api_request_async (self->api, "GET", path, NULL, self->timeout_ms, g_task_get_cancellable (task), on_answer,
                          g_object_ref (task));
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskTokens) tokens = desk_keyring_lookup_finish (result, &error);

  if (tokens == NULL)
    {
      g_task_return_new_error (task, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_KEYRING, "%s",
                               error != NULL ? error->message : "There is no token");
      return;
    }
  ask (task, tokens->access_token);
}

void
desk_connections_fetch_async (const DeskAccount *account, const char *token, guint timeout_ms, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail (account != NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Fetch *self = g_new0 (Fetch, 1);

  g_task_set_source_tag (task, desk_connections_fetch_async);
  self->api = desk_api_new (account->server_url);
  self->timeout_ms = timeout_ms;
  g_task_set_task_data (task, self, (GDestroyNotify) fetch_free);
  if (token == NULL)
    {
      desk_keyring_lookup_async (account->server_url, account->username, cancellable, on_looked_up, task);
      return;
    }
  ask (task, token);
  g_object_unref (task);
}

GPtrArray *
desk_connections_fetch_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
