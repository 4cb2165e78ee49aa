/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include "store/desk-store-rows.h"

/* The values that the cache gives back: making, copying, freeing. Nothing here touches SQL; a value
 * that was handed out belongs to its owner and is never shared between threads by the store. */

DeskChatRow *
desk_chat_row_copy (const DeskChatRow *self)
{
  DeskChatRow *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  copy->chat = desk_chat_copy (self->chat);
  copy->draft = g_strdup (self->draft);
  copy->pending_text = g_strdup (self->pending_text);
  return copy;
}

void
desk_chat_row_free (DeskChatRow *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->chat, desk_chat_free);
  g_free (self->draft);
  g_free (self->pending_text);
  g_free (self);
}

const char *
desk_outbox_state_to_string (DeskOutboxState state)
{
  static const char *const words[] = { "queued", "sending", "unconfirmed", "failed", "stale", "needs_template" };

  g_return_val_if_fail ((guint) state < G_N_ELEMENTS (words), NULL);
  return words[state];
}

const char *
desk_intent_to_string (DeskIntent intent)
{
  static const char *const words[DESK_N_INTENTS]
      = { "send", "read", "unread", "chat", "edit", "delete", "react", "profile", "retry" };

  g_return_val_if_fail ((guint) intent < DESK_N_INTENTS, NULL);
  return words[intent];
}

DeskOutboxEntry *
desk_outbox_entry_new (DeskIntent intent, const char *platform, const char *user_id)
{
  DeskOutboxEntry *self;

  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  self = g_new0 (DeskOutboxEntry, 1);
  self->intent = intent;
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->text = g_strdup ("");
  self->seen_seq = -1;
  return self;
}

DeskOutboxEntry *
desk_outbox_entry_copy (const DeskOutboxEntry *self)
{
  DeskOutboxEntry *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  copy->client_message_id = g_strdup (self->client_message_id);
  copy->platform = g_strdup (self->platform);
  copy->user_id = g_strdup (self->user_id);
  copy->text = g_strdup (self->text);
  copy->reply_to = g_strdup (self->reply_to);
  copy->error_code = g_strdup (self->error_code);
  copy->error = g_strdup (self->error);
  copy->files = desk_staged_files_copy (self->files);
  copy->message_id = g_strdup (self->message_id);
  copy->change = self->change ? desk_chat_change_copy (self->change) : NULL;
  copy->seen = self->seen ? desk_chat_change_copy (self->seen) : NULL;
  copy->seen_text = g_strdup (self->seen_text);
  copy->profile = self->profile ? desk_profile_change_copy (self->profile) : NULL;
  copy->template_use = self->template_use ? desk_template_use_copy (self->template_use) : NULL;
  copy->details = g_strdup (self->details);
  return copy;
}

void
desk_outbox_entry_free (DeskOutboxEntry *self)
{
  if (self == NULL)
    return;
  g_free (self->client_message_id);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->text);
  g_free (self->reply_to);
  g_free (self->error_code);
  g_free (self->error);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self->message_id);
  g_clear_pointer (&self->change, desk_chat_change_free);
  g_clear_pointer (&self->seen, desk_chat_change_free);
  g_free (self->seen_text);
  g_clear_pointer (&self->profile, desk_profile_change_free);
  g_clear_pointer (&self->template_use, desk_template_use_free);
  g_free (self->details);
  g_free (self);
}

DeskDraft *
desk_draft_new (const char *platform, const char *user_id)
{
  DeskDraft *self;

  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  self = g_new0 (DeskDraft, 1);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->text = g_strdup ("");
  self->attachments = g_strdup ("[]");
  return self;
}

DeskDraft *
desk_draft_copy (const DeskDraft *self)
{
  DeskDraft *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = g_memdup2 (self, sizeof *self);
  copy->platform = g_strdup (self->platform);
  copy->user_id = g_strdup (self->user_id);
  copy->text = g_strdup (self->text);
  copy->reply_to = g_strdup (self->reply_to);
  copy->attachments = g_strdup (self->attachments);
  return copy;
}

void
desk_draft_free (DeskDraft *self)
{
  if (self == NULL)
    return;
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->text);
  g_free (self->reply_to);
  g_free (self->attachments);
  g_free (self);
}

void
desk_timeline_item_free (DeskTimelineItem *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->message, desk_message_free);
  g_clear_pointer (&self->pending, desk_outbox_entry_free);
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_free (self);
}

void
desk_timeline_page_free (DeskTimelinePage *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->items, g_ptr_array_unref);
  g_free (self);
}

void
desk_search_hit_free (DeskSearchHit *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->message, desk_message_free);
  g_free (self->chat_name);
  g_free (self->snippet);
  g_free (self);
}

void
desk_history_want_free (DeskHistoryWant *self)
{
  if (self == NULL)
    return;
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}
