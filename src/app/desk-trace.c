/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Marks in time for the start benchmark. */

#include "app/desk-trace.h"

#include <stdio.h>

void
desk_trace (const char *name)
{
  static int wanted = -1;
  if (wanted < 0)
    wanted = g_strcmp0 (g_getenv ("FRONTDESK_TRACE"), "frames") == 0;
  if (wanted)
    fprintf (stderr, "%s %" G_GINT64_FORMAT "\n", name, g_get_monotonic_time ());
}
