/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/desk-store-private.h"
#include "sync/desk-engine-private.h"

/* The simulator: engines, caches, a network and a server in virtual time. One seed gives one run. Everything
 * that may happen is an event in one queue; the engine's step and the store's fold are the real ones. */

#define SIM_USERS 3      /* two may have devices, the third is a colleague elsewhere */
#define SIM_DEVICES 3
#define SIM_PARTITIONS 3
#define SIM_MS G_GINT64_CONSTANT (1000)
#define SIM_SECOND (1000 * SIM_MS)
#define SIM_LINKS 10
#define SIM_EPOCH_MS G_GINT64_CONSTANT (1790000000000)

typedef struct _Sim Sim;
typedef struct _Device Device;
typedef void (*SimFunc) (Sim *sim, Device *device, gpointer data);

/* ── The server ─────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskChat *chat;      /* shared fields; its index tells the partition */
  guint index;
  GPtrArray *messages; /* of DeskMessage, all there ever were; place chat_seq - 1 */
  DeskChatPersonal personal[SIM_USERS];
  gint64 preview_seq;
  gint64 closed_until_us; /* the platform takes no free replies until then */
  gboolean erased;
} SimChat;

typedef struct
{
  guint level;
  guint n_partitions;
  guint epoch;
  gboolean down;
  GPtrArray *log[SIM_PARTITIONS]; /* of DeskEvent; place seq - 1 */
  gint64 expired[SIM_PARTITIONS]; /* the last seq that the log no longer has */
  GPtrArray *chats;               /* of SimChat, by age */
  GHashTable *keys;               /* "user\001client id" → DeskMessage */
  GHashTable *sends;              /* level 0: text → number of platform sends */
  guint next_id;
  guint page_size;
  gint64 last_created_ms; /* level 0: times differ, so that the order is known */
} SimServer;

/* ── A device ───────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  gint64 read_chat_seq, read_in_seq, rev, rows;
} SimSeen;

typedef struct
{
  guint device;
  SimChat *chat;
  gint64 local_id; /* 0 until committed */
  char *client_id;
  char *text;
  guint retries; /* by hand */
  gboolean discarded;
} SimIntent;

struct _Device
{
  Sim *sim;
  guint index;
  guint user;
  DeskClock clock;
  DeskRandom *random;
  char *dir;
  DeskDb *db;
  DeskEngine *engine; /* NULL: not running */
  guint generation;   /* events of an older one are dropped */
  gboolean no_backfill;
  guint64 timers[DESK_N_TIMERS]; /* serial of the one that counts; 0 off */
  gint64 store_free_us;
  gboolean disk_full;
  gboolean online;
  gboolean token_ok;
  gint64 asleep_until_us;
  gint64 slept_us;
  gint64 wall_skew_ms;
  /* websocket; the server has the same view unless half_open */
  guint64 ws;
  gboolean ws_live; /* the server sends */
  gboolean half_open;
  gint64 ws_last_us;
  /* for the properties */
  GHashTable *seen;   /* "P/U" → SimSeen */
  char *cursor;       /* as committed */
};

typedef struct
{
  double frame_drop, frame_dup, frame_late;
  double call_lost, call_lost_after, call_5xx, call_5xx_after, call_429, call_garbage, call_late, call_dup;
} SimFaults;

struct _Sim
{
  guint64 seed;
  DeskRandom *random;
  gint64 now_us;
  guint64 serial;
  GPtrArray *heap;
  SimServer server;
  Device devices[SIM_DEVICES];
  guint n_devices;
  gboolean faults_on;
  gboolean quiet;
  SimFaults faults;
  GPtrArray *intents; /* of SimIntent */
  guint64 steps;
  guint64 hash;
  guint violations;
  gboolean trace;
  guint64 (*coverage)[DESK_N_INPUTS];
};

/* sim-core.c */
void sim_after (Sim *sim, Device *device, gint64 delay_us, SimFunc func, gpointer data, GDestroyNotify free_data);
gboolean sim_run_next (Sim *sim, gint64 until_us);
void sim_clear_events (Sim *sim);
guint64 sim_below (Sim *sim, guint64 n);
gboolean sim_chance (Sim *sim, double p);
gint64 sim_between (Sim *sim, gint64 low, gint64 high);
void sim_mix (Sim *sim, guint64 value);
void sim_violation (Sim *sim, guint property, const char *format, ...) G_GNUC_PRINTF (3, 4);
void sim_trace (Sim *sim, const char *format, ...) G_GNUC_PRINTF (2, 3);
gint64 sim_server_ms (Sim *sim);
extern const char *const sim_user_names[SIM_USERS];

/* sim-server.c */
void sim_server_init (Sim *sim, guint level);
void sim_server_clear (Sim *sim);
SimChat *sim_server_find (Sim *sim, const char *platform, const char *user_id);
SimChat *sim_server_new_chat (Sim *sim);
DeskMessage *sim_server_add_message (Sim *sim, SimChat *chat, DeskSender sender, int user, const char *text,
                                     gboolean is_private, const char *client_id);
void sim_server_change_message (Sim *sim, SimChat *chat, DeskMessage *message, DeskEventType type);
void sim_server_emit_chat (Sim *sim, SimChat *chat);
void sim_server_trim (Sim *sim, SimChat *chat, gint64 first);
void sim_server_erase (Sim *sim, SimChat *chat);
gboolean sim_server_mark (Sim *sim, SimChat *chat, guint user, gint64 up_to); /* -1: unread */
DeskCursor *sim_server_head (Sim *sim);
/* FALSE: expired, of another epoch or ahead. */
gboolean sim_server_takes_cursor (Sim *sim, const DeskCursor *cursor);

/* sim-answer.c: REST of both levels */
DeskSyncReply *sim_server_answer (Sim *sim, guint user, const DeskRequest *request);
DeskSyncReply *sim_refusal (guint status, DeskCode code, gint64 retry_after_ms);

/* sim-net.c */
void sim_net_request (Device *device, DeskRequest *request); /* takes request */
void sim_net_connect (Device *device, guint level, const DeskCursor *cursor);
void sim_net_close (Device *device);                  /* by the client */
void sim_net_break (Device *device, guint code, gint64 told_after_us); /* by anybody else */
void sim_net_push (Sim *sim, const DeskEvent *event); /* to every live websocket */
void sim_net_break_all (Sim *sim, guint code);

/* sim-device.c */
void sim_device_open (Sim *sim, guint index, guint user);
void sim_device_close (Device *device);
void sim_device_start (Device *device);
void sim_device_kill (Device *device);
void sim_device_feed (Device *device, DeskInput *input);
typedef void (*SimStored) (Device *device, gpointer data, const DeskBatchResult *result);
/* An intent of the manager: one batch, then the engine is told. Takes batch and data. */
void sim_device_intend (Device *device, DeskBatch *batch, SimStored stored, gpointer data);
gint64 sim_device_mono_us (Device *device);

/* sim-world.c */
void sim_world_start (Sim *sim);
void sim_world_calm (Sim *sim); /* ends every fault that lasts */
void sim_world_resolve (Device *device); /* the manager deals with what is stuck */

/* sim-check.c */
void sim_check_commit (Device *device, const DeskBatch *batch, DeskNotice *notice);
guint64 sim_cache_digest (Device *device);
/* Which device still has something to do, or NULL. */
char *sim_find_unsettled (Sim *sim);
/* The first difference between a cache and the server, or NULL; *property is set with it. */
char *sim_find_difference (Sim *sim, guint *property);
