/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* The words and icons of states, kinds and errors: each is spelled here and nowhere else. */

#include "app/desk-delivery.h"

#include <glib/gi18n.h>

#include "common/desk-text.h"

const char *
desk_delivery_icon (DeskStatus status)
{
  switch (status)
    {
    case DESK_STATUS_QUEUED:
    case DESK_STATUS_UNKNOWN:
      return "desk-queued-symbolic";
    case DESK_STATUS_SENT:
      return "desk-sent-symbolic";
    case DESK_STATUS_DELIVERED:
      return "desk-delivered-symbolic";
    case DESK_STATUS_READ:
      return "desk-read-symbolic";
    case DESK_STATUS_FAILED:
      return "desk-failed-symbolic";
    case DESK_STATUS_NONE:
    default:
      return NULL;
    }
}

const char *
desk_delivery_text (DeskStatus status)
{
  switch (status)
    {
    case DESK_STATUS_QUEUED:
      return _ ("Waiting to be sent");
    case DESK_STATUS_UNKNOWN:
      return _ ("Not known whether it was sent");
    case DESK_STATUS_SENT:
      return _ ("Sent");
    case DESK_STATUS_DELIVERED:
      return _ ("Delivered");
    case DESK_STATUS_READ:
      return _ ("Read");
    case DESK_STATUS_FAILED:
      return _ ("Failed");
    case DESK_STATUS_NONE:
    default:
      return NULL;
    }
}

const char *
desk_outbox_icon (DeskOutboxState state)
{
  return state == DESK_OUTBOX_QUEUED || state == DESK_OUTBOX_SENDING ? "desk-queued-symbolic"
                                                                     : "desk-failed-symbolic";
}

const char *
desk_outbox_text (DeskOutboxState state)
{
  switch (state)
    {
    case DESK_OUTBOX_QUEUED:
      return _ ("Waiting to be sent");
    case DESK_OUTBOX_SENDING:
      return _ ("Sending");
    case DESK_OUTBOX_UNCONFIRMED:
      return _ ("Not confirmed");
    case DESK_OUTBOX_STALE:
      return _ ("Held back");
    case DESK_OUTBOX_NEEDS_TEMPLATE:
      return _ ("Needs a template");
    case DESK_OUTBOX_FAILED:
    default:
      return _ ("Failed");
    }
}

const char *
desk_error_text (const char *code, const char *fallback)
{
  static const struct
  {
    const char *code;
    const char *text;
  } texts[] = {
    { "WINDOW_CLOSED",
      N_ ("The time for free replies is over. Wait until the customer writes again.") },
    { "TOO_LONG", N_ ("The message is too long for this platform. Shorten it.") },
    { "BLOCKED", N_ ("The customer has blocked the business or left the chat.") },
    { "USER_BLOCKED", N_ ("The customer has blocked the business or left the chat.") },
    { "STALE_REPLY", N_ ("A colleague has answered meanwhile.") },
    { "CHANNEL_DOWN",
      N_ ("The connection to the platform is down. Tell whoever runs the server.") },
    { "TOKEN", N_ ("The platform does not accept the business's account any more.") },
    { "FORBIDDEN", N_ ("You may not write in this chat.") },
    { "NOT_FOUND", N_ ("The server does not know this chat any more.") },
    { "RATE_LIMITED", N_ ("The platform takes no more messages for a while.") },
    { "UNSUPPORTED", N_ ("This platform cannot deliver such a message.") },
  };
  for (guint i = 0; code != NULL && i < G_N_ELEMENTS (texts); i++)
    if (g_str_equal (code, texts[i].code))
      return _ (texts[i].text);
  return fallback != NULL && *fallback != '\0' ? fallback : _ ("The server refused the message.");
}

const char *
desk_kind_text (DeskKind kind)
{
  switch (kind)
    {
    case DESK_KIND_IMAGE:
      return _ ("Photo");
    case DESK_KIND_VIDEO:
      return _ ("Video");
    case DESK_KIND_AUDIO:
      return _ ("Audio");
    case DESK_KIND_VOICE:
      return _ ("Voice message");
    case DESK_KIND_FILE:
      return _ ("File");
    case DESK_KIND_STICKER:
      return _ ("Sticker");
    case DESK_KIND_LOCATION:
      return _ ("Location");
    case DESK_KIND_CONTACT:
      return _ ("Contact");
    case DESK_KIND_UNSUPPORTED:
      return _ ("Unsupported message");
    case DESK_KIND_SYSTEM:
    case DESK_KIND_TEXT:
    default:
      return _ ("Message");
    }
}

const char *
desk_kind_icon (DeskKind kind)
{
  switch (kind)
    {
    case DESK_KIND_IMAGE:
      return "image-x-generic-symbolic";
    case DESK_KIND_VIDEO:
      return "video-x-generic-symbolic";
    case DESK_KIND_AUDIO:
      return "audio-x-generic-symbolic";
    case DESK_KIND_VOICE:
      return "audio-input-microphone-symbolic";
    case DESK_KIND_STICKER:
      return "face-smile-symbolic";
    case DESK_KIND_LOCATION:
      return "mark-location-symbolic";
    case DESK_KIND_CONTACT:
      return "avatar-default-symbolic";
    case DESK_KIND_FILE:
      return "text-x-generic-symbolic";
    default:
      return "dialog-question-symbolic";
    }
}

char *
desk_message_summary (const DeskMessage *message, gsize max_chars)
{
  if (message->deleted_at_ms > 0)
    return g_strdup (_ ("Message deleted"));
  if (message->text != NULL && *message->text != '\0')
    return desk_text_preview (message->text, max_chars);
  return g_strdup (desk_kind_text (message->kind));
}

char *
desk_message_writer (const DeskMessage *message, const char *customer, const char *me)
{
  if (message->direction == DESK_DIRECTION_INCOMING)
    return g_strdup (message->sender_name != NULL ? message->sender_name : customer);
  if (message->sender == DESK_SENDER_BOT)
    return g_strdup (_ ("Bot"));
  if (message->sender_id == NULL || g_strcmp0 (message->sender_id, me) == 0)
    return g_strdup (_ ("You"));
  return g_strdup (message->sender_name != NULL ? message->sender_name : message->sender_id);
}
