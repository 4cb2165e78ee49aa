/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-events"

#include "config.h"

/* A ring of the newest events. Invariant: the frames are those of first_seq, first_seq + 1, …
 * without a gap. */

#include "server/events/local/desk-events-local.h"

struct _DeskEventsLocal
{
  GMutex mutex;
  GBytes **frames; /* ring */
  gsize capacity;  /* a power of two */
  gsize start, count;
  gint64 first_seq;
  gsize bytes, max_bytes;
};

DeskEventsLocal *
desk_events_local_new (gsize max_bytes)
{
  DeskEventsLocal *self = g_new0 (DeskEventsLocal, 1);
  g_mutex_init (&self->mutex);
  self->capacity = 256;
  self->frames = g_new0 (GBytes *, self->capacity);
  self->max_bytes = max_bytes;
  return self;
}

static GBytes **
slot (DeskEventsLocal *self, gsize n)
{
  return &self->frames[(self->start + n) & (self->capacity - 1)];
}

static void
drop_oldest (DeskEventsLocal *self)
{
  GBytes **oldest = slot (self, 0);
  self->bytes -= g_bytes_get_size (*oldest);
  g_clear_pointer (oldest, g_bytes_unref);
  self->start = (self->start + 1) & (self->capacity - 1);
  self->count--;
  self->first_seq++;
}

void
desk_events_local_free (DeskEventsLocal *self)
{
  if (self == NULL)
    return;
  while (self->count > 0)
    drop_oldest (self);
  g_mutex_clear (&self->mutex);
  g_free (self->frames);
  g_free (self);
}

static void
grow (DeskEventsLocal *self)
{
  GBytes **frames = g_new0 (GBytes *, self->capacity * 2);
  for (gsize i = 0; i < self->count; i++)
    frames[i] = *slot (self, i);
  g_free (self->frames);
  self->frames = frames;
  self->capacity *= 2;
  self->start = 0;
}

static void
push (DeskEventsLocal *self, const DeskLoggedEvent *event)
{
  while (self->count > 0 && event->seq != self->first_seq + (gint64)self->count)
    drop_oldest (self);
  if (self->count == 0)
    self->first_seq = event->seq;
  if (self->count == self->capacity)
    grow (self);
  *slot (self, self->count) = g_bytes_ref (event->frame);
  self->count++;
  self->bytes += g_bytes_get_size (event->frame);
  while (self->bytes > self->max_bytes && self->count > 1)
    drop_oldest (self);
}

void
desk_events_local_publish (DeskEventsLocal *self, const DeskLoggedEvent *const *events, gsize n)
{
  g_return_if_fail (self != NULL);
  g_mutex_lock (&self->mutex);
  for (gsize i = 0; i < n; i++)
    if (events[i]->partition == 0)
      push (self, events[i]);
  g_mutex_unlock (&self->mutex);
}

GPtrArray *
desk_events_local_read (
    DeskEventsLocal *self, guint partition, gint64 after_seq, guint limit, gint64 *out_last_seq)
{
  g_return_val_if_fail (self != NULL && out_last_seq != NULL, NULL);
  GPtrArray *list = NULL;
  g_mutex_lock (&self->mutex);
  gint64 skip = after_seq + 1 - self->first_seq;
  if (partition == 0 && self->count > 0 && skip >= 0)
    {
      list = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
      *out_last_seq = after_seq;
      for (gsize i = (gsize)skip; i < self->count && list->len < limit; i++)
        {
          g_ptr_array_add (list, g_bytes_ref (*slot (self, i)));
          *out_last_seq = self->first_seq + (gint64)i;
        }
    }
  g_mutex_unlock (&self->mutex);
  return list;
}
