/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* Everybody but the engine: customers, colleagues, operators, the managers at the devices, and what goes wrong. Each
 * device and the world have a tick of their own. */

#define DAY_MS G_GINT64_CONSTANT (86400000)

/* How often; those of devices count per device. */
static const double weights[N_ACTS] = {
  [ACT_CUSTOMER] = 40,  [ACT_BURST] = 1,     [ACT_COLLEAGUE] = 8, [ACT_NOTE] = 3,   [ACT_BOT] = 3,
  [ACT_CHANGE] = 8,     [ACT_STATUS] = 12,   [ACT_PATCH] = 6,     [ACT_MARK_ELSEWHERE] = 4, [ACT_WINDOW] = 1,
  [ACT_TRIM] = 2,       [ACT_ERASE] = 0.3,   [ACT_EPHEMERAL] = 3, [ACT_NEW_CHAT] = 1.5, [ACT_EXPIRE] = 0.5,
  [ACT_EPOCH] = 0.15,   [ACT_RESTART] = 0.7,
  [ACT_SEND] = 12,      [ACT_MARK] = 4, [ACT_ALTER] = 4,     [ACT_RESOLVE] = 4,   [ACT_WITHDRAW] = 1, [ACT_LOOK] = 8, [ACT_POKE] = 1,
  [ACT_BREAK] = 3,      [ACT_HALF_OPEN] = 3, [ACT_OFFLINE] = 2,   [ACT_TOKEN] = 2,  [ACT_SLEEP] = 1,
  [ACT_CLOCK] = 1,      [ACT_DISK_FULL] = 2, [ACT_KILL] = 2,      [ACT_QUIT] = 2,   [ACT_FORBID] = 1,
};

static guint
pick (Sim *sim, guint first, guint end)
{
  double sum = 0, at;

  for (guint i = first; i < end; i++)
    sum += weights[i];
  at = (double) (sim_draw (sim) >> 11) * 0x1.0p-53 * sum;
  for (guint i = first; i + 1 < end; i++)
    if ((at -= weights[i]) < 0)
      return i;
  return end - 1;
}

/* A few chats get most of it. */
static guint
any_chat (Sim *sim)
{
  guint a = (guint) sim_below (sim, sim->server.chats->len), b = (guint) sim_below (sim, sim->server.chats->len);

  return MIN (a, b);
}

static SimChat *
chat_at (Sim *sim, guint index)
{
  SimChat *chat = index < sim->server.chats->len ? g_ptr_array_index (sim->server.chats, index) : NULL;

  return chat == NULL || chat->erased || chat->messages->len == 0 ? NULL : chat;
}

static void
customer_writes (Sim *sim, SimChat *chat)
{
  g_autofree char *text = g_strdup_printf ("c%u", sim->server.next_id + 1);

  sim_server_add_message (sim, chat, DESK_SENDER_USER, -1, text, FALSE, NULL);
}

/* ── The server's side ──────────────────────────────────────────────────────────────────────── */

static void
change_message (Sim *sim, SimChat *chat)
{
  DeskMessage *message = g_ptr_array_index (chat->messages, sim_below (sim, chat->messages->len));

  if (message->chat_seq < chat->chat->first_chat_seq || message->deleted_at_ms > 0)
    return;
  g_free (message->text);
  if (sim_chance (sim, 0.3))
    {
      message->text = g_strdup ("");
      message->deleted_at_ms = sim_server_ms (sim);
      sim_server_change_message (sim, chat, message, DESK_EVENT_MESSAGE_DELETED);
      return;
    }
  message->text = g_strdup_printf ("edited %" G_GINT64_FORMAT, message->rev + 1);
  message->edited_at_ms = sim_server_ms (sim);
  sim_server_change_message (sim, chat, message, DESK_EVENT_MESSAGE_UPDATED);
}

static void
move_status (Sim *sim, SimChat *chat)
{
  for (guint i = chat->messages->len; i-- > 0;)
    {
      DeskMessage *message = g_ptr_array_index (chat->messages, i);
      DeskStatus next = sim_chance (sim, 0.2) ? DESK_STATUS_FAILED : message->status + 1;

      if (message->status == DESK_STATUS_NONE || message->status >= DESK_STATUS_READ
          || message->chat_seq < chat->chat->first_chat_seq || sim_chance (sim, 0.5))
        continue;
      message->status = next;
      sim_server_change_message (sim, chat, message, DESK_EVENT_MESSAGE_STATUS);
      return;
    }
}

static void
patch_chat (Sim *sim, SimChat *chat)
{
  switch (sim_below (sim, 4))
    {
    case 3:
      sim_server_change_canned (sim);
      return;
    case 0:
      g_free (chat->chat->assignee);
      chat->chat->assignee = sim_chance (sim, 0.5) ? g_strdup (sim_user_names[sim_below (sim, SIM_USERS)]) : NULL;
      break;
    case 1:
      chat->chat->state = (DeskChatState) sim_below (sim, 3);
      break;
    default:
      g_strfreev (chat->chat->labels);
      chat->chat->labels = g_new0 (char *, 2);
      chat->chat->labels[0] = sim_chance (sim, 0.5) ? g_strdup ("vip") : NULL;
      break;
    }
  sim_server_emit_chat (sim, chat);
}

static void
come_back (Sim *sim, Device *nobody, gpointer data)
{
  sim->server.down = FALSE;
}

static void
act_on_chat (Sim *sim, SimAct what, SimChat *chat)
{
  g_autofree char *text = g_strdup_printf ("s%u", sim->server.next_id + 1);

  switch (what)
    {
    case ACT_BURST:
      for (gint64 n = sim_between (sim, 10, 130); n > 0; n--)
        customer_writes (sim, chat);
      break;
    case ACT_COLLEAGUE:
      sim_server_add_message (sim, chat, DESK_SENDER_MANAGER, 2, text, FALSE, NULL);
      break;
    case ACT_NOTE:
      if (sim->server.level == 2)
        sim_server_add_message (sim, chat, DESK_SENDER_MANAGER, 2, text, TRUE, NULL);
      break;
    case ACT_BOT:
      sim_server_add_message (sim, chat, DESK_SENDER_BOT, -1, text, FALSE, NULL);
      break;
    case ACT_CHANGE:
      change_message (sim, chat);
      break;
    case ACT_STATUS:
      move_status (sim, chat);
      break;
    case ACT_PATCH:
      patch_chat (sim, chat);
      break;
    case ACT_MARK_ELSEWHERE:
      sim_server_mark (sim, chat, (guint) sim_below (sim, SIM_USERS),
                       sim_chance (sim, 0.3) ? -1 : sim_between (sim, 1, chat->chat->last_chat_seq));
      break;
    case ACT_WINDOW:
      chat->closed_until_us = sim->now_us + sim_between (sim, 1, 60) * SIM_SECOND;
      break;
    case ACT_TRIM:
      sim_server_trim (sim, chat, sim_between (sim, 1, chat->chat->last_chat_seq));
      break;
    case ACT_ERASE:
      sim_server_erase (sim, chat);
      break;
    case ACT_EPHEMERAL:
      sim_server_ephemeral (sim, chat);
      break;
    default:
      customer_writes (sim, chat);
      break;
    }
}

static void
act_on_server (Sim *sim, SimAct what)
{
  SimServer *server = &sim->server;

  sim_trace (sim, "server: %s", what == ACT_EXPIRE ? "expires" : what == ACT_EPOCH ? "new epoch" : "restarts");
  switch (what)
    {
    case ACT_EXPIRE:
      for (guint p = 0; p < server->n_partitions; p++)
        server->expired[p] = MAX (server->expired[p], (gint64) server->log[p]->len - sim_between (sim, 0, 20));
      break;
    case ACT_EPOCH:
      server->epoch++;
      for (guint p = 0; p < server->n_partitions; p++)
        {
          g_ptr_array_set_size (server->log[p], 0);
          server->expired[p] = 0;
        }
      sim_net_break_all (sim, DESK_CLOSE_EPOCH_CHANGED);
      break;
    default:
      server->down = TRUE;
      sim_net_break_all (sim, sim_chance (sim, 0.5) ? DESK_CLOSE_RESTART : 1006);
      sim_after (sim, NULL, sim_between (sim, SIM_SECOND, 40 * SIM_SECOND), come_back, NULL, NULL);
      break;
    }
}

static gboolean
is_anybody_awake (Sim *sim)
{
  for (guint i = 0; i < sim->n_devices; i++)
    if (sim->devices[i].asleep_until_us <= sim->now_us)
      return TRUE;
  return FALSE;
}

/* A plain server has no such thing. */
static gboolean
is_of_level2 (SimAct act)
{
  return act == ACT_EPOCH || act == ACT_EXPIRE || act == ACT_ERASE || act == ACT_TRIM || act == ACT_CHANGE || act == ACT_STATUS
         || act == ACT_PATCH || act == ACT_MARK_ELSEWHERE || act == ACT_NOTE;
}

static gboolean
act_at_server (Sim *sim, SimAct act, guint index)
{
  SimChat *chat = chat_at (sim, index);

  if ((sim->server.down && act != ACT_RESTART) || (sim->server.level == 0 && is_of_level2 (act)))
    return FALSE;
  if (act == ACT_NEW_CHAT)
    {
      if (sim->server.chats->len >= 20)
        return FALSE;
      customer_writes (sim, sim_server_new_chat (sim));
    }
  else if (act == ACT_EXPIRE || act == ACT_EPOCH || act == ACT_RESTART)
    {
      if (sim->server.down)
        return FALSE;
      act_on_server (sim, act);
    }
  else if (chat == NULL)
    return FALSE;
  else
    act_on_chat (sim, act, chat);
  return TRUE;
}

static void
world_tick (Sim *sim, Device *nobody, gpointer data)
{
  SimAct what;
  guint chat = any_chat (sim);

  if (sim->quiet)
    return;
  what = sim->server.chats->len == 0 ? ACT_NEW_CHAT : pick (sim, 0, ACT_FIRST_OF_DEVICE);
  /* A night in which all sleep must not bury the cache under messages. */
  sim_after (sim, NULL, sim_between (sim, 10 * SIM_MS, 1500 * SIM_MS) * (is_anybody_awake (sim) ? 1 : 100), world_tick,
             NULL, NULL);
  if (!sim->faults_on && (what == ACT_EXPIRE || what == ACT_EPOCH || what == ACT_RESTART || what == ACT_ERASE))
    return;
  if (sim->server.level == 0 && is_of_level2 (what))
    what = ACT_CUSTOMER;
  sim_act (sim, what, 0, chat, sim_draw (sim));
}

/* ── The manager at a device ────────────────────────────────────────────────────────────────── */

static void
on_sent (Device *device, gpointer data, const DeskBatchResult *result)
{
  SimIntent *intent = g_ptr_array_index (device->sim->intents, GPOINTER_TO_UINT (data));

  g_autoptr (GPtrArray) entries = desk_query_outbox (device->db, NULL);

  intent->local_id = g_array_index (result->added_local_ids, gint64, 0);
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);

      if (entry->local_id != intent->local_id)
        continue;
      intent->seen_seq = entry->seen_seq;
      if (intent->seen_seq < -1)
        sim_violation (device->sim, 14, "device %u: what was seen when “%s” was written is not known", device->index, entry->text);
    }
}

static gboolean
is_cached (Device *device, const SimChat *chat)
{
  g_autoptr (DeskChatRow) row = desk_query_chat (device->db, chat->chat->platform, chat->chat->user_id, NULL);

  return row != NULL;
}

static void withdraw (Device *device);

static void
change_mind (Sim *sim, Device *device, gpointer data)
{
  withdraw (device);
}

static void
send_message (Device *device, SimChat *chat)
{
  Sim *sim = device->sim;
  DeskBatch *batch = desk_batch_new ();
  g_autoptr (DeskOutboxEntry) entry
      = desk_outbox_entry_new (DESK_INTENT_SEND, chat->chat->platform, chat->chat->user_id);
  SimIntent *intent = g_new0 (SimIntent, 1);
  guint index = sim->intents->len;

  intent->device = device->index;
  intent->seen_seq = SIM_UNKNOWN;
  intent->chat = chat;
  intent->client_id = g_strdup_printf ("client-%u", index);
  intent->text = sim->server.level == 0 && sim_chance (sim, 0.15) ? g_strdup_printf ("ok from %u", device->index)
                                                                  : g_strdup_printf ("reply %u", index);
  g_ptr_array_add (sim->intents, intent);
  g_free (entry->text);
  entry->text = g_strdup (intent->text);
  entry->client_message_id = g_strdup (intent->client_id);
  entry->is_private = sim_chance (sim, sim->server.level == 2 ? 0.15 : 0.03);
  entry->seen_seq = sim_chance (sim, 0.5) ? -2 : -1;
  desk_batch_outbox_add (batch, entry, FALSE);
  sim_device_intend (device, batch, on_sent, GUINT_TO_POINTER (index));
  if (sim_chance (sim, 0.05)) /* just when it is about to go out */
    sim_after (sim, device, sim_between (sim, 0, 30 * SIM_MS), change_mind, NULL, NULL);
}

static void
mark_chat (Device *device, SimChat *chat)
{
  Sim *sim = device->sim;
  DeskBatch *batch = desk_batch_new ();
  gboolean read = sim_chance (sim, 0.7);
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (read ? DESK_INTENT_READ : DESK_INTENT_UNREAD,
                                                             chat->chat->platform, chat->chat->user_id);
  g_autoptr (DeskChatRow) row = desk_query_chat (device->db, chat->chat->platform, chat->chat->user_id, NULL);

  if (read && sim->server.level == 2)
    entry->up_to_chat_seq = sim_between (sim, 0, row->chat->last_chat_seq);
  else if (read)
    entry->up_to_chat_seq = G_MAXINT64 / 2;
  desk_batch_outbox_add (batch, entry, FALSE);
  sim_device_intend (device, batch, NULL, NULL);
}

static SimIntent *
find_intent (Device *device, gint64 local_id)
{
  for (guint i = 0; i < device->sim->intents->len; i++)
    {
      SimIntent *intent = g_ptr_array_index (device->sim->intents, i);

      if (intent->device == device->index && intent->local_id == local_id)
        return intent;
    }
  return NULL;
}

static void
on_discarded (Device *device, gpointer data, const DeskBatchResult *result)
{
  SimIntent *intent = data;

  if (intent != NULL)
    intent->discarded = TRUE;
}

static void
on_retried (Device *device, gpointer data, const DeskBatchResult *result)
{
  SimIntent *intent = data;

  if (intent != NULL)
    intent->retries++;
}

static void
on_forced (Device *device, gpointer data, const DeskBatchResult *result)
{
  SimIntent *intent = data;

  if (intent != NULL)
    intent->forced = TRUE;
  on_retried (device, data, result);
}

void
sim_world_resolve (Device *device)
{
  Sim *sim = device->sim;
  g_autoptr (GPtrArray) entries = device->engine ? desk_query_outbox (device->db, NULL) : NULL;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);
      SimIntent *intent = find_intent (device, entry->local_id);
      gboolean gone = sim_server_find (sim, entry->platform, entry->user_id) == NULL;
      DeskBatch *batch;

      if (entry->state == DESK_OUTBOX_QUEUED || entry->state == DESK_OUTBOX_SENDING)
        continue;
      batch = desk_batch_new ();
      if (gone || sim_chance (sim, 0.3))
        {
          desk_batch_outbox_discard (batch, entry->local_id);
          sim_device_intend (device, batch, on_discarded, intent);
        }
      else
        {
          if (entry->state == DESK_OUTBOX_NEEDS_TEMPLATE && sim_chance (sim, 0.5))
            {
              g_autoptr (DeskTemplateUse) use = desk_template_use_new ("hello", "en", NULL);

              desk_batch_outbox_template (batch, entry->local_id, use, entry->text);
              sim_device_intend (device, batch, on_retried, intent);
              continue;
            }
          g_hash_table_add (device->insisted, g_memdup2 (&entry->local_id, sizeof entry->local_id));
          desk_batch_outbox_retry (batch, entry->local_id, entry->state == DESK_OUTBOX_STALE, NULL);
          sim_device_intend (device, batch, entry->state == DESK_OUTBOX_STALE ? on_forced : on_retried, intent);
        }
    }
}

/* A reply or a change that still waits is taken back. */
static void
withdraw (Device *device)
{
  g_autoptr (GPtrArray) entries = desk_query_outbox (device->db, NULL);
  const DeskOutboxEntry *entry;
  DeskBatch *batch;

  if (entries->len == 0)
    return;
  entry = g_ptr_array_index (entries, sim_below (device->sim, entries->len));
  if (entry->intent == DESK_INTENT_READ || entry->intent == DESK_INTENT_UNREAD || entry->state == DESK_OUTBOX_SENDING)
    return;
  batch = desk_batch_new ();
  desk_batch_outbox_discard (batch, entry->local_id);
  sim_device_intend (device, batch, on_discarded, find_intent (device, entry->local_id));
}

static void
look_around (Device *device, SimChat *chat)
{
  Sim *sim = device->sim;
  DeskInput input = { .platform = chat->chat->platform, .user_id = chat->chat->user_id };

  switch (sim_below (sim, 4))
    {
    case 0:
      input.type = DESK_INPUT_OPEN_CHAT;
      if (sim_chance (sim, 0.2))
        input.platform = input.user_id = NULL;
      break;
    case 1:
      input.type = DESK_INPUT_TYPING;
      break;
    default:
      input.type = DESK_INPUT_FETCH_OLDER;
      input.id = ++sim->serial;
      input.key = sim_chance (sim, 0.5) ? 0 : sim_between (sim, 1, chat->chat->last_chat_seq + 1);
      break;
    }
  sim_device_feed (device, &input);
}

/* ── What happens to a device ───────────────────────────────────────────────────────────────── */

static void
start_again (Sim *sim, Device *device, gpointer data)
{
  sim_device_start (device);
}

static void
end_of_program (Sim *sim, Device *device, gpointer data)
{
  sim_device_kill (device);
  sim_after (sim, device, sim_between (sim, 100 * SIM_MS, 30 * SIM_SECOND), start_again, NULL, NULL);
}

static void
network_back (Sim *sim, Device *device, gpointer data)
{
  DeskInput input = { .type = DESK_INPUT_NETWORK, .flag = TRUE };

  device->online = TRUE;
  if (sim_chance (sim, 0.7))
    sim_device_feed (device, &input);
}

static void
disk_back (Sim *sim, Device *device, gpointer data)
{
  device->disk_full = FALSE;
}

static void
woken (Sim *sim, Device *device, gpointer data)
{
  DeskInput input = { .type = DESK_INPUT_RETRY_NOW, .flag = TRUE };

  sim_device_feed (device, &input);
}

static void
sleep_long (Device *device)
{
  Sim *sim = device->sim;
  gint64 length = sim_between (sim, 20, 8 * 3600) * SIM_SECOND;

  sim_net_break (device, 1006, length + 40 * SIM_SECOND);
  device->asleep_until_us = sim->now_us + length;
  device->slept_us += length;
  if (sim_chance (sim, 0.8))
    sim_after (sim, device, length + sim_between (sim, 0, 5 * SIM_SECOND), woken, NULL, NULL);
}

static void
half_open (Device *device)
{
  device->half_open = TRUE;
  sim_net_break (device, 1006, sim_between (device->sim, 5, 43) * SIM_SECOND);
}

static void
lose_network (Device *device)
{
  Sim *sim = device->sim;
  DeskInput input = { .type = DESK_INPUT_NETWORK, .flag = FALSE };

  device->online = FALSE;
  sim_net_break (device, 1006, sim_between (sim, 0, 40 * SIM_SECOND));
  sim_after (sim, device, sim_between (sim, SIM_SECOND, 120 * SIM_SECOND), network_back, NULL, NULL);
  sim_device_feed (device, &input);
}

static void
quit (Device *device)
{
  DeskInput input = { .type = DESK_INPUT_STOP };

  sim_device_feed (device, &input);
  sim_after (device->sim, device, sim_between (device->sim, 0, sim_chance (device->sim, 0.5) ? 20 * SIM_MS : 5 * SIM_SECOND), end_of_program,
             NULL, NULL);
}

static void
poke (Device *device)
{
  Sim *sim = device->sim;
  DeskInput input = { .type = sim_chance (sim, 0.5) ? DESK_INPUT_NETWORK : DESK_INPUT_RETRY_NOW, .flag = sim_chance (sim, 0.5) };

  sim_device_feed (device, &input);
}

static void
go_wrong (Device *device, SimAct what)
{
  Sim *sim = device->sim;

  switch (what)
    {
    case ACT_HALF_OPEN:
      half_open (device);
      break;
    case ACT_OFFLINE:
      if (device->online)
        lose_network (device);
      break;
    case ACT_TOKEN:
      device->token_ok = FALSE;
      if (sim_chance (sim, 0.5))
        sim_net_break (device, DESK_CLOSE_TOKEN_REFUSED, 0);
      break;
    case ACT_SLEEP:
      sleep_long (device);
      break;
    case ACT_CLOCK:
      device->wall_skew_ms = sim_between (sim, -DAY_MS, DAY_MS);
      break;
    case ACT_DISK_FULL:
      device->disk_full = TRUE;
      sim_after (sim, device, sim_between (sim, 1 * SIM_MS, 30 * SIM_SECOND), disk_back, NULL, NULL);
      break;
    case ACT_KILL:
      end_of_program (sim, device, NULL);
      break;
    case ACT_QUIT:
      quit (device);
      break;
    case ACT_FORBID:
      sim_net_break (device, DESK_CLOSE_FORBIDDEN, 0);
      break;
    default:
      sim_net_break (device, sim_chance (sim, 0.3) ? DESK_CLOSE_TOO_SLOW : 1006, 0);
      break;
    }
}

static void
act_of_manager (Device *device, SimAct act, SimChat *chat)
{
  switch (act)
    {
    case ACT_SEND:
      send_message (device, chat);
      break;
    case ACT_MARK:
      if (device->sim->server.level == 2 || !device->no_ws) /* a plain server takes it by websocket alone */
        mark_chat (device, chat);
      break;
    case ACT_ALTER:
      if (device->sim->server.level == 2)
        sim_change_something (device, chat);
      break;
    case ACT_RESOLVE:
      sim_world_resolve (device);
      break;
    case ACT_WITHDRAW:
      withdraw (device);
      break;
    case ACT_POKE:
      poke (device);
      break;
    default:
      look_around (device, chat);
      break;
    }
}

static gboolean
act_at_device (Sim *sim, SimAct act, guint index, guint chat_index)
{
  Device *device = &sim->devices[index];
  SimChat *chat = chat_at (sim, chat_index);

  if (index >= sim->n_devices || device->engine == NULL || device->asleep_until_us > sim->now_us)
    return FALSE;
  if (act >= ACT_FIRST_WRONG)
    {
      sim_cover_act (device, act);
      go_wrong (device, act);
      return TRUE;
    }
  if (chat == NULL || !is_cached (device, chat))
    return FALSE;
  act_of_manager (device, act, chat);
  return TRUE;
}

gboolean
sim_act (Sim *sim, SimAct act, guint device, guint chat, guint64 chance)
{
  SimItem item = { .kind = act, .device = device, .chat = chat, .chance = chance, .round = sim->round,
                   .after_us = sim->now_us - sim->round_us };
  typeof (sim->chance) before = sim->chance;
  guint place = sim->record ? sim->record->items->len : 0;
  gboolean done;

  sim_set_chance (sim, chance);
  if (sim->record != NULL) /* before what it causes */
    g_array_append_val (sim->record->items, item);
  sim_trace (sim, "act %s d%u c%u", sim_act_name (act), device, chat);
  done = act < ACT_FIRST_OF_DEVICE ? act_at_server (sim, act, chat) : act_at_device (sim, act, device, chat);
  if (!done && sim->record != NULL)
    g_array_set_size (sim->record->items, place);
  sim->chance = before;
  return done;
}

static void
device_tick (Sim *sim, Device *unused, gpointer data)
{
  guint chat = any_chat (sim);
  SimAct what;

  if (sim->quiet)
    return;
  sim_after (sim, NULL, sim_between (sim, 50 * SIM_MS, 2500 * SIM_MS), device_tick, data, NULL);
  if (sim_chance (sim, 0.04) && sim->faults_on)
    what = pick (sim, ACT_FIRST_WRONG, N_ACTS);
  else
    what = pick (sim, ACT_FIRST_OF_DEVICE, ACT_FIRST_WRONG);
  sim_act (sim, what, GPOINTER_TO_UINT (data), chat, sim_draw (sim));
}

void
sim_world_start (Sim *sim)
{
  sim->quiet = FALSE;
  if (sim->replay != NULL)
    {
      sim_script_schedule (sim);
      return;
    }
  sim_after (sim, NULL, 0, world_tick, NULL, NULL);
  for (guint i = 0; i < sim->n_devices; i++)
    sim_after (sim, NULL, sim_between (sim, 0, SIM_SECOND), device_tick, GUINT_TO_POINTER (i), NULL);
}

void
sim_world_calm (Sim *sim)
{
  sim->quiet = TRUE;
  sim->faults_on = FALSE;
  memset (sim->rates, 0, sizeof sim->rates);
  sim->server.down = FALSE;
  for (guint i = 0; i < sim->server.chats->len; i++)
    ((SimChat *) g_ptr_array_index (sim->server.chats, i))->closed_until_us = 0;
  for (guint i = 0; i < sim->n_devices; i++)
    {
      Device *device = &sim->devices[i];

      device->online = device->token_ok = TRUE;
      device->disk_full = FALSE;
      if (device->half_open)
        sim_net_break (device, 1006, 0);
      if (device->engine == NULL)
        sim_after (sim, device, SIM_SECOND, start_again, NULL, NULL);
    }
}
