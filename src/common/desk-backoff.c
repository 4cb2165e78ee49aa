/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * How long to wait before trying again. The only place that decides it: pure functions of the
 * attempt and a random source, without overflow for any argument.
 */

#include "common/desk-backoff.h"

/* min(cap, base · 2^attempt); negative arguments count as 0. */
static gint64
bounded_power (guint attempt, gint64 base_ms, gint64 cap_ms)
{
  gint64 delay = MAX (base_ms, 0);

  cap_ms = MAX (cap_ms, 0);
  if (delay == 0)
    return 0;
  for (; attempt > 0 && delay < cap_ms; attempt--)
    {
      if (delay > cap_ms / 2)
        return cap_ms;
      delay *= 2;
    }
  return MIN (delay, cap_ms);
}

gint64
desk_backoff_full_jitter_ms (guint attempt, gint64 base_ms, gint64 cap_ms, DeskRandom *random)
{
  gint64 bound;

  g_return_val_if_fail (random != NULL, 0);

  bound = bounded_power (attempt, base_ms, cap_ms);
  return (gint64) desk_random_below (random, (guint64) bound + 1);
}

gint64
desk_backoff_equal_jitter_ms (guint attempt, gint64 base_ms, gint64 cap_ms, DeskRandom *random)
{
  gint64 delay, spread, jitter;

  g_return_val_if_fail (random != NULL, 0);

  delay = bounded_power (attempt, base_ms, cap_ms);
  spread = delay / 5;
  jitter = (gint64) desk_random_below (random, 2 * (guint64) spread + 1) - spread;
  return jitter > G_MAXINT64 - delay ? G_MAXINT64 : delay + jitter;
}
