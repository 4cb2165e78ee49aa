/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sync/desk-engine.h"

/* The state that the engine's parts share. desk-engine.c is the step itself, -link.c the
 * connection, -events.c the order of events,
 * -snapshot.c the first sync and history, -outbox.c sending, -level0.c the plain server. */

G_BEGIN_DECLS

#define LOOK_SLACK_MS 5000 /* by so much may the clock of a plain server be behind what it says */

typedef enum
{
  LINK_STOPPED,
  LINK_SIGNED_OUT,
  LINK_REFUSED,     /* the server cannot be used; tried again slowly */
  LINK_WAITING,     /* backoff */
  LINK_DISCOVERING, /* capabilities asked for */
  LINK_HEAD,        /* snapshot: the head of the log is asked for */
  LINK_CHATS,       /* snapshot: the chats are asked for, or being stored */
  LINK_CONNECTING,  /* websocket, until hello (level 2) or open (level 0) */
  LINK_RESUMING,    /* hello came; up to its head not everything is committed */
  LINK_LIVE,
} Link;

typedef enum
{
  APPLY_EVENTS,
  APPLY_CHATS,
  APPLY_PAGE,
  APPLY_ATTEMPT,
  APPLY_OUTBOX, /* acknowledgement or a state of an entry */
  APPLY_SETTINGS,
  APPLY_BULK,
} ApplyType;

typedef struct
{
  guint64 id;
  ApplyType type;
  char *key;       /* P/U, for PAGE, ATTEMPT, OUTBOX */
  gint64 local_id; /* ATTEMPT, OUTBOX */
  gboolean done;   /* OUTBOX: the entry is gone */
  gboolean last;   /* CHATS: the last page */
  guint offset;    /* PAGE at level 0 */
  guint count;
  gboolean last_page;
  guint64 fetch_id; /* PAGE: a FETCH_OLDER to answer, or 0 */
} Apply;

/* A chat with something of its outbox under way. */
typedef struct
{
  gint64 local_id;       /* of the entry under way; 0 none */
  gboolean requested;    /* the request is out */
  guint64 waits_for;     /* id of the Apply that has to be committed: the attempt or the acknowledgement; 0 none */
  gboolean looking;      /* level 0: outcome unknown, looking for it */
  gboolean accepted;     /* level 0: the server said ok; waiting to see it in the history */
  gboolean seen;         /* level 0: its message was seen while the request was out */
  gboolean resumed;      /* level 0: was out when the program ended */
  gint64 since_ms;       /* level 0: begun then, by our clock; resumed: by the server's */
  gint64 since_us;       /* the same by the monotonic clock, unless resumed */
  gint64 look_until_us;
  gint64 not_before_us;  /* put off until then */
  guint failures;        /* in a row, for the backoff */
  DeskOutboxEntry *entry;
} Lane;

/* Level 0: a chat whose pages are being fetched. */
typedef struct
{
  char *platform;
  char *user_id;
  guint offset;
  gboolean fills;  /* a gap, which begins at offset: what is known above it does not end the walk */
  gboolean again;  /* something moved while a page was under way */
  gboolean busy;
  guint64 waits_for; /* busy: id of the page's request, then of its Apply; answers to older ones do not count */
  guint64 fetch_id;
} Walk;

struct _DeskEngine
{
  DeskRandom *random;
  char *username;
  gboolean no_backfill;

  gint64 now_us;
  gint64 wall_ms;
  GPtrArray *out; /* of the step that is running */

  DeskSyncState *state;
  gboolean state_dirty;
  DeskCapabilities *capabilities;
  gboolean level2_before; /* never taken for level 0 again */
  gboolean level_guessed; /* level 0, because nothing that can be read came: see desk_engine_not_plain() */

  Link link;
  gboolean has_token;
  gboolean refreshing;
  guint renewals; /* of the token, since the server last accepted one */
  gboolean ws_open;
  gboolean store_broken; /* the cache could not be written; nothing is fetched until it can */
  guint attempt;         /* of the backoff */
  gint64 lost_at_us;     /* without a websocket since; 0 = has one or never tried */
  gboolean poll_ok;      /* the last poll answered and the cache is complete to it */
  gboolean had_ws;       /* since the start a websocket was open */
  gboolean probing;      /* the first websocket failed: REST is asked whether the server is there */
  gint64 capabilities_ms; /* when they were told, by our clock; 0 never */
  gboolean polling;      /* a poll is under way */
  guint64 next_id;
  GHashTable *requests; /* guint64 → DeskRequest */
  GHashTable *applies;  /* guint64 → Apply */
  gint64 complete_saved_ms;

  /* events */
  DeskCursor *applied;   /* incl. what is in the batch being committed and in collecting */
  DeskCursor *committed;
  DeskCursor *head;      /* as far as the server told */
  GTree *held;           /* (p, seq) → DeskEvent: arrived before their turn */
  GPtrArray *collecting; /* in order, for the next batch */
  GPtrArray *committing; /* in the batch under way */
  guint64 events_apply;  /* its id, 0 none */
  gboolean changes_asked;

  /* snapshot and history */
  DeskCursor *snapshot_head;
  gboolean history_wanted;  /* ask the cache what is missing */
  gboolean history_reading;
  guint history_running;
  gint64 history_not_before_us;
  GQueue *history;          /* of DeskHistoryWant */
  GHashTable *fetches;      /* key → guint64: FETCH_OLDER under way */

  /* outbox */
  GPtrArray *outbox; /* of DeskOutboxEntry; NULL: not read yet */
  gboolean outbox_reading;
  gboolean outbox_stale; /* changed while it was being read */
  GHashTable *outbox_done; /* set of gint64: acknowledged while it was being read */
  GHashTable *lanes;     /* key → Lane */
  gint64 outbox_not_before_us;

  /* level 0 */
  struct { gboolean known; gint64 low_ms, high_ms; } server_clock; /* minus the monotonic one: a span */
  gint64 attempt_offset_ms; /* as stored with the last attempt: the most it could be; 0 not known */
  gint64 started_us;
  GHashTable *sighted; /* chat, time and text of managers' messages: each can be the proof of one send only */
  GHashTable *walks; /* key → Walk */
  GQueue *walk_queue; /* of char* key */
  gboolean chats_asked;
  gboolean chats_again;
  gboolean chats_done;

  /* the team, and the customer of the open chat */
  gboolean canned_wanted, canned_asked;
  gboolean managers_wanted, managers_asked;
  gint64 team_ms;       /* when both were told, by our clock; 0 never */
  GHashTable *profiles; /* key → gint64 us: fetched at */

  /* who types and who looks at what */
  GPtrArray *presence; /* of DeskPresence */

  /* the walk over all messages */
  gboolean first_sync;   /* nothing was cached when we started */
  gboolean bulk_busy;
  gboolean bulk_running; /* begun and not ended */
  char *bulk_page;       /* nullable: where to go on */
  gint64 bulk_messages;  /* that the server keeps, as the chats told */
  gint64 bulk_calls;     /* that chat by chat would take */

  char *open_platform;
  char *open_user_id;
  gint64 typing_sent_us;
};

/* effects */
DeskEffect *desk_engine_emit (DeskEngine *self, DeskEffectType type);
void desk_engine_set_timer (DeskEngine *self, DeskTimer timer, gint64 delay_ms);
void desk_engine_clear_timer (DeskEngine *self, DeskTimer timer);
DeskRequest *desk_engine_request (DeskEngine *self, DeskRequestType type); /* borrowed: fill it in */
Apply *desk_engine_apply (DeskEngine *self, DeskBatch *batch, ApplyType type, const char *key); /* takes batch; borrowed */
void desk_engine_set_error (DeskEngine *self, const char *text); /* nullable */

/* desk-engine.c */
void desk_engine_complete (DeskEngine *self); /* the cache is complete up to now */
void desk_engine_save_complete (DeskEngine *self);

/* -link.c */
void desk_engine_start (DeskEngine *self, const DeskInput *input);
void desk_engine_stop (DeskEngine *self);
void desk_engine_retry_now (DeskEngine *self, const DeskInput *input);
void desk_engine_take_token (DeskEngine *self, DeskTokenResult result);
void desk_engine_take_timer (DeskEngine *self, DeskTimer timer);
void desk_engine_capabilities_reply (DeskEngine *self, const DeskSyncReply *reply);
void desk_engine_ws_opened (DeskEngine *self);
void desk_engine_ws_event (DeskEngine *self, const DeskEvent *event);
void desk_engine_ws_closed (DeskEngine *self, guint code);
void desk_engine_open_chat (DeskEngine *self, const DeskInput *input);
void desk_engine_typing (DeskEngine *self, const DeskInput *input);
gboolean desk_engine_is_online (DeskEngine *self); /* complete: requests may go out */
void desk_engine_lost (DeskEngine *self, const char *why, guint close_code);
void desk_engine_unauthorized (DeskEngine *self);
void desk_engine_connect (DeskEngine *self);
void desk_engine_now_live (DeskEngine *self);
/* TRUE if the answer was a failure that concerns the connection as a whole, and was dealt with. */
gboolean desk_engine_reply_failed (DeskEngine *self, const DeskSyncReply *reply);
const char *desk_engine_reply_text (const DeskSyncReply *reply);

/* -events.c */
void desk_engine_take_event (DeskEngine *self, const DeskEvent *event);
void desk_engine_flush_events (DeskEngine *self);
void desk_engine_events_stored (DeskEngine *self);
void desk_engine_events_failed (DeskEngine *self);
void desk_engine_check_head (DeskEngine *self);
void desk_engine_gap_timeout (DeskEngine *self);
void desk_engine_ask_changes (DeskEngine *self);
void desk_engine_changes_reply (DeskEngine *self, const DeskSyncReply *reply);
void desk_engine_reset_events (DeskEngine *self, const DeskCursor *cursor);
gboolean desk_engine_caught_up (DeskEngine *self);

/* -snapshot.c */
void desk_engine_snapshot (DeskEngine *self);
void desk_engine_head_reply (DeskEngine *self, const DeskSyncReply *reply);
void desk_engine_chats_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply);
void desk_engine_chats_stored (DeskEngine *self, const Apply *apply);
void desk_engine_want_history (DeskEngine *self);
void desk_engine_history_timeout (DeskEngine *self);
void desk_engine_wanted (DeskEngine *self, GPtrArray *wanted);
void desk_engine_history_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply);
void desk_engine_history_stored (DeskEngine *self, const Apply *apply, const DeskBatchResult *result);
void desk_engine_fetch_older (DeskEngine *self, const DeskInput *input);
void desk_engine_fetched (DeskEngine *self, guint64 fetch_id, gboolean ok, const char *text);
void desk_engine_drop_history (DeskEngine *self);

/* -outbox.c */
void desk_engine_read_outbox (DeskEngine *self);
void desk_engine_outbox (DeskEngine *self, GPtrArray *entries);
void desk_engine_pump_outbox (DeskEngine *self);
void desk_engine_attempt_stored (DeskEngine *self, const Apply *apply, gboolean ok);
void desk_engine_intent_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply);
void desk_engine_outbox_stored (DeskEngine *self, const Apply *apply);
void desk_engine_outbox_failed (DeskEngine *self, const Apply *apply);
void desk_engine_outbox_connection_lost (DeskEngine *self);
gboolean desk_engine_outbox_is_settled (DeskEngine *self);
DeskOutboxEntry *desk_engine_outbox_find (DeskEngine *self, gint64 local_id); /* in the engine's copy; nullable */
Lane *desk_engine_lane_of (DeskEngine *self, const DeskOutboxEntry *entry); /* where it is under way; nullable */
void desk_engine_lane_end (Lane *lane);
void desk_engine_outbox_set_state (DeskEngine *self, const DeskOutboxEntry *entry, DeskOutboxState state, const char *code,
                                   const char *text);
/* Returns the id of the Apply. */
guint64 desk_engine_outbox_store_done (DeskEngine *self, const DeskOutboxEntry *entry, const DeskMessage *message);

/* -outbox-reply.c */
void desk_engine_look_start (DeskEngine *self, Lane *lane, gboolean accepted);
/* delay_ms -1: as the backoff says. */
void desk_engine_outbox_put_off (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, gint64 delay_ms);
void desk_engine_outbox_refuse (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, DeskOutboxState state,
                                const DeskFailure *failure, const char *text);
void desk_engine_outbox_apply (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, DeskBatch *batch, gboolean done);

/* -change.c */
void desk_engine_change_reply (DeskEngine *self, Lane *lane, const DeskOutboxEntry *entry, const DeskSyncReply *reply);

/* -team.c */
void desk_engine_pump_team (DeskEngine *self);
void desk_engine_drop_team (DeskEngine *self);
void desk_engine_want_team (DeskEngine *self, gboolean managers);
void desk_engine_want_profile (DeskEngine *self);
void desk_engine_canned_reply (DeskEngine *self, const DeskSyncReply *reply);
void desk_engine_managers_reply (DeskEngine *self, const DeskSyncReply *reply);
void desk_engine_profile_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply);

/* -presence.c */
void desk_engine_take_presence (DeskEngine *self, const DeskEvent *event);
void desk_engine_clear_presence (DeskEngine *self);
void desk_engine_presence_timeout (DeskEngine *self);

/* -bulk.c: the messages of all chats by one walk */
void desk_engine_bulk_count (DeskEngine *self, GPtrArray *chats);
/* TRUE if it is under way or was begun: nothing else of history is fetched meanwhile. */
gboolean desk_engine_bulk_begin (DeskEngine *self);
void desk_engine_bulk_reply (DeskEngine *self, const DeskSyncReply *reply);
void desk_engine_bulk_stored (DeskEngine *self, const Apply *apply);
void desk_engine_bulk_drop (DeskEngine *self);
void desk_engine_look_timeout (DeskEngine *self);
void desk_engine_look_found (DeskEngine *self, const char *key, const DeskMessage *message);
void desk_lane_free (Lane *lane);

/* -clock.c */
void desk_engine_learn_date (DeskEngine *self, const DeskRequest *request, gint64 date_ms);
gint64 desk_engine_server_offset (DeskEngine *self);
gint64 desk_engine_lane_since (DeskEngine *self, const Lane *lane);

/* -level0.c */
void desk_engine_level0_start (DeskEngine *self);
void desk_engine_level0_list (DeskEngine *self);
void desk_engine_level0_chats_reply (DeskEngine *self, const DeskSyncReply *reply);
void desk_engine_level0_chats_stored (DeskEngine *self, const DeskBatchResult *result);
void desk_engine_level0_walk (DeskEngine *self, const char *platform, const char *user_id, guint offset, guint64 fetch_id);
void desk_engine_level0_page_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply);
void desk_engine_level0_page_stored (DeskEngine *self, const Apply *apply, const DeskBatchResult *result);
/* What the background has to fill, as the cache says. */
void desk_engine_level0_wanted (DeskEngine *self, GPtrArray *wanted);
void desk_engine_level0_event (DeskEngine *self, const DeskEvent *event);
void desk_engine_level0_poll (DeskEngine *self);
void desk_engine_level0_poll_chat (DeskEngine *self);
gboolean desk_engine_level0_is_settled (DeskEngine *self);
void desk_engine_level0_drop (DeskEngine *self);
/* It was taken for a plain one and is not. */
void desk_engine_not_plain (DeskEngine *self);
void desk_engine_outbox_stop_looking (DeskEngine *self); /* in -outbox.c */
void desk_walk_free (Walk *walk);

G_END_DECLS
