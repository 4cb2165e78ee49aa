/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-service.h"

/* Shared by the files of the service alone. */

#define DAY_MS (24 * 3600 * G_GINT64_CONSTANT (1000))

#define DESK_KEY_MAX_BYTES 128 /* of a client_message_id */

#define DESK_LINKS_MARK   ' ' /* first byte of JSON which names files: its links are to be signed */
#define DESK_AVATAR_MARK  '\t' /* first byte of JSON with a profile whose picture is kept here: its link is to be signed */

typedef struct
{
  char *name;
  char *platform;
  char *chat_prefix;
  DeskHealth health;
  DeskTrouble trouble;
  char *reason;
  gint64 since_ms;
  gint64 failing_since_ms; /* 0: it works */
  gboolean told;           /* managers know that it fails */
} DeskServiceConnection;

typedef struct
{
  DeskIdentity *identity;
  gint64 expires_ms;
  gint64 checked_us; /* when the store was last asked */
} DeskCachedToken;

struct _DeskService
{
  DeskServiceOptions options;
  DeskServerStore *store;
  DeskFileStore *files; /* nullable */
  DeskClock *clock;
  DeskRandom *random;
  GHashTable *platforms;     /* name → DeskPlatform; constant once serving */
  GPtrArray *platform_order; /* borrowed */
  GHashTable *connections;   /* name → DeskServiceConnection; health guarded by mutex */
  GMutex mutex;

  GRWLock token_lock;
  GHashTable *tokens; /* hash → DeskCachedToken */
  GThreadPool *password_pool;
  GThreadPool *file_pool; /* waits for the disk, and looks for files that nobody wants */
  char *decoy_hash; /* what an unknown user's password is compared with */

  gint closing; /* atomic: nothing that goes on by itself may go on */
  gint storage_failing; /* atomic: 0, or the DeskCode of the last failed commit */
  GHashTable *templates;    /* connection → of DeskTemplate; under mutex */
  GHashTable *spoiled_jobs; /* ids; under mutex, see desk_service_spoil_job() */
  guint64 counters[8];  /* under mutex; see desk-service-probes.c */
};

typedef enum
{
  DESK_COUNT_SENDS,
  DESK_COUNT_INGESTED,
  DESK_COUNT_DUPLICATES,
  DESK_COUNT_DELIVERED,
  DESK_COUNT_FAILED,
  DESK_COUNT_UNKNOWN,
  DESK_COUNT_REFUSED,
  DESK_COUNT_LAST,
} DeskCount;
void desk_service_count (DeskService *self, DeskCount what, guint64 n);

/* ── One write: what a job did that others must hear of after its commit ────────────────────── */
typedef struct
{
  DeskService *service;
  DeskServerTx *tx;
  gint64 now_ms;
  GPtrArray *events;    /* of DeskLoggedEvent */
  GPtrArray *ephemeral; /* of DeskEvent */
  GPtrArray *fetches;   /* of DeskMessage: stored, with files to be fetched */
  GPtrArray *lookups;   /* see desk-service-lookup.c */
  gboolean wants_delivery;
} DeskWork;

void desk_work_init (DeskWork *self, DeskService *service);
void desk_work_clear (DeskWork *self);
/* At the beginning of a run of the job: forgets what an earlier run did. */
void desk_work_begin (DeskWork *self, DeskServerTx *tx);
/* Gives the event its seq and puts it into the log. */
gboolean desk_work_emit (DeskWork *self, DeskEvent *event, GError **error);
gboolean
desk_work_emit_message (DeskWork *self, DeskEventType type, DeskMessage *message, GError **error);
/* A new rev and chat_updated; the caller writes the chat afterwards. */
gboolean desk_work_emit_chat (DeskWork *self, DeskServerChat *chat, GError **error);
/* If it has attachments that wait to be fetched. */
void desk_work_want_files (DeskWork *self, const DeskMessage *message);
/* The chat's customer is to be asked for if it is time; the caller writes the chat. */
void desk_work_want_profile (DeskWork *self, DeskServerChat *chat);
/* After the commit. */
void desk_work_tell_lookups (DeskWork *self);
void desk_work_wanted_free (gpointer data);
void desk_work_add_ephemeral (DeskWork *self, DeskEvent *event);
/* On the writer thread after the commit. */
void desk_work_publish (DeskWork *self);
/* error.code of a message that an operator gave up */
#define DESK_CODE_WORD_DISCARDED "DISCARDED"
/* A failed message waits for delivery again, at its old place. *out_queued FALSE: its chat is gone. */
gboolean desk_work_queue_again (
    DeskWork *self, gint64 chat_row, DeskMessage *message, gboolean *out_queued, GError **error);
/* A notice for everybody, in the log. */
gboolean desk_work_emit_notice (DeskWork *self, const DeskNotification *notice, GError **error);
/* With id and time; the caller fills in the rest: title and text at least. */
DeskNotification *desk_service_new_notice (DeskService *self, const char *kind);
/* What the store knows of a connection that was just added. */
void desk_service_recall_health (DeskService *self, DeskServiceConnection *connection);
/* The templates that a connection had the last time. */
void desk_service_recall_templates (DeskService *self, const char *connection);
/* Notes whether the storage works; to be called by every done. */
void desk_service_note_commit (DeskService *self, const GError *error);

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */
DeskReply *desk_reply_new_ok (void); /* 200 with an empty body to write into */
/* {"success":true,"data":  … and what closes it; next is nullable. */
void desk_reply_begin (DeskReply *self, DeskJsonWriter *w);
void desk_reply_end (DeskReply *self, DeskJsonWriter *w, const char *next);
DeskReply *desk_reply_new_empty (void); /* data {} */
DeskReply *desk_reply_new_store_failure (const GError *error);
DeskReply *desk_reply_new_invalid (const char *field, const char *message);
DeskReply *desk_reply_new_no_chat (void);

/* ── Messages within a transaction ──────────────────────────────────────────────────────────── */
DeskMessage *desk_service_parse_body (const char *body, GError **error);
/* Would clients, and this service later on, read what is written of the message? */
gboolean desk_service_is_readable (DeskMessage *message);
char *desk_service_write_body (const DeskMessage *message, gsize *out_len);
/* Gives message its id, chat_seq and in_seq, stores it, moves what the chat shows of it, emits
 * (chat_updated if something changed that new_message does not tell) new_message, and trims. chat
 * must be inserted. */
gboolean desk_work_store_message (DeskWork *self,
                                  DeskServerChat *chat,
                                  DeskMessage *message,
                                  const char *username,
                                  const char *key,
                                  const char *fingerprint,
                                  gboolean chat_changed,
                                  GError **error);
/* A new rev of a stored message and its event. */
gboolean desk_work_change_message (
    DeskWork *self, gint64 chat_row, DeskMessage *message, DeskEventType type, GError **error);
/* Makes it a tombstone, with its event; nothing if it is one. */
gboolean
desk_work_delete_message (DeskWork *self, gint64 chat_row, DeskMessage *message, GError **error);
/* A queued message was changed: what delivery has read of its job before must not be sent. It reads it again. */
void desk_service_spoil_job (DeskService *self, gint64 job_id);
/* What came of the attempt to make a change at the platform: the change that was attempted, which may not be the
 * newest. */
gboolean desk_work_finish_operation (DeskWork *self,
                                     DeskServerJobRow *job,
                                     DeskMessage *message,
                                     const DeskChange *attempted,
                                     const DeskOutcome *outcome,
                                     GError **error);
gboolean desk_work_fail_operation (DeskWork *self,
                                   DeskServerJobRow *job,
                                   DeskMessage *message,
                                   const char *code,
                                   const char *reason,
                                   GError **error);
DeskReply *desk_reply_new_too_long (guint limit, DeskTextUnit unit, gsize length);
/* If the ladder of statuses allows it: history, error, event. *out_changed nullable. */
gboolean desk_work_set_status (DeskWork *self,
                               gint64 chat_row,
                               DeskMessage *message,
                               DeskStatus status,
                               gint64 at_ms,
                               const char *code,
                               const char *reason,
                               gboolean retryable,
                               gboolean *out_changed,
                               GError **error);
gboolean desk_work_trim (DeskWork *self,
                         DeskServerChat *chat,
                         gint64 below_seq,
                         gint64 before_ms,
                         gint64 *out_deleted,
                         GError **error);
/* The line that a chat list shows; transfer full. */
char *desk_service_preview (const DeskMessage *message);
gboolean desk_work_rename_chat (DeskWork *self,
                                DeskServerChat *chat,
                                const char *new_user_id,
                                GError **error);
const DeskPlatform *desk_service_find_platform (DeskService *self, const char *name);

/* ── Files ──────────────────────────────────────────────────────────────────────────────────── */
/* Copies JSON and puts fresh links in place of those (signed or not) that it has. */
void desk_service_sign_json (DeskService *self, const char *json, gsize len, GString *out);
/* A stored message as it is told; the usual one is copied. */
void desk_service_write_stored (DeskService *self, DeskJsonWriter *w, const char *body, gsize len);
/* Takes frame (nullable) and gives it back with fresh links. */
GBytes *desk_service_sign_frame (DeskService *self, GBytes *frame);
/* A message to be told and never to be stored. */
DeskMessage *desk_service_copy_signed (DeskService *self, const DeskMessage *message);
DeskReply *desk_reply_new_file_failure (const GError *error);
DeskKind desk_service_kind_of_files (GPtrArray *files /* of DeskStoredFile */);
/* A file that is not here yet has a name of its own until its hash is known. */
void desk_service_name_files (DeskService *self, DeskMessage *message);
/* Some attachment is to be fetched, and can be named to the platform. */
gboolean desk_service_has_pending_files (const DeskMessage *message);
/* Removes files that no message names and that are older than a day; blocks, on a thread of its
 * own. Returns how many. */
guint desk_service_sweep_files (DeskService *self);
/* An entry of file_pool. */
typedef struct
{
  void (*work) (DeskService *self, gpointer data);
  gpointer data;
} DeskFileTask;
void desk_service_push_file_task (DeskService *self,
                                  void (*work) (DeskService *self, gpointer data),
                                  gpointer data);

/* ── Ingest ─────────────────────────────────────────────────────────────────────────────────── */
/* ── Messages that are several at their platform ──
 * Gives a part its way to its message; place: of its file among the attachments. */
gboolean desk_work_add_part (DeskWork *self, gint64 chat_row, gint64 chat_seq, const char *external_id, guint place, GError **error);
/* *out NULL: there is none. out_place: nullable. */
gboolean desk_work_find_part (DeskWork *self, gint64 chat_row, const char *external_id, DeskMessage **out, guint *out_place, GError **error);
/* message was stored as the first of an album. */
gboolean desk_work_begin_album (DeskWork *self, gint64 chat_row, const DeskMessage *message, const char *album, GError **error);
/* Adds part to the album's message. *out_joined FALSE: there is none, or it takes no more. */
gboolean desk_work_join_album (DeskWork *self, gint64 chat_row, const char *album, const DeskMessage *part, gboolean *out_joined, GError **error);
/* An edit or a deletion of one part of an album. *out_done FALSE: it is not one. */
gboolean desk_work_change_part (DeskWork *self, const DeskInboundItem *item, gint64 chat_row, gboolean *out_done, GError **error);

gboolean desk_work_apply_change (DeskWork *self,
                                 const DeskInbound *inbound,
                                 DeskInboundItem *item,
                                 DeskServerChat *chat,
                                 GError **error);

/* ── Passwords ──────────────────────────────────────────────────────────────────────────────── */
char *desk_password_hash (DeskRandom *random,
                          const char *password); /* bcrypt cost 12; NULL if crypt refuses */
gboolean desk_password_check (const char *password, const char *hash);
