/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/desk-chat.h"
#include "model/desk-message.h"
#include "model/desk-profile.h"
#include "model/desk-template.h"
#include "store/desk-store-change.h"

/* What the cache gives back: plain values, immutable by convention once handed out. */

G_BEGIN_DECLS

typedef enum
{
  DESK_CHAT_SORT_RECENT,
  DESK_CHAT_SORT_WAITING, /* longest waiting customer first, then recent */
} DeskChatSort;

typedef struct
{
  const char *platform; /* NULL: all */
  gboolean unread_only;
  const char *assignee; /* NULL: all; "" = unassigned */
  int state;            /* a DeskChatState, or -1 for all */
  const char *label;    /* NULL: all */
  gboolean attention_only; /* something in its outbox waits for the manager */
  DeskChatSort sort;
  guint limit; /* 0 = all */
  guint offset;
} DeskChatQuery;

typedef struct
{
  DeskChat *chat;
  gint64 row_id;
  gint64 unread;
  DeskDirection last_direction; /* of the last message */
  DeskStatus last_status;
  gboolean last_is_private;
  gint64 activity_ms; /* what RECENT sorts by: last message or newest pending reply */
  guint pending;      /* outbox entries that will still go out by themselves */
  guint attention;    /* outbox entries that wait for the manager: failed, unconfirmed, stale */
  char *draft;        /* nullable: preview of the draft's text */
  char *pending_text; /* nullable: preview of the newest reply or note among the pending */
  gboolean pending_is_private;
} DeskChatRow;
DeskChatRow *desk_chat_row_copy (const DeskChatRow *self);
void desk_chat_row_free (DeskChatRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskChatRow, desk_chat_row_free)

/* The state of an outbox entry. One enum, no booleans. */
typedef enum
{
  DESK_OUTBOX_QUEUED,      /* goes out by itself */
  DESK_OUTBOX_SENDING,     /* a request with it may be on its way */
  DESK_OUTBOX_UNCONFIRMED, /* outcome not known and must not be repeated unasked */
  DESK_OUTBOX_FAILED,      /* refused for good; stops its chat until the manager acts */
  DESK_OUTBOX_STALE,       /* a colleague answered first (409 STALE_REPLY) */
  DESK_OUTBOX_NEEDS_TEMPLATE, /* the platform takes no free replies any more; details has the templates */
} DeskOutboxState;
const char *desk_outbox_state_to_string (DeskOutboxState state);

typedef enum
{
  DESK_INTENT_SEND,   /* text, reply_to, is_private, seen_seq, template */
  DESK_INTENT_READ,   /* up_to_chat_seq: merges with an older one of the chat */
  DESK_INTENT_UNREAD, /* mark unread */
  DESK_INTENT_CHAT,   /* change: merges with a queued one of the chat, newest value wins */
  DESK_INTENT_EDIT,   /* message_id, text: replaces a queued one of the message */
  DESK_INTENT_DELETE, /* message_id: replaces what else is queued for the message */
  DESK_INTENT_REACT,  /* message_id, text = the emoji, "" takes the reaction back */
  DESK_INTENT_PROFILE, /* profile: merges with a queued one of the chat */
  DESK_INTENT_RETRY,  /* message_id: of a message that failed at the server */
  DESK_N_INTENTS,
} DeskIntent;
/* "send", "read", … for logs, scripts and tests. */
const char *desk_intent_to_string (DeskIntent intent);

/* A file that the manager attaches, copied into the account's outbox/ (desk-store-files.h). */
typedef struct
{
  char *name;      /* of its folder there: opaque */
  char *filename;  /* as the customer sees it; safe as a file's name */
  char *mime_type; /* told by its bytes */
  char *sha256;
  gint64 size;
  gint64 width, height; /* of a picture; 0 unknown */
} DeskStagedFile;
DeskStagedFile *desk_staged_file_copy (const DeskStagedFile *self);
void desk_staged_file_free (DeskStagedFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskStagedFile, desk_staged_file_free)
GPtrArray *desk_staged_files_copy (GPtrArray *files); /* NULL for NULL */

typedef struct
{
  gint64 local_id;
  DeskIntent intent;
  char *client_message_id;
  char *platform;
  char *user_id;
  char *text;
  char *reply_to; /* nullable */
  gboolean is_private;
  gint64 seen_seq; /* -1 none */
  gboolean force;
  gint64 up_to_chat_seq;
  DeskOutboxState state;
  guint attempts;
  gint64 created_at_ms;
  gint64 attempted_at_ms; /* 0 never */
  char *error_code;       /* nullable, a wire code word */
  char *error;            /* nullable, for people */
  GPtrArray *files;       /* of DeskStagedFile; NULL: none. The text is their caption */
  char *message_id;       /* EDIT, DELETE, REACT, RETRY */
  gint64 base_rev;        /* CHAT, EDIT: of the object when the manager changed it; filled in by the store */
  DeskChatChange *change; /* CHAT */
  DeskChatChange *seen;   /* CHAT: what the manager saw in those fields; filled in by the store */
  char *seen_text;        /* EDIT: the text as it was; filled in by the store */
  DeskProfileChange *profile; /* PROFILE */
  DeskTemplateUse *template_use; /* SEND: nullable */
  char *details;          /* nullable: JSON that came with a refusal, see desk_wire_read_window_closed() */
  gboolean edited;        /* SEND: the text was changed after an attempt */
} DeskOutboxEntry;
DeskOutboxEntry *desk_outbox_entry_new (DeskIntent intent, const char *platform, const char *user_id);
DeskOutboxEntry *desk_outbox_entry_copy (const DeskOutboxEntry *self);
void desk_outbox_entry_free (DeskOutboxEntry *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskOutboxEntry, desk_outbox_entry_free)

typedef struct
{
  char *platform;
  char *user_id;
  char *text; /* never NULL */
  char *reply_to; /* nullable message id */
  gboolean is_private;
  char *attachments; /* staged files: desk_staged_files_to_json(), "[]" */
  gint64 updated_at_ms;
} DeskDraft;
DeskDraft *desk_draft_new (const char *platform, const char *user_id);
DeskDraft *desk_draft_copy (const DeskDraft *self);
void desk_draft_free (DeskDraft *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskDraft, desk_draft_free)

typedef enum
{
  DESK_ITEM_MESSAGE,
  DESK_ITEM_GAP,     /* messages from first_seq to last_seq are known to exist and are not cached */
  DESK_ITEM_PENDING, /* an outbox entry (SEND only), after everything else */
} DeskItemType;

typedef struct
{
  DeskItemType type;
  gint64 order_key; /* chat_seq or level-0 key; a gap has that of the message after it; local_id if pending */
  DeskMessage *message;
  gboolean provisional; /* level 0: shown from a hint, not yet confirmed by a page */
  gint64 gap_first, gap_last; /* 0 where not known (level 0) */
  DeskOutboxEntry *pending;
  /* MESSAGE: EDIT, DELETE, REACT and RETRY of it in the outbox, oldest first; NULL if there are none. The
   * message has those that wait applied already, and its change tells of the newest EDIT or DELETE. */
  GPtrArray *changes; /* of DeskOutboxEntry */
} DeskTimelineItem;
void desk_timeline_item_free (DeskTimelineItem *self);

typedef enum
{
  DESK_ANCHOR_NEWEST,
  DESK_ANCHOR_BEFORE, /* items before order_key */
  DESK_ANCHOR_AFTER,  /* items after order_key */
  DESK_ANCHOR_AROUND, /* half before and half from order_key on */
  DESK_ANCHOR_MESSAGE_ID, /* around the message with that id */
} DeskAnchor;

typedef struct
{
  const char *platform;
  const char *user_id;
  DeskAnchor anchor;
  gint64 order_key;
  const char *message_id;
  guint limit; /* items; at most 1000 */
} DeskTimelineQuery;

typedef struct
{
  GPtrArray *items; /* of DeskTimelineItem, oldest first */
  gboolean has_older; /* cached */
  gboolean has_newer;
  gboolean server_has_older; /* the first cached message is not the first the server keeps */
  gint64 read_key; /* order_key of the last message that was read: the unread line stands after it; 0 none */
} DeskTimelinePage;
void desk_timeline_page_free (DeskTimelinePage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTimelinePage, desk_timeline_page_free)

typedef struct
{
  const char *words; /* as typed: words are prefixes, "a b" in quotes is a phrase; never FTS syntax */
  const char *platform; /* NULL: all */
  const char *user_id;  /* with platform: in that chat only */
  gint64 from_ms, to_ms; /* 0: open */
  guint limit;
} DeskSearchQuery;

typedef struct
{
  DeskMessage *message;
  gint64 order_key;
  char *chat_name;
  char *snippet;        /* plain text; the hits are marked by U+0002 before and U+0003 after */
} DeskSearchHit;
void desk_search_hit_free (DeskSearchHit *self);

/* A customer's profile as it is shown: the server's with the waiting changes applied. */
typedef struct
{
  DeskProfile *profile;
  gint64 fetched_at_ms; /* by our clock; 0: never, profile holds waiting changes alone */
  gboolean pending;     /* changes wait in the outbox */
} DeskProfileRow;
void desk_profile_row_free (DeskProfileRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskProfileRow, desk_profile_row_free)

/* A label that chats have. */
typedef struct
{
  char *label;
  gint64 chats;
} DeskLabelRow;
void desk_label_row_free (DeskLabelRow *self);

typedef struct
{
  gint64 chats, messages, unread_chats, unread, pending, attention, drafts, gaps, bytes;
  gint64 used_bytes; /* of bytes: without what was deleted and not given back to the disk yet */
} DeskStoreCounts;

typedef struct
{
  char *platform;
  char *user_id;
  gint64 before_seq; /* fetch what lies before it; 0 = from the newest */
  gint64 down_to_seq; /* until this one is known; 0 = the beginning */
  guint offset; /* level 0, which knows no places: how many messages are cached from there on */
  gboolean nothing_cached;
} DeskHistoryWant;
void desk_history_want_free (DeskHistoryWant *self);

G_END_DECLS
