/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "sim.h"

/* Virtual time: a binary heap of events by (time, serial), so that equal times keep the order in which they were
 * made. What belongs to a device dies with it, and waits while the device sleeps.
 *
 * Chance is a tree: each event draws from a source of its own, which its parent seeded. So what is taken out of an
 * episode changes only what it had caused, and a fault is named by the event in which it happened: that is what
 * makes a failing episode shrink. */

typedef struct
{
  gint64 at_us;
  guint64 serial;
  SimFunc func;
  Device *device; /* nullable */
  guint generation;
  guint64 chance;
  gpointer data;
  GDestroyNotify free_data;
} Event;

const char *const sim_user_names[SIM_USERS] = { "anna", "boris", "clara" };

static gboolean
is_before (const Event *a, const Event *b)
{
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

static void
swap (GPtrArray *heap, guint a, guint b)
{
  gpointer keep = heap->pdata[a];

  heap->pdata[a] = heap->pdata[b];
  heap->pdata[b] = keep;
}

static void
push (Sim *sim, Event *event)
{
  GPtrArray *heap = sim->heap;
  guint i = heap->len;

  g_ptr_array_add (heap, event);
  for (; i > 0 && is_before (heap->pdata[i], heap->pdata[(i - 1) / 2]); i = (i - 1) / 2)
    swap (heap, i, (i - 1) / 2);
}

static Event *
pop (Sim *sim)
{
  GPtrArray *heap = sim->heap;
  Event *first = heap->pdata[0];
  guint i = 0;

  heap->pdata[0] = heap->pdata[heap->len - 1];
  g_ptr_array_set_size (heap, (gint) heap->len - 1);
  for (;;)
    {
      guint least = i, left = 2 * i + 1, right = 2 * i + 2;

      if (left < heap->len && is_before (heap->pdata[left], heap->pdata[least]))
        least = left;
      if (right < heap->len && is_before (heap->pdata[right], heap->pdata[least]))
        least = right;
      if (least == i)
        return first;
      swap (heap, i, least);
      i = least;
    }
}

void
sim_after (Sim *sim, Device *device, gint64 delay_us, SimFunc func, gpointer data, GDestroyNotify free_data)
{
  Event *event = g_new0 (Event, 1);

  event->at_us = sim->now_us + MAX (delay_us, 0);
  event->serial = ++sim->serial;
  event->func = func;
  event->device = device;
  event->generation = device ? device->generation : 0;
  event->chance = sim_draw (sim);
  event->data = data;
  event->free_data = free_data;
  push (sim, event);
}

static void
event_free (Event *event)
{
  if (event->free_data != NULL)
    event->free_data (event->data);
  g_free (event);
}

gboolean
sim_run_next (Sim *sim, gint64 until_us)
{
  Event *event;
  Device *device;

  if (sim->heap->len == 0 || ((Event *) sim->heap->pdata[0])->at_us > until_us)
    {
      sim->now_us = until_us;
      return FALSE;
    }
  event = pop (sim);
  device = event->device;
  sim->now_us = MAX (sim->now_us, event->at_us);
  if (device != NULL && event->generation == device->generation && device->asleep_until_us > sim->now_us)
    {
      event->at_us = device->asleep_until_us;
      push (sim, event);
      return TRUE;
    }
  if (device == NULL || event->generation == device->generation)
    {
      sim_set_chance (sim, event->chance);
      event->func (sim, device, event->data);
    }
  event_free (event);
  return TRUE;
}

void
sim_clear_events (Sim *sim)
{
  for (guint i = 0; i < sim->heap->len; i++)
    event_free (sim->heap->pdata[i]);
  g_ptr_array_set_size (sim->heap, 0);
}

/* ── Chance ─────────────────────────────────────────────────────────────────────────────────── */

void
sim_set_chance (Sim *sim, guint64 seed)
{
  sim->chance.name = sim->chance.state = seed;
  sim->chance.n_faults = 0;
}

/* splitmix64 */
guint64
sim_draw (Sim *sim)
{
  guint64 z = (sim->chance.state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static double
draw_double (Sim *sim)
{
  return (double) (sim_draw (sim) >> 11) * 0x1.0p-53;
}

guint64
sim_below (Sim *sim, guint64 n)
{
  return n > 0 ? sim_draw (sim) % n : 0;
}

gboolean
sim_chance (Sim *sim, double p)
{
  return draw_double (sim) < p;
}

gint64
sim_between (Sim *sim, gint64 low, gint64 high)
{
  return low + (gint64) sim_below (sim, (guint64) (high - low + 1));
}

void
sim_mix (Sim *sim, guint64 value)
{
  for (guint i = 0; i < 8; i++, value >>= 8)
    sim->hash = (sim->hash ^ (value & 0xff)) * G_GUINT64_CONSTANT (1099511628211);
}

void
sim_trace (Sim *sim, const char *format, ...)
{
  va_list args;

  if (!sim->trace)
    return;
  printf ("%12.3f ", (double) sim->now_us / SIM_SECOND);
  va_start (args, format);
  vprintf (format, args);
  va_end (args);
  printf ("\n");
}

void
sim_violation (Sim *sim, guint property, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (sim->violations++ == 0)
    sim->property = property;
  if (sim->silent)
    return;
  printf ("VIOLATION of property %u at %.3f s, step %" G_GUINT64_FORMAT " of episode %" G_GUINT64_FORMAT ": %s\n",
          property, (double) sim->now_us / SIM_SECOND, sim->steps, sim->seed, text);
}

gint64
sim_server_ms (Sim *sim)
{
  return SIM_EPOCH_MS + sim->now_us / SIM_MS;
}
