/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* An account that is open. The cache is held from desk_session_hold() until the close, so that there
 * is never a second engine; unread messages are counted at most every COUNT_MS. */

#include "app/desk-session.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#define COUNT_MS 200

struct _DeskSession
{
  GObject parent_instance;

  DeskAccount *account; /* nullable */
  DeskInbox *inbox;
  DeskCacheLock *lock; /* nullable */
  gboolean opening, closed;
  gint64 unread;
  guint count_source;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_OPENED,
  SIGNAL_NUDGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskSession, desk_session, G_TYPE_OBJECT)

/* ── Counting ───────────────────────────────────────────────────────────────────────────────── */

static void
on_counts (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskSession) self = data;
  DeskStoreCounts *counts = desk_store_get_counts_finish (DESK_STORE (source), result, NULL);
  if (counts == NULL || self->closed)
    {
      g_free (counts);
      return;
    }
  if (counts->unread != self->unread)
    {
      self->unread = counts->unread;
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
    }
  g_free (counts);
}

static gboolean
on_count (gpointer data)
{
  DeskSession *self = data;
  DeskStore *store = desk_inbox_get_store (self->inbox);
  self->count_source = 0;
  if (store != NULL)
    desk_store_get_counts_async (store, NULL, on_counts, g_object_ref (self));
  return G_SOURCE_REMOVE;
}

static void
count_soon (DeskSession *self)
{
  if (self->count_source == 0 && !self->closed)
    self->count_source = g_timeout_add (COUNT_MS, on_count, self);
}

static void
on_changed (DeskSession *self, const DeskStoreChange *change)
{
  if (change->everything || (change->chats != NULL && change->chats->len > 0))
    count_soon (self);
}

static void
on_state_changed (DeskSession *self)
{
  count_soon (self); /* the first one tells that the cache is open */
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* ── Holding and opening ────────────────────────────────────────────────────────────────────── */

static void
on_nudged (const char *what, gpointer data)
{
  g_signal_emit (data, signals[SIGNAL_NUDGED], 0, what);
}

DeskHold
desk_session_hold (DeskSession *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  const char *dir = desk_inbox_get_dir (self->inbox);
  if (self->lock != NULL)
    return DESK_HOLD_OK;
  g_mkdir_with_parents (dir, 0700);
  self->lock = desk_cache_lock_acquire (dir, on_nudged, self, &local_error);
  if (self->lock != NULL)
    return DESK_HOLD_OK;
  if (local_error == NULL)
    return DESK_HOLD_TAKEN;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return DESK_HOLD_FAILED;
}

static void
on_inbox_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskSession) self = data;
  g_autoptr (GError) error = NULL;
  self->opening = FALSE;
  if (desk_inbox_open_finish (DESK_INBOX (source), result, &error))
    desk_inbox_start (self->inbox);
  else if (!self->closed) /* the window says it, and offers help, when this inbox is shown */
    g_message ("the cache in %s could not be opened: %s", desk_inbox_get_dir (self->inbox),
               error->message);
  if (!self->closed)
    g_signal_emit (self, signals[SIGNAL_OPENED], 0);
}

void
desk_session_open (DeskSession *self)
{
  g_return_if_fail (self->lock != NULL);
  if (self->opening || desk_inbox_get_store (self->inbox) != NULL)
    return;
  self->opening = TRUE;
  desk_inbox_open_async (self->inbox, NULL, on_inbox_opened, g_object_ref (self));
}

gboolean
desk_session_is_opening (DeskSession *self)
{
  return self->opening;
}

void
desk_session_close (DeskSession *self)
{
  if (self->closed)
    return;
  self->closed = TRUE;
  g_clear_handle_id (&self->count_source, g_source_remove);
  desk_inbox_close (self->inbox);
  g_clear_pointer (&self->lock, desk_cache_lock_release);
}

/* ── What it is ─────────────────────────────────────────────────────────────────────────────── */

DeskInbox *
desk_session_get_inbox (DeskSession *self)
{
  return self->inbox;
}

const DeskAccount *
desk_session_get_account (DeskSession *self)
{
  return self->account;
}

const char *
desk_session_get_title (DeskSession *self)
{
  const char *me = desk_inbox_get_me (self->inbox);
  if (desk_inbox_is_demo (self->inbox))
    return _ ("Demo");
  if (self->account != NULL && self->account->display_name != NULL
      && *self->account->display_name != '\0')
    return self->account->display_name;
  if (me != NULL && *me != '\0')
    return me;
  return _ ("Frontdesk");
}

char *
desk_session_dup_place (DeskSession *self)
{
  const char *url = desk_inbox_get_server_url (self->inbox);
  g_autoptr (GUri) uri = url != NULL ? g_uri_parse (url, G_URI_FLAGS_NONE, NULL) : NULL;
  if (uri == NULL)
    return g_strdup (_ ("On this computer"));
  if (desk_inbox_is_demo (self->inbox))
    return g_strdup (_ ("Simulated customers"));
  return g_uri_get_port (uri) > 0
             ? g_strdup_printf ("%s:%d", g_uri_get_host (uri), g_uri_get_port (uri))
             : g_strdup (g_uri_get_host (uri));
}

gint64
desk_session_get_unread (DeskSession *self)
{
  return self->unread;
}

static void
desk_session_dispose (GObject *object)
{
  DeskSession *self = DESK_SESSION (object);
  desk_session_close (self);
  g_signal_handlers_disconnect_by_data (self->inbox, self);
  G_OBJECT_CLASS (desk_session_parent_class)->dispose (object);
}

static void
desk_session_finalize (GObject *object)
{
  DeskSession *self = DESK_SESSION (object);
  g_clear_object (&self->inbox);
  g_clear_pointer (&self->account, desk_account_free);
  G_OBJECT_CLASS (desk_session_parent_class)->finalize (object);
}

static void
desk_session_class_init (DeskSessionClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_session_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_session_finalize;
  signals[SIGNAL_CHANGED]
      = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_OPENED]
      = g_signal_new ("opened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_NUDGED] = g_signal_new ("nudged", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
desk_session_init (DeskSession *self)
{
}

DeskSession *
desk_session_new (DeskAccount *account, const DeskInboxOptions *options)
{
  DeskSession *self = g_object_new (DESK_TYPE_SESSION, NULL);
  self->account = account;
  self->inbox = desk_inbox_new (options);
  g_signal_connect_object (self->inbox, "changed", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->inbox, "state-changed", G_CALLBACK (on_state_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->inbox, "capabilities-changed", G_CALLBACK (on_state_changed), self,
                           G_CONNECT_SWAPPED);
  return self;
}
