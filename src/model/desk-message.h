/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "model/desk-attachment.h"
#include "model/desk-operation.h"
#include "model/desk-template.h"

G_BEGIN_DECLS

typedef enum
{
  DESK_DIRECTION_INCOMING,
  DESK_DIRECTION_OUTGOING,
} DeskDirection;

typedef enum
{
  DESK_SENDER_USER, /* the customer */
  DESK_SENDER_MANAGER,
  DESK_SENDER_BOT,
} DeskSender;

typedef enum
{
  DESK_KIND_TEXT,
  DESK_KIND_IMAGE,
  DESK_KIND_VIDEO,
  DESK_KIND_AUDIO,
  DESK_KIND_VOICE,
  DESK_KIND_FILE,
  DESK_KIND_STICKER,
  DESK_KIND_LOCATION,
  DESK_KIND_CONTACT,
  DESK_KIND_SYSTEM,
  DESK_KIND_UNSUPPORTED,
} DeskKind;

/* In rank order: a status never falls, except that FAILED may follow any but READ. */
typedef enum
{
  DESK_STATUS_NONE, /* not told (level 0, incoming) */
  DESK_STATUS_QUEUED,
  DESK_STATUS_UNKNOWN,
  DESK_STATUS_SENT,
  DESK_STATUS_DELIVERED,
  DESK_STATUS_READ,
  DESK_STATUS_FAILED,
} DeskStatus;

typedef enum
{
  DESK_SOURCE_NONE, /* not told */
  DESK_SOURCE_WEBHOOK,
  DESK_SOURCE_POLL,
  DESK_SOURCE_API,
  DESK_SOURCE_ECHO,
  DESK_SOURCE_BOT,
} DeskSource;

typedef struct
{
  char *id;
  gint64 chat_seq; /* 0 unknown */
  char *sender;    /* display text of who wrote the quoted message */
  char *text;
} DeskReplyTo;

typedef struct
{
  char *emoji;
  char *by;
} DeskReaction;

typedef struct
{
  DeskStatus status;
  gint64 at_ms;
  char *code;    /* nullable */
  char *message; /* nullable */
} DeskStatusChange;

typedef struct
{
  char *code; /* NULL = no error */
  char *message;
  gboolean retryable;
} DeskMessageError;

typedef struct
{
  char *id; /* opaque, unique over all chats; NULL where level 0's websocket tells none */
  char *platform;
  char *user_id;
  char *chat_id; /* nullable */
  DeskDirection direction;
  DeskSender sender;
  char *text; /* never NULL */
  gint64 created_at_ms;
  GPtrArray *attachments; /* of DeskAttachment, never NULL */
  char *user_name;        /* level 0 riders, nullable */
  char *messenger_name;

  gboolean is_level2;
  gint64 chat_seq;         /* dense in the chat from 1; 0 at level 0 */
  gint64 in_seq;           /* incoming only, dense; else 0 */
  char *client_message_id; /* nullable */
  char *sender_id;         /* nullable: username of the manager or id of the customer */
  char *sender_name;       /* nullable */
  DeskKind kind;
  gboolean is_private; /* "private" on the wire: an internal note */
  DeskReplyTo *reply_to;     /* nullable */
  GPtrArray *reactions;      /* of DeskReaction, never NULL */
  DeskStatus status;
  GPtrArray *status_history; /* of DeskStatusChange, never NULL */
  DeskMessageError error;
  char *external_id; /* nullable */
  DeskSource source;
  gint64 edited_at_ms;  /* 0 = never */
  gint64 deleted_at_ms; /* 0 = not; else a tombstone */
  gint64 rev;
  DeskTemplateUse *template; /* nullable: what it was sent as; text is what the customer reads */
  DeskChange *change;        /* nullable: an edit, deletion or reaction that the platform has not taken */
} DeskMessage;

DeskMessage *desk_message_new (const char *platform, const char *user_id);
DeskMessage *desk_message_copy (const DeskMessage *self);
void desk_message_free (DeskMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskMessage, desk_message_free)

DeskReplyTo *desk_reply_to_new (const char *id, gint64 chat_seq, const char *sender, const char *text);
DeskReplyTo *desk_reply_to_copy (const DeskReplyTo *self);
void desk_reply_to_free (DeskReplyTo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskReplyTo, desk_reply_to_free)
DeskReaction *desk_reaction_new (const char *emoji, const char *by);
void desk_reaction_free (DeskReaction *self);
DeskStatusChange *desk_status_change_new (DeskStatus status, gint64 at_ms, const char *code, const char *message);
void desk_status_change_free (DeskStatusChange *self);

/* The wire's words for the enums; from_string returns FALSE for an unknown word and leaves *out. */
const char *desk_direction_to_string (DeskDirection value);
gboolean desk_direction_from_string (const char *text, DeskDirection *out);
const char *desk_sender_to_string (DeskSender value);
gboolean desk_sender_from_string (const char *text, DeskSender *out);
const char *desk_kind_to_string (DeskKind value);
gboolean desk_kind_from_string (const char *text, DeskKind *out);
const char *desk_status_to_string (DeskStatus value); /* NULL for NONE */
gboolean desk_status_from_string (const char *text, DeskStatus *out);
const char *desk_source_to_string (DeskSource value); /* NULL for NONE */
gboolean desk_source_from_string (const char *text, DeskSource *out);

/* May a message in state from go to state to (queued < unknown < sent < delivered < read; failed
 * may follow any but read)? The same status again is no step: FALSE. A retry by hand, which takes a
 * failed message back to queued, is a command and not asked here. */
gboolean desk_status_may_follow (DeskStatus from, DeskStatus to);

/* The one comparator of message order. A place is (chat_seq) at level 2; at level 0, where there is
 * none, order_key stands in, built by desk_order_key_level0(). Pending rows stand last, in the
 * order of their local ids. Negative, 0 or positive. */
typedef struct
{
  gboolean pending;
  gint64 order_key; /* chat_seq, or the level-0 key; the local id if pending */
} DeskPlace;
int desk_place_compare (const DeskPlace *a, const DeskPlace *b);
/* (created_at in ms, position in the page) as one integer: ms × 1024 + position, position 0 to 1023,
 * 0 being the oldest of those that share the millisecond. */
gint64 desk_order_key_level0 (gint64 created_at_ms, guint position);

/* Same content at level 0, where ids cannot be trusted: (direction, sender, text, created_at in ms). */
gboolean desk_message_same_level0 (const DeskMessage *a, const DeskMessage *b);

G_END_DECLS
