/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* The configuration: what it gives, and the line and reason of everything that is wrong in it. */

#include <glib/gstdio.h>
#include <string.h>

#include "server/main/desk-config.h"

static char *folder;

static char *
write_file (const char *name, const char *text)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

#define TG "[connection a]\nplatform=telegram\n"
#define WA "[connection w]\nplatform=whatsapp\naccount_id=1\ntoken_env=DESK_TEST_SET\n"

#define IG                                                                                         \
  "[connection i]\nplatform=instagram\naccount_id=1\ntoken_env=DESK_TEST_SET\n"                  \
  "app_secret_env=DESK_TEST_SET\nverify_token_env=DESK_TEST_SET\n"

typedef struct
{
  const char *text;
  const char *problem; /* what follows FILE */
} Case;

static const Case cases[] = {
  { "nonsense\n", ":1: expected [GROUP] or KEY=VALUE" },
  { "a=b\n", ":1: key “a” stands before the first [GROUP]" },
  { "# c\n\n[server\n", ":3: a group is written as [NAME]" },
  { "[server]\n[server]\n", ":2: group [server] stands twice, first in line 1" },
  { "[server]\nlisten=127.0.0.1:1\nlisten=127.0.0.1:2\n",
    ":3: key “listen” stands twice, first in line 2" },
  { "[server]\nlisten=\xff\n", ":2: the line is not UTF-8 text" },
  { "[server]\nport=80\n", ":2: unknown key “port” in [server]" },
  { "[sever]\n", ":1: unknown group [sever]" },
  { "[server]\nlisten=localhost:80\n",
    ":2: “listen” must be an IP address and a port, as 127.0.0.1:8080" },
  { "[server]\nlisten=127.0.0.1:65536\n",
    ":2: “listen” must be an IP address and a port, as 127.0.0.1:8080" },
  { "[server]\nlisten=::1:80\n",
    ":2: “listen” must be an IP address and a port, as 127.0.0.1:8080" },
  { "[server]\ndata=relative\n", ":2: “data” must be an absolute path" },
  { "[server]\npublic_url=chat.example.com\n",
    ":2: “public_url” must be an http or https address without a query" },
  { "[server]\npublic_url=ftp://chat.example.com\n",
    ":2: “public_url” must be an http or https address without a query" },
  { "[user_service]\n", ":1: [user_service] needs “base_url”" },
  { "[user_service]\nbase_url=users\n",
    ":2: “base_url” must be an http or https address without a query" },
  { "[user_service]\nbatch_size=501\n", ":2: “batch_size” must be a whole number from 1 to 500" },
  { "[user_service]\nids=both\n", ":2: “ids” must be number or text" },
  { "[user_service]\nbatch_path=users\n",
    ":2: “batch_path” must be a path that begins with a slash" },
  { "[user_service]\nwho=me\n", ":2: unknown key “who” in [user_service]" },
  { "[user_service]\ntoken=x\n",
    ":2: “token” is a secret and must not stand in this file: use “token_env” (the name of an "
    "environment variable) or “token_file”" },
  { "[retention]\ndays=-1\n", ":2: “days” must be a whole number from 0 to 36500" },
  { "[retention]\ndays=ten\n", ":2: “days” must be a whole number from 0 to 36500" },
  { "[retention]\nevents_days=0\n", ":2: “events_days” must be a whole number from 1 to 36500" },
  { "[retention]\ncleanup_at=24:00\n", ":2: “cleanup_at” must be a time of the day as HH:MM" },
  { "[retention]\ncleanup_at=3:00\n", ":2: “cleanup_at” must be a time of the day as HH:MM" },
  { "[retention]\nkeep=1\n", ":2: unknown key “keep” in [retention]" },
  { "[limits]\nrequests_per_minute=\n",
    ":2: “requests_per_minute” must be a whole number from 0 to 60000000" },
  { "[connection a]\n", ":1: [connection a] needs “platform”" },
  { "[connection a/b]\nplatform=demo\n", ":1: a connection's name is 1 to 64 of A-Z a-z 0-9 . _ -" },
  { "[connection a]\nplatform=icq\n",
    ":2: unknown platform “icq”: use telegram, whatsapp, instagram, messenger, partner or demo" },
  { TG "token=123:abc\n", ":3: “token” is a secret and must not stand in this file: use “token_env” "
                          "(the name of an environment variable) or “token_file”" },
  { TG, ":1: [connection a] needs “token_env” or “token_file”" },
  { TG "token_env=DESK_TEST_UNSET\n",
    ":3: the environment variable that “token_env” names is not set" },
  { TG "token_env=A B\n", ":3: “token_env” must be the name of an environment variable" },
  { TG "token_env=DESK_TEST_SET\ntoken_file=/x\n",
    ":4: “token_env” and “token_file” exclude each other" },
  { TG "token_file=/nowhere/token\n",
    ":3: the file of “token_file” cannot be read: Failed to open file “/nowhere/token”: No such file "
    "or directory" },
  { TG "token_env=DESK_TEST_SET\nmode=push\n", ":4: “mode” must be poll or webhook" },
  { TG "token_env=DESK_TEST_SET\nbase_url=file:///x\n",
    ":4: “base_url” must be an http or https address without a query" },
  { TG "token_env=DESK_TEST_SET\naccount_id=5\n",
    ":4: unknown key “account_id” in [connection a] of platform telegram" },
  { TG "token_env=DESK_TEST_SET\napp_secret_env=DESK_TEST_SET\n",
    ":4: a telegram connection has no “app_secret_env”" },
  { TG "token_env=DESK_TEST_SET\nmode=webhook\n",
    ":1: [connection a] needs “webhook_secret_env” or “webhook_secret_file”" },
  { TG "token_env=DESK_TEST_SET\nmode=webhook\nwebhook_secret_env=DESK_TEST_SET\n",
    ":4: mode=webhook needs “public_url” in [server]" },
  { TG "token_env=DESK_TEST_SET\nmode=webhook\nwebhook_secret_env=DESK_TEST_BAD\n",
    ":1: the webhook secret of [connection a] must be 1 to 256 of A-Z a-z 0-9 _ -" },
  { WA "verify_token_env=DESK_TEST_SET\n",
    ":1: [connection w] needs “app_secret_env” or “app_secret_file”" },
  { WA "mode=poll\n", ":5: “mode” must be webhook for this platform" },
  { WA "version=23\n", ":5: “version” must be a version as v23.0" },
  { WA "human_agent=true\n",
    ":5: unknown key “human_agent” in [connection w] of platform whatsapp" },
  { IG "human_agent=yes\n", ":7: “human_agent” must be true or false" },
  { IG "login=google\n", ":7: “login” must be instagram or facebook" },
  { IG "app_id=0x12\n", ":7: “app_id” must be the app's id, a number" },
  { "[connection a]\nplatform=demo\n[connection b]\nplatform=demo\n",
    ":3: a and b are both demo connections: each needs a “chat_prefix” of its own" },
  { "[connection a]\nplatform=demo\nchat_prefix=x~\n[connection b]\nplatform=demo\n",
    ":4: a and b are both demo connections: each needs a “chat_prefix” of its own" },
  { "[connection a]\nplatform=demo\nchat_prefix=x\n[connection b]\nplatform=demo\nchat_prefix=xy\n",
    ":6: the “chat_prefix” of a and b collide: neither may begin the other" },
  { "[connection a]\nplatform=demo\nchat_prefix=a/b\n",
    ":3: “chat_prefix” must be 1 to 64 bytes without slash and blank" },
  { "[connection a]\nplatform=demo\n[connection  a]\nplatform=demo\n",
    ":3: group [connection a] stands twice, first in line 1" },
};

static void
test_refused (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = write_file ("bad.conf", cases[i].text);
      g_autofree char *expected = g_strconcat (path, cases[i].problem, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (DeskConfig) config = desk_config_load (path, DESK_CONFIG_RUN, NULL, &error);

      g_assert_null (config);
      g_assert_error (error, DESK_CONFIG_ERROR, DESK_CONFIG_ERROR_INVALID);
      g_assert_cmpstr (error->message, ==, expected);
    }
}

static void
test_unreadable (void)
{
  g_autofree char *path = g_build_filename (folder, "absent.conf", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (desk_config_load (path, DESK_CONFIG_CHECK, NULL, &error));
  g_assert_error (error, DESK_CONFIG_ERROR, DESK_CONFIG_ERROR_UNREADABLE);
}

static void
test_values (void)
{
  g_autofree char *secret = write_file ("secret", "from-file\n");
  g_autofree char *text = g_strconcat (
      "# first\n[server]\r\nlisten = [::1]:0\ndata=/srv/desk\npublic_url=https://chat.example.com/\n"
      "[retention]\nmessages_per_chat=0\ndays=7\nkeep_at_least=5\ncleanup_at=23:59\nevents_days=2\n"
      "[limits]\nrequests_per_minute=0\nsign_ins_per_minute=3\ntimeout_s=5\n"
      "[connection a]\nplatform=telegram\ntoken_env=DESK_TEST_SET\nchat_prefix=a~\n"
      "mode=webhook\nwebhook_secret_file=",
      secret,
      "\n[connection b]\nplatform=telegram\nbase_url=http://127.0.0.1:9/\ntoken_env=DESK_TEST_SET\n"
      "chat_prefix=b~",
      NULL);
  g_autofree char *path = write_file ("good.conf", text);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskConfig) config = desk_config_load (path, DESK_CONFIG_RUN, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (config->address, ==, "::1");
  g_assert_cmpuint (config->port, ==, 0);
  g_assert_cmpstr (config->data, ==, "/srv/desk");
  g_assert_cmpstr (config->public_url, ==, "https://chat.example.com");
  g_assert_cmpuint (config->retention.messages_per_chat, ==, 0);
  g_assert_cmpuint (config->retention.cleanup_minute, ==, 23 * 60 + 59);
  g_assert_cmpuint (config->retention.events_days, ==, 2);
  g_assert_cmpuint (config->requests_per_minute, ==, 0);
  g_assert_cmpuint (config->sign_ins_per_minute, ==, 3);
  g_assert_cmpuint (config->timeout_s, ==, 5);
  g_assert_cmpuint (config->connections->len, ==, 2);
  const DeskConnection *a = g_ptr_array_index (config->connections, 0);
  const DeskConnection *b = g_ptr_array_index (config->connections, 1);
  g_assert_cmpstr (a->token, ==, "from-env");
  g_assert_cmpstr (a->webhook_secret, ==, "from-file");
  g_assert_cmpstr (a->base_url, ==, "https://api.telegram.org");
  g_assert_cmpstr (a->public_url, ==, "https://chat.example.com");
  g_assert_cmpstr (b->base_url, ==, "http://127.0.0.1:9");
  g_assert_cmpstr (b->mode, ==, "poll");
}

/* Instagram's two ways of signing in have an address each; the file of a token is remembered. */
static void
test_logins (void)
{
  g_autofree char *secret = write_file ("token", "from-file\n");
  g_autofree char *text = g_strconcat (
      IG "app_id=77\nhuman_agent=true\nchat_prefix=i~\n"
         "[connection j]\nplatform=instagram\nlogin=facebook\naccount_id=2\nchat_prefix=j~\n"
         "app_secret_env=DESK_TEST_SET\nverify_token_env=DESK_TEST_SET\ntoken_file=",
      secret, NULL);
  g_autofree char *path = write_file ("logins.conf", text);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskConfig) config = desk_config_load (path, DESK_CONFIG_RUN, NULL, &error);

  g_assert_no_error (error);
  const DeskConnection *i = g_ptr_array_index (config->connections, 0);
  const DeskConnection *j = g_ptr_array_index (config->connections, 1);
  g_assert_cmpstr (i->base_url, ==, "https://graph.instagram.com");
  g_assert_cmpstr (i->app_id, ==, "77");
  g_assert_true (i->human_agent);
  g_assert_null (i->token_path);
  g_assert_cmpstr (j->base_url, ==, "https://graph.facebook.com");
  g_assert_cmpstr (j->login, ==, "facebook");
  g_assert_false (j->human_agent);
  g_assert_cmpstr (j->token, ==, "from-file");
  g_assert_cmpstr (j->token_path, ==, secret);
}

static void
test_check_notes_unset_variables (void)
{
  g_autofree char *path = write_file ("note.conf", TG "token_env=DESK_TEST_UNSET\n");
  g_autofree char *expected = g_strconcat (
      path, ":3: note: the environment variable that “token_env” names is not set here\n", NULL);
  g_autoptr (GString) notes = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskConfig) config = desk_config_load (path, DESK_CONFIG_CHECK, notes, &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
  g_assert_cmpstr (notes->str, ==, expected);
}

static void
test_example (void)
{
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "..", "..", "data", "frontdeskd.conf.example", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskConfig) config = desk_config_load (path, DESK_CONFIG_CHECK, NULL, &error);
  g_autoptr (DeskConfig) defaults = desk_config_new ();

  g_assert_no_error (error);
  g_assert_cmpuint (config->connections->len, ==, 1);
  g_assert_cmpint (memcmp (&config->retention, &defaults->retention, sizeof (DeskRetention)), ==, 0);
  g_assert_cmpuint (config->requests_per_minute, ==, defaults->requests_per_minute);

  /* with everything that is commented out taken in, bar what excludes something else */
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_autoptr (GRegex) comment = g_regex_new ("^#(\\[|[A-Za-z_.-]+(?<!_file)=)", G_REGEX_MULTILINE, 0, NULL);
  g_autofree char *all = g_regex_replace (comment, text, -1, 0, "\\1", 0, NULL);
  g_autofree char *all_path = write_file ("all.conf", all);
  g_autoptr (DeskConfig) full = desk_config_load (all_path, DESK_CONFIG_CHECK, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (full->connections->len, ==, 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_setenv ("DESK_TEST_SET", "from-env", TRUE);
  g_setenv ("DESK_TEST_BAD", "not allowed", TRUE);
  g_unsetenv ("DESK_TEST_UNSET");
  folder = g_dir_make_tmp ("desk-config-XXXXXX", NULL);

  g_test_add_func ("/config/refused", test_refused);
  g_test_add_func ("/config/unreadable", test_unreadable);
  g_test_add_func ("/config/values", test_values);
  g_test_add_func ("/config/logins", test_logins);
  g_test_add_func ("/config/check-notes-unset-variables", test_check_notes_unset_variables);
  g_test_add_func ("/config/example", test_example);
  int result = g_test_run ();

  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
  return result;
}
