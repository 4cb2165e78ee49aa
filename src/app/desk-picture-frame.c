/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The place of a picture in the timeline. Its size is known from the metadata before the picture
 * is there, so that nothing moves when it comes. */

#include "app/desk-picture-frame.h"

#include <adwaita.h>

#define IMAGE_WIDTH  280
#define IMAGE_HEIGHT 320
#define STICKER_SIZE 128

#define LEAST_WIDTH  96
#define LEAST_HEIGHT 72

/* The place of a picture: of its own size where there is room, and smaller in the same proportions
 * where there is not. */
static void
measure_picture (GtkWidget *widget,
                 GtkOrientation orientation,
                 int for_size,
                 int *minimum,
                 int *natural,
                 int *minimum_baseline,
                 int *natural_baseline)
{
  int width = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (widget), "picture-width"));
  int height = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (widget), "picture-height"));
  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = MIN (LEAST_WIDTH, width);
      *natural = width;
    }
  else
    *minimum = *natural = for_size > 0 && for_size < width
                              ? MAX ((int)((gint64)height * for_size / width), LEAST_HEIGHT)
                              : height;
  *minimum_baseline = *natural_baseline = -1;
}

static void
allocate_picture (GtkWidget *widget, int width, int height, int baseline)
{
  GtkWidget *content = gtk_widget_get_first_child (widget);
  int least = 0;
  gtk_widget_measure (content, GTK_ORIENTATION_VERTICAL, width, &least, NULL, NULL, NULL);
  gtk_widget_allocate (content, width, MAX (height, least), -1, NULL);
}

static GtkSizeRequestMode
picture_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
reserve_size (GtkWidget *widget,
              const DeskAttachment *attachment,
              gint64 most_width,
              gint64 most_height)
{
  gint64 width = most_width, height = most_width * 3 / 4;
  if (attachment != NULL && attachment->width > 0 && attachment->height > 0
      && attachment->width < G_MAXINT32 && attachment->height < G_MAXINT32)
    {
      width = MIN (attachment->width, most_width);
      height = attachment->height * width / attachment->width;
      if (height > most_height)
        {
          width = MAX (width * most_height / height, 1);
          height = most_height;
        }
    }
  g_object_set_data (G_OBJECT (widget), "picture-width",
                     GINT_TO_POINTER ((int)MAX (width, LEAST_WIDTH)));
  g_object_set_data (G_OBJECT (widget), "picture-height",
                     GINT_TO_POINTER ((int)MAX (height, LEAST_HEIGHT)));
  gtk_widget_set_layout_manager (widget, gtk_custom_layout_new (picture_request_mode,
                                                                measure_picture, allocate_picture));
}

GtkWidget *
desk_picture_frame_new (GtkWidget *content, const DeskAttachment *attachment, gboolean sticker)
{
  GtkWidget *frame = adw_bin_new ();
  reserve_size (frame, attachment, sticker ? STICKER_SIZE : IMAGE_WIDTH,
                sticker ? STICKER_SIZE : IMAGE_HEIGHT);
  gtk_widget_add_css_class (frame, sticker ? "sticker-card" : "picture-card");
  gtk_widget_set_halign (frame, GTK_ALIGN_START);
  adw_bin_set_child (ADW_BIN (frame), content);
  return frame;
}
