/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include <stdio.h>

#include "sim.h"

/* Runs episodes until enough steps were taken. An episode is a server, some devices and a few rounds of faults, each
 * followed by quiet, in which everything has to converge. The last line tells seed, steps, violations and a hash over
 * every input and effect. */

#define ROUNDS 3
#define QUIET_LIMIT_US (15 * 60 * SIM_SECOND)
#define QUIET_STEP_US (10 * SIM_SECOND)

static gint64 option_steps = 200000;
static gint64 option_seed = 1;
static gint64 option_only = -1;
static int option_level = -1;
static gboolean option_trace;
static gboolean option_coverage;
static gboolean option_first;

static guint64 coverage[SIM_LINKS][DESK_N_INPUTS];

static void
intent_free (gpointer data)
{
  SimIntent *intent = data;

  g_free (intent->client_id);
  g_free (intent->text);
  g_free (intent);
}

static void
roll_faults (Sim *sim)
{
  SimFaults *f = &sim->faults;
  double *rates[] = { &f->frame_drop, &f->frame_dup, &f->frame_late, &f->call_lost, &f->call_lost_after, &f->call_5xx,
                      &f->call_5xx_after, &f->call_429, &f->call_garbage, &f->call_late, &f->call_dup };

  sim->faults_on = sim_chance (sim, 0.9);
  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    *rates[i] = sim->faults_on && sim_chance (sim, 0.5) ? desk_random_double (sim->random) * 0.12 : 0;
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
      if (sim->now_us > limit)
        sim_violation (sim, property, "after %d minutes of quiet: %s", (int) (QUIET_LIMIT_US / SIM_SECOND / 60), difference);
    }
}

static void
play (Sim *sim, guint64 steps)
{
  for (guint round = 0; round < ROUNDS && sim->violations == 0; round++)
    {
      guint64 until = sim->steps + steps / ROUNDS;

      roll_faults (sim);
      sim_world_start (sim);
      while (sim->steps < until && sim->violations == 0)
        sim_run_next (sim, G_MAXINT64);
      settle (sim);
    }
}

static void
run_episode (guint64 seed, Sim *total)
{
  Sim sim = { .seed = seed, .hash = total->hash, .now_us = SIM_SECOND, .trace = option_trace, .coverage = coverage };

  sim.random = desk_random_seeded_new (seed);
  sim.heap = g_ptr_array_new ();
  sim.intents = g_ptr_array_new_with_free_func (intent_free);
  sim_server_init (&sim, option_level >= 0 ? (guint) option_level : sim_chance (&sim, 0.6) ? 2 : 0);
  sim.n_devices = 1 + (guint) sim_below (&sim, SIM_DEVICES);
  for (guint i = 0; i < sim.n_devices; i++)
    {
      sim_device_open (&sim, i, (guint) sim_below (&sim, 2));
      sim.devices[i].no_backfill = sim_chance (&sim, 0.2);
      sim_device_start (&sim.devices[i]);
    }
  play (&sim, (guint64) sim_between (&sim, 600, 4000));
  total->steps += sim.steps;
  total->hash = sim.hash;
  total->violations += sim.violations;
  for (guint i = 0; i < sim.n_devices; i++)
    sim_device_close (&sim.devices[i]);
  sim_clear_events (&sim);
  g_ptr_array_unref (sim.heap);
  g_ptr_array_unref (sim.intents);
  sim_server_clear (&sim);
  desk_random_unref (sim.random);
}

static void
print_coverage (void)
{
  static const char *const links[SIM_LINKS] = { "stopped", "signed-out", "refused", "waiting", "discovering", "head",
                                                "chats", "connecting", "resuming", "live" };
  guint met = 0;

  G_STATIC_ASSERT (LINK_LIVE == SIM_LINKS - 1);
  for (guint type = 0; type < DESK_N_INPUTS; type++)
    {
      printf ("# %-16s", desk_input_type_to_string (type));
      for (guint link = 0; link < SIM_LINKS; link++)
        {
          printf (" %s=%" G_GUINT64_FORMAT, links[link], coverage[link][type]);
          met += coverage[link][type] > 0;
        }
      printf ("\n");
    }
  printf ("# coverage: %u of %u pairs of link state and input\n", met, SIM_LINKS * DESK_N_INPUTS);
}

int
main (int argc, char **argv)
{
  const GOptionEntry entries[] = {
    { "steps", 0, 0, G_OPTION_ARG_INT64, &option_steps, "How many steps of the engine at least", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &option_seed, "Where chance begins", "S" },
    { "episode", 0, 0, G_OPTION_ARG_INT64, &option_only, "Only this episode of the seed", "I" },
    { "level", 0, 0, G_OPTION_ARG_INT, &option_level, "Only servers of this level", "0|2" },
    { "trace", 0, 0, G_OPTION_ARG_NONE, &option_trace, "Print everything that happens", NULL },
    { "first", 0, 0, G_OPTION_ARG_NONE, &option_first, "End at the first violation", NULL },
    { "coverage", 0, 0, G_OPTION_ARG_NONE, &option_coverage, "Print which inputs met which states", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("— simulate servers, devices and faults");
  g_autoptr (GError) error = NULL;
  Sim total = { .hash = G_GUINT64_CONSTANT (14695981039346656037) };
  gint64 start = g_get_monotonic_time ();

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  for (gint64 i = MAX (option_only, 0); total.steps < (guint64) option_steps; i++)
    {
      guint violations = total.violations;

      run_episode ((guint64) option_seed * 1000003 + (guint64) i, &total);
      if (total.violations > violations)
        printf ("# again: --seed %" G_GINT64_FORMAT " --episode %" G_GINT64_FORMAT "%s%s\n", option_seed, i,
                option_level >= 0 ? " --level " : "", option_level == 0 ? "0" : option_level == 2 ? "2" : "");
      if (option_only >= 0 || total.violations >= (option_first ? 1 : 10))
        break;
    }
  if (option_coverage)
    print_coverage ();
  fprintf (stderr, "# %.0f steps a second\n",
           (double) total.steps / ((double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC));
  printf ("seed=%" G_GINT64_FORMAT " steps=%" G_GUINT64_FORMAT " violations=%u hash=%016" G_GINT64_MODIFIER "x\n",
          option_seed, total.steps, total.violations, total.hash);
  return total.violations > 0 ? 1 : 0;
}
