/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* The network between a device and the server. A request may be lost on its way there or back, be refused before or
 * after it took effect, arrive long after the client gave it up, or be answered twice. Websocket frames may be lost,
 * doubled or late; a connection may be half open: the server sends and nobody hears. */

#define HEARTBEAT_US (30 * SIM_SECOND)
#define SLOTS 4 /* chats at once, says the protocol */

static gint64
latency (Sim *sim)
{
  return sim_between (sim, 1 * SIM_MS, sim_chance (sim, 0.1) ? 800 * SIM_MS : 60 * SIM_MS);
}

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  Device *device;
  guint generation;
  guint user;
  gboolean token_ok;
  guint64 id;
  DeskRequest *request;
  DeskSyncReply *instead; /* told instead of the answer, after the request took effect */
  gboolean silent;        /* the client has given up; nothing is told */
  gboolean doubled;
  gint64 slow_us; /* the answer takes so long */
} Call;

typedef struct
{
  guint64 id;
  DeskSyncReply *reply;
} Answer;

static void
call_free (gpointer data)
{
  Call *call = data;

  desk_request_free (call->request);
  desk_sync_reply_free (call->instead);
  g_free (call);
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  desk_sync_reply_free (answer->reply);
  g_free (answer);
}

static void
deliver (Sim *sim, Device *device, gpointer data)
{
  Answer *answer = data;
  DeskInput input = { .type = DESK_INPUT_REPLY, .id = answer->id, .reply = answer->reply };

  sim_trace (sim, "d%u reply %" G_GUINT64_FORMAT " outcome %d status %u", device->index, answer->id,
             answer->reply->outcome, answer->reply->failure ? answer->reply->failure->http_status : 0);
  sim_device_feed (device, &input);
}

static void
tell (Device *device, gint64 delay_us, guint64 id, DeskSyncReply *reply)
{
  Answer *answer = g_new0 (Answer, 1);

  answer->id = id;
  answer->reply = reply;
  sim_after (device->sim, device, delay_us, deliver, answer, answer_free);
}

static DeskSyncReply *
outcome (DeskSyncOutcome value)
{
  DeskSyncReply *reply = g_new0 (DeskSyncReply, 1);

  reply->outcome = value;
  reply->error = g_strdup ("simulated");
  return reply;
}

static void
arrive (Sim *sim, Device *nobody, gpointer data)
{
  Call *call = data;
  Device *device = call->device;
  DeskSyncReply *reply;

  if (sim->server.down)
    reply = sim_refusal (503, DESK_CODE_UNAVAILABLE, -1);
  else if (!call->token_ok)
    reply = sim_refusal (401, DESK_CODE_UNAUTHORIZED, -1);
  else
    reply = sim_server_answer (sim, device, call->request);
  if (call->instead != NULL)
    {
      desk_sync_reply_free (reply);
      reply = g_steal_pointer (&call->instead);
    }
  if (reply->outcome != DESK_OUT_LOST)
    reply->date_ms = sim_server_ms (sim) / 1000 * 1000;
  if (call->silent || call->generation != device->generation)
    {
      desk_sync_reply_free (reply);
      return;
    }
  if (!device->online)
    {
      desk_sync_reply_free (reply);
      reply = outcome (DESK_OUT_LOST);
    }
  if (call->doubled) /* the second copy tells nothing: the engine must not look at it */
    tell (device, latency (sim) + 100 * SIM_MS, call->id, outcome (DESK_OUT_LOST));
  tell (device, call->slow_us + latency (sim), call->id, reply);
}

static void
roll_faults (Sim *sim, Call *call, gint64 *delay_us)
{
  Device *device = call->device;
  gint64 timeout_us = desk_request_timeout_ms (call->request) * SIM_MS;

  if (sim_fault (sim, device, FAULT_CALL_LATE))
    {
      tell (device, timeout_us, call->id, outcome (DESK_OUT_LOST));
      call->silent = TRUE;
      *delay_us = sim_between (sim, 5 * SIM_SECOND, 120 * SIM_SECOND);
    }
  else if (sim_fault (sim, device, FAULT_CALL_LOST_AFTER))
    call->instead = outcome (DESK_OUT_LOST);
  else if (sim_fault (sim, device, FAULT_CALL_5XX_AFTER))
    call->instead = sim_refusal (sim_chance (sim, 0.5) ? 500 : 502, DESK_CODE_INTERNAL, -1);
  else if (sim_fault (sim, device, FAULT_CALL_GARBAGE))
    call->instead = outcome (DESK_OUT_GARBAGE);
  call->doubled = sim_fault (sim, device, FAULT_CALL_DUP);
  if (!call->silent && sim_fault (sim, device, FAULT_CALL_SLOW))
    call->slow_us = sim_between (sim, SIM_SECOND, timeout_us);
}

/* TRUE if the request was dealt with without reaching the server's rules. */
static gboolean
fails_before (Sim *sim, Device *device, const DeskRequest *request, DeskSyncReply **reply, gint64 *delay_us)
{
  *delay_us = latency (sim);
  if (!device->online)
    *reply = outcome (DESK_OUT_NOT_SENT);
  else if (sim->server.down)
    *reply = sim_chance (sim, 0.5) ? outcome (DESK_OUT_NOT_SENT) : sim_refusal (503, DESK_CODE_UNAVAILABLE, -1);
  else if (sim_fault (sim, device, FAULT_CALL_LOST))
    {
      *reply = outcome (DESK_OUT_LOST);
      *delay_us = desk_request_timeout_ms (request) * SIM_MS;
    }
  else if (sim_fault (sim, device, FAULT_CALL_429))
    *reply = sim_refusal (429, DESK_CODE_RATE_LIMITED, sim_chance (sim, 0.5) ? sim_between (sim, 0, 5000) : -1);
  else if (sim->server.level == 2 && sim_fault (sim, device, FAULT_CALL_5XX))
    *reply = sim_refusal (503, DESK_CODE_UNAVAILABLE, -1);
  else
    return FALSE;
  return TRUE;
}

/* Chats in which something is being sent at once; and nothing that was taken back. */
static void
check_slots (Device *device, const DeskRequest *request)
{
  GHashTableIter iter;
  DeskRequest *other;
  guint n = 0;

  if (request->type != DESK_REQUEST_SEND)
    return;
  g_hash_table_iter_init (&iter, device->engine->requests);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &other))
    if (other->type == DESK_REQUEST_SEND)
      {
        n++;
        if (other->id != request->id && g_str_equal (other->entry->user_id, request->entry->user_id))
          sim_violation (device->sim, 12, "device %u sends twice at once in %s", device->index, request->entry->user_id);
      }
  for (guint i = 0; i < device->sim->intents->len; i++)
    {
      const SimIntent *intent = g_ptr_array_index (device->sim->intents, i);

      if (intent->discarded && g_str_equal (intent->client_id, request->entry->client_message_id))
        sim_violation (device->sim, 14, "device %u sends “%s”, which was taken back", device->index, intent->text);
    }
  if (n > SLOTS)
    sim_violation (device->sim, 12, "device %u sends in %u chats at once", device->index, n);
}

void
sim_net_request (Device *device, DeskRequest *request)
{
  Sim *sim = device->sim;
  DeskSyncReply *reply = NULL;
  gint64 delay_us;
  Call *call;

  sim_trace (sim, "d%u request %" G_GUINT64_FORMAT " type %d %s/%s seq %" G_GINT64_FORMAT " offset %u cursor %s %s to %" G_GINT64_FORMAT, device->index,
             request->id, request->type, request->platform, request->user_id, request->seq, request->offset, request->cursor,
             request->entry ? request->entry->text : "", request->entry ? request->entry->up_to_chat_seq : 0);
  check_slots (device, request);
  if (fails_before (sim, device, request, &reply, &delay_us))
    {
      tell (device, delay_us, request->id, reply);
      desk_request_free (request);
      return;
    }
  call = g_new0 (Call, 1);
  call->device = device;
  call->generation = device->generation;
  call->user = device->user;
  call->token_ok = device->token_ok;
  call->id = request->id;
  call->request = request;
  roll_faults (sim, call, &delay_us);
  sim_after (sim, NULL, delay_us, arrive, call, call_free);
}

/* ── Websocket ──────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  guint64 ws;
  guint code;
  DeskEvent *event; /* nullable */
  guint level;
  DeskCursor *cursor;
} Frame;

static void
frame_free (gpointer data)
{
  Frame *frame = data;

  g_clear_pointer (&frame->event, desk_event_free);
  g_clear_pointer (&frame->cursor, desk_cursor_free);
  g_free (frame);
}

static Frame *
frame_new (const Device *device)
{
  Frame *frame = g_new0 (Frame, 1);

  frame->ws = device->ws;
  return frame;
}

static void
hear (Sim *sim, Device *device, gpointer data)
{
  Frame *frame = data;
  DeskInput input = { .type = DESK_INPUT_WS_EVENT, .event = frame->event };

  if (frame->ws != device->ws || device->half_open || !device->online)
    return;
  sim_trace (sim, "d%u frame %s p%u seq %" G_GINT64_FORMAT, device->index, desk_event_type_to_string (frame->event->type),
             frame->event->partition, frame->event->seq);
  sim_device_feed (device, &input);
}

static void
hear_closed (Sim *sim, Device *device, gpointer data)
{
  Frame *frame = data;
  DeskInput input = { .type = DESK_INPUT_WS_CLOSED, .code = frame->code };

  if (frame->ws != device->ws)
    return;
  device->ws = 0;
  sim_trace (sim, "d%u ws closed %u", device->index, frame->code);
  sim_device_feed (device, &input);
}

static void
send_frame (Device *device, const DeskEvent *event)
{
  Sim *sim = device->sim;
  gboolean hello = event->type == DESK_EVENT_HELLO;
  guint copies = 1;

  if (!device->ws_live || device->half_open || (!hello && sim_fault (sim, device, FAULT_FRAME_DROP)))
    return;
  copies += !hello && sim_fault (sim, device, FAULT_FRAME_DUP);
  for (; copies > 0; copies--)
    {
      Frame *frame = frame_new (device);
      gint64 at = sim->now_us + latency (sim);

      frame->event = desk_event_copy (event);
      if (!hello && sim_fault (sim, device, FAULT_FRAME_LATE))
        at += sim_between (sim, 0, 3 * SIM_SECOND); /* out of order, too */
      else
        at = device->ws_last_us = MAX (at, device->ws_last_us);
      sim_after (sim, device, at - sim->now_us, hear, frame, frame_free);
    }
}

void
sim_net_push (Sim *sim, const DeskEvent *event)
{
  for (guint i = 0; i < sim->n_devices; i++)
    send_frame (&sim->devices[i], event);
}

static void
heartbeat (Sim *sim, Device *device, gpointer data)
{
  Frame *frame = data;
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_HEAD);

  if (frame->ws != device->ws || !device->ws_live)
    return;
  event->head = sim_server_head (sim);
  send_frame (device, event);
  sim_after (sim, device, HEARTBEAT_US, heartbeat, frame_new (device), frame_free);
}

static void
send_hello (Device *device, const DeskCursor *cursor)
{
  Sim *sim = device->sim;
  g_autoptr (DeskEvent) event = desk_event_new (DESK_EVENT_HELLO);
  gboolean reset = !sim_server_takes_cursor (sim, cursor);

  event->hello = g_new0 (DeskHello, 1);
  event->hello->epoch = g_strdup_printf ("e%u", sim->server.epoch);
  event->hello->reset = reset;
  event->hello->head = sim_server_head (sim);
  event->hello->server_time_ms = sim_server_ms (sim);
  event->hello->heartbeat_ms = HEARTBEAT_US / SIM_MS;
  send_frame (device, event);
  for (guint p = 0; !reset && p < sim->server.n_partitions; p++)
    for (guint i = (guint) desk_cursor_get (cursor, p); i < sim->server.log[p]->len; i++)
      send_frame (device, g_ptr_array_index (sim->server.log[p], i));
}

static void
accept_ws (Sim *sim, Device *device, gpointer data)
{
  Frame *frame = data;
  DeskInput input = { .type = DESK_INPUT_WS_OPENED };

  if (frame->ws != device->ws)
    return;
  if (!device->online || sim->server.down || device->no_ws)
    {
      sim_net_break (device, 1006, 0);
      return;
    }
  if (!device->token_ok)
    {
      sim_net_break (device, sim_chance (sim, 0.5) ? DESK_CLOSE_TOKEN_REFUSED : 401, 0);
      return;
    }
  device->ws_live = TRUE;
  device->half_open = FALSE;
  device->ws_last_us = sim->now_us;
  sim_device_feed (device, &input);
  if (frame->ws != device->ws)
    return;
  if (sim->server.level == 2)
    {
      send_hello (device, frame->cursor);
      sim_after (sim, device, HEARTBEAT_US, heartbeat, frame_new (device), frame_free);
    }
}

void
sim_net_connect (Device *device, guint level, const DeskCursor *cursor)
{
  Sim *sim = device->sim;
  Frame *frame;

  device->ws = ++sim->serial;
  device->ws_live = device->half_open = FALSE;
  frame = frame_new (device);
  frame->level = level;
  frame->cursor = cursor ? desk_cursor_copy (cursor) : NULL;
  sim_trace (sim, "d%u ws connect", device->index);
  sim_after (sim, device, latency (sim), accept_ws, frame, frame_free);
}

void
sim_net_close (Device *device)
{
  device->ws = 0;
  device->ws_live = device->half_open = FALSE;
}

void
sim_net_break (Device *device, guint code, gint64 told_after_us)
{
  Frame *frame;

  if (device->ws == 0)
    return;
  device->ws_live = FALSE;
  frame = frame_new (device);
  frame->code = code;
  sim_after (device->sim, device, MAX (told_after_us, device->ws_last_us - device->sim->now_us), hear_closed, frame,
             frame_free);
}

void
sim_net_break_all (Sim *sim, guint code)
{
  for (guint i = 0; i < sim->n_devices; i++)
    sim_net_break (&sim->devices[i], code, sim_between (sim, 0, 200 * SIM_MS));
}
