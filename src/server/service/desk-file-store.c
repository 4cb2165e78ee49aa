/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* What every store of files shares: its values, and what may be the name of a file. */

#include "server/service/desk-file-store.h"

#include <string.h>

#include "common/desk-crypto.h"
#include "common/desk-text.h"
#include "protocol/desk-wire.h"

#define MAX_NAME_BYTES      200
#define MAX_EXTENSION_BYTES 16

G_DEFINE_QUARK (desk - file - store - error - quark, desk_file_store_error)

void
desk_stored_file_free (DeskStoredFile *self)
{
  if (self == NULL)
    return;
  g_free (self->hash);
  g_free (self->filename);
  g_free (self->mime_type);
  g_free (self);
}

void
desk_file_upload_cancel (DeskFileUpload *self)
{
  if (self != NULL)
    self->ops->cancel (self);
}

/* Controls, and what turns the direction of writing: "exe.gpj" must not read as "jpg.exe". */
static gboolean
is_treacherous (gunichar c)
{
  return g_unichar_iscntrl (c) || (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e)
         || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029 || c == 0xfeff;
}

static char *
cut (const char *name)
{
  const char *dot = strrchr (name, '.');
  gsize extension = dot != NULL && dot != name ? strlen (dot) : 0;

  if (strlen (name) <= MAX_NAME_BYTES)
    return g_strdup (name);
  if (extension > MAX_EXTENSION_BYTES)
    extension = 0;
  gsize keep = MAX_NAME_BYTES - extension;
  while (keep > 0 && ((guchar)name[keep] & 0xc0) == 0x80)
    keep--;
  g_autofree char *stem = g_strndup (name, keep);
  return g_strconcat (stem, extension > 0 ? dot : NULL, NULL);
}

char *
desk_file_name_clean (const char *name)
{
  g_autofree char *text = desk_text_sanitize_utf8 (name != NULL ? name : "", -1);
  g_autoptr (GString) clean = g_string_new (NULL);
  const char *base = text;

  for (const char *p = text; *p != '\0'; p++)
    if (*p == '/' || *p == '\\')
      base = p + 1;
  for (const char *p = base; *p != '\0'; p = g_utf8_next_char (p))
    if (!is_treacherous (g_utf8_get_char (p)))
      g_string_append_unichar (clean, g_utf8_get_char (p));
  g_strstrip (clean->str);
  const char *start = clean->str;
  while (*start == '.' || *start == ' ')
    start++;
  return *start != '\0' ? cut (start) : g_strdup ("file");
}

gboolean
desk_file_hash_is_valid (const char *text)
{
  return text != NULL && strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64;
}

/* ── Links ──────────────────────────────────────────────────────────────────────────────────── */
char *
desk_file_store_make_signature (DeskFileStore *store, const char *hash, const char *expires)
{
  g_return_val_if_fail (store != NULL && hash != NULL && expires != NULL, NULL);
  g_autofree char *text = g_strconcat (hash, "\n", expires, NULL);

  return desk_hmac_sha256_hex (store->ops->get_key (store), DESK_FILE_KEY_BYTES, text,
                               strlen (text));
}

char *
desk_file_store_sign_link (DeskFileStore *store, const char *hash, gint64 now_ms)
{
  g_autofree char *expires
      = g_strdup_printf ("%" G_GINT64_FORMAT, (now_ms + DESK_LINK_LIFE_MS) / 1000);
  g_autofree char *signature = desk_file_store_make_signature (store, hash, expires);

  return g_strconcat (DESK_LINK_FILES, hash, "?expires=", expires, "&sig=", signature, NULL);
}
