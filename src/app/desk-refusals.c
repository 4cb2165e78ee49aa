/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Changes that the server refused. Those of messages show in their rows; those of chats and profiles have no row, so
 * they are told. */

#include "app/desk-refusals.h"

#include <glib/gi18n.h>

#include "app/desk-delivery.h"

struct _DeskRefusals
{
  GObject parent_instance;

  DeskInbox *inbox;
  GHashTable *told; /* local ids, as gint64 */
  gboolean reading, again;
};

enum
{
  SIGNAL_REFUSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeskRefusals, desk_refusals, G_TYPE_OBJECT)

static char *
make_text (const DeskOutboxEntry *entry)
{
  const char *reason = desk_error_text (entry->error_code, entry->error);
  if (g_strcmp0 (entry->error_code, "CONFLICT") == 0)
    return g_strdup (_ ("A colleague has changed this chat meanwhile; your change was not made"));
  if (entry->intent == DESK_INTENT_PROFILE)
    return g_strdup_printf (_ ("The customer’s details were not saved: %s"), reason);
  return g_strdup_printf (_ ("The chat was not changed: %s"), reason);
}

static void look (DeskRefusals *self);

static void
on_outbox (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (DeskRefusals) self = data;
  g_autoptr (GPtrArray) entries = desk_store_list_outbox_finish (DESK_STORE (source), result, NULL);

  self->reading = FALSE;
  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);
      if (entry->state != DESK_OUTBOX_FAILED
          || (entry->intent != DESK_INTENT_CHAT && entry->intent != DESK_INTENT_PROFILE))
        {
          g_hash_table_remove (self->told, &entry->local_id);
          continue;
        }
      if (!g_hash_table_add (self->told, g_memdup2 (&entry->local_id, sizeof entry->local_id)))
        continue;
      g_autofree char *text = make_text (entry);
      g_signal_emit (self, signals[SIGNAL_REFUSED], 0, text, entry->local_id);
    }
  if (self->again)
    look (self);
}

static void
look (DeskRefusals *self)
{
  DeskStore *store = desk_inbox_get_store (self->inbox);
  self->again = self->reading;
  if (self->reading || store == NULL)
    return;
  self->reading = TRUE;
  desk_store_list_outbox_async (store, NULL, on_outbox, g_object_ref (self));
}

static void
on_changed (DeskRefusals *self, const DeskStoreChange *change)
{
  if (change->everything || change->outbox)
    look (self);
}

void
desk_refusals_retry (DeskRefusals *self, gint64 local_id)
{
  DeskBatch *batch;
  if (desk_inbox_get_store (self->inbox) == NULL)
    return;
  batch = desk_batch_new ();
  g_hash_table_remove (self->told, &local_id);
  desk_batch_outbox_retry (batch, local_id, FALSE, NULL);
  desk_inbox_apply (self->inbox, batch);
}

void
desk_refusals_drop (DeskRefusals *self, gint64 local_id)
{
  DeskBatch *batch;
  /* retried or replaced meanwhile: it is not the refused one any more */
  if (desk_inbox_get_store (self->inbox) == NULL || !g_hash_table_contains (self->told, &local_id))
    return;
  batch = desk_batch_new ();
  desk_batch_outbox_discard (batch, local_id);
  desk_store_apply_async (desk_inbox_get_store (self->inbox), batch, NULL, NULL, NULL);
}

static void
desk_refusals_finalize (GObject *object)
{
  DeskRefusals *self = DESK_REFUSALS (object);
  g_hash_table_unref (self->told);
  g_clear_object (&self->inbox);
  G_OBJECT_CLASS (desk_refusals_parent_class)->finalize (object);
}

static void
desk_refusals_class_init (DeskRefusalsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = desk_refusals_finalize;
  signals[SIGNAL_REFUSED] = g_signal_new ("refused", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                          NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_INT64);
}

static void
desk_refusals_init (DeskRefusals *self)
{
  self->told = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
}

DeskRefusals *
desk_refusals_new (DeskInbox *inbox)
{
  DeskRefusals *self = g_object_new (DESK_TYPE_REFUSALS, NULL);
  self->inbox = g_object_ref (inbox);
  g_signal_connect_object (inbox, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  look (self);
  return self;
}
