/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* The handshake of a websocket (RFC 6455, section 4.2) and the hand-over of its socket.
 * Invariants: a wrong token is refused before the upgrade (401); the token of a query reaches no
 * log. The receiver gets a duplicate of the socket: closing libmicrohttpd's own descriptor then
 * ends its part, while the connection lives on. */

#include "server/http/desk-http-private.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "common/desk-crypto.h"

#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

typedef struct
{
  DeskHttpServer *server;
  DeskIdentity *who;
  char *token;
  guint level;
  char *cursor;
} Upgrade;

static void
upgrade_free (Upgrade *self)
{
  g_clear_pointer (&self->who, desk_identity_unref);
  desk_secure_clear (self->token);
  g_free (self->token);
  g_free (self->cursor);
  g_free (self);
}

/* Is token one of the comma-separated words of a header? */
static gboolean
has_word (const char *header, const char *token)
{
  if (header == NULL)
    return FALSE;
  g_auto (GStrv) words = g_strsplit (header, ",", 32);
  for (char **word = words; *word != NULL; word++)
    if (g_ascii_strcasecmp (g_strstrip (*word), token) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
key_is_valid (const char *key)
{
  gsize len = 0;

  if (key == NULL || strlen (key) != 24)
    return FALSE;
  g_autofree guchar *bytes = g_base64_decode (key, &len);
  g_autofree char *again = g_base64_encode (bytes, len);
  return len == 16 && strcmp (again, key) == 0;
}

static gboolean
check_handshake (DeskHttpRequest *request)
{
  const char *version = desk_http_request_get_header (request, "Sec-WebSocket-Version");
  const char *upgrade = desk_http_request_get_header (request, "Upgrade");
  const char *connection = desk_http_request_get_header (request, "Connection");

  if (!has_word (upgrade, "websocket") || version == NULL || strcmp (version, "13") != 0)
    {
      /* 426: RFC 9110, section 15.5.22; the version: RFC 6455, section 4.4 */
      DeskReply *reply = desk_reply_new_failure (DESK_CODE_BAD_REQUEST,
                                                 "This address speaks websocket, version 13", NULL,
                                                 -1, request->id);
      reply->status = MHD_HTTP_UPGRADE_REQUIRED;
      desk_http_request_reply (request, reply);
      return FALSE;
    }
  if (!has_word (connection, "upgrade")
      || !key_is_valid (desk_http_request_get_header (request, "Sec-WebSocket-Key")))
    {
      desk_http_request_fail (request, DESK_CODE_BAD_REQUEST,
                              "The handshake of the websocket is malformed");
      return FALSE;
    }
  return TRUE;
}

/* No token at all is no refusal: the first frame may tell it. */
static gboolean
check_token (DeskHttpRequest *request, DeskIdentity **out_who, char **out_token)
{
  DeskHttpServer *server = request->server;
  g_autofree char *query = NULL;
  const char *token = desk_http_auth_get_bearer (request);
  const gboolean has_header = desk_http_request_get_header (request, "Authorization") != NULL;

  if (!desk_http_request_query (request, "token", &query))
    return FALSE;
  if (token == NULL && !has_header)
    token = query;
  if (token != NULL)
    *out_who = desk_service_authenticate (server->options.service, token);
  *out_token = *out_who != NULL ? g_strdup (token) : NULL;
  if (query != NULL)
    desk_secure_clear (query);
  if (*out_who != NULL)
    return desk_http_auth_take (request, server->requests,
                                desk_http_limiter_key_token ((*out_who)->token_id));
  if (!desk_http_auth_take (request, server->requests, desk_http_auth_get_address_key (request)))
    return FALSE;
  if (token == NULL && !has_header)
    return TRUE;
  desk_http_request_fail (request, DESK_CODE_UNAUTHORIZED, "The token is not valid");
  return FALSE;
}

static void
on_upgraded (void *cls,
             struct MHD_Connection *connection,
             void *con_cls,
             const char *extra_in,
             size_t extra_in_size,
             MHD_socket sock,
             struct MHD_UpgradeResponseHandle *handle)
{
  Upgrade *self = cls;
  const DeskHttpOptions *options = &self->server->options;
  const int on = 1;
  const int fd = fcntl (sock, F_DUPFD_CLOEXEC, 0);

  if (fd >= 0)
    {
      const DeskHttpUpgraded upgraded = {
        .fd = fd,
        .extra = extra_in,
        .extra_len = extra_in_size,
        .who = g_steal_pointer (&self->who),
        .token = self->token,
        .level = self->level,
        .cursor = self->cursor,
      };
      setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      options->upgraded (&upgraded, options->data);
    }
  MHD_upgrade_action (handle, MHD_UPGRADE_ACTION_CLOSE);
  upgrade_free (self);
}

static void
queue_upgrade (DeskHttpRequest *request, Upgrade *upgrade)
{
  g_autofree char *joined = g_strconcat (
      desk_http_request_get_header (request, "Sec-WebSocket-Key"), ACCEPT_GUID, NULL);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize len = sizeof digest;

  g_checksum_update (sum, (const guchar *)joined, -1);
  g_checksum_get_digest (sum, digest, &len);
  g_autofree char *accept = g_base64_encode (digest, len);

  struct MHD_Response *response = MHD_create_response_for_upgrade (on_upgraded, upgrade);
  MHD_add_response_header (response, "Upgrade", "websocket");
  MHD_add_response_header (response, "Sec-WebSocket-Accept", accept);
  MHD_add_response_header (response, "X-Request-Id", request->id);
  if (MHD_queue_response (request->connection, MHD_HTTP_SWITCHING_PROTOCOLS, response) == MHD_YES)
    request->answered = TRUE;
  else
    {
      upgrade_free (upgrade);
      desk_http_request_fail (request, DESK_CODE_INTERNAL, "The connection cannot be upgraded");
    }
  MHD_destroy_response (response);
}

void
desk_http_handle_websocket (DeskHttpRequest *request)
{
  g_autoptr (DeskIdentity) who = NULL;
  g_autofree char *token = NULL;
  g_autofree char *cursor = NULL;
  gint64 level = 0;

  if (!check_handshake (request) || !desk_http_request_query_int (request, "v", 0, 2, &level)
      || !desk_http_request_query (request, "cursor", &cursor) || !check_token (request, &who, &token))
    return;

  Upgrade *upgrade = g_new0 (Upgrade, 1);
  upgrade->server = request->server;
  upgrade->who = g_steal_pointer (&who);
  upgrade->token = g_steal_pointer (&token);
  upgrade->level = level == 2 ? 2 : 0;
  upgrade->cursor = g_steal_pointer (&cursor);
  queue_upgrade (request, upgrade);
}
