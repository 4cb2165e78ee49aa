/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "store-fixture.h"

/* Level 0: hints, pages, the multiset, gaps without numbers, unread, what moved. */

#define IN DESK_DIRECTION_INCOMING
#define OUT DESK_DIRECTION_OUTGOING

static void
hint (Fixture *f, gint64 ms, const char *text)
{
  g_autoptr (DeskMessage) m = make_message0 (ms, IN, "000000000000", text);
  DeskBatch *batch = desk_batch_new ();

  desk_batch_hint (batch, m);
  apply_quiet (f->store, batch);
}

/* Texts newest first; each a second apart from first_ms on (of the oldest). */
static gboolean
page (Fixture *f, guint offset, gboolean last, const char *texts, gint64 newest_ms)
{
  g_auto (GStrv) list = g_strsplit (texts, " ", -1);
  g_autoptr (GPtrArray) messages = make_messages ();
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  for (guint i = 0; list[i] != NULL; i++)
    {
      gint64 ms = newest_ms - i * 1000;
      g_autofree char *id = g_strdup_printf ("id%" G_GINT64_FORMAT, ms);

      g_ptr_array_add (messages, make_message0 (ms, IN, id, list[i]));
    }
  desk_batch_page_level0 (batch, P, U, messages, offset, last);
  result = apply (f->store, batch);
  return result->overlapped;
}

static void
assert_timeline (Fixture *f, const char *expected)
{
  g_autoptr (DeskTimelinePage) p = newest (f->store, U, 100);
  g_autofree char *text = describe (p);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_hint (Fixture *f, gconstpointer data)
{
  g_assert_true (page (f, 0, TRUE, "b a", 2000));
  hint (f, 3000, "c");
  hint (f, 3000, "c"); /* the same one twice */
  assert_timeline (f, "a b c?");
  g_assert_true (page (f, 0, TRUE, "c b a", 3000));
  assert_timeline (f, "a b c");
}

/* Two equal messages in one millisecond are two; a hint is one of them. */
static void
test_multiset (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) messages = make_messages ();
  DeskBatch *batch = desk_batch_new ();

  hint (f, 3000, "ok");
  g_ptr_array_add (messages, make_message0 (3000, IN, "x2", "ok"));
  g_ptr_array_add (messages, make_message0 (3000, IN, "x1", "ok"));
  desk_batch_page_level0 (batch, P, U, messages, 0, TRUE);
  batch = (apply_quiet (f->store, batch), desk_batch_new ());
  assert_timeline (f, "ok ok");
  desk_batch_page_level0 (batch, P, U, messages, 0, TRUE);
  apply_quiet (f->store, batch);
  assert_timeline (f, "ok ok");
}

static void
test_absence (Fixture *f, gconstpointer data)
{
  g_assert_true (page (f, 0, TRUE, "c b a", 3000));
  g_assert_true (page (f, 0, TRUE, "d c", 4000)); /* the server trimmed a and b */
  assert_timeline (f, "a b c d");
}

static void
test_gap (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) wanted = NULL;

  g_assert_true (page (f, 0, TRUE, "b a", 2000));
  g_assert_false (page (f, 0, FALSE, "i h g f", 9000));
  assert_timeline (f, "a b [0-0] f g h i");
  wanted = desk_store_list_wanted (f->store, 5, NULL);
  g_assert_cmpuint (wanted->len, ==, 1);
  /* The next page overlaps the first by two rows: that alone is no connection. */
  g_assert_false (page (f, 2, FALSE, "g f e d", 7000));
  assert_timeline (f, "a b [0-0] d e f g h i");
  g_assert_true (page (f, 4, FALSE, "e d c b", 5000));
  assert_timeline (f, "a b c d e f g h i");
}

static void
test_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) wanted = NULL;

  g_assert_true (page (f, 0, TRUE, "b a", 2000));
  g_assert_true (page (f, 0, TRUE, "i h g f", 9000)); /* the server keeps nothing older */
  assert_timeline (f, "a b [0-0] f g h i");
  wanted = desk_store_list_wanted (f->store, 5, NULL);
  g_assert_cmpuint (wanted->len, ==, 0);
}

/* The server turns out to have nothing where a gap was left: nobody asks for it again. */
static void
test_given_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) wanted = NULL;
  DeskHistoryWant *want;

  g_assert_true (page (f, 0, TRUE, "b a", 2000));
  g_assert_false (page (f, 0, FALSE, "i h g f", 9000));
  wanted = desk_store_list_wanted (f->store, 5, NULL);
  g_assert_cmpuint (wanted->len, ==, 1);
  want = g_ptr_array_index (wanted, 0);
  g_assert_cmpuint (want->offset, ==, 4);
  g_assert_true (page (f, 5, TRUE, "", 0)); /* a fifth there is not; there may be four and the gap below */
  g_ptr_array_unref (wanted);
  wanted = desk_store_list_wanted (f->store, 5, NULL);
  g_assert_cmpuint (wanted->len, ==, 1);
  g_assert_true (page (f, 4, TRUE, "", 0));
  g_ptr_array_unref (wanted);
  wanted = desk_store_list_wanted (f->store, 5, NULL);
  g_assert_cmpuint (wanted->len, ==, 0);
  assert_timeline (f, "a b [0-0] f g h i");
}

static guint
tell_chat (Fixture *f, gint64 last_ms, const char *last, gint64 unread)
{
  g_autoptr (DeskChat) chat = desk_chat_new (P, U);
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  g_free (chat->last_message);
  chat->last_message = g_strdup (last);
  chat->last_time_ms = last_ms;
  chat->unread = unread;
  chat->has_unread = TRUE;
  desk_batch_chat (batch, chat);
  result = apply (f->store, batch);
  return result->moved->len;
}

static void
test_moved (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (tell_chat (f, 2000, "b", 0), ==, 1);
  page (f, 0, TRUE, "b a", 2000);
  g_assert_cmpuint (tell_chat (f, 2000, "b", 0), ==, 0);
  g_assert_cmpuint (tell_chat (f, 2001, "B…", 0), ==, 1); /* told differently */
  page (f, 0, TRUE, "b a", 2000);
  g_assert_cmpuint (tell_chat (f, 2001, "B…", 0), ==, 0); /* fetched since: not for ever */
  g_assert_cmpuint (tell_chat (f, 3000, "c", 0), ==, 1);
}

static void
assert_unread (Fixture *f, gint64 expected)
{
  g_autoptr (DeskChatRow) row = get_row (f->store, U);

  g_assert_cmpint (row->unread, ==, expected);
}

static void
test_unread (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskOutboxEntry) read = desk_outbox_entry_new (DESK_INTENT_READ, P, U);
  DeskBatch *batch = desk_batch_new ();

  tell_chat (f, 2000, "b", 0);
  page (f, 0, TRUE, "b a", 2000);
  assert_unread (f, 0); /* what was there before is read */
  hint (f, 3000, "c");
  assert_unread (f, 1);
  page (f, 0, TRUE, "d c b a", 4000);
  assert_unread (f, 2);
  read->up_to_chat_seq = desk_order_key_level0 (4000, 0);
  desk_batch_outbox_add (batch, read, FALSE);
  apply_quiet (f->store, batch);
  assert_unread (f, 0);
  batch = desk_batch_new ();
  desk_batch_outbox_done (batch, 1, NULL);
  apply_quiet (f->store, batch);
  tell_chat (f, 9000, "z", 3); /* it does count */
  assert_unread (f, 3);
}

static void
test_upgrade (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) messages = make_messages ();
  DeskBatch *batch = desk_batch_new ();
  DeskMessage *m = make_message (U, 2, 1, "b");

  page (f, 0, TRUE, "b a", 2000);
  hint (f, 3000, "c");
  g_free (m->id);
  m->id = g_strdup ("id2000");
  g_ptr_array_add (messages, m);
  desk_batch_page (batch, P, U, messages, FALSE, TRUE);
  apply_quiet (f->store, batch);
  assert_timeline (f, "a [1-1] 2");
}

static void
tear_down_checked (Fixture *f, gconstpointer data)
{
  desk_store_close (f->store);
  check_cache (f->dir);
  fixture_tear_down (f, data);
}

#define ADD(name, func) \
  g_test_add (name, Fixture, NULL, fixture_set_up, func, tear_down_checked)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/store/level0/hint", test_hint);
  ADD ("/store/level0/multiset", test_multiset);
  ADD ("/store/level0/absence", test_absence);
  ADD ("/store/level0/gap", test_gap);
  ADD ("/store/level0/given-up", test_given_up);
  ADD ("/store/level0/lost", test_lost);
  ADD ("/store/level0/moved", test_moved);
  ADD ("/store/level0/unread", test_unread);
  ADD ("/store/level0/upgrade", test_upgrade);
  return g_test_run ();
}
