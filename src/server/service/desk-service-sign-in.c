/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* People, passwords, tokens.
 *
 * Tokens are 256 random bits, opaque, and only their SHA-256 is stored. Signed tokens (JWT) would
 * save a look-up, which costs nothing with one process and a cache, and could not be revoked. A
 * sign-in makes a family: an access token for an hour and a refresh token for 30 days, which is
 * exchanged for new ones. An exchanged refresh token that comes again means that somebody copied
 * it: the family ends. Only for a minute is it taken for a client whose answer got lost, and gets
 * new tokens once more. */

#include "server/service/desk-service-private.h"

#include <crypt.h>
#include <string.h>

#include "common/desk-crypto.h"
#include "common/desk-uuid.h"

#define ACCESS_MS      (3600 * G_GINT64_CONSTANT (1000))
#define REFRESH_MS     (30 * DAY_MS)
#define LOST_ANSWER_MS 60000
#define RECHECK_US                                                                                 \
  (G_GINT64_CONSTANT (1000000)) /* how long a token is believed without asking the store */
#define MAX_CACHED   10000
#define MAX_PASSWORD 1024
#define BCRYPT_COST  12

/* ── Identities ─────────────────────────────────────────────────────────────────────────────── */

/* The public struct is all that callers see; the count stands behind it. */
typedef struct
{
  DeskIdentity identity;
  gatomicrefcount refs;
} DeskIdentityFull;

static DeskIdentity *
identity_new (const DeskServerUser *user, gint64 token_id)
{
  DeskIdentityFull *self = g_new0 (DeskIdentityFull, 1);
  g_atomic_ref_count_init (&self->refs);
  self->identity.username = g_strdup (user->username);
  self->identity.display_name = g_strdup (user->display_name);
  self->identity.role = user->role;
  self->identity.token_id = token_id;
  return &self->identity;
}

DeskIdentity *
desk_identity_ref (DeskIdentity *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&((DeskIdentityFull *)self)->refs);
  return self;
}

void
desk_identity_unref (DeskIdentity *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&((DeskIdentityFull *)self)->refs))
    return;
  g_free (self->username);
  g_free (self->display_name);
  g_free (self);
}

/* ── Passwords ──────────────────────────────────────────────────────────────────────────────── */

char *
desk_password_hash (DeskRandom *random, const char *password)
{
  char bytes[16], setting[CRYPT_GENSALT_OUTPUT_SIZE];
  desk_random_bytes (random, bytes, sizeof bytes);
  if (crypt_gensalt_rn ("$2b$", BCRYPT_COST, bytes, sizeof bytes, setting, sizeof setting) == NULL)
    return NULL;
  struct crypt_data *data = g_new0 (struct crypt_data, 1);
  const char *hash = crypt_rn (password, setting, data, sizeof *data);
  char *copy = g_strdup (hash);
  explicit_bzero (data, sizeof *data);
  g_free (data);
  return copy;
}

gboolean
desk_password_check (const char *password, const char *hash)
{
  struct crypt_data *data = g_new0 (struct crypt_data, 1);
  const char *again = crypt_rn (password, hash, data, sizeof *data);
  gboolean same = again != NULL && desk_secure_equal (again, strlen (again), hash, strlen (hash));
  explicit_bzero (data, sizeof *data);
  g_free (data);
  return same;
}

/* ── Users ──────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskService *service;
  DeskServerUser user;
} DeskAddUser;

static gboolean
add_user_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskAddUser *self = data;
  return tx->ops->user_insert (tx, &self->user, desk_clock_now_ms (self->service->clock), error);
}

/**
 * desk_service_add_user:
 * @password: (nullable): %NULL for somebody who uses tokens alone; at most 72 bytes count (bcrypt)
 * @error: %G_IO_ERROR: INVALID_ARGUMENT, EXISTS; or the store's
 */
gboolean
desk_service_add_user (DeskService *self,
                       const char *username,
                       const char *display_name,
                       DeskRole role,
                       const char *password,
                       GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);
  if (username == NULL || !desk_username_is_valid (username))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "A user name has 1 to 64 letters, digits and . _ @ -");
      return FALSE;
    }
  /* bcrypt looks at 72 bytes and no further. How short is too short is the operator's decision: the command warns. */
  if (password != NULL && (password[0] == '\0' || strlen (password) > 72))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "A password has 1 to 72 bytes");
      return FALSE;
    }
  g_autofree char *hash = password != NULL ? desk_password_hash (self->random, password) : NULL;
  if (password != NULL && hash == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "The system's libcrypt has no bcrypt");
      return FALSE;
    }
  DeskAddUser add = { self,
                      { .username = (char *)username,
                        .display_name = (char *)(display_name != NULL ? display_name : username),
                        .role = role,
                        .password = hash } };
  g_autoptr (GError) local = NULL;
  if (desk_server_store_run (self->store, add_user_job, &add, &local))
    return TRUE;
  if (g_error_matches (local, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_CONFLICT))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "There is a user %s already", username);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* ── Making tokens ──────────────────────────────────────────────────────────────────────────── */

static gboolean
insert_token (DeskService *self,
              DeskServerTx *tx,
              DeskServerTokenKind kind,
              const char *token,
              const char *username,
              const char *family,
              gint64 life_ms,
              gint64 now_ms,
              GError **error)
{
  g_autofree char *hash = desk_sha256_hex (token, strlen (token));
  DeskServerToken row = { .hash = hash,
                          .kind = kind,
                          .username = (char *)username,
                          .family = (char *)family,
                          .expires_ms = life_ms > 0 ? now_ms + life_ms : 0 };
  return tx->ops->token_insert (tx, &row, now_ms, error);
}

typedef struct
{
  DeskService *service;
  const char *username;
  char *token;
  char *family;
  gboolean no_user;
} DeskCreateToken;

static gboolean
create_token_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskCreateToken *self = data;
  g_autoptr (DeskServerUser) user = NULL;
  if (!tx->ops->user_find (tx, self->username, &user, error))
    return FALSE;
  self->no_user = user == NULL;
  return self->no_user
         || insert_token (self->service, tx, DESK_SERVER_TOKEN_ACCESS, self->token, self->username,
                          self->family, 0, desk_clock_now_ms (self->service->clock), error);
}

char *
desk_service_create_token (DeskService *self, const char *username, GError **error)
{
  g_return_val_if_fail (self != NULL && username != NULL, NULL);
  DeskCreateToken create = { .service = self, .username = username };
  create.token = desk_token_new (self->random);
  create.family = desk_uuid7_new (self->clock, self->random);
  gboolean ok = desk_server_store_run (self->store, create_token_job, &create, error);
  g_free (create.family);
  if (ok && create.no_user)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no user %s", username);
  if (ok && !create.no_user)
    return create.token;
  desk_secure_clear (create.token);
  g_free (create.token);
  return NULL;
}

/* ── Asking ─────────────────────────────────────────────────────────────────────────────────── */

static DeskIdentity *
look_up_token (DeskService *self, const char *hash, gint64 *out_expires_ms)
{
  g_autoptr (DeskServerToken) token = NULL;
  g_autoptr (DeskServerUser) user = NULL;
  g_autoptr (GError) error = NULL;
  DeskIdentity *identity = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);
  if (tx == NULL)
    return NULL;
  if (tx->ops->token_find (tx, hash, &token, &error) && token != NULL
      && token->kind == DESK_SERVER_TOKEN_ACCESS
      && tx->ops->user_find (tx, token->username, &user, &error) && user != NULL)
    {
      identity = identity_new (user, token->id);
      *out_expires_ms = token->expires_ms;
    }
  tx->ops->end_read (tx);
  if (error != NULL)
    g_warning ("a token could not be looked up: %s", error->message);
  return identity;
}

static gboolean
is_expired (DeskService *self, gint64 expires_ms)
{
  return expires_ms > 0 && expires_ms <= desk_clock_now_ms (self->clock);
}

/* The cache is asked under a shared lock; an entry older than a second is read again, which takes
 * some µs and is how a change by another process is noticed. */
DeskIdentity *
desk_service_authenticate (DeskService *self, const char *token)
{
  g_return_val_if_fail (self != NULL, NULL);
  gsize len = token != NULL ? strlen (token) : 0;
  if (len == 0 || len > 256)
    return NULL;
  g_autofree char *hash = desk_sha256_hex (token, len);
  gint64 now_us = desk_clock_monotonic_us (self->clock), expires_ms = 0;
  DeskIdentity *identity = NULL;

  g_rw_lock_reader_lock (&self->token_lock);
  const DeskCachedToken *cached = g_hash_table_lookup (self->tokens, hash);
  if (cached != NULL && now_us - cached->checked_us < RECHECK_US)
    {
      identity = desk_identity_ref (cached->identity);
      expires_ms = cached->expires_ms;
    }
  g_rw_lock_reader_unlock (&self->token_lock);
  if (identity == NULL)
    {
      identity = look_up_token (self, hash, &expires_ms);
      g_rw_lock_writer_lock (&self->token_lock);
      if (identity == NULL)
        g_hash_table_remove (self->tokens, hash);
      else
        {
          if (g_hash_table_size (self->tokens) >= MAX_CACHED)
            g_hash_table_remove_all (self->tokens);
          DeskCachedToken *fresh = g_new0 (DeskCachedToken, 1);
          fresh->identity = desk_identity_ref (identity);
          fresh->expires_ms = expires_ms;
          fresh->checked_us = now_us;
          g_hash_table_replace (self->tokens, g_steal_pointer (&hash), fresh);
        }
      g_rw_lock_writer_unlock (&self->token_lock);
    }
  if (identity != NULL && is_expired (self, expires_ms))
    g_clear_pointer (&identity, desk_identity_unref);
  return identity;
}

static void
forget_tokens (DeskService *self)
{
  g_rw_lock_writer_lock (&self->token_lock);
  g_hash_table_remove_all (self->tokens);
  g_rw_lock_writer_unlock (&self->token_lock);
}

/* ── Sign in, refresh, sign out ─────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskService *service;
  char *username;
  char *secret; /* password or refresh token */
  gint64 token_id;
  DeskTokens tokens;
  gboolean refused;
  DeskReplyDone done;
  gpointer data;
} DeskSession;

static DeskSession *
session_new (DeskService *service,
             const char *username,
             const char *secret,
             DeskReplyDone done,
             gpointer data)
{
  DeskSession *self = g_new0 (DeskSession, 1);
  self->service = service;
  self->username = g_strdup (username);
  self->secret = g_strdup (secret);
  self->done = done;
  self->data = data;
  return self;
}

static void
clear_tokens (DeskTokens *tokens)
{
  desk_secure_clear (tokens->access_token);
  desk_secure_clear (tokens->refresh_token);
  g_clear_pointer (&tokens->access_token, g_free);
  g_clear_pointer (&tokens->refresh_token, g_free);
}

static void
session_finish (DeskSession *self, DeskReply *reply)
{
  self->done (reply, self->data);
  clear_tokens (&self->tokens);
  desk_secure_clear (self->secret);
  g_free (self->secret);
  g_free (self->username);
  g_free (self);
}

static gboolean
issue_tokens (DeskSession *self,
              DeskServerTx *tx,
              const char *username,
              const char *family,
              gint64 now_ms,
              GError **error)
{
  clear_tokens (&self->tokens);
  self->tokens.access_token = desk_token_new (self->service->random);
  self->tokens.refresh_token = desk_token_new (self->service->random);
  self->tokens.expires_in_s = ACCESS_MS / 1000;
  return insert_token (self->service, tx, DESK_SERVER_TOKEN_ACCESS, self->tokens.access_token,
                       username, family, ACCESS_MS, now_ms, error)
         && insert_token (self->service, tx, DESK_SERVER_TOKEN_REFRESH, self->tokens.refresh_token,
                          username, family, REFRESH_MS, now_ms, error);
}

static void
session_done (const GError *error, gpointer data)
{
  DeskSession *self = data;
  desk_service_note_commit (self->service, error);
  if (error != NULL)
    session_finish (self, desk_reply_new_store_failure (error));
  else if (self->refused)
    {
      forget_tokens (self->service);
      session_finish (self, desk_reply_new_failure (DESK_CODE_UNAUTHORIZED, "Sign in again", NULL,
                                                    -1, ""));
    }
  else
    {
      DeskReply *reply = desk_reply_new_ok ();
      DeskJsonWriter w;
      desk_reply_begin (reply, &w);
      desk_wire_write_tokens (&w, &self->tokens);
      desk_reply_end (reply, &w, NULL);
      session_finish (self, reply);
    }
}

static gboolean
sign_in_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskSession *self = data;
  g_autofree char *family = desk_uuid7_new (self->service->clock, self->service->random);
  return issue_tokens (self, tx, self->username, family, desk_clock_now_ms (self->service->clock),
                       error);
}

/* An unknown name takes the same time as a wrong password. */
static char *
get_decoy (DeskService *self)
{
  char *hash = g_atomic_pointer_get (&self->decoy_hash);
  if (hash == NULL)
    {
      hash = desk_password_hash (self->random, "no password is this one");
      if (!g_atomic_pointer_compare_and_exchange (&self->decoy_hash, NULL, hash))
        {
          g_free (hash);
          hash = g_atomic_pointer_get (&self->decoy_hash);
        }
    }
  return g_strdup (hash);
}

void desk_service_password_work (gpointer data, gpointer user_data);

void
desk_service_password_work (gpointer data, gpointer user_data)
{
  DeskSession *self = data;
  DeskService *service = user_data;
  g_autoptr (DeskServerUser) user = NULL;
  g_autoptr (GError) error = NULL;
  DeskServerTx *tx = service->store->ops->begin_read (service->store, &error);
  gboolean ok = tx != NULL && tx->ops->user_find (tx, self->username, &user, &error);
  if (tx != NULL)
    tx->ops->end_read (tx);
  if (!ok)
    {
      session_finish (self, desk_reply_new_store_failure (error));
      return;
    }
  gboolean known = user != NULL && user->password != NULL;
  g_autofree char *hash = known ? g_strdup (user->password) : get_decoy (service);
  gboolean same = hash != NULL && desk_password_check (self->secret, hash);
  if (known && same)
    service->store->ops->submit (service->store, sign_in_job, session_done, self);
  else
    session_finish (self, desk_reply_new_failure (DESK_CODE_UNAUTHORIZED,
                                                  "The user name or the password is wrong", NULL,
                                                  -1, ""));
}

void
desk_service_sign_in (DeskService *self,
                      const char *username,
                      const char *password,
                      DeskReplyDone done,
                      gpointer data)
{
  g_return_if_fail (self != NULL && username != NULL && password != NULL && done != NULL);
  gboolean sane = strlen (username) <= 256 && strlen (password) <= MAX_PASSWORD;
  g_thread_pool_push (self->password_pool,
                      session_new (self, sane ? username : "", sane ? password : "", done, data),
                      NULL);
}

static gboolean
refresh_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskSession *self = data;
  g_autoptr (DeskServerToken) token = NULL;
  g_autofree char *hash = desk_sha256_hex (self->secret, strlen (self->secret));
  gint64 now_ms = desk_clock_now_ms (self->service->clock);
  self->refused = FALSE;
  if (!tx->ops->token_find (tx, hash, &token, error))
    return FALSE;
  if (token == NULL || token->kind != DESK_SERVER_TOKEN_REFRESH || token->expires_ms <= now_ms)
    {
      self->refused = TRUE;
      return TRUE;
    }
  if (token->used_ms > 0 && now_ms - token->used_ms > LOST_ANSWER_MS)
    {
      self->refused = TRUE;
      g_message ("a refresh token came twice: its sign-in ends");
      return tx->ops->tokens_revoke_family (tx, token->family, error);
    }
  if (token->used_ms == 0 && !tx->ops->token_set_used (tx, token->id, now_ms, error))
    return FALSE;
  return issue_tokens (self, tx, token->username, token->family, now_ms, error);
}

void
desk_service_refresh (DeskService *self,
                      const char *refresh_token,
                      DeskReplyDone done,
                      gpointer data)
{
  g_return_if_fail (self != NULL && refresh_token != NULL && done != NULL);
  self->store->ops->submit (self->store, refresh_job, session_done,
                            session_new (self, NULL, refresh_token, done, data));
}

static gboolean
sign_out_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskSession *self = data;
  g_autoptr (DeskServerToken) token = NULL;
  if (!tx->ops->token_find_id (tx, self->token_id, &token, error))
    return FALSE;
  return token == NULL || tx->ops->tokens_revoke_family (tx, token->family, error);
}

static void
sign_out_done (const GError *error, gpointer data)
{
  DeskSession *self = data;
  forget_tokens (self->service);
  session_finish (self,
                  error != NULL ? desk_reply_new_store_failure (error) : desk_reply_new_empty ());
}

void
desk_service_sign_out (DeskService *self,
                       const DeskIdentity *who,
                       DeskReplyDone done,
                       gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && done != NULL);
  DeskSession *session = session_new (self, NULL, NULL, done, data);
  session->token_id = who->token_id;
  self->store->ops->submit (self->store, sign_out_job, sign_out_done, session);
}
