/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

/* What the HTTP front costs, on a store of 1,000,000 messages:
 *  - a page of 50 messages of any chat, against a bare libmicrohttpd handler which returns as many
 *    bytes from memory;
 *  - a durable reply from 64 connections, against its SQLite statements in transactions of 64.
 * Both goals are half the yardstick. The two sides of a ratio take turns, and the median of the
 * turns' ratios counts, because others share the machine.
 *
 *     bench-http FRONTDESKD BARE FOLDER [SLICE-MS [PAIRS]]
 *
 * FOLDER keeps the store between runs. */

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench-http-load.h"
#include "bench-http-store.h"
#include "bench-raw-send.h"
#include "server/store/sqlite/desk-store-sqlite.h"

#define PAGE      50
#define GROUP     64 /* writers, and statements of a transaction of the yardstick */
#define MAX_PAIRS 101
#define GOAL      0.5
#define TEXT      "Thank you for your message, we shall have a look and come back to you today."

typedef struct
{
  GPid pid;
  guint16 port;
  int in, out;
} Server;

typedef struct
{
  gint64 slice_us;
  guint pairs;
  char *folder; /* of this run */
  char *token;
  guint64 number; /* of keys */
  GRand *rand;
  Server desk, bare;
  char *page; /* an answer as frontdeskd gives it */
  gsize page_len;
  DeskServerStore *raw;
  RawSend raw_send;
} Bench;

/* One side's slice: rate a second, and the server's CPU time for one. */
typedef struct
{
  double rate;
  double cpu_us;
} Slice;
typedef Slice (*SliceFunc) (Bench *self, gpointer data);

/* ── Servers ────────────────────────────────────────────────────────────────────────────────── */
static void
die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static void
start_server (Server *self, char **argv)
{
  g_autoptr (GError) error = NULL;
  char line[256] = "";

  if (!g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent, NULL,
                                 &self->pid, &self->in, &self->out, NULL, &error))
    g_error ("%s", error->message);
  FILE *out = fdopen (self->out, "r");
  if (fgets (line, sizeof line, out) == NULL)
    g_error ("%s did not start", argv[0]);
  const char *colon = strrchr (line, ':');
  self->port = (guint16)strtoul (colon != NULL ? colon + 1 : line, NULL, 10);
}

static void
stop_server (Server *self)
{
  close (self->in);
  kill (self->pid, SIGTERM);
  waitpid (self->pid, NULL, 0);
}

static double
cpu_us_of (GPid pid)
{
  g_autofree char *tasks = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) dir = g_dir_open (tasks, 0, NULL);
  const char *name;
  double sum = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *file = g_build_filename (tasks, name, "schedstat", NULL);
      g_autofree char *text = NULL;
      if (g_file_get_contents (file, &text, NULL, NULL))
        sum += g_ascii_strtod (text, NULL) / 1000;
    }
  return sum;
}

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */
static void
append_path (Bench *self, GString *out, const char *method, const char *rest)
{
  g_string_append_printf (out, "%s /api/v1/crm/chats/" STORE_PLATFORM "/%u%s HTTP/1.1\r\n"
                          "Host: localhost\r\nAuthorization: Bearer %s\r\n",
                          method, 700000000 + g_rand_int_range (self->rand, 0, STORE_CHATS), rest,
                          self->token);
}

static void
ask_page (GString *out, gpointer data)
{
  append_path (data, out, "GET", "/messages?limit=50");
  g_string_append (out, "\r\n");
}

static void
ask_send (GString *out, gpointer data)
{
  Bench *self = data;
  char body[256];
  int len = g_snprintf (body, sizeof body,
                        "{\"text\":\"" TEXT "\",\"client_message_id\":\"http-%012" G_GUINT64_FORMAT
                        "\"}",
                        ++self->number);

  append_path (self, out, "POST", "/send");
  g_string_append_printf (out, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len,
                          body);
}

/* ── Slices ─────────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  Server *server;
  HttpLoad *load;
  guint status;
  gsize body_bytes; /* how many bytes an answer has on the average; 0: unknown */
} HttpSide;

static Slice
run_http (Bench *self, gpointer data)
{
  HttpSide *side = data;
  const double before_us = cpu_us_of (side->server->pid);
  const HttpLoadResult result = http_load_run (side->load, self->slice_us, side->status);
  const double per_answer = (double)result.body_bytes / (double)MAX (result.answers, 1);

  if (side->body_bytes > 0 && (per_answer < 0.98 * (double)side->body_bytes
                               || per_answer > 1.02 * (double)side->body_bytes))
    g_error ("Answers have %.0f bytes instead of %" G_GSIZE_FORMAT, per_answer, side->body_bytes);
  return (Slice){ (double)result.answers / result.seconds,
                  (cpu_us_of (side->server->pid) - before_us) / (double)result.answers };
}

static gboolean
raw_group (DeskServerTx *tx, gpointer data, GError **error)
{
  Bench *self = data;

  for (guint i = 0; i < GROUP; i++)
    {
      char user_id[24];
      g_snprintf (user_id, sizeof user_id, "%u",
                  700000000 + g_rand_int_range (self->rand, 0, STORE_CHATS));
      self->raw_send.platform = STORE_PLATFORM;
      self->raw_send.user_id = user_id;
      self->raw_send.number++;
      if (!raw_send_run (tx, &self->raw_send, error))
        return FALSE;
    }
  return TRUE;
}

static Slice
run_raw (Bench *self, gpointer data)
{
  g_autoptr (GError) error = NULL;
  const double before_us = cpu_us_of (getpid ());
  const gint64 start_us = g_get_monotonic_time ();
  gint64 spent_us;
  guint64 n = 0;

  do
    {
      if (!desk_server_store_run (self->raw, raw_group, self, &error))
        g_error ("%s", error->message);
      n += GROUP;
      spent_us = g_get_monotonic_time () - start_us;
    }
  while (spent_us < self->slice_us);
  return (Slice){ (double)n * 1e6 / (double)spent_us,
                  (cpu_us_of (getpid ()) - before_us) / (double)n };
}

/* ── Ratios ─────────────────────────────────────────────────────────────────────────────────── */
static int
compare_doubles (const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

static double
median (double *values, guint n)
{
  qsort (values, n, sizeof *values, compare_doubles);
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Returns whether the goal is met. The first pair warms up and does not count. */
static gboolean
compare (Bench *self,
         const char *title,
         SliceFunc ours,
         gpointer our_data,
         SliceFunc theirs,
         gpointer their_data)
{
  double ratios[MAX_PAIRS], our_rates[MAX_PAIRS], their_rates[MAX_PAIRS];
  double our_cpu[MAX_PAIRS], their_cpu[MAX_PAIRS];

  ours (self, our_data);
  theirs (self, their_data);
  g_print ("%s\n", title);
  for (guint i = 0; i < self->pairs; i++)
    {
      const Slice a = ours (self, our_data), b = theirs (self, their_data);
      our_rates[i] = a.rate;
      their_rates[i] = b.rate;
      our_cpu[i] = a.cpu_us;
      their_cpu[i] = b.cpu_us;
      ratios[i] = a.rate / b.rate;
      g_print ("  %8.0f /s, %6.1f us CPU  against %8.0f /s, %6.1f us CPU: %.2f\n", a.rate, a.cpu_us,
               b.rate, b.cpu_us, ratios[i]);
    }
  const double ratio = median (ratios, self->pairs);
  const double our_us = median (our_cpu, self->pairs), their_us = median (their_cpu, self->pairs);
  g_print ("  median: %.0f /s against %.0f /s, ratio %.2f (goal: at least %.2f); CPU %.1f us against "
           "%.1f us\n",
           median (our_rates, self->pairs), median (their_rates, self->pairs), ratio, GOAL, our_us,
           their_us);
  return ratio >= GOAL;
}

static gboolean
bench_pages (Bench *self, guint n)
{
  HttpSide ours = { .server = &self->desk, .status = 200, .body_bytes = self->page_len };
  HttpSide theirs = { .server = &self->bare, .status = 200, .body_bytes = self->page_len };
  g_autofree char *title
      = g_strdup_printf ("page of %d (%" G_GSIZE_FORMAT " bytes), %u connections, against the bare "
                         "handler",
                         PAGE, self->page_len, n);

  ours.load = http_load_new (self->desk.port, n, ask_page, self);
  theirs.load = http_load_new (self->bare.port, n, ask_page, self);
  const gboolean ok = compare (self, title, run_http, &ours, run_http, &theirs);
  http_load_free (ours.load);
  http_load_free (theirs.load);
  return ok;
}

static gboolean
bench_sends (Bench *self)
{
  HttpSide ours = { .server = &self->desk, .status = 201 };

  ours.load = http_load_new (self->desk.port, GROUP, ask_send, self);
  const gboolean ok
      = compare (self, "durable replies, 64 connections, against transactions of 64 without HTTP",
                 run_http, &ours, run_raw, NULL);
  http_load_free (ours.load);
  return ok;
}

/* ── Start and end ──────────────────────────────────────────────────────────────────────────── */
static void
start_desk (Bench *self, char *program)
{
  g_autofree char *config = g_build_filename (self->folder, "bench.conf", NULL);
  char *argv[] = { program, (char *)"--data", self->folder, (char *)"--listen",
                   (char *)"127.0.0.1:0", (char *)"--config", config, NULL };

  g_file_set_contents (config,
                       "[limits]\nrequests_per_minute=0\n"
                       "[retention]\nmessages_per_chat=0\ndays=0\n",
                       -1, NULL);
  start_server (&self->desk, argv);
}

static void
start_bare (Bench *self, char *program)
{
  g_autofree char *file = g_build_filename (self->folder, "page.json", NULL);
  char *argv[] = { program, file, NULL };

  self->page = http_load_fetch (self->desk.port, ask_page, self, &self->page_len);
  g_file_set_contents (file, self->page, (gssize)self->page_len, NULL);
  start_server (&self->bare, argv);
}

static void
open_raw (Bench *self, const char *store)
{
  g_autofree char *folder = g_build_filename (self->folder, "raw", NULL);
  g_autoptr (GError) error = NULL;
  const DeskStoreSqliteOptions options = { 0 };

  g_mkdir (folder, 0700);
  g_autofree char *path = bench_store_copy (store, folder);
  self->raw = desk_store_sqlite_open (path, &options, &error);
  if (self->raw == NULL)
    g_error ("%s", error->message);
  self->raw_send.body = g_strnfill (620, 'b'); /* as long as what the service writes */
}

static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        remove_folder (path);
      else
        g_unlink (path);
    }
  g_rmdir (folder);
}

static gboolean
run_all (Bench *self, char **argv, const char *store)
{
  g_autofree char *copy = bench_store_copy (store, self->folder);

  start_desk (self, argv[1]);
  start_bare (self, argv[2]);
  gboolean ok = bench_pages (self, 16);
  ok &= bench_pages (self, 64);
  open_raw (self, store);
  ok &= bench_sends (self);
  self->raw->ops->close (self->raw);
  stop_server (&self->bare);
  stop_server (&self->desk);
  return ok;
}

int
main (int argc, char **argv)
{
  if (argc < 4)
    {
      g_printerr ("bench-http FRONTDESKD BARE FOLDER [SLICE-MS [PAIRS]]\n");
      return 2;
    }
  g_autofree char *store = g_build_filename (argv[3], "million.db", NULL);
  g_autofree char *token = g_build_filename (argv[3], "million.token", NULL);
  Bench self = { .slice_us = 200000, .pairs = 25 };

  if (argc > 4)
    self.slice_us = g_ascii_strtoll (argv[4], NULL, 10) * 1000;
  if (argc > 5)
    self.pairs = CLAMP ((guint)g_ascii_strtoull (argv[5], NULL, 10), 1, MAX_PAIRS);
  g_mkdir_with_parents (argv[3], 0700);
  bench_store_make (store, token);
  if (!g_file_get_contents (token, &self.token, NULL, NULL))
    g_error ("%s cannot be read", token);
  self.rand = g_rand_new_with_seed (7);
  self.folder = g_build_filename (argv[3], "run", NULL);
  remove_folder (self.folder); /* of a run that was broken off */
  if (g_mkdir (self.folder, 0700) != 0)
    g_error ("%s cannot be made", self.folder);
  const gboolean ok = run_all (&self, argv, store);
  remove_folder (self.folder);
  return ok ? 0 : 1;
}
