/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* Who types and who looks at which chat. Told by events without a place in the log, kept in memory only, and gone with
 * the websocket. Typing ends TYPING_US after it was last told; a message of whoever typed ends it at once. */

#define TYPING_US (5 * G_USEC_PER_SEC)
#define MAX_PRESENCE 2000
#define OFFLINE "offline"

DeskPresence *
desk_presence_copy (const DeskPresence *self)
{
  DeskPresence *copy = g_memdup2 (self, sizeof *self);

  copy->username = g_strdup (self->username);
  copy->platform = g_strdup (self->platform);
  copy->user_id = g_strdup (self->user_id);
  copy->status = g_strdup (self->status);
  return copy;
}

void
desk_presence_free (DeskPresence *self)
{
  if (self == NULL)
    return;
  g_free (self->username);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->status);
  g_free (self);
}

static void
changed (DeskEngine *self)
{
  desk_engine_emit (self, DESK_EFFECT_PRESENCE);
}

/* NULL platform: of any chat. */
static gboolean
remove_entries (DeskEngine *self, gboolean typing, const char *username, const char *platform, const char *user_id)
{
  gboolean found = FALSE;

  for (guint i = self->presence->len; i > 0; i--)
    {
      const DeskPresence *p = g_ptr_array_index (self->presence, i - 1);

      if (p->typing != typing || g_strcmp0 (p->username, username) != 0
          || (platform != NULL && (g_strcmp0 (p->platform, platform) != 0 || g_strcmp0 (p->user_id, user_id) != 0)))
        continue;
      g_ptr_array_remove_index (self->presence, i - 1);
      found = TRUE;
    }
  return found;
}

static DeskPresence *
add_entry (DeskEngine *self, gboolean typing, const DeskEvent *event)
{
  DeskPresence *p = g_new0 (DeskPresence, 1);

  p->typing = typing;
  p->platform = g_strdup (event->platform);
  p->user_id = g_strdup (event->user_id);
  g_ptr_array_add (self->presence, p);
  return p;
}

static void
arm (DeskEngine *self)
{
  gint64 next = G_MAXINT64;

  for (guint i = 0; i < self->presence->len; i++)
    {
      const DeskPresence *p = g_ptr_array_index (self->presence, i);

      if (p->typing)
        next = MIN (next, p->until_us);
    }
  if (next == G_MAXINT64)
    desk_engine_clear_timer (self, DESK_TIMER_PRESENCE);
  else
    desk_engine_set_timer (self, DESK_TIMER_PRESENCE, MAX ((next - self->now_us) / 1000 + 1, 1));
}

static void
take_typing (DeskEngine *self, const DeskEvent *event)
{
  const char *who = event->by_customer ? NULL : event->username;
  gboolean known;
  DeskPresence *p;

  if (event->platform == NULL || (!event->by_customer && (who == NULL || g_strcmp0 (who, self->username) == 0)))
    return;
  known = remove_entries (self, TRUE, who, event->platform, event->user_id);
  if (self->presence->len >= MAX_PRESENCE)
    return;
  p = add_entry (self, TRUE, event);
  p->username = g_strdup (who);
  p->until_us = self->now_us + TYPING_US;
  arm (self);
  if (!known)
    changed (self);
}

static void
take_colleague (DeskEngine *self, const DeskEvent *event)
{
  DeskPresence *p;

  if (event->username == NULL || g_strcmp0 (event->username, self->username) == 0)
    return;
  remove_entries (self, FALSE, event->username, NULL, NULL);
  if (g_strcmp0 (event->presence, OFFLINE) != 0 && self->presence->len < MAX_PRESENCE)
    {
      p = add_entry (self, FALSE, event);
      p->username = g_strdup (event->username);
      p->status = g_strdup (event->presence);
    }
  else
    remove_entries (self, TRUE, event->username, NULL, NULL);
  arm (self);
  changed (self);
}

void
desk_engine_take_presence (DeskEngine *self, const DeskEvent *event)
{
  const DeskMessage *message = event->message;

  if (event->type == DESK_EVENT_TYPING)
    take_typing (self, event);
  else if (event->type == DESK_EVENT_PRESENCE)
    take_colleague (self, event);
  else if (event->type == DESK_EVENT_NEW_MESSAGE && message != NULL
           && remove_entries (self, TRUE, message->direction == DESK_DIRECTION_INCOMING ? NULL : message->sender_id,
                              message->platform, message->user_id))
    {
      arm (self);
      changed (self);
    }
}

void
desk_engine_presence_timeout (DeskEngine *self)
{
  gboolean found = FALSE;

  for (guint i = self->presence->len; i > 0; i--)
    {
      const DeskPresence *p = g_ptr_array_index (self->presence, i - 1);

      if (!p->typing || p->until_us > self->now_us)
        continue;
      g_ptr_array_remove_index (self->presence, i - 1);
      found = TRUE;
    }
  arm (self);
  if (found)
    changed (self);
}

void
desk_engine_clear_presence (DeskEngine *self)
{
  desk_engine_clear_timer (self, DESK_TIMER_PRESENCE);
  if (self->presence->len == 0)
    return;
  g_ptr_array_set_size (self->presence, 0);
  changed (self);
}
