/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Requests which wait for the store's writer.
 * Invariants: a connection is suspended before its job is submitted and resumed exactly once,
 * either by the job's answer or at shutdown; a connection that is suspended cannot go away, since
 * libmicrohttpd does not look at it; the set outlives the server while jobs still hold a wait. */

#include "server/http/desk-http-private.h"

struct _DeskHttpWaits
{
  gatomicrefcount refs;
  GMutex mutex;
  GHashTable *waiting; /* set of DeskHttpWait, each suspended */
  gboolean closed;
};

struct _DeskHttpWait
{
  gatomicrefcount refs; /* the request's and the job's */
  DeskHttpWaits *set;
  struct MHD_Connection *connection; /* NULL once resumed */
  DeskReply *reply;
};

DeskHttpWaits *
desk_http_waits_new (void)
{
  DeskHttpWaits *self = g_new0 (DeskHttpWaits, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->mutex);
  self->waiting = g_hash_table_new (NULL, NULL);
  return self;
}

void
desk_http_waits_unref (DeskHttpWaits *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_hash_table_unref (self->waiting);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

void
desk_http_wait_unref (DeskHttpWait *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->reply, desk_reply_free);
  desk_http_waits_unref (self->set);
  g_free (self);
}

DeskHttpWait *
desk_http_wait_begin (DeskHttpRequest *request)
{
  DeskHttpWaits *set = request->server->waits;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&set->mutex);

  if (set->closed)
    {
      request->close = TRUE;
      desk_http_request_fail (request, DESK_CODE_UNAVAILABLE, "The server is shutting down");
      return NULL;
    }

  DeskHttpWait *self = g_new0 (DeskHttpWait, 1);
  g_atomic_ref_count_init (&self->refs);
  g_atomic_ref_count_inc (&self->refs);
  g_atomic_ref_count_inc (&set->refs);
  self->set = set;
  self->connection = request->connection;
  request->wait = self;
  g_hash_table_add (set->waiting, self);
  MHD_suspend_connection (request->connection);
  return self;
}

/* under the mutex */
static void
resume (DeskHttpWait *self, DeskReply *reply)
{
  struct MHD_Connection *connection = g_steal_pointer (&self->connection);

  self->reply = reply;
  MHD_resume_connection (connection);
}

void
desk_http_wait_done (DeskReply *reply, gpointer data)
{
  DeskHttpWait *self = data;

  g_mutex_lock (&self->set->mutex);
  if (g_hash_table_remove (self->set->waiting, self))
    resume (self, g_steal_pointer (&reply));
  g_mutex_unlock (&self->set->mutex);
  g_clear_pointer (&reply, desk_reply_free);
  desk_http_wait_unref (self);
}

DeskReply *
desk_http_wait_take (DeskHttpWait *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->set->mutex);

  return g_steal_pointer (&self->reply);
}

void
desk_http_waits_abandon (DeskHttpWaits *self)
{
  GHashTableIter iter;
  gpointer wait;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->closed = TRUE;
  g_hash_table_iter_init (&iter, self->waiting);
  while (g_hash_table_iter_next (&iter, &wait, NULL))
    {
      g_hash_table_iter_remove (&iter);
      resume (wait, desk_reply_new_failure (DESK_CODE_UNAVAILABLE,
                                            "The server shut down before the outcome was known",
                                            NULL, -1, NULL));
    }
}
