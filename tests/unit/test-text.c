/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* Text: broken encodings, lengths in the units of platforms, one-line previews. */

#include "common/desk-text.h"

#include <string.h>

#define FFFD "\xef\xbf\xbd"
#define SMILE "\xf0\x9f\x98\x80"

static void
assert_sanitized (const char *text, gssize len, const char *expected)
{
  g_autofree char *result = desk_text_sanitize_utf8 (text, len);

  g_assert_true (g_utf8_validate (result, -1, NULL));
  g_assert_cmpstr (result, ==, expected);
}

static void
test_sanitize (void)
{
  assert_sanitized (NULL, -1, "");
  assert_sanitized (NULL, 0, "");
  assert_sanitized ("\xff\xfe", -1, FFFD FFFD);
  assert_sanitized ("a\xc3", -1, "a" FFFD);
  assert_sanitized ("\xed\xa0\x80", -1, FFFD FFFD FFFD);
  assert_sanitized ("\xc0\xafx", -1, FFFD FFFD "x");
  assert_sanitized ("a\0b", 3, "a" FFFD "b");
  assert_sanitized ("abcdef", 3, "abc");
  assert_sanitized (SMILE, 3, FFFD FFFD FFFD);
  assert_sanitized ("caf\xc3\xa9 " SMILE "\n", -1, "caf\xc3\xa9 " SMILE "\n");
}

static void
test_length (void)
{
  static const char text[] = "a\xc3\xa9\xe2\x82\xac" SMILE;

  for (int unit = DESK_TEXT_CHARS; unit <= DESK_TEXT_BYTES; unit++)
    {
      g_assert_cmpuint (desk_text_length (NULL, unit), ==, 0);
      g_assert_cmpuint (desk_text_length ("", unit), ==, 0);
      g_assert_cmpuint (desk_text_length ("abc", unit), ==, 3);
    }
  g_assert_cmpuint (desk_text_length (text, DESK_TEXT_CHARS), ==, 4);
  g_assert_cmpuint (desk_text_length (text, DESK_TEXT_UTF16), ==, 5);
  g_assert_cmpuint (desk_text_length (text, DESK_TEXT_BYTES), ==, 10);
}

static void
assert_preview (const char *text, gsize max_chars, const char *expected)
{
  g_autofree char *result = desk_text_preview (text, max_chars);

  g_assert_cmpstr (result, ==, expected);
  g_assert_cmpint (g_utf8_strlen (result, -1), <=, max_chars);
}

static void
test_preview (void)
{
  assert_preview (NULL, 10, "");
  assert_preview ("", 10, "");
  assert_preview (" \n\t ", 10, "");
  assert_preview ("\n\n  Hello \r\n\t world\x01\x02!  \n", 40, "Hello world !");
  assert_preview ("a\xe2\x80\xa8" "b\xc2\x85" "c", 40, "a b c");
  assert_preview ("abcdef", 6, "abcdef");
  assert_preview ("abcdef  \n", 6, "abcdef");
  assert_preview ("abcdefg", 6, "abcde\xe2\x80\xa6");
  assert_preview ("abcdefg", 1, "\xe2\x80\xa6");
  assert_preview ("a", 1, "a");
  assert_preview ("abcd efgh", 6, "abcd\xe2\x80\xa6");
  assert_preview (SMILE SMILE SMILE, 2, SMILE "\xe2\x80\xa6");
  /* e + combining acute would be torn apart; so would a family of two by its joiner */
  assert_preview ("abe\xcc\x81zzz", 4, "ab\xe2\x80\xa6");
  assert_preview ("a" SMILE "\xe2\x80\x8d" SMILE "zz", 4, "a\xe2\x80\xa6");
  assert_preview ("a" SMILE "\xe2\x80\x8d" SMILE "zz", 3, "a\xe2\x80\xa6");
}

/* Megabytes of space or text cost no megabytes of preview. */
static void
test_preview_long (void)
{
  g_autofree char *text = g_strnfill (4 * 1024 * 1024, 'x');
  g_autofree char *result = NULL;

  memset (text, ' ', 1024 * 1024);
  result = desk_text_preview (text, 80);
  g_assert_cmpint (g_utf8_strlen (result, -1), ==, 80);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/sanitize", test_sanitize);
  g_test_add_func ("/text/length", test_length);
  g_test_add_func ("/text/preview", test_preview);
  g_test_add_func ("/text/preview-long", test_preview_long);
  return g_test_run ();
}
