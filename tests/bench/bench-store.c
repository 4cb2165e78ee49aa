/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-bench"

#include "config.h"

#include <glib/gstdio.h>
#include <stdlib.h>

#include "common/desk-db.h"
#include "common/desk-random.h"
#include "store/desk-store.h"

/* The client's cache against plain SQLite in the same schema, in one run: ratios, no absolute limits but
 * those that a person feels. Rows come as a first sync brings them: pages of 1000 messages of all
 * chats, newest first. DESK_BENCH_ROWS sets the number (1,000,000). */

#define CHATS 10000
#define PAGE 1000
#define BURST 10 /* messages of a chat that follow each other: people converse */

static const char *const words[]
    = { "delivery", "tomorrow", "price", "please", "thanks", "order", "address", "phone", "size",
        "colour", "when", "where", "today", "discount", "courier", "parcel", "card", "cash", "refund",
        "question", "hello", "доставка", "завтра", "дякую", "ціна" };

static char *
make_text (DeskRandom *random, gint64 n)
{
  GString *text = g_string_new (NULL);
  guint count = 4 + desk_random_below (random, 12);

  /* A few words stand in every tenth message, most are rare, as in any language. */
  for (guint i = 0; i < count; i++)
    if (desk_random_below (random, 4) == 0)
      g_string_append_printf (text, "%s ", words[desk_random_below (random, G_N_ELEMENTS (words))]);
    else
      g_string_append_printf (text, "%c%u ", 'a' + (int) desk_random_below (random, 26),
                              (guint) desk_random_below (random, 2000));
  g_string_append_printf (text, "nr%" G_GINT64_FORMAT, n % 50000);
  return g_string_free (text, FALSE);
}

static gint64 burst = BURST;

static gint64
chat_of (gint64 age)
{
  return age / burst % CHATS;
}

/* The n-th newest message of all. */
static DeskMessage *
make_message (DeskRandom *random, gint64 n, gint64 total)
{
  gint64 age = total - n;
  g_autofree char *user_id = g_strdup_printf ("u%d", (int) chat_of (age));
  DeskMessage *m = desk_message_new ("telegram", user_id);

  m->id = g_strdup_printf ("%08x%016" G_GINT64_MODIFIER "x", (guint) desk_random_u64 (random), age);
  m->is_level2 = TRUE;
  m->chat_seq = age / (CHATS * burst) * burst + age % burst + 1;
  m->rev = 1;
  m->direction = m->chat_seq % 2 ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
  m->sender = m->chat_seq % 2 ? DESK_SENDER_USER : DESK_SENDER_MANAGER;
  m->in_seq = m->chat_seq % 2 ? (m->chat_seq + 1) / 2 : 0;
  m->created_at_ms = G_GINT64_CONSTANT (1700000000000) + age * 977;
  g_free (m->text);
  m->text = make_text (random, n);
  return m;
}

static GPtrArray *
make_page (DeskRandom *random, gint64 from, gint64 total)
{
  GPtrArray *page = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);

  for (gint64 n = from; n < MIN (from + PAGE, total); n++)
    g_ptr_array_add (page, make_message (random, n, total - 1));
  return page;
}

/* Same rows, same schema, same transactions; the rows of a page ascending, as the full-text index
 * likes it, and nothing looked up. */
static void
insert_plain (DeskDb *db, const DeskMessage *m, gint64 chat)
{
  gint64 row = m->created_at_ms * 1024;
  DeskStmt *s = desk_db_prepare (
      db,
      "INSERT INTO message(message,chat,order_key,id,direction,sender,kind,status,source,is_private,"
      "is_level2,provisional,gap_before,created_at_ms,edited_at_ms,deleted_at_ms,in_seq,rev,text)"
      " VALUES(?1,?2,?3,?4,?5,?6,0,0,0,0,1,0,0,?7,0,0,?8,1,?9)",
      NULL);

  desk_stmt_bind_int64 (s, 1, row);
  desk_stmt_bind_int64 (s, 2, chat);
  desk_stmt_bind_int64 (s, 3, m->chat_seq);
  desk_stmt_bind_text (s, 4, m->id);
  desk_stmt_bind_int64 (s, 5, m->direction);
  desk_stmt_bind_int64 (s, 6, m->sender);
  desk_stmt_bind_int64 (s, 7, m->created_at_ms);
  desk_stmt_bind_int64 (s, 8, m->in_seq);
  desk_stmt_bind_text (s, 9, m->text);
  g_assert_true (desk_stmt_run (s, NULL));
  s = desk_db_prepare (db, "INSERT INTO message_text(rowid,text) VALUES(?1,?2)", NULL);
  desk_stmt_bind_int64 (s, 1, row);
  desk_stmt_bind_text (s, 2, m->text);
  g_assert_true (desk_stmt_run (s, NULL));
}

static gint64
fill_plain (DeskDb *db, GPtrArray *page, gint64 from, gint64 total)
{
  gint64 begin = g_get_monotonic_time ();

  g_assert_true (desk_db_begin (db, NULL));
  for (guint i = page->len; i > 0; i--)
    insert_plain (db, g_ptr_array_index (page, i - 1), chat_of (total - from - i) + 1);
  g_assert_true (desk_db_commit (db, NULL));
  return g_get_monotonic_time () - begin;
}

static gint64
fill_store (DeskStore *store, GPtrArray *page)
{
  g_autoptr (GError) error = NULL;
  DeskBatch *batch = desk_batch_new ();
  gint64 begin;

  desk_batch_messages (batch, page);
  begin = g_get_monotonic_time ();
  desk_batch_result_free (desk_store_apply (store, batch, &error));
  g_assert_no_error (error);
  return g_get_monotonic_time () - begin;
}

/* Page by page in turn, so that whatever else the machine does slows both. */
static void
fill (DeskStore *store, const char *plain_dir, gint64 total, double *plain_s, double *store_s)
{
  g_autoptr (DeskRandom) random = desk_random_seeded_new (1);
  g_autofree char *path = g_build_filename (plain_dir, "cache.db", NULL);
  DeskDbOptions options = { .cache_kib = 64 * 1024 };
  DeskStore *made = desk_store_open (plain_dir, NULL, NULL); /* makes the schema */
  g_autoptr (DeskDb) db = NULL;

  desk_store_close (made);
  g_object_unref (made);
  db = desk_db_open (path, &options, NULL);
  for (gint64 n = 0; n < total; n += PAGE)
    {
      g_autoptr (GPtrArray) page = make_page (random, n, total);

      *plain_s += (double) fill_plain (db, page, n, total) / G_USEC_PER_SEC;
      *store_s += (double) fill_store (store, page) / G_USEC_PER_SEC;
    }
}

static int
compare_int64 (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

static void
report (const char *what, gint64 *us, guint n)
{
  qsort (us, n, sizeof *us, compare_int64);
  g_print ("%-28s p50 %8.2f ms  p95 %8.2f ms  max %8.2f ms\n", what, us[n / 2] / 1000.0,
           us[n * 95 / 100] / 1000.0, us[n - 1] / 1000.0);
}

#define RUNS 100

static gint64
bench_list (DeskStore *store, DeskChatSort sort, const char *what)
{
  gint64 us[RUNS / 5];

  for (guint i = 0; i < G_N_ELEMENTS (us); i++)
    {
      DeskChatQuery query = { .state = -1, .sort = sort };
      gint64 begin = g_get_monotonic_time ();
      g_autoptr (GPtrArray) list = desk_store_list_chats (store, &query, NULL);

      us[i] = g_get_monotonic_time () - begin;
      g_assert_nonnull (list);
    }
  report (what, us, G_N_ELEMENTS (us));
  return us[G_N_ELEMENTS (us) * 95 / 100];
}

static gint64
bench_search (DeskStore *store)
{
  static const char *const queries[]
      = { "delivery", "de", "d", "nr777", "delivery tomorrow", "\"price please\"", "доставка",
          "nothingofthekind", "refund nr123", "thanks o" };
  gint64 us[RUNS];

  for (guint i = 0; i < RUNS; i++)
    {
      DeskSearchQuery query = { .words = queries[i % G_N_ELEMENTS (queries)], .limit = 50 };
      gint64 begin = g_get_monotonic_time ();
      g_autoptr (GPtrArray) hits = desk_store_search (store, &query, NULL);

      us[i] = g_get_monotonic_time () - begin;
      g_assert_nonnull (hits);
      if (i < G_N_ELEMENTS (queries))
        g_print ("  search %-22s %3u hits %8.2f ms\n", query.words, hits->len, us[i] / 1000.0);
    }
  report ("search, 50 newest", us, RUNS);
  return us[RUNS * 95 / 100];
}

static void
bench_timeline (DeskStore *store)
{
  gint64 us[RUNS];

  for (guint i = 0; i < RUNS; i++)
    {
      g_autofree char *user_id = g_strdup_printf ("u%u", i * 97 % CHATS);
      DeskTimelineQuery query = { .platform = "telegram",
                                  .user_id = user_id,
                                  .anchor = DESK_ANCHOR_NEWEST,
                                  .limit = 100 };
      gint64 begin = g_get_monotonic_time ();
      DeskTimelinePage *page = desk_store_list_messages (store, &query, NULL);

      us[i] = g_get_monotonic_time () - begin;
      g_assert_nonnull (page);
      desk_timeline_page_free (page);
    }
  report ("timeline, 100 newest", us, RUNS);
}

int
main (int argc, char **argv)
{
  const char *rows = g_getenv ("DESK_BENCH_ROWS");
  gint64 total = rows ? g_ascii_strtoll (rows, NULL, 10) : 1000000;
  g_autofree char *dir = g_dir_make_tmp ("desk-bench-XXXXXX", NULL);
  g_autofree char *plain_dir = g_build_filename (dir, "plain", NULL);
  g_autofree char *store_dir = g_build_filename (dir, "store", NULL);
  DeskStore *store = desk_store_open (store_dir, NULL, NULL);
  const char *one = g_getenv ("DESK_BENCH_BURST"); /* 1: every message of a page in another chat */
  double store_s = 0, plain_s = 0, ratio;
  gint64 begin, list_us, search_us;

  burst = one ? MAX (g_ascii_strtoll (one, NULL, 10), 1) : BURST;
  fill (store, plain_dir, total, &plain_s, &store_s);
  ratio = plain_s / store_s;
  g_print ("%-28s %9.0f rows/s\n", "plain SQLite", total / plain_s);
  g_print ("%-28s %9.0f rows/s, ratio %.2f\n", "store", total / store_s, ratio);
  desk_store_close (store);
  g_object_unref (store);
  begin = g_get_monotonic_time ();
  store = desk_store_open (store_dir, NULL, NULL);
  g_print ("%-28s %8.2f ms\n", "open after an orderly end", (g_get_monotonic_time () - begin) / 1000.0);
  list_us = bench_list (store, DESK_CHAT_SORT_RECENT, "list of 10,000 by activity");
  bench_list (store, DESK_CHAT_SORT_WAITING, "list of 10,000 by waiting");
  bench_timeline (store);
  search_us = bench_search (store);
  desk_store_close (store);
  g_object_unref (store);
  desk_store_erase (plain_dir, NULL);
  desk_store_erase (store_dir, NULL);
  g_rmdir (dir);
  return ratio >= 0.8 && list_us < 50000 && search_us < 50000 ? 0 : 1;
}
