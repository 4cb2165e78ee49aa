/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The sound of a new message: one stream, made when first needed, that is played again from its
 * start. GTK plays through a module which may be absent; then the stream has an error and there is
 * no sound. */

#include "app/desk-sound.h"

#include <gtk/gtk.h>

#define PAUSE_US (2 * G_USEC_PER_SEC)

void
desk_sound_play (void)
{
  static GtkMediaStream *sound; /* as long as the process lives */
  static gint64 played_us;
  gint64 now_us = g_get_monotonic_time ();
  if (played_us > 0 && now_us - played_us < PAUSE_US)
    return;
  played_us = now_us;
  if (sound == NULL)
    sound = gtk_media_file_new_for_resource ("/org/frontdesk/Frontdesk/sounds/message.wav");
  if (gtk_media_stream_get_error (sound) != NULL)
    return;
  if (gtk_media_stream_is_prepared (sound))
    gtk_media_stream_seek (sound, 0);
  gtk_media_stream_play (sound);
}
