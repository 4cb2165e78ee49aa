/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DeskRandom:
 *
 * A source of random numbers. The system source is cryptographically strong and may be used on
 * any thread; a seeded one is repeatable, belongs to one thread at a time and is for tests,
 * simulation and jitter only, never for keys or tokens.
 */
typedef struct _DeskRandom DeskRandom;

/**
 * desk_random_system:
 *
 * The kernel's generator (getrandom(2)).
 *
 * Returns: (transfer none): a singleton; ref and unref of it do nothing
 */
DeskRandom *desk_random_system (void);

/**
 * desk_random_seeded_new:
 * @seed: any number; the same seed gives the same sequence on every machine
 *
 * Returns: (transfer full): a repeatable source (xoshiro256**)
 */
DeskRandom *desk_random_seeded_new (guint64 seed);

/**
 * desk_random_u64:
 *
 * Returns: 64 uniformly random bits
 */
guint64 desk_random_u64 (DeskRandom *self);

/**
 * desk_random_below:
 * @n: upper bound, excluded; 0 gives 0
 *
 * Returns: a uniform number from 0 to @n - 1, without modulo bias
 */
guint64 desk_random_below (DeskRandom *self, guint64 n);

/**
 * desk_random_double:
 *
 * Returns: a uniform number, 0 included, 1 excluded
 */
double desk_random_double (DeskRandom *self);

/**
 * desk_random_bytes:
 * @out: (out caller-allocates): buffer
 * @len: its size in bytes
 *
 * Fills @out.
 */
void desk_random_bytes (DeskRandom *self, void *out, gsize len);

DeskRandom *desk_random_ref (DeskRandom *self);
void desk_random_unref (DeskRandom *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskRandom, desk_random_unref)

G_END_DECLS
