/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The open account: one store, at most one engine. Widgets hear of changes here and nowhere else,
 * so that the application works the same with the cache alone. */

#include "app/desk-inbox-private.h"

#include <glib/gi18n.h>
#include <string.h>

/* A typing notice that is not repeated ends by itself (the backend repeats it every 5 s). */
#define TYPING_SPAN_S 7

struct _DeskInbox
{
  GObject parent_instance;

  char *dir;
  char *server_url;
  char *username;
  char *token;
  gboolean is_demo;
  gboolean closed;

  DeskStore *store;
  GThread *early; /* nullable: opens the store before anybody asks */
  guint observer;
  DeskSync *sync;
  DeskSyncState *idle_state; /* what is told while there is no engine */
  DeskCapabilities *cached_capabilities;
  GHashTable *typing; /* key → id of the timeout that ends it */
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_STATE_CHANGED,
  SIGNAL_CAPABILITIES_CHANGED,
  SIGNAL_TYPING_CHANGED,
  SIGNAL_PROBLEM,
  SIGNAL_NOTICE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskInbox, desk_inbox, G_TYPE_OBJECT)

static void
remove_source (gpointer id)
{
  g_source_remove (GPOINTER_TO_UINT (id));
}

static void
desk_inbox_finalize (GObject *object)
{
  DeskInbox *self = DESK_INBOX (object);
  desk_inbox_close (self);
  g_clear_pointer (&self->idle_state, desk_sync_state_free);
  g_clear_pointer (&self->cached_capabilities, desk_capabilities_free);
  g_hash_table_unref (self->typing);
  g_free (self->dir);
  g_free (self->server_url);
  g_free (self->username);
  g_free (self->token);
  G_OBJECT_CLASS (desk_inbox_parent_class)->finalize (object);
}

static void
desk_inbox_class_init (DeskInboxClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = desk_inbox_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[SIGNAL_STATE_CHANGED] = g_signal_new ("state-changed", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                                NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_CAPABILITIES_CHANGED]
      = g_signal_new ("capabilities-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
  signals[SIGNAL_TYPING_CHANGED] = g_signal_new ("typing-changed", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                                 NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_PROBLEM] = g_signal_new ("problem", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_NOTICE] = g_signal_new ("notice", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
desk_inbox_init (DeskInbox *self)
{
  self->typing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, remove_source);
  self->idle_state = g_new0 (DeskSyncState, 1);
  self->idle_state->level = G_MAXUINT;
}

DeskInbox *
desk_inbox_new (const DeskInboxOptions *options)
{
  DeskInbox *self = g_object_new (DESK_TYPE_INBOX, NULL);
  self->dir = g_strdup (options->dir);
  self->server_url = g_strdup (options->server_url);
  self->username = g_strdup (options->username);
  self->token = g_strdup (options->token);
  self->is_demo = options->is_demo;
  self->idle_state->phase = options->server_url != NULL ? DESK_SYNC_CONNECTING : DESK_SYNC_STOPPED;
  return self;
}

/* ── The cache ──────────────────────────────────────────────────────────────────────────────── */

static void
on_store_changed (DeskStore *store, const DeskStoreChange *change, gpointer data)
{
  DeskInbox *self = data;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0, change);
}

static void
on_capabilities_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskInbox) self = data;
  g_autofree char *text = desk_store_get_setting_finish (DESK_STORE (source), result, NULL);
  if (text == NULL || self->cached_capabilities != NULL)
    return;
  self->cached_capabilities = desk_wire_read_capabilities (text, strlen (text), NULL);
  if (self->cached_capabilities != NULL)
    g_signal_emit (self, signals[SIGNAL_CAPABILITIES_CHANGED], 0);
}

static void
on_complete_to_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskInbox) self = data;
  g_autofree char *text = desk_store_get_setting_finish (DESK_STORE (source), result, NULL);
  if (text == NULL || self->sync != NULL)
    return;
  self->idle_state->complete_to_ms = g_ascii_strtoll (text, NULL, 10);
  g_signal_emit (self, signals[SIGNAL_STATE_CHANGED], 0);
}

void
desk_inbox_adopt_store (DeskInbox *self, DeskStore *store)
{
  if (self->closed) /* while it was being opened */
    {
      desk_store_close (store);
      return;
    }
  g_set_object (&self->store, store);
  self->observer = desk_store_observe (store, NULL, on_store_changed, self, NULL);
  desk_store_get_setting_async (store, "capabilities", NULL, on_capabilities_read,
                                g_object_ref (self));
  desk_store_get_setting_async (store, "complete_to_ms", NULL, on_complete_to_read,
                                g_object_ref (self));
}

GThread **
desk_inbox_get_early (DeskInbox *self)
{
  return &self->early;
}

void
desk_inbox_close (DeskInbox *self)
{
  self->closed = TRUE;
  if (self->early != NULL)
    {
      g_autoptr (DeskStore) unused = desk_inbox_join_early (g_steal_pointer (&self->early), NULL);
      if (unused != NULL)
        desk_store_close (unused);
    }
  if (self->sync != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->sync, self);
      desk_sync_stop (self->sync);
      g_clear_object (&self->sync);
    }
  if (self->store != NULL)
    {
      desk_store_unobserve (self->store, self->observer);
      desk_store_close (self->store);
      g_clear_object (&self->store);
    }
}

/* ── The engine ─────────────────────────────────────────────────────────────────────────────── */

static void
on_sync_state_changed (DeskInbox *self)
{
  g_signal_emit (self, signals[SIGNAL_STATE_CHANGED], 0);
}

static void
on_sync_capabilities_changed (DeskInbox *self)
{
  g_signal_emit (self, signals[SIGNAL_CAPABILITIES_CHANGED], 0);
}

static void
end_typing (DeskInbox *self, const char *key)
{
  g_autofree char *copy = g_strdup (key);
  if (g_hash_table_remove (self->typing, key))
    g_signal_emit (self, signals[SIGNAL_TYPING_CHANGED], 0, copy);
}

typedef struct
{
  DeskInbox *inbox; /* borrowed: the source is removed before the inbox goes */
  char *key;
} TypingEnd;

static void
typing_end_free (gpointer data)
{
  TypingEnd *end = data;
  g_free (end->key);
  g_free (end);
}

static gboolean
on_typing_over (gpointer data)
{
  TypingEnd *end = data;
  g_autofree char *key = g_strdup (end->key);
  DeskInbox *self = end->inbox;
  g_hash_table_steal (self->typing, key); /* the source ends by its return value */
  g_signal_emit (self, signals[SIGNAL_TYPING_CHANGED], 0, key);
  return G_SOURCE_REMOVE;
}

static void
on_ephemeral (DeskInbox *self, const DeskEvent *event)
{
  if (event->type != DESK_EVENT_TYPING || !event->by_customer || event->platform == NULL)
    return;
  g_autofree char *key = desk_chat_format_key (event->platform, event->user_id);
  gboolean known = g_hash_table_contains (self->typing, key);
  TypingEnd *end = g_new0 (TypingEnd, 1);
  end->inbox = self;
  end->key = g_strdup (key);
  guint id = g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, TYPING_SPAN_S, on_typing_over, end,
                                         typing_end_free);
  g_hash_table_replace (self->typing, g_strdup (key), GUINT_TO_POINTER (id));
  if (!known)
    g_signal_emit (self, signals[SIGNAL_TYPING_CHANGED], 0, key);
}

static void
on_notice (DeskInbox *self, const DeskEvent *event)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskNotification) notice
      = event->data != NULL ? desk_wire_read_notification (event->data, &error) : NULL;
  if (notice != NULL)
    g_signal_emit (self, signals[SIGNAL_NOTICE], 0, notice);
}

/* Who writes has stopped typing. */
static void
on_event (DeskInbox *self, const DeskEvent *event)
{
  if (event->type == DESK_EVENT_NOTIFICATION)
    on_notice (self, event);
  if (event->type != DESK_EVENT_NEW_MESSAGE || event->message == NULL
      || event->message->direction != DESK_DIRECTION_INCOMING)
    return;
  g_autofree char *key = desk_chat_format_key (event->message->platform, event->message->user_id);
  end_typing (self, key);
}

void
desk_inbox_start (DeskInbox *self)
{
  if (self->sync != NULL || self->store == NULL || self->server_url == NULL || self->closed)
    return;
  DeskSyncOptions options = {
    .server_url = self->server_url,
    .username = self->username,
    .token = self->token,
  };
  self->sync = desk_sync_new (self->store, &options);
  g_signal_connect_swapped (self->sync, "state-changed", G_CALLBACK (on_sync_state_changed), self);
  g_signal_connect_swapped (self->sync, "capabilities-changed",
                            G_CALLBACK (on_sync_capabilities_changed), self);
  g_signal_connect_swapped (self->sync, "ephemeral", G_CALLBACK (on_ephemeral), self);
  g_signal_connect_swapped (self->sync, "event", G_CALLBACK (on_event), self);
  desk_sync_start (self->sync);
  g_signal_emit (self, signals[SIGNAL_STATE_CHANGED], 0);
  g_signal_emit (self, signals[SIGNAL_CAPABILITIES_CHANGED], 0);
}

/* ── What widgets ask ───────────────────────────────────────────────────────────────────────── */

DeskStore *
desk_inbox_get_store (DeskInbox *self)
{
  return self->store;
}

DeskSync *
desk_inbox_get_sync (DeskInbox *self)
{
  return self->sync;
}

gboolean
desk_inbox_is_demo (DeskInbox *self)
{
  return self->is_demo;
}

const char *
desk_inbox_get_dir (DeskInbox *self)
{
  return self->dir;
}

const char *
desk_inbox_get_server_url (DeskInbox *self)
{
  return self->server_url;
}

DeskAccount *
desk_inbox_dup_account (DeskInbox *self)
{
  if (self->server_url == NULL)
    return NULL;
  DeskAccount *account = g_new0 (DeskAccount, 1);
  account->server_url = g_strdup (self->server_url);
  account->username = g_strdup (self->username != NULL ? self->username : "");
  account->display_name = g_strdup (account->username);
  account->cache_dir = g_strdup (self->dir);
  return account;
}

const char *
desk_inbox_get_token (DeskInbox *self)
{
  return self->token;
}

static const DeskCapabilities *
get_capabilities (DeskInbox *self)
{
  const DeskCapabilities *live
      = self->sync != NULL ? desk_sync_get_capabilities (self->sync) : NULL;
  return live != NULL ? live : self->cached_capabilities;
}

const char *
desk_inbox_get_me (DeskInbox *self)
{
  const DeskCapabilities *capabilities = get_capabilities (self);
  if (capabilities != NULL && capabilities->me != NULL)
    return capabilities->me->username;
  return self->username;
}

const char *
desk_inbox_get_my_name (DeskInbox *self)
{
  const DeskCapabilities *capabilities = get_capabilities (self);
  const char *name = capabilities != NULL && capabilities->me != NULL ? capabilities->me->display_name : NULL;
  return name != NULL && *name != '\0' ? name : desk_inbox_get_me (self);
}

const DeskSyncState *
desk_inbox_get_state (DeskInbox *self)
{
  return self->sync != NULL ? desk_sync_get_state (self->sync) : self->idle_state;
}

gboolean
desk_inbox_is_online (DeskInbox *self)
{
  DeskSyncPhase phase = desk_inbox_get_state (self)->phase;
  return phase == DESK_SYNC_LIVE || phase == DESK_SYNC_CATCHING_UP || phase == DESK_SYNC_POLLING;
}

gint64
desk_inbox_now_ms (DeskInbox *self)
{
  return g_get_real_time () / 1000 + desk_inbox_get_state (self)->server_offset_ms;
}

const DeskPlatform *
desk_inbox_find_platform (DeskInbox *self, const char *name)
{
  const DeskCapabilities *capabilities = get_capabilities (self);
  return capabilities != NULL && name != NULL ? desk_capabilities_find_platform (capabilities, name)
                                              : NULL;
}

const char *
desk_inbox_platform_title (DeskInbox *self, const char *name)
{
  const DeskPlatform *platform = desk_inbox_find_platform (self, name);
  return platform != NULL && platform->title != NULL ? platform->title : name;
}

const char *
desk_inbox_platform_icon (const char *name)
{
  static const char *const icons[][2] = {
    { "telegram", "desk-platform-telegram-symbolic" },
    { "whatsapp", "desk-platform-whatsapp-symbolic" },
    { "instagram", "desk-platform-instagram-symbolic" },
    { "messenger", "desk-platform-messenger-symbolic" },
    { "facebook", "desk-platform-messenger-symbolic" },
    { "partner", "desk-platform-partner-symbolic" },
    { "chotot", "desk-platform-partner-symbolic" },
    { "demo", "desk-platform-demo-symbolic" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (icons); i++)
    if (g_strcmp0 (name, icons[i][0]) == 0)
      return icons[i][1];
  return "desk-platform-generic-symbolic";
}

gboolean
desk_inbox_is_typing (DeskInbox *self, const char *key)
{
  return g_hash_table_contains (self->typing, key);
}

/* ── What widgets want ──────────────────────────────────────────────────────────────────────── */

static void
on_applied (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskInbox) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) applied
      = desk_store_apply_finish (DESK_STORE (source), result, &error);
  if (applied != NULL)
    {
      if (self->sync != NULL)
        desk_sync_nudge (self->sync);
      return;
    }
  if (g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CLOSED))
    return;
  g_warning ("a change was not stored: %s", error->message);
  g_signal_emit (self, signals[SIGNAL_PROBLEM], 0,
                 g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL)
                     ? _ ("The disk is full: free some space, then try again.")
                     : _ ("This could not be saved on this computer. Try again."));
}

void
desk_inbox_apply (DeskInbox *self, DeskBatch *batch)
{
  g_return_if_fail (self->store != NULL);
  desk_store_apply_async (self->store, batch, NULL, on_applied, g_object_ref (self));
}

static void
add_marker (
    DeskInbox *self, DeskIntent intent, const char *platform, const char *user_id, gint64 up_to)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (intent, platform, user_id);
  DeskBatch *batch = desk_batch_new ();
  entry->up_to_chat_seq = up_to;
  desk_batch_outbox_add (batch, entry, FALSE);
  desk_inbox_apply (self, batch);
}

void
desk_inbox_mark_read (DeskInbox *self, const char *platform, const char *user_id, gint64 up_to)
{
  add_marker (self, DESK_INTENT_READ, platform, user_id, up_to);
}

void
desk_inbox_mark_unread (DeskInbox *self, const char *platform, const char *user_id)
{
  add_marker (self, DESK_INTENT_UNREAD, platform, user_id, 0);
}
