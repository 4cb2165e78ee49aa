/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "api/desk-keyring.h"
#include "common/desk-crypto.h"
#include "sync/desk-sync-private.h"

/* The sign-in of one driver: reads the tokens out of the keyring, gives them to the api and renews them. Whoever
 * meets a 401 asks for a renewal; all who ask while one is under way get its outcome.
 *
 * Invariants: a renewed token is stored in the keyring before anybody is told, because the server has forgotten the old
 * one. Several processes may share one sign-in: before a renewal, and after a refused one, the keyring is asked whether
 * another process has renewed it. */

#define REFRESH_TIMEOUT_MS 20000
#define LOOK_AGAIN_MS 500 /* another process may be about to store what it was given */
#define MAX_LOOKS 3

typedef struct
{
  DeskTokenFunc func;
  gpointer data;
} Waiter;

struct _DeskTokenKeeper
{
  DeskApi *api;
  char *server_url;
  char *username;
  gboolean fixed; /* from the environment: cannot be renewed */
  DeskTokens *tokens; /* nullable */
  GCancellable *cancellable;
  GSource *timer;
  GArray *waiters; /* of Waiter: those of the renewal under way */
  DeskTokens *renewed; /* being stored */
  gboolean running;
  guint looks; /* at the keyring, after a refusal */
  guint out;   /* calls that will come back */
  void (*loaded) (gpointer data);
  gpointer loaded_data;
};

static gboolean
stopped (DeskTokenKeeper *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

static void
take_tokens (DeskTokenKeeper *self, DeskTokens *tokens)
{
  g_clear_pointer (&self->tokens, desk_tokens_free);
  self->tokens = tokens;
  desk_api_set_token (self->api, tokens ? tokens->access_token : NULL);
}

static void
end (DeskTokenKeeper *self, DeskTokenResult result)
{
  g_autoptr (GArray) waiters = g_steal_pointer (&self->waiters);

  self->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  self->running = FALSE;
  for (guint i = 0; i < waiters->len; i++)
    {
      Waiter *waiter = &g_array_index (waiters, Waiter, i);

      waiter->func (result, waiter->data);
    }
}

static void
after (DeskTokenKeeper *self, guint delay_ms, GSourceFunc func)
{
  self->timer = g_timeout_source_new (delay_ms);
  g_source_set_callback (self->timer, func, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

static void
clear_timer (DeskTokenKeeper *self)
{
  if (self->timer == NULL)
    return;
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static void look_up (DeskTokenKeeper *self);

static gboolean
look_again (gpointer data)
{
  DeskTokenKeeper *self = data;

  clear_timer (self);
  look_up (self);
  return G_SOURCE_REMOVE;
}

/* ── Renewing ───────────────────────────────────────────────────────────────────────────────── */

static void
on_kept (GObject *source, GAsyncResult *result, gpointer data)
{
  DeskTokenKeeper *self = data;
  g_autoptr (GError) error = NULL;

  self->out--;
  if (!desk_keyring_store_finish (result, &error))
    g_warning ("the renewed sign-in could not be kept in the keyring: %s", error->message);
  take_tokens (self, g_steal_pointer (&self->renewed));
  if (!stopped (self))
    end (self, DESK_TOKEN_RENEWED);
}

static DeskTokens *
read_tokens (const DeskRestAnswer *answer)
{
  gsize len;
  const char *body;
  g_autoptr (JsonNode) node = NULL;

  if (answer->outcome != DESK_REST_OK)
    return NULL;
  body = g_bytes_get_data (answer->body, &len);
  node = desk_wire_read_answer (body, len, NULL, NULL);
  return node ? desk_wire_read_tokens (node, NULL) : NULL;
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer data)
{
  DeskTokenKeeper *self = data;
  g_autoptr (DeskRestAnswer) answer = desk_api_request_finish (DESK_API (source), result);

  self->out--;
  if (answer->outcome == DESK_REST_CANCELLED)
    return;
  self->renewed = read_tokens (answer);
  if (self->renewed != NULL)
    {
      /* Not cancelled: the server has forgotten the tokens that the keyring still holds. */
      self->out++;
      desk_keyring_store_async (self->server_url, self->username, self->renewed, NULL, on_kept, self);
    }
  else if (answer->outcome != DESK_REST_REFUSED || answer->failure->http_status >= 500
           || answer->failure->http_status == 429)
    end (self, DESK_TOKEN_FAILED);
  else if (self->looks < MAX_LOOKS)
    after (self, LOOK_AGAIN_MS, look_again);
  else
    end (self, DESK_TOKEN_REFUSED);
}

static void
refresh (DeskTokenKeeper *self)
{
  g_autofree char *path = desk_path_auth_refresh ();
  char *body = desk_wire_refresh_text (self->tokens->refresh_token);

  self->out++;
  desk_api_request_async (self->api, "POST", path, body, REFRESH_TIMEOUT_MS, self->cancellable, on_refreshed, self);
  desk_secure_clear (body);
  g_free (body);
}

static void
on_looked_up_again (GObject *source, GAsyncResult *result, gpointer data)
{
  DeskTokenKeeper *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskTokens) kept = desk_keyring_lookup_finish (result, &error);

  self->out--;
  if (stopped (self))
    return;
  if (kept != NULL && (self->tokens == NULL || g_strcmp0 (kept->access_token, self->tokens->access_token) != 0))
    {
      /* Another process has renewed it, or the manager signed in again. */
      take_tokens (self, g_steal_pointer (&kept));
      end (self, DESK_TOKEN_RENEWED);
    }
  else if (self->tokens == NULL || self->tokens->refresh_token == NULL || *self->tokens->refresh_token == '\0')
    end (self, DESK_TOKEN_REFUSED);
  else if (self->looks++ == 0)
    refresh (self);
  else if (self->looks < MAX_LOOKS)
    after (self, LOOK_AGAIN_MS, look_again);
  else
    end (self, DESK_TOKEN_REFUSED);
}

static void
look_up (DeskTokenKeeper *self)
{
  self->out++;
  desk_keyring_lookup_async (self->server_url, self->username, self->cancellable, on_looked_up_again, self);
}

static gboolean
refuse (gpointer data)
{
  DeskTokenKeeper *self = data;

  clear_timer (self);
  end (self, DESK_TOKEN_REFUSED);
  return G_SOURCE_REMOVE;
}

void
desk_token_keeper_renew (DeskTokenKeeper *self, DeskTokenFunc func, gpointer data)
{
  Waiter waiter = { func, data };

  g_array_append_val (self->waiters, waiter);
  if (self->running || stopped (self))
    return;
  self->running = TRUE;
  self->looks = 0;
  if (self->fixed)
    after (self, 0, refuse);
  else
    look_up (self);
}

/* ── Beginning and end ──────────────────────────────────────────────────────────────────────── */

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer data)
{
  DeskTokenKeeper *self = data;
  g_autoptr (GError) error = NULL;
  DeskTokens *tokens = desk_keyring_lookup_finish (result, &error);

  self->out--;
  if (stopped (self))
    {
      desk_tokens_free (tokens);
      return;
    }
  if (error != NULL)
    g_warning ("the keyring cannot be read: %s", error->message);
  take_tokens (self, tokens);
  self->loaded (self->loaded_data);
}

void
desk_token_keeper_load (DeskTokenKeeper *self, void (*loaded) (gpointer data), gpointer data)
{
  if (self->fixed)
    {
      loaded (data);
      return;
    }
  self->loaded = loaded;
  self->loaded_data = data;
  self->out++;
  desk_keyring_lookup_async (self->server_url, self->username, self->cancellable, on_looked_up, self);
}

DeskTokenKeeper *
desk_token_keeper_new (DeskApi *api, const char *server_url, const char *username, const char *token)
{
  DeskTokenKeeper *self = g_new0 (DeskTokenKeeper, 1);

  self->api = g_object_ref (api);
  self->server_url = g_strdup (server_url);
  self->username = g_strdup (username);
  self->fixed = token != NULL;
  if (token != NULL)
    desk_api_set_token (api, token);
  self->cancellable = g_cancellable_new ();
  self->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  return self;
}

void
desk_token_keeper_stop (DeskTokenKeeper *self)
{
  g_cancellable_cancel (self->cancellable);
  clear_timer (self);
  end (self, DESK_TOKEN_FAILED);
}

gboolean
desk_token_keeper_is_busy (DeskTokenKeeper *self)
{
  return self->out > 0;
}

void
desk_token_keeper_free (DeskTokenKeeper *self)
{
  if (self->out > 0)
    return; /* the keyring never answered: what it will call back must stay */
  g_clear_object (&self->api);
  g_free (self->server_url);
  g_free (self->username);
  g_clear_pointer (&self->tokens, desk_tokens_free);
  g_clear_pointer (&self->renewed, desk_tokens_free);
  g_clear_object (&self->cancellable);
  g_array_unref (self->waiters);
  g_free (self);
}
