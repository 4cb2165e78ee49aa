/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/desk-store.h"

/* A throw-away cache and short ways to make values. P and U name the chat that most tests use. */

#define P "telegram"
#define U "42"

typedef struct
{
  char *dir;
  DeskClock *clock;
  DeskStore *store;
} Fixture;

void fixture_set_up (Fixture *self, gconstpointer data);
void fixture_tear_down (Fixture *self, gconstpointer data);
void fixture_reopen (Fixture *self);
void remove_tree (const char *dir);

/* created_at is 1,000,000 ms + seq seconds; odd sequence numbers are incoming with in_seq (seq+1)/2. */
DeskMessage *make_message (const char *user_id, gint64 seq, gint64 rev, const char *text);
DeskMessage *make_message0 (gint64 created_at_ms, DeskDirection direction, const char *id, const char *text);
DeskChat *make_chat (const char *user_id, gint64 rev, gint64 last_chat_seq, gint64 last_in_seq);
DeskEvent *make_message_event (DeskEventType type, DeskMessage *message); /* takes message */
GPtrArray *make_messages (void);

/* Applies (takes the batch), asserts success. */
DeskBatchResult *apply (DeskStore *store, DeskBatch *batch);
void apply_quiet (DeskStore *store, DeskBatch *batch);
void apply_message (DeskStore *store, DeskEventType type, DeskMessage *message);
void apply_page (DeskStore *store, gint64 first, gint64 last, gboolean start, gboolean end);
DeskTimelinePage *newest (DeskStore *store, const char *user_id, guint limit);
/* "1 2 [3-4] 5 +hello": the timeline in short. */
char *describe (DeskTimelinePage *page);
DeskChatRow *get_row (DeskStore *store, const char *user_id);
/* The integrity of the full-text index and of derived columns against the tables; asserts. */
void check_cache (const char *dir);
