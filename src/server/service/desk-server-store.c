/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* The values that pass between the rules and a store, and waiting for a job. */

#include "server/service/desk-server-store.h"

G_DEFINE_QUARK (desk - server - store - error - quark, desk_server_store_error)

DeskServerChat *
desk_server_chat_new (DeskChat *chat)
{
  DeskServerChat *self = g_new0 (DeskServerChat, 1);
  self->chat = chat;
  return self;
}

void
desk_server_chat_free (DeskServerChat *self)
{
  if (self == NULL)
    return;
  desk_chat_free (self->chat);
  g_free (self);
}

void
desk_server_message_free (DeskServerMessage *self)
{
  if (self == NULL)
    return;
  g_free (self->body);
  g_free (self);
}

void
desk_server_key_free (DeskServerKey *self)
{
  if (self == NULL)
    return;
  g_free (self->fingerprint);
  g_free (self->body);
  g_free (self);
}

void
desk_server_job_row_free (DeskServerJobRow *self)
{
  if (self == NULL)
    return;
  g_free (self->connection);
  g_free (self);
}

void
desk_server_connection_row_free (DeskServerConnectionRow *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->platform);
  g_free (self->reason);
  g_free (self);
}

void
desk_server_raw_free (DeskServerRaw *self)
{
  if (self == NULL)
    return;
  g_free (self->connection);
  g_free (self->problem);
  g_bytes_unref (self->payload);
  g_free (self);
}

void
desk_server_user_free (DeskServerUser *self)
{
  if (self == NULL)
    return;
  g_free (self->username);
  g_free (self->display_name);
  g_free (self->password);
  g_free (self);
}

void
desk_server_token_free (DeskServerToken *self)
{
  if (self == NULL)
    return;
  g_free (self->hash);
  g_free (self->username);
  g_free (self->family);
  g_free (self);
}

typedef struct
{
  DeskServerJob job;
  gpointer data;
  GMutex mutex;
  GCond cond;
  gboolean finished;
  GError *error;
} DeskWait;

static gboolean
wait_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskWait *wait = data;
  return wait->job (tx, wait->data, error);
}

static void
wait_done (const GError *error, gpointer data)
{
  DeskWait *wait = data;
  g_mutex_lock (&wait->mutex);
  wait->error = error != NULL ? g_error_copy (error) : NULL;
  wait->finished = TRUE;
  g_cond_signal (&wait->cond);
  g_mutex_unlock (&wait->mutex);
}

gboolean
desk_server_store_run (DeskServerStore *store, DeskServerJob job, gpointer data, GError **error)
{
  DeskWait wait = { .job = job, .data = data };
  g_mutex_init (&wait.mutex);
  g_cond_init (&wait.cond);
  store->ops->submit (store, wait_job, wait_done, &wait);
  g_mutex_lock (&wait.mutex);
  while (!wait.finished)
    g_cond_wait (&wait.cond, &wait.mutex);
  g_mutex_unlock (&wait.mutex);
  g_mutex_clear (&wait.mutex);
  g_cond_clear (&wait.cond);
  if (wait.error == NULL)
    return TRUE;
  g_propagate_error (error, wait.error);
  return FALSE;
}
