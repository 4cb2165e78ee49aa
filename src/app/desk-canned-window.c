/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Canned replies: a list, and a form for one of them. They belong to the whole team, so a change is made at the server
 * at once or not at all; what was typed stays in the form when it is refused. */

#include "app/desk-canned-window.h"

#include <glib/gi18n.h>

#include "common/desk-text.h"
#include "common/desk-uuid.h"

struct _DeskCannedWindow
{
  AdwWindow parent_instance;

  AdwToastOverlay *toasts;
  GtkStack *stack;
  GtkStack *list_stack;
  GtkListBox *list;
  GtkStack *start_stack;
  GtkStack *end_stack;
  GtkButton *save_button;
  GtkButton *delete_button;
  AdwEntryRow *shortcut_row;
  AdwEntryRow *title_row;
  GtkTextView *text_view;

  DeskInbox *inbox;
  DeskCanned *edited; /* nullable: the one in the form, as it was; NULL: a new one */
  char *new_id;       /* of the new one, so that saving twice makes one */
  GCancellable *cancellable;
  gboolean busy;
};

G_DEFINE_FINAL_TYPE (DeskCannedWindow, desk_canned_window, ADW_TYPE_WINDOW)

static char *
get_text (DeskCannedWindow *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->text_view);
  GtkTextIter start, end;
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  return g_strstrip (gtk_text_buffer_get_text (buffer, &start, &end, FALSE));
}

static void
update_form (DeskCannedWindow *self)
{
  g_autofree char *text = get_text (self);
  const char *shortcut = gtk_editable_get_text (GTK_EDITABLE (self->shortcut_row));
  gboolean valid = desk_canned_shortcut_is_valid (shortcut);
  if (*shortcut != '\0' && !valid)
    gtk_widget_add_css_class (GTK_WIDGET (self->shortcut_row), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->shortcut_row), "error");
  gtk_widget_set_sensitive (GTK_WIDGET (self->save_button), valid && *text != '\0' && !self->busy);
  gtk_widget_set_sensitive (GTK_WIDGET (self->delete_button), !self->busy);
}

static void
show_page (DeskCannedWindow *self, const char *page)
{
  gtk_stack_set_visible_child_name (self->stack, page);
  gtk_stack_set_visible_child_name (self->start_stack, page);
  gtk_stack_set_visible_child_name (self->end_stack, page);
}

static void
edit (DeskCannedWindow *self, const DeskCanned *canned)
{
  g_clear_pointer (&self->edited, desk_canned_free);
  g_clear_pointer (&self->new_id, g_free);
  if (canned != NULL)
    self->edited = desk_canned_copy (canned);
  else
    self->new_id = desk_uuid7_new (desk_clock_system (), desk_random_system ());
  gtk_editable_set_text (GTK_EDITABLE (self->shortcut_row), canned != NULL ? canned->shortcut : "");
  gtk_editable_set_text (GTK_EDITABLE (self->title_row), canned != NULL && canned->title != NULL ? canned->title : "");
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->text_view), canned != NULL ? canned->text : "", -1);
  gtk_widget_set_visible (GTK_WIDGET (self->delete_button), canned != NULL);
  update_form (self);
  show_page (self, "form");
  gtk_widget_grab_focus (GTK_WIDGET (self->shortcut_row));
}

static void
on_row_activated (DeskCannedWindow *self, GtkListBoxRow *row)
{
  edit (self, g_object_get_data (G_OBJECT (row), "canned"));
}

static void
on_new_clicked (DeskCannedWindow *self)
{
  edit (self, NULL);
}

static void
on_back_clicked (DeskCannedWindow *self)
{
  show_page (self, "list");
}

/* ── The list ───────────────────────────────────────────────────────────────────────────────── */

static void
add_row (DeskCannedWindow *self, const DeskCanned *canned)
{
  GtkWidget *row = adw_action_row_new ();
  gboolean titled = canned->title != NULL && *canned->title != '\0';
  g_autofree char *title = titled ? g_strdup_printf ("/%s · %s", canned->shortcut, canned->title)
                                  : g_strdup_printf ("/%s", canned->shortcut);
  g_autofree char *line = desk_text_preview (canned->text, 200);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), line);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 2);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), gtk_image_new_from_icon_name ("go-next-symbolic"));
  g_object_set_data_full (G_OBJECT (row), "canned", desk_canned_copy (canned), (GDestroyNotify)desk_canned_free);
  gtk_list_box_append (self->list, row);
}

static void
on_canned (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskCannedWindow) self = data;
  g_autoptr (GPtrArray) canned = desk_store_list_canned_finish (DESK_STORE (source), result, NULL);
  GtkListBoxRow *row;
  if (canned == NULL)
    return;
  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));
  for (guint i = 0; i < canned->len; i++)
    add_row (self, g_ptr_array_index (canned, i));
  gtk_stack_set_visible_child_name (self->list_stack, canned->len > 0 ? "some" : "none");
}

static void
read_canned (DeskCannedWindow *self)
{
  DeskStore *store = desk_inbox_get_store (self->inbox);
  if (store != NULL)
    desk_store_list_canned_async (store, self->cancellable, on_canned, g_object_ref (self));
}

static void
on_store_changed (DeskCannedWindow *self, const DeskStoreChange *change)
{
  if (change->everything || change->settings)
    read_canned (self);
}

/* ── Saving ─────────────────────────────────────────────────────────────────────────────────── */

static void
set_busy (DeskCannedWindow *self, gboolean busy)
{
  self->busy = busy;
  update_form (self);
}

static void
tell_error (DeskCannedWindow *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_EXISTS))
    adw_toast_overlay_add_toast (self->toasts, adw_toast_new (_ ("The shortcut is taken, or a colleague has "
                                                                 "changed this reply meanwhile")));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    adw_toast_overlay_add_toast (self->toasts, adw_toast_new (_ ("You may not change canned replies")));
  else
    adw_toast_overlay_add_toast (self->toasts, adw_toast_new (error->message));
}

static void
on_saved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskCannedWindow) self = data;
  g_autoptr (GError) error = NULL;
  gboolean saved = desk_sync_save_canned_finish (DESK_SYNC (source), result, &error);
  set_busy (self, FALSE);
  if (saved)
    show_page (self, "list");
  else
    tell_error (self, error);
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskCannedWindow) self = data;
  g_autoptr (GError) error = NULL;
  gboolean deleted = desk_sync_delete_canned_finish (DESK_SYNC (source), result, &error);
  set_busy (self, FALSE);
  if (deleted || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    show_page (self, "list");
  else
    tell_error (self, error);
}

static DeskSync *
get_sync (DeskCannedWindow *self)
{
  DeskSync *sync = desk_inbox_get_sync (self->inbox);
  if (sync == NULL || !desk_inbox_is_online (self->inbox))
    {
      adw_toast_overlay_add_toast (self->toasts,
                                   adw_toast_new (_ ("Canned replies can be changed once you are online again")));
      return NULL;
    }
  return sync;
}

static void
on_save_clicked (DeskCannedWindow *self)
{
  DeskSync *sync = get_sync (self);
  g_autofree char *text = get_text (self);
  const char *title = gtk_editable_get_text (GTK_EDITABLE (self->title_row));
  if (sync == NULL)
    return;
  g_autoptr (DeskCanned) canned
      = desk_canned_new (self->edited != NULL ? self->edited->id : self->new_id,
                         gtk_editable_get_text (GTK_EDITABLE (self->shortcut_row)), *title != '\0' ? title : NULL, text);
  set_busy (self, TRUE);
  desk_sync_save_canned_async (sync, canned, self->edited != NULL ? self->edited->rev : -1, self->cancellable, on_saved,
                               g_object_ref (self));
}

static void
on_delete_clicked (DeskCannedWindow *self)
{
  DeskSync *sync = self->edited != NULL ? get_sync (self) : NULL;
  if (sync == NULL)
    return;
  set_busy (self, TRUE);
  desk_sync_delete_canned_async (sync, self->edited->id, self->cancellable, on_deleted, g_object_ref (self));
}

static void
desk_canned_window_dispose (GObject *object)
{
  DeskCannedWindow *self = DESK_CANNED_WINDOW (object);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_canned_window_parent_class)->dispose (object);
}

static void
desk_canned_window_finalize (GObject *object)
{
  DeskCannedWindow *self = DESK_CANNED_WINDOW (object);
  g_clear_pointer (&self->edited, desk_canned_free);
  g_free (self->new_id);
  G_OBJECT_CLASS (desk_canned_window_parent_class)->finalize (object);
}

static void
desk_canned_window_class_init (DeskCannedWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_canned_window_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_canned_window_finalize;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/frontdesk/Frontdesk/ui/desk-canned-window.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, list_stack);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, list);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, start_stack);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, end_stack);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, save_button);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, delete_button);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, shortcut_row);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, title_row);
  gtk_widget_class_bind_template_child (widget_class, DeskCannedWindow, text_view);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_new_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_back_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_save_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_delete_clicked);
  gtk_widget_class_bind_template_callback (widget_class, update_form);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
desk_canned_window_init (DeskCannedWindow *self)
{
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
desk_canned_window_new (GtkWindow *parent, DeskInbox *inbox)
{
  DeskCannedWindow *self = g_object_new (DESK_TYPE_CANNED_WINDOW, "transient-for", parent, NULL);
  self->inbox = g_object_ref (inbox);
  g_signal_connect_object (inbox, "changed", G_CALLBACK (on_store_changed), self, G_CONNECT_SWAPPED);
  read_canned (self);
  return GTK_WIDGET (self);
}
