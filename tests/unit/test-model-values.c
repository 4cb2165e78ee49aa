/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* The rules of the model: message order, the ladder of statuses, unread, keys and stream ids. */

#include <string.h>

#include "model/desk-chat.h"
#include "model/desk-event.h"
#include "model/desk-manager.h"
#include "model/desk-message.h"
#include "model/desk-platform.h"

/* Row: from; column: to; in the order of the enum. */
static void
test_status_ladder (void)
{
  static const char *const table[] = {
    /*               none queued unknown sent delivered read failed */
    /* none */ "-xxxxxx",
    /* queued */ "--xxxxx",
    /* unknown */ "---xxxx",
    /* sent */ "----xxx",
    /* delivered */ "-----xx",
    /* read */ "-------",
    /* failed */ "-------",
  };
  for (guint from = 0; from < G_N_ELEMENTS (table); from++)
    for (guint to = 0; to < G_N_ELEMENTS (table); to++)
      if (desk_status_may_follow (from, to) != (table[from][to] == 'x'))
        g_error ("from %u to %u", from, to);
}

#define CHECK_WORDS(Type, name, count, ...)                                                        \
  G_STMT_START                                                                                     \
  {                                                                                                \
    static const char *const words[] = { __VA_ARGS__ };                                            \
    g_assert_cmpuint (G_N_ELEMENTS (words), ==, count);                                            \
    for (guint i = 0; i < G_N_ELEMENTS (words); i++)                                               \
      {                                                                                            \
        Type value = (Type)77;                                                                     \
        g_assert_cmpstr (desk_##name##_to_string ((Type)i), ==, words[i]);                         \
        if (words[i] == NULL)                                                                      \
          continue;                                                                                \
        g_assert_true (desk_##name##_from_string (words[i], &value));                              \
        g_assert_cmpint (value, ==, i);                                                            \
      }                                                                                            \
    Type untouched = (Type)77;                                                                     \
    g_assert_false (desk_##name##_from_string ("nonsense", &untouched));                           \
    g_assert_false (desk_##name##_from_string ("", &untouched));                                   \
    g_assert_false (desk_##name##_from_string (NULL, &untouched));                                 \
    g_assert_cmpint (untouched, ==, 77);                                                           \
  }                                                                                                \
  G_STMT_END

static void
test_words (void)
{
  CHECK_WORDS (DeskDirection, direction, 2, "incoming", "outgoing");
  CHECK_WORDS (DeskSender, sender, 3, "user", "manager", "bot");
  CHECK_WORDS (DeskKind, kind, 11, "text", "image", "video", "audio", "voice", "file", "sticker",
               "location", "contact", "system", "unsupported");
  CHECK_WORDS (DeskStatus, status, 7, NULL, "queued", "unknown", "sent", "delivered", "read",
               "failed");
  CHECK_WORDS (DeskSource, source, 6, NULL, "webhook", "poll", "api", "echo", "bot");
  CHECK_WORDS (DeskChatType, chat_type, 3, "direct", "group", "business");
  CHECK_WORDS (DeskChatState, chat_state, 3, "open", "snoozed", "resolved");
  CHECK_WORDS (DeskRole, role, 3, "manager", "admin", "bot");
}

static void
test_event_words (void)
{
  for (guint i = 0; i <= DESK_EVENT_READ_RECEIPT; i++)
    {
      const char *word = desk_event_type_to_string ((DeskEventType)i);
      g_assert_nonnull (word);
      g_assert_cmpint (desk_event_type_from_string (word), ==, i);
    }
  g_assert_cmpint (desk_event_type_from_string ("later"), ==, DESK_EVENT_UNKNOWN);
  g_assert_cmpint (desk_event_type_from_string (NULL), ==, DESK_EVENT_UNKNOWN);
}

/* The places in their order: comparing any two must agree with their positions. */
static void
test_order (void)
{
  static const DeskPlace places[] = {
    { FALSE, G_MININT64 }, { FALSE, -1 },      { FALSE, 0 },          { FALSE, 1 },
    { FALSE, 2 },          { FALSE, 1 << 20 }, { FALSE, G_MAXINT64 }, { TRUE, G_MININT64 },
    { TRUE, 0 },           { TRUE, 1 },        { TRUE, G_MAXINT64 },
  };
  for (gint i = 0; i < (gint)G_N_ELEMENTS (places); i++)
    for (gint j = 0; j < (gint)G_N_ELEMENTS (places); j++)
      {
        int got = desk_place_compare (&places[i], &places[j]);
        g_assert_cmpint ((got > 0) - (got < 0), ==, (i > j) - (i < j));
      }
  DeskPlace odd = { .pending = 2, .order_key = 0 }; /* any true value is true */
  g_assert_cmpint (desk_place_compare (&odd, &places[8]), ==, 0);
}

static void
test_order_key (void)
{
  gint64 ms = G_GINT64_CONSTANT (1795000000000);
  g_assert_cmpint (desk_order_key_level0 (ms, 0), ==, ms * 1024);
  g_assert_cmpint (desk_order_key_level0 (ms, 1023), ==, ms * 1024 + 1023);
  g_assert_cmpint (desk_order_key_level0 (ms, 5000), ==, ms * 1024 + 1023);
  g_assert_cmpint (desk_order_key_level0 (ms, 1023), <, desk_order_key_level0 (ms + 1, 0));
  g_assert_cmpint (desk_order_key_level0 (G_MAXINT64, 0), >, desk_order_key_level0 (ms, 0));
  g_assert_cmpint (desk_order_key_level0 (G_MININT64, 0), <, 0);
}

static void
test_same_level0 (void)
{
  g_autoptr (DeskMessage) a = desk_message_new ("telegram", "42");
  a->created_at_ms = 1000;
  g_autoptr (DeskMessage) b = desk_message_copy (a);
  b->id = g_strdup ("another");
  g_assert_true (desk_message_same_level0 (a, b));
  b->created_at_ms++;
  g_assert_false (desk_message_same_level0 (a, b));
  b->created_at_ms--;
  b->direction = DESK_DIRECTION_OUTGOING;
  g_assert_false (desk_message_same_level0 (a, b));
  b->direction = a->direction;
  b->sender = DESK_SENDER_BOT;
  g_assert_false (desk_message_same_level0 (a, b));
  b->sender = a->sender;
  g_free (b->text);
  b->text = g_strdup ("x");
  g_assert_false (desk_message_same_level0 (a, b));
}

static void
test_unread (void)
{
  static const struct
  {
    gint64 last, read;
    gboolean marked;
    gint64 want;
  } table[] = {
    { 0, 0, FALSE, 0 },
    { 0, 0, TRUE, 1 },
    { 5, 2, FALSE, 3 },
    { 5, 2, TRUE, 3 },
    { 5, 5, TRUE, 1 },
    { 5, 5, FALSE, 0 },
    { 5, 9, FALSE, 0 },
    { 5, 9, TRUE, 1 },
    { -1, 0, FALSE, 0 },
    { 5, -3, FALSE, 5 },
    { G_MAXINT64, G_MININT64, FALSE, G_MAXINT64 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    g_assert_cmpint (desk_chat_unread_count (table[i].last, table[i].read, table[i].marked), ==,
                     table[i].want);
}

static void
test_stream_id (void)
{
  g_autofree char *a = desk_chat_stream_id ("ab", "c");
  g_autofree char *b = desk_chat_stream_id ("a", "bc");
  g_autofree char *again = desk_chat_stream_id ("ab", "c");
  g_assert_cmpstr (a, !=, b);
  g_assert_cmpstr (a, ==, again);
  g_assert_cmpuint (strlen (a), ==, 16);
  g_assert_cmpuint (strspn (a, "0123456789abcdef"), ==, 16);
  /* Written down for ever: stores and partitions depend on it. SHA-256 over the 8-byte big-endian
   * length and the bytes of each part. */
  g_autofree char *known = desk_chat_stream_id ("telegram", "42");
  g_assert_cmpstr (known, ==, "87634a8509d40034");
}

static void
test_key (void)
{
  g_autofree char *platform = NULL, *user_id = NULL;
  g_autofree char *longest = g_strnfill (256, 'x'), *too_long = g_strnfill (257, 'x');
  g_autofree char *fits = g_strconcat (longest, "/", longest, NULL);
  g_autofree char *long_user = g_strconcat ("a/", too_long, NULL);
  g_autofree char *long_platform = g_strconcat (too_long, "/a", NULL);
  const char *bad[] = { NULL, "", "/", "a", "a/", "/b", "//", long_user, long_platform };
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (desk_chat_parse_key (bad[i], &platform, &user_id));
  g_assert_null (platform);
  g_assert_null (user_id);
  g_assert_true (desk_chat_parse_key ("demo/a%2Fb/c", &platform, &user_id));
  g_assert_cmpstr (platform, ==, "demo");
  g_assert_cmpstr (user_id, ==, "a%2Fb/c");
  g_autofree char *again = desk_chat_format_key (platform, user_id);
  g_assert_cmpstr (again, ==, "demo/a%2Fb/c");
  g_clear_pointer (&platform, g_free);
  g_clear_pointer (&user_id, g_free);
  g_assert_true (desk_chat_parse_key (fits, &platform, &user_id));
}

static void
test_key_valid (void)
{
  g_autofree char *longest = g_strnfill (256, 'x'), *too_long = g_strnfill (257, 'x');
  g_assert_true (desk_chat_key_is_valid ("telegram", "-100 42/é😀"));
  g_assert_true (desk_chat_key_is_valid (longest, longest));
  g_assert_false (desk_chat_key_is_valid ("a/b", "42"));
  g_assert_false (desk_chat_key_is_valid ("", "42"));
  g_assert_false (desk_chat_key_is_valid ("a", ""));
  g_assert_false (desk_chat_key_is_valid (NULL, "42"));
  g_assert_false (desk_chat_key_is_valid ("a", NULL));
  g_assert_false (desk_chat_key_is_valid (too_long, "42"));
  g_assert_false (desk_chat_key_is_valid ("a", too_long));
  g_assert_false (desk_chat_key_is_valid ("a", "4\n2"));
  g_assert_false (desk_chat_key_is_valid ("a", "4\xc2\x85"));
  g_assert_false (desk_chat_key_is_valid ("a\x7f", "42"));
  g_assert_false (desk_chat_key_is_valid ("a", "\xff"));
}

static void
test_username (void)
{
  g_autofree char *longest = g_strnfill (64, 'a'), *too_long = g_strnfill (65, 'a');
  g_assert_true (desk_username_is_valid ("ivan"));
  g_assert_true (desk_username_is_valid ("Ivan.Petrov-1_2@shop.example"));
  g_assert_true (desk_username_is_valid (longest));
  g_assert_false (desk_username_is_valid (too_long));
  g_assert_false (desk_username_is_valid (""));
  g_assert_false (desk_username_is_valid (NULL));
  g_assert_false (desk_username_is_valid ("a b"));
  g_assert_false (desk_username_is_valid ("a/b"));
  g_assert_false (desk_username_is_valid ("é"));
}

static void
test_platform (void)
{
  g_autoptr (DeskPlatform) platform = desk_platform_new ("telegram", NULL);
  g_assert_cmpstr (platform->title, ==, "telegram");
  g_assert_cmpuint (platform->text_limit, >, 0);
  g_assert_false (desk_platform_reports_status (platform, "sent"));
  g_strfreev (platform->statuses);
  platform->statuses = g_strsplit ("sent,read", ",", 0);
  g_autoptr (DeskPlatform) copy = desk_platform_copy (platform);
  g_assert_true (desk_platform_reports_status (copy, "read"));
  g_assert_false (desk_platform_reports_status (copy, "delivered"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/status-ladder", test_status_ladder);
  g_test_add_func ("/model/words", test_words);
  g_test_add_func ("/model/event-words", test_event_words);
  g_test_add_func ("/model/order", test_order);
  g_test_add_func ("/model/order-key", test_order_key);
  g_test_add_func ("/model/same-level0", test_same_level0);
  g_test_add_func ("/model/unread", test_unread);
  g_test_add_func ("/model/stream-id", test_stream_id);
  g_test_add_func ("/model/key", test_key);
  g_test_add_func ("/model/key-valid", test_key_valid);
  g_test_add_func ("/model/username", test_username);
  g_test_add_func ("/model/platform", test_platform);
  return g_test_run ();
}
