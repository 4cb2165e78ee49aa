/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Marks in time for the start benchmark, and the stalls of the main loop. A stall is the time
 * between two polls of the main context: as long as it lasts, nothing is drawn and no key is heard.
 * Lines on standard error, all times in microseconds:
 *   NAME monotonic-time processor-time
 *   stall end-as-monotonic-time length */

#include "app/desk-trace.h"

#include <stdio.h>
#include <time.h>

/* One frame at 60 Hz. */
#define STALL_FROM_US 16000

static gint64 awake_since_us;

static gboolean
is_wanted (void)
{
  static int wanted = -1;
  if (wanted < 0)
    wanted = g_strcmp0 (g_getenv ("FRONTDESK_TRACE"), "frames") == 0;
  return wanted;
}

static gint64
get_processor_time_us (void)
{
  struct timespec spent = { 0, 0 };
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &spent);
  return (gint64)spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000;
}

void
desk_trace (const char *name)
{
  if (is_wanted ())
    fprintf (stderr, "%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", name,
             g_get_monotonic_time (), get_processor_time_us ());
}

static int
poll_and_measure (GPollFD *fds, guint n_fds, int timeout_ms)
{
  gint64 now_us = g_get_monotonic_time ();
  if (awake_since_us > 0 && now_us - awake_since_us > STALL_FROM_US)
    fprintf (stderr, "stall %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", now_us,
             now_us - awake_since_us);
  int n_ready = g_poll (fds, n_fds, timeout_ms);
  awake_since_us = g_get_monotonic_time ();
  return n_ready;
}

void
desk_trace_watch_main_loop (void)
{
  if (is_wanted ())
    g_main_context_set_poll_func (NULL, poll_and_measure);
}
