/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* A chat as a plain value, its words, its key and its stream id.
 * Invariants: platform, user_id, user_name, last_message, metadata and labels are never NULL. */

#include "model/desk-chat.h"

#include <string.h>

#include "model/desk-words.h"

#define MAX_KEY_BYTES 256

static const char *const type_words[] = {
  [DESK_CHAT_TYPE_DIRECT] = "direct",
  [DESK_CHAT_TYPE_GROUP] = "group",
  [DESK_CHAT_TYPE_BUSINESS] = "business",
};

static const char *const state_words[] = {
  [DESK_CHAT_STATE_OPEN] = "open",
  [DESK_CHAT_STATE_SNOOZED] = "snoozed",
  [DESK_CHAT_STATE_RESOLVED] = "resolved",
};

DESK_DEFINE_WORDS (DeskChatType, chat_type, type_words)
DESK_DEFINE_WORDS (DeskChatState, chat_state, state_words)

DeskChat *
desk_chat_new (const char *platform, const char *user_id)
{
  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  DeskChat *self = g_new0 (DeskChat, 1);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->user_name = g_strdup ("");
  self->last_message = g_strdup ("");
  self->metadata = g_strdup ("{}");
  self->labels = g_new0 (char *, 1);
  return self;
}

DeskChat *
desk_chat_copy (const DeskChat *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskChat *copy = g_new (DeskChat, 1);
  *copy = *self;
  copy->platform = g_strdup (self->platform);
  copy->user_id = g_strdup (self->user_id);
  copy->user_name = g_strdup (self->user_name);
  copy->messenger_name = g_strdup (self->messenger_name);
  copy->last_message = g_strdup (self->last_message);
  copy->partner_name = g_strdup (self->partner_name);
  copy->partner_room_id = g_strdup (self->partner_room_id);
  copy->metadata = g_strdup (self->metadata);
  copy->stream_id = g_strdup (self->stream_id);
  copy->assignee = g_strdup (self->assignee);
  copy->labels = self->labels != NULL ? g_strdupv (self->labels) : g_new0 (char *, 1);
  copy->connection = g_strdup (self->connection);
  return copy;
}

void
desk_chat_free (DeskChat *self)
{
  if (self == NULL)
    return;
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->user_name);
  g_free (self->messenger_name);
  g_free (self->last_message);
  g_free (self->partner_name);
  g_free (self->partner_room_id);
  g_free (self->metadata);
  g_free (self->stream_id);
  g_free (self->assignee);
  g_strfreev (self->labels);
  g_free (self->connection);
  g_free (self);
}

gint64
desk_chat_unread_count (gint64 last_in_seq, gint64 read_in_seq, gboolean marked_unread)
{
  gint64 last = MAX (last_in_seq, 0);
  gint64 unread = last - CLAMP (read_in_seq, 0, last);
  return unread == 0 && marked_unread ? 1 : unread;
}

static gboolean
part_is_valid (const char *text)
{
  gsize len = strlen (text);
  if (len == 0 || len > MAX_KEY_BYTES || !g_utf8_validate_len (text, len, NULL))
    return FALSE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return FALSE;
  return TRUE;
}

gboolean
desk_chat_key_is_valid (const char *platform, const char *user_id)
{
  return platform != NULL && user_id != NULL && strchr (platform, '/') == NULL
         && part_is_valid (platform) && part_is_valid (user_id);
}

gboolean
desk_chat_parse_key (const char *text, char **out_platform, char **out_user_id)
{
  g_return_val_if_fail (out_platform != NULL && out_user_id != NULL, FALSE);
  const char *slash = text != NULL ? strchr (text, '/') : NULL;
  if (slash == NULL || slash == text || slash - text > MAX_KEY_BYTES)
    return FALSE;
  gsize user_len = strlen (slash + 1);
  if (user_len == 0 || user_len > MAX_KEY_BYTES)
    return FALSE;
  *out_platform = g_strndup (text, slash - text);
  *out_user_id = g_strdup (slash + 1);
  return TRUE;
}

char *
desk_chat_format_key (const char *platform, const char *user_id)
{
  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  return g_strconcat (platform, "/", user_id, NULL);
}

/* The length goes first, so that ("ab","c") and ("a","bc") differ. */
static void
checksum_update_part (GChecksum *checksum, const char *part)
{
  guint64 len = strlen (part);
  guchar prefix[8];
  for (guint i = 0; i < G_N_ELEMENTS (prefix); i++)
    prefix[i] = (guchar)(len >> (8 * (7 - i)));
  g_checksum_update (checksum, prefix, sizeof prefix);
  g_checksum_update (checksum, (const guchar *)part, (gssize)len);
}

char *
desk_chat_stream_id (const char *platform, const char *user_id)
{
  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  checksum_update_part (checksum, platform);
  checksum_update_part (checksum, user_id);
  return g_strndup (g_checksum_get_string (checksum), 16);
}
