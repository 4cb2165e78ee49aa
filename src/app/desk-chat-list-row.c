/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* One line of the chat list. Rows are recycled: everything that is shown is set anew by update().
 */

#include "app/desk-chat-list-row.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"
#include "app/desk-format.h"
#include "app/desk-inbox.h"
#include "common/desk-text.h"

/* Below this a customer does not wait yet. */
#define WAITING_FROM_MS (2 * 60 * 1000)

struct _DeskChatListRow
{
  GtkBox parent_instance;

  AdwAvatar *avatar;
  GtkImage *platform_image;
  GtkLabel *name_label;
  GtkImage *muted_image;
  GtkLabel *time_label;
  GtkImage *state_image;
  GtkLabel *preview_label;
  GtkLabel *waiting_label;
  GtkImage *attention_image;
  GtkLabel *unread_label;

  DeskChatItem *item;
  GSignalGroup *signals;
};

G_DEFINE_FINAL_TYPE (DeskChatListRow, desk_chat_list_row, GTK_TYPE_BOX)

static void
set_css_class (gpointer widget, const char *name, gboolean on)
{
  if (on)
    gtk_widget_add_css_class (widget, name);
  else
    gtk_widget_remove_css_class (widget, name);
}

/* ── The second line ────────────────────────────────────────────────────────────────────────── */

typedef enum
{
  PREVIEW_PLAIN,
  PREVIEW_DRAFT,
  PREVIEW_NOTE,
  PREVIEW_TYPING,
  PREVIEW_EMPTY,
} PreviewStyle;

static char *
make_preview (DeskChatItem *item, PreviewStyle *style)
{
  const DeskChatRow *row = desk_chat_item_get_row (item);
  const char *text = row->chat->last_message;

  *style = PREVIEW_PLAIN;
  if (desk_chat_item_get_typing (item))
    {
      *style = PREVIEW_TYPING;
      return g_strdup (_ ("typing…"));
    }
  if (row->pending_text != NULL && row->draft == NULL)
    {
      *style = row->pending_is_private ? PREVIEW_NOTE : PREVIEW_PLAIN;
      return g_strdup_printf (row->pending_is_private ? _ ("Note: %s") : _ ("You: %s"),
                              row->pending_text);
    }
  if (row->draft != NULL)
    {
      *style = PREVIEW_DRAFT;
      /* Translators: the beginning of a reply that was not sent yet. */
      return g_strdup_printf (_ ("Draft: %s"), row->draft);
    }
  if (text == NULL || *text == '\0')
    {
      *style = PREVIEW_EMPTY;
      return g_strdup (row->chat->last_time_ms > 0 ? _ ("Attachment") : _ ("No messages yet"));
    }
  if (row->last_is_private)
    {
      *style = PREVIEW_NOTE;
      /* Translators: an internal note that the customer does not see. */
      return g_strdup_printf (_ ("Note: %s"), text);
    }
  if (row->last_direction == DESK_DIRECTION_OUTGOING && row->chat->last_time_ms > 0)
    /* Translators: the last message of a chat was written by the business. */
    return g_strdup_printf (_ ("You: %s"), text);
  return g_strdup (text);
}

static void
update_preview (DeskChatListRow *self)
{
  PreviewStyle style;
  g_autofree char *preview = make_preview (self->item, &style);
  g_autofree char *line = desk_text_preview (preview, 120);

  gtk_label_set_text (self->preview_label, line);
  set_css_class (self->preview_label, "draft", style == PREVIEW_DRAFT);
  set_css_class (self->preview_label, "typing", style == PREVIEW_TYPING);
  set_css_class (self->preview_label, "empty", style == PREVIEW_EMPTY);
}

static const char *
state_icon (const DeskChatRow *row)
{
  if (row->draft != NULL)
    return NULL;
  if (row->pending > 0)
    return "desk-queued-symbolic";
  if (row->chat->last_time_ms == 0)
    return NULL;
  if (row->last_is_private)
    return "desk-note-symbolic";
  return row->last_direction == DESK_DIRECTION_OUTGOING ? desk_delivery_icon (row->last_status)
                                                        : NULL;
}

static void
update_state (DeskChatListRow *self)
{
  const DeskChatRow *row = desk_chat_item_get_row (self->item);
  const char *icon = desk_chat_item_get_typing (self->item) ? NULL : state_icon (row);
  const char *text
      = row->pending > 0 ? _ ("Waiting to be sent") : desk_delivery_text (row->last_status);

  gtk_widget_set_visible (GTK_WIDGET (self->state_image), icon != NULL);
  if (icon != NULL)
    {
      gtk_image_set_from_icon_name (self->state_image, icon);
      gtk_widget_set_tooltip_text (GTK_WIDGET (self->state_image),
                                   row->pending == 0 && row->last_is_private ? _ ("Internal note")
                                                                             : text);
    }
  set_css_class (self->state_image, "error",
                 row->pending == 0 && row->last_status == DESK_STATUS_FAILED);
  set_css_class (self->state_image, "accent",
                 row->pending == 0 && row->last_status == DESK_STATUS_READ);
  gtk_widget_set_visible (GTK_WIDGET (self->attention_image), row->attention > 0);
}

/* ── The rest ───────────────────────────────────────────────────────────────────────────────── */

static void
update_unread (DeskChatListRow *self)
{
  const DeskChatRow *row = desk_chat_item_get_row (self->item);
  g_autofree char *text
      = row->unread > 99 ? g_strdup ("99+") : g_strdup_printf ("%d", (int)row->unread);
  gboolean muted = row->chat->has_personal && row->chat->personal.muted;

  gtk_label_set_text (self->unread_label, text);
  gtk_widget_set_visible (GTK_WIDGET (self->unread_label), row->unread > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->muted_image), muted);
  set_css_class (self->unread_label, "muted", muted);
  set_css_class (self, "unread", row->unread > 0);
}

void
desk_chat_list_row_refresh (DeskChatListRow *self)
{
  if (self->item == NULL)
    return;
  const DeskChatRow *row = desk_chat_item_get_row (self->item);
  gint64 now_ms = g_get_real_time () / 1000;
  gint64 waited_ms = now_ms - row->chat->waiting_since_ms;
  gboolean waits = row->chat->waiting_since_ms > 0 && waited_ms >= WAITING_FROM_MS;
  g_autofree char *when
      = row->activity_ms > 0 ? desk_format_when (row->activity_ms, now_ms) : g_strdup ("");

  gtk_label_set_text (self->time_label, when);
  gtk_widget_set_visible (GTK_WIDGET (self->waiting_label), waits);
  if (waits)
    {
      g_autofree char *span = desk_format_span (waited_ms);
      /* Translators: how long a customer has waited for an answer. */
      g_autofree char *tip = g_strdup_printf (_ ("Waiting for an answer for %s"), span);
      gtk_label_set_text (self->waiting_label, span);
      gtk_widget_set_tooltip_text (GTK_WIDGET (self->waiting_label), tip);
      set_css_class (self->waiting_label, "long", waited_ms > 30 * 60 * 1000);
    }
}

char *
desk_chat_list_row_describe (DeskChatItem *item, gint64 now_ms)
{
  const DeskChatRow *row = desk_chat_item_get_row (item);
  PreviewStyle style;
  g_autofree char *preview = make_preview (item, &style);
  g_autofree char *line = desk_text_preview (preview, 120);
  g_autofree char *when
      = row->activity_ms > 0 ? desk_format_when (row->activity_ms, now_ms) : g_strdup ("");
  /* Translators: what a screen reader says of a chat: name, platform, time, last message. */
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, _ ("%s, %s, %s: %s"), desk_chat_item_get_name (item),
                          row->chat->platform, when, line);
  if (row->unread > 0)
    g_string_append_printf (text,
                            ngettext (", %d unread message", ", %d unread messages",
                                      (gulong)row->unread),
                            (int)row->unread);
  if (row->attention > 0)
    g_string_append (text, _ (", a reply needs your attention"));
  return g_string_free (text, FALSE);
}

static void
update (DeskChatListRow *self)
{
  if (self->item == NULL)
    return;
  const DeskChat *chat = desk_chat_item_get_chat (self->item);
  const char *name = desk_chat_item_get_name (self->item);
  g_autofree char *description
      = desk_chat_list_row_describe (self->item, g_get_real_time () / 1000);

  adw_avatar_set_text (self->avatar, name);
  gtk_label_set_text (self->name_label, name);
  gtk_image_set_from_icon_name (self->platform_image, desk_inbox_platform_icon (chat->platform));
  update_preview (self);
  update_state (self);
  update_unread (self);
  desk_chat_list_row_refresh (self);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, description,
                                  -1);
}

void
desk_chat_list_row_set_item (DeskChatListRow *self, DeskChatItem *item)
{
  if (!g_set_object (&self->item, item))
    return;
  g_signal_group_set_target (self->signals, item);
  update (self);
}

static void
desk_chat_list_row_dispose (GObject *object)
{
  DeskChatListRow *self = DESK_CHAT_LIST_ROW (object);
  g_clear_object (&self->signals);
  g_clear_object (&self->item);
  G_OBJECT_CLASS (desk_chat_list_row_parent_class)->dispose (object);
}

static void
desk_chat_list_row_class_init (DeskChatListRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = desk_chat_list_row_dispose;
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/frontdesk/Frontdesk/ui/desk-chat-list-row.ui");
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, avatar);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, platform_image);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, name_label);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, muted_image);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, time_label);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, state_image);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, preview_label);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, waiting_label);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, attention_image);
  gtk_widget_class_bind_template_child (widget_class, DeskChatListRow, unread_label);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
desk_chat_list_row_init (DeskChatListRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->signals = g_signal_group_new (DESK_TYPE_CHAT_ITEM);
  g_signal_group_connect_swapped (self->signals, "changed", G_CALLBACK (update), self);
}
