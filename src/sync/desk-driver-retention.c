/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-sync-private.h"

/* Keeps the cache as small as the manager wants it: settings "cache_days" and "cache_max_bytes", 0 or unset for all.
 * Looked at a minute after the start and then every hour, in small transactions with pauses, so that a reply never waits
 * for it. What goes and what stays is the store's rule, see desk_batch_trim(). At last the space is given back.
 *
 * It lives on the sync thread; whoever calls back holds a reference. */

#define FIRST_MS (60 * 1000)
#define EVERY_MS (3600 * 1000)
#define PAUSE_MS 50
#define CHUNK 500
#define DAY_MS (G_GINT64_CONSTANT (24) * 3600 * 1000)

struct _DeskRetention
{
  grefcount refs;
  DeskStore *store;
  DeskClock *clock;
  GMainContext *context;
  GSource *timer;
  gboolean closed;

  gint64 before_ms; /* of this round: what is older goes */
  gint64 max_bytes; /* 0: no limit */
  gint64 next_row;
  gboolean by_size; /* second half of the round: oldest first until it fits */
  guint trimmed;
};

static void
unref (DeskRetention *self)
{
  if (!g_ref_count_dec (&self->refs))
    return;
  g_object_unref (self->store);
  g_main_context_unref (self->context);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskRetention, unref)

static DeskRetention *
ref (DeskRetention *self)
{
  g_ref_count_inc (&self->refs);
  return self;
}

static gboolean begin_round (gpointer data);
static gboolean trim_chunk (gpointer data);
static void trim_by_size (DeskRetention *self);

static void
arm (DeskRetention *self, gint64 delay_ms, GSourceFunc func)
{
  if (self->timer != NULL)
    {
      g_source_destroy (self->timer);
      g_clear_pointer (&self->timer, g_source_unref);
    }
  if (self->closed)
    return;
  self->timer = g_timeout_source_new ((guint) CLAMP (delay_ms, 0, G_MAXINT));
  g_source_set_priority (self->timer, G_PRIORITY_LOW);
  g_source_set_callback (self->timer, func, ref (self), (GDestroyNotify) unref);
  g_source_attach (self->timer, self->context);
}

static void
on_compacted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskRetention) self = data;
  g_autoptr (GError) error = NULL;

  if (!desk_store_compact_finish (DESK_STORE (source), result, &error) && !self->closed)
    g_warning ("the cache cannot be compacted: %s", error->message);
}

static void
end_round (DeskRetention *self)
{
  if (self->trimmed > 0)
    {
      g_info ("%u messages are not kept here any more", self->trimmed);
      desk_store_compact_async (self->store, NULL, on_compacted, ref (self));
    }
  arm (self, EVERY_MS, begin_round);
}

static void
on_trimmed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskRetention) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskBatchResult) outcome = desk_store_apply_finish (DESK_STORE (source), result, &error);

  if (self->closed)
    return;
  if (outcome == NULL)
    {
      g_warning ("old messages cannot be removed: %s", error->message);
      arm (self, EVERY_MS, begin_round);
      return;
    }
  self->trimmed += outcome->trimmed;
  self->next_row = outcome->trim_next;
  if (self->by_size && self->next_row != 0)
    trim_by_size (self);
  else if (self->next_row != 0)
    arm (self, PAUSE_MS, trim_chunk);
  else if (!self->by_size && self->max_bytes > 0)
    {
      self->by_size = TRUE;
      trim_by_size (self);
    }
  else
    end_round (self);
}

static gboolean
trim_chunk (gpointer data)
{
  DeskRetention *self = data;
  DeskBatch *batch = desk_batch_new ();

  desk_batch_trim (batch, self->next_row, self->by_size ? G_MAXINT64 : self->before_ms, CHUNK);
  desk_store_apply_async (self->store, batch, NULL, on_trimmed, ref (self));
  return G_SOURCE_REMOVE;
}

static void
on_counts (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskRetention) self = data;
  g_autofree DeskStoreCounts *counts = desk_store_get_counts_finish (DESK_STORE (source), result, NULL);

  if (self->closed)
    return;
  if (counts != NULL && counts->used_bytes > self->max_bytes)
    arm (self, PAUSE_MS, trim_chunk);
  else
    end_round (self);
}

static void
trim_by_size (DeskRetention *self)
{
  desk_store_get_counts_async (self->store, NULL, on_counts, ref (self));
}

static void
on_max_bytes (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskRetention) self = data;
  g_autofree char *text = desk_store_get_setting_finish (DESK_STORE (source), result, NULL);

  if (self->closed)
    return;
  self->max_bytes = text ? MAX (g_ascii_strtoll (text, NULL, 10), 0) : 0;
  if (self->before_ms > 0)
    trim_chunk (self);
  else if (self->max_bytes > 0)
    {
      self->by_size = TRUE;
      trim_by_size (self);
    }
  else
    end_round (self);
}

static void
on_days (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskRetention) self = data;
  g_autofree char *text = desk_store_get_setting_finish (DESK_STORE (source), result, NULL);
  gint64 days = text ? CLAMP (g_ascii_strtoll (text, NULL, 10), 0, 100000) : 0;

  if (self->closed)
    return;
  self->before_ms = days > 0 ? desk_clock_now_ms (self->clock) - days * DAY_MS : 0;
  desk_store_get_setting_async (self->store, "cache_max_bytes", NULL, on_max_bytes, ref (self));
}

static gboolean
begin_round (gpointer data)
{
  DeskRetention *self = data;

  self->next_row = 0;
  self->trimmed = 0;
  self->by_size = FALSE;
  desk_store_get_setting_async (self->store, "cache_days", NULL, on_days, ref (self));
  return G_SOURCE_REMOVE;
}

DeskRetention *
desk_retention_new (DeskStore *store, DeskClock *clock, gint64 first_after_ms)
{
  DeskRetention *self = g_new0 (DeskRetention, 1);

  g_ref_count_init (&self->refs);
  self->store = g_object_ref (store);
  self->clock = clock;
  self->context = g_main_context_ref_thread_default ();
  arm (self, first_after_ms > 0 ? first_after_ms : FIRST_MS, begin_round);
  return self;
}

void
desk_retention_free (DeskRetention *self)
{
  self->closed = TRUE;
  if (self->timer != NULL)
    {
      g_source_destroy (self->timer);
      g_clear_pointer (&self->timer, g_source_unref);
    }
  unref (self);
}
