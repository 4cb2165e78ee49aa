/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "sync/desk-engine-private.h"

/* What the server says to a reply or a marker; and, at level 0, the look for a message whose outcome it did not say. */

#define LOOK_MS 15000
#define LOOK_EVERY_MS 3000
#define MAX_SIGHTED 4096

/* ── Level 0: looking for a message whose outcome is not known ─────────────────────────────── */

/* The message was seen. The lane is held until that is committed: the entry must not be taken up again meanwhile. */
static void
end_look (DeskEngine *self, Lane *lane)
{
  lane->looking = FALSE;
  lane->waits_for = desk_engine_outbox_store_done (self, lane->entry, NULL);
}

void
desk_engine_look_start (DeskEngine *self, Lane *lane, gboolean accepted)
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
      || message->created_at_ms < desk_engine_lane_since (self, lane) || !is_message_of (lane->entry, message))
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
      desk_engine_outbox_set_state (self, lane->entry, DESK_OUTBOX_UNCONFIRMED, NULL,
                   _("It is not known whether this message was sent. Look at the chat before you send it again."));
      desk_engine_lane_end (lane);
    }
  if (more)
    desk_engine_set_timer (self, DESK_TIMER_LOOK, LOOK_EVERY_MS);
  desk_engine_pump_outbox (self);
}

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */

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
  DeskOutboxEntry *mine = desk_engine_outbox_find (self, entry->local_id);
  DeskBatch *batch = desk_batch_new ();

  desk_batch_outbox_state (batch, entry->local_id, state,
                           failure->code_text ? failure->code_text : desk_code_to_string (failure->code), text);
  desk_batch_outbox_details (batch, entry->local_id, failure->details);
  desk_engine_apply (self, batch, APPLY_OUTBOX, key)->local_id = entry->local_id;
  if (mine != NULL)
    mine->state = state;
  desk_engine_lane_end (lane);
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
    desk_engine_look_start (self, lane, FALSE); /* a plain server calls the platform before it answers */
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
          desk_engine_look_start (self, lane, TRUE);
          break;
        }
      lane->waits_for = desk_engine_outbox_store_done (self, entry, reply->message);
      break;
    case DESK_OUT_REFUSED:
      send_refused (self, lane, entry, reply->failure);
      break;
    case DESK_OUT_NOT_SENT:
      desk_engine_outbox_put_off (self, lane, entry, -1);
      break;
    case DESK_OUT_STOPPED:
      desk_engine_outbox_set_state (self, entry, DESK_OUTBOX_FAILED, DESK_ERROR_STOPPED, _("You stopped the upload. Nothing was sent."));
      desk_engine_lane_end (lane);
      break;
    case DESK_OUT_LOST:
    case DESK_OUT_GARBAGE:
      if (level0)
        desk_engine_look_start (self, lane, FALSE);
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
    lane->waits_for = desk_engine_outbox_store_done (self, entry, NULL);
  else
    desk_engine_outbox_put_off (self, lane, entry, reply->failure ? reply->failure->retry_after_ms : -1);
}

void
desk_engine_intent_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply)
{
  Lane *lane = desk_engine_lane_of (self, request->entry);

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
