/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Calls of the platforms.
 * Invariant: 200 is answered only after what the call brought is committed; 5xx only if nothing
 * was stored, so that the platform calls again. */

#include "server/http/desk-http-private.h"

#include <string.h>

#define TEXT_TYPE "text/plain; charset=utf-8"

static const char *
get_header (gpointer request, const char *name)
{
  return desk_http_request_get_header (request, name);
}

static enum MHD_Result
add_query (void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
  char *name = desk_http_percent_decode (key, strlen (key));
  char *text = value != NULL ? desk_http_percent_decode (value, strlen (value)) : g_strdup ("");

  if (name != NULL && text != NULL)
    g_hash_table_replace (cls, name, text);
  else
    {
      g_free (name);
      g_free (text);
    }
  return MHD_YES;
}

static void
on_ingested (gboolean stored, const GError *error, gpointer data)
{
  DeskReply *reply;

  if (stored)
    {
      reply = g_new0 (DeskReply, 1);
      reply->status = MHD_HTTP_OK;
      reply->body = g_string_new (NULL);
      reply->retry_after_s = -1;
    }
  else
    reply = desk_reply_new_failure (DESK_CODE_UNAVAILABLE,
                                    error != NULL ? error->message : "Nothing was stored", NULL, 5,
                                    NULL);
  desk_http_wait_done (reply, data);
}

static void
answer (DeskHttpRequest *request, DeskWebhookResult *result)
{
  if (result->inbound != NULL)
    {
      DeskHttpWait *wait = desk_http_wait_begin (request);
      if (wait != NULL)
        desk_service_ingest (request->server->options.service, g_steal_pointer (&result->inbound),
                             on_ingested, wait);
      return;
    }
  desk_http_request_reply_text (request, result->status != 0 ? result->status : MHD_HTTP_OK,
                                g_string_new (result->body != NULL ? result->body : ""), TEXT_TYPE);
}

void
desk_http_handle_webhook (DeskHttpRequest *request)
{
  const DeskHttpOptions *options = &request->server->options;
  DeskConnector *connector
      = options->find_connector != NULL
            ? options->find_connector (request->match.args[0], request->match.args[1], options->data)
            : NULL;

  if (connector == NULL)
    {
      desk_http_request_fail (request, DESK_CODE_NOT_FOUND, "There is no such connection");
      return;
    }

  g_autoptr (GHashTable) query
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GBytes) body
      = g_bytes_new (request->body != NULL ? request->body->str : "", request->n_body);
  const DeskWebhookRequest webhook = {
    .method = request->match.route->method,
    .query = query,
    .get_header = get_header,
    .request = request,
    .body = body,
  };

  MHD_get_connection_values (request->connection, MHD_GET_ARGUMENT_KIND, add_query, query);
  g_autoptr (DeskWebhookResult) result = desk_connector_parse_webhook (connector, &webhook);
  answer (request, result);
}
