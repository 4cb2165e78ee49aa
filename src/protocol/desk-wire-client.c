/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Frames that the client sends over the websocket. */

#include <string.h>

#include "common/desk-crypto.h"
#include "protocol/desk-wire-private.h"

static const char *const type_words[] = {
  [DESK_CLIENT_FRAME_AUTH] = "auth",
  [DESK_CLIENT_FRAME_TYPING] = "typing",
  [DESK_CLIENT_FRAME_VIEWING] = "viewing",
  [DESK_CLIENT_FRAME_MARK_READ] = "mark_read",
};

static DeskClientFrameType
type_from_string (const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_words); i++)
    if (strcmp (type_words[i], word) == 0)
      return (DeskClientFrameType)i;
  return DESK_CLIENT_FRAME_UNKNOWN;
}

void
desk_client_frame_free (DeskClientFrame *self)
{
  if (self == NULL)
    return;
  desk_secure_clear (self->token);
  g_free (self->token);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}

/* {"platform","user_id"}; for viewing, nothing or null in both means that no chat is open. */
static gboolean
read_chat (JsonObject *frame, DeskClientFrame *self, GError **error)
{
  gboolean required = self->type != DESK_CLIENT_FRAME_VIEWING;
  JsonObject *data = NULL;
  const char *platform = NULL, *user_id = NULL;
  if (!desk_json_get_object (frame, "data", required, &data, error))
    return FALSE;
  if (data == NULL)
    return TRUE;
  if (!desk_json_get_string (data, "platform", DESK_WIRE_MAX_ID, required, &platform, error)
      || !desk_json_get_string (data, "user_id", DESK_WIRE_MAX_ID, required, &user_id, error))
    return FALSE;
  if (platform == NULL && user_id == NULL)
    return TRUE;
  return desk_wire_take_key (data, &self->platform, &self->user_id, error);
}

DeskClientFrame *
desk_wire_read_client_frame (const char *frame, gsize len, GError **error)
{
  g_return_val_if_fail (frame != NULL || len == 0, NULL);
  g_autoptr (JsonNode) root
      = desk_json_parse (len > 0 ? frame : "", len, DESK_WIRE_MAX_CLIENT_FRAME, error);
  JsonObject *obj = root != NULL ? desk_wire_get_root (root, "frame", error) : NULL;
  const char *type = NULL;
  if (obj == NULL || !desk_json_get_string (obj, "type", DESK_WIRE_MAX_WORD, TRUE, &type, error))
    return NULL;
  g_autoptr (DeskClientFrame) self = g_new0 (DeskClientFrame, 1);
  self->type = type_from_string (type);
  if (self->type == DESK_CLIENT_FRAME_UNKNOWN)
    return g_steal_pointer (&self);
  if (self->type == DESK_CLIENT_FRAME_AUTH)
    {
      if (!desk_wire_take_nonempty (obj, "token", DESK_WIRE_MAX_LINK, TRUE, &self->token, error))
        return NULL;
    }
  else if (!read_chat (obj, self, error))
    {
      return NULL;
    }
  return g_steal_pointer (&self);
}

char *
desk_wire_client_frame_text (DeskClientFrameType type,
                             const char *token,
                             const char *platform,
                             const char *user_id)
{
  g_return_val_if_fail ((guint)type < G_N_ELEMENTS (type_words), NULL);
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "type", type_words[type]);
  if (type == DESK_CLIENT_FRAME_AUTH)
    {
      desk_json_writer_member_string (&w, "token", token);
    }
  else
    {
      desk_json_writer_key (&w, "data");
      desk_json_writer_begin_object (&w);
      desk_wire_write_key (&w, platform, user_id);
      desk_json_writer_end_object (&w);
    }
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}
