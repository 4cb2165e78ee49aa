/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Messages within a transaction: storing one moves everything that its chat shows of it, in one
 * place for replies, notes, customers' messages and echoes.
 *
 * Invariants: chat_seq is dense from 1, in_seq is dense over incoming messages; the chat row and
 * its messages change in the same transaction; chat_updated of a new chat precedes its first
 * message. */

#include <string.h>

#include "common/desk-text.h"
#include "common/desk-uuid.h"
#include "server/service/desk-service-private.h"

#define PREVIEW_CHARS 200

DeskMessage *
desk_service_parse_body (const char *body, GError **error)
{
  g_autoptr (JsonNode) node = desk_json_parse (body, strlen (body), DESK_WIRE_MAX_FRAME, error);
  return node != NULL ? desk_wire_read_message (node, error) : NULL;
}

char *
desk_service_write_body (const DeskMessage *message, gsize *out_len)
{
  GString *text = g_string_sized_new (1024);
  DeskJsonWriter w;
  if (message->attachments->len > 0)
    g_string_append_c (text, DESK_LINKS_MARK);
  desk_json_writer_init (&w, text);
  desk_wire_write_message (&w, message);
  *out_len = text->len;
  return g_string_free (text, FALSE);
}

/* The codec refuses what is over its limits; one such message in the log would stop every client.
 */
gboolean
desk_service_is_readable (DeskMessage *message)
{
  gsize len;
  gint64 chat_seq = message->chat_seq;
  char *id = message->id;
  message->chat_seq = MAX (chat_seq, 1); /* without one it would be taken for level 0 */
  message->is_level2 = TRUE;
  message->id = id != NULL ? id : (char *)"new";
  g_autofree char *body = desk_service_write_body (message, &len);
  message->id = id;
  message->chat_seq = chat_seq;
  g_autoptr (DeskMessage) again = desk_service_parse_body (body, NULL);
  return again != NULL;
}

char *
desk_service_preview (const DeskMessage *message)
{
  if (message->deleted_at_ms > 0)
    return g_strdup ("");
  if (message->text[0] != '\0')
    return desk_text_preview (message->text, PREVIEW_CHARS);
  if (message->attachments->len > 0)
    {
      const DeskAttachment *first = message->attachments->pdata[0];
      if (first->filename != NULL && first->filename[0] != '\0')
        return desk_text_preview (first->filename, PREVIEW_CHARS);
    }
  return g_strdup_printf ("[%s]", desk_kind_to_string (message->kind));
}

/* Moves what the chat shows of a new message. Returns whether something changed that the message
 * itself does not tell. */
static gboolean
fold_into_chat (DeskWork *self, DeskServerChat *server_chat, DeskMessage *message)
{
  DeskChat *chat = server_chat->chat;
  gboolean changed = FALSE;
  message->chat_seq = ++chat->last_chat_seq;
  if (message->is_private)
    return FALSE;
  g_free (chat->last_message);
  chat->last_message = desk_service_preview (message);
  chat->last_time_ms = MAX (chat->last_time_ms, message->created_at_ms);
  server_chat->preview_seq = message->chat_seq;

  if (message->direction == DESK_DIRECTION_OUTGOING)
    {
      if (message->sender != DESK_SENDER_MANAGER)
        return FALSE;
      server_chat->last_reply_seq = message->chat_seq;
      changed = chat->waiting_since_ms != 0;
      chat->waiting_since_ms = 0;
      return changed;
    }
  message->in_seq = ++chat->last_in_seq;
  if (chat->waiting_since_ms == 0)
    {
      chat->waiting_since_ms = message->created_at_ms;
      changed = TRUE;
    }
  if (chat->state != DESK_CHAT_STATE_OPEN)
    {
      chat->state = DESK_CHAT_STATE_OPEN;
      chat->snoozed_until_ms = 0;
      changed = TRUE;
    }
  const DeskPlatform *platform = desk_service_find_platform (self->service, chat->platform);
  if (platform != NULL && platform->window_hours > 0)
    {
      gint64 until = message->created_at_ms + platform->window_hours * G_GINT64_CONSTANT (3600000);
      changed |= until > chat->window_expires_at_ms;
      chat->window_expires_at_ms = MAX (chat->window_expires_at_ms, until);
    }
  return changed;
}

gboolean
desk_work_trim (DeskWork *self,
                DeskServerChat *chat,
                gint64 below_seq,
                gint64 before_ms,
                gint64 *out_deleted,
                GError **error)
{
  gint64 first = 0;
  *out_deleted = 0;
  if (!self->tx->ops->messages_trim (self->tx, chat->row, below_seq, before_ms, out_deleted, &first,
                                     error))
    return FALSE;
  if (first <= chat->chat->first_chat_seq)
    return TRUE;
  chat->chat->first_chat_seq = first;
  DeskEvent event = { .type = DESK_EVENT_CHAT_TRIMMED,
                      .platform = chat->chat->platform,
                      .user_id = chat->chat->user_id,
                      .first_chat_seq = first };
  return desk_work_emit (self, &event, error);
}

static gboolean
trim_if_full (DeskWork *self, DeskServerChat *chat, GError **error)
{
  guint keep = self->service->options.retention.messages_per_chat;
  gint64 below = chat->chat->last_chat_seq - keep + 1, deleted;
  if (keep == 0 || below <= chat->chat->first_chat_seq)
    return TRUE;
  return desk_work_trim (self, chat, below, 0, &deleted, error);
}

gboolean
desk_work_store_message (DeskWork *self,
                         DeskServerChat *chat,
                         DeskMessage *message,
                         const char *username,
                         const char *key,
                         const char *fingerprint,
                         gboolean chat_changed,
                         GError **error)
{
  DeskServerTx *tx = self->tx;
  gint64 key_row = 0;
  g_free (message->id);
  message->id = desk_uuid7_new (self->service->clock, self->service->random);
  message->is_level2 = TRUE;
  message->rev = 1;
  chat_changed |= fold_into_chat (self, chat, message);
  if (key != NULL
      && !tx->ops->key_insert (tx, username, key, fingerprint, chat->row, message->chat_seq,
                               self->now_ms, &key_row, error))
    return FALSE;
  gsize len;
  g_autofree char *body = desk_service_write_body (message, &len);
  if (!tx->ops->message_insert (tx, chat->row, message, body, len, self->now_ms, key_row, error))
    return FALSE;
  if (chat_changed && !desk_work_emit_chat (self, chat, error))
    return FALSE;
  return desk_work_emit_message (self, DESK_EVENT_NEW_MESSAGE, message, error)
         && trim_if_full (self, chat, error) && tx->ops->chat_update (tx, chat, error);
}

/* The chat's line follows its message. */
static gboolean
refresh_preview (DeskWork *self, gint64 chat_row, const DeskMessage *message, GError **error)
{
  g_autoptr (DeskServerChat) chat = NULL;
  if (!self->tx->ops->chat_find_row (self->tx, chat_row, &chat, error))
    return FALSE;
  if (chat == NULL || chat->preview_seq != message->chat_seq)
    return TRUE;
  g_autofree char *preview = desk_service_preview (message);
  if (g_strcmp0 (preview, chat->chat->last_message) == 0)
    return TRUE;
  g_free (chat->chat->last_message);
  chat->chat->last_message = g_steal_pointer (&preview);
  return desk_work_emit_chat (self, chat, error)
         && self->tx->ops->chat_update (self->tx, chat, error);
}

gboolean
desk_work_change_message (
    DeskWork *self, gint64 chat_row, DeskMessage *message, DeskEventType type, GError **error)
{
  message->rev++;
  gsize len;
  g_autofree char *body = desk_service_write_body (message, &len);
  if (!self->tx->ops->message_update (self->tx, chat_row, message, body, len, error)
      || !desk_work_emit_message (self, type, message, error))
    return FALSE;
  if (type == DESK_EVENT_MESSAGE_STATUS)
    return TRUE;
  return refresh_preview (self, chat_row, message, error);
}

gboolean
desk_work_set_status (DeskWork *self,
                      gint64 chat_row,
                      DeskMessage *message,
                      DeskStatus status,
                      gint64 at_ms,
                      const char *code,
                      const char *reason,
                      gboolean retryable,
                      gboolean *out_changed,
                      GError **error)
{
  gboolean changed = desk_status_may_follow (message->status, status);
  if (out_changed != NULL)
    *out_changed = changed;
  if (!changed)
    return TRUE;
  message->status = status;
  g_ptr_array_add (message->status_history, desk_status_change_new (status, at_ms, code, reason));
  g_clear_pointer (&message->error.code, g_free);
  g_clear_pointer (&message->error.message, g_free);
  message->error.retryable = FALSE;
  if (status == DESK_STATUS_FAILED || status == DESK_STATUS_UNKNOWN)
    {
      message->error.code = g_strdup (code != NULL ? code : desk_status_to_string (status));
      message->error.message = g_strdup (reason != NULL ? reason : "");
      message->error.retryable = retryable;
    }
  return desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_STATUS, error);
}

static gboolean
collect_body (const char *body, gsize len, const char *id, gpointer data)
{
  g_ptr_array_add (data, g_strndup (body, len));
  return TRUE;
}

/* Every stored body names the chat, so all of them are written again, in pieces. */
static gboolean
rename_bodies (DeskWork *self, gint64 chat_row, const char *new_user_id, GError **error)
{
  DeskServerMessagesQuery query
      = { .chat_row = chat_row, .before_seq = -1, .after_seq = 0, .limit = 500 };
  for (;;)
    {
      g_autoptr (GPtrArray) bodies = g_ptr_array_new_with_free_func (g_free);
      if (!self->tx->ops->messages_page (self->tx, &query, collect_body, bodies, error))
        return FALSE;
      if (bodies->len == 0)
        return TRUE;
      for (guint i = 0; i < bodies->len; i++)
        {
          g_autoptr (DeskMessage) message = desk_service_parse_body (bodies->pdata[i], error);
          if (message == NULL)
            return FALSE;
          g_free (message->user_id);
          message->user_id = g_strdup (new_user_id);
          gsize len;
          g_autofree char *body = desk_service_write_body (message, &len);
          query.after_seq = message->chat_seq;
          if (!self->tx->ops->message_update (self->tx, chat_row, message, body, len, error))
            return FALSE;
        }
    }
}

/* The platform moved the chat. Clients drop the old name and fetch the new one. If a chat of the
 * new name is there already, both stay. */
gboolean
desk_work_rename_chat (DeskWork *self,
                       DeskServerChat *chat,
                       const char *new_user_id,
                       GError **error)
{
  g_autoptr (DeskServerChat) other = NULL;
  if (!desk_chat_key_is_valid (chat->chat->platform, new_user_id)
      || g_strcmp0 (chat->chat->user_id, new_user_id) == 0)
    return TRUE;
  if (!self->tx->ops->chat_find (self->tx, chat->chat->platform, new_user_id, NULL, &other, error))
    return FALSE;
  if (other != NULL)
    return TRUE;
  DeskEvent erased = { .type = DESK_EVENT_CHAT_ERASED,
                       .platform = chat->chat->platform,
                       .user_id = chat->chat->user_id };
  if (!desk_work_emit (self, &erased, error)
      || !rename_bodies (self, chat->row, new_user_id, error))
    return FALSE;
  g_free (chat->chat->user_id);
  chat->chat->user_id = g_strdup (new_user_id);
  g_free (chat->chat->stream_id);
  chat->chat->stream_id = desk_chat_stream_id (chat->chat->platform, new_user_id);
  return desk_work_emit_chat (self, chat, error)
         && self->tx->ops->chat_update (self->tx, chat, error);
}
