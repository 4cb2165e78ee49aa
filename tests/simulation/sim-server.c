/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* The server as PROTOCOL.md has it, on values: chats, messages with chat_seq, in_seq and rev, read markers, the event
 * log with its partitions and epoch. Level 0 uses the same chats and knows neither log nor chat_seq outwardly. */

static void
chat_free (gpointer data)
{
  SimChat *self = data;

  desk_chat_free (self->chat);
  g_ptr_array_unref (self->messages);
  g_ptr_array_unref (self->revs);
  desk_profile_free (self->profile);
  g_free (self);
}

void
sim_server_init (Sim *sim, guint level)
{
  SimServer *self = &sim->server;

  self->level = level;
  self->n_partitions = 1 + (guint) sim_below (sim, SIM_PARTITIONS);
  self->epoch = 1;
  self->page_size = (guint) sim_between (sim, 2, 12);
  self->keeps0 = (guint) sim_between (sim, 60, 260);
  self->cap0 = sim_chance (sim, 0.5) ? 100 : (guint) sim_between (sim, 30, 100);
  for (guint p = 0; p < SIM_PARTITIONS; p++)
    self->log[p] = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_event_free);
  self->chats = g_ptr_array_new_with_free_func (chat_free);
  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) desk_message_free);
  self->sends = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
sim_server_clear (Sim *sim)
{
  SimServer *self = &sim->server;

  for (guint p = 0; p < SIM_PARTITIONS; p++)
    g_ptr_array_unref (self->log[p]);
  g_ptr_array_unref (self->chats);
  g_hash_table_unref (self->keys);
  g_hash_table_unref (self->sends);
}

SimChat *
sim_server_find (Sim *sim, const char *platform, const char *user_id)
{
  for (guint i = 0; i < sim->server.chats->len; i++)
    {
      SimChat *chat = g_ptr_array_index (sim->server.chats, i);

      if (g_str_equal (chat->chat->user_id, user_id) && g_str_equal (chat->chat->platform, platform))
        return chat->erased ? NULL : chat;
    }
  return NULL;
}

/* ── The log ────────────────────────────────────────────────────────────────────────────────── */

/* Takes event. */
static void
emit (Sim *sim, SimChat *chat, DeskEvent *event)
{
  GPtrArray *log;

  if (sim->server.level == 0)
    {
      desk_event_free (event);
      return;
    }
  event->sequenced = TRUE;
  event->partition = chat->index % sim->server.n_partitions;
  log = sim->server.log[event->partition];
  event->seq = (gint64) log->len + 1;
  g_ptr_array_add (log, event);
  sim_net_push (sim, event);
}

static DeskEvent *
chat_event (DeskEventType type, const SimChat *chat)
{
  DeskEvent *event = desk_event_new (type);

  event->platform = g_strdup (chat->chat->platform);
  event->user_id = g_strdup (chat->chat->user_id);
  return event;
}

void
sim_server_emit_chat (Sim *sim, SimChat *chat)
{
  DeskEvent *event = desk_event_new (DESK_EVENT_CHAT_UPDATED);

  chat->chat->rev++;
  event->chat = desk_chat_copy (chat->chat);
  g_ptr_array_add (chat->revs, desk_chat_copy (chat->chat));
  emit (sim, chat, event);
}

static void
emit_message (Sim *sim, SimChat *chat, DeskEventType type, const DeskMessage *message)
{
  DeskEvent *event = desk_event_new (type);

  event->message = desk_message_copy (message);
  emit (sim, chat, event);
}

DeskCursor *
sim_server_head (Sim *sim)
{
  g_autofree char *epoch = g_strdup_printf ("e%u", sim->server.epoch);
  DeskCursor *head = desk_cursor_new (epoch);

  for (guint p = 0; p < sim->server.n_partitions; p++)
    desk_cursor_set (head, p, sim->server.log[p]->len);
  return head;
}

gboolean
sim_server_takes_cursor (Sim *sim, const DeskCursor *cursor)
{
  g_autofree char *epoch = g_strdup_printf ("e%u", sim->server.epoch);

  if (cursor == NULL || g_strcmp0 (desk_cursor_get_epoch (cursor), epoch) != 0)
    return FALSE;
  for (guint p = 0; p < sim->server.n_partitions; p++)
    {
      gint64 seq = desk_cursor_get (cursor, p);

      if (seq < sim->server.expired[p] || seq > (gint64) sim->server.log[p]->len)
        return FALSE;
    }
  return TRUE;
}

/* ── Chats and messages ─────────────────────────────────────────────────────────────────────── */

SimChat *
sim_server_new_chat (Sim *sim)
{
  static const char *const platforms[] = { "telegram", "whatsapp" };
  SimChat *self = g_new0 (SimChat, 1);
  g_autofree char *user_id = NULL;

  self->index = sim->server.chats->len;
  user_id = g_strdup_printf ("u%u", self->index);
  self->chat = desk_chat_new (platforms[sim_below (sim, 2)], user_id);
  g_free (self->chat->user_name);
  self->chat->user_name = g_strdup_printf ("Customer %u", self->index);
  if (sim->server.level == 2)
    {
      self->chat->is_level2 = TRUE;
      self->chat->stream_id = desk_chat_stream_id (self->chat->platform, user_id);
      self->chat->first_chat_seq = 1;
    }
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_message_free);
  self->revs = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_chat_free);
  self->profile = desk_profile_new (self->chat->platform, user_id);
  g_ptr_array_add (sim->server.chats, self);
  return self;
}

static void
set_preview (SimChat *chat, const DeskMessage *message)
{
  g_free (chat->chat->last_message);
  chat->chat->last_message = desk_message_preview (message);
}

/* As the service does it; TRUE if something changed that the message does not tell. */
static gboolean
fold_into_chat (SimChat *self, DeskMessage *message)
{
  DeskChat *chat = self->chat;
  gboolean changed;

  message->chat_seq = ++chat->last_chat_seq;
  if (message->is_private)
    return FALSE;
  set_preview (self, message);
  chat->last_time_ms = MAX (chat->last_time_ms, message->created_at_ms);
  self->preview_seq = message->chat_seq;
  if (message->direction == DESK_DIRECTION_OUTGOING)
    {
      changed = message->sender == DESK_SENDER_MANAGER && chat->waiting_since_ms != 0;
      if (message->sender == DESK_SENDER_MANAGER)
        chat->waiting_since_ms = 0;
      return changed;
    }
  message->in_seq = ++chat->last_in_seq;
  changed = chat->waiting_since_ms == 0 || chat->state != DESK_CHAT_STATE_OPEN;
  if (chat->waiting_since_ms == 0)
    chat->waiting_since_ms = message->created_at_ms;
  chat->state = DESK_CHAT_STATE_OPEN;
  return changed;
}

static gint64
created_ms (Sim *sim)
{
  /* The platform's clock; at level 0 times are the only order, so they grow. */
  if (sim->server.level == 2)
    return sim_server_ms (sim) - sim_between (sim, 0, 3000);
  sim->server.last_created_ms = MAX (sim->server.last_created_ms + 1, sim_server_ms (sim));
  return sim->server.last_created_ms;
}

/* A hint of level 0: no usable id, as the reader of frames gives it. */
static void
push_hint (Sim *sim, const DeskMessage *message)
{
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_NEW_MESSAGE);

  event->message = desk_message_copy (message);
  g_clear_pointer (&event->message->id, g_free);
  event->message->chat_seq = event->message->in_seq = 0;
  sim_net_push (sim, event);
}

DeskMessage *
sim_server_add_message (Sim *sim, SimChat *chat, DeskSender sender, int user, const char *text, gboolean is_private,
                        const char *client_id)
{
  DeskMessage *message = desk_message_new (chat->chat->platform, chat->chat->user_id);
  gboolean changed = chat->messages->len == 0;

  message->id = g_strdup_printf ("m%u", ++sim->server.next_id);
  message->sender = sender;
  message->direction = sender == DESK_SENDER_USER ? DESK_DIRECTION_INCOMING : DESK_DIRECTION_OUTGOING;
  g_free (message->text);
  message->text = g_strdup (text);
  message->created_at_ms = created_ms (sim);
  if (sim->server.level == 2)
    {
      message->is_level2 = TRUE;
      message->is_private = is_private;
      message->client_message_id = g_strdup (client_id);
      message->sender_id = user >= 0 ? g_strdup (sim_user_names[user]) : NULL;
      message->status = sender == DESK_SENDER_USER || is_private ? DESK_STATUS_NONE : DESK_STATUS_QUEUED;
      message->rev = 1;
    }
  changed |= fold_into_chat (chat, message);
  g_ptr_array_add (chat->messages, message);
  if (sim->server.level == 0)
    {
      sim_trace (sim, "server %s “%s” of %" G_GINT64_FORMAT, message->id, text, message->created_at_ms);
      push_hint (sim, message);
      chat->chat->last_chat_seq = chat->messages->len;
      return message;
    }
  if (changed)
    sim_server_emit_chat (sim, chat);
  emit_message (sim, chat, DESK_EVENT_NEW_MESSAGE, message);
  return message;
}

void
sim_server_change_message (Sim *sim, SimChat *chat, DeskMessage *message, DeskEventType type)
{
  message->rev++;
  emit_message (sim, chat, type, message);
  if (type == DESK_EVENT_MESSAGE_STATUS || chat->preview_seq != message->chat_seq)
    return;
  set_preview (chat, message);
  sim_server_emit_chat (sim, chat);
}

void
sim_server_trim (Sim *sim, SimChat *chat, gint64 first)
{
  DeskEvent *event;

  first = MIN (first, chat->chat->last_chat_seq);
  if (first <= chat->chat->first_chat_seq)
    return;
  chat->chat->first_chat_seq = first;
  event = chat_event (DESK_EVENT_CHAT_TRIMMED, chat);
  event->first_chat_seq = first;
  emit (sim, chat, event);
}

void
sim_server_erase (Sim *sim, SimChat *chat)
{
  if (chat->erased)
    return;
  chat->erased = TRUE;
  emit (sim, chat, chat_event (DESK_EVENT_CHAT_ERASED, chat));
}

static gint64
in_seq_at (const SimChat *chat, gint64 up_to)
{
  for (gint64 seq = up_to; seq > 0; seq--)
    {
      const DeskMessage *message = g_ptr_array_index (chat->messages, seq - 1);

      if (message->in_seq > 0)
        return message->in_seq;
    }
  return 0;
}

gboolean
sim_server_mark (Sim *sim, SimChat *chat, guint user, gint64 up_to)
{
  DeskChatPersonal *mine = &chat->personal[user];
  DeskChatPersonal before = *mine;
  DeskEvent *event;

  if (up_to < 0)
    mine->marked_unread = TRUE;
  else
    {
      up_to = MIN (up_to, chat->chat->last_chat_seq);
      mine->read_chat_seq = MAX (mine->read_chat_seq, up_to);
      mine->read_in_seq = MAX (mine->read_in_seq, in_seq_at (chat, up_to));
      mine->marked_unread = FALSE;
    }
  if (before.read_chat_seq == mine->read_chat_seq && before.read_in_seq == mine->read_in_seq
      && before.marked_unread == mine->marked_unread)
    return FALSE;
  event = chat_event (DESK_EVENT_READ, chat);
  event->username = g_strdup (sim_user_names[user]);
  event->up_to_chat_seq = mine->read_chat_seq;
  event->up_to_in_seq = mine->read_in_seq;
  event->marked_unread = mine->marked_unread;
  sim_trace (sim, "server: %s read %s/%s to %" G_GINT64_FORMAT ", unread %d", event->username, event->platform, event->user_id,
             event->up_to_chat_seq, event->marked_unread);
  emit (sim, chat, event);
  return TRUE;
}

/* The team changed its canned replies: told without their text, in the first chat's partition. */
void
sim_server_change_canned (Sim *sim)
{
  sim->server.canned++;
  if (sim->server.chats->len > 0)
    emit (sim, g_ptr_array_index (sim->server.chats, 0), desk_event_new (DESK_EVENT_CANNED_UPDATED));
}

char *
sim_canned_text (Sim *sim)
{
  return g_strdup_printf ("Hello, for the %uth time", sim->server.canned);
}

/* Level 2: somebody types, reads or looks; level 0 tells these too. Nothing is kept of it. */
void
sim_server_ephemeral (Sim *sim, SimChat *chat)
{
  static const DeskEventType types[] = { DESK_EVENT_TYPING, DESK_EVENT_PRESENCE, DESK_EVENT_READ_RECEIPT };
  g_autoptr (DeskEvent) event = chat_event (types[sim_below (sim, 3)], chat);

  event->username = g_strdup (sim_user_names[2]);
  event->by_customer = event->type == DESK_EVENT_TYPING;
  event->presence = event->type == DESK_EVENT_PRESENCE ? g_strdup ("online") : NULL;
  sim_net_push (sim, event);
}
