/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "model/desk-chat.h"
#include "model/desk-cursor.h"
#include "model/desk-message.h"
#include "model/desk-profile.h"

/* What the backend tells over the websocket or by /changes, as one value. */

G_BEGIN_DECLS

typedef enum
{
  /* sequenced at level 2 */
  DESK_EVENT_NEW_MESSAGE,
  DESK_EVENT_MESSAGE_STATUS,
  DESK_EVENT_MESSAGE_UPDATED,
  DESK_EVENT_MESSAGE_DELETED,
  DESK_EVENT_CHAT_UPDATED,
  DESK_EVENT_CHAT_TRIMMED,
  DESK_EVENT_CHAT_ERASED,
  DESK_EVENT_READ,
  DESK_EVENT_CANNED_UPDATED,
  DESK_EVENT_NOTIFICATION,
  DESK_EVENT_CHAT_MUTED,      /* username, platform, user_id, muted: that manager's choice */
  DESK_EVENT_PROFILE_UPDATED, /* profile */
  DESK_EVENT_HIDDEN,
  DESK_EVENT_UNKNOWN, /* a type we do not know: advances the cursor, does nothing else */
  /* never sequenced */
  DESK_EVENT_HELLO,
  DESK_EVENT_TYPING,
  DESK_EVENT_PRESENCE,
  DESK_EVENT_HEAD,
  DESK_EVENT_READ_RECEIPT,
} DeskEventType;

typedef struct
{
  char *epoch;
  gboolean reset; /* resume: "reset" */
  DeskCursor *head;
  gint64 server_time_ms;
  gint64 heartbeat_ms;
} DeskHello;

typedef struct
{
  DeskEventType type;
  gboolean sequenced;
  guint partition;
  gint64 seq;

  DeskMessage *message; /* message events */
  DeskChat *chat;       /* chat_updated */
  DeskProfile *profile; /* profile_updated */
  /* chat_trimmed, chat_erased, chat_muted, read, read_receipt, typing, presence */
  char *platform;
  char *user_id;
  char *username;        /* read, read_receipt, presence; typing by a manager */
  gint64 first_chat_seq; /* chat_trimmed */
  gint64 up_to_chat_seq; /* read */
  gint64 up_to_in_seq;
  gboolean marked_unread;
  gboolean muted;       /* chat_muted */
  gboolean by_customer; /* typing: who is "customer" */
  char *presence;       /* presence: its status word */
  DeskCursor *head;     /* head */
  DeskHello *hello;     /* hello */
  char *data;           /* canned_updated, notification: the raw JSON of data; see desk_wire_read_canned() */
} DeskEvent;

DeskEvent *desk_event_new (DeskEventType type);
DeskEvent *desk_event_copy (const DeskEvent *self);
void desk_event_free (DeskEvent *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskEvent, desk_event_free)
void desk_hello_free (DeskHello *self);

const char *desk_event_type_to_string (DeskEventType type);
DeskEventType desk_event_type_from_string (const char *text); /* UNKNOWN for others */

G_END_DECLS
