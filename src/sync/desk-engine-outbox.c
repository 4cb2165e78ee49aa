/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "common/desk-backoff.h"
#include "sync/desk-engine-private.h"

/* Sending. The cache holds the outbox; the engine has a copy and works on the first entry of each chat, at most
 * SLOTS chats at once. "About to be sent" is committed before a request goes out. At level 2 an attempt may be
 * repeated, the client_message_id makes it one message. At level 0 it may not: when the outcome is not known the
 * engine looks for the message in the history for LOOK_MS and then leaves the decision to the manager. A refusal
 * for good stops its chat until the manager acts. Read markers wait for nobody. */

#define SLOTS 4
#define RETRY_BASE_MS 1000
#define RETRY_CAP_MS 60000
#define REFUSED_PAUSE_US (5 * G_USEC_PER_SEC) /* before the cache is asked again */
#define KEY_LIFE_MS (G_GINT64_CONSTANT (90) * 24 * 3600 * 1000) /* how long the server remembers a client id */

void
desk_lane_free (Lane *lane)
{
  g_clear_pointer (&lane->entry, desk_outbox_entry_free);
  g_free (lane);
}

void
desk_engine_read_outbox (DeskEngine *self)
{
  if (self->outbox_reading)
    {
      self->outbox_stale = TRUE;
      return;
    }
  self->outbox_reading = TRUE;
  self->outbox_stale = FALSE;
  desk_engine_emit (self, DESK_EFFECT_READ_OUTBOX);
}

static void
count_pending (DeskEngine *self)
{
  guint pending = 0;

  for (guint i = 0; self->outbox != NULL && i < self->outbox->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (self->outbox, i);

      pending += entry->state == DESK_OUTBOX_QUEUED || entry->state == DESK_OUTBOX_SENDING;
    }
  if (pending != self->state->pending)
    {
      self->state->pending = pending;
      self->state_dirty = TRUE;
    }
}

void
desk_engine_outbox (DeskEngine *self, GPtrArray *entries)
{
  self->outbox_reading = FALSE;
  if (entries != NULL)
    {
      g_clear_pointer (&self->outbox, g_ptr_array_unref);
      self->outbox = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_outbox_entry_free);
      for (guint i = 0; i < entries->len; i++)
        {
          const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);

          if (!g_hash_table_contains (self->outbox_done, &entry->local_id))
            g_ptr_array_add (self->outbox, desk_outbox_entry_copy (entry));
        }
    }
  g_hash_table_remove_all (self->outbox_done);
  count_pending (self);
  if (self->outbox_stale)
    desk_engine_read_outbox (self);
  desk_engine_pump_outbox (self);
}

DeskOutboxEntry *
desk_engine_outbox_find (DeskEngine *self, gint64 local_id)
{
  for (guint i = 0; self->outbox != NULL && i < self->outbox->len; i++)
    {
      DeskOutboxEntry *entry = g_ptr_array_index (self->outbox, i);

      if (entry->local_id == local_id)
        return entry;
    }
  return NULL;
}

static void
begin_lane (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry)
{
  lane->resumed = FALSE;
  lane->since_ms = self->wall_ms;
  lane->since_us = self->now_us;
  lane->local_id = entry->local_id;
  lane->waits_for = 0;
  lane->requested = lane->looking = lane->accepted = lane->seen = FALSE;
  g_clear_pointer (&lane->entry, desk_outbox_entry_free);
  lane->entry = desk_outbox_entry_copy (entry);
}

void
desk_engine_lane_end (Lane *lane)
{
  lane->local_id = 0;
  lane->waits_for = 0;
  lane->requested = lane->looking = lane->accepted = lane->seen = FALSE;
  g_clear_pointer (&lane->entry, desk_outbox_entry_free);
}

void
desk_engine_outbox_set_state (DeskEngine *self, const DeskOutboxEntry *entry, DeskOutboxState state, const char *code, const char *text)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  DeskOutboxEntry *mine = desk_engine_outbox_find (self, entry->local_id);
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_state (batch, entry->local_id, state, code, text);
  desk_engine_apply (self, batch, APPLY_OUTBOX, key)->local_id = entry->local_id;
  if (mine != NULL)
    mine->state = state;
}

/* Returns the id of the Apply. */
guint64
desk_engine_outbox_store_done (DeskEngine *self, const DeskOutboxEntry *entry, const DeskMessage *message)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  DeskBatch *batch = desk_batch_new ();
  Apply *apply;

  desk_batch_outbox_done (batch, entry->local_id, message);
  apply = desk_engine_apply (self, batch, APPLY_OUTBOX, key);
  apply->local_id = entry->local_id;
  apply->done = TRUE;
  return apply->id;
}

/* With what our clock says of the attempt this tells the server's time of it, after a kill and whatever becomes of our
 * clock meanwhile. */
static void
store_offset (DeskEngine *self, DeskBatch *batch)
{
  g_autofree char *text = NULL;

  self->attempt_offset_ms = desk_engine_server_offset (self);
  text = g_strdup_printf ("%" G_GINT64_FORMAT, self->attempt_offset_ms);
  desk_batch_setting (batch, "server_offset_ms", self->attempt_offset_ms != 0 ? text : NULL);
}

static void
start_attempt (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  DeskBatch *batch = desk_batch_new ();
  Apply *apply;

  begin_lane (self, lane, entry);
  desk_batch_outbox_attempt (batch, entry->local_id);
  if (self->state->level == 0 && entry->intent == DESK_INTENT_SEND)
    store_offset (self, batch);
  apply = desk_engine_apply (self, batch, APPLY_ATTEMPT, key);
  apply->local_id = entry->local_id;
  lane->waits_for = apply->id;
}

/* What an entry that may have been sent already becomes, when the engine finds it so: after a kill. */
static void
resume_sending (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry)
{
  if (self->state->level == 0 && entry->intent == DESK_INTENT_SEND)
    {
      begin_lane (self, lane, entry);
      /* Nothing older than the attempt is a proof of it: taking an earlier reply of the same text for this one would
       * lose this one without a word. When that cannot be told, the manager is asked. */
      lane->resumed = TRUE;
      lane->since_ms = self->attempt_offset_ms != 0 ? entry->attempted_at_ms + self->attempt_offset_ms : G_MAXINT64;
      desk_engine_look_start (self, lane, FALSE);
    }
  else if (entry->intent == DESK_INTENT_SEND && self->wall_ms - entry->attempted_at_ms > KEY_LIFE_MS)
    desk_engine_outbox_set_state (self, entry, DESK_OUTBOX_UNCONFIRMED, NULL,
                 _("It is not known whether this message was sent. Look at the chat before you send it again."));
  else
    start_attempt (self, lane, entry);
}

static gboolean
refuse_private_at_level0 (DeskEngine *self, const DeskOutboxEntry *entry)
{
  if (self->state->level != 0 || !entry->is_private)
    return FALSE;
  /* A plain server knows no notes and would send it to the customer. */
  desk_engine_outbox_set_state (self, entry, DESK_OUTBOX_FAILED, desk_code_to_string (DESK_CODE_NOT_SUPPORTED),
               _("This server has no internal notes. The note was not sent."));
  return TRUE;
}

/* What surely would be refused is not uploaded first. */
static gboolean
refuse_files (DeskEngine *self, const DeskOutboxEntry *entry)
{
  const DeskPlatform *platform
      = self->capabilities ? desk_capabilities_find_platform (self->capabilities, entry->platform) : NULL;
  gint64 limit = self->state->level == 0 ? DESK_LEVEL0_FILE_MAX
                 : platform != NULL && !entry->is_private ? platform->attachment_limit
                                                          : G_MAXINT64;

  for (guint i = 0; entry->files != NULL && i < entry->files->len; i++)
    {
      const DeskStagedFile *file = g_ptr_array_index (entry->files, i);
      g_autofree char *size = g_format_size_full ((guint64) limit, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *text = NULL;

      if (file->size <= limit)
        continue;
      text = limit == 0 ? g_strdup (_("This platform takes no files."))
                        : g_strdup_printf (_("“%s” is too large: %s at most can be sent here."), file->filename, size);
      desk_engine_outbox_set_state (self, entry, DESK_OUTBOX_FAILED,
                   desk_code_to_string (limit == 0 ? DESK_CODE_NOT_SUPPORTED : DESK_CODE_TOO_LARGE), text);
      return TRUE;
    }
  return FALSE;
}

static gboolean
refuse_change_at_level0 (DeskEngine *self, const DeskOutboxEntry *entry)
{
  if (self->state->level != 0 || entry->intent < DESK_INTENT_CHAT)
    return FALSE;
  desk_engine_outbox_set_state (self, entry, DESK_OUTBOX_FAILED, desk_code_to_string (DESK_CODE_NOT_SUPPORTED),
               _("This server cannot do that."));
  return TRUE;
}

/* What is in order among itself and waits for nothing else: replies; markers; changes of the chat; changes of its
 * messages; changes of its profile. */
static char
lane_of_intent (DeskIntent intent)
{
  switch (intent)
    {
    case DESK_INTENT_READ:
    case DESK_INTENT_UNREAD:
      return '\001';
    case DESK_INTENT_CHAT:
      return '\002';
    case DESK_INTENT_EDIT:
    case DESK_INTENT_DELETE:
    case DESK_INTENT_REACT:
    case DESK_INTENT_RETRY:
      return '\003';
    case DESK_INTENT_PROFILE:
      return '\004';
    default:
      return '\0';
    }
}

static char *
lane_key (const DeskOutboxEntry *entry)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  char lane = lane_of_intent (entry->intent);

  return lane == '\0' ? g_steal_pointer (&key) : g_strdup_printf ("%c%s", lane, key);
}

static guint
busy_slots (DeskEngine *self)
{
  GHashTableIter iter;
  Lane *lane;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->lanes);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &lane))
    n += lane->local_id != 0 && !lane->looking; /* looking holds its chat, not a slot */
  return n;
}

/* Considers one entry; blocked holds the chats in which an earlier entry has to be dealt with first. */
static void
consider (DeskEngine *self, DeskOutboxEntry *entry, GHashTable *blocked, guint *slots, gint64 *next_us)
{
  g_autofree char *key = lane_key (entry);
  Lane *lane;

  if (entry->intent != DESK_INTENT_SEND && entry->state != DESK_OUTBOX_QUEUED && entry->state != DESK_OUTBOX_SENDING)
    return; /* one that was refused stops nothing but itself */
  if (!g_hash_table_add (blocked, g_strdup (key)))
    return;
  lane = g_hash_table_lookup (self->lanes, key);
  if (lane == NULL)
    {
      lane = g_new0 (Lane, 1);
      g_hash_table_insert (self->lanes, g_strdup (key), lane);
    }
  if (lane->local_id != 0 || *slots >= SLOTS)
    return;
  if (entry->state != DESK_OUTBOX_QUEUED && entry->state != DESK_OUTBOX_SENDING)
    return;
  if (lane->not_before_us > self->now_us)
    {
      *next_us = MIN (*next_us, lane->not_before_us);
      return;
    }
  if (refuse_private_at_level0 (self, entry) || refuse_change_at_level0 (self, entry))
    return;
  if (entry->state == DESK_OUTBOX_QUEUED && refuse_files (self, entry))
    return;
  if (entry->state == DESK_OUTBOX_SENDING)
    resume_sending (self, lane, entry);
  else
    start_attempt (self, lane, entry);
  *slots += lane->local_id != 0 && !lane->looking;
}

static gboolean
same_lane (const DeskOutboxEntry *a, const DeskOutboxEntry *b)
{
  return lane_of_intent (a->intent) == lane_of_intent (b->intent) && a->intent == DESK_INTENT_SEND && g_str_equal (a->user_id, b->user_id)
         && g_str_equal (a->platform, b->platform);
}

void
desk_engine_pump_outbox (DeskEngine *self)
{
  g_autoptr (GHashTable) blocked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  const DeskOutboxEntry *last = NULL;
  gint64 next_us = G_MAXINT64;
  guint slots;

  if (self->outbox == NULL || !desk_engine_is_online (self) || self->store_broken)
    return;
  if (self->outbox_not_before_us > self->now_us)
    {
      desk_engine_set_timer (self, DESK_TIMER_OUTBOX, (self->outbox_not_before_us - self->now_us) / 1000 + 1);
      return;
    }
  slots = busy_slots (self);
  /* A slot that becomes free brings us here again. */
  for (guint i = 0; i < self->outbox->len && slots < SLOTS; i++)
    {
      DeskOutboxEntry *entry = g_ptr_array_index (self->outbox, i);

      if (last == NULL || !same_lane (last, entry))
        consider (self, entry, blocked, &slots, &next_us);
      last = entry;
    }
  if (next_us != G_MAXINT64)
    desk_engine_set_timer (self, DESK_TIMER_OUTBOX, (next_us - self->now_us) / 1000 + 1);
}

Lane *
desk_engine_lane_of (DeskEngine *self, const DeskOutboxEntry *entry)
{
  g_autofree char *key = lane_key (entry);
  Lane *lane = g_hash_table_lookup (self->lanes, key);

  return lane != NULL && lane->local_id == entry->local_id ? lane : NULL;
}

static Lane *
lane_by_id (DeskEngine *self, gint64 local_id)
{
  GHashTableIter iter;
  Lane *lane;

  g_hash_table_iter_init (&iter, self->lanes);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &lane))
    if (lane->local_id == local_id)
      return lane;
  return NULL;
}

void
desk_engine_outbox_put_off (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, gint64 delay_ms)
{
  if (delay_ms < 0)
    delay_ms = RETRY_BASE_MS / 2 + desk_backoff_full_jitter_ms (lane->failures, RETRY_BASE_MS, RETRY_CAP_MS, self->random);
  lane->failures++;
  lane->not_before_us = self->now_us + delay_ms * 1000;
  desk_engine_outbox_set_state (self, entry, DESK_OUTBOX_QUEUED, NULL, NULL);
  desk_engine_lane_end (lane);
}

/* A plain server takes read markers over the websocket alone, unanswered, and knows no "unread". */
static void
mark_at_level0 (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry)
{
  if (entry->intent == DESK_INTENT_READ && !self->ws_open)
    {
      desk_engine_outbox_put_off (self, lane, entry, -1);
      return;
    }
  if (entry->intent == DESK_INTENT_READ)
    desk_engine_emit (self, DESK_EFFECT_WS_SEND)->text
        = desk_wire_client_frame_text (DESK_CLIENT_FRAME_MARK_READ, NULL, entry->platform, entry->user_id);
  lane->waits_for = desk_engine_outbox_store_done (self, entry, NULL);
}

void
desk_engine_attempt_stored (DeskEngine *self, const Apply *apply, gboolean ok)
{
  Lane *lane = lane_by_id (self, apply->local_id);
  DeskOutboxEntry *mine = desk_engine_outbox_find (self, apply->local_id);
  DeskRequest *request;

  if (lane == NULL || lane->waits_for != apply->id)
    return;
  lane->waits_for = 0;
  if (!ok || mine == NULL)
    {
      /* Withdrawn meanwhile, or the disk is full: nothing went out. */
      lane->not_before_us = self->now_us + REFUSED_PAUSE_US;
      desk_engine_lane_end (lane);
      desk_engine_read_outbox (self);
      return;
    }
  mine->state = DESK_OUTBOX_SENDING;
  if (!desk_engine_is_online (self))
    {
      /* Nothing went out, so it may simply wait. */
      desk_engine_lane_end (lane);
      desk_engine_outbox_set_state (self, mine, DESK_OUTBOX_QUEUED, NULL, NULL);
      return;
    }
  if (self->state->level == 0 && lane->entry->intent != DESK_INTENT_SEND)
    {
      mark_at_level0 (self, lane, mine);
      return;
    }
  lane->requested = TRUE;
  request = desk_engine_request (self, lane->entry->intent >= DESK_INTENT_CHAT     ? DESK_REQUEST_CHANGE
                                       : lane->entry->intent == DESK_INTENT_SEND   ? DESK_REQUEST_SEND
                                       : lane->entry->intent == DESK_INTENT_UNREAD ? DESK_REQUEST_UNREAD
                                                                                   : DESK_REQUEST_READ);
  request->entry = desk_outbox_entry_copy (lane->entry);
}

static void
forget_entry (DeskEngine *self, gint64 local_id)
{
  DeskOutboxEntry *entry = desk_engine_outbox_find (self, local_id);

  if (entry != NULL)
    g_ptr_array_remove (self->outbox, entry);
  if (self->outbox_reading)
    g_hash_table_add (self->outbox_done, g_memdup2 (&local_id, sizeof local_id));
  count_pending (self);
}

/* An acknowledgement or a state was committed. An acknowledged entry is taken out of our copy instead of reading all
 * of the outbox again, which would cost the square of a long one. The lane may have begun with the same entry anew
 * since a state was written (the manager asked for it): ending it then would send it twice. */
void
desk_engine_outbox_stored (DeskEngine *self, const Apply *apply)
{
  Lane *lane = lane_by_id (self, apply->local_id);

  if (lane != NULL && lane->waits_for == apply->id)
    desk_engine_lane_end (lane);
  if (!apply->done)
    {
      desk_engine_read_outbox (self);
      return;
    }
  forget_entry (self, apply->local_id);
  desk_engine_pump_outbox (self);
}

/* It was not: the entry stands in the cache as it did, and is dealt with again from there. */
void
desk_engine_outbox_failed (DeskEngine *self, const Apply *apply)
{
  Lane *lane = lane_by_id (self, apply->local_id);

  if (lane != NULL && lane->waits_for == apply->id)
    desk_engine_lane_end (lane);
}

/* Of another kind of server they are simply asked for again. */
void
desk_engine_outbox_stop_looking (DeskEngine *self)
{
  GHashTableIter iter;
  Lane *lane;

  g_hash_table_iter_init (&iter, self->lanes);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &lane))
    if (lane->looking)
      desk_engine_lane_end (lane);
}

void
desk_engine_outbox_connection_lost (DeskEngine *self)
{
  /* Requests that are out end by themselves, as lost or not sent. */
  desk_engine_clear_timer (self, DESK_TIMER_OUTBOX);
}

gboolean
desk_engine_outbox_is_settled (DeskEngine *self)
{
  g_autoptr (GHashTable) stopped = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (self->outbox == NULL || self->outbox_reading)
    return FALSE;
  for (guint i = 0; i < self->outbox->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (self->outbox, i);
      g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);

      if (entry->state != DESK_OUTBOX_QUEUED && entry->state != DESK_OUTBOX_SENDING)
        {
          if (entry->intent == DESK_INTENT_SEND)
            g_hash_table_add (stopped, g_steal_pointer (&key));
        }
      else if (entry->intent != DESK_INTENT_SEND || !g_hash_table_contains (stopped, key))
        return FALSE;
    }
  return TRUE;
}
