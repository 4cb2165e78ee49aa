/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Sends answers.
 * Invariants: every answer has X-Request-Id, and a failure's envelope tells the same id; the body
 * of an answer is handed to libmicrohttpd as it is, never copied. */

#include "common/desk-log.h"
#include "server/http/desk-http-private.h"

#include <string.h>

#define JSON_TYPE "application/json; charset=utf-8"

/* A failure that was made elsewhere has an empty request_id; within a string of JSON these bytes
 * cannot stand. */
static void
set_request_id (GString *body, const char *id)
{
  static const char empty[] = "\"request_id\":\"\"";
  const char *place = g_strrstr (body->str, empty);

  if (place != NULL)
    g_string_insert (body, place - body->str + (gssize)strlen (empty) - 1, id);
}

void
desk_http_reply_add_headers (struct MHD_Response *response, DeskHttpRequest *request)
{
  MHD_add_response_header (response, "X-Request-Id", request->id);
  MHD_add_response_header (response, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header (response, "Cache-Control", "no-store");
  if (request->close || g_atomic_int_get (&request->server->stopping))
    MHD_add_response_header (response, "Connection", "close");
}

static void
add_failure_headers (struct MHD_Response *response, DeskHttpRequest *request)
{
  DeskReply *reply = request->reply;

  if (reply->retry_after_s >= 0)
    {
      char text[24];
      g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, reply->retry_after_s);
      MHD_add_response_header (response, "Retry-After", text);
    }
  if (reply->status == MHD_HTTP_UNAUTHORIZED)
    MHD_add_response_header (response, "WWW-Authenticate", "Bearer");
  if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED && request->match.allow != NULL)
    MHD_add_response_header (response, "Allow", request->match.allow);
  if (reply->status >= 500)
    {
      char status[8];
      g_snprintf (status, sizeof status, "%u", reply->status);
      desk_log_event (G_LOG_LEVEL_WARNING, G_LOG_DOMAIN, "A request failed",
                      "status", status,
                      "code", reply->code != DESK_CODE_NONE ? desk_code_to_string (reply->code) : NULL,
                      "route", request->match.route != NULL ? request->match.route->pattern : NULL,
                      "request_id", request->id, NULL);
    }
}

enum MHD_Result
desk_http_reply_queue (DeskHttpRequest *request)
{
  DeskReply *reply = request->reply;
  const guint status = reply->status;

  if (status >= 400 && request->content_type == NULL)
    set_request_id (reply->body, request->id);
  if (status >= 100 && status < 600)
    __atomic_add_fetch (&request->server->n_answers[status / 100], 1, __ATOMIC_RELAXED);

  const gsize len = reply->body->len;
  char *text = g_string_free (g_steal_pointer (&reply->body), FALSE);
  struct MHD_Response *response
      = MHD_create_response_from_buffer_with_free_callback (len, text, g_free);
  if (response == NULL)
    {
      g_free (text);
      reply->body = g_string_new (NULL);
      return MHD_NO;
    }
  MHD_add_response_header (response, "Content-Type",
                           request->content_type != NULL ? request->content_type : JSON_TYPE);
  desk_http_reply_add_headers (response, request);
  if (status >= 400)
    add_failure_headers (response, request);

  enum MHD_Result result = MHD_queue_response (request->connection, status, response);
  MHD_destroy_response (response);
  reply->body = g_string_new (NULL);
  g_clear_pointer (&request->reply, desk_reply_free);
  request->answered = TRUE;
  return result;
}
