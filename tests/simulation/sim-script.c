/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* Everything that was decided by chance in an episode and matters, as a list that can be cut and played again: what
 * somebody did, with its time, and each fault, with the event in which it happened. All else (delays, texts) follows
 * from the seeds in it. As text, a line each:
 *   seed N | level N | devices N | disk N
 *   round US                          how long it lasted; faults end with it
 *   act ROUND US KIND dN cN CHANCE    device and chat by number
 *   fault ROUND US KIND dN EVENT N    the N-th decision within that event; round and time are for the reader */

const char *
sim_act_name (SimAct act)
{
  static const char *const names[N_ACTS]
      = { "customer", "burst",   "colleague", "note",    "bot",   "change",  "status", "patch", "mark-elsewhere", "window",    "trim",
          "erase",    "ephemeral", "new-chat",  "expire",  "epoch", "restart", "send",   "mark",  "alter",   "resolve",        "withdraw",  "look",
          "poke",     "break",   "half-open", "offline", "token", "sleep",   "clock",  "disk-full", "kill",       "quit",      "forbid" };

  return names[act];
}

const char *
sim_fault_name (SimFault fault)
{
  static const char *const names[N_FAULTS]
      = { "frame-drop",   "frame-dup", "frame-late", "call-lost", "call-lost-after", "call-5xx",      "call-5xx-after",
          "call-429",     "call-garbage", "call-late", "call-dup",  "call-slow", "write-slow", "read-slow", "token-failed",    "token-refused", "kill-between",
          "disk-power",   "disk-kill", "disk-io",    "disk-full", "disk-short" };

  return names[fault];
}

SimScript *
sim_script_new (void)
{
  SimScript *self = g_new0 (SimScript, 1);

  self->rounds = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->items = g_array_new (FALSE, FALSE, sizeof (SimItem));
  return self;
}

SimScript *
sim_script_copy (const SimScript *self)
{
  SimScript *copy = g_memdup2 (self, sizeof *self);

  copy->rounds = g_array_copy (self->rounds);
  copy->items = g_array_copy (self->items);
  return copy;
}

void
sim_script_free (SimScript *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->rounds);
  g_array_unref (self->items);
  g_free (self);
}

/* ── Text ───────────────────────────────────────────────────────────────────────────────────── */

char *
sim_script_format (const SimScript *self)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "seed %" G_GUINT64_FORMAT "\nlevel %u\ndevices %u\ndisk %d\n", self->seed, self->level,
                          self->n_devices, self->disk);
  for (guint i = 0; i < self->rounds->len; i++)
    g_string_append_printf (text, "round %" G_GINT64_FORMAT "\n", g_array_index (self->rounds, gint64, i));
  for (guint i = 0; i < self->items->len; i++)
    {
      const SimItem *item = &g_array_index (self->items, SimItem, i);

      g_string_append_printf (text, "%s %u %" G_GINT64_FORMAT " %s d%u ", item->is_fault ? "fault" : "act", item->round,
                              item->after_us, item->is_fault ? sim_fault_name (item->kind) : sim_act_name (item->kind),
                              item->device);
      if (item->is_fault)
        g_string_append_printf (text, "%016" G_GINT64_MODIFIER "x %u\n", item->chance, item->n);
      else
        g_string_append_printf (text, "c%u %016" G_GINT64_MODIFIER "x\n", item->chat, item->chance);
    }
  return g_string_free (text, FALSE);
}

static gboolean
parse_kind (SimItem *item, const char *word)
{
  guint n = item->is_fault ? N_FAULTS : N_ACTS;

  for (item->kind = 0; item->kind < n; item->kind++)
    if (g_str_equal (word, item->is_fault ? sim_fault_name (item->kind) : sim_act_name (item->kind)))
      return TRUE;
  return FALSE;
}

static gboolean
parse_item (SimScript *self, char **words)
{
  SimItem item = { .is_fault = g_str_equal (words[0], "fault") };

  if (g_strv_length (words) != 7 || words[4][0] != 'd' || !parse_kind (&item, words[3]))
    return FALSE;
  item.round = (guint) g_ascii_strtoull (words[1], NULL, 10);
  item.after_us = g_ascii_strtoll (words[2], NULL, 10);
  item.device = (guint) g_ascii_strtoull (words[4] + 1, NULL, 10);
  item.chance = g_ascii_strtoull (words[item.is_fault ? 5 : 6], NULL, 16);
  if (item.is_fault)
    item.n = (guint) g_ascii_strtoull (words[6], NULL, 10);
  else
    item.chat = (guint) g_ascii_strtoull (words[5] + 1, NULL, 10);
  g_array_append_val (self->items, item);
  return item.device < SIM_DEVICES;
}

static gboolean
parse_line (SimScript *self, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  guint64 value;
  gint64 length;

  if (line[0] == '#' || line[0] == '\0')
    return TRUE;
  if (g_str_equal (words[0], "act") || g_str_equal (words[0], "fault"))
    return parse_item (self, words);
  if (words[1] == NULL)
    return FALSE;
  value = g_ascii_strtoull (words[1], NULL, 10);
  length = (gint64) value;
  if (g_str_equal (words[0], "seed"))
    self->seed = value;
  else if (g_str_equal (words[0], "level"))
    self->level = (guint) value;
  else if (g_str_equal (words[0], "devices"))
    self->n_devices = (guint) CLAMP (value, 1, SIM_DEVICES);
  else if (g_str_equal (words[0], "disk"))
    self->disk = value != 0;
  else if (g_str_equal (words[0], "round"))
    g_array_append_val (self->rounds, length);
  else
    return FALSE;
  return TRUE;
}

SimScript *
sim_script_parse (const char *text, GError **error)
{
  SimScript *self = sim_script_new ();
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (!parse_line (self, lines[i]))
      {
        g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "line %u: %s", i + 1, lines[i]);
        sim_script_free (self);
        return NULL;
      }
  return self;
}

/* ── Decisions ──────────────────────────────────────────────────────────────────────────────── */

static char *
fault_key (guint64 event, guint n, guint kind)
{
  return g_strdup_printf ("%" G_GINT64_MODIFIER "x %u %u", event, n, kind);
}

gboolean
sim_fault (Sim *sim, Device *device, SimFault fault)
{
  guint n = sim->chance.n_faults++;
  gboolean yes = sim_chance (sim, sim->rates[fault]);
  SimItem item = { .is_fault = TRUE, .kind = fault, .device = device->index, .chance = sim->chance.name, .n = n };

  if (sim->replay != NULL)
    {
      g_autofree char *key = NULL;

      if (sim->quiet || g_hash_table_size (sim->replay_faults) == 0)
        return FALSE;
      key = fault_key (item.chance, n, fault);
      yes = g_hash_table_contains (sim->replay_faults, key);
    }
  if (!yes || sim->quiet)
    return FALSE;
  if (sim->record != NULL)
    {
      item.round = sim->round;
      item.after_us = sim->now_us - sim->round_us;
      g_array_append_val (sim->record->items, item);
    }
  sim_cover_fault (device, fault);
  return TRUE;
}

void
sim_script_replay (Sim *sim, const SimScript *script)
{
  sim->replay = script;
  sim->replay_faults = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < script->items->len; i++)
    {
      const SimItem *item = &g_array_index (script->items, SimItem, i);

      if (item->is_fault)
        g_hash_table_add (sim->replay_faults, fault_key (item->chance, item->n, item->kind));
    }
}

static void
do_item (Sim *sim, Device *nobody, gpointer data)
{
  const SimItem *item = data;

  if (!sim->quiet)
    sim_act (sim, item->kind, item->device, item->chat, item->chance);
}

void
sim_script_schedule (Sim *sim)
{
  for (guint i = 0; i < sim->replay->items->len; i++)
    {
      SimItem *item = &g_array_index (sim->replay->items, SimItem, i);

      if (!item->is_fault && item->round == sim->round && item->device < sim->n_devices)
        sim_after (sim, NULL, item->after_us, do_item, item, NULL);
    }
}
