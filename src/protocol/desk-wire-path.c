/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Every endpoint's path. Paths are relative to the server's address and begin with a slash. */

#include <string.h>

#include "protocol/desk-wire-private.h"

/* A path segment. The dots of "." and ".." are encoded, too, because clients and proxies resolve
 * them (RFC 3986, section 5.2.4). */
static char *
escape (const char *text)
{
  if (strcmp (text, ".") == 0)
    return g_strdup ("%2E");
  if (strcmp (text, "..") == 0)
    return g_strdup ("%2E%2E");
  return g_uri_escape_string (text, NULL, FALSE);
}

static char *
chat_path (const char *platform, const char *user_id, const char *rest)
{
  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  g_autofree char *p = escape (platform);
  g_autofree char *u = escape (user_id);
  return g_strconcat (DESK_PATH_CRM "/chats/", p, "/", u, rest, NULL);
}

/* "?limit=N&NAME=VALUE" without what is 0 or NULL. */
static char *
list_path (const char *path, guint limit, const char *name, const char *value)
{
  GString *text = g_string_new (path);
  char separator = '?';
  if (limit > 0)
    {
      g_string_append_printf (text, "?limit=%u", limit);
      separator = '&';
    }
  if (value != NULL)
    {
      g_autofree char *escaped = g_uri_escape_string (value, NULL, FALSE);
      g_string_append_printf (text, "%c%s=%s", separator, name, escaped);
    }
  return g_string_free (text, FALSE);
}

char *
desk_path_capabilities (void)
{
  return g_strdup (DESK_PATH_CRM "/capabilities");
}

char *
desk_path_chats (guint limit, const char *page)
{
  return list_path (DESK_PATH_CRM "/chats", limit, "page", page);
}

char *
desk_path_connections (void)
{
  return g_strdup (DESK_PATH_CRM "/connections");
}

char *
desk_path_chat (const char *platform, const char *user_id)
{
  return chat_path (platform, user_id, "");
}

char *
desk_path_messages_offset (const char *platform, const char *user_id, guint limit, guint offset)
{
  g_autofree char *path = chat_path (platform, user_id, "/messages");
  return g_strdup_printf ("%s?limit=%u&offset=%u", path, limit, offset);
}

char *
desk_path_messages_before (const char *platform,
                           const char *user_id,
                           guint limit,
                           gint64 before_seq)
{
  g_autofree char *path = chat_path (platform, user_id, "/messages");
  if (before_seq <= 0)
    return g_strdup_printf ("%s?limit=%u", path, limit);
  return g_strdup_printf ("%s?limit=%u&before_seq=%" G_GINT64_FORMAT, path, limit, before_seq);
}

char *
desk_path_messages_after (const char *platform, const char *user_id, guint limit, gint64 after_seq)
{
  g_autofree char *path = chat_path (platform, user_id, "/messages");
  return g_strdup_printf ("%s?limit=%u&after_seq=%" G_GINT64_FORMAT, path, limit, after_seq);
}

char *
desk_path_all_messages (guint limit, const char *page)
{
  return list_path (DESK_PATH_CRM "/messages", limit, "page", page);
}

char *
desk_path_send (const char *platform, const char *user_id)
{
  return chat_path (platform, user_id, "/send");
}

char *
desk_path_send_file (const char *platform, const char *user_id)
{
  return chat_path (platform, user_id, "/send-file");
}

char *
desk_path_read (const char *platform, const char *user_id)
{
  return chat_path (platform, user_id, "/read");
}

char *
desk_path_unread (const char *platform, const char *user_id)
{
  return chat_path (platform, user_id, "/unread");
}

char *
desk_path_changes (const char *cursor, guint limit)
{
  return list_path (DESK_PATH_CRM "/changes", limit, "cursor", cursor);
}

char *
desk_path_ws (guint level, const char *cursor)
{
  if (level < 2)
    return g_strdup (DESK_PATH_CRM "/ws");
  if (cursor == NULL)
    return g_strdup (DESK_PATH_CRM "/ws?v=2");
  g_autofree char *escaped = g_uri_escape_string (cursor, NULL, FALSE);
  return g_strconcat (DESK_PATH_CRM "/ws?v=2&cursor=", escaped, NULL);
}

char *
desk_path_auth_token (void)
{
  return g_strdup ("/v1/auth/token");
}

char *
desk_path_auth_refresh (void)
{
  return g_strdup ("/v1/auth/refresh");
}

char *
desk_path_auth_logout (void)
{
  return g_strdup ("/v1/auth/logout");
}

static char *
message_path (const char *id, const char *rest)
{
  g_return_val_if_fail (id != NULL, NULL);
  g_autofree char *escaped = escape (id);
  return g_strconcat (DESK_PATH_CRM "/messages/", escaped, rest, NULL);
}

char *
desk_path_message (const char *message_id)
{
  return message_path (message_id, "");
}

char *
desk_path_retry (const char *message_id)
{
  return message_path (message_id, "/retry");
}

char *
desk_path_reaction (const char *message_id)
{
  return message_path (message_id, "/reaction");
}

char *
desk_path_profile (const char *platform, const char *user_id)
{
  return chat_path (platform, user_id, "/profile");
}

char *
desk_path_templates (const char *platform, const char *user_id)
{
  return chat_path (platform, user_id, "/templates");
}

char *
desk_path_canned (const char *id)
{
  g_autofree char *escaped = id != NULL ? escape (id) : NULL;
  return g_strconcat (DESK_PATH_CRM "/canned", escaped != NULL ? "/" : NULL, escaped, NULL);
}

char *
desk_path_managers (void)
{
  return g_strdup (DESK_PATH_CRM "/managers");
}
