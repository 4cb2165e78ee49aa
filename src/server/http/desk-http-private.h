/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <microhttpd.h>

#include "server/http/desk-http-limiter.h"
#include "server/http/desk-http-router.h"
#include "server/http/desk-http-server.h"

/* What the parts of the HTTP front share. A request belongs to the one libmicrohttpd thread of its
 * connection; while it waits for a commit the connection is suspended and nobody touches it but
 * its DeskHttpWait. */

G_BEGIN_DECLS

typedef struct _DeskHttpRequest DeskHttpRequest;
typedef struct _DeskHttpForm DeskHttpForm;
typedef struct _DeskHttpWait DeskHttpWait;
typedef struct _DeskHttpWaits DeskHttpWaits;
typedef struct _DeskHttpAccept DeskHttpAccept;

typedef enum
{
  DESK_HTTP_BEARER = 1 << 0,    /* wants a token */
  DESK_HTTP_JSON = 1 << 1,      /* a JSON body */
  DESK_HTTP_OPTIONAL = 1 << 2,  /* which may be empty */
  DESK_HTTP_RAW = 1 << 3,       /* any body: a webhook */
  DESK_HTTP_SIGN_IN = 1 << 4,   /* limited per address, and by the number of sign-ins */
  DESK_HTTP_UNLIMITED = 1 << 5, /* probes and webhooks */
  DESK_HTTP_FORM = 1 << 6,      /* a form with files */
} DeskHttpFlags;

typedef struct
{
  void (*handler) (DeskHttpRequest *request);
  DeskHttpFlags flags;
} DeskHttpEndpoint;

extern const DeskHttpRoute desk_http_routes[];
extern const gsize desk_http_n_routes;

struct _DeskHttpServer
{
  struct MHD_Daemon **workers; /* options.threads of them, one thread each */
  DeskHttpAccept *accept;      /* NULL once closed */
  gint n_connections;          /* atomic: accepted and not closed */
  DeskHttpOptions options;
  guint16 port;
  gint stopping; /* atomic */

  DeskHttpLimiter *requests;
  DeskHttpLimiter *sign_ins;
  DeskHttpWaits *waits;

  guint64 id_base; /* request ids: random at start, then counted */
  gint64 id_count; /* atomic */

  GMutex mutex;
  GCond idle;
  guint n_active; /* requests begun and not completed; under mutex */

  guint64 n_answers[6]; /* atomic; by the status' first digit */
};

struct _DeskHttpRequest
{
  DeskHttpServer *server;
  struct MHD_Connection *connection;
  const DeskHttpEndpoint *endpoint; /* NULL if no route was found */
  DeskHttpMatch match;
  DeskIdentity *who;
  GString *body; /* NULL until there is one */
  gsize n_body;  /* bytes that came, kept or not */
  DeskHttpForm *form; /* of an endpoint that takes one, once there is a body */
  gint64 begun_us;
  DeskReply *reply;         /* the answer, once it stands */
  const char *content_type; /* NULL: JSON */
  DeskHttpWait *wait;
  gboolean has_body;
  gboolean close;
  gboolean answered; /* an answer was queued; nothing more to do */
  gboolean upgraded;
  char id[40];
};

/* ── desk-http-accept.c ─────────────────────────────────────────────────────────────────────── */
/* A listening socket, or -1. */
int desk_http_listen (const char *address, guint16 port, guint16 *out_port, GError **error);
/* Accepts for the server's workers on a thread of its own; takes the socket. */
DeskHttpAccept *desk_http_accept_new (DeskHttpServer *server, int listener);
/* A MHD_NotifyConnectionCallback of every worker: counts what is closed; cls is the server. */
void desk_http_accept_notify (void *cls,
                              struct MHD_Connection *connection,
                              void **socket_context,
                              enum MHD_ConnectionNotificationCode code);
/* Ends the thread, closes the socket. */
void desk_http_accept_free (DeskHttpAccept *self);

/* ── desk-http-request.c ────────────────────────────────────────────────────────────────────── */
DeskHttpRequest *desk_http_request_new (DeskHttpServer *server, struct MHD_Connection *connection);
void desk_http_request_free (DeskHttpRequest *self);
const char *desk_http_request_get_header (DeskHttpRequest *self, const char *name);
/* Sets the answer (transfer full). */
void desk_http_request_reply (DeskHttpRequest *self, DeskReply *reply);
void desk_http_request_fail (DeskHttpRequest *self, DeskCode code, const char *message);
/* 422, details {"field":…} */
void desk_http_request_fail_field (DeskHttpRequest *self, const char *field, const char *message);
/* 400 or 422 for what the codec said of a body. */
void desk_http_request_fail_json (DeskHttpRequest *self, const GError *error);
/* 200 and text that is not JSON. body: transfer full; content_type: static. */
void desk_http_request_reply_text (DeskHttpRequest *self, guint status, GString *body, const char *content_type);
/* A parameter of the query, decoded. FALSE: it was refused and the answer stands. *out NULL if
 * absent; transfer full. */
gboolean desk_http_request_query (DeskHttpRequest *self, const char *name, char **out);
/* *out is untouched if absent. */
gboolean desk_http_request_query_int (DeskHttpRequest *self, const char *name, gint64 min, gint64 max, gint64 *out);

/* ── desk-http-reply.c ──────────────────────────────────────────────────────────────────────── */
/* Queues the request's answer and frees it. */
enum MHD_Result desk_http_reply_queue (DeskHttpRequest *request);
void desk_http_reply_add_headers (struct MHD_Response *response, DeskHttpRequest *request);

/* ── desk-http-auth.c ───────────────────────────────────────────────────────────────────────── */
/* Identity, then limits. FALSE: refused and the answer stands. */
gboolean desk_http_auth_check (DeskHttpRequest *request);
/* The token of an Authorization header, or NULL. */
const char *desk_http_auth_get_bearer (DeskHttpRequest *request);
gboolean desk_http_auth_take (DeskHttpRequest *request, DeskHttpLimiter *limiter, guint64 key);
guint64 desk_http_auth_get_address_key (DeskHttpRequest *request);

/* ── desk-http-wait.c ───────────────────────────────────────────────────────────────────────── */
DeskHttpWaits *desk_http_waits_new (void);
void desk_http_waits_unref (DeskHttpWaits *self);
/* Suspends the request until desk_http_wait_done(). NULL: shutting down, the answer stands. */
DeskHttpWait *desk_http_wait_begin (DeskHttpRequest *request);
/* A DeskReplyDone; data is the wait. Any thread. */
void desk_http_wait_done (DeskReply *reply, gpointer data);
/* Takes the answer; NULL if there is none. */
DeskReply *desk_http_wait_take (DeskHttpWait *self);
void desk_http_wait_unref (DeskHttpWait *self);
/* Answers all that wait with 503; lets none begin. */
void desk_http_waits_abandon (DeskHttpWaits *self);

/* ── desk-http-upload.c ─────────────────────────────────────────────────────────────────────── */
/* NULL: refused by the headers and the answer stands. */
DeskHttpForm *desk_http_form_new (DeskHttpRequest *request);
/* The next bytes of the body; the answer stands if they are refused. */
void desk_http_form_take (DeskHttpForm *self, const char *data, gsize len);
/* Removes what was written. */
void desk_http_form_free (DeskHttpForm *self);
void desk_http_handle_send_file (DeskHttpRequest *request);
void desk_http_handle_file (DeskHttpRequest *request);

/* ── routes ─────────────────────────────────────────────────────────────────────────────────── */
void desk_http_handle_webhook (DeskHttpRequest *request);
void desk_http_handle_websocket (DeskHttpRequest *request);
void desk_http_handle_change_chat (DeskHttpRequest *request);
void desk_http_handle_profile (DeskHttpRequest *request);
void desk_http_handle_change_profile (DeskHttpRequest *request);
void desk_http_handle_products (DeskHttpRequest *request);
void desk_http_handle_templates (DeskHttpRequest *request);
void desk_http_handle_edit (DeskHttpRequest *request);
void desk_http_handle_delete (DeskHttpRequest *request);
void desk_http_handle_react (DeskHttpRequest *request);
void desk_http_handle_canned (DeskHttpRequest *request);
void desk_http_handle_add_canned (DeskHttpRequest *request);
void desk_http_handle_change_canned (DeskHttpRequest *request);
void desk_http_handle_delete_canned (DeskHttpRequest *request);
void desk_http_handle_invalidate_users (DeskHttpRequest *request);
void desk_http_handle_live (DeskHttpRequest *request);
void desk_http_handle_ready (DeskHttpRequest *request);
void desk_http_handle_connections (DeskHttpRequest *request);
void desk_http_handle_metrics (DeskHttpRequest *request);
void desk_http_handle_token (DeskHttpRequest *request);
void desk_http_handle_refresh (DeskHttpRequest *request);
void desk_http_handle_logout (DeskHttpRequest *request);

G_END_DECLS
