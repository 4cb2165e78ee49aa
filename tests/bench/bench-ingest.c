/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

/* Webhooks into a real frontdeskd: how many a second are durable at 1, 8 and 64 connections,
 * against the same rows in the same store with group commit and nothing else; and how long it takes
 * from a webhook's moment to the frame on a websocket, at a steady rate and in a spike. Every
 * message has a number, and all numbers are looked for at the end.
 *
 *   bench-ingest FRONTDESKD [SECONDS OF THE STEADY RATE, 20 [RATE, 1667]]
 *
 * Moments are those of the schedule, not of the sending: a server that holds up its callers does
 * not look fast for it. Ratios within one run count, never absolute numbers. */

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench-http-load.h"
#include "server/service/desk-service.h"
#include "server/store/sqlite/desk-store-sqlite.h"

#define SLICE_US (4 * G_USEC_PER_SEC)
#define CHATS    500
#define SENDERS  64
#define SPIKE_S  10
#define GRACE_US (20 * G_USEC_PER_SEC)

typedef struct
{
  char *folder;
  char *token;
  GPid pid;
  guint16 port;
  int in, out;
  gint64 next_number; /* of messages, from 1 */
} Bench;

/* ── The server ─────────────────────────────────────────────────────────────────────────────── */

static void
die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static char *
run_command (char **argv, const char *input)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      (const char *const *)argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
      &error);
  char *output = NULL;

  if (process == NULL || !g_subprocess_communicate_utf8 (process, input, NULL, &output, NULL, &error)
      || !g_subprocess_get_successful (process))
    g_error ("%s %s: %s", argv[0], argv[1], error != NULL ? error->message : "failed");
  return g_strchomp (output);
}

static void
start_server (Bench *self, const char *frontdeskd)
{
  g_autofree char *config = g_build_filename (self->folder, "bench.conf", NULL);
  g_autoptr (GError) error = NULL;
  char line[256] = "";
  char *argv[] = { (char *)frontdeskd, (char *)"--config", config,       (char *)"--data",
                   self->folder,       (char *)"--listen", (char *)"127.0.0.1:0", NULL };
  char *add[] = { (char *)frontdeskd, (char *)"user",   (char *)"add",  (char *)"bench",
                  (char *)"--password-stdin", (char *)"--data", self->folder,    NULL };
  char *create[] = { (char *)frontdeskd, (char *)"token",  (char *)"create", (char *)"bench",
                     (char *)"--data",   self->folder,     NULL };

  g_setenv ("BENCH_TOKEN", "1:bench", TRUE);
  g_setenv ("BENCH_SECRET", "bench", TRUE);
  g_file_set_contents (config,
                       "[server]\npublic_url=https://bench.invalid\n"
                       "[connection bench]\nplatform=telegram\nmode=webhook\n"
                       "base_url=http://127.0.0.1:9\ntoken_env=BENCH_TOKEN\n"
                       "webhook_secret_env=BENCH_SECRET\n[limits]\nrequests_per_minute=0\n",
                       -1, NULL);
  g_free (run_command (add, "bench password\n"));
  self->token = run_command (create, "");
  if (!g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL,
                                 die_with_parent, NULL, &self->pid, &self->in, &self->out, NULL,
                                 &error))
    g_error ("%s", error->message);
  FILE *out = fdopen (self->out, "r");
  if (fgets (line, sizeof line, out) == NULL)
    g_error ("%s did not start", frontdeskd);
  self->port = (guint16)strtoul (strrchr (line, ':') + 1, NULL, 10);
}

/* ── Requests ───────────────────────────────────────────────────────────────────────────────── */

static int
format_body (char *body, gsize size, gint64 number, gint64 moment_us)
{
  const gint64 chat = 1000 + number % CHATS;

  return g_snprintf (body, size,
                     "{\"update_id\":%" G_GINT64_FORMAT ",\"message\":{\"message_id\":%"
                     G_GINT64_FORMAT ",\"date\":1790000000,\"from\":{\"id\":%" G_GINT64_FORMAT
                     ",\"is_bot\":false,\"first_name\":\"Customer\"},\"chat\":{\"id\":%"
                     G_GINT64_FORMAT ",\"first_name\":\"Customer\",\"type\":\"private\"},"
                     "\"text\":\"n=%" G_GINT64_FORMAT " t=%" G_GINT64_FORMAT
                     " Is this still available, and could you send it to Lviv?\"}}",
                     number, number, chat, chat, number, moment_us);
}

static void
append_request (GString *out, gint64 number, gint64 moment_us)
{
  char body[1024];
  const int len = format_body (body, sizeof body, number, moment_us);

  g_string_append_printf (out,
                          "POST /webhook/telegram/bench HTTP/1.1\r\nHost: localhost\r\n"
                          "X-Telegram-Bot-Api-Secret-Token: bench\r\n"
                          "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                          len, body);
}

static void
ask_webhook (GString *out, gpointer data)
{
  append_request (out, ++((Bench *)data)->next_number, 0);
}

/* ── The same rows and nothing else ─────────────────────────────────────────────────────────── */

typedef struct
{
  DeskServerStore *store;
  gint64 next;
  guint group;
  GBytes *raw;
  GPtrArray *chats; /* of DeskServerChat */
  char *body;
} Plain;

static gboolean
plain_one (DeskServerTx *tx, Plain *self, GError **error)
{
  const gint64 number = ++self->next;
  DeskServerChat *chat = self->chats->pdata[number % CHATS];
  g_autoptr (DeskServerChat) found = NULL;
  const gint64 seq = ++chat->chat->last_chat_seq;
  const gsize len = strlen (self->body);
  char id[40], key[32], external[24];
  gboolean is_new;
  DeskMessage message = { .id = id,
                          .chat_seq = seq,
                          .in_seq = seq,
                          .external_id = external,
                          .created_at_ms = 1795000000000 };

  g_snprintf (id, sizeof id, "f19aa000-0000-7000-8000-%012" G_GINT64_FORMAT, number);
  g_snprintf (key, sizeof key, "m:%s:%" G_GINT64_FORMAT, chat->chat->user_id, number);
  g_snprintf (external, sizeof external, "%" G_GINT64_FORMAT, number);
  return tx->ops->dedup_insert (tx, "bench", key, 1, &is_new, error)
         && tx->ops->chat_find (tx, "bench", chat->chat->user_id, NULL, &found, error)
         && tx->ops->message_insert (tx, chat->row, &message, self->body, len, 1, 0, error)
         && tx->ops->event_append (tx, tx->ops->event_next_seq (tx), 1, self->body, len, error)
         && tx->ops->chat_update (tx, chat, error)
         && tx->ops->raw_insert (tx, "bench", 1, self->raw, NULL, error);
}

static gboolean
plain_group (DeskServerTx *tx, gpointer data, GError **error)
{
  Plain *self = data;

  for (guint i = 0; i < self->group; i++)
    if (!plain_one (tx, self, error))
      return FALSE;
  return TRUE;
}

static gboolean
plain_chats (DeskServerTx *tx, gpointer data, GError **error)
{
  Plain *self = data;

  for (guint i = 0; i < CHATS; i++)
    {
      g_autofree char *user = g_strdup_printf ("%u", 1000 + i);
      DeskChat *chat = desk_chat_new ("bench", user);
      chat->stream_id = desk_chat_stream_id ("bench", user);
      chat->user_name = g_strdup ("Customer");
      DeskServerChat *row = desk_server_chat_new (chat);
      g_ptr_array_add (self->chats, row);
      if (!tx->ops->chat_insert (tx, row, error))
        return FALSE;
    }
  return TRUE;
}

static double
plain_rate (Plain *self, guint group)
{
  const gint64 start_us = g_get_monotonic_time ();
  gint64 spent_us;
  guint64 n = 0;

  self->group = group;
  do
    {
      g_autoptr (GError) error = NULL;
      if (!desk_server_store_run (self->store, plain_group, self, &error))
        g_error ("%s", error->message);
      n += group;
      spent_us = g_get_monotonic_time () - start_us;
    }
  while (spent_us < SLICE_US);
  return (double)n * 1e6 / (double)spent_us;
}

static void
plain_open (Plain *self, const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "plain.db", NULL);
  g_autoptr (GError) error = NULL;
  char raw[1024];
  const int len = format_body (raw, sizeof raw, 1, 1);

  self->store = desk_store_sqlite_open (path, NULL, &error);
  if (self->store == NULL)
    g_error ("%s", error->message);
  self->raw = g_bytes_new (raw, (gsize)len);
  self->chats = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_server_chat_free);
  self->body = g_strnfill (640, 'x'); /* as long as a message's JSON is */
  if (!desk_server_store_run (self->store, plain_chats, self, &error))
    g_error ("%s", error->message);
}

static void
compare_rates (Bench *self)
{
  static const guint counts[] = { 1, 8, 64 };
  Plain plain = { 0 };

  plain_open (&plain, self->folder);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      const double before = plain_rate (&plain, counts[i]);
      HttpLoad *load = http_load_new (self->port, counts[i], ask_webhook, self);
      const HttpLoadResult result = http_load_run (load, SLICE_US, 200);
      http_load_free (load);
      const double plain_mean = (before + plain_rate (&plain, counts[i])) / 2;
      const double rate = (double)result.answers / result.seconds;
      printf ("# %2u connections: %6.0f webhooks/s durable, plain groups of %2u: %6.0f/s, ratio %.2f\n",
              counts[i], rate, counts[i], plain_mean, rate / plain_mean);
      fflush (stdout);
    }
  plain.store->ops->close (plain.store);
  g_ptr_array_unref (plain.chats);
  g_bytes_unref (plain.raw);
  g_free (plain.body);
}

/* ── A websocket ────────────────────────────────────────────────────────────────────────────── */

static int
connect_to (guint16 port)
{
  const struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons (port),
                                       .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  const int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;

  if (fd < 0 || connect (fd, (const struct sockaddr *)&address, sizeof address) != 0)
    g_error ("connect: %s", g_strerror (errno));
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void
send_all (int fd, const char *text, gsize len)
{
  while (len > 0)
    {
      const gssize n = send (fd, text, len, MSG_NOSIGNAL);
      if (n <= 0)
        g_error ("send: %s", g_strerror (errno));
      text += n;
      len -= (gsize)n;
    }
}

typedef struct
{
  int fd;
  GThread *thread;
  gint64 first, last; /* numbers that are looked for */
  guint8 *seen;       /* how often, of each */
  GArray *latency_us; /* of gint64 */
  gint n_seen;        /* atomic */
} Listener;

static void
take_frame (Listener *self, const char *frame, gsize len)
{
  const gint64 now_us = g_get_monotonic_time ();
  const char *text = len > 30 && strncmp (frame, "{\"type\":\"new_message\"", 21) == 0
                         ? memmem (frame, len, "\"text\":\"n=", 10)
                         : NULL;
  char *end;

  if (text == NULL)
    return;
  const gint64 number = g_ascii_strtoll (text + 10, &end, 10);
  if (number < self->first || number > self->last || strncmp (end, " t=", 3) != 0)
    return;
  const gint64 spent_us = now_us - g_ascii_strtoll (end + 3, NULL, 10);
  self->seen[number - self->first]++;
  g_array_append_val (self->latency_us, spent_us);
  g_atomic_int_inc (&self->n_seen);
}

/* Bytes of the first frame, 0 if it is not complete. Frames of a server are not masked. */
static gsize
take_one (Listener *self, const guint8 *bytes, gsize n)
{
  gsize head = 2, len = n >= 2 ? bytes[1] & 0x7f : 0;

  if (n < 2)
    return 0;
  if (len == 126)
    {
      head = 4;
      len = n >= 4 ? (gsize)bytes[2] << 8 | bytes[3] : 0;
    }
  else if (len == 127)
    {
      head = 10;
      len = 0;
      for (guint i = 2; i < 10 && n >= 10; i++)
        len = len << 8 | bytes[i];
    }
  if (n < head || n < head + len)
    return 0;
  const guint8 opcode = bytes[0] & 0x0f;
  if (opcode == 1)
    take_frame (self, (const char *)bytes + head, len);
  else if (opcode == 8)
    g_error ("the server closed the websocket");
  else if (opcode == 9 && len < 126)
    {
      guint8 pong[6 + 125] = { 0x8a, (guint8)(0x80 | len) }; /* masked with zeros */
      memcpy (pong + 6, bytes + head, len);
      send_all (self->fd, (const char *)pong, 6 + len);
    }
  return head + len;
}

static gpointer
listen_thread (gpointer data)
{
  Listener *self = data;
  gsize n = 0, size = 4 * 1024 * 1024;
  guint8 *buffer = g_malloc (size);

  for (;;)
    {
      const gssize got = recv (self->fd, buffer + n, size - n, 0);
      gsize at = 0, used;
      if (got <= 0)
        break;
      n += (gsize)got;
      while ((used = take_one (self, buffer + at, n - at)) > 0)
        at += used;
      memmove (buffer, buffer + at, n - at);
      n -= at;
    }
  g_free (buffer);
  return NULL;
}

static void
open_websocket (Bench *bench, Listener *self)
{
  g_autofree char *request = g_strdup_printf (
      "GET /api/v1/crm/ws?v=2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\nAuthorization: Bearer %s\r\n\r\n",
      bench->token);
  GString *answer = g_string_new (NULL);
  char byte;

  self->fd = connect_to (bench->port);
  send_all (self->fd, request, strlen (request));
  while (!g_str_has_suffix (answer->str, "\r\n\r\n") && recv (self->fd, &byte, 1, 0) == 1)
    g_string_append_c (answer, byte);
  if (!g_str_has_prefix (answer->str, "HTTP/1.1 101"))
    g_error ("no websocket: %s", answer->str);
  g_string_free (answer, TRUE);
}

/* ── A schedule ─────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  Bench *bench;
  gint64 start_us;
  gint64 first;
  gint n, next; /* next atomic */
  double period_us;
  gint late;  /* atomic: senders that came more than 5 ms late */
} Schedule;

static void
read_answer (int fd)
{
  char buffer[2048];
  gsize n = 0;

  do
    {
      const gssize got = recv (fd, buffer + n, sizeof buffer - 1 - n, 0);
      if (got <= 0)
        g_error ("no answer: %s", g_strerror (errno));
      n += (gsize)got;
      buffer[n] = '\0';
    }
  while (strstr (buffer, "\r\n\r\n") == NULL); /* the answers have no body */
  if (strncmp (buffer, "HTTP/1.1 200", 12) != 0)
    g_error ("%s", buffer);
}

static gpointer
send_thread (gpointer data)
{
  Schedule *self = data;
  const int fd = connect_to (self->bench->port);
  g_autoptr (GString) request = g_string_new (NULL);

  for (;;)
    {
      const gint i = g_atomic_int_add (&self->next, 1);
      const gint64 due_us = self->start_us + (gint64)(i * self->period_us);
      if (i >= self->n)
        break;
      const gint64 wait_us = due_us - g_get_monotonic_time ();
      if (wait_us > 0)
        g_usleep ((gulong)wait_us);
      else if (wait_us < -5000)
        g_atomic_int_inc (&self->late);
      g_string_truncate (request, 0);
      append_request (request, self->first + i, due_us);
      send_all (fd, request->str, request->len);
      read_answer (fd);
    }
  close (fd);
  return NULL;
}

static int
compare_times (const void *a, const void *b)
{
  const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

static void
report (const char *name, Schedule *schedule, Listener *listener)
{
  GArray *times = listener->latency_us;
  guint lost = 0, doubled = 0;

  for (gint i = 0; i < schedule->n; i++)
    {
      lost += listener->seen[i] == 0;
      doubled += listener->seen[i] > 1;
    }
  qsort (times->data, times->len, sizeof (gint64), compare_times);
  const double p50 = (double)g_array_index (times, gint64, times->len / 2) / 1000;
  const double p99 = (double)g_array_index (times, gint64, times->len * 99 / 100) / 1000;
  printf ("# %s: %d messages, p50 %.1f ms, p99 %.1f ms, longest %.1f ms; lost %u, doubled %u; "
          "%d sent more than 5 ms late\n",
          name, schedule->n, p50, p99,
          (double)g_array_index (times, gint64, times->len - 1) / 1000, lost, doubled,
          schedule->late);
  if (lost + doubled > 0)
    g_error ("messages were lost or doubled");
}

static void
run_schedule (Bench *self, const char *name, guint rate, guint seconds)
{
  Schedule schedule = { .bench = self,
                        .first = self->next_number + 1,
                        .n = (gint)(rate * seconds),
                        .period_us = 1e6 / rate };
  Listener listener = { .first = schedule.first, .last = schedule.first + schedule.n - 1 };
  GThread *threads[SENDERS];

  listener.seen = g_new0 (guint8, schedule.n);
  listener.latency_us = g_array_sized_new (FALSE, FALSE, sizeof (gint64), (guint)schedule.n);
  open_websocket (self, &listener);
  listener.thread = g_thread_new ("listener", listen_thread, &listener);
  schedule.start_us = g_get_monotonic_time () + 100000;
  for (guint i = 0; i < SENDERS; i++)
    threads[i] = g_thread_new ("sender", send_thread, &schedule);
  for (guint i = 0; i < SENDERS; i++)
    g_thread_join (threads[i]);
  const gint64 end_us = g_get_monotonic_time () + GRACE_US;
  while (g_atomic_int_get (&listener.n_seen) < schedule.n && g_get_monotonic_time () < end_us)
    g_usleep (5000);
  shutdown (listener.fd, SHUT_RDWR);
  g_thread_join (listener.thread);
  close (listener.fd);
  self->next_number += schedule.n;
  report (name, &schedule, &listener);
  g_free (listener.seen);
  g_array_unref (listener.latency_us);
}

int
main (int argc, char *argv[])
{
  Bench bench = { 0 };
  const guint seconds = argc > 2 ? (guint)strtoul (argv[2], NULL, 10) : 20;
  const guint rate = argc > 3 ? (guint)strtoul (argv[3], NULL, 10) : 1667;

  if (argc < 2)
    g_error ("usage: %s FRONTDESKD [SECONDS [RATE]]", argv[0]);
  bench.folder = g_dir_make_tmp ("bench-ingest-XXXXXX", NULL);
  start_server (&bench, argv[1]);
  compare_rates (&bench);
  run_schedule (&bench, "steady", rate, seconds);
  run_schedule (&bench, "spike", 2 * rate, SPIKE_S);
  close (bench.in);
  kill (bench.pid, SIGTERM);
  waitpid (bench.pid, NULL, 0);
  g_autofree char *remove = g_strdup_printf ("rm -r '%s'", bench.folder);
  if (system (remove) != 0)
    g_message ("%s stays", bench.folder);
  g_free (bench.folder);
  g_free (bench.token);
  return 0;
}
