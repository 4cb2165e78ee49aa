/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "engine-rig.h"
#include "store/desk-store-private.h"

/* The plain server: what proves a send whose outcome is not known, and what is asked for again by itself. */

#define DAY_MS G_GINT64_CONSTANT (86400000)

static DeskSyncReply *
chats (gint64 date_ms)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->chats = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_chat_free);
  reply->date_ms = date_ms;
  return reply;
}

/* skew_ms: the server's clock minus ours, told by the Date of its answers; stored_ms: as the last attempt kept it. */
static void
go_live (Rig *rig, gint64 skew_ms, gint64 stored_ms)
{
  DeskInput input = { .type = DESK_INPUT_START, .has_token = TRUE, .server_offset_ms = stored_ms };

  rig_feed (rig, &input);
  rig_refuse (rig, 404, DESK_CODE_OTHER);
  rig_settle_applies (rig);
  rig_simple (rig, DESK_INPUT_WS_OPENED);
  while (!g_queue_is_empty (rig->requests))
    {
      rig_request (rig, DESK_REQUEST_CHATS);
      rig_reply (rig, chats ((rig->wall_ms + skew_ms) / 1000 * 1000));
      rig_settle_applies (rig);
    }
  rig->now_us += 60 * G_USEC_PER_SEC;
  rig->wall_ms += 60000;
}

static DeskMessage *
reply_of (const char *text, gint64 created_ms)
{
  DeskMessage *message = desk_message_new ("telegram", "42");

  message->direction = DESK_DIRECTION_OUTGOING;
  message->sender = DESK_SENDER_MANAGER;
  message->created_at_ms = created_ms;
  g_free (message->text);
  message->text = g_strdup (text);
  return message;
}

static void
hint (Rig *rig, const char *text, gint64 created_ms)
{
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_NEW_MESSAGE);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = event };

  event->message = reply_of (text, created_ms);
  rig_feed (rig, &input);
}

/* What became of entry 1 in the batches that wait for the cache: DONE, UNCONFIRMED or nothing. */
static gboolean
wants (Rig *rig, DeskOpType type)
{
  for (GList *l = rig->applies->head; l != NULL; l = l->next)
    {
      const DeskBatch *batch = ((DeskEffect *) l->data)->batch;

      for (guint i = 0; i < batch->ops->len; i++)
        if (((DeskOp *) batch->ops->pdata[i])->type == type)
          return TRUE;
    }
  return FALSE;
}

static void
resume (Rig *rig, gint64 skew_ms, gint64 stored_ms)
{
  DeskOutboxEntry *entry = rig_add_entry (rig, 1, "42", "ok");

  entry->state = DESK_OUTBOX_SENDING;
  entry->attempted_at_ms = rig->wall_ms;
  go_live (rig, skew_ms, stored_ms);
  rig_outbox (rig);
}

/* The same text, sent two seconds before the attempt that the kill cut off. */
static void
test_older_equal_is_no_proof (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  gint64 attempt_ms = rig->wall_ms;

  resume (rig, 1000, 1000);
  hint (rig, "ok", attempt_ms + 1000 - 2000);
  g_assert_false (wants (rig, DESK_OP_OUTBOX_DONE));
  hint (rig, "ok", attempt_ms + 1000 + 10);
  g_assert_true (wants (rig, DESK_OP_OUTBOX_DONE));
}

/* Without the server's clock nothing can be told apart. */
static void
test_unknown_clock_proves_nothing (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  resume (rig, 0, 0);
  hint (rig, "ok", rig->wall_ms);
  g_assert_false (wants (rig, DESK_OP_OUTBOX_DONE));
}

/* Nor is it one for a reply that goes out soon after a start: what was done before is not known any more. */
static void
test_before_the_start_is_no_proof (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  gint64 start_ms = rig->wall_ms;

  go_live (rig, 0, 0);
  rig->now_us -= 58 * G_USEC_PER_SEC;
  rig->wall_ms -= 58000;
  rig_add_entry (rig, 1, "42", "ok");
  rig_outbox (rig);
  rig_stored (rig, NULL);
  rig_lost (rig, DESK_OUT_LOST);
  hint (rig, "ok", start_ms - 1000);
  g_assert_false (wants (rig, DESK_OP_OUTBOX_DONE));
  hint (rig, "ok", rig->wall_ms + 10);
  g_assert_true (wants (rig, DESK_OP_OUTBOX_DONE));
}

static void
wrong_clock (gint64 skew_ms)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig, skew_ms, 0);
  g_assert_cmpint (ABS (desk_engine_get_state (rig->engine)->server_offset_ms - skew_ms), <=, 1000);
  rig_add_entry (rig, 1, "42", "ok");
  rig_outbox (rig);
  g_assert_true (wants (rig, DESK_OP_SETTING)); /* kept with the attempt */
  rig_stored (rig, NULL);
  rig->wall_ms -= DAY_MS; /* moved while it is out: nothing depends on it */
  rig_reply (rig, chats (0));
  g_assert_false (wants (rig, DESK_OP_OUTBOX_DONE));
  hint (rig, "ok", rig->wall_ms + DAY_MS + skew_ms - 10000);
  g_assert_false (wants (rig, DESK_OP_OUTBOX_DONE));
  hint (rig, "ok", rig->wall_ms + DAY_MS + skew_ms + 100);
  g_assert_true (wants (rig, DESK_OP_OUTBOX_DONE));
}

static void
test_wrong_clock (void)
{
  wrong_clock (0);
  wrong_clock (DAY_MS);
  wrong_clock (-DAY_MS);
}

/* The span of several answers is narrower than a second; one that contradicts it begins anew. */
static void
test_dates_narrow (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  const gint64 skew = 300;

  go_live (rig, skew, 0);
  for (guint i = 0; i < 20; i++)
    {
      rig->now_us += 61050 * G_TIME_SPAN_MILLISECOND;
      rig->wall_ms += 61050;
      rig_fire (rig, DESK_TIMER_POLL);
      rig_request (rig, DESK_REQUEST_CHATS);
      rig_reply (rig, chats ((rig->wall_ms + skew) / 1000 * 1000));
      rig_settle_applies (rig);
    }
  g_assert_cmpint (desk_engine_get_state (rig->engine)->server_offset_ms, >=, skew);
  g_assert_cmpint (desk_engine_get_state (rig->engine)->server_offset_ms, <=, skew + 100);
  rig->wall_ms += 5000;
  rig_fire (rig, DESK_TIMER_POLL);
  rig_reply (rig, chats ((rig->wall_ms - 5000 + skew) / 1000 * 1000));
  g_assert_cmpint (desk_engine_get_state (rig->engine)->server_offset_ms, <=, skew + 100 - 5000);
}

static DeskBatchResult *
wanted_page (void)
{
  DeskBatchResult *result = g_new0 (DeskBatchResult, 1);

  result->added_local_ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  result->moved = g_ptr_array_new_with_free_func (g_free);
  result->fresh = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  result->overlapped = TRUE;
  return result;
}

/* What a walk left out is walked from there, over what is known above it, to the end of what the server has. */
static void
test_gap_is_filled (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  g_autoptr (GPtrArray) wanted = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_history_want_free);
  DeskInput input = { .type = DESK_INPUT_WANTED, .wanted = wanted };
  DeskHistoryWant *want = g_new0 (DeskHistoryWant, 1);
  DeskSyncReply *page = g_new0 (DeskSyncReply, 1);

  want->platform = g_strdup ("telegram");
  want->user_id = g_strdup ("42");
  want->offset = 130;
  g_ptr_array_add (wanted, want);
  go_live (rig, 0, 0);
  g_assert_cmpuint (rig->wanted_reads, ==, 1);
  rig_feed (rig, &input);
  g_assert_cmpuint (rig_request (rig, DESK_REQUEST_PAGE0)->offset, ==, 120);
  page->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  for (guint i = 0; i < 4; i++)
    g_ptr_array_add (page->messages, reply_of ("old", 1000 - i));
  rig_reply (rig, page);
  rig_stored (rig, wanted_page ());
  g_assert_cmpuint (rig_request (rig, DESK_REQUEST_PAGE0)->offset, ==, 124);
  page = g_new0 (DeskSyncReply, 1);
  page->messages = g_ptr_array_new ();
  rig_reply (rig, page);
  rig_stored (rig, wanted_page ());
  g_assert_true (g_queue_is_empty (rig->requests));
}

/* Something in between answered in the place of a server of level 2. */
static void
test_not_plain (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskInput input = { .type = DESK_INPUT_START, .has_token = TRUE };
  DeskSyncReply *list = chats (0);
  DeskChat *chat = desk_chat_new ("telegram", "42");

  rig_feed (rig, &input);
  rig_lost (rig, DESK_OUT_GARBAGE);
  g_assert_cmpuint (desk_engine_get_state (rig->engine)->level, ==, 0);
  rig_settle_applies (rig);
  chat->is_level2 = TRUE;
  g_ptr_array_add (list->chats, chat);
  rig_request (rig, DESK_REQUEST_CHATS);
  rig_reply (rig, list);
  g_assert_true (g_queue_is_empty (rig->applies));
  rig_fire (rig, DESK_TIMER_RETRY);
  rig_request (rig, DESK_REQUEST_CAPABILITIES);
  rig_lost (rig, DESK_OUT_GARBAGE); /* not a second time */
  rig_fire (rig, DESK_TIMER_RETRY);
  rig_capabilities (rig);
  g_assert_cmpuint (desk_engine_get_state (rig->engine)->level, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/level0/older-equal", test_older_equal_is_no_proof);
  g_test_add_func ("/level0/unknown-clock", test_unknown_clock_proves_nothing);
  g_test_add_func ("/level0/before-start", test_before_the_start_is_no_proof);
  g_test_add_func ("/level0/wrong-clock", test_wrong_clock);
  g_test_add_func ("/level0/dates-narrow", test_dates_narrow);
  g_test_add_func ("/level0/gap-filled", test_gap_is_filled);
  g_test_add_func ("/level0/not-plain", test_not_plain);
  return g_test_run ();
}
