/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* Messages that are several at their platform: an album of a customer, a reply with several files.
 * Each part has an external id of its own there, by which it is quoted, edited or taken back.
 *
 * A part is a key of nobody (user names are never empty) that leads to its message; its fingerprint
 * is the place of its file. It lives as long as idempotency keys, longer than messages are kept.
 *
 * Invariants: a part never becomes a second message; attachments keep their places, so that a file
 * that was taken back stays as "gone"; a message whose files are all gone is deleted. */

#include "server/service/desk-service-private.h"

#include <string.h>

#define NOBODY ""

static char *
part_key (gint64 chat_row, const char *external_id)
{
  return g_strdup_printf ("part:%" G_GINT64_FORMAT ":%s", chat_row, external_id);
}

static char *
album_key (gint64 chat_row, const char *album)
{
  return g_strdup_printf ("album:%" G_GINT64_FORMAT ":%s", chat_row, album);
}

/* A key that is there stays. */
static gboolean
add_key (DeskWork *self,
         const char *key,
         const char *place,
         gint64 chat_row,
         gint64 chat_seq,
         GError **error)
{
  g_autoptr (DeskServerKey) known = NULL;
  gint64 row;

  return self->tx->ops->key_find (self->tx, NOBODY, key, &known, error)
         && (known != NULL
             || self->tx->ops->key_insert (self->tx, NOBODY, key, place, chat_row, chat_seq,
                                           self->now_ms, &row, error));
}

static gboolean
follow_key (DeskWork *self, const char *key, DeskMessage **out, guint *out_place, GError **error)
{
  g_autoptr (DeskServerKey) known = NULL;
  g_autoptr (DeskServerMessage) stored = NULL;

  *out = NULL;
  if (!self->tx->ops->key_find (self->tx, NOBODY, key, &known, error))
    return FALSE;
  if (known == NULL)
    return TRUE;
  if (out_place != NULL)
    *out_place = (guint)g_ascii_strtoull (known->fingerprint, NULL, 10);
  if (!self->tx->ops->message_by_seq (self->tx, known->chat_row, known->chat_seq, &stored, error))
    return FALSE;
  if (stored == NULL) /* trimmed */
    return TRUE;
  *out = desk_service_parse_body (stored->body, error);
  return *out != NULL;
}

gboolean
desk_work_add_part (DeskWork *self,
                    gint64 chat_row,
                    gint64 chat_seq,
                    const char *external_id,
                    guint place,
                    GError **error)
{
  g_autofree char *key = part_key (chat_row, external_id);
  g_autofree char *text = g_strdup_printf ("%u", place);

  return add_key (self, key, text, chat_row, chat_seq, error);
}

gboolean
desk_work_find_part (DeskWork *self,
                     gint64 chat_row,
                     const char *external_id,
                     DeskMessage **out,
                     guint *out_place,
                     GError **error)
{
  g_autofree char *key = part_key (chat_row, external_id);

  return follow_key (self, key, out, out_place, error);
}

gboolean
desk_work_begin_album (DeskWork *self,
                       gint64 chat_row,
                       const DeskMessage *message,
                       const char *album,
                       GError **error)
{
  g_autofree char *key = album_key (chat_row, album);

  return message->external_id == NULL
         || (add_key (self, key, "", chat_row, message->chat_seq, error)
             && desk_work_add_part (self, chat_row, message->chat_seq, message->external_id, 0,
                                    error));
}

/* The text of an album is what stands below its files, line by line; usually below one of them. */
static void
join_text (DeskMessage *message, const char *text)
{
  if (text == NULL || *text == '\0')
    return;
  char *joined = *message->text != '\0' ? g_strconcat (message->text, "\n", text, NULL)
                                        : g_strdup (text);
  if (strlen (joined) > DESK_WIRE_MAX_TEXT)
    {
      g_free (joined);
      return;
    }
  g_free (message->text);
  message->text = joined;
}

gboolean
desk_work_join_album (DeskWork *self,
                      gint64 chat_row,
                      const char *album,
                      const DeskMessage *part,
                      gboolean *out_joined,
                      GError **error)
{
  g_autofree char *key = album_key (chat_row, album);
  g_autoptr (DeskMessage) message = NULL;
  g_autoptr (DeskMessage) wanted = NULL;

  *out_joined = FALSE;
  if (!follow_key (self, key, &message, NULL, error))
    return FALSE;
  if (message == NULL || part->external_id == NULL || message->direction != part->direction
      || part->attachments->len != 1)
    return TRUE;
  *out_joined = TRUE;
  if (message->deleted_at_ms > 0)
    return TRUE;
  const guint place = message->attachments->len;
  wanted = desk_message_copy (message);
  g_ptr_array_set_size (wanted->attachments, 0);
  g_ptr_array_add (wanted->attachments, desk_attachment_copy (part->attachments->pdata[0]));
  g_ptr_array_add (message->attachments, desk_attachment_copy (part->attachments->pdata[0]));
  join_text (message, part->text);
  if (!desk_service_is_readable (message)) /* over the limits: a message of its own */
    {
      *out_joined = FALSE;
      return TRUE;
    }
  desk_work_want_files (self, wanted);
  return desk_work_add_part (self, chat_row, message->chat_seq, part->external_id, place, error)
         && desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error);
}

/* The text changes to that below the edited file, unless that is one of those without text. */
static gboolean
edit_part (DeskWork *self,
           gint64 chat_row,
           DeskMessage *message,
           guint place,
           const DeskMessage *told,
           GError **error)
{
  const DeskAttachment *news = told->attachments->len == 1 ? told->attachments->pdata[0] : NULL;
  const DeskAttachment *old = message->attachments->pdata[place];
  const char *text = told->text != NULL ? told->text : "";
  const gboolean new_text
      = (*text != '\0' || place == 0) && strcmp (text, message->text) != 0
        && strlen (text) <= DESK_WIRE_MAX_TEXT && g_utf8_validate (text, -1, NULL);
  const gboolean new_file = news != NULL && g_strcmp0 (news->external_id, old->external_id) != 0;

  if (!new_text && !new_file)
    return TRUE;
  if (new_text)
    {
      g_free (message->text);
      message->text = g_strdup (text);
    }
  if (new_file)
    {
      desk_attachment_free (message->attachments->pdata[place]);
      message->attachments->pdata[place] = desk_attachment_copy (news);
      desk_service_name_files (self->service, message);
    }
  message->edited_at_ms = told->edited_at_ms > 0 ? told->edited_at_ms : self->now_ms;
  if (!desk_service_is_readable (message))
    return TRUE;
  if (new_file)
    desk_work_want_files (self, message);
  return desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error);
}

static gboolean
delete_part (DeskWork *self, gint64 chat_row, DeskMessage *message, guint place, GError **error)
{
  DeskAttachment *file = message->attachments->pdata[place];
  gboolean any = FALSE;

  if (g_strcmp0 (file->state, "gone") == 0)
    return TRUE;
  g_free (file->state);
  file->state = g_strdup ("gone");
  g_clear_pointer (&file->url, g_free);
  g_clear_pointer (&file->sha256, g_free);
  g_clear_pointer (&file->external_id, g_free);
  for (guint i = 0; i < message->attachments->len; i++)
    any |= g_strcmp0 (((DeskAttachment *)message->attachments->pdata[i])->state, "gone") != 0;
  return any ? desk_work_change_message (self, chat_row, message, DESK_EVENT_MESSAGE_UPDATED, error)
             : desk_work_delete_message (self, chat_row, message, error);
}

gboolean
desk_work_change_part (DeskWork *self,
                       const DeskInboundItem *item,
                       gint64 chat_row,
                       gboolean *out_done,
                       GError **error)
{
  const DeskMessage *told = item->message;
  g_autoptr (DeskMessage) message = NULL;
  guint place = 0;

  *out_done = FALSE;
  if ((item->type != DESK_INBOUND_EDIT && item->type != DESK_INBOUND_DELETE)
      || told->external_id == NULL)
    return TRUE;
  if (!desk_work_find_part (self, chat_row, told->external_id, &message, &place, error))
    return FALSE;
  if (message == NULL || message->attachments->len < 2 || message->source == DESK_SOURCE_API
      || message->source == DESK_SOURCE_BOT)
    return TRUE;
  *out_done = TRUE;
  if (message->deleted_at_ms > 0 || place >= message->attachments->len)
    return TRUE;
  return item->type == DESK_INBOUND_EDIT
             ? edit_part (self, chat_row, message, place, told, error)
             : delete_part (self, chat_row, message, place, error);
}
