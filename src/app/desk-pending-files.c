/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Files that are being uploaded. Progress comes several times a second and changes the bar alone,
 * never the row. */

#include "app/desk-pending-files.h"

#include <glib/gi18n.h>

typedef struct
{
  GtkWidget *box; /* borrowed: it owns this */
  GtkWidget *row; /* of progress and the button */
  GtkWidget *bar;
  GtkWidget *stop;
  DeskFiles *files;
  gint64 local_id;
  gulong handler;
} Uploads;

static void
uploads_free (gpointer data)
{
  Uploads *self = data;
  g_clear_signal_handler (&self->handler, self->files);
  g_clear_object (&self->files);
  g_free (self);
}

static void
show_progress (Uploads *self)
{
  gint64 done = 0, total = 0;
  gboolean going = desk_files_get_upload (self->files, self->local_id, &done, &total);
  gtk_widget_set_visible (self->row, going);
  if (going && total > 0)
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), (double)done / (double)total);
}

static void
on_upload_changed (DeskFiles *files, gint64 local_id, gpointer data)
{
  Uploads *self = data;
  if (local_id == self->local_id)
    show_progress (self);
}

static void
on_stop (GtkButton *button, gpointer data)
{
  Uploads *self = data;
  desk_files_cancel_upload (self->files, self->local_id);
}

static GtkWidget *
new_file (const DeskStagedFile *file)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  g_autofree char *size = g_format_size ((guint64)MAX (file->size, 0));
  g_autofree char *type = g_content_type_from_mime_type (file->mime_type);
  g_autoptr (GIcon) icon = type != NULL ? g_content_type_get_symbolic_icon (type) : NULL;
  GtkWidget *name = gtk_label_new (file->filename), *label = gtk_label_new (size);

  if (icon != NULL)
    gtk_box_append (GTK_BOX (box), gtk_image_new_from_gicon (icon));
  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (name), 30);
  gtk_widget_add_css_class (name, "card-title");
  gtk_widget_add_css_class (label, "caption");
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), label);
  return box;
}

GtkWidget *
desk_pending_files_new (DeskInbox *inbox, const DeskOutboxEntry *entry)
{
  DeskSync *sync = inbox != NULL ? desk_inbox_get_sync (inbox) : NULL;
  GtkWidget *box;
  Uploads *self;

  if (entry == NULL || entry->files == NULL || entry->files->len == 0)
    return NULL;
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  gtk_widget_add_css_class (box, "message-card");
  for (guint i = 0; i < entry->files->len; i++)
    gtk_box_append (GTK_BOX (box), new_file (g_ptr_array_index (entry->files, i)));
  if (sync == NULL)
    return box;
  self = g_new0 (Uploads, 1);
  self->box = box;
  self->local_id = entry->local_id;
  self->files = g_object_ref (desk_sync_get_files (sync));
  self->row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  self->bar = gtk_progress_bar_new ();
  self->stop = gtk_button_new_with_label (_ ("Stop"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Uploading"), -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->stop), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Stop the upload"), -1);
  gtk_widget_set_hexpand (self->bar, TRUE);
  gtk_widget_set_valign (self->bar, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->stop, "pill-small");
  gtk_box_append (GTK_BOX (self->row), self->bar);
  gtk_box_append (GTK_BOX (self->row), self->stop);
  gtk_box_append (GTK_BOX (box), self->row);
  g_object_set_data_full (G_OBJECT (box), "desk-uploads", self, uploads_free);
  self->handler
      = g_signal_connect (self->files, "upload-changed", G_CALLBACK (on_upload_changed), self);
  g_signal_connect (self->stop, "clicked", G_CALLBACK (on_stop), self);
  show_progress (self);
  return box;
}
