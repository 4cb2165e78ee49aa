/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "store-fixture.h"

/* The manager's own limit of history: what goes, what stays, and that it is fetched again only when asked for. */

static guint
trim (Fixture *f, gint64 before_ms, guint limit)
{
  gint64 next = 0;
  guint trimmed = 0;

  do
    {
      g_autoptr (DeskBatchResult) result = NULL;
      DeskBatch *batch = desk_batch_new ();

      desk_batch_trim (batch, next, before_ms, limit);
      result = apply (f->store, batch);
      trimmed += result->trimmed;
      g_assert_true (result->trim_next == 0 || result->trim_next > next);
      next = result->trim_next;
    }
  while (next != 0);
  return trimmed;
}

static void
read_all (Fixture *f)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_READ, P, U);
  DeskBatch *batch = desk_batch_new ();

  entry->up_to_chat_seq = 1000;
  desk_batch_outbox_add (batch, entry, FALSE);
  apply_quiet (f->store, batch);
}

static guint
count_wanted (Fixture *f)
{
  g_autoptr (GPtrArray) wanted = desk_store_list_wanted (f->store, 10, NULL);

  return wanted->len;
}

static gint64
count_messages (Fixture *f)
{
  g_autofree DeskStoreCounts *counts = desk_store_get_counts (f->store, NULL);

  return counts->messages;
}

/* Message n was made 1,000,000 ms + n seconds after the epoch. */
#define MADE(n) (1000000 + (n) * 1000)

static void
test_old_goes (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskTimelinePage) page = NULL;
  DeskSearchQuery query = { .words = "message", .limit = 1000 };
  g_autoptr (GPtrArray) hits = NULL;

  apply_page (f->store, 1, 100, TRUE, TRUE);
  read_all (f);
  g_assert_cmpuint (count_wanted (f), ==, 0);
  g_assert_cmpuint (trim (f, MADE (31), 7), ==, 30);
  g_assert_cmpint (count_messages (f), ==, 70);
  g_assert_cmpuint (count_wanted (f), ==, 0); /* not fetched by itself */
  {
    g_autofree DeskStoreCounts *counts = desk_store_get_counts (f->store, NULL);

    g_assert_cmpint (counts->gaps, ==, 0);
  }
  page = newest (f->store, U, 100);
  g_assert_cmpuint (page->items->len, ==, 70);
  g_assert_true (page->server_has_older); /* but when asked for */
  hits = desk_store_search (f->store, &query, NULL);
  g_assert_cmpuint (hits->len, <=, 70);
  apply_page (f->store, 11, 30, FALSE, FALSE);
  g_assert_cmpint (count_messages (f), ==, 90);
  g_assert_cmpuint (trim (f, MADE (31), 500), ==, 20);
  check_cache (f->dir);
}

static void
test_newest_stay (Fixture *f, gconstpointer data)
{
  apply_page (f->store, 1, 60, TRUE, TRUE);
  read_all (f);
  g_assert_cmpuint (trim (f, G_MAXINT64, 500), ==, 10);
  g_assert_cmpuint (trim (f, G_MAXINT64, 500), ==, 0);
  check_cache (f->dir);
}

static void
test_unread_and_quoted_stay (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskChat) chat = make_chat (U, 1, 100, 50);
  g_autoptr (DeskTimelinePage) page = NULL;
  g_autoptr (DeskDraft) draft = desk_draft_new (P, U);
  DeskBatch *batch = desk_batch_new ();

  apply_page (f->store, 1, 100, TRUE, TRUE);
  chat->has_personal = TRUE;
  chat->personal.read_chat_seq = 20;
  chat->personal.read_in_seq = 10;
  desk_batch_chat (batch, chat);
  page = newest (f->store, U, 100);
  draft->reply_to = g_strdup (((DeskTimelineItem *) g_ptr_array_index (page->items, 4))->message->id);
  desk_batch_draft (batch, draft);
  apply_quiet (f->store, batch);
  g_assert_cmpuint (trim (f, G_MAXINT64, 500), ==, 19); /* 20 were read, one is quoted */
  {
    g_autoptr (DeskDraft) kept = desk_store_get_draft (f->store, P, U, NULL);

    g_assert_nonnull (kept);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add (name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("/store/retention/old-goes", test_old_goes);
  ADD ("/store/retention/newest-stay", test_newest_stay);
  ADD ("/store/retention/unread-and-quoted-stay", test_unread_and_quoted_stay);
  return g_test_run ();
}
