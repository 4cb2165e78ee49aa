/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* A chat on the wire. Reading takes level 0's ChatSummary and level 2's Chat: a chat that has a
 * stream_id is level 2, and only then are level 2's members looked at, since a plain backend may
 * use their names for something else. Writing gives every member of level 2, level 0's first. */

#include "protocol/desk-wire-private.h"

#include <string.h>

/* Words that this version does not know leave the default. */
static gboolean
read_words (JsonObject *obj, DeskChat *chat, GError **error)
{
  const char *type = NULL, *state = NULL;
  if (!desk_json_get_string (obj, "type", DESK_WIRE_MAX_WORD, FALSE, &type, error)
      || !desk_json_get_string (obj, "state", DESK_WIRE_MAX_WORD, FALSE, &state, error))
    return FALSE;
  desk_chat_type_from_string (type, &chat->type);
  desk_chat_state_from_string (state, &chat->state);
  return TRUE;
}

static gboolean
read_partner (JsonObject *obj, DeskChat *chat, GError **error)
{
  JsonObject *partner = NULL;
  if (!desk_json_get_object (obj, "partner", FALSE, &partner, error))
    return FALSE;
  if (partner == NULL
      || (desk_wire_take_string (partner, "name", DESK_WIRE_MAX_NAME, FALSE, &chat->partner_name,
                                 error)
          && desk_wire_take_string (partner, "room_id", DESK_WIRE_MAX_ID, FALSE,
                                    &chat->partner_room_id, error)))
    return TRUE;
  g_prefix_error (error, "partner: ");
  return FALSE;
}

static gboolean
read_metadata (JsonObject *obj, DeskChat *chat, GError **error)
{
  JsonObject *metadata = NULL;
  if (!desk_json_get_object (obj, "metadata", FALSE, &metadata, error))
    return FALSE;
  if (metadata == NULL)
    return TRUE;
  g_autofree char *text = desk_json_to_text (json_object_get_member (obj, "metadata"));
  if (strlen (text) > DESK_WIRE_MAX_METADATA)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "metadata", "is too long");
      return FALSE;
    }
  g_free (chat->metadata);
  chat->metadata = g_steal_pointer (&text);
  return TRUE;
}

static gboolean
stream_id_is_valid (const char *text)
{
  return strlen (text) == 16 && strspn (text, "0123456789abcdef") == 16;
}

static gboolean
read_personal (JsonObject *obj, DeskChat *chat, GError **error)
{
  if (!json_object_has_member (obj, "read_chat_seq")
      && !json_object_has_member (obj, "read_in_seq"))
    return TRUE;
  DeskChatPersonal *personal = &chat->personal;
  if (!desk_wire_get_count (obj, "read_chat_seq", TRUE, &personal->read_chat_seq, error)
      || !desk_wire_get_count (obj, "read_in_seq", TRUE, &personal->read_in_seq, error)
      || !desk_json_get_bool (obj, "marked_unread", FALSE, &personal->marked_unread, error)
      || !desk_json_get_bool (obj, "muted", FALSE, &personal->muted, error))
    return FALSE;
  chat->has_personal = TRUE;
  if (!chat->has_unread)
    chat->unread = desk_chat_unread_count (chat->last_in_seq, personal->read_in_seq,
                                           personal->marked_unread);
  chat->has_unread = TRUE;
  return TRUE;
}

static gboolean
read_level2 (JsonObject *obj, DeskChat *chat, GError **error)
{
  if (!stream_id_is_valid (chat->stream_id))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "stream_id", "is not 16 hex digits");
      return FALSE;
    }
  return read_words (obj, chat, error) && read_partner (obj, chat, error)
         && read_metadata (obj, chat, error)
         && desk_wire_get_time (obj, "snoozed_until", FALSE, &chat->snoozed_until_ms, error)
         && desk_wire_take_nonempty (obj, "assignee", DESK_WIRE_MAX_ID, FALSE, &chat->assignee,
                                     error)
         && desk_wire_take_strv (obj, "labels", DESK_WIRE_MAX_NAME, &chat->labels, error)
         && desk_wire_take_string (obj, "connection", DESK_WIRE_MAX_NAME, FALSE, &chat->connection,
                                   error)
         && desk_wire_get_count (obj, "first_chat_seq", FALSE, &chat->first_chat_seq, error)
         && desk_wire_get_count (obj, "last_chat_seq", FALSE, &chat->last_chat_seq, error)
         && desk_wire_get_count (obj, "last_in_seq", FALSE, &chat->last_in_seq, error)
         && desk_wire_get_time (obj, "waiting_since", FALSE, &chat->waiting_since_ms, error)
         && desk_wire_get_time (obj, "window_expires_at", FALSE, &chat->window_expires_at_ms, error)
         && desk_wire_get_count (obj, "rev", FALSE, &chat->rev, error)
         && read_personal (obj, chat, error);
}

/* Some backends tell whether, others how many. */
static gboolean
read_unread (JsonObject *obj, DeskChat *chat, GError **error)
{
  JsonNode *node = json_object_get_member (obj, "unread");
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  chat->has_unread = TRUE;
  if (json_node_get_value_type (node) == G_TYPE_BOOLEAN)
    {
      chat->unread = json_node_get_boolean (node) ? 1 : 0;
      return TRUE;
    }
  return desk_wire_get_count (obj, "unread", FALSE, &chat->unread, error);
}

static gboolean
read_level0 (JsonObject *obj, DeskChat *chat, GError **error)
{
  return desk_wire_take_string (obj, "user_name", DESK_WIRE_MAX_NAME, FALSE, &chat->user_name,
                                error)
         && desk_wire_take_string (obj, "messenger_name", DESK_WIRE_MAX_NAME, FALSE,
                                   &chat->messenger_name, error)
         && desk_wire_take_string (obj, "last_message", DESK_WIRE_MAX_TEXT, FALSE,
                                   &chat->last_message, error)
         && desk_wire_get_time (obj, "last_time", FALSE, &chat->last_time_ms, error)
         && read_unread (obj, chat, error)
         && desk_wire_take_nonempty (obj, "stream_id", DESK_WIRE_MAX_ID, FALSE, &chat->stream_id,
                                     error);
}

DeskChat *
desk_wire_read_chat (JsonNode *node, GError **error)
{
  g_autofree char *platform = NULL, *user_id = NULL;
  JsonObject *obj = desk_wire_get_root (node, "chat", error);
  if (obj == NULL || !desk_wire_take_key (obj, &platform, &user_id, error))
    return NULL;
  g_autoptr (DeskChat) chat = desk_chat_new (platform, user_id);
  if (!read_level0 (obj, chat, error))
    return NULL;
  chat->is_level2 = chat->stream_id != NULL;
  if (chat->is_level2 && !read_level2 (obj, chat, error))
    return NULL;
  return g_steal_pointer (&chat);
}

GPtrArray *
desk_wire_read_chats (JsonNode *node, GError **error)
{
  return desk_wire_read_list (node, "chats", (DeskWireReadFunc)desk_wire_read_chat,
                              (GDestroyNotify)desk_chat_free, error);
}

static void
write_level0 (DeskJsonWriter *w, const DeskChat *chat)
{
  desk_wire_write_key (w, chat->platform, chat->user_id);
  desk_json_writer_member_string (w, "user_name", chat->user_name);
  desk_json_writer_member_string (w, "messenger_name", chat->messenger_name);
  desk_json_writer_member_string (w, "last_message", chat->last_message);
  desk_json_writer_member_time_ms (w, "last_time", chat->last_time_ms);
  if (chat->has_personal)
    desk_json_writer_member_int64 (w, "unread",
                                   desk_chat_unread_count (chat->last_in_seq,
                                                           chat->personal.read_in_seq,
                                                           chat->personal.marked_unread));
}

static void
write_partner (DeskJsonWriter *w, const DeskChat *chat)
{
  if (chat->partner_name == NULL && chat->partner_room_id == NULL)
    {
      desk_json_writer_member_null (w, "partner");
      return;
    }
  desk_json_writer_key (w, "partner");
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "name", chat->partner_name);
  desk_json_writer_member_string (w, "room_id", chat->partner_room_id);
  desk_json_writer_end_object (w);
}

static void
write_stream_id (DeskJsonWriter *w, const DeskChat *chat)
{
  g_autofree char *made = NULL;
  if (chat->stream_id == NULL)
    made = desk_chat_stream_id (chat->platform, chat->user_id);
  desk_json_writer_member_string (w, "stream_id", made != NULL ? made : chat->stream_id);
}

static void
write_personal (DeskJsonWriter *w, const DeskChatPersonal *personal)
{
  desk_json_writer_member_int64 (w, "read_chat_seq", personal->read_chat_seq);
  desk_json_writer_member_int64 (w, "read_in_seq", personal->read_in_seq);
  desk_json_writer_member_bool (w, "marked_unread", personal->marked_unread);
  desk_json_writer_member_bool (w, "muted", personal->muted);
}

void
desk_wire_write_chat (DeskJsonWriter *w, const DeskChat *chat)
{
  g_return_if_fail (w != NULL && chat != NULL);
  gboolean has_metadata = chat->metadata != NULL && *chat->metadata != '\0';
  desk_json_writer_begin_object (w);
  write_level0 (w, chat);
  desk_json_writer_member_string (w, "type", desk_chat_type_to_string (chat->type));
  write_partner (w, chat);
  desk_json_writer_member_raw (w, "metadata", has_metadata ? chat->metadata : "{}");
  write_stream_id (w, chat);
  desk_json_writer_member_string (w, "state", desk_chat_state_to_string (chat->state));
  desk_json_writer_member_time_ms (w, "snoozed_until", chat->snoozed_until_ms);
  desk_json_writer_member_string (w, "assignee", chat->assignee);
  desk_wire_write_strv (w, "labels", chat->labels);
  desk_json_writer_member_string (w, "connection", chat->connection);
  desk_json_writer_member_int64 (w, "first_chat_seq", chat->first_chat_seq);
  desk_json_writer_member_int64 (w, "last_chat_seq", chat->last_chat_seq);
  desk_json_writer_member_int64 (w, "last_in_seq", chat->last_in_seq);
  if (chat->has_personal)
    write_personal (w, &chat->personal);
  desk_json_writer_member_time_ms (w, "waiting_since", chat->waiting_since_ms);
  desk_json_writer_member_time_ms (w, "window_expires_at", chat->window_expires_at_ms);
  desk_json_writer_member_int64 (w, "rev", chat->rev);
  desk_json_writer_end_object (w);
}
