/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include <glib/gstdio.h>

#include "sim.h"

/* A client: the real engine, the real fold over a real SQLite file on a disk in memory, and between them what the driver
 * does. Batches are folded one after the other at some later time, as by the writer's thread; reads see what is
 * committed at their time. A kill throws the engine and everything under way away and keeps the file.
 *
 * The fold is called directly, not through the store's threads: two thread switches a batch would cost more than the
 * batch, and their timing would not be repeatable. */

static gint64
clock_now_ms (DeskClock *clock)
{
  Device *device = (Device *) ((char *) clock - G_STRUCT_OFFSET (Device, clock));

  return SIM_EPOCH_MS + device->sim->now_us / SIM_MS + device->wall_skew_ms;
}

gint64
sim_device_mono_us (Device *device)
{
  return device->sim->now_us - device->slept_us + SIM_SECOND;
}

static gint64
clock_monotonic_us (DeskClock *clock)
{
  return sim_device_mono_us ((Device *) ((char *) clock - G_STRUCT_OFFSET (Device, clock)));
}

/* ── The cache ──────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  guint64 id; /* of the engine's effect; 0: an intent */
  DeskBatch *batch;
  SimStored stored;
  gpointer data;
} Write;

typedef struct
{
  guint64 id;
  DeskBatchResult *result; /* NULL: failed */
  GPtrArray *list;
  gboolean outbox;
} Told;

static void
write_free (gpointer data)
{
  Write *write = data;

  g_clear_pointer (&write->batch, desk_batch_free);
  g_free (write);
}

static void
told_free (gpointer data)
{
  Told *told = data;

  g_clear_pointer (&told->result, desk_batch_result_free);
  g_clear_pointer (&told->list, g_ptr_array_unref);
  g_free (told);
}

static void
tell_stored (Sim *sim, Device *device, gpointer data)
{
  Told *told = data;
  DeskInput input = { .type = told->result ? DESK_INPUT_STORED : DESK_INPUT_STORE_FAILED,
                      .id = told->id,
                      .result = told->result,
                      .text = "The disk is full." };

  sim_device_feed (device, &input);
}

static void
tell_list (Sim *sim, Device *device, gpointer data)
{
  Told *told = data;
  DeskInput input = { .type = told->outbox ? DESK_INPUT_OUTBOX : DESK_INPUT_WANTED,
                      .entries = told->list,
                      .wanted = told->list };

  sim_device_feed (device, &input);
}

static void
tell_changed (Sim *sim, Device *device, gpointer data)
{
  DeskInput input = { .type = DESK_INPUT_OUTBOX_CHANGED };

  sim_device_feed (device, &input);
}

static void start_later (Sim *sim, Device *device, gpointer data);

/* Folding what the server told once more, as after a kill between commit and answer, changes nothing. */
static void
replay (Device *device, const DeskBatch *batch)
{
  g_autoptr (DeskFold) fold = NULL;
  g_autoptr (GError) error = NULL;
  guint64 before;

  for (guint i = 0; i < batch->ops->len; i++)
    {
      const DeskOp *op = g_ptr_array_index (batch->ops, i);

      if (op->type > DESK_OP_HINT && op->type != DESK_OP_CURSOR && op->type != DESK_OP_SETTING)
        return;
    }
  sim_disk_set_calm (device->disk, TRUE);
  before = sim_cache_digest (device);
  fold = desk_fold_new (device->db, &device->clock);
  if (!desk_db_begin (device->db, &error) || !desk_fold_apply (fold, batch, &error) || !desk_db_commit (device->db, &error))
    sim_violation (device->sim, 4, "device %u: a batch cannot be applied again: %s", device->index, error->message);
  else if (sim_cache_digest (device) != before)
    sim_violation (device->sim, 4, "device %u: a batch of %u changes, the first of type %d, is no no-op the second time",
                   device->index, batch->ops->len, ((DeskOp *) batch->ops->pdata[0])->type);
  sim_disk_set_calm (device->disk, FALSE);
}

/* The disk ended under us: the program is gone with it, and begins again later. */
static void
die_with_disk (Device *device)
{
  Sim *sim = device->sim;

  sim_device_kill (device);
  sim_after (sim, device, sim_between (sim, 100 * SIM_MS, 20 * SIM_SECOND), start_later, NULL, NULL);
}

static gboolean
fold_and_commit (Device *device, const DeskBatch *batch, DeskFold *fold, GError **error)
{
  if (!desk_fold_apply (fold, batch, error))
    return FALSE;
  if (device->disk_full)
    {
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL, "simulated");
      return FALSE;
    }
  if (device->sim->disk)
    device->kept_next = sim_cache_digest (device);
  return desk_store_commit (device->db, error);
}

static void
hanging_clear (gpointer data)
{
  g_clear_pointer (&((SimHanging *) data)->result, desk_batch_result_free);
}

/* It is over with this batch, and nobody can be told that it was kept. */
static void
take_back (Device *device, DeskFold *fold, const Write *write, const GError *error)
{
  Sim *sim = device->sim;
  SimHanging hanging = { .digest = device->kept_next, .stored = write->stored, .data = write->data };

  if (hanging.digest != 0 && (sim_disk_is_dead (device->disk) || g_error_matches (error, DESK_STORE_ERROR, DESK_STORE_ERROR_UNKNOWN)))
    {
      hanging.result = g_steal_pointer (&fold->result);
      g_array_append_val (device->hanging, hanging);
    }
  if (sim_disk_is_dead (device->disk))
    return;
  desk_db_rollback (device->db);
  if (error->domain != DESK_STORE_ERROR && sim_disk_take_errors (device->disk) == 0)
    sim_violation (sim, 4, "device %u: the cache refuses a batch: %s", device->index, error->message);
  else if (sim->disk && sim_cache_digest (device) != device->kept)
    sim_violation (sim, 13, "device %u: a batch that failed left something behind: %s", device->index, error->message);
}

/* One transaction; NULL if nothing of it was kept. */
static DeskBatchResult *
fold_batch (Device *device, const Write *write)
{
  g_autoptr (DeskFold) fold = desk_fold_new (device->db, &device->clock);
  g_autoptr (GError) error = NULL;

  sim_disk_take_errors (device->disk);
  device->kept_next = 0;
  if (!desk_db_begin (device->db, &error) || !fold_and_commit (device, write->batch, fold, &error))
    {
      take_back (device, fold, write, error);
      return NULL;
    }
  device->kept = device->kept_next;
  g_array_set_size (device->hanging, 0);
  if (sim_disk_is_dead (device->disk)) /* while the log was copied into the file, after the commit */
    return g_steal_pointer (&fold->result);
  sim_check_commit (device, write->batch, fold->notice);
  if (sim_chance (device->sim, 0.02))
    replay (device, write->batch);
  return g_steal_pointer (&fold->result);
}

static void
do_write (Sim *sim, Device *device, gpointer data)
{
  Write *write = data;
  DeskBatchResult *result = fold_batch (device, write);
  gint64 delay_us = sim_between (sim, 50, 3 * SIM_MS);
  Told *told;

  sim_trace (sim, "d%u %s %" G_GUINT64_FORMAT " (%u ops)", device->index, result ? "stored" : "NOT STORED", write->id,
             write->batch->ops->len);
  if (result != NULL && write->stored != NULL)
    write->stored (device, write->data, result);
  if (sim_disk_is_dead (device->disk))
    {
      g_clear_pointer (&result, desk_batch_result_free);
      die_with_disk (device);
      return;
    }
  if (write->id == 0)
    {
      if (result != NULL)
        sim_after (sim, device, delay_us, tell_changed, NULL, NULL);
      g_clear_pointer (&result, desk_batch_result_free);
      return;
    }
  told = g_new0 (Told, 1);
  told->id = write->id;
  told->result = result;
  sim_after (sim, device, delay_us, tell_stored, told, told_free);
}

static void
queue_write (Device *device, Write *write)
{
  Sim *sim = device->sim;
  gint64 takes = sim_between (sim, 100, sim_chance (sim, 0.02) ? 290 * SIM_MS : 4 * SIM_MS);

  if (sim_fault (sim, device, FAULT_WRITE_SLOW))
    takes += sim_between (sim, SIM_SECOND, 20 * SIM_SECOND);
  device->store_free_us = MAX (device->store_free_us, sim->now_us) + takes;
  sim_after (sim, device, device->store_free_us - sim->now_us, do_write, write, write_free);
}

void
sim_device_intend (Device *device, DeskBatch *batch, SimStored stored, gpointer data)
{
  Write *write = g_new0 (Write, 1);

  write->batch = batch;
  write->stored = stored;
  write->data = data;
  queue_write (device, write);
}

static void
do_read (Sim *sim, Device *device, gpointer data)
{
  guint limit = GPOINTER_TO_UINT (data);
  Told *told = g_new0 (Told, 1);
  g_autoptr (GError) error = NULL;

  told->outbox = limit == 0;
  told->list = told->outbox ? desk_query_outbox (device->db, &error) : desk_query_wanted (device->db, limit, &error);
  if (told->list == NULL)
    g_error ("simulated cache: %s", error->message);
  sim_after (sim, device,
             sim_fault (sim, device, FAULT_READ_SLOW) ? sim_between (sim, SIM_SECOND, 20 * SIM_SECOND)
                                                      : sim_between (sim, 50, 5 * SIM_MS),
             tell_list, told, told_free);
}

/* ── Effects ────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskTimer timer;
  guint64 serial;
} Alarm;

static void
ring (Sim *sim, Device *device, gpointer data)
{
  Alarm *alarm = data;
  DeskInput input = { .type = DESK_INPUT_TIMER, .timer = alarm->timer };

  if (device->timers[alarm->timer] != alarm->serial)
    return;
  device->timers[alarm->timer] = 0;
  sim_device_feed (device, &input);
}

static void
set_timer (Device *device, DeskTimer timer, gint64 delay_ms)
{
  Alarm *alarm = g_new0 (Alarm, 1);

  alarm->timer = timer;
  alarm->serial = device->timers[timer] = ++device->sim->serial;
  sim_after (device->sim, device, delay_ms * SIM_MS, ring, alarm, g_free);
}

static void
tell_token (Sim *sim, Device *device, gpointer data)
{
  DeskInput input = { .type = DESK_INPUT_TOKEN, .token_result = DESK_TOKEN_RENEWED };

  if (!device->online || sim->server.down || sim_fault (sim, device, FAULT_TOKEN_FAILED))
    input.token_result = DESK_TOKEN_FAILED;
  else if (sim_fault (sim, device, FAULT_TOKEN_REFUSED))
    input.token_result = DESK_TOKEN_REFUSED;
  else
    device->token_ok = TRUE;
  sim_device_feed (device, &input);
}

static void
start_later (Sim *sim, Device *device, gpointer data)
{
  device->token_ok = TRUE; /* the manager signed in */
  sim_device_start (device);
}

static void
sign_in (Sim *sim, Device *device, gpointer data)
{
  sim_device_kill (device);
  start_later (sim, device, data);
}

static void
do_effect (Device *device, DeskEffect *effect)
{
  Sim *sim = device->sim;

  sim_mix (sim, effect->type);
  switch (effect->type)
    {
    case DESK_EFFECT_REQUEST:
      sim_net_request (device, g_steal_pointer (&effect->request));
      break;
    case DESK_EFFECT_WS_CONNECT:
      sim_net_connect (device, effect->level, effect->cursor);
      break;
    case DESK_EFFECT_WS_CLOSE:
      sim_net_close (device);
      break;
    case DESK_EFFECT_REFRESH:
      sim_after (sim, device, sim_between (sim, 20 * SIM_MS, 2 * SIM_SECOND), tell_token, NULL, NULL);
      break;
    case DESK_EFFECT_APPLY:
      {
        Write *write = g_new0 (Write, 1);

        write->id = effect->id;
        write->batch = g_steal_pointer (&effect->batch);
        queue_write (device, write);
        break;
      }
    case DESK_EFFECT_READ_OUTBOX:
    case DESK_EFFECT_READ_WANTED:
      sim_after (sim, device, sim_between (sim, 50, 3 * SIM_MS), do_read,
                 GUINT_TO_POINTER (effect->type == DESK_EFFECT_READ_OUTBOX ? 0 : effect->limit), NULL);
      break;
    case DESK_EFFECT_SET_TIMER:
      set_timer (device, effect->timer, effect->delay_ms);
      break;
    case DESK_EFFECT_CLEAR_TIMER:
      device->timers[effect->timer] = 0;
      break;
    case DESK_EFFECT_WS_SEND:
    case DESK_EFFECT_STATE:
    case DESK_EFFECT_CAPABILITIES:
    case DESK_EFFECT_APPLIED:
    case DESK_EFFECT_EPHEMERAL:
    case DESK_EFFECT_PRESENCE:
    case DESK_EFFECT_FETCHED:
      break;
    }
}

void
sim_device_feed (Device *device, DeskInput *input)
{
  Sim *sim = device->sim;
  g_autoptr (GPtrArray) effects = NULL;
  guint generation = device->generation;
  Link link;

  if (device->engine == NULL)
    return;
  effects = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_effect_free);
  input->now_us = sim_device_mono_us (device);
  input->wall_ms = desk_clock_now_ms (&device->clock);
  link = device->engine->link;
  sim_cover_input (device, input);
  desk_engine_step (device->engine, input, effects);
  sim_trace (sim, "d%u %s %" G_GUINT64_FORMAT ": link %u to %u, %u effects", device->index, desk_input_type_to_string (input->type),
             input->type == DESK_INPUT_TIMER ? (guint64) input->timer : input->id, link, device->engine->link, effects->len);
  sim->steps++;
  sim_mix (sim, device->index * 64 + input->type);
  sim_mix (sim, (guint64) sim->now_us);
  for (guint i = 0; i < effects->len && device->generation == generation; i++)
    {
      if (sim_fault (sim, device, FAULT_KILL_BETWEEN))
        { /* killed between two effects */
          sim_device_kill (device);
          sim_after (sim, device, sim_between (sim, 100 * SIM_MS, 20 * SIM_SECOND), start_later, NULL, NULL);
          return;
        }
      do_effect (device, g_ptr_array_index (effects, i));
    }
  if (device->generation == generation && device->engine->link == LINK_SIGNED_OUT && link != LINK_SIGNED_OUT)
    sim_after (sim, device, sim_between (sim, SIM_SECOND, 60 * SIM_SECOND), sign_in, NULL, NULL);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

static gint64
setting_int (Device *device, const char *key)
{
  g_autofree char *text = desk_query_setting (device->db, key, NULL);

  return text ? g_ascii_strtoll (text, NULL, 10) : 0;
}

static gboolean
open_cache (Device *device)
{
  g_autoptr (GError) error = NULL;
  gboolean disk = device->sim->disk;

  if (device->db != NULL)
    return TRUE;
  sim_disk_take_errors (device->disk);
  device->db = desk_store_connect_writer (device->dir, sim_disk_vfs (), &error);
  if (device->db != NULL
      && !desk_db_exec (device->db,
                        disk ? "PRAGMA wal_autocheckpoint=40" /* not once in an episode */
                             : "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY",
                        &error))
    g_clear_pointer (&device->db, desk_db_close);
  if (device->db == NULL)
    {
      if (!sim_disk_is_dead (device->disk) && sim_disk_take_errors (device->disk) == 0)
        sim_violation (device->sim, 13, "device %u: the cache cannot be opened: %s", device->index, error->message);
      return FALSE;
    }
  sim_disk_set_calm (device->disk, TRUE);
  sim_check_reopened (device);
  sim_disk_set_calm (device->disk, FALSE);
  return TRUE;
}

static void
close_cache (Device *device)
{
  if (device->db != NULL && !sim_disk_is_dead (device->disk))
    desk_db_checkpoint (device->db, NULL); /* as the store does when it is closed */
  g_clear_pointer (&device->db, desk_db_close);
}

/* As the driver begins: everything it knows comes from the cache. */
static void
start_engine (Device *device)
{
  Sim *sim = device->sim;
  DeskEngineOptions options = { .random = device->random,
                                .username = sim_user_names[device->user],
                                .no_backfill = device->no_backfill };
  g_autofree char *cursor_text = desk_query_setting (device->db, "cursor", NULL);
  g_autofree char *caps_text = desk_query_setting (device->db, "capabilities", NULL);
  g_autoptr (DeskCursor) cursor = cursor_text ? desk_cursor_parse (cursor_text) : NULL;
  g_autoptr (DeskCapabilities) caps = NULL;
  DeskInput input = { .type = DESK_INPUT_START, .has_token = TRUE };

  if (caps_text != NULL)
    caps = desk_wire_read_capabilities (caps_text, strlen (caps_text), NULL);
  if (caps != NULL)
    caps->server_time_ms = 0;
  input.cursor = cursor;
  input.capabilities = caps;
  input.complete_to_ms = setting_int (device, "complete_to_ms");
  input.server_offset_ms = setting_int (device, "server_offset_ms");
  sim_trace (sim, "d%u start cursor %s", device->index, cursor_text);
  device->engine = desk_engine_new (&options);
  sim_device_feed (device, &input);
}

void
sim_device_start (Device *device)
{
  if (device->engine != NULL)
    return;
  if (sim_disk_is_dead (device->disk))
    {
      close_cache (device);
      sim_disk_restart (device->disk);
    }
  if (open_cache (device))
    start_engine (device);
  else if (device->sim->violations == 0)
    die_with_disk (device);
}

void
sim_device_kill (Device *device)
{
  sim_trace (device->sim, "d%u killed", device->index);
  device->generation++;
  if (device->sim->disk)
    {
      if (!device->sim->quiet && sim_chance (device->sim, 0.5))
        sim_disk_crash (device->disk, sim_chance (device->sim, 0.5));
      close_cache (device);
    }
  g_clear_pointer (&device->engine, desk_engine_free);
  device->ws = 0;
  device->ws_live = FALSE;
  device->store_free_us = 0;
  for (guint i = 0; i < DESK_N_TIMERS; i++)
    device->timers[i] = 0;
}

void
sim_device_open (Sim *sim, guint index, guint user)
{
  Device *device = &sim->devices[index];
  const char *base = g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir ();

  device->sim = sim;
  device->index = index;
  device->user = user;
  device->online = device->token_ok = TRUE;
  device->clock.now_ms = clock_now_ms;
  device->clock.monotonic_us = clock_monotonic_us;
  device->random = desk_random_seeded_new (sim_draw (sim));
  device->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  device->dir = g_strdup_printf ("%s/frontdesk-simulation-XXXXXX", base);
  if (g_mkdtemp (device->dir) == NULL)
    g_error ("no folder for a simulated cache: %s", device->dir);
  device->disk = sim_disk_new (device, device->dir);
  device->changes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  device->insisted = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  device->hanging = g_array_new (FALSE, FALSE, sizeof (SimHanging));
  g_array_set_clear_func (device->hanging, hanging_clear);
}

void
sim_device_close (Device *device)
{
  g_autofree char *path = g_build_filename (device->dir, DESK_STORE_FILE, NULL);

  g_clear_pointer (&device->engine, desk_engine_free);
  g_clear_pointer (&device->db, desk_db_close);
  sim_disk_free (device->disk, device->dir);
  g_unlink (path); /* empty: the name alone stands there */
  g_rmdir (device->dir);
  g_clear_pointer (&device->dir, g_free);
  g_clear_pointer (&device->random, desk_random_unref);
  g_clear_pointer (&device->seen, g_hash_table_unref);
  g_clear_pointer (&device->cursor, g_free);
  g_clear_pointer (&device->changes, g_hash_table_unref);
  g_clear_pointer (&device->insisted, g_hash_table_unref);
  g_clear_pointer (&device->hanging, g_array_unref);
}
