/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include "store-fixture.h"

/* Outbox and drafts: states, acknowledgement by answer and by event, observers, search. */

static gint64
add_send (Fixture *f, const char *text)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, P, U);
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  g_free (entry->text);
  entry->text = g_strdup (text);
  entry->seen_seq = -2;
  desk_batch_outbox_add (batch, entry, TRUE);
  result = apply (f->store, batch);
  g_assert_cmpuint (result->added_local_ids->len, ==, 1);
  return g_array_index (result->added_local_ids, gint64, 0);
}

static DeskOutboxEntry *
get_entry (Fixture *f)
{
  g_autoptr (GPtrArray) list = desk_store_list_outbox (f->store, NULL);

  g_assert_nonnull (list);
  return list->len > 0 ? desk_outbox_entry_copy (g_ptr_array_index (list, 0)) : NULL;
}

static void
expect_error (Fixture *f, DeskBatch *batch, DeskStoreError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (desk_store_apply (f->store, batch, &error));
  g_assert_error (error, DESK_STORE_ERROR, (int) code);
}

static void
set_state (Fixture *f, gint64 id, DeskOutboxState state)
{
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_state (batch, id, state, "CODE", "why");
  apply_quiet (f->store, batch);
}

static void
test_states (Fixture *f, gconstpointer data)
{
  gint64 id;
  DeskBatch *batch;
  g_autoptr (DeskOutboxEntry) entry = NULL;
  g_autoptr (DeskOutboxEntry) again = NULL;
  g_autoptr (DeskChatRow) row = NULL;

  apply_page (f->store, 1, 3, TRUE, TRUE);
  id = add_send (f, "hi");
  entry = get_entry (f);
  g_assert_cmpint (entry->seen_seq, ==, 3);
  g_assert_cmpint (entry->state, ==, DESK_OUTBOX_QUEUED);
  g_assert_cmpint (entry->created_at_ms, ==, 5000000);
  g_assert_cmpuint (strlen (entry->client_message_id), ==, 36);
  row = get_row (f->store, U);
  g_assert_cmpuint (row->pending, ==, 1);
  g_assert_cmpstr (row->pending_text, ==, "hi");
  g_assert_false (row->pending_is_private);
  g_assert_cmpint (row->activity_ms, ==, 5000000);
  batch = desk_batch_new ();
  desk_batch_outbox_retry (batch, id, FALSE, NULL);
  expect_error (f, batch, DESK_STORE_ERROR_STATE); /* it is queued */
  batch = desk_batch_new ();
  desk_batch_outbox_attempt (batch, id);
  apply_quiet (f->store, batch);
  batch = desk_batch_new ();
  desk_batch_outbox_discard (batch, id);
  expect_error (f, batch, DESK_STORE_ERROR_STATE); /* on its way */
  set_state (f, id, DESK_OUTBOX_STALE);
  batch = desk_batch_new ();
  desk_batch_outbox_attempt (batch, id);
  expect_error (f, batch, DESK_STORE_ERROR_STATE); /* waits for the manager */
  batch = desk_batch_new ();
  desk_batch_outbox_retry (batch, id, TRUE, NULL);
  apply_quiet (f->store, batch);
  again = get_entry (f);
  g_assert_true (again->force);
  g_assert_cmpuint (again->attempts, ==, 1);
  g_assert_null (again->error_code);
  g_assert_cmpstr (again->client_message_id, ==, entry->client_message_id);
  batch = desk_batch_new ();
  desk_batch_outbox_discard (batch, id);
  apply_quiet (f->store, batch);
  g_assert_null (get_entry (f));
  batch = desk_batch_new ();
  desk_batch_outbox_attempt (batch, id);
  expect_error (f, batch, DESK_STORE_ERROR_NOT_FOUND); /* gone: must not go out */
}

static DeskChatRow *
listed_row (Fixture *f)
{
  DeskChatQuery query = { .state = -1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = desk_store_list_chats (f->store, &query, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (rows->len, ==, 1);
  return desk_chat_row_copy (g_ptr_array_index (rows, 0));
}

/* What the list shows of replies that wait: the newest of those that will go out by themselves. */
static void
test_pending_text (Fixture *f, gconstpointer data)
{
  gint64 second;
  g_autoptr (DeskOutboxEntry) note = desk_outbox_entry_new (DESK_INTENT_SEND, "telegram", U);
  g_autoptr (DeskChatRow) before = NULL, both = NULL, one = NULL, with_note = NULL;
  DeskBatch *batch;

  apply_page (f->store, 1, 3, TRUE, TRUE);
  before = listed_row (f);
  g_assert_null (before->pending_text);
  add_send (f, "first");
  second = add_send (f, "second\nline");
  both = listed_row (f);
  g_assert_cmpstr (both->pending_text, ==, "second line");
  set_state (f, second, DESK_OUTBOX_FAILED);
  one = listed_row (f);
  g_assert_cmpstr (one->pending_text, ==, "first");
  g_free (note->text);
  note->text = g_strdup ("1 of ours");
  note->is_private = TRUE;
  batch = desk_batch_new ();
  desk_batch_outbox_add (batch, note, FALSE);
  apply_quiet (f->store, batch);
  with_note = listed_row (f);
  g_assert_cmpstr (with_note->pending_text, ==, "1 of ours");
  g_assert_true (with_note->pending_is_private);
}

static DeskMessage *
acknowledgement (const DeskOutboxEntry *entry, gint64 seq)
{
  DeskMessage *m = make_message (U, seq, 1, entry->text);

  m->client_message_id = g_strdup (entry->client_message_id);
  return m;
}

static void
test_acknowledged (Fixture *f, gconstpointer data)
{
  for (guint event_first = 0; event_first < 2; event_first++)
    {
      gint64 id = add_send (f, "hi");
      g_autoptr (DeskOutboxEntry) entry = get_entry (f);
      gint64 seq = 2 + 2 * event_first;
      g_autoptr (DeskMessage) m = acknowledgement (entry, seq);
      g_autoptr (DeskTimelinePage) page = NULL;
      g_autofree char *text = NULL;
      DeskBatch *batch = desk_batch_new ();
      g_autoptr (DeskOutboxEntry) left = NULL;

      if (event_first)
        apply_message (f->store, DESK_EVENT_NEW_MESSAGE, acknowledgement (entry, seq));
      left = get_entry (f);
      g_assert_true ((left == NULL) == event_first);
      desk_batch_outbox_done (batch, id, m);
      apply_quiet (f->store, batch);
      apply_message (f->store, DESK_EVENT_NEW_MESSAGE, acknowledgement (entry, seq));
      page = newest (f->store, U, 10);
      text = describe (page);
      g_assert_cmpstr (text, ==, event_first ? "... 2 [3-3] 4" : "... 2");
    }
}

static void
test_draft (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDraft) draft = desk_draft_new (P, U);
  g_autoptr (DeskDraft) read = NULL;
  g_autoptr (DeskDraft) none = NULL;
  g_autoptr (GError) error = NULL;
  DeskBatch *batch = desk_batch_new ();

  g_free (draft->text);
  draft->text = g_strdup ("half a sen");
  desk_batch_draft (batch, draft);
  apply_quiet (f->store, batch);
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, 1, 1, "x")); /* touches no draft */
  fixture_reopen (f);
  read = desk_store_get_draft (f->store, P, U, NULL);
  g_assert_cmpstr (read->text, ==, "half a sen");
  add_send (f, "sent");
  none = desk_store_get_draft (f->store, P, U, &error);
  g_assert_no_error (error);
  g_assert_null (none);
}

/* A batch that fails keeps nothing, and does not drag others of the same group down. */
static void
count_finished (GObject *store, GAsyncResult *result, gpointer data)
{
  guint *counts = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) r = desk_store_apply_finish (DESK_STORE (store), result, &error);

  counts[r != NULL ? 0 : 1]++;
}

static void
test_atomic (Fixture *f, gconstpointer data)
{
  guint counts[2] = { 0, 0 };
  g_autofree char *bad = NULL;

  for (guint i = 0; i < 20; i++)
    {
      DeskBatch *batch = desk_batch_new ();
      g_autofree char *key = g_strdup_printf ("key%u", i);

      desk_batch_setting (batch, key, "value");
      if (i % 5 == 3)
        desk_batch_outbox_discard (batch, 999); /* NOT_FOUND */
      desk_store_apply_async (f->store, batch, NULL, count_finished, counts);
    }
  while (counts[0] + counts[1] < 20)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (counts[0], ==, 16);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *key = g_strdup_printf ("key%u", i);
      g_autofree char *value = desk_store_get_setting (f->store, key, NULL);

      g_assert_cmpstr (value, ==, i % 5 == 3 ? NULL : "value");
    }
}

typedef struct
{
  guint calls;
  guint incoming;
  gboolean outbox;
  gboolean chat;
} Seen;

static void
on_change (DeskStore *store, const DeskStoreChange *change, gpointer data)
{
  Seen *seen = data;

  seen->calls++;
  seen->incoming += change->new_incoming->len;
  seen->outbox |= change->outbox;
  for (guint i = 0; i < change->chats->len; i++)
    seen->chat |= g_str_equal (g_ptr_array_index (change->chats, i), P "/" U);
}

static void
test_observer (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };
  guint id = desk_store_observe (f->store, NULL, on_change, &seen, NULL);
  g_autoptr (GPtrArray) page = make_messages ();
  DeskBatch *batch = desk_batch_new ();

  for (gint64 seq = 1; seq <= 4; seq++)
    {
      g_autoptr (DeskEvent) event
          = make_message_event (DESK_EVENT_NEW_MESSAGE, make_message (U, seq, 1, "x"));

      desk_batch_event (batch, event, "me");
    }
  g_ptr_array_add (page, make_message (U, 5, 1, "by page"));
  desk_batch_page (batch, P, U, page, FALSE, TRUE);
  apply_quiet (f->store, batch);
  while (seen.calls == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (seen.calls, ==, 1);    /* one commit, one notice */
  g_assert_cmpuint (seen.incoming, ==, 2); /* 1 and 3; 5 came by a page */
  g_assert_true (seen.chat);
  g_assert_false (seen.outbox);
  add_send (f, "x");
  desk_store_unobserve (f->store, id);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (seen.calls, ==, 1);
}

static void
test_closed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  desk_store_close (f->store);
  g_assert_null (desk_store_list_outbox (f->store, &error));
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CLOSED);
}

static guint
count_hits (Fixture *f, const char *words, char **out_first)
{
  g_autoptr (GError) error = NULL;
  DeskSearchQuery query = { .words = words, .limit = 50 };
  g_autoptr (GPtrArray) hits = desk_store_search (f->store, &query, &error);

  g_assert_no_error (error);
  if (out_first != NULL && hits->len > 0)
    *out_first = g_strdup (((DeskSearchHit *) g_ptr_array_index (hits, 0))->snippet);
  return hits->len;
}

static void
test_search (Fixture *f, gconstpointer data)
{
  static const char *const texts[]
      = { "Delivery to Київ tomorrow", "delivered yesterday", "Über uns", "a \"quoted\" word",
          "tomorrow delivery" };
  static const char *const hostile[]
      = { "\"", "\"\"", "*", "a* OR b", "NEAR(a b)", "text:x", "^a", "-a", "(", ")", "{a}", "a AND",
          "'; DROP TABLE chat; --", "\"unfinished phr", "+", "\\", "\xff\xfe", "" };
  g_autofree char *snippet = NULL;

  /* Backfill: the newest is stored first. */
  for (int i = (int) G_N_ELEMENTS (texts) - 1; i >= 0; i--)
    apply_message (f->store, DESK_EVENT_NEW_MESSAGE, make_message (U, i + 1, 1, texts[i]));
  g_assert_cmpuint (count_hits (f, "deliv", &snippet), ==, 3);
  g_assert_cmpstr (snippet, ==, "tomorrow \002delivery\003"); /* newest first */
  g_assert_cmpuint (count_hits (f, "deliv tomor", NULL), ==, 2);
  g_assert_cmpuint (count_hits (f, "\"delivery to\"", NULL), ==, 1);
  g_assert_cmpuint (count_hits (f, "київ", NULL), ==, 1);
  g_assert_cmpuint (count_hits (f, "uber", NULL), ==, 1);
  g_assert_cmpuint (count_hits (f, "quoted", NULL), ==, 1);
  g_assert_cmpuint (count_hits (f, "OR", NULL), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    count_hits (f, hostile[i], NULL);
  {
    DeskSearchQuery query
        = { .words = "deliv", .from_ms = 1002000, .to_ms = 1003000, .limit = 50 };
    g_autoptr (GPtrArray) hits = desk_store_search (f->store, &query, NULL);

    g_assert_cmpuint (hits->len, ==, 1);
    g_assert_cmpint (((DeskSearchHit *) g_ptr_array_index (hits, 0))->order_key, ==, 2);
  }
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
  ADD ("/store/outbox/states", test_states);
  ADD ("/store/outbox/pending-text", test_pending_text);
  ADD ("/store/outbox/acknowledged", test_acknowledged);
  ADD ("/store/outbox/draft", test_draft);
  ADD ("/store/outbox/atomic", test_atomic);
  ADD ("/store/outbox/observer", test_observer);
  ADD ("/store/outbox/closed", test_closed);
  ADD ("/store/search/words", test_search);
  return g_test_run ();
}
