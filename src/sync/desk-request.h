/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "protocol/desk-wire-change.h"
#include "protocol/desk-wire.h"
#include "store/desk-store-rows.h"

/* What the engine asks of the server, and what came of it, as values. Paths, bodies and the reading of answers
 * stand here, so that neither the engine nor its driver touches bytes. */

G_BEGIN_DECLS

#define DESK_LEVEL0_FILE_MAX (2 << 20) /* bytes a file, at plain servers */

typedef enum
{
  DESK_REQUEST_CAPABILITIES,
  DESK_REQUEST_HEAD,     /* /changes without a cursor */
  DESK_REQUEST_CHANGES,  /* cursor */
  DESK_REQUEST_CHATS,    /* page */
  DESK_REQUEST_MESSAGES, /* platform, user_id, seq: before it, 0 = the newest */
  DESK_REQUEST_PAGE0,    /* level 0: platform, user_id, offset */
  DESK_REQUEST_SEND,     /* entry */
  DESK_REQUEST_READ,     /* entry */
  DESK_REQUEST_UNREAD,   /* entry */
  DESK_REQUEST_CHANGE,   /* entry: CHAT, EDIT, DELETE, REACT, PROFILE or RETRY */
  DESK_REQUEST_ALL_MESSAGES, /* page: of all chats */
  DESK_REQUEST_CANNED,
  DESK_REQUEST_MANAGERS,
  DESK_REQUEST_PROFILE,  /* platform, user_id */
} DeskRequestType;

typedef struct
{
  guint64 id;
  DeskRequestType type;
  char *platform;
  char *user_id;
  char *cursor;
  char *page;
  gint64 seq;
  guint offset;
  guint limit;
  gint64 asked_us; /* by the monotonic clock; the engine's own copy alone has it */
  DeskOutboxEntry *entry;
} DeskRequest;
DeskRequest *desk_request_new (DeskRequestType type, guint64 id);
void desk_request_free (DeskRequest *self);
const char *desk_request_method (const DeskRequest *self);
char *desk_request_path (const DeskRequest *self);
char *desk_request_body (const DeskRequest *self); /* nullable */
gboolean desk_request_has_files (const DeskRequest *self); /* a form, not a body */
DeskSendRequest desk_request_send (const DeskRequest *self); /* of a SEND; borrows from the entry */
/* Of the whole request; with files, of silence. */
guint desk_request_timeout_ms (const DeskRequest *self);

typedef enum
{
  DESK_OUT_OK,
  DESK_OUT_REFUSED,  /* failure says how */
  DESK_OUT_NOT_SENT, /* surely never reached the server */
  DESK_OUT_LOST,     /* may have reached it */
  DESK_OUT_GARBAGE,  /* 2xx, but the answer cannot be read */
  DESK_OUT_STOPPED,  /* by the manager, before it was complete: surely not sent */
} DeskSyncOutcome;

typedef struct
{
  DeskSyncOutcome outcome;
  DeskFailure *failure; /* REFUSED */
  char *error;          /* NOT_SENT, LOST, GARBAGE */
  DeskCapabilities *capabilities;
  DeskChanges *changes; /* HEAD, CHANGES */
  GPtrArray *chats;
  GPtrArray *messages;
  char *next;
  DeskMessage *message; /* SEND at level 2; CHANGE of a message */
  DeskChat *chat;       /* CHANGE of a chat */
  DeskProfile *profile; /* PROFILE, CHANGE of one */
  GPtrArray *canned;    /* of DeskCanned */
  GPtrArray *managers;  /* of DeskManager */
  gboolean duplicate;
  gint64 date_ms;       /* Date of the answer, in whole seconds; 0 not told */
} DeskSyncReply;
void desk_sync_reply_free (DeskSyncReply *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskSyncReply, desk_sync_reply_free)
/* body: of a 2xx answer. Never NULL. */
DeskSyncReply *desk_sync_reply_read (const DeskRequest *request, const char *body, gsize len);

/* The object as it is, out of a CONFLICT's details; NULL if they do not tell it. */
DeskChat *desk_request_conflict_chat (const DeskFailure *failure);
DeskMessage *desk_request_conflict_message (const DeskFailure *failure);

G_END_DECLS
