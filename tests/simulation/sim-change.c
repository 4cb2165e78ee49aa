/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "common/desk-json-writer.h"
#include "sim.h"

/* What the server makes of a change of a chat or a message that a manager asked for: an older base_rev is a conflict,
 * told with the object as it is; nothing that a colleague set meanwhile may be overwritten. */

static DeskSyncReply *
conflict_chat (const DeskChat *chat)
{
  DeskSyncReply *reply = sim_refusal (409, DESK_CODE_CONFLICT, -1);
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, text);
  desk_wire_write_chat (&writer, chat);
  reply->failure->details = g_strdup (text->str);
  return reply;
}

static DeskSyncReply *
conflict_message (const DeskMessage *message)
{
  DeskSyncReply *reply = sim_refusal (409, DESK_CODE_CONFLICT, -1);
  g_autoptr (GString) text = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, text);
  desk_wire_write_message (&writer, message);
  reply->failure->details = g_strdup (text->str);
  return reply;
}

static void
check_overwritten (Sim *sim, const DeskChat *chat, const DeskOutboxEntry *entry)
{
  const DeskChatChange *change = entry->change, *seen = entry->seen;

  if (seen == NULL)
    return; /* asked for once more, whatever there is by now */
  if ((change->fields & seen->fields & DESK_CHAT_CHANGE_STATE) != 0 && chat->state != seen->state && chat->state != change->state)
    sim_violation (sim, 16, "the state of %s that a colleague set is overwritten", chat->user_id);
  if ((change->fields & seen->fields & DESK_CHAT_CHANGE_ASSIGNEE) != 0 && g_strcmp0 (chat->assignee, seen->assignee) != 0
      && g_strcmp0 (chat->assignee, change->assignee) != 0)
    sim_violation (sim, 16, "the assignee of %s that a colleague set is overwritten", chat->user_id);
}

static DeskSyncReply *
change_chat (Sim *sim, SimChat *chat, const DeskOutboxEntry *entry)
{
  DeskSyncReply *reply;

  if (entry->base_rev > 0 && entry->base_rev < chat->chat->rev)
    return conflict_chat (chat->chat);
  check_overwritten (sim, chat->chat, entry);
  desk_chat_change_apply (entry->change, chat->chat);
  sim_server_emit_chat (sim, chat);
  reply = g_new0 (DeskSyncReply, 1);
  reply->chat = desk_chat_copy (chat->chat);
  return reply;
}

static DeskMessage *
find_message (const SimChat *chat, const char *id)
{
  for (gint64 seq = MAX (chat->chat->first_chat_seq, 1); seq <= chat->chat->last_chat_seq; seq++)
    {
      DeskMessage *message = g_ptr_array_index (chat->messages, seq - 1);

      if (g_strcmp0 (message->id, id) == 0)
        return message;
    }
  return NULL;
}

static DeskSyncReply *
edit (Sim *sim, SimChat *chat, DeskMessage *message, const DeskOutboxEntry *entry, gboolean insisted)
{
  DeskSyncReply *reply;

  if (message->deleted_at_ms > 0)
    return sim_refusal (409, DESK_CODE_NOT_SUPPORTED, -1);
  if (entry->base_rev > 0 && entry->base_rev < message->rev)
    return conflict_message (message);
  if (!insisted && entry->seen_text != NULL && g_strcmp0 (message->text, entry->seen_text) != 0 && g_strcmp0 (message->text, entry->text) != 0)
    sim_violation (sim, 16, "the text of %s that a colleague wrote is overwritten", message->id);
  g_free (message->text);
  message->text = g_strdup (entry->text);
  message->edited_at_ms = sim_server_ms (sim);
  sim_server_change_message (sim, chat, message, DESK_EVENT_MESSAGE_UPDATED);
  reply = g_new0 (DeskSyncReply, 1);
  reply->message = desk_message_copy (message);
  return reply;
}

static DeskSyncReply *
take_away (Sim *sim, SimChat *chat, DeskMessage *message)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  if (message->deleted_at_ms == 0)
    {
      g_free (message->text);
      message->text = g_strdup ("");
      message->deleted_at_ms = sim_server_ms (sim);
      sim_server_change_message (sim, chat, message, DESK_EVENT_MESSAGE_DELETED);
    }
  reply->message = desk_message_copy (message);
  return reply;
}

static const char *
reaction_of (const DeskMessage *message, const char *who)
{
  for (guint i = 0; i < message->reactions->len; i++)
    {
      const DeskReaction *reaction = g_ptr_array_index (message->reactions, i);

      if (g_str_equal (reaction->by, who))
        return reaction->emoji;
    }
  return "";
}

static DeskSyncReply *
react (Sim *sim, SimChat *chat, DeskMessage *message, const char *who, const char *emoji)
{
  DeskSyncReply *reply;

  if (message->deleted_at_ms > 0)
    return sim_refusal (409, DESK_CODE_NOT_SUPPORTED, -1);
  reply = g_new0 (DeskSyncReply, 1);
  if (g_strcmp0 (reaction_of (message, who), emoji) != 0)
    {
      for (guint i = message->reactions->len; i-- > 0;)
        if (g_str_equal (((DeskReaction *) g_ptr_array_index (message->reactions, i))->by, who))
          g_ptr_array_remove_index (message->reactions, i);
      if (*emoji != '\0')
        g_ptr_array_add (message->reactions, desk_reaction_new (emoji, who));
      sim_server_change_message (sim, chat, message, DESK_EVENT_MESSAGE_UPDATED);
    }
  reply->message = desk_message_copy (message);
  return reply;
}

/* Only what failed goes out once more. */
static DeskSyncReply *
retry (Sim *sim, SimChat *chat, DeskMessage *message)
{
  DeskSyncReply *reply;

  if (message->deleted_at_ms > 0)
    return sim_refusal (409, DESK_CODE_NOT_SUPPORTED, -1);
  if (message->status != DESK_STATUS_FAILED)
    return conflict_message (message);
  message->status = DESK_STATUS_QUEUED;
  sim_server_change_message (sim, chat, message, DESK_EVENT_MESSAGE_STATUS);
  reply = g_new0 (DeskSyncReply, 1);
  reply->message = desk_message_copy (message);
  return reply;
}

static DeskSyncReply *
change_profile (Sim *sim, SimChat *chat, const DeskOutboxEntry *entry)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  desk_profile_change_apply (entry->profile, chat->profile);
  chat->profile->rev++;
  chat->profile->updated_at_ms = sim_server_ms (sim);
  reply->profile = desk_profile_copy (chat->profile);
  return reply;
}

static DeskSyncReply *
answer (Device *device, SimChat *chat, const DeskOutboxEntry *entry)
{
  Sim *sim = device->sim;
  DeskMessage *message;

  if (chat == NULL || sim->server.level == 0)
    return sim_refusal (404, DESK_CODE_NOT_FOUND, -1);
  if (entry->intent == DESK_INTENT_CHAT)
    return change_chat (sim, chat, entry);
  if (entry->intent == DESK_INTENT_PROFILE)
    return change_profile (sim, chat, entry);
  message = find_message (chat, entry->message_id);
  if (message == NULL)
    return sim_refusal (404, DESK_CODE_NOT_FOUND, -1);
  if (entry->intent == DESK_INTENT_EDIT)
    return edit (sim, chat, message, entry, g_hash_table_contains (device->insisted, &entry->local_id));
  if (entry->intent == DESK_INTENT_DELETE)
    return take_away (sim, chat, message);
  if (entry->intent == DESK_INTENT_REACT)
    return react (sim, chat, message, sim_user_names[device->user], entry->text);
  if (entry->intent == DESK_INTENT_RETRY)
    return retry (sim, chat, message);
  return sim_refusal (409, DESK_CODE_NOT_SUPPORTED, -1);
}

/* It is at the server what the manager wanted, whoever did it. */
static gboolean
is_so (SimChat *chat, const DeskOutboxEntry *entry, const char *who)
{
  const DeskMessage *message = chat && entry->message_id ? find_message (chat, entry->message_id) : NULL;

  if (entry->intent == DESK_INTENT_EDIT)
    return message != NULL && g_strcmp0 (message->text, entry->text) == 0;
  if (entry->intent == DESK_INTENT_REACT)
    return message != NULL && g_strcmp0 (reaction_of (message, who), entry->text) == 0;
  if (entry->intent == DESK_INTENT_RETRY)
    return message != NULL && message->status != DESK_STATUS_FAILED;
  return entry->intent == DESK_INTENT_DELETE && (message == NULL || message->deleted_at_ms > 0);
}

DeskSyncReply *
sim_answer_change (Device *device, SimChat *chat, const DeskOutboxEntry *entry)
{
  DeskSyncReply *reply = answer (device, chat, entry);
  gboolean known = GPOINTER_TO_INT (g_hash_table_lookup (device->changes, &entry->local_id)) == 2;
  gboolean so = known || reply->outcome == DESK_OUT_OK || is_so (chat, entry, sim_user_names[device->user]);

  g_hash_table_insert (device->changes, g_memdup2 (&entry->local_id, sizeof entry->local_id), GINT_TO_POINTER (so ? 2 : 1));
  return reply;
}

/* What the cache takes for done, the server has done. */
void
sim_check_change (Device *device, gint64 local_id)
{
  if (GPOINTER_TO_INT (g_hash_table_lookup (device->changes, &local_id)) == 1)
    sim_violation (device->sim, 1, "device %u: change %" G_GINT64_FORMAT " is taken for done, which the server refused",
                   device->index, local_id);
}

/* ── At a device ────────────────────────────────────────────────────────────────────────────── */

static DeskOutboxEntry *
new_change (Sim *sim, SimChat *chat)
{
  DeskOutboxEntry *entry = desk_outbox_entry_new (DESK_INTENT_CHAT, chat->chat->platform, chat->chat->user_id);

  entry->change = desk_chat_change_new ();
  switch (sim_below (sim, 4))
    {
    case 0:
      desk_chat_change_set_assignee (entry->change, sim_chance (sim, 0.5) ? sim_user_names[sim_below (sim, SIM_USERS)] : NULL);
      break;
    case 1:
      desk_chat_change_set_state (entry->change, (DeskChatState) sim_below (sim, 3), 0);
      break;
    case 2:
      desk_chat_change_add_label (entry->change, "vip");
      break;
    default:
      desk_chat_change_remove_label (entry->change, "vip");
      break;
    }
  return entry;
}

static const DeskMessage *
find_failed (const SimChat *chat)
{
  for (guint i = chat->messages->len; i-- > 0;)
    {
      const DeskMessage *message = g_ptr_array_index (chat->messages, i);

      if (message->status == DESK_STATUS_FAILED)
        return message;
    }
  return NULL;
}

static DeskOutboxEntry *
new_change_of_message (Sim *sim, SimChat *chat)
{
  static const char *const emojis[] = { "👍", "❤", "" };
  static const DeskIntent intents[]
      = { DESK_INTENT_EDIT, DESK_INTENT_EDIT, DESK_INTENT_EDIT, DESK_INTENT_DELETE, DESK_INTENT_REACT, DESK_INTENT_REACT, DESK_INTENT_RETRY };
  const DeskMessage *message = g_ptr_array_index (chat->messages, sim_below (sim, chat->messages->len));
  const DeskMessage *failed = find_failed (chat);
  DeskOutboxEntry *entry = desk_outbox_entry_new (intents[sim_below (sim, G_N_ELEMENTS (intents))], chat->chat->platform,
                                                  chat->chat->user_id);

  if (entry->intent == DESK_INTENT_RETRY && failed != NULL)
    message = failed;
  entry->message_id = g_strdup (message->id);
  g_free (entry->text);
  entry->text = entry->intent == DESK_INTENT_EDIT    ? g_strdup_printf ("mine %" G_GINT64_FORMAT, sim_between (sim, 1, 9))
                : entry->intent == DESK_INTENT_REACT ? g_strdup (emojis[sim_below (sim, G_N_ELEMENTS (emojis))])
                                                     : NULL;
  return entry;
}

static DeskOutboxEntry *
new_change_of_profile (Sim *sim, SimChat *chat)
{
  DeskOutboxEntry *entry = desk_outbox_entry_new (DESK_INTENT_PROFILE, chat->chat->platform, chat->chat->user_id);

  entry->profile = desk_profile_change_new ();
  entry->profile->note = g_strdup_printf ("note %" G_GINT64_FORMAT, sim_between (sim, 1, 99));
  return entry;
}

void
sim_change_something (Device *device, SimChat *chat)
{
  Sim *sim = device->sim;
  DeskBatch *batch = desk_batch_new ();
  g_autoptr (DeskOutboxEntry) entry = NULL;
  guint64 what = sim_below (sim, 10);

  if (what < 4)
    entry = new_change (sim, chat);
  else if (what < 9)
    entry = new_change_of_message (sim, chat);
  else
    entry = new_change_of_profile (sim, chat);
  desk_batch_outbox_add (batch, entry, FALSE);
  sim_device_intend (device, batch, NULL, NULL);
}
