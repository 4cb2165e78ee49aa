/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* The messages of all chats in one walk, for a first sync at level 2: many short chats are then fetched in a few calls
 * instead of one or more each. Only where it takes fewer calls than chat by chat; what it leaves out (it failed, or the
 * server trimmed meanwhile) is fetched chat by chat afterwards, because each message accounts for its own place only. */

#define PAGE_LIMIT 1000
#define CHAT_PAGE 200 /* as in -snapshot.c */
#define PAUSE_MS 20

void
desk_engine_bulk_count (DeskEngine *self, GPtrArray *chats)
{
  for (guint i = 0; i < chats->len; i++)
    {
      const DeskChat *chat = g_ptr_array_index (chats, i);
      gint64 n = chat->last_chat_seq - MAX (chat->first_chat_seq, 1) + 1;

      if (n <= 0)
        continue;
      self->bulk_messages += n;
      self->bulk_calls += (n + CHAT_PAGE - 1) / CHAT_PAGE;
    }
}

static void
ask (DeskEngine *self)
{
  DeskRequest *request = desk_engine_request (self, DESK_REQUEST_ALL_MESSAGES);

  request->limit = PAGE_LIMIT;
  request->page = g_strdup (self->bulk_page);
  self->bulk_busy = TRUE;
}

gboolean
desk_engine_bulk_begin (DeskEngine *self)
{
  if (self->bulk_busy)
    return TRUE;
  if (!self->bulk_running)
    {
      if (!self->first_sync || self->bulk_messages / PAGE_LIMIT + 1 >= self->bulk_calls)
        return FALSE;
      self->first_sync = FALSE;
      self->bulk_running = TRUE;
    }
  ask (self);
  return TRUE;
}

/* The rest is chat by chat. */
static void
end (DeskEngine *self)
{
  self->bulk_running = FALSE;
  g_clear_pointer (&self->bulk_page, g_free);
  desk_engine_want_history (self);
}

void
desk_engine_bulk_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  DeskBatch *batch;
  Apply *apply;

  self->bulk_busy = FALSE;
  if (reply->outcome != DESK_OUT_OK || reply->messages == NULL)
    {
      desk_engine_reply_failed (self, reply);
      end (self);
      return;
    }
  batch = desk_batch_new ();
  desk_batch_messages (batch, reply->messages);
  apply = desk_engine_apply (self, batch, APPLY_BULK, reply->next);
  apply->last = reply->next == NULL;
  self->bulk_busy = TRUE;
}

void
desk_engine_bulk_stored (DeskEngine *self, const Apply *apply)
{
  self->bulk_busy = FALSE;
  if (!self->bulk_running)
    return;
  if (apply->last)
    {
      end (self);
      return;
    }
  g_free (self->bulk_page);
  self->bulk_page = g_strdup (apply->key);
  desk_engine_set_timer (self, DESK_TIMER_HISTORY, PAUSE_MS);
}

/* The connection is gone; the walk goes on at the same page when there is one again. */
void
desk_engine_bulk_drop (DeskEngine *self)
{
  self->bulk_busy = FALSE;
}
