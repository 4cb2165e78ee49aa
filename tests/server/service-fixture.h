/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-clock.h"
#include "common/desk-json.h"
#include "server/service/desk-service.h"
#include "server/store/sqlite/desk-store-sqlite.h"

/* A service over a temporary store, with a manual clock, and what it published. */

#define START_MS G_GINT64_CONSTANT (1795000000000)

typedef struct
{
  char *dir;
  char *path;
  DeskStoreSqliteOptions store_options;
  DeskRetention retention;
  DeskServerStore *store;
  DeskClock *clock;
  DeskService *service;
  DeskIdentity *anna; /* managers */
  DeskIdentity *bert;
  DeskIdentity *robot;
  GMutex mutex;
  GPtrArray *frames;    /* char*: level-2 frames, in order */
  GPtrArray *frames0;   /* char*: level-0 frames */
  GPtrArray *ephemeral; /* char* */
  gint64 last_seq;
  gint wakes;
  GString *wanted; /* PLATFORM/USER, of profiles */
} Fixture;

void fixture_setup (Fixture *self, gconstpointer data);
void fixture_teardown (Fixture *self, gconstpointer data);
/* Closes and opens again, as after a restart. */
void fixture_reopen (Fixture *self);
void fixture_close (Fixture *self);
void fixture_open (Fixture *self);
void fixture_clear_frames (Fixture *self);
/* The types of what was published since the last call, with commas. */
char *fixture_take_types (Fixture *self);

DeskReply *fixture_send (Fixture *self,
                         DeskIdentity *who,
                         const char *user_id,
                         const char *text,
                         const char *key,
                         gint64 seen_seq);
DeskReply *fixture_send_full (Fixture *self,
                              DeskIdentity *who,
                              const char *platform,
                              const char *user_id,
                              const DeskSendRequest *request);
DeskReply *fixture_mark_read (Fixture *self, DeskIdentity *who, const char *user_id, gint64 up_to);
DeskReply *fixture_mark_unread (Fixture *self, DeskIdentity *who, const char *user_id);
/* Waits for the commit. Takes inbound. */
gboolean fixture_ingest (Fixture *self, DeskInbound *inbound);
DeskInbound *fixture_inbound (DeskInboundType type,
                              const char *user_id,
                              const char *external_id,
                              const char *text,
                              DeskDirection direction);
/* A customer's message. */
void
fixture_incoming (Fixture *self, const char *user_id, const char *external_id, const char *text);

/* The answer's data; the status must be as told. Frees reply. */
JsonNode *take_data (DeskReply *reply, guint status);
/* The failure's code; frees reply. */
char *take_code (DeskReply *reply);
JsonObject *
fixture_chat (Fixture *self, DeskIdentity *who, const char *user_id, JsonNode **out_owner);
JsonArray *fixture_messages (Fixture *self, const char *user_id, JsonNode **out_owner);

/* Waits for an answer: give fixture_on_reply and a FixtureWait, initialised, to a function of the service. */
typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean finished, stored;
  DeskReply *reply;
} FixtureWait;
void fixture_wait_init (FixtureWait *wait);
DeskReply *fixture_wait_end (FixtureWait *wait);
void fixture_on_reply (DeskReply *reply, gpointer data);
