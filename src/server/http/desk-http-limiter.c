/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-http"

#include "config.h"

/* Token buckets.
 * Invariants: a bucket never holds more than a minute's worth; at most MAX_BUCKETS are kept, and
 * what is forgotten first is full again anyway, or, in a flood of addresses, any. */

#include "server/http/desk-http-limiter.h"

#include <netinet/in.h>
#include <string.h>

#define MAX_BUCKETS 65536

typedef struct
{
  guint64 key;
  gint64 level_us; /* what is left, in µs of refilling: one request costs 60 s / per_minute */
  gint64 filled_us;
} Bucket;

struct _DeskHttpLimiter
{
  GMutex mutex;
  GHashTable *buckets; /* Bucket.key → Bucket */
  guint per_minute;
  DeskClock *clock;
};

#define FULL_US (60 * G_USEC_PER_SEC)

DeskHttpLimiter *
desk_http_limiter_new (guint per_minute, DeskClock *clock)
{
  DeskHttpLimiter *self = g_new0 (DeskHttpLimiter, 1);

  g_mutex_init (&self->mutex);
  self->buckets = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  self->per_minute = per_minute;
  self->clock = desk_clock_ref (clock);
  return self;
}

void
desk_http_limiter_free (DeskHttpLimiter *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->buckets);
  desk_clock_unref (self->clock);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

guint64
desk_http_limiter_key_token (gint64 token_id)
{
  return (guint64)token_id;
}

guint64
desk_http_limiter_key_address (const struct sockaddr *address)
{
  guint64 key = 0;

  if (address != NULL && address->sa_family == AF_INET)
    key = ntohl (((const struct sockaddr_in *)address)->sin_addr.s_addr);
  else if (address != NULL && address->sa_family == AF_INET6)
    {
      const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
      if (IN6_IS_ADDR_V4MAPPED (in6))
        memcpy (&key, in6->s6_addr + 8, 8);
      else
        memcpy (&key, in6->s6_addr, 8);
    }
  return key | (G_GUINT64_CONSTANT (1) << 63); /* apart from tokens */
}

static void
refill (Bucket *bucket, gint64 now_us)
{
  bucket->level_us = MIN (FULL_US, bucket->level_us + (now_us - bucket->filled_us));
  bucket->filled_us = now_us;
}

static gboolean
is_full (gpointer key, gpointer value, gpointer data)
{
  refill (value, *(gint64 *)data);
  return ((Bucket *)value)->level_us == FULL_US;
}

static Bucket *
find_bucket (DeskHttpLimiter *self, guint64 key, gint64 now_us)
{
  Bucket *bucket = g_hash_table_lookup (self->buckets, &key);

  if (bucket != NULL)
    return bucket;
  if (g_hash_table_size (self->buckets) >= MAX_BUCKETS
      && g_hash_table_foreach_remove (self->buckets, is_full, &now_us) == 0)
    g_hash_table_remove_all (self->buckets);
  bucket = g_new0 (Bucket, 1);
  bucket->key = key;
  bucket->level_us = FULL_US;
  bucket->filled_us = now_us;
  g_hash_table_insert (self->buckets, &bucket->key, bucket);
  return bucket;
}

gboolean
desk_http_limiter_take (DeskHttpLimiter *self, guint64 key, gint64 *out_retry_after_s)
{
  if (self->per_minute == 0)
    return TRUE;

  const gint64 cost_us = FULL_US / self->per_minute;
  const gint64 now_us = desk_clock_monotonic_us (self->clock);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Bucket *bucket = find_bucket (self, key, now_us);

  refill (bucket, now_us);
  if (bucket->level_us < cost_us)
    {
      const gint64 missing_us = cost_us - bucket->level_us;
      *out_retry_after_s = (missing_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
      return FALSE;
    }
  bucket->level_us -= cost_us;
  return TRUE;
}
