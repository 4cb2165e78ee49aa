/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * The clocks. Invariant: a clock's monotonic time never goes back. The manual clock is guarded by
 * a mutex of its own, since a test moves it while the threads under test read it.
 */

#include "common/desk-clock.h"

static gint64
system_now_ms (DeskClock *self)
{
  return g_get_real_time () / 1000;
}

static gint64
system_monotonic_us (DeskClock *self)
{
  return g_get_monotonic_time ();
}

static DeskClock system_clock = {
  .refs = 1,
  .now_ms = system_now_ms,
  .monotonic_us = system_monotonic_us,
};

DeskClock *
desk_clock_system (void)
{
  return &system_clock;
}

typedef struct
{
  DeskClock base;
  GMutex lock;
  gint64 wall_ms;
  gint64 mono_us;
} ManualClock;

static gint64
manual_now_ms (DeskClock *self)
{
  ManualClock *manual = (ManualClock *) self;
  gint64 result;

  g_mutex_lock (&manual->lock);
  result = manual->wall_ms;
  g_mutex_unlock (&manual->lock);
  return result;
}

static gint64
manual_monotonic_us (DeskClock *self)
{
  ManualClock *manual = (ManualClock *) self;
  gint64 result;

  g_mutex_lock (&manual->lock);
  result = manual->mono_us;
  g_mutex_unlock (&manual->lock);
  return result;
}

static void
manual_finalize (DeskClock *self)
{
  ManualClock *manual = (ManualClock *) self;

  g_mutex_clear (&manual->lock);
  g_free (manual);
}

DeskClock *
desk_clock_manual_new (gint64 now_ms)
{
  ManualClock *manual = g_new0 (ManualClock, 1);

  g_atomic_ref_count_init (&manual->base.refs);
  manual->base.now_ms = manual_now_ms;
  manual->base.monotonic_us = manual_monotonic_us;
  manual->base.finalize = manual_finalize;
  g_mutex_init (&manual->lock);
  manual->wall_ms = now_ms;
  manual->mono_us = G_USEC_PER_SEC;
  return &manual->base;
}

void
desk_clock_manual_advance_ms (DeskClock *self, gint64 ms)
{
  ManualClock *manual = (ManualClock *) self;

  g_return_if_fail (self != NULL && self->now_ms == manual_now_ms);
  g_return_if_fail (ms >= 0);

  g_mutex_lock (&manual->lock);
  manual->wall_ms += ms;
  manual->mono_us += ms * 1000;
  g_mutex_unlock (&manual->lock);
}

void
desk_clock_manual_set_wall_ms (DeskClock *self, gint64 now_ms)
{
  ManualClock *manual = (ManualClock *) self;

  g_return_if_fail (self != NULL && self->now_ms == manual_now_ms);

  g_mutex_lock (&manual->lock);
  manual->wall_ms = now_ms;
  g_mutex_unlock (&manual->lock);
}

gint64
desk_clock_now_ms (DeskClock *self)
{
  return self->now_ms (self);
}

gint64
desk_clock_monotonic_us (DeskClock *self)
{
  return self->monotonic_us (self);
}

DeskClock *
desk_clock_ref (DeskClock *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (self != &system_clock)
    g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
desk_clock_unref (DeskClock *self)
{
  g_return_if_fail (self != NULL);

  if (self != &system_clock && g_atomic_ref_count_dec (&self->refs) && self->finalize != NULL)
    self->finalize (self);
}
