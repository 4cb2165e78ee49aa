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
  IN_REPLY_UNASKED = IN_REPLY + 3 * 10,
  IN_STORED, /* + ApplyType */
  IN_STORED_UNASKED = IN_STORED + APPLY_BULK + 1,
  IN_FAILED, /* + ApplyType */
  IN_OUTBOX = IN_FAILED + APPLY_BULK + 1,
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
    case DESK_REQUEST_READ:
    case DESK_REQUEST_UNREAD:
      return 7;
    case DESK_REQUEST_CHANGE:
      return 8;
    default:
      return 9; /* the team, profiles, all messages */
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
      = { "retry", "hello", "stable", "gap", "poll", "poll-chat", "outbox", "look", "history", "store", "presence" };
  static const char *const requests[] = { "capabilities", "head", "changes", "chats", "messages", "page0", "send", "marker", "change", "list" };
  static const char *const outcomes[] = { "ok", "refused", "nothing" };
  static const char *const applies[] = { "events", "chats", "page", "attempt", "outbox", "settings", "bulk" };
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

/* ── What cannot be ─────────────────────────────────────────────────────────────────────────── */

#define B(state) (1u << STATE_##state)
#define ALL (B (POLLING) * 2 - 1)
#define WITH_WS (B (CONNECTING) | B (RESUMING) | B (LIVE) | B (BEHIND) | B (LIVE0))
#define LEVEL2 (B (HEAD) | B (CHATS) | B (LIVE) | B (BEHIND))
#define NOT_LEVEL2 (B (NEW) | B (DISCOVERING) | B (LIVE0))
#define REPLIES(class) IN_REPLY + 3 * (class), IN_REPLY + 3 * (class) + 2

static const struct
{
  guint first, last; /* inputs */
  guint states;
  const char *why;
} impossible[] = {
  { IN_START, IN_START, ALL & ~B (STOPPED), "a program starts once" },
  { IN_TIMER, IN_TIMER + DESK_TIMER_OUTBOX, B (STOPPED), "stopping clears the timers, and nothing sets these then" },
  { IN_TIMER + DESK_TIMER_LOOK, IN_TIMER + DESK_TIMER_LOOK, B (STOPPED), "stopping clears it, and nothing sets it then" },
  { IN_TIMER + DESK_TIMER_STORE, IN_TIMER + DESK_TIMER_STORE, B (STOPPED), "the program ends before it is due" },
  { IN_TIMER + DESK_TIMER_RETRY, IN_TIMER + DESK_TIMER_RETRY, B (SIGNED_OUT), "signing out clears it, and nothing is tried again" },
  { IN_TIMER + DESK_TIMER_RETRY, IN_TIMER + DESK_TIMER_RETRY, B (DISCOVERING) | B (LIVE0),
    "beginning clears it; only a snapshot begins otherwise, at level 2" },
  { IN_TIMER + DESK_TIMER_HELLO, IN_TIMER + DESK_TIMER_HELLO, ALL & ~(B (CONNECTING) | B (HEAD) | B (CHATS)),
    "hello and the end of the connection clear it" },
  { IN_TIMER + DESK_TIMER_STABLE, IN_TIMER + DESK_TIMER_STABLE,
    B (SIGNED_OUT) | B (REFUSED) | B (NEW) | B (WAITING) | B (RENEWING) | B (BROKEN) | B (DISCOVERING) | B (POLLING),
    "the end of the connection clears it" },
  { IN_TIMER + DESK_TIMER_GAP, IN_TIMER + DESK_TIMER_GAP, NOT_LEVEL2, "gaps are of level 2, whose level is known" },
  { IN_TIMER + DESK_TIMER_GAP, IN_TIMER + DESK_TIMER_GAP, B (HEAD) | B (CHATS) | B (LIVE), "nothing is known to be missing" },
  { IN_TIMER + DESK_TIMER_POLL, IN_TIMER + DESK_TIMER_POLL, B (SIGNED_OUT) | B (NEW), "cleared; set only where the level is known" },
  { IN_TIMER + DESK_TIMER_POLL, IN_TIMER + DESK_TIMER_POLL, B (LIVE) | B (BEHIND), "hello clears it" },
  { IN_TIMER + DESK_TIMER_POLL_CHAT, IN_TIMER + DESK_TIMER_POLL_CHAT, LEVEL2 | B (NEW), "only plain servers are polled for a chat" },
  { IN_TIMER + DESK_TIMER_OUTBOX, IN_TIMER + DESK_TIMER_OUTBOX, B (SIGNED_OUT) | B (NEW), "set only while requests may go out" },
  { IN_TIMER + DESK_TIMER_LOOK, IN_TIMER + DESK_TIMER_LOOK, LEVEL2 | B (NEW), "only plain servers leave an outcome to be looked for" },
  { IN_TIMER + DESK_TIMER_HISTORY, IN_TIMER + DESK_TIMER_HISTORY, NOT_LEVEL2, "history is fetched in advance at level 2 alone" },
  { IN_TIMER + DESK_TIMER_STORE, IN_TIMER + DESK_TIMER_STORE,
    B (REFUSED) | B (NEW) | B (WAITING) | B (DISCOVERING) | B (LIVE0) | B (POLLING),
    "beginning clears it; without a beginning the state is “broken”" },
  { IN_TOKEN_RENEWED, IN_TOKEN_FAILED,
    ALL & ~(B (RENEWING) | B (STOPPED) | B (HEAD) | B (CHATS) | B (CONNECTING) | B (RESUMING) | B (LIVE) | B (BEHIND) | B (WAITING) | B (BROKEN)),
    "only a snapshot begins while a token is renewed" },
  { IN_WS_OPENED, IN_WS_OPENED, ALL & ~B (CONNECTING), "the first that a websocket tells; one that was given up tells nothing" },
  { IN_HELLO, IN_HELLO_RESET, ALL & ~(B (CONNECTING) | B (RESUMING) | B (LIVE0)), "the first that a websocket tells; one that was given up tells nothing" },
  { IN_EVENT_NEXT, IN_EVENT_AHEAD, ALL & ~(B (CONNECTING) | B (RESUMING) | B (LIVE) | B (BEHIND)), "a websocket that was given up tells nothing" },
  { IN_HEAD, IN_HEAD, ALL & ~(B (RESUMING) | B (LIVE) | B (BEHIND)), "comes by a websocket of level 2, long after hello" },
  { IN_EPHEMERAL, IN_EPHEMERAL, ALL & ~WITH_WS, "a websocket that was given up tells nothing" },
  { IN_HINT, IN_HINT, ALL & ~(B (RESUMING) | B (LIVE0)), "comes by an open websocket of a plain server" },
  { IN_CLOSED, IN_CLOSED_EPOCH, ALL & ~WITH_WS, "there is no websocket to be closed" },
  { IN_CLOSED_EPOCH, IN_CLOSED_EPOCH, B (LIVE0), "plain servers have no epoch" },
  { REPLIES (0), B (STOPPED) | B (SIGNED_OUT) | B (REFUSED) | B (NEW) | B (WAITING) | B (RENEWING) | B (BROKEN) | B (POLLING) | B (LIVE0),
    "the end of the connection forgets the request" },
  { REPLIES (1), ALL & ~B (HEAD), "the end of the connection forgets the request" },
  { REPLIES (2), NOT_LEVEL2, "plain servers have no log" },
  { REPLIES (3), B (STOPPED) | B (SIGNED_OUT) | B (NEW), "the end of the connection forgets the request" },
  { REPLIES (3), B (HEAD) | B (LIVE) | B (BEHIND), "at level 2 a snapshot alone asks, after the head" },
  { REPLIES (4), NOT_LEVEL2, "such pages are of level 2" },
  { REPLIES (4), B (STOPPED) | B (SIGNED_OUT) | B (REFUSED), "the end of the connection forgets the request" },
  { REPLIES (5), LEVEL2 | B (NEW), "such pages are of level 0" },
  { REPLIES (6), B (NEW), "nothing is sent before the server was met" },
  { REPLIES (7), NOT_LEVEL2, "plain servers are not asked for these" },
  { REPLIES (8), NOT_LEVEL2, "plain servers are not asked for these" },
  { REPLIES (9), NOT_LEVEL2, "plain servers are not asked for these" },
  { REPLIES (9), B (STOPPED) | B (SIGNED_OUT) | B (REFUSED), "the end of the connection forgets the request" },
  { IN_STORED + APPLY_BULK, IN_STORED + APPLY_BULK, NOT_LEVEL2, "such a walk is of level 2" },
  { IN_FAILED + APPLY_BULK, IN_FAILED + APPLY_BULK, NOT_LEVEL2, "such a walk is of level 2" },
  { IN_TIMER + DESK_TIMER_PRESENCE, IN_TIMER + DESK_TIMER_PRESENCE, ALL & ~(B (RESUMING) | B (LIVE) | B (BEHIND) | B (LIVE0) | B (HEAD) | B (CHATS) | B (CONNECTING)),
    "the end of the connection clears it" },
  { IN_STORED_UNASKED, IN_STORED_UNASKED, ALL, "the cache answers each batch once" },
  { IN_STORED, IN_STORED + APPLY_SETTINGS, B (NEW), "nothing is stored before the server was met" },
  { IN_FAILED, IN_FAILED + APPLY_SETTINGS, B (NEW), "nothing is stored before the server was met" },
  { IN_STORED + APPLY_EVENTS, IN_STORED + APPLY_EVENTS, NOT_LEVEL2 | B (LIVE), "level 2; and with a batch under way it is behind" },
  { IN_FAILED + APPLY_EVENTS, IN_FAILED + APPLY_EVENTS, NOT_LEVEL2 | B (LIVE), "level 2; and with a batch under way it is behind" },
  { IN_STORED + APPLY_CHATS, IN_STORED + APPLY_CHATS, B (LIVE) | B (BEHIND), "a snapshot is stored before the connection is made" },
  { IN_FAILED + APPLY_CHATS, IN_FAILED + APPLY_CHATS, B (LIVE) | B (BEHIND), "a snapshot is stored before the connection is made" },
  { IN_WANTED, IN_WANTED, B (NEW), "asked for only where the level is known" },
};

static const char *
why_impossible (guint in, guint state)
{
  for (guint i = 0; i < G_N_ELEMENTS (impossible); i++)
    if (in >= impossible[i].first && in <= impossible[i].last && (impossible[i].states & (1u << state)) != 0)
      return impossible[i].why;
  return NULL;
}

static void
print_faults (void)
{
  for (guint i = 0; i < N_FAULTS + N_ACTS; i++)
    {
      if (i >= N_FAULTS && i < N_FAULTS + ACT_FIRST_WRONG)
        continue;
      printf ("# fault %-20s", i < N_FAULTS ? sim_fault_name (i) : sim_act_name (i - N_FAULTS));
      for (guint state = 0; state < N_STATES; state++)
        printf (" %s=%" G_GUINT64_FORMAT, state_names[state], met_faults[state][i]);
      printf ("\n");
    }
}

/* The number of errors. */
static guint
print_input (guint in, guint *n_met, guint *n_impossible, guint *n_missing)
{
  g_autofree char *name = name_of (in);
  guint wrong = 0;

  printf ("# %-20s", name);
  for (guint state = 0; state < N_STATES; state++)
    if (met[state][in] > 0)
      printf (" %s=%" G_GUINT64_FORMAT, state_names[state], met[state][in]);
    else
      printf (" %s%s", state_names[state], why_impossible (in, state) ? "=-" : "=0");
  printf ("\n");
  for (guint state = 0; state < N_STATES; state++)
    {
      const char *why = why_impossible (in, state);

      if (met[state][in] > 0 && why != NULL)
        {
          printf ("# NOT IMPOSSIBLE: %s in “%s”, although %s\n", name, state_names[state], why);
          wrong++;
        }
      *n_met += met[state][in] > 0;
      *n_impossible += met[state][in] == 0 && why != NULL;
      *n_missing += met[state][in] == 0 && why == NULL;
    }
  return wrong;
}

guint
sim_cover_print (gboolean complete)
{
  guint n_met = 0, n_impossible = 0, n_missing = 0, wrong = 0;

  for (guint in = 0; in < N_INS; in++)
    wrong += print_input (in, &n_met, &n_impossible, &n_missing);
  print_faults ();
  printf ("# coverage of %u states × %u inputs: %u met, %u impossible, %u possible and not met\n", N_STATES, N_INS, n_met,
          n_impossible, n_missing);
  return wrong + (complete ? n_missing : 0);
}
