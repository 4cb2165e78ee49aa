/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "engine-rig.h"

/* Sending: at level 2, where an attempt may be repeated, and at level 0, where it may not. */

static void
go_live (Rig *rig)
{
  rig_start (rig, 2, "e1:0-10");
  rig_hello (rig, "e1", FALSE, 10);
  rig_settle_applies (rig);
}

static void
go_live_level0 (Rig *rig)
{
  DeskSyncReply *reply;

  rig_start (rig, -1, "");
  rig_refuse (rig, 404, DESK_CODE_OTHER);
  g_assert_cmpuint (desk_engine_get_state (rig->engine)->level, ==, 0);
  rig_settle_applies (rig);
  rig_simple (rig, DESK_INPUT_WS_OPENED);
  while (!g_queue_is_empty (rig->requests))
    {
      rig_request (rig, DESK_REQUEST_CHATS);
      reply = g_new0 (DeskSyncReply, 1);
      reply->chats = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_chat_free);
      rig_reply (rig, reply);
      rig_settle_applies (rig);
    }
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
}

static DeskSyncReply *
accepted (const char *text)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  if (text != NULL)
    {
      reply->message = desk_message_new ("telegram", "42");
      reply->message->chat_seq = 11;
    }
  return reply;
}

static void
test_attempt_is_stored_before_it_goes_out (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_add_entry (rig, 1, "42", "hello");
  rig_outbox (rig);
  g_assert_cmpuint (g_queue_get_length (rig->applies), ==, 1);
  g_assert_true (g_queue_is_empty (rig->requests));
  rig_stored (rig, NULL);
  g_assert_cmpstr (rig_request (rig, DESK_REQUEST_SEND)->entry->client_message_id, ==, "c1");
  rig_reply (rig, accepted ("hello"));
  g_assert_cmpuint (g_queue_get_length (rig->applies), ==, 1);
  g_ptr_array_set_size (rig->outbox, 0);
  rig_settle_applies (rig);
  rig_outbox (rig);
  g_assert_true (desk_engine_is_settled (rig->engine));
}

static void
test_nothing_goes_out_offline (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig_start (rig, 2, "e1:0-10");
  rig_add_entry (rig, 1, "42", "hello");
  rig_outbox (rig);
  g_assert_true (g_queue_is_empty (rig->applies));
  g_assert_true (g_queue_is_empty (rig->requests));
  g_assert_cmpuint (desk_engine_get_state (rig->engine)->pending, ==, 1);
  rig_hello (rig, "e1", FALSE, 10);
  rig_outbox (rig);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_SEND);
}

static void
test_order_in_a_chat_and_slots (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_add_entry (rig, 1, "a", "1");
  rig_add_entry (rig, 2, "a", "2");
  rig_add_entry (rig, 3, "b", "3");
  rig_add_entry (rig, 4, "c", "4");
  rig_add_entry (rig, 5, "d", "5");
  rig_add_entry (rig, 6, "e", "6");
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_cmpuint (g_queue_get_length (rig->requests), ==, 4); /* four chats; "2" waits for "1", "6" for a slot */
  g_assert_cmpstr (rig_request (rig, DESK_REQUEST_SEND)->entry->text, ==, "1");
  rig_reply (rig, accepted ("1"));
  g_ptr_array_remove_index (rig->outbox, 0);
  rig_stored (rig, NULL);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_cmpuint (g_queue_get_length (rig->requests), ==, 4);
  g_assert_cmpstr (((DeskEffect *) g_queue_peek_tail (rig->requests))->request->entry->text, ==, "2");
}

static void
retry_case (DeskSyncOutcome outcome, guint status)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_add_entry (rig, 1, "42", "hello");
  rig_outbox (rig);
  rig_stored (rig, NULL);
  rig_request (rig, DESK_REQUEST_SEND);
  if (status != 0)
    rig_refuse (rig, status, DESK_CODE_OTHER);
  else
    rig_lost (rig, outcome);
  rig_settle_applies (rig);
  rig_outbox (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
  rig_fire (rig, DESK_TIMER_OUTBOX);
  rig_settle_applies (rig);
  g_assert_cmpstr (rig_request (rig, DESK_REQUEST_SEND)->entry->client_message_id, ==, "c1"); /* the same key */
}

static void
test_level2_repeats (void)
{
  retry_case (DESK_OUT_LOST, 0);
  retry_case (DESK_OUT_NOT_SENT, 0);
  retry_case (DESK_OUT_GARBAGE, 0);
  retry_case (0, 500);
  retry_case (0, 503);
  retry_case (0, 429);
}

static void
test_refusal_stops_the_chat (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskOutboxEntry *first;

  go_live (rig);
  first = rig_add_entry (rig, 1, "42", "too long");
  rig_add_entry (rig, 2, "42", "next");
  rig_outbox (rig);
  rig_stored (rig, NULL);
  rig_refuse (rig, 422, DESK_CODE_TEXT_TOO_LONG);
  first->state = DESK_OUTBOX_FAILED;
  rig_settle_applies (rig);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
  g_assert_true (desk_engine_is_settled (rig->engine)); /* nothing more goes out by itself */
}

static void
test_withdrawn_before_it_went_out (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_add_entry (rig, 1, "42", "hello");
  rig_outbox (rig);
  g_ptr_array_set_size (rig->outbox, 0);
  rig_store_failed (rig); /* the cache has no such entry any more */
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  rig_outbox (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
}

static void
test_killed_while_sending (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskOutboxEntry *entry;

  go_live (rig);
  entry = rig_add_entry (rig, 1, "42", "hello");
  entry->state = DESK_OUTBOX_SENDING;
  entry->attempted_at_ms = rig->wall_ms - 1000;
  rig_outbox (rig);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_SEND);
}

static void
test_older_than_the_key (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskOutboxEntry *entry;

  go_live (rig);
  entry = rig_add_entry (rig, 1, "42", "hello");
  entry->state = DESK_OUTBOX_SENDING;
  entry->attempted_at_ms = rig->wall_ms - G_GINT64_CONSTANT (91) * 24 * 3600 * 1000;
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
}

static void
test_level0_never_repeats (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  guint looks = 0;

  go_live_level0 (rig);
  rig_add_entry (rig, 1, "42", "hello");
  rig_outbox (rig);
  rig_stored (rig, NULL);
  rig_request (rig, DESK_REQUEST_SEND);
  rig_lost (rig, DESK_OUT_LOST);
  while (rig->timers[DESK_TIMER_LOOK] != 0)
    {
      while (!g_queue_is_empty (rig->requests))
        {
          DeskSyncReply *page = g_new0 (DeskSyncReply, 1);

          rig_request (rig, DESK_REQUEST_PAGE0);
          page->messages = g_ptr_array_new ();
          rig_reply (rig, page);
          rig_settle_applies (rig);
          looks++;
        }
      rig_fire (rig, DESK_TIMER_LOOK);
      g_assert_cmpuint (looks, <, 20);
    }
  g_assert_cmpuint (looks, >=, 3);
  /* What it wants to store now is the state "unconfirmed". */
  g_assert_cmpuint (g_queue_get_length (rig->applies), ==, 1);
  ((DeskOutboxEntry *) g_ptr_array_index (rig->outbox, 0))->state = DESK_OUTBOX_UNCONFIRMED;
  rig_settle_applies (rig);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
}

static void
test_level0_found_in_history (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  g_autoptr (DeskEvent) hint = desk_event_new (DESK_EVENT_NEW_MESSAGE);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = hint };

  go_live_level0 (rig);
  rig_add_entry (rig, 1, "42", "hello");
  rig_outbox (rig);
  rig_stored (rig, NULL);
  rig_lost (rig, DESK_OUT_LOST);
  hint->message = desk_message_new ("telegram", "42");
  hint->message->direction = DESK_DIRECTION_OUTGOING;
  hint->message->sender = DESK_SENDER_MANAGER;
  g_free (hint->message->text);
  hint->message->text = g_strdup ("hello");
  rig_feed (rig, &input);
  g_ptr_array_set_size (rig->outbox, 0);
  rig_settle_applies (rig);
  rig_outbox (rig);
  g_assert_cmpuint (desk_engine_get_state (rig->engine)->pending, ==, 0);
}

static void
test_level0_refuses_notes (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live_level0 (rig);
  rig_add_entry (rig, 1, "42", "for us only")->is_private = TRUE;
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
}

static void
test_read_marker_waits_for_nobody (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskOutboxEntry *entry;

  go_live (rig);
  rig_add_entry (rig, 1, "42", "stuck")->state = DESK_OUTBOX_FAILED;
  entry = rig_add_entry (rig, 2, "42", "");
  entry->intent = DESK_INTENT_READ;
  entry->up_to_chat_seq = 9;
  rig_outbox (rig);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_READ);
}

static void
add_file (DeskOutboxEntry *entry, const char *filename, gint64 size)
{
  DeskStagedFile *file = g_new0 (DeskStagedFile, 1);

  file->name = g_strdup ("n");
  file->filename = g_strdup (filename);
  file->mime_type = g_strdup ("text/plain");
  file->sha256 = g_strdup ("");
  file->size = size;
  entry->files = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_staged_file_free);
  g_ptr_array_add (entry->files, file);
}

/* In the order of texts; what the manager stops is not repeated by itself, and not lost. */
static void
test_upload_is_stopped (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  const DeskRequest *request;
  g_autofree char *path = NULL;

  go_live (rig);
  add_file (rig_add_entry (rig, 1, "42", "caption"), "a.txt", 3 << 20);
  rig_add_entry (rig, 2, "42", "after it");
  rig_outbox (rig);
  rig_stored (rig, NULL);
  request = rig_request (rig, DESK_REQUEST_SEND);
  path = desk_request_path (request);
  g_assert_true (desk_request_has_files (request) && g_str_has_suffix (path, "/send-file"));
  rig_lost (rig, DESK_OUT_STOPPED);
  g_assert_cmpint (rig->timers[DESK_TIMER_OUTBOX], ==, 0); /* not put off */
  ((DeskOutboxEntry *) rig->outbox->pdata[0])->state = DESK_OUTBOX_FAILED;
  rig_settle_applies (rig);
  rig_outbox (rig);
  g_assert_true (g_queue_is_empty (rig->requests)); /* neither again, nor the one behind it */
}

static void
test_level0_refuses_large_files (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live_level0 (rig);
  add_file (rig_add_entry (rig, 1, "42", ""), "a.bin", DESK_LEVEL0_FILE_MAX + 1);
  add_file (rig_add_entry (rig, 2, "43", ""), "b.bin", DESK_LEVEL0_FILE_MAX);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_cmpint (rig_request (rig, DESK_REQUEST_SEND)->entry->local_id, ==, 2);
  g_assert_cmpuint (g_queue_get_length (rig->requests), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/outbox/attempt-first", test_attempt_is_stored_before_it_goes_out);
  g_test_add_func ("/outbox/offline", test_nothing_goes_out_offline);
  g_test_add_func ("/outbox/order-and-slots", test_order_in_a_chat_and_slots);
  g_test_add_func ("/outbox/level2-repeats", test_level2_repeats);
  g_test_add_func ("/outbox/refusal", test_refusal_stops_the_chat);
  g_test_add_func ("/outbox/withdrawn", test_withdrawn_before_it_went_out);
  g_test_add_func ("/outbox/killed", test_killed_while_sending);
  g_test_add_func ("/outbox/old-key", test_older_than_the_key);
  g_test_add_func ("/outbox/level0-never-repeats", test_level0_never_repeats);
  g_test_add_func ("/outbox/level0-found", test_level0_found_in_history);
  g_test_add_func ("/outbox/level0-notes", test_level0_refuses_notes);
  g_test_add_func ("/outbox/read-marker", test_read_marker_waits_for_nobody);
  g_test_add_func ("/outbox/upload-stopped", test_upload_is_stopped);
  g_test_add_func ("/outbox/level0-large-files", test_level0_refuses_large_files);
  return g_test_run ();
}
