/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Sending and read markers: the requests' bodies and their answers. */

#include <string.h>

#include "protocol/desk-wire-private.h"

/* Escapes make a text up to six times as long. */
#define MAX_SEND_BODY         (6 * DESK_WIRE_MAX_TEXT + 16384)
#define MAX_READ_BODY         16384
#define MAX_CLIENT_MESSAGE_ID 128

void
desk_send_request_free (DeskSendRequest *self)
{
  if (self == NULL)
    return;
  g_free (self->text);
  g_free (self->client_message_id);
  g_free (self->reply_to);
  desk_template_use_free (self->template);
  g_free (self);
}

/* An empty key or quote is a mistake of the caller and not the same as none. */
static gboolean
take_optional_id (JsonObject *obj, const char *name, gsize max_bytes, char **out, GError **error)
{
  if (!desk_wire_take_string (obj, name, max_bytes, FALSE, out, error))
    return FALSE;
  if (*out == NULL || **out != '\0')
    return TRUE;
  desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name, "is empty");
  return FALSE;
}

DeskSendRequest *
desk_wire_read_send (const char *body, gsize len, GError **error)
{
  g_return_val_if_fail (body != NULL || len == 0, NULL);
  g_autoptr (JsonNode) root = desk_json_parse (len > 0 ? body : "", len, MAX_SEND_BODY, error);
  JsonObject *obj = root != NULL ? desk_wire_get_root (root, "body", error) : NULL;
  if (obj == NULL)
    return NULL;
  g_autoptr (DeskSendRequest) self = g_new0 (DeskSendRequest, 1);
  self->seen_seq = -1;
  if (!desk_wire_read_template_use (obj, &self->template, error)
      || !desk_wire_take_nonempty (obj, "text", DESK_WIRE_MAX_TEXT, self->template == NULL,
                                   &self->text, error)
      || !take_optional_id (obj, "client_message_id", MAX_CLIENT_MESSAGE_ID,
                            &self->client_message_id, error)
      || !take_optional_id (obj, "reply_to", DESK_WIRE_MAX_ID, &self->reply_to, error)
      || !desk_json_get_bool (obj, "private", FALSE, &self->is_private, error)
      || !desk_wire_get_count (obj, "seen_seq", FALSE, &self->seen_seq, error)
      || !desk_json_get_bool (obj, "force", FALSE, &self->force, error))
    return NULL;
  if (self->text == NULL) /* the template's own */
    self->text = g_strdup ("");
  return g_steal_pointer (&self);
}

static gboolean
take_field_text (char **out,
                 const char *name,
                 const char *value,
                 gsize len,
                 gsize max_bytes,
                 GError **error)
{
  const char *reason = NULL;
  if (len > max_bytes)
    reason = "is too long";
  else if (memchr (value, '\0', len) != NULL || !g_utf8_validate (value, (gssize)len, NULL))
    reason = "is not text in UTF-8";
  if (reason != NULL)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name, reason);
      return FALSE;
    }
  g_free (*out);
  *out = g_strndup (value, len);
  return TRUE;
}

static gboolean
take_field_id (char **out,
               const char *name,
               const char *value,
               gsize len,
               gsize max_bytes,
               GError **error)
{
  if (len > 0)
    return take_field_text (out, name, value, len, max_bytes, error);
  desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, name, "is empty");
  return FALSE;
}

static gboolean
take_field_flag (gboolean *out, const char *name, const char *value, gsize len, GError **error)
{
  g_autofree char *text = g_strndup (value, len);
  if (strcmp (text, "true") == 0 || strcmp (text, "1") == 0)
    *out = TRUE;
  else if (strcmp (text, "false") == 0 || strcmp (text, "0") == 0)
    *out = FALSE;
  else
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, name, "is not true or false");
      return FALSE;
    }
  return TRUE;
}

static gboolean
take_field_count (gint64 *out, const char *name, const char *value, gsize len, GError **error)
{
  g_autofree char *text = g_strndup (value, len);
  if (g_ascii_string_to_signed (text, 10, 0, DESK_WIRE_MAX_INT, out, NULL))
    return TRUE;
  desk_wire_set_error (error, DESK_JSON_ERROR_TYPE, name, "is not a whole number");
  return FALSE;
}

gboolean
desk_wire_take_send_field (
    DeskSendRequest *self, const char *name, const char *value, gsize len, GError **error)
{
  g_return_val_if_fail (self != NULL && name != NULL && (value != NULL || len == 0), FALSE);
  if (value == NULL)
    value = "";
  if (strcmp (name, "caption") == 0)
    return take_field_text (&self->text, name, value, len, DESK_WIRE_MAX_TEXT, error);
  if (strcmp (name, "client_message_id") == 0)
    return take_field_id (&self->client_message_id, name, value, len, MAX_CLIENT_MESSAGE_ID, error);
  if (strcmp (name, "reply_to") == 0)
    return take_field_id (&self->reply_to, name, value, len, DESK_WIRE_MAX_ID, error);
  if (strcmp (name, "private") == 0)
    return take_field_flag (&self->is_private, name, value, len, error);
  if (strcmp (name, "seen_seq") == 0)
    return take_field_count (&self->seen_seq, name, value, len, error);
  if (strcmp (name, "force") == 0)
    return take_field_flag (&self->force, name, value, len, error);
  return TRUE;
}

char *
desk_wire_send_text (const DeskSendRequest *request)
{
  g_return_val_if_fail (request != NULL && request->text != NULL, NULL);
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  if (request->text[0] != '\0' || request->template == NULL)
    desk_json_writer_member_string (&w, "text", request->text);
  if (request->client_message_id != NULL)
    desk_json_writer_member_string (&w, "client_message_id", request->client_message_id);
  if (request->reply_to != NULL)
    desk_json_writer_member_string (&w, "reply_to", request->reply_to);
  if (request->is_private)
    desk_json_writer_member_bool (&w, "private", TRUE);
  if (request->seen_seq >= 0)
    desk_json_writer_member_int64 (&w, "seen_seq", request->seen_seq);
  if (request->force)
    desk_json_writer_member_bool (&w, "force", TRUE);
  desk_wire_write_template_use (&w, request->template);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}

static void
add_field (GPtrArray *fields, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_ptr_array_add (fields, g_strdup (name));
  g_ptr_array_add (fields, g_strdup (value));
}

GPtrArray *
desk_wire_send_fields (const DeskSendRequest *request)
{
  g_return_val_if_fail (request != NULL, NULL);
  GPtrArray *fields = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *seen
      = request->seen_seq >= 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, request->seen_seq) : NULL;
  const gboolean has_text = request->text != NULL && *request->text != '\0';
  add_field (fields, "caption", has_text ? request->text : NULL);
  add_field (fields, "client_message_id", request->client_message_id);
  add_field (fields, "reply_to", request->reply_to);
  add_field (fields, "private", request->is_private ? "true" : NULL);
  add_field (fields, "seen_seq", seen);
  add_field (fields, "force", request->force ? "true" : NULL);
  return fields;
}

/* {"ok":false} with a 2xx status is still a refusal. */
static gboolean
check_ok (JsonObject *obj, GError **error)
{
  gboolean ok = TRUE;
  if (!desk_json_get_bool (obj, "ok", FALSE, &ok, error))
    return FALSE;
  if (!ok)
    g_set_error (error, DESK_WIRE_ERROR, DESK_WIRE_ERROR_REFUSED, "the server refused the message");
  return ok;
}

gboolean
desk_wire_read_send_answer (JsonNode *data,
                            DeskMessage **out_message,
                            gboolean *out_duplicate,
                            GError **error)
{
  g_return_val_if_fail (out_message != NULL, FALSE);
  g_autoptr (DeskMessage) message = NULL;
  gboolean duplicate = FALSE;
  if (data != NULL && JSON_NODE_HOLDS_OBJECT (data))
    {
      JsonObject *obj = json_node_get_object (data);
      JsonNode *node = json_object_get_member (obj, "message");
      if (!check_ok (obj, error)
          || !desk_json_get_bool (obj, "duplicate", FALSE, &duplicate, error))
        return FALSE;
      if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
        {
          message = desk_wire_read_message (node, error);
          if (message == NULL)
            return FALSE;
        }
    }
  *out_message = g_steal_pointer (&message);
  if (out_duplicate != NULL)
    *out_duplicate = duplicate;
  return TRUE;
}

void
desk_wire_write_send_answer (DeskJsonWriter *w, const DeskMessage *message, gboolean duplicate)
{
  g_return_if_fail (w != NULL && message != NULL);
  desk_json_writer_begin_object (w);
  desk_json_writer_key (w, "message");
  desk_wire_write_message (w, message);
  desk_json_writer_member_bool (w, "duplicate", duplicate);
  desk_json_writer_end_object (w);
}

gboolean
desk_wire_read_read (const char *body, gsize len, gint64 *out_up_to_chat_seq, GError **error)
{
  g_return_val_if_fail (out_up_to_chat_seq != NULL && (body != NULL || len == 0), FALSE);
  g_autoptr (JsonNode) root = desk_json_parse (len > 0 ? body : "", len, MAX_READ_BODY, error);
  JsonObject *obj = root != NULL ? desk_wire_get_root (root, "body", error) : NULL;
  return obj != NULL
         && desk_wire_get_count (obj, "up_to_chat_seq", TRUE, out_up_to_chat_seq, error);
}

char *
desk_wire_read_text (gint64 up_to_chat_seq)
{
  return g_strdup_printf ("{\"up_to_chat_seq\":%" G_GINT64_FORMAT "}", up_to_chat_seq);
}
