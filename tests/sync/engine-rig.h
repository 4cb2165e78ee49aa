/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sync/desk-engine.h"

/* A rig for the engine: feeds inputs, keeps what it wants done by kind, and answers as a server and a cache would.
 * Time stands still until the test moves it. */

typedef struct
{
  DeskEngine *engine;
  DeskRandom *random;
  gint64 now_us;
  gint64 wall_ms;
  GPtrArray *effects; /* of the last input, DeskEffect */
  GQueue *requests;   /* not yet answered, DeskEffect */
  GQueue *applies;    /* not yet answered, DeskEffect */
  gint64 timers[DESK_N_TIMERS]; /* due at, by now_us; 0 off */
  GPtrArray *outbox;  /* of DeskOutboxEntry: the cache's */
  guint outbox_reads, wanted_reads, connects, closes, refreshes;
  char *connect_cursor;
  guint applied_events;
  guint fetched_ok, fetched_failed;
  gboolean keep_team; /* requests for canned replies and the team are left to the test; else refused for good */
  guint presence_changes;
} Rig;

Rig *rig_new (gboolean no_backfill);
void rig_free (Rig *rig);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)
void rig_feed (Rig *rig, DeskInput *input);
void rig_simple (Rig *rig, DeskInputType type);
/* START with a cursor ("" none) and level 2's capabilities (level < 0: never met). */
void rig_start (Rig *rig, int level, const char *cursor);
void rig_hello (Rig *rig, const char *epoch, gboolean reset, gint64 head);
void rig_event (Rig *rig, DeskEventType type, gint64 seq);
void rig_closed (Rig *rig, guint code);
/* The oldest unanswered request must be of this type; borrowed until answered. */
const DeskRequest *rig_request (Rig *rig, DeskRequestType type);
void rig_reply (Rig *rig, DeskSyncReply *reply); /* to the oldest; takes reply */
void rig_refuse (Rig *rig, guint status, DeskCode code);
void rig_lost (Rig *rig, DeskSyncOutcome outcome);
void rig_changes (Rig *rig, const char *cursor, gboolean more, gint64 first, gint64 last);
void rig_capabilities (Rig *rig);
/* Answers the oldest apply. */
void rig_stored (Rig *rig, DeskBatchResult *result); /* takes result; NULL: an empty one */
void rig_store_failed (Rig *rig);
void rig_settle_applies (Rig *rig);
/* The cache's outbox as it stands. */
void rig_outbox (Rig *rig);
DeskOutboxEntry *rig_add_entry (Rig *rig, gint64 local_id, const char *user_id, const char *text);
/* Moves to the timer's time and fires it; it must be on. */
void rig_fire (Rig *rig, DeskTimer timer);
DeskSyncPhase rig_phase (Rig *rig);
