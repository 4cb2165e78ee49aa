/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* Canned replies, the team and the open chat's profile, at level 2. The lists are fetched after a snapshot, when an event
 * says that they changed, and once a day; a connection that is resumed with nothing new asks for nothing. A profile is
 * fetched when its chat is opened, and again after PROFILE_LIFE_US; events tell what changes meanwhile. */

#define TEAM_LIFE_MS (G_GINT64_CONSTANT (24) * 3600 * 1000)
#define PROFILE_LIFE_US (5 * 60 * G_USEC_PER_SEC)
#define MAX_PROFILES 1000

void
desk_engine_pump_team (DeskEngine *self)
{
  if (self->state->level != 2 || !desk_engine_is_online (self) || self->store_broken)
    return;
  if (self->canned_wanted && !self->canned_asked)
    {
      self->canned_wanted = FALSE;
      self->canned_asked = TRUE;
      desk_engine_request (self, DESK_REQUEST_CANNED);
    }
  if (self->managers_wanted && !self->managers_asked)
    {
      self->managers_wanted = FALSE;
      self->managers_asked = TRUE;
      desk_engine_request (self, DESK_REQUEST_MANAGERS);
    }
}

void
desk_engine_want_team (DeskEngine *self, gboolean managers)
{
  if (ABS (self->wall_ms - self->team_ms) >= TEAM_LIFE_MS)
    self->canned_wanted = self->managers_wanted = TRUE;
  self->managers_wanted |= managers;
  desk_engine_pump_team (self);
}

/* The connection is gone, and what was asked for with it. */
void
desk_engine_drop_team (DeskEngine *self)
{
  self->canned_wanted |= self->canned_asked;
  self->managers_wanted |= self->managers_asked;
  self->canned_asked = self->managers_asked = FALSE;
}

/* Both lists are here: said with the last of them, so that a kill in between asks again. */
static void
save_team_time (DeskEngine *self, DeskBatch *batch)
{
  g_autofree char *text = NULL;

  if (self->canned_wanted || self->canned_asked || self->managers_wanted || self->managers_asked)
    return;
  self->team_ms = self->wall_ms;
  text = g_strdup_printf ("%" G_GINT64_FORMAT, self->team_ms);
  desk_batch_setting (batch, "team_ms", text);
}

/* TRUE if it shall be asked again some time: an older server knows the path as little tomorrow. */
static gboolean
failed (DeskEngine *self, const DeskSyncReply *reply)
{
  guint status = reply->outcome == DESK_OUT_REFUSED ? reply->failure->http_status : 0;

  if (status == 401)
    desk_engine_unauthorized (self);
  return !(status >= 400 && status < 500 && status != 401 && status != 408 && status != 429);
}

void
desk_engine_canned_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  DeskBatch *batch;

  self->canned_asked = FALSE;
  if (reply->outcome != DESK_OUT_OK || reply->canned == NULL)
    {
      self->canned_wanted |= failed (self, reply);
      return;
    }
  batch = desk_batch_new ();
  desk_batch_canned (batch, reply->canned);
  save_team_time (self, batch);
  desk_engine_apply (self, batch, APPLY_SETTINGS, NULL);
  desk_engine_pump_team (self); /* it changed again while we asked */
}

void
desk_engine_managers_reply (DeskEngine *self, const DeskSyncReply *reply)
{
  DeskBatch *batch;

  self->managers_asked = FALSE;
  if (reply->outcome != DESK_OUT_OK || reply->managers == NULL)
    {
      self->managers_wanted |= failed (self, reply);
      return;
    }
  batch = desk_batch_new ();
  desk_batch_managers (batch, reply->managers);
  save_team_time (self, batch);
  desk_engine_apply (self, batch, APPLY_SETTINGS, NULL);
}

/* ── The customer of the open chat ──────────────────────────────────────────────────────────── */

void
desk_engine_want_profile (DeskEngine *self)
{
  g_autofree char *key = NULL;
  gint64 *at;
  DeskRequest *request;

  if (self->state->level != 2 || self->open_platform == NULL || !desk_engine_is_online (self))
    return;
  key = desk_chat_format_key (self->open_platform, self->open_user_id);
  at = g_hash_table_lookup (self->profiles, key);
  if (at != NULL && self->now_us - *at < PROFILE_LIFE_US)
    return;
  if (g_hash_table_size (self->profiles) >= MAX_PROFILES)
    g_hash_table_remove_all (self->profiles);
  g_hash_table_insert (self->profiles, g_steal_pointer (&key), g_memdup2 (&self->now_us, sizeof self->now_us));
  request = desk_engine_request (self, DESK_REQUEST_PROFILE);
  request->platform = g_strdup (self->open_platform);
  request->user_id = g_strdup (self->open_user_id);
}

void
desk_engine_profile_reply (DeskEngine *self, const DeskRequest *request, const DeskSyncReply *reply)
{
  DeskBatch *batch;

  if (reply->outcome != DESK_OUT_OK || reply->profile == NULL)
    {
      g_autofree char *key = desk_chat_format_key (request->platform, request->user_id);

      if (failed (self, reply))
        g_hash_table_remove (self->profiles, key);
      return;
    }
  batch = desk_batch_new ();
  desk_batch_profile (batch, reply->profile, self->wall_ms);
  desk_engine_apply (self, batch, APPLY_SETTINGS, NULL);
}
