/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What platforms tell of messages that are there already: edits, deletions, reactions, statuses.
 * Whatever names a message that we do not have is no error and changes nothing. */

#include "server/service/desk-service-private.h"

#include <string.h>

#include "common/desk-text.h"

static gboolean
find_message (
    DeskWork *self, gint64 chat_row, const DeskMessage *told, DeskMessage **out, GError **error)
{
  DeskServerTx *tx = self->tx;
  g_autoptr (DeskServerMessage) stored = NULL;
  *out = NULL;
  if (told->external_id != NULL
      && !tx->ops->message_by_external (tx, chat_row, told->external_id, &stored, error))
    return FALSE;
  if (stored == NULL && told->client_message_id != NULL
      && !tx->ops->key_find_message (tx, told->client_message_id, chat_row, &stored, error))
    return FALSE;
  if (stored == NULL)
    return TRUE;
  *out = desk_service_parse_body (stored->body, error);
  return *out != NULL;
}

static gboolean
same_attachments (const DeskMessage *a, const DeskMessage *b)
{
  if (a->attachments->len != b->attachments->len)
    return FALSE;
  for (guint i = 0; i < a->attachments->len; i++)
    {
      const DeskAttachment *one = a->attachments->pdata[i], *other = b->attachments->pdata[i];
      if (g_strcmp0 (one->external_id, other->external_id) != 0
          || (one->external_id == NULL && g_strcmp0 (one->file_id, other->file_id) != 0))
        return FALSE;
    }
  return TRUE;
}

/* Platforms also tell of edits that nobody can see (a link preview was added): those change
 * nothing. */
static gboolean
apply_edit (
    DeskWork *self, gint64 chat_row, DeskMessage *message, const DeskMessage *told, GError **error)
{
  g_autofree char *text = desk_text_sanitize_utf8 (told->text != NULL ? told->text : "", -1);
  gboolean same_files = same_attachments (message, told);
  if (message->deleted_at_ms > 0 || strlen (text) > DESK_WIRE_MAX_TEXT
      || (same_files && strcmp (message->text, text) == 0))
    return TRUE;
  g_free (message->text);
  message->text = g_steal_pointer (&text);
  if (!same_files)
    {
      g_ptr_array_set_size (message->attachments, 0);
      for (guint i = 0; i < told->attachments->len; i++)
        g_ptr_array_add (message->attachments, desk_attachment_copy (told->attachments->pdata[i]));
      desk_service_name_files (self->service, message);
    }
  message->edited_at_ms = told->edited_at_ms > 0 ? told->edited_at_ms : self->now_ms;
  if (!desk_service_is_readable (message))
    return TRUE; /* over the limits: the message stays as it was */
  if (!desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error))
    return FALSE;
  if (!same_files)
    desk_work_want_files (self, message);
  return TRUE;
}

/* What became of a file that was to be fetched. */
static gboolean
apply_attachment (
    DeskWork *self, gint64 chat_row, DeskMessage *message, const DeskMessage *told, GError **error)
{
  const DeskAttachment *news = told->attachments->len > 0 ? told->attachments->pdata[0] : NULL;
  gboolean changed = FALSE;
  if (news == NULL || news->external_id == NULL)
    return TRUE;
  for (guint i = 0; i < message->attachments->len; i++)
    {
      DeskAttachment *old = message->attachments->pdata[i];
      if (g_strcmp0 (old->external_id, news->external_id) != 0
          || g_strcmp0 (old->state, "pending") != 0)
        continue;
      DeskAttachment *next = desk_attachment_copy (news);
      if (next->file_id[0] == '\0')
        {
          g_free (next->file_id);
          next->file_id = g_strdup (old->file_id);
        }
      message->attachments->pdata[i] = next;
      desk_attachment_free (old);
      changed = TRUE;
    }
  if (!changed || !desk_service_is_readable (message))
    return TRUE;
  return desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error);
}

gboolean
desk_work_delete_message (DeskWork *self, gint64 chat_row, DeskMessage *message, GError **error)
{
  if (message->deleted_at_ms > 0)
    return TRUE;
  message->deleted_at_ms = self->now_ms;
  g_free (message->text);
  message->text = g_strdup ("");
  g_ptr_array_set_size (message->attachments, 0);
  g_ptr_array_set_size (message->reactions, 0);
  if (message->change != NULL) /* nothing is left to be changed */
    {
      g_autoptr (DeskServerJobRow) job = NULL;
      if (!self->tx->ops->job_find (self->tx, chat_row, message->chat_seq, TRUE, &job, error)
          || (job != NULL && !self->tx->ops->job_delete_id (self->tx, job->id, error)))
        return FALSE;
      g_clear_pointer (&message->change, desk_change_free);
    }
  return desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_DELETED, error);
}

static gboolean
apply_reaction (
    DeskWork *self, gint64 chat_row, DeskMessage *message, const DeskMessage *told, GError **error)
{
  const char *by = told->sender_id;
  if (by == NULL && told->reactions->len > 0)
    by = ((DeskReaction *)told->reactions->pdata[0])->by;
  if (by == NULL)
    by = told->user_id;
  g_autoptr (GPtrArray) next = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_reaction_free);
  GString *before = g_string_new (NULL), *after = g_string_new (NULL);
  for (guint i = 0; i < message->reactions->len; i++)
    {
      const DeskReaction *reaction = message->reactions->pdata[i];
      if (g_strcmp0 (reaction->by, by) == 0)
        g_string_append_printf (before, "%s\n", reaction->emoji);
      else
        g_ptr_array_add (next, desk_reaction_new (reaction->emoji, reaction->by));
    }
  for (guint i = 0; i < told->reactions->len && next->len < 100; i++)
    {
      const DeskReaction *reaction = told->reactions->pdata[i];
      g_string_append_printf (after, "%s\n", reaction->emoji);
      g_ptr_array_add (next, desk_reaction_new (reaction->emoji, by));
    }
  gboolean same = g_string_equal (before, after);
  g_string_free (before, TRUE);
  g_string_free (after, TRUE);
  if (same || message->deleted_at_ms > 0)
    return TRUE;
  g_ptr_array_unref (message->reactions);
  message->reactions = g_steal_pointer (&next);
  return desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error);
}

static gboolean
apply_status (
    DeskWork *self, gint64 chat_row, DeskMessage *message, const DeskMessage *told, GError **error)
{
  if (message->direction != DESK_DIRECTION_OUTGOING || message->is_private
      || told->status == DESK_STATUS_NONE)
    return TRUE;
  if (message->external_id == NULL && told->external_id != NULL)
    message->external_id = g_strdup (told->external_id);
  gint64 at = told->created_at_ms > 0 ? told->created_at_ms : self->now_ms;
  gboolean changed;
  if (!desk_work_set_status (self, chat_row, message, told->status, at, told->error.code,
                             told->error.message, told->error.retryable, &changed, error))
    return FALSE;
  /* The platform has it: a job that still waits would send it again. */
  if (changed && message->status >= DESK_STATUS_SENT && message->status <= DESK_STATUS_READ)
    return self->tx->ops->job_delete (self->tx, chat_row, message->chat_seq, error);
  return TRUE;
}

/* A platform that tells a message instead of a time means its place in the chat: our clock and the
 * platform's may differ. */
static gboolean
apply_read_up_to (DeskWork *self, gint64 chat_row, const DeskMessage *told, GError **error)
{
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (DeskMessage) last = NULL;
  const gint64 at = told->created_at_ms > 0 ? told->created_at_ms : self->now_ms;
  gint64 until = at;
  const DeskStatus status
      = told->status == DESK_STATUS_DELIVERED ? DESK_STATUS_DELIVERED : DESK_STATUS_READ;
  guint before = 1u << DESK_STATUS_SENT;
  if (status == DESK_STATUS_READ)
    before |= 1u << DESK_STATUS_DELIVERED;
  if (told->external_id != NULL)
    {
      if (!find_message (self, chat_row, told, &last, error)
          || (last == NULL
              && !desk_work_find_part (self, chat_row, told->external_id, &last, NULL, error)))
        return FALSE;
      if (last == NULL)
        return TRUE;
      until = last->created_at_ms;
    }
  if (!self->tx->ops->messages_with_status (self->tx, chat_row, before, until, &list, error))
    return FALSE;
  for (guint i = 0; i < list->len; i++)
    {
      g_autoptr (DeskMessage) message
          = desk_service_parse_body (((DeskServerMessage *)list->pdata[i])->body, error);
      if (message == NULL
          || !desk_work_set_status (self, chat_row, message, status, at, NULL, NULL, FALSE, NULL,
                                    error))
        return FALSE;
    }
  return TRUE;
}

gboolean
desk_work_apply_change (DeskWork *self,
                        const DeskInbound *inbound,
                        DeskInboundItem *item,
                        DeskServerChat *chat,
                        GError **error)
{
  g_autoptr (DeskMessage) message = NULL;
  const DeskMessage *told = item->message;
  gboolean done;
  if (item->type == DESK_INBOUND_READ_UP_TO)
    return apply_read_up_to (self, chat->row, told, error);
  if (item->type == DESK_INBOUND_CHAT_ID_CHANGED)
    return item->new_user_id == NULL
           || desk_work_rename_chat (self, chat, item->new_user_id, error);
  if (!desk_work_change_part (self, item, chat->row, &done, error))
    return FALSE;
  if (done)
    return TRUE;
  if (!find_message (self, chat->row, told, &message, error))
    return FALSE;
  if (message == NULL && item->type == DESK_INBOUND_REACTION && told->external_id != NULL
      && !desk_work_find_part (self, chat->row, told->external_id, &message, NULL, error))
    return FALSE;
  if (message == NULL)
    return TRUE;
  switch (item->type)
    {
    case DESK_INBOUND_EDIT:
      return apply_edit (self, chat->row, message, told, error);
    case DESK_INBOUND_ATTACHMENT:
      return apply_attachment (self, chat->row, message, told, error);
    case DESK_INBOUND_DELETE:
      return desk_work_delete_message (self, chat->row, message, error);
    case DESK_INBOUND_REACTION:
      return apply_reaction (self, chat->row, message, told, error);
    case DESK_INBOUND_STATUS:
      return apply_status (self, chat->row, message, told, error);
    default:
      return TRUE;
    }
}
