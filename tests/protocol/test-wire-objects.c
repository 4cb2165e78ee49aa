/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* Chats, messages and events to JSON and back. The texts are spelled out, so that a name that
 * changes on both sides at once is seen. */

#include <string.h>

#include "wire-samples.h"

static const char message_full[]
    = "{\"id\":\"m-7\",\"platform\":\"telegram\",\"user_id\":\"42\",\"chat_id\":\"c-1\","
      "\"direction\":\"outgoing\",\"sender\":\"manager\","
      "\"text\":\"Так, \xf0\x9f\x91\x8d\\n\\\"2\\\" left\","
      "\"created_at\":\"2026-11-20T11:33:00.120Z\",\"attachments\":[{\"fileId\":\"file-1\","
      "\"filename\":\"coat \\\"red\\\".jpg\",\"mimeType\":\"image/jpeg\",\"size\":48211,"
      "\"url\":\"/crm/files/file-1?expires=1&sig=5c1f\",\"width\":800,\"height\":600,"
      "\"duration_ms\":1500,\"sha256\":"
      "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
      "\"state\":\"ready\",\"external_id\":\"AgAC\"},"
      "{\"fileId\":\"file-2\",\"filename\":\"\",\"mimeType\":\"\",\"size\":null,\"url\":null,"
      "\"width\":null,\"height\":null,\"duration_ms\":null,\"sha256\":null,\"state\":\"ready\","
      "\"external_id\":null}],\"user_name\":\"Olena\",\"messenger_name\":\"olenak\","
      "\"chat_seq\":7,\"in_seq\":4,\"client_message_id\":\"key-1\",\"sender_id\":\"ivan\","
      "\"sender_name\":\"Ivan\",\"kind\":\"image\",\"private\":true,"
      "\"reply_to\":{\"id\":\"m-6\",\"chat_seq\":6,\"sender\":\"Olena\",\"text\":\"Any left?\"},"
      "\"reactions\":[{\"emoji\":\"\xf0\x9f\x91\x8d\",\"by\":\"42\"},"
      "{\"emoji\":\"!\",\"by\":\"ivan\"}],\"status\":\"failed\","
      "\"status_history\":[{\"status\":\"queued\",\"at\":\"2026-11-20T11:33:00.130Z\","
      "\"code\":null,\"message\":null},{\"status\":\"failed\","
      "\"at\":\"2026-11-20T11:33:00.140Z\",\"code\":\"403\",\"message\":\"blocked\"}],"
      "\"error\":{\"code\":\"BLOCKED\",\"message\":\"The customer has blocked the bot\","
      "\"retryable\":true},\"external_id\":\"1187\",\"source\":\"api\","
      "\"edited_at\":\"2026-11-20T11:33:00.150Z\",\"deleted_at\":\"2026-11-20T11:33:00.160Z\","
      "\"rev\":9,\"template\":{\"name\":\"order_update\",\"language\":\"uk\","
      "\"variables\":[\"4711\",\"Friday\"]},\"change\":{\"operation\":\"edit\","
      "\"state\":\"failed\",\"text\":\"Better\",\"by\":\"ivan\","
      "\"at\":\"2026-11-20T11:33:00.170Z\",\"code\":\"400\",\"message\":\"Too old\"}}";

static const char message_bare[]
    = "{\"id\":\"m-1\",\"platform\":\"demo\",\"user_id\":\"u/1\",\"chat_id\":null,"
      "\"direction\":\"incoming\",\"sender\":\"user\",\"text\":\"\","
      "\"created_at\":\"2026-11-20T11:33:00.000Z\",\"attachments\":[],\"chat_seq\":1,"
      "\"in_seq\":null,\"client_message_id\":null,\"sender_id\":null,\"sender_name\":null,"
      "\"kind\":\"text\",\"private\":false,\"reply_to\":null,\"reactions\":[],\"status\":null,"
      "\"status_history\":[],\"error\":null,\"external_id\":null,\"source\":null,"
      "\"edited_at\":null,\"deleted_at\":null,\"rev\":0}";

static const char chat_full[]
    = "{\"platform\":\"telegram\",\"user_id\":\"42\",\"user_name\":\"Olena K.\","
      "\"messenger_name\":\"olenak\",\"last_message\":\"how do I pay?\","
      "\"last_time\":\"2026-11-20T11:33:00.000Z\",\"unread\":3,\"type\":\"business\","
      "\"partner\":{\"name\":\"chotot\",\"room_id\":\"room-9\"},"
      "\"metadata\":{\"item_price\":12.5,\"item_name\":\"Coat\",\"tags\":[1,null]},"
      "\"stream_id\":\"87634a8509d40034\",\"state\":\"snoozed\","
      "\"snoozed_until\":\"2026-11-20T11:33:00.001Z\",\"assignee\":\"ivan\","
      "\"labels\":[\"vip\",\"late\"],\"connection\":\"shop-bot\",\"first_chat_seq\":2,"
      "\"last_chat_seq\":17,\"last_in_seq\":11,\"read_chat_seq\":13,\"read_in_seq\":8,"
      "\"marked_unread\":true,\"muted\":true,\"waiting_since\":\"2026-11-20T11:33:00.002Z\","
      "\"window_expires_at\":\"2026-11-20T11:33:00.003Z\",\"rev\":12}";

static const char chat_bare[]
    = "{\"platform\":\"demo\",\"user_id\":\"u/1\",\"user_name\":\"\",\"messenger_name\":null,"
      "\"last_message\":\"\",\"last_time\":null,\"type\":\"direct\",\"partner\":null,"
      "\"metadata\":{},\"stream_id\":\"6e013c68d06ec665\",\"state\":\"open\",\"snoozed_until\":"
      "null,"
      "\"assignee\":null,\"labels\":[],\"connection\":null,\"first_chat_seq\":0,"
      "\"last_chat_seq\":0,\"last_in_seq\":0,\"waiting_since\":null,\"window_expires_at\":null,"
      "\"rev\":0}";

/* Written as spelled; a copy writes the same; read back it writes the same. */
static void
check_message (DeskMessage *made, const char *want)
{
  g_autoptr (DeskMessage) message = made;
  g_autoptr (DeskMessage) copy = desk_message_copy (message);
  g_autofree char *text = text_of_message (message);
  g_autofree char *of_copy = text_of_message (copy);
  g_autoptr (GError) error = NULL;
  g_assert_cmpstr (text, ==, want);
  g_assert_cmpstr (of_copy, ==, want);
  g_autoptr (JsonNode) node = parse_or_die (text);
  g_autoptr (DeskMessage) back = desk_wire_read_message (node, &error);
  g_assert_no_error (error);
  g_assert_true (back->is_level2);
  g_autofree char *again = text_of_message (back);
  g_assert_cmpstr (again, ==, want);
}

static void
test_messages (void)
{
  check_message (sample_message_full (), message_full);
  check_message (sample_message_bare (), message_bare);
}

static void
check_chat (DeskChat *made, const char *want)
{
  g_autoptr (DeskChat) chat = made;
  g_autoptr (DeskChat) copy = desk_chat_copy (chat);
  g_autofree char *text = text_of_chat (chat);
  g_autofree char *of_copy = text_of_chat (copy);
  g_autoptr (GError) error = NULL;
  g_assert_cmpstr (text, ==, want);
  g_assert_cmpstr (of_copy, ==, want);
  g_autoptr (JsonNode) node = parse_or_die (text);
  g_autoptr (DeskChat) back = desk_wire_read_chat (node, &error);
  g_assert_no_error (error);
  g_assert_true (back->is_level2);
  g_assert_cmpint (back->has_personal, ==, chat->has_personal);
  g_assert_cmpint (back->has_unread, ==, chat->has_unread);
  g_assert_cmpint (back->unread, ==, chat->unread);
  g_autofree char *again = text_of_chat (back);
  g_assert_cmpstr (again, ==, want);
}

static void
test_chats (void)
{
  check_chat (sample_chat_full (), chat_full);
  check_chat (sample_chat_bare (), chat_bare);
}

/* The server's arithmetic decides what is written, whatever the struct holds. */
static void
test_chat_unread (void)
{
  g_autoptr (DeskChat) chat = sample_chat_full ();
  chat->unread = 99;
  chat->personal.read_in_seq = 11;
  g_autofree char *text = text_of_chat (chat);
  g_assert_nonnull (strstr (text, "\"unread\":1,"));
  chat->has_personal = FALSE;
  g_autofree char *shared = text_of_chat (chat);
  g_assert_null (strstr (shared, "unread"));
  g_assert_null (strstr (shared, "muted"));
  g_assert_null (strstr (shared, "read_"));
}

/* A chat without stream_id or metadata is still written whole. */
static void
test_chat_made_up (void)
{
  g_autoptr (DeskChat) chat = sample_chat_bare ();
  g_clear_pointer (&chat->stream_id, g_free);
  g_clear_pointer (&chat->metadata, g_free);
  g_autofree char *text = text_of_chat (chat);
  g_assert_cmpstr (text, ==, chat_bare);
}

static const char *const event_texts[] = {
  [DESK_EVENT_CHAT_TRIMMED]
  = "{\"type\":\"chat_trimmed\",\"p\":3,\"seq\":8412,"
    "\"data\":{\"platform\":\"telegram\",\"user_id\":\"42\",\"first_chat_seq\":5}}",
  [DESK_EVENT_CHAT_ERASED] = "{\"type\":\"chat_erased\",\"p\":3,\"seq\":8412,"
                             "\"data\":{\"platform\":\"telegram\",\"user_id\":\"42\"}}",
  [DESK_EVENT_READ] = "{\"type\":\"read\",\"p\":3,\"seq\":8412,\"data\":{\"username\":\"ivan\","
                      "\"platform\":\"telegram\",\"user_id\":\"42\",\"up_to_chat_seq\":17,"
                      "\"up_to_in_seq\":11,\"marked_unread\":true}}",
  [DESK_EVENT_CHAT_MUTED]
  = "{\"type\":\"chat_muted\",\"p\":3,\"seq\":8412,\"data\":{\"username\":\"ivan\","
    "\"platform\":\"telegram\",\"user_id\":\"42\",\"muted\":true}}",
  [DESK_EVENT_PROFILE_UPDATED]
  = "{\"type\":\"profile_updated\",\"p\":3,\"seq\":8412,\"data\":{"
    "\"platform\":\"telegram\",\"user_id\":\"42\",\"name\":\"Olena K.\","
    "\"handle\":\"olenak\",\"phone\":\"+380441234567\",\"language\":\"uk\","
    "\"avatar\":\"https://example.org/a.jpg\",\"attributes\":{\"size\":\"M\"},"
    "\"note\":\"Prefers mornings\",\"products\":[{\"id\":7,\"title\":\"Coat\"}],"
    "\"updated_at\":\"2026-11-20T11:33:00.000Z\",\"rev\":3}}",
  [DESK_EVENT_CANNED_UPDATED] = "{\"type\":\"canned_updated\",\"p\":3,\"seq\":8412,"
                                "\"data\":{\"id\":\"c1\",\"canned\":null}}",
  [DESK_EVENT_HIDDEN] = "{\"type\":\"hidden\",\"p\":3,\"seq\":8412}",
  [DESK_EVENT_UNKNOWN] = "{\"type\":\"unknown\",\"p\":3,\"seq\":8412}",
  [DESK_EVENT_HELLO] = "{\"type\":\"hello\",\"data\":{\"epoch\":\"e7\",\"resume\":\"reset\","
                       "\"head\":{\"0\":8412,\"3\":9},"
                       "\"server_time\":\"2026-11-20T11:33:00.000Z\",\"heartbeat_s\":25}}",
  [DESK_EVENT_TYPING]
  = "{\"type\":\"typing\",\"data\":{\"platform\":\"telegram\",\"user_id\":\"42\","
    "\"who\":\"manager\",\"username\":\"ivan\"}}",
  [DESK_EVENT_PRESENCE]
  = "{\"type\":\"presence\",\"data\":{\"username\":\"ivan\",\"status\":\"online\","
    "\"viewing\":{\"platform\":\"telegram\",\"user_id\":\"42\"}}}",
  [DESK_EVENT_HEAD] = "{\"type\":\"head\",\"data\":{\"0\":8412,\"3\":9}}",
  [DESK_EVENT_READ_RECEIPT]
  = "{\"type\":\"read_receipt\",\"data\":{\"username\":\"ivan\",\"platform\":\"telegram\","
    "\"user_id\":\"42\"}}",
  [DESK_EVENT_READ_RECEIPT + 1]
  = "{\"type\":\"typing\",\"data\":{\"platform\":\"telegram\",\"user_id\":\"42\","
    "\"who\":\"customer\"}}",
  [DESK_EVENT_READ_RECEIPT + 2]
  = "{\"type\":\"presence\",\"data\":{\"username\":\"ivan\",\"status\":\"online\","
    "\"viewing\":null}}",
};

static void
check_event (guint n)
{
  g_autoptr (DeskEvent) event = sample_event (n);
  g_autoptr (DeskEvent) copy = desk_event_copy (event);
  g_autofree char *text = text_of_event (event);
  g_autofree char *of_copy = text_of_event (copy);
  g_autoptr (GError) error = NULL;
  g_assert_cmpstr (of_copy, ==, text);
  if (n < G_N_ELEMENTS (event_texts) && event_texts[n] != NULL)
    g_assert_cmpstr (text, ==, event_texts[n]);
  g_autoptr (DeskEvent) back = desk_wire_read_event (text, strlen (text), &error);
  g_assert_no_error (error);
  g_assert_cmpint (back->type, ==, event->type);
  g_assert_cmpint (back->sequenced, ==, event->sequenced);
  g_assert_cmpuint (back->partition, ==, event->partition);
  g_assert_cmpint (back->seq, ==, event->seq);
  g_assert_cmpint (back->by_customer, ==, event->by_customer);
  g_autofree char *again = text_of_event (back);
  g_assert_cmpstr (again, ==, text);
}

static void
test_events (void)
{
  for (guint n = 0; n < sample_n_events (); n++)
    check_event (n);
}

static void
test_events_embed (void)
{
  g_autoptr (DeskEvent) message = sample_event (DESK_EVENT_NEW_MESSAGE);
  g_autofree char *text = text_of_event (message);
  g_autofree char *want
      = g_strconcat ("{\"type\":\"new_message\",\"p\":3,\"seq\":8412,\"data\":", message_full, "}",
                     NULL);
  g_assert_cmpstr (text, ==, want);
}

/* Level 0 gets new messages but notes, the customer's typing and receipts, all without p and seq.
 */
static void
test_events_level0 (void)
{
  for (guint n = 0; n < sample_n_events (); n++)
    {
      g_autoptr (DeskEvent) event = sample_event (n);
      g_autoptr (GString) text = g_string_new (NULL);
      DeskJsonWriter w;
      gboolean want = event->type == DESK_EVENT_READ_RECEIPT
                      || (event->type == DESK_EVENT_TYPING && event->by_customer);
      desk_json_writer_init (&w, text);
      g_assert_cmpint (desk_wire_write_event_level0 (&w, event), ==, want);
      if (!want)
        g_assert_cmpstr (text->str, ==, "");
    }
  g_autoptr (DeskEvent) event = sample_event (DESK_EVENT_NEW_MESSAGE);
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter w;
  event->message->is_private = FALSE;
  desk_json_writer_init (&w, text);
  g_assert_true (desk_wire_write_event_level0 (&w, event));
  g_assert_true (g_str_has_prefix (text->str, "{\"type\":\"new_message\",\"data\":{\"id\":"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/messages", test_messages);
  g_test_add_func ("/wire/chats", test_chats);
  g_test_add_func ("/wire/chat-unread", test_chat_unread);
  g_test_add_func ("/wire/chat-made-up", test_chat_made_up);
  g_test_add_func ("/wire/events", test_events);
  g_test_add_func ("/wire/events-embed", test_events_embed);
  g_test_add_func ("/wire/events-level0", test_events_level0);
  return g_test_run ();
}
