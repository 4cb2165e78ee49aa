/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Checksums as Meta writes them. Apart from the fetcher, since normalizers read them, too.
 * Invariant: pure. */

#include "server/connectors/meta/desk-meta-fetch.h"

#include <string.h>

char *
desk_meta_sha256_hex (const char *text)
{
  static const char digits[] = "0123456789abcdef";
  g_autofree guchar *bytes = NULL;
  gsize len = 0;
  char *hex;

  if (text == NULL)
    return NULL;
  if (strlen (text) == 64 && strspn (text, "0123456789abcdefABCDEF") == 64)
    return g_ascii_strdown (text, -1);
  if (strlen (text) != 44)
    return NULL;
  bytes = g_base64_decode (text, &len);
  if (len != 32)
    return NULL;
  hex = g_malloc0 (65);
  for (gsize i = 0; i < len; i++)
    {
      hex[2 * i] = digits[bytes[i] >> 4];
      hex[2 * i + 1] = digits[bytes[i] & 15];
    }
  return hex;
}
