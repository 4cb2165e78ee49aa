/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "model/desk-chat.h"
#include "model/desk-cursor.h"
#include "model/desk-event.h"
#include "model/desk-manager.h"
#include "model/desk-message.h"
#include "model/desk-canned.h"
#include "model/desk-profile.h"
#include "store/desk-store-rows.h"

/* A batch is an ordered list of changes that become one transaction. The rules of the fold stand in
 * the store: highest rev wins, markers merge with max, nothing cached is deleted but by
 * message_deleted (a tombstone) and chat_erased, unknown chats are created. */

G_BEGIN_DECLS

typedef struct _DeskBatch DeskBatch;
DeskBatch *desk_batch_new (void);
void desk_batch_free (DeskBatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskBatch, desk_batch_free)
guint desk_batch_get_size (const DeskBatch *self);

/* Level 2. An event and what it means for the cache; my_username tells whose read markers count here. */
void desk_batch_event (DeskBatch *self, const DeskEvent *event, const char *my_username);
/* A chat as REST tells it (both levels). At level 0 the result's moved list names it if its last message
 * is not the newest one cached. */
void desk_batch_chat (DeskBatch *self, const DeskChat *chat);
/* A page of messages of one chat, as the server gave it (level 2): authoritative for the chat_seq range
 * between its first and last row, extended to 1 if reached_start, to the head if reached_end. */
void desk_batch_page (DeskBatch *self, const char *platform, const char *user_id, GPtrArray *messages, gboolean reached_start, gboolean reached_end);
/* Level 2: the server keeps nothing in [first..last] but what is cached. This is what a page without rows
 * tells (before_seq = last + 1 gave nothing: first is 1); pages with rows claim their range themselves. */
void desk_batch_cover (DeskBatch *self, const char *platform, const char *user_id, gint64 first, gint64 last);
/* Messages of all chats (GET /messages), newest first: stored without any claim about holes. */
void desk_batch_messages (DeskBatch *self, GPtrArray *messages);
/* Level 0: a page at offset, newest first. Reconciles provisional rows on (direction, sender, text, created_at
 * in ms) as a multiset; records a gap below the page if it neither overlaps what is cached nor is the last. */
void desk_batch_page_level0 (DeskBatch *self, const char *platform, const char *user_id, GPtrArray *messages, guint offset, gboolean last_page);
/* Level 0: a websocket new_message: a provisional row until a page confirms it. */
void desk_batch_hint (DeskBatch *self, const DeskMessage *message);

/* Level 2: events were missed for good (the log has expired, or the epoch is another one), so any cached message may
 * have changed since. Nothing is deleted; all that the server keeps counts as to be fetched. Must come first. */
void desk_batch_uncover (DeskBatch *self);
void desk_batch_cursor (DeskBatch *self, const DeskCursor *cursor); /* NULL: forget it */
void desk_batch_setting (DeskBatch *self, const char *key, const char *value); /* NULL: unset */

/* Outbox. Add takes copies; local_id is given in the result's added_local_ids, in order of the adds. A READ
 * replaces older queued READ/UNREAD of the chat and moves the local marker at once. A SEND stamps seen_seq with
 * the chat's newest cached chat_seq if the entry says -2, removes the chat's draft if clear_draft. A CHAT or PROFILE
 * intent takes a queued one of the chat into itself; EDIT, REACT, DELETE and RETRY replace what they make pointless;
 * a new one also takes away the failed ones that it supersedes. */
void desk_batch_outbox_add (DeskBatch *self, const DeskOutboxEntry *entry, gboolean clear_draft);
void desk_batch_outbox_state (DeskBatch *self, gint64 local_id, DeskOutboxState state, const char *error_code, const char *error);
/* About to be sent: state SENDING, attempts + 1, attempted_at = now. NOT_FOUND if it is gone (discarded by
 * another process, or acknowledged), STATE if it is UNCONFIRMED, FAILED or STALE: it must not go out then. outbox_state and
 * outbox_done of an entry that is gone are no errors. */
void desk_batch_outbox_attempt (DeskBatch *self, gint64 local_id);
/* Acknowledged: the entry goes; message (nullable: level 0 or a read marker) is stored in the same transaction. */
void desk_batch_outbox_done (DeskBatch *self, gint64 local_id, const DeskMessage *message);
/* The same for a CHAT intent (chat: as the server answered) and a PROFILE intent. */
void desk_batch_outbox_done_chat (DeskBatch *self, gint64 local_id, const DeskChat *chat);
void desk_batch_outbox_done_profile (DeskBatch *self, gint64 local_id, const DeskProfile *profile, gint64 fetched_at_ms);
/* The object has changed since, in other fields: the entry is queued again on top of base_rev. */
void desk_batch_outbox_rebase (DeskBatch *self, gint64 local_id, gint64 base_rev);
/* What came with the refusal that outbox_state tells of: JSON, or NULL. */
void desk_batch_outbox_details (DeskBatch *self, gint64 local_id, const char *details);
/* The manager's: retry puts UNCONFIRMED, FAILED, STALE back to QUEUED (same client_message_id at level 2 unless
 * new_client_message_id is given; force for STALE); discard removes what is not SENDING. STATE error otherwise. */
void desk_batch_outbox_retry (DeskBatch *self, gint64 local_id, gboolean force, const char *new_client_message_id);
void desk_batch_outbox_discard (DeskBatch *self, gint64 local_id);
/* A SEND that is not SENDING: puts another text in its place and queues it. If an earlier attempt with the old text
 * got through after all, the new text becomes the chat's draft instead of being lost. */
void desk_batch_outbox_edit (DeskBatch *self, gint64 local_id, const char *text);
/* The same, but it goes out as a template. */
void desk_batch_outbox_template (DeskBatch *self, gint64 local_id, const DeskTemplateUse *use, const char *text);
/* A SEND that is not SENDING goes back into the chat's draft: text (before what the draft has), quote, mode. */
void desk_batch_outbox_withdraw (DeskBatch *self, gint64 local_id);
/* A draft; empty text, no quote and no attachments removes it. */
void desk_batch_draft (DeskBatch *self, const DeskDraft *draft);

/* All canned replies (of DeskCanned), as the server has them. */
void desk_batch_canned (DeskBatch *self, GPtrArray *canned);
/* The whole team (of DeskManager). */
void desk_batch_managers (DeskBatch *self, GPtrArray *managers);
/* A profile as the server told it, by our clock. One with an older rev than the cached one only renews the time. */
void desk_batch_profile (DeskBatch *self, const DeskProfile *profile, gint64 fetched_at_ms);

/* Retention by the manager's setting: looks at up to limit messages from row from_row on (0: the oldest) and drops those
 * that are older than before_ms (UTC) and neither unread nor quoted in the outbox or a draft nor among the newest
 * 50 of their chat. What was dropped counts as not cached: it is fetched on demand and not by itself. The result's
 * trimmed says how many went, trim_next where to go on (0: done). */
void desk_batch_trim (DeskBatch *self, gint64 from_row, gint64 before_ms, guint limit);

typedef struct
{
  GArray *added_local_ids; /* gint64 */
  GPtrArray *moved;        /* level 0: of char* "P/U" */
  GPtrArray *fresh;        /* level 0: of DeskMessage, which page ops stored and were not cached before */
  guint new_messages;
  guint known_messages;
  gboolean overlapped; /* the (last) page op met a cached message, or reached the end */
  guint trimmed;
  gint64 trim_next;
} DeskBatchResult;
void desk_batch_result_free (DeskBatchResult *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskBatchResult, desk_batch_result_free)

G_END_DECLS
