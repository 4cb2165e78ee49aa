/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* A host that remembers what a connector tells it, and stores or refuses on demand. */

#include "desk-test-host.h"

typedef struct
{
  DeskTestHost *host;
  DeskInbound *inbound;
  DeskIngestDone done;
  gpointer data;
} Job;

static gboolean
run_job (gpointer data)
{
  Job *job = data;
  DeskTestHost *self = job->host;
  g_autoptr (GError) error = NULL;

  if (self->refuse_next > 0)
    {
      self->refuse_next--;
      self->n_refused++;
      error = g_error_new (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "The disk is full");
      job->done (FALSE, error, job->data);
      return G_SOURCE_REMOVE;
    }
  for (guint i = 0; i < job->inbound->items->len; i++)
    g_ptr_array_add (self->items, g_ptr_array_index (job->inbound->items, i));
  g_ptr_array_set_free_func (job->inbound->items, NULL);
  if (job->inbound->checkpoint != NULL)
    {
      g_free (self->checkpoint);
      self->checkpoint = g_strdup (job->inbound->checkpoint);
    }
  g_clear_pointer (&self->last_raw, g_bytes_unref);
  self->last_raw = job->inbound->raw != NULL ? g_bytes_ref (job->inbound->raw) : NULL;
  self->n_stored++;
  job->done (TRUE, NULL, job->data);
  return G_SOURCE_REMOVE;
}

static void
job_free (gpointer data)
{
  Job *job = data;

  desk_inbound_free (job->inbound);
  g_free (job);
}

static void
ingest (DeskConnectorHost *host, DeskInbound *inbound, DeskIngestDone done, gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->host = (DeskTestHost *)host;
  job->inbound = inbound;
  job->done = done;
  job->data = data;
  g_idle_add_full (G_PRIORITY_DEFAULT, run_job, job, job_free);
}

static char *
get_checkpoint (DeskConnectorHost *host, const char *connection)
{
  return g_strdup (((DeskTestHost *)host)->checkpoint);
}

static void
set_health (DeskConnectorHost *host, const char *connection, DeskHealth health, const char *reason)
{
  DeskTestHost *self = (DeskTestHost *)host;

  self->health = health;
  g_free (self->reason);
  self->reason = g_strdup (reason);
  g_string_append_printf (self->healths, "%s ", desk_health_to_string (health));
}

DeskTestHost *
desk_test_host_new (DeskClock *clock, guint64 seed)
{
  DeskTestHost *self = g_new0 (DeskTestHost, 1);

  self->host.ingest = ingest;
  self->host.get_checkpoint = get_checkpoint;
  self->host.set_health = set_health;
  self->host.clock = desk_clock_ref (clock);
  self->host.random = desk_random_seeded_new (seed);
  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  self->healths = g_string_new (NULL);
  return self;
}

void
desk_test_host_free (DeskTestHost *self)
{
  desk_clock_unref (self->host.clock);
  desk_random_unref (self->host.random);
  g_ptr_array_unref (self->items);
  g_free (self->checkpoint);
  g_clear_pointer (&self->last_raw, g_bytes_unref);
  g_free (self->reason);
  g_string_free (self->healths, TRUE);
  g_free (self);
}

gboolean
desk_test_tick (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

void
desk_test_run_for_ms (guint ms)
{
  gint64 deadline = g_get_monotonic_time () + (gint64)ms * 1000;
  guint tick = g_timeout_add (5, desk_test_tick, NULL);

  while (g_get_monotonic_time () < deadline)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (tick);
}
