/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "engine-rig.h"

/* The engine's connection and the order of events at level 2. */

static void
go_live (Rig *rig)
{
  rig_start (rig, 2, "e1:0-10");
  g_assert_cmpuint (rig->connects, ==, 1);
  g_assert_cmpstr (rig->connect_cursor, ==, "e1:0-10");
  rig_hello (rig, "e1", FALSE, 10);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  rig_settle_applies (rig);
}

static void
test_resume_nothing_new (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  g_assert_true (g_queue_is_empty (rig->requests)); /* one handshake, no REST call */
  rig_outbox (rig);
  g_assert_true (desk_engine_is_settled (rig->engine));
  g_assert_cmpint (desk_engine_get_state (rig->engine)->server_offset_ms, ==, 5000);
}

static void
test_replay_then_live (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig_start (rig, 2, "e1:0-10");
  rig_hello (rig, "e1", FALSE, 12);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_CATCHING_UP);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  g_assert_cmpuint (g_queue_get_length (rig->applies), ==, 1);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 12);
  g_assert_cmpuint (g_queue_get_length (rig->applies), ==, 1); /* one batch at a time */
  rig_stored (rig, NULL);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_CATCHING_UP);
  g_assert_cmpuint (g_queue_get_length (rig->applies), ==, 1);
  rig_stored (rig, NULL);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  g_assert_cmpuint (rig->applied_events, ==, 2);
}

static void
test_duplicates_and_gap (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 10);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 9);
  g_assert_true (g_queue_is_empty (rig->applies));
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 13);
  g_assert_true (g_queue_is_empty (rig->applies));
  g_assert_cmpint (rig->timers[DESK_TIMER_GAP], !=, 0);
  rig_fire (rig, DESK_TIMER_GAP);
  g_assert_cmpstr (rig_request (rig, DESK_REQUEST_CHANGES)->cursor, ==, "e1:0-10");
  rig_changes (rig, "e1:0-12", FALSE, 11, 12);
  rig_settle_applies (rig);
  g_assert_cmpuint (rig->applied_events, ==, 3); /* 13 was held and followed */
  g_assert_cmpint (rig->timers[DESK_TIMER_GAP], ==, 0);
}

static void
test_reordered_needs_no_request (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 12);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  rig_settle_applies (rig);
  g_assert_cmpuint (rig->applied_events, ==, 2);
  g_assert_cmpint (rig->timers[DESK_TIMER_GAP], ==, 0);
  g_assert_true (g_queue_is_empty (rig->requests));
}

static void
test_head_shows_a_lost_last_event (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  g_autoptr (DeskEvent) head = desk_event_new (DESK_EVENT_HEAD);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = head };

  go_live (rig);
  head->head = desk_cursor_new ("e1");
  desk_cursor_set (head->head, 0, 11);
  rig_feed (rig, &input);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_CATCHING_UP);
  rig_fire (rig, DESK_TIMER_GAP);
  rig_changes (rig, "e1:0-11", FALSE, 11, 11);
  rig_settle_applies (rig);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
}

static void
test_store_failure_goes_back (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 12);
  rig_store_failed (rig);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_OFFLINE);
  g_assert_cmpstr (desk_engine_get_state (rig->engine)->error, ==, "The disk is full.");
  rig_settle_applies (rig);
  rig_fire (rig, DESK_TIMER_STORE);
  g_assert_cmpuint (rig->connects, ==, 2);
  g_assert_cmpstr (rig->connect_cursor, ==, "e1:0-10"); /* nothing was kept, so nothing is claimed */
  rig_hello (rig, "e1", FALSE, 12);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 12);
  rig_settle_applies (rig);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  g_assert_cmpuint (rig->applied_events, ==, 2);
}

static void
test_commit_in_flight_at_disconnect (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  rig_closed (rig, 0);
  rig_fire (rig, DESK_TIMER_RETRY); /* reconnects before the commit is known */
  g_assert_cmpstr (rig->connect_cursor, ==, "e1:0-10");
  rig_settle_applies (rig);
  rig_hello (rig, "e1", FALSE, 11);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11); /* replayed: known already */
  g_assert_true (g_queue_is_empty (rig->applies));
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  g_assert_cmpuint (rig->applied_events, ==, 1);
}

static void
answer_chats (Rig *rig, const char *next)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  rig_request (rig, DESK_REQUEST_CHATS);
  reply->chats = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_chat_free);
  g_ptr_array_add (reply->chats, desk_chat_new ("telegram", "42"));
  reply->next = g_strdup (next);
  rig_reply (rig, reply);
}

static void
test_first_sync (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  DeskInput wanted = { .type = DESK_INPUT_WANTED };
  g_autoptr (GPtrArray) none = g_ptr_array_new ();

  rig_start (rig, -1, "");
  rig_request (rig, DESK_REQUEST_CAPABILITIES);
  rig_capabilities (rig);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_HEAD);
  rig_changes (rig, "e1:0-7", FALSE, 0, 0);
  answer_chats (rig, "page2");
  g_assert_true (g_queue_is_empty (rig->requests)); /* the next page waits for the commit */
  rig_stored (rig, NULL);
  answer_chats (rig, NULL);
  g_assert_cmpuint (rig->connects, ==, 0);
  rig_stored (rig, NULL);
  g_assert_cmpuint (rig->connects, ==, 1);
  g_assert_cmpstr (rig->connect_cursor, ==, "e1:0-7");
  rig_hello (rig, "e1", FALSE, 7);
  rig_settle_applies (rig);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  rig_outbox (rig);
  g_assert_false (desk_engine_is_settled (rig->engine)); /* history is still to be looked at */
  rig_fire (rig, DESK_TIMER_HISTORY);
  g_assert_cmpuint (rig->wanted_reads, ==, 1);
  wanted.wanted = none;
  rig_feed (rig, &wanted);
  g_assert_true (desk_engine_is_settled (rig->engine));
}

static void
test_expired_cursor_snapshots (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 15);
  rig_fire (rig, DESK_TIMER_GAP);
  rig_refuse (rig, 410, DESK_CODE_CURSOR_EXPIRED);
  rig_request (rig, DESK_REQUEST_HEAD);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_CATCHING_UP);
}

static void
test_new_epoch_snapshots (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig_start (rig, 2, "e1:0-10");
  rig_hello (rig, "e2", TRUE, 3);
  rig_request (rig, DESK_REQUEST_HEAD);
}

static void
test_server_errors_do_not_downgrade (void)
{
  const guint statuses[] = { 401, 500, 502, 503, 429 };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autoptr (Rig) rig = rig_new (TRUE);

      rig_start (rig, -1, "");
      rig_refuse (rig, statuses[i], DESK_CODE_OTHER);
      g_assert_cmpuint (desk_engine_get_state (rig->engine)->level, ==, G_MAXUINT);
    }
}

static void
test_token (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskInput token = { .type = DESK_INPUT_TOKEN, .token_result = DESK_TOKEN_RENEWED };

  go_live (rig);
  rig_closed (rig, DESK_CLOSE_TOKEN_REFUSED);
  g_assert_cmpuint (rig->refreshes, ==, 1);
  rig_feed (rig, &token);
  g_assert_cmpuint (rig->connects, ==, 2);
  rig_closed (rig, 401);
  g_assert_cmpuint (rig->refreshes, ==, 2);
  token.token_result = DESK_TOKEN_REFUSED;
  rig_feed (rig, &token);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_SIGNED_OUT);
  for (guint i = 0; i < DESK_N_TIMERS; i++)
    g_assert_cmpint (rig->timers[i], ==, 0);
}

static void
test_polling_without_websocket (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  guint tries = 0;

  go_live (rig);
  rig_outbox (rig);
  rig_closed (rig, 0);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_OFFLINE);
  while (rig->timers[DESK_TIMER_RETRY] < rig->timers[DESK_TIMER_POLL] && tries++ < 50)
    {
      rig_fire (rig, DESK_TIMER_RETRY);
      rig_closed (rig, 0);
    }
  rig_settle_applies (rig);
  rig_fire (rig, DESK_TIMER_POLL);
  rig_changes (rig, "e1:0-11", FALSE, 11, 11);
  rig_settle_applies (rig);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_POLLING);
  /* And what waits goes out this way too. */
  rig_add_entry (rig, 1, "42", "hello");
  rig_outbox (rig);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_SEND);
}

/* Woken while the cache could not be written: what the new connection brings is written, not only collected. */
static void
test_woken_with_a_full_disk (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_settle_applies (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  rig_store_failed (rig);
  rig_simple (rig, DESK_INPUT_RETRY_NOW);
  rig_hello (rig, "e1", FALSE, 11);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  g_assert_cmpuint (g_queue_get_length (rig->applies), ==, 1);
  rig_settle_applies (rig);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
}

/* The log has expired while a batch was being written, and then that fails: the snapshot goes on. */
static void
test_batch_fails_during_snapshot (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_settle_applies (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 13);
  rig_fire (rig, DESK_TIMER_GAP);
  rig_request (rig, DESK_REQUEST_CHANGES);
  rig_refuse (rig, 410, DESK_CODE_CURSOR_EXPIRED);
  rig_store_failed (rig);
  rig_fire (rig, DESK_TIMER_STORE);
  rig_request (rig, DESK_REQUEST_HEAD);
}

/* Each failed attempt to connect drops the plan of what to fetch; a poll has to make a new one. */
static void
test_history_by_polling (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  guint tries = 0, reads;

  go_live (rig);
  rig_closed (rig, 0);
  while (rig->timers[DESK_TIMER_RETRY] < rig->timers[DESK_TIMER_POLL] && tries++ < 50)
    {
      rig_fire (rig, DESK_TIMER_RETRY);
      rig_closed (rig, 0);
    }
  rig_settle_applies (rig);
  reads = rig->wanted_reads;
  rig_fire (rig, DESK_TIMER_POLL);
  rig_changes (rig, "e1:0-11", FALSE, 11, 11);
  rig_settle_applies (rig);
  rig_fire (rig, DESK_TIMER_HISTORY);
  g_assert_cmpuint (rig->wanted_reads, ==, reads + 1);
}

static void
test_websockets_do_not_get_through (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig_start (rig, 2, "e1:0-10");
  rig_closed (rig, 0);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_CONNECTING); /* not known yet to be offline */
  rig_request (rig, DESK_REQUEST_CHANGES);
  rig_changes (rig, "e1:0-10", FALSE, 0, 0);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_POLLING);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_true (desk_engine_is_settled (rig->engine));
}

static void
test_server_is_away (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig_start (rig, 2, "e1:0-10");
  rig_closed (rig, 0);
  rig_request (rig, DESK_REQUEST_CHANGES);
  rig_lost (rig, DESK_OUT_NOT_SENT);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_OFFLINE);
  rig_fire (rig, DESK_TIMER_RETRY);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_OFFLINE);
}

static void
test_backoff_grows_and_is_reset (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  gint64 longest = 0;

  go_live (rig);
  for (guint i = 0; i < 12; i++)
    {
      rig_closed (rig, 0);
      longest = MAX (longest, rig->timers[DESK_TIMER_RETRY] - rig->now_us);
      g_assert_cmpint (longest, <=, 30 * G_USEC_PER_SEC + 1);
      rig_fire (rig, DESK_TIMER_RETRY);
    }
  g_assert_cmpint (longest, >, 2 * G_USEC_PER_SEC);
  rig_hello (rig, "e1", FALSE, 10);
  rig_fire (rig, DESK_TIMER_STABLE);
  rig_closed (rig, 0);
  g_assert_cmpint (rig->timers[DESK_TIMER_RETRY] - rig->now_us, <=, 500001);
}

static void
test_wake (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskInput wake = { .type = DESK_INPUT_RETRY_NOW, .flag = TRUE };

  go_live (rig);
  rig_feed (rig, &wake);
  g_assert_cmpuint (rig->connects, ==, 2);
}

/* The network came back: no waiting for the backoff. That it went away is no reason to give up anything. */
static void
test_network_change (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskInput gone = { .type = DESK_INPUT_NETWORK, .flag = FALSE };
  DeskInput back = { .type = DESK_INPUT_NETWORK, .flag = TRUE };

  go_live (rig);
  rig_feed (rig, &gone);
  rig_feed (rig, &back);
  g_assert_cmpuint (rig->connects, ==, 1);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  rig_closed (rig, 0);
  rig_feed (rig, &gone);
  g_assert_cmpuint (rig->connects, ==, 1);
  rig_feed (rig, &back);
  g_assert_cmpuint (rig->connects, ==, 2);
}

/* Where no websocket gets through, the team and canned replies are asked for all the same, again after a failure. */
static void
test_team_by_polling (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig->keep_team = TRUE;
  rig_start (rig, 2, "e1:0-10");
  rig_closed (rig, 0);
  rig_changes (rig, "e1:0-10", FALSE, 0, -1);
  rig_request (rig, DESK_REQUEST_CANNED);
  rig_lost (rig, DESK_OUT_LOST);
  rig_request (rig, DESK_REQUEST_MANAGERS);
  rig_lost (rig, DESK_OUT_LOST);
  rig_settle_applies (rig);
  rig_fire (rig, DESK_TIMER_POLL);
  rig_changes (rig, "e1:0-10", FALSE, 0, -1);
  rig_request (rig, DESK_REQUEST_CANNED);
}

static void
test_stop_ends_everything (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_simple (rig, DESK_INPUT_STOP);
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_STOPPED);
  rig_settle_applies (rig);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11);
  rig_simple (rig, DESK_INPUT_OUTBOX_CHANGED);
  g_assert_true (g_queue_is_empty (rig->requests));
  g_assert_true (g_queue_is_empty (rig->applies));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/resume-nothing-new", test_resume_nothing_new);
  g_test_add_func ("/engine/replay-then-live", test_replay_then_live);
  g_test_add_func ("/engine/duplicates-and-gap", test_duplicates_and_gap);
  g_test_add_func ("/engine/reordered", test_reordered_needs_no_request);
  g_test_add_func ("/engine/head", test_head_shows_a_lost_last_event);
  g_test_add_func ("/engine/store-failure", test_store_failure_goes_back);
  g_test_add_func ("/engine/commit-in-flight", test_commit_in_flight_at_disconnect);
  g_test_add_func ("/engine/first-sync", test_first_sync);
  g_test_add_func ("/engine/expired-cursor", test_expired_cursor_snapshots);
  g_test_add_func ("/engine/new-epoch", test_new_epoch_snapshots);
  g_test_add_func ("/engine/no-downgrade", test_server_errors_do_not_downgrade);
  g_test_add_func ("/engine/token", test_token);
  g_test_add_func ("/engine/polling", test_polling_without_websocket);
  g_test_add_func ("/engine/woken-with-full-disk", test_woken_with_a_full_disk);
  g_test_add_func ("/engine/snapshot-with-full-disk", test_batch_fails_during_snapshot);
  g_test_add_func ("/engine/polling-history", test_history_by_polling);
  g_test_add_func ("/engine/no-websockets", test_websockets_do_not_get_through);
  g_test_add_func ("/engine/server-away", test_server_is_away);
  g_test_add_func ("/engine/backoff", test_backoff_grows_and_is_reset);
  g_test_add_func ("/engine/wake", test_wake);
  g_test_add_func ("/engine/network-change", test_network_change);
  g_test_add_func ("/engine/team-by-polling", test_team_by_polling);
  g_test_add_func ("/engine/stop", test_stop_ends_everything);
  return g_test_run ();
}
