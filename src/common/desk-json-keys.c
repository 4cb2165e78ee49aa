/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * Duplicate keys of JSON objects; see the header for the invariants. The hash is SipHash-1-3
 * (Aumasson and Bernstein, public domain).
 */

#include "common/desk-json-keys-private.h"

#include "common/desk-random.h"

#include <string.h>

static inline guint64
rotate_left (guint64 x, int k)
{
  return (x << k) | (x >> (64 - k));
}

static inline void
sip_round (guint64 v[4])
{
  v[0] += v[1];
  v[1] = rotate_left (v[1], 13) ^ v[0];
  v[0] = rotate_left (v[0], 32);
  v[2] += v[3];
  v[3] = rotate_left (v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = rotate_left (v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = rotate_left (v[1], 17) ^ v[2];
  v[2] = rotate_left (v[2], 32);
}

static guint64
sip_hash (const guint64 key[2], const char *data, gsize len)
{
  guint64 v[4] = { key[0] ^ G_GUINT64_CONSTANT (0x736f6d6570736575),
                   key[1] ^ G_GUINT64_CONSTANT (0x646f72616e646f6d),
                   key[0] ^ G_GUINT64_CONSTANT (0x6c7967656e657261),
                   key[1] ^ G_GUINT64_CONSTANT (0x7465646279746573) };
  gsize left = len;
  guint64 word;

  for (; left >= 8; data += 8, left -= 8)
    {
      memcpy (&word, data, 8);
      v[3] ^= word;
      sip_round (v);
      v[0] ^= word;
    }
  word = 0;
  memcpy (&word, data, left);
  word ^= (guint64) len << 56;
  v[3] ^= word;
  sip_round (v);
  v[0] ^= word;
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++)
    sip_round (v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const guint64 *
process_secret (void)
{
  static guint64 secret[2];
  static gsize once;

  if (g_once_init_enter (&once))
    {
      desk_random_bytes (desk_random_system (), secret, sizeof secret);
      g_once_init_leave (&once, 1);
    }
  return secret;
}

void
desk_json_keys_open (DeskJsonKeys *self, DeskJsonKeySet *set)
{
  set->first = self->n_hashes;
  set->slots = NULL;
  set->n_slots = 0;
}

void
desk_json_keys_close (DeskJsonKeys *self, DeskJsonKeySet *set)
{
  self->n_hashes = set->first;
  g_clear_pointer (&set->slots, g_free);
}

static void
push (DeskJsonKeys *self, guint64 hash)
{
  if (self->n_hashes == self->allocated)
    {
      self->allocated = MAX (64, self->allocated * 2);
      self->hashes = g_renew (guint64, self->hashes, self->allocated);
    }
  self->hashes[self->n_hashes++] = hash;
}

/* Puts key @index of the part into the table; FALSE if an equal one is there. */
static gboolean
insert (DeskJsonKeySet *set, const guint64 *part, gsize index)
{
  gsize mask = set->n_slots - 1;
  gsize slot = (gsize) part[index] & mask;

  for (; set->slots[slot] != 0; slot = (slot + 1) & mask)
    if (part[set->slots[slot] - 1] == part[index])
      return FALSE;
  set->slots[slot] = (guint32) index + 1;
  return TRUE;
}

/* Makes a table with room for twice the keys there are. They are known to differ. */
static void
rebuild (DeskJsonKeySet *set, const guint64 *part, gsize n)
{
  g_free (set->slots);
  set->n_slots = MAX (64, set->n_slots * 2);
  set->slots = g_new0 (guint32, set->n_slots);
  for (gsize i = 0; i < n; i++)
    insert (set, part, i);
}

gboolean
desk_json_keys_add (DeskJsonKeys *self, DeskJsonKeySet *set, const char *key, gsize len)
{
  guint64 hash = sip_hash (process_secret (), key, len);
  gsize n = self->n_hashes - set->first;
  const guint64 *part;

  push (self, hash);
  part = self->hashes + set->first;
  if (n < DESK_JSON_KEYS_LINEAR)
    {
      for (gsize i = 0; i < n; i++)
        if (part[i] == hash)
          return FALSE;
      return TRUE;
    }
  if (set->slots == NULL || (n + 1) * 2 > set->n_slots)
    rebuild (set, part, n);
  return insert (set, part, n);
}
