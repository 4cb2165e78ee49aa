/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* One chat. The actions "message.…" of the rows end here, because they need both the history and
 * the composer. */

#include "app/desk-chat-page.h"

#include <glib/gi18n.h>

#include "app/desk-composer.h"
#include "app/desk-delivery.h"
#include "app/desk-pick-popover.h"
#include "app/desk-presence-bar.h"
#include "app/desk-template-window.h"
#include "app/desk-message-actions.h"
#include "app/desk-timeline-view.h"
#include "common/desk-uuid.h"

struct _DeskChatPage
{
  GtkBox parent_instance;

  AdwHeaderBar *header;
  AdwWindowTitle *title;
  GtkButton *back_button;
  GtkToggleButton *panel_button;
  GtkMenuButton *menu_button;
  GtkBox *chat_buttons;
  GtkStack *resolve_stack;
  DeskTimelineView *timeline;
  DeskComposer *composer;
  DeskPresenceBar *presence_bar;

  DeskInbox *inbox;
  DeskChatItem *item;
  guint tick_source;
  gint64 told_stale; /* local_id of the held back reply whose reason was shown */
};

G_DEFINE_FINAL_TYPE (DeskChatPage, desk_chat_page, GTK_TYPE_BOX)

/* ── What is shown ──────────────────────────────────────────────────────────────────────────── */

static void
update_title (DeskChatPage *self)
{
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  const char *platform = desk_inbox_platform_title (self->inbox, chat->platform);
  const char *handle = chat->messenger_name;
  g_autofree char *subtitle = NULL;

  if (desk_chat_item_get_typing (self->item))
    subtitle = g_strdup (_ ("typing…"));
  else if (handle != NULL && *handle != '\0' && g_strcmp0 (handle, chat->user_name) != 0)
    subtitle = g_strdup_printf ("%s · %s", platform, handle);
  else
    subtitle = g_strdup (platform);
  adw_window_title_set_title (self->title, desk_chat_item_get_name (self->item));
  adw_window_title_set_subtitle (self->title, subtitle);
  gtk_widget_set_visible (GTK_WIDGET (self->resolve_stack), chat->is_level2);
  gtk_stack_set_visible_child_name (self->resolve_stack,
                                    chat->state == DESK_CHAT_STATE_OPEN ? "resolve" : "reopen");
}

static void
on_item_changed (DeskChatPage *self)
{
  update_title (self);
  desk_timeline_view_check_read (self->timeline);
}

static void
on_store_changed (DeskChatPage *self, const DeskStoreChange *change)
{
  gboolean ours = change->everything || change->outbox;
  for (guint i = 0; !ours && change->chats != NULL && i < change->chats->len; i++)
    ours = self->item != NULL
           && g_str_equal (g_ptr_array_index (change->chats, i),
                           desk_chat_item_get_key (self->item));
  if (ours && self->item != NULL)
    desk_timeline_view_refresh (self->timeline);
}

static void
on_state_changed (DeskChatPage *self)
{
  desk_composer_refresh (self->composer);
}

static void
on_read_to (DeskChatPage *self, gint64 order_key)
{
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  desk_inbox_mark_read (self->inbox, chat->platform, chat->user_id, order_key);
}

static void
on_sent (DeskChatPage *self)
{
  desk_timeline_view_stick (self->timeline);
}

/* A reply was held back: what the colleague has written meanwhile comes into view, once. */
static void
on_timeline_loaded (DeskChatPage *self)
{
  gint64 stale;
  const char *answer;
  if (!desk_timeline_view_find_conflict (self->timeline, &stale, &answer)
      || stale == self->told_stale)
    return;
  g_autofree char *id = g_strdup (answer);
  self->told_stale = stale;
  desk_timeline_view_jump (self->timeline, id, 0);
}

static gboolean
on_tick (gpointer data)
{
  DeskChatPage *self = data;
  if (self->item != NULL)
    desk_composer_refresh (self->composer);
  return G_SOURCE_CONTINUE;
}

void
desk_chat_page_set_chat (DeskChatPage *self, DeskInbox *inbox, DeskChatItem *item)
{
  DeskSync *sync;
  if (self->item == item)
    return;
  if (self->item != NULL)
    g_signal_handlers_disconnect_by_func (self->item, on_item_changed, self);
  if (self->inbox != NULL && self->inbox != inbox)
    g_signal_handlers_disconnect_by_data (self->inbox, self);
  if (inbox != NULL && self->inbox != inbox)
    {
      g_signal_connect_object (inbox, "changed", G_CALLBACK (on_store_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (inbox, "state-changed", G_CALLBACK (on_state_changed), self,
                               G_CONNECT_SWAPPED);
      g_signal_connect_object (inbox, "capabilities-changed", G_CALLBACK (on_state_changed), self,
                               G_CONNECT_SWAPPED);
    }
  desk_composer_set_chat (self->composer, inbox, item);
  desk_timeline_view_set_chat (self->timeline, inbox, item);
  desk_presence_bar_set_chat (self->presence_bar, inbox, item);
  g_set_object (&self->inbox, inbox);
  g_set_object (&self->item, item);
  sync = inbox != NULL ? desk_inbox_get_sync (inbox) : NULL;
  if (sync != NULL)
    desk_sync_set_open_chat (sync, item != NULL ? desk_chat_item_get_chat (item)->platform : NULL,
                             item != NULL ? desk_chat_item_get_chat (item)->user_id : NULL);
  if (item == NULL)
    return;
  g_signal_connect_object (item, "changed", G_CALLBACK (on_item_changed), self, G_CONNECT_SWAPPED);
  update_title (self);
}

DeskChatItem *
desk_chat_page_get_item (DeskChatPage *self)
{
  return self->item;
}

void
desk_chat_page_jump (DeskChatPage *self, const char *id, gint64 order_key)
{
  desk_timeline_view_jump (self->timeline, id, order_key);
}

void
desk_chat_page_flush (DeskChatPage *self)
{
  desk_composer_save_draft (self->composer);
}

void
desk_chat_page_check_read (DeskChatPage *self)
{
  desk_timeline_view_check_read (self->timeline);
}

/* ── Replying ───────────────────────────────────────────────────────────────────────────────── */

static void
reply_to (DeskChatPage *self, DeskTimelineEntry *entry)
{
  const DeskMessage *message = entry != NULL ? desk_timeline_entry_get_message (entry) : NULL;
  if (message == NULL || message->id == NULL || message->deleted_at_ms > 0)
    return;
  g_autofree char *writer = desk_message_writer (message, desk_chat_item_get_name (self->item),
                                                 desk_inbox_get_me (self->inbox));
  g_autofree char *text = desk_message_summary (message, 200);
  desk_composer_set_reply (self->composer, message->id, writer, text);
  desk_composer_focus (self->composer);
}

void
desk_chat_page_reply_to_current (DeskChatPage *self)
{
  if (self->item != NULL)
    reply_to (self, desk_timeline_view_get_current (self->timeline));
}

void
desk_chat_page_toggle_note (DeskChatPage *self)
{
  if (self->item != NULL)
    desk_composer_toggle_note (self->composer);
}

void
desk_chat_page_focus_composer (DeskChatPage *self)
{
  desk_composer_focus (self->composer);
}

gboolean
desk_chat_page_take_key (DeskChatPage *self, GtkEventControllerKey *controller)
{
  return self->item != NULL && desk_composer_take_key (self->composer, controller);
}

gboolean
desk_chat_page_send (DeskChatPage *self)
{
  return self->item != NULL && desk_composer_send (self->composer);
}

void
desk_chat_page_show_popover (DeskChatPage *self, GtkPopover *popover)
{
  desk_popover_show_at (popover, GTK_WIDGET (self), GTK_WIDGET (self->menu_button));
}

void
desk_chat_page_escape (DeskChatPage *self)
{
  if (self->item == NULL || desk_composer_cancel_reply (self->composer))
    return;
  desk_timeline_view_jump_newest (self->timeline);
  desk_composer_focus (self->composer);
}

void
desk_chat_page_set_folded (DeskChatPage *self, gboolean folded)
{
  gtk_widget_set_visible (GTK_WIDGET (self->back_button), folded);
  gtk_widget_set_visible (GTK_WIDGET (self->chat_buttons), !folded); /* they are in the menu, too */
  adw_header_bar_set_show_start_title_buttons (self->header, folded);
}

void
desk_chat_page_set_panel_beside (DeskChatPage *self, gboolean beside)
{
  adw_header_bar_set_show_end_title_buttons (self->header, !beside);
  gtk_toggle_button_set_active (self->panel_button, beside);
}

/* ── The actions of rows ────────────────────────────────────────────────────────────────────── */

static void
action_reply (GtkWidget *widget, const char *name, GVariant *id)
{
  DeskChatPage *self = DESK_CHAT_PAGE (widget);
  reply_to (self, desk_timeline_view_find_entry (self->timeline, g_variant_get_string (id, NULL)));
}

static void
action_jump (GtkWidget *widget, const char *name, GVariant *id)
{
  desk_timeline_view_jump (DESK_CHAT_PAGE (widget)->timeline, g_variant_get_string (id, NULL), 0);
}

static void
action_copy (GtkWidget *widget, const char *name, GVariant *id)
{
  DeskChatPage *self = DESK_CHAT_PAGE (widget);
  DeskTimelineEntry *entry
      = desk_timeline_view_find_entry (self->timeline, g_variant_get_string (id, NULL));
  if (entry != NULL)
    gdk_clipboard_set_text (gtk_widget_get_clipboard (widget),
                            desk_timeline_entry_get_message (entry)->text);
}

/* A reply that the platform refused: its text once more, as a new message. */
static void
action_resend (GtkWidget *widget, const char *name, GVariant *id)
{
  DeskChatPage *self = DESK_CHAT_PAGE (widget);
  DeskTimelineEntry *row
      = desk_timeline_view_find_entry (self->timeline, g_variant_get_string (id, NULL));
  const DeskMessage *message = row != NULL ? desk_timeline_entry_get_message (row) : NULL;
  if (message == NULL)
    return;
  g_autoptr (DeskOutboxEntry) entry
      = desk_outbox_entry_new (DESK_INTENT_SEND, message->platform, message->user_id);
  DeskBatch *batch = desk_batch_new ();
  g_free (entry->text);
  entry->text = g_strdup (message->text);
  g_free (entry->client_message_id);
  entry->client_message_id = desk_uuid7_new (desk_clock_system (), desk_random_system ());
  entry->is_private = message->is_private;
  entry->seen_seq = -2;
  entry->created_at_ms = g_get_real_time () / 1000;
  desk_batch_outbox_add (batch, entry, FALSE);
  desk_inbox_apply (self->inbox, batch);
  desk_timeline_view_stick (self->timeline);
}

static void
action_pending (GtkWidget *widget, const char *name, GVariant *local_id)
{
  DeskChatPage *self = DESK_CHAT_PAGE (widget);
  gint64 id = g_variant_get_int64 (local_id);
  DeskTimelineEntry *entry = desk_timeline_view_find_pending (self->timeline, id);
  DeskBatch *batch;

  if (entry == NULL)
    return;
  batch = desk_batch_new ();
  if (g_str_equal (name, "message.discard") || g_str_equal (name, "message.edit"))
    {
      g_autofree char *text = g_strdup (desk_timeline_entry_get_pending (entry)->text);
      desk_batch_outbox_discard (batch, id);
      if (g_str_equal (name, "message.edit"))
        desk_composer_set_text (self->composer, text);
    }
  else
    desk_batch_outbox_retry (batch, id, g_str_equal (name, "message.force"), NULL);
  desk_inbox_apply (self->inbox, batch);
}

/* An approved text: in place of a reply that was refused, or as a new message. */
static void
action_template (GtkWidget *widget, const char *name, GVariant *local_id)
{
  DeskChatPage *self = DESK_CHAT_PAGE (widget);
  DeskTimelineEntry *row
      = local_id != NULL ? desk_timeline_view_find_pending (self->timeline, g_variant_get_int64 (local_id)) : NULL;
  if (self->item == NULL || (local_id != NULL && row == NULL))
    return;
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  gtk_window_present (GTK_WINDOW (desk_template_window_new (
      GTK_WINDOW (gtk_widget_get_root (widget)), self->inbox, chat->platform, chat->user_id,
      desk_chat_item_get_name (self->item), row != NULL ? desk_timeline_entry_get_pending (row) : NULL)));
  if (row == NULL)
    desk_timeline_view_stick (self->timeline);
}

static void
desk_chat_page_dispose (GObject *object)
{
  DeskChatPage *self = DESK_CHAT_PAGE (object);
  g_clear_handle_id (&self->tick_source, g_source_remove);
  g_clear_object (&self->item);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_chat_page_parent_class)->dispose (object);
}

static void
desk_chat_page_class_init (DeskChatPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_chat_page_dispose;
  g_type_ensure (DESK_TYPE_COMPOSER);
  g_type_ensure (DESK_TYPE_PRESENCE_BAR);
  g_type_ensure (DESK_TYPE_TIMELINE_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-chat-page.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, header);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, title);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, back_button);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, panel_button);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, menu_button);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, chat_buttons);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, resolve_stack);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, timeline);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, composer);
  gtk_widget_class_bind_template_child (widget_class, DeskChatPage, presence_bar);
  gtk_widget_class_bind_template_callback (widget_class, on_read_to);
  gtk_widget_class_bind_template_callback (widget_class, on_sent);
  gtk_widget_class_bind_template_callback (widget_class, on_timeline_loaded);
  gtk_widget_class_install_action (widget_class, "message.reply", "s", action_reply);
  gtk_widget_class_install_action (widget_class, "message.jump", "s", action_jump);
  gtk_widget_class_install_action (widget_class, "message.copy", "s", action_copy);
  gtk_widget_class_install_action (widget_class, "message.resend", "s", action_resend);
  gtk_widget_class_install_action (widget_class, "message.retry", "x", action_pending);
  gtk_widget_class_install_action (widget_class, "message.again", "x", action_pending);
  gtk_widget_class_install_action (widget_class, "message.force", "x", action_pending);
  gtk_widget_class_install_action (widget_class, "message.discard", "x", action_pending);
  gtk_widget_class_install_action (widget_class, "message.edit", "x", action_pending);
  gtk_widget_class_install_action (widget_class, "message.template", "x", action_template);
  gtk_widget_class_install_action (widget_class, "message.new-template", NULL, action_template);
}

static DeskInbox *
get_inbox (GtkWidget *widget)
{
  return DESK_CHAT_PAGE (widget)->inbox;
}

static void
desk_chat_page_init (DeskChatPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  desk_message_actions_add (GTK_WIDGET (self), self->timeline, get_inbox);
  self->tick_source = g_timeout_add_seconds (30, on_tick, self);
}
