/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* How the connections are, since when, and who was told.
 *
 * Invariants: managers are told once that a connection fails and once that it works again, also
 * across restarts: the notice and the memory of it are one transaction. Trouble that passes by
 * itself within NOTICE_AFTER_MS is shown and not announced. "since" is when the trouble began, not
 * when its reason last changed. */

#include "server/service/desk-service-private.h"

#include <string.h>

#include "common/desk-uuid.h"

#define NOTICE_AFTER_MS (2 * 60 * G_GINT64_CONSTANT (1000)) /* of being degraded */

typedef struct
{
  DeskWork work;
  DeskServerConnectionRow row;
  DeskNotification *notice; /* nullable */
} DeskHealthChange;

/* ── Notices ────────────────────────────────────────────────────────────────────────────────── */

gboolean
desk_work_emit_notice (DeskWork *self, const DeskNotification *notice, GError **error)
{
  g_autoptr (GString) data = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, data);
  desk_wire_write_notification (&w, notice);
  DeskEvent event = { .type = DESK_EVENT_NOTIFICATION, .data = data->str };
  return desk_work_emit (self, &event, error);
}

DeskNotification *
desk_service_new_notice (DeskService *self, const char *kind)
{
  DeskNotification *notice = desk_notification_new ();

  notice->created_at_ms = desk_clock_now_ms (self->clock);
  notice->id = desk_uuid7_new (self->clock, self->random);
  notice->kind = g_strdup (kind);
  return notice;
}

static DeskNotification *
new_connection_notice (DeskService *self, const DeskServiceConnection *connection, gboolean failed)
{
  DeskNotification *notice
      = desk_service_new_notice (self, failed ? "connection_failed" : "connection_recovered");

  notice->platform = g_strdup (connection->platform);
  notice->connection = g_strdup (connection->name);
  notice->since_ms = failed ? connection->failing_since_ms : connection->since_ms;
  notice->title = g_strdup_printf (failed ? "%s does not work" : "%s works again",
                                   connection->name);
  if (!failed)
    notice->text = g_strdup ("Messages arrive and are sent again");
  else
    notice->text = g_strdup (connection->reason != NULL ? connection->reason
                                                        : desk_health_to_string (connection->health));
  if (failed && connection->trouble != DESK_TROUBLE_NONE)
    {
      notice->trouble = g_strdup (desk_trouble_to_string (connection->trouble));
      notice->advice = g_strdup (desk_trouble_get_advice (connection->trouble));
    }
  return notice;
}

/* ── A change ───────────────────────────────────────────────────────────────────────────────── */

static void
change_free (DeskHealthChange *self)
{
  desk_work_clear (&self->work);
  g_free (self->row.name);
  g_free (self->row.platform);
  g_free (self->row.reason);
  desk_notification_free (self->notice);
  g_free (self);
}

static gboolean
change_job (DeskServerTx *tx, gpointer data, GError **error)
{
  DeskHealthChange *self = data;

  desk_work_begin (&self->work, tx);
  return tx->ops->connection_set (tx, &self->row, error)
         && (self->notice == NULL || desk_work_emit_notice (&self->work, self->notice, error));
}

static void
change_done (const GError *error, gpointer data)
{
  DeskHealthChange *self = data;
  DeskService *service = self->work.service;

  desk_service_note_commit (service, error);
  if (error == NULL)
    desk_work_publish (&self->work);
  else if (self->notice != NULL)
    {
      /* nobody heard of it: the next report tries again */
      g_mutex_lock (&service->mutex);
      DeskServiceConnection *connection
          = g_hash_table_lookup (service->connections, self->row.name);
      if (connection != NULL)
        connection->told = !self->row.told;
      g_mutex_unlock (&service->mutex);
    }
  change_free (self);
}

static gboolean
is_failing (DeskHealth health)
{
  return health == DESK_HEALTH_DOWN || health == DESK_HEALTH_DEGRADED;
}

/* Moves the clocks of the connection. Returns 1 if its failure is to be announced, -1 if its
 * recovery, else 0. */
static int
move (DeskServiceConnection *connection, DeskHealth health, gint64 now_ms)
{
  const DeskHealth before = connection->health;

  connection->health = health;
  if (is_failing (health))
    {
      if (connection->failing_since_ms == 0)
        connection->failing_since_ms = now_ms;
      connection->since_ms = connection->failing_since_ms;
      if (connection->told
          || (health != DESK_HEALTH_DOWN
              && now_ms - connection->failing_since_ms < NOTICE_AFTER_MS))
        return 0;
      connection->told = TRUE;
      return 1;
    }
  if (health == before)
    return 0;
  connection->since_ms = now_ms;
  if (health != DESK_HEALTH_OK)
    return 0; /* starting decides nothing yet */
  connection->failing_since_ms = 0;
  const gboolean told = connection->told;
  connection->told = FALSE;
  return told ? -1 : 0;
}

static DeskHealthChange *
change_new (DeskService *self, const DeskServiceConnection *connection, int announce)
{
  DeskHealthChange *change = g_new0 (DeskHealthChange, 1);

  desk_work_init (&change->work, self);
  change->row.name = g_strdup (connection->name);
  change->row.platform = g_strdup (connection->platform);
  change->row.health = connection->health;
  change->row.trouble = connection->trouble;
  change->row.reason = g_strdup (connection->reason);
  change->row.since_ms = connection->since_ms;
  change->row.failing_since_ms = connection->failing_since_ms;
  change->row.told = connection->told;
  if (announce != 0)
    change->notice = new_connection_notice (self, connection, announce > 0);
  return change;
}

void
desk_service_set_trouble (DeskService *self,
                          const char *name,
                          DeskHealth health,
                          DeskTrouble trouble,
                          const char *reason)
{
  g_return_if_fail (self != NULL && name != NULL);
  DeskHealthChange *change = NULL;

  g_mutex_lock (&self->mutex);
  DeskServiceConnection *connection = g_hash_table_lookup (self->connections, name);
  if (connection != NULL)
    {
      const gboolean same = connection->health == health && connection->trouble == trouble
                            && g_strcmp0 (connection->reason, reason) == 0;
      connection->trouble = trouble;
      g_free (connection->reason);
      connection->reason = g_strdup (reason);
      const int announce = move (connection, health, desk_clock_now_ms (self->clock));
      if (!same || announce != 0)
        change = change_new (self, connection, announce);
    }
  g_mutex_unlock (&self->mutex);
  if (change != NULL)
    self->store->ops->submit (self->store, change_job, change_done, change);
}

void
desk_service_set_health (DeskService *self, const char *name, DeskHealth health, const char *reason)
{
  desk_service_set_trouble (self, name, health, DESK_TROUBLE_NONE, reason);
}

/* ── Memory ─────────────────────────────────────────────────────────────────────────────────── */

void
desk_service_recall_health (DeskService *self, DeskServiceConnection *connection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  DeskServerTx *tx = self->store->ops->begin_read (self->store, &error);

  if (tx != NULL)
    {
      tx->ops->connections_list (tx, &rows, &error);
      tx->ops->end_read (tx);
    }
  if (error != NULL)
    g_message ("how the connections were cannot be read: %s", error->message);
  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      const DeskServerConnectionRow *row = rows->pdata[i];
      if (strcmp (row->name, connection->name) != 0)
        continue;
      connection->failing_since_ms = row->failing_since_ms;
      connection->told = row->told;
    }
}

static DeskConnectionInfo *
new_info (DeskService *self, const DeskServiceConnection *connection)
{
  const DeskPlatform *platform = desk_service_find_platform (self, connection->platform);
  DeskConnectionInfo *info = desk_connection_info_new ();

  info->name = g_strdup (connection->name);
  info->platform = g_strdup (connection->platform);
  info->title = g_strdup (platform != NULL ? platform->title : connection->platform);
  info->state = g_strdup (desk_health_to_string (connection->health));
  info->reason = g_strdup (connection->reason);
  info->since_ms = connection->since_ms;
  if (connection->trouble != DESK_TROUBLE_NONE)
    {
      info->trouble = g_strdup (desk_trouble_to_string (connection->trouble));
      info->advice = g_strdup (desk_trouble_get_advice (connection->trouble));
    }
  return info;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(DeskConnectionInfo *const *)a)->name, (*(DeskConnectionInfo *const *)b)->name);
}

GPtrArray *
desk_service_list_connections (DeskService *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_connection_info_free);
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->mutex);
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (list, new_info (self, value));
  g_mutex_unlock (&self->mutex);
  g_ptr_array_sort (list, compare_names);
  return list;
}
