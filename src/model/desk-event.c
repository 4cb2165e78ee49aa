/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* What the backend tells, as one value. Members that a type does not use are NULL or 0. */

#include "model/desk-event.h"

#include <string.h>

#include "model/desk-words.h"

static const char *const type_words[] = {
  [DESK_EVENT_NEW_MESSAGE] = "new_message",
  [DESK_EVENT_MESSAGE_STATUS] = "message_status",
  [DESK_EVENT_MESSAGE_UPDATED] = "message_updated",
  [DESK_EVENT_MESSAGE_DELETED] = "message_deleted",
  [DESK_EVENT_CHAT_UPDATED] = "chat_updated",
  [DESK_EVENT_CHAT_TRIMMED] = "chat_trimmed",
  [DESK_EVENT_CHAT_ERASED] = "chat_erased",
  [DESK_EVENT_READ] = "read",
  [DESK_EVENT_CANNED_UPDATED] = "canned_updated",
  [DESK_EVENT_NOTIFICATION] = "notification",
  [DESK_EVENT_CHAT_MUTED] = "chat_muted",
  [DESK_EVENT_PROFILE_UPDATED] = "profile_updated",
  [DESK_EVENT_HIDDEN] = "hidden",
  [DESK_EVENT_UNKNOWN] = "unknown",
  [DESK_EVENT_HELLO] = "hello",
  [DESK_EVENT_TYPING] = "typing",
  [DESK_EVENT_PRESENCE] = "presence",
  [DESK_EVENT_HEAD] = "head",
  [DESK_EVENT_READ_RECEIPT] = "read_receipt",
};

const char *
desk_event_type_to_string (DeskEventType type)
{
  return desk_words_to_string (type_words, G_N_ELEMENTS (type_words), (guint)type);
}

DeskEventType
desk_event_type_from_string (const char *text)
{
  guint value;
  if (!desk_words_from_string (type_words, G_N_ELEMENTS (type_words), text, &value))
    return DESK_EVENT_UNKNOWN;
  return (DeskEventType)value;
}

DeskEvent *
desk_event_new (DeskEventType type)
{
  DeskEvent *self = g_new0 (DeskEvent, 1);
  self->type = type;
  return self;
}

static DeskHello *
hello_copy (const DeskHello *self)
{
  DeskHello *copy = g_new (DeskHello, 1);
  *copy = *self;
  copy->epoch = g_strdup (self->epoch);
  copy->head = self->head != NULL ? desk_cursor_copy (self->head) : NULL;
  return copy;
}

DeskEvent *
desk_event_copy (const DeskEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskEvent *copy = g_new (DeskEvent, 1);
  *copy = *self;
  copy->message = self->message != NULL ? desk_message_copy (self->message) : NULL;
  copy->chat = self->chat != NULL ? desk_chat_copy (self->chat) : NULL;
  copy->profile = self->profile != NULL ? desk_profile_copy (self->profile) : NULL;
  copy->platform = g_strdup (self->platform);
  copy->user_id = g_strdup (self->user_id);
  copy->username = g_strdup (self->username);
  copy->presence = g_strdup (self->presence);
  copy->head = self->head != NULL ? desk_cursor_copy (self->head) : NULL;
  copy->hello = self->hello != NULL ? hello_copy (self->hello) : NULL;
  copy->data = g_strdup (self->data);
  return copy;
}

void
desk_hello_free (DeskHello *self)
{
  if (self == NULL)
    return;
  g_free (self->epoch);
  desk_cursor_free (self->head);
  g_free (self);
}

void
desk_event_free (DeskEvent *self)
{
  if (self == NULL)
    return;
  desk_message_free (self->message);
  desk_chat_free (self->chat);
  desk_profile_free (self->profile);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->username);
  g_free (self->presence);
  desk_cursor_free (self->head);
  desk_hello_free (self->hello);
  g_free (self->data);
  g_free (self);
}
