/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Sounds are played by what GTK finds (GStreamer, if it is installed).
 * Invariants: one sound plays at a time; nothing plays unasked; a row that goes away is silent. */

#include "app/desk-sound-player.h"

#include <glib/gi18n.h>

#include "app/desk-file-open.h"
#include "app/desk-format.h"

struct _DeskSoundPlayer
{
  GtkWidget parent_instance;

  DeskInbox *inbox;
  DeskMessage *message;
  guint index;
  GtkMediaStream *stream; /* nullable: made when first played */
  gboolean fetching;

  GtkWidget *box;
  GtkButton *button;
  GtkScale *scale;
  GtkLabel *time;
  gboolean moving; /* the scale, by us */
};

G_DEFINE_FINAL_TYPE (DeskSoundPlayer, desk_sound_player, GTK_TYPE_WIDGET)

/* The one that plays, in the whole process. */
static GtkMediaStream *playing_stream;

static const DeskAttachment *
get_attachment (DeskSoundPlayer *self)
{
  return g_ptr_array_index (self->message->attachments, self->index);
}

static gboolean
is_playing (DeskSoundPlayer *self)
{
  return self->stream != NULL && gtk_media_stream_get_playing (self->stream);
}

static void
update (DeskSoundPlayer *self)
{
  gboolean playing = is_playing (self);
  const char *label = playing ? _ ("Pause") : _ ("Play");
  gint64 total_us = self->stream != NULL && gtk_media_stream_get_duration (self->stream) > 0
                        ? gtk_media_stream_get_duration (self->stream)
                        : get_attachment (self)->duration_ms * 1000;
  gint64 at_us = self->stream != NULL ? gtk_media_stream_get_timestamp (self->stream) : 0;
  g_autofree char *text = desk_format_duration ((at_us > 0 ? at_us : total_us) / 1000);

  gtk_button_set_icon_name (self->button, playing ? "media-playback-pause-symbolic"
                                                  : "media-playback-start-symbolic");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->button), label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  label, -1);
  gtk_label_set_text (self->time, text);
  gtk_widget_set_sensitive (GTK_WIDGET (self->scale), self->stream != NULL && total_us > 0);
  self->moving = TRUE;
  gtk_range_set_value (GTK_RANGE (self->scale),
                       total_us > 0 ? CLAMP ((double)at_us / (double)total_us, 0, 1) : 0);
  self->moving = FALSE;
}

static void
stop (DeskSoundPlayer *self)
{
  if (self->stream == NULL)
    return;
  if (playing_stream == self->stream)
    playing_stream = NULL;
  g_signal_handlers_disconnect_by_data (self->stream, self);
  gtk_media_stream_pause (self->stream);
  g_clear_object (&self->stream);
}

static void
on_stream_changed (DeskSoundPlayer *self)
{
  if (self->stream != NULL && gtk_media_stream_get_error (self->stream) != NULL)
    {
      g_debug ("A sound cannot be played here: %s",
               gtk_media_stream_get_error (self->stream)->message);
      stop (self);
      desk_file_open (GTK_WIDGET (self), self->inbox, self->message, self->index);
    }
  update (self);
}

static void
play (DeskSoundPlayer *self)
{
  if (playing_stream != NULL && playing_stream != self->stream)
    gtk_media_stream_pause (playing_stream);
  playing_stream = self->stream;
  if (gtk_media_stream_get_ended (self->stream))
    gtk_media_stream_seek (self->stream, 0);
  gtk_media_stream_play (self->stream);
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskSoundPlayer) self = data;
  g_autofree char *path = desk_files_get_finish (DESK_FILES (source), result, NULL);

  self->fetching = FALSE;
  if (path == NULL || self->box == NULL || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return; /* why stands beside the player, with a button to retry */
  stop (self);
  self->stream = gtk_media_file_new_for_filename (path);
  g_signal_connect_object (self->stream, "notify::playing", G_CALLBACK (on_stream_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->stream, "notify::timestamp", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->stream, "notify::duration", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->stream, "notify::error", G_CALLBACK (on_stream_changed), self,
                           G_CONNECT_SWAPPED);
  if (gtk_media_stream_get_error (self->stream) != NULL)
    on_stream_changed (self);
  else
    play (self);
}

static void
on_clicked (DeskSoundPlayer *self)
{
  DeskSync *sync = desk_inbox_get_sync (self->inbox);
  if (is_playing (self))
    gtk_media_stream_pause (self->stream);
  else if (self->stream != NULL)
    play (self);
  else if (sync != NULL && !self->fetching)
    {
      self->fetching = TRUE;
      desk_files_get_async (desk_sync_get_files (sync), self->message, get_attachment (self), NULL,
                            on_fetched, g_object_ref (self));
    }
}

static void
on_scale_moved (DeskSoundPlayer *self)
{
  gint64 total_us = self->stream != NULL ? gtk_media_stream_get_duration (self->stream) : 0;
  if (!self->moving && total_us > 0 && gtk_media_stream_is_seekable (self->stream))
    gtk_media_stream_seek (self->stream, (gint64)((double)total_us
                                                  * gtk_range_get_value (GTK_RANGE (self->scale))));
}

static void
desk_sound_player_unmap (GtkWidget *widget)
{
  stop (DESK_SOUND_PLAYER (widget));
  update (DESK_SOUND_PLAYER (widget));
  GTK_WIDGET_CLASS (desk_sound_player_parent_class)->unmap (widget);
}

static void
desk_sound_player_dispose (GObject *object)
{
  DeskSoundPlayer *self = DESK_SOUND_PLAYER (object);
  stop (self);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_sound_player_parent_class)->dispose (object);
}

static void
desk_sound_player_finalize (GObject *object)
{
  desk_message_free (DESK_SOUND_PLAYER (object)->message);
  G_OBJECT_CLASS (desk_sound_player_parent_class)->finalize (object);
}

static void
desk_sound_player_class_init (DeskSoundPlayerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = desk_sound_player_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_sound_player_finalize;
  GTK_WIDGET_CLASS (klass)->unmap = desk_sound_player_unmap;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
desk_sound_player_init (DeskSoundPlayer *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  self->button = GTK_BUTTON (gtk_button_new ());
  self->scale = GTK_SCALE (gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, 0, 1, 0.01));
  self->time = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->button), "circular");
  gtk_widget_set_valign (GTK_WIDGET (self->button), GTK_ALIGN_CENTER);
  gtk_widget_set_size_request (GTK_WIDGET (self->scale), 90, -1);
  gtk_widget_add_css_class (GTK_WIDGET (self->time), "numeric");
  gtk_widget_add_css_class (GTK_WIDGET (self->time), "caption");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->scale), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Position"), -1);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->button));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->scale));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->time));
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  g_signal_connect_swapped (self->button, "clicked", G_CALLBACK (on_clicked), self);
  g_signal_connect_swapped (self->scale, "value-changed", G_CALLBACK (on_scale_moved), self);
}

GtkWidget *
desk_sound_player_new (DeskInbox *inbox, const DeskMessage *message, guint index)
{
  DeskSoundPlayer *self = g_object_new (DESK_TYPE_SOUND_PLAYER, NULL);
  self->inbox = inbox != NULL ? g_object_ref (inbox) : NULL;
  self->message = desk_message_copy (message);
  self->index = index;
  update (self);
  return GTK_WIDGET (self);
}
