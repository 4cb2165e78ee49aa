/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Every path, and the encoding of what goes into them. */

#include "protocol/desk-wire.h"

static void
check (char *path, const char *want)
{
  g_autofree char *owned = path;
  g_assert_cmpstr (owned, ==, want);
}

static void
test_encoding (void)
{
  check (desk_path_chat ("a b", "%?#+ /&=:"),
         "/api/v1/crm/chats/a%20b/%25%3F%23%2B%20%2F%26%3D%3A");
  check (desk_path_chat ("telegram", "é😀"), "/api/v1/crm/chats/telegram/%C3%A9%F0%9F%98%80");
  check (desk_path_chat ("AZaz09._~-", "!*'()"), "/api/v1/crm/chats/AZaz09._~-/%21%2A%27%28%29");
  check (desk_path_chat (".", ".."), "/api/v1/crm/chats/%2E/%2E%2E");
  check (desk_path_chat ("...", ".a"), "/api/v1/crm/chats/.../.a");
  check (desk_path_chat ("\xff", "\x01"), "/api/v1/crm/chats/%FF/%01");
}

static void
test_chat_paths (void)
{
  check (desk_path_send ("p", "u/1"), "/api/v1/crm/chats/p/u%2F1/send");
  check (desk_path_read ("p", "u"), "/api/v1/crm/chats/p/u/read");
  check (desk_path_unread ("p", "u"), "/api/v1/crm/chats/p/u/unread");
  check (desk_path_messages_offset ("p", "u", 50, 0),
         "/api/v1/crm/chats/p/u/messages?limit=50&offset=0");
  check (desk_path_messages_before ("p", "u", 100, 0), "/api/v1/crm/chats/p/u/messages?limit=100");
  check (desk_path_messages_before ("p", "u", 100, 7),
         "/api/v1/crm/chats/p/u/messages?limit=100&before_seq=7");
  check (desk_path_messages_after ("p", "u", 100, 0),
         "/api/v1/crm/chats/p/u/messages?limit=100&after_seq=0");
}

static void
test_other_paths (void)
{
  check (desk_path_capabilities (), "/api/v1/crm/capabilities");
  check (desk_path_chats (0, NULL), "/api/v1/crm/chats");
  check (desk_path_chats (100, "a+b"), "/api/v1/crm/chats?limit=100&page=a%2Bb");
  check (desk_path_chats (0, "x"), "/api/v1/crm/chats?page=x");
  check (desk_path_all_messages (1000, NULL), "/api/v1/crm/messages?limit=1000");
  check (desk_path_all_messages (1000, "p=2"), "/api/v1/crm/messages?limit=1000&page=p%3D2");
  check (desk_path_changes (NULL, 500), "/api/v1/crm/changes?limit=500");
  check (desk_path_changes ("e7:0-1,3-9", 500),
         "/api/v1/crm/changes?limit=500&cursor=e7%3A0-1%2C3-9");
  check (desk_path_ws (0, "e7:0-1"), "/api/v1/crm/ws");
  check (desk_path_ws (2, NULL), "/api/v1/crm/ws?v=2");
  check (desk_path_ws (2, "e7:0-1"), "/api/v1/crm/ws?v=2&cursor=e7%3A0-1");
  check (desk_path_auth_token (), "/v1/auth/token");
  check (desk_path_auth_refresh (), "/v1/auth/refresh");
  check (desk_path_auth_logout (), "/v1/auth/logout");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/path/encoding", test_encoding);
  g_test_add_func ("/wire/path/chat", test_chat_paths);
  g_test_add_func ("/wire/path/other", test_other_paths);
  return g_test_run ();
}
