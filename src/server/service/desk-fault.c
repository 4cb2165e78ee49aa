/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Places where tests let the daemon die. Read once from the environment; without it a place costs
 * one load. */

#include "server/service/desk-fault.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static char *fault_name; /* NULL: none */
static gint fault_left;

static void
arm (void)
{
  const char *text = g_getenv ("FRONTDESK_FAULT");
  const char *colon = text != NULL ? strrchr (text, ':') : NULL;
  guint64 n;

  if (colon == NULL || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXINT, &n, NULL))
    return;
  fault_left = (gint)n;
  fault_name = g_strndup (text, (gsize)(colon - text));
}

void
desk_fault_point (const char *name)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      arm ();
      g_once_init_leave (&once, 1);
    }
  if (G_LIKELY (fault_name == NULL) || strcmp (fault_name, name) != 0)
    return;
  if (g_atomic_int_dec_and_test (&fault_left))
    kill (getpid (), SIGKILL);
}
