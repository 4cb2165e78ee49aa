/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* One call of a partner's API, and what its answer means.
 * Invariants: an error before SoupMessage::starting is "not connected", every later one "perhaps
 * sent"; a POST has a connection of its own and is never repeated; no redirect is followed; what is
 * quoted of an answer never holds a secret of the connection. */

#include "server/connectors/partner/desk-partner-http.h"

#include <libsoup/soup.h>
#include <string.h>

#include "common/desk-json.h"
#include "common/desk-text.h"

#define TIMEOUT_S       20
#define READ_CHUNK      (64 * 1024)
#define MAX_WORDS       300
#define LIMIT_RETRY_MS  5000 /* where the partner does not tell how long */
#define MAX_RETRY_AFTER 86400

struct _DeskPartnerHttp
{
  const DeskConnection *connection;
  SoupSession *session;
};

typedef struct
{
  const DeskConnection *connection;
  SoupMessage *message;
  GByteArray *body;
  DeskPartnerReply *reply;
} Call;

void
desk_partner_reply_free (DeskPartnerReply *self)
{
  if (self == NULL)
    return;
  g_free (self->trouble);
  g_clear_pointer (&self->root, json_node_unref);
  g_free (self->words);
  g_free (self);
}

static void
call_free (Call *call)
{
  g_clear_object (&call->message);
  g_byte_array_unref (call->body);
  g_clear_pointer (&call->reply, desk_partner_reply_free);
  g_free (call);
}

/* ── What an answer means ───────────────────────────────────────────────────────────────────── */
static char *
without (char *text, const char *secret)
{
  if (secret == NULL || strlen (secret) < 4 || strstr (text, secret) == NULL)
    return text;
  g_auto (GStrv) parts = g_strsplit (text, secret, -1);
  g_free (text);
  return g_strjoinv ("…", parts);
}

static char *
without_secrets (const DeskConnection *connection, const char *text)
{
  char *clean = without (without (g_strdup (text), connection->token), connection->webhook_secret);
  GHashTableIter iter;
  gpointer key, value;

  if (connection->options == NULL)
    return clean;
  g_hash_table_iter_init (&iter, connection->options);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_str_has_prefix (key, "header."))
      clean = without (clean, value);
  return clean;
}

void
desk_partner_reply_read (DeskPartnerReply *self,
                         const DeskConnection *connection,
                         const void *body,
                         gsize len)
{
  g_return_if_fail (self != NULL && connection != NULL);
  g_autofree char *words = NULL;
  g_autofree char *cut = NULL;
  gint64 code;

  self->code = self->status;
  self->body_len = len;
  self->root = desk_json_parse (body != NULL ? body : "", len, DESK_PARTNER_MAX_ANSWER, NULL);
  if (self->root == NULL)
    return;
  /* an error may come with HTTP 200 and a code of its own; success is told in many ways */
  if (desk_partner_find_int (self->root,
                             desk_partner_option (connection, DESK_PARTNER_ANSWER_CODE), &code)
      && code >= 400 && code <= 599)
    self->code = code;
  words = desk_partner_find_text (self->root,
                                  desk_partner_option (connection, DESK_PARTNER_ANSWER_ERROR));
  if (words == NULL)
    words = desk_partner_find_text (self->root, "error.message");
  if (words == NULL)
    return;
  cut = desk_text_preview (words, MAX_WORDS);
  self->words = without_secrets (connection, cut);
}

gboolean
desk_partner_reply_is_good (const DeskPartnerReply *self)
{
  return self->trouble == NULL && self->root != NULL && self->code >= 200 && self->code < 300;
}

static DeskOutcome *
refusal (DeskOutcomeType type, const DeskPartnerReply *reply, const char *words)
{
  g_autofree char *code = g_strdup_printf ("%" G_GINT64_FORMAT, reply->code);

  return desk_outcome_new (type, code, words != NULL ? words : reply->words);
}

DeskOutcome *
desk_partner_outcome (const DeskPartnerReply *reply, const DeskConnection *connection)
{
  DeskOutcome *outcome;

  if (reply->trouble != NULL)
    return desk_outcome_new (reply->begun ? DESK_OUTCOME_UNKNOWN : DESK_OUTCOME_NOT_CONNECTED, NULL,
                             reply->trouble);
  if (reply->code == 429)
    {
      outcome = refusal (DESK_OUTCOME_RETRY, reply, "The partner asks to slow down");
      outcome->retry_after_ms
          = reply->retry_after_ms >= 0 ? reply->retry_after_ms : LIMIT_RETRY_MS;
      return outcome;
    }
  if (reply->code == 401)
    return refusal (DESK_OUTCOME_CONNECTION, reply, "The partner refuses the token");
  if (reply->code >= 400 && reply->code < 500 && reply->code != 408)
    return refusal (DESK_OUTCOME_PERMANENT, reply,
                    reply->words != NULL ? NULL : "The partner refuses the message");
  if (reply->code < 200 || reply->code >= 300)
    return refusal (DESK_OUTCOME_UNKNOWN, reply, "The partner had an internal error");
  if (reply->root == NULL && reply->body_len > 0)
    return refusal (DESK_OUTCOME_UNKNOWN, reply, "The partner's answer cannot be read");
  outcome = desk_outcome_new (DESK_OUTCOME_SENT, NULL, NULL);
  /* an id that no message is told with later would only stand in the way of finding it again */
  if (strcmp (desk_partner_option (connection, DESK_PARTNER_MESSAGE_ID), "-") != 0)
    outcome->external_id = desk_partner_find_text (
        reply->root, desk_partner_option (connection, DESK_PARTNER_SEND_ID));
  return outcome;
}

/* ── The call ───────────────────────────────────────────────────────────────────────────────── */
DeskPartnerHttp *
desk_partner_http_new (const DeskConnection *connection)
{
  g_return_val_if_fail (connection != NULL && connection->base_url != NULL, NULL);
  DeskPartnerHttp *self = g_new0 (DeskPartnerHttp, 1);

  self->connection = connection;
  self->session = soup_session_new_with_options ("timeout", TIMEOUT_S, "idle-timeout", 60,
                                                 "max-conns-per-host", 4, "user-agent",
                                                 "frontdesk/" PACKAGE_VERSION, NULL);
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_SNIFFER);
  return self;
}

void
desk_partner_http_free (DeskPartnerHttp *self)
{
  if (self == NULL)
    return;
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_free (self);
}

static void
call_return (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  DeskPartnerReply *reply = g_steal_pointer (&call->reply);
  const char *wait;
  gint64 seconds;

  if (reply->trouble == NULL)
    {
      reply->status = soup_message_get_status (call->message);
      wait = soup_message_headers_get_one (soup_message_get_response_headers (call->message),
                                           "Retry-After");
      if (wait != NULL && g_ascii_string_to_signed (wait, 10, 0, MAX_RETRY_AFTER, &seconds, NULL))
        reply->retry_after_ms = seconds * 1000;
      desk_partner_reply_read (reply, call->connection, call->body->data, call->body->len);
    }
  g_task_return_pointer (task, reply, (GDestroyNotify)desk_partner_reply_free);
  g_object_unref (task);
}

static void
call_fail (GTask *task, const GError *error)
{
  Call *call = g_task_get_task_data (task);

  call->reply->cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  call->reply->trouble = without_secrets (call->connection, error->message);
  call_return (task);
}

static void read_more (GInputStream *stream, GTask *task);

static void
on_read (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Call *call = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) chunk
      = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);
  gsize len = chunk != NULL ? g_bytes_get_size (chunk) : 0;

  if (chunk == NULL)
    {
      call_fail (task, error);
      return;
    }
  g_byte_array_append (call->body, g_bytes_get_data (chunk, NULL), (guint)len);
  if (len == 0 || call->body->len > DESK_PARTNER_MAX_ANSWER)
    call_return (task);
  else
    read_more (G_INPUT_STREAM (source), task);
}

static void
read_more (GInputStream *stream, GTask *task)
{
  g_input_stream_read_bytes_async (stream, READ_CHUNK, G_PRIORITY_DEFAULT,
                                   g_task_get_cancellable (task), on_read, task);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream
      = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (stream == NULL)
    call_fail (task, error);
  else
    read_more (stream, task);
}

static void
on_starting (SoupMessage *message, gpointer data)
{
  ((Call *)data)->reply->begun = TRUE;
}

static void
add_headers (const DeskConnection *connection, SoupMessageHeaders *headers)
{
  const char *prefix = desk_partner_option (connection, DESK_PARTNER_TOKEN_PREFIX);
  GHashTableIter iter;
  gpointer key, value;

  soup_message_headers_replace (headers, "Accept", "application/json");
  if (connection->token != NULL)
    {
      g_autofree char *token
          = g_strconcat (prefix, *prefix != '\0' ? " " : "", connection->token, NULL);
      soup_message_headers_replace (
          headers, desk_partner_option (connection, DESK_PARTNER_TOKEN_HEADER), token);
    }
  if (connection->options == NULL)
    return;
  g_hash_table_iter_init (&iter, connection->options);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_str_has_prefix (key, "header."))
      soup_message_headers_replace (headers, (const char *)key + strlen ("header."), value);
}

void
desk_partner_http_call_async (DeskPartnerHttp *self,
                              const char *path,
                              const char *json,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  g_return_if_fail (self != NULL && path != NULL);
  g_autofree char *url = g_strconcat (self->connection->base_url, path, NULL);
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Call *call = g_new0 (Call, 1);

  g_task_set_source_tag (task, desk_partner_http_call_async);
  g_task_set_check_cancellable (task, FALSE); /* the reply tells whether the request had left */
  g_task_set_task_data (task, call, (GDestroyNotify)call_free);
  call->connection = self->connection;
  call->body = g_byte_array_new ();
  call->reply = g_new0 (DeskPartnerReply, 1);
  call->reply->retry_after_ms = -1;
  call->message = soup_message_new (json != NULL ? SOUP_METHOD_POST : SOUP_METHOD_GET, url);
  if (call->message == NULL)
    {
      call->reply->trouble = g_strdup ("The partner's address is not a valid URL");
      call_return (task);
      return;
    }
  soup_message_add_flags (call->message, SOUP_MESSAGE_NO_REDIRECT);
  add_headers (self->connection, soup_message_get_request_headers (call->message));
  if (json != NULL)
    {
      g_autoptr (GBytes) body = g_bytes_new (json, strlen (json));
      soup_message_add_flags (call->message, SOUP_MESSAGE_NEW_CONNECTION);
      soup_message_set_request_body_from_bytes (call->message, "application/json", body);
    }
  g_signal_connect (call->message, "starting", G_CALLBACK (on_starting), call);
  soup_session_send_async (self->session, call->message, G_PRIORITY_DEFAULT, cancellable, on_sent,
                           task);
}

DeskPartnerReply *
desk_partner_http_call_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
