/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Events written, for both levels. */

#include "protocol/desk-wire-private.h"

static void
write_hello (DeskJsonWriter *w, const DeskHello *hello)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "epoch", hello->epoch);
  desk_json_writer_member_string (w, "resume", hello->reset ? "reset" : "ok");
  desk_wire_write_head (w, "head", hello->head);
  desk_json_writer_key (w, "server_time");
  desk_json_writer_time_ms (w, hello->server_time_ms);
  desk_json_writer_member_int64 (w, "heartbeat_s", MAX (hello->heartbeat_ms / 1000, 1));
  desk_json_writer_end_object (w);
}

static void
write_typing (DeskJsonWriter *w, const DeskEvent *event)
{
  desk_json_writer_begin_object (w);
  desk_wire_write_key (w, event->platform, event->user_id);
  desk_json_writer_member_string (w, "who", event->by_customer ? "customer" : "manager");
  if (event->username != NULL)
    desk_json_writer_member_string (w, "username", event->username);
  desk_json_writer_end_object (w);
}

static void
write_presence (DeskJsonWriter *w, const DeskEvent *event)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "username", event->username);
  desk_json_writer_member_string (w, "status", event->presence);
  desk_json_writer_key (w, "viewing");
  if (event->platform == NULL)
    {
      desk_json_writer_null (w);
    }
  else
    {
      desk_json_writer_begin_object (w);
      desk_wire_write_key (w, event->platform, event->user_id);
      desk_json_writer_end_object (w);
    }
  desk_json_writer_end_object (w);
}

/* The events that speak of a chat: read, read_receipt, chat_muted, chat_trimmed, chat_erased. */
static void
write_about_chat (DeskJsonWriter *w, const DeskEvent *event)
{
  desk_json_writer_begin_object (w);
  if (event->type == DESK_EVENT_READ || event->type == DESK_EVENT_READ_RECEIPT
      || event->type == DESK_EVENT_CHAT_MUTED)
    desk_json_writer_member_string (w, "username", event->username);
  desk_wire_write_key (w, event->platform, event->user_id);
  if (event->type == DESK_EVENT_CHAT_TRIMMED)
    desk_json_writer_member_int64 (w, "first_chat_seq", event->first_chat_seq);
  if (event->type == DESK_EVENT_CHAT_MUTED)
    desk_json_writer_member_bool (w, "muted", event->muted);
  if (event->type == DESK_EVENT_READ)
    {
      desk_json_writer_member_int64 (w, "up_to_chat_seq", event->up_to_chat_seq);
      desk_json_writer_member_int64 (w, "up_to_in_seq", event->up_to_in_seq);
      desk_json_writer_member_bool (w, "marked_unread", event->marked_unread);
    }
  desk_json_writer_end_object (w);
}

static void
write_data (DeskJsonWriter *w, const DeskEvent *event)
{
  switch (event->type)
    {
    case DESK_EVENT_NEW_MESSAGE:
    case DESK_EVENT_MESSAGE_STATUS:
    case DESK_EVENT_MESSAGE_UPDATED:
    case DESK_EVENT_MESSAGE_DELETED:
      desk_wire_write_message (w, event->message);
      break;
    case DESK_EVENT_CHAT_UPDATED:
      desk_wire_write_chat (w, event->chat);
      break;
    case DESK_EVENT_PROFILE_UPDATED:
      desk_wire_write_profile (w, event->profile);
      break;
    case DESK_EVENT_CHAT_TRIMMED:
    case DESK_EVENT_CHAT_ERASED:
    case DESK_EVENT_READ:
    case DESK_EVENT_READ_RECEIPT:
    case DESK_EVENT_CHAT_MUTED:
      write_about_chat (w, event);
      break;
    case DESK_EVENT_HELLO:
      write_hello (w, event->hello);
      break;
    case DESK_EVENT_TYPING:
      write_typing (w, event);
      break;
    case DESK_EVENT_PRESENCE:
      write_presence (w, event);
      break;
    case DESK_EVENT_HEAD:
      desk_wire_write_head (w, NULL, event->head);
      break;
    case DESK_EVENT_CANNED_UPDATED:
    case DESK_EVENT_NOTIFICATION:
    default:
      desk_json_writer_raw (w, event->data != NULL ? event->data : "null");
      break;
    }
}

/* Does the event hold what its type writes? */
static gboolean
is_complete (const DeskEvent *event)
{
  switch (event->type)
    {
    case DESK_EVENT_NEW_MESSAGE:
    case DESK_EVENT_MESSAGE_STATUS:
    case DESK_EVENT_MESSAGE_UPDATED:
    case DESK_EVENT_MESSAGE_DELETED:
      return event->message != NULL;
    case DESK_EVENT_CHAT_UPDATED:
      return event->chat != NULL;
    case DESK_EVENT_HELLO:
      return event->hello != NULL;
    case DESK_EVENT_PROFILE_UPDATED:
      return event->profile != NULL;
    default:
      return TRUE;
    }
}

void
desk_wire_write_event (DeskJsonWriter *w, const DeskEvent *event)
{
  g_return_if_fail (w != NULL && event != NULL && is_complete (event));
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "type", desk_event_type_to_string (event->type));
  if (event->sequenced)
    {
      desk_json_writer_member_int64 (w, "p", event->partition);
      desk_json_writer_member_int64 (w, "seq", event->seq);
    }
  if (event->type != DESK_EVENT_HIDDEN && event->type != DESK_EVENT_UNKNOWN)
    {
      desk_json_writer_key (w, "data");
      write_data (w, event);
    }
  desk_json_writer_end_object (w);
}

/* Level 0 takes every typing for the customer's, so a manager's is not for it. */
static gboolean
is_for_level0 (const DeskEvent *event)
{
  switch (event->type)
    {
    case DESK_EVENT_NEW_MESSAGE:
      return event->message != NULL && !event->message->is_private;
    case DESK_EVENT_TYPING:
      return event->by_customer;
    case DESK_EVENT_READ_RECEIPT:
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
desk_wire_write_event_level0 (DeskJsonWriter *w, const DeskEvent *event)
{
  g_return_val_if_fail (w != NULL && event != NULL, FALSE);
  if (!is_for_level0 (event))
    return FALSE;
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "type", desk_event_type_to_string (event->type));
  desk_json_writer_key (w, "data");
  if (event->type == DESK_EVENT_TYPING)
    {
      desk_json_writer_begin_object (w);
      desk_wire_write_key (w, event->platform, event->user_id);
      desk_json_writer_end_object (w);
    }
  else
    {
      write_data (w, event);
    }
  desk_json_writer_end_object (w);
  return TRUE;
}

void
desk_wire_begin_changes (DeskJsonWriter *w)
{
  desk_json_writer_begin_object (w);
  desk_json_writer_key (w, "events");
  desk_json_writer_begin_array (w);
}

void
desk_wire_end_changes (DeskJsonWriter *w, const char *cursor, gboolean has_more)
{
  desk_json_writer_end_array (w);
  desk_json_writer_member_string (w, "cursor", cursor);
  desk_json_writer_member_bool (w, "has_more", has_more);
  desk_json_writer_end_object (w);
}
