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
#define LOOK_MS 15000
#define LOOK_EVERY_MS 3000
#define LOOK_SLACK_MS 5000 /* by so much may the clock of a plain server be behind ours */
#define MAX_SIGHTED 4096
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

static DeskOutboxEntry *
find_entry (DeskEngine *self, gint64 local_id)
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
begin_lane (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, gint64 attempted_at_ms)
{
  lane->since_ms = attempted_at_ms + self->state->server_offset_ms - LOOK_SLACK_MS;
  lane->local_id = entry->local_id;
  lane->waits_for = 0;
  lane->requested = lane->looking = lane->accepted = lane->seen = FALSE;
  g_clear_pointer (&lane->entry, desk_outbox_entry_free);
  lane->entry = desk_outbox_entry_copy (entry);
}

static void
end_lane (Lane *lane)
{
  lane->local_id = 0;
  lane->waits_for = 0;
  lane->requested = lane->looking = lane->accepted = lane->seen = FALSE;
  g_clear_pointer (&lane->entry, desk_outbox_entry_free);
}

static void
store_state (DeskEngine *self, const DeskOutboxEntry *entry, DeskOutboxState state, const char *code, const char *text)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  DeskOutboxEntry *mine = find_entry (self, entry->local_id);
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_state (batch, entry->local_id, state, code, text);
  desk_engine_apply (self, batch, APPLY_OUTBOX, key)->local_id = entry->local_id;
  if (mine != NULL)
    mine->state = state;
}

/* Returns the id of the Apply. */
static guint64
store_done (DeskEngine *self, const DeskOutboxEntry *entry, const DeskMessage *message)
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

static void
start_attempt (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  DeskBatch *batch = desk_batch_new ();
  Apply *apply;

  begin_lane (self, lane, entry, self->wall_ms);
  desk_batch_outbox_attempt (batch, entry->local_id);
  apply = desk_engine_apply (self, batch, APPLY_ATTEMPT, key);
  apply->local_id = entry->local_id;
  lane->waits_for = apply->id;
}

/* The message was seen. The lane is held until that is committed: the entry must not be taken up again meanwhile. */
static void
end_look (DeskEngine *self, Lane *lane)
{
  lane->looking = FALSE;
  lane->waits_for = store_done (self, lane->entry, NULL);
}

static void
start_look (DeskEngine *self, Lane *lane, gboolean accepted)
{
  lane->requested = FALSE;
  if (lane->seen)
    {
      end_look (self, lane);
      return;
    }
  lane->looking = TRUE;
  lane->accepted = accepted;
  lane->look_until_us = self->now_us + LOOK_MS * G_GINT64_CONSTANT (1000);
  desk_engine_level0_walk (self, lane->entry->platform, lane->entry->user_id, 0, 0);
  desk_engine_set_timer (self, DESK_TIMER_LOOK, LOOK_EVERY_MS);
}

/* What an entry that may have been sent already becomes, when the engine finds it so: after a kill. */
static void
resume_sending (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry)
{
  if (self->state->level == 0 && entry->intent == DESK_INTENT_SEND)
    {
      begin_lane (self, lane, entry, entry->attempted_at_ms);
      start_look (self, lane, FALSE);
    }
  else if (entry->intent == DESK_INTENT_SEND && self->wall_ms - entry->attempted_at_ms > KEY_LIFE_MS)
    store_state (self, entry, DESK_OUTBOX_UNCONFIRMED, NULL,
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
  store_state (self, entry, DESK_OUTBOX_FAILED, desk_code_to_string (DESK_CODE_NOT_SUPPORTED),
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
      store_state (self, entry, DESK_OUTBOX_FAILED,
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
  store_state (self, entry, DESK_OUTBOX_FAILED, desk_code_to_string (DESK_CODE_NOT_SUPPORTED),
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

static Lane *
lane_of (DeskEngine *self, const DeskOutboxEntry *entry)
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
  store_state (self, entry, DESK_OUTBOX_QUEUED, NULL, NULL);
  end_lane (lane);
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
  lane->waits_for = store_done (self, entry, NULL);
}

void
desk_engine_attempt_stored (DeskEngine *self, const Apply *apply, gboolean ok)
{
  Lane *lane = lane_by_id (self, apply->local_id);
  DeskOutboxEntry *mine = find_entry (self, apply->local_id);
  DeskRequest *request;

  if (lane == NULL || lane->waits_for != apply->id)
    return;
  lane->waits_for = 0;
  if (!ok || mine == NULL)
    {
      /* Withdrawn meanwhile, or the disk is full: nothing went out. */
      lane->not_before_us = self->now_us + REFUSED_PAUSE_US;
      end_lane (lane);
      desk_engine_read_outbox (self);
      return;
    }
  mine->state = DESK_OUTBOX_SENDING;
  if (!desk_engine_is_online (self))
    {
      /* Nothing went out, so it may simply wait. */
      end_lane (lane);
      store_state (self, mine, DESK_OUTBOX_QUEUED, NULL, NULL);
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

static const char *
refusal_text (const DeskFailure *failure)
{
  switch (failure->code)
    {
    case DESK_CODE_STALE_REPLY:
      return _("A colleague has answered first. Read their reply, then send yours anyway or edit it.");
    case DESK_CODE_WINDOW_CLOSED:
      return _("The platform takes no free replies in this chat any more: it needs a template.");
    case DESK_CODE_TEXT_TOO_LONG:
      return _("The text is too long for this platform. Shorten it and send it again.");
    case DESK_CODE_NOT_FOUND:
      return _("The server does not know this chat any more.");
    case DESK_CODE_FORBIDDEN:
      return _("You may not write in this chat.");
    case DESK_CODE_IDEMPOTENCY_MISMATCH:
      return _("An earlier version of this reply was sent already. Look at the chat before you send it again.");
    default:
      return failure->message;
    }
}

static DeskOutboxState
refused_state (const DeskFailure *failure)
{
  switch (failure->code)
    {
    case DESK_CODE_STALE_REPLY:
      return DESK_OUTBOX_STALE;
    case DESK_CODE_WINDOW_CLOSED:
      return DESK_OUTBOX_NEEDS_TEMPLATE;
    default:
      return DESK_OUTBOX_FAILED;
    }
}

/* Waits for the manager from here on; what came with the refusal is kept for them. */
void
desk_engine_outbox_refuse (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, DeskOutboxState state,
                           const DeskFailure *failure, const char *text)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  DeskOutboxEntry *mine = find_entry (self, entry->local_id);
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_state (batch, entry->local_id, state,
                           failure->code_text ? failure->code_text : desk_code_to_string (failure->code), text);
  desk_batch_outbox_details (batch, entry->local_id, failure->details);
  desk_engine_apply (self, batch, APPLY_OUTBOX, key)->local_id = entry->local_id;
  if (mine != NULL)
    mine->state = state;
  end_lane (lane);
}

/* The lane is held until the batch, which ends the entry or puts it on another base, is committed. */
void
desk_engine_outbox_apply (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, DeskBatch *batch, gboolean done)
{
  g_autofree char *key = desk_chat_format_key (entry->platform, entry->user_id);
  Apply *apply = desk_engine_apply (self, batch, APPLY_OUTBOX, key);

  apply->local_id = entry->local_id;
  apply->done = done;
  lane->failures = 0;
  lane->waits_for = apply->id;
}

static void
send_refused (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskFailure *failure)
{
  gboolean level0 = self->state->level == 0;
  gboolean later = failure->code == DESK_CODE_IN_FLIGHT || failure->http_status == 429 || failure->http_status == 408;

  if (failure->http_status == 401)
    {
      desk_engine_unauthorized (self);
      desk_engine_outbox_put_off (self, lane, entry, 0);
    }
  else if (later)
    desk_engine_outbox_put_off (self, lane, entry, failure->retry_after_ms);
  else if (failure->http_status >= 500 && self->state->level == 0)
    start_look (self, lane, FALSE); /* a plain server calls the platform before it answers */
  else if (failure->http_status >= 500)
    desk_engine_outbox_put_off (self, lane, entry, failure->retry_after_ms);
  else
    {
      const char *text = level0 && entry->files != NULL && failure->http_status == 404 ? _("This server takes no files.")
                                                                                        : refusal_text (failure);

      desk_engine_outbox_refuse (self, lane, entry, refused_state (failure), failure, text);
    }
}

static void
send_reply (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskSyncReply *reply)
{
  gboolean level0 = self->state->level == 0;

  switch (reply->outcome)
    {
    case DESK_OUT_OK:
      lane->failures = 0;
      if (level0)
        {
          start_look (self, lane, TRUE);
          break;
        }
      lane->waits_for = store_done (self, entry, reply->message);
      break;
    case DESK_OUT_REFUSED:
      send_refused (self, lane, entry, reply->failure);
      break;
    case DESK_OUT_NOT_SENT:
      desk_engine_outbox_put_off (self, lane, entry, -1);
      break;
    case DESK_OUT_STOPPED:
      store_state (self, entry, DESK_OUTBOX_FAILED, DESK_ERROR_STOPPED, _("You stopped the upload. Nothing was sent."));
      end_lane (lane);
      break;
    case DESK_OUT_LOST:
    case DESK_OUT_GARBAGE:
      if (level0)
        start_look (self, lane, FALSE);
      else
        desk_engine_outbox_put_off (self, lane, entry, -1);
      break;
    }
}

static void
marker_reply (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskSyncReply *reply)
{
  guint status = reply->outcome == DESK_OUT_REFUSED ? reply->failure->http_status : 0;

  if (status == 401)
    desk_engine_unauthorized (self);
  /* A marker that the server refuses for good (a chat it no longer has) is of no use to anybody. */
  if (reply->outcome == DESK_OUT_OK || (status >= 400 && status < 500 && status != 401 && status != 408 && status != 429))
    lane->waits_for = store_done (self, entry, NULL);
  else
    desk_engine_outbox_put_off (self, lane, entry, reply->failure ? reply->failure->retry_after_ms : -1);
}

void
desk_engine_intent_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply)
{
  Lane *lane = lane_of (self, request->entry);

  if (lane == NULL || !lane->requested)
    return;
  lane->requested = FALSE;
  if (request->type == DESK_REQUEST_SEND)
    send_reply (self, lane, request->entry, reply);
  else if (request->type == DESK_REQUEST_CHANGE)
    desk_engine_change_reply (self, lane, request->entry, reply);
  else
    marker_reply (self, lane, request->entry, reply);
  desk_engine_pump_outbox (self);
}

static void
forget_entry (DeskEngine *self, gint64 local_id)
{
  DeskOutboxEntry *entry = find_entry (self, local_id);

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
    end_lane (lane);
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
    end_lane (lane);
}

/* ── Level 0: looking for a message whose outcome is not known ─────────────────────────────── */

/* TRUE the first time that a message is seen: a hint and the page after it are the same one. */
static gboolean
sight (DeskEngine *self, const char *key, const DeskMessage *message)
{
  if (g_hash_table_size (self->sighted) >= MAX_SIGHTED)
    g_hash_table_remove_all (self->sighted);
  return g_hash_table_add (self->sighted,
                           g_strdup_printf ("%s\001%" G_GINT64_FORMAT "\001%u\001%s", key, message->created_at_ms,
                                            message->attachments->len, message->text));
}

/* A message with files is known by them; plain servers put their own words where there is no caption. */
static gboolean
is_message_of (const DeskOutboxEntry *entry, const DeskMessage *message)
{
  guint n = entry->files != NULL ? entry->files->len : 0;

  if (n == 0)
    return g_strcmp0 (message->text, entry->text) == 0;
  if (message->attachments->len != n || (*entry->text != '\0' && g_strcmp0 (message->text, entry->text) != 0))
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      const DeskStagedFile *file = g_ptr_array_index (entry->files, i);
      const DeskAttachment *a = g_ptr_array_index (message->attachments, i);

      if (a->size >= 0 && a->size != file->size)
        return FALSE;
      if (*a->filename != '\0' && g_strcmp0 (a->filename, file->filename) != 0)
        return FALSE;
    }
  return TRUE;
}

/* A page or a hint brought an outgoing message that was not cached before. */
void
desk_engine_look_found (DeskEngine *self, const char *key, const DeskMessage *message)
{
  Lane *lane = g_hash_table_lookup (self->lanes, key);

  if (message->direction != DESK_DIRECTION_OUTGOING || message->sender != DESK_SENDER_MANAGER
      || !sight (self, key, message) || lane == NULL || lane->entry == NULL
      || message->created_at_ms < lane->since_ms || !is_message_of (lane->entry, message))
    return;
  if (lane->requested)
    lane->seen = TRUE; /* the answer will tell what that means */
  if (lane->looking)
    end_look (self, lane);
}

void
desk_engine_look_timeout (DeskEngine *self)
{
  GHashTableIter iter;
  Lane *lane;
  gboolean more = FALSE;

  g_hash_table_iter_init (&iter, self->lanes);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &lane))
    {
      if (!lane->looking)
        continue;
      if (self->now_us < lane->look_until_us)
        {
          desk_engine_level0_walk (self, lane->entry->platform, lane->entry->user_id, 0, 0);
          more = TRUE;
          continue;
        }
      if (lane->accepted)
        {
          end_look (self, lane); /* the server said ok; its history will show it */
          continue;
        }
      store_state (self, lane->entry, DESK_OUTBOX_UNCONFIRMED, NULL,
                   _("It is not known whether this message was sent. Look at the chat before you send it again."));
      end_lane (lane);
    }
  if (more)
    desk_engine_set_timer (self, DESK_TIMER_LOOK, LOOK_EVERY_MS);
  desk_engine_pump_outbox (self);
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
