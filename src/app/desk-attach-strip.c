/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Attaching: by the button, by paste and by drop, all ending in one function. What the platform
 * does not take is refused here, before anything is copied, and the reason is told.
 * Invariants: a file that arrives after the chat was changed belongs to no draft and is let go; a
 * file that was taken off stays on disk as long as a stored draft names it (the store sees to it).
 */

#include "app/desk-attach-strip.h"

#include <glib/gi18n.h>

#include "app/desk-file-open.h"
#include "app/desk-picture-loader.h"

#define MOST_FILES 10 /* that one message may have (data/api: attachments) */
#define THUMBNAIL  48

struct _DeskAttachStrip
{
  GtkWidget parent_instance;

  DeskInbox *inbox;
  char *platform;
  GPtrArray *files; /* of DeskStagedFile */
  guint copying;
  GCancellable *cancellable; /* of this chat */

  GtkWidget *scrolled;
  GtkWidget *box;
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskAttachStrip, desk_attach_strip, GTK_TYPE_WIDGET)

static void rebuild (DeskAttachStrip *self);

static void
changed (DeskAttachStrip *self)
{
  rebuild (self);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* ── One file ───────────────────────────────────────────────────────────────────────────────── */

static void
on_remove (GtkButton *button, gpointer data)
{
  DeskAttachStrip *self = data;
  guint index = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "index"));
  if (index >= self->files->len)
    return;
  g_autoptr (DeskStagedFile) file = g_ptr_array_steal_index (self->files, index);
  changed (self);
  desk_store_unstage_file (desk_inbox_get_store (self->inbox), file);
}

static void
on_thumbnail (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GtkImage) image = data;
  g_autoptr (GdkTexture) texture = desk_picture_load_finish (result, NULL);
  if (texture != NULL)
    gtk_image_set_from_paintable (image, GDK_PAINTABLE (texture));
}

static GtkWidget *
new_image (DeskAttachStrip *self, const DeskStagedFile *file)
{
  g_autofree char *type = g_content_type_from_mime_type (file->mime_type);
  g_autoptr (GIcon) icon
      = g_content_type_get_symbolic_icon (type != NULL ? type : "application/octet-stream");
  GtkWidget *image = gtk_image_new_from_gicon (icon);
  gtk_image_set_pixel_size (GTK_IMAGE (image),
                            g_str_has_prefix (file->mime_type, "image/") ? THUMBNAIL : 32);
  if (g_str_has_prefix (file->mime_type, "image/"))
    {
      g_autofree char *path = desk_store_staged_path (desk_inbox_get_store (self->inbox), file);
      desk_picture_load_async (path, THUMBNAIL * gtk_widget_get_scale_factor (GTK_WIDGET (self)),
                               self->cancellable, on_thumbnail, g_object_ref (image));
    }
  return image;
}

static GtkWidget *
new_file (DeskAttachStrip *self, const DeskStagedFile *file, guint index)
{
  GtkWidget *item = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkWidget *lines = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *remove = gtk_button_new_from_icon_name ("window-close-symbolic");
  g_autofree char *size = g_format_size ((guint64)MAX (file->size, 0));
  g_autofree char *label = g_strdup_printf (_ ("Remove %s"), file->filename);
  GtkWidget *name = gtk_label_new (file->filename), *details = gtk_label_new (size);

  gtk_label_set_ellipsize (GTK_LABEL (name), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (name), 22);
  gtk_label_set_xalign (GTK_LABEL (name), 0);
  gtk_label_set_xalign (GTK_LABEL (details), 0);
  gtk_widget_add_css_class (details, "caption");
  gtk_widget_set_valign (lines, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (lines), name);
  gtk_box_append (GTK_BOX (lines), details);
  gtk_widget_add_css_class (remove, "flat");
  gtk_widget_add_css_class (remove, "circular");
  gtk_widget_set_valign (remove, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (remove, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (remove), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  g_object_set_data (G_OBJECT (remove), "index", GUINT_TO_POINTER (index));
  g_signal_connect (remove, "clicked", G_CALLBACK (on_remove), self);
  gtk_widget_add_css_class (item, "staged-file");
  gtk_box_append (GTK_BOX (item), new_image (self, file));
  gtk_box_append (GTK_BOX (item), lines);
  gtk_box_append (GTK_BOX (item), remove);
  return item;
}

static void
rebuild (DeskAttachStrip *self)
{
  GtkWidget *child;
  while ((child = gtk_widget_get_first_child (self->box)) != NULL)
    gtk_box_remove (GTK_BOX (self->box), child);
  for (guint i = 0; i < self->files->len; i++)
    gtk_box_append (GTK_BOX (self->box), new_file (self, g_ptr_array_index (self->files, i), i));
  if (self->copying > 0)
    {
      GtkWidget *spinner = gtk_spinner_new ();
      gtk_spinner_set_spinning (GTK_SPINNER (spinner), TRUE);
      gtk_accessible_update_property (GTK_ACCESSIBLE (spinner), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                      _ ("Copying"), -1);
      gtk_box_append (GTK_BOX (self->box), spinner);
    }
  gtk_widget_set_visible (GTK_WIDGET (self), self->files->len > 0 || self->copying > 0);
}

/* ── Coming in ──────────────────────────────────────────────────────────────────────────────── */

static gint64
get_limit (DeskAttachStrip *self)
{
  DeskSync *sync = self->inbox != NULL ? desk_inbox_get_sync (self->inbox) : NULL;
  return sync != NULL && self->platform != NULL ? desk_sync_get_file_limit (sync, self->platform)
                                                : -1;
}

const char *
desk_attach_strip_get_reason (DeskAttachStrip *self)
{
  if (self->inbox == NULL || self->platform == NULL)
    return _ ("Open a chat first");
  return get_limit (self) == 0 ? _ ("Files cannot be sent on this platform") : NULL;
}

static void
refuse (DeskAttachStrip *self, const char *name, gint64 limit)
{
  g_autofree char *size = g_format_size ((guint64)limit);
  g_autofree char *heading = g_strdup_printf (_ ("“%s” is too big"), name);
  g_autofree char *reason
      = g_strdup_printf (_ ("Files on this platform may have at most %s."), size);
  desk_file_tell (GTK_WIDGET (self), heading, reason);
}

static void
on_staged (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskAttachStrip) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStagedFile) file
      = desk_store_stage_file_finish (DESK_STORE (source), result, &error);
  gboolean other_chat = g_task_get_cancellable (G_TASK (result)) != self->cancellable;
  gint64 limit = get_limit (self);

  if (other_chat || self->scrolled == NULL)
    {
      if (file != NULL)
        desk_store_unstage_file (DESK_STORE (source), file);
      return;
    }
  self->copying--;
  if (file != NULL && limit > 0 && file->size > limit)
    {
      refuse (self, file->filename, limit);
      desk_store_unstage_file (DESK_STORE (source), file);
    }
  else if (file != NULL)
    g_ptr_array_add (self->files, g_steal_pointer (&file));
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    desk_file_tell (GTK_WIDGET (self), _ ("The file was not attached"), error->message);
  changed (self);
}

static gboolean
may_add (DeskAttachStrip *self)
{
  const char *reason = desk_attach_strip_get_reason (self);
  if (reason == NULL && self->files->len + self->copying >= MOST_FILES)
    reason = _ ("A message can have at most ten files");
  if (reason != NULL)
    desk_file_tell (GTK_WIDGET (self), _ ("The file was not attached"), reason);
  return reason == NULL;
}

static void
stage (DeskAttachStrip *self, const char *path, GBytes *bytes, const char *name)
{
  self->copying++;
  changed (self);
  desk_store_stage_file_async (desk_inbox_get_store (self->inbox), path, bytes, name,
                               self->cancellable, on_staged, g_object_ref (self));
}

/* The size is known before anything is copied. */
static void
on_queried (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskAttachStrip) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInfo) info = g_file_query_info_finish (G_FILE (source), result, &error);
  g_autofree char *path = g_file_get_path (G_FILE (source));
  gint64 limit = get_limit (self);

  if (self->scrolled == NULL || self->inbox == NULL
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (info == NULL || path == NULL)
    desk_file_tell (GTK_WIDGET (self), _ ("The file was not attached"),
                    error != NULL ? error->message : _ ("Only files of this computer can be sent"));
  else if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    desk_file_tell (GTK_WIDGET (self), _ ("The file was not attached"),
                    _ ("A folder cannot be sent. Put it into an archive first."));
  else if (limit > 0 && g_file_info_get_size (info) > limit)
    refuse (self, g_file_info_get_display_name (info), limit);
  else if (may_add (self))
    stage (self, path, NULL, NULL);
}

void
desk_attach_strip_add_file (DeskAttachStrip *self, GFile *file)
{
  if (may_add (self))
    g_file_query_info_async (file, "standard::type,standard::size,standard::display-name",
                             G_FILE_QUERY_INFO_NONE, G_PRIORITY_DEFAULT, self->cancellable,
                             on_queried, g_object_ref (self));
}

static void
encode_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, gdk_texture_save_to_png_bytes (data), (GDestroyNotify)g_bytes_unref);
}

static void
on_encoded (GObject *source, GAsyncResult *result, gpointer data)
{
  DeskAttachStrip *self = DESK_ATTACH_STRIP (source);
  g_autoptr (GBytes) bytes = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  /* Translators: the name of a pasted picture; a date and time follow. */
  g_autofree char *stamp = g_date_time_format (now, "%Y-%m-%d %H-%M-%S");
  g_autofree char *name = g_strdup_printf (_ ("Picture %s.png"), stamp);
  if (bytes != NULL && self->scrolled != NULL && may_add (self))
    stage (self, NULL, bytes, name);
}

void
desk_attach_strip_add_texture (DeskAttachStrip *self, GdkTexture *texture)
{
  g_autoptr (GTask) task = g_task_new (self, self->cancellable, on_encoded, NULL);
  g_task_set_task_data (task, g_object_ref (texture), g_object_unref);
  g_task_run_in_thread (task, encode_in_thread);
}

static void
add_list (DeskAttachStrip *self, const GValue *value)
{
  if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    for (GSList *at = g_value_get_boxed (value); at != NULL; at = at->next)
      desk_attach_strip_add_file (self, at->data);
  else if (G_VALUE_HOLDS (value, GDK_TYPE_TEXTURE))
    desk_attach_strip_add_texture (self, g_value_get_object (value));
}

static void
on_clipboard_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskAttachStrip) self = data;
  g_autoptr (GError) error = NULL;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, &error);
  if (value != NULL && self->scrolled != NULL)
    add_list (self, value);
  else if (error != NULL)
    desk_file_tell (GTK_WIDGET (self), _ ("It was not pasted"), error->message);
}

gboolean
desk_attach_strip_paste (DeskAttachStrip *self)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  GdkContentFormats *formats = gdk_clipboard_get_formats (clipboard);
  gboolean files = gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST)
                   || gdk_content_formats_contain_mime_type (formats, "text/uri-list");
  gboolean text = gdk_content_formats_contain_gtype (formats, G_TYPE_STRING)
                  || gdk_content_formats_contain_mime_type (formats, "text/plain;charset=utf-8");
  gboolean picture = gdk_content_formats_contain_gtype (formats, GDK_TYPE_TEXTURE)
                     || gdk_content_formats_contain_mime_type (formats, "image/png");
  if (!files && (text || !picture))
    return FALSE;
  gdk_clipboard_read_value_async (clipboard, files ? GDK_TYPE_FILE_LIST : GDK_TYPE_TEXTURE,
                                  G_PRIORITY_DEFAULT, self->cancellable, on_clipboard_read,
                                  g_object_ref (self));
  return TRUE;
}

static gboolean
on_drop (GtkDropTarget *target, const GValue *value, double x, double y, gpointer data)
{
  add_list (data, value);
  return TRUE;
}

static void
on_drop_state (GtkDropTarget *target, GParamSpec *spec, gpointer data)
{
  GtkWidget *widget = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (target));
  if (gtk_drop_target_get_current_drop (target) != NULL)
    gtk_widget_add_css_class (widget, "drop-zone");
  else
    gtk_widget_remove_css_class (widget, "drop-zone");
}

void
desk_attach_strip_take_drops (DeskAttachStrip *self, GtkWidget *widget)
{
  GType types[] = { GDK_TYPE_FILE_LIST, GDK_TYPE_TEXTURE };
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_INVALID, GDK_ACTION_COPY);
  gtk_drop_target_set_gtypes (target, types, G_N_ELEMENTS (types));
  /* before the entry, which would take the files' addresses as text */
  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (target), GTK_PHASE_CAPTURE);
  g_signal_connect_object (target, "drop", G_CALLBACK (on_drop), self, 0);
  g_signal_connect_object (target, "notify::current-drop", G_CALLBACK (on_drop_state), self, 0);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (target));
}

static void
on_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autoptr (DeskAttachStrip) self = data;
  if (response == GTK_RESPONSE_ACCEPT && self->scrolled != NULL)
    {
      g_autoptr (GListModel) files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (dialog));
      for (guint i = 0; i < g_list_model_get_n_items (files); i++)
        {
          g_autoptr (GFile) file = g_list_model_get_item (files, i);
          desk_attach_strip_add_file (self, file);
        }
    }
  g_object_unref (dialog);
}

void
desk_attach_strip_choose (DeskAttachStrip *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (_ ("Attach Files"),
                                     GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Attach"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (dialog), TRUE);
  g_signal_connect (dialog, "response", G_CALLBACK (on_chosen), g_object_ref (self));
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* ── The draft ──────────────────────────────────────────────────────────────────────────────── */

void
desk_attach_strip_set_chat (DeskAttachStrip *self, DeskInbox *inbox, const char *platform)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_set_object (&self->inbox, inbox);
  g_free (self->platform);
  self->platform = g_strdup (platform);
  self->copying = 0;
  g_ptr_array_set_size (self->files, 0);
  rebuild (self);
}

void
desk_attach_strip_load (DeskAttachStrip *self, const char *json)
{
  g_ptr_array_unref (self->files);
  self->files = desk_staged_files_from_json (json);
  rebuild (self);
}

char *
desk_attach_strip_to_json (DeskAttachStrip *self)
{
  return desk_staged_files_to_json (self->files);
}

guint
desk_attach_strip_get_count (DeskAttachStrip *self)
{
  return self->files->len;
}

gboolean
desk_attach_strip_is_busy (DeskAttachStrip *self)
{
  return self->copying > 0;
}

GPtrArray *
desk_attach_strip_take (DeskAttachStrip *self)
{
  GPtrArray *files = self->files;
  if (files->len == 0)
    return NULL;
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_staged_file_free);
  rebuild (self);
  return files;
}

/* ── The widget ─────────────────────────────────────────────────────────────────────────────── */

static void
desk_attach_strip_dispose (GObject *object)
{
  DeskAttachStrip *self = DESK_ATTACH_STRIP (object);
  g_cancellable_cancel (self->cancellable);
  g_clear_pointer (&self->scrolled, gtk_widget_unparent);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_attach_strip_parent_class)->dispose (object);
}

static void
desk_attach_strip_finalize (GObject *object)
{
  DeskAttachStrip *self = DESK_ATTACH_STRIP (object);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self->platform);
  G_OBJECT_CLASS (desk_attach_strip_parent_class)->finalize (object);
}

static void
desk_attach_strip_class_init (DeskAttachStripClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = desk_attach_strip_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_attach_strip_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
desk_attach_strip_init (DeskAttachStrip *self)
{
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_staged_file_free);
  self->cancellable = g_cancellable_new ();
  self->scrolled = gtk_scrolled_window_new ();
  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  gtk_widget_add_css_class (self->box, "attach-strip");
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scrolled), GTK_POLICY_AUTOMATIC,
                                  GTK_POLICY_NEVER);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scrolled), self->box);
  gtk_widget_set_parent (self->scrolled, GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}
