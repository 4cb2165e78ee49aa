/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* One chat of the list. The object stays the same as long as the chat is listed, whatever changes
 * in it, so that selection, focus and the row's widget survive. */

#include "app/desk-chat-item.h"

struct _DeskChatItem
{
  GObject parent_instance;

  DeskChatRow *row;
  char *key;
  gboolean typing;
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskChatItem, desk_chat_item, G_TYPE_OBJECT)

static void
desk_chat_item_finalize (GObject *object)
{
  DeskChatItem *self = DESK_CHAT_ITEM (object);
  g_clear_pointer (&self->row, desk_chat_row_free);
  g_free (self->key);
  G_OBJECT_CLASS (desk_chat_item_parent_class)->finalize (object);
}

static void
desk_chat_item_class_init (DeskChatItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_chat_item_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
desk_chat_item_init (DeskChatItem *self)
{
}

DeskChatItem *
desk_chat_item_new (DeskChatRow *row)
{
  DeskChatItem *self = g_object_new (DESK_TYPE_CHAT_ITEM, NULL);
  self->row = row;
  self->key = desk_chat_format_key (row->chat->platform, row->chat->user_id);
  return self;
}

void
desk_chat_item_replace_row (DeskChatItem *self, DeskChatRow *row)
{
  if (self->row == row)
    return;
  desk_chat_row_free (self->row);
  self->row = row;
}

void
desk_chat_item_emit_changed (DeskChatItem *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

const DeskChatRow *
desk_chat_item_get_row (DeskChatItem *self)
{
  return self->row;
}

const DeskChat *
desk_chat_item_get_chat (DeskChatItem *self)
{
  return self->row->chat;
}

const char *
desk_chat_item_get_key (DeskChatItem *self)
{
  return self->key;
}

const char *
desk_chat_item_get_name (DeskChatItem *self)
{
  const DeskChat *chat = self->row->chat;
  if (chat->user_name != NULL && *chat->user_name != '\0')
    return chat->user_name;
  if (chat->messenger_name != NULL && *chat->messenger_name != '\0')
    return chat->messenger_name;
  return chat->user_id;
}

gboolean
desk_chat_item_get_typing (DeskChatItem *self)
{
  return self->typing;
}

void
desk_chat_item_set_typing (DeskChatItem *self, gboolean typing)
{
  if (self->typing == typing)
    return;
  self->typing = typing;
  desk_chat_item_emit_changed (self);
}
