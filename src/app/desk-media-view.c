/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* A file of a message: where it stands comes from DeskFiles, by the file's key.
 * Invariants: the room of a picture is reserved from its metadata, so that nothing moves when it
 * comes; showing a row never opens, plays or executes anything; a failure is told in words beside
 * a button that tries again. */

#include "app/desk-media-view.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"
#include "app/desk-file-open.h"
#include "app/desk-format.h"
#include "app/desk-picture-frame.h"
#include "app/desk-picture-loader.h"
#include "app/desk-sound-player.h"

struct _DeskMediaView
{
  GtkWidget parent_instance;

  DeskInbox *inbox;
  DeskMessage *message;
  guint index;
  char *key; /* nullable */
  GCancellable *cancellable;
  gboolean is_picture;
  gboolean has_texture;
  gboolean loading;  /* the texture */
  gboolean broken;   /* fetched, and no picture that can be decoded */
  gboolean watching; /* the signals of DeskFiles */

  GtkWidget *root;
  GtkWidget *button; /* opens it */
  GtkStack *stack;   /* pictures: "wait", "picture" */
  GtkPicture *picture;
  GtkWidget *wait;   /* lies above the picture until it is there */
  GtkWidget *player; /* sounds */
  GtkLabel *details;
  GtkProgressBar *progress;
  GtkButton *action; /* stop, retry, download */
  GtkButton *save;
};

G_DEFINE_FINAL_TYPE (DeskMediaView, desk_media_view, GTK_TYPE_WIDGET)

static void update (DeskMediaView *self);

static const DeskAttachment *
get_attachment (DeskMediaView *self)
{
  return g_ptr_array_index (self->message->attachments, self->index);
}

static DeskFiles *
get_files (DeskMediaView *self)
{
  DeskSync *sync = self->inbox != NULL ? desk_inbox_get_sync (self->inbox) : NULL;
  return sync != NULL ? desk_sync_get_files (sync) : NULL;
}

static const char *
get_title (DeskMediaView *self)
{
  const DeskAttachment *attachment = get_attachment (self);
  gboolean named = attachment->filename != NULL && *attachment->filename != '\0';
  if (named && self->message->kind != DESK_KIND_VOICE && self->message->kind != DESK_KIND_STICKER)
    return attachment->filename;
  return desk_kind_text (self->message->kind == DESK_KIND_TEXT ? DESK_KIND_FILE
                                                               : self->message->kind);
}

/* ── What is said of it ─────────────────────────────────────────────────────────────────────── */

static char *
describe_file (const DeskAttachment *attachment)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  if (attachment->duration_ms > 0)
    g_ptr_array_add (parts, desk_format_duration (attachment->duration_ms));
  if (attachment->size >= 0)
    g_ptr_array_add (parts, g_format_size ((guint64)attachment->size));
  if (g_strcmp0 (attachment->state, "pending") == 0)
    g_ptr_array_add (parts, g_strdup (_ ("on its way")));
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (" · ", (char **)parts->pdata);
}

/* What the server says goes before what this computer has tried. Transfer full. */
static char *
describe_state (DeskMediaView *self, const DeskFileState *state)
{
  const DeskAttachment *attachment = get_attachment (self);
  if (g_strcmp0 (attachment->state, "gone") == 0)
    return g_strdup (_ ("No longer available"));
  if (g_strcmp0 (attachment->state, "failed") == 0)
    return g_strdup (_ ("Could not be fetched from the platform"));
  if (self->broken)
    return g_strdup (_ ("This picture cannot be shown here. Save it, or open it elsewhere."));
  if (state != NULL && (state->phase == DESK_FILE_FAILED || state->phase == DESK_FILE_GONE))
    return g_strdup (state->error != NULL && *state->error != '\0' ? state->error
                                                                   : _ ("It could not be fetched"));
  if (state != NULL && state->phase == DESK_FILE_WAITING)
    return g_strdup (_ ("Waiting for the connection"));
  if (state != NULL && state->phase == DESK_FILE_FETCHING)
    {
      g_autofree char *done = g_format_size ((guint64)MAX (state->done, 0));
      g_autofree char *total = g_format_size ((guint64)MAX (state->total, 0));
      /* Translators: how much of a file is here: "24 kB of 1,2 MB". */
      return state->total > 0 ? g_strdup_printf (_ ("%s of %s"), done, total)
                              : g_steal_pointer (&done);
    }
  return describe_file (attachment);
}

static gboolean
can_fetch (DeskMediaView *self)
{
  const DeskAttachment *attachment = get_attachment (self);
  return get_files (self) != NULL && self->key != NULL && g_strcmp0 (attachment->state, "gone") != 0
         && g_strcmp0 (attachment->state, "failed") != 0
         && g_strcmp0 (attachment->state, "pending") != 0;
}

static void
show_action (DeskMediaView *self, const DeskFileState *state)
{
  DeskFilePhase phase = state != NULL ? state->phase : DESK_FILE_REMOTE;
  gboolean stop = phase == DESK_FILE_WAITING || phase == DESK_FILE_FETCHING;
  const char *label = stop ? _ ("Stop") : phase == DESK_FILE_FAILED ? _ ("Retry") : _ ("Download");
  gboolean shown = can_fetch (self) && phase != DESK_FILE_GONE && phase != DESK_FILE_READY;
  gtk_button_set_label (self->action, label);
  gtk_widget_set_visible (GTK_WIDGET (self->action), shown);
  gtk_widget_set_visible (GTK_WIDGET (self->save),
                          can_fetch (self) && phase != DESK_FILE_GONE && !self->is_picture);
}

static void
show_progress (DeskMediaView *self, const DeskFileState *state)
{
  gboolean going = state != NULL && state->phase == DESK_FILE_FETCHING;
  gtk_widget_set_visible (GTK_WIDGET (self->progress), going && state->total > 0);
  if (going && state->total > 0)
    gtk_progress_bar_set_fraction (self->progress, (double)state->done / (double)state->total);
}

/* ── The picture itself ─────────────────────────────────────────────────────────────────────── */

static void
on_picture_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskMediaView) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = desk_picture_load_finish (result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->root == NULL)
    return;
  self->loading = FALSE;
  self->has_texture = texture != NULL;
  if (texture != NULL)
    {
      gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
      gtk_stack_set_visible_child_name (self->stack, "picture");
      gtk_widget_set_visible (self->wait, FALSE);
    }
  else if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    self->broken = TRUE;
  update (self);
}

static void
load_picture (DeskMediaView *self, const char *path)
{
  if (!self->is_picture || self->message->kind == DESK_KIND_VIDEO || self->has_texture
      || self->loading || self->broken)
    return;
  self->loading = TRUE;
  desk_picture_load_async (path, 360 * gtk_widget_get_scale_factor (GTK_WIDGET (self)),
                           self->cancellable, on_picture_loaded, g_object_ref (self));
}

static void
update (DeskMediaView *self)
{
  DeskFiles *files = get_files (self);
  const DeskFileState *state
      = files != NULL && self->key != NULL ? desk_files_look (files, get_attachment (self)) : NULL;
  g_autofree char *details = describe_state (self, state);
  const char *kind = desk_kind_text (self->message->kind == DESK_KIND_TEXT ? DESK_KIND_FILE
                                                                           : self->message->kind);
  /* Translators: how a screen reader names a file: what it is, its name, its size or state. */
  g_autofree char *name = g_strdup_printf (_ ("%s: %s, %s"), kind, get_title (self), details);

  gtk_label_set_text (self->details, details);
  gtk_widget_set_visible (GTK_WIDGET (self->details), *details != '\0');
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  self->has_texture ? get_title (self) : name, -1);
  show_action (self, state);
  show_progress (self, state);
  if (state != NULL && state->phase == DESK_FILE_READY && gtk_widget_get_mapped (GTK_WIDGET (self)))
    load_picture (self, state->path);
}

static void
on_files_changed (DeskMediaView *self, const char *key)
{
  if (g_strcmp0 (key, self->key) == 0)
    update (self);
}

/* The engine may start after the first rows are there. */
static void
watch (DeskMediaView *self)
{
  DeskFiles *files = get_files (self);
  if (self->watching || files == NULL)
    return;
  self->watching = TRUE;
  g_signal_connect_object (files, "changed", G_CALLBACK (on_files_changed), self,
                           G_CONNECT_SWAPPED);
  if (gtk_widget_get_mapped (GTK_WIDGET (self)) && can_fetch (self))
    desk_files_show (files, self->message, get_attachment (self));
  update (self);
}

/* ── What is done with it ───────────────────────────────────────────────────────────────────── */

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskMediaView) self = data;
  g_autofree char *path = desk_files_get_finish (DESK_FILES (source), result, NULL);
  if (self->root != NULL)
    update (self); /* a failure stands in the state */
}

static void
on_action_clicked (DeskMediaView *self)
{
  DeskFiles *files = get_files (self);
  const DeskFileState *state
      = files != NULL ? desk_files_look (files, get_attachment (self)) : NULL;
  if (state == NULL)
    return;
  if (state->phase == DESK_FILE_WAITING || state->phase == DESK_FILE_FETCHING)
    desk_files_cancel (files, get_attachment (self));
  else
    desk_files_get_async (files, self->message, get_attachment (self), NULL, on_fetched,
                          g_object_ref (self));
}

static void
on_save_clicked (DeskMediaView *self)
{
  desk_file_save_as (GTK_WIDGET (self), self->inbox, self->message, self->index);
}

static void
on_clicked (DeskMediaView *self)
{
  if (!can_fetch (self))
    return;
  if (self->is_picture && !self->broken && self->message->id != NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "message-file.view", "(su)", self->message->id,
                                self->index);
  else
    desk_file_open (GTK_WIDGET (self), self->inbox, self->message, self->index);
}

/* ── Building ───────────────────────────────────────────────────────────────────────────────── */

static GtkWidget *
new_button (DeskMediaView *self, GCallback clicked)
{
  GtkWidget *button = gtk_button_new ();
  gtk_widget_add_css_class (button, "pill-small");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_signal_connect_swapped (button, "clicked", clicked, self);
  return button;
}

static void
build_common (DeskMediaView *self)
{
  self->button = gtk_button_new ();
  self->details = GTK_LABEL (gtk_label_new (NULL));
  self->progress = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
  self->action = GTK_BUTTON (new_button (self, G_CALLBACK (on_action_clicked)));
  self->save = GTK_BUTTON (new_button (self, G_CALLBACK (on_save_clicked)));
  gtk_button_set_icon_name (self->save, "document-save-symbolic");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->save), _ ("Save As…"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->save), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Save As…"), -1);
  gtk_label_set_wrap (self->details, TRUE);
  gtk_label_set_max_width_chars (self->details, 30);
  gtk_widget_add_css_class (GTK_WIDGET (self->details), "caption");
  gtk_widget_add_css_class (self->button, "flat");
  gtk_widget_add_css_class (self->button, "media-button");
  g_signal_connect_swapped (self->button, "clicked", G_CALLBACK (on_clicked), self);
}

static void
build_picture (DeskMediaView *self)
{
  GtkWidget *wait = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *icon = gtk_image_new_from_icon_name (desk_kind_icon (self->message->kind));
  GtkWidget *overlay = gtk_overlay_new ();
  GtkWidget *frame;

  self->stack = GTK_STACK (gtk_stack_new ());
  self->picture = GTK_PICTURE (gtk_picture_new ());
  gtk_picture_set_can_shrink (self->picture, TRUE);
  gtk_image_set_pixel_size (GTK_IMAGE (icon), 32);
  gtk_widget_set_valign (wait, GTK_ALIGN_CENTER);
  gtk_widget_set_halign (GTK_WIDGET (self->action), GTK_ALIGN_CENTER);
  gtk_label_set_justify (self->details, GTK_JUSTIFY_CENTER);
  gtk_box_append (GTK_BOX (wait), icon);
  gtk_box_append (GTK_BOX (wait), GTK_WIDGET (self->details));
  gtk_box_append (GTK_BOX (wait), GTK_WIDGET (self->progress));
  gtk_stack_add_named (self->stack, gtk_label_new (NULL), "wait");
  gtk_stack_add_named (self->stack, GTK_WIDGET (self->picture), "picture");
  gtk_button_set_child (GTK_BUTTON (self->button), GTK_WIDGET (self->stack));
  gtk_overlay_set_child (GTK_OVERLAY (overlay), self->button);
  gtk_widget_set_can_target (wait, TRUE);
  gtk_box_append (GTK_BOX (wait), GTK_WIDGET (self->action));
  gtk_box_append (GTK_BOX (wait), GTK_WIDGET (self->save));
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), wait);
  gtk_widget_set_halign (wait, GTK_ALIGN_CENTER);
  self->wait = wait;
  frame = desk_picture_frame_new (overlay, get_attachment (self),
                                  self->message->kind == DESK_KIND_STICKER);
  gtk_widget_set_overflow (self->button, GTK_OVERFLOW_HIDDEN);
  self->root = frame;
}

static void
build_card (DeskMediaView *self)
{
  GtkWidget *card = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *inside = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *lines = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *title = gtk_label_new (get_title (self));
  g_autofree char *type = get_attachment (self)->mime_type != NULL
                              ? g_content_type_from_mime_type (get_attachment (self)->mime_type)
                              : NULL;
  g_autoptr (GIcon) of_type = type != NULL ? g_content_type_get_symbolic_icon (type) : NULL;
  GtkWidget *icon
      = self->message->kind == DESK_KIND_FILE && of_type != NULL
            ? gtk_image_new_from_gicon (of_type)
            : gtk_image_new_from_icon_name (desk_kind_icon (
                self->message->kind == DESK_KIND_TEXT ? DESK_KIND_FILE : self->message->kind));

  gtk_widget_add_css_class (icon, "card-icon");
  gtk_widget_set_valign (icon, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (lines, GTK_ALIGN_CENTER);
  gtk_label_set_ellipsize (GTK_LABEL (title), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (title), 30);
  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_xalign (self->details, 0);
  gtk_widget_add_css_class (title, "card-title");
  gtk_box_append (GTK_BOX (lines), title);
  gtk_box_append (GTK_BOX (lines), GTK_WIDGET (self->details));
  gtk_box_append (GTK_BOX (lines), GTK_WIDGET (self->progress));
  gtk_box_append (GTK_BOX (inside), icon);
  gtk_box_append (GTK_BOX (inside), lines);
  gtk_button_set_child (GTK_BUTTON (self->button), inside);
  gtk_widget_add_css_class (card, "message-card");
  if (self->message->kind == DESK_KIND_VOICE || self->message->kind == DESK_KIND_AUDIO)
    {
      self->player = desk_sound_player_new (self->inbox, self->message, self->index);
      gtk_box_append (GTK_BOX (card), self->player);
    }
  gtk_box_append (GTK_BOX (card), self->button);
  gtk_box_append (GTK_BOX (card), GTK_WIDGET (self->action));
  gtk_box_append (GTK_BOX (card), GTK_WIDGET (self->save));
  self->root = card;
}

/* ── The widget ─────────────────────────────────────────────────────────────────────────────── */

static void
desk_media_view_map (GtkWidget *widget)
{
  DeskMediaView *self = DESK_MEDIA_VIEW (widget);
  GTK_WIDGET_CLASS (desk_media_view_parent_class)->map (widget);
  if (!self->watching)
    watch (self);
  else if (can_fetch (self) && !self->has_texture)
    {
      desk_files_show (get_files (self), self->message, get_attachment (self));
      update (self);
    }
}

static void
desk_media_view_dispose (GObject *object)
{
  DeskMediaView *self = DESK_MEDIA_VIEW (object);
  g_cancellable_cancel (self->cancellable);
  g_clear_pointer (&self->root, gtk_widget_unparent);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_media_view_parent_class)->dispose (object);
}

static void
desk_media_view_finalize (GObject *object)
{
  DeskMediaView *self = DESK_MEDIA_VIEW (object);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->message, desk_message_free);
  g_free (self->key);
  G_OBJECT_CLASS (desk_media_view_parent_class)->finalize (object);
}

static void
desk_media_view_class_init (DeskMediaViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = desk_media_view_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_media_view_finalize;
  GTK_WIDGET_CLASS (klass)->map = desk_media_view_map;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
desk_media_view_init (DeskMediaView *self)
{
  self->cancellable = g_cancellable_new ();
}

GtkWidget *
desk_media_view_new (DeskInbox *inbox, const DeskMessage *message, guint index)
{
  g_return_val_if_fail (index < message->attachments->len, NULL);
  DeskMediaView *self = g_object_new (DESK_TYPE_MEDIA_VIEW, NULL);
  const char *mime_type;

  self->inbox = inbox != NULL ? g_object_ref (inbox) : NULL;
  self->message = desk_message_copy (message);
  self->index = index;
  self->key = desk_attachment_cache_key (get_attachment (self));
  mime_type = get_attachment (self)->mime_type;
  self->is_picture = message->kind == DESK_KIND_IMAGE || message->kind == DESK_KIND_STICKER
                     || message->kind == DESK_KIND_VIDEO
                     || (message->kind == DESK_KIND_TEXT && mime_type != NULL
                         && g_str_has_prefix (mime_type, "image/"));
  build_common (self);
  if (self->is_picture)
    build_picture (self);
  else
    build_card (self);
  gtk_widget_set_parent (self->root, GTK_WIDGET (self));
  if (inbox != NULL)
    g_signal_connect_object (inbox, "state-changed", G_CALLBACK (watch), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}
