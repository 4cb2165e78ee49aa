/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* Presence of managers.
 * Invariant: what was told last of a manager is what the table says, for frames are handed out
 * under the lock. */

#include "server/main/desk-daemon-presence.h"

#include <string.h>

#include "protocol/desk-wire.h"

typedef struct
{
  gconstpointer socket; /* never followed */
  char *platform;
  char *user_id;
} View;

typedef struct
{
  char *username;
  guint n_sockets;
  GPtrArray *views; /* of View, at most one a socket; the last one is told */
} Person;

struct _DeskPresence
{
  GMutex mutex;
  GHashTable *people; /* Person.username → Person */
  void (*tell) (DeskFrame *frame, gpointer data);
  gpointer data;
};

static void
person_free (gpointer data)
{
  Person *self = data;

  g_free (self->username);
  g_ptr_array_unref (self->views);
  g_free (self);
}

static void
view_free (gpointer data)
{
  View *self = data;

  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}

static const View *
get_view (const Person *person)
{
  return person->views->len > 0 ? person->views->pdata[person->views->len - 1] : NULL;
}

DeskPresence *
desk_presence_new (void (*tell) (DeskFrame *frame, gpointer data), gpointer data)
{
  DeskPresence *self = g_new0 (DeskPresence, 1);

  g_mutex_init (&self->mutex);
  self->people = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, person_free);
  self->tell = tell;
  self->data = data;
  return self;
}

void
desk_presence_free (DeskPresence *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->people);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static DeskFrame *
make_frame (const Person *person)
{
  const View *view = get_view (person);
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_PRESENCE);
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter writer;

  event->username = g_strdup (person->username);
  event->presence = g_strdup (person->n_sockets > 0 ? "online" : "offline");
  if (view != NULL)
    {
      event->platform = g_strdup (view->platform);
      event->user_id = g_strdup (view->user_id);
    }
  desk_json_writer_init (&writer, text);
  desk_wire_write_event (&writer, event);
  return desk_frame_text_new (text->str, (gssize)text->len);
}

static void
tell (DeskPresence *self, const Person *person)
{
  g_autoptr (DeskFrame) frame = make_frame (person);

  self->tell (frame, self->data);
}

void
desk_presence_join (DeskPresence *self, const char *username)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Person *person = g_hash_table_lookup (self->people, username);

  if (person == NULL)
    {
      person = g_new0 (Person, 1);
      person->username = g_strdup (username);
      person->views = g_ptr_array_new_with_free_func (view_free);
      g_hash_table_insert (self->people, person->username, person);
    }
  if (++person->n_sockets == 1)
    tell (self, person);
}

static gboolean
is_same_view (const View *a, const View *b)
{
  return a == b
         || (a != NULL && b != NULL && strcmp (a->platform, b->platform) == 0
             && strcmp (a->user_id, b->user_id) == 0);
}

/* Puts next (nullable; taken) in the place of what the socket looked at; tells if that shows. */
static void
replace_view (DeskPresence *self, Person *person, gconstpointer socket, View *next)
{
  const View *shown = get_view (person);
  const View before = shown != NULL
                          ? (View){ NULL, g_strdup (shown->platform), g_strdup (shown->user_id) }
                          : (View){ NULL, NULL, NULL };

  for (guint i = person->views->len; i > 0; i--)
    if (((View *)person->views->pdata[i - 1])->socket == socket)
      g_ptr_array_remove_index (person->views, i - 1);
  if (next != NULL)
    g_ptr_array_add (person->views, next);
  if (!is_same_view (shown != NULL ? &before : NULL, get_view (person)))
    tell (self, person);
  g_free (before.platform);
  g_free (before.user_id);
}

void
desk_presence_leave (DeskPresence *self, const char *username, gconstpointer socket)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Person *person = g_hash_table_lookup (self->people, username);

  if (person == NULL)
    return;
  if (--person->n_sockets > 0)
    {
      replace_view (self, person, socket, NULL);
      return;
    }
  g_ptr_array_set_size (person->views, 0);
  tell (self, person);
  g_hash_table_remove (self->people, username);
}

void
desk_presence_view (DeskPresence *self,
                    const char *username,
                    gconstpointer socket,
                    const char *platform,
                    const char *user_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Person *person = g_hash_table_lookup (self->people, username);
  View *next = NULL;

  if (person == NULL)
    return;
  if (platform != NULL && user_id != NULL)
    {
      next = g_new0 (View, 1);
      next->socket = socket;
      next->platform = g_strdup (platform);
      next->user_id = g_strdup (user_id);
    }
  replace_view (self, person, socket, next);
}

void
desk_presence_snapshot (DeskPresence *self, GPtrArray *frames)
{
  GHashTableIter iter;
  gpointer person;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_hash_table_iter_init (&iter, self->people);
  while (g_hash_table_iter_next (&iter, NULL, &person))
    g_ptr_array_add (frames, make_frame (person));
}
