/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include <glib/gi18n-lib.h>

#include "sync/desk-engine-private.h"

/* What the server says of a change that a manager made of a chat, a message or a profile. All of them may be repeated:
 * the same change again changes nothing. A refusal for good stops that change alone, and what is shown falls back to the
 * server's value. Where a colleague was faster, the change is put on top of theirs if the two do not touch the same
 * thing; otherwise the manager is told. */

static const char *
refusal_text (const DeskOutboxEntry *entry, const DeskFailure *failure)
{
  switch (failure->code)
    {
    case DESK_CODE_NOT_SUPPORTED:
      return _("The platform cannot do this.");
    case DESK_CODE_NOT_FOUND:
      return entry->message_id != NULL ? _("The server does not know this message any more.")
                                       : _("The server does not know this chat any more.");
    case DESK_CODE_FORBIDDEN:
      return _("You may not change this.");
    case DESK_CODE_CONFLICT:
      return _("A colleague has changed the same thing meanwhile. Look at it, then try again or discard yours.");
    default:
      return failure->message;
    }
}

static void
done (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskSyncReply *reply)
{
  DeskBatch *batch = desk_batch_new ();

  if (reply->chat != NULL)
    desk_batch_outbox_done_chat (batch, entry->local_id, reply->chat);
  else if (reply->profile != NULL)
    desk_batch_outbox_done_profile (batch, entry->local_id, reply->profile, self->wall_ms);
  else
    desk_batch_outbox_done (batch, entry->local_id, reply->message);
  desk_engine_outbox_apply (self, lane, entry, batch, TRUE);
}

static void
refuse (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskFailure *failure)
{
  desk_engine_outbox_refuse (self, lane, entry, DESK_OUTBOX_FAILED, failure, refusal_text (entry, failure));
}

static void
chat_conflict (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskFailure *failure)
{
  g_autoptr (DeskChat) chat = desk_request_conflict_chat (failure);
  DeskBatch *batch;

  if (chat == NULL || entry->change == NULL)
    {
      refuse (self, lane, entry, failure);
      return;
    }
  batch = desk_batch_new ();
  desk_batch_chat (batch, chat);
  if (desk_chat_change_collides (entry->change, entry->seen, chat))
    {
      desk_batch_outbox_state (batch, entry->local_id, DESK_OUTBOX_FAILED, desk_code_to_string (failure->code),
                               refusal_text (entry, failure));
      desk_engine_outbox_apply (self, lane, entry, batch, FALSE);
      return;
    }
  desk_batch_outbox_rebase (batch, entry->local_id, chat->rev);
  desk_engine_outbox_apply (self, lane, entry, batch, FALSE);
}

/* The revision of a message grows with its status, too: only another text is another's edit. */
static void
edit_conflict (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskFailure *failure)
{
  g_autoptr (DeskMessage) message = desk_request_conflict_message (failure);
  DeskBatch *batch;

  if (message == NULL || message->deleted_at_ms > 0
      || (g_strcmp0 (message->text, entry->text) != 0 && g_strcmp0 (message->text, entry->seen_text) != 0))
    {
      refuse (self, lane, entry, failure);
      return;
    }
  batch = desk_batch_new ();
  if (g_str_equal (message->text, entry->text)) /* our own, whose answer was lost */
    {
      desk_batch_outbox_done (batch, entry->local_id, message);
      desk_engine_outbox_apply (self, lane, entry, batch, TRUE);
      return;
    }
  desk_batch_outbox_rebase (batch, entry->local_id, message->rev);
  desk_engine_outbox_apply (self, lane, entry, batch, FALSE);
}

static void
conflict (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskFailure *failure)
{
  DeskBatch *batch;

  if (entry->intent == DESK_INTENT_CHAT)
    chat_conflict (self, lane, entry, failure);
  else if (entry->intent == DESK_INTENT_EDIT)
    edit_conflict (self, lane, entry, failure);
  else if (entry->intent == DESK_INTENT_RETRY)
    {
      /* It has not failed any more: most likely an answer to this very request was lost. */
      g_autoptr (DeskMessage) message = desk_request_conflict_message (failure);

      batch = desk_batch_new ();
      desk_batch_outbox_done (batch, entry->local_id, message);
      desk_engine_outbox_apply (self, lane, entry, batch, TRUE);
    }
  else
    refuse (self, lane, entry, failure);
}

static void
refused (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskSyncReply *reply)
{
  const DeskFailure *failure = reply->failure;

  if (failure->http_status == 401)
    {
      desk_engine_unauthorized (self);
      desk_engine_outbox_put_off (self, lane, entry, 0);
    }
  else if (failure->code == DESK_CODE_IN_FLIGHT || failure->http_status == 429 || failure->http_status == 408
           || failure->http_status >= 500)
    desk_engine_outbox_put_off (self, lane, entry, failure->retry_after_ms);
  else if (failure->code == DESK_CODE_CONFLICT)
    conflict (self, lane, entry, failure);
  else if (failure->http_status == 404 && entry->intent == DESK_INTENT_DELETE)
    done (self, lane, entry, reply); /* there is nothing left to delete */
  else
    refuse (self, lane, entry, failure);
}

void
desk_engine_change_reply (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskSyncReply *reply)
{
  if (reply->outcome == DESK_OUT_OK)
    done (self, lane, entry, reply);
  else if (reply->outcome == DESK_OUT_REFUSED)
    refused (self, lane, entry, reply);
  else
    desk_engine_outbox_put_off (self, lane, entry, -1);
}
