/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "common/desk-random.h"
#include "store-fixture.h"

/* Pages, live messages and trims in random order against a naive model: two arrays of flags. */

#define MAX_SEQ 60

typedef struct
{
  DeskRandom *random;
  gint64 server_last;
  gint64 server_first;
  gboolean exists[MAX_SEQ + 2]; /* on the server: some are hidden */
  gboolean known[MAX_SEQ + 2];  /* covered in the cache */
  gboolean cached[MAX_SEQ + 2];
  gint64 told_last;  /* newest that the cache has heard of */
  gint64 told_first;
} Model;

static void
do_page (Model *m, DeskBatch *batch)
{
  gint64 before = 1 + desk_random_below (m->random, m->server_last + 1);
  guint limit = 1 + desk_random_below (m->random, 8);
  g_autoptr (GPtrArray) page = make_messages ();
  gint64 lowest = before, highest = 0, seq;
  gboolean start, end = TRUE;

  for (seq = before - 1; seq >= m->server_first && page->len < limit; seq--)
    if (m->exists[seq])
      {
        g_ptr_array_add (page, make_message (U, seq, 1, "text"));
        lowest = seq;
        highest = MAX (highest, seq);
        m->cached[seq] = TRUE;
      }
  if (page->len == 0)
    {
      if (before > 1)
        desk_batch_cover (batch, P, U, 1, before - 1);
      for (seq = 1; seq < before; seq++)
        m->known[seq] = TRUE;
      return;
    }
  start = page->len < limit;
  for (seq = highest + 1; seq <= m->server_last; seq++)
    if (m->exists[seq])
      end = FALSE;
  end = end && m->told_last <= m->server_last && desk_random_below (m->random, 2) == 0;
  desk_batch_page (batch, P, U, page, start, end);
  m->told_last = MAX (m->told_last, highest);
  for (seq = start ? 1 : lowest; seq <= (end ? m->told_last : highest); seq++)
    m->known[seq] = TRUE;
}

static void
do_message (Model *m, DeskBatch *batch)
{
  g_autoptr (DeskEvent) event = NULL;

  if (m->server_last == MAX_SEQ)
    return;
  m->server_last++;
  m->exists[m->server_last] = desk_random_below (m->random, 6) != 0;
  if (!m->exists[m->server_last] || desk_random_below (m->random, 3) == 0)
    return; /* missed or hidden */
  event = make_message_event (DESK_EVENT_NEW_MESSAGE, make_message (U, m->server_last, 1, "live"));
  desk_batch_event (batch, event, "me");
  m->known[m->server_last] = m->cached[m->server_last] = TRUE;
  m->told_last = m->server_last;
}

static void
do_trim (Model *m, DeskBatch *batch)
{
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_CHAT_TRIMMED);

  if (m->server_last == 0 || desk_random_below (m->random, 4) != 0)
    return;
  m->server_first += desk_random_below (m->random, 3);
  m->server_first = MIN (m->server_first, m->server_last);
  event->platform = g_strdup (P);
  event->user_id = g_strdup (U);
  event->first_chat_seq = m->server_first;
  m->told_first = MAX (m->told_first, m->server_first);
  desk_batch_event (batch, event, "me");
}

/* What the timeline must show: every cached message, a gap wherever one between two of them, at or
 * after the first the server keeps, is not known. */
static char *
expect (const Model *m)
{
  GString *out = g_string_new (NULL);
  gint64 first_gap = 0, last_gap = 0;
  gboolean any = FALSE;

  for (gint64 seq = 1; seq <= m->told_last; seq++)
    {
      if (!m->cached[seq])
        {
          if (!m->known[seq] && seq >= m->told_first)
            {
              first_gap = first_gap ? first_gap : seq;
              last_gap = seq;
            }
          continue;
        }
      if (first_gap != 0 && !any)
        g_string_append (out, "... ");
      else if (first_gap != 0)
        g_string_append_printf (out, "[%d-%d] ", (int) first_gap, (int) last_gap);
      g_string_append_printf (out, "%d ", (int) seq);
      any = TRUE;
      first_gap = 0;
    }
  if (first_gap != 0)
    {
      if (any)
        g_string_append_printf (out, "[%d-%d] ", (int) first_gap, (int) last_gap);
      else
        g_string_append (out, "... ");
    }
  g_string_truncate (out, out->len > 0 ? out->len - 1 : 0);
  return g_string_free (out, FALSE);
}

static gint64
expect_gaps (const Model *m)
{
  gint64 n = 0;
  gboolean in_gap = FALSE;

  for (gint64 seq = MAX (m->told_first, 1); seq <= m->told_last; seq++)
    {
      n += !m->known[seq] && !in_gap;
      in_gap = !m->known[seq];
    }
  return n;
}

static void
compare (Fixture *f, const Model *m, guint64 seed, guint step)
{
  g_autoptr (DeskTimelinePage) page = newest (f->store, U, 1000);
  g_autofree char *seen = describe (page);
  g_autofree char *expected = expect (m);
  g_autofree DeskStoreCounts *counts = desk_store_get_counts (f->store, NULL);

  if (g_strcmp0 (seen, expected) != 0 || counts->gaps != expect_gaps (m))
    g_error ("seed %" G_GUINT64_FORMAT " step %u:\n seen %s\n want %s\n gaps %d, not %d", seed, step,
             seen, expected, (int) counts->gaps, (int) expect_gaps (m));
}

static void
run_seed (guint64 seed)
{
  Fixture f = { 0 };
  Model m = { .random = desk_random_seeded_new (seed), .server_first = 1 };

  fixture_set_up (&f, NULL);
  for (guint step = 0; step < 60; step++)
    {
      DeskBatch *batch = desk_batch_new ();
      guint ops = 1 + desk_random_below (m.random, 4);

      for (guint i = 0; i < ops; i++)
        switch (desk_random_below (m.random, 4))
          {
          case 0:
            do_page (&m, batch);
            break;
          case 1:
            do_trim (&m, batch);
            break;
          default:
            do_message (&m, batch);
          }
      apply_quiet (f.store, batch);
      compare (&f, &m, seed, step);
    }
  desk_store_close (f.store);
  check_cache (f.dir);
  fixture_tear_down (&f, NULL);
  desk_random_unref (m.random);
}

static void
test_ranges (void)
{
  const char *only = g_getenv ("DESK_SEED");

  if (only != NULL)
    {
      run_seed (g_ascii_strtoull (only, NULL, 10));
      return;
    }
  for (guint64 seed = 1; seed <= 25; seed++)
    run_seed (seed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/property/ranges", test_ranges);
  return g_test_run ();
}
