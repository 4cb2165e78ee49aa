/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

/* Runs episodes until enough steps were taken, or one script again. What fails is shrunk if there is a folder for it.
 * The last line tells seed, steps, violations and a hash over every input and effect. */

#define HASH_START G_GUINT64_CONSTANT (14695981039346656037)
#define TRY_SECONDS 30
#define CRASHED 99

static gint64 option_steps = 200000;
static gint64 option_seed = 1;
static gint64 option_only = -1;
static int option_level = -1;
static int option_shrink_seconds = 60;
static gboolean option_trace;
static gboolean option_coverage;
static gboolean option_complete;
static gboolean option_first;
static gboolean option_disk;
static gboolean option_verify;
static char *option_cases;
static char *option_replay;
static char *option_record;

/* In a process of its own: a script may end in an assertion. */
static guint
try_script (const SimScript *script, gpointer data)
{
  Sim sim = { .seed = script->seed, .disk = script->disk, .silent = TRUE, .hash = HASH_START };
  pid_t child;
  int status;

  fflush (NULL);
  child = fork ();
  if (child == 0)
    {
      if (freopen ("/dev/null", "w", stderr) == NULL)
        _exit (CRASHED);
      alarm (TRY_SECONDS);
      sim_script_replay (&sim, script);
      sim_episode (&sim, -1);
      _exit ((int) sim.property);
    }
  if (child < 0 || waitpid (child, &status, 0) != child)
    return 0;
  return WIFEXITED (status) ? (guint) WEXITSTATUS (status) : CRASHED;
}

static void
shrink (const SimScript *script, guint property, const char *name)
{
  g_autofree char *file = g_strdup_printf ("%s.sim", name);
  g_autofree char *path = g_build_filename (option_cases, file, NULL);
  g_autofree char *body = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  SimScript *small;

  small = sim_shrink (script, property, option_shrink_seconds * SIM_SECOND, try_script, NULL);
  if (small == NULL)
    {
      printf ("# played again by its script it does not fail\n");
      return;
    }
  body = sim_script_format (small);
  text = g_strdup_printf ("# property %u\n%s", property, body);
  printf ("# shrunk from %u to %u decisions, %s:\n%s", script->items->len, small->items->len, path, text);
  if (!g_file_set_contents (path, text, -1, &error))
    printf ("# %s\n", error->message);
  sim_script_free (small);
}

/* Played by its script an episode is the same. */
static void
verify (const Sim *first, const SimScript *script, guint64 hash_before)
{
  Sim sim = { .seed = script->seed, .disk = script->disk, .silent = TRUE, .hash = hash_before };

  sim_script_replay (&sim, script);
  sim_episode (&sim, -1);
  if (sim.hash != first->hash || sim.steps != first->steps)
    {
      printf ("# episode %" G_GUINT64_FORMAT " is another one when it is played by its script\n", script->seed);
      exit (3);
    }
}

static void
add (Sim *total, const Sim *sim)
{
  total->steps += sim->steps;
  total->hash = sim->hash;
  total->violations += sim->violations;
}

static void
run_episode (gint64 i, Sim *total)
{
  guint64 hash = total->hash;
  Sim sim = { .seed = (guint64) option_seed * 1000003 + (guint64) i, .hash = hash, .trace = option_trace, .disk = option_disk };

  sim.record = sim_script_new ();
  sim_episode (&sim, option_level);
  add (total, &sim);
  if (option_verify && sim.violations == 0)
    verify (&sim, sim.record, hash);
  if (option_record != NULL)
    {
      g_autofree char *text = sim_script_format (sim.record);

      g_file_set_contents (option_record, text, -1, NULL);
    }
  if (sim.violations > 0)
    {
      g_autofree char *name = g_strdup_printf ("property-%u-%" G_GUINT64_FORMAT, sim.property, sim.seed);

      printf ("# again: --seed %" G_GINT64_FORMAT " --episode %" G_GINT64_FORMAT "%s%s%s\n", option_seed, i,
              option_level >= 0 ? " --level " : "", option_level == 0 ? "0" : option_level == 2 ? "2" : "",
              option_disk ? " --disk" : "");
      if (option_cases != NULL)
        shrink (sim.record, sim.property, name);
    }
  sim_script_free (sim.record);
}

static int
replay_file (const char *path)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  Sim sim = { .hash = HASH_START, .trace = option_trace };
  SimScript *script = NULL;

  if (g_file_get_contents (path, &text, NULL, &error))
    script = sim_script_parse (text, &error);
  if (script == NULL)
    {
      printf ("%s: %s\n", path, error->message);
      return 2;
    }
  sim.seed = script->seed;
  sim.disk = script->disk;
  sim_script_replay (&sim, script);
  sim_episode (&sim, -1);
  printf ("seed=%" G_GUINT64_FORMAT " steps=%" G_GUINT64_FORMAT " violations=%u hash=%016" G_GINT64_MODIFIER "x\n", sim.seed,
          sim.steps, sim.violations, sim.hash);
  sim_script_free (script);
  return sim.violations > 0 ? 1 : 0;
}

int
main (int argc, char **argv)
{
  const GOptionEntry entries[] = {
    { "steps", 0, 0, G_OPTION_ARG_INT64, &option_steps, "How many steps of the engine at least", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &option_seed, "Where chance begins", "S" },
    { "episode", 0, 0, G_OPTION_ARG_INT64, &option_only, "Only this episode of the seed", "I" },
    { "level", 0, 0, G_OPTION_ARG_INT, &option_level, "Only servers of this level", "0|2" },
    { "disk", 0, 0, G_OPTION_ARG_NONE, &option_disk, "The caches stand on disks that fail", NULL },
    { "trace", 0, 0, G_OPTION_ARG_NONE, &option_trace, "Print everything that happens", NULL },
    { "first", 0, 0, G_OPTION_ARG_NONE, &option_first, "End at the first violation", NULL },
    { "coverage", 0, 0, G_OPTION_ARG_NONE, &option_coverage, "Print what met which states", NULL },
    { "complete", 0, 0, G_OPTION_ARG_NONE, &option_complete, "Fail if a pair of state and input was not met", NULL },
    { "verify", 0, 0, G_OPTION_ARG_NONE, &option_verify, "Play each episode again by its script", NULL },
    { "cases", 0, 0, G_OPTION_ARG_FILENAME, &option_cases, "Shrink what fails, and write it there", "FOLDER" },
    { "shrink-seconds", 0, 0, G_OPTION_ARG_INT, &option_shrink_seconds, "How long to shrink", "N" },
    { "replay", 0, 0, G_OPTION_ARG_FILENAME, &option_replay, "Only this script", "FILE" },
    { "record", 0, 0, G_OPTION_ARG_FILENAME, &option_record, "Write the script of the (last) episode", "FILE" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("— simulate servers, devices and faults");
  g_autoptr (GError) error = NULL;
  Sim total = { .hash = HASH_START };
  gint64 start = g_get_monotonic_time ();
  guint holes = 0;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (option_replay != NULL)
    return replay_file (option_replay);
  for (gint64 i = MAX (option_only, 0); total.steps < (guint64) option_steps; i++)
    {
      run_episode (i, &total);
      if (option_only >= 0 || total.violations >= (option_first ? 1 : 10))
        break;
    }
  if (option_coverage || option_complete)
    holes = sim_cover_print (option_complete);
  fprintf (stderr, "# %.0f steps a second\n",
           (double) total.steps / ((double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC));
  printf ("seed=%" G_GINT64_FORMAT " steps=%" G_GUINT64_FORMAT " violations=%u hash=%016" G_GINT64_MODIFIER "x\n",
          option_seed, total.steps, total.violations, total.hash);
  return total.violations > 0 ? 1 : holes > 0 ? 4 : 0;
}
