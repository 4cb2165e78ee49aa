/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Token buckets that may go into debt: a turn is taken at once and its time told, so that turns
 * come in the order in which they were taken.
 * Invariant: bounded: buckets that are full again are forgotten. */

#include "server/connectors/telegram/desk-telegram-limiter.h"

#include <math.h>

#define CHAT_RATE    1.0 /* tokens a second */
#define CHAT_BURST   5.0
#define GROUP_RATE   (20.0 / 60.0)
#define GROUP_BURST  20.0
#define ALL_RATE     30.0
#define ALL_BURST    30.0
#define MAX_BUCKETS  2000
#define MAX_BLOCK_MS (3600 * 1000)

typedef struct
{
  double tokens;
  gint64 at_us;
} Bucket;

typedef struct
{
  gint64 id;
  Bucket chat;
  Bucket group;
  gint64 blocked_until_us;
} Chat;

struct _DeskTelegramLimiter
{
  DeskClock *clock;
  Bucket all;
  GHashTable *chats; /* gint64* (in the value) → Chat */
};

DeskTelegramLimiter *
desk_telegram_limiter_new (DeskClock *clock)
{
  g_return_val_if_fail (clock != NULL, NULL);
  DeskTelegramLimiter *self = g_new0 (DeskTelegramLimiter, 1);

  self->clock = desk_clock_ref (clock);
  self->all = (Bucket){ ALL_BURST, desk_clock_monotonic_us (clock) };
  self->chats = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  return self;
}

void
desk_telegram_limiter_free (DeskTelegramLimiter *self)
{
  if (self == NULL)
    return;
  desk_clock_unref (self->clock);
  g_hash_table_unref (self->chats);
  g_free (self);
}

static void
refill (Bucket *bucket, double rate, double burst, gint64 now_us)
{
  bucket->tokens
      = MIN (burst, bucket->tokens + rate * (double)MAX (now_us - bucket->at_us, 0) / 1e6);
  bucket->at_us = now_us;
}

static gint64
take (Bucket *bucket, double rate, double burst, gint64 now_us)
{
  refill (bucket, rate, burst, now_us);
  bucket->tokens -= 1.0;
  return bucket->tokens >= 0 ? 0 : (gint64)ceil (-bucket->tokens / rate * 1000.0);
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer data)
{
  Chat *chat = value;
  const gint64 now_us = *(gint64 *)data;

  refill (&chat->chat, CHAT_RATE, CHAT_BURST, now_us);
  refill (&chat->group, GROUP_RATE, GROUP_BURST, now_us);
  return chat->chat.tokens >= CHAT_BURST && chat->group.tokens >= GROUP_BURST
         && chat->blocked_until_us <= now_us;
}

static Chat *
find_chat (DeskTelegramLimiter *self, gint64 chat_id, gint64 now_us)
{
  Chat *chat = g_hash_table_lookup (self->chats, &chat_id);

  if (chat != NULL)
    return chat;
  if (g_hash_table_size (self->chats) >= MAX_BUCKETS)
    g_hash_table_foreach_remove (self->chats, is_idle, &now_us);
  chat = g_new0 (Chat, 1);
  chat->id = chat_id;
  chat->chat = (Bucket){ CHAT_BURST, now_us };
  chat->group = (Bucket){ GROUP_BURST, now_us };
  g_hash_table_insert (self->chats, &chat->id, chat);
  return chat;
}

gint64
desk_telegram_limiter_take (DeskTelegramLimiter *self, gint64 chat_id)
{
  g_return_val_if_fail (self != NULL, 0);
  const gint64 now_us = desk_clock_monotonic_us (self->clock);
  Chat *chat = find_chat (self, chat_id, now_us);
  const gint64 of_all_ms = take (&self->all, ALL_RATE, ALL_BURST, now_us);
  const gint64 of_chat_ms = take (&chat->chat, CHAT_RATE, CHAT_BURST, now_us);
  const gint64 of_group_ms
      = chat_id < 0 ? take (&chat->group, GROUP_RATE, GROUP_BURST, now_us) : 0;
  const gint64 wait_ms = MAX (MAX (of_all_ms, of_chat_ms), of_group_ms);

  return MAX (wait_ms, (chat->blocked_until_us - now_us + 999) / 1000);
}

void
desk_telegram_limiter_block (DeskTelegramLimiter *self, gint64 chat_id, gint64 wait_ms)
{
  g_return_if_fail (self != NULL);
  const gint64 now_us = desk_clock_monotonic_us (self->clock);
  Chat *chat = find_chat (self, chat_id, now_us);

  chat->blocked_until_us
      = MAX (chat->blocked_until_us, now_us + CLAMP (wait_ms, 0, MAX_BLOCK_MS) * 1000);
}

void
desk_telegram_limiter_wait (gint64 wait_ms,
                            GCancellable *cancellable,
                            GSourceFunc callback,
                            gpointer data)
{
  g_autoptr (GSource) timer = g_timeout_source_new ((guint)CLAMP (wait_ms, 0, G_MAXINT32));

  if (cancellable != NULL)
    {
      g_autoptr (GSource) end = g_cancellable_source_new (cancellable);
      g_source_set_dummy_callback (end);
      g_source_add_child_source (timer, end);
    }
  g_source_set_callback (timer, callback, data, NULL);
  g_source_attach (timer, NULL);
}
