/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* The table of routes (PROTOCOL, REST) and the handlers of chats and messages: each reads its
 * parameters, asks the service and hands its answer on. */

#include "server/http/desk-http-private.h"

#include <string.h>

#include "model/desk-chat.h"

#define MAX_LIMIT      1000
#define DEFAULT_PAGE   50
#define DEFAULT_EVENTS 500

static DeskService *
service_of (DeskHttpRequest *request)
{
  return request->server->options.service;
}

/* A limit beyond the greatest is served as the greatest. */
static gboolean
get_limit (DeskHttpRequest *request, gint64 min, guint fallback, guint *out)
{
  gint64 limit = fallback;

  if (!desk_http_request_query_int (request, "limit", min, G_MAXINT32, &limit))
    return FALSE;
  *out = (guint)MIN (limit, MAX_LIMIT);
  return TRUE;
}

/* ── Reads ──────────────────────────────────────────────────────────────────────────────────── */
static void
get_capabilities (DeskHttpRequest *request)
{
  desk_http_request_reply (request,
                           desk_service_get_capabilities (service_of (request), request->who));
}

static gboolean
get_unread_filter (DeskHttpRequest *request, gboolean *out)
{
  g_autofree char *text = NULL;

  if (!desk_http_request_query (request, "unread", &text))
    return FALSE;
  *out = text != NULL && (strcmp (text, "true") == 0 || strcmp (text, "1") == 0);
  if (text == NULL || *out || strcmp (text, "false") == 0 || strcmp (text, "0") == 0)
    return TRUE;
  desk_http_request_fail_field (request, "unread", "unread must be true or false");
  return FALSE;
}

static gboolean
get_state_filter (DeskHttpRequest *request, int *out)
{
  g_autofree char *text = NULL;
  DeskChatState state;

  if (!desk_http_request_query (request, "state", &text))
    return FALSE;
  *out = -1;
  if (text == NULL)
    return TRUE;
  if (desk_chat_state_from_string (text, &state))
    {
      *out = (int)state;
      return TRUE;
    }
  desk_http_request_fail_field (request, "state", "state must be open, snoozed or resolved");
  return FALSE;
}

static void
get_chats (DeskHttpRequest *request)
{
  g_autofree char *page = NULL;
  g_autofree char *platform = NULL;
  g_autofree char *assignee = NULL;
  g_autofree char *label = NULL;
  DeskChatsFilter filter = { 0 };

  if (!get_limit (request, 0, 0, &filter.limit) || !desk_http_request_query (request, "page", &page)
      || !desk_http_request_query (request, "platform", &platform)
      || !desk_http_request_query (request, "assignee", &assignee)
      || !desk_http_request_query (request, "label", &label)
      || !get_state_filter (request, &filter.state)
      || !get_unread_filter (request, &filter.unread_only))
    return;
  filter.page = page;
  filter.platform = platform;
  filter.assignee = assignee;
  filter.label = label;
  desk_http_request_reply (request,
                           desk_service_get_chats (service_of (request), request->who, &filter));
}

static void
get_chat (DeskHttpRequest *request)
{
  desk_http_request_reply (request, desk_service_get_chat (service_of (request), request->who,
                                                           request->match.args[0],
                                                           request->match.args[1]));
}

static void
get_messages (DeskHttpRequest *request)
{
  guint limit;
  gint64 offset = 0;
  gint64 before = -1;
  gint64 after = -1;

  if (!get_limit (request, 1, DEFAULT_PAGE, &limit)
      || !desk_http_request_query_int (request, "offset", 0, G_MAXINT32, &offset)
      || !desk_http_request_query_int (request, "before_seq", 0, G_MAXINT64, &before)
      || !desk_http_request_query_int (request, "after_seq", 0, G_MAXINT64, &after))
    return;
  if (before >= 0 && after >= 0)
    {
      desk_http_request_fail_field (request, "after_seq",
                                    "before_seq and after_seq exclude each other");
      return;
    }
  /* before_seq=0 asks for the newest, and says that the client speaks level 2 */
  if (before == 0)
    before = G_MAXINT64;
  desk_http_request_reply (
      request, desk_service_get_messages (service_of (request), request->who,
                                          request->match.args[0], request->match.args[1], limit,
                                          (guint)offset, before, after));
}

static void
get_all_messages (DeskHttpRequest *request)
{
  guint limit;
  g_autofree char *page = NULL;

  if (!get_limit (request, 1, MAX_LIMIT, &limit)
      || !desk_http_request_query (request, "page", &page))
    return;
  desk_http_request_reply (request, desk_service_get_all_messages (service_of (request),
                                                                   request->who, limit, page));
}

static void
get_changes (DeskHttpRequest *request)
{
  guint limit;
  g_autofree char *cursor = NULL;

  if (!get_limit (request, 1, DEFAULT_EVENTS, &limit)
      || !desk_http_request_query (request, "cursor", &cursor))
    return;
  desk_http_request_reply (request, desk_service_get_changes (service_of (request), request->who,
                                                              cursor, limit));
}

static void
get_managers (DeskHttpRequest *request)
{
  desk_http_request_reply (request, desk_service_get_managers (service_of (request), request->who));
}

/* ── Writes ─────────────────────────────────────────────────────────────────────────────────── */
static void
post_send (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskSendRequest) send
      = desk_wire_read_send (request->body->str, request->body->len, &error);

  if (send == NULL)
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_send (service_of (request), request->who, request->match.args[0],
                       request->match.args[1], send, desk_http_wait_done, wait);
}

static void
put_read (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  gint64 up_to = G_MAXINT64; /* no body: everything */

  if (request->n_body > 0
      && !desk_wire_read_read (request->body->str, request->body->len, &up_to, &error))
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_mark_read (service_of (request), request->who, request->match.args[0],
                            request->match.args[1], up_to, desk_http_wait_done, wait);
}

static void
put_unread (DeskHttpRequest *request)
{
  DeskHttpWait *wait = desk_http_wait_begin (request);

  if (wait != NULL)
    desk_service_mark_unread (service_of (request), request->who, request->match.args[0],
                              request->match.args[1], desk_http_wait_done, wait);
}

static void
post_retry (DeskHttpRequest *request)
{
  DeskHttpWait *wait = desk_http_wait_begin (request);

  if (wait != NULL)
    desk_service_retry (service_of (request), request->who, request->match.args[0],
                        desk_http_wait_done, wait);
}

/* ── The table ──────────────────────────────────────────────────────────────────────────────── */
#define ENDPOINT(handler, flags) (&(const DeskHttpEndpoint){ handler, flags })
#define CHAT                     DESK_PATH_CRM "/chats/{p}/{u}"
#define READ                     DESK_HTTP_BEARER
#define WRITE                    (DESK_HTTP_BEARER | DESK_HTTP_JSON)
#define SIGN_IN                  (DESK_HTTP_JSON | DESK_HTTP_SIGN_IN)
#define WEBHOOK                  (DESK_HTTP_RAW | DESK_HTTP_UNLIMITED)

const DeskHttpRoute desk_http_routes[] = {
  { "GET", CHAT "/messages", ENDPOINT (get_messages, READ) },
  { "POST", CHAT "/send", ENDPOINT (post_send, WRITE) },
  { "POST", CHAT "/send-file",
    ENDPOINT (desk_http_handle_send_file, DESK_HTTP_BEARER | DESK_HTTP_FORM) },
  { "PUT", CHAT "/read", ENDPOINT (put_read, WRITE | DESK_HTTP_OPTIONAL) },
  { "PUT", CHAT "/unread", ENDPOINT (put_unread, WRITE | DESK_HTTP_OPTIONAL) },
  { "GET", CHAT "/profile", ENDPOINT (desk_http_handle_profile, READ) },
  { "PATCH", CHAT "/profile", ENDPOINT (desk_http_handle_change_profile, WRITE) },
  { "GET", CHAT "/products", ENDPOINT (desk_http_handle_products, READ) },
  { "GET", CHAT "/templates", ENDPOINT (desk_http_handle_templates, READ) },
  { "GET", CHAT, ENDPOINT (get_chat, READ) },
  { "PATCH", CHAT, ENDPOINT (desk_http_handle_change_chat, WRITE) },
  { "GET", DESK_PATH_CRM "/chats", ENDPOINT (get_chats, READ) },
  { "GET", DESK_PATH_CRM "/changes", ENDPOINT (get_changes, READ) },
  { "GET", DESK_PATH_CRM "/files/{id}", ENDPOINT (desk_http_handle_file, 0) },
  { "GET", DESK_PATH_CRM "/messages", ENDPOINT (get_all_messages, READ) },
  { "POST", DESK_PATH_CRM "/messages/{id}/retry",
    ENDPOINT (post_retry, WRITE | DESK_HTTP_OPTIONAL) },
  { "PUT", DESK_PATH_CRM "/messages/{id}/reaction", ENDPOINT (desk_http_handle_react, WRITE) },
  { "PATCH", DESK_PATH_CRM "/messages/{id}", ENDPOINT (desk_http_handle_edit, WRITE) },
  { "DELETE", DESK_PATH_CRM "/messages/{id}",
    ENDPOINT (desk_http_handle_delete, WRITE | DESK_HTTP_OPTIONAL) },
  { "GET", DESK_PATH_CRM "/canned", ENDPOINT (desk_http_handle_canned, READ) },
  { "POST", DESK_PATH_CRM "/canned", ENDPOINT (desk_http_handle_add_canned, WRITE) },
  { "PUT", DESK_PATH_CRM "/canned/{id}", ENDPOINT (desk_http_handle_change_canned, WRITE) },
  { "DELETE", DESK_PATH_CRM "/canned/{id}",
    ENDPOINT (desk_http_handle_delete_canned, WRITE | DESK_HTTP_OPTIONAL) },
  { "GET", DESK_PATH_CRM "/capabilities", ENDPOINT (get_capabilities, READ) },
  { "GET", DESK_PATH_CRM "/managers", ENDPOINT (get_managers, READ) },
  { "POST", DESK_PATH_CRM "/users/invalidate", ENDPOINT (desk_http_handle_invalidate_users, WRITE) },
  { "GET", DESK_PATH_CRM "/connections", ENDPOINT (desk_http_handle_connections, READ) },
  { "GET", DESK_PATH_CRM "/ws", ENDPOINT (desk_http_handle_websocket, DESK_HTTP_UNLIMITED) },
  { "POST", "/v1/auth/token", ENDPOINT (desk_http_handle_token, SIGN_IN) },
  { "POST", "/v1/auth/refresh", ENDPOINT (desk_http_handle_refresh, SIGN_IN) },
  { "POST", "/v1/auth/logout", ENDPOINT (desk_http_handle_logout, WRITE | DESK_HTTP_OPTIONAL) },
  { "GET", "/health/live", ENDPOINT (desk_http_handle_live, DESK_HTTP_UNLIMITED) },
  { "GET", "/health/ready", ENDPOINT (desk_http_handle_ready, DESK_HTTP_UNLIMITED) },
  { "GET", "/metrics", ENDPOINT (desk_http_handle_metrics, DESK_HTTP_UNLIMITED) },
  { "GET", "/webhook/{platform}/{connection}", ENDPOINT (desk_http_handle_webhook, WEBHOOK) },
  { "POST", "/webhook/{platform}/{connection}", ENDPOINT (desk_http_handle_webhook, WEBHOOK) },
  { "GET", "/webhook/{platform}", ENDPOINT (desk_http_handle_webhook, WEBHOOK) },
  { "POST", "/webhook/{platform}", ENDPOINT (desk_http_handle_webhook, WEBHOOK) },
};
const gsize desk_http_n_routes = G_N_ELEMENTS (desk_http_routes);
