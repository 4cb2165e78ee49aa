/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-random.h"

G_BEGIN_DECLS

/**
 * desk_secure_equal:
 * @a: (nullable): bytes; may be %NULL when @a_len is 0
 * @a_len: their number
 * @b: (nullable): bytes
 * @b_len: their number
 *
 * Compares secrets. The time depends on the lengths alone, never on the content.
 *
 * Returns: whether both are the same
 */
gboolean desk_secure_equal (const void *a, gsize a_len, const void *b, gsize b_len);

/**
 * desk_sha256_hex:
 *
 * Returns: (transfer full): SHA-256 of @data in 64 lower case hex digits
 */
char *desk_sha256_hex (const void *data, gsize len);

/**
 * desk_hmac_sha256_hex:
 *
 * Returns: (transfer full): HMAC-SHA-256 (RFC 2104) in 64 lower case hex digits
 */
char *desk_hmac_sha256_hex (const void *key, gsize key_len, const void *data, gsize len);

/**
 * desk_token_new:
 * @random: the system source, except in tests
 *
 * Returns: (transfer full): 32 random bytes as base64url (RFC 4648, section 5) without padding:
 *   43 characters
 */
char *desk_token_new (DeskRandom *random);

/**
 * desk_secure_clear:
 * @text: (nullable): a writable string
 *
 * Overwrites @text up to its NUL in a way that the compiler keeps. Does not free it.
 */
void desk_secure_clear (char *text);

G_END_DECLS
