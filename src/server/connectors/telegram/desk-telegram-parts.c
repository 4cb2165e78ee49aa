/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The files of a message as Telegram takes them: which method is for which, and what makes an album.
 * Invariants: pure but for reading files; the order of the files is kept. */

#include "server/connectors/telegram/desk-telegram-parts.h"

#include <string.h>
#include <unistd.h>

#include "common/desk-json-writer.h"

#define MAX_PHOTO_BYTES (10 * 1024 * 1024)
#define MAX_PHOTO_SIDES 10000              /* pixels, both sides together */
#define MAX_ALBUM_BYTES (50 * 1024 * 1024) /* in one request, which is held in memory */

DeskTelegramWay
desk_telegram_way_of (const DeskAttachment *file, gboolean as_document)
{
  const char *type = file->mime_type;
  const DeskTelegramWay document = { "sendDocument", "document" };

  if (as_document)
    return document;
  if ((strcmp (type, "image/jpeg") == 0 || strcmp (type, "image/png") == 0)
      && file->size <= MAX_PHOTO_BYTES && file->width + file->height <= MAX_PHOTO_SIDES)
    return (DeskTelegramWay){ "sendPhoto", "photo" };
  if (strcmp (type, "video/mp4") == 0)
    return (DeskTelegramWay){ "sendVideo", "video" };
  if (strcmp (type, "audio/ogg") == 0)
    return (DeskTelegramWay){ "sendVoice", "voice" };
  if (strcmp (type, "audio/mpeg") == 0 || strcmp (type, "audio/mp4") == 0)
    return (DeskTelegramWay){ "sendAudio", "audio" };
  return document;
}

/* Files of one family may share an album; 0: none. */
static char
family_of (const DeskAttachment *file)
{
  const char *field = desk_telegram_way_of (file, FALSE).field;

  if (strcmp (field, "voice") == 0)
    return 0;
  return strcmp (field, "video") == 0 ? 'p' : field[0];
}

guint
desk_telegram_count_album (const GPtrArray *attachments, const GPtrArray *ids, guint first)
{
  const DeskAttachment *file = attachments->pdata[first];
  const char family = family_of (file);
  gint64 bytes = file->size;
  guint n = 1;

  for (guint i = first + 1; family != 0 && i < attachments->len && n < DESK_TELEGRAM_MAX_ALBUM; i++)
    {
      file = attachments->pdata[i];
      bytes += file->size;
      if (file->external_id != NULL || ids->pdata[i] != NULL || family_of (file) != family
          || bytes > MAX_ALBUM_BYTES)
        break;
      n++;
    }
  return n;
}

char *
desk_telegram_format_album (const GPtrArray *attachments, guint first, guint n, const char *caption)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_array (&writer);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("attach://file%u", i);
      desk_json_writer_begin_object (&writer);
      desk_json_writer_member_string (
          &writer, "type", desk_telegram_way_of (attachments->pdata[first + i], FALSE).field);
      desk_json_writer_member_string (&writer, "media", name);
      if (i == 0 && caption != NULL)
        desk_json_writer_member_string (&writer, "caption", caption);
      desk_json_writer_end_object (&writer);
    }
  desk_json_writer_end_array (&writer);
  return g_string_free (json, FALSE);
}

GBytes *
desk_telegram_map_file (DeskFileStore *files, const DeskAttachment *file)
{
  gint64 size;
  int fd = files != NULL && file->sha256 != NULL
               ? files->ops->open (files, file->sha256, &size, NULL, NULL)
               : -1;

  if (fd < 0)
    return NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new_from_fd (fd, FALSE, NULL);
  close (fd);
  return mapped != NULL ? g_mapped_file_get_bytes (mapped) : NULL;
}
