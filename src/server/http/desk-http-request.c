/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* One request: its parameters, and the refusals that the HTTP front itself makes.
 * Invariant: at most one answer is set; the first stands. */

#include "server/http/desk-http-private.h"

#include <string.h>

#define MAX_ID 39

static gboolean
id_is_sane (const char *id)
{
  gsize n = id != NULL ? strspn (id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789._-")
                       : 0;

  return n > 0 && n <= MAX_ID && id[n] == '\0';
}

DeskHttpRequest *
desk_http_request_new (DeskHttpServer *server, struct MHD_Connection *connection)
{
  DeskHttpRequest *self = g_new0 (DeskHttpRequest, 1);

  self->server = server;
  self->connection = connection;
  self->begun_us = g_get_monotonic_time ();

  const char *id = desk_http_request_get_header (self, "X-Request-Id");
  if (id_is_sane (id))
    g_strlcpy (self->id, id, sizeof self->id);
  else
    g_snprintf (self->id, sizeof self->id, "%016" G_GINT64_MODIFIER "x-%" G_GINT64_FORMAT,
                server->id_base, __atomic_add_fetch (&server->id_count, 1, __ATOMIC_RELAXED));

  g_mutex_lock (&server->mutex);
  server->n_active++;
  g_mutex_unlock (&server->mutex);
  return self;
}

void
desk_http_request_free (DeskHttpRequest *self)
{
  DeskHttpServer *server = self->server;

  desk_http_match_clear (&self->match);
  g_clear_pointer (&self->who, desk_identity_unref);
  if (self->body != NULL)
    {
      memset (self->body->str, 0, self->body->len); /* may hold a password */
      g_string_free (self->body, TRUE);
    }
  g_clear_pointer (&self->form, desk_http_form_free);
  g_clear_pointer (&self->reply, desk_reply_free);
  g_clear_pointer (&self->wait, desk_http_wait_unref);
  g_free (self);

  g_mutex_lock (&server->mutex);
  if (--server->n_active == 0)
    g_cond_signal (&server->idle);
  g_mutex_unlock (&server->mutex);
}

const char *
desk_http_request_get_header (DeskHttpRequest *self, const char *name)
{
  return MHD_lookup_connection_value (self->connection, MHD_HEADER_KIND, name);
}

void
desk_http_request_reply (DeskHttpRequest *self, DeskReply *reply)
{
  if (self->reply == NULL)
    self->reply = reply;
  else
    desk_reply_free (reply);
}

void
desk_http_request_fail (DeskHttpRequest *self, DeskCode code, const char *message)
{
  desk_http_request_reply (self, desk_reply_new_failure (code, message, NULL, -1, self->id));
}

void
desk_http_request_fail_field (DeskHttpRequest *self, const char *field, const char *message)
{
  g_autoptr (GString) details = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, details);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_string (&writer, "field", field);
  desk_json_writer_end_object (&writer);
  desk_http_request_reply (
      self, desk_reply_new_failure (DESK_CODE_INVALID, message, details->str, -1, self->id));
}

/* The member that a message of the JSON readers names: what stands in its first quotes. */
static char *
field_of (const char *message)
{
  static const struct
  {
    const char *open;
    const char *close;
  } quotes[] = { { "“", "”" }, { "\"", "\"" }, { "'", "'" }, { "‘", "’" }, { "`", "`" } };

  for (gsize i = 0; i < G_N_ELEMENTS (quotes); i++)
    {
      const char *start = strstr (message, quotes[i].open);
      const char *end = NULL;

      if (start != NULL)
        {
          start += strlen (quotes[i].open);
          end = strstr (start, quotes[i].close);
        }
      if (end != NULL && end > start)
        return g_strndup (start, (gsize)(end - start));
    }
  return g_strndup (message, strcspn (message, " :"));
}

void
desk_http_request_fail_json (DeskHttpRequest *self, const GError *error)
{
  if (g_error_matches (error, DESK_JSON_ERROR, DESK_JSON_ERROR_TYPE)
      || g_error_matches (error, DESK_JSON_ERROR, DESK_JSON_ERROR_MISSING)
      || g_error_matches (error, DESK_JSON_ERROR, DESK_JSON_ERROR_RANGE))
    {
      g_autofree char *field = field_of (error->message);
      desk_http_request_fail_field (self, field, error->message);
    }
  else if (g_error_matches (error, DESK_JSON_ERROR, DESK_JSON_ERROR_TOO_LARGE))
    desk_http_request_fail (self, DESK_CODE_TOO_LARGE, error->message);
  else
    desk_http_request_fail (self, DESK_CODE_BAD_REQUEST, error->message);
}

void
desk_http_request_reply_text (DeskHttpRequest *self,
                              guint status,
                              GString *body,
                              const char *content_type)
{
  DeskReply *reply = g_new0 (DeskReply, 1);

  reply->status = status;
  reply->body = body;
  reply->retry_after_s = -1;
  self->content_type = content_type;
  desk_http_request_reply (self, reply);
}

gboolean
desk_http_request_query (DeskHttpRequest *self, const char *name, char **out)
{
  const char *raw = MHD_lookup_connection_value (self->connection, MHD_GET_ARGUMENT_KIND, name);

  *out = NULL;
  if (raw == NULL)
    return TRUE;
  *out = desk_http_percent_decode (raw, strlen (raw));
  if (*out != NULL)
    return TRUE;
  desk_http_request_fail (self, DESK_CODE_BAD_REQUEST, "The query is not percent-encoded UTF-8");
  return FALSE;
}

gboolean
desk_http_request_query_int (DeskHttpRequest *self,
                             const char *name,
                             gint64 min,
                             gint64 max,
                             gint64 *out)
{
  g_autofree char *text = NULL;

  if (!desk_http_request_query (self, name, &text))
    return FALSE;
  if (text == NULL)
    return TRUE;
  if (g_ascii_string_to_signed (text, 10, min, max, out, NULL))
    return TRUE;

  g_autofree char *message = g_strdup_printf (
      "%s must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, name, min, max);
  desk_http_request_fail_field (self, name, message);
  return FALSE;
}
