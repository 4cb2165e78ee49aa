/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include <stdio.h>

#include "sim.h"

/* Which input met the engine in which state, and which fault. A pair is met, or it stands in the table of what cannot
 * be, with the reason; one that is in the table and was met is an error as well. */

typedef enum
{
  STATE_STOPPED,
  STATE_SIGNED_OUT,
  STATE_REFUSED,
  STATE_NEW,      /* never met the server: backoff before the level is known */
  STATE_WAITING,  /* backoff */
  STATE_RENEWING, /* the token */
  STATE_BROKEN,   /* the cache takes nothing */
  STATE_DISCOVERING,
  STATE_HEAD,
  STATE_CHATS,
  STATE_CONNECTING,
  STATE_RESUMING, /* level 0: the list of chats is not stored yet */
  STATE_LIVE,
  STATE_BEHIND, /* live, and not everything up to the known head is committed */
  STATE_LIVE0,  /* at a plain server */
  STATE_POLLING,
  N_STATES,
} State;

static const char *const state_names[N_STATES]
    = { "stopped", "signed-out", "refused",    "new",      "waiting", "renewing", "broken", "discovering",
        "head",    "chats",      "connecting", "resuming", "live",    "behind",   "live0",  "polling" };

typedef enum
{
  IN_START,
  IN_STOP,
  IN_TIMER, /* + DeskTimer */
  IN_NETWORK_UP = IN_TIMER + DESK_N_TIMERS,
  IN_NETWORK_DOWN,
  IN_RETRY,
  IN_WOKEN,
  IN_TOKEN_RENEWED,
  IN_TOKEN_REFUSED,
  IN_TOKEN_FAILED,
  IN_WS_OPENED,
  IN_HELLO,
  IN_HELLO_RESET,
  IN_EVENT_NEXT,
  IN_EVENT_OLD,
  IN_EVENT_AHEAD,
  IN_HEAD,
  IN_EPHEMERAL,
  IN_HINT,
  IN_CLOSED,
  IN_CLOSED_RESTART,
  IN_CLOSED_TOKEN,
  IN_CLOSED_FORBIDDEN,
  IN_CLOSED_SLOW,
  IN_CLOSED_EPOCH,
  IN_REPLY, /* + 3 × class of request + outcome */
  IN_REPLY_UNASKED = IN_REPLY + 3 * 8,
  IN_STORED, /* + ApplyType */
  IN_STORED_UNASKED = IN_STORED + 6,
  IN_FAILED, /* + ApplyType */
  IN_OUTBOX = IN_FAILED + 6,
  IN_OUTBOX_CHANGED,
  IN_WANTED,
  IN_FETCH_OLDER,
  IN_OPEN_CHAT,
  IN_TYPING,
  N_INS,
} In;

static guint64 met[N_STATES][N_INS];
static guint64 met_faults[N_STATES][N_FAULTS + N_ACTS];

static State
state_of (const DeskEngine *engine)
{
  gboolean plain = engine->state->level == 0;

  switch (engine->link)
    {
    case LINK_STOPPED:
      return STATE_STOPPED;
    case LINK_SIGNED_OUT:
      return STATE_SIGNED_OUT;
    case LINK_REFUSED:
      return STATE_REFUSED;
    case LINK_WAITING:
      if (engine->refreshing)
        return STATE_RENEWING;
      if (engine->store_broken)
        return STATE_BROKEN;
      if (engine->state->level == G_MAXUINT)
        return STATE_NEW;
      return engine->poll_ok ? STATE_POLLING : STATE_WAITING;
    case LINK_DISCOVERING:
      return STATE_DISCOVERING;
    case LINK_HEAD:
      return STATE_HEAD;
    case LINK_CHATS:
      return STATE_CHATS;
    case LINK_CONNECTING:
      return STATE_CONNECTING;
    case LINK_RESUMING:
      return STATE_RESUMING;
    case LINK_LIVE:
      return plain ? STATE_LIVE0 : desk_engine_caught_up ((DeskEngine *) engine) ? STATE_LIVE : STATE_BEHIND;
    }
  g_return_val_if_reached (STATE_STOPPED);
}

static In
class_of_event (const DeskEngine *engine, const DeskEvent *event)
{
  gint64 applied;

  if (event->type == DESK_EVENT_HELLO)
    return event->hello->reset ? IN_HELLO_RESET : IN_HELLO;
  if (event->type == DESK_EVENT_HEAD)
    return IN_HEAD;
  if (!event->sequenced)
    return event->type == DESK_EVENT_NEW_MESSAGE ? IN_HINT : IN_EPHEMERAL;
  applied = engine->applied ? desk_cursor_get (engine->applied, event->partition) : G_MAXINT64;
  return event->seq <= applied ? IN_EVENT_OLD : event->seq == applied + 1 ? IN_EVENT_NEXT : IN_EVENT_AHEAD;
}

static In
class_of_close (guint code)
{
  switch (code)
    {
    case DESK_CLOSE_RESTART:
    case DESK_CLOSE_GOING_AWAY:
      return IN_CLOSED_RESTART;
    case DESK_CLOSE_TOKEN_REFUSED:
    case 401:
      return IN_CLOSED_TOKEN;
    case DESK_CLOSE_FORBIDDEN:
      return IN_CLOSED_FORBIDDEN;
    case DESK_CLOSE_TOO_SLOW:
      return IN_CLOSED_SLOW;
    case DESK_CLOSE_EPOCH_CHANGED:
      return IN_CLOSED_EPOCH;
    default:
      return IN_CLOSED;
    }
}

static guint
class_of_request (DeskRequestType type)
{
  switch (type)
    {
    case DESK_REQUEST_CAPABILITIES:
      return 0;
    case DESK_REQUEST_HEAD:
      return 1;
    case DESK_REQUEST_CHANGES:
      return 2;
    case DESK_REQUEST_CHATS:
      return 3;
    case DESK_REQUEST_MESSAGES:
      return 4;
    case DESK_REQUEST_PAGE0:
      return 5;
    case DESK_REQUEST_SEND:
      return 6;
    default:
      return 7; /* other intents */
    }
}

static In
class_of_reply (const DeskEngine *engine, const DeskInput *input)
{
  const DeskRequest *request = g_hash_table_lookup (engine->requests, &input->id);
  guint outcome = input->reply->outcome == DESK_OUT_OK ? 0 : input->reply->outcome == DESK_OUT_REFUSED ? 1 : 2;

  return request == NULL ? IN_REPLY_UNASKED : IN_REPLY + 3 * class_of_request (request->type) + outcome;
}

static In
class_of (const DeskEngine *engine, const DeskInput *input)
{
  const Apply *apply = g_hash_table_lookup (engine->applies, &input->id);

  switch (input->type)
    {
    case DESK_INPUT_START:
      return IN_START;
    case DESK_INPUT_STOP:
      return IN_STOP;
    case DESK_INPUT_TIMER:
      return IN_TIMER + (In) input->timer;
    case DESK_INPUT_NETWORK:
      return input->flag ? IN_NETWORK_UP : IN_NETWORK_DOWN;
    case DESK_INPUT_RETRY_NOW:
      return input->flag ? IN_WOKEN : IN_RETRY;
    case DESK_INPUT_TOKEN:
      return IN_TOKEN_RENEWED + (In) input->token_result;
    case DESK_INPUT_WS_OPENED:
      return IN_WS_OPENED;
    case DESK_INPUT_WS_EVENT:
      return class_of_event (engine, input->event);
    case DESK_INPUT_WS_CLOSED:
      return class_of_close (input->code);
    case DESK_INPUT_REPLY:
      return class_of_reply (engine, input);
    case DESK_INPUT_STORED:
      return apply ? IN_STORED + (In) apply->type : IN_STORED_UNASKED;
    case DESK_INPUT_STORE_FAILED:
      return IN_FAILED + (apply ? (In) apply->type : (In) APPLY_SETTINGS);
    case DESK_INPUT_OUTBOX:
      return IN_OUTBOX;
    case DESK_INPUT_OUTBOX_CHANGED:
      return IN_OUTBOX_CHANGED;
    case DESK_INPUT_WANTED:
      return IN_WANTED;
    case DESK_INPUT_FETCH_OLDER:
      return IN_FETCH_OLDER;
    case DESK_INPUT_OPEN_CHAT:
      return IN_OPEN_CHAT;
    default:
      return IN_TYPING;
    }
}

static char *
name_of (guint in)
{
  static const char *const timers[DESK_N_TIMERS]
      = { "retry", "hello", "stable", "gap", "poll", "poll-chat", "outbox", "look", "history", "store" };
  static const char *const requests[] = { "capabilities", "head", "changes", "chats", "messages", "page0", "send", "intent" };
  static const char *const outcomes[] = { "ok", "refused", "nothing" };
  static const char *const applies[] = { "events", "chats", "page", "attempt", "outbox", "settings" };
  static const char *const first[] = { "start", "stop" };
  static const char *const middle[]
      = { "network-up", "network-down", "retry", "woken", "token-renewed", "token-refused", "token-failed", "ws-opened",
          "hello", "hello-reset", "event-next", "event-old", "event-ahead", "head", "ephemeral", "hint", "closed",
          "closed-restart", "closed-token", "closed-forbidden", "closed-slow", "closed-epoch" };
  static const char *const last[] = { "outbox", "outbox-changed", "wanted", "fetch-older", "open-chat", "typing" };

  if (in < IN_TIMER)
    return g_strdup (first[in]);
  if (in < IN_NETWORK_UP)
    return g_strdup_printf ("timer-%s", timers[in - IN_TIMER]);
  if (in < IN_REPLY)
    return g_strdup (middle[in - IN_NETWORK_UP]);
  if (in < IN_REPLY_UNASKED)
    return g_strdup_printf ("%s-%s", requests[(in - IN_REPLY) / 3], outcomes[(in - IN_REPLY) % 3]);
  if (in == IN_REPLY_UNASKED)
    return g_strdup ("reply-unasked");
  if (in < IN_STORED_UNASKED)
    return g_strdup_printf ("stored-%s", applies[in - IN_STORED]);
  if (in == IN_STORED_UNASKED)
    return g_strdup ("stored-unasked");
  return in < IN_OUTBOX ? g_strdup_printf ("failed-%s", applies[in - IN_FAILED]) : g_strdup (last[in - IN_OUTBOX]);
}

void
sim_cover_input (Device *device, const DeskInput *input)
{
  met[state_of (device->engine)][class_of (device->engine, input)]++;
}

void
sim_cover_fault (Device *device, SimFault fault)
{
  if (device->engine != NULL)
    met_faults[state_of (device->engine)][fault]++;
}

void
sim_cover_act (Device *device, SimAct act)
{
  met_faults[state_of (device->engine)][N_FAULTS + act]++;
}

guint
sim_cover_print (gboolean complete)
{
  guint n = 0, wrong = 0;

  for (guint in = 0; in < N_INS; in++)
    {
      g_autofree char *name = name_of (in);

      printf ("# %-20s", name);
      for (guint state = 0; state < N_STATES; state++)
        {
          printf (" %s=%" G_GUINT64_FORMAT, state_names[state], met[state][in]);
          n += met[state][in] > 0;
        }
      printf ("\n");
    }
  for (guint i = 0; i < N_FAULTS + N_ACTS; i++)
    {
      if (i >= N_FAULTS && i < N_FAULTS + ACT_FIRST_WRONG)
        continue;
      printf ("# fault %-20s", i < N_FAULTS ? sim_fault_name (i) : sim_act_name (i - N_FAULTS));
      for (guint state = 0; state < N_STATES; state++)
        printf (" %s=%" G_GUINT64_FORMAT, state_names[state], met_faults[state][i]);
      printf ("\n");
    }
  printf ("# coverage: %u of %u pairs of state and input\n", n, N_STATES * N_INS);
  return complete ? wrong : 0;
}
