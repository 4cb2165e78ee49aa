/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DeskJsonKeys:
 *
 * The keys of the objects that are open while JSON is scanned, to find duplicates. Keys are held
 * as 64-bit SipHash values under a secret of the process, so nobody can prepare collisions; two
 * different keys of one object of 100,000 are confused with a chance under 2^-31.
 *
 * All keys stand in one stack, those of the innermost object last. An object of more than
 * DESK_JSON_KEYS_LINEAR keys gets a hash table over its part. Memory is linear in the number of
 * keys that are open, time in the number of bytes.
 */
typedef struct
{
  guint64 *hashes;
  gsize n_hashes;
  gsize allocated;
} DeskJsonKeys;

/* The part of one object. All zero bytes plus @first make an empty one. */
typedef struct
{
  gsize first;    /* its first key in the stack */
  guint32 *slots; /* open addressing: index in the part plus 1, or 0 */
  gsize n_slots;  /* a power of two */
} DeskJsonKeySet;

#define DESK_JSON_KEYS_LINEAR 16

void desk_json_keys_open (DeskJsonKeys *self, DeskJsonKeySet *set);
void desk_json_keys_close (DeskJsonKeys *self, DeskJsonKeySet *set);

/* Adds a decoded key to the innermost object. Returns FALSE if it is there already. */
gboolean desk_json_keys_add (DeskJsonKeys *self, DeskJsonKeySet *set, const char *key, gsize len);

G_END_DECLS
