/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/* What a file is, by its first bytes. The signatures that decide how a message is shown and sent
 * stand here, since the MIME database is not installed on every server; GIO knows the rest.
 * Invariant: a name never makes a file a picture, a film or a sound. */

#include "common/desk-file-type.h"

#include <gio/gio.h>
#include <string.h>

typedef struct
{
  gsize offset;
  const char *bytes;
  gsize len;
  gsize offset2; /* a second signature, if len2 is not 0 */
  const char *bytes2;
  gsize len2;
  const char *type;
} Signature;

#define SIGN(at, text, mime)                                                                       \
  {                                                                                                \
    at, text, sizeof text - 1, 0, NULL, 0, mime                                                    \
  }
#define SIGN2(at, text, at2, text2, mime)                                                          \
  {                                                                                                \
    at, text, sizeof text - 1, at2, text2, sizeof text2 - 1, mime                                  \
  }

static const Signature signatures[] = {
  SIGN (0, "\x89PNG\r\n\x1a\n", "image/png"),
  SIGN (0, "\xff\xd8\xff", "image/jpeg"),
  SIGN (0, "GIF87a", "image/gif"),
  SIGN (0, "GIF89a", "image/gif"),
  SIGN2 (0, "RIFF", 8, "WEBP", "image/webp"),
  SIGN2 (0, "RIFF", 8, "WAVE", "audio/x-wav"),
  SIGN2 (4, "ftyp", 8, "M4A", "audio/mp4"),
  SIGN2 (4, "ftyp", 8, "heic", "image/heif"),
  SIGN2 (4, "ftyp", 8, "avif", "image/avif"),
  SIGN2 (4, "ftyp", 8, "qt  ", "video/quicktime"),
  SIGN (4, "ftyp", "video/mp4"),
  SIGN (0, "\x1a\x45\xdf\xa3", "video/webm"),
  SIGN (0, "OggS", "audio/ogg"),
  SIGN (0, "fLaC", "audio/flac"),
  SIGN (0, "ID3", "audio/mpeg"),
  SIGN (0, "\xff\xfb", "audio/mpeg"),
  SIGN (0, "%PDF-", "application/pdf"),
};

static gboolean
stands_at (const guint8 *head, gsize len, gsize offset, const char *bytes, gsize n)
{
  return offset + n <= len && memcmp (head + offset, bytes, n) == 0;
}

static gboolean
is_media (const char *type)
{
  return g_str_has_prefix (type, "image/") || g_str_has_prefix (type, "video/")
         || g_str_has_prefix (type, "audio/");
}

static gboolean
is_vague (const char *type)
{
  return strcmp (type, "application/octet-stream") == 0 || strcmp (type, "text/plain") == 0
         || strcmp (type, "application/zip") == 0
         || strcmp (type, "application/x-ole-storage") == 0;
}

char *
desk_file_guess_type (const char *filename, const guint8 *head, gsize len)
{
  for (gsize i = 0; i < G_N_ELEMENTS (signatures); i++)
    {
      const Signature *s = &signatures[i];
      if (stands_at (head, len, s->offset, s->bytes, s->len)
          && (s->len2 == 0 || stands_at (head, len, s->offset2, s->bytes2, s->len2)))
        return g_strdup (s->type);
    }
  g_autofree char *guess = g_content_type_guess (NULL, head, len, NULL);
  g_autofree char *type = g_content_type_get_mime_type (guess);
  if (type == NULL || *type == '\0')
    {
      g_free (type);
      type = g_strdup ("application/octet-stream");
    }
  if (filename == NULL || !is_vague (type))
    return g_steal_pointer (&type);

  g_autofree char *named = g_content_type_guess (filename, head, len, NULL);
  g_autofree char *better = g_content_type_get_mime_type (named);
  if (better == NULL || *better == '\0' || is_media (better))
    return g_steal_pointer (&type);
  return g_steal_pointer (&better);
}

static guint
big16 (const guint8 *p)
{
  return (guint)p[0] << 8 | p[1];
}

static guint32
big32 (const guint8 *p)
{
  return (guint32)big16 (p) << 16 | big16 (p + 2);
}

/* Segments up to the first frame header (ITU-T T.81, section B.2.2). */
static gboolean
read_jpeg_size (const guint8 *head, gsize len, gint64 *out_width, gint64 *out_height)
{
  for (gsize at = 2; at + 9 <= len && head[at] == 0xff;)
    {
      const guint8 marker = head[at + 1];
      if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
        {
          *out_height = big16 (head + at + 5);
          *out_width = big16 (head + at + 7);
          return TRUE;
        }
      at += 2 + big16 (head + at + 2);
    }
  return FALSE;
}

gboolean
desk_file_read_picture_size (const guint8 *head, gsize len, gint64 *out_width, gint64 *out_height)
{
  if (len >= 24 && stands_at (head, len, 0, "\x89PNG\r\n\x1a\n", 8)
      && stands_at (head, len, 12, "IHDR", 4))
    {
      *out_width = big32 (head + 16) & G_MAXINT32;
      *out_height = big32 (head + 20) & G_MAXINT32;
      return TRUE;
    }
  if (len >= 10 && stands_at (head, len, 0, "GIF8", 4))
    {
      *out_width = head[6] | (gint64)head[7] << 8;
      *out_height = head[8] | (gint64)head[9] << 8;
      return TRUE;
    }
  if (len >= 4 && stands_at (head, len, 0, "\xff\xd8\xff", 3))
    return read_jpeg_size (head, len, out_width, out_height);
  return FALSE;
}
