/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-request.h"

/* Requests and answers as values. A send is given 30 s: longer than any platform call that a level-0 server makes
 * before it answers, so that "unknown" stays rare. */

#define TIMEOUT_MS 20000
#define TIMEOUT_SEND_MS 30000
#define TIMEOUT_FILES_MS 60000
#define TIMEOUT_SNAPSHOT_MS 120000

DeskRequest *
desk_request_new (DeskRequestType type, guint64 id)
{
  DeskRequest *self = g_new0 (DeskRequest, 1);

  self->type = type;
  self->id = id;
  return self;
}

void
desk_request_free (DeskRequest *self)
{
  if (self == NULL)
    return;
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->cursor);
  g_free (self->page);
  g_clear_pointer (&self->entry, desk_outbox_entry_free);
  g_free (self);
}

const char *
desk_request_method (const DeskRequest *self)
{
  switch (self->type)
    {
    case DESK_REQUEST_SEND:
      return "POST";
    case DESK_REQUEST_READ:
    case DESK_REQUEST_UNREAD:
      return "PUT";
    default:
      return "GET";
    }
}

char *
desk_request_path (const DeskRequest *self)
{
  const char *p = self->entry ? self->entry->platform : self->platform;
  const char *u = self->entry ? self->entry->user_id : self->user_id;

  switch (self->type)
    {
    case DESK_REQUEST_CAPABILITIES:
      return desk_path_capabilities ();
    case DESK_REQUEST_HEAD:
      return desk_path_changes (NULL, 1);
    case DESK_REQUEST_CHANGES:
      return desk_path_changes (self->cursor, self->limit);
    case DESK_REQUEST_CHATS:
      return desk_path_chats (self->limit, self->page);
    case DESK_REQUEST_MESSAGES:
      return desk_path_messages_before (p, u, self->limit, self->seq);
    case DESK_REQUEST_PAGE0:
      return desk_path_messages_offset (p, u, self->limit, self->offset);
    case DESK_REQUEST_SEND:
      return desk_request_has_files (self) ? desk_path_send_file (p, u) : desk_path_send (p, u);
    case DESK_REQUEST_READ:
      return desk_path_read (p, u);
    case DESK_REQUEST_UNREAD:
      return desk_path_unread (p, u);
    }
  g_return_val_if_reached (NULL);
}

gboolean
desk_request_has_files (const DeskRequest *self)
{
  return self->type == DESK_REQUEST_SEND && self->entry->files != NULL && self->entry->files->len > 0;
}

DeskSendRequest
desk_request_send (const DeskRequest *self)
{
  return (DeskSendRequest){
    .text = self->entry->text,
    .client_message_id = self->entry->client_message_id,
    .reply_to = self->entry->reply_to,
    .is_private = self->entry->is_private,
    .seen_seq = self->entry->seen_seq,
    .force = self->entry->force,
  };
}

char *
desk_request_body (const DeskRequest *self)
{
  if (self->type == DESK_REQUEST_SEND)
    {
      DeskSendRequest send = desk_request_send (self);

      return desk_wire_send_text (&send);
    }
  if (self->type == DESK_REQUEST_READ)
    return desk_wire_read_text (self->entry->up_to_chat_seq);
  return NULL;
}

guint
desk_request_timeout_ms (const DeskRequest *self)
{
  if (self->type == DESK_REQUEST_SEND)
    return desk_request_has_files (self) ? TIMEOUT_FILES_MS : TIMEOUT_SEND_MS;
  if (self->type == DESK_REQUEST_CHATS)
    return TIMEOUT_SNAPSHOT_MS; /* level 0 answers all chats at once */
  return TIMEOUT_MS;
}

void
desk_sync_reply_free (DeskSyncReply *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->failure, desk_failure_free);
  g_free (self->error);
  g_clear_pointer (&self->capabilities, desk_capabilities_free);
  g_clear_pointer (&self->changes, desk_changes_free);
  g_clear_pointer (&self->chats, g_ptr_array_unref);
  g_clear_pointer (&self->messages, g_ptr_array_unref);
  g_clear_pointer (&self->message, desk_message_free);
  g_free (self->next);
  g_free (self);
}

static gboolean
read_node (DeskSyncReply *reply, const DeskRequest *request, JsonNode *node, GError **error)
{
  switch (request->type)
    {
    case DESK_REQUEST_HEAD:
    case DESK_REQUEST_CHANGES:
      reply->changes = desk_wire_read_changes (node, error);
      return reply->changes != NULL;
    case DESK_REQUEST_CHATS:
      reply->chats = desk_wire_read_chats (node, error);
      return reply->chats != NULL;
    case DESK_REQUEST_MESSAGES:
    case DESK_REQUEST_PAGE0:
      reply->messages = desk_wire_read_messages (node, error);
      return reply->messages != NULL;
    case DESK_REQUEST_SEND:
      return desk_wire_read_send_answer (node, &reply->message, &reply->duplicate, error);
    default:
      return TRUE;
    }
}

DeskSyncReply *
desk_sync_reply_read (const DeskRequest *request, const char *body, gsize len)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);
  g_autoptr (GError) error = NULL;

  if (request->type == DESK_REQUEST_CAPABILITIES)
    {
      reply->capabilities = desk_wire_read_capabilities (body, len, &error);
    }
  else if (request->type != DESK_REQUEST_READ && request->type != DESK_REQUEST_UNREAD)
    {
      g_autoptr (JsonNode) node = desk_wire_read_answer (body, len, &reply->next, &error);

      if (node != NULL)
        read_node (reply, request, node, &error);
    }
  if (error != NULL)
    {
      reply->outcome = DESK_OUT_GARBAGE;
      reply->error = g_strdup (error->message);
    }
  return reply;
}
