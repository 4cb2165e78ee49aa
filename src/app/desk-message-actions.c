/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* What a manager does with what is in a message: look at a picture, follow a place to a map, copy a
 * number. Links are made here from what a stranger wrote, so only https is followed. */

#include "app/desk-message-actions.h"

#include "app/desk-picture-viewer.h"

typedef struct
{
  GtkWidget *widget; /* borrowed: it owns this */
  DeskTimelineView *timeline;
  DeskGetInbox get_inbox;
} Context;

static const DeskMessage *
find (Context *self, const char *id)
{
  DeskTimelineEntry *entry = desk_timeline_view_find_entry (self->timeline, id);
  return entry != NULL ? desk_timeline_entry_get_message (entry) : NULL;
}

static GtkWindow *
get_window (Context *self)
{
  GtkRoot *root = gtk_widget_get_root (self->widget);
  return GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL;
}

static gboolean
can_be_viewed (const DeskMessage *message)
{
  return message != NULL && message->deleted_at_ms == 0 && message->attachments->len > 0
         && (message->kind == DESK_KIND_IMAGE || message->kind == DESK_KIND_STICKER
             || message->kind == DESK_KIND_VIDEO);
}

static void
on_view (GSimpleAction *action, GVariant *target, gpointer data)
{
  Context *self = data;
  GPtrArray *core = desk_timeline_view_get_core (self->timeline);
  DeskInbox *inbox = self->get_inbox (self->widget);
  const char *id;
  guint index;

  g_variant_get (target, "(&su)", &id, &index);
  if (core == NULL || inbox == NULL || !can_be_viewed (find (self, id)))
    return;
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_message_free);
  for (guint i = 0; i < core->len; i++)
    {
      const DeskMessage *message = desk_timeline_entry_get_message (g_ptr_array_index (core, i));
      if (can_be_viewed (message))
        g_ptr_array_add (messages, desk_message_copy (message));
    }
  gtk_window_present (desk_picture_viewer_new (get_window (self), inbox, messages, id, index));
}

static void
on_open_link (GSimpleAction *action, GVariant *target, gpointer data)
{
  Context *self = data;
  const char *link = g_variant_get_string (target, NULL);
  if (g_str_has_prefix (link, "https://"))
    gtk_show_uri (get_window (self), link, GDK_CURRENT_TIME);
}

static void
on_copy_text (GSimpleAction *action, GVariant *target, gpointer data)
{
  Context *self = data;
  gdk_clipboard_set_text (gtk_widget_get_clipboard (self->widget),
                          g_variant_get_string (target, NULL));
}

void
desk_message_actions_add (GtkWidget *widget, DeskTimelineView *timeline, DeskGetInbox get_inbox)
{
  static const GActionEntry entries[] = {
    { .name = "view", .activate = on_view, .parameter_type = "(su)" },
    { .name = "open-link", .activate = on_open_link, .parameter_type = "s" },
    { .name = "copy-text", .activate = on_copy_text, .parameter_type = "s" },
  };
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();
  Context *self = g_new0 (Context, 1);

  self->widget = widget;
  self->timeline = timeline;
  self->get_inbox = get_inbox;
  g_object_set_data_full (G_OBJECT (widget), "desk-message-actions", self, g_free);
  g_action_map_add_action_entries (G_ACTION_MAP (group), entries, G_N_ELEMENTS (entries), self);
  gtk_widget_insert_action_group (widget, "message-file", G_ACTION_GROUP (group));
}
