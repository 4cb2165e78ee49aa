/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "store-fixture.h"

/* The fold of level 2: events twice, out of order, with lower rev; pages, gaps, markers. */

static void
test_message_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskTimelinePage) page = NULL;
  g_autoptr (DeskChatRow) row = NULL;
  g_autofree char *text = NULL;

  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, 1, 1, "hello"));
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, 1, 1, "hello"));
  page = newest (f->store, U, 10);
  text = describe (page);
  g_assert_cmpstr (text, ==, "1");
  row = get_row (f->store, U);
  g_assert_cmpint (row->unread, ==, 1);
  g_assert_cmpstr (row->chat->last_message, ==, "hello");
  g_assert_cmpint (row->activity_ms, ==, 1001000);
}

static void
test_rev (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskTimelinePage) page = NULL;
  DeskMessage *m = make_message (U, 2, 3, "new text");
  DeskTimelineItem *item;

  m->status = DESK_STATUS_DELIVERED;
  apply_message (f->store, DESK_EVENT_MESSAGE_STATUS, m); /* before its message: simply stored */
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, 2, 1, "old text"));
  page = newest (f->store, U, 10);
  g_assert_cmpuint (page->items->len, ==, 1);
  item = g_ptr_array_index (page->items, 0);
  g_assert_cmpstr (item->message->text, ==, "new text");
  g_assert_cmpint (item->message->status, ==, DESK_STATUS_DELIVERED);
  g_assert_cmpint (item->message->rev, ==, 3);
}

static void
test_tombstone (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskTimelinePage) page = NULL;
  g_autoptr (DeskChatRow) row = NULL;
  g_autoptr (GPtrArray) hits = NULL;
  DeskMessage *m = make_message (U, 1, 2, "secret");
  DeskSearchQuery query = { .words = "secret", .limit = 5 };
  DeskTimelineItem *item;

  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, 1, 1, "secret"));
  m->deleted_at_ms = 1234567;
  apply_message (f->store, DESK_EVENT_MESSAGE_DELETED, m);
  page = newest (f->store, U, 10);
  item = g_ptr_array_index (page->items, 0);
  g_assert_cmpint (item->message->deleted_at_ms, ==, 1234567);
  g_assert_cmpstr (item->message->text, ==, "");
  row = get_row (f->store, U);
  g_assert_cmpstr (row->chat->last_message, ==, "");
  hits = desk_store_search (f->store, &query, NULL);
  g_assert_cmpuint (hits->len, ==, 0);
}

/* Every field survives, those in the packed column too. */
static void
test_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskTimelinePage) page = NULL;
  DeskMessage *m = make_message (U, 2, 1, "mit Anhang");
  DeskAttachment *a = desk_attachment_new ("f1");
  const DeskMessage *r;
  const DeskAttachment *b;

  g_free (a->filename);
  a->filename = g_strdup ("a.png");
  a->size = 77;
  a->state = g_strdup ("ready");
  g_ptr_array_add (m->attachments, a);
  g_ptr_array_add (m->reactions, desk_reaction_new ("👍", "42"));
  g_ptr_array_add (m->status_history, desk_status_change_new (DESK_STATUS_SENT, 5, NULL, NULL));
  m->reply_to = desk_reply_to_new ("m-1", 1, "Olena", "quoted");
  m->error.code = g_strdup ("BLOCKED");
  m->error.message = g_strdup ("blocked by the customer");
  m->error.retryable = TRUE;
  m->external_id = g_strdup ("x9");
  m->sender_name = g_strdup ("Max");
  m->kind = DESK_KIND_IMAGE;
  m->source = DESK_SOURCE_API;
  m->is_private = TRUE;
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, m);
  page = newest (f->store, U, 10);
  r = ((DeskTimelineItem *) g_ptr_array_index (page->items, 0))->message;
  b = g_ptr_array_index (r->attachments, 0);
  g_assert_cmpstr (b->file_id, ==, "f1");
  g_assert_cmpstr (b->filename, ==, "a.png");
  g_assert_cmpint (b->size, ==, 77);
  g_assert_cmpstr (b->state, ==, "ready");
  g_assert_null (b->url);
  g_assert_cmpstr (((DeskReaction *) g_ptr_array_index (r->reactions, 0))->emoji, ==, "👍");
  g_assert_cmpint (((DeskStatusChange *) g_ptr_array_index (r->status_history, 0))->at_ms, ==, 5);
  g_assert_cmpstr (r->reply_to->text, ==, "quoted");
  g_assert_cmpstr (r->error.code, ==, "BLOCKED");
  g_assert_true (r->error.retryable);
  g_assert_cmpstr (r->external_id, ==, "x9");
  g_assert_cmpstr (r->sender_name, ==, "Max");
  g_assert_cmpint (r->kind, ==, DESK_KIND_IMAGE);
  g_assert_cmpint (r->source, ==, DESK_SOURCE_API);
  g_assert_true (r->is_private);
}

static void
assert_timeline (Fixture *f, const char *expected)
{
  g_autoptr (DeskTimelinePage) page = newest (f->store, U, 1000);
  g_autofree char *text = describe (page);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_gaps (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) wanted = NULL;
  g_autoptr (GPtrArray) none = NULL;
  DeskHistoryWant *want;

  apply_page (f->store, 1, 3, TRUE, FALSE);
  assert_timeline (f, "1 2 3");
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, 7, 1, "late"));
  assert_timeline (f, "1 2 3 [4-6] 7");
  wanted = desk_store_list_wanted (f->store, 10, NULL);
  g_assert_cmpuint (wanted->len, ==, 1);
  want = g_ptr_array_index (wanted, 0);
  g_assert_cmpint (want->before_seq, ==, 7);
  g_assert_cmpint (want->down_to_seq, ==, 3);
  g_assert_false (want->nothing_cached);
  /* A page that has a hole of its own closes it: the server has nothing there. */
  {
    g_autoptr (GPtrArray) messages = make_messages ();
    DeskBatch *batch = desk_batch_new ();

    g_ptr_array_add (messages, make_message (U, 6, 1, "six"));
    g_ptr_array_add (messages, make_message (U, 3, 1, "three"));
    desk_batch_page (batch, P, U, messages, FALSE, FALSE);
    apply_quiet (f->store, batch);
  }
  assert_timeline (f, "1 2 3 6 7");
  none = desk_store_list_wanted (f->store, 10, NULL);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_trim (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskEvent) trimmed = desk_event_new (DESK_EVENT_CHAT_TRIMMED);
  g_autoptr (GPtrArray) wanted = NULL;
  DeskBatch *batch = desk_batch_new ();

  apply_page (f->store, 1, 2, FALSE, FALSE);
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, 6, 1, "late"));
  assert_timeline (f, "1 2 [3-5] 6");
  trimmed->platform = g_strdup (P);
  trimmed->user_id = g_strdup (U);
  trimmed->first_chat_seq = 5;
  desk_batch_event (batch, trimmed, "me");
  apply_quiet (f->store, batch);
  assert_timeline (f, "1 2 [5-5] 6"); /* deletes nothing; what is gone is no gap */
  apply_page (f->store, 5, 6, FALSE, FALSE);
  assert_timeline (f, "1 2 5 6");
  wanted = desk_store_list_wanted (f->store, 10, NULL);
  g_assert_cmpuint (wanted->len, ==, 0);
}

static void
test_erase (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskEvent) erased = desk_event_new (DESK_EVENT_CHAT_ERASED);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) hits = NULL;
  DeskSearchQuery query = { .words = "text", .limit = 5 };
  DeskBatch *batch = desk_batch_new ();

  apply_page (f->store, 1, 5, TRUE, TRUE);
  erased->platform = g_strdup (P);
  erased->user_id = g_strdup (U);
  desk_batch_event (batch, erased, "me");
  apply_quiet (f->store, batch);
  g_assert_null (desk_store_get_chat (f->store, P, U, &error));
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_NOT_FOUND);
  hits = desk_store_search (f->store, &query, NULL);
  g_assert_cmpuint (hits->len, ==, 0);
}

static void
test_chat_rev (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskChat) newer = make_chat (U, 5, 4, 2);
  g_autoptr (DeskChat) older = make_chat (U, 4, 3, 2);
  g_autoptr (DeskChatRow) row = NULL;
  DeskBatch *batch = desk_batch_new ();

  newer->assignee = g_strdup ("max");
  newer->state = DESK_CHAT_STATE_SNOOZED;
  g_strfreev (newer->labels);
  newer->labels = g_strsplit ("vip,late", ",", -1);
  desk_batch_chat (batch, newer);
  desk_batch_chat (batch, older);
  desk_batch_chat (batch, newer);
  apply_quiet (f->store, batch);
  row = get_row (f->store, U);
  g_assert_cmpstr (row->chat->assignee, ==, "max");
  g_assert_cmpint (row->chat->state, ==, DESK_CHAT_STATE_SNOOZED);
  g_assert_cmpint (row->chat->last_chat_seq, ==, 4);
  g_assert_cmpstr (row->chat->labels[1], ==, "late");
  g_assert_null (row->chat->labels[2]);
}

static void
apply_read (Fixture *f, const char *who, gint64 seq, gint64 in_seq, gboolean marked)
{
  g_autoptr (DeskEvent) read = desk_event_new (DESK_EVENT_READ);
  DeskBatch *batch = desk_batch_new ();

  read->platform = g_strdup (P);
  read->user_id = g_strdup (U);
  read->username = g_strdup (who);
  read->up_to_chat_seq = seq;
  read->up_to_in_seq = in_seq;
  read->marked_unread = marked;
  desk_batch_event (batch, read, "me");
  apply_quiet (f->store, batch);
}

static void
assert_unread (Fixture *f, gint64 expected)
{
  g_autoptr (DeskChatRow) row = get_row (f->store, U);

  g_assert_cmpint (row->unread, ==, expected);
}

static void
test_markers (Fixture *f, gconstpointer data)
{
  DeskBatch *batch;
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_READ, P, U);
  g_autoptr (DeskChat) chat = make_chat (U, 9, 10, 5);
  g_autoptr (GPtrArray) outbox = NULL;

  apply_page (f->store, 1, 10, TRUE, TRUE); /* in_seq 1 to 5 */
  assert_unread (f, 5);
  apply_read (f, "colleague", 10, 5, FALSE);
  assert_unread (f, 5);
  apply_read (f, "me", 5, 3, FALSE);
  assert_unread (f, 2);
  apply_read (f, "me", 3, 2, FALSE); /* older: max */
  assert_unread (f, 2);
  batch = desk_batch_new ();
  entry->up_to_chat_seq = 7; /* local: in_seq 4 */
  desk_batch_outbox_add (batch, entry, FALSE);
  apply_quiet (f->store, batch);
  assert_unread (f, 1);
  batch = desk_batch_new ();
  chat->has_personal = TRUE;
  chat->personal.read_chat_seq = 5;
  chat->personal.read_in_seq = 3;
  chat->personal.marked_unread = TRUE;
  desk_batch_chat (batch, chat); /* the server does not know of 7 yet */
  entry->up_to_chat_seq = 6;
  desk_batch_outbox_add (batch, entry, FALSE); /* merges with max */
  apply_quiet (f->store, batch);
  assert_unread (f, 1);
  outbox = desk_store_list_outbox (f->store, NULL);
  g_assert_cmpuint (outbox->len, ==, 1);
  g_assert_cmpint (((DeskOutboxEntry *) g_ptr_array_index (outbox, 0))->up_to_chat_seq, ==, 7);
  apply_read (f, "me", 10, 5, FALSE);
  assert_unread (f, 0);
  entry->intent = DESK_INTENT_UNREAD;
  batch = desk_batch_new ();
  desk_batch_outbox_add (batch, entry, FALSE);
  apply_quiet (f->store, batch);
  assert_unread (f, 1);
}

static void
test_anchors (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  static const struct
  {
    DeskAnchor anchor;
    gint64 key;
    const char *expected;
    gboolean older, newer;
  } cases[] = {
    { DESK_ANCHOR_NEWEST, 0, "17 18 19 20", TRUE, FALSE },
    { DESK_ANCHOR_BEFORE, 17, "[10-12] 13 14 15 16", TRUE, TRUE },
    { DESK_ANCHOR_BEFORE, 13, "6 7 8 9", TRUE, TRUE },
    { DESK_ANCHOR_BEFORE, 3, "1 2", FALSE, TRUE },
    { DESK_ANCHOR_AFTER, 9, "[10-12] 13 14 15 16", TRUE, TRUE },
    { DESK_ANCHOR_AFTER, 18, "19 20", TRUE, FALSE },
    { DESK_ANCHOR_AROUND, 8, "6 7 8 9", TRUE, TRUE },
    { DESK_ANCHOR_AROUND, 1, "1 2", FALSE, TRUE },
    { DESK_ANCHOR_MESSAGE_ID, 14, "9 [10-12] 13 14 15", TRUE, TRUE },
  };

  apply_page (f->store, 1, 9, TRUE, FALSE);
  apply_page (f->store, 13, 20, FALSE, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *id = g_strdup_printf ("m-%s-%" G_GINT64_FORMAT, U, cases[i].key);
      DeskTimelineQuery query = { .platform = P,
                                  .user_id = U,
                                  .anchor = cases[i].anchor,
                                  .order_key = cases[i].key,
                                  .message_id = id,
                                  .limit = 4 };
      g_autoptr (DeskTimelinePage) page = desk_store_list_messages (f->store, &query, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = describe (page);
      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpint (page->has_older, ==, cases[i].older);
      g_assert_cmpint (page->has_newer, ==, cases[i].newer);
    }
}

static void
test_lists (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskChat) a = make_chat ("a", 1, 1, 1);
  g_autoptr (DeskChat) b = make_chat ("b", 1, 2, 1);
  g_autoptr (DeskChat) c = make_chat ("c", 1, 3, 2);
  DeskBatch *batch = desk_batch_new ();
  DeskChatQuery query = { .state = -1 };
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) waiting = NULL;
  g_autoptr (GPtrArray) labelled = NULL;
  g_autoptr (GPtrArray) mine = NULL;
  g_autoptr (GPtrArray) nobody = NULL;

  a->waiting_since_ms = 500;
  b->waiting_since_ms = 400;
  b->assignee = g_strdup ("max");
  g_strfreev (c->labels);
  c->labels = g_strsplit ("vip", ",", -1);
  desk_batch_chat (batch, a);
  desk_batch_chat (batch, b);
  desk_batch_chat (batch, c);
  apply_quiet (f->store, batch);
#define NTH(list, n) (((DeskChatRow *) g_ptr_array_index (list, n))->chat->user_id)
  all = desk_store_list_chats (f->store, &query, NULL);
  g_assert_cmpuint (all->len, ==, 3);
  g_assert_cmpstr (NTH (all, 0), ==, "c");
  g_assert_cmpstr (NTH (all, 2), ==, "a");
  query.sort = DESK_CHAT_SORT_WAITING;
  waiting = desk_store_list_chats (f->store, &query, NULL);
  g_assert_cmpstr (NTH (waiting, 0), ==, "b");
  g_assert_cmpstr (NTH (waiting, 1), ==, "a");
  g_assert_cmpstr (NTH (waiting, 2), ==, "c");
  query.label = "vi"; /* no part of a label */
  labelled = desk_store_list_chats (f->store, &query, NULL);
  g_assert_cmpuint (labelled->len, ==, 0);
  query.label = NULL;
  query.assignee = "max";
  mine = desk_store_list_chats (f->store, &query, NULL);
  g_assert_cmpuint (mine->len, ==, 1);
  query.assignee = "";
  nobody = desk_store_list_chats (f->store, &query, NULL);
  g_assert_cmpuint (nobody->len, ==, 2);
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
  ADD ("/store/fold/message-twice", test_message_twice);
  ADD ("/store/fold/rev", test_rev);
  ADD ("/store/fold/tombstone", test_tombstone);
  ADD ("/store/fold/round-trip", test_round_trip);
  ADD ("/store/fold/gaps", test_gaps);
  ADD ("/store/fold/trim", test_trim);
  ADD ("/store/fold/erase", test_erase);
  ADD ("/store/fold/chat-rev", test_chat_rev);
  ADD ("/store/fold/markers", test_markers);
  ADD ("/store/fold/anchors", test_anchors);
  ADD ("/store/fold/lists", test_lists);
  return g_test_run ();
}
