/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Edits, deletions and reactions: the requests, and what a message tells of one that the platform
 * has not taken. */

#include "protocol/desk-wire-private.h"

#include <string.h>

#define MAX_TEXT_BODY     (6 * DESK_WIRE_MAX_TEXT + 16384) /* escapes make a text longer */
#define MAX_REACTION_BODY 16384

gboolean
desk_wire_read_message_patch (
    const char *body, gsize len, char **out_text, gint64 *out_base_rev, GError **error)
{
  g_return_val_if_fail (out_text != NULL && out_base_rev != NULL, FALSE);
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  gint64 base_rev = DESK_WIRE_REV_NOT_TOLD;
  JsonObject *obj = desk_wire_parse_request (body, len, MAX_TEXT_BODY, &root, error);
  if (obj == NULL
      || !desk_wire_take_nonempty (obj, "text", DESK_WIRE_MAX_TEXT, TRUE, &text, error)
      || !desk_wire_get_count (obj, "base_rev", FALSE, &base_rev, error))
    return FALSE;
  *out_text = g_steal_pointer (&text);
  *out_base_rev = base_rev;
  return TRUE;
}

char *
desk_wire_message_patch_text (const char *text, gint64 base_rev)
{
  g_return_val_if_fail (text != NULL, NULL);
  GString *out = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, out);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "text", text);
  if (base_rev >= 0)
    desk_json_writer_member_int64 (&w, "base_rev", base_rev);
  desk_json_writer_end_object (&w);
  return g_string_free (out, FALSE);
}

gboolean
desk_wire_read_reaction (const char *body, gsize len, char **out_emoji, GError **error)
{
  g_return_val_if_fail (out_emoji != NULL, FALSE);
  g_autoptr (JsonNode) root = NULL;
  const char *emoji = NULL;
  JsonObject *obj = desk_wire_parse_request (body, len, MAX_REACTION_BODY, &root, error);
  if (obj == NULL)
    return FALSE;
  if (!desk_wire_tells (obj, "emoji"))
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_MISSING, "emoji", "is missing");
      return FALSE;
    }
  if (!desk_json_get_string (obj, "emoji", DESK_WIRE_MAX_EMOJI, FALSE, &emoji, error))
    return FALSE;
  for (const char *c = emoji; c != NULL && *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)) || g_unichar_isspace (g_utf8_get_char (c)))
      {
        desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "emoji", "is no emoji");
        return FALSE;
      }
  *out_emoji = g_strdup (emoji != NULL ? emoji : "");
  return TRUE;
}

char *
desk_wire_reaction_text (const char *emoji)
{
  GString *out = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, out);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "emoji", emoji != NULL && *emoji != '\0' ? emoji : NULL);
  desk_json_writer_end_object (&w);
  return g_string_free (out, FALSE);
}

/* Words of a later version leave the change out: what it would do is not known. */
gboolean
desk_wire_read_change (JsonObject *obj, DeskChange **out, GError **error)
{
  JsonObject *inner = NULL;
  const char *operation = NULL, *state = NULL;
  if (!desk_json_get_object (obj, "change", FALSE, &inner, error))
    return FALSE;
  if (inner == NULL)
    return TRUE;
  g_autoptr (DeskChange) self = desk_change_new (DESK_OPERATION_EDIT, NULL, 0);
  if (!desk_json_get_string (inner, "operation", DESK_WIRE_MAX_WORD, TRUE, &operation, error)
      || !desk_json_get_string (inner, "state", DESK_WIRE_MAX_WORD, TRUE, &state, error)
      || !desk_wire_take_string (inner, "text", DESK_WIRE_MAX_TEXT, FALSE, &self->text, error)
      || !desk_wire_take_string (inner, "emoji", DESK_WIRE_MAX_EMOJI, FALSE, &self->emoji, error)
      || !desk_wire_take_nonempty (inner, "by", DESK_WIRE_MAX_ID, FALSE, &self->by, error)
      || !desk_wire_take_string (inner, "code", DESK_WIRE_MAX_WORD, FALSE, &self->code, error)
      || !desk_wire_take_string (inner, "message", DESK_WIRE_MAX_REASON, FALSE, &self->message,
                                 error)
      || !desk_wire_get_time (inner, "at", FALSE, &self->at_ms, error))
    {
      g_prefix_error (error, "change: ");
      return FALSE;
    }
  if (desk_operation_from_string (operation, &self->operation)
      && self->operation != DESK_OPERATION_SEND
      && desk_change_state_from_string (state, &self->state))
    *out = g_steal_pointer (&self);
  return TRUE;
}

void
desk_wire_write_change (DeskJsonWriter *w, const DeskChange *self)
{
  if (self == NULL)
    return;
  desk_json_writer_key (w, "change");
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "operation", desk_operation_to_string (self->operation));
  desk_json_writer_member_string (w, "state", desk_change_state_to_string (self->state));
  if (self->operation == DESK_OPERATION_EDIT)
    desk_json_writer_member_string (w, "text", self->text);
  if (self->operation == DESK_OPERATION_REACT)
    desk_json_writer_member_string (w, "emoji", self->emoji != NULL ? self->emoji : "");
  desk_json_writer_member_string (w, "by", self->by);
  desk_json_writer_member_time_ms (w, "at", self->at_ms);
  if (self->state == DESK_CHANGE_FAILED)
    {
      desk_json_writer_member_string (w, "code", self->code);
      desk_json_writer_member_string (w, "message", self->message != NULL ? self->message : "");
    }
  desk_json_writer_end_object (w);
}
