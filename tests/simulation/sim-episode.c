/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* An episode is a server, some devices and a few rounds of faults, each followed by quiet, in which everything has to
 * converge. It follows from its seed, or from a script that an earlier one left. */

#define ROUNDS 3
#define QUIET_LIMIT_US (15 * 60 * SIM_SECOND)
#define QUIET_STEP_US (10 * SIM_SECOND)
#define QUIET_ENTRY_US (16 * SIM_SECOND) /* a plain server and a wrong clock: nothing proves a send, the look times out */

static void
intent_free (gpointer data)
{
  SimIntent *intent = data;

  g_free (intent->client_id);
  g_free (intent->text);
  g_free (intent);
}

static guint64
seed_of (const Sim *sim, const char *what, guint n)
{
  return sim->seed * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + g_str_hash (what) * G_GUINT64_CONSTANT (1099511628211) + n;
}

static void
roll_faults (Sim *sim)
{
  sim->faults_on = sim_chance (sim, 0.9);
  for (guint i = 0; i <= FAULT_LAST_BY_RATE; i++)
    sim->rates[i] = sim_chance (sim, 0.5) && sim->faults_on ? (double) sim_below (sim, 12000) / 100000.0 : 0;
  if (!sim->faults_on)
    return;
  sim->rates[FAULT_WRITE_SLOW] /= 4;
  sim->rates[FAULT_TOKEN_FAILED] = 0.1;
  sim->rates[FAULT_TOKEN_REFUSED] = 0.15;
  sim->rates[FAULT_KILL_BETWEEN] = 0.0002;
  for (guint i = FAULT_DISK_POWER; sim->disk && i < N_FAULTS; i++)
    sim->rates[i] = sim_chance (sim, 0.7) ? (double) sim_below (sim, 100) / 100000.0 : 0;
}

static void
resolve_all (Sim *sim, Device *nobody, gpointer data)
{
  if (!sim->quiet)
    return;
  for (guint i = 0; i < sim->n_devices; i++)
    sim_world_resolve (&sim->devices[i]);
  sim_after (sim, NULL, 7 * SIM_SECOND, resolve_all, NULL, NULL);
}

/* Faults are over: everything has to become equal in bounded time. */
static void
settle (Sim *sim)
{
  gint64 limit = sim->now_us + QUIET_LIMIT_US;
  g_autofree char *difference = NULL;
  guint property = 10;

  sim_world_calm (sim);
  for (guint i = 0; i < sim->n_devices; i++) /* who sleeps may sleep on */
    limit = MAX (limit, sim->devices[i].asleep_until_us + QUIET_LIMIT_US);
  if (sim->server.level == 0)
    limit += sim_count_waiting (sim) * QUIET_ENTRY_US;
  resolve_all (sim, NULL, NULL);
  while (sim->violations == 0)
    {
      gint64 until = sim->now_us + QUIET_STEP_US;

      while (sim_run_next (sim, until) && sim->violations == 0)
        ;
      if (sim->violations > 0)
        return;
      property = 10;
      g_clear_pointer (&difference, g_free);
      difference = sim_find_unsettled (sim);
      if (difference == NULL)
        difference = sim_find_difference (sim, &property);
      if (difference == NULL)
        return;
      sim_trace (sim, "not quiet: %s", difference);
      if (sim->now_us > limit)
        sim_violation (sim, property, "after %d minutes of quiet: %s", (int) (QUIET_LIMIT_US / SIM_SECOND / 60), difference);
    }
}

static void
play_round (Sim *sim, guint64 steps)
{
  gint64 length;

  sim->round_us = sim->now_us;
  sim_set_chance (sim, seed_of (sim, "round", sim->round));
  if (sim->replay == NULL)
    roll_faults (sim);
  sim_world_start (sim);
  if (sim->replay != NULL)
    {
      gint64 until = sim->now_us + g_array_index (sim->replay->rounds, gint64, sim->round);

      while (sim->violations == 0 && sim_run_next (sim, until))
        ;
    }
  else
    {
      while (sim->steps < steps && sim->violations == 0)
        sim_run_next (sim, G_MAXINT64);
      while (sim->violations == 0 && sim_run_next (sim, sim->now_us)) /* all of this moment */
        ;
    }
  length = sim->now_us - sim->round_us;
  if (sim->record != NULL)
    g_array_append_val (sim->record->rounds, length);
  if (sim->violations > 0)
    return;
  sim_set_chance (sim, seed_of (sim, "quiet", sim->round));
  settle (sim);
}

static void
open_devices (Sim *sim)
{
  for (guint i = 0; i < sim->n_devices; i++)
    {
      sim_set_chance (sim, seed_of (sim, "device", i));
      sim_device_open (sim, i, (guint) sim_below (sim, 2));
      sim->devices[i].no_backfill = sim_chance (sim, 0.2);
      sim->devices[i].no_ws = sim_chance (sim, 0.1);
      sim_device_start (&sim->devices[i]);
    }
}

static void
clear (Sim *sim)
{
  for (guint i = 0; i < sim->n_devices; i++)
    sim_device_close (&sim->devices[i]);
  sim_clear_events (sim);
  g_ptr_array_unref (sim->heap);
  g_ptr_array_unref (sim->intents);
  g_clear_pointer (&sim->replay_faults, g_hash_table_unref);
  sim_server_clear (sim);
}

/* A complaint of the code itself is a violation, too. */
static void
on_log (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) != 0)
    sim_violation (data, 15, "%s says: %s", domain, message);
}

/* level: -1 by chance. With sim->replay the script tells all of that. */
void
sim_episode (Sim *sim, int level)
{
  guint64 steps;
  guint n_rounds = sim->replay ? sim->replay->rounds->len : ROUNDS, by_chance;

  g_log_set_default_handler (on_log, sim);
  sim->now_us = SIM_SECOND;
  sim->heap = g_ptr_array_new ();
  sim->intents = g_ptr_array_new_with_free_func (intent_free);
  sim_set_chance (sim, seed_of (sim, "episode", 0));
  by_chance = sim_chance (sim, 0.6) ? 2 : 0;
  sim->n_devices = 1 + (guint) sim_below (sim, SIM_DEVICES);
  steps = (guint64) sim_between (sim, 600, 4000);
  sim_server_init (sim, sim->replay ? sim->replay->level : level >= 0 ? (guint) level : by_chance);
  if (sim->replay != NULL)
    sim->n_devices = sim->replay->n_devices;
  if (sim->record != NULL)
    {
      sim->record->seed = sim->seed;
      sim->record->level = sim->server.level;
      sim->record->n_devices = sim->n_devices;
      sim->record->disk = sim->disk;
    }
  sim_disk_seed (sim->seed);
  open_devices (sim);
  for (sim->round = 0; sim->round < n_rounds && sim->violations == 0; sim->round++)
    play_round (sim, sim->steps + steps / ROUNDS);
  clear (sim);
  g_log_set_default_handler (g_log_default_handler, NULL);
}
