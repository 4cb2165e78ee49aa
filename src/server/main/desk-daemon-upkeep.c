/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* What the daemon does by the clock.
 * Invariants: whether a snooze is over is decided by the service within its transaction, so this
 * may look as often as it likes; at most one question for templates a connector is under way. */

#include "server/main/desk-daemon-upkeep.h"

#include "server/service/desk-service-change.h"

#define TICK_MS            2000 /* a look at one index */
#define TEMPLATES_US       (3600 * (gint64)G_USEC_PER_SEC)
#define TEMPLATES_AGAIN_US (60 * (gint64)G_USEC_PER_SEC) /* after a failure */

typedef struct
{
  DeskUpkeep *owner;
  DeskConnector *connector;
  gint64 due_us; /* monotonic; when to ask next */
  gboolean asking;
} Lister;

struct _DeskUpkeep
{
  gatomicrefcount refs;
  DeskService *service;
  DeskClock *clock;
  GPtrArray *listers; /* of Lister */
  GCancellable *cancellable;
  guint tick;
  gint waking; /* atomic */
};

static void
lister_free (gpointer data)
{
  Lister *self = data;

  g_object_unref (self->connector);
  g_free (self);
}

static void
upkeep_unref (DeskUpkeep *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_ptr_array_unref (self->listers);
  desk_clock_unref (self->clock);
  g_object_unref (self->cancellable);
  g_free (self);
}

/* on the writer thread */
static void
on_woken (gint64 next_ms, gpointer data)
{
  DeskUpkeep *self = data;

  g_atomic_int_set (&self->waking, 0);
  upkeep_unref (self);
}

static void
wake_chats (DeskUpkeep *self)
{
  const gint64 next_ms = desk_service_next_snooze_ms (self->service);

  if (next_ms == 0 || next_ms > desk_clock_now_ms (self->clock)
      || !g_atomic_int_compare_and_exchange (&self->waking, 0, 1))
    return;
  g_atomic_ref_count_inc (&self->refs);
  desk_service_wake_chats (self->service, on_woken, self);
}

static void
on_templates (GObject *object, GAsyncResult *result, gpointer data)
{
  Lister *lister = data;
  DeskUpkeep *self = lister->owner;
  DeskConnector *connector = DESK_CONNECTOR (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) templates
      = desk_connector_list_templates_finish (connector, result, &error);

  lister->asking = FALSE;
  if (!g_cancellable_is_cancelled (self->cancellable))
    {
      const char *name = desk_connector_get_connection (connector)->name;
      if (templates != NULL)
        desk_service_set_templates (self->service, name, templates);
      else
        g_info ("the templates of %s cannot be listed: %s", name,
                error != NULL ? error->message : "no reason told");
      lister->due_us = desk_clock_monotonic_us (self->clock)
                       + (templates != NULL ? TEMPLATES_US : TEMPLATES_AGAIN_US);
    }
  upkeep_unref (self);
}

static void
list_templates (DeskUpkeep *self)
{
  const gint64 now_us = desk_clock_monotonic_us (self->clock);

  for (guint i = 0; i < self->listers->len; i++)
    {
      Lister *lister = self->listers->pdata[i];
      if (lister->asking || lister->due_us > now_us)
        continue;
      lister->asking = TRUE;
      g_atomic_ref_count_inc (&self->refs);
      desk_connector_list_templates_async (lister->connector, self->cancellable, on_templates,
                                           lister);
    }
}

static gboolean
on_tick (gpointer data)
{
  wake_chats (data);
  list_templates (data);
  return G_SOURCE_CONTINUE;
}

DeskUpkeep *
desk_upkeep_new (DeskService *service, DeskClock *clock, GPtrArray *connectors)
{
  g_return_val_if_fail (service != NULL && clock != NULL && connectors != NULL, NULL);
  DeskUpkeep *self = g_new0 (DeskUpkeep, 1);

  g_atomic_ref_count_init (&self->refs);
  self->service = service;
  self->clock = desk_clock_ref (clock);
  self->cancellable = g_cancellable_new ();
  self->listers = g_ptr_array_new_with_free_func (lister_free);
  for (guint i = 0; i < connectors->len; i++)
    {
      if (!desk_connector_has_templates (connectors->pdata[i]))
        continue;
      Lister *lister = g_new0 (Lister, 1);
      lister->owner = self;
      lister->connector = g_object_ref (connectors->pdata[i]);
      g_ptr_array_add (self->listers, lister);
    }
  self->tick = g_timeout_add (TICK_MS, on_tick, self);
  on_tick (self);
  return self;
}

void
desk_upkeep_free (DeskUpkeep *self)
{
  if (self == NULL)
    return;
  g_source_remove (self->tick);
  g_cancellable_cancel (self->cancellable);
  upkeep_unref (self);
}
