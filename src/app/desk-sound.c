/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The sound of a new message: one stream, made when first needed, that is played again from its
 * start. GTK plays through a module over GStreamer, and that one ends the process where the module
 * is installed and GStreamer's own player is not; so it is looked for first, once, on a thread,
 * because GStreamer's start may read all its plugins. Without it there is no sound. */

#include "app/desk-sound.h"

#include <gmodule.h>
#include <gtk/gtk.h>

#define PAUSE_US (2 * G_USEC_PER_SEC)

typedef enum
{
  PLAYER_UNKNOWN,
  PLAYER_ASKED,
  PLAYER_ABSENT,
  PLAYER_PRESENT,
} Player;

static Player player; /* main thread */

static void
find_player (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  gboolean (*init) (int *, char ***, GError **) = NULL;
  gpointer (*find) (const char *) = NULL;
  gboolean found = FALSE;
  GModule *library = g_module_open ("libgstreamer-1.0.so.0", G_MODULE_BIND_LAZY);
  if (library != NULL && g_module_symbol (library, "gst_init_check", (gpointer *)&init)
      && g_module_symbol (library, "gst_element_factory_find", (gpointer *)&find)
      && init (NULL, NULL, NULL))
    {
      g_autoptr (GObject) factory = find ("playbin");
      found = factory != NULL;
    }
  if (library != NULL)
    g_module_make_resident (library); /* it cannot be unloaded once it was started */
  g_task_return_boolean (task, found);
}

static void
on_player_found (GObject *source, GAsyncResult *result, gpointer data)
{
  player = g_task_propagate_boolean (G_TASK (result), NULL) ? PLAYER_PRESENT : PLAYER_ABSENT;
  if (player == PLAYER_PRESENT)
    desk_sound_play ();
}

void
desk_sound_play (void)
{
  static GtkMediaStream *sound; /* as long as the process lives */
  static gint64 played_us;
  gint64 now_us = g_get_monotonic_time ();
  if (player == PLAYER_UNKNOWN)
    {
      g_autoptr (GTask) task = g_task_new (NULL, NULL, on_player_found, NULL);
      player = PLAYER_ASKED;
      g_task_run_in_thread (task, find_player);
    }
  if (player != PLAYER_PRESENT || (played_us > 0 && now_us - played_us < PAUSE_US))
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
