/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* What customers write, as markup; emoji; times; and the limit of a reply. */

#include <gtk/gtk.h>
#include <string.h>

#include "app/desk-composer.h"
#include "app/desk-filter-bar.h"
#include "app/desk-format.h"
#include "app/desk-report-table.h"

static void
check_markup (const char *text, const char *expected)
{
  g_autofree char *markup = desk_format_markup (text);
  g_assert_cmpstr (markup, ==, expected);
  g_assert_true (pango_parse_markup (markup, -1, 0, NULL, NULL, NULL, NULL)
                 || strstr (markup, "<a ") != NULL);
}

static void
test_markup (void)
{
  check_markup (NULL, "");
  check_markup ("a < b & c", "a &lt; b &amp; c");
  check_markup ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;");
  check_markup (
      "see https://a.example/x?y=1&z=2.",
      "see <a href=\"https://a.example/x?y=1&amp;z=2\">https://a.example/x?y=1&amp;z=2</a>.");
  check_markup ("(https://a.example/b_(c))",
                "(<a href=\"https://a.example/b_(c)\">https://a.example/b_(c)</a>)");
  check_markup ("mailto:a@b.example!", "<a href=\"mailto:a@b.example\">mailto:a@b.example</a>!");
  check_markup ("javascript:alert(1) file:///etc/passwd http://x.example",
                "javascript:alert(1) file:///etc/passwd http://x.example");
  check_markup ("xhttps://a.example", "xhttps://a.example");
  check_markup ("https://", "https://");
  check_markup ("https://a.example/\"onclick=",
                "<a href=\"https://a.example/\">https://a.example/</a>&quot;onclick=");
}

/* Whatever comes, the markup can be parsed and says the same text. */
static void
test_markup_random (void)
{
  static const char *const parts[] = { "<", ">", "&", "\"", "'", "https://", "mailto:", "a",
                                       "я", " ", ")", "(",  ".", "😀",        "\n",      "\001" };
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  for (int i = 0; i < 4000; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autofree char *markup = NULL, *plain = NULL;
      g_autoptr (GRegex) links = g_regex_new ("</?a[^>]*>", 0, 0, NULL);
      for (int n = g_rand_int_range (rand, 0, 14); n > 0; n--)
        g_string_append (text, parts[g_rand_int_range (rand, 0, G_N_ELEMENTS (parts))]);
      markup = desk_format_markup (text->str);
      plain = g_regex_replace_literal (links, markup, -1, 0, "", 0, NULL);
      g_autofree char *parsed = NULL;
      g_assert_true (pango_parse_markup (plain, -1, 0, NULL, &parsed, NULL, NULL));
      g_assert_cmpstr (parsed, ==, text->str);
    }
}

static void
test_hits (void)
{
  g_autofree char *one = desk_format_hit_markup ("a \002b<\003 c");
  g_autofree char *two = desk_format_hit_markup ("\002a \002b\003\003 \002c");
  g_assert_cmpstr (one, ==, "a <b>b&lt;</b> c");
  g_assert_true (pango_parse_markup (two, -1, 0, NULL, NULL, NULL, NULL));
}

static void
test_emoji (void)
{
  g_assert_true (desk_format_is_emoji_only ("😀"));
  g_assert_true (desk_format_is_emoji_only ("👩‍👩‍👧 ❤️"));
  g_assert_false (desk_format_is_emoji_only (""));
  g_assert_false (desk_format_is_emoji_only ("ok 😀"));
  g_assert_false (desk_format_is_emoji_only ("12"));
  g_assert_false (desk_format_is_emoji_only ("😀😀😀😀😀😀😀"));
}

static void
test_times (void)
{
  gint64 now = G_GINT64_CONSTANT (1763726400000), hour = 3600000;
  g_autofree char *today = desk_format_when (now - hour / 60, now);
  g_autofree char *yesterday = desk_format_when (now - 24 * hour, now);
  g_autofree char *span = desk_format_span (41 * 60000);
  g_autofree char *moment = desk_format_span (59999);
  g_autofree char *none = desk_format_span (-1);
  g_autofree char *hours = desk_format_span (5 * hour);
  g_autofree char *days = desk_format_span (72 * hour);
  g_autofree char *length = desk_format_duration (67000);
  g_assert_cmpuint (strlen (today), ==, 5);
  g_assert_cmpstr (yesterday, ==, "Yesterday");
  g_assert_cmpstr (moment, ==, "less than a minute");
  g_assert_cmpstr (none, ==, "less than a minute");
  g_assert_cmpstr (span, ==, "41 min");
  g_assert_cmpstr (hours, ==, "5 h");
  g_assert_cmpstr (days, ==, "3 d");
  g_assert_cmpstr (length, ==, "1:07");
}

static void
check_count (DeskTextUnit unit, guint limit, const char *text, int used, gboolean fits)
{
  g_autoptr (DeskPlatform) platform = desk_platform_new ("p", "P");
  int got_used, left;
  platform->text_limit = limit;
  platform->text_unit = unit;
  g_assert_cmpint (desk_composer_fits (platform, text, &got_used, &left), ==, fits);
  g_assert_cmpint (got_used, ==, used);
  g_assert_cmpint (left, ==, (int)limit - used);
}

static void
test_count (void)
{
  int used, left;
  check_count (DESK_TEXT_CHARS, 4, "я😀b", 3, TRUE);
  check_count (DESK_TEXT_UTF16, 4, "я😀b", 4, TRUE);
  check_count (DESK_TEXT_UTF16, 3, "я😀b", 4, FALSE);
  check_count (DESK_TEXT_BYTES, 6, "я😀b", 7, FALSE);
  check_count (DESK_TEXT_BYTES, 7, "я😀b", 7, TRUE);
  g_assert_true (desk_composer_fits (NULL, "anything", &used, &left));
}

static void
test_query (void)
{
  g_autoptr (DeskChatRow) row = g_new0 (DeskChatRow, 1);
  DeskChatQuery query = { .state = -1 };
  row->chat = desk_chat_new ("telegram", "1");
  g_assert_true (desk_chat_query_matches (&query, row));
  query.unread_only = TRUE;
  g_assert_false (desk_chat_query_matches (&query, row));
  row->unread = 1;
  g_assert_true (desk_chat_query_matches (&query, row));
  query.platform = "whatsapp";
  g_assert_false (desk_chat_query_matches (&query, row));
  query.platform = NULL;
  query.assignee = "ivan";
  g_assert_false (desk_chat_query_matches (&query, row));
  query.assignee = "";
  g_assert_true (desk_chat_query_matches (&query, row));
}

/* RFC 4180, and nothing that a spreadsheet would run. */
static void
test_report_table (void)
{
  gint64 edges[] = { 0, 86400000 };
  gint64 waits[] = { 2000, 60000 };
  DeskReportCount count = { .incoming = 3, .replies = 2, .bots = 1 };
  DeskReportPlatform platform = { .platform = (char *)"telegram", .total = count, .spans = &count };
  DeskReportManager manager
      = { .username = (char *)"ivan", .name = (char *)"=cmd(\"x\")", .replies = 2, .chats = 1 };
  DeskReport report = { .edges = edges, .n_spans = 1 };
  g_autoptr (GBytes) bytes = NULL;
  g_auto (GStrv) lines = NULL;
  const char *text;

  report.platforms = g_ptr_array_new ();
  report.managers = g_ptr_array_new ();
  g_ptr_array_add (report.platforms, &platform);
  g_ptr_array_add (report.managers, &manager);
  manager.first_replies = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_array_append_vals (manager.first_replies, waits, 2);
  bytes = desk_report_table_new (&report);
  text = g_bytes_get_data (bytes, NULL);
  lines = g_strsplit (text, "\r\n", -1);
  g_assert_true (g_str_has_suffix (lines[1], ",\"telegram\",3,2,1"));
  g_assert_cmpstr (lines[4], ==, "\"ivan\",\"'=cmd(\"\"x\"\")\",2,1,2,60");
  g_array_unref (manager.first_replies);
  g_ptr_array_unref (report.platforms);
  g_ptr_array_unref (report.managers);
}

int
main (int argc, char *argv[])
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/app/text/markup", test_markup);
  g_test_add_func ("/app/text/markup-random", test_markup_random);
  g_test_add_func ("/app/text/hits", test_hits);
  g_test_add_func ("/app/text/emoji", test_emoji);
  g_test_add_func ("/app/text/times", test_times);
  g_test_add_func ("/app/composer/count", test_count);
  g_test_add_func ("/app/filter/query", test_query);
  g_test_add_func ("/app/report/table", test_report_table);
  return g_test_run ();
}
