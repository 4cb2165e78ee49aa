/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * Digests, tokens and the two rules for secrets: compare in constant time, overwrite after use.
 * The digests are GLib's; nothing here is a cipher of our own.
 */

#include "common/desk-crypto.h"

#include <string.h>

#define TOKEN_BYTES 32

gboolean
desk_secure_equal (const void *a, gsize a_len, const void *b, gsize b_len)
{
  const volatile guint8 *x = a;
  const volatile guint8 *y = b;
  guint8 difference = 0;

  /* The length of a token or digest is no secret. */
  if (a_len != b_len)
    return FALSE;
  for (gsize i = 0; i < a_len; i++)
    difference |= x[i] ^ y[i];
  return difference == 0;
}

char *
desk_sha256_hex (const void *data, gsize len)
{
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, len > 0 ? data : (const void *) "", len);
}

char *
desk_hmac_sha256_hex (const void *key, gsize key_len, const void *data, gsize len)
{
  const guint8 *key_bytes = key_len > 0 ? key : (const void *) "";

  return g_compute_hmac_for_data (G_CHECKSUM_SHA256, key_bytes, key_len,
                                  len > 0 ? data : (const void *) "", len);
}

char *
desk_token_new (DeskRandom *random)
{
  guint8 bytes[TOKEN_BYTES];
  char *text;

  g_return_val_if_fail (random != NULL, NULL);

  desk_random_bytes (random, bytes, sizeof bytes);
  text = g_base64_encode (bytes, sizeof bytes);
  explicit_bzero (bytes, sizeof bytes);
  for (char *p = text; *p != '\0'; p++)
    {
      if (*p == '+')
        *p = '-';
      else if (*p == '/')
        *p = '_';
      else if (*p == '=')
        *p = '\0'; /* padding is at the end: the loop stops behind it */
      if (*p == '\0')
        break;
    }
  return text;
}

void
desk_secure_clear (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
}
