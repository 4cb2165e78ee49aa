/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* Presence of managers.
 * Invariant: what was told last of a manager is what the table says, for frames are handed out
 * under the lock. */

#include "server/main/desk-daemon-presence.h"

#include "protocol/desk-wire.h"

typedef struct
{
  char *username;
  guint n_sockets;
  char *platform; /* of the chat looked at, nullable */
  char *user_id;
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
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
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
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_PRESENCE);
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter writer;

  event->username = g_strdup (person->username);
  event->presence = g_strdup (person->n_sockets > 0 ? "online" : "offline");
  event->platform = g_strdup (person->platform);
  event->user_id = g_strdup (person->user_id);
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
      g_hash_table_insert (self->people, person->username, person);
    }
  if (++person->n_sockets == 1)
    tell (self, person);
}

void
desk_presence_leave (DeskPresence *self, const char *username)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Person *person = g_hash_table_lookup (self->people, username);

  if (person == NULL || --person->n_sockets > 0)
    return;
  g_clear_pointer (&person->platform, g_free);
  g_clear_pointer (&person->user_id, g_free);
  tell (self, person);
  g_hash_table_remove (self->people, username);
}

void
desk_presence_view (DeskPresence *self,
                    const char *username,
                    const char *platform,
                    const char *user_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Person *person = g_hash_table_lookup (self->people, username);

  if (person == NULL
      || (g_strcmp0 (person->platform, platform) == 0 && g_strcmp0 (person->user_id, user_id) == 0))
    return;
  g_free (person->platform);
  g_free (person->user_id);
  person->platform = g_strdup (platform);
  person->user_id = g_strdup (user_id);
  tell (self, person);
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
