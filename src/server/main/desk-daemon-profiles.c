/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* Who are the customers? The user service is asked first, for all that wait at once; a platform is
 * asked for those whom the user service does not know, or if it fails, one by one and slowly, since
 * sending shares the platform's limits.
 *
 * Invariants: a customer stands here at most once; at most QUEUE_MAX do; whatever was asked ends in
 * desk_service_finish_lookup(), which decides when to ask again. */

#include "server/main/desk-daemon-profiles.h"

#include <string.h>

#include "common/desk-text.h"
#include "server/service/desk-service-lookup.h"

#define QUEUE_MAX 1000
#define TICK_MS   250 /* a platform is asked at most once a tick */
#define MAX_TEXT  200 /* characters */

typedef struct
{
  DeskProfiles *owner; /* while it is asked for: a reference */
  char *key;
  char *connection;
  char *platform;
  char *user_id;
  gint64 not_before_ms; /* wall time; 0 at once */
  DeskLookup lookup;
  DeskProfilePatch *by_directory, *by_platform;
} Person;

struct _DeskProfiles
{
  gatomicrefcount refs;
  DeskService *service;
  DeskClock *clock;
  GPtrArray *connectors; /* borrowed */
  DeskUserDirectory *directory;
  char **platforms;
  GCancellable *cancellable;

  GMutex mutex;     /* guards the next three, and closed for other threads */
  GHashTable *keys; /* of all that are here */
  GQueue incoming;  /* of Person */
  gboolean awake;   /* main will look */
  gboolean closed;

  GQueue for_directory;
  GQueue for_platform;
  GHashTable *busy; /* names of connections (borrowed) that are asked */
  gboolean asking;  /* the user service */
  guint tick;
};

static void
person_free (gpointer data)
{
  Person *self = data;

  g_free (self->key);
  g_free (self->connection);
  g_free (self->platform);
  g_free (self->user_id);
  desk_profile_patch_free (self->by_directory);
  desk_profile_patch_free (self->by_platform);
  g_free (self);
}

static void
profiles_unref (DeskProfiles *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_queue_clear_full (&self->incoming, person_free);
  g_queue_clear_full (&self->for_directory, person_free);
  g_queue_clear_full (&self->for_platform, person_free);
  g_hash_table_unref (self->keys);
  g_hash_table_unref (self->busy);
  g_strfreev (self->platforms);
  desk_clock_unref (self->clock);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static gboolean
is_closed (DeskProfiles *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

/* ── In and out of the queue ────────────────────────────────────────────────────────────────── */

static gboolean on_tick (gpointer data);

static gboolean
on_wake (gpointer data)
{
  DeskProfiles *self = data;

  if (!is_closed (self) && self->tick == 0 && on_tick (self))
    self->tick = g_timeout_add (TICK_MS, on_tick, self);
  profiles_unref (self);
  return G_SOURCE_REMOVE;
}

/* Under the mutex; takes person. */
static void
enqueue (DeskProfiles *self, Person *person)
{
  g_queue_push_tail (&self->incoming, person);
  if (self->awake)
    return;
  self->awake = TRUE;
  g_atomic_ref_count_inc (&self->refs);
  g_idle_add (on_wake, self);
}

void
desk_profiles_want (DeskProfiles *self,
                    const char *connection,
                    const char *platform,
                    const char *user_id)
{
  g_return_if_fail (self != NULL && connection != NULL && platform != NULL && user_id != NULL);
  g_autofree char *key = g_strconcat (platform, "\n", user_id, NULL);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (self->closed || g_hash_table_size (self->keys) >= QUEUE_MAX
      || g_hash_table_contains (self->keys, key))
    return;
  Person *person = g_new0 (Person, 1);
  person->key = g_strdup (key);
  person->connection = g_strdup (connection);
  person->platform = g_strdup (platform);
  person->user_id = g_strdup (user_id);
  g_hash_table_add (self->keys, g_steal_pointer (&key));
  enqueue (self, person);
}

/* on the writer thread */
static void
on_finished (gint64 again_ms, gpointer data)
{
  Person *person = data;
  DeskProfiles *self = person->owner;

  g_mutex_lock (&self->mutex);
  if (again_ms > 0 && !self->closed)
    {
      person->not_before_ms = again_ms;
      memset (&person->lookup, 0, sizeof person->lookup);
      g_clear_pointer (&person->by_directory, desk_profile_patch_free);
      g_clear_pointer (&person->by_platform, desk_profile_patch_free);
      enqueue (self, person);
      person = NULL;
    }
  else
    g_hash_table_remove (self->keys, person->key);
  g_mutex_unlock (&self->mutex);
  if (person != NULL)
    person_free (person);
  profiles_unref (self);
}

/* Takes person and his reference to the owner. */
static void
finish (Person *person)
{
  DeskProfiles *self = person->owner;

  if (is_closed (self)) /* the service may be gone */
    {
      person_free (person);
      profiles_unref (self);
      return;
    }
  person->lookup.told_by_directory = person->by_directory;
  person->lookup.told_by_platform = person->by_platform;
  desk_service_finish_lookup (self->service, person->platform, person->user_id, &person->lookup,
                              on_finished, person);
}

/* ── What was found ─────────────────────────────────────────────────────────────────────────── */

static void
set_text (DeskProfilePatch *patch, DeskProfileField field, const char *text)
{
  g_autofree char *clean = text != NULL ? desk_text_preview (text, MAX_TEXT) : NULL;

  if (clean != NULL && *clean != '\0')
    desk_profile_patch_set (patch, field, clean);
}

static void
set_picture (DeskProfilePatch *patch, const DeskStoredFile *file)
{
  g_autofree char *link = g_strconcat (DESK_LINK_FILES, file->hash, NULL);

  if (g_str_has_prefix (file->mime_type, "image/"))
    desk_profile_patch_set (patch, DESK_PROFILE_AVATAR, link);
}

/* ── Platforms ──────────────────────────────────────────────────────────────────────────────── */

static DeskConnector *
find_connector (DeskProfiles *self, const char *connection)
{
  for (guint i = 0; i < self->connectors->len; i++)
    if (strcmp (desk_connector_get_connection (self->connectors->pdata[i])->name, connection) == 0)
      return self->connectors->pdata[i];
  return NULL;
}

static void
on_platform (GObject *object, GAsyncResult *result, gpointer data)
{
  Person *person = data;
  DeskConnector *connector = DESK_CONNECTOR (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskFoundProfile) found
      = desk_connector_get_profile_finish (connector, result, &error);

  g_hash_table_remove (person->owner->busy, desk_connector_get_connection (connector)->name);
  person->lookup.asked_platform = TRUE;
  if (found != NULL)
    {
      DeskProfilePatch *patch = person->by_platform = desk_profile_patch_new ();
      person->lookup.platform = DESK_LOOKUP_FOUND;
      set_text (patch, DESK_PROFILE_NAME, found->name);
      set_text (patch, DESK_PROFILE_HANDLE, found->handle);
      if (found->phone != NULL && strlen (found->phone) <= 64)
        set_text (patch, DESK_PROFILE_PHONE, found->phone);
      if (found->language != NULL && strlen (found->language) <= 64)
        set_text (patch, DESK_PROFILE_LANGUAGE, found->language);
      if (found->avatar != NULL)
        set_picture (patch, found->avatar);
    }
  else
    person->lookup.platform = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
                                      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)
                                  ? DESK_LOOKUP_UNKNOWN
                                  : DESK_LOOKUP_FAILED;
  finish (person);
}

/* The first whose connection is free. */
static void
ask_platform (DeskProfiles *self)
{
  for (GList *l = self->for_platform.head; l != NULL; l = l->next)
    {
      Person *person = l->data;
      DeskConnector *connector = find_connector (self, person->connection);
      const char *name = connector != NULL ? desk_connector_get_connection (connector)->name : NULL;
      if (name != NULL && g_hash_table_contains (self->busy, name))
        continue;
      g_queue_delete_link (&self->for_platform, l);
      if (connector == NULL || !desk_connector_can_get_profile (connector))
        {
          person->lookup.asked_platform = TRUE;
          person->lookup.platform = DESK_LOOKUP_UNKNOWN;
          finish (person);
          return;
        }
      g_hash_table_add (self->busy, (gpointer)name);
      desk_connector_get_profile_async (connector, person->user_id, self->cancellable, on_platform,
                                        person);
      return;
    }
}

/* ── The user service ───────────────────────────────────────────────────────────────────────── */

static gboolean
is_covered (DeskProfiles *self, const Person *person)
{
  return self->directory != NULL
         && (self->platforms == NULL
             || g_strv_contains ((const char *const *)self->platforms, person->platform));
}

/* As the user service knows him. */
static const char *
id_of (DeskProfiles *self, const Person *person)
{
  DeskConnector *connector = find_connector (self, person->connection);
  const char *prefix
      = connector != NULL ? desk_connector_get_connection (connector)->chat_prefix : "";

  return g_str_has_prefix (person->user_id, prefix) ? person->user_id + strlen (prefix)
                                                    : person->user_id;
}

static void
on_picture (GObject *object, GAsyncResult *result, gpointer data)
{
  Person *person = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStoredFile) file
      = desk_user_directory_get_picture_finish (person->owner->directory, result, &error);

  if (file != NULL)
    set_picture (person->by_directory, file);
  else
    g_info ("a picture could not be fetched: %s", error->message);
  finish (person);
}

static void
take_known (DeskProfiles *self, Person *person, const DeskKnownUser *user)
{
  person->lookup.directory = DESK_LOOKUP_FOUND;
  person->by_directory = desk_profile_patch_new ();
  set_text (person->by_directory, DESK_PROFILE_NAME, user->name);
  if (user->picture_url != NULL)
    desk_user_directory_get_picture_async (self->directory, user->picture_url, self->cancellable,
                                           on_picture, person);
  else
    finish (person);
}

typedef struct
{
  DeskProfiles *owner;
  GPtrArray *people; /* of Person */
} Batch;

static void
on_directory (GObject *object, GAsyncResult *result, gpointer data)
{
  Batch *batch = data;
  DeskProfiles *self = batch->owner;
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) failed = NULL;
  g_autoptr (GHashTable) known
      = desk_user_directory_ask_finish (self->directory, result, &failed, &error);

  if (error != NULL)
    g_info ("%s", error->message);
  self->asking = FALSE;
  for (guint i = 0; i < batch->people->len; i++)
    {
      Person *person = batch->people->pdata[i];
      if (is_closed (self)) /* the connectors may be gone */
        {
          finish (person);
          continue;
        }
      const char *id = id_of (self, person);
      const DeskKnownUser *user = known != NULL ? g_hash_table_lookup (known, id) : NULL;
      person->lookup.asked_directory = TRUE;
      if (user != NULL)
        {
          take_known (self, person, user);
          continue;
        }
      person->lookup.directory = known == NULL || g_hash_table_contains (failed, id)
                                     ? DESK_LOOKUP_FAILED
                                     : DESK_LOOKUP_UNKNOWN;
      g_queue_push_tail (&self->for_platform, person);
    }
  g_ptr_array_unref (batch->people);
  g_free (batch);
  profiles_unref (self);
}

static void
ask_directory (DeskProfiles *self)
{
  if (self->asking || self->for_directory.length == 0)
    return;
  const guint most = desk_user_directory_get_batch_size (self->directory);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  Batch *batch = g_new0 (Batch, 1);

  batch->owner = self;
  batch->people = g_ptr_array_new ();
  while (batch->people->len < most && self->for_directory.length > 0)
    {
      Person *person = g_queue_pop_head (&self->for_directory);
      g_ptr_array_add (batch->people, person);
      g_ptr_array_add (ids, g_strdup (id_of (self, person)));
    }
  g_ptr_array_add (ids, NULL);
  self->asking = TRUE;
  g_atomic_ref_count_inc (&self->refs);
  desk_user_directory_ask_async (self->directory, (const char *const *)ids->pdata,
                                 self->cancellable, on_directory, batch);
}

/* ── The tick ───────────────────────────────────────────────────────────────────────────────── */

/* FALSE: nobody waits. */
static gboolean
take_incoming (DeskProfiles *self)
{
  const gint64 now_ms = desk_clock_now_ms (self->clock);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  for (GList *l = self->incoming.head, *next; l != NULL; l = next)
    {
      Person *person = l->data;
      next = l->next;
      if (person->not_before_ms > now_ms)
        continue;
      g_queue_delete_link (&self->incoming, l);
      person->owner = self;
      g_atomic_ref_count_inc (&self->refs);
      g_queue_push_tail (is_covered (self, person) ? &self->for_directory : &self->for_platform,
                         person);
    }
  self->awake = self->incoming.length > 0 || self->for_directory.length > 0
                || self->for_platform.length > 0 || self->asking;
  return self->awake;
}

static gboolean
on_tick (gpointer data)
{
  DeskProfiles *self = data;

  if (take_incoming (self))
    {
      ask_directory (self);
      ask_platform (self);
      return G_SOURCE_CONTINUE;
    }
  self->tick = 0;
  return G_SOURCE_REMOVE;
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

DeskProfiles *
desk_profiles_new (DeskService *service,
                   DeskClock *clock,
                   GPtrArray *connectors,
                   DeskUserDirectory *directory,
                   const char *const *platforms)
{
  g_return_val_if_fail (service != NULL && clock != NULL && connectors != NULL, NULL);
  DeskProfiles *self = g_new0 (DeskProfiles, 1);

  g_atomic_ref_count_init (&self->refs);
  self->service = service;
  self->clock = desk_clock_ref (clock);
  self->connectors = connectors;
  self->directory = directory;
  self->platforms = g_strdupv ((char **)platforms);
  self->cancellable = g_cancellable_new ();
  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->busy = g_hash_table_new (g_str_hash, g_str_equal);
  g_mutex_init (&self->mutex);
  return self;
}

/* Those that wait hold the queue, and are let go with it. */
static void
drop_waiting (DeskProfiles *self, GQueue *queue)
{
  Person *person;

  while ((person = g_queue_pop_head (queue)) != NULL)
    {
      person_free (person);
      profiles_unref (self);
    }
}

void
desk_profiles_stop (DeskProfiles *self)
{
  g_cancellable_cancel (self->cancellable);
  g_mutex_lock (&self->mutex);
  self->closed = TRUE;
  g_mutex_unlock (&self->mutex);
  if (self->tick != 0)
    g_source_remove (self->tick);
  self->tick = 0;
  drop_waiting (self, &self->for_directory);
  drop_waiting (self, &self->for_platform);
}

void
desk_profiles_free (DeskProfiles *self)
{
  if (self == NULL)
    return;
  desk_user_directory_free (g_steal_pointer (&self->directory));
  profiles_unref (self);
}
