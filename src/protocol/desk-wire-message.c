/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* A message on the wire. Reading takes both levels: a message that has a chat_seq is level 2, must
 * have an id, and only then are level 2's members looked at. Writing gives every member of level 2,
 * level 0's first. */

#include "protocol/desk-wire-private.h"

#include <string.h>

static gpointer
read_attachment (JsonNode *node, GError **error)
{
  JsonObject *obj = desk_wire_get_root (node, "attachment", error);
  if (obj == NULL)
    return NULL;
  g_autoptr (DeskAttachment) self = desk_attachment_new (NULL);
  if (!desk_wire_take_string (obj, "fileId", DESK_WIRE_MAX_ID, FALSE, &self->file_id, error)
      || !desk_wire_take_string (obj, "filename", DESK_WIRE_MAX_NAME, FALSE, &self->filename, error)
      || !desk_wire_take_string (obj, "mimeType", DESK_WIRE_MAX_WORD, FALSE, &self->mime_type,
                                 error)
      || !desk_json_get_int64 (obj, "size", -1, DESK_WIRE_MAX_INT, FALSE, &self->size, error)
      || !desk_wire_take_nonempty (obj, "url", DESK_WIRE_MAX_LINK, FALSE, &self->url, error)
      || !desk_wire_get_count (obj, "width", FALSE, &self->width, error)
      || !desk_wire_get_count (obj, "height", FALSE, &self->height, error)
      || !desk_wire_get_count (obj, "duration_ms", FALSE, &self->duration_ms, error)
      || !desk_wire_take_nonempty (obj, "sha256", DESK_WIRE_MAX_WORD, FALSE, &self->sha256, error)
      || !desk_wire_take_nonempty (obj, "state", DESK_WIRE_MAX_WORD, FALSE, &self->state, error)
      || !desk_wire_take_nonempty (obj, "external_id", DESK_WIRE_MAX_EXTERNAL, FALSE,
                                   &self->external_id, error))
    return NULL;
  return g_steal_pointer (&self);
}

static gpointer
read_reaction (JsonNode *node, GError **error)
{
  JsonObject *obj = desk_wire_get_root (node, "reaction", error);
  const char *emoji = NULL, *by = NULL;
  if (obj == NULL || !desk_json_get_string (obj, "emoji", DESK_WIRE_MAX_WORD, TRUE, &emoji, error)
      || !desk_json_get_string (obj, "by", DESK_WIRE_MAX_ID, FALSE, &by, error))
    return NULL;
  return desk_reaction_new (emoji, by);
}

/* Words that this version does not know give NONE. */
static gboolean
read_status_word (JsonObject *obj, DeskStatus *out, GError **error)
{
  const char *word = NULL;
  if (!desk_json_get_string (obj, "status", DESK_WIRE_MAX_WORD, FALSE, &word, error))
    return FALSE;
  *out = DESK_STATUS_NONE;
  desk_status_from_string (word, out);
  return TRUE;
}

static gpointer
read_status_change (JsonNode *node, GError **error)
{
  JsonObject *obj = desk_wire_get_root (node, "status change", error);
  DeskStatus status;
  gint64 at_ms = 0;
  const char *code = NULL, *message = NULL;
  if (obj == NULL || !read_status_word (obj, &status, error)
      || !desk_wire_get_time (obj, "at", FALSE, &at_ms, error)
      || !desk_json_get_string (obj, "code", DESK_WIRE_MAX_WORD, FALSE, &code, error)
      || !desk_json_get_string (obj, "message", DESK_WIRE_MAX_REASON, FALSE, &message, error))
    return NULL;
  return desk_status_change_new (status, at_ms, code, message);
}

static gboolean
read_reply_to (JsonObject *obj, DeskMessage *message, GError **error)
{
  JsonObject *reply = NULL;
  if (!desk_json_get_object (obj, "reply_to", FALSE, &reply, error))
    return FALSE;
  if (reply == NULL)
    return TRUE;
  g_autoptr (DeskReplyTo) self = desk_reply_to_new (NULL, 0, NULL, NULL);
  if (!desk_wire_take_nonempty (reply, "id", DESK_WIRE_MAX_ID, FALSE, &self->id, error)
      || !desk_wire_get_count (reply, "chat_seq", FALSE, &self->chat_seq, error)
      || !desk_wire_take_string (reply, "sender", DESK_WIRE_MAX_NAME, FALSE, &self->sender, error)
      || !desk_wire_take_string (reply, "text", DESK_WIRE_MAX_TEXT, FALSE, &self->text, error))
    {
      g_prefix_error (error, "reply_to: ");
      return FALSE;
    }
  message->reply_to = g_steal_pointer (&self);
  return TRUE;
}

static gboolean
read_message_error (JsonObject *obj, DeskMessageError *self, GError **error)
{
  JsonObject *inner = NULL;
  if (!desk_json_get_object (obj, "error", FALSE, &inner, error))
    return FALSE;
  if (inner == NULL)
    return TRUE;
  if (desk_wire_take_string (inner, "code", DESK_WIRE_MAX_WORD, TRUE, &self->code, error)
      && desk_wire_take_string (inner, "message", DESK_WIRE_MAX_REASON, FALSE, &self->message,
                                error)
      && desk_json_get_bool (inner, "retryable", FALSE, &self->retryable, error))
    return TRUE;
  g_prefix_error (error, "error: ");
  return FALSE;
}

static gboolean
read_level2_words (JsonObject *obj, DeskMessage *self, GError **error)
{
  const char *kind = NULL, *source = NULL;
  if (!desk_json_get_string (obj, "kind", DESK_WIRE_MAX_WORD, FALSE, &kind, error)
      || !desk_json_get_string (obj, "source", DESK_WIRE_MAX_WORD, FALSE, &source, error)
      || !read_status_word (obj, &self->status, error))
    return FALSE;
  if (kind != NULL && !desk_kind_from_string (kind, &self->kind))
    self->kind = DESK_KIND_UNSUPPORTED;
  desk_source_from_string (source, &self->source);
  return TRUE;
}

static gboolean
read_level2 (JsonObject *obj, DeskMessage *self, GError **error)
{
  if (self->id == NULL)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_MISSING, "id",
                           "a message with chat_seq needs it");
      return FALSE;
    }
  return desk_wire_get_count (obj, "in_seq", FALSE, &self->in_seq, error)
         && desk_wire_take_nonempty (obj, "client_message_id", DESK_WIRE_MAX_ID, FALSE,
                                     &self->client_message_id, error)
         && desk_wire_take_string (obj, "sender_id", DESK_WIRE_MAX_ID, FALSE, &self->sender_id,
                                   error)
         && desk_wire_take_string (obj, "sender_name", DESK_WIRE_MAX_NAME, FALSE,
                                   &self->sender_name, error)
         && read_level2_words (obj, self, error)
         && desk_json_get_bool (obj, "private", FALSE, &self->is_private, error)
         && read_reply_to (obj, self, error)
         && desk_wire_take_elements (obj, "reactions", read_reaction, self->reactions, error)
         && desk_wire_take_elements (obj, "status_history", read_status_change,
                                     self->status_history, error)
         && read_message_error (obj, &self->error, error)
         && desk_wire_take_nonempty (obj, "external_id", DESK_WIRE_MAX_EXTERNAL, FALSE,
                                     &self->external_id, error)
         && desk_wire_get_time (obj, "edited_at", FALSE, &self->edited_at_ms, error)
         && desk_wire_get_time (obj, "deleted_at", FALSE, &self->deleted_at_ms, error)
         && desk_wire_get_count (obj, "rev", FALSE, &self->rev, error)
         && desk_wire_read_template_use (obj, &self->template, error)
         && desk_wire_read_change (obj, &self->change, error);
}

/* A plain backend's websocket may tell no id or a zero one, which names nothing. */
static gboolean
read_id (JsonObject *obj, DeskMessage *self, GError **error)
{
  if (!desk_wire_take_string (obj, "id", DESK_WIRE_MAX_ID, FALSE, &self->id, error))
    return FALSE;
  if (self->id != NULL && strspn (self->id, "0-") == strlen (self->id)) /* a zero UUID, too */
    g_clear_pointer (&self->id, g_free);
  return TRUE;
}

static gboolean
read_level0_words (JsonObject *obj, DeskMessage *self, GError **error)
{
  const char *direction = NULL, *sender = NULL;
  if (!desk_json_get_string (obj, "direction", DESK_WIRE_MAX_WORD, TRUE, &direction, error)
      || !desk_json_get_string (obj, "sender", DESK_WIRE_MAX_WORD, TRUE, &sender, error))
    return FALSE;
  if (!desk_direction_from_string (direction, &self->direction))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "direction", "is an unknown word");
      return FALSE;
    }
  if (!desk_sender_from_string (sender, &self->sender))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "sender", "is an unknown word");
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_level0 (JsonObject *obj, DeskMessage *self, GError **error)
{
  return read_id (obj, self, error)
         && desk_wire_take_nonempty (obj, "chat_id", DESK_WIRE_MAX_ID, FALSE, &self->chat_id, error)
         && read_level0_words (obj, self, error)
         && desk_wire_take_string (obj, "text", DESK_WIRE_MAX_TEXT, FALSE, &self->text, error)
         && desk_wire_get_time (obj, "created_at", TRUE, &self->created_at_ms, error)
         && desk_wire_take_elements (obj, "attachments", read_attachment, self->attachments, error)
         && desk_wire_take_string (obj, "user_name", DESK_WIRE_MAX_NAME, FALSE, &self->user_name,
                                   error)
         && desk_wire_take_string (obj, "messenger_name", DESK_WIRE_MAX_NAME, FALSE,
                                   &self->messenger_name, error)
         && desk_wire_get_count (obj, "chat_seq", FALSE, &self->chat_seq, error);
}

DeskMessage *
desk_wire_read_message (JsonNode *node, GError **error)
{
  g_autofree char *platform = NULL, *user_id = NULL;
  JsonObject *obj = desk_wire_get_root (node, "message", error);
  if (obj == NULL || !desk_wire_take_key (obj, &platform, &user_id, error))
    return NULL;
  g_autoptr (DeskMessage) self = desk_message_new (platform, user_id);
  if (!read_level0 (obj, self, error))
    return NULL;
  self->is_level2 = self->chat_seq > 0;
  if (self->is_level2 && !read_level2 (obj, self, error))
    return NULL;
  return g_steal_pointer (&self);
}

GPtrArray *
desk_wire_read_messages (JsonNode *node, GError **error)
{
  return desk_wire_read_list (node, "messages", (DeskWireReadFunc)desk_wire_read_message,
                              (GDestroyNotify)desk_message_free, error);
}

static void
write_attachment (DeskJsonWriter *w, const DeskAttachment *self)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "fileId", self->file_id);
  desk_json_writer_member_string (w, "filename", self->filename);
  desk_json_writer_member_string (w, "mimeType", self->mime_type);
  desk_wire_write_known (w, "size", self->size, -1);
  desk_json_writer_member_string (w, "url", self->url);
  desk_wire_write_known (w, "width", self->width, 0);
  desk_wire_write_known (w, "height", self->height, 0);
  desk_wire_write_known (w, "duration_ms", self->duration_ms, 0);
  desk_json_writer_member_string (w, "sha256", self->sha256);
  /* Only a plain backend tells no state, and it shows what it has stored. */
  desk_json_writer_member_string (w, "state", self->state != NULL ? self->state : "ready");
  desk_json_writer_member_string (w, "external_id", self->external_id);
  desk_json_writer_end_object (w);
}

static void
write_attachments (DeskJsonWriter *w, const DeskMessage *self)
{
  desk_json_writer_key (w, "attachments");
  desk_json_writer_begin_array (w);
  for (guint i = 0; i < self->attachments->len; i++)
    write_attachment (w, g_ptr_array_index (self->attachments, i));
  desk_json_writer_end_array (w);
}

static void
write_level0 (DeskJsonWriter *w, const DeskMessage *self)
{
  desk_json_writer_member_string (w, "id", self->id);
  desk_wire_write_key (w, self->platform, self->user_id);
  desk_json_writer_member_string (w, "chat_id", self->chat_id);
  desk_json_writer_member_string (w, "direction", desk_direction_to_string (self->direction));
  desk_json_writer_member_string (w, "sender", desk_sender_to_string (self->sender));
  desk_json_writer_member_string (w, "text", self->text);
  desk_json_writer_key (w, "created_at");
  desk_json_writer_time_ms (w, self->created_at_ms);
  write_attachments (w, self);
  /* Level 0's riders on a live event; level 2 has sender_name instead. */
  if (self->user_name != NULL)
    desk_json_writer_member_string (w, "user_name", self->user_name);
  if (self->messenger_name != NULL)
    desk_json_writer_member_string (w, "messenger_name", self->messenger_name);
}

static void
write_reply_to (DeskJsonWriter *w, const DeskReplyTo *self)
{
  desk_json_writer_key (w, "reply_to");
  if (self == NULL)
    {
      desk_json_writer_null (w);
      return;
    }
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "id", self->id);
  desk_json_writer_member_int64 (w, "chat_seq", self->chat_seq);
  desk_json_writer_member_string (w, "sender", self->sender != NULL ? self->sender : "");
  desk_json_writer_member_string (w, "text", self->text != NULL ? self->text : "");
  desk_json_writer_end_object (w);
}

static void
write_reactions (DeskJsonWriter *w, const DeskMessage *self)
{
  desk_json_writer_key (w, "reactions");
  desk_json_writer_begin_array (w);
  for (guint i = 0; i < self->reactions->len; i++)
    {
      const DeskReaction *reaction = g_ptr_array_index (self->reactions, i);
      desk_json_writer_begin_object (w);
      desk_json_writer_member_string (w, "emoji", reaction->emoji);
      desk_json_writer_member_string (w, "by", reaction->by != NULL ? reaction->by : "");
      desk_json_writer_end_object (w);
    }
  desk_json_writer_end_array (w);
}

static void
write_status_history (DeskJsonWriter *w, const DeskMessage *self)
{
  desk_json_writer_key (w, "status_history");
  desk_json_writer_begin_array (w);
  for (guint i = 0; i < self->status_history->len; i++)
    {
      const DeskStatusChange *change = g_ptr_array_index (self->status_history, i);
      if (change->status == DESK_STATUS_NONE) /* a word that was not understood when read */
        continue;
      desk_json_writer_begin_object (w);
      desk_json_writer_member_string (w, "status", desk_status_to_string (change->status));
      desk_json_writer_key (w, "at");
      desk_json_writer_time_ms (w, change->at_ms);
      desk_json_writer_member_string (w, "code", change->code);
      desk_json_writer_member_string (w, "message", change->message);
      desk_json_writer_end_object (w);
    }
  desk_json_writer_end_array (w);
}

static void
write_message_error (DeskJsonWriter *w, const DeskMessageError *self)
{
  desk_json_writer_key (w, "error");
  if (self->code == NULL)
    {
      desk_json_writer_null (w);
      return;
    }
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "code", self->code);
  desk_json_writer_member_string (w, "message", self->message != NULL ? self->message : "");
  desk_json_writer_member_bool (w, "retryable", self->retryable);
  desk_json_writer_end_object (w);
}

void
desk_wire_write_message (DeskJsonWriter *w, const DeskMessage *message)
{
  g_return_if_fail (w != NULL && message != NULL);
  desk_json_writer_begin_object (w);
  write_level0 (w, message);
  desk_json_writer_member_int64 (w, "chat_seq", message->chat_seq);
  desk_wire_write_known (w, "in_seq", message->in_seq, 0);
  desk_json_writer_member_string (w, "client_message_id", message->client_message_id);
  desk_json_writer_member_string (w, "sender_id", message->sender_id);
  desk_json_writer_member_string (w, "sender_name", message->sender_name);
  desk_json_writer_member_string (w, "kind", desk_kind_to_string (message->kind));
  desk_json_writer_member_bool (w, "private", message->is_private);
  write_reply_to (w, message->reply_to);
  write_reactions (w, message);
  desk_json_writer_member_string (w, "status", desk_status_to_string (message->status));
  write_status_history (w, message);
  write_message_error (w, &message->error);
  desk_json_writer_member_string (w, "external_id", message->external_id);
  desk_json_writer_member_string (w, "source", desk_source_to_string (message->source));
  desk_json_writer_member_time_ms (w, "edited_at", message->edited_at_ms);
  desk_json_writer_member_time_ms (w, "deleted_at", message->deleted_at_ms);
  desk_json_writer_member_int64 (w, "rev", message->rev);
  desk_wire_write_template_use (w, message->template);
  desk_wire_write_change (w, message->change);
  desk_json_writer_end_object (w);
}
