/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* Connectors and their host.
 * Invariants: the list of connectors is complete before any other thread sees it and never changes;
 * connectors are called on the main thread, parse_webhook excepted. */

#include "server/main/desk-daemon-host.h"

#include <string.h>

#include "common/desk-log.h"
#include "server/connectors/desk-connectors.h"

struct _DeskHost
{
  DeskConnectorHost host;
  DeskService *service;
  GPtrArray *connectors; /* of DeskConnector */
  gboolean running;
  void (*health) (const char *connection, DeskHealth health, gpointer data);
  gpointer health_data;
};

/* ── What connectors ask ────────────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskIngestDone done;
  gpointer data;
  gboolean stored;
  GError *error;
} Ingested;

static gboolean
tell_ingested (gpointer data)
{
  Ingested *self = data;

  self->done (self->stored, self->error, self->data);
  return G_SOURCE_REMOVE;
}

static void
ingested_free (gpointer data)
{
  Ingested *self = data;

  g_clear_error (&self->error);
  g_free (self);
}

/* on the writer thread */
static void
on_ingested (gboolean stored, const GError *error, gpointer data)
{
  Ingested *self = data;

  self->stored = stored;
  self->error = error != NULL ? g_error_copy (error) : NULL;
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_ingested, self, ingested_free);
}

static void
host_ingest (DeskConnectorHost *host, DeskInbound *inbound, DeskIngestDone done, gpointer data)
{
  DeskHost *self = host->data;
  Ingested *ingested = g_new0 (Ingested, 1);

  ingested->done = done;
  ingested->data = data;
  desk_service_ingest (self->service, inbound, on_ingested, ingested);
}

static char *
host_get_checkpoint (DeskConnectorHost *host, const char *connection)
{
  return desk_service_get_checkpoint (((DeskHost *)host->data)->service, connection);
}

static void
host_set_trouble (DeskConnectorHost *host,
                  const char *connection,
                  DeskHealth health,
                  DeskTrouble trouble,
                  const char *reason)
{
  DeskHost *self = host->data;

  desk_log_event (health == DESK_HEALTH_OK || health == DESK_HEALTH_STARTING ? G_LOG_LEVEL_INFO
                                                                            : G_LOG_LEVEL_WARNING,
                  G_LOG_DOMAIN, "The health of a connection changed", "connection", connection,
                  "health", desk_health_to_string (health), "reason", reason, NULL);
  desk_service_set_trouble (self->service, connection, health, trouble, reason);
  if (self->health != NULL)
    self->health (connection, health, self->health_data);
}

static void
host_set_health (DeskConnectorHost *host, const char *connection, DeskHealth health, const char *reason)
{
  host_set_trouble (host, connection, health, DESK_TROUBLE_NONE, reason);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static gboolean
add_connection (DeskHost *self, const DeskConnection *connection, GError **error)
{
  const DeskPlatform *platform = desk_connectors_describe (connection->platform);

  if (platform == NULL)
    {
      g_autofree char *reason
          = g_strdup_printf ("This version has no connector for %s", connection->platform);
      desk_service_add_connection (self->service, connection->name, connection->platform,
                                   connection->chat_prefix);
      host_set_trouble (&self->host, connection->name, DESK_HEALTH_DOWN, DESK_TROUBLE_CONFIG,
                        reason);
      return TRUE;
    }
  DeskConnector *connector = desk_connectors_create (connection, &self->host, error);
  if (connector == NULL)
    {
      g_prefix_error (error, "Connection %s: ", connection->name);
      return FALSE;
    }
  /* a partner's platform is named by its configuration */
  platform = desk_connector_get_platform (connector);
  desk_service_add_platform (self->service, platform);
  desk_service_add_connection (self->service, connection->name, platform->name,
                               connection->chat_prefix);
  g_ptr_array_add (self->connectors, connector);
  return TRUE;
}

DeskHost *
desk_host_new (const DeskConfig *config,
               DeskService *service,
               DeskClock *clock,
               DeskRandom *random,
               void (*health) (const char *connection, DeskHealth health, gpointer data),
               gpointer data,
               GError **error)
{
  DeskHost *self = g_new0 (DeskHost, 1);

  self->host.data = self;
  self->host.ingest = host_ingest;
  self->host.get_checkpoint = host_get_checkpoint;
  self->host.set_health = host_set_health;
  self->host.set_trouble = host_set_trouble;
  self->host.files = desk_service_get_files (service);
  self->host.clock = clock;
  self->host.random = random;
  self->service = service;
  self->health = health;
  self->health_data = data;
  self->connectors = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < config->connections->len; i++)
    if (!add_connection (self, g_ptr_array_index (config->connections, i), error))
      {
        desk_host_free (self);
        return NULL;
      }
  return self;
}

void
desk_host_start (DeskHost *self)
{
  self->running = TRUE;
  for (guint i = 0; i < self->connectors->len; i++)
    desk_connector_start (g_ptr_array_index (self->connectors, i));
}

void
desk_host_stop (DeskHost *self)
{
  if (!self->running)
    return;
  self->running = FALSE;
  for (guint i = 0; i < self->connectors->len; i++)
    desk_connector_stop (g_ptr_array_index (self->connectors, i));
}

void
desk_host_free (DeskHost *self)
{
  if (self == NULL)
    return;
  desk_host_stop (self);
  g_ptr_array_unref (self->connectors);
  g_free (self);
}

DeskService *
desk_host_get_service (DeskHost *self)
{
  return self->service;
}

GPtrArray *
desk_host_get_connectors (DeskHost *self)
{
  return self->connectors;
}

/* ── Finding one ────────────────────────────────────────────────────────────────────────────── */
static gboolean
is_of_platform (DeskConnector *connector, const char *platform)
{
  return strcmp (desk_connector_get_connection (connector)->platform, platform) == 0
         || strcmp (desk_connector_get_platform (connector)->name, platform) == 0;
}

DeskConnector *
desk_host_nth (DeskHost *self, const char *platform, guint n)
{
  for (guint i = 0; i < self->connectors->len; i++)
    if (is_of_platform (self->connectors->pdata[i], platform) && n-- == 0)
      return self->connectors->pdata[i];
  return NULL;
}

DeskConnector *
desk_host_find (DeskHost *self, const char *platform, const char *connection)
{
  DeskConnector *found = NULL;

  for (guint i = 0; i < self->connectors->len; i++)
    {
      DeskConnector *connector = g_ptr_array_index (self->connectors, i);
      const DeskConnection *own = desk_connector_get_connection (connector);

      if (!is_of_platform (connector, platform))
        continue;
      if (connection != NULL && strcmp (own->name, connection) == 0)
        return connector;
      if (connection == NULL && found != NULL)
        return NULL; /* which of them is meant is not told */
      if (connection == NULL)
        found = connector;
    }
  return found;
}

typedef struct
{
  DeskHost *host;
  char *platform;
  char *user_id;
} Typing;

static gboolean
tell_typing (gpointer data)
{
  Typing *typing = data;
  DeskHost *self = typing->host;

  for (guint i = 0; self->running && i < self->connectors->len; i++)
    {
      DeskConnector *connector = g_ptr_array_index (self->connectors, i);
      const DeskConnection *own = desk_connector_get_connection (connector);

      if (strcmp (desk_connector_get_platform (connector)->name, typing->platform) == 0
          && g_str_has_prefix (typing->user_id, own->chat_prefix))
        {
          desk_connector_typing (connector, typing->user_id);
          break;
        }
    }
  return G_SOURCE_REMOVE;
}

static void
typing_free (gpointer data)
{
  Typing *self = data;

  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}

void
desk_host_typing (DeskHost *self, const char *platform, const char *user_id)
{
  Typing *typing = g_new0 (Typing, 1);

  typing->host = self;
  typing->platform = g_strdup (platform);
  typing->user_id = g_strdup (user_id);
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_typing, typing, typing_free);
}

typedef struct
{
  DeskHost *host;
  char *connection;
  DeskMessage *message;
} Fetch;

static gboolean
tell_fetch (gpointer data)
{
  Fetch *fetch = data;
  DeskHost *self = fetch->host;

  for (guint i = 0; self->running && i < self->connectors->len; i++)
    {
      DeskConnector *connector = g_ptr_array_index (self->connectors, i);
      if (strcmp (desk_connector_get_connection (connector)->name, fetch->connection) == 0)
        desk_connector_fetch_files (connector, fetch->message);
    }
  return G_SOURCE_REMOVE;
}

static void
fetch_free (gpointer data)
{
  Fetch *self = data;

  g_free (self->connection);
  desk_message_free (self->message);
  g_free (self);
}

void
desk_host_fetch_files (DeskHost *self, const char *connection, const DeskMessage *message)
{
  Fetch *fetch = g_new0 (Fetch, 1);

  fetch->host = self;
  fetch->connection = g_strdup (connection);
  fetch->message = desk_message_copy (message);
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_fetch, fetch, fetch_free);
}

typedef struct
{
  DeskHost *host;
  char *connection;
  char *user_id;
  char *external_id;
} Read;

static gboolean
tell_read (gpointer data)
{
  Read *read = data;
  DeskHost *self = read->host;

  for (guint i = 0; self->running && i < self->connectors->len; i++)
    {
      DeskConnector *connector = g_ptr_array_index (self->connectors, i);
      if (strcmp (desk_connector_get_connection (connector)->name, read->connection) == 0)
        desk_connector_mark_read (connector, read->user_id, read->external_id);
    }
  return G_SOURCE_REMOVE;
}

static void
read_free (gpointer data)
{
  Read *self = data;

  g_free (self->connection);
  g_free (self->user_id);
  g_free (self->external_id);
  g_free (self);
}

void
desk_host_mark_read (DeskHost *self,
                     const char *connection,
                     const char *user_id,
                     const char *external_id)
{
  Read *read = g_new0 (Read, 1);

  read->host = self;
  read->connection = g_strdup (connection);
  read->user_id = g_strdup (user_id);
  read->external_id = g_strdup (external_id);
  g_idle_add_full (G_PRIORITY_DEFAULT, tell_read, read, read_free);
}
