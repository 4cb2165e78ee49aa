/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "model/desk-canned.h"
#include "model/desk-chat.h"
#include "model/desk-manager.h"
#include "model/desk-message.h"

/* What the rules need of a store; implemented by store/sqlite, later by store/postgres, each proven
 * by the same conformance suite.
 *
 * A store is a table of primitives without rules. Rules run as jobs: a job is a function that reads
 * and writes through a DeskServerTx; the store runs jobs one after the other on its writer, may put
 * many into one transaction, and calls each done in the order of the jobs after the commit. A job
 * is run again from the beginning when a neighbour in its group spoiled the transaction: it must
 * not change anything but its own data and the store, and must reset the former when it begins.
 *
 * Messages are kept as the complete level-2 JSON (body) plus the few narrow columns that rules ask
 * for. */

G_BEGIN_DECLS

#define DESK_SERVER_STORE_ERROR (desk_server_store_error_quark ())

typedef enum
{
  DESK_SERVER_STORE_ERROR_FAILED,       /* a defect: bad SQL, a broken rule */
  DESK_SERVER_STORE_ERROR_CONFLICT,     /* a uniqueness rule of the schema refused the row */
  DESK_SERVER_STORE_ERROR_FULL,         /* no space; writing works again as soon as there is some */
  DESK_SERVER_STORE_ERROR_UNAVAILABLE,  /* locked, not reachable, input/output error */
  DESK_SERVER_STORE_ERROR_DAMAGED,      /* the file is not a sound database */
  DESK_SERVER_STORE_ERROR_TOO_NEW,      /* written by a newer program */
  DESK_SERVER_STORE_ERROR_NOT_WRITABLE, /* no permission to write where the data should be */
  DESK_SERVER_STORE_ERROR_LOCKED,       /* another daemon works in this data folder */
} DeskServerStoreError;

GQuark desk_server_store_error_quark (void);

typedef struct _DeskServerStore DeskServerStore;
typedef struct _DeskServerTx DeskServerTx;
typedef struct _DeskServerStoreClass DeskServerStoreClass;

/* ── Rows ───────────────────────────────────────────────────────────────────────────────────── */

/* A chat with what only the backend knows of it. chat->personal is filled where a reader was named.
 */
typedef struct
{
  gint64 row; /* 0 until inserted */
  DeskChat *chat;
  gint64 preview_seq;      /* chat_seq of the message that last_message shows */
  gint64 last_reply_seq;   /* chat_seq of the newest reply by a manager, notes excluded */
  gint64 breaker_until_ms; /* mirrored messages are refused until then; 0 = closed */
  gint64 profile_at_ms;    /* when somebody last told of the customer; 0 = never */
  gint64 profile_due_ms;   /* when to ask for the profile again */
  gint64 profile_stale_until_ms; /* until then what is known counts as outdated; 0 = it does not */
} DeskServerChat;
DeskServerChat *desk_server_chat_new (DeskChat *chat);
void desk_server_chat_free (DeskServerChat *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerChat, desk_server_chat_free)

typedef struct
{
  gint64 chat_row;
  gint64 chat_seq;
  char *body; /* level-2 JSON */
} DeskServerMessage;
void desk_server_message_free (DeskServerMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerMessage, desk_server_message_free)

/* An idempotency key of a manager. */
typedef struct
{
  gint64 row;
  char *fingerprint;
  gint64 chat_row;
  gint64 chat_seq;
  char *body; /* nullable: kept here once the message was trimmed */
} DeskServerKey;
void desk_server_key_free (DeskServerKey *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerKey, desk_server_key_free)

typedef enum
{
  DESK_SERVER_JOB_WAITING = 0,
  DESK_SERVER_JOB_BEGUN = 1, /* a request may be on its way */
  DESK_SERVER_JOB_DEAD = 2,  /* dead letter */
} DeskServerJobState;

typedef struct
{
  gint64 id;
  gint64 chat_row;
  gint64 chat_seq;
  gboolean is_operation; /* not the sending of the message, but what its change asks for */
  char *connection;
  DeskServerJobState state;
  guint attempts; /* begun and not given back */
  guint waits;    /* failures that spent no attempt, in a row */
  gint64 due_ms;
  gint64 created_ms;
} DeskServerJobRow;
void desk_server_job_row_free (DeskServerJobRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerJobRow, desk_server_job_row_free)

typedef struct
{
  char *username;
  char *display_name;
  DeskRole role;
  char *password; /* crypt(3) hash; nullable: may not sign in with a password */
} DeskServerUser;
void desk_server_user_free (DeskServerUser *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerUser, desk_server_user_free)

/* How a connection is; health and trouble hold the numbers of DeskHealth and DeskTrouble. */
typedef struct
{
  char *name;
  char *platform;
  gint health;
  gint trouble;
  char *reason; /* nullable */
  gint64 since_ms;
  gint64 failing_since_ms; /* 0: it works */
  gboolean told;           /* managers were told that it fails */
} DeskServerConnectionRow;
void desk_server_connection_row_free (DeskServerConnectionRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerConnectionRow, desk_server_connection_row_free)

/* A payload as it came. */
typedef struct
{
  gint64 id;
  char *connection;
  gint64 at_ms;
  char *problem; /* nullable: why it could not be understood */
  GBytes *payload;
} DeskServerRaw;
void desk_server_raw_free (DeskServerRaw *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerRaw, desk_server_raw_free)

typedef struct
{
  const char *connection; /* NULL: all */
  gint64 since_ms;
  gint64 after_id;
  gboolean problems_only;
} DeskServerRawQuery;

typedef enum
{
  DESK_SERVER_TOKEN_ACCESS = 0,
  DESK_SERVER_TOKEN_REFRESH = 1,
} DeskServerTokenKind;

typedef struct
{
  gint64 id;
  char *hash; /* SHA-256, 64 hex digits */
  DeskServerTokenKind kind;
  char *username;
  char *family;      /* everything that came from one sign-in */
  gint64 expires_ms; /* 0 = never */
  gint64 used_ms;    /* refresh: when it was exchanged; 0 = not yet */
} DeskServerToken;
void desk_server_token_free (DeskServerToken *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerToken, desk_server_token_free)

typedef struct
{
  const char *username; /* whose personal fields */
  const char *platform; /* NULL: all */
  int state;            /* -1: all */
  const char *assignee; /* NULL: all; "": nobody's */
  const char *label;    /* NULL: all */
  gboolean unread_only;
  guint limit;           /* 0: all */
  gint64 before_time_ms; /* page: chats that stand after this place; G_MAXINT64 from the top */
  gint64 before_row;
} DeskServerChatsQuery;

typedef struct
{
  gint64 chat_row;
  gint64 before_seq; /* newest first; -1 not used, 0 from the newest */
  gint64 after_seq;  /* oldest first; -1 not used */
  guint offset;      /* newest first, if neither */
  guint limit;
  gboolean public_only; /* without internal notes */
} DeskServerMessagesQuery;

/* FALSE stops. What is passed in lives until the function returns; the function must not use the
 * transaction. The id of a body is told by messages_all alone, else NULL. */
typedef gboolean (*DeskServerChatFunc) (DeskServerChat *chat, gpointer data);
typedef gboolean (*DeskServerBodyFunc) (const char *body, gsize len, const char *id, gpointer data);
typedef gboolean (*DeskServerEventFunc) (gint64 seq, const char *frame, gsize len, gpointer data);

/* FALSE with an error: nothing of this job may stay. */
typedef gboolean (*DeskServerJob) (DeskServerTx *tx, gpointer data, GError **error);
/* On the writer thread; error NULL: committed. Errors are of DESK_SERVER_STORE_ERROR. */
typedef void (*DeskServerJobDone) (const GError *error, gpointer data);

struct _DeskServerTx
{
  const DeskServerStoreClass *ops;
};

struct _DeskServerStore
{
  const DeskServerStoreClass *ops;
};

/* All functions return FALSE and set the error on failure; finding nothing is TRUE with *out NULL
 * or 0. */
struct _DeskServerStoreClass
{
  const char *name;

  /* Any thread. done is always called, once. */
  void (*submit) (DeskServerStore *store, DeskServerJob job, DeskServerJobDone done, gpointer data);
  /* One state of the store for several reads, on the calling thread; end it soon. NULL on error. */
  DeskServerTx *(*begin_read) (DeskServerStore *store, GError **error);
  void (*end_read) (DeskServerTx *tx);
  /* Constant while the store is open. */
  const char *(*get_epoch) (DeskServerStore *store);
  /* The newest committed seq; any thread, cheap. */
  gint64 (*get_head) (DeskServerStore *store);
  /* Closes: runs what was submitted, waits, frees. */
  void (*close) (DeskServerStore *store);

  /* chats */
  gboolean (*chat_find) (DeskServerTx *tx,
                         const char *platform,
                         const char *user_id,
                         const char *reader,
                         DeskServerChat **out,
                         GError **error);
  /* The row alone, 0 if there is none: what reading messages needs. */
  gboolean (*chat_get_row) (DeskServerTx *tx,
                            const char *platform,
                            const char *user_id,
                            gint64 *out_row,
                            GError **error);
  gboolean (*chat_find_row) (DeskServerTx *tx, gint64 row, DeskServerChat **out, GError **error);
  gboolean (*chat_insert) (DeskServerTx *tx, DeskServerChat *chat, GError **error); /* sets row */
  gboolean (*chat_update) (DeskServerTx *tx, const DeskServerChat *chat, GError **error);
  gboolean (*chats_list) (DeskServerTx *tx,
                          const DeskServerChatsQuery *query,
                          DeskServerChatFunc func,
                          gpointer data,
                          GError **error);
  gboolean (*personal_set) (DeskServerTx *tx,
                            gint64 chat_row,
                            const char *username,
                            const DeskChatPersonal *personal,
                            GError **error);
  /* Rows of snoozed chats that have an end, soonest first; *out_first_ms is that of the first. */
  gboolean (*chats_snoozed) (
      DeskServerTx *tx, guint limit, GArray **out_rows, gint64 *out_first_ms, GError **error);

  /* messages; body is NUL-terminated */
  gboolean (*message_insert) (DeskServerTx *tx,
                              gint64 chat_row,
                              const DeskMessage *message,
                              const char *body,
                              gsize len,
                              gint64 stored_ms,
                              gint64 key_row,
                              GError **error);
  gboolean (*message_update) (DeskServerTx *tx,
                              gint64 chat_row,
                              const DeskMessage *message,
                              const char *body,
                              gsize len,
                              GError **error);
  gboolean (*message_by_seq) (
      DeskServerTx *tx, gint64 chat_row, gint64 chat_seq, DeskServerMessage **out, GError **error);
  gboolean (*message_by_id) (DeskServerTx *tx,
                             const char *id,
                             DeskServerMessage **out,
                             GError **error);
  gboolean (*message_by_external) (DeskServerTx *tx,
                                   gint64 chat_row,
                                   const char *external_id,
                                   DeskServerMessage **out,
                                   GError **error);
  gboolean (*messages_page) (DeskServerTx *tx,
                             const DeskServerMessagesQuery *query,
                             DeskServerBodyFunc func,
                             gpointer data,
                             GError **error);
  /* Newest first by time of storing; before_id NULL from the newest. */
  gboolean (*messages_all) (DeskServerTx *tx,
                            const char *before_id,
                            guint limit,
                            DeskServerBodyFunc func,
                            gpointer data,
                            GError **error);
  /* Replies of managers other than username after seq: no notes, no bots, no tombstones. */
  gboolean (*messages_replies_after) (DeskServerTx *tx,
                                      gint64 chat_row,
                                      gint64 after_seq,
                                      const char *username,
                                      guint limit,
                                      DeskServerBodyFunc func,
                                      gpointer data,
                                      GError **error);
  /* Outgoing messages among the newest 500 of the chat whose status is one of mask (1 <<
   * DeskStatus), created at or before the time; oldest first; of DeskServerMessage. */
  gboolean (*messages_with_status) (DeskServerTx *tx,
                                    gint64 chat_row,
                                    guint mask,
                                    gint64 until_ms,
                                    GPtrArray **out,
                                    GError **error);
  gboolean (*messages_count_mirrored) (
      DeskServerTx *tx, gint64 chat_row, gint64 since_stored_ms, gint64 *out, GError **error);
  /* in_seq of the newest incoming message at or before seq; if all such are gone, one less than the
   * first kept. */
  gboolean (*message_in_seq) (
      DeskServerTx *tx, gint64 chat_row, gint64 chat_seq, gint64 *out, GError **error);
  /* Deletes what stands before seq and, unless before_ms is 0, was created before it; never queued
   * and unknown ones. Bodies that a key refers to move to the key. */
  gboolean (*messages_trim) (DeskServerTx *tx,
                             gint64 chat_row,
                             gint64 below_seq,
                             gint64 before_ms,
                             gint64 *out_deleted,
                             gint64 *out_first,
                             GError **error);
  /* Chats, after a row, that hold anything created before the time and more than keep messages. */
  gboolean (*chats_to_clean) (DeskServerTx *tx,
                              gint64 after_row,
                              gint64 before_ms,
                              guint keep,
                              guint limit,
                              GArray **out_rows,
                              GError **error);

  /* idempotency keys, deduplication, payloads, poll positions */
  gboolean (*key_find) (
      DeskServerTx *tx, const char *username, const char *key, DeskServerKey **out, GError **error);
  gboolean (*key_insert) (DeskServerTx *tx,
                          const char *username,
                          const char *key,
                          const char *fingerprint,
                          gint64 chat_row,
                          gint64 chat_seq,
                          gint64 at_ms,
                          gint64 *out_row,
                          GError **error);
  /* The message of that chat whose client id is key, whoever wrote it. */
  gboolean (*key_find_message) (
      DeskServerTx *tx, const char *key, gint64 chat_row, DeskServerMessage **out, GError **error);
  gboolean (*dedup_insert) (DeskServerTx *tx,
                            const char *connection,
                            const char *key,
                            gint64 at_ms,
                            gboolean *out_is_new,
                            GError **error);
  gboolean (*raw_insert) (DeskServerTx *tx,
                          const char *connection,
                          gint64 at_ms,
                          GBytes *payload,
                          const char *problem,
                          GError **error);
  /* The oldest payload that the query means, NULL if there is none. */
  gboolean (*raw_next) (DeskServerTx *tx,
                        const DeskServerRawQuery *query,
                        DeskServerRaw **out,
                        GError **error);
  gboolean (*raw_set_problem) (DeskServerTx *tx, gint64 id, const char *problem, GError **error);
  gboolean (*raw_count_problems) (DeskServerTx *tx, gint64 *out, GError **error);
  gboolean (*connection_set) (DeskServerTx *tx,
                              const DeskServerConnectionRow *row,
                              GError **error);
  gboolean (*connections_list) (DeskServerTx *tx,
                                GPtrArray **out,
                                GError **error); /* of DeskServerConnectionRow, by name */
  gboolean (*checkpoint_get) (DeskServerTx *tx, const char *connection, char **out, GError **error);
  gboolean (*checkpoint_set) (DeskServerTx *tx,
                              const char *connection,
                              const char *value,
                              GError **error);
  /* At most limit rows a table; out: how many went. */
  gboolean (*purge) (DeskServerTx *tx,
                     gint64 keys_before_ms,
                     gint64 dedup_before_ms,
                     gint64 raw_before_ms,
                     gint64 events_before_ms,
                     gint64 now_ms,
                     guint limit,
                     gint64 *out,
                     GError **error);

  /* event log (partition 0) */
  gint64 (*event_next_seq) (DeskServerTx *tx);
  gboolean (*event_append) (
      DeskServerTx *tx, gint64 seq, gint64 at_ms, const char *frame, gsize len, GError **error);
  gboolean (*events_read) (DeskServerTx *tx,
                           gint64 after_seq,
                           guint limit,
                           DeskServerEventFunc func,
                           gpointer data,
                           GError **error);
  /* The oldest seq that is kept, or head + 1. */
  gboolean (*events_tail) (DeskServerTx *tx, gint64 *out, GError **error);

  /* delivery jobs */
  gboolean (*job_insert) (DeskServerTx *tx,
                          DeskServerJobRow *job,
                          GError **error); /* sets id; replaces a finished one */
  gboolean (*job_get) (DeskServerTx *tx, gint64 id, DeskServerJobRow **out, GError **error);
  gboolean (*job_update) (DeskServerTx *tx, const DeskServerJobRow *job, GError **error);
  /* The one that sends the message. */
  gboolean (*job_delete) (DeskServerTx *tx, gint64 chat_row, gint64 chat_seq, GError **error);
  gboolean (*job_delete_id) (DeskServerTx *tx, gint64 id, GError **error);
  gboolean (*job_find) (DeskServerTx *tx,
                        gint64 chat_row,
                        gint64 chat_seq,
                        gboolean is_operation,
                        DeskServerJobRow **out,
                        GError **error);
  /* The first unfinished job of each chat of the connection, by due time, then id; of
   * DeskServerJobRow. */
  gboolean (*jobs_first) (DeskServerTx *tx,
                          const char *connection,
                          GPtrArray **out,
                          GError **error);
  /* connection NULL: all. In that state and created before the time; of DeskServerJobRow. */
  gboolean (*jobs_in_state) (DeskServerTx *tx,
                             const char *connection,
                             DeskServerJobState state,
                             gint64 created_before_ms,
                             guint limit,
                             GPtrArray **out,
                             GError **error);
  gboolean (*jobs_count) (DeskServerTx *tx, DeskServerJobState state, gint64 *out, GError **error);

  /* canned replies; shortcuts are unique without regard to case */
  gboolean (*canned_list) (DeskServerTx *tx, GPtrArray **out, GError **error); /* of DeskCanned */
  gboolean (*canned_find) (DeskServerTx *tx, const char *id, DeskCanned **out, GError **error);
  gboolean (*canned_find_shortcut) (DeskServerTx *tx,
                                    const char *shortcut,
                                    DeskCanned **out,
                                    GError **error);
  gboolean (*canned_put) (DeskServerTx *tx, const DeskCanned *canned, GError **error);
  gboolean (*canned_delete) (DeskServerTx *tx, const char *id, GError **error);

  /* Profiles: level-2 JSON, and a bit for each field that a manager wrote. */
  gboolean (*profile_get) (
      DeskServerTx *tx, gint64 chat_row, char **out_body, gint64 *out_typed, GError **error);
  gboolean (*profile_set) (
      DeskServerTx *tx, gint64 chat_row, const char *body, gint64 typed, GError **error);

  /* Bodies of profiles after a chat's row, id NULL; *out_last is the row of the last, 0 if there was none. */
  gboolean (*profiles_list) (DeskServerTx *tx,
                             gint64 after_row,
                             guint limit,
                             DeskServerBodyFunc func,
                             gpointer data,
                             gint64 *out_last,
                             GError **error);

  /* The templates of a connection, as JSON. */
  gboolean (*templates_set) (
      DeskServerTx *tx, const char *connection, const char *body, gint64 at_ms, GError **error);
  gboolean (*templates_get) (
      DeskServerTx *tx, const char *connection, char **out_body, GError **error);

  /* people and tokens */
  gboolean (*user_find) (DeskServerTx *tx,
                         const char *username,
                         DeskServerUser **out,
                         GError **error);
  /* Everything that exists counts as read by a new user. */
  gboolean (*user_insert) (DeskServerTx *tx,
                           const DeskServerUser *user,
                           gint64 at_ms,
                           GError **error);
  gboolean (*users_list) (DeskServerTx *tx,
                          GPtrArray **out,
                          GError **error); /* of DeskServerUser, by username */
  gboolean (*token_find) (DeskServerTx *tx,
                          const char *hash,
                          DeskServerToken **out,
                          GError **error);
  gboolean (*token_find_id) (DeskServerTx *tx, gint64 id, DeskServerToken **out, GError **error);
  gboolean (*token_insert) (DeskServerTx *tx,
                            const DeskServerToken *token,
                            gint64 at_ms,
                            GError **error);
  gboolean (*token_set_used) (DeskServerTx *tx, gint64 id, gint64 used_ms, GError **error);
  gboolean (*tokens_revoke_family) (DeskServerTx *tx, const char *family, GError **error);
};

/* Runs a job and waits for its commit; never on the writer thread or the main loop of a daemon. */
gboolean
desk_server_store_run (DeskServerStore *store, DeskServerJob job, gpointer data, GError **error);

G_END_DECLS
