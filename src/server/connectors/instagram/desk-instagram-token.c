/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The token of Instagram's own login: it ends after 60 days unless it is refreshed, and then only a
 * person can make a new one.
 *
 * Invariants: a new token is used only after it is kept, so that no crash leaves us with one that
 * nobody knows; files are replaced in one step and only their owner can read them; the token is
 * never logged. */

#include "server/connectors/instagram/desk-instagram-token.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "common/desk-crypto.h"
#include "common/desk-json-writer.h"
#include "common/desk-json.h"
#include "server/connectors/meta/desk-meta-json.h"

#define LOOK_MS    (60 * 60 * 1000) /* between two looks at the clock */
#define WARN_MS    (14 * G_GINT64_CONSTANT (86400000)) /* rest of its life at which people are told */
#define DAY_MS     G_GINT64_CONSTANT (86400000)
#define MAX_TOKEN  4096
#define GRANT_PATH "refresh_access_token?grant_type=ig_refresh_token"

typedef struct
{
  DeskMessagingConnector *connector; /* borrowed: it owns us */
  DeskInstagramTokenState state;
  char *token; /* in use */
  GCancellable *cancellable;
  guint timer;
} Keeper;

typedef struct
{
  Keeper *keeper; /* valid while the run is not cancelled */
  DeskMessagingConnector *connector;
  GCancellable *run;
  char *token;       /* nullable: new */
  gint64 expires_ms; /* of it */
  gboolean in_query; /* asked in the documented form, with the token in the query */
} Refresh;

/* ── What is kept ───────────────────────────────────────────────────────────────────────────── */
static void
clear_secret (char **secret)
{
  if (*secret != NULL)
    desk_secure_clear (*secret);
  g_clear_pointer (secret, g_free);
}

void
desk_instagram_token_state_clear (DeskInstagramTokenState *self)
{
  clear_secret (&self->token);
  g_clear_pointer (&self->of, g_free);
  self->since_ms = self->expires_ms = 0;
}

gboolean
desk_instagram_token_state_read (const char *text, DeskInstagramTokenState *out)
{
  g_autoptr (JsonNode) root
      = text != NULL ? desk_json_parse (text, strlen (text), 4 * MAX_TOKEN, NULL) : NULL;
  JsonObject *object = desk_meta_node_object (root);

  *out = (DeskInstagramTokenState) { 0 };
  if (desk_meta_string (object, "of") == NULL)
    return FALSE;
  out->of = g_strdup (desk_meta_string (object, "of"));
  out->token = g_strdup (desk_meta_string (object, "token"));
  out->since_ms = desk_meta_int_or (object, "since", 0);
  out->expires_ms = desk_meta_int_or (object, "expires", 0);
  return TRUE;
}

char *
desk_instagram_token_state_write (const DeskInstagramTokenState *self)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  desk_json_writer_member_string (&w, "of", self->of);
  if (self->token != NULL)
    desk_json_writer_member_string (&w, "token", self->token);
  desk_json_writer_member_int64 (&w, "since", self->since_ms);
  desk_json_writer_member_int64 (&w, "expires", self->expires_ms);
  desk_json_writer_end_object (&w);
  return g_string_free (json, FALSE);
}

/* A file of mode 0600 beside the old one, then in its place. */
static gboolean
write_file (const char *path, const char *token, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".new", NULL);
  const gsize len = strlen (token);
  int fd;

  g_unlink (temporary);
  fd = g_open (temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gboolean ok = fd >= 0 && write (fd, token, len) == (gssize)len && write (fd, "\n", 1) == 1
                && fsync (fd) == 0;
  if (fd >= 0)
    ok = close (fd) == 0 && ok;
  ok = ok && g_rename (temporary, path) == 0;
  if (!ok)
    {
      const int problem = errno;
      g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (problem),
                           g_strerror (problem));
      if (fd >= 0)
        g_unlink (temporary);
    }
  return ok;
}

static gint64
now_ms (const Keeper *self)
{
  return desk_clock_now_ms (desk_connector_get_host (DESK_CONNECTOR (self->connector))->clock);
}

static void
keep_state (Keeper *self, DeskIngestDone done, gpointer data)
{
  DeskConnectorHost *host = desk_connector_get_host (DESK_CONNECTOR (self->connector));
  const char *name = desk_connector_get_connection (DESK_CONNECTOR (self->connector))->name;
  DeskInbound *inbound = desk_inbound_new (name, DESK_SOURCE_API, NULL);

  inbound->checkpoint = desk_instagram_token_state_write (&self->state);
  host->ingest (host, inbound, done, data);
}

static void
on_noted (gboolean stored, const GError *error, gpointer data)
{
  if (!stored)
    g_message ("The age of a token could not be stored: %s",
               error != NULL ? error->message : "no reason told");
}

/* ── Refreshing ─────────────────────────────────────────────────────────────────────────────── */
static void look (Keeper *self);

static void
refresh_free (Refresh *refresh)
{
  clear_secret (&refresh->token);
  g_object_unref (refresh->connector);
  g_object_unref (refresh->run);
  g_free (refresh);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Refresh, refresh_free)

static gboolean
on_timer (gpointer data)
{
  Keeper *self = data;

  self->timer = 0;
  look (self);
  return G_SOURCE_REMOVE;
}

static void
look_later (Keeper *self)
{
  if (self->timer == 0)
    self->timer = g_timeout_add (LOOK_MS, on_timer, self);
}

/* Days are counted as people do: "in 0 days" is less than one. */
static void
warn (Keeper *self, const char *reason)
{
  const gint64 rest_ms = self->state.expires_ms - now_ms (self);
  g_autofree char *text = NULL;

  g_message ("A token could not be refreshed: %s", reason);
  if (self->state.expires_ms > 0 && rest_ms > WARN_MS)
    return; /* there is time for many more attempts */
  text = rest_ms > 0 ? g_strdup_printf ("The access token could not be refreshed and ends in %d "
                                        "days: %s",
                                        (int)(rest_ms / DAY_MS), reason)
                     : g_strdup_printf ("The access token could not be refreshed: %s", reason);
  desk_messaging_connector_set_warning (self->connector, text);
}

static void
on_kept (gboolean stored, const GError *error, gpointer data)
{
  g_autoptr (Refresh) refresh = data;

  if (g_cancellable_is_cancelled (refresh->run))
    return;
  Keeper *self = refresh->keeper;
  if (!stored)
    {
      clear_secret (&self->state.token);
      warn (self, error != NULL ? error->message : "it could not be stored");
      look_later (self);
      return;
    }
  clear_secret (&self->token);
  self->token = g_steal_pointer (&refresh->token);
  desk_messaging_connector_set_token (self->connector, self->token);
  desk_messaging_connector_set_warning (self->connector, NULL);
  g_message ("%s: the access token was refreshed",
             desk_connector_get_connection (DESK_CONNECTOR (self->connector))->name);
  look_later (self);
}

/* In the file of the configuration if it can be written, else in the store. */
static void
keep_token (Refresh *refresh)
{
  Keeper *self = refresh->keeper;
  const DeskConnection *connection
      = desk_connector_get_connection (DESK_CONNECTOR (self->connector));
  g_autoptr (GError) error = NULL;

  clear_secret (&self->state.token);
  self->state.since_ms = now_ms (self);
  self->state.expires_ms = refresh->expires_ms;
  if (connection->token_path != NULL && write_file (connection->token_path, refresh->token, &error))
    {
      g_free (self->state.of);
      self->state.of = desk_sha256_hex (refresh->token, strlen (refresh->token));
    }
  else
    {
      if (error != NULL)
        g_message ("%s: the token's file cannot be written, so that the store keeps it: %s",
                   connection->name, error->message);
      self->state.token = g_strdup (refresh->token);
    }
  keep_state (self, on_kept, refresh);
}

static void ask (Refresh *refresh);

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (Refresh) refresh = data;
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  const char *token = desk_meta_string (reply->object, "access_token");
  gint64 life_s = desk_meta_int_or (reply->object, "expires_in", 0);

  if (g_cancellable_is_cancelled (refresh->run))
    return;
  if (desk_meta_reply_is_ok (reply) && token != NULL && strlen (token) <= MAX_TOKEN)
    {
      if (life_s <= 0 || life_s > 10 * DESK_INSTAGRAM_TOKEN_LIFE_MS / 1000)
        life_s = DESK_INSTAGRAM_TOKEN_LIFE_MS / 1000;
      refresh->token = g_strdup (token);
      refresh->expires_ms = now_ms (refresh->keeper) + life_s * 1000;
      keep_token (g_steal_pointer (&refresh));
      return;
    }
  if (reply->has_error && reply->code != 190 && !reply->is_transient && !refresh->in_query)
    {
      /* it wants the token where the documentation has it */
      refresh->in_query = TRUE;
      ask (g_steal_pointer (&refresh));
      return;
    }
  warn (refresh->keeper, reply->words != NULL     ? reply->words
                         : reply->trouble != NULL ? reply->trouble
                                                  : "the answer cannot be read");
  look_later (refresh->keeper);
}

static void
ask (Refresh *refresh)
{
  DeskMetaGraph *graph = desk_messaging_connector_get_graph (refresh->connector);
  g_autofree char *token = g_uri_escape_string (refresh->keeper->token, NULL, FALSE);
  g_autofree char *path = refresh->in_query
                              ? g_strconcat (GRANT_PATH "&access_token=", token, NULL)
                              : g_strdup (GRANT_PATH);

  desk_meta_graph_get_async (graph, path, refresh->run, on_refreshed, refresh);
  desk_secure_clear (path);
  desk_secure_clear (token);
}

static void
look (Keeper *self)
{
  const gint64 age_ms = now_ms (self) - self->state.since_ms;
  const gint64 rest_ms = self->state.expires_ms - now_ms (self);
  const gboolean is_known = self->state.expires_ms > 0;
  Refresh *refresh;

  /* of a token that is new to us nobody tells how old it is */
  if (age_ms < (is_known && rest_ms > WARN_MS ? DESK_INSTAGRAM_TOKEN_RENEW_MS
                                              : DESK_INSTAGRAM_TOKEN_MIN_AGE_MS))
    {
      look_later (self);
      return;
    }
  refresh = g_new0 (Refresh, 1);
  refresh->keeper = self;
  refresh->connector = g_object_ref (self->connector);
  refresh->run = g_object_ref (self->cancellable);
  ask (refresh);
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static void
start (gpointer data)
{
  Keeper *self = data;
  DeskConnector *connector = DESK_CONNECTOR (self->connector);
  DeskConnectorHost *host = desk_connector_get_host (connector);
  const DeskConnection *connection = desk_connector_get_connection (connector);
  g_autofree char *text = host->get_checkpoint (host, connection->name);
  g_autofree char *of = desk_sha256_hex (connection->token, strlen (connection->token));

  self->cancellable = g_cancellable_new ();
  clear_secret (&self->token);
  desk_instagram_token_state_clear (&self->state);
  if (!desk_instagram_token_state_read (text, &self->state) || strcmp (self->state.of, of) != 0)
    {
      desk_instagram_token_state_clear (&self->state);
      self->state.of = g_steal_pointer (&of);
      self->state.since_ms = now_ms (self);
      keep_state (self, on_noted, NULL);
    }
  if (text != NULL)
    desk_secure_clear (text);
  self->token = g_strdup (self->state.token != NULL ? self->state.token : connection->token);
  desk_messaging_connector_set_token (self->connector, self->token);
  look (self);
}

static void
stop (gpointer data)
{
  Keeper *self = data;

  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
keeper_free (gpointer data)
{
  Keeper *self = data;

  stop (self);
  clear_secret (&self->token);
  desk_instagram_token_state_clear (&self->state);
  g_free (self);
}

void
desk_instagram_token_keep (DeskMessagingConnector *connector)
{
  g_return_if_fail (DESK_IS_MESSAGING_CONNECTOR (connector));
  Keeper *self = g_new0 (Keeper, 1);

  self->connector = connector;
  desk_messaging_connector_set_keeper (
      connector, (DeskMessagingKeeper) { self, start, stop, keeper_free });
}
