/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-delivery"

#include "config.h"

/* The delivery worker. A run is one attempt: begun in the store, sent by the connector, recorded in
 * the store; only then is the next message of that chat looked at.
 *
 * Invariants: at most one run a chat (the service hands out the first unfinished job of a chat
 * alone); no request goes out before its beginning is on the disk; a result that the store could
 * not take is offered again until it does; everything runs on the owner's context, answers of the
 * writer thread are carried over to it. */

#include "server/delivery/desk-delivery.h"

#include <string.h>

#include "server/service/desk-fault.h"

#define MAX_CHATS        8 /* runs of one connection */
#define BREAKER_FAILURES 5 /* in a row, of the transport */
#define BREAKER_US       (30 * G_USEC_PER_SEC)
#define AGAIN_MS         1000  /* before a write that failed is tried again */
#define LOOK_MS          60000 /* longest pause between two looks at the jobs */
#define GRACE_MS         1000  /* for a cancelled request to say so */

typedef struct
{
  DeskDelivery *delivery;
  DeskConnector *connector;
  char *name;
  GHashTable *running; /* job id → borrowed DeskRun */
  guint failures;
  gint64 open_until_us;   /* breaker; 0 = closed */
  gboolean probing;       /* half open: one run is under way */
  gint64 paused_until_us; /* the platform asked the whole connection to wait */
  gboolean refused;       /* until its health is OK again */
  gint64 expired_us;      /* when jobs were last looked through for their age */
} DeskLane;

typedef struct
{
  DeskDelivery *delivery; /* holds a reference */
  DeskLane *lane;
  DeskOutbound *outbound;
  DeskOutcome *outcome;
  GCancellable *cancellable;
  gboolean ok; /* what the writer said */
} DeskRun;

struct _DeskDelivery
{
  gatomicrefcount refs;
  DeskService *service;
  DeskClock *clock;
  DeskRandom *random;
  GMainContext *context;
  GPtrArray *lanes;
  GSource *wake; /* ready when somebody calls wake, or when something falls due */
  guint n_runs;
  gboolean started, stopping, cancelled;
  GSource *deadline;
  void (*stopped) (gpointer data);
  gpointer stopped_data;
};

static void pump (DeskDelivery *self);
static void record_run (DeskRun *run);

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */

static void
lane_free (gpointer data)
{
  DeskLane *lane = data;
  g_object_unref (lane->connector);
  g_hash_table_unref (lane->running);
  g_free (lane->name);
  g_free (lane);
}

static void
delivery_unref (DeskDelivery *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_ptr_array_unref (self->lanes);
  desk_clock_unref (self->clock);
  desk_random_unref (self->random);
  g_main_context_unref (self->context);
  g_free (self);
}

static gboolean
on_wake (gpointer data)
{
  DeskDelivery *self = data;
  g_source_set_ready_time (self->wake, -1);
  pump (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_wake (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs wake_funcs = { .dispatch = dispatch_wake };

DeskDelivery *
desk_delivery_new (DeskService *service, DeskClock *clock, DeskRandom *random)
{
  g_return_val_if_fail (service != NULL && clock != NULL && random != NULL, NULL);
  DeskDelivery *self = g_new0 (DeskDelivery, 1);
  g_atomic_ref_count_init (&self->refs);
  self->service = service;
  self->clock = desk_clock_ref (clock);
  self->random = desk_random_ref (random);
  self->context = g_main_context_ref_thread_default ();
  self->lanes = g_ptr_array_new_with_free_func (lane_free);
  self->wake = g_source_new (&wake_funcs, sizeof (GSource));
  g_source_set_callback (self->wake, on_wake, self, NULL);
  g_source_attach (self->wake, self->context);
  return self;
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
desk_delivery_free (DeskDelivery *self)
{
  if (self == NULL)
    return;
  self->stopping = TRUE;
  clear_source (&self->wake);
  clear_source (&self->deadline);
  delivery_unref (self);
}

void
desk_delivery_add_connector (DeskDelivery *self, DeskConnector *connector)
{
  g_return_if_fail (self != NULL && !self->started);
  DeskLane *lane = g_new0 (DeskLane, 1);
  lane->delivery = self;
  lane->connector = g_object_ref (connector);
  lane->name = g_strdup (desk_connector_get_connection (connector)->name);
  lane->running = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_ptr_array_add (self->lanes, lane);
}

void
desk_delivery_wake (DeskDelivery *self)
{
  g_return_if_fail (self != NULL);
  g_source_set_ready_time (self->wake, 0);
}

/* Only ever earlier: somebody may have asked for a look in between. */
static void
wake_in_ms (DeskDelivery *self, gint64 ms)
{
  if (self->stopping)
    return;
  gint64 at = g_get_monotonic_time () + CLAMP (ms, 1, LOOK_MS) * 1000,
         set = g_source_get_ready_time (self->wake);
  if (set < 0 || at < set)
    g_source_set_ready_time (self->wake, at);
}

/* ── One run ────────────────────────────────────────────────────────────────────────────────── */

static void
run_free (DeskRun *run)
{
  DeskDelivery *self = run->delivery;
  g_hash_table_remove (run->lane->running, &run->outbound->job_id);
  self->n_runs--;
  desk_outbound_free (run->outbound);
  desk_outcome_free (run->outcome);
  g_object_unref (run->cancellable);
  g_free (run);
  delivery_unref (self);
}

/* From the writer thread to ours. Not g_main_context_invoke(), which would run it there if our loop
 * slept. */
static void
carry_over (DeskRun *run, gboolean ok, GSourceFunc func)
{
  run->ok = ok;
  /* Once it is attached, our thread may free the run and the delivery at any moment. */
  g_autoptr (GMainContext) context = g_main_context_ref (run->delivery->context);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, run, NULL);
  g_source_attach (source, context);
}

static void
finish_if_stopped (DeskDelivery *self)
{
  if (!self->stopping || self->n_runs > 0 || self->stopped == NULL)
    return;
  void (*stopped) (gpointer) = self->stopped;
  self->stopped = NULL;
  clear_source (&self->deadline);
  stopped (self->stopped_data);
}

static gboolean
on_recorded (gpointer data)
{
  DeskRun *run = data;
  DeskDelivery *self = run->delivery;
  g_atomic_ref_count_inc (&self->refs);
  run_free (run);
  if (!self->stopping)
    pump (self);
  finish_if_stopped (self);
  delivery_unref (self);
  return G_SOURCE_REMOVE;
}

static gboolean
record_again (gpointer data)
{
  record_run (data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_record_failed (gpointer data)
{
  DeskRun *run = data;
  if (run->delivery->cancelled)
    return on_recorded (run);
  g_autoptr (GSource) again = g_timeout_source_new (AGAIN_MS);
  g_source_set_callback (again, record_again, run, NULL);
  g_source_attach (again, run->delivery->context);
  return G_SOURCE_REMOVE;
}

static void
recorded (gboolean ok, gpointer data)
{
  carry_over (data, ok, ok ? on_recorded : on_record_failed);
}

static void
record_run (DeskRun *run)
{
  desk_service_finish_attempt (run->delivery->service, run->outbound, run->outcome, recorded, run);
}

/* ── What an outcome means for the whole connection ─────────────────────────────────────────── */

static void
learn (DeskLane *lane, const DeskOutcome *outcome)
{
  gint64 now_us = desk_clock_monotonic_us (lane->delivery->clock);
  gboolean was_probe = lane->probing;
  lane->probing = FALSE;
  if (outcome->type == DESK_OUTCOME_NOT_CONNECTED || outcome->type == DESK_OUTCOME_UNKNOWN)
    {
      lane->failures++;
      if (was_probe || (lane->failures >= BREAKER_FAILURES && lane->open_until_us == 0))
        {
          lane->open_until_us = now_us + BREAKER_US;
          g_message ("%s: no transport; trying again in 30 s", lane->name);
        }
      return;
    }
  lane->failures = 0;
  lane->open_until_us = 0;
  if (outcome->type == DESK_OUTCOME_CONNECTION)
    lane->refused = TRUE;
  if (outcome->type == DESK_OUTCOME_RETRY && outcome->retry_after_ms > 0 && !outcome->per_chat)
    lane->paused_until_us = MAX (lane->paused_until_us, now_us + outcome->retry_after_ms * 1000);
}

static void
on_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  DeskRun *run = data;
  run->outcome = desk_connector_send_finish (DESK_CONNECTOR (object), result);
  if (run->outcome == NULL)
    run->outcome = desk_outcome_new (DESK_OUTCOME_UNKNOWN, NULL, "The connector gave no answer");
  desk_fault_point ("answered");
  learn (run->lane, run->outcome);
  record_run (run);
}

static gboolean
on_begun (gpointer data)
{
  DeskRun *run = data;
  DeskDelivery *self = run->delivery;
  if (run->ok)
    {
      desk_fault_point ("sending");
      desk_connector_send_async (run->lane->connector, run->outbound, run->cancellable, on_sent,
                                 run);
      return G_SOURCE_REMOVE;
    }
  /* The job went away meanwhile, or the store takes no writes. */
  run->lane->probing = FALSE;
  g_atomic_ref_count_inc (&self->refs);
  run_free (run);
  wake_in_ms (self, AGAIN_MS);
  finish_if_stopped (self);
  delivery_unref (self);
  return G_SOURCE_REMOVE;
}

static void
begun (gboolean ok, gpointer data)
{
  carry_over (data, ok, on_begun);
}

static void
start_run (DeskLane *lane, DeskOutbound *outbound)
{
  DeskRun *run = g_new0 (DeskRun, 1);
  run->delivery = lane->delivery;
  g_atomic_ref_count_inc (&run->delivery->refs);
  run->lane = lane;
  run->outbound = outbound;
  run->cancellable = g_cancellable_new ();
  run->delivery->n_runs++;
  g_hash_table_insert (lane->running, &outbound->job_id, run);
  desk_fault_point ("due");
  desk_service_begin_attempt (run->delivery->service, outbound->job_id, begun, run);
}

/* ── Looking for work ───────────────────────────────────────────────────────────────────────── */

/* How many runs may begin now; looks again in *out_wait_ms if none. */
static guint
room (DeskLane *lane, gint64 now_us, gint64 *out_wait_ms)
{
  gint64 until = MAX (lane->open_until_us, lane->paused_until_us);
  guint running = g_hash_table_size (lane->running);
  *out_wait_ms = LOOK_MS;
  if (lane->refused)
    return 0;
  if (until > now_us)
    {
      *out_wait_ms = (until - now_us) / 1000 + 1;
      return 0;
    }
  if (lane->open_until_us > 0)
    return running == 0 && !lane->probing ? 1 : 0;
  return running < MAX_CHATS ? MAX_CHATS - running : 0;
}

static void
expire (DeskLane *lane, gint64 now_us)
{
  if (lane->expired_us > 0 && now_us - lane->expired_us < LOOK_MS * G_GINT64_CONSTANT (1000))
    return;
  lane->expired_us = now_us;
  desk_service_expire_jobs (lane->delivery->service, lane->name, NULL, NULL);
}

static void
pump_lane (DeskLane *lane)
{
  DeskDelivery *self = lane->delivery;
  g_autoptr (GError) error = NULL;
  gint64 wait_ms, due_ms = -1, now_us = desk_clock_monotonic_us (self->clock);
  expire (lane, now_us);
  guint limit = room (lane, now_us, &wait_ms);
  if (limit > 0)
    {
      g_autoptr (GPtrArray) due = desk_service_due_jobs (self->service, lane->name, limit,
                                                         lane->running, &due_ms, &error);
      if (due == NULL)
        {
          g_message ("the jobs of %s cannot be read: %s", lane->name, error->message);
          wait_ms = AGAIN_MS;
        }
      else if (due_ms >= 0)
        wait_ms = due_ms - desk_clock_now_ms (self->clock);
      lane->probing = lane->open_until_us > 0 && due != NULL && due->len > 0;
      while (due != NULL && due->len > 0)
        start_run (lane, g_ptr_array_steal_index (due, 0));
    }
  wake_in_ms (self, wait_ms);
}

static void
pump (DeskDelivery *self)
{
  if (!self->started || self->stopping)
    return;
  for (guint i = 0; i < self->lanes->len; i++)
    pump_lane (self->lanes->pdata[i]);
}

void
desk_delivery_tick (DeskDelivery *self)
{
  g_return_if_fail (self != NULL);
  pump (self);
}

gboolean
desk_delivery_start (DeskDelivery *self, GError **error)
{
  g_return_val_if_fail (self != NULL && !self->started, FALSE);
  guint unknown = 0;
  if (!desk_service_recover_jobs (self->service, &unknown, error))
    return FALSE;
  if (unknown > 0)
    g_message ("%u messages were being sent when the backend last stopped: their fate is unknown",
               unknown);
  self->started = TRUE;
  pump (self);
  return TRUE;
}

void
desk_delivery_health_changed (DeskDelivery *self, const char *connection, DeskHealth health)
{
  g_return_if_fail (self != NULL);
  for (guint i = 0; i < self->lanes->len; i++)
    {
      DeskLane *lane = self->lanes->pdata[i];
      if (strcmp (lane->name, connection) == 0 && health == DESK_HEALTH_OK && lane->refused)
        {
          lane->refused = FALSE;
          desk_delivery_wake (self);
        }
    }
}

/* ── Stopping ───────────────────────────────────────────────────────────────────────────────── */

static gboolean
on_give_up (gpointer data)
{
  DeskDelivery *self = data;
  void (*stopped) (gpointer) = self->stopped;
  self->stopped = NULL;
  clear_source (&self->deadline);
  if (stopped != NULL)
    stopped (self->stopped_data);
  return G_SOURCE_REMOVE;
}

static void
set_deadline (DeskDelivery *self, gint64 ms, GSourceFunc func)
{
  clear_source (&self->deadline);
  self->deadline = g_timeout_source_new ((guint)CLAMP (ms, 0, G_MAXUINT));
  g_source_set_callback (self->deadline, func, self, NULL);
  g_source_attach (self->deadline, self->context);
}

static gboolean
on_deadline (gpointer data)
{
  DeskDelivery *self = data;
  self->cancelled = TRUE;
  for (guint i = 0; i < self->lanes->len; i++)
    {
      DeskLane *lane = self->lanes->pdata[i];
      g_autoptr (GList) runs = g_hash_table_get_values (lane->running);
      for (GList *l = runs; l != NULL; l = l->next)
        g_cancellable_cancel (((DeskRun *)l->data)->cancellable);
    }
  if (self->stopped != NULL)
    set_deadline (self, GRACE_MS, on_give_up); /* what is left becomes unknown at the next start */
  return G_SOURCE_REMOVE;
}

static gboolean
on_nothing_to_wait_for (gpointer data)
{
  finish_if_stopped (data);
  return G_SOURCE_REMOVE;
}

void
desk_delivery_stop (DeskDelivery *self,
                    gint64 deadline_ms,
                    void (*done) (gpointer data),
                    gpointer data)
{
  g_return_if_fail (self != NULL && !self->stopping);
  self->stopping = TRUE;
  self->stopped = done;
  self->stopped_data = data;
  if (self->n_runs > 0)
    set_deadline (self, deadline_ms, on_deadline);
  else
    set_deadline (self, 0, on_nothing_to_wait_for);
}
