/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* The wiring of frontdeskd.
 *
 * What is built later uses what was built earlier and is taken down first: lock, store, service,
 * websockets, connectors,
 * delivery, HTTP. The writer thread of the store calls the sink; events
 * which come before the websockets exist are in the log, and nobody is there to hear them. */

#include "server/main/desk-daemon.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <utime.h>

#include "common/desk-log.h"
#include "server/delivery/desk-delivery.h"
#include "server/events/local/desk-events-local.h"
#include "server/files/desk-files.h"
#include "server/http/desk-http-server.h"
#include "server/main/desk-cleanup-time.h"
#include "server/main/desk-daemon-host.h"
#include "server/main/desk-daemon-profiles.h"
#include "server/main/desk-daemon-sockets.h"
#include "server/main/desk-daemon-upkeep.h"
#include "server/main/desk-ops-socket.h"
#include "server/store/sqlite/desk-store-sqlite.h"

#define CHECK_TOKENS_S      5
#define CLEANUP_TICK_S      30
#define SOCKETS_DEADLINE_MS 1500 /* together well under the 5 s of SIGTERM */
#define HTTP_DEADLINE_MS    1500
#define DELIVERY_DEADLINE_MS 1000
#define MAX_PICTURE_BYTES   (1024 * 1024) /* of a customer */
#define RECENT_BYTES        (32 * 1024 * 1024) /* of the newest events, for resumes */

struct _DeskDaemon
{
  const DeskConfig *config;
  DeskClock *clock;
  DeskRandom *random;

  DeskServerLock *lock;
  DeskServerStore *store;
  DeskFileStore *files;
  DeskEventsLocal *recent;
  DeskService *service;
  DeskSockets *sockets; /* atomic: the writer thread reads it */
  DeskHost *host;
  GMutex delivery_mutex; /* guards the pointer: any thread may wake it */
  DeskDelivery *delivery;
  DeskHttpServer *http;
  DeskOpsSocket *ops; /* NULL if it could not be made */

  DeskUpkeep *upkeep;
  DeskProfiles *profiles; /* atomic: any thread asks for some */
  guint beat;
  guint check_tokens;
  guint cleanup;
  gint cleaning; /* atomic */
};

char *
desk_daemon_database_path (const char *data)
{
  return g_build_filename (data, "frontdesk.db", NULL);
}

/* ── The sink of the service ────────────────────────────────────────────────────────────────── */
static void
on_published (gpointer data, const DeskLoggedEvent *const *events, gsize n)
{
  DeskDaemon *self = data;
  DeskSockets *sockets = g_atomic_pointer_get (&self->sockets);

  /* memory first: who reads the log there must not miss what is told next */
  desk_events_local_publish (self->recent, events, n);
  if (sockets != NULL)
    desk_sockets_publish (sockets, events, n);
}

static GPtrArray *
on_recent (gpointer data, guint partition, gint64 after_seq, guint limit, gint64 *out_last_seq)
{
  return desk_events_local_read (((DeskDaemon *)data)->recent, partition, after_seq, limit,
                                 out_last_seq);
}

static void
on_delivery_wanted (gpointer data)
{
  DeskDaemon *self = data;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->delivery_mutex);

  if (self->delivery != NULL)
    desk_delivery_wake (self->delivery);
}

static void
on_ephemeral (gpointer data, GBytes *frame, GBytes *frame_level0)
{
  DeskSockets *sockets = g_atomic_pointer_get (&((DeskDaemon *)data)->sockets);

  if (sockets != NULL)
    desk_sockets_ephemeral (sockets, frame, frame_level0);
}

static void
on_files_wanted (gpointer data, const char *connection, const DeskMessage *message)
{
  DeskDaemon *self = data;

  if (self->host != NULL)
    desk_host_fetch_files (self->host, connection, message);
}

static void
on_chat_read (gpointer data, const char *connection, const char *user_id, const char *external_id)
{
  DeskDaemon *self = data;

  if (self->host != NULL)
    desk_host_mark_read (self->host, connection, user_id, external_id);
}

static void
on_profile_wanted (gpointer data, const char *connection, const char *platform, const char *user_id)
{
  DeskProfiles *profiles = g_atomic_pointer_get (&((DeskDaemon *)data)->profiles);

  if (profiles != NULL)
    desk_profiles_want (profiles, connection, platform, user_id);
}

/* ── What the HTTP front and the websockets ask ─────────────────────────────────────────────── */
static void
on_upgraded (const DeskHttpUpgraded *upgraded, gpointer data)
{
  desk_sockets_adopt (((DeskDaemon *)data)->sockets, upgraded);
}

static DeskConnector *
on_find_connector (const char *platform, const char *connection, gpointer data)
{
  return desk_host_find (((DeskDaemon *)data)->host, platform, connection);
}

static DeskConnector *
on_nth_connector (const char *platform, guint n, gpointer data)
{
  return desk_host_nth (((DeskDaemon *)data)->host, platform, n);
}

static void
on_write_metrics (GString *out, gpointer data)
{
  desk_sockets_write_metrics (((DeskDaemon *)data)->sockets, out);
}

static void
on_list_products (const char *platform,
                  const char *user_id,
                  guint page,
                  DeskReplyDone done,
                  gpointer done_data,
                  gpointer data)
{
  desk_host_list_products (((DeskDaemon *)data)->host, platform, user_id, page, done, done_data);
}

static void
on_typing (const char *platform, const char *user_id, gpointer data)
{
  DeskDaemon *self = data;

  if (self->host != NULL)
    desk_host_typing (self->host, platform, user_id);
}

/* ── What happens by the clock ──────────────────────────────────────────────────────────────── */
static gboolean
on_beat (gpointer data)
{
  desk_sockets_beat (((DeskDaemon *)data)->sockets);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_check_tokens (gpointer data)
{
  desk_sockets_check_tokens (((DeskDaemon *)data)->sockets);
  return G_SOURCE_CONTINUE;
}

static void
on_cleaned (gint64 deleted, gpointer data)
{
  DeskDaemon *self = data;
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, deleted);

  desk_log_event (G_LOG_LEVEL_INFO, G_LOG_DOMAIN, "The daily cleanup is done", "deleted", text,
                  NULL);
  g_atomic_int_set (&self->cleaning, 0);
}

/* The time of a file remembers the last cleanup, so that a machine which is off at night catches up
 * when it is switched on. */
static gboolean
on_cleanup_tick (gpointer data)
{
  DeskDaemon *self = data;
  g_autofree char *stamp = g_build_filename (self->config->data, "cleanup.stamp", NULL);
  const gint64 now_s = desk_clock_now_ms (self->clock) / 1000;
  const struct utimbuf now = { .actime = (time_t)now_s, .modtime = (time_t)now_s };
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  GStatBuf info;

  if (g_stat (stamp, &info) != 0)
    {
      g_file_set_contents (stamp, "", 0, NULL);
      utime (stamp, &now);
      return G_SOURCE_CONTINUE;
    }
  if (info.st_mtime >= desk_cleanup_last_due (now_s, self->config->retention.cleanup_minute, zone)
      || !g_atomic_int_compare_and_exchange (&self->cleaning, 0, 1))
    return G_SOURCE_CONTINUE;
  utime (stamp, &now);
  desk_service_cleanup (self->service, on_cleaned, self);
  return G_SOURCE_CONTINUE;
}

/* ── Start ──────────────────────────────────────────────────────────────────────────────────── */
static gboolean
open_store (DeskDaemon *self, GError **error)
{
  g_autofree char *path = desk_daemon_database_path (self->config->data);

  self->lock = desk_server_lock_acquire (self->config->data, error);
  if (self->lock == NULL)
    return FALSE;
  g_chmod (self->config->data, 0700);
  self->store = desk_store_sqlite_open (path, NULL, error);
  return self->store != NULL;
}

static gboolean
open_files (DeskDaemon *self, GError **error)
{
  g_autofree char *folder = g_build_filename (self->config->data, "files", NULL);
  g_autofree char *key = g_build_filename (self->config->data, "files.key", NULL);

  self->files = desk_files_open (folder, key, error);
  return self->files != NULL;
}

static gboolean
start_service (DeskDaemon *self, GError **error)
{
  const DeskServiceOptions options = {
    .store = self->store,
    .files = self->files,
    .clock = self->clock,
    .random = self->random,
    .sink = {
      .data = self,
      .published = on_published,
      .delivery_wanted = on_delivery_wanted,
      .ephemeral = on_ephemeral,
      .files_wanted = on_files_wanted,
      .chat_read = on_chat_read,
      .profile_wanted = on_profile_wanted,
      .recent = on_recent,
    },
    .retention = self->config->retention,
  };

  self->service = desk_service_new (&options, error);
  return self->service != NULL;
}

static gboolean
start_sockets (DeskDaemon *self, GError **error)
{
  const DeskSocketsOptions options = {
    .service = self->service,
    .clock = self->clock,
    .typing = on_typing,
    .data = self,
  };
  DeskSockets *sockets = desk_sockets_new (&options, error);

  g_atomic_pointer_set (&self->sockets, sockets);
  return sockets != NULL;
}

static void
on_health (const char *connection, DeskHealth health, gpointer data)
{
  DeskDaemon *self = data;

  if (self->delivery != NULL)
    desk_delivery_health_changed (self->delivery, connection, health);
}

static gboolean
start_delivery (DeskDaemon *self, GError **error)
{
  GPtrArray *connectors = desk_host_get_connectors (self->host);
  DeskDelivery *delivery = desk_delivery_new (self->service, self->clock, self->random);

  for (guint i = 0; i < connectors->len; i++)
    desk_delivery_add_connector (delivery, g_ptr_array_index (connectors, i));
  if (!desk_delivery_start (delivery, error))
    {
      desk_delivery_free (delivery);
      return FALSE;
    }
  g_mutex_lock (&self->delivery_mutex);
  self->delivery = delivery;
  g_mutex_unlock (&self->delivery_mutex);
  return TRUE;
}

static gboolean
start_http (DeskDaemon *self, GError **error)
{
  const DeskConfig *config = self->config;
  const DeskHttpOptions options = {
    .address = config->address,
    .port = config->port,
    .timeout_s = config->timeout_s,
    .requests_per_minute = config->requests_per_minute,
    .sign_ins_per_minute = config->sign_ins_per_minute,
    .service = self->service,
    .clock = self->clock,
    .random = self->random,
    .upgraded = on_upgraded,
    .find_connector = on_find_connector,
    .nth_connector = on_nth_connector,
    .write_metrics = on_write_metrics,
    .list_products = on_list_products,
    .data = self,
  };

  self->http = desk_http_server_new (&options, error);
  return self->http != NULL;
}

static void
start_profiles (DeskDaemon *self)
{
  const DeskConfigUsers *users = &self->config->users;
  const DeskUserDirectoryOptions options = {
    .base_url = users->base_url,
    .path = users->path,
    .token = users->token,
    .batch_size = users->batch_size,
    .timeout_ms = users->timeout_s * 1000,
    .numbers = users->numbers,
    .max_picture_bytes = MAX_PICTURE_BYTES,
    .files = self->files,
    .clock = self->clock,
    .random = self->random,
  };
  DeskUserDirectory *directory = users->base_url != NULL ? desk_user_directory_new (&options) : NULL;

  g_atomic_pointer_set (&self->profiles,
                        desk_profiles_new (self->service, self->clock,
                                           desk_host_get_connectors (self->host), directory,
                                           (const char *const *)users->platforms));
}

/* Without it the daemon does its work all the same. */
static void
start_ops (DeskDaemon *self)
{
  g_autoptr (GError) error = NULL;

  self->ops = desk_ops_socket_new (self->config->data, self->service,
                                   desk_host_get_connectors (self->host), &error);
  if (self->ops == NULL)
    g_message ("administrative commands cannot reach this daemon: %s", error->message);
}

DeskDaemon *
desk_daemon_new (const DeskConfig *config, GError **error)
{
  g_autoptr (DeskDaemon) self = g_new0 (DeskDaemon, 1);

  self->config = config;
  self->clock = desk_clock_system ();
  self->random = desk_random_system ();
  self->recent = desk_events_local_new (RECENT_BYTES);
  g_mutex_init (&self->delivery_mutex);
  if (!open_store (self, error) || !open_files (self, error) || !start_service (self, error) || !start_sockets (self, error))
    return NULL;
  self->host = desk_host_new (config, self->service, self->clock, self->random, on_health, self,
                              error);
  if (self->host == NULL || !start_delivery (self, error) || !start_http (self, error))
    return NULL;

  start_profiles (self);
  start_ops (self);
  desk_host_start (self->host);
  desk_service_resume_files (self->service);
  self->upkeep = desk_upkeep_new (self->service, self->clock,
                                  desk_host_get_connectors (self->host));
  self->beat = g_timeout_add (DESK_SOCKETS_HEARTBEAT_MS, on_beat, self);
  self->check_tokens = g_timeout_add_seconds (CHECK_TOKENS_S, on_check_tokens, self);
  self->cleanup = g_timeout_add_seconds (CLEANUP_TICK_S, on_cleanup_tick, self);
  on_cleanup_tick (self);
  return g_steal_pointer (&self);
}

guint16
desk_daemon_get_port (DeskDaemon *self)
{
  return desk_http_server_get_port (self->http);
}

DeskService *
desk_daemon_get_service (DeskDaemon *self)
{
  return self->service;
}

/* ── End ────────────────────────────────────────────────────────────────────────────────────── */
static void
clear_source (guint *id)
{
  if (*id != 0)
    g_source_remove (*id);
  *id = 0;
}

static void
on_delivery_stopped (gpointer data)
{
  *(gboolean *)data = TRUE;
}

/* What was begun ends or is recorded as unknown. */
static void
stop_delivery (DeskDaemon *self)
{
  gboolean stopped = FALSE;

  if (self->delivery == NULL)
    return;
  desk_delivery_stop (self->delivery, DELIVERY_DEADLINE_MS, on_delivery_stopped, &stopped);
  while (!stopped)
    g_main_context_iteration (NULL, TRUE);

  g_mutex_lock (&self->delivery_mutex);
  DeskDelivery *delivery = g_steal_pointer (&self->delivery);
  g_mutex_unlock (&self->delivery_mutex);
  desk_delivery_free (delivery);
}

void
desk_daemon_free (DeskDaemon *self)
{
  if (self == NULL)
    return;
  clear_source (&self->beat);
  clear_source (&self->check_tokens);
  clear_source (&self->cleanup);
  g_clear_pointer (&self->upkeep, desk_upkeep_free);
  if (self->profiles != NULL)
    desk_profiles_stop (self->profiles);
  desk_ops_socket_free (g_steal_pointer (&self->ops));
  if (self->http != NULL)
    desk_http_server_close (self->http);
  stop_delivery (self);
  if (self->host != NULL)
    desk_host_stop (self->host);
  if (self->sockets != NULL)
    desk_sockets_shutdown (self->sockets, SOCKETS_DEADLINE_MS);
  desk_http_server_free (self->http, HTTP_DEADLINE_MS);

  /* the service's end waits for what its writer still has to do, and for what that tells */
  desk_service_free (self->service);
  desk_profiles_free (self->profiles);
  desk_host_free (self->host);
  desk_sockets_free (self->sockets);
  if (self->store != NULL)
    self->store->ops->close (self->store);
  if (self->files != NULL)
    self->files->ops->close (self->files);
  desk_server_lock_release (self->lock);
  desk_events_local_free (self->recent);
  g_mutex_clear (&self->delivery_mutex);
  g_free (self);
}
