/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "model/desk-chat.h"
#include "model/desk-connection-info.h"
#include "model/desk-event.h"
#include "model/desk-manager.h"
#include "model/desk-message.h"
#include "model/desk-platform.h"

/* JSON ↔ model for both levels of the protocol. Every name that goes over the wire is spelled in
 * this folder and nowhere else. All functions are pure and may be called on any thread. */

G_BEGIN_DECLS

#define DESK_WIRE_MAX_BODY (64 * 1024 * 1024)  /* bytes: largest REST answer that a client takes */
#define DESK_WIRE_MAX_FRAME (1024 * 1024)      /* bytes: largest websocket frame that a client takes */
#define DESK_WIRE_MAX_CLIENT_FRAME 16384       /* bytes: largest frame that the server takes */
#define DESK_WIRE_MAX_TEXT 65536               /* bytes of one message's text */

/* Beside DESK_JSON_ERROR, which says that JSON is broken or a member is not what it should be. */
#define DESK_WIRE_ERROR (desk_wire_error_quark ())
typedef enum
{
  DESK_WIRE_ERROR_NOT_OURS, /* not an answer of this protocol's level 2: take level 0 */
  DESK_WIRE_ERROR_REFUSED,  /* the answer says success:false or ok:false */
} DeskWireError;
GQuark desk_wire_error_quark (void);

/* ── Errors: the closed list of level 2 ─────────────────────────────────────────────────────── */
typedef enum
{
  DESK_CODE_NONE,
  DESK_CODE_BAD_REQUEST,
  DESK_CODE_UNAUTHORIZED,
  DESK_CODE_FORBIDDEN,
  DESK_CODE_NOT_FOUND,
  DESK_CODE_METHOD_NOT_ALLOWED,
  DESK_CODE_CONFLICT,
  DESK_CODE_STALE_REPLY,
  DESK_CODE_IN_FLIGHT,
  DESK_CODE_WINDOW_CLOSED,
  DESK_CODE_NOT_SUPPORTED,
  DESK_CODE_CURSOR_EXPIRED,
  DESK_CODE_TOO_LARGE,
  DESK_CODE_UNSUPPORTED_MEDIA_TYPE,
  DESK_CODE_INVALID,
  DESK_CODE_TEXT_TOO_LONG,
  DESK_CODE_IDEMPOTENCY_MISMATCH,
  DESK_CODE_RATE_LIMITED,
  DESK_CODE_INTERNAL,
  DESK_CODE_UNAVAILABLE,
  DESK_CODE_STORAGE_FULL,
  DESK_CODE_CHANNEL_DOWN,
  DESK_CODE_OTHER, /* a code this version does not know, or a level-0 refusal */
} DeskCode;
const char *desk_code_to_string (DeskCode code); /* NULL for NONE and OTHER */
DeskCode desk_code_from_string (const char *text); /* OTHER for others */
guint desk_code_http_status (DeskCode code);

typedef struct
{
  guint http_status;
  DeskCode code;
  char *code_text; /* as it came */
  char *message;   /* never NULL */
  char *details;   /* nullable JSON text */
  gint64 retry_after_ms; /* -1 not told */
  char *request_id;      /* nullable */
} DeskFailure;
void desk_failure_free (DeskFailure *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskFailure, desk_failure_free)

/* What a non-2xx answer says: our envelope, seed-style {"success":false,"status_message"}, {"error":
 * "text"}, or plain text; never fails. retry_after is the header's value or NULL; only its form in
 * seconds is understood. message is fit for people: HTML is not shown. */
DeskFailure *desk_wire_read_failure (guint http_status, const char *body, gsize len, const char *retry_after);
/* {"success":false,"error":{…}}; details is JSON text or NULL; retry_after_s -1 to leave it out. */
void desk_wire_write_failure (DeskJsonWriter *w, DeskCode code, const char *message, const char *details,
                              gint64 retry_after_s, const char *request_id);

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */
/* Parses a body and takes off the envelope: bare value or {"data":…,"success":true,…}. A body that says
 * success:false is an error. out_next (nullable) gets level 2's "next" or NULL. Transfer full. */
/* An empty body, and an envelope without data, give a null node. DESK_WIRE_ERROR_REFUSED for success:false. */
JsonNode *desk_wire_read_answer (const char *body, gsize len, char **out_next, GError **error);

/* {"success":true,"data": VALUE }: begin, write one value, end. next (nullable) leads to another page. */
void desk_wire_begin_answer (DeskJsonWriter *w);
void desk_wire_end_answer (DeskJsonWriter *w, const char *next);

/* ── Objects. Reading accepts both levels; writing gives level 2 (a superset of level 0) ──────
 * What makes an object level 2 is stream_id for a chat and chat_seq for a message; without it level 2's
 * members are not looked at. Strings and arrays over the limits are refused, never cut. Unknown words: kind
 * becomes UNSUPPORTED, status and source NONE, a chat's type and state the default; direction and sender are
 * an error. Errors are DESK_JSON_ERROR and name the member, never its value.
 * Lists: broken elements are left out (and counted in the log); it is an error only if all of them are. */
DeskChat *desk_wire_read_chat (JsonNode *node, GError **error);
void desk_wire_write_chat (DeskJsonWriter *w, const DeskChat *chat); /* personal fields only if has_personal */
DeskMessage *desk_wire_read_message (JsonNode *node, GError **error);
void desk_wire_write_message (DeskJsonWriter *w, const DeskMessage *message);
GPtrArray *desk_wire_read_chats (JsonNode *node, GError **error);    /* of DeskChat */
GPtrArray *desk_wire_read_messages (JsonNode *node, GError **error); /* of DeskMessage */

/* ── Events ─────────────────────────────────────────────────────────────────────────────────── */
/* A type that is not known gives DESK_EVENT_UNKNOWN with its place in the log. A known type whose data is
 * broken is an error, also when sequenced: whether to pass over it is for the sync layer to decide, which
 * may ask desk_wire_read_event_place(). The head event's cursor has the epoch "_", as the frame tells none.
 * Typing without "who", as at level 0, is the customer's. */
DeskEvent *desk_wire_read_event (const char *frame, gsize len, GError **error);
DeskEvent *desk_wire_read_event_node (JsonNode *node, GError **error);
/* The same for whoever follows the log: a broken event whose place can be read becomes DESK_EVENT_UNKNOWN at that
 * place, with a warning that tells no content. Asking for it again would bring the same; what it was about is
 * repaired by the next page of history. NULL only where there is no place. */
DeskEvent *desk_wire_read_log_event (const char *frame, gsize len, GError **error);
/* Only where in the log the event stands; FALSE if it is not sequenced or not even that can be read. */
gboolean desk_wire_read_event_place (JsonNode *node, guint *out_partition, gint64 *out_seq);
/* Level 2: {"type","p","seq","data"}. Sequenced ones have p and seq, others not. */
void desk_wire_write_event (DeskJsonWriter *w, const DeskEvent *event);
/* Level 0's {"type","data"} form, or FALSE and nothing written if level 0 knows no such event or must not
 * see it (internal notes). */
gboolean desk_wire_write_event_level0 (DeskJsonWriter *w, const DeskEvent *event);

typedef struct
{
  GPtrArray *events; /* of DeskEvent */
  char *cursor;
  gboolean has_more;
} DeskChanges;
/* Broken events become DESK_EVENT_UNKNOWN at their place, see desk_wire_read_log_event(); one without a place
 * fails the whole page: the cursor would pass over it. */
DeskChanges *desk_wire_read_changes (JsonNode *data, GError **error);
/* {"events":[ EVENTS ],"cursor","has_more"}: begin, write events or their stored text, end. */
void desk_wire_begin_changes (DeskJsonWriter *w);
void desk_wire_end_changes (DeskJsonWriter *w, const char *cursor, gboolean has_more);
void desk_changes_free (DeskChanges *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskChanges, desk_changes_free)

/* ── Frames from the client ─────────────────────────────────────────────────────────────────── */
typedef enum
{
  DESK_CLIENT_FRAME_AUTH,
  DESK_CLIENT_FRAME_TYPING,
  DESK_CLIENT_FRAME_VIEWING, /* platform and user_id NULL: looks at no chat */
  DESK_CLIENT_FRAME_MARK_READ,
  DESK_CLIENT_FRAME_UNKNOWN,
} DeskClientFrameType;
typedef struct
{
  DeskClientFrameType type;
  char *token;
  char *platform;
  char *user_id;
} DeskClientFrame;
DeskClientFrame *desk_wire_read_client_frame (const char *frame, gsize len, GError **error);
char *desk_wire_client_frame_text (DeskClientFrameType type, const char *token, const char *platform, const char *user_id);
void desk_client_frame_free (DeskClientFrame *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskClientFrame, desk_client_frame_free)

/* ── Capabilities and sign-in ───────────────────────────────────────────────────────────────── */
typedef struct
{
  guint level; /* 0 or 2 */
  char **features;
  GPtrArray *platforms; /* of DeskPlatform */
  DeskManager *me;      /* nullable at level 0 */
  gint64 server_time_ms;
} DeskCapabilities;
/* DESK_WIRE_ERROR_NOT_OURS for an answer that is not JSON or is somebody else's: the caller takes level 0.
 * DESK_JSON_ERROR for one of ours that is broken: no reason to downgrade. */
DeskCapabilities *desk_wire_read_capabilities (const char *body, gsize len, GError **error);
void desk_wire_write_capabilities (DeskJsonWriter *w, const DeskCapabilities *capabilities);
DeskCapabilities *desk_capabilities_new_level0 (void);
DeskCapabilities *desk_capabilities_copy (const DeskCapabilities *self);
const DeskPlatform *desk_capabilities_find_platform (const DeskCapabilities *self, const char *name);
void desk_capabilities_free (DeskCapabilities *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskCapabilities, desk_capabilities_free)

typedef struct
{
  char *access_token;
  char *refresh_token;
  gint64 expires_in_s;
} DeskTokens;
DeskTokens *desk_wire_read_tokens (JsonNode *data, GError **error);
void desk_wire_write_tokens (DeskJsonWriter *w, const DeskTokens *tokens);
void desk_tokens_free (DeskTokens *self); /* clears the secrets */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTokens, desk_tokens_free)
gboolean desk_wire_read_credentials (const char *body, gsize len, char **out_username, char **out_password, GError **error);
char *desk_wire_credentials_text (const char *username, const char *password);
gboolean desk_wire_read_refresh (const char *body, gsize len, char **out_refresh_token, GError **error);
char *desk_wire_refresh_text (const char *refresh_token);

/* ── Connections of the backend, and notices ────────────────────────────────────────────────── */
void desk_wire_write_connection (DeskJsonWriter *w, const DeskConnectionInfo *info);
DeskConnectionInfo *desk_wire_read_connection (JsonNode *node, GError **error);
/* data of GET …/connections; of DeskConnectionInfo */
GPtrArray *desk_wire_read_connections (JsonNode *data, GError **error);
void desk_wire_write_notification (DeskJsonWriter *w, const DeskNotification *notification);
/* data: a notification event's DeskEvent.data */
DeskNotification *desk_wire_read_notification (const char *data, GError **error);

/* ── Send, read ─────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  char *text;
  char *client_message_id; /* nullable */
  char *reply_to;          /* nullable message id */
  gboolean is_private;
  gint64 seen_seq; /* -1 not told: no stale-reply guard */
  gboolean force;
  DeskTemplateUse *template; /* nullable: what may be sent when the window is closed; text may be left out then */
} DeskSendRequest;
/* On error, GError's domain is DESK_JSON_ERROR and its message names the field. Unknown members are ignored. */
DeskSendRequest *desk_wire_read_send (const char *body, gsize len, GError **error);
/* A text field of the multipart form that sends files: sets what it names (caption becomes the text), passes over
 * what is unknown. value: len bytes, of any kind. */
gboolean desk_wire_take_send_field (DeskSendRequest *self, const char *name, const char *value, gsize len, GError **error);
#define DESK_WIRE_FIELD_FILES "files" /* name of the form's files */
char *desk_wire_send_text (const DeskSendRequest *request); /* level 0 and 2 take the same body */
/* The text fields of the form that sends files: name, value, name, value …; the text becomes the caption. */
GPtrArray *desk_wire_send_fields (const DeskSendRequest *request); /* of char* */
void desk_send_request_free (DeskSendRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskSendRequest, desk_send_request_free)
/* {"message","duplicate"}; at level 0 out_message becomes NULL. */
gboolean desk_wire_read_send_answer (JsonNode *data, DeskMessage **out_message, gboolean *out_duplicate, GError **error);
void desk_wire_write_send_answer (DeskJsonWriter *w, const DeskMessage *message, gboolean duplicate);
gboolean desk_wire_read_read (const char *body, gsize len, gint64 *out_up_to_chat_seq, GError **error);
char *desk_wire_read_text (gint64 up_to_chat_seq);

/* ── Paths: every endpoint is built here; ids are percent-encoded ─────────────────────────────
 * Every byte but [A-Za-z0-9._~-] is; and the dots of the ids "." and "..", which would climb. */
#define DESK_PATH_CRM "/api/v1/crm"
#define DESK_LINK_FILES "/crm/files/" /* links of attachments are relative to /api/v1 */
char *desk_path_capabilities (void);
char *desk_path_connections (void);
char *desk_path_chats (guint limit /*0 = all*/, const char *page);
char *desk_path_chat (const char *platform, const char *user_id);
char *desk_path_messages_offset (const char *platform, const char *user_id, guint limit, guint offset);
char *desk_path_messages_before (const char *platform, const char *user_id, guint limit, gint64 before_seq /*0 = newest*/);
char *desk_path_messages_after (const char *platform, const char *user_id, guint limit, gint64 after_seq);
char *desk_path_all_messages (guint limit, const char *page);
char *desk_path_send (const char *platform, const char *user_id);
char *desk_path_send_file (const char *platform, const char *user_id);
char *desk_path_read (const char *platform, const char *user_id);
char *desk_path_unread (const char *platform, const char *user_id);
char *desk_path_changes (const char *cursor /*nullable*/, guint limit);
char *desk_path_ws (guint level, const char *cursor /*nullable*/);
char *desk_path_auth_token (void);
char *desk_path_auth_refresh (void);
char *desk_path_auth_logout (void);

/* Websocket close codes. */
enum
{
  DESK_CLOSE_GOING_AWAY = 1001,
  DESK_CLOSE_RESTART = 1012,
  DESK_CLOSE_BAD_FRAME = 4400,
  DESK_CLOSE_TOKEN_REFUSED = 4401,
  DESK_CLOSE_FORBIDDEN = 4403,
  DESK_CLOSE_TOO_SLOW = 4408,
  DESK_CLOSE_EPOCH_CHANGED = 4409,
};

G_END_DECLS
