/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* libmicrohttpd's workers and the life of a request in them.
 *
 * libmicrohttpd calls on_access once when the headers are there, once for each piece of the body,
 * once when the request is complete, and once more after a suspended connection was resumed.
 * Invariants: what can be refused by the headers is refused before the body is read; no body is
 * kept beyond its limit; a request whose framing is ambiguous (RFC 9112, section 6.3) is refused
 * and its connection closed, so that nothing behind it is taken for a request. */

#include "server/http/desk-http-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/desk-log.h"

#define DEFAULT_BODY        (1024 * 1024)
#define DEFAULT_WEBHOOK     (3 * 1024 * 1024)
#define DEFAULT_FILE         (20 * 1024 * 1024)
#define DEFAULT_FILES        10
#define FORM_BYTES           (1024 * 1024) /* of a form beside its files */
#define FORM_BYTES_PER_S     (16 * 1024)   /* the slowest sender of files that is waited for */
#define DEFAULT_TIMEOUT_S   30
#define DEFAULT_CONNECTIONS 4096
#define SPARE_CONNECTIONS   64 /* above our own count, see desk-http-accept.c */
#define CONNECTION_MEMORY   (24 * 1024) /* bytes: request line and headers must fit */
#define DRAIN_BYTES         (64 * 1024)        /* a refused body up to this is read and dropped */
#define DRAIN_CHUNKED_BYTES (16 * 1024 * 1024) /* after that the connection is cut */

/* ── Checks of the headers ──────────────────────────────────────────────────────────────────── */
typedef struct
{
  guint n_lengths;
  guint n_encodings;
  guint n_hosts;
  gboolean chunked;
  gboolean bad;
  gint64 length; /* -1 if not told */
} Framing;

static enum MHD_Result
look_at_header (void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
  Framing *framing = cls;

  if (g_ascii_strcasecmp (key, "Content-Length") == 0)
    {
      framing->n_lengths++;
      if (value == NULL || *value == '\0' || strspn (value, "0123456789") != strlen (value)
          || !g_ascii_string_to_signed (value, 10, 0, G_MAXINT64, &framing->length, NULL))
        framing->bad = TRUE;
    }
  else if (g_ascii_strcasecmp (key, "Transfer-Encoding") == 0)
    {
      framing->n_encodings++;
      framing->chunked = value != NULL && g_ascii_strcasecmp (value, "chunked") == 0;
    }
  else if (g_ascii_strcasecmp (key, "Host") == 0)
    framing->n_hosts++;
  return MHD_YES;
}

static gboolean
check_framing (DeskHttpRequest *self, Framing *framing)
{
  memset (framing, 0, sizeof *framing);
  framing->length = -1;
  MHD_get_connection_values (self->connection, MHD_HEADER_KIND, look_at_header, framing);

  self->has_body = framing->n_encodings > 0 || framing->length > 0;
  if (!framing->bad && framing->n_lengths <= 1 && framing->n_encodings <= 1
      && framing->n_lengths + framing->n_encodings <= 1
      && (framing->n_encodings == 0 || framing->chunked) && framing->n_hosts <= 1)
    return TRUE;
  self->close = TRUE;
  desk_http_request_fail (self, DESK_CODE_BAD_REQUEST, "The request's length is ambiguous");
  return FALSE;
}

static gsize
body_limit (DeskHttpRequest *self)
{
  const DeskHttpOptions *options = &self->server->options;
  const gboolean raw = self->endpoint != NULL && (self->endpoint->flags & DESK_HTTP_RAW) != 0;

  if (self->endpoint != NULL && (self->endpoint->flags & DESK_HTTP_FORM) != 0)
    return (gsize)options->max_file_bytes * options->max_files + FORM_BYTES;
  return raw ? self->server->options.max_webhook_bytes : self->server->options.max_body_bytes;
}

static void
fail_too_large (DeskHttpRequest *self)
{
  g_autofree char *details
      = g_strdup_printf ("{\"limit\":%" G_GSIZE_FORMAT ",\"unit\":\"bytes\"}", body_limit (self));

  desk_http_request_reply (self, desk_reply_new_failure (DESK_CODE_TOO_LARGE,
                                                         "The request's body is too large", details,
                                                         -1, self->id));
}

/* Absolute form (RFC 9112, section 3.2.2) is for proxies, but every server must accept it. */
static const char *
path_of (const char *url)
{
  if (g_ascii_strncasecmp (url, "http://", 7) == 0)
    {
      const char *slash = strchr (url + 7, '/');
      return slash != NULL ? slash : "/";
    }
  return url;
}

static gboolean
find_route (DeskHttpRequest *self, const char *method, const char *url)
{
  switch (desk_http_router_match (desk_http_routes, desk_http_n_routes, method, path_of (url),
                                  &self->match))
    {
    case DESK_HTTP_MATCH_FOUND:
      self->endpoint = self->match.route->data;
      return TRUE;
    case DESK_HTTP_MATCH_METHOD:
      desk_http_request_fail (self, DESK_CODE_METHOD_NOT_ALLOWED,
                              "This address does not take that method");
      return FALSE;
    case DESK_HTTP_MATCH_BAD_PATH:
      desk_http_request_fail (self, DESK_CODE_BAD_REQUEST,
                              "The path is not a percent-encoded name");
      return FALSE;
    case DESK_HTTP_MATCH_NOT_FOUND:
    default:
      desk_http_request_fail (self, DESK_CODE_NOT_FOUND, "There is nothing at this address");
      return FALSE;
    }
}

/* application/json, in UTF-8 if it tells (RFC 8259, section 8.1). */
static gboolean
is_json_type (const char *type)
{
  static const char json[] = "application/json";

  if (type == NULL || g_ascii_strncasecmp (type, json, strlen (json)) != 0)
    return FALSE;
  g_autofree char *rest = g_ascii_strdown (type + strlen (json), -1);
  g_strstrip (rest);
  if (*rest == '\0')
    return TRUE;
  if (*rest != ';')
    return FALSE;
  const char *charset = strstr (rest, "charset=");
  return charset == NULL || strstr (charset, "utf-8") != NULL || strstr (charset, "utf8") != NULL;
}

static gboolean
check_body_headers (DeskHttpRequest *self, const Framing *framing)
{
  if (framing->length >= 0 && (guint64)framing->length > body_limit (self))
    {
      fail_too_large (self);
      return FALSE;
    }
  if ((self->endpoint->flags & DESK_HTTP_JSON) && self->has_body
      && !is_json_type (desk_http_request_get_header (self, "Content-Type")))
    {
      desk_http_request_fail (self, DESK_CODE_UNSUPPORTED_MEDIA_TYPE,
                              "The body must be application/json in UTF-8");
      return FALSE;
    }
  if ((self->endpoint->flags & DESK_HTTP_FORM) && self->has_body)
    self->form = desk_http_form_new (self);
  return self->reply == NULL;
}

/* ── The life of a request ──────────────────────────────────────────────────────────────────── */
static enum MHD_Result
begin (DeskHttpRequest *self, const char *method, const char *url)
{
  Framing framing;

  if (!check_framing (self, &framing))
    return desk_http_reply_queue (self);
  if (g_atomic_int_get (&self->server->stopping))
    desk_http_request_fail (self, DESK_CODE_UNAVAILABLE, "The server is shutting down");
  else if (find_route (self, method, url) && desk_http_auth_check (self))
    check_body_headers (self, &framing);

  /* a small refused body is read, so that the connection stays good for the next request */
  if (self->reply != NULL && self->has_body && framing.length > DRAIN_BYTES)
    {
      self->close = TRUE;
      return desk_http_reply_queue (self);
    }
  return MHD_YES;
}

static enum MHD_Result
take_body (DeskHttpRequest *self, const char *data, gsize len)
{
  DeskHttpServer *server = self->server;
  const gint64 spent_us = g_get_monotonic_time () - self->begun_us;
  gint64 granted_s = 2 * (gint64)server->options.timeout_s;

  self->n_body += len;
  if (self->form != NULL)
    granted_s += (gint64)self->n_body / FORM_BYTES_PER_S;
  if (spent_us > granted_s * G_USEC_PER_SEC)
    return MHD_NO;
  if (self->reply == NULL && self->n_body > body_limit (self))
    {
      self->close = TRUE;
      fail_too_large (self);
    }
  if (self->reply != NULL)
    return self->n_body > MAX (DRAIN_CHUNKED_BYTES, self->form != NULL ? body_limit (self) : 0)
               ? MHD_NO
               : MHD_YES;
  if (self->form != NULL)
    {
      desk_http_form_take (self->form, data, len);
      return MHD_YES;
    }
  if (self->body == NULL)
    self->body = g_string_sized_new (MAX (len, 512));
  g_string_append_len (self->body, data, (gssize)len);
  return MHD_YES;
}

static enum MHD_Result
finish (DeskHttpRequest *self)
{
  if (self->wait != NULL && self->reply == NULL)
    {
      desk_http_request_reply (self, desk_http_wait_take (self->wait));
      if (self->reply == NULL)
        return MHD_YES; /* not resumed by us: goes on waiting */
      return desk_http_reply_queue (self);
    }
  if (self->reply == NULL)
    {
      if ((self->endpoint->flags & DESK_HTTP_JSON) && !(self->endpoint->flags & DESK_HTTP_OPTIONAL)
          && self->n_body == 0)
        desk_http_request_fail (self, DESK_CODE_BAD_REQUEST, "The request needs a JSON body");
      else
        self->endpoint->handler (self);
    }
  if (self->answered || (self->wait != NULL && self->reply == NULL))
    return MHD_YES;
  if (self->reply == NULL)
    desk_http_request_fail (self, DESK_CODE_INTERNAL, "The request got no answer");
  return desk_http_reply_queue (self);
}

static enum MHD_Result
on_access (void *cls,
           struct MHD_Connection *connection,
           const char *url,
           const char *method,
           const char *version,
           const char *upload_data,
           size_t *upload_data_size,
           void **con_cls)
{
  DeskHttpRequest *request = *con_cls;

  if (request == NULL)
    {
      request = *con_cls = desk_http_request_new (cls, connection);
      return begin (request, method, url);
    }
  if (request->answered)
    {
      *upload_data_size = 0;
      return MHD_YES;
    }
  if (*upload_data_size > 0)
    {
      const gsize len = *upload_data_size;
      *upload_data_size = 0;
      return take_body (request, upload_data, len);
    }
  return finish (request);
}

static void
on_completed (void *cls,
              struct MHD_Connection *connection,
              void **con_cls,
              enum MHD_RequestTerminationCode code)
{
  g_clear_pointer ((DeskHttpRequest **)con_cls, desk_http_request_free);
}

/* Paths and queries are decoded by us, after they are split. */
static size_t
keep_escaped (void *cls, struct MHD_Connection *connection, char *text)
{
  return strlen (text);
}

static void on_log (void *cls, const char *format, va_list args) G_GNUC_PRINTF (2, 0);

/* libmicrohttpd tells what clients did wrong; nothing that an operator could mend */
static void
on_log (void *cls, const char *format, va_list args)
{
  g_autofree char *text = g_strdup_vprintf (format, args);

  g_debug ("libmicrohttpd: %s", g_strchomp (text));
}

/* ── Start and end ──────────────────────────────────────────────────────────────────────────── */
static void
set_defaults (DeskHttpOptions *options)
{
  if (options->threads == 0)
    options->threads = MAX (2, g_get_num_processors ());
  if (options->max_connections == 0)
    options->max_connections = DEFAULT_CONNECTIONS;
  options->max_connections = MAX (options->max_connections, options->threads);
  if (options->max_body_bytes == 0)
    options->max_body_bytes = DEFAULT_BODY;
  if (options->max_webhook_bytes == 0)
    options->max_webhook_bytes = DEFAULT_WEBHOOK;
  if (options->max_file_bytes == 0)
    options->max_file_bytes = DEFAULT_FILE;
  if (options->max_files == 0)
    options->max_files = DEFAULT_FILES;
  if (options->timeout_s == 0)
    options->timeout_s = DEFAULT_TIMEOUT_S;
}

static struct MHD_Daemon *
start_worker (DeskHttpServer *self)
{
  const DeskHttpOptions *options = &self->options;

  return MHD_start_daemon (
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ITC
          | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG,
      0, NULL, NULL, on_access, self,
      MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
      MHD_OPTION_CONNECTION_LIMIT, options->max_connections + SPARE_CONNECTIONS,
      MHD_OPTION_NOTIFY_CONNECTION, desk_http_accept_notify, self,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
      MHD_OPTION_CONNECTION_TIMEOUT, options->timeout_s,
      MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
      MHD_OPTION_END);
}

static gboolean
start_workers (DeskHttpServer *self, GError **error)
{
  self->workers = g_new0 (struct MHD_Daemon *, self->options.threads);
  for (guint i = 0; i < self->options.threads; i++)
    {
      self->workers[i] = start_worker (self);
      if (self->workers[i] != NULL)
        continue;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The HTTP server cannot start: %s",
                   g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}

DeskHttpServer *
desk_http_server_new (const DeskHttpOptions *options, GError **error)
{
  g_return_val_if_fail (options->service != NULL && options->upgraded != NULL, NULL);
  guint16 port;
  int fd = desk_http_listen (options->address, options->port, &port, error);

  if (fd < 0)
    return NULL;

  DeskHttpServer *self = g_new0 (DeskHttpServer, 1);
  self->options = *options;
  self->options.address = NULL;
  set_defaults (&self->options);
  self->port = port;
  self->requests = desk_http_limiter_new (options->requests_per_minute, options->clock);
  self->sign_ins = desk_http_limiter_new (options->sign_ins_per_minute, options->clock);
  self->waits = desk_http_waits_new ();
  self->id_base = desk_random_u64 (options->random);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->idle);

  if (!start_workers (self, error))
    {
      close (fd);
      desk_http_server_free (self, 0);
      return NULL;
    }
  self->accept = desk_http_accept_new (self, fd);
  return self;
}

guint16
desk_http_server_get_port (DeskHttpServer *self)
{
  return self->port;
}

void
desk_http_server_close (DeskHttpServer *self)
{
  g_atomic_int_set (&self->stopping, 1);
  g_clear_pointer (&self->accept, desk_http_accept_free);
}

static void
wait_until_idle (DeskHttpServer *self, gint64 end_us)
{
  g_mutex_lock (&self->mutex);
  while (self->n_active > 0)
    if (!g_cond_wait_until (&self->idle, &self->mutex, end_us))
      break;
  g_mutex_unlock (&self->mutex);
}

void
desk_http_server_free (DeskHttpServer *self, gint64 deadline_ms)
{
  if (self == NULL)
    return;
  const gint64 end_us = g_get_monotonic_time () + deadline_ms * 1000;
  desk_http_server_close (self);
  wait_until_idle (self, end_us);
  desk_http_waits_abandon (self->waits);
  wait_until_idle (self, MAX (end_us, g_get_monotonic_time ()) + 200 * 1000);
  for (guint i = 0; i < self->options.threads && self->workers[i] != NULL; i++)
    MHD_stop_daemon (self->workers[i]);
  g_free (self->workers);
  desk_http_waits_unref (self->waits);
  desk_http_limiter_free (self->requests);
  desk_http_limiter_free (self->sign_ins);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->idle);
  g_free (self);
}
