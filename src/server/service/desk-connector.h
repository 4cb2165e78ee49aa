/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "common/desk-clock.h"
#include "common/desk-random.h"
#include "model/desk-chat.h"
#include "model/desk-message.h"
#include "model/desk-platform.h"
#include "server/service/desk-file-store.h"

/* The interface between the rules and the messaging platforms. A connector turns a platform's payloads
 * into DeskInbound values and a DeskOutbound into calls of the platform; it decides nothing and stores
 * nothing itself. Connectors live on the main thread (their own requests are asynchronous), except
 * parse_webhook, which is pure and is called on an HTTP thread. */

G_BEGIN_DECLS

/* One section [connection NAME] of the configuration, secrets already read from where *_env or *_file
 * points. Owned by the daemon for its life; secrets are cleared when freed. */
typedef struct
{
  char *name;
  char *platform;
  char *base_url;
  char *version;      /* nullable */
  char *account_id;   /* nullable */
  char *waba_id;      /* nullable: the WhatsApp business account that the number belongs to */
  char *mode;         /* "poll" or "webhook" */
  char *chat_prefix;  /* "" if none; becomes the beginning of user_id */
  char *token;        /* secret, nullable */
  char *webhook_secret; /* secret, nullable */
  char *app_secret;     /* secret, nullable */
  char *verify_token;   /* secret, nullable */
  char *public_url;     /* nullable: [server] public_url */
  char *app_id;         /* nullable: of the app that the token belongs to */
  char *login;          /* nullable: which of the platform's ways of signing in the token is of */
  char *token_path;     /* nullable: the file that token came from */
  gboolean human_agent; /* replies after the platform's window are tagged as a person's */
  GHashTable *options;  /* nullable; char* → char*: keys that this platform alone has; "header.*" are secrets */
} DeskConnection;

/* ── In ─────────────────────────────────────────────────────────────────────────────────────── */
typedef enum
{
  DESK_INBOUND_MESSAGE,  /* message (incoming, or an outgoing echo) */
  DESK_INBOUND_EDIT,     /* message.external_id names it; text and attachments are the new ones */
  DESK_INBOUND_DELETE,   /* message.external_id */
  DESK_INBOUND_REACTION, /* message.external_id, reactions: the full set of this person */
  DESK_INBOUND_STATUS,   /* message.external_id or client_message_id, status, error */
  DESK_INBOUND_READ_UP_TO, /* everything outgoing up to message.created_at_ms was read by the customer (with the status
                            * "delivered": has arrived); with an external_id: up to that message, whenever it was sent */
  DESK_INBOUND_TYPING,   /* the customer types; never stored */
  DESK_INBOUND_ATTACHMENT, /* message.external_id names it; its attachment with the external_id of attachments[0] becomes
                            * that: "ready" with its file, or "failed" */
  DESK_INBOUND_CHAT_ID_CHANGED, /* message.user_id → new_user_id */
  DESK_INBOUND_CHAT, /* of a chat that exists: message.user_name, metadata, partner_room_id; has no dedup_key */
} DeskInboundType;

typedef struct
{
  DeskInboundType type;
  DeskMessage *message; /* platform and user_id always set; chat_seq, id left 0/NULL */
  char *dedup_key;      /* unique within the connection: the platform's own key, e.g. chat and message id */
  char *new_user_id;
  char *reply_to_external_id; /* nullable: the service resolves it to reply_to */
  char *quote; /* nullable: the part of that message which is quoted, where the platform tells it */
  DeskChatType chat_type; /* MESSAGE: of the chat that it is in */
  char *metadata;         /* MESSAGE, CHAT, nullable: JSON object of the chat (item, price, …); NULL changes nothing */
  char *album;            /* MESSAGE, nullable: messages of one chat with the same are parts of one, each with one file */
  char *partner_room_id;  /* MESSAGE, CHAT, nullable: the chat is that room of the partner platform */
} DeskInboundItem;
DeskInboundItem *desk_inbound_item_new (DeskInboundType type, const char *platform, const char *user_id, const char *dedup_key);
void desk_inbound_item_free (DeskInboundItem *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskInboundItem, desk_inbound_item_free)

/* One payload of a platform and all that it means: stored in one transaction. */
typedef struct
{
  char *connection;
  DeskSource source;
  GBytes *raw;      /* nullable; kept for replay */
  GPtrArray *items; /* of DeskInboundItem; may be empty (a payload of no interest is still confirmed) */
  char *checkpoint; /* nullable: poll position, stored in the same transaction (Telegram's next offset) */
  char *problem;    /* nullable: what of raw could not be understood; then raw is kept even without items, so that a
                     * later version can replay it */
  gboolean is_replay; /* raw is stored already */
  gboolean has_others; /* parts of raw are for other accounts of the platform: their connections may know them */
} DeskInbound;
DeskInbound *desk_inbound_new (const char *connection, DeskSource source, GBytes *raw);
void desk_inbound_free (DeskInbound *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskInbound, desk_inbound_free)

/* ── Out ────────────────────────────────────────────────────────────────────────────────────── */
/* What the platform is asked to do. SEND: message as stored, with message->template where it is to be sent as one.
 * EDIT: message->text is the new text of message->external_id. DELETE: takes message->external_id away from the customer.
 * REACT: sets the business's reaction to message->external_id, whoever wrote it, to emoji; "" takes it back.
 * All but SEND are asked for only where the platform's traits (can_edit, can_delete, can_react) allow them; they are
 * repeated after an unknown outcome, so "it is so already" is DESK_OUTCOME_SENT. A connector that cannot answers
 * DESK_OUTCOME_PERMANENT, see desk_outcome_new_not_supported(). */
typedef struct
{
  gint64 job_id;
  guint attempt; /* 1 for the first */
  char *connection;
  DeskOperation operation;
  DeskMessage *message; /* as stored: text, client_message_id, attachments, template */
  char *reply_to_external_id; /* nullable; SEND */
  char *emoji;                /* REACT: never NULL there */
} DeskOutbound;
void desk_outbound_free (DeskOutbound *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskOutbound, desk_outbound_free)

typedef enum
{
  DESK_OUTCOME_SENT,          /* external_id (nullable where the platform gives none) */
  DESK_OUTCOME_RETRY,         /* surely not sent; retry_after_ms or -1 */
  DESK_OUTCOME_NOT_CONNECTED, /* no connection could be made: surely not sent, spends no attempt */
  DESK_OUTCOME_UNKNOWN,       /* connected and no (usable) answer: perhaps sent, never repeated by itself */
  DESK_OUTCOME_PERMANENT,     /* refused for good: code, message */
  DESK_OUTCOME_CONNECTION,    /* the connection itself is refused (token): job waits, health turns red */
} DeskOutcomeType;

typedef struct
{
  DeskOutcomeType type;
  char *external_id;
  char *new_user_id; /* nullable: the platform moved the chat */
  gint64 retry_after_ms;
  char *code;    /* nullable, e.g. "403" */
  char *message; /* nullable, the platform's reason in plain words */
  GPtrArray *attachment_ids; /* nullable; of nullable char: the platform's ids of the attachments that it has, by their
                              * place. Whatever the type: a later attempt leaves these out */
  gboolean per_chat; /* RETRY: the wait concerns this chat only, not the connection */
} DeskOutcome;
DeskOutcome *desk_outcome_new (DeskOutcomeType type, const char *code, const char *message);
/* PERMANENT, for an operation that this connector does not know. */
DeskOutcome *desk_outcome_new_not_supported (void);
void desk_outcome_free (DeskOutcome *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskOutcome, desk_outcome_free)

/* ── Health ─────────────────────────────────────────────────────────────────────────────────── */
typedef enum
{
  DESK_HEALTH_STARTING,
  DESK_HEALTH_OK,
  DESK_HEALTH_DEGRADED, /* retrying */
  DESK_HEALTH_DOWN,     /* needs somebody */
} DeskHealth;
const char *desk_health_to_string (DeskHealth health);

/* What kind of trouble a connection is in: from it follows what somebody can do about it. */
typedef enum
{
  DESK_TROUBLE_NONE,
  DESK_TROUBLE_TOKEN,       /* the platform refuses the token: it expired or was revoked */
  DESK_TROUBLE_PERMISSION,  /* the token is good, a permission is missing */
  DESK_TROUBLE_UNREACHABLE, /* no connection to the platform */
  DESK_TROUBLE_PLATFORM,    /* the platform answers with errors of its own */
  DESK_TROUBLE_BUSY,        /* the platform asks to slow down */
  DESK_TROUBLE_CONFLICT,    /* somebody else uses the same account */
  DESK_TROUBLE_WEBHOOK,     /* the platform cannot deliver to us, or is not subscribed */
  DESK_TROUBLE_CONFIG,      /* the configuration lacks something */
  DESK_TROUBLE_STORAGE,     /* what was received could not be stored */
} DeskTrouble;
/* Lower-case word, "" for none: what the wire carries. */
const char *desk_trouble_to_string (DeskTrouble trouble);
/* In English, one sentence: what to do about it; "" for none. */
const char *desk_trouble_get_advice (DeskTrouble trouble);

/* What a connector may ask of the daemon; implemented by main over the service. */
typedef struct _DeskConnectorHost DeskConnectorHost;
typedef void (*DeskIngestDone) (gboolean stored, const GError *error, gpointer data);
struct _DeskConnectorHost
{
  gpointer data;
  /* Takes inbound. done runs on the main thread after the commit (or the refusal). */
  void (*ingest) (DeskConnectorHost *host, DeskInbound *inbound, DeskIngestDone done, gpointer data);
  /* Where polling goes on; transfer full, NULL at first. */
  char *(*get_checkpoint) (DeskConnectorHost *host, const char *connection);
  void (*set_health) (DeskConnectorHost *host, const char *connection, DeskHealth health, const char *reason);
  DeskFileStore *files; /* nullable */
  DeskClock *clock;
  DeskRandom *random;
  /* As set_health, and what kind of trouble it is. Nullable: use desk_connector_report_health(). */
  void (*set_trouble) (DeskConnectorHost *host, const char *connection, DeskHealth health, DeskTrouble trouble, const char *reason);
};

typedef struct
{
  guint status;        /* HTTP status to answer with if nothing is to be stored or parsing refused */
  char *body;          /* nullable: e.g. the challenge of a handshake (text/plain) */
  DeskInbound *inbound; /* nullable: to be stored before answering 200 */
} DeskWebhookResult;
void desk_webhook_result_free (DeskWebhookResult *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskWebhookResult, desk_webhook_result_free)

typedef struct
{
  const char *method; /* "GET" or "POST" */
  GHashTable *query;  /* char* → char*, decoded */
  const char *(*get_header) (gpointer request, const char *name);
  gpointer request;
  GBytes *body; /* raw bytes, never NULL */
} DeskWebhookRequest;

/* ── What a connector finds out when it is asked ────────────────────────────────────────────── */
typedef enum
{
  DESK_FINDING_OK,      /* as it should be */
  DESK_FINDING_NOTE,    /* works, but somebody should know */
  DESK_FINDING_PROBLEM, /* does not work like this */
} DeskFindingLevel;

typedef struct
{
  DeskFindingLevel level;
  char *text;   /* plain words without secrets: "The bot is @shop_bot (Shop)" */
  char *advice; /* nullable: what to do */
} DeskFinding;

/* Of DeskFinding, in the order of looking; never empty. */
typedef struct
{
  GPtrArray *findings;
} DeskConnectionReport;
DeskConnectionReport *desk_connection_report_new (void);
void desk_connection_report_free (DeskConnectionReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskConnectionReport, desk_connection_report_free)
void desk_connection_report_add (DeskConnectionReport *self, DeskFindingLevel level, const char *advice /* nullable */,
                                 const char *format, ...) G_GNUC_PRINTF (4, 5);
/* Whether there is no problem in it. */
gboolean desk_connection_report_is_good (const DeskConnectionReport *self);

/* What a platform tells of a customer. NULL: it does not tell. */
typedef struct
{
  char *name;
  char *handle;   /* without "@" */
  char *phone;    /* as the platform writes it */
  char *language; /* BCP 47 */
  DeskStoredFile *avatar; /* in the host's store */
} DeskFoundProfile;
void desk_found_profile_free (DeskFoundProfile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskFoundProfile, desk_found_profile_free)

/* A page of what a customer offers. */
typedef struct
{
  char *products; /* JSON array of flat objects */
  guint n;        /* in it */
  guint next;     /* the page after it; 0: this is the last */
} DeskProductPage;
void desk_product_page_free (DeskProductPage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskProductPage, desk_product_page_free)

#define DESK_TYPE_CONNECTOR (desk_connector_get_type ())
G_DECLARE_DERIVABLE_TYPE (DeskConnector, desk_connector, DESK, CONNECTOR, GObject)

struct _DeskConnectorClass
{
  GObjectClass parent_class;

  /* What the platform can do; borrowed, constant. */
  const DeskPlatform *(*get_platform) (DeskConnector *self);
  /* Main thread. Begins polling or registers the webhook; problems go to host->set_health and are retried. */
  void (*start) (DeskConnector *self);
  void (*stop) (DeskConnector *self);
  /* Any thread, pure: verifies over the raw bytes and normalizes. Never NULL. */
  DeskWebhookResult *(*parse_webhook) (DeskConnector *self, const DeskWebhookRequest *request);
  /* Main thread. Never fails: what went wrong is an outcome. */
  void (*send_async) (DeskConnector *self, const DeskOutbound *outbound, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  DeskOutcome *(*send_finish) (DeskConnector *self, GAsyncResult *result);
  /* Main thread; nullable: brings the files of a stored message whose attachments are "pending" into the host's store and
   * tells of each by DESK_INBOUND_ATTACHMENT. Told again after a restart. */
  void (*fetch_files) (DeskConnector *self, const DeskMessage *message);
  /* Main thread; nullable: show the customer that a manager types. */
  void (*typing) (DeskConnector *self, const char *user_id);
  /* Any thread, pure; nullable (then nothing can be replayed): what a raw payload that parse_webhook or polling handed in
   * means, without looking at its signature, which was verified when it came. The dedup keys must be those of the first
   * time. NULL with an error: it still cannot be understood. */
  DeskInbound *(*parse_raw) (DeskConnector *self, GBytes *raw, GError **error);
  /* Main thread; nullable; also on a connector that was never started. Asks the platform about the token: whose it is,
   * what it permits, where webhooks go. Changes nothing there. */
  void (*check_async) (DeskConnector *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  DeskConnectionReport *(*check_finish) (DeskConnector *self, GAsyncResult *result); /* never NULL */
  /* Main thread; nullable: what the platform tells of a customer. finish: NULL with an error of G_IO_ERROR; NOT_FOUND if
   * the platform will never tell. */
  void (*get_profile_async) (DeskConnector *self, const char *user_id, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  DeskFoundProfile *(*get_profile_finish) (DeskConnector *self, GAsyncResult *result, GError **error);
  /* Main thread; nullable, both or none: the templates that the platform has approved, all pages of them. finish:
   * (transfer full) (element-type DeskTemplate), or NULL with an error: what was known stays. Asked at start and every
   * now and then. */
  void (*list_templates_async) (DeskConnector *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  GPtrArray *(*list_templates_finish) (DeskConnector *self, GAsyncResult *result, GError **error);
  /* Main thread; nullable: a manager has read the chat up to the customer's message external_id. The customer may be shown
   * that; a courtesy, of which nothing depends, and which may be told more than once. */
  void (*mark_read) (DeskConnector *self, const char *user_id, const char *external_id);
  /* Main thread; nullable, both or none: what the customer offers on the platform, one page. customer: nullable, the
   * platform's id of the person in the chat, as a message's sender_id. page: from 1. finish: NULL with an error of
   * G_IO_ERROR: NOT_FOUND if the platform does not know them, NOT_SUPPORTED if this connection is not set up for it, else
   * what went wrong. */
  void (*list_products_async) (DeskConnector *self, const char *user_id, const char *customer, guint page, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  DeskProductPage *(*list_products_finish) (DeskConnector *self, GAsyncResult *result, GError **error);
};

const DeskConnection *desk_connector_get_connection (DeskConnector *self);
DeskConnectorHost *desk_connector_get_host (DeskConnector *self);
const DeskPlatform *desk_connector_get_platform (DeskConnector *self);
void desk_connector_start (DeskConnector *self);
void desk_connector_stop (DeskConnector *self);
DeskWebhookResult *desk_connector_parse_webhook (DeskConnector *self, const DeskWebhookRequest *request);
void desk_connector_send_async (DeskConnector *self, const DeskOutbound *outbound, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskOutcome *desk_connector_send_finish (DeskConnector *self, GAsyncResult *result);
void desk_connector_fetch_files (DeskConnector *self, const DeskMessage *message);
void desk_connector_typing (DeskConnector *self, const char *user_id);
/* G_IO_ERROR_NOT_SUPPORTED without parse_raw. The result is marked as a replay and carries no raw bytes. */
DeskInbound *desk_connector_parse_raw (DeskConnector *self, GBytes *raw, GError **error);
/* Without check_async a report which says that this platform cannot be asked. */
void desk_connector_check_async (DeskConnector *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskConnectionReport *desk_connector_check_finish (DeskConnector *self, GAsyncResult *result);
gboolean desk_connector_can_get_profile (DeskConnector *self);
/* Without get_profile_async G_IO_ERROR_NOT_SUPPORTED. */
void desk_connector_get_profile_async (DeskConnector *self, const char *user_id, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskFoundProfile *desk_connector_get_profile_finish (DeskConnector *self, GAsyncResult *result, GError **error);
/* For connectors: host->set_trouble, or host->set_health where there is none. reason: nullable, plain words. */
void desk_connector_report_health (DeskConnector *self, DeskHealth health, DeskTrouble trouble, const char *reason);
gboolean desk_connector_has_templates (DeskConnector *self);
/* Only where desk_connector_has_templates(). */
void desk_connector_list_templates_async (DeskConnector *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GPtrArray *desk_connector_list_templates_finish (DeskConnector *self, GAsyncResult *result, GError **error);
void desk_connector_mark_read (DeskConnector *self, const char *user_id, const char *external_id);
/* Without list_products_async G_IO_ERROR_NOT_SUPPORTED. */
void desk_connector_list_products_async (DeskConnector *self, const char *user_id, const char *customer, guint page, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
DeskProductPage *desk_connector_list_products_finish (DeskConnector *self, GAsyncResult *result, GError **error);
/* Construct-only properties: "connection" (pointer to DeskConnection, borrowed), "host" (pointer). */

G_END_DECLS
