/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* What managers do to chats, messages, profiles and canned replies: each handler reads the body,
 * asks the service and hands its answer on. */

#include "server/http/desk-http-private.h"
#include "server/service/desk-service-change.h"
#include "server/service/desk-service-lookup.h"

#define SERVICE(request) ((request)->server->options.service)
#define ARG(request, n)  ((request)->match.args[n])

/* ── Chats ──────────────────────────────────────────────────────────────────────────────────── */
void
desk_http_handle_change_chat (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChatPatch) patch
      = desk_wire_read_chat_patch (request->body->str, request->body->len, &error);

  if (patch == NULL)
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_change_chat (SERVICE (request), request->who, ARG (request, 0), ARG (request, 1),
                              patch, desk_http_wait_done, wait);
}

void
desk_http_handle_profile (DeskHttpRequest *request)
{
  desk_http_request_reply (request,
                           desk_service_get_profile (SERVICE (request), request->who,
                                                     ARG (request, 0), ARG (request, 1)));
}

void
desk_http_handle_change_profile (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskProfilePatch) patch
      = desk_wire_read_profile_patch (request->body->str, request->body->len, &error);

  if (patch == NULL)
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_change_profile (SERVICE (request), request->who, ARG (request, 0),
                                 ARG (request, 1), patch, desk_http_wait_done, wait);
}

void
desk_http_handle_templates (DeskHttpRequest *request)
{
  desk_http_request_reply (request,
                           desk_service_get_templates (SERVICE (request), request->who,
                                                       ARG (request, 0), ARG (request, 1)));
}

/* Waits for the platform, not for the store. */
void
desk_http_handle_products (DeskHttpRequest *request)
{
  const DeskHttpOptions *options = &request->server->options;
  gint64 page = 1;

  if (!desk_http_request_query_int (request, "page", 1, 10000, &page))
    return;
  if (options->list_products == NULL)
    {
      desk_http_request_fail (request, DESK_CODE_NOT_SUPPORTED, "This backend tells no products");
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    options->list_products (ARG (request, 0), ARG (request, 1), (guint)page, desk_http_wait_done,
                            wait, options->data);
}

/* The user service tells that people changed. */
void
desk_http_handle_invalidate_users (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskWireUsers) users
      = desk_wire_read_users (request->body->str, request->body->len, &error);

  if (users == NULL)
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_invalidate_users (SERVICE (request), request->who, users, desk_http_wait_done,
                                   wait);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */
void
desk_http_handle_edit (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gint64 base_rev;

  if (!desk_wire_read_message_patch (request->body->str, request->body->len, &text, &base_rev,
                                     &error))
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_edit_message (SERVICE (request), request->who, ARG (request, 0), text, base_rev,
                               desk_http_wait_done, wait);
}

void
desk_http_handle_delete (DeskHttpRequest *request)
{
  DeskHttpWait *wait = desk_http_wait_begin (request);

  if (wait != NULL)
    desk_service_delete_message (SERVICE (request), request->who, ARG (request, 0),
                                 desk_http_wait_done, wait);
}

void
desk_http_handle_react (DeskHttpRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *emoji = NULL;

  if (!desk_wire_read_reaction (request->body->str, request->body->len, &emoji, &error))
    {
      desk_http_request_fail_json (request, error);
      return;
    }
  DeskHttpWait *wait = desk_http_wait_begin (request);
  if (wait != NULL)
    desk_service_react (SERVICE (request), request->who, ARG (request, 0), emoji,
                        desk_http_wait_done, wait);
}

/* ── Canned replies ─────────────────────────────────────────────────────────────────────────── */
void
desk_http_handle_canned (DeskHttpRequest *request)
{
  desk_http_request_reply (request, desk_service_get_canned (SERVICE (request), request->who));
}

static DeskCanned *
read_canned (DeskHttpRequest *request, gint64 *out_base_rev)
{
  g_autoptr (GError) error = NULL;
  DeskCanned *canned = desk_wire_read_canned_request (request->body->str, request->body->len,
                                                      out_base_rev, &error);

  if (canned == NULL)
    desk_http_request_fail_json (request, error);
  return canned;
}

void
desk_http_handle_add_canned (DeskHttpRequest *request)
{
  gint64 base_rev;
  g_autoptr (DeskCanned) canned = read_canned (request, &base_rev);
  DeskHttpWait *wait = canned != NULL ? desk_http_wait_begin (request) : NULL;

  if (wait != NULL)
    desk_service_add_canned (SERVICE (request), request->who, canned, desk_http_wait_done, wait);
}

void
desk_http_handle_change_canned (DeskHttpRequest *request)
{
  gint64 base_rev;
  g_autoptr (DeskCanned) canned = read_canned (request, &base_rev);
  DeskHttpWait *wait = canned != NULL ? desk_http_wait_begin (request) : NULL;

  if (wait != NULL)
    desk_service_change_canned (SERVICE (request), request->who, ARG (request, 0), canned, base_rev,
                                desk_http_wait_done, wait);
}

void
desk_http_handle_delete_canned (DeskHttpRequest *request)
{
  DeskHttpWait *wait = desk_http_wait_begin (request);

  if (wait != NULL)
    desk_service_delete_canned (SERVICE (request), request->who, ARG (request, 0),
                                desk_http_wait_done, wait);
}
