/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

/* The targets. The property of every object: what was read and written is read again without an
 * error and written as the same bytes. */

#include "fuzz-protocol.h"

#include <string.h>

#include "protocol/desk-wire.h"

typedef gpointer (*ReadFunc) (JsonNode *node, GError **error);
typedef void (*WriteFunc) (DeskJsonWriter *w, gconstpointer value);

static GString *
written (WriteFunc write, gconstpointer value)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  write (&w, value);
  return text;
}

static void
check_stable (gconstpointer value, ReadFunc read, WriteFunc write, GDestroyNotify free_value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) first = written (write, value);
  g_autoptr (JsonNode) node = desk_json_parse (first->str, first->len, G_MAXINT32, &error);
  if (node == NULL)
    g_error ("written, but no JSON: %s: %s", error->message, first->str);
  gpointer again = read (node, &error);
  if (again == NULL)
    g_error ("written, but not readable: %s: %s", error->message, first->str);
  g_autoptr (GString) second = written (write, again);
  if (!g_string_equal (first, second))
    g_error ("changed on the way: %s became %s", first->str, second->str);
  free_value (again);
}

static void
check_error (gboolean ok, GError *error)
{
  if (ok == (error != NULL))
    g_error ("a result and an error, or neither");
}

int
desk_fuzz_event (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskEvent) event = desk_wire_read_event ((const char *)data, size, &error);
  check_error (event != NULL, error);
  if (event == NULL)
    return 0;
  check_stable (event, (ReadFunc)desk_wire_read_event_node, (WriteFunc)desk_wire_write_event,
                (GDestroyNotify)desk_event_free);
  g_autoptr (DeskEvent) copy = desk_event_copy (event);
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  if (desk_wire_write_event_level0 (&w, copy))
    {
      g_autoptr (DeskEvent) back = desk_wire_read_event (text->str, text->len, NULL);
      if (back != NULL && back->message != NULL && back->message->is_private)
        g_error ("a note for level 0");
    }
  return 0;
}

static void
check_list (GPtrArray *list, ReadFunc read, WriteFunc write, GDestroyNotify free_value)
{
  for (guint i = 0; list != NULL && i < list->len; i++)
    check_stable (g_ptr_array_index (list, i), read, write, free_value);
}

static void
fuzz_chats (JsonNode *node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) chats = desk_wire_read_chats (node, &error);
  check_error (chats != NULL, error);
  check_list (chats, (ReadFunc)desk_wire_read_chat, (WriteFunc)desk_wire_write_chat,
              (GDestroyNotify)desk_chat_free);
}

static void
fuzz_messages (JsonNode *node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) messages = desk_wire_read_messages (node, &error);
  check_error (messages != NULL, error);
  check_list (messages, (ReadFunc)desk_wire_read_message, (WriteFunc)desk_wire_write_message,
              (GDestroyNotify)desk_message_free);
}

static void
fuzz_changes (JsonNode *node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskChanges) changes = desk_wire_read_changes (node, &error);
  check_error (changes != NULL, error);
  if (changes != NULL)
    check_list (changes->events, (ReadFunc)desk_wire_read_event_node,
                (WriteFunc)desk_wire_write_event, (GDestroyNotify)desk_event_free);
}

static void
fuzz_send_answer (JsonNode *node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskMessage) message = NULL;
  gboolean duplicate;
  gboolean ok = desk_wire_read_send_answer (node, &message, &duplicate, &error);
  check_error (ok, error);
}

static void
fuzz_tokens (JsonNode *node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskTokens) tokens = desk_wire_read_tokens (node, &error);
  check_error (tokens != NULL, error);
  if (tokens != NULL)
    check_stable (tokens, (ReadFunc)desk_wire_read_tokens, (WriteFunc)desk_wire_write_tokens,
                  (GDestroyNotify)desk_tokens_free);
}

static void
fuzz_capabilities (const char *body, gsize len)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskCapabilities) first = desk_wire_read_capabilities (body, len, &error);
  check_error (first != NULL, error);
  if (first == NULL)
    return;
  g_autoptr (GString) text = written ((WriteFunc)desk_wire_write_capabilities, first);
  g_autoptr (DeskCapabilities) second = desk_wire_read_capabilities (text->str, text->len, &error);
  if (second == NULL)
    g_error ("written, but not readable: %s: %s", error->message, text->str);
  g_autoptr (DeskCapabilities) copy = desk_capabilities_copy (second);
  g_autoptr (GString) again = written ((WriteFunc)desk_wire_write_capabilities, copy);
  if (!g_string_equal (text, again))
    g_error ("changed on the way: %s became %s", text->str, again->str);
}

static void
fuzz_failure (const char *body, gsize len)
{
  g_autoptr (DeskFailure) failure = desk_wire_read_failure (500, body, len, "7");
  if (failure->message == NULL || *failure->message == '\0'
      || !g_utf8_validate (failure->message, -1, NULL) || failure->retry_after_ms < 0)
    g_error ("a failure without a message");
}

static void
fuzz_requests (const char *body, gsize len)
{
  g_autoptr (DeskSendRequest) request = desk_wire_read_send (body, len, NULL);
  g_autofree char *username = NULL, *password = NULL, *token = NULL;
  gint64 seq = 0;
  if (request != NULL)
    {
      g_autofree char *text = desk_wire_send_text (request);
      g_autoptr (DeskSendRequest) again = desk_wire_read_send (text, strlen (text), NULL);
      if (again == NULL || g_strcmp0 (again->text, request->text) != 0
          || g_strcmp0 (again->client_message_id, request->client_message_id) != 0
          || again->seen_seq != request->seen_seq || again->is_private != request->is_private)
        g_error ("a request changed on the way: %s", text);
    }
  desk_wire_read_read (body, len, &seq, NULL);
  desk_wire_read_credentials (body, len, &username, &password, NULL);
  desk_wire_read_refresh (body, len, &token, NULL);
}

int
desk_fuzz_rest (const uint8_t *data, size_t size)
{
  static void (*const of_node[]) (JsonNode *)
      = { fuzz_chats, fuzz_messages, fuzz_changes, fuzz_send_answer, fuzz_tokens };
  static void (*const of_body[]) (const char *, gsize)
      = { fuzz_capabilities, fuzz_failure, fuzz_requests };
  if (size == 0)
    return 0;
  const char *body = (const char *)data + 1;
  gsize len = size - 1, choice = data[0] % (G_N_ELEMENTS (of_node) + G_N_ELEMENTS (of_body));
  if (choice >= G_N_ELEMENTS (of_node))
    {
      of_body[choice - G_N_ELEMENTS (of_node)](body, len);
      return 0;
    }
  g_autoptr (GError) error = NULL;
  g_autofree char *next = NULL;
  g_autoptr (JsonNode) node = desk_wire_read_answer (body, len, &next, &error);
  check_error (node != NULL, error);
  if (node != NULL)
    of_node[choice](node);
  return 0;
}

/* What is accepted comes out as it went in. */
int
desk_fuzz_cursor (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (DeskCursor) cursor = desk_cursor_parse (text);
  if (cursor == NULL)
    return 0;
  g_autofree char *again = desk_cursor_format (cursor);
  if (strcmp (text, again) != 0)
    g_error ("%s became %s", text, again);
  return 0;
}

int
desk_fuzz_client (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskClientFrame) frame
      = desk_wire_read_client_frame ((const char *)data, size, &error);
  check_error (frame != NULL, error);
  if (frame == NULL || frame->type == DESK_CLIENT_FRAME_UNKNOWN)
    return 0;
  g_autofree char *text
      = desk_wire_client_frame_text (frame->type, frame->token, frame->platform, frame->user_id);
  g_autoptr (DeskClientFrame) again = desk_wire_read_client_frame (text, strlen (text), &error);
  if (again == NULL || g_strcmp0 (again->token, frame->token) != 0
      || g_strcmp0 (again->platform, frame->platform) != 0
      || g_strcmp0 (again->user_id, frame->user_id) != 0)
    g_error ("a frame changed on the way: %s", text);
  return 0;
}
