/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * The random sources. The system source asks the kernel each time and keeps no state, so that it
 * is safe on every thread and across fork(2). The seeded one is xoshiro256** filled by
 * splitmix64 (Blackman and Vigna, public domain, prng.di.unimi.it).
 */

#include "common/desk-random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

struct _DeskRandom
{
  gatomicrefcount refs;
  gboolean seeded;
  guint64 state[4];
};

static DeskRandom system_random = { .refs = 1 };

DeskRandom *
desk_random_system (void)
{
  return &system_random;
}

static guint64
splitmix64 (guint64 *state)
{
  guint64 z = (*state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

DeskRandom *
desk_random_seeded_new (guint64 seed)
{
  DeskRandom *self = g_new0 (DeskRandom, 1);

  g_atomic_ref_count_init (&self->refs);
  self->seeded = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (self->state); i++)
    self->state[i] = splitmix64 (&seed);
  return self;
}

static inline guint64
rotate_left (guint64 x, int k)
{
  return (x << k) | (x >> (64 - k));
}

static guint64
xoshiro_next (guint64 *s)
{
  const guint64 result = rotate_left (s[1] * 5, 7) * 9;
  const guint64 t = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left (s[3], 45);
  return result;
}

static void
kernel_bytes (guint8 *out, gsize len)
{
  while (len > 0)
    {
      gssize n = getrandom (out, len, 0);

      if (n > 0)
        {
          out += n;
          len -= (gsize) n;
        }
      else if (n < 0 && errno != EINTR)
        {
          /* Going on with predictable ids and tokens would be worse than stopping. */
          g_error ("The kernel gives no random numbers: %s", g_strerror (errno));
        }
    }
}

guint64
desk_random_u64 (DeskRandom *self)
{
  guint64 result;

  if (self->seeded)
    return xoshiro_next (self->state);
  kernel_bytes ((guint8 *) &result, sizeof result);
  return result;
}

guint64
desk_random_below (DeskRandom *self, guint64 n)
{
  guint64 threshold, x;

  if (n == 0)
    return 0;
  /* 2^64 mod n: draws below it are the surplus that would favour small results. */
  threshold = (0 - n) % n;
  do
    x = desk_random_u64 (self);
  while (x < threshold);
  return x % n;
}

double
desk_random_double (DeskRandom *self)
{
  return (double) (desk_random_u64 (self) >> 11) * 0x1.0p-53;
}

void
desk_random_bytes (DeskRandom *self, void *out, gsize len)
{
  guint8 *bytes = out;

  if (!self->seeded)
    {
      kernel_bytes (bytes, len);
      return;
    }
  for (gsize i = 0; i < len; i += 8)
    {
      /* Little endian, so that a seed means the same on every machine. */
      guint64 x = GUINT64_TO_LE (xoshiro_next (self->state));

      memcpy (bytes + i, &x, MIN (len - i, sizeof x));
    }
}

DeskRandom *
desk_random_ref (DeskRandom *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (self != &system_random)
    g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
desk_random_unref (DeskRandom *self)
{
  g_return_if_fail (self != NULL);

  if (self != &system_random && g_atomic_ref_count_dec (&self->refs))
    g_free (self);
}
