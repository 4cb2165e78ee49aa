/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "bench"

#include "config.h"

/* What the rules cost: replies from many threads against the same statements without the rules,
 * ingest, and a page of 50 out of a long chat. Ratios within one run count, never absolute numbers.
 */

#include <glib/gstdio.h>
#include <string.h>

#include "bench-raw-send.h"
#include "server/service/desk-service.h"
#include "server/store/sqlite/desk-store-sqlite.h"

#define N_THREADS 64

typedef struct
{
  DeskServerStore *store;
  DeskService *service;
  DeskIdentity *who;
  guint per_thread;
  gint next_key;
  gint64 next_raw; /* the writer's */
  char *body;
} Bench;

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean ready;
} Waiter;

static void
wake (Waiter *waiter)
{
  g_mutex_lock (&waiter->mutex);
  waiter->ready = TRUE;
  g_cond_signal (&waiter->cond);
  g_mutex_unlock (&waiter->mutex);
}

static void
sleep_until_woken (Waiter *waiter)
{
  g_mutex_lock (&waiter->mutex);
  while (!waiter->ready)
    g_cond_wait (&waiter->cond, &waiter->mutex);
  waiter->ready = FALSE;
  g_mutex_unlock (&waiter->mutex);
}

static void
on_reply (DeskReply *reply, gpointer data)
{
  if (reply->status != 201)
    g_error ("%s", reply->body->str);
  desk_reply_free (reply);
  wake (data);
}

static gpointer
send_thread (gpointer data)
{
  Bench *bench = data;
  Waiter waiter = { .ready = FALSE };
  g_mutex_init (&waiter.mutex);
  g_cond_init (&waiter.cond);
  for (guint i = 0; i < bench->per_thread; i++)
    {
      g_autofree char *key = g_strdup_printf ("key-%08d", g_atomic_int_add (&bench->next_key, 1));
      DeskSendRequest request
          = { .text
              = "Thank you for your message, we shall have a look and come back to you today.",
              .client_message_id = key,
              .seen_seq = -1 };
      desk_service_send (bench->service, bench->who, "demo", "7", &request, on_reply, &waiter);
      sleep_until_woken (&waiter);
    }
  return NULL;
}

typedef struct
{
  Bench *bench;
  Waiter waiter;
} RawThread;

static gboolean
raw_thread_job (DeskServerTx *tx, gpointer data, GError **error)
{
  Bench *bench = ((RawThread *)data)->bench;
  RawSend send
      = { .platform = "demo", .user_id = "8", .number = ++bench->next_raw, .body = bench->body };
  return raw_send_run (tx, &send, error);
}

static void
raw_done (const GError *error, gpointer data)
{
  if (error != NULL)
    g_error ("%s", error->message);
  wake (&((RawThread *)data)->waiter);
}

static gpointer
raw_thread (gpointer data)
{
  RawThread self = { .bench = data };
  g_mutex_init (&self.waiter.mutex);
  g_cond_init (&self.waiter.cond);
  for (guint i = 0; i < self.bench->per_thread; i++)
    {
      self.bench->store->ops->submit (self.bench->store, raw_thread_job, raw_done, &self);
      sleep_until_woken (&self.waiter);
    }
  return NULL;
}

static double
run_threads (Bench *bench, GThreadFunc func)
{
  GThread *threads[N_THREADS];
  gint64 start = g_get_monotonic_time ();
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("bench", func, bench);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  return N_THREADS * bench->per_thread * 1e6 / (double)(g_get_monotonic_time () - start);
}

static void
on_stored (gboolean stored, const GError *error, gpointer data)
{
  if (!stored)
    g_error ("%s", error->message);
  g_atomic_int_inc ((gint *)data);
}

static void
ingest_one (Bench *bench, const char *user_id, guint n, gint *counter)
{
  g_autofree char *external = g_strdup_printf ("e%u", n),
                  *key = g_strdup_printf ("%s:%u", user_id, n);
  DeskInbound *inbound = desk_inbound_new ("main", DESK_SOURCE_POLL, NULL);
  DeskInboundItem *item = desk_inbound_item_new (DESK_INBOUND_MESSAGE, "demo", user_id, key);
  g_free (item->message->text);
  item->message->text
      = g_strdup ("Good morning, is the blue one still there and what would it cost to send it?");
  item->message->external_id = g_steal_pointer (&external);
  item->message->created_at_ms = 1795000000000 + n;
  item->message->user_name = g_strdup ("A customer");
  g_ptr_array_add (inbound->items, item);
  desk_service_ingest (bench->service, inbound, on_stored, counter);
}

static double
run_ingest (Bench *bench, const char *user_id, guint n)
{
  gint counter = 0;
  gint64 start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    {
      ingest_one (bench, user_id, i, &counter);
      while ((gint)i - g_atomic_int_get (&counter) > 2000)
        g_usleep (200);
    }
  while (g_atomic_int_get (&counter) < (gint)n)
    g_usleep (200);
  return n * 1e6 / (double)(g_get_monotonic_time () - start);
}

static double
run_pages (Bench *bench, guint n, gsize *out_bytes)
{
  gint64 last = 0, start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    {
      DeskReply *reply = desk_service_get_messages (bench->service, bench->who, "demo", "9", 50, 0,
                                                    1000 + (i * 7919) % 15000, -1);
      *out_bytes = reply->body->len;
      last += reply->status;
      desk_reply_free (reply);
    }
  g_assert_cmpint (last, ==, 200 * (gint64)n);
  return (double)(g_get_monotonic_time () - start) / n;
}

static double
run_authenticate (Bench *bench, const char *token, guint n)
{
  gint64 start = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    desk_identity_unref (desk_service_authenticate (bench->service, token));
  return (double)(g_get_monotonic_time () - start) / n;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = g_dir_make_tmp ("desk-bench-XXXXXX", &error);
  g_autofree char *path = g_build_filename (dir, "desk.db", NULL);
  guint scale = argc > 1 ? (guint)g_ascii_strtoull (argv[1], NULL, 10) : 1;
  Bench bench = { .per_thread = 150 * scale };
  bench.store = desk_store_sqlite_open (path, NULL, &error);
  g_assert_no_error (error);
  DeskServiceOptions options = { .store = bench.store };
  bench.service = desk_service_new (&options, &error);
  desk_service_add_user (bench.service, "anna", "Anna", DESK_ROLE_MANAGER, NULL, &error);
  g_autofree char *token = desk_service_create_token (bench.service, "anna", &error);
  bench.who = desk_service_authenticate (bench.service, token);
  run_ingest (&bench, "7", 1);
  run_ingest (&bench, "8", 1);
  bench.body = g_strnfill (650, 'b');

  double raw = run_threads (&bench, raw_thread), sends = run_threads (&bench, send_thread);
  raw = MAX (raw, run_threads (&bench, raw_thread));
  sends = MAX (sends, run_threads (&bench, send_thread));
  double ingest = run_ingest (&bench, "9", 16500 * scale);
  gsize bytes = 0;
  double page = run_pages (&bench, 5000, &bytes);
  double auth = run_authenticate (&bench, token, 200000);
  g_print ("raw transactions, 64 submitters   %8.0f /s\n", raw);
  g_print ("replies, 64 submitters            %8.0f /s  ratio %.2f (at least 0.50)\n", sends,
           sends / raw);
  g_print ("ingest                            %8.0f /s\n", ingest);
  g_print ("page of 50 (%6" G_GSIZE_FORMAT " bytes)         %8.1f us\n", bytes, page);
  g_print ("authenticate                      %8.2f us\n", auth);

  desk_identity_unref (bench.who);
  desk_service_free (bench.service);
  bench.store->ops->close (bench.store);
  g_free (bench.body);
  static const char *const suffixes[] = { "", "-wal", "-shm", ".epoch", NULL };
  for (guint i = 0; suffixes[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (path, suffixes[i], NULL);
      g_unlink (name);
    }
  g_rmdir (dir);
  return sends >= 0.5 * raw ? 0 : 1;
}
