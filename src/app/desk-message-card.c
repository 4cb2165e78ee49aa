/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Cards for what is not text. The size of an image is reserved from its metadata, so that nothing
 * moves when it comes. */

#include "app/desk-message-card.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "app/desk-delivery.h"
#include "app/desk-format.h"

#define IMAGE_WIDTH  280
#define IMAGE_HEIGHT 320
#define STICKER_SIZE 128

/* ── Images ─────────────────────────────────────────────────────────────────────────────────── */

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
  gtk_widget_set_layout_manager (
      widget, gtk_custom_layout_new (picture_request_mode, measure_picture, allocate_picture));
}

static GtkWidget *
new_picture (const DeskMessage *message, const DeskAttachment *attachment)
{
  GtkWidget *frame = adw_bin_new ();
  GtkWidget *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *icon = gtk_image_new_from_icon_name (desk_kind_icon (message->kind));
  GtkWidget *label = gtk_label_new (attachment != NULL && attachment->filename != NULL
                                            && *attachment->filename != '\0'
                                        ? attachment->filename
                                        : desk_kind_text (message->kind));
  gboolean sticker = message->kind == DESK_KIND_STICKER;

  reserve_size (frame, attachment, sticker ? STICKER_SIZE : IMAGE_WIDTH,
                sticker ? STICKER_SIZE : IMAGE_HEIGHT);
  gtk_image_set_pixel_size (GTK_IMAGE (icon), 32);
  gtk_widget_set_vexpand (icon, TRUE);
  gtk_widget_set_valign (icon, GTK_ALIGN_END);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 24);
  gtk_widget_set_vexpand (label, TRUE);
  gtk_widget_set_valign (label, GTK_ALIGN_START);
  gtk_widget_add_css_class (label, "caption");
  gtk_widget_add_css_class (frame, "picture-card");
  gtk_widget_set_halign (frame, GTK_ALIGN_START);
  gtk_box_append (GTK_BOX (content), icon);
  gtk_box_append (GTK_BOX (content), label);
  adw_bin_set_child (ADW_BIN (frame), content);
  return frame;
}

/* ── Everything with a title and a line of details ──────────────────────────────────────────── */

static GtkWidget *
new_line (const char *text, const char *css_class)
{
  GtkWidget *label = gtk_label_new (text);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 32);
  gtk_widget_add_css_class (label, css_class);
  return label;
}

static GtkWidget *
new_card (const char *icon_name, const char *title, const char *details)
{
  GtkWidget *card = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *lines = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *icon = gtk_image_new_from_icon_name (icon_name);

  gtk_widget_add_css_class (icon, "card-icon");
  gtk_widget_set_valign (icon, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (lines, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (card, "message-card");
  gtk_box_append (GTK_BOX (lines), new_line (title, "card-title"));
  if (details != NULL && *details != '\0')
    gtk_box_append (GTK_BOX (lines), new_line (details, "caption"));
  gtk_box_append (GTK_BOX (card), icon);
  gtk_box_append (GTK_BOX (card), lines);
  return card;
}

/* "0:07 · 24 kB", or why the file is not there. */
static char *
describe_file (const DeskAttachment *attachment)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  if (g_strcmp0 (attachment->state, "gone") == 0)
    return g_strdup (_ ("No longer available"));
  if (g_strcmp0 (attachment->state, "failed") == 0)
    return g_strdup (_ ("Could not be fetched from the platform"));
  if (attachment->duration_ms > 0)
    g_ptr_array_add (parts, desk_format_duration (attachment->duration_ms));
  if (attachment->size >= 0)
    g_ptr_array_add (parts, g_format_size ((guint64)attachment->size));
  if (g_strcmp0 (attachment->state, "pending") == 0)
    g_ptr_array_add (parts, g_strdup (_ ("on its way")));
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (" · ", (char **)parts->pdata);
}

static GtkWidget *
new_attachment (const DeskMessage *message, const DeskAttachment *attachment)
{
  const char *title = desk_kind_text (message->kind), *icon = desk_kind_icon (message->kind);
  if (message->kind == DESK_KIND_IMAGE || message->kind == DESK_KIND_STICKER
      || message->kind == DESK_KIND_VIDEO)
    return new_picture (message, attachment);
  if (message->kind == DESK_KIND_TEXT)
    icon = desk_kind_icon (DESK_KIND_FILE);
  if (message->kind != DESK_KIND_VOICE && attachment->filename != NULL
      && *attachment->filename != '\0')
    title = attachment->filename;
  g_autofree char *details = describe_file (attachment);
  return new_card (icon, title, details);
}

GtkWidget *
desk_message_card_new (const DeskMessage *message)
{
  GtkWidget *box;
  if (message->deleted_at_ms > 0)
    return NULL;
  if (message->attachments->len == 0)
    {
      if (message->kind == DESK_KIND_TEXT || message->kind == DESK_KIND_SYSTEM)
        return NULL;
      if (message->kind == DESK_KIND_IMAGE || message->kind == DESK_KIND_STICKER)
        return new_picture (message, NULL);
      return new_card (desk_kind_icon (message->kind), desk_kind_text (message->kind),
                       message->kind == DESK_KIND_UNSUPPORTED
                           ? _ ("Look at it on the platform itself")
                           : NULL);
    }
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  for (guint i = 0; i < message->attachments->len; i++)
    gtk_box_append (GTK_BOX (box),
                    new_attachment (message, g_ptr_array_index (message->attachments, i)));
  return box;
}
