/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Routes beside the chats: signing in and out, probes, metrics.
 * Invariant: probes and metrics name no customer and no secret, so they need no token. */

#include "server/http/desk-http-private.h"

#include "common/desk-crypto.h"

/* ── Signing in ─────────────────────────────────────────────────────────────────────────────── */
void
desk_http_handle_token (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *username = NULL;
  g_autofree char *password = NULL;

  if (!desk_wire_read_credentials (request->body->str, request->body->len, &username, &password,
                                   &error))
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_sign_in (request->server->options.service, username, password,
                          desk_http_wait_done, wait);
  desk_secure_clear (password);
}

void
desk_http_handle_refresh (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *token = NULL;

  if (!desk_wire_read_refresh (request->body->str, request->body->len, &token, &error))
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_refresh (request->server->options.service, token, desk_http_wait_done, wait);
  desk_secure_clear (token);
}

void
desk_http_handle_logout (DeskHttpRequest *request)
{
  DeskHttpWait *wait = desk_http_wait_begin (request);

  if (wait != NULL)
    desk_service_sign_out (request->server->options.service, request->who, desk_http_wait_done,
                           wait);
}

/* ── Probes and metrics ─────────────────────────────────────────────────────────────────────── */
void
desk_http_handle_live (DeskHttpRequest *request)
{
  desk_http_request_reply_text (request, MHD_HTTP_OK,
                                g_string_new ("{\"success\":true,\"data\":{\"status\":\"ok\","
                                              "\"checks\":{}}}"),
                                NULL);
}

void
desk_http_handle_connections (DeskHttpRequest *request)
{
  desk_http_request_reply (request, desk_service_get_connections (request->server->options.service));
}

void
desk_http_handle_ready (DeskHttpRequest *request)
{
  desk_http_request_reply (request, desk_service_get_ready (request->server->options.service));
}

static void
write_metrics (DeskHttpServer *server, GString *out)
{
  g_string_append (out, "# HELP frontdesk_http_responses_total Answers by class of status.\n"
                        "# TYPE frontdesk_http_responses_total counter\n");
  for (guint i = 1; i < G_N_ELEMENTS (server->n_answers); i++)
    g_string_append_printf (out,
                            "frontdesk_http_responses_total{class=\"%uxx\"} %" G_GUINT64_FORMAT
                            "\n",
                            i, __atomic_load_n (&server->n_answers[i], __ATOMIC_RELAXED));
  g_mutex_lock (&server->mutex);
  const guint n_active = server->n_active;
  g_mutex_unlock (&server->mutex);
  g_string_append_printf (out,
                          "# HELP frontdesk_http_requests_active Requests under way.\n"
                          "# TYPE frontdesk_http_requests_active gauge\n"
                          "frontdesk_http_requests_active %u\n",
                          n_active);
}

void
desk_http_handle_metrics (DeskHttpRequest *request)
{
  DeskHttpServer *server = request->server;
  GString *out = g_string_new (NULL);

  desk_service_write_metrics (server->options.service, out);
  write_metrics (server, out);
  if (server->options.write_metrics != NULL)
    server->options.write_metrics (out, server->options.data);
  desk_http_request_reply_text (request, MHD_HTTP_OK, out, "text/plain; version=0.0.4");
}
