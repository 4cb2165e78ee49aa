/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "common/desk-random.h"
#include "model/desk-event.h"
#include "protocol/desk-wire.h"
#include "store/desk-store-batch.h"
#include "sync/desk-request.h"
#include "sync/desk-sync.h"

/* The sync engine: step(state, input) → effects. It does no input or output of its own, reads no clock and
 * starts no thread, so that a simulator can drive it through every interleaving. Whoever drives it carries the
 * effects out and feeds what comes of them back as inputs, in any order and however late.
 *
 * Invariants:
 *  - The cursor is only ever written in the same batch as the events that it covers.
 *  - At most one batch of events is being committed; what arrives meanwhile waits for the next.
 *  - A message is requested to be sent only after "about to be sent" was committed.
 *  - At level 0 a send whose outcome is not known is never repeated without the manager. */

G_BEGIN_DECLS

typedef enum
{
  DESK_TIMER_RETRY,     /* reconnect backoff */
  DESK_TIMER_HELLO,     /* websocket opened or opening, no hello */
  DESK_TIMER_STABLE,    /* connected long enough for the backoff to start anew */
  DESK_TIMER_GAP,       /* an event is missing */
  DESK_TIMER_POLL,      /* next poll without a websocket */
  DESK_TIMER_POLL_CHAT, /* level 0: next poll of the open chat */
  DESK_TIMER_OUTBOX,    /* next attempt of what was put off */
  DESK_TIMER_LOOK,      /* level 0: look again for a send of unknown outcome */
  DESK_TIMER_HISTORY,   /* next page of history, at a polite rate */
  DESK_TIMER_STORE,     /* the cache could not be written: try again */
  DESK_TIMER_PRESENCE,  /* somebody has stopped typing */
  DESK_N_TIMERS,
} DeskTimer;

typedef enum
{
  DESK_INPUT_START,      /* settings of the cache, whether there is a token */
  DESK_INPUT_STOP,
  DESK_INPUT_TIMER,      /* timer */
  DESK_INPUT_NETWORK,    /* flag: reachable */
  DESK_INPUT_RETRY_NOW,  /* woken from sleep, or the manager asked */
  DESK_INPUT_TOKEN,      /* after DESK_EFFECT_REFRESH: token_result */
  DESK_INPUT_WS_OPENED,
  DESK_INPUT_WS_EVENT,   /* event */
  DESK_INPUT_WS_CLOSED,  /* code */
  DESK_INPUT_REPLY,      /* id, reply */
  DESK_INPUT_STORED,     /* id, result */
  DESK_INPUT_STORE_FAILED, /* id, text: for people */
  DESK_INPUT_OUTBOX,     /* entries: all of them, as in the cache */
  DESK_INPUT_OUTBOX_CHANGED, /* somebody wrote an intent */
  DESK_INPUT_WANTED,     /* wanted */
  DESK_INPUT_FETCH_OLDER, /* platform, user_id, key, id: answered by DESK_EFFECT_FETCHED */
  DESK_INPUT_OPEN_CHAT,  /* platform, user_id, or NULL */
  DESK_INPUT_TYPING,     /* platform, user_id */
  DESK_N_INPUTS,
} DeskInputType;
const char *desk_input_type_to_string (DeskInputType type);

typedef enum
{
  DESK_TOKEN_RENEWED,
  DESK_TOKEN_REFUSED, /* sign in again */
  DESK_TOKEN_FAILED,  /* no answer: try later */
} DeskTokenResult;

/* One input; everything is borrowed for the call. */
typedef struct
{
  DeskInputType type;
  gint64 now_us;  /* monotonic */
  gint64 wall_ms; /* our clock, UTC */

  guint64 id;
  DeskTimer timer;
  gboolean flag;
  guint code;
  const char *text;
  const char *platform;
  const char *user_id;
  gint64 key;
  DeskTokenResult token_result;
  const DeskEvent *event;
  const DeskSyncReply *reply;
  const DeskBatchResult *result;
  GPtrArray *entries; /* of DeskOutboxEntry */
  GPtrArray *wanted;  /* of DeskHistoryWant */
  /* START */
  gboolean has_token;
  const DeskCursor *cursor; /* nullable */
  const DeskCapabilities *capabilities; /* nullable: never met the server */
  gint64 capabilities_ms; /* when they were told, by our clock */
  gint64 team_ms;         /* when the team and canned replies were told */
  gint64 complete_to_ms;
  gint64 server_offset_ms;
} DeskInput;

typedef enum
{
  DESK_EFFECT_REQUEST,    /* request: answer by INPUT_REPLY with its id */
  DESK_EFFECT_WS_CONNECT, /* level, cursor (nullable) */
  DESK_EFFECT_WS_SEND,    /* text */
  DESK_EFFECT_WS_CLOSE,   /* code */
  DESK_EFFECT_REFRESH,    /* answer by INPUT_TOKEN */
  DESK_EFFECT_APPLY,      /* id, batch: answer by STORED or STORE_FAILED */
  DESK_EFFECT_READ_OUTBOX, /* answer by OUTBOX */
  DESK_EFFECT_READ_WANTED, /* limit; answer by WANTED */
  DESK_EFFECT_SET_TIMER,  /* timer, delay_ms; replaces a running one */
  DESK_EFFECT_CLEAR_TIMER,
  DESK_EFFECT_STATE,      /* the public state changed */
  DESK_EFFECT_CAPABILITIES, /* they changed */
  DESK_EFFECT_APPLIED,    /* event: was committed; for --follow */
  DESK_EFFECT_EPHEMERAL,  /* event */
  DESK_EFFECT_FETCHED,    /* id, flag: a FETCH_OLDER ended; text is the error */
  DESK_EFFECT_PRESENCE,   /* who types and who looks at what changed */
} DeskEffectType;

typedef struct
{
  DeskEffectType type;
  guint64 id;
  DeskTimer timer;
  gint64 delay_ms;
  guint level;
  guint code;
  guint limit;
  gboolean flag;
  char *text;
  DeskRequest *request;
  DeskBatch *batch;
  DeskEvent *event;
  DeskCursor *cursor;
} DeskEffect;
void desk_effect_free (DeskEffect *self);

typedef struct
{
  DeskRandom *random; /* borrowed */
  const char *username; /* whose read markers count; nullable until capabilities tell */
  gboolean no_backfill;
} DeskEngineOptions;

typedef struct _DeskEngine DeskEngine;
DeskEngine *desk_engine_new (const DeskEngineOptions *options);
void desk_engine_free (DeskEngine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskEngine, desk_engine_free)

/* Takes one input; appends DeskEffects, to be carried out in order, to effects (an array with
 * desk_effect_free as its free function). */
void desk_engine_step (DeskEngine *self, const DeskInput *input, GPtrArray *effects);

const DeskSyncState *desk_engine_get_state (DeskEngine *self);
const DeskCapabilities *desk_engine_get_capabilities (DeskEngine *self);
GPtrArray *desk_engine_get_presence (DeskEngine *self); /* of DeskPresence; borrowed */
/* Nothing is left to do: the cache is complete, history fetched, the outbox empty but for what waits for the
 * manager. */
gboolean desk_engine_is_settled (DeskEngine *self);

G_END_DECLS
