/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "engine-rig.h"
#include "store/desk-store-private.h"

/* What managers change besides text, who is there, and what is fetched beside chats: the engine alone. */

static void
go_live (Rig *rig)
{
  rig_start (rig, 2, "e1:0-10");
  rig_hello (rig, "e1", FALSE, 10);
  rig_outbox (rig);
  rig_settle_applies (rig);
}

static DeskOutboxEntry *
add_change (Rig *rig, gint64 id, DeskIntent intent)
{
  DeskOutboxEntry *entry = rig_add_entry (rig, id, "42", "");

  entry->intent = intent;
  g_clear_pointer (&entry->client_message_id, g_free);
  if (intent == DESK_INTENT_CHAT)
    {
      entry->change = desk_chat_change_new ();
      desk_chat_change_set_assignee (entry->change, "olga");
      entry->seen = desk_chat_change_new ();
      desk_chat_change_set_assignee (entry->seen, NULL);
      entry->base_rev = 7;
    }
  else if (intent != DESK_INTENT_PROFILE)
    entry->message_id = g_strdup ("m1");
  return entry;
}

/* The oldest apply that waits; its ops. */
static const DeskOp *
nth_op (Rig *rig, guint n)
{
  const DeskEffect *effect = g_queue_peek_head (rig->applies);

  g_assert_nonnull (effect);
  g_assert_cmpuint (effect->batch->ops->len, >, n);
  return g_ptr_array_index (effect->batch->ops, n);
}

static void
send_out (Rig *rig)
{
  rig_outbox (rig);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_CHANGE);
}

static void
refuse_with (Rig *rig, guint status, DeskCode code, const char *details)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->outcome = DESK_OUT_REFUSED;
  reply->failure = g_new0 (DeskFailure, 1);
  reply->failure->http_status = status;
  reply->failure->code = code;
  reply->failure->message = g_strdup ("refused");
  reply->failure->details = g_strdup (details);
  reply->failure->retry_after_ms = -1;
  rig_reply (rig, reply);
}

static char *
chat_text (gint64 rev, const char *assignee)
{
  g_autoptr (DeskChat) chat = desk_chat_new ("telegram", "42");
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;

  chat->is_level2 = TRUE;
  chat->stream_id = desk_chat_stream_id ("telegram", "42");
  chat->rev = rev;
  chat->assignee = g_strdup (assignee);
  desk_json_writer_init (&w, text);
  desk_wire_write_chat (&w, chat);
  return g_string_free (text, FALSE);
}

static char *
message_text (gint64 rev, const char *words)
{
  g_autoptr (DeskMessage) message = desk_message_new ("telegram", "42");
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;

  message->is_level2 = TRUE;
  message->id = g_strdup ("m1");
  message->chat_seq = 3;
  message->direction = DESK_DIRECTION_OUTGOING;
  message->sender = DESK_SENDER_MANAGER;
  message->created_at_ms = 1000;
  message->rev = rev;
  g_free (message->text);
  message->text = g_strdup (words);
  desk_json_writer_init (&w, text);
  desk_wire_write_message (&w, message);
  return g_string_free (text, FALSE);
}

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */

static void
assert_request (DeskIntent intent, const char *method, const char *path_end, const char *body_part)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (intent, "telegram", "42");
  DeskRequest *request = desk_request_new (DESK_REQUEST_CHANGE, 1);
  g_autofree char *path = NULL;
  g_autofree char *body = NULL;

  entry->message_id = g_strdup ("m1");
  entry->base_rev = 7;
  g_free (entry->text);
  entry->text = g_strdup ("new");
  entry->change = desk_chat_change_new ();
  desk_chat_change_set_state (entry->change, DESK_CHAT_STATE_RESOLVED, 0);
  desk_chat_change_add_label (entry->change, "vip");
  entry->profile = desk_profile_change_new ();
  entry->profile->note = g_strdup ("new");
  request->entry = g_steal_pointer (&entry);
  path = desk_request_path (request);
  body = desk_request_body (request);
  g_assert_cmpstr (desk_request_method (request), ==, method);
  g_assert_true (g_str_has_suffix (path, path_end));
  if (body_part == NULL)
    g_assert_null (body);
  else
    g_assert_nonnull (strstr (body, body_part));
  desk_request_free (request);
}

static void
test_requests (void)
{
  assert_request (DESK_INTENT_CHAT, "PATCH", "/chats/telegram/42", "\"base_rev\":7");
  assert_request (DESK_INTENT_CHAT, "PATCH", "/chats/telegram/42", "\"add_labels\":[\"vip\"]");
  assert_request (DESK_INTENT_EDIT, "PATCH", "/messages/m1", "\"text\":\"new\"");
  assert_request (DESK_INTENT_DELETE, "DELETE", "/messages/m1", NULL);
  assert_request (DESK_INTENT_REACT, "PUT", "/messages/m1/reaction", "\"emoji\":\"new\"");
  assert_request (DESK_INTENT_RETRY, "POST", "/messages/m1/retry", NULL);
  assert_request (DESK_INTENT_PROFILE, "PATCH", "/chats/telegram/42/profile", "\"note\":\"new\"");
}

/* ── Lanes ──────────────────────────────────────────────────────────────────────────────────── */

static void
test_failed_change_stops_nothing (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  add_change (rig, 1, DESK_INTENT_CHAT)->state = DESK_OUTBOX_FAILED;
  add_change (rig, 2, DESK_INTENT_CHAT);
  rig_add_entry (rig, 3, "42", "hello");
  add_change (rig, 4, DESK_INTENT_EDIT)->state = DESK_OUTBOX_FAILED;
  add_change (rig, 5, DESK_INTENT_REACT);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_cmpuint (g_queue_get_length (rig->requests), ==, 3);
  rig_request (rig, DESK_REQUEST_CHANGE);
  g_assert_cmpint (rig_request (rig, DESK_REQUEST_CHANGE)->entry->local_id, ==, 2);
}

static void
test_failed_reply_stops_no_change (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_add_entry (rig, 1, "42", "stuck")->state = DESK_OUTBOX_NEEDS_TEMPLATE;
  rig_add_entry (rig, 2, "42", "waits for it");
  add_change (rig, 3, DESK_INTENT_CHAT);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_cmpuint (g_queue_get_length (rig->requests), ==, 1);
  g_assert_cmpint (rig_request (rig, DESK_REQUEST_CHANGE)->entry->local_id, ==, 3);
}

static void
test_changes_of_messages_in_order (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  add_change (rig, 1, DESK_INTENT_EDIT);
  add_change (rig, 2, DESK_INTENT_DELETE);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_cmpuint (g_queue_get_length (rig->requests), ==, 1);
  g_assert_cmpint (rig_request (rig, DESK_REQUEST_CHANGE)->entry->local_id, ==, 1);
}

static void
test_level0_cannot (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig_start (rig, -1, "");
  rig_refuse (rig, 404, DESK_CODE_OTHER);
  rig_settle_applies (rig);
  rig_simple (rig, DESK_INPUT_WS_OPENED);
  while (!g_queue_is_empty (rig->requests))
    {
      DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

      reply->chats = g_ptr_array_new ();
      reply->messages = g_ptr_array_new ();
      rig_reply (rig, reply);
      rig_settle_applies (rig);
    }
  g_assert_cmpint (rig_phase (rig), ==, DESK_SYNC_LIVE);
  add_change (rig, 1, DESK_INTENT_CHAT);
  rig_outbox (rig);
  g_assert_cmpint (nth_op (rig, 0)->type, ==, DESK_OP_OUTBOX_STATE);
  g_assert_cmpint (nth_op (rig, 0)->state, ==, DESK_OUTBOX_FAILED);
  g_assert_cmpstr (nth_op (rig, 0)->a, ==, "NOT_SUPPORTED");
}

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */

static void
test_lost_is_repeated (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  add_change (rig, 1, DESK_INTENT_CHAT);
  send_out (rig);
  rig_lost (rig, DESK_OUT_LOST);
  rig_settle_applies (rig);
  rig_outbox (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
  rig_fire (rig, DESK_TIMER_OUTBOX);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_CHANGE);
}

static void
test_conflict_elsewhere (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  g_autofree char *now = chat_text (9, NULL);

  go_live (rig);
  add_change (rig, 1, DESK_INTENT_CHAT);
  send_out (rig);
  refuse_with (rig, 409, DESK_CODE_CONFLICT, now);
  g_assert_cmpint (nth_op (rig, 0)->type, ==, DESK_OP_CHAT);
  g_assert_cmpint (nth_op (rig, 1)->type, ==, DESK_OP_OUTBOX_REBASE);
  g_assert_cmpint (nth_op (rig, 1)->first, ==, 9);
  ((DeskOutboxEntry *) g_ptr_array_index (rig->outbox, 0))->base_rev = 9;
  rig_settle_applies (rig);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_cmpint (rig_request (rig, DESK_REQUEST_CHANGE)->entry->base_rev, ==, 9);
}

static void
test_conflict_same_field (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  g_autofree char *now = chat_text (9, "petra");

  go_live (rig);
  add_change (rig, 1, DESK_INTENT_CHAT);
  send_out (rig);
  refuse_with (rig, 409, DESK_CODE_CONFLICT, now);
  g_assert_cmpint (nth_op (rig, 1)->type, ==, DESK_OP_OUTBOX_STATE);
  g_assert_cmpint (nth_op (rig, 1)->state, ==, DESK_OUTBOX_FAILED);
  g_assert_cmpstr (nth_op (rig, 1)->a, ==, "CONFLICT");
}

static void
edit_conflict (const char *server_text, DeskOpType expected)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  g_autofree char *now = message_text (5, server_text);
  DeskOutboxEntry *entry;

  go_live (rig);
  entry = add_change (rig, 1, DESK_INTENT_EDIT);
  g_free (entry->text);
  entry->text = g_strdup ("mine");
  entry->seen_text = g_strdup ("before");
  send_out (rig);
  refuse_with (rig, 409, DESK_CODE_CONFLICT, now);
  g_assert_cmpint (nth_op (rig, 0)->type, ==, expected);
}

static void
test_edit_conflicts (void)
{
  edit_conflict ("before", DESK_OP_OUTBOX_REBASE);  /* only its status has moved */
  edit_conflict ("mine", DESK_OP_OUTBOX_DONE);      /* our own, whose answer was lost */
  edit_conflict ("theirs", DESK_OP_OUTBOX_STATE);   /* another's */
}

static void
test_deleted_already (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  add_change (rig, 1, DESK_INTENT_DELETE);
  send_out (rig);
  rig_refuse (rig, 404, DESK_CODE_NOT_FOUND);
  g_assert_cmpint (nth_op (rig, 0)->type, ==, DESK_OP_OUTBOX_DONE);
}

static void
test_window_closed (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  go_live (rig);
  rig_add_entry (rig, 1, "42", "too late");
  rig_add_entry (rig, 2, "42", "waits");
  rig_outbox (rig);
  rig_settle_applies (rig);
  rig_request (rig, DESK_REQUEST_SEND);
  refuse_with (rig, 409, DESK_CODE_WINDOW_CLOSED, "{\"templates\":[]}");
  g_assert_cmpint (nth_op (rig, 0)->state, ==, DESK_OUTBOX_NEEDS_TEMPLATE);
  g_assert_cmpint (nth_op (rig, 1)->type, ==, DESK_OP_OUTBOX_DETAILS);
  g_assert_cmpstr (nth_op (rig, 1)->a, ==, "{\"templates\":[]}");
  ((DeskOutboxEntry *) g_ptr_array_index (rig->outbox, 0))->state = DESK_OUTBOX_NEEDS_TEMPLATE;
  rig_settle_applies (rig);
  rig_outbox (rig);
  rig_settle_applies (rig);
  g_assert_true (g_queue_is_empty (rig->requests)); /* it stops its chat */
  g_assert_true (desk_engine_is_settled (rig->engine));
}

/* ── Presence ───────────────────────────────────────────────────────────────────────────────── */

static void
tell_typing (Rig *rig, const char *username)
{
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_TYPING);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = event };

  event->platform = g_strdup ("telegram");
  event->user_id = g_strdup ("42");
  event->username = g_strdup (username);
  event->by_customer = username == NULL;
  rig_feed (rig, &input);
}

static void
tell_presence (Rig *rig, const char *username, const char *status, const char *user_id)
{
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_PRESENCE);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = event };

  event->platform = user_id ? g_strdup ("telegram") : NULL;
  event->user_id = g_strdup (user_id);
  event->username = g_strdup (username);
  event->presence = g_strdup (status);
  rig_feed (rig, &input);
}

static guint
count_presence (Rig *rig)
{
  return desk_engine_get_presence (rig->engine)->len;
}

static void
test_presence (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  const DeskPresence *p;

  go_live (rig);
  tell_typing (rig, "ivan"); /* ourselves */
  g_assert_cmpuint (count_presence (rig), ==, 0);
  tell_typing (rig, NULL);
  tell_typing (rig, "olga");
  g_assert_cmpuint (count_presence (rig), ==, 2);
  g_assert_cmpuint (rig->presence_changes, ==, 2);
  rig->now_us += 3 * G_USEC_PER_SEC;
  tell_typing (rig, "olga"); /* goes on: no news */
  g_assert_cmpuint (rig->presence_changes, ==, 2);
  rig_fire (rig, DESK_TIMER_PRESENCE);
  g_assert_cmpuint (count_presence (rig), ==, 1); /* the customer has stopped */
  p = g_ptr_array_index (desk_engine_get_presence (rig->engine), 0);
  g_assert_cmpstr (p->username, ==, "olga");
  rig_fire (rig, DESK_TIMER_PRESENCE);
  g_assert_cmpuint (count_presence (rig), ==, 0);
  tell_typing (rig, NULL);
  rig_event (rig, DESK_EVENT_NEW_MESSAGE, 11); /* what they typed */
  g_assert_cmpuint (count_presence (rig), ==, 0);
  tell_presence (rig, "olga", "online", "42");
  tell_presence (rig, "olga", "online", "43");
  g_assert_cmpuint (count_presence (rig), ==, 1);
  p = g_ptr_array_index (desk_engine_get_presence (rig->engine), 0);
  g_assert_cmpstr (p->user_id, ==, "43");
  tell_presence (rig, "olga", "offline", NULL);
  g_assert_cmpuint (count_presence (rig), ==, 0);
  tell_presence (rig, "olga", "online", "42");
  rig_closed (rig, 1006);
  g_assert_cmpuint (count_presence (rig), ==, 0);
}

/* ── The team, profiles, all messages ───────────────────────────────────────────────────────── */

static void
answer_list (Rig *rig, DeskRequestType type)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  rig_request (rig, type);
  if (type == DESK_REQUEST_CANNED)
    reply->canned = g_ptr_array_new ();
  else
    reply->managers = g_ptr_array_new ();
  rig_reply (rig, reply);
}

static void
test_team (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  rig->keep_team = TRUE;
  go_live (rig);
  answer_list (rig, DESK_REQUEST_CANNED);
  answer_list (rig, DESK_REQUEST_MANAGERS);
  rig_settle_applies (rig);
  g_assert_true (g_queue_is_empty (rig->requests));
  /* A resume asks for nothing. */
  rig_closed (rig, 1006);
  rig_fire (rig, DESK_TIMER_RETRY);
  rig_hello (rig, "e1", FALSE, 10);
  g_assert_true (g_queue_is_empty (rig->requests));
  rig_event (rig, DESK_EVENT_CANNED_UPDATED, 11);
  g_assert_true (g_queue_is_empty (rig->requests)); /* after the commit */
  rig_settle_applies (rig);
  answer_list (rig, DESK_REQUEST_CANNED);
}

static void
open_chat (Rig *rig, const char *user_id)
{
  DeskInput input = { .type = DESK_INPUT_OPEN_CHAT, .platform = user_id ? "telegram" : NULL, .user_id = user_id };

  rig_feed (rig, &input);
}

static void
test_profile (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  go_live (rig);
  open_chat (rig, "42");
  rig_request (rig, DESK_REQUEST_PROFILE);
  reply->profile = desk_profile_new ("telegram", "42");
  rig_reply (rig, reply);
  g_assert_cmpint (nth_op (rig, 0)->type, ==, DESK_OP_PROFILE);
  rig_settle_applies (rig);
  open_chat (rig, NULL);
  open_chat (rig, "42");
  g_assert_true (g_queue_is_empty (rig->requests));
  rig->now_us += 5 * 60 * G_USEC_PER_SEC;
  open_chat (rig, "42");
  rig_request (rig, DESK_REQUEST_PROFILE);
}

static void
snapshot (Rig *rig, guint n_chats, gint64 messages)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  rig_start (rig, 2, "");
  rig_changes (rig, "e1:0-10", FALSE, 1, 0);
  reply->chats = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_chat_free);
  for (guint i = 0; i < n_chats; i++)
    {
      g_autofree char *user_id = g_strdup_printf ("%u", i);
      DeskChat *chat = desk_chat_new ("telegram", user_id);

      chat->first_chat_seq = 1;
      chat->last_chat_seq = messages;
      g_ptr_array_add (reply->chats, chat);
    }
  rig_request (rig, DESK_REQUEST_CHATS);
  rig_reply (rig, reply);
  rig_settle_applies (rig);
  rig_hello (rig, "e1", FALSE, 10);
  rig_outbox (rig);
  rig_settle_applies (rig);
  rig_fire (rig, DESK_TIMER_HISTORY);
}

static void
test_all_messages (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  snapshot (rig, 50, 40); /* 2,000 messages: 3 calls instead of 50 */
  g_assert_cmpuint (rig_request (rig, DESK_REQUEST_ALL_MESSAGES)->limit, ==, 1000);
  reply->messages = g_ptr_array_new ();
  reply->next = g_strdup ("p2");
  rig_reply (rig, reply);
  rig_settle_applies (rig);
  g_assert_false (desk_engine_is_settled (rig->engine));
  rig_fire (rig, DESK_TIMER_HISTORY);
  g_assert_cmpstr (rig_request (rig, DESK_REQUEST_ALL_MESSAGES)->page, ==, "p2");
  reply = g_new0 (DeskSyncReply, 1);
  reply->messages = g_ptr_array_new ();
  rig_reply (rig, reply);
  rig_settle_applies (rig);
  rig_fire (rig, DESK_TIMER_HISTORY);
  g_assert_cmpuint (rig->wanted_reads, ==, 1); /* what it left out */
}

static void
test_long_chats_by_chat (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);

  snapshot (rig, 2, 200);
  g_assert_cmpuint (rig->wanted_reads, ==, 0);
  rig_request (rig, DESK_REQUEST_ALL_MESSAGES); /* one call instead of two */
  {
    g_autoptr (Rig) other = rig_new (FALSE);

    snapshot (other, 1, 90000); /* 91 calls instead of 450: long as well */
    rig_request (other, DESK_REQUEST_ALL_MESSAGES);
  }
  {
    g_autoptr (Rig) other = rig_new (FALSE);

    snapshot (other, 1, 100);
    g_assert_cmpuint (other->wanted_reads, ==, 1);
    g_assert_true (g_queue_is_empty (other->requests));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/change/requests", test_requests);
  g_test_add_func ("/change/failed-stops-nothing", test_failed_change_stops_nothing);
  g_test_add_func ("/change/failed-reply", test_failed_reply_stops_no_change);
  g_test_add_func ("/change/order", test_changes_of_messages_in_order);
  g_test_add_func ("/change/level0", test_level0_cannot);
  g_test_add_func ("/change/lost", test_lost_is_repeated);
  g_test_add_func ("/change/conflict-elsewhere", test_conflict_elsewhere);
  g_test_add_func ("/change/conflict-same-field", test_conflict_same_field);
  g_test_add_func ("/change/edit-conflicts", test_edit_conflicts);
  g_test_add_func ("/change/deleted-already", test_deleted_already);
  g_test_add_func ("/change/window-closed", test_window_closed);
  g_test_add_func ("/change/presence", test_presence);
  g_test_add_func ("/change/team", test_team);
  g_test_add_func ("/change/profile", test_profile);
  g_test_add_func ("/change/all-messages", test_all_messages);
  g_test_add_func ("/change/by-chat", test_long_chats_by_chat);
  return g_test_run ();
}
