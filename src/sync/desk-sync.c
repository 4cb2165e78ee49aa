/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "common/desk-crypto.h"
#include "sync/desk-sync-private.h"

/* The owner's side of the engine: starts the sync thread, posts inputs to it, keeps a copy of the state it tells.
 * News from the sync thread are merged while they wait, so that a flood of events costs the owner one call. */

struct _DeskSync
{
  GObject parent_instance;

  DeskStore *store;
  DeskDriverConfig config;
  GMainContext *owner;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  DeskDriver *driver;   /* touched on the sync thread only */
  guint64 nudges_taken; /* likewise */
  guint64 nudges;
  gboolean disposing;
  DeskSyncState *state;
  DeskCapabilities *capabilities;
  gboolean settled;
  GPtrArray *presence; /* of DeskPresence */
  GPtrArray *settling; /* of GTask */
  GHashTable *fetching; /* guint64 → GTask */
  guint64 last_fetch;
  gulong network_handler;
  DeskFiles *files;

  GMutex lock; /* guards news and news_source */
  DeskNews *news;
  GSource *news_source;
};

enum
{
  STATE_CHANGED,
  EVENT,
  EPHEMERAL,
  PRESENCE_CHANGED,
  CAPABILITIES_CHANGED,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskSync, desk_sync, G_TYPE_OBJECT)

const char *
desk_sync_phase_to_string (DeskSyncPhase phase)
{
  static const char *const words[] = { "stopped", "offline", "connecting", "catching-up",
                                       "live",    "polling", "signed-out", "refused" };

  g_return_val_if_fail (phase < G_N_ELEMENTS (words), "stopped");
  return words[phase];
}

DeskSyncState *
desk_sync_state_copy (const DeskSyncState *self)
{
  DeskSyncState *copy = g_memdup2 (self, sizeof *self);

  copy->error = g_strdup (self->error);
  return copy;
}

void
desk_sync_state_free (DeskSyncState *self)
{
  if (self == NULL)
    return;
  g_free (self->error);
  g_free (self);
}

/* ── News from the sync thread ──────────────────────────────────────────────────────────────── */

static void
finish_fetch (DeskSync *self, const DeskFetched *fetched)
{
  g_autoptr (GTask) task = NULL;
  g_autofree guint64 *id = NULL;

  if (!g_hash_table_steal_extended (self->fetching, &fetched->id, (gpointer *) &id, (gpointer *) &task))
    return;
  if (fetched->ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s",
                             fetched->text ? fetched->text : _("The server cannot be reached."));
}

static GIOErrorEnum
settle_error (DeskSyncPhase phase)
{
  switch (phase)
    {
    case DESK_SYNC_OFFLINE:
    case DESK_SYNC_STOPPED:
      return G_IO_ERROR_NOT_CONNECTED;
    case DESK_SYNC_SIGNED_OUT:
      return G_IO_ERROR_PERMISSION_DENIED;
    default:
      return G_IO_ERROR_FAILED;
    }
}

static void
check_settled (DeskSync *self)
{
  DeskSyncPhase phase = self->state->phase;
  gboolean failed = phase == DESK_SYNC_OFFLINE || phase == DESK_SYNC_SIGNED_OUT || phase == DESK_SYNC_REFUSED;
  g_autoptr (GPtrArray) tasks = NULL;

  if (self->settling->len == 0 || (!self->settled && !failed))
    return;
  tasks = g_steal_pointer (&self->settling);
  self->settling = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < tasks->len; i++)
    {
      GTask *task = g_ptr_array_index (tasks, i);

      if (self->settled)
        g_task_return_boolean (task, TRUE);
      else
        g_task_return_new_error (task, G_IO_ERROR, settle_error (phase), "%s",
                                 self->state->error ? self->state->error : _("The server cannot be reached."));
    }
}

static gboolean
on_news (gpointer data)
{
  g_autoptr (DeskSync) self = g_object_ref (data);
  DeskNews *news;

  g_mutex_lock (&self->lock);
  news = g_steal_pointer (&self->news);
  if (self->news_source != NULL)
    g_source_destroy (self->news_source); /* also called without it, see desk_sync_stop() */
  g_clear_pointer (&self->news_source, g_source_unref);
  g_mutex_unlock (&self->lock);
  if (news == NULL || self->disposing)
    {
      g_clear_pointer (&news, desk_news_free);
      return G_SOURCE_REMOVE;
    }

  /* What was settled before the last nudge says nothing of what the nudge was about. */
  self->settled = news->settled && news->nudges == self->nudges;
  if (news->capabilities != NULL)
    {
      g_clear_pointer (&self->capabilities, desk_capabilities_free);
      self->capabilities = g_steal_pointer (&news->capabilities);
      g_signal_emit (self, signals[CAPABILITIES_CHANGED], 0);
    }
  if (news->state != NULL)
    {
      desk_sync_state_free (self->state);
      self->state = g_steal_pointer (&news->state);
      g_signal_emit (self, signals[STATE_CHANGED], 0);
    }
  for (guint i = 0; i < news->events->len; i++)
    g_signal_emit (self, signals[EVENT], 0, g_ptr_array_index (news->events, i));
  if (news->presence != NULL)
    {
      g_ptr_array_unref (self->presence);
      self->presence = g_steal_pointer (&news->presence);
      g_signal_emit (self, signals[PRESENCE_CHANGED], 0);
    }
  for (guint i = 0; i < news->ephemeral->len; i++)
    g_signal_emit (self, signals[EPHEMERAL], 0, g_ptr_array_index (news->ephemeral, i));
  for (guint i = 0; i < news->fetched->len; i++)
    finish_fetch (self, &g_array_index (news->fetched, DeskFetched, i));
  desk_news_free (news);
  check_settled (self);
  return G_SOURCE_REMOVE;
}

/* On the sync thread. */
static void
post_news (DeskNews *news, gpointer data)
{
  DeskSync *self = data;

  news->nudges = self->nudges_taken;
  g_mutex_lock (&self->lock);
  if (self->news != NULL)
    desk_news_merge (self->news, news);
  else
    self->news = news;
  if (self->news_source == NULL)
    {
      self->news_source = g_idle_source_new ();
      g_source_set_priority (self->news_source, G_PRIORITY_DEFAULT);
      g_source_set_callback (self->news_source, on_news, self, NULL);
      g_source_attach (self->news_source, self->owner);
    }
  g_mutex_unlock (&self->lock);
}

/* ── Inputs to the sync thread ──────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskSync *sync;
  guint64 nudges;
  DeskInput input;
  char *platform;
  char *user_id;
} Post;

static void
post_free (Post *post)
{
  g_free (post->platform);
  g_free (post->user_id);
  g_free (post);
}

static gboolean
deliver_post (gpointer data)
{
  Post *post = data;

  post->input.platform = post->platform;
  post->input.user_id = post->user_id;
  post->sync->nudges_taken = MAX (post->sync->nudges_taken, post->nudges);
  desk_driver_feed (post->sync->driver, &post->input);
  return G_SOURCE_REMOVE;
}

static void
post_input (DeskSync *self, DeskInputType type, guint64 id, const char *platform, const char *user_id, gint64 key, gboolean flag)
{
  Post *post;
  g_autoptr (GSource) source = NULL;

  if (self->thread == NULL)
    return;
  post = g_new0 (Post, 1);
  post->sync = self;
  post->nudges = self->nudges;
  post->input.type = type;
  post->input.id = id;
  post->input.key = key;
  post->input.flag = flag;
  post->platform = g_strdup (platform);
  post->user_id = g_strdup (user_id);
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver_post, post, (GDestroyNotify) post_free);
  g_source_attach (source, self->context);
}

typedef struct
{
  DeskSync *sync;
  void (*func) (DeskDriver *driver, gpointer data);
  gpointer data;
  GDestroyNotify destroy;
} Call;

static gboolean
run_call (gpointer data)
{
  Call *call = data;

  call->func (call->sync->driver, call->data);
  return G_SOURCE_REMOVE;
}

static void
call_free (gpointer data)
{
  Call *call = data;

  call->destroy (call->data);
  g_free (call);
}

gboolean
desk_sync_post (DeskSync *self, void (*func) (DeskDriver *driver, gpointer data), gpointer data, GDestroyNotify destroy)
{
  g_autoptr (GSource) source = NULL;
  Call *call;

  if (self->thread == NULL)
    {
      destroy (data);
      return FALSE;
    }
  call = g_new0 (Call, 1);
  *call = (Call){ self, func, data, destroy };
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, run_call, call, call_free);
  g_source_attach (source, self->context);
  return TRUE;
}

const DeskDriverConfig *
desk_sync_get_config (DeskSync *self)
{
  return &self->config;
}

static gboolean
quit_loop (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static gpointer
run (gpointer data)
{
  DeskSync *self = data;

  g_main_context_push_thread_default (self->context);
  self->driver = desk_driver_new (&self->config);
  desk_driver_start (self->driver);
  g_main_loop_run (self->loop);
  desk_driver_free (self->driver); /* may still deliver what was posted */
  self->driver = NULL;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
on_network_changed (GNetworkMonitor *monitor, gboolean available, DeskSync *self)
{
  post_input (self, DESK_INPUT_NETWORK, 0, NULL, NULL, 0, available);
}

/* ── The object ─────────────────────────────────────────────────────────────────────────────── */

void
desk_sync_start (DeskSync *self)
{
  g_return_if_fail (DESK_IS_SYNC (self));

  if (self->thread != NULL)
    return;
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->network_handler
      = g_signal_connect (g_network_monitor_get_default (), "network-changed", G_CALLBACK (on_network_changed), self);
  self->thread = g_thread_new ("desk-sync", run, self);
}

/* Nobody will answer these any more. */
static void
fail_waiting (DeskSync *self)
{
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->settling);
  GHashTableIter iter;
  GTask *task;

  g_ptr_array_set_free_func (tasks, g_object_unref);
  self->settling = g_ptr_array_new_with_free_func (g_object_unref);
  g_hash_table_iter_init (&iter, self->fetching);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &task))
    g_ptr_array_add (tasks, g_object_ref (task));
  g_hash_table_remove_all (self->fetching);
  for (guint i = 0; i < tasks->len; i++)
    g_task_return_new_error (g_ptr_array_index (tasks, i), G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s",
                             _("The server cannot be reached."));
}

void
desk_sync_stop (DeskSync *self)
{
  g_autoptr (GSource) source = NULL;

  g_return_if_fail (DESK_IS_SYNC (self));

  if (self->thread == NULL)
    return;
  g_clear_signal_handler (&self->network_handler, g_network_monitor_get_default ());
  source = g_idle_source_new ();
  g_source_set_callback (source, quit_loop, self->loop, NULL);
  g_source_attach (source, self->context);
  g_thread_join (g_steal_pointer (&self->thread));
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  on_news (self);
  self->settled = FALSE;
  fail_waiting (self);
  if (self->files != NULL)
    desk_files_stopped (self->files);
}

const DeskSyncState *
desk_sync_get_state (DeskSync *self)
{
  g_return_val_if_fail (DESK_IS_SYNC (self), NULL);
  return self->state;
}

const DeskCapabilities *
desk_sync_get_capabilities (DeskSync *self)
{
  g_return_val_if_fail (DESK_IS_SYNC (self), NULL);
  return self->capabilities;
}

DeskFiles *
desk_sync_get_files (DeskSync *self)
{
  g_return_val_if_fail (DESK_IS_SYNC (self), NULL);
  return self->files;
}

gint64
desk_sync_get_file_limit (DeskSync *self, const char *platform)
{
  const DeskPlatform *traits;

  g_return_val_if_fail (DESK_IS_SYNC (self) && platform != NULL, -1);
  if (self->state->level == 0)
    return DESK_LEVEL0_FILE_MAX;
  traits = self->capabilities ? desk_capabilities_find_platform (self->capabilities, platform) : NULL;
  return traits ? traits->attachment_limit : -1;
}

GPtrArray *
desk_sync_get_presence (DeskSync *self)
{
  g_return_val_if_fail (DESK_IS_SYNC (self), NULL);
  return self->presence;
}

static GPtrArray *
list_presence (DeskSync *self, gboolean typing, const char *platform, const char *user_id)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_presence_free);

  for (guint i = 0; i < self->presence->len; i++)
    {
      const DeskPresence *p = g_ptr_array_index (self->presence, i);

      if (p->typing == typing && g_strcmp0 (p->platform, platform) == 0 && g_strcmp0 (p->user_id, user_id) == 0)
        g_ptr_array_add (list, desk_presence_copy (p));
    }
  return list;
}

GPtrArray *
desk_sync_list_typing (DeskSync *self, const char *platform, const char *user_id)
{
  g_return_val_if_fail (DESK_IS_SYNC (self) && platform != NULL && user_id != NULL, NULL);
  return list_presence (self, TRUE, platform, user_id);
}

GPtrArray *
desk_sync_list_viewing (DeskSync *self, const char *platform, const char *user_id)
{
  g_return_val_if_fail (DESK_IS_SYNC (self) && platform != NULL && user_id != NULL, NULL);
  return list_presence (self, FALSE, platform, user_id);
}

void
desk_sync_nudge (DeskSync *self)
{
  g_return_if_fail (DESK_IS_SYNC (self));
  self->settled = FALSE;
  self->nudges++;
  post_input (self, DESK_INPUT_OUTBOX_CHANGED, 0, NULL, NULL, 0, FALSE);
}

void
desk_sync_retry_now (DeskSync *self)
{
  g_return_if_fail (DESK_IS_SYNC (self));
  post_input (self, DESK_INPUT_RETRY_NOW, 0, NULL, NULL, 0, FALSE);
}

void
desk_sync_set_open_chat (DeskSync *self, const char *platform, const char *user_id)
{
  g_return_if_fail (DESK_IS_SYNC (self));
  post_input (self, DESK_INPUT_OPEN_CHAT, 0, platform, user_id, 0, FALSE);
}

void
desk_sync_typing (DeskSync *self, const char *platform, const char *user_id)
{
  g_return_if_fail (DESK_IS_SYNC (self));
  post_input (self, DESK_INPUT_TYPING, 0, platform, user_id, 0, FALSE);
}

void
desk_sync_fetch_older_async (DeskSync *self, const char *platform, const char *user_id, gint64 before_key,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = NULL;
  guint64 *id;

  g_return_if_fail (DESK_IS_SYNC (self));

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_sync_fetch_older_async);
  if (self->thread == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s", _("The server cannot be reached."));
      return;
    }
  id = g_new (guint64, 1);
  *id = ++self->last_fetch;
  g_hash_table_insert (self->fetching, id, g_steal_pointer (&task));
  post_input (self, DESK_INPUT_FETCH_OLDER, *id, platform, user_id, before_key, FALSE);
}

gboolean
desk_sync_fetch_older_finish (DeskSync *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
desk_sync_settle_async (DeskSync *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task;

  g_return_if_fail (DESK_IS_SYNC (self));

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_sync_settle_async);
  if (self->thread == NULL)
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s", _("The server cannot be reached."));
      g_object_unref (task);
      return;
    }
  g_ptr_array_add (self->settling, task);
  check_settled (self);
}

gboolean
desk_sync_settle_finish (DeskSync *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

DeskSync *
desk_sync_new (DeskStore *store, const DeskSyncOptions *options)
{
  DeskSync *self;

  g_return_val_if_fail (DESK_IS_STORE (store), NULL);
  g_return_val_if_fail (options->server_url != NULL, NULL);

  self = g_object_new (DESK_TYPE_SYNC, NULL);
  self->store = g_object_ref (store);
  self->config.store = store;
  self->config.server_url = g_strdup (options->server_url);
  self->config.username = g_strdup (options->username ? options->username : "");
  self->config.token = g_strdup (options->token);
  self->config.clock = options->clock ? options->clock : desk_clock_system ();
  self->config.random = options->random ? options->random : desk_random_system ();
  self->config.no_backfill = options->no_backfill;
  self->config.files_only = options->files_only;
  self->files = desk_files_new (store, self);
  self->config.files = desk_files_get_link (self->files);
  self->config.news = post_news;
  self->config.news_data = self;
  return self;
}

static void
desk_sync_dispose (GObject *object)
{
  DeskSync *self = DESK_SYNC (object);

  self->disposing = TRUE; /* nobody is told any more */
  desk_sync_stop (self);
  g_mutex_lock (&self->lock);
  if (self->news_source != NULL)
    {
      g_source_destroy (self->news_source);
      g_clear_pointer (&self->news_source, g_source_unref);
    }
  g_clear_pointer (&self->news, desk_news_free);
  g_mutex_unlock (&self->lock);
  if (self->files != NULL)
    desk_files_detach (self->files);
  g_clear_object (&self->files);
  g_clear_object (&self->store);
  G_OBJECT_CLASS (desk_sync_parent_class)->dispose (object);
}

static void
desk_sync_finalize (GObject *object)
{
  DeskSync *self = DESK_SYNC (object);

  g_free (self->config.server_url);
  g_free (self->config.username);
  desk_secure_clear (self->config.token);
  g_free (self->config.token);
  desk_sync_state_free (self->state);
  g_clear_pointer (&self->capabilities, desk_capabilities_free);
  g_ptr_array_unref (self->settling);
  g_ptr_array_unref (self->presence);
  g_hash_table_unref (self->fetching);
  g_main_context_unref (self->owner);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (desk_sync_parent_class)->finalize (object);
}

static void
desk_sync_class_init (DeskSyncClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);

  object_class->dispose = desk_sync_dispose;
  object_class->finalize = desk_sync_finalize;
  signals[STATE_CHANGED] = g_signal_new ("state-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[EVENT] = g_signal_new ("event", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[EPHEMERAL]
      = g_signal_new ("ephemeral", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[PRESENCE_CHANGED]
      = g_signal_new ("presence-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[CAPABILITIES_CHANGED]
      = g_signal_new ("capabilities-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
desk_sync_init (DeskSync *self)
{
  self->owner = g_main_context_ref_thread_default ();
  self->state = g_new0 (DeskSyncState, 1);
  self->state->level = G_MAXUINT;
  self->settling = g_ptr_array_new_with_free_func (g_object_unref);
  self->presence = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_presence_free);
  self->fetching = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  g_mutex_init (&self->lock);
}
