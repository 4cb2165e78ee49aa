/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Error codes and what a refusal says, in all the forms that backends have. */

#include <string.h>

#include "common/desk-text.h"
#include "protocol/desk-wire-private.h"

#define MAX_MESSAGE_CHARS 500
#define MAX_PLAIN_BYTES   4096
#define MAX_RETRY_MS      (24 * 60 * 60 * G_GINT64_CONSTANT (1000))

static const struct
{
  const char *word;
  guint http_status;
} codes[] = {
  [DESK_CODE_NONE] = { NULL, 200 },
  [DESK_CODE_BAD_REQUEST] = { "BAD_REQUEST", 400 },
  [DESK_CODE_UNAUTHORIZED] = { "UNAUTHORIZED", 401 },
  [DESK_CODE_FORBIDDEN] = { "FORBIDDEN", 403 },
  [DESK_CODE_NOT_FOUND] = { "NOT_FOUND", 404 },
  [DESK_CODE_METHOD_NOT_ALLOWED] = { "METHOD_NOT_ALLOWED", 405 },
  [DESK_CODE_CONFLICT] = { "CONFLICT", 409 },
  [DESK_CODE_STALE_REPLY] = { "STALE_REPLY", 409 },
  [DESK_CODE_IN_FLIGHT] = { "IN_FLIGHT", 409 },
  [DESK_CODE_WINDOW_CLOSED] = { "WINDOW_CLOSED", 409 },
  [DESK_CODE_NOT_SUPPORTED] = { "NOT_SUPPORTED", 409 },
  [DESK_CODE_CURSOR_EXPIRED] = { "CURSOR_EXPIRED", 410 },
  [DESK_CODE_TOO_LARGE] = { "TOO_LARGE", 413 },
  [DESK_CODE_UNSUPPORTED_MEDIA_TYPE] = { "UNSUPPORTED_MEDIA_TYPE", 415 },
  [DESK_CODE_INVALID] = { "INVALID", 422 },
  [DESK_CODE_TEXT_TOO_LONG] = { "TEXT_TOO_LONG", 422 },
  [DESK_CODE_IDEMPOTENCY_MISMATCH] = { "IDEMPOTENCY_MISMATCH", 422 },
  [DESK_CODE_RATE_LIMITED] = { "RATE_LIMITED", 429 },
  [DESK_CODE_INTERNAL] = { "INTERNAL", 500 },
  [DESK_CODE_UNAVAILABLE] = { "UNAVAILABLE", 503 },
  [DESK_CODE_STORAGE_FULL] = { "STORAGE_FULL", 503 },
  [DESK_CODE_CHANNEL_DOWN] = { "CHANNEL_DOWN", 503 },
  [DESK_CODE_OTHER] = { NULL, 500 },
};

const char *
desk_code_to_string (DeskCode code)
{
  g_return_val_if_fail ((guint)code < G_N_ELEMENTS (codes), NULL);
  return codes[code].word;
}

DeskCode
desk_code_from_string (const char *text)
{
  for (guint i = 0; text != NULL && i < G_N_ELEMENTS (codes); i++)
    if (codes[i].word != NULL && strcmp (codes[i].word, text) == 0)
      return (DeskCode)i;
  return DESK_CODE_OTHER;
}

guint
desk_code_http_status (DeskCode code)
{
  g_return_val_if_fail ((guint)code < G_N_ELEMENTS (codes), 500);
  return codes[code].http_status;
}

void
desk_failure_free (DeskFailure *self)
{
  if (self == NULL)
    return;
  g_free (self->code_text);
  g_free (self->message);
  g_free (self->details);
  g_free (self->request_id);
  g_free (self);
}

static char *
shorten (const char *text, gssize len)
{
  g_autofree char *clean = desk_text_sanitize_utf8 (text, len);
  g_autofree char *line = desk_text_preview (clean, MAX_MESSAGE_CHARS);
  return *line != '\0' ? g_steal_pointer (&line) : NULL;
}

/* A page of a proxy in HTML tells people nothing. */
static char *
message_from_plain (const char *body, gsize len)
{
  gsize start = 0;
  while (start < len && g_ascii_isspace (body[start]))
    start++;
  if (start == len || strchr ("<{[", body[start]) != NULL)
    return NULL;
  return shorten (body + start, (gssize)MIN (len - start, MAX_PLAIN_BYTES));
}

/* Of a refusal every member is optional, and one of another type is as good as absent. */
static const char *
peek_string (JsonObject *obj, const char *name)
{
  const char *text = NULL;
  desk_json_get_string (obj, name, 0, FALSE, &text, NULL);
  return text;
}

static gint64
seconds_to_ms (double seconds)
{
  if (!(seconds >= 0))
    return -1;
  return seconds >= MAX_RETRY_MS / 1000 ? MAX_RETRY_MS : (gint64)(seconds * 1000);
}

static void
read_envelope (DeskFailure *self, JsonObject *inner)
{
  const char *code = peek_string (inner, "code");
  const char *message = peek_string (inner, "message");
  const char *request_id = peek_string (inner, "request_id");
  double retry_after = -1;
  if (code != NULL && strlen (code) <= DESK_WIRE_MAX_WORD)
    {
      self->code_text = g_strdup (code);
      self->code = desk_code_from_string (code);
    }
  if (message != NULL)
    self->message = shorten (message, -1);
  if (request_id != NULL && strlen (request_id) <= DESK_WIRE_MAX_ID)
    self->request_id = g_strdup (request_id);
  if (desk_json_get_double (inner, "retry_after", FALSE, &retry_after, NULL))
    self->retry_after_ms = seconds_to_ms (retry_after);
  JsonNode *details = json_object_get_member (inner, "details");
  if (details != NULL && !JSON_NODE_HOLDS_NULL (details))
    self->details = desk_json_to_text (details);
}

static void
read_failure_object (DeskFailure *self, JsonObject *obj)
{
  static const char *const names[] = { "status_message", "error", "message" };
  JsonObject *inner = NULL;
  desk_json_get_object (obj, "error", FALSE, &inner, NULL);
  if (inner != NULL)
    read_envelope (self, inner);
  for (guint i = 0; i < G_N_ELEMENTS (names) && self->message == NULL; i++)
    {
      const char *text = peek_string (obj, names[i]);
      if (text != NULL)
        self->message = shorten (text, -1);
    }
}

/* The header's seconds; its form as a date needs a clock and is not understood. */
static gint64
parse_retry_after (const char *header)
{
  guint64 seconds;
  if (header == NULL || !g_ascii_string_to_unsigned (header, 10, 0, G_MAXUINT32, &seconds, NULL))
    return -1;
  return seconds_to_ms ((double)seconds);
}

DeskFailure *
desk_wire_read_failure (guint http_status, const char *body, gsize len, const char *retry_after)
{
  DeskFailure *self = g_new0 (DeskFailure, 1);
  self->http_status = http_status;
  self->code = DESK_CODE_OTHER;
  self->retry_after_ms = -1;
  if (body != NULL && len > 0)
    {
      g_autoptr (JsonNode) root = desk_json_parse (body, len, DESK_WIRE_MAX_BODY, NULL);
      if (root == NULL)
        self->message = message_from_plain (body, len);
      else if (JSON_NODE_HOLDS_OBJECT (root))
        read_failure_object (self, json_node_get_object (root));
      else if (json_node_get_value_type (root) == G_TYPE_STRING)
        self->message = shorten (json_node_get_string (root), -1);
    }
  if (self->message == NULL)
    self->message = g_strdup_printf ("HTTP %u", http_status);
  if (self->retry_after_ms < 0)
    self->retry_after_ms = parse_retry_after (retry_after);
  return self;
}

void
desk_wire_write_failure (DeskJsonWriter *w,
                         DeskCode code,
                         const char *message,
                         const char *details,
                         gint64 retry_after_s,
                         const char *request_id)
{
  const char *word = desk_code_to_string (code);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_bool (w, "success", FALSE);
  desk_json_writer_key (w, "error");
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "code", word != NULL ? word : "INTERNAL");
  desk_json_writer_member_string (w, "message", message != NULL ? message : "");
  if (details != NULL)
    desk_json_writer_member_raw (w, "details", details);
  if (retry_after_s >= 0)
    desk_json_writer_member_int64 (w, "retry_after", retry_after_s);
  desk_json_writer_member_string (w, "request_id", request_id);
  desk_json_writer_end_object (w);
  desk_json_writer_end_object (w);
}
