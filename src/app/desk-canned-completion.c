/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The list of canned replies above the composer. It is open exactly while the line up to the cursor is a slash and a
 * word, and something fits; Escape closes it until the next change of that word. */

#include "app/desk-canned-completion.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/desk-canned-fill.h"
#include "common/desk-text.h"

#define MOST_SHOWN 8

struct _DeskCannedCompletion
{
  GtkPopover parent_instance;

  GtkTextView *view; /* borrowed: our parent holds it */
  GtkListBox *list;
  DeskInbox *inbox;
  DeskChatItem *item;
  GPtrArray *canned; /* of DeskCanned */
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (DeskCannedCompletion, desk_canned_completion, GTK_TYPE_POPOVER)

/* What stands after the slash; NULL if the line is something else. Out: from the slash to the cursor. */
static char *
get_typed (DeskCannedCompletion *self, GtkTextIter *out_start, GtkTextIter *out_end)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);
  gtk_text_buffer_get_iter_at_mark (buffer, out_end, gtk_text_buffer_get_insert (buffer));
  *out_start = *out_end;
  gtk_text_iter_set_line_offset (out_start, 0);
  g_autofree char *line = gtk_text_iter_get_text (out_start, out_end);
  if (line[0] != '/' || strpbrk (line + 1, " \t/") != NULL || !gtk_text_iter_ends_line (out_end))
    return NULL;
  return g_strdup (line + 1);
}

static char *
fill (DeskCannedCompletion *self, const char *text)
{
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  DeskCannedContext context = { .customer = desk_chat_item_get_name (self->item),
                                .manager = desk_inbox_get_my_name (self->inbox),
                                .metadata = chat->metadata };
  return desk_canned_fill (text, &context);
}

static void
insert_row (DeskCannedCompletion *self, GtkListBoxRow *row)
{
  const DeskCanned *canned = g_object_get_data (G_OBJECT (row), "canned");
  g_autofree char *text = fill (self, canned->text);
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->view);
  GtkTextIter start, end;
  g_autofree char *typed = get_typed (self, &start, &end);
  gtk_popover_popdown (GTK_POPOVER (self));
  gtk_text_buffer_begin_user_action (buffer);
  if (typed != NULL)
    gtk_text_buffer_delete (buffer, &start, &end);
  gtk_text_buffer_insert_at_cursor (buffer, text, -1);
  gtk_text_buffer_end_user_action (buffer);
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
}

static void
add_row (DeskCannedCompletion *self, const DeskCanned *canned)
{
  GtkWidget *row = gtk_list_box_row_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gboolean titled = canned->title != NULL && *canned->title != '\0';
  g_autofree char *head = titled ? g_strdup_printf ("/%s · %s", canned->shortcut, canned->title)
                                 : g_strdup_printf ("/%s", canned->shortcut);
  g_autofree char *filled = fill (self, canned->text);
  g_autofree char *line = desk_text_preview (filled, 120);
  g_autofree char *spoken = g_strdup_printf ("%s: %s", head, line);
  GtkWidget *labels[] = { gtk_label_new (head), gtk_label_new (line) };
  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      gtk_label_set_xalign (GTK_LABEL (labels[i]), 0);
      gtk_label_set_ellipsize (GTK_LABEL (labels[i]), PANGO_ELLIPSIZE_END);
      gtk_label_set_max_width_chars (GTK_LABEL (labels[i]), 50);
      gtk_widget_add_css_class (labels[i], i == 0 ? "heading" : "dim-label");
      gtk_box_append (GTK_BOX (box), labels[i]);
    }
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_object_set_data_full (G_OBJECT (row), "canned", desk_canned_copy (canned), (GDestroyNotify)desk_canned_free);
  gtk_list_box_append (self->list, row);
}

static void
clear_rows (DeskCannedCompletion *self)
{
  GtkListBoxRow *row;
  while ((row = gtk_list_box_get_row_at_index (self->list, 0)) != NULL)
    gtk_list_box_remove (self->list, GTK_WIDGET (row));
}

static void
update (DeskCannedCompletion *self)
{
  GtkTextIter start, end;
  g_autofree char *typed = self->item != NULL ? get_typed (self, &start, &end) : NULL;
  guint n = 0;

  clear_rows (self);
  for (guint rank = 4; typed != NULL && rank > 0; rank--)
    for (guint i = 0; i < self->canned->len && n < MOST_SHOWN; i++)
      {
        const DeskCanned *canned = g_ptr_array_index (self->canned, i);
        if (desk_canned_match (canned, typed) != rank)
          continue;
        add_row (self, canned);
        n++;
      }
  if (n == 0)
    {
      gtk_popover_popdown (GTK_POPOVER (self));
      return;
    }
  gtk_list_box_select_row (self->list, gtk_list_box_get_row_at_index (self->list, 0));
  if (!gtk_widget_get_visible (GTK_WIDGET (self)))
    gtk_popover_popup (GTK_POPOVER (self));
}

static void
on_canned (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskCannedCompletion) self = data;
  g_autoptr (GPtrArray) canned = desk_store_list_canned_finish (DESK_STORE (source), result, NULL);
  if (canned == NULL || self->inbox == NULL)
    return;
  g_ptr_array_unref (self->canned);
  self->canned = g_steal_pointer (&canned);
  if (gtk_widget_get_visible (GTK_WIDGET (self)))
    update (self);
}

static void
read_canned (DeskCannedCompletion *self)
{
  DeskStore *store = desk_inbox_get_store (self->inbox);
  if (store != NULL)
    desk_store_list_canned_async (store, self->cancellable, on_canned, g_object_ref (self));
}

static void
on_store_changed (DeskCannedCompletion *self, const DeskStoreChange *change)
{
  if (change->everything || change->settings)
    read_canned (self);
}

void
desk_canned_completion_set_chat (DeskCannedCompletion *self, DeskInbox *inbox, DeskChatItem *item)
{
  gtk_popover_popdown (GTK_POPOVER (self));
  g_set_object (&self->item, item);
  if (self->inbox == inbox)
    return;
  if (self->inbox != NULL)
    g_signal_handlers_disconnect_by_data (self->inbox, self);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_ptr_array_set_size (self->canned, 0);
  g_set_object (&self->inbox, inbox);
  if (inbox == NULL)
    return;
  g_signal_connect_object (inbox, "changed", G_CALLBACK (on_store_changed), self, G_CONNECT_SWAPPED);
  read_canned (self);
}

static void
walk (DeskCannedCompletion *self, int step)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (self->list);
  int at = row != NULL ? gtk_list_box_row_get_index (row) + step : 0;
  row = at >= 0 ? gtk_list_box_get_row_at_index (self->list, at) : NULL;
  if (row != NULL)
    gtk_list_box_select_row (self->list, row);
}

gboolean
desk_canned_completion_take_key (DeskCannedCompletion *self, guint keyval, GdkModifierType state)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (self->list);
  if (!gtk_widget_get_visible (GTK_WIDGET (self)) || row == NULL
      || (state & (GDK_SHIFT_MASK | GDK_CONTROL_MASK | GDK_ALT_MASK)) != 0)
    return FALSE;
  switch (keyval)
    {
    case GDK_KEY_Down:
    case GDK_KEY_Up:
      walk (self, keyval == GDK_KEY_Down ? 1 : -1);
      return TRUE;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_Tab:
      insert_row (self, row);
      return TRUE;
    case GDK_KEY_Escape:
      gtk_popover_popdown (GTK_POPOVER (self));
      return TRUE;
    default:
      return FALSE;
    }
}

static void
desk_canned_completion_dispose (GObject *object)
{
  DeskCannedCompletion *self = DESK_CANNED_COMPLETION (object);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->item);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_canned_completion_parent_class)->dispose (object);
}

static void
desk_canned_completion_finalize (GObject *object)
{
  g_ptr_array_unref (DESK_CANNED_COMPLETION (object)->canned);
  G_OBJECT_CLASS (desk_canned_completion_parent_class)->finalize (object);
}

static void
desk_canned_completion_class_init (DeskCannedCompletionClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = desk_canned_completion_dispose;
  G_OBJECT_CLASS (klass)->finalize = desk_canned_completion_finalize;
}

static void
desk_canned_completion_init (DeskCannedCompletion *self)
{
  self->canned = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_canned_free);
  self->cancellable = g_cancellable_new ();
  self->list = GTK_LIST_BOX (gtk_list_box_new ());
  gtk_widget_add_css_class (GTK_WIDGET (self->list), "pick-list");
  gtk_widget_set_size_request (GTK_WIDGET (self->list), 280, -1);
  gtk_widget_set_focusable (GTK_WIDGET (self->list), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Canned replies"), -1);
  gtk_popover_set_child (GTK_POPOVER (self), GTK_WIDGET (self->list));
  gtk_popover_set_autohide (GTK_POPOVER (self), FALSE);
  gtk_popover_set_position (GTK_POPOVER (self), GTK_POS_TOP);
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (insert_row), self, G_CONNECT_SWAPPED);
}

DeskCannedCompletion *
desk_canned_completion_new (GtkWidget *parent, GtkTextView *view)
{
  DeskCannedCompletion *self = g_object_new (DESK_TYPE_CANNED_COMPLETION, NULL);
  self->view = view;
  gtk_widget_set_parent (GTK_WIDGET (self), parent);
  g_signal_connect_object (gtk_text_view_get_buffer (view), "changed", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  return self;
}
