/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-clock.h"
#include "common/desk-db.h"
#include "store/desk-store.h"

/* What the files of this folder share. Three layers: desk-store.c has the threads and the public
 * calls; desk-store-fold.c folds a batch into the tables by way of DeskFold; the readers
 * (desk-store-query.c, -timeline.c, -search.c) give values back. All but desk-store.c are plain
 * functions over a DeskDb, on whatever thread owns it. */

G_BEGIN_DECLS

/* ── Batches ────────────────────────────────────────────────────────────────────────────────── */
typedef enum
{
  DESK_OP_EVENT,
  DESK_OP_CHAT,
  DESK_OP_PAGE,
  DESK_OP_COVER,
  DESK_OP_MESSAGES,
  DESK_OP_PAGE_LEVEL0,
  DESK_OP_HINT,
  DESK_OP_UNCOVER,
  DESK_OP_CURSOR,
  DESK_OP_SETTING,
  DESK_OP_OUTBOX_ADD,
  DESK_OP_OUTBOX_STATE,
  DESK_OP_OUTBOX_ATTEMPT,
  DESK_OP_OUTBOX_DONE,
  DESK_OP_OUTBOX_RETRY,
  DESK_OP_OUTBOX_DISCARD,
  DESK_OP_DRAFT,
  DESK_OP_FILE_ADD,
  DESK_OP_FILE_USED,
  DESK_OP_FILE_GONE,
  DESK_OP_OUTBOX_REBASE,
  DESK_OP_OUTBOX_DETAILS,
  DESK_OP_OUTBOX_EDIT,
  DESK_OP_OUTBOX_WITHDRAW,
  DESK_OP_CANNED,
  DESK_OP_MANAGERS,
  DESK_OP_PROFILE,
  DESK_OP_TRIM,
} DeskOpType;

/* One change; which members count follows from the type. */
typedef struct
{
  DeskOpType type;
  DeskEvent *event;
  DeskChat *chat;
  DeskMessage *message;
  GPtrArray *messages; /* of DeskMessage */
  char *platform;
  char *user_id;
  gboolean reached_start;
  gboolean reached_end; /* level 0: last_page */
  guint offset;
  GPtrArray *values;   /* of DeskCanned or DeskManager */
  DeskProfile *profile;
  DeskTemplateUse *use;
  gint64 first, last; /* cover; size and quota of a file; trim: from_row, before_ms; fetched_at_ms, base_rev in first */
  DeskOutboxEntry *entry;
  DeskDraft *draft;
  gint64 local_id;
  DeskOutboxState state;
  gboolean flag;  /* clear_draft, force */
  char *a; /* username; key, of a file, too; error code; new client id */
  char *b; /* value; error; sha256 */
} DeskOp;

struct _DeskBatch
{
  GPtrArray *ops; /* of DeskOp */
};

DeskBatchResult *desk_batch_result_new (void);
DeskOp *desk_batch_add_op (DeskBatch *self, DeskOpType type); /* borrowed: fill it in */

/* ── Change notices ─────────────────────────────────────────────────────────────────────────── */
/* A DeskStoreChange under construction: a set of keys, shared by reference once told. */
typedef struct
{
  gatomicrefcount refs;
  DeskStoreChange change;
  GHashTable *keys; /* set of char*, owned by change.chats */
} DeskNotice;
DeskNotice *desk_notice_new (void);
DeskNotice *desk_notice_ref (DeskNotice *self);
void desk_notice_unref (DeskNotice *self);
void desk_notice_add_chat (DeskNotice *self, const char *platform, const char *user_id);
/* Takes over what other names: several batches of one commit make one notice. */
void desk_notice_merge (DeskNotice *self, const DeskNotice *other);
gboolean desk_notice_is_empty (const DeskNotice *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskNotice, desk_notice_unref)

/* ── The fold ───────────────────────────────────────────────────────────────────────────────── */
/* The row of a chat while a batch works on it: read once, written once. */
typedef struct
{
  gint64 row;
  DeskChat *chat; /* last_message, last_time_ms are those of the newest known message */
  gboolean dirty;       /* columns changed */
  gboolean told;        /* named in the notice */
  gint64 cut_seq;       /* what lies before it was dropped by the manager's setting */
  gboolean counts_dirty; /* outbox entries of the chat changed */
  gint64 server_unread;
  gboolean server_counts;
  gboolean in_step;
  gint64 told_time_ms;
  char *told_message;
  gint64 unread;
  gint64 last_key;
  DeskDirection last_direction;
  DeskStatus last_status;
  gboolean last_is_private;
  gint64 activity_ms;
  guint pending;
  guint attention;
  gint64 gaps;
  gboolean gaps_dirty;
  gboolean unread_dirty;
  GArray *intervals; /* of DeskInterval: covered by this batch, not written yet */
} DeskFoldChat;

typedef struct
{
  gint64 first;
  gint64 last;
} DeskInterval;

/* A change to the full-text index. They are collected and written in ascending order of rows at the
 * end of the batch: FTS5 flushes its memory whenever a row number does not grow. */
typedef struct
{
  gint64 row;
  char *old_text; /* nullable: to be taken out */
  char *new_text; /* nullable: to be put in */
} DeskTextChange;

/* One batch being folded, inside a transaction of db. */
typedef struct
{
  DeskDb *db;
  DeskClock *clock;
  DeskBatchResult *result;
  DeskNotice *notice;
  GHashTable *chats;  /* "P/U" → DeskFoldChat */
  GArray *texts;      /* of DeskTextChange */
  gboolean has_outbox; /* there may be entries: look for acknowledgements */
  DeskFoldChat *recent; /* the one asked for last: pages come chat by chat */
} DeskFold;

DeskFold *desk_fold_new (DeskDb *db, DeskClock *clock);
void desk_fold_free (DeskFold *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskFold, desk_fold_free)
/* Applies every op and writes what was collected. On error the caller rolls back. */
gboolean desk_fold_apply (DeskFold *self, const DeskBatch *batch, GError **error);

/* desk-store-chat.c. NULL on error; create makes a row for an unknown chat, else NULL without error. */
DeskFoldChat *desk_fold_get_chat (DeskFold *self, const char *platform, const char *user_id, gboolean create, GError **error);
DeskFoldChat *desk_fold_get_chat_by_row (DeskFold *self, gint64 row, GError **error);
gboolean desk_fold_chat (DeskFold *self, const DeskChat *chat, GError **error);
gboolean desk_fold_flush_chat (DeskFold *self, DeskFoldChat *state, GError **error);
void desk_fold_chat_free (DeskFoldChat *self);
/* Marks it as to be written and told. */
void desk_fold_touch (DeskFold *self, DeskFoldChat *state);
/* Told only: messages of it changed that show nowhere in its row. */
void desk_fold_tell (DeskFold *self, DeskFoldChat *state);
/* A message that is the newest, or the newest one changed. */
void desk_fold_chat_see (DeskFoldChat *self, const DeskMessage *message, gint64 order_key);
/* chat_erased: the chat and everything of it goes. */
gboolean desk_fold_erase_chat (DeskFold *self, DeskFoldChat *state, GError **error);
/* Columns of chat in the order that desk_chat_from_stmt() reads. */
#define DESK_CHAT_COLUMNS \
  "c.chat,c.platform,c.user_id,c.user_name,c.messenger_name,c.is_level2,c.type,c.partner_name," \
  "c.partner_room_id,c.metadata,c.stream_id,c.state,c.snoozed_until_ms,c.assignee,c.labels," \
  "c.connection,c.first_chat_seq,c.last_chat_seq,c.last_in_seq,c.waiting_since_ms," \
  "c.window_expires_at_ms,c.rev,c.read_chat_seq,c.read_in_seq,c.marked_unread,c.muted,c.unread," \
  "c.last_message,c.last_time_ms,c.last_direction,c.last_status,c.last_is_private,c.activity_ms," \
  "c.pending,c.attention"
#define DESK_CHAT_N_COLUMNS 35
/* desk-store-intents.c. What is shown of the chat: the server's value with the waiting CHAT intents applied; *out_differs
 * (nullable) tells whether there are any. NULL with error. */
DeskChat *desk_fold_shown_chat (DeskFold *self, DeskFoldChat *state, gboolean *out_differs, GError **error);
/* Takes what is queued already, and what the new entry makes pointless, into or out of the outbox. */
gboolean desk_fold_merge_intent (DeskFold *self, DeskFoldChat *state, DeskOutboxEntry *entry, GError **error);
/* The server's values of what intents may show otherwise. */
GBytes *desk_told_pack (const DeskChat *chat);
void desk_told_unpack (const void *data, gsize len, DeskChat *chat);
/* Applies what waits to the messages among items. */
gboolean desk_query_changes (DeskDb *db, gint64 chat, const char *platform, const char *user_id, GPtrArray *items, GError **error);

/* desk-store-outbox-edit.c */
gboolean desk_fold_outbox_edit (DeskFold *self, gint64 local_id, const char *text, const DeskTemplateUse *use, GError **error);
gboolean desk_fold_outbox_withdraw (DeskFold *self, gint64 local_id, GError **error);
gboolean desk_fold_into_draft (DeskFold *self, DeskFoldChat *state, const DeskOutboxEntry *entry, GError **error);
GBytes *desk_template_use_pack (const DeskTemplateUse *use);
DeskTemplateUse *desk_template_use_unpack (const void *data, gsize len);

/* desk-store-profile.c, desk-store-team.c, desk-store-retention.c */
gboolean desk_fold_profile (DeskFold *self, const DeskProfile *told, gint64 fetched_at_ms, GError **error);
gboolean desk_fold_canned (DeskFold *self, GPtrArray *list, GError **error);
gboolean desk_fold_managers (DeskFold *self, GPtrArray *list, GError **error);
gboolean desk_fold_trim (DeskFold *self, const DeskOp *op, GError **error);
DeskChat *desk_chat_from_stmt (DeskStmt *stmt);
/* Text of a chat row's preview of a message: cut, one line. */
char *desk_message_preview (const DeskMessage *message);
char *desk_preview_text (const char *text);

/* desk-store-marker.c: what was read, unread counts. */
gboolean desk_fold_read_event (DeskFold *self, const DeskEvent *event, const char *me, GError **error);
gboolean desk_fold_muted_event (DeskFold *self, const DeskEvent *event, const char *me, GError **error);
void desk_fold_personal (DeskFoldChat *state, const DeskChat *told, int own_intent);
gboolean desk_fold_local_read (DeskFold *self, DeskFoldChat *state, gint64 up_to, GError **error);
gboolean desk_fold_waiting (DeskFold *self, DeskFoldChat *state, const DeskChat *told, GError **error);
gboolean desk_fold_count_unread (DeskFold *self, DeskFoldChat *state, GError **error);
/* The newest READ or UNREAD of the chat that still waits, or 0: it stands until the server has had it. */
gboolean desk_fold_has_marker_intent (DeskFold *self, DeskFoldChat *state, int *out, GError **error);

/* desk-store-range.c */
void desk_fold_chat_cover (DeskFoldChat *self, gint64 first, gint64 last);
/* Every chat: what is cached may be out of date and is to be fetched again. Before any other op of the batch. */
gboolean desk_fold_uncover (DeskFold *self, GError **error);
gboolean desk_fold_flush_ranges (DeskFold *self, DeskFoldChat *state, GError **error);
/* The covered intervals of a chat, ascending. */
GArray *desk_ranges_load (DeskDb *db, gint64 chat, GError **error);
/* The parts of [from..to] that are not covered, ascending. */
GArray *desk_ranges_uncovered (GArray *covered, gint64 from, gint64 to);

/* desk-store-message.c */
typedef enum
{
  DESK_STORED_NEW,
  DESK_STORED_CHANGED,
  DESK_STORED_KNOWN,
  DESK_STORED_ERROR = -1,
} DeskStored;
#define DESK_MESSAGE_COLUMNS \
  "m.message,m.order_key,m.id,m.direction,m.sender,m.kind,m.status,m.source,m.is_private," \
  "m.is_level2,m.provisional,m.gap_before,m.created_at_ms,m.edited_at_ms,m.deleted_at_ms,m.in_seq," \
  "m.rev,m.text,m.client_message_id,m.sender_id,m.sender_name,m.extra"
#define DESK_MESSAGE_N_COLUMNS 22
DeskMessage *desk_message_from_stmt (DeskStmt *stmt, const char *platform, const char *user_id);
typedef struct
{
  gint64 row;
  gint64 order_key;
  gboolean provisional;
  int gap_before;
} DeskMessageRowInfo;
void desk_message_info_from_stmt (DeskStmt *stmt, DeskMessageRowInfo *out);
/* A message of level 2 at its chat_seq. */
DeskStored desk_fold_message (DeskFold *self, const DeskMessage *message, gboolean live, GError **error);
/* Writes a new row; CONFLICT-free only if place and id are free: FALSE in *inserted if they are not. */
gboolean desk_fold_insert_message (DeskFold *self, DeskFoldChat *state, const DeskMessage *message, gint64 order_key,
                                   gboolean provisional, int gap_before, gboolean *inserted, GError **error);
gboolean desk_fold_update_message (DeskFold *self, gint64 row, const char *old_text, const DeskMessage *message,
                                   gint64 order_key, gboolean provisional, int gap_before, GError **error);
/* An outgoing message with a client id is the proof of its outbox entry, which goes. */
gboolean desk_fold_acknowledge (DeskFold *self, const DeskMessage *message, GError **error);
void desk_fold_text (DeskFold *self, gint64 row, const char *old_text, const char *new_text);
gboolean desk_fold_flush_texts (DeskFold *self, GError **error);

/* desk-store-extra.c: what few messages have, as one value; NULL if there is nothing. */
GBytes *desk_extra_pack (const DeskMessage *message);
void desk_extra_unpack (const void *data, gsize len, DeskMessage *message);

/* desk-store-level0.c */
gboolean desk_fold_page_level0 (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_hint (DeskFold *self, const DeskMessage *message, GError **error);
/* The chat is told at level 2 for the first time: its old rows move before chat_seq 1. */
gboolean desk_fold_leave_level0 (DeskFold *self, DeskFoldChat *state, GError **error);

/* desk-store-file-fold.c: the files of an entry and of a draft, the rows of downloads. */
gboolean desk_fold_entry_files (DeskFold *self, gint64 local_id, GPtrArray *files, GError **error);
gboolean desk_fold_draft_files (DeskFold *self, gint64 chat, const char *attachments, GError **error);
gboolean desk_fold_file_add (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_file_used (DeskFold *self, const char *sha256, GError **error);
gboolean desk_fold_file_gone (DeskFold *self, const char *name, GError **error);
/* A staged file is not needed by its owner any more; NULL: clean all folders. */
void desk_batch_file_gone (DeskBatch *self, const char *name);
/* The files of an outbox entry as one column: JSON, "[]" for most. */
#define DESK_OUTBOX_FILES \
  "(SELECT json_group_array(json_object('name',name,'filename',filename,'mime_type',mime_type," \
  "'size',size,'sha256',sha256,'width',width,'height',height))" \
  " FROM (SELECT * FROM outbox_file f WHERE f.local_id=o.local_id ORDER BY f.position))"
GPtrArray *desk_outbox_files_from_text (const char *text); /* NULL: none */
#define DESK_GONE_ALL "*" /* in the table gone: look at everything */

/* desk-store-file-sweep.c: removes from the disk what the last commits made superfluous. After a commit, on the
 * writer's thread. */
void desk_files_purge (DeskDb *db, const char *dir);
/* All of them, with the cache. */
void desk_files_erase (const char *dir);

/* desk-store-outbox.c */
gboolean desk_fold_outbox_add (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_outbox_state (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_outbox_attempt (DeskFold *self, gint64 local_id, GError **error);
gboolean desk_fold_outbox_done (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_outbox_retry (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_outbox_discard (DeskFold *self, gint64 local_id, GError **error);
gboolean desk_fold_draft (DeskFold *self, const DeskDraft *draft, GError **error);
gboolean desk_fold_outbox_rebase (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_outbox_details (DeskFold *self, const DeskOp *op, GError **error);
gboolean desk_fold_outbox_delete (DeskFold *self, gint64 local_id, GError **error);
gboolean desk_fold_count_outbox (DeskFold *self, DeskFoldChat *state, GError **error);
#define DESK_OUTBOX_COLUMNS_1 \
  "o.local_id,o.intent,o.client_message_id,o.text,o.reply_to,o.is_private,o.seen_seq,o.force," \
  "o.up_to_chat_seq,o.state,o.attempts,o.created_at_ms,o.attempted_at_ms,o.error_code,o.error"
#define DESK_OUTBOX_COLUMNS \
  DESK_OUTBOX_COLUMNS_1 "," DESK_OUTBOX_FILES \
  ",o.message_id,o.base_rev,o.change,o.seen,o.seen_text,o.template,o.details,o.edited"
#define DESK_OUTBOX_N_COLUMNS 24
/* What version 3 of the schema added, where it is not there yet. */
#define DESK_OUTBOX_NOTHING_OF_3 ",NULL,0,NULL,NULL,NULL,NULL,NULL,0"
DeskOutboxEntry *desk_outbox_from_stmt (DeskStmt *stmt, const char *platform, const char *user_id);

/* ── Jobs ───────────────────────────────────────────────────────────────────────────────────── */
/* A read: runs on the reader's thread. NULL without error is an answer, too. */
typedef gpointer (*DeskReadFunc) (DeskDb *db, gconstpointer params, GError **error);
gpointer desk_store_read (DeskStore *self, DeskReadFunc run, gconstpointer params, GError **error);
/* Takes params; the result is freed by free_result if nobody takes it. */
void desk_store_read_async (DeskStore *self, DeskReadFunc run, gpointer params, GDestroyNotify free_params,
                            GDestroyNotify free_result, gpointer tag, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer data);

/* ── Readers: over the reader's connection ──────────────────────────────────────────────────── */
GPtrArray *desk_query_chats (DeskDb *db, const DeskChatQuery *query, GError **error);
DeskChatRow *desk_query_chat (DeskDb *db, const char *platform, const char *user_id, GError **error);
GPtrArray *desk_query_outbox (DeskDb *db, GError **error);
/* Of a file with an older schema, for rescuing. */
GPtrArray *desk_query_old_outbox (DeskDb *db, int version, GError **error);
GPtrArray *desk_query_canned (DeskDb *db, GError **error);
GPtrArray *desk_query_managers (DeskDb *db, GError **error);
GPtrArray *desk_query_labels (DeskDb *db, GError **error);
DeskProfileRow *desk_query_profile (DeskDb *db, const char *platform, const char *user_id, GError **error);
DeskDraft *desk_query_draft (DeskDb *db, const char *platform, const char *user_id, GError **error);
GPtrArray *desk_query_drafts (DeskDb *db, GError **error);
char *desk_query_setting (DeskDb *db, const char *key, GError **error);
DeskStoreCounts *desk_query_counts (DeskDb *db, GError **error);
GPtrArray *desk_query_wanted (DeskDb *db, guint limit, GError **error);
DeskMessage *desk_query_message (DeskDb *db, const char *id, GError **error);
DeskTimelinePage *desk_query_timeline (DeskDb *db, const DeskTimelineQuery *query, GError **error);
GPtrArray *desk_query_search (DeskDb *db, const DeskSearchQuery *query, GError **error);
/* What was typed as an FTS5 expression in which every word is quoted; NULL if there is no word. */
char *desk_search_expression (const char *words);

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
#define DESK_STORE_FILE "cache.db"
/* DeskDbError → DeskStoreError; other domains stay. */
/* SQL of level 0: the row of “message” is the first after the place where the manager's limit of history cut. */
#define DESK_LEVEL0_IS_CUT(cut) \
  "(" cut ">0 AND message.order_key=(SELECT min(k.order_key) FROM message k WHERE k.chat=message.chat AND k.order_key>=" cut "))"
void desk_store_map_error (GError **error);
/* As desk_db_commit(); after any other error than DESK_STORE_ERROR_UNKNOWN nothing of the transaction can come back. */
gboolean desk_store_commit (DeskDb *db, GError **error);
DeskDb *desk_store_connect (const char *dir, const char *vfs, gboolean read_only, GError **error);
/* Creates and migrates. */
DeskDb *desk_store_connect_writer (const char *dir, const char *vfs, GError **error);
gboolean desk_store_make_dir (const char *dir, GError **error);

/* desk-store-mark.c: knows whether the last process that had the cache ended in order. */
typedef struct _DeskStoreMark DeskStoreMark;
/* *out_clean: no check is needed (ended in order, or another process has it open now). */
DeskStoreMark *desk_store_mark_enter (const char *dir, gboolean *out_clean, GError **error);
/* in_order: everything was closed; the last process out says so. */
void desk_store_mark_leave (DeskStoreMark *self, gboolean in_order);

G_END_DECLS
