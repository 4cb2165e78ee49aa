/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The viewer of pictures and videos. It works on copies of the messages, so that nothing that
 * happens in the chat meanwhile takes a picture away from under the eyes. */

#include "app/desk-picture-viewer.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"
#include "app/desk-file-open.h"
#include "app/desk-picture-loader.h"

#define MOST_SIDE 4096 /* device pixels of a decoded picture */
#define ZOOM_STEP 1.25
#define ZOOM_MOST 8.0

typedef struct
{
  const DeskMessage *message;
  guint index;
} Place;

struct _DeskPictureViewer
{
  AdwWindow parent_instance;

  DeskInbox *inbox;
  GPtrArray *messages; /* of DeskMessage */
  GArray *places;      /* of Place */
  guint at;
  double zoom; /* 0: fits */
  GCancellable *cancellable;
  GdkTexture *texture; /* nullable */

  AdwWindowTitle *title;
  GtkStack *stack; /* wait, picture, video, problem */
  GtkScrolledWindow *scrolled;
  GtkPicture *picture;
  GtkVideo *video;
  AdwStatusPage *problem;
};

G_DEFINE_FINAL_TYPE (DeskPictureViewer, desk_picture_viewer, ADW_TYPE_WINDOW)

static void show (DeskPictureViewer *self);

static const Place *
get_place (DeskPictureViewer *self)
{
  return &g_array_index (self->places, Place, self->at);
}

static const DeskAttachment *
get_attachment (const Place *place)
{
  return g_ptr_array_index (place->message->attachments, place->index);
}

static void
apply_zoom (DeskPictureViewer *self)
{
  gboolean fits = self->zoom <= 0 || self->texture == NULL;
  GtkPolicyType policy = fits ? GTK_POLICY_NEVER : GTK_POLICY_AUTOMATIC;
  gtk_scrolled_window_set_policy (self->scrolled, policy, policy);
  gtk_picture_set_can_shrink (self->picture, TRUE);
  gtk_widget_set_size_request (GTK_WIDGET (self->picture),
                               fits ? -1
                                    : (int)(gdk_texture_get_width (self->texture) * self->zoom),
                               fits ? -1
                                    : (int)(gdk_texture_get_height (self->texture) * self->zoom));
}

/* What the picture has now when it fits the window. */
static double
fitting_zoom (DeskPictureViewer *self)
{
  double width = gtk_widget_get_width (GTK_WIDGET (self->scrolled));
  double height = gtk_widget_get_height (GTK_WIDGET (self->scrolled));
  return MIN (1.0, MIN (width / gdk_texture_get_width (self->texture),
                        height / gdk_texture_get_height (self->texture)));
}

static void
tell (DeskPictureViewer *self, const char *title, const char *reason)
{
  g_autofree char *escaped = g_markup_escape_text (reason != NULL ? reason : "", -1);
  adw_status_page_set_title (self->problem, title);
  adw_status_page_set_description (self->problem, escaped);
  gtk_stack_set_visible_child_name (self->stack, "problem");
}

static void
on_decoded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskPictureViewer) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = desk_picture_load_finish (result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (texture == NULL)
    {
      tell (self, _ ("This Picture Cannot Be Shown"), error->message);
      return;
    }
  g_set_object (&self->texture, texture);
  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
  apply_zoom (self);
  gtk_stack_set_visible_child_name (self->stack, "picture");
}

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskPictureViewer) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = desk_files_get_finish (DESK_FILES (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (path == NULL)
    tell (self, _ ("It Could Not Be Fetched"), error->message);
  else if (get_place (self)->message->kind == DESK_KIND_VIDEO)
    {
      gtk_video_set_filename (self->video, path);
      gtk_stack_set_visible_child_name (self->stack, "video");
    }
  else
    desk_picture_load_async (path, MOST_SIDE, self->cancellable, on_decoded, g_object_ref (self));
}

static void
show (DeskPictureViewer *self)
{
  const Place *place = get_place (self);
  const DeskAttachment *attachment = get_attachment (place);
  DeskSync *sync = desk_inbox_get_sync (self->inbox);
  gboolean named = attachment->filename != NULL && *attachment->filename != '\0';
  const char *name = named ? attachment->filename : desk_kind_text (place->message->kind);
  /* Translators: which of the pictures of a chat this is. */
  g_autofree char *count = g_strdup_printf (_ ("%u of %u"), self->at + 1, self->places->len);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_clear_object (&self->texture);
  self->zoom = 0;
  gtk_video_set_media_stream (self->video, NULL);
  gtk_picture_set_paintable (self->picture, NULL);
  gtk_stack_set_visible_child_name (self->stack, "wait");
  adw_window_title_set_title (self->title, name);
  adw_window_title_set_subtitle (self->title, count);
  gtk_window_set_title (GTK_WINDOW (self), name);
  gtk_picture_set_alternative_text (self->picture, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->picture), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "viewer.previous", self->at > 0);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "viewer.next",
                                 self->at + 1 < self->places->len);
  if (sync != NULL)
    desk_files_get_async (desk_sync_get_files (sync), place->message, attachment, self->cancellable,
                          on_fetched, g_object_ref (self));
}

/* ── Actions ────────────────────────────────────────────────────────────────────────────────── */

static void
action_step (GtkWidget *widget, const char *name, GVariant *argument)
{
  DeskPictureViewer *self = DESK_PICTURE_VIEWER (widget);
  self->at = g_str_equal (name, "viewer.next") ? MIN (self->at + 1, self->places->len - 1)
             : self->at > 0                    ? self->at - 1
                                               : 0;
  show (self);
}

static void
action_zoom (GtkWidget *widget, const char *name, GVariant *argument)
{
  DeskPictureViewer *self = DESK_PICTURE_VIEWER (widget);
  double from = self->zoom;
  if (self->texture == NULL)
    return;
  if (from <= 0)
    from = fitting_zoom (self);
  if (g_str_equal (name, "viewer.zoom-fit"))
    self->zoom = 0;
  else
    self->zoom = CLAMP (g_str_equal (name, "viewer.zoom-in") ? from * ZOOM_STEP : from / ZOOM_STEP,
                        0.02, ZOOM_MOST);
  apply_zoom (self);
}

static void
action_save (GtkWidget *widget, const char *name, GVariant *argument)
{
  DeskPictureViewer *self = DESK_PICTURE_VIEWER (widget);
  desk_file_save_as (widget, self->inbox, get_place (self)->message, get_place (self)->index);
}

static void
action_open (GtkWidget *widget, const char *name, GVariant *argument)
{
  DeskPictureViewer *self = DESK_PICTURE_VIEWER (widget);
  desk_file_open (widget, self->inbox, get_place (self)->message, get_place (self)->index);
}

static void
action_copy (GtkWidget *widget, const char *name, GVariant *argument)
{
  DeskPictureViewer *self = DESK_PICTURE_VIEWER (widget);
  if (self->texture != NULL)
    gdk_clipboard_set_texture (gtk_widget_get_clipboard (widget), self->texture);
}

/* ── Building ───────────────────────────────────────────────────────────────────────────────── */

static GtkWidget *
new_button (const char *icon, const char *label, const char *action)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);
  gtk_widget_set_tooltip_text (button, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  -1);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  return button;
}

static void
build_header (DeskPictureViewer *self, GtkWidget *box)
{
  GtkWidget *header = adw_header_bar_new ();
  AdwHeaderBar *bar = ADW_HEADER_BAR (header);
  self->title = ADW_WINDOW_TITLE (adw_window_title_new ("", ""));
  adw_header_bar_set_title_widget (bar, GTK_WIDGET (self->title));
  adw_header_bar_pack_start (bar, new_button ("go-previous-symbolic", _ ("Previous"),
                                              "viewer.previous"));
  adw_header_bar_pack_start (bar, new_button ("go-next-symbolic", _ ("Next"), "viewer.next"));
  adw_header_bar_pack_end (bar,
                           new_button ("document-save-symbolic", _ ("Save As…"), "viewer.save"));
  adw_header_bar_pack_end (bar, new_button ("edit-copy-symbolic", _ ("Copy"), "viewer.copy"));
  adw_header_bar_pack_end (bar, new_button ("zoom-in-symbolic", _ ("Zoom In"), "viewer.zoom-in"));
  adw_header_bar_pack_end (bar,
                           new_button ("zoom-out-symbolic", _ ("Zoom Out"), "viewer.zoom-out"));
  gtk_box_append (GTK_BOX (box), header);
}

static void
build_stack (DeskPictureViewer *self, GtkWidget *box)
{
  GtkWidget *spinner = gtk_spinner_new (), *open;
  self->stack = GTK_STACK (gtk_stack_new ());
  self->scrolled = GTK_SCROLLED_WINDOW (gtk_scrolled_window_new ());
  self->picture = GTK_PICTURE (gtk_picture_new ());
  self->video = GTK_VIDEO (gtk_video_new ());
  self->problem = ADW_STATUS_PAGE (adw_status_page_new ());
  open = new_button ("", _ ("Open With Another Program"), "viewer.open");
  gtk_button_set_label (GTK_BUTTON (open), _ ("Open With Another Program"));
  gtk_widget_set_halign (open, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (open, "pill");
  adw_status_page_set_icon_name (self->problem, "image-missing-symbolic");
  adw_status_page_set_child (self->problem, open);
  gtk_spinner_set_spinning (GTK_SPINNER (spinner), TRUE);
  gtk_widget_set_size_request (spinner, 32, 32);
  gtk_widget_set_halign (spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (spinner, GTK_ALIGN_CENTER);
  gtk_video_set_autoplay (self->video, TRUE);
  gtk_widget_set_halign (GTK_WIDGET (self->picture), GTK_ALIGN_FILL);
  gtk_scrolled_window_set_child (self->scrolled, GTK_WIDGET (self->picture));
  gtk_stack_add_named (self->stack, spinner, "wait");
  gtk_stack_add_named (self->stack, GTK_WIDGET (self->scrolled), "picture");
  gtk_stack_add_named (self->stack, GTK_WIDGET (self->video), "video");
  gtk_stack_add_named (self->stack, GTK_WIDGET (self->problem), "problem");
  gtk_widget_set_vexpand (GTK_WIDGET (self->stack), TRUE);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->stack));
}

static void
desk_picture_viewer_dispose (GObject *object)
{
  DeskPictureViewer *self = DESK_PICTURE_VIEWER (object);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->texture);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_picture_viewer_parent_class)->dispose (object);
}

static void
desk_picture_viewer_finalize (GObject *object)
{
  DeskPictureViewer *self = DESK_PICTURE_VIEWER (object);
  g_clear_pointer (&self->places, g_array_unref);
  g_clear_pointer (&self->messages, g_ptr_array_unref);
  G_OBJECT_CLASS (desk_picture_viewer_parent_class)->finalize (object);
}

static void
add_key (GtkWidgetClass *klass, guint key, GdkModifierType mods, const char *action)
{
  gtk_widget_class_add_binding_action (klass, key, mods, action, NULL);
}

static void
desk_picture_viewer_class_init (DeskPictureViewerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_picture_viewer_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_picture_viewer_finalize;
  gtk_widget_class_install_action (widget_class, "viewer.previous", NULL, action_step);
  gtk_widget_class_install_action (widget_class, "viewer.next", NULL, action_step);
  gtk_widget_class_install_action (widget_class, "viewer.zoom-in", NULL, action_zoom);
  gtk_widget_class_install_action (widget_class, "viewer.zoom-out", NULL, action_zoom);
  gtk_widget_class_install_action (widget_class, "viewer.zoom-fit", NULL, action_zoom);
  gtk_widget_class_install_action (widget_class, "viewer.save", NULL, action_save);
  gtk_widget_class_install_action (widget_class, "viewer.open", NULL, action_open);
  gtk_widget_class_install_action (widget_class, "viewer.copy", NULL, action_copy);
  add_key (widget_class, GDK_KEY_Escape, 0, "window.close");
  add_key (widget_class, GDK_KEY_Left, 0, "viewer.previous");
  add_key (widget_class, GDK_KEY_Right, 0, "viewer.next");
  add_key (widget_class, GDK_KEY_plus, 0, "viewer.zoom-in");
  add_key (widget_class, GDK_KEY_plus, GDK_CONTROL_MASK, "viewer.zoom-in");
  add_key (widget_class, GDK_KEY_equal, GDK_CONTROL_MASK, "viewer.zoom-in");
  add_key (widget_class, GDK_KEY_minus, 0, "viewer.zoom-out");
  add_key (widget_class, GDK_KEY_minus, GDK_CONTROL_MASK, "viewer.zoom-out");
  add_key (widget_class, GDK_KEY_0, GDK_CONTROL_MASK, "viewer.zoom-fit");
  add_key (widget_class, GDK_KEY_s, GDK_CONTROL_MASK, "viewer.save");
  add_key (widget_class, GDK_KEY_c, GDK_CONTROL_MASK, "viewer.copy");
}

static void
desk_picture_viewer_init (DeskPictureViewer *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->places = g_array_new (FALSE, FALSE, sizeof (Place));
  build_header (self, box);
  build_stack (self, box);
  adw_window_set_content (ADW_WINDOW (self), box);
  gtk_window_set_default_size (GTK_WINDOW (self), 860, 640);
}

GtkWindow *
desk_picture_viewer_new (GtkWindow *parent,
                         DeskInbox *inbox,
                         GPtrArray *messages,
                         const char *first_id,
                         guint first_index)
{
  DeskPictureViewer *self
      = g_object_new (DESK_TYPE_PICTURE_VIEWER, "transient-for", parent, "modal", TRUE, NULL);
  self->inbox = g_object_ref (inbox);
  self->messages = messages;
  for (guint i = 0; i < messages->len; i++)
    {
      const DeskMessage *message = g_ptr_array_index (messages, i);
      for (guint n = 0; n < message->attachments->len; n++)
        {
          Place place = { message, n };
          if (g_strcmp0 (message->id, first_id) == 0 && n == first_index)
            self->at = self->places->len;
          g_array_append_val (self->places, place);
        }
    }
  if (self->places->len > 0)
    show (self);
  return GTK_WINDOW (self);
}
