/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* What plain CRM backends say, in both forms of answer and with all their freedoms. */

#include <string.h>

#include "wire-samples.h"

#define CHAT                                                                                       \
  "{\"platform\":\"telegram\",\"user_id\":\"42\",\"user_name\":\"Olena\","                         \
  "\"last_message\":\"hi\",\"last_time\":\"2026-11-20T12:28:00.123456789+02:00\",\"unread\":2}"
#define MESSAGE                                                                                    \
  "{\"id\":\"m1\",\"platform\":\"telegram\",\"user_id\":\"42\",\"direction\":\"incoming\","        \
  "\"sender\":\"user\",\"text\":\"hi\",\"created_at\":\"2026-11-20T10:28:00Z\"}"

static JsonNode *
answer (const char *body)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = desk_wire_read_answer (body, strlen (body), NULL, &error);
  g_assert_no_error (error);
  return node;
}

static void
check_chats (const char *body)
{
  g_autoptr (JsonNode) node = answer (body);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) chats = desk_wire_read_chats (node, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (chats->len, ==, 1);
  const DeskChat *chat = g_ptr_array_index (chats, 0);
  g_assert_false (chat->is_level2);
  g_assert_false (chat->has_personal);
  g_assert_true (chat->has_unread);
  g_assert_cmpint (chat->unread, ==, 2);
  g_assert_cmpint (chat->last_time_ms, ==, G_GINT64_CONSTANT (1795170480123));
  g_assert_null (chat->stream_id);
  g_assert_cmpstr (chat->metadata, ==, "{}");
}

static void
test_both_forms (void)
{
  check_chats ("[" CHAT "]");
  check_chats ("{\"data\":[" CHAT "],\"success\":true,\"status_message\":\"ok\","
               "\"timestamp\":\"2026-11-20T10:00:00Z\"}");
  check_chats ("{\"data\":[" CHAT "],\"status_message\":\"ok\"}");
  check_chats (" {\"success\":true,\"data\":[" CHAT "],\"next\":\"p2\"}\n");
}

static void
test_next (void)
{
  const char *with = "{\"success\":true,\"data\":[],\"next\":\"p2\"}", *without = "[]";
  g_autofree char *next = NULL;
  g_autoptr (JsonNode) a = desk_wire_read_answer (with, strlen (with), &next, NULL);
  g_assert_cmpstr (next, ==, "p2");
  g_clear_pointer (&next, g_free);
  g_autoptr (JsonNode) b = desk_wire_read_answer (without, strlen (without), &next, NULL);
  g_assert_nonnull (a);
  g_assert_nonnull (b);
  g_assert_null (next);
}

static DeskMessage *
read_message (const char *text)
{
  g_autoptr (JsonNode) node = parse_or_die (text);
  g_autoptr (GError) error = NULL;
  DeskMessage *message = desk_wire_read_message (node, &error);
  g_assert_no_error (error);
  return message;
}

static void
test_message (void)
{
  g_autoptr (DeskMessage) message = read_message (MESSAGE);
  g_assert_false (message->is_level2);
  g_assert_cmpstr (message->id, ==, "m1");
  g_assert_null (message->chat_id);
  g_assert_cmpint (message->created_at_ms, ==, G_GINT64_CONSTANT (1795170480000));
  g_assert_cmpuint (message->attachments->len, ==, 0);
  g_assert_cmpint (message->status, ==, DESK_STATUS_NONE);
  g_assert_cmpint (message->kind, ==, DESK_KIND_TEXT);
}

#define REST                                                                                       \
  "\"platform\":\"telegram\",\"user_id\":\"42\",\"direction\":\"incoming\",\"sender\":\"user\","   \
  "\"text\":\"hi\",\"created_at\":\"2026-11-20T10:28:00Z\"}"

static void
test_ids (void)
{
  static const char *const none[] = {
    "{" REST,
    "{\"id\":null," REST,
    "{\"id\":\"\"," REST,
    "{\"id\":\"0\"," REST,
    "{\"id\":\"000000000000000000000000\"," REST,
    "{\"id\":\"00000000-0000-0000-0000-000000000000\"," REST,
    "{\"_id\":\"m1\"," REST,
  };
  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    {
      g_autoptr (DeskMessage) message = read_message (none[i]);
      g_assert_null (message->id);
    }
  g_autoptr (DeskMessage) message = read_message ("{\"id\":\"0010\"," REST);
  g_assert_cmpstr (message->id, ==, "0010");
}

/* A plain backend may use level 2's names for something else. */
static void
test_foreign_members (void)
{
  g_autoptr (DeskMessage) message
      = read_message ("{\"id\":\"m1\",\"status\":7,\"kind\":[],\"error\":\"x\",\"rev\":-1," REST);
  g_assert_cmpint (message->status, ==, DESK_STATUS_NONE);
  g_autoptr (JsonNode) node = parse_or_die ("{\"platform\":\"a\",\"user_id\":\"b\",\"type\":1,"
                                            "\"metadata\":\"x\",\"labels\":{},\"read_in_seq\":{}}");
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChat) chat = desk_wire_read_chat (node, &error);
  g_assert_no_error (error);
  g_assert_false (chat->has_unread);
  g_assert_false (chat->has_personal);
}

static void
test_attachments (void)
{
  g_autoptr (DeskMessage) message = read_message (
      "{\"attachments\":[{\"fileId\":\"f\",\"filename\":\"a.jpg\",\"mimeType\":\"image/jpeg\","
      "\"size\":10,\"url\":\"/crm/files/f?expires=1&sig=a\"},{}]," REST);
  g_assert_cmpuint (message->attachments->len, ==, 2);
  const DeskAttachment *file = g_ptr_array_index (message->attachments, 0);
  g_assert_cmpint (file->size, ==, 10);
  g_assert_null (file->state);
  file = g_ptr_array_index (message->attachments, 1);
  g_assert_cmpint (file->size, ==, -1);
  g_assert_cmpstr (file->file_id, ==, "");
  g_autoptr (DeskMessage) none = read_message ("{\"attachments\":null," REST);
  g_assert_cmpuint (none->attachments->len, ==, 0);
}

static void
test_times (void)
{
  static const struct
  {
    const char *text;
    gint64 ms;
  } table[] = {
    { "\"2026-11-20T10:28:00.1Z\"", 1795170480100 },
    { "\"2026-11-20T10:28:00.123456789Z\"", 1795170480123 },
    { "\"2026-11-20T15:58:00+05:30\"", 1795170480000 },
    { "\"0001-01-01T00:00:00Z\"", 0 },
    { "\"\"", 0 },
    { "null", 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *text
          = g_strdup_printf ("{\"platform\":\"a\",\"user_id\":\"b\",\"last_time\":%s}",
                             table[i].text);
      g_autoptr (JsonNode) node = parse_or_die (text);
      g_autoptr (GError) error = NULL;
      g_autoptr (DeskChat) chat = desk_wire_read_chat (node, &error);
      g_assert_no_error (error);
      g_assert_cmpint (chat->last_time_ms, ==, table[i].ms);
    }
}

static void
test_unread_forms (void)
{
  static const struct
  {
    const char *text;
    gboolean has;
    gint64 want;
  } table[] = {
    { "0", TRUE, 0 },     { "7", TRUE, 7 },     { "true", TRUE, 1 },
    { "false", TRUE, 0 }, { "null", FALSE, 0 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autofree char *text
          = g_strdup_printf ("{\"platform\":\"a\",\"user_id\":\"b\",\"unread\":%s}", table[i].text);
      g_autoptr (JsonNode) node = parse_or_die (text);
      g_autoptr (DeskChat) chat = desk_wire_read_chat (node, NULL);
      g_assert_cmpint (chat->has_unread, ==, table[i].has);
      g_assert_cmpint (chat->unread, ==, table[i].want);
    }
}

static void
test_lists (void)
{
  g_autoptr (JsonNode) some = answer ("[" MESSAGE ",{\"id\":1},null," MESSAGE "]");
  g_autoptr (JsonNode) none = answer ("[]");
  g_autoptr (JsonNode) null = answer ("{\"success\":true,\"data\":null}");
  g_autoptr (JsonNode) bad = answer ("[{},7]");
  g_autoptr (JsonNode) object = answer ("{\"a\":1}");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = desk_wire_read_messages (some, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (list->len, ==, 2);
  g_autoptr (GPtrArray) empty = desk_wire_read_messages (none, &error);
  g_assert_cmpuint (empty->len, ==, 0);
  g_autoptr (GPtrArray) nothing = desk_wire_read_messages (null, &error);
  g_assert_cmpuint (nothing->len, ==, 0);
  g_assert_null (desk_wire_read_messages (bad, &error));
  g_assert_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_MISSING);
  g_clear_error (&error);
  g_assert_null (desk_wire_read_chats (object, &error));
  g_assert_error (error, DESK_JSON_ERROR, DESK_JSON_ERROR_TYPE);
}

static void
test_send_answers (void)
{
  static const char *const plain[] = {
    "",
    "{\"ok\":true}",
    "{\"data\":\"message sent\",\"success\":true,\"status_message\":\"x\",\"timestamp\":\"y\"}",
    "{\"success\":true,\"status_message\":\"message sent\"}",
    "\"message sent\"",
    "{\"message\":\"message sent\"}",
    "null",
  };
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (plain); i++)
    {
      DeskMessage *message = (gpointer) "untouched";
      gboolean duplicate = TRUE;
      g_autoptr (JsonNode) node = answer (plain[i]);
      g_assert_true (desk_wire_read_send_answer (node, &message, &duplicate, &error));
      g_assert_null (message);
      g_assert_false (duplicate);
    }
  g_autoptr (JsonNode) refused = answer ("{\"ok\":false}");
  DeskMessage *message = NULL;
  g_assert_false (desk_wire_read_send_answer (refused, &message, NULL, &error));
  g_assert_error (error, DESK_WIRE_ERROR, DESK_WIRE_ERROR_REFUSED);
}

static void
test_refused_answer (void)
{
  const char *body = "{\"success\":false,\"status_message\":\"no\"}";
  g_autoptr (GError) error = NULL;
  g_assert_null (desk_wire_read_answer (body, strlen (body), NULL, &error));
  g_assert_error (error, DESK_WIRE_ERROR, DESK_WIRE_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "no"));
}

static void
test_events (void)
{
  static const char hint[]
      = "{\"type\":\"new_message\",\"data\":{\"id\":\"000000000000000000000000\"," REST "}";
  static const char typing[]
      = "{\"type\":\"typing\",\"data\":{\"platform\":\"telegram\",\"user_id\":\"42\"}}";
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskEvent) event = desk_wire_read_event (hint, strlen (hint), &error);
  g_assert_no_error (error);
  g_assert_cmpint (event->type, ==, DESK_EVENT_NEW_MESSAGE);
  g_assert_false (event->sequenced);
  g_assert_null (event->message->id);
  g_autoptr (DeskEvent) other = desk_wire_read_event (typing, strlen (typing), &error);
  g_assert_no_error (error);
  g_assert_true (other->by_customer);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/level0/both-forms", test_both_forms);
  g_test_add_func ("/wire/level0/next", test_next);
  g_test_add_func ("/wire/level0/message", test_message);
  g_test_add_func ("/wire/level0/ids", test_ids);
  g_test_add_func ("/wire/level0/foreign-members", test_foreign_members);
  g_test_add_func ("/wire/level0/attachments", test_attachments);
  g_test_add_func ("/wire/level0/times", test_times);
  g_test_add_func ("/wire/level0/unread-forms", test_unread_forms);
  g_test_add_func ("/wire/level0/lists", test_lists);
  g_test_add_func ("/wire/level0/send-answers", test_send_answers);
  g_test_add_func ("/wire/level0/refused-answer", test_refused_answer);
  g_test_add_func ("/wire/level0/events", test_events);
  return g_test_run ();
}
