/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Who asks, and how often.
 * Invariants: a token is only ever compared by the service; it reaches no log; what is refused
 * before anybody is known counts for the address, everything else for the token. */

#include "server/http/desk-http-private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define MAX_TOKEN 512

const char *
desk_http_auth_get_bearer (DeskHttpRequest *request)
{
  const char *value = desk_http_request_get_header (request, "Authorization");

  if (value == NULL || g_ascii_strncasecmp (value, "Bearer ", 7) != 0)
    return NULL;
  value += 7;
  while (*value == ' ')
    value++;
  return *value != '\0' && strlen (value) <= MAX_TOKEN ? value : NULL;
}

static gboolean
is_loopback (const struct sockaddr *address)
{
  if (address == NULL)
    return FALSE;
  if (address->sa_family == AF_INET)
    return (ntohl (((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
  return address->sa_family == AF_INET6
         && IN6_IS_ADDR_LOOPBACK (&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* A proxy on this machine, which ends TLS, tells whom it speaks for; nobody else is believed. The
 * last entry is the proxy's own, earlier ones are the client's claim. */
static guint64
key_of_forwarded (const char *forwarded)
{
  const char *last = strrchr (forwarded, ',');
  g_autofree char *text = g_strstrip (g_strdup (last != NULL ? last + 1 : forwarded));
  struct sockaddr_in in = { .sin_family = AF_INET };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

  if (inet_pton (AF_INET, text, &in.sin_addr) == 1)
    return desk_http_limiter_key_address ((struct sockaddr *)&in);
  if (inet_pton (AF_INET6, text, &in6.sin6_addr) == 1)
    return desk_http_limiter_key_address ((struct sockaddr *)&in6);
  return 0;
}

guint64
desk_http_auth_get_address_key (DeskHttpRequest *request)
{
  const union MHD_ConnectionInfo *info
      = MHD_get_connection_info (request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
  const char *forwarded = desk_http_request_get_header (request, "X-Forwarded-For");

  if (forwarded != NULL && is_loopback (address))
    {
      const guint64 key = key_of_forwarded (forwarded);
      if (key != 0)
        return key;
    }
  return desk_http_limiter_key_address (address);
}

gboolean
desk_http_auth_take (DeskHttpRequest *request, DeskHttpLimiter *limiter, guint64 key)
{
  gint64 retry_after_s = 0;

  if (desk_http_limiter_take (limiter, key, &retry_after_s))
    return TRUE;
  desk_http_request_reply (request,
                           desk_reply_new_failure (DESK_CODE_RATE_LIMITED, "Too many requests", NULL,
                                                   retry_after_s, request->id));
  return FALSE;
}

gboolean
desk_http_auth_check (DeskHttpRequest *request)
{
  DeskHttpServer *server = request->server;
  const DeskHttpFlags flags = request->endpoint != NULL ? request->endpoint->flags : 0;

  if (flags & DESK_HTTP_UNLIMITED)
    return TRUE;
  if (flags & DESK_HTTP_BEARER)
    {
      const char *token = desk_http_auth_get_bearer (request);
      if (token != NULL)
        request->who = desk_service_authenticate (server->options.service, token);
      if (request->who != NULL)
        return desk_http_auth_take (request, server->requests,
                                    desk_http_limiter_key_token (request->who->token_id));
    }

  const guint64 key = desk_http_auth_get_address_key (request);
  if (!desk_http_auth_take (request, server->requests, key))
    return FALSE;
  if ((flags & DESK_HTTP_SIGN_IN) && !desk_http_auth_take (request, server->sign_ins, key))
    return FALSE;
  if (!(flags & DESK_HTTP_BEARER))
    return TRUE;
  desk_http_request_fail (request, DESK_CODE_UNAUTHORIZED, "Sign in to use this address");
  return FALSE;
}
