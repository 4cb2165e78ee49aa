/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-common"

#include "config.h"

/*
 * UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, version, 12 bits "rand_a",
 * variant, 62 bits "rand_b". For the system clock rand_a is a counter (section 6.2, method 1)
 * that begins each millisecond at a random value below 2048, so that there is room to count; when
 * it runs out, or the clock goes back, the time field runs ahead of the clock. The counter is one
 * for the whole process.
 */

#include "common/desk-uuid.h"

#define COUNTER_MAX 0xfff
#define COUNTER_START_MAX 0x7ff

static GMutex sequence_lock;
static gint64 sequence_ms;      /* protected by sequence_lock */
static guint16 sequence_count;  /* protected by sequence_lock */

/* Makes (*ms, *count) greater than every pair given out before. */
static void
take_sequence (gint64 *ms, guint16 *count)
{
  g_mutex_lock (&sequence_lock);
  if (*ms > sequence_ms)
    {
      sequence_ms = *ms;
      sequence_count = *count & COUNTER_START_MAX;
    }
  else if (sequence_count < COUNTER_MAX)
    {
      sequence_count++;
    }
  else
    {
      sequence_ms++;
      sequence_count = *count & COUNTER_START_MAX;
    }
  *ms = sequence_ms;
  *count = sequence_count;
  g_mutex_unlock (&sequence_lock);
}

static char *
format_uuid (const guint8 bytes[16])
{
  static const char hex[] = "0123456789abcdef";
  char *result = g_malloc (37);
  char *p = result;

  for (int i = 0; i < 16; i++)
    {
      if (i == 4 || i == 6 || i == 8 || i == 10)
        *p++ = '-';
      *p++ = hex[bytes[i] >> 4];
      *p++ = hex[bytes[i] & 15];
    }
  *p = '\0';
  return result;
}

char *
desk_uuid7_new (DeskClock *clock, DeskRandom *random)
{
  guint8 bytes[16];
  gint64 ms;
  guint16 count;

  g_return_val_if_fail (clock != NULL, NULL);
  g_return_val_if_fail (random != NULL, NULL);

  desk_random_bytes (random, bytes + 6, 10);
  count = (guint16) ((bytes[6] & 0x0f) << 8 | bytes[7]);
  ms = MAX (desk_clock_now_ms (clock), 0);
  if (clock == desk_clock_system ())
    take_sequence (&ms, &count);

  for (int i = 0; i < 6; i++)
    bytes[i] = (guint8) (ms >> (40 - 8 * i));
  bytes[6] = 0x70 | (guint8) (count >> 8);
  bytes[7] = (guint8) count;
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return format_uuid (bytes);
}
