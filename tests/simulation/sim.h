/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/desk-store-private.h"
#include "sync/desk-engine-private.h"

/* The simulator: engines, caches, a network and a server in virtual time. One seed gives one run. Everything
 * that may happen is an event in one queue; the engine's step and the store's fold are the real ones. */

#define SIM_USERS 3      /* two may have devices, the third is a colleague elsewhere */
#define SIM_DEVICES 3
#define SIM_PARTITIONS 3
#define SIM_UNKNOWN G_MININT64
#define SIM_MS G_GINT64_CONSTANT (1000)
#define SIM_SECOND (1000 * SIM_MS)
#define SIM_EPOCH_MS G_GINT64_CONSTANT (1790000000000)

typedef struct _Sim Sim;
typedef struct _Device Device;
typedef struct _SimDisk SimDisk;
typedef void (*SimStored) (Device *device, gpointer data, const DeskBatchResult *result);
typedef void (*SimFunc) (Sim *sim, Device *device, gpointer data);

/* ── The server ─────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskChat *chat;      /* shared fields; its index tells the partition */
  guint index;
  GPtrArray *messages; /* of DeskMessage, all there ever were; place chat_seq - 1 */
  DeskChatPersonal personal[SIM_USERS];
  gint64 preview_seq;
  GPtrArray *revs;     /* of DeskChat: as it was told, place rev - 1 */
  DeskProfile *profile;
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
  guint canned; /* how often the canned replies changed */
  guint page_size;
  guint keeps0, cap0; /* level 0: messages kept of a chat, rows given at most */
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
  gboolean forced;
  gint64 seen_seq; /* as stamped when it was written; SIM_UNKNOWN if it could not be read then */
  gboolean discarded;
} SimIntent;

/* A batch of which nobody knows whether it was kept, and nobody was told that it was not: the program ended in the
 * midst of it, or the disk failed and could not be made to tell. */
typedef struct
{
  guint64 digest;
  DeskBatchResult *result;
  SimStored stored;
  gpointer data;
} SimHanging;

struct _Device
{
  Sim *sim;
  guint index;
  guint user;
  DeskClock clock;
  DeskRandom *random;
  char *dir;
  SimDisk *disk;
  DeskDb *db; /* NULL: not opened since it was killed */
  guint64 kept;      /* digest of what was acknowledged to be in the cache */
  guint64 kept_next; /* of the batch under way, if it is kept */
  GArray *hanging;   /* of SimHanging: batches whose commit failed or was cut off since the last one that did not */
  DeskEngine *engine; /* NULL: not running */
  guint generation;   /* events of an older one are dropped */
  gboolean no_backfill;
  gboolean no_ws; /* websockets do not get through to it, ever */
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
  GHashTable *changes;  /* gint64 local_id → 1: a change that the server was asked for; 2: and it is so there */
  GHashTable *insisted; /* set of gint64: entries that the manager asked for once more */
  GHashTable *seen;   /* "P/U" → SimSeen */
  char *cursor;       /* as committed */
};

/* What goes wrong by chance at one place and time. Frames and calls fail at a rate that the round sets. */
typedef enum
{
  FAULT_FRAME_DROP,
  FAULT_FRAME_DUP,
  FAULT_FRAME_LATE,
  FAULT_CALL_LOST,       /* on its way there */
  FAULT_CALL_LOST_AFTER, /* on its way back: it took effect */
  FAULT_CALL_5XX,
  FAULT_CALL_5XX_AFTER,
  FAULT_CALL_429,
  FAULT_CALL_GARBAGE,
  FAULT_CALL_LATE, /* takes effect long after the client gave up */
  FAULT_CALL_DUP,
  FAULT_CALL_SLOW,  /* answered just before the client gives up */
  FAULT_WRITE_SLOW, /* the cache takes seconds for a batch */
  FAULT_READ_SLOW,
  FAULT_TOKEN_FAILED,
  FAULT_TOKEN_REFUSED,
  FAULT_KILL_BETWEEN, /* two effects of one step */
  FAULT_DISK_POWER,   /* power cut before this operation; what was not synced may be lost */
  FAULT_DISK_KILL,    /* killed before this operation; what was written stays */
  FAULT_DISK_IO,
  FAULT_DISK_FULL,
  FAULT_DISK_SHORT,
  N_FAULTS,
} SimFault;

/* What somebody does, or what happens to a device or the server, at a time of its own. */
typedef enum
{
  ACT_CUSTOMER,
  ACT_BURST,
  ACT_COLLEAGUE,
  ACT_NOTE,
  ACT_BOT,
  ACT_CHANGE,
  ACT_STATUS,
  ACT_PATCH,
  ACT_MARK_ELSEWHERE,
  ACT_WINDOW,
  ACT_TRIM,
  ACT_ERASE,
  ACT_EPHEMERAL,
  ACT_NEW_CHAT,
  ACT_EXPIRE,
  ACT_EPOCH,
  ACT_RESTART,
  /* at a device */
  ACT_SEND,
  ACT_MARK,
  ACT_ALTER, /* a chat or a message */
  ACT_RESOLVE,
  ACT_WITHDRAW,
  ACT_LOOK,
  ACT_POKE,
  ACT_BREAK,
  ACT_HALF_OPEN,
  ACT_OFFLINE,
  ACT_TOKEN,
  ACT_SLEEP,
  ACT_CLOCK,
  ACT_DISK_FULL,
  ACT_KILL,
  ACT_QUIT,
  ACT_FORBID,
  N_ACTS,
} SimAct;
#define FAULT_LAST_BY_RATE FAULT_READ_SLOW
#define ACT_FIRST_OF_DEVICE ACT_SEND
#define ACT_FIRST_WRONG ACT_BREAK

/* ── A script: everything that was decided in an episode ────────────────────────────────────── */
typedef struct
{
  gboolean is_fault;
  guint kind;    /* SimAct or SimFault */
  guint device;
  guint64 chance; /* act: where its chance begins; fault: the event in which it happens */
  guint n;       /* fault: which of that event */
  guint round;
  gint64 after_us; /* since the round began */
  guint chat;    /* act */
} SimItem;

typedef struct
{
  guint64 seed;
  guint level;
  guint n_devices;
  gboolean disk;
  GArray *rounds; /* of gint64: how long each lasted */
  GArray *items;  /* of SimItem, in order of time */
} SimScript;

struct _Sim
{
  guint64 seed;
  struct { guint64 name, state; guint n_faults; } chance;
  gint64 now_us;
  guint64 serial;
  GPtrArray *heap;
  SimServer server;
  Device devices[SIM_DEVICES];
  guint n_devices;
  gboolean faults_on;
  gboolean quiet;
  double rates[N_FAULTS];
  gboolean disk; /* the caches stand on disks that fail */
  guint round;
  gint64 round_us;
  SimScript *record;       /* nullable: decisions are added */
  const SimScript *replay; /* nullable: decisions are taken from it */
  GHashTable *replay_faults; /* set of char* */
  GPtrArray *intents; /* of SimIntent */
  guint64 steps;
  guint64 hash;
  guint violations;
  guint property; /* of the first violation */
  gboolean trace;
  gboolean silent;
};

/* sim-core.c */
void sim_after (Sim *sim, Device *device, gint64 delay_us, SimFunc func, gpointer data, GDestroyNotify free_data);
gboolean sim_run_next (Sim *sim, gint64 until_us);
void sim_clear_events (Sim *sim);
void sim_set_chance (Sim *sim, guint64 seed);
guint64 sim_draw (Sim *sim);
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
void sim_server_change_canned (Sim *sim);
char *sim_canned_text (Sim *sim);
void sim_server_ephemeral (Sim *sim, SimChat *chat);
DeskCursor *sim_server_head (Sim *sim);
/* FALSE: expired, of another epoch or ahead. */
gboolean sim_server_takes_cursor (Sim *sim, const DeskCursor *cursor);

/* sim-answer.c: REST of both levels */
DeskSyncReply *sim_server_answer (Sim *sim, Device *device, const DeskRequest *request);
DeskSyncReply *sim_refusal (guint status, DeskCode code, gint64 retry_after_ms);

/* sim-change.c: changes of chats and messages */
DeskSyncReply *sim_answer_change (Device *device, SimChat *chat, const DeskOutboxEntry *entry);
void sim_check_change (Device *device, gint64 local_id);
void sim_change_something (Device *device, SimChat *chat);

/* sim-overlay.c: what is shown */
void sim_check_overlay (Device *device, const SimChat *chat);
char *sim_compare_canned (Device *device);

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
/* An intent of the manager: one batch, then the engine is told. Takes batch and data. */
void sim_device_intend (Device *device, DeskBatch *batch, SimStored stored, gpointer data);
gint64 sim_device_mono_us (Device *device);

/* sim-world.c */
void sim_world_start (Sim *sim);
/* Does it, with chance of its own. FALSE if it is out of place; then nothing was done. */
gboolean sim_act (Sim *sim, SimAct act, guint device, guint chat, guint64 chance);
void sim_world_calm (Sim *sim); /* ends every fault that lasts */
void sim_world_resolve (Device *device); /* the manager deals with what is stuck */

/* sim-episode.c */
void sim_episode (Sim *sim, int level);

/* sim-script.c */
SimScript *sim_script_new (void);
SimScript *sim_script_copy (const SimScript *self);
void sim_script_free (SimScript *self);
char *sim_script_format (const SimScript *self);
SimScript *sim_script_parse (const char *text, GError **error);
/* TRUE if this goes wrong now. */
gboolean sim_fault (Sim *sim, Device *device, SimFault fault);
void sim_script_replay (Sim *sim, const SimScript *script);
void sim_script_schedule (Sim *sim); /* the acts of the round that begins */
const char *sim_act_name (SimAct act);
const char *sim_fault_name (SimFault fault);

/* sim-cover.c: what met what, over all episodes */
void sim_cover_input (Device *device, const DeskInput *input);
void sim_cover_fault (Device *device, SimFault fault);
void sim_cover_act (Device *device, SimAct act);
/* Prints it; the number of pairs that are said to be impossible and were met, and if it has to be complete, of those that
 * are neither. */
guint sim_cover_print (gboolean complete);

/* sim-shrink.c */
typedef guint (*SimTry) (const SimScript *script, gpointer data); /* the property that fails, or 0 */
SimScript *sim_shrink (const SimScript *script, guint property, gint64 budget_us, SimTry try_script, gpointer data);

/* sim-disk.c */
const char *sim_disk_vfs (void);
void sim_disk_seed (guint64 seed);
SimDisk *sim_disk_new (Device *device, const char *dir);
void sim_disk_free (SimDisk *self, const char *dir);
gboolean sim_disk_is_dead (SimDisk *self);
void sim_disk_crash (SimDisk *self, gboolean power);
void sim_disk_set_calm (SimDisk *self, gboolean calm);
guint sim_disk_take_errors (SimDisk *self);
/* After a kill or a power cut: what is left is on the disk from now on. */
void sim_disk_restart (SimDisk *self);

/* sim-check.c */
void sim_check_commit (Device *device, const DeskBatch *batch, DeskNotice *notice);
guint64 sim_cache_digest (Device *device);
/* The cache was opened again after a kill: sound, and what it was. */
void sim_check_reopened (Device *device);
gint64 sim_count_waiting (Sim *sim);
/* Which device still has something to do, or NULL. */
char *sim_find_unsettled (Sim *sim);
/* The first difference between a cache and the server, or NULL; *property is set with it. */
char *sim_find_difference (Sim *sim, guint *property);
