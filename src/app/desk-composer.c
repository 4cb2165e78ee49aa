/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Where a reply is written. A draft belongs to its chat: it is stored within a second of typing and
 * whenever the chat is left, with its quote and whether it is a note; remote events never touch it.
 * Sending is one transaction: the outbox entry comes and the draft goes. */

#include "app/desk-composer.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/desk-canned-completion.h"
#include "app/desk-attach-strip.h"
#include "app/desk-format.h"
#include "common/desk-text.h"
#include "common/desk-uuid.h"

#define DRAFT_DELAY_MS 700
#define WINDOW_WARN_MS (60 * 60 * 1000) /* the time for free replies is nearly over */

struct _DeskComposer
{
  GtkBox parent_instance;

  DeskAttachStrip *strip;
  GtkButton *attach_button;
  GtkRevealer *reply_revealer;
  GtkLabel *reply_sender;
  GtkLabel *reply_text;
  GtkTextView *text_view;
  GtkTextBuffer *buffer;
  GtkLabel *placeholder;
  GtkToggleButton *note_button;
  GtkLabel *note_label;
  GtkMenuButton *emoji_button;
  GtkLabel *hint_label;
  GtkLabel *counter_label;
  GtkButton *send_button;
  GtkButton *template_button;
  DeskCannedCompletion *completion;
  GtkEmojiChooser *emoji_chooser; /* nullable: made when first asked for */

  GSettings *settings;
  DeskInbox *inbox;
  DeskChatItem *item;
  char *reply_to;   /* nullable message id */
  gboolean loading; /* the text is set by us */
  gboolean touched; /* the manager has changed the draft since it was stored */
  guint draft_source;
  GCancellable *cancellable; /* of reading the draft */
};

enum
{
  SIGNAL_SENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskComposer, desk_composer, GTK_TYPE_BOX)

static char *
get_text (DeskComposer *self)
{
  GtkTextIter start, end;
  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  return gtk_text_buffer_get_text (self->buffer, &start, &end, FALSE);
}

static gboolean
is_note (DeskComposer *self)
{
  return gtk_toggle_button_get_active (self->note_button);
}

/* ── The draft ──────────────────────────────────────────────────────────────────────────────── */

void
desk_composer_save_draft (DeskComposer *self)
{
  g_clear_handle_id (&self->draft_source, g_source_remove);
  if (!self->touched || self->item == NULL || desk_inbox_get_store (self->inbox) == NULL)
    return;
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  g_autoptr (DeskDraft) draft = desk_draft_new (chat->platform, chat->user_id);
  DeskBatch *batch = desk_batch_new ();
  g_free (draft->text);
  draft->text = get_text (self);
  draft->reply_to = g_strdup (self->reply_to);
  draft->is_private = is_note (self);
  g_free (draft->attachments);
  draft->attachments = desk_attach_strip_to_json (self->strip);
  draft->updated_at_ms = g_get_real_time () / 1000;
  desk_batch_draft (batch, draft);
  self->touched = FALSE;
  desk_inbox_apply (self->inbox, batch);
}

static gboolean
on_draft_due (gpointer data)
{
  DeskComposer *self = data;
  self->draft_source = 0;
  desk_composer_save_draft (self);
  return G_SOURCE_REMOVE;
}

/* Not put off by the next key: what is typed is stored within a second even of one who never stops.
 */
static void
touch (DeskComposer *self)
{
  if (self->loading)
    return;
  self->touched = TRUE;
  if (self->draft_source == 0)
    self->draft_source = g_timeout_add (DRAFT_DELAY_MS, on_draft_due, self);
}

static void
set_contents (DeskComposer *self, const char *text, gboolean note)
{
  self->loading = TRUE;
  gtk_text_buffer_begin_irreversible_action (self->buffer);
  gtk_text_buffer_set_text (self->buffer, text, -1);
  gtk_text_buffer_end_irreversible_action (self->buffer);
  gtk_toggle_button_set_active (self->note_button, note);
  self->loading = FALSE;
}

static void
on_draft_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskComposer) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskDraft) draft = desk_store_get_draft_finish (DESK_STORE (source), result, &error);

  /* whoever has typed meanwhile is right */
  if (draft == NULL || self->touched || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || self->item == NULL
      || g_strcmp0 (draft->user_id, desk_chat_item_get_chat (self->item)->user_id) != 0
      || g_strcmp0 (draft->platform, desk_chat_item_get_chat (self->item)->platform) != 0)
    return;
  set_contents (self, draft->text, draft->is_private);
  desk_attach_strip_load (self->strip, draft->attachments);
  desk_composer_refresh (self);
  if (draft->reply_to != NULL)
    {
      self->loading = TRUE;
      desk_composer_set_reply (self, draft->reply_to, _ ("Reply"), _ ("to an earlier message"));
      self->loading = FALSE;
    }
}

/* ── What is shown ──────────────────────────────────────────────────────────────────────────── */

static const DeskPlatform *
get_platform (DeskComposer *self)
{
  return self->item != NULL
             ? desk_inbox_find_platform (self->inbox,
                                         desk_chat_item_get_chat (self->item)->platform)
             : NULL;
}

static gboolean
window_is_closed (DeskComposer *self)
{
  gint64 expires_ms
      = self->item != NULL ? desk_chat_item_get_chat (self->item)->window_expires_at_ms : 0;
  return expires_ms > 0 && expires_ms <= desk_inbox_now_ms (self->inbox);
}

static char *
make_hint (DeskComposer *self)
{
  gint64 expires_ms = desk_chat_item_get_chat (self->item)->window_expires_at_ms;
  if (is_note (self))
    return g_strdup ("");
  if (window_is_closed (self))
    return g_strdup (_ ("The time for free replies is over: the customer must write first"));
  if (!desk_inbox_is_online (self->inbox))
    return g_strdup (_ ("Will be sent when back online"));
  if (expires_ms > 0)
    {
      g_autofree char *span = desk_format_span (expires_ms - desk_inbox_now_ms (self->inbox));
      /* Translators: how much longer the platform lets the business answer freely, for example "21 h". */
      return g_strdup_printf (_ ("Window closes in %s"), span);
    }
  return g_strdup ("");
}

/* Free replies: soon over, or over and a template is what is left. */
static void
update_window (DeskComposer *self)
{
  gint64 expires_ms = desk_chat_item_get_chat (self->item)->window_expires_at_ms;
  gboolean closed = window_is_closed (self) && !is_note (self);
  gboolean soon = expires_ms > 0 && !is_note (self) && expires_ms - desk_inbox_now_ms (self->inbox) < WINDOW_WARN_MS;
  gtk_widget_set_visible (GTK_WIDGET (self->template_button), closed);
  if (soon)
    gtk_widget_add_css_class (GTK_WIDGET (self->hint_label), "warning");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->hint_label), "warning");
}

static void
update_counter (DeskComposer *self, const char *text, gboolean *out_fits)
{
  const DeskPlatform *platform = is_note (self) ? NULL : get_platform (self);
  int used, left;
  gboolean fits = desk_composer_fits (platform, text, &used, &left);
  gboolean shown = platform != NULL && platform->text_limit > 0
                   && (gint64)used * 10 > (gint64)platform->text_limit * 7;

  gtk_widget_set_visible (GTK_WIDGET (self->counter_label), shown);
  if (shown)
    {
      g_autofree char *count = g_strdup_printf ("%d / %u", used, platform->text_limit);
      gtk_label_set_text (self->counter_label, count);
    }
  if (fits)
    gtk_widget_remove_css_class (GTK_WIDGET (self->counter_label), "error");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self->counter_label), "error");
  *out_fits = fits;
}

void
desk_composer_refresh (DeskComposer *self)
{
  if (self->item == NULL)
    return;
  g_autofree char *text = get_text (self);
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  g_autofree char *hint = make_hint (self);
  const char *reason = NULL;
  gboolean fits;

  update_counter (self, text, &fits);
  update_window (self);
  gtk_label_set_text (self->hint_label, hint);
  gtk_widget_set_visible (GTK_WIDGET (self->hint_label), *hint != '\0');
  gtk_widget_set_visible (GTK_WIDGET (self->placeholder), *text == '\0');
  gtk_widget_set_sensitive (GTK_WIDGET (self->attach_button),
                            desk_attach_strip_get_reason (self->strip) == NULL);
  if (desk_attach_strip_is_busy (self->strip))
    reason = _ ("A file is still being copied");
  else if (*stripped == '\0' && desk_attach_strip_get_count (self->strip) == 0)
    reason = _ ("Write something first");
  else if (!fits)
    reason = _ ("Too long for this platform: shorten the message");
  else if (window_is_closed (self) && !is_note (self))
    reason = _ ("The time for free replies is over");
  gtk_widget_set_sensitive (GTK_WIDGET (self->send_button), reason == NULL);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->send_button), reason != NULL   ? reason
                                                               : is_note (self) ? _ ("Add Note")
                                                                                : _ ("Send"));
}

static void
update_note_mode (DeskComposer *self)
{
  gboolean note = is_note (self);
  gtk_widget_set_visible (GTK_WIDGET (self->note_label), note);
  if (note)
    gtk_widget_add_css_class (GTK_WIDGET (self), "note");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "note");
  gtk_label_set_text (self->placeholder, note ? _ ("Write an internal note") : _ ("Write a reply"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->text_view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  note ? _ ("Internal note") : _ ("Reply"), -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->send_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  note ? _ ("Add Note") : _ ("Send"), -1);
  desk_composer_refresh (self);
}

/* ── What is done ───────────────────────────────────────────────────────────────────────────── */

static void
clear (DeskComposer *self)
{
  set_contents (self, "", FALSE);
  self->touched = FALSE;
  g_clear_handle_id (&self->draft_source, g_source_remove);
  self->loading = TRUE;
  desk_composer_cancel_reply (self);
  self->loading = FALSE;
  desk_composer_refresh (self);
}

static void
send (DeskComposer *self)
{
  if (self->item == NULL || !gtk_widget_get_sensitive (GTK_WIDGET (self->send_button)))
    return;
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  g_autoptr (DeskOutboxEntry) entry
      = desk_outbox_entry_new (DESK_INTENT_SEND, chat->platform, chat->user_id);
  DeskBatch *batch = desk_batch_new ();
  g_autofree char *text = get_text (self);

  g_free (entry->text);
  entry->text = g_strdup (g_strstrip (text));
  g_free (entry->client_message_id);
  entry->client_message_id = desk_uuid7_new (desk_clock_system (), desk_random_system ());
  g_free (entry->reply_to);
  entry->reply_to = g_strdup (self->reply_to);
  entry->is_private = is_note (self);
  g_clear_pointer (&entry->files, g_ptr_array_unref);
  entry->files = desk_attach_strip_take (self->strip);
  entry->seen_seq = -2; /* the store stamps what this cache has seen */
  entry->created_at_ms = g_get_real_time () / 1000;
  desk_batch_outbox_add (batch, entry, TRUE);
  clear (self);
  desk_inbox_apply (self->inbox, batch);
  g_signal_emit (self, signals[SIGNAL_SENT], 0);
}

gboolean
desk_composer_send (DeskComposer *self)
{
  gboolean can = self->item != NULL && gtk_widget_get_sensitive (GTK_WIDGET (self->send_button));
  if (can)
    send (self);
  return can;
}

static void
on_changed (DeskComposer *self)
{
  desk_composer_refresh (self);
  if (self->loading || self->item == NULL)
    return;
  touch (self);
  DeskSync *sync = desk_inbox_get_sync (self->inbox);
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  if (sync != NULL && !is_note (self) && gtk_text_buffer_get_char_count (self->buffer) > 0)
    desk_sync_typing (sync, chat->platform, chat->user_id);
}

static void
on_files_changed (DeskComposer *self)
{
  desk_composer_refresh (self);
  touch (self);
}

static void
on_paste (DeskComposer *self)
{
  if (desk_attach_strip_paste (self->strip))
    g_signal_stop_emission_by_name (self->text_view, "paste-clipboard");
}

static void
on_attach_clicked (DeskComposer *self)
{
  desk_attach_strip_choose (self->strip);
}

static gboolean
on_key_pressed (GtkEventControllerKey *controller,
                guint keyval,
                guint keycode,
                GdkModifierType state,
                gpointer data)
{
  DeskComposer *self = data;
  gboolean enter
      = keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter || keyval == GDK_KEY_ISO_Enter;
  gboolean enter_sends = g_settings_get_boolean (self->settings, "enter-sends");
  GdkModifierType held = state & (GDK_SHIFT_MASK | GDK_CONTROL_MASK | GDK_ALT_MASK);

  if (desk_canned_completion_take_key (self->completion, keyval, state))
    return TRUE;
  if (enter && ((held == 0 && enter_sends) || (held == GDK_CONTROL_MASK && !enter_sends)))
    {
      if (gtk_text_view_im_context_filter_keypress (self->text_view,
                                                    gtk_event_controller_get_current_event (
                                                        GTK_EVENT_CONTROLLER (controller))))
        return TRUE; /* an input method was composing */
      send (self);
      return TRUE;
    }
  return FALSE;
}

static void
on_note_toggled (DeskComposer *self)
{
  update_note_mode (self);
  touch (self);
  if (!self->loading)
    desk_composer_focus (self); /* what is typed next is the note, not another toggling */
}

void
desk_composer_toggle_note (DeskComposer *self)
{
  gtk_toggle_button_set_active (self->note_button, !is_note (self));
  desk_composer_focus (self);
}

static void
on_cancel_reply_clicked (DeskComposer *self)
{
  desk_composer_cancel_reply (self);
}

gboolean
desk_composer_cancel_reply (DeskComposer *self)
{
  gboolean was = self->reply_to != NULL;
  g_clear_pointer (&self->reply_to, g_free);
  gtk_revealer_set_reveal_child (self->reply_revealer, FALSE);
  if (was)
    touch (self);
  return was;
}

void
desk_composer_set_reply (DeskComposer *self,
                         const char *message_id,
                         const char *sender,
                         const char *text)
{
  g_autofree char *line = desk_text_preview (text, 200);
  g_free (self->reply_to);
  self->reply_to = g_strdup (message_id);
  gtk_label_set_text (self->reply_sender, sender);
  gtk_label_set_text (self->reply_text, line);
  gtk_revealer_set_reveal_child (self->reply_revealer, TRUE);
  touch (self);
}

void
desk_composer_set_text (DeskComposer *self, const char *text)
{
  gtk_text_buffer_set_text (self->buffer, text, -1);
  desk_composer_focus (self);
}

void
desk_composer_focus (DeskComposer *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->text_view));
}

gboolean
desk_composer_take_key (DeskComposer *self, GtkEventControllerKey *controller)
{
  desk_composer_focus (self);
  return gtk_event_controller_key_forward (controller, GTK_WIDGET (self->text_view));
}

static void
on_emoji_picked (GtkEmojiChooser *chooser, const char *emoji, gpointer data)
{
  DeskComposer *self = data;
  gtk_text_buffer_insert_at_cursor (self->buffer, emoji, -1);
  desk_composer_focus (self);
}

/* The chooser is heavy, so it comes with its first use. */
static void
create_emoji_chooser (GtkMenuButton *button, gpointer data)
{
  DeskComposer *self = data;
  if (self->emoji_chooser != NULL)
    return;
  self->emoji_chooser = GTK_EMOJI_CHOOSER (gtk_emoji_chooser_new ());
  g_signal_connect_object (self->emoji_chooser, "emoji-picked", G_CALLBACK (on_emoji_picked), self,
                           0);
  gtk_menu_button_set_popover (button, GTK_WIDGET (self->emoji_chooser));
}

void
desk_composer_insert_emoji (DeskComposer *self)
{
  gtk_menu_button_popup (self->emoji_button);
}

/* ── The chat ───────────────────────────────────────────────────────────────────────────────── */

void
desk_composer_set_chat (DeskComposer *self, DeskInbox *inbox, DeskChatItem *item)
{
  desk_composer_save_draft (self);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->item != NULL)
    g_signal_handlers_disconnect_by_func (self->item, desk_composer_refresh, self);
  g_set_object (&self->item, NULL);
  clear (self);
  g_set_object (&self->inbox, inbox);
  desk_canned_completion_set_chat (self->completion, inbox, item);
  desk_attach_strip_set_chat (self->strip, item != NULL ? inbox : NULL,
                              item != NULL ? desk_chat_item_get_chat (item)->platform : NULL);
  if (item == NULL)
    return;
  const DeskChat *chat = desk_chat_item_get_chat (item);
  self->item = g_object_ref (item);
  g_signal_connect_object (item, "changed", G_CALLBACK (desk_composer_refresh), self,
                           G_CONNECT_SWAPPED);
  self->cancellable = g_cancellable_new ();
  desk_store_get_draft_async (desk_inbox_get_store (inbox), chat->platform, chat->user_id,
                              self->cancellable, on_draft_read, g_object_ref (self));
  update_note_mode (self);
}

static void
desk_composer_dispose (GObject *object)
{
  DeskComposer *self = DESK_COMPOSER (object);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->draft_source, g_source_remove);
  g_clear_object (&self->item);
  g_clear_object (&self->inbox);
  g_clear_object (&self->settings);
  if (self->completion != NULL)
    gtk_widget_unparent (GTK_WIDGET (self->completion));
  self->completion = NULL;
  g_clear_pointer (&self->reply_to, g_free);
  G_OBJECT_CLASS (desk_composer_parent_class)->dispose (object);
}

static void
desk_composer_class_init (DeskComposerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_composer_dispose;
  g_type_ensure (DESK_TYPE_ATTACH_STRIP);
  signals[SIGNAL_SENT] = g_signal_new ("sent", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-composer.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, strip);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, attach_button);
  gtk_widget_class_bind_template_callback (widget_class, on_files_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_attach_clicked);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, reply_revealer);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, reply_sender);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, reply_text);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, text_view);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, buffer);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, placeholder);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, note_button);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, note_label);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, emoji_button);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, hint_label);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, counter_label);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, send_button);
  gtk_widget_class_bind_template_child (widget_class, DeskComposer, template_button);
  gtk_widget_class_bind_template_callback (widget_class, on_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_note_toggled);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel_reply_clicked);
  gtk_widget_class_bind_template_callback (widget_class, send);
}

static void
desk_composer_init (DeskComposer *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  self->settings = g_settings_new (APPLICATION_ID);
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key_pressed), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self->text_view), keys);
  self->completion = desk_canned_completion_new (GTK_WIDGET (self), self->text_view);
  g_signal_connect_object (self->text_view, "paste-clipboard", G_CALLBACK (on_paste), self,
                           G_CONNECT_SWAPPED);
  desk_attach_strip_take_drops (self->strip, GTK_WIDGET (self));
  gtk_menu_button_set_create_popup_func (self->emoji_button, create_emoji_chooser, self, NULL);
}
