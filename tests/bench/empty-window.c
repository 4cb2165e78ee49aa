/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-bench"

#include "config.h"

/* What the start of the application is compared with: an empty libadwaita window that tells its
 * first frame in the same way. */

#include <adwaita.h>
#include <stdio.h>
#include <time.h>

static void
on_after_paint (GdkFrameClock *clock, gpointer data)
{
  struct timespec spent = { 0, 0 };
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &spent);
  fprintf (stderr, "inbox-ready %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
           g_get_monotonic_time (),
           (gint64)spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000);
  g_signal_handlers_disconnect_by_func (clock, on_after_paint, data);
}

static void
on_realize (GtkWidget *window, gpointer data)
{
  g_signal_connect (gtk_widget_get_frame_clock (window), "after-paint", G_CALLBACK (on_after_paint),
                    NULL);
}

static void
on_activate (GtkApplication *application)
{
  GtkWidget *window = adw_application_window_new (application);
  gtk_window_set_default_size (GTK_WINDOW (window), 1120, 720);
  g_signal_connect (window, "realize", G_CALLBACK (on_realize), NULL);
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char *argv[])
{
  g_autoptr (AdwApplication) application
      = adw_application_new ("org.frontdesk.EmptyWindow", G_APPLICATION_NON_UNIQUE);
  g_signal_connect (application, "activate", G_CALLBACK (on_activate), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
