/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* Delta debugging: parts of a failing script are taken out, big ones first, as long as the same property fails. What
 * is left cannot lose any single decision (unless time ran out). */

typedef struct
{
  guint property;
  gint64 until_us;
  SimTry try_script;
  gpointer data;
  SimScript *best;
} Shrink;

/* Takes candidate. */
static gboolean
consider (Shrink *self, SimScript *candidate)
{
  if (self->try_script (candidate, self->data) != self->property)
    {
      sim_script_free (candidate);
      return FALSE;
    }
  sim_script_free (self->best);
  self->best = candidate;
  return TRUE;
}

static gboolean
is_late (const Shrink *self)
{
  return g_get_monotonic_time () > self->until_us;
}

/* TRUE if something went. From the end: what comes after the failure goes at once. */
static gboolean
cut (Shrink *self, guint size)
{
  gboolean any = FALSE;

  for (guint end = self->best->items->len; end > 0 && !is_late (self);)
    {
      guint first = end > size ? end - size : 0;
      SimScript *candidate = sim_script_copy (self->best);

      g_array_remove_range (candidate->items, first, end - first);
      any |= consider (self, candidate);
      end = first;
    }
  return any;
}

static void
cut_rounds (Shrink *self)
{
  while (self->best->rounds->len > 1)
    {
      SimScript *candidate = sim_script_copy (self->best);
      guint last = candidate->rounds->len - 1;

      g_array_set_size (candidate->rounds, last);
      for (guint i = candidate->items->len; i-- > 0;)
        if (g_array_index (candidate->items, SimItem, i).round == last)
          g_array_remove_index (candidate->items, i);
      if (!consider (self, candidate))
        return;
    }
}

static void
cut_devices (Shrink *self)
{
  while (self->best->n_devices > 1)
    {
      SimScript *candidate = sim_script_copy (self->best);

      candidate->n_devices--;
      for (guint i = candidate->items->len; i-- > 0;)
        if (g_array_index (candidate->items, SimItem, i).device >= candidate->n_devices)
          g_array_remove_index (candidate->items, i);
      if (!consider (self, candidate))
        return;
    }
}

SimScript *
sim_shrink (const SimScript *script, guint property, gint64 budget_us, SimTry try_script, gpointer data)
{
  Shrink self = { .property = property,
                  .until_us = g_get_monotonic_time () + budget_us,
                  .try_script = try_script,
                  .data = data,
                  .best = sim_script_copy (script) };
  gboolean any = TRUE;

  if (try_script (self.best, data) != property)
    {
      sim_script_free (self.best);
      return NULL;
    }
  cut_rounds (&self);
  while (any && !is_late (&self))
    {
      any = FALSE;
      for (guint size = MAX (self.best->items->len / 2, 1);; size /= 2)
        {
          any |= cut (&self, size);
          if (size <= 1 || is_late (&self))
            break;
        }
      cut_devices (&self);
    }
  return self.best;
}
