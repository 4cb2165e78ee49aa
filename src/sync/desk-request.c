/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <string.h>

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

/* ── Changes ────────────────────────────────────────────────────────────────────────────────── */

static const char *
change_method (DeskIntent intent)
{
  switch (intent)
    {
    case DESK_INTENT_DELETE:
      return "DELETE";
    case DESK_INTENT_REACT:
      return "PUT";
    case DESK_INTENT_RETRY:
      return "POST";
    default:
      return "PATCH";
    }
}

static char *
change_path (const DeskOutboxEntry *entry)
{
  switch (entry->intent)
    {
    case DESK_INTENT_CHAT:
      return desk_path_chat (entry->platform, entry->user_id);
    case DESK_INTENT_PROFILE:
      return desk_path_profile (entry->platform, entry->user_id);
    case DESK_INTENT_REACT:
      return desk_path_reaction (entry->message_id);
    case DESK_INTENT_RETRY:
      return desk_path_retry (entry->message_id);
    default:
      return desk_path_message (entry->message_id);
    }
}

/* Labels and "muted" cannot collide with what a colleague does, so they need no base. */
static char *
chat_change_body (const DeskOutboxEntry *entry)
{
  g_autoptr (DeskChatPatch) patch = desk_chat_patch_new ();
  const DeskChatChange *change = entry->change;

  if ((change->fields & ~DESK_CHAT_CHANGE_MUTED) != 0 && entry->base_rev > 0)
    patch->base_rev = entry->base_rev;
  patch->has_assignee = (change->fields & DESK_CHAT_CHANGE_ASSIGNEE) != 0;
  patch->assignee = g_strdup (change->assignee);
  patch->has_state = (change->fields & DESK_CHAT_CHANGE_STATE) != 0;
  patch->state = change->state;
  patch->has_snoozed_until = patch->has_state && change->snoozed_until_ms > 0;
  patch->snoozed_until_ms = change->snoozed_until_ms;
  patch->has_muted = (change->fields & DESK_CHAT_CHANGE_MUTED) != 0;
  patch->muted = change->muted;
  if (change->fields & DESK_CHAT_CHANGE_METADATA)
    patch->metadata = g_strdup (change->metadata);
  g_strfreev (patch->add_labels);
  patch->add_labels = g_strdupv (change->add_labels);
  g_strfreev (patch->remove_labels);
  patch->remove_labels = g_strdupv (change->remove_labels);
  return desk_wire_chat_patch_text (patch);
}

static char *
profile_change_body (const DeskProfileChange *change)
{
  g_autoptr (DeskProfilePatch) patch = desk_profile_patch_new ();
  const struct
  {
    DeskProfileField field;
    const char *text;
  } texts[] = {
    { DESK_PROFILE_NAME, change->name },         { DESK_PROFILE_HANDLE, change->handle },
    { DESK_PROFILE_PHONE, change->phone },       { DESK_PROFILE_LANGUAGE, change->language },
    { DESK_PROFILE_AVATAR, change->avatar },     { DESK_PROFILE_NOTE, change->note },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i].text != NULL)
      desk_profile_patch_set (patch, texts[i].field, texts[i].text);
  patch->attributes = g_strdup (change->attributes);
  patch->products = g_strdup (change->products);
  return desk_wire_profile_patch_text (patch);
}

static char *
change_body (const DeskOutboxEntry *entry)
{
  switch (entry->intent)
    {
    case DESK_INTENT_CHAT:
      return chat_change_body (entry);
    case DESK_INTENT_PROFILE:
      return profile_change_body (entry->profile);
    case DESK_INTENT_EDIT:
      return desk_wire_message_patch_text (entry->text, entry->base_rev > 0 ? entry->base_rev : DESK_WIRE_REV_NOT_TOLD);
    case DESK_INTENT_REACT:
      return desk_wire_reaction_text (entry->text);
    default:
      return NULL;
    }
}

static gboolean
read_change (DeskSyncReply *reply, DeskIntent intent, JsonNode *node, GError **error)
{
  if (intent == DESK_INTENT_CHAT)
    reply->chat = desk_wire_read_chat (node, error);
  else if (intent == DESK_INTENT_PROFILE)
    reply->profile = desk_wire_read_profile (node, error);
  else
    reply->message = desk_wire_read_message (node, error);
  return *error == NULL;
}

static JsonNode *
parse_details (const DeskFailure *failure)
{
  return failure->details ? desk_json_parse (failure->details, strlen (failure->details), DESK_WIRE_MAX_FRAME, NULL) : NULL;
}

DeskChat *
desk_request_conflict_chat (const DeskFailure *failure)
{
  g_autoptr (JsonNode) node = parse_details (failure);

  return node ? desk_wire_read_chat (node, NULL) : NULL;
}

DeskMessage *
desk_request_conflict_message (const DeskFailure *failure)
{
  g_autoptr (JsonNode) node = parse_details (failure);

  return node ? desk_wire_read_message (node, NULL) : NULL;
}

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */

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
    case DESK_REQUEST_CHANGE:
      return change_method (self->entry->intent);
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
    case DESK_REQUEST_CHANGE:
      return change_path (self->entry);
    case DESK_REQUEST_ALL_MESSAGES:
      return desk_path_all_messages (self->limit, self->page);
    case DESK_REQUEST_CANNED:
      return desk_path_canned (NULL);
    case DESK_REQUEST_MANAGERS:
      return desk_path_managers ();
    case DESK_REQUEST_PROFILE:
      return desk_path_profile (p, u);
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
    .template = self->entry->template_use,
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
  if (self->type == DESK_REQUEST_CHANGE)
    return change_body (self->entry);
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
  g_clear_pointer (&self->chat, desk_chat_free);
  g_clear_pointer (&self->profile, desk_profile_free);
  g_clear_pointer (&self->canned, g_ptr_array_unref);
  g_clear_pointer (&self->managers, g_ptr_array_unref);
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
    case DESK_REQUEST_ALL_MESSAGES:
    case DESK_REQUEST_PAGE0:
      reply->messages = desk_wire_read_messages (node, error);
      return reply->messages != NULL;
    case DESK_REQUEST_SEND:
      return desk_wire_read_send_answer (node, &reply->message, &reply->duplicate, error);
    case DESK_REQUEST_CHANGE:
      return read_change (reply, request->entry->intent, node, error);
    case DESK_REQUEST_CANNED:
      reply->canned = desk_wire_read_canned_list (node, error);
      return reply->canned != NULL;
    case DESK_REQUEST_MANAGERS:
      reply->managers = desk_wire_read_managers (node, error);
      return reply->managers != NULL;
    case DESK_REQUEST_PROFILE:
      reply->profile = desk_wire_read_profile (node, error);
      return reply->profile != NULL;
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
