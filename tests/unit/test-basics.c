/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* Clock, random numbers, ids, waits and secrets. */

#include "common/desk-backoff.h"
#include "common/desk-clock.h"
#include "common/desk-crypto.h"
#include "common/desk-random.h"
#include "common/desk-uuid.h"

#include <string.h>

static void
test_clock (void)
{
  g_autoptr (DeskClock) clock = desk_clock_manual_new (1000);
  gint64 mono = desk_clock_monotonic_us (clock);
  gint64 real;

  g_assert_cmpint (mono, >, 0);
  g_assert_cmpint (desk_clock_now_ms (clock), ==, 1000);
  desk_clock_manual_advance_ms (clock, 250);
  g_assert_cmpint (desk_clock_now_ms (clock), ==, 1250);
  g_assert_cmpint (desk_clock_monotonic_us (clock), ==, mono + 250000);
  desk_clock_manual_set_wall_ms (clock, 5);
  g_assert_cmpint (desk_clock_now_ms (clock), ==, 5);
  g_assert_cmpint (desk_clock_monotonic_us (clock), ==, mono + 250000);

  real = g_get_real_time () / 1000;
  g_assert_cmpint (desk_clock_now_ms (desk_clock_system ()), >=, real);
  g_assert_cmpint (desk_clock_now_ms (desk_clock_system ()), <, real + 60000);
  for (int i = 0; i < 3; i++)
    desk_clock_unref (desk_clock_system ());
  g_assert_true (desk_clock_ref (desk_clock_system ()) == desk_clock_system ());
  g_assert_cmpint (desk_clock_monotonic_us (desk_clock_system ()), >, 0);
}

static gpointer
read_clock (gpointer data)
{
  gint64 last = 0;

  for (int i = 0; i < 20000; i++)
    {
      gint64 now = desk_clock_monotonic_us (data);

      g_assert_cmpint (now, >=, last);
      last = now;
    }
  desk_clock_unref (data);
  return NULL;
}

static void
test_clock_threads (void)
{
  g_autoptr (DeskClock) clock = desk_clock_manual_new (0);
  GThread *thread = g_thread_new ("reader", read_clock, desk_clock_ref (clock));

  for (int i = 0; i < 20000; i++)
    desk_clock_manual_advance_ms (clock, 1);
  g_thread_join (thread);
  g_assert_cmpint (desk_clock_now_ms (clock), ==, 20000);
}

static void
test_random_seeded (void)
{
  g_autoptr (DeskRandom) a = desk_random_seeded_new (1);
  g_autoptr (DeskRandom) b = desk_random_seeded_new (1);
  g_autoptr (DeskRandom) c = desk_random_seeded_new (2);
  guint8 x[13], y[13];

  /* First outputs of xoshiro256** seeded by splitmix64(1), computed independently. */
  g_assert_cmpuint (desk_random_u64 (a), ==, G_GUINT64_CONSTANT (0xb3f2af6d0fc710c5));
  g_assert_cmpuint (desk_random_u64 (a), ==, G_GUINT64_CONSTANT (0x853b559647364cea));
  desk_random_u64 (b);
  desk_random_u64 (b);
  g_assert_cmpuint (desk_random_u64 (a), !=, desk_random_u64 (c));
  desk_random_u64 (b);
  desk_random_bytes (a, x, sizeof x);
  desk_random_bytes (b, y, sizeof y);
  g_assert_cmpmem (x, sizeof x, y, sizeof y);
}

static void
assert_uniform (DeskRandom *random)
{
  guint counts[6] = { 0 };

  for (int i = 0; i < 12000; i++)
    {
      double d = desk_random_double (random);

      g_assert_true (d >= 0 && d < 1);
      counts[desk_random_below (random, 6)]++;
    }
  for (int i = 0; i < 6; i++)
    {
      g_assert_cmpuint (counts[i], >, 1600);
      g_assert_cmpuint (counts[i], <, 2400);
    }
}

static void
test_random_bounds (void)
{
  g_autoptr (DeskRandom) seeded = desk_random_seeded_new (9);
  DeskRandom *sources[] = { seeded, desk_random_system () };
  guint8 bytes[4] = { 0, 0, 0, 0xaa };

  for (int s = 0; s < 2; s++)
    {
      guint over_half = 0;

      g_assert_cmpuint (desk_random_below (sources[s], 0), ==, 0);
      g_assert_cmpuint (desk_random_below (sources[s], 1), ==, 0);
      assert_uniform (sources[s]);
      /* With a modulo alone, two thirds would fall into the lower half here. */
      for (int i = 0; i < 2000; i++)
        over_half += desk_random_below (sources[s], G_GUINT64_CONSTANT (3) << 62)
                     >= G_GUINT64_CONSTANT (3) << 61;
      g_assert_cmpuint (over_half, >, 850);
      g_assert_cmpuint (over_half, <, 1150);
      desk_random_bytes (sources[s], bytes, 3);
      g_assert_cmpuint (bytes[3], ==, 0xaa);
    }
  desk_random_unref (desk_random_system ());
  g_assert_true (desk_random_ref (desk_random_system ()) == desk_random_system ());
  g_assert_cmpuint (desk_random_u64 (desk_random_system ()), !=,
                    desk_random_u64 (desk_random_system ()));
}

static void
test_uuid_form (void)
{
  g_autoptr (DeskClock) clock = desk_clock_manual_new (G_GINT64_CONSTANT (0x017f22e279b0));
  g_autoptr (DeskRandom) random = desk_random_seeded_new (1);
  g_autoptr (DeskRandom) again = desk_random_seeded_new (1);
  g_autofree char *first = NULL;

  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *id = desk_uuid7_new (clock, random);
      g_autofree char *same = desk_uuid7_new (clock, again);

      g_assert_cmpstr (id, ==, same);
      g_assert_true (g_uuid_string_is_valid (id));
      g_assert_true (g_str_has_prefix (id, "017f22e2-79b0-7"));
      g_assert_nonnull (strchr ("89ab", id[19]));
      g_assert_cmpstr (id, !=, first);
      if (first == NULL)
        first = g_steal_pointer (&id);
    }
}

static void
test_uuid_order (void)
{
  g_autoptr (DeskRandom) fast = desk_random_seeded_new (1);
  g_autofree char *last = g_strdup ("");

  /* More than one millisecond's counter holds: the fast source makes it run out. */
  for (int i = 0; i < 200000; i++)
    {
      char *id = desk_uuid7_new (desk_clock_system (), fast);

      g_assert_cmpstr (last, <, id);
      g_free (last);
      last = id;
    }
}

static gpointer
make_ids (gpointer data)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);

  for (int i = 0; i < 5000; i++)
    g_ptr_array_add (ids, desk_uuid7_new (desk_clock_system (), desk_random_system ()));
  return ids;
}

static void
test_uuid_threads (void)
{
  g_autoptr (GHashTable) all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GThread *threads[3];

  for (int t = 0; t < 3; t++)
    threads[t] = g_thread_new ("ids", make_ids, NULL);
  for (int t = 0; t < 3; t++)
    {
      g_autoptr (GPtrArray) ids = g_thread_join (threads[t]);

      for (guint i = 0; i < ids->len; i++)
        {
          if (i > 0)
            g_assert_cmpstr (ids->pdata[i - 1], <, ids->pdata[i]);
          /* The 60 bits of time and counter alone are unique. */
          g_assert_true (g_hash_table_add (all, g_strndup (ids->pdata[i], 18)));
        }
    }
}

static void
assert_backoff (guint attempt, gint64 base, gint64 cap, gint64 expected)
{
  g_autoptr (DeskRandom) random = desk_random_seeded_new (attempt);
  gint64 full_min = G_MAXINT64, full_max = -1, equal_min = G_MAXINT64, equal_max = -1;
  gint64 spread = expected / 5;

  for (int i = 0; i < 2000; i++)
    {
      gint64 full = desk_backoff_full_jitter_ms (attempt, base, cap, random);
      gint64 equal = desk_backoff_equal_jitter_ms (attempt, base, cap, random);

      full_min = MIN (full, full_min);
      full_max = MAX (full, full_max);
      equal_min = MIN (equal, equal_min);
      equal_max = MAX (equal, equal_max);
    }
  g_assert_cmpint (full_min, >=, 0);
  g_assert_cmpint (full_min, <=, expected / 50);
  g_assert_cmpint (full_max, <=, expected);
  g_assert_cmpint (full_max, >=, expected - expected / 50);
  g_assert_cmpint (equal_min, >=, expected - spread);
  g_assert_cmpint (equal_min, <=, expected - spread + spread / 10);
  g_assert_cmpint (equal_max, >=, MIN (expected, G_MAXINT64 - spread) + spread - spread / 10);
  if (expected < G_MAXINT64 - spread)
    g_assert_cmpint (equal_max, <=, expected + spread);
}

static void
test_backoff (void)
{
  g_autoptr (DeskRandom) random = desk_random_seeded_new (1);

  /* both ends are reached, and nothing beyond */
  for (int i = 0, seen = 0; seen != 7; i++)
    {
      gint64 wait = desk_backoff_full_jitter_ms (1, 1, 2, random);

      g_assert_true (wait >= 0 && wait <= 2);
      g_assert_cmpint (i, <, 1000);
      seen |= 1 << wait;
    }
  assert_backoff (0, 500, 30000, 500);
  assert_backoff (1, 500, 30000, 1000);
  assert_backoff (5, 500, 30000, 16000);
  assert_backoff (6, 500, 30000, 30000);
  assert_backoff (7, 500, 30000, 30000);
  assert_backoff (63, 500, 30000, 30000);
  assert_backoff (64, 500, 30000, 30000);
  assert_backoff (G_MAXUINT, 500, 30000, 30000);
  assert_backoff (G_MAXUINT, 1, G_MAXINT64, G_MAXINT64);
  assert_backoff (62, 1, G_MAXINT64, G_GINT64_CONSTANT (1) << 62);
  assert_backoff (63, 1, G_MAXINT64, G_MAXINT64);
  assert_backoff (0, G_MAXINT64, G_MAXINT64, G_MAXINT64);
  assert_backoff (0, 5000, 100, 100);
  g_assert_cmpint (desk_backoff_full_jitter_ms (9, 0, 100, random), ==, 0);
  g_assert_cmpint (desk_backoff_full_jitter_ms (9, -5, 100, random), ==, 0);
  g_assert_cmpint (desk_backoff_equal_jitter_ms (9, 5, -100, random), ==, 0);
}

static void
test_secrets (void)
{
  g_autoptr (DeskRandom) random = desk_random_seeded_new (5);
  char secret[] = "hunter2";
  static const char zeros[sizeof secret] = { 0 };

  g_assert_true (desk_secure_equal (NULL, 0, NULL, 0));
  g_assert_true (desk_secure_equal ("a\0b", 3, "a\0b", 3));
  g_assert_false (desk_secure_equal ("a\0b", 3, "a\0c", 3));
  g_assert_false (desk_secure_equal ("b\0b", 3, "a\0b", 3));
  g_assert_false (desk_secure_equal ("abc", 3, "abcd", 4));
  g_assert_false (desk_secure_equal ("abc", 3, "", 0));
  for (int bit = 0; bit < 8; bit++)
    {
      guint8 a = 0x5a;
      guint8 b = (guint8) (a ^ 1 << bit);

      g_assert_false (desk_secure_equal (&a, 1, &b, 1));
    }
  desk_secure_clear (secret);
  g_assert_cmpmem (secret, sizeof secret, zeros, sizeof zeros);
  desk_secure_clear (NULL);

  for (int i = 0; i < 200; i++)
    {
      g_autofree char *a = desk_token_new (desk_random_system ());
      g_autofree char *b = desk_token_new (random);

      g_assert_cmpuint (strlen (a), ==, 43);
      g_assert_cmpuint (strlen (b), ==, 43);
      g_assert_cmpuint (strspn (b, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_"),
                        ==, 43);
      g_assert_cmpstr (a, !=, b);
    }
}

static void
test_digests (void)
{
  g_autofree char *empty = desk_sha256_hex (NULL, 0);
  g_autofree char *abc = desk_sha256_hex ("abc", 3);
  /* RFC 4231, test cases 2 and 1 */
  g_autofree char *jefe = desk_hmac_sha256_hex ("Jefe", 4, "what do ya want for nothing?", 28);
  g_autofree char *hi = desk_hmac_sha256_hex ("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
                                              "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
                                              20, "Hi There", 8);
  g_autofree char *none = desk_hmac_sha256_hex (NULL, 0, NULL, 0);

  g_assert_cmpstr (empty, ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  g_assert_cmpstr (abc, ==, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  g_assert_cmpstr (jefe, ==, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  g_assert_cmpstr (hi, ==, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  g_assert_cmpstr (none, ==, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/manual", test_clock);
  g_test_add_func ("/clock/threads", test_clock_threads);
  g_test_add_func ("/random/seeded", test_random_seeded);
  g_test_add_func ("/random/bounds", test_random_bounds);
  g_test_add_func ("/uuid/form", test_uuid_form);
  g_test_add_func ("/uuid/order", test_uuid_order);
  g_test_add_func ("/uuid/threads", test_uuid_threads);
  g_test_add_func ("/backoff/bounds", test_backoff);
  g_test_add_func ("/crypto/secrets", test_secrets);
  g_test_add_func ("/crypto/digests", test_digests);
  return g_test_run ();
}
