/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* The plain server. It tells no cursor and its events are hints: after every connection the chat list is fetched,
 * and each chat that moved is walked page by page until what is cached is met. Pages overlap because offsets shift
 * while we read. A hint shows a provisional row and starts a walk. A walk that was cut off leaves a marked gap: with each
 * list, and so once a minute, the cache is asked for such, and they are walked from there. */

#define PAGE_LIMIT 100
#define OVERLAP 10
#define KEPT 100 /* what such a server keeps of a chat */
#define WALKS 4
#define WANTED 32
#define FARTHEST (KEPT * 10)
#define POLL_CHATS_MS 10000
#define POLL_CHAT_MS 4000
#define POLL_CONNECTED_MS 60000

void
desk_walk_free (Walk *walk)
{
  g_free (walk->platform);
  g_free (walk->user_id);
  g_free (walk);
}

void
desk_engine_level0_start (DeskEngine *self)
{
  desk_engine_level0_list (self);
  desk_engine_set_timer (self, DESK_TIMER_POLL, self->ws_open ? POLL_CONNECTED_MS : POLL_CHATS_MS);
}

void
desk_engine_level0_list (DeskEngine *self)
{
  if (self->chats_asked)
    {
      self->chats_again = TRUE;
      return;
    }
  self->chats_asked = TRUE;
  self->chats_again = FALSE;
  desk_engine_request (self, DESK_REQUEST_CHATS); /* no limit: such a server gives all */
}

/* Whatever stands before a server may answer in its place when it is asked what it can do, and what cannot be read is
 * taken for a plain server. What only level 2 tells puts that right, before something is done in the plain way. */
void
desk_engine_not_plain (DeskEngine *self)
{
  self->level2_before = TRUE;
  desk_engine_outbox_stop_looking (self);
  for (guint i = 0; i < DESK_N_TIMERS; i++)
    desk_engine_clear_timer (self, i);
  self->state->level = G_MAXUINT;
  self->poll_ok = FALSE;
  desk_engine_lost (self, NULL, 0);
}

void
desk_engine_level0_chats_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  DeskBatch *batch;

  self->chats_asked = FALSE;
  self->probing = FALSE;
  if (desk_engine_reply_failed (self, reply))
    return;
  for (guint i = 0; i < reply->chats->len; i++)
    if (self->level_guessed && ((const DeskChat *) g_ptr_array_index (reply->chats, i))->is_level2)
      {
        desk_engine_not_plain (self);
        return;
      }
  batch = desk_batch_new ();
  for (guint i = 0; i < reply->chats->len; i++)
    desk_batch_chat (batch, g_ptr_array_index (reply->chats, i));
  desk_engine_apply (self, batch, APPLY_CHATS, NULL)->count = reply->chats->len;
}

/* Of chats that are walked already nothing more is asked, see below. */
static void
want_history (DeskEngine *self)
{
  if (self->no_backfill || self->history_reading)
    return;
  self->history_wanted = FALSE;
  self->history_reading = TRUE;
  desk_engine_emit (self, DESK_EFFECT_READ_WANTED)->limit = WANTED;
}

void
desk_engine_level0_wanted (DeskEngine *self, GPtrArray *wanted)
{
  for (guint i = 0; desk_engine_is_online (self) && wanted != NULL && i < wanted->len; i++)
    {
      const DeskHistoryWant *want = g_ptr_array_index (wanted, i);
      g_autofree char *key = desk_chat_format_key (want->platform, want->user_id);

      /* One under way reaches it by itself, or is followed by the next list. */
      if (g_hash_table_contains (self->walks, key) || want->offset >= FARTHEST)
        continue;
      desk_engine_level0_walk (self, want->platform, want->user_id, want->offset > OVERLAP ? want->offset - OVERLAP : 0, 0);
      ((Walk *) g_hash_table_lookup (self->walks, key))->fills = TRUE;
    }
}

void
desk_engine_level0_chats_stored (DeskEngine *self, const DeskBatchResult *result)
{
  for (guint i = 0; i < result->moved->len; i++)
    {
      g_autofree char *platform = NULL;
      g_autofree char *user_id = NULL;

      if (desk_chat_parse_key (g_ptr_array_index (result->moved, i), &platform, &user_id))
        desk_engine_level0_walk (self, platform, user_id, 0, 0);
    }
  self->chats_done = TRUE;
  if (self->ws_open && self->link == LINK_RESUMING)
    self->link = LINK_LIVE;
  else if (!self->ws_open)
    {
      self->poll_ok = TRUE;
      desk_engine_set_error (self, NULL);
    }
  self->state_dirty = TRUE;
  if (g_hash_table_size (self->walks) == 0)
    desk_engine_complete (self);
  desk_engine_read_outbox (self);
  want_history (self);
  if (self->chats_again)
    desk_engine_level0_list (self);
}

static guint
running_walks (DeskEngine *self)
{
  GHashTableIter iter;
  Walk *walk;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->walks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &walk))
    n += walk->busy;
  return n;
}

static void
pump_walks (DeskEngine *self)
{
  guint n = running_walks (self);

  while (n < WALKS && !g_queue_is_empty (self->walk_queue))
    {
      g_autofree char *key = g_queue_pop_head (self->walk_queue);
      Walk *walk = g_hash_table_lookup (self->walks, key);
      DeskRequest *request;

      if (walk == NULL || walk->busy)
        continue;
      walk->busy = TRUE;
      n++;
      request = desk_engine_request (self, DESK_REQUEST_PAGE0);
      request->platform = g_strdup (walk->platform);
      request->user_id = g_strdup (walk->user_id);
      request->offset = walk->offset;
      request->limit = PAGE_LIMIT;
      walk->waits_for = request->id;
    }
}

/* offset G_MAXUINT: what lies before the oldest page that the server surely gave, so one page further. */
void
desk_engine_level0_walk (DeskEngine *self, const char *platform, const char *user_id, guint offset, guint64 fetch_id)
{
  g_autofree char *key = desk_chat_format_key (platform, user_id);
  Walk *walk = g_hash_table_lookup (self->walks, key);

  if (walk != NULL)
    {
      walk->again = TRUE;
      if (fetch_id != 0)
        {
          desk_engine_fetched (self, walk->fetch_id, TRUE, NULL);
          walk->fetch_id = fetch_id;
        }
      return;
    }
  walk = g_new0 (Walk, 1);
  walk->platform = g_strdup (platform);
  walk->user_id = g_strdup (user_id);
  walk->offset = offset == G_MAXUINT ? 50 : offset;
  walk->fetch_id = fetch_id;
  g_queue_push_tail (self->walk_queue, g_strdup (key));
  g_hash_table_insert (self->walks, g_steal_pointer (&key), walk);
  pump_walks (self);
}

static void
end_walk (DeskEngine *self, const char *key, gboolean ok, const char *text)
{
  Walk *walk = g_hash_table_lookup (self->walks, key);

  desk_engine_fetched (self, walk->fetch_id, ok, text);
  walk->fetch_id = 0;
  walk->waits_for = 0;
  walk->busy = FALSE;
  if (ok && walk->again)
    {
      walk->again = walk->fills = FALSE;
      walk->offset = 0;
      g_queue_push_tail (self->walk_queue, g_strdup (key));
    }
  else
    g_hash_table_remove (self->walks, key);
  pump_walks (self);
}

void
desk_engine_level0_page_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply)
{
  g_autofree char *key = desk_chat_format_key (request->platform, request->user_id);
  Walk *walk = g_hash_table_lookup (self->walks, key);
  DeskBatch *batch;
  Apply *apply;

  if (walk == NULL || walk->waits_for != request->id)
    return;
  if (reply->outcome != DESK_OUT_OK)
    {
      walk->again = FALSE;
      end_walk (self, key, FALSE, desk_engine_reply_text (reply));
      desk_engine_reply_failed (self, reply);
      return;
    }
  batch = desk_batch_new ();
  desk_batch_page_level0 (batch, request->platform, request->user_id, reply->messages, request->offset,
                          reply->messages->len == 0);
  apply = desk_engine_apply (self, batch, APPLY_PAGE, key);
  walk->waits_for = apply->id;
  apply->offset = request->offset;
  apply->count = reply->messages->len;
}

static void
announce (DeskEngine *self, const DeskMessage *message)
{
  DeskEvent *event = desk_event_new (DESK_EVENT_NEW_MESSAGE);

  event->message = desk_message_copy (message);
  desk_engine_emit (self, DESK_EFFECT_APPLIED)->event = event;
}

void
desk_engine_level0_page_stored (DeskEngine *self, const Apply *apply, const DeskBatchResult *result)
{
  Walk *walk = g_hash_table_lookup (self->walks, apply->key);
  guint step = apply->count > 2 * OVERLAP ? apply->count - OVERLAP : apply->count;

  for (guint i = 0; result->fresh != NULL && i < result->fresh->len; i++)
    {
      announce (self, g_ptr_array_index (result->fresh, i));
      desk_engine_look_found (self, apply->key, g_ptr_array_index (result->fresh, i));
    }
  if (walk == NULL || walk->waits_for != apply->id)
    return; /* of a walk that a lost connection ended */
  if ((!result->overlapped || (walk->fills && apply->count <= 2 * OVERLAP)) && apply->count > 0 && apply->offset + step < FARTHEST)
    {
      walk->offset = apply->offset + step;
      walk->busy = FALSE;
      g_queue_push_head (self->walk_queue, g_strdup (apply->key));
      pump_walks (self);
      return;
    }
  end_walk (self, apply->key, TRUE, NULL);
  if (g_hash_table_size (self->walks) == 0 && self->chats_done)
    desk_engine_complete (self);
}

void
desk_engine_level0_event (DeskEngine *self, const DeskEvent *event)
{
  DeskBatch *batch;

  if (self->level_guessed && event->sequenced)
    {
      desk_engine_not_plain (self);
      return;
    }
  desk_engine_take_presence (self, event);
  if (event->type == DESK_EVENT_NEW_MESSAGE)
    {
      g_autofree char *key = desk_chat_format_key (event->message->platform, event->message->user_id);

      desk_engine_look_found (self, key, event->message);
      batch = desk_batch_new ();
      desk_batch_hint (batch, event->message);
      desk_engine_apply (self, batch, APPLY_SETTINGS, NULL);
      desk_engine_level0_walk (self, event->message->platform, event->message->user_id, 0, 0);
    }
  else
    desk_engine_emit (self, DESK_EFFECT_EPHEMERAL)->event = desk_event_copy (event);
}

void
desk_engine_level0_poll (DeskEngine *self)
{
  desk_engine_level0_list (self);
  desk_engine_set_timer (self, DESK_TIMER_POLL, self->ws_open ? POLL_CONNECTED_MS : POLL_CHATS_MS);
}

void
desk_engine_level0_poll_chat (DeskEngine *self)
{
  if (self->open_platform == NULL || self->ws_open)
    return;
  desk_engine_level0_walk (self, self->open_platform, self->open_user_id, 0, 0);
  desk_engine_set_timer (self, DESK_TIMER_POLL_CHAT, POLL_CHAT_MS);
}

gboolean
desk_engine_level0_is_settled (DeskEngine *self)
{
  return self->chats_done && !self->chats_asked && !self->history_reading && g_hash_table_size (self->walks) == 0;
}

void
desk_engine_level0_drop (DeskEngine *self)
{
  GHashTableIter iter;
  Walk *walk;

  g_hash_table_iter_init (&iter, self->walks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &walk))
    desk_engine_fetched (self, walk->fetch_id, FALSE, "The connection was lost.");
  g_hash_table_remove_all (self->walks);
  g_queue_clear_full (self->walk_queue, g_free);
  self->chats_asked = self->chats_again = self->chats_done = FALSE;
}
