/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "common/desk-clock.h"
#include "common/desk-random.h"
#include "protocol/desk-wire.h"
#include "server/service/desk-connector.h"
#include "server/service/desk-file-store.h"
#include "server/service/desk-server-store.h"

/* The rules of the backend: ingest, send, read, retention, users, tokens. It declares what it needs of a store
 * (desk-server-store.h), of an event sink and of connectors (desk-connector.h), and includes none of them.
 *
 * Writes are asynchronous: the job runs on the store's writer thread in a transaction that may be shared with
 * others (group commit); done is called on the writer thread after the commit and must only hand the reply on.
 * Reads run on the calling thread with a reader connection of that thread. */

G_BEGIN_DECLS

typedef struct _DeskService DeskService;

typedef struct
{
  char *username;
  char *display_name;
  DeskRole role;
  gint64 token_id;
} DeskIdentity;
DeskIdentity *desk_identity_ref (DeskIdentity *self); /* atomic, immutable */
void desk_identity_unref (DeskIdentity *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskIdentity, desk_identity_unref)

/* What clients may rely on, beyond PROTOCOL:
 * - new_message carries everything that it changes in its chat: clients fold it into last_message, last_time,
 *   last_chat_seq and last_in_seq. chat_updated comes (before the message) when something else of the chat changed:
 *   the chat is new, its name, state, waiting_since or window_expires_at moved. rev counts those alone.
 * - Internal notes move last_chat_seq, never last_message and last_time: those are shown at level 0, too.
 * - GET …/messages with before_seq or after_seq, GET /messages and the websocket with v=2 are level 2; limit and
 *   offset are level 0's form and leave notes out. */

/* A complete answer. body is the whole level-2 JSON ({"success":true,"data":…} or the failure envelope without
 * request_id, which the HTTP layer puts in through request_id_offset: -1 or the place of its empty string). */
typedef struct
{
  guint status;
  DeskCode code;        /* NONE on success */
  GString *body;
  gint64 retry_after_s; /* -1 none */
} DeskReply;
DeskReply *desk_reply_new_failure (DeskCode code, const char *message, const char *details, gint64 retry_after_s, const char *request_id);
void desk_reply_free (DeskReply *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskReply, desk_reply_free)
typedef void (*DeskReplyDone) (DeskReply *reply /* transfer full */, gpointer data);

typedef struct
{
  guint messages_per_chat; /* 0 keeps all */
  guint days;              /* 0 keeps all */
  guint keep_at_least;
  guint cleanup_minute; /* of the local day */
  guint events_days;
} DeskRetention;

/* Where committed events go: implemented by events/local, told to the hub by main. Called on the writer thread
 * after the commit, in log order. payloads: the whole level-2 frame, and level 0's or NULL. */
typedef struct
{
  gint64 seq;
  guint partition;
  gboolean is_private; /* an internal note: never to level 0 */
  GBytes *frame;       /* level 2 text frame */
  GBytes *frame_level0; /* nullable */
} DeskLoggedEvent;
typedef struct
{
  gpointer data;
  void (*published) (gpointer data, const DeskLoggedEvent *const *events, gsize n);
  void (*delivery_wanted) (gpointer data); /* new jobs stand in the queue; any thread */
  /* Nullable. Unsequenced frames for every socket (typing of a customer, read_receipt), level 0's nullable; on the
   * writer thread. */
  void (*ephemeral) (gpointer data, GBytes *frame, GBytes *frame_level0);
  /* Nullable. A stored message has attachments that are to be fetched from its platform; any thread, message is valid in
   * the call. */
  void (*files_wanted) (gpointer data, const char *connection, const DeskMessage *message);
  /* Nullable. A manager has read a chat up to the customer's message external_id: its platform may be told; on the writer
   * thread. */
  void (*chat_read) (gpointer data, const char *connection, const char *user_id, const char *external_id);
  /* Nullable. What is known of the customer is missing or old: whoever can tell is to be asked, and the answer goes to
   * desk_service_finish_lookup(). May come again for the same chat; any thread. */
  void (*profile_wanted) (gpointer data, const char *connection, const char *platform, const char *user_id);
  /* Nullable. Level-2 frames (GBytes) after a seq out of memory, or NULL where memory does not reach back so far;
   * any thread. */
  GPtrArray *(*recent) (gpointer data, guint partition, gint64 after_seq, guint limit, gint64 *out_last_seq);
} DeskServiceSink;

typedef struct
{
  DeskServerStore *store; /* borrowed; outlives the service */
  DeskFileStore *files;   /* borrowed, nullable: without one, no message has files */
  DeskClock *clock;
  DeskRandom *random;
  DeskServiceSink sink;
  DeskRetention retention;
} DeskServiceOptions;

DeskService *desk_service_new (const DeskServiceOptions *options, GError **error);
void desk_service_free (DeskService *self);
/* Before serving. Traits by platform, for limits, windows and capabilities. */
void desk_service_add_platform (DeskService *self, const DeskPlatform *platform);
void desk_service_add_connection (DeskService *self, const char *name, const char *platform, const char *chat_prefix);

/* ── Users and tokens ───────────────────────────────────────────────────────────────────────── */
gboolean desk_service_add_user (DeskService *self, const char *username, const char *display_name, DeskRole role, const char *password, GError **error); /* blocking: bcrypt 12 */
char *desk_service_create_token (DeskService *self, const char *username, GError **error); /* never expires; blocking */
/* NULL if unknown, expired or revoked. Cached, constant-time, any thread. Notices what another process changed
 * (user add, token create, revocation) within 2 s. */
DeskIdentity *desk_service_authenticate (DeskService *self, const char *token);
/* done is called on a worker thread; bcrypt never runs on the caller's. */
void desk_service_sign_in (DeskService *self, const char *username, const char *password, DeskReplyDone done, gpointer data);
void desk_service_refresh (DeskService *self, const char *refresh_token, DeskReplyDone done, gpointer data);
void desk_service_sign_out (DeskService *self, const DeskIdentity *who, DeskReplyDone done, gpointer data);

/* ── Reads: complete answers; any thread ────────────────────────────────────────────────────── */
typedef struct
{
  guint limit; /* 0 = all */
  const char *page;
  const char *platform; /* NULL: all */
  int state;            /* -1: all */
  const char *assignee; /* NULL: all; "": nobody's */
  gboolean unread_only;
  const char *label;    /* NULL: all */
} DeskChatsFilter;
DeskReply *desk_service_get_capabilities (DeskService *self, const DeskIdentity *who);
DeskReply *desk_service_get_chats (DeskService *self, const DeskIdentity *who, const DeskChatsFilter *filter);
DeskReply *desk_service_get_chat (DeskService *self, const DeskIdentity *who, const char *platform, const char *user_id);
/* What a link of an attachment names: NULL and a descriptor, which the caller closes; or the refusal: 403 for a link
 * that is forged or older than 15 minutes, 404 for a file that is gone. */
DeskReply *desk_service_open_file (DeskService *self, const char *id, const char *expires, const char *signature,
                                   int *out_fd, gint64 *out_size, char **out_mime_type);
/* One of before_seq (newest first), after_seq (oldest first) is ≥ 0, or offset counts (newest first). limit: 1 to 1000. */
DeskReply *desk_service_get_messages (DeskService *self, const DeskIdentity *who, const char *platform, const char *user_id,
                                      guint limit, guint offset, gint64 before_seq, gint64 after_seq);
DeskReply *desk_service_get_all_messages (DeskService *self, const DeskIdentity *who, guint limit, const char *page);
DeskReply *desk_service_get_changes (DeskService *self, const DeskIdentity *who, const char *cursor, guint limit);
DeskReply *desk_service_get_managers (DeskService *self, const DeskIdentity *who);
char *desk_service_get_epoch (DeskService *self);
gint64 desk_service_get_head (DeskService *self, guint partition);
/* What a resuming websocket gets: FALSE = reset. */
gboolean desk_service_can_resume (DeskService *self, const DeskCursor *cursor);
/* Level-2 frames after seq, at most limit, as GBytes; for the hub's replay. level0 TRUE gives that form. */
GPtrArray *desk_service_read_log (DeskService *self, guint partition, gint64 after_seq, guint limit, gint64 *out_last_seq, GError **error);

/* ── Writes ─────────────────────────────────────────────────────────────────────────────────── */
void desk_service_send (DeskService *self, DeskIdentity *who, const char *platform, const char *user_id, const DeskSendRequest *request, DeskReplyDone done, gpointer data);
/* As desk_service_send(), with files (DeskFileUpload; transfer full), which are made durable first, on a thread of the
 * service; request->text is the caption, "" for none. */
void desk_service_send_files (DeskService *self, DeskIdentity *who, const char *platform, const char *user_id, const DeskSendRequest *request, GPtrArray *uploads, DeskReplyDone done, gpointer data);
/* NULL if this backend keeps no files. */
DeskFileStore *desk_service_get_files (DeskService *self);
/* At start: files_wanted once more for what a restart interrupted, among the newest messages. Blocks for one read. */
void desk_service_resume_files (DeskService *self);
/* A file that is kept as an attachment of a message that is to be stored. */
DeskAttachment *desk_attachment_new_stored (const DeskStoredFile *file);
void desk_service_mark_read (DeskService *self, DeskIdentity *who, const char *platform, const char *user_id, gint64 up_to_chat_seq /* G_MAXINT64: all */, DeskReplyDone done, gpointer data);
void desk_service_mark_unread (DeskService *self, DeskIdentity *who, const char *platform, const char *user_id, DeskReplyDone done, gpointer data);
/* Queues a failed message again: 200 with the message; 404, or 409 NOT_SUPPORTED for any other. */
void desk_service_retry (DeskService *self, const DeskIdentity *who, const char *message_id, DeskReplyDone done, gpointer data);
/* Takes inbound. done: on the writer thread, after the commit or the refusal. */
void desk_service_ingest (DeskService *self, DeskInbound *inbound, DeskIngestDone done, gpointer data);
char *desk_service_get_checkpoint (DeskService *self, const char *connection);
/* Daily cleanup; blocking per chunk, on a thread of its own or the main thread's idle. Returns messages deleted. */
void desk_service_cleanup (DeskService *self, void (*done) (gint64 deleted, gpointer data), gpointer data);

/* ── Delivery (for delivery/) ───────────────────────────────────────────────────────────────── */
/* Due jobs, FIFO per chat (at most the first unfinished of each chat), which are not among running (job ids). */
GPtrArray *desk_service_due_jobs (DeskService *self, const char *connection, guint limit, GHashTable *running, gint64 *out_next_due_ms, GError **error);
/* Before the request goes out: durable "attempt begun", so that a crash turns it into unknown. done on the writer thread. */
void desk_service_begin_attempt (DeskService *self, gint64 job_id, void (*done) (gboolean ok, gpointer data), gpointer data);
/* What came of it: updates the message, its history, the job, and emits message_status. */
void desk_service_finish_attempt (DeskService *self, const DeskOutbound *outbound, const DeskOutcome *outcome, void (*done) (gboolean ok, gpointer data), gpointer data);
/* Jobs that wait for their connection for more than 24 h fail and become dead letters. done on the writer thread. */
void desk_service_expire_jobs (DeskService *self, const char *connection, void (*done) (gboolean ok, gpointer data), gpointer data);
/* At start: jobs whose attempt had begun when the process died become unknown. */
gboolean desk_service_recover_jobs (DeskService *self, guint *out_unknown, GError **error);

/* ── Operations (for main/) ─────────────────────────────────────────────────────────────────── */
/* A reply that could not be delivered. */
typedef struct
{
  gint64 id;
  char *connection;
  char *platform;
  char *user_id;
  char *message_id;
  gint64 created_ms;
  gint64 failed_ms;
  guint attempts;
  char *code;   /* nullable */
  char *reason; /* nullable */
} DeskDeadLetter;
void desk_dead_letter_free (DeskDeadLetter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskDeadLetter, desk_dead_letter_free)
/* By chat, oldest first within it; connection NULL: all. Blocks for one read. */
GPtrArray *desk_service_list_dead_letters (DeskService *self, const char *connection, guint limit, GError **error);
/* n: how many were queued again or given up; on the writer thread. */
typedef void (*DeskLettersDone) (guint n, const GError *error, gpointer data);
/* id 0: all (of the connection, unless that is NULL). */
void desk_service_retry_dead_letters (DeskService *self, const char *connection, gint64 id, DeskLettersDone done, gpointer data);
void desk_service_discard_dead_letters (DeskService *self, const char *connection, gint64 id, DeskLettersDone done, gpointer data);
/* The oldest stored payload that the query means, NULL without an error if there is none. Blocks for one read. */
DeskServerRaw *desk_service_next_raw (DeskService *self, const DeskServerRawQuery *query, GError **error);
typedef struct
{
  guint stored; /* new messages */
  guint known;  /* items that were there before */
  guint items;  /* all */
} DeskReplayed;
/* On the writer thread. */
typedef void (*DeskReplayDone) (const DeskReplayed *replayed, const GError *error, gpointer data);
/* Takes inbound, which is what the payload raw_id means (desk_connector_parse_raw()); what it brought before changes
 * nothing. The payload's problem is forgotten. */
void desk_service_replay (DeskService *self, gint64 raw_id, DeskInbound *inbound, DeskReplayDone done, gpointer data);

/* ── Health ─────────────────────────────────────────────────────────────────────────────────── */
void desk_service_set_health (DeskService *self, const char *connection, DeskHealth health, const char *reason);
/* As desk_service_set_health(), with the kind of trouble. Any thread; repeating it is cheap. Failures and recoveries become
 * notification events. */
void desk_service_set_trouble (DeskService *self, const char *connection, DeskHealth health, DeskTrouble trouble, const char *reason);
/* By name; of DeskConnectionInfo. */
GPtrArray *desk_service_list_connections (DeskService *self);
DeskReply *desk_service_get_connections (DeskService *self);
DeskReply *desk_service_get_ready (DeskService *self); /* 200 or 503, naming each dependency */
void desk_service_write_metrics (DeskService *self, GString *out);

G_END_DECLS
