/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* First sync and history at level 2. The head of the log is taken first, then the chats; the cursor is stored with
 * the last page of them, so that an interrupted snapshot begins again and a finished one resumes from a head that
 * is older than everything fetched. The inbox is usable from then on; history follows in the background, most
 * recent chats first, a few requests at a time. */

#define CHATS_LIMIT 1000
#define PAGE_LIMIT 200
#define HISTORY_SLOTS 4
#define HISTORY_WANTED 32
#define HISTORY_PAUSE_MS 20
#define HISTORY_RETRY_MS 5000

void
desk_engine_snapshot (DeskEngine *self)
{
  if (self->ws_open || self->link == LINK_CONNECTING)
    {
      desk_engine_emit (self, DESK_EFFECT_WS_CLOSE)->code = 1000;
      self->ws_open = FALSE;
    }
  desk_engine_reset_events (self, NULL);
  desk_engine_drop_history (self);
  g_clear_pointer (&self->snapshot_head, desk_cursor_free);
  self->link = LINK_HEAD;
  self->state_dirty = TRUE;
  desk_engine_request (self, DESK_REQUEST_HEAD);
}

static void
ask_chats (DeskEngine *self, const char *page)
{
  DeskRequest *request = desk_engine_request (self, DESK_REQUEST_CHATS);

  request->limit = CHATS_LIMIT;
  request->page = g_strdup (page);
}

void
desk_engine_head_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  if (self->link != LINK_HEAD || desk_engine_reply_failed (self, reply))
    return;
  self->snapshot_head = desk_cursor_parse (reply->changes->cursor);
  if (self->snapshot_head == NULL)
    {
      desk_engine_lost (self, "The server's answer cannot be understood.", 0);
      return;
    }
  self->link = LINK_CHATS;
  self->bulk_messages = self->bulk_calls = 0;
  self->state->chats_done = 0;
  self->state->chats_total = 0;
  ask_chats (self, NULL);
}

void
desk_engine_chats_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply)
{
  DeskBatch *batch;
  Apply *apply;

  if (self->link != LINK_CHATS || desk_engine_reply_failed (self, reply))
    return;
  batch = desk_batch_new ();
  if (reply->next == NULL)
    desk_batch_uncover (batch); /* messages may have changed in events that nobody can tell any more */
  for (guint i = 0; i < reply->chats->len; i++)
    desk_batch_chat (batch, g_ptr_array_index (reply->chats, i));
  desk_engine_bulk_count (self, reply->chats);
  self->state->chats_total += reply->chats->len;
  self->state_dirty = TRUE;
  if (reply->next == NULL)
    desk_batch_cursor (batch, self->snapshot_head);
  apply = desk_engine_apply (self, batch, APPLY_CHATS, reply->next);
  apply->last = reply->next == NULL;
}

void
desk_engine_chats_stored (DeskEngine *self, const Apply *apply)
{
  if (self->link != LINK_CHATS)
    return;
  if (!apply->last)
    {
      ask_chats (self, apply->key);
      return;
    }
  desk_engine_reset_events (self, self->snapshot_head);
  g_clear_pointer (&self->snapshot_head, desk_cursor_free);
  self->team_ms = 0; /* events that told of it were missed */
  desk_engine_connect (self);
}

/* ── History ────────────────────────────────────────────────────────────────────────────────── */

void
desk_engine_want_history (DeskEngine *self)
{
  if (self->no_backfill || self->state->level != 2)
    return;
  self->history_wanted = TRUE;
  if (!self->history_reading && self->history_running == 0 && g_queue_is_empty (self->history))
    desk_engine_set_timer (self, DESK_TIMER_HISTORY, HISTORY_PAUSE_MS);
}

static void
request_page (DeskEngine *self, const char *platform, const char *user_id, gint64 before_seq)
{
  DeskRequest *request = desk_engine_request (self, DESK_REQUEST_MESSAGES);

  request->platform = g_strdup (platform);
  request->user_id = g_strdup (user_id);
  request->seq = before_seq;
  request->limit = PAGE_LIMIT;
}

static void
pump_history (DeskEngine *self)
{
  while (self->history_running < HISTORY_SLOTS && !g_queue_is_empty (self->history))
    {
      DeskHistoryWant *want = g_queue_pop_head (self->history);

      request_page (self, want->platform, want->user_id, want->before_seq);
      self->history_running++;
      desk_history_want_free (want);
    }
  if (self->history_running == 0 && g_queue_is_empty (self->history) && self->history_wanted && !self->history_reading)
    desk_engine_set_timer (self, DESK_TIMER_HISTORY, HISTORY_PAUSE_MS);
}

void
desk_engine_history_timeout (DeskEngine *self)
{
  if (!self->history_wanted || self->history_reading || !desk_engine_is_online (self) || self->store_broken)
    return;
  if (desk_engine_bulk_begin (self))
    return;
  self->history_wanted = FALSE;
  self->history_reading = TRUE;
  desk_engine_emit (self, DESK_EFFECT_READ_WANTED)->limit = HISTORY_WANTED;
}

void
desk_engine_wanted (DeskEngine *self, GPtrArray *wanted)
{
  self->history_reading = FALSE;
  if (self->state->level == 0)
    {
      desk_engine_level0_wanted (self, wanted);
      return;
    }
  if (!desk_engine_is_online (self))
    {
      self->history_wanted = TRUE;
      return;
    }
  for (guint i = 0; wanted != NULL && i < wanted->len; i++)
    {
      const DeskHistoryWant *want = g_ptr_array_index (wanted, i);
      DeskHistoryWant *copy = g_new0 (DeskHistoryWant, 1);

      copy->platform = g_strdup (want->platform);
      copy->user_id = g_strdup (want->user_id);
      copy->before_seq = want->before_seq;
      copy->down_to_seq = want->down_to_seq;
      g_queue_push_tail (self->history, copy);
    }
  if (wanted != NULL && wanted->len > 0)
    {
      self->history_wanted = TRUE; /* ask again when these are done */
      self->state_dirty = TRUE;
    }
  else
    {
      self->state->chats_total = self->state->chats_done = 0;
      self->state_dirty = TRUE;
    }
  pump_history (self);
}

/* The chat was erased, and that event was missed: what is cached stays readable, and there is nothing to fetch. */
static void
store_gone (DeskEngine *self, const DeskRequest *request, const char *key, guint64 fetch_id)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  DeskBatch *batch = desk_batch_new ();

  desk_batch_page (batch, request->platform, request->user_id, none, TRUE, TRUE);
  desk_engine_apply (self, batch, APPLY_PAGE, key)->fetch_id = fetch_id;
}

void
desk_engine_history_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply)
{
  g_autofree char *key = desk_chat_format_key (request->platform, request->user_id);
  guint64 *fetch = g_hash_table_lookup (self->fetches, key);
  guint64 fetch_id = fetch ? *fetch : 0;
  DeskBatch *batch;
  Apply *apply;

  if (fetch == NULL && self->history_running > 0)
    self->history_running--;
  g_hash_table_remove (self->fetches, key);
  if (reply->outcome == DESK_OUT_REFUSED && reply->failure->http_status == 404)
    {
      store_gone (self, request, key, fetch_id);
      return;
    }
  if (reply->outcome != DESK_OUT_OK)
    {
      desk_engine_fetched (self, fetch_id, FALSE, desk_engine_reply_text (reply));
      desk_engine_reply_failed (self, reply);
      /* Whatever went wrong with this page, nobody else asks for it again. */
      self->history_wanted = TRUE;
      if (!self->no_backfill)
        desk_engine_set_timer (self, DESK_TIMER_HISTORY, HISTORY_RETRY_MS);
      return;
    }
  batch = desk_batch_new ();
  /* Fewer rows than asked for: what the server keeps ends there. A page speaks for the time when it was asked for:
   * its newest row is the end of what it claims, whatever is known of the chat by now; and one without rows speaks
   * for what lies before the place that was asked for, wherever the cached rows begin by now. */
  if (reply->messages->len == 0 && request->seq > 0)
    desk_batch_cover (batch, request->platform, request->user_id, 1, request->seq - 1);
  else
    desk_batch_page (batch, request->platform, request->user_id, reply->messages,
                     reply->next == NULL && reply->messages->len < request->limit, reply->messages->len == 0);
  if (reply->messages->len == 0 && request->seq > 1)
    desk_batch_cover (batch, request->platform, request->user_id, 1, request->seq - 1); /* the server keeps nothing */
  apply = desk_engine_apply (self, batch, APPLY_PAGE, key);
  apply->fetch_id = fetch_id;
}

void
desk_engine_history_stored (DeskEngine *self, const Apply *apply, const DeskBatchResult *result)
{
  desk_engine_fetched (self, apply->fetch_id, TRUE, NULL);
  if (self->state->chats_done < self->state->chats_total)
    {
      self->state->chats_done++;
      self->state_dirty = TRUE;
    }
  pump_history (self);
}

void
desk_engine_fetch_older (DeskEngine *self, const DeskInput *input)
{
  g_autofree char *key = desk_chat_format_key (input->platform, input->user_id);
  guint64 *id;

  if (!desk_engine_is_online (self))
    {
      desk_engine_fetched (self, input->id, FALSE, "The server cannot be reached.");
      return;
    }
  if (self->state->level == 0)
    {
      desk_engine_level0_walk (self, input->platform, input->user_id, input->key > 0 ? G_MAXUINT : 0, input->id);
      return;
    }
  if (g_hash_table_contains (self->fetches, key))
    {
      desk_engine_fetched (self, input->id, TRUE, NULL); /* one is under way and will be seen */
      return;
    }
  id = g_new (guint64, 1);
  *id = input->id;
  g_hash_table_insert (self->fetches, g_steal_pointer (&key), id);
  request_page (self, input->platform, input->user_id, input->key);
}

void
desk_engine_fetched (DeskEngine *self, guint64 fetch_id, gboolean ok, const char *text)
{
  DeskEffect *effect;

  if (fetch_id == 0)
    return;
  effect = desk_engine_emit (self, DESK_EFFECT_FETCHED);
  effect->id = fetch_id;
  effect->flag = ok;
  effect->text = g_strdup (text);
}

/* The connection is gone: what was asked for on demand fails, what history was planned is planned anew. */
void
desk_engine_drop_history (DeskEngine *self)
{
  GHashTableIter iter;
  guint64 *id;

  g_hash_table_iter_init (&iter, self->fetches);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &id))
    desk_engine_fetched (self, *id, FALSE, "The connection was lost.");
  g_hash_table_remove_all (self->fetches);
  g_queue_clear_full (self->history, (GDestroyNotify) desk_history_want_free);
  self->history_running = 0;
  self->history_wanted = TRUE;
  desk_engine_bulk_drop (self);
  desk_engine_clear_timer (self, DESK_TIMER_HISTORY);
}
