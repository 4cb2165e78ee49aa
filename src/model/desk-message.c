/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* A message and its parts as plain values.
 * Invariants: platform, user_id and text are never NULL; the arrays are never NULL and own their
 * elements. */

#include "model/desk-message.h"

static gpointer
copy_attachment (gconstpointer src, gpointer data)
{
  return desk_attachment_copy (src);
}

static gpointer
copy_reaction (gconstpointer src, gpointer data)
{
  const DeskReaction *reaction = src;
  return desk_reaction_new (reaction->emoji, reaction->by);
}

static gpointer
copy_status_change (gconstpointer src, gpointer data)
{
  const DeskStatusChange *change = src;
  return desk_status_change_new (change->status, change->at_ms, change->code, change->message);
}

static GPtrArray *
copy_array (GPtrArray *array, GCopyFunc copy, GDestroyNotify free_element)
{
  GPtrArray *result = g_ptr_array_new_with_free_func (free_element);
  if (array == NULL)
    return result;
  for (guint i = 0; i < array->len; i++)
    g_ptr_array_add (result, copy (g_ptr_array_index (array, i), NULL));
  return result;
}

DeskMessage *
desk_message_new (const char *platform, const char *user_id)
{
  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  DeskMessage *self = g_new0 (DeskMessage, 1);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->text = g_strdup ("");
  self->attachments = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_attachment_free);
  self->reactions = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_reaction_free);
  self->status_history = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_status_change_free);
  return self;
}

DeskMessage *
desk_message_copy (const DeskMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskMessage *copy = g_new (DeskMessage, 1);
  *copy = *self;
  copy->id = g_strdup (self->id);
  copy->platform = g_strdup (self->platform);
  copy->user_id = g_strdup (self->user_id);
  copy->chat_id = g_strdup (self->chat_id);
  copy->text = g_strdup (self->text);
  copy->attachments
      = copy_array (self->attachments, copy_attachment, (GDestroyNotify)desk_attachment_free);
  copy->user_name = g_strdup (self->user_name);
  copy->messenger_name = g_strdup (self->messenger_name);
  copy->client_message_id = g_strdup (self->client_message_id);
  copy->sender_id = g_strdup (self->sender_id);
  copy->sender_name = g_strdup (self->sender_name);
  copy->reply_to = self->reply_to != NULL ? desk_reply_to_copy (self->reply_to) : NULL;
  copy->reactions = copy_array (self->reactions, copy_reaction, (GDestroyNotify)desk_reaction_free);
  copy->status_history = copy_array (self->status_history, copy_status_change,
                                     (GDestroyNotify)desk_status_change_free);
  copy->error.code = g_strdup (self->error.code);
  copy->error.message = g_strdup (self->error.message);
  copy->external_id = g_strdup (self->external_id);
  copy->template = desk_template_use_copy (self->template);
  copy->change = desk_change_copy (self->change);
  return copy;
}

void
desk_message_free (DeskMessage *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->chat_id);
  g_free (self->text);
  g_clear_pointer (&self->attachments, g_ptr_array_unref);
  g_free (self->user_name);
  g_free (self->messenger_name);
  g_free (self->client_message_id);
  g_free (self->sender_id);
  g_free (self->sender_name);
  desk_reply_to_free (self->reply_to);
  g_clear_pointer (&self->reactions, g_ptr_array_unref);
  g_clear_pointer (&self->status_history, g_ptr_array_unref);
  g_free (self->error.code);
  g_free (self->error.message);
  g_free (self->external_id);
  desk_template_use_free (self->template);
  desk_change_free (self->change);
  g_free (self);
}

DeskReplyTo *
desk_reply_to_new (const char *id, gint64 chat_seq, const char *sender, const char *text)
{
  DeskReplyTo *self = g_new0 (DeskReplyTo, 1);
  self->id = g_strdup (id);
  self->chat_seq = chat_seq;
  self->sender = g_strdup (sender);
  self->text = g_strdup (text);
  return self;
}

DeskReplyTo *
desk_reply_to_copy (const DeskReplyTo *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return desk_reply_to_new (self->id, self->chat_seq, self->sender, self->text);
}

void
desk_reply_to_free (DeskReplyTo *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->sender);
  g_free (self->text);
  g_free (self);
}

DeskReaction *
desk_reaction_new (const char *emoji, const char *by)
{
  DeskReaction *self = g_new0 (DeskReaction, 1);
  self->emoji = g_strdup (emoji);
  self->by = g_strdup (by);
  return self;
}

void
desk_reaction_free (DeskReaction *self)
{
  if (self == NULL)
    return;
  g_free (self->emoji);
  g_free (self->by);
  g_free (self);
}

DeskStatusChange *
desk_status_change_new (DeskStatus status, gint64 at_ms, const char *code, const char *message)
{
  DeskStatusChange *self = g_new0 (DeskStatusChange, 1);
  self->status = status;
  self->at_ms = at_ms;
  self->code = g_strdup (code);
  self->message = g_strdup (message);
  return self;
}

void
desk_status_change_free (DeskStatusChange *self)
{
  if (self == NULL)
    return;
  g_free (self->code);
  g_free (self->message);
  g_free (self);
}
