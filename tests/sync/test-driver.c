/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test-driver"

#include "config.h"

#include <string.h>

#include "fake-backend.h"
#include "store/desk-store.h"
#include "sync/desk-sync.h"

/* The whole client below the screen: DeskSync and its driver with a real cache, against a backend in this process. */

typedef struct
{
  FakeBackend *backend;
  char *dir;
  DeskStore *store;
  DeskSync *sync;
  GThread *owner;
  guint events, ephemerals, states, unknown_events;
  char *last_text;
  gboolean unchecked; /* do not look for every message */
  gboolean committed; /* every message told of was in the cache by then */
} Rig;

static void
on_event (DeskSync *sync, DeskEvent *event, Rig *rig)
{
  g_assert_true (g_thread_self () == rig->owner);
  rig->events++;
  rig->unknown_events += event->type == DESK_EVENT_UNKNOWN;
  if (event->type == DESK_EVENT_NEW_MESSAGE && !rig->unchecked)
    {
      DeskTimelineQuery query = { .platform = "telegram",
                                  .user_id = event->message->user_id,
                                  .limit = 500,
                                  .anchor = DESK_ANCHOR_NEWEST };
      g_autoptr (DeskTimelinePage) page = desk_store_list_messages (rig->store, &query, NULL);
      gboolean found = FALSE;

      for (guint i = 0; i < page->items->len; i++)
        {
          DeskTimelineItem *item = g_ptr_array_index (page->items, i);

          found |= item->type == DESK_ITEM_MESSAGE && g_strcmp0 (item->message->text, event->message->text) == 0;
        }
      rig->committed &= found;
      g_free (rig->last_text);
      rig->last_text = g_strdup (event->message->text);
    }
}

static void
on_ephemeral (DeskSync *sync, DeskEvent *event, Rig *rig)
{
  g_assert_true (g_thread_self () == rig->owner);
  rig->ephemerals++;
}

static void
on_state (DeskSync *sync, Rig *rig)
{
  g_assert_true (g_thread_self () == rig->owner);
  rig->states++;
}

static DeskSyncPhase
phase (Rig *rig)
{
  return desk_sync_get_state (rig->sync)->phase;
}

static void
new_sync (Rig *rig, const char *token)
{
  DeskSyncOptions options = { .server_url = rig->backend->url, .username = "anna", .token = token };

  rig->sync = desk_sync_new (rig->store, &options);
  g_signal_connect (rig->sync, "event", G_CALLBACK (on_event), rig);
  g_signal_connect (rig->sync, "ephemeral", G_CALLBACK (on_ephemeral), rig);
  g_signal_connect (rig->sync, "state-changed", G_CALLBACK (on_state), rig);
}

static Rig *
rig_new (guint level)
{
  Rig *rig = g_new0 (Rig, 1);
  g_autoptr (GError) error = NULL;

  rig->owner = g_thread_self ();
  rig->committed = TRUE;
  rig->backend = fake_backend_new (level);
  rig->dir = g_dir_make_tmp ("desk-driver-XXXXXX", NULL);
  rig->store = desk_store_open (rig->dir, NULL, &error);
  g_assert_no_error (error);
  new_sync (rig, "access-0");
  return rig;
}

static void
free_sync (Rig *rig)
{
  gpointer weak = rig->sync;

  g_object_add_weak_pointer (G_OBJECT (rig->sync), &weak);
  g_object_unref (rig->sync);
  g_assert_null (weak);
  rig->sync = NULL;
}

static void
rig_free (Rig *rig)
{
  if (rig->sync != NULL)
    free_sync (rig);
  desk_store_close (rig->store);
  g_clear_object (&rig->store);
  desk_store_erase (rig->dir, NULL);
  fake_backend_free (rig->backend);
  g_free (rig->dir);
  g_free (rig->last_text);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* The texts of a chat in the cache, oldest first, joined. */
static char *
texts (Rig *rig, const char *user_id)
{
  DeskTimelineQuery query
      = { .platform = "telegram", .user_id = user_id, .limit = 500, .anchor = DESK_ANCHOR_NEWEST };
  g_autoptr (DeskTimelinePage) page = desk_store_list_messages (rig->store, &query, NULL);
  GString *all = g_string_new (NULL);

  for (guint i = 0; page != NULL && i < page->items->len; i++)
    {
      DeskTimelineItem *item = g_ptr_array_index (page->items, i);

      if (item->type == DESK_ITEM_MESSAGE)
        g_string_append_printf (all, "%s%s", all->len > 0 ? "," : "", item->message->text);
    }
  return g_string_free (all, FALSE);
}

static gboolean
texts_are (Rig *rig, const char *user_id, const char *expected)
{
  g_autofree char *all = texts (rig, user_id);

  return g_strcmp0 (all, expected) == 0;
}

static guint
outbox_size (Rig *rig)
{
  g_autoptr (GPtrArray) entries = desk_store_list_outbox (rig->store, NULL);

  return entries->len;
}

static void
queue_reply (Rig *rig, const char *user_id, const char *text)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, "telegram", user_id);
  g_autoptr (DeskBatchResult) result = NULL;
  g_autoptr (GError) error = NULL;
  DeskBatch *batch = desk_batch_new ();

  g_free (entry->text);
  entry->text = g_strdup (text);
  entry->seen_seq = -2;
  desk_batch_outbox_add (batch, entry, FALSE);
  result = desk_store_apply (rig->store, batch, &error);
  g_assert_no_error (error);
  desk_sync_nudge (rig->sync);
}

typedef struct
{
  gboolean done, ok;
  GError *error;
} Settled;

static void
on_settled (GObject *source, GAsyncResult *result, gpointer data)
{
  Settled *settled = data;

  settled->ok = desk_sync_settle_finish (DESK_SYNC (source), result, &settled->error);
  settled->done = TRUE;
}

static void
settle (Rig *rig)
{
  Settled settled = { 0 };

  desk_sync_settle_async (rig->sync, NULL, on_settled, &settled);
  fake_wait (settled.done);
  g_assert_no_error (settled.error);
  g_assert_true (settled.ok);
}

static void
settle_fails (Rig *rig, GIOErrorEnum code)
{
  Settled settled = { 0 };

  desk_sync_settle_async (rig->sync, NULL, on_settled, &settled);
  fake_wait (settled.done);
  g_assert_false (settled.ok);
  g_assert_error (settled.error, G_IO_ERROR, (int) code);
  g_error_free (settled.error);
}

static void
test_first_sync (void)
{
  g_autoptr (Rig) rig = rig_new (2);
  g_autofree char *cursor = NULL;

  fake_backend_message (rig->backend, "42", TRUE, "one");
  fake_backend_message (rig->backend, "42", TRUE, "two");
  fake_backend_message (rig->backend, "43", TRUE, "three");
  g_assert_cmpint (phase (rig), ==, DESK_SYNC_STOPPED);
  desk_sync_start (rig->sync);
  settle (rig);
  g_assert_cmpint (phase (rig), ==, DESK_SYNC_LIVE);
  g_assert_cmpuint (desk_sync_get_state (rig->sync)->level, ==, 2);
  g_assert_true (texts_are (rig, "42", "one,two"));
  g_assert_true (texts_are (rig, "43", "three"));
  g_assert_nonnull (desk_capabilities_find_platform (desk_sync_get_capabilities (rig->sync), "telegram"));
  g_assert_false (rig->backend->token_in_url);

  /* Live. */
  fake_backend_message (rig->backend, "42", TRUE, "four");
  fake_wait (g_strcmp0 (rig->last_text, "four") == 0);
  fake_backend_message (rig->backend, "99", TRUE, "a new chat");
  fake_wait (g_strcmp0 (rig->last_text, "a new chat") == 0);
  g_assert_true (rig->committed);
  g_assert_true (texts_are (rig, "42", "one,two,four"));
  fake_backend_frame (rig->backend, "{\"type\":\"typing\",\"data\":{\"platform\":\"telegram\",\"user_id\":\"42\",\"who\":\"customer\"}}");
  fake_wait (rig->ephemerals == 1);
  settle (rig);

  /* The cursor is kept: a second start asks for no snapshot and misses nothing. */
  desk_sync_stop (rig->sync);
  g_assert_cmpint (phase (rig), ==, DESK_SYNC_STOPPED);
  cursor = desk_store_get_setting (rig->store, "cursor", NULL);
  g_assert_nonnull (cursor);
  fake_backend_message (rig->backend, "42", TRUE, "while away");
  desk_sync_start (rig->sync);
  fake_wait (g_strcmp0 (rig->last_text, "while away") == 0);
  settle (rig);
  g_assert_true (texts_are (rig, "42", "one,two,four,while away"));
}

static void
test_send (void)
{
  g_autoptr (Rig) rig = rig_new (2);

  fake_backend_message (rig->backend, "42", TRUE, "hello");
  desk_sync_start (rig->sync);
  settle (rig);
  queue_reply (rig, "42", "good day");
  settle (rig);
  g_assert_cmpuint (outbox_size (rig), ==, 0);
  g_assert_cmpuint (rig->backend->delivered, ==, 1);
  g_assert_true (texts_are (rig, "42", "hello,good day"));

  /* Carried out, but the answer is lost: sent again under the same id, once for the customer. */
  fake_backend_fault (rig->backend, "POST", "/send", FAKE_LOSE, 0, NULL);
  queue_reply (rig, "42", "again");
  settle (rig);
  g_assert_cmpuint (rig->backend->sends, ==, 3);
  g_assert_cmpuint (rig->backend->delivered, ==, 2);
  g_assert_true (texts_are (rig, "42", "hello,good day,again"));

  /* Refused for good: waits for the manager, and counts as settled. */
  fake_backend_fault (rig->backend, "POST", "/send", FAKE_REFUSE, 422,
                      "{\"success\":false,\"error\":{\"code\":\"TEXT_TOO_LONG\",\"message\":\"x\"}}");
  queue_reply (rig, "42", "long");
  settle (rig);
  g_assert_cmpuint (outbox_size (rig), ==, 1);
  g_assert_cmpuint (rig->backend->delivered, ==, 2);
}

static void
test_offline (void)
{
  g_autoptr (Rig) rig = rig_new (2);

  fake_backend_message (rig->backend, "42", TRUE, "hello");
  desk_sync_start (rig->sync);
  settle (rig);
  fake_backend_down (rig->backend);
  fake_wait (phase (rig) == DESK_SYNC_OFFLINE);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *text = g_strdup_printf ("reply %u", i);

      queue_reply (rig, "42", text);
    }
  settle_fails (rig, G_IO_ERROR_NOT_CONNECTED);
  fake_wait (desk_sync_get_state (rig->sync)->pending == 5);
  g_assert_cmpuint (outbox_size (rig), ==, 5);
  fake_backend_up (rig->backend);
  desk_sync_retry_now (rig->sync);
  fake_wait (phase (rig) == DESK_SYNC_LIVE);
  settle (rig);
  g_assert_cmpuint (rig->backend->delivered, ==, 5);
  g_assert_true (texts_are (rig, "42", "hello,reply 0,reply 1,reply 2,reply 3,reply 4"));
  g_assert_cmpuint (outbox_size (rig), ==, 0);
}

/* A long outbox: in order, once each, in time that grows with its length and not with its square. */
static gint64
deliver_many (guint n)
{
  g_autoptr (Rig) rig = rig_new (2);
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();
  FakeChat *chat;
  gint64 begin;

  rig->unchecked = TRUE;
  fake_backend_message (rig->backend, "42", TRUE, "hello");
  desk_sync_start (rig->sync);
  settle (rig);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, "telegram", "42");

      g_free (entry->text);
      entry->text = g_strdup_printf ("%u", i);
      entry->seen_seq = -1;
      desk_batch_outbox_add (batch, entry, FALSE);
    }
  result = desk_store_apply (rig->store, batch, NULL);
  begin = g_get_monotonic_time ();
  desk_sync_nudge (rig->sync);
  while (rig->backend->delivered < n)
    fake_iterate ();
  settle (rig);
  begin = g_get_monotonic_time () - begin;
  chat = fake_backend_chat (rig->backend, "42");
  g_assert_cmpuint (chat->messages->len, ==, n + 1);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      g_assert_cmpstr (((DeskMessage *) g_ptr_array_index (chat->messages, i + 1))->text, ==, text);
    }
  g_assert_cmpuint (rig->backend->sends, ==, n);
  g_test_message ("%u replies in %" G_GINT64_FORMAT " ms", n, begin / 1000);
  return begin;
}

static void
test_many (void)
{
  if (g_test_slow ())
    deliver_many (2000);
  deliver_many (300);
}

static void
test_refused_token (void)
{
  g_autoptr (Rig) rig = rig_new (2);

  free_sync (rig);
  new_sync (rig, "wrong");
  desk_sync_start (rig->sync);
  settle_fails (rig, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_cmpint (phase (rig), ==, DESK_SYNC_SIGNED_OUT);
  g_assert_nonnull (desk_sync_get_state (rig->sync)->error);
}

static void
test_settle_stopped (void)
{
  g_autoptr (Rig) rig = rig_new (2);
  Settled settled = { 0 };

  settle_fails (rig, G_IO_ERROR_NOT_CONNECTED);
  fake_backend_fault (rig->backend, "GET", "/capabilities", FAKE_HANG, 0, NULL);
  desk_sync_start (rig->sync);
  desk_sync_settle_async (rig->sync, NULL, on_settled, &settled);
  fake_wait (rig->backend->hanging->len == 1);
  desk_sync_stop (rig->sync);
  fake_wait (settled.done);
  g_assert_error (settled.error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED);
  g_error_free (settled.error);
}

/* What was settled before a nudge must not answer for what the nudge was about. */
static void
test_settle_after_nudge (void)
{
  g_autoptr (Rig) rig = rig_new (2);

  fake_backend_message (rig->backend, "42", TRUE, "hello");
  desk_sync_start (rig->sync);
  settle (rig);
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      fake_backend_message (rig->backend, "42", TRUE, "noise"); /* keeps news coming */
      queue_reply (rig, "42", text);
      settle (rig);
      g_assert_cmpuint (rig->backend->delivered, ==, i + 1);
      g_assert_cmpuint (outbox_size (rig), ==, 0);
    }
}

static void
test_broken_event (void)
{
  g_autoptr (Rig) rig = rig_new (2);

  fake_backend_message (rig->backend, "42", TRUE, "one");
  desk_sync_start (rig->sync);
  settle (rig);
  g_test_expect_message ("desk-protocol", G_LOG_LEVEL_WARNING, "*is broken and passed over*");
  fake_backend_event (rig->backend, "new_message", "{\"text\":\"no chat\"}");
  fake_backend_message (rig->backend, "42", TRUE, "two");
  fake_wait (g_strcmp0 (rig->last_text, "two") == 0);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (rig->unknown_events, ==, 1);

  /* The same by /changes. */
  desk_sync_stop (rig->sync);
  g_test_expect_message ("desk-protocol", G_LOG_LEVEL_WARNING, "*is broken and passed over*");
  fake_backend_event (rig->backend, "new_message", "{\"text\":\"no chat\"}");
  fake_backend_message (rig->backend, "42", TRUE, "three");
  desk_sync_start (rig->sync);
  fake_wait (g_strcmp0 (rig->last_text, "three") == 0);
  settle (rig);
  g_test_assert_expected_messages ();
}

/* Events that the websocket swallowed show by the next one, and are fetched. */
static void
test_gap (void)
{
  g_autoptr (Rig) rig = rig_new (2);
  GPtrArray *sockets;

  fake_backend_message (rig->backend, "42", TRUE, "one");
  desk_sync_start (rig->sync);
  settle (rig);
  sockets = g_steal_pointer (&rig->backend->sockets);
  rig->backend->sockets = g_ptr_array_new ();
  fake_backend_message (rig->backend, "42", TRUE, "lost");
  g_ptr_array_unref (rig->backend->sockets);
  rig->backend->sockets = sockets;
  fake_backend_message (rig->backend, "42", TRUE, "three");
  fake_wait (g_strcmp0 (rig->last_text, "three") == 0);
  g_assert_true (texts_are (rig, "42", "one,lost,three"));
}

static void
test_new_epoch (void)
{
  g_autoptr (Rig) rig = rig_new (2);

  fake_backend_message (rig->backend, "42", TRUE, "one");
  desk_sync_start (rig->sync);
  settle (rig);
  desk_sync_stop (rig->sync);
  g_free (rig->backend->epoch);
  rig->backend->epoch = g_strdup ("e2");
  fake_backend_message (rig->backend, "42", TRUE, "two");
  desk_sync_start (rig->sync);
  settle (rig);
  g_assert_true (texts_are (rig, "42", "one,two"));
}

/* The end, with requests that are never answered, returns soon and leaves nothing. */
static void
test_stop_in_flight (void)
{
  static const char *const paths[] = { "/capabilities", "/changes", "/chats", "/messages", "/send" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (Rig) rig = rig_new (2);
      gint64 begin;

      fake_backend_message (rig->backend, "42", TRUE, "hello");
      if (i == 4)
        {
          desk_sync_start (rig->sync);
          settle (rig);
        }
      fake_backend_fault (rig->backend, i == 4 ? "POST" : "GET", paths[i], FAKE_HANG, 0, NULL);
      if (i == 4)
        queue_reply (rig, "42", "x");
      desk_sync_start (rig->sync);
      fake_wait (rig->backend->hanging->len == 1);
      begin = g_get_monotonic_time ();
      desk_sync_stop (rig->sync);
      g_assert_cmpint (g_get_monotonic_time () - begin, <, G_USEC_PER_SEC);
    }
}

static void
test_cycles (void)
{
  g_autoptr (Rig) rig = rig_new (2);

  fake_backend_message (rig->backend, "42", TRUE, "hello");
  for (guint i = 0; i < 100; i++)
    {
      desk_sync_start (rig->sync);
      desk_sync_set_open_chat (rig->sync, "telegram", "42");
      desk_sync_typing (rig->sync, "telegram", "42");
      if (i % 2 == 0)
        queue_reply (rig, "42", "x");
      for (guint j = 0; j < i % 7; j++)
        fake_iterate ();
      desk_sync_stop (rig->sync);
      if (i % 3 == 0)
        {
          free_sync (rig);
          new_sync (rig, "access-0");
        }
    }
  desk_sync_start (rig->sync);
  settle (rig);
  g_assert_cmpuint (rig->backend->delivered, ==, 50);
}

/* The object goes while news wait for its owner: nobody is told, nothing is touched. */
static void
test_drop_running (void)
{
  g_autoptr (Rig) rig = rig_new (2);
  guint told;

  for (guint i = 0; i < 20; i++)
    {
      desk_sync_start (rig->sync);
      fake_run_ms (i * 3);
      told = rig->states + rig->events;
      free_sync (rig);
      g_assert_cmpuint (rig->states + rig->events, ==, told);
      fake_run_ms (5);
      g_assert_cmpuint (rig->states + rig->events, ==, told);
      new_sync (rig, "access-0");
    }
}

static void
on_older (GObject *source, GAsyncResult *result, gpointer data)
{
  *(int *) data = desk_sync_fetch_older_finish (DESK_SYNC (source), result, NULL);
}

static void
test_fetch_older (void)
{
  g_autoptr (Rig) rig = rig_new (2);
  int ok = -1;

  desk_sync_fetch_older_async (rig->sync, "telegram", "42", 0, NULL, on_older, &ok);
  fake_wait (ok == FALSE);
  fake_backend_message (rig->backend, "42", TRUE, "one");
  desk_sync_start (rig->sync);
  settle (rig);
  ok = -1;
  desk_sync_fetch_older_async (rig->sync, "telegram", "42", 0, NULL, on_older, &ok);
  fake_wait (ok == TRUE);
  ok = -1;
  fake_backend_fault (rig->backend, "GET", "/messages", FAKE_HANG, 0, NULL);
  desk_sync_fetch_older_async (rig->sync, "telegram", "42", 0, NULL, on_older, &ok);
  desk_sync_stop (rig->sync);
  fake_wait (ok == FALSE);
}

static void
run_level0 (gboolean enveloped, gboolean zero_ids)
{
  g_autoptr (Rig) rig = rig_new (0);

  rig->backend->enveloped = enveloped;
  rig->backend->zero_ids = zero_ids;
  fake_backend_message (rig->backend, "42", TRUE, "one");
  fake_backend_message (rig->backend, "42", TRUE, "two");
  desk_sync_start (rig->sync);
  settle (rig);
  g_assert_cmpuint (desk_sync_get_state (rig->sync)->level, ==, 0);
  g_assert_cmpint (phase (rig), ==, DESK_SYNC_LIVE);
  g_assert_true (texts_are (rig, "42", "one,two"));
  fake_backend_message (rig->backend, "42", TRUE, "three");
  fake_backend_message (rig->backend, "42", TRUE, "three"); /* twice the same is two */
  fake_wait (texts_are (rig, "42", "one,two,three,three"));
  queue_reply (rig, "42", "answer");
  settle (rig);
  g_assert_cmpuint (rig->backend->delivered, ==, 1);
  g_assert_true (texts_are (rig, "42", "one,two,three,three,answer"));

  /* Sent, but the answer is lost: found in the history, never sent again. */
  fake_backend_fault (rig->backend, "POST", "/send", FAKE_LOSE, 0, NULL);
  queue_reply (rig, "42", "second");
  settle (rig);
  g_assert_cmpuint (rig->backend->sends, ==, 2);
  g_assert_cmpuint (outbox_size (rig), ==, 0);
  g_assert_true (texts_are (rig, "42", "one,two,three,three,answer,second"));
}

static void
test_level0_bare (void)
{
  run_level0 (FALSE, FALSE);
}

static void
test_level0_enveloped (void)
{
  run_level0 (TRUE, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/driver/first-sync", test_first_sync);
  g_test_add_func ("/driver/send", test_send);
  g_test_add_func ("/driver/offline", test_offline);
  g_test_add_func ("/driver/many", test_many);
  g_test_add_func ("/driver/refused-token", test_refused_token);
  g_test_add_func ("/driver/settle-stopped", test_settle_stopped);
  g_test_add_func ("/driver/settle-after-nudge", test_settle_after_nudge);
  g_test_add_func ("/driver/broken-event", test_broken_event);
  g_test_add_func ("/driver/gap", test_gap);
  g_test_add_func ("/driver/new-epoch", test_new_epoch);
  g_test_add_func ("/driver/stop-in-flight", test_stop_in_flight);
  g_test_add_func ("/driver/cycles", test_cycles);
  g_test_add_func ("/driver/drop-running", test_drop_running);
  g_test_add_func ("/driver/fetch-older", test_fetch_older);
  g_test_add_func ("/driver/level0/bare", test_level0_bare);
  g_test_add_func ("/driver/level0/enveloped", test_level0_enveloped);
  return g_test_run ();
}
