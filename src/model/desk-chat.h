/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* A chat: one customer (or group) on one platform, named by the pair (platform, user_id), both
 * opaque. Field names are those of the wire. Level 0 fills the first block only. */

G_BEGIN_DECLS

typedef enum
{
  DESK_CHAT_TYPE_DIRECT,
  DESK_CHAT_TYPE_GROUP,
  DESK_CHAT_TYPE_BUSINESS,
} DeskChatType;

typedef enum
{
  DESK_CHAT_STATE_OPEN,
  DESK_CHAT_STATE_SNOOZED,
  DESK_CHAT_STATE_RESOLVED,
} DeskChatState;

/* The fields of the asking manager; chat_updated leaves them out (has_personal is FALSE then and
 * what is cached stays). */
typedef struct
{
  gint64 read_chat_seq;
  gint64 read_in_seq;
  gboolean marked_unread;
  gboolean muted;
} DeskChatPersonal;

typedef struct
{
  char *platform;
  char *user_id;
  char *user_name;
  char *messenger_name; /* nullable: handle or name on the platform */
  char *last_message;   /* preview text, "" if none */
  gint64 last_time_ms;  /* 0 if none */
  gint64 unread;        /* as the server says it; see has_unread */
  gboolean has_unread;

  gboolean is_level2; /* the fields below are known */
  DeskChatType type;
  char *partner_name;    /* nullable */
  char *partner_room_id; /* nullable */
  char *metadata;        /* JSON object text, "{}" if none */
  char *stream_id;       /* 16 hex digits; nullable at level 0 */
  DeskChatState state;
  gint64 snoozed_until_ms; /* 0 = not snoozed */
  char *assignee;          /* nullable username */
  char **labels;           /* never NULL */
  char *connection;        /* nullable */
  gint64 first_chat_seq;
  gint64 last_chat_seq;
  gint64 last_in_seq;
  gint64 waiting_since_ms;     /* 0 = nobody waits */
  gint64 window_expires_at_ms; /* 0 = no window */
  gint64 rev;

  gboolean has_personal;
  DeskChatPersonal personal;
} DeskChat;

DeskChat *desk_chat_new (const char *platform, const char *user_id);
DeskChat *desk_chat_copy (const DeskChat *self);
void desk_chat_free (DeskChat *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskChat, desk_chat_free)

const char *desk_chat_type_to_string (DeskChatType type);
gboolean desk_chat_type_from_string (const char *text, DeskChatType *out);
const char *desk_chat_state_to_string (DeskChatState state);
gboolean desk_chat_state_from_string (const char *text, DeskChatState *out);

/* last_in_seq − read_in_seq, or 1 if only marked unread: the one place of that arithmetic. */
gint64 desk_chat_unread_count (gint64 last_in_seq, gint64 read_in_seq, gboolean marked_unread);

/* "P/U" split at the first slash, never percent-decoded. Both parts non-empty and at most 256
 * bytes, no NUL; FALSE otherwise. */
gboolean desk_chat_parse_key (const char *text, char **out_platform, char **out_user_id);
char *desk_chat_format_key (const char *platform, const char *user_id);
/* Valid as {p}/{u}: 1 to 256 bytes, valid UTF-8, no slash in the platform, no control characters. */
gboolean desk_chat_key_is_valid (const char *platform, const char *user_id);
/* 16 hex digits: the first 8 bytes of SHA-256 over the length-prefixed pair. */
char *desk_chat_stream_id (const char *platform, const char *user_id);

G_END_DECLS
