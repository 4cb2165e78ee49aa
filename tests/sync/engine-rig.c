/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "engine-rig.h"

Rig *
rig_new (gboolean no_backfill)
{
  Rig *rig = g_new0 (Rig, 1);
  DeskEngineOptions options = { .username = "ivan", .no_backfill = no_backfill };

  rig->random = desk_random_seeded_new (7);
  options.random = rig->random;
  rig->engine = desk_engine_new (&options);
  rig->now_us = 1000 * G_USEC_PER_SEC;
  rig->wall_ms = G_GINT64_CONSTANT (1790000000000);
  rig->effects = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_effect_free);
  rig->requests = g_queue_new ();
  rig->applies = g_queue_new ();
  rig->outbox = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_outbox_entry_free);
  return rig;
}

void
rig_free (Rig *rig)
{
  desk_engine_free (rig->engine);
  desk_random_unref (rig->random);
  g_ptr_array_unref (rig->effects);
  g_queue_free_full (rig->requests, (GDestroyNotify) desk_effect_free);
  g_queue_free_full (rig->applies, (GDestroyNotify) desk_effect_free);
  g_ptr_array_unref (rig->outbox);
  g_free (rig->connect_cursor);
  g_free (rig);
}

static gboolean
take_effect (Rig *rig, DeskEffect *effect)
{
  switch (effect->type)
    {
    case DESK_EFFECT_REQUEST:
      g_queue_push_tail (rig->requests, effect);
      return TRUE;
    case DESK_EFFECT_APPLY:
      g_queue_push_tail (rig->applies, effect);
      return TRUE;
    case DESK_EFFECT_WS_CONNECT:
      rig->connects++;
      g_free (rig->connect_cursor);
      rig->connect_cursor = effect->cursor ? desk_cursor_format (effect->cursor) : NULL;
      return FALSE;
    case DESK_EFFECT_WS_CLOSE:
      rig->closes++;
      return FALSE;
    case DESK_EFFECT_REFRESH:
      rig->refreshes++;
      return FALSE;
    case DESK_EFFECT_READ_OUTBOX:
      rig->outbox_reads++;
      return FALSE;
    case DESK_EFFECT_READ_WANTED:
      rig->wanted_reads++;
      return FALSE;
    case DESK_EFFECT_SET_TIMER:
      rig->timers[effect->timer] = rig->now_us + effect->delay_ms * 1000 + 1;
      return FALSE;
    case DESK_EFFECT_CLEAR_TIMER:
      rig->timers[effect->timer] = 0;
      return FALSE;
    case DESK_EFFECT_PRESENCE:
      rig->presence_changes++;
      return FALSE;
    case DESK_EFFECT_APPLIED:
      rig->applied_events++;
      return FALSE;
    case DESK_EFFECT_FETCHED:
      if (effect->flag)
        rig->fetched_ok++;
      else
        rig->fetched_failed++;
      return FALSE;
    default:
      return FALSE;
    }
}

static gboolean
is_of_team (const DeskEffect *effect)
{
  return effect->type == DESK_EFFECT_REQUEST
         && (effect->request->type == DESK_REQUEST_CANNED || effect->request->type == DESK_REQUEST_MANAGERS);
}

/* As an older server would. */
static void
refuse_team (Rig *rig, guint64 id)
{
  g_autoptr (GPtrArray) effects = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_effect_free);
  g_autoptr (DeskSyncReply) reply = g_new0 (DeskSyncReply, 1);
  DeskInput input = { .type = DESK_INPUT_REPLY, .id = id, .reply = reply, .now_us = rig->now_us, .wall_ms = rig->wall_ms };

  reply->outcome = DESK_OUT_REFUSED;
  reply->failure = g_new0 (DeskFailure, 1);
  reply->failure->http_status = 404;
  reply->failure->message = g_strdup ("not here");
  desk_engine_step (rig->engine, &input, effects);
}

void
rig_feed (Rig *rig, DeskInput *input)
{
  g_autoptr (GPtrArray) effects = g_ptr_array_new ();

  input->now_us = rig->now_us;
  input->wall_ms = rig->wall_ms;
  g_ptr_array_set_size (rig->effects, 0);
  desk_engine_step (rig->engine, input, effects);
  for (guint i = 0; i < effects->len; i++)
    {
      DeskEffect *effect = g_ptr_array_index (effects, i);

      if (!rig->keep_team && is_of_team (effect))
        {
          refuse_team (rig, effect->id);
          desk_effect_free (effect);
        }
      else if (!take_effect (rig, effect))
        g_ptr_array_add (rig->effects, effect);
    }
}

void
rig_simple (Rig *rig, DeskInputType type)
{
  DeskInput input = { .type = type };

  rig_feed (rig, &input);
}

static DeskCapabilities *
level2 (void)
{
  DeskCapabilities *capabilities = desk_capabilities_new_level0 ();

  capabilities->level = 2;
  capabilities->me = desk_manager_new ("ivan", "Ivan", DESK_ROLE_MANAGER);
  return capabilities;
}

void
rig_start (Rig *rig, int level, const char *cursor)
{
  g_autoptr (DeskCapabilities) capabilities = level == 2 ? level2 () : NULL;
  g_autoptr (DeskCursor) parsed = *cursor ? desk_cursor_parse (cursor) : NULL;
  DeskInput input = { .type = DESK_INPUT_START, .has_token = TRUE, .cursor = parsed, .capabilities = capabilities };

  rig_feed (rig, &input);
}

void
rig_hello (Rig *rig, const char *epoch, gboolean reset, gint64 head)
{
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_HELLO);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = event };

  event->hello = g_new0 (DeskHello, 1);
  event->hello->epoch = g_strdup (epoch);
  event->hello->reset = reset;
  event->hello->head = desk_cursor_new (epoch);
  desk_cursor_set (event->hello->head, 0, head);
  event->hello->server_time_ms = rig->wall_ms + 5000;
  rig_simple (rig, DESK_INPUT_WS_OPENED);
  rig_feed (rig, &input);
}

static DeskEvent *
make_event (DeskEventType type, gint64 seq)
{
  DeskEvent *event = desk_event_new (type);

  event->sequenced = TRUE;
  event->seq = seq;
  if (type == DESK_EVENT_NEW_MESSAGE)
    {
      event->message = desk_message_new ("telegram", "42");
      event->message->chat_seq = seq;
    }
  return event;
}

void
rig_event (Rig *rig, DeskEventType type, gint64 seq)
{
  g_autoptr (DeskEvent) event = make_event (type, seq);
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = event };

  rig_feed (rig, &input);
}

void
rig_closed (Rig *rig, guint code)
{
  DeskInput input = { .type = DESK_INPUT_WS_CLOSED, .code = code };

  rig_feed (rig, &input);
}

const DeskRequest *
rig_request (Rig *rig, DeskRequestType type)
{
  DeskEffect *effect = g_queue_peek_head (rig->requests);

  g_assert_nonnull (effect);
  g_assert_nonnull (effect->request);
  g_assert_cmpint (effect->request->type, ==, type);
  return effect->request;
}

void
rig_reply (Rig *rig, DeskSyncReply *reply)
{
  DeskEffect *effect = g_queue_pop_head (rig->requests);
  DeskInput input = { .type = DESK_INPUT_REPLY, .reply = reply };

  g_assert_nonnull (effect);
  input.id = effect->id;
  rig_feed (rig, &input);
  desk_effect_free (effect);
  desk_sync_reply_free (reply);
}

void
rig_refuse (Rig *rig, guint status, DeskCode code)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->outcome = DESK_OUT_REFUSED;
  reply->failure = g_new0 (DeskFailure, 1);
  reply->failure->http_status = status;
  reply->failure->code = code;
  reply->failure->message = g_strdup ("refused");
  reply->failure->retry_after_ms = -1;
  rig_reply (rig, reply);
}

void
rig_lost (Rig *rig, DeskSyncOutcome outcome)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->outcome = outcome;
  reply->error = g_strdup ("lost");
  rig_reply (rig, reply);
}

void
rig_changes (Rig *rig, const char *cursor, gboolean more, gint64 first, gint64 last)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->changes = g_new0 (DeskChanges, 1);
  reply->changes->events = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_event_free);
  reply->changes->cursor = g_strdup (cursor);
  reply->changes->has_more = more;
  for (gint64 seq = first; first > 0 && seq <= last; seq++)
    g_ptr_array_add (reply->changes->events, make_event (DESK_EVENT_NEW_MESSAGE, seq));
  rig_reply (rig, reply);
}

void
rig_capabilities (Rig *rig)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->capabilities = level2 ();
  rig_reply (rig, reply);
}

static DeskBatchResult *
empty_result (void)
{
  DeskBatchResult *result = g_new0 (DeskBatchResult, 1);

  result->added_local_ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  result->moved = g_ptr_array_new_with_free_func (g_free);
  result->fresh = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  return result;
}

void
rig_stored (Rig *rig, DeskBatchResult *result)
{
  DeskEffect *effect = g_queue_pop_head (rig->applies);
  DeskInput input = { .type = DESK_INPUT_STORED };

  g_assert_nonnull (effect);
  if (result == NULL)
    result = empty_result ();
  input.id = effect->id;
  input.result = result;
  rig_feed (rig, &input);
  desk_effect_free (effect);
  desk_batch_result_free (result);
}

void
rig_store_failed (Rig *rig)
{
  DeskEffect *effect = g_queue_pop_head (rig->applies);
  DeskInput input = { .type = DESK_INPUT_STORE_FAILED, .text = "The disk is full." };

  g_assert_nonnull (effect);
  input.id = effect->id;
  rig_feed (rig, &input);
  desk_effect_free (effect);
}

void
rig_settle_applies (Rig *rig)
{
  while (!g_queue_is_empty (rig->applies))
    rig_stored (rig, NULL);
}

void
rig_outbox (Rig *rig)
{
  do
    {
      DeskInput input = { .type = DESK_INPUT_OUTBOX, .entries = rig->outbox };

      rig->outbox_reads = 0;
      rig_feed (rig, &input);
    }
  while (rig->outbox_reads > 0);
}

DeskOutboxEntry *
rig_add_entry (Rig *rig, gint64 local_id, const char *user_id, const char *text)
{
  DeskOutboxEntry *entry = desk_outbox_entry_new (DESK_INTENT_SEND, "telegram", user_id);

  entry->local_id = local_id;
  g_free (entry->text);
  entry->text = g_strdup (text);
  g_free (entry->client_message_id);
  entry->client_message_id = g_strdup_printf ("c%" G_GINT64_FORMAT, local_id);
  g_ptr_array_add (rig->outbox, entry);
  return entry;
}

void
rig_fire (Rig *rig, DeskTimer timer)
{
  DeskInput input = { .type = DESK_INPUT_TIMER, .timer = timer };

  g_assert_cmpint (rig->timers[timer], !=, 0);
  if (rig->timers[timer] > rig->now_us)
    {
      rig->wall_ms += (rig->timers[timer] - rig->now_us) / 1000;
      rig->now_us = rig->timers[timer];
    }
  rig->timers[timer] = 0;
  rig_feed (rig, &input);
}

DeskSyncPhase
rig_phase (Rig *rig)
{
  return desk_engine_get_state (rig->engine)->phase;
}
