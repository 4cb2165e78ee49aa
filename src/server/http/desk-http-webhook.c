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

/* ── One call, one or several connections ───────────────────────────────────────────────────── */

/* The parts of a call on their way into the store; the last one answers. */
typedef struct
{
  DeskHttpWait *wait;
  gint left;   /* atomic */
  gint failed; /* atomic */
} Parts;

static void
on_ingested (gboolean stored, const GError *error, gpointer data)
{
  Parts *parts = data;
  DeskReply *reply;

  if (!stored)
    g_atomic_int_set (&parts->failed, 1);
  if (!g_atomic_int_dec_and_test (&parts->left))
    return;
  if (g_atomic_int_get (&parts->failed) == 0)
    {
      reply = g_new0 (DeskReply, 1);
      reply->status = MHD_HTTP_OK;
      reply->body = g_string_new (NULL);
      reply->retry_after_s = -1;
    }
  else /* what was stored is known by its keys when the platform calls again */
    reply = desk_reply_new_failure (DESK_CODE_UNAVAILABLE,
                                    error != NULL ? error->message : "Not everything was stored",
                                    NULL, 5, NULL);
  desk_http_wait_done (reply, parts->wait);
  g_free (parts);
}

static DeskConnector *
nth_connector (DeskHttpRequest *request, guint n)
{
  const DeskHttpOptions *options = &request->server->options;

  return options->nth_connector != NULL
             ? options->nth_connector (request->match.args[0], n, options->data)
             : NULL;
}

/* A platform calls one address for all accounts of an app: what is not for the connection that was
 * called goes to the one whose account it is. Each verifies the call with its own secret. */
static GPtrArray *
parse_others (DeskHttpRequest *request, DeskConnector *called, const DeskWebhookRequest *webhook)
{
  GPtrArray *found = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_free);
  DeskConnector *other;

  for (guint n = 0; (other = nth_connector (request, n)) != NULL; n++)
    {
      if (other == called)
        continue;
      g_autoptr (DeskWebhookResult) result = desk_connector_parse_webhook (other, webhook);
      if (result->status == MHD_HTTP_OK && result->inbound != NULL && result->inbound->items->len > 0)
        g_ptr_array_add (found, g_steal_pointer (&result->inbound));
    }
  return found;
}

/* Takes inbound and the elements of others. */
static void
store (DeskHttpRequest *request, DeskInbound *inbound, GPtrArray *others)
{
  DeskService *service = request->server->options.service;
  DeskHttpWait *wait = desk_http_wait_begin (request);
  Parts *parts;

  if (wait == NULL)
    {
      desk_inbound_free (inbound);
      return;
    }
  parts = g_new0 (Parts, 1);
  parts->wait = wait;
  parts->left = 1 + (gint)others->len;
  for (guint i = 0; i < others->len; i++)
    desk_service_ingest (service, g_steal_pointer (&others->pdata[i]), on_ingested, parts);
  desk_service_ingest (service, inbound, on_ingested, parts);
}

static void
answer (DeskHttpRequest *request,
        DeskConnector *called,
        const DeskWebhookRequest *webhook,
        DeskWebhookResult *result)
{
  g_autoptr (GPtrArray) others = NULL;

  if (result->inbound == NULL)
    {
      desk_http_request_reply_text (request, result->status != 0 ? result->status : MHD_HTTP_OK,
                                    g_string_new (result->body != NULL ? result->body : ""),
                                    TEXT_TYPE);
      return;
    }
  others = result->inbound->has_others ? parse_others (request, called, webhook)
                                       : g_ptr_array_new ();
  if (others->len > 0) /* somebody knew them */
    g_clear_pointer (&result->inbound->problem, g_free);
  store (request, g_steal_pointer (&result->inbound), others);
}

/* The short form of the path with several connections: the first that believes the call. */
static DeskConnector *
find_believer (DeskHttpRequest *request,
               const DeskWebhookRequest *webhook,
               DeskWebhookResult **out_result)
{
  DeskConnector *connector;

  for (guint n = 0; (connector = nth_connector (request, n)) != NULL; n++)
    {
      g_clear_pointer (out_result, desk_webhook_result_free);
      *out_result = desk_connector_parse_webhook (connector, webhook);
      if ((*out_result)->status != MHD_HTTP_FORBIDDEN)
        return connector;
    }
  return NULL;
}

void
desk_http_handle_webhook (DeskHttpRequest *request)
{
  const DeskHttpOptions *options = &request->server->options;
  DeskConnector *connector
      = options->find_connector != NULL
            ? options->find_connector (request->match.args[0], request->match.args[1], options->data)
            : NULL;

  if (connector == NULL && (request->match.args[1] != NULL || nth_connector (request, 0) == NULL))
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
  g_autoptr (DeskWebhookResult) result
      = connector != NULL ? desk_connector_parse_webhook (connector, &webhook) : NULL;
  if (connector == NULL)
    connector = find_believer (request, &webhook, &result);
  answer (request, connector, &webhook, result);
}
