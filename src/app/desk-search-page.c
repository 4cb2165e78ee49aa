/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Search in place of the chat list. Every key starts a new query and cancels the one before; an
 * answer to an old query is never shown. */

#include "app/desk-search-page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/desk-chat-item.h"
#include "app/desk-format.h"

#define MOST_CHATS 8
#define MOST_HITS  100

struct _DeskSearchPage
{
  GtkBox parent_instance;

  GtkSearchEntry *entry;
  GtkStack *stack;
  GtkListBox *results;

  DeskInbox *inbox;
  GListModel *chats;
  gboolean chats_only;
  GCancellable *cancellable;
};

typedef struct
{
  char *platform;
  char *user_id;
  char *message_id; /* nullable */
  gint64 order_key;
} Target;

enum
{
  SIGNAL_HIT_ACTIVATED,
  SIGNAL_ENDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskSearchPage, desk_search_page, GTK_TYPE_BOX)

static void
target_free (gpointer data)
{
  Target *target = data;
  g_free (target->platform);
  g_free (target->user_id);
  g_free (target->message_id);
  g_free (target);
}

/* ── Results ────────────────────────────────────────────────────────────────────────────────── */

static GtkWidget *
new_label (const char *markup, const char *css_class, gboolean expand)
{
  GtkWidget *label = gtk_label_new (NULL);
  gtk_label_set_markup (GTK_LABEL (label), markup);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (label, expand);
  if (css_class != NULL)
    gtk_widget_add_css_class (label, css_class);
  return label;
}

static void
add_row (DeskSearchPage *self,
         Target *target,
         const char *name,
         const char *when,
         const char *line_markup)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *top = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *icon = gtk_image_new_from_icon_name (desk_inbox_platform_icon (target->platform));
  g_autofree char *escaped = g_markup_escape_text (name, -1);
  g_autofree char *said = g_strdup_printf ("%s, %s", name, when);

  gtk_image_set_pixel_size (GTK_IMAGE (icon), 14);
  gtk_box_append (GTK_BOX (top), icon);
  gtk_box_append (GTK_BOX (top), new_label (escaped, "chat-name", TRUE));
  gtk_box_append (GTK_BOX (top), new_label (when, "caption", FALSE));
  gtk_box_append (GTK_BOX (box), top);
  if (line_markup != NULL)
    {
      GtkWidget *line = new_label (line_markup, "search-snippet", TRUE);
      gtk_label_set_wrap (GTK_LABEL (line), TRUE);
      gtk_label_set_wrap_mode (GTK_LABEL (line), PANGO_WRAP_WORD_CHAR);
      gtk_label_set_lines (GTK_LABEL (line), 2);
      gtk_box_append (GTK_BOX (box), line);
    }
  gtk_widget_add_css_class (box, "search-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, said, -1);
  g_object_set_data_full (G_OBJECT (row), "target", target, target_free);
  gtk_list_box_append (self->results, row);
}

static void
clear_results (DeskSearchPage *self)
{
  GtkWidget *row;
  while ((row = gtk_widget_get_first_child (GTK_WIDGET (self->results))) != NULL)
    gtk_list_box_remove (self->results, row);
}

static gboolean
name_matches (DeskChatItem *item, const char *folded)
{
  g_autofree char *name = g_utf8_casefold (desk_chat_item_get_name (item), -1);
  const char *handle = desk_chat_item_get_chat (item)->messenger_name;
  g_autofree char *handle_folded = handle != NULL ? g_utf8_casefold (handle, -1) : NULL;
  return strstr (name, folded) != NULL
         || (handle_folded != NULL && strstr (handle_folded, folded) != NULL);
}

static void
add_chats (DeskSearchPage *self, const char *words, guint most)
{
  g_autofree char *folded = g_utf8_casefold (words, -1);
  guint n = g_list_model_get_n_items (self->chats), found = 0;
  for (guint i = 0; i < n && found < most; i++)
    {
      g_autoptr (DeskChatItem) item = g_list_model_get_item (self->chats, i);
      const DeskChatRow *row = desk_chat_item_get_row (item);
      if (!name_matches (item, folded))
        continue;
      Target *target = g_new0 (Target, 1);
      g_autofree char *when = row->activity_ms > 0
                                  ? desk_format_when (row->activity_ms, g_get_real_time () / 1000)
                                  : g_strdup ("");
      target->platform = g_strdup (row->chat->platform);
      target->user_id = g_strdup (row->chat->user_id);
      add_row (self, target, desk_chat_item_get_name (item), when, NULL);
      found++;
    }
}

static void
show_results (DeskSearchPage *self)
{
  GtkWidget *first = gtk_widget_get_first_child (GTK_WIDGET (self->results));
  gtk_stack_set_visible_child_name (self->stack, first != NULL ? "results" : "none");
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskSearchPage) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) hits = desk_store_search_finish (DESK_STORE (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->chats == NULL)
    return;
  clear_results (self);
  add_chats (self, gtk_editable_get_text (GTK_EDITABLE (self->entry)), MOST_CHATS);
  for (guint i = 0; hits != NULL && i < hits->len; i++)
    {
      const DeskSearchHit *hit = g_ptr_array_index (hits, i);
      Target *target = g_new0 (Target, 1);
      g_autofree char *when
          = desk_format_when (hit->message->created_at_ms, g_get_real_time () / 1000);
      g_autofree char *markup = desk_format_hit_markup (hit->snippet);
      target->platform = g_strdup (hit->message->platform);
      target->user_id = g_strdup (hit->message->user_id);
      target->message_id = g_strdup (hit->message->id);
      target->order_key = hit->order_key;
      add_row (self, target, hit->chat_name != NULL ? hit->chat_name : hit->message->user_id, when,
               markup);
    }
  show_results (self);
}

static void
on_search_changed (DeskSearchPage *self)
{
  g_autofree char *words
      = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->entry))));
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->inbox == NULL || desk_inbox_get_store (self->inbox) == NULL)
    return;
  if (*words == '\0' || self->chats_only)
    {
      clear_results (self);
      if (*words != '\0' || self->chats_only)
        add_chats (self, words, 30);
      if (*words == '\0' && !self->chats_only)
        gtk_stack_set_visible_child_name (self->stack, "hint");
      else
        show_results (self);
      return;
    }
  DeskSearchQuery query = { .words = words, .limit = MOST_HITS };
  self->cancellable = g_cancellable_new ();
  desk_store_search_async (desk_inbox_get_store (self->inbox), &query, self->cancellable, on_found,
                           g_object_ref (self));
}

/* ── Choosing ───────────────────────────────────────────────────────────────────────────────── */

static void
on_row_activated (DeskSearchPage *self, GtkListBoxRow *row)
{
  Target *target = g_object_get_data (G_OBJECT (row), "target");
  g_signal_emit (self, signals[SIGNAL_HIT_ACTIVATED], 0, target->platform, target->user_id,
                 target->message_id, target->message_id != NULL ? target->order_key : 0);
}

static void
on_entry_activated (DeskSearchPage *self)
{
  GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->results, 0);
  if (row != NULL)
    on_row_activated (self, row);
}

static void
on_stop_search (DeskSearchPage *self)
{
  g_signal_emit (self, signals[SIGNAL_ENDED], 0);
}

static gboolean
on_key_pressed (GtkEventControllerKey *controller,
                guint keyval,
                guint keycode,
                GdkModifierType state,
                gpointer data)
{
  DeskSearchPage *self = data;
  GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->results, 0);
  if (keyval != GDK_KEY_Down || row == NULL)
    return FALSE;
  gtk_widget_grab_focus (GTK_WIDGET (row));
  return TRUE;
}

void
desk_search_page_start (DeskSearchPage *self,
                        DeskInbox *inbox,
                        GListModel *chats,
                        gboolean chats_only)
{
  g_set_object (&self->inbox, inbox);
  g_set_object (&self->chats, chats);
  self->chats_only = chats_only;
  g_object_set (self->entry, "placeholder-text",
                chats_only ? _ ("Go to a chat") : _ ("Search chats and messages"), NULL);
  gtk_widget_grab_focus (GTK_WIDGET (self->entry));
  gtk_editable_select_region (GTK_EDITABLE (self->entry), 0, -1);
  on_search_changed (self);
}

static void
desk_search_page_dispose (GObject *object)
{
  DeskSearchPage *self = DESK_SEARCH_PAGE (object);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->inbox);
  g_clear_object (&self->chats);
  G_OBJECT_CLASS (desk_search_page_parent_class)->dispose (object);
}

static void
desk_search_page_class_init (DeskSearchPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_search_page_dispose;
  signals[SIGNAL_HIT_ACTIVATED]
      = g_signal_new ("hit-activated", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                      G_TYPE_STRING, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_INT64);
  signals[SIGNAL_ENDED]
      = g_signal_new ("ended", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-search-page.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskSearchPage, entry);
  gtk_widget_class_bind_template_child (widget_class, DeskSearchPage, stack);
  gtk_widget_class_bind_template_child (widget_class, DeskSearchPage, results);
  gtk_widget_class_bind_template_callback (widget_class, on_search_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_entry_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_stop_search);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
}

static void
desk_search_page_init (DeskSearchPage *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key_pressed), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self->entry), keys);
}
