/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-service"

#include "config.h"

/* When what is known of a customer is asked for, and what the answer changes.
 *
 * Three times stand in the chat: when somebody last told (profile_at), when to ask again
 * (profile_due), and until when what is known counts as outdated (profile_stale_until). What is
 * known is shown meanwhile, however old it is.
 *
 * Invariants: asking is never a reason to wait for anything; profile_due moves forward before
 * anybody is asked, so that a flood of messages asks once; nothing made up is ever stored. */

#include "server/service/desk-service-lookup.h"

#include "server/service/desk-service-action.h"

#define FRESH_MS        DAY_MS
#define UNKNOWN_MS      (3600 * G_GINT64_CONSTANT (1000)) /* to the user service: he may be new there */
#define FAILED_MS       (600 * G_GINT64_CONSTANT (1000))
#define STALE_MS        (300 * G_GINT64_CONSTANT (1000))
#define STALE_FAILED_MS (30 * G_GINT64_CONSTANT (1000))

/* ── Wanting ────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  char *connection;
  char *platform;
  char *user_id;
} Wanted;

static Wanted *
wanted_new (const DeskChat *chat)
{
  Wanted *self = g_new0 (Wanted, 1);
  self->connection = g_strdup (chat->connection);
  self->platform = g_strdup (chat->platform);
  self->user_id = g_strdup (chat->user_id);
  return self;
}

void
desk_work_wanted_free (gpointer data)
{
  Wanted *self = data;
  g_free (self->connection);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self);
}

static gboolean
is_wanted (DeskService *self, const DeskServerChat *chat, gint64 now_ms)
{
  return self->options.sink.profile_wanted != NULL && chat->profile_due_ms <= now_ms
         && chat->chat->type != DESK_CHAT_TYPE_GROUP && chat->chat->connection != NULL;
}

void
desk_work_want_profile (DeskWork *self, DeskServerChat *chat)
{
  if (!is_wanted (self->service, chat, self->now_ms))
    return;
  chat->profile_due_ms = self->now_ms + FAILED_MS;
  g_ptr_array_add (self->lookups, wanted_new (chat->chat));
}

void
desk_work_tell_lookups (DeskWork *self)
{
  const DeskServiceSink *sink = &self->service->options.sink;
  for (guint i = 0; i < self->lookups->len; i++)
    {
      const Wanted *wanted = self->lookups->pdata[i];
      sink->profile_wanted (sink->data, wanted->connection, wanted->platform, wanted->user_id);
    }
}

void
desk_service_want_profile (DeskService *self, const DeskServerChat *chat)
{
  const DeskServiceSink *sink = &self->options.sink;
  if (is_wanted (self, chat, desk_clock_now_ms (self->clock)))
    sink->profile_wanted (sink->data, chat->chat->connection, chat->chat->platform,
                          chat->chat->user_id);
}

/* ── Answers ────────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskLookup lookup;
  DeskProfilePatch *patches[2];
  gint64 again_ms;
  void (*done) (gint64 again_ms, gpointer data);
  gpointer data;
} Finish;

static void
finish_free (gpointer data)
{
  Finish *self = data;
  desk_profile_patch_free (self->patches[0]);
  desk_profile_patch_free (self->patches[1]);
  g_free (self);
}

static gboolean
has_failed (const DeskLookup *lookup)
{
  return (lookup->asked_directory && lookup->directory == DESK_LOOKUP_FAILED)
         || (lookup->asked_platform && lookup->platform == DESK_LOOKUP_FAILED)
         || (!lookup->asked_directory && !lookup->asked_platform);
}

/* Moves the times. */
static void
set_times (Finish *self, DeskServerChat *chat, gint64 now_ms)
{
  const DeskLookup *lookup = &self->lookup;
  const gboolean stale = chat->profile_stale_until_ms > now_ms;
  self->again_ms = 0;
  if (!has_failed (lookup))
    {
      const gboolean unknown
          = lookup->asked_directory && lookup->directory == DESK_LOOKUP_UNKNOWN;
      chat->profile_at_ms = now_ms;
      chat->profile_due_ms = now_ms + (unknown ? UNKNOWN_MS : FRESH_MS);
      chat->profile_stale_until_ms = 0;
    }
  else if (stale)
    self->again_ms = chat->profile_due_ms = now_ms + STALE_FAILED_MS;
  else
    {
      chat->profile_stale_until_ms = 0;
      chat->profile_due_ms = MAX (now_ms + FAILED_MS, chat->profile_at_ms > 0
                                                          ? chat->profile_at_ms + FRESH_MS
                                                          : 0);
    }
}

static gboolean
finish_lookup (DeskAction *self, GError **error)
{
  Finish *finish = self->request;
  const DeskLookup *lookup = &finish->lookup;
  DeskWork *work = &self->work;
  g_autoptr (DeskServerChat) chat = NULL;
  if (!work->tx->ops->chat_find (work->tx, self->platform, self->user_id, NULL, &chat, error))
    return FALSE;
  if (chat == NULL)
    return desk_action_answer (self, desk_reply_new_no_chat ());
  if (lookup->asked_directory && lookup->directory != DESK_LOOKUP_FAILED
      && !desk_work_tell_profile (work, chat,
                                  lookup->directory == DESK_LOOKUP_FOUND
                                      ? lookup->told_by_directory
                                      : NULL,
                                  DESK_TELLER_DIRECTORY, error))
    return FALSE;
  if (lookup->asked_platform && lookup->platform == DESK_LOOKUP_FOUND
      && !desk_work_tell_profile (work, chat, lookup->told_by_platform, DESK_TELLER_PLATFORM,
                                  error))
    return FALSE;
  set_times (finish, chat, work->now_ms);
  return work->tx->ops->chat_update (work->tx, chat, error)
         && desk_action_answer (self, desk_reply_new_empty ());
}

/* data is the action's request, which outlives the call */
static void
lookup_finished (DeskReply *reply, gpointer data)
{
  Finish *finish = data;
  if (finish->done != NULL)
    finish->done (reply->status == 200 ? finish->again_ms : 0, finish->data);
  desk_reply_free (reply);
}

void
desk_service_finish_lookup (DeskService *self,
                            const char *platform,
                            const char *user_id,
                            const DeskLookup *lookup,
                            void (*done) (gint64 again_ms, gpointer data),
                            gpointer data)
{
  g_return_if_fail (self != NULL && platform != NULL && user_id != NULL && lookup != NULL);
  Finish *finish = g_new0 (Finish, 1);
  finish->lookup = *lookup;
  finish->done = done;
  finish->data = data;
  if (lookup->told_by_directory != NULL)
    finish->lookup.told_by_directory = finish->patches[0]
        = desk_profile_patch_copy (lookup->told_by_directory);
  if (lookup->told_by_platform != NULL)
    finish->lookup.told_by_platform = finish->patches[1]
        = desk_profile_patch_copy (lookup->told_by_platform);
  DeskAction *action = desk_action_new (self, finish_lookup, NULL, lookup_finished, finish);
  action->platform = g_strdup (platform);
  action->user_id = g_strdup (user_id);
  action->request = finish;
  action->free_request = finish_free;
  desk_action_submit (action);
}

/* ── Somebody changed ───────────────────────────────────────────────────────────────────────── */

static gboolean
invalidate_chat (DeskAction *self, const char *platform, const char *user_id, gint64 *count, GError **error)
{
  DeskWork *work = &self->work;
  g_autoptr (DeskServerChat) chat = NULL;
  if (!desk_chat_key_is_valid (platform, user_id))
    return TRUE;
  if (!work->tx->ops->chat_find (work->tx, platform, user_id, NULL, &chat, error))
    return FALSE;
  if (chat == NULL)
    return TRUE;
  (*count)++;
  chat->profile_stale_until_ms = work->now_ms + STALE_MS;
  chat->profile_due_ms = work->now_ms;
  desk_work_want_profile (work, chat);
  return work->tx->ops->chat_update (work->tx, chat, error);
}

/* Platforms and the prefixes of their chats, each once: "PLATFORM\nPREFIX". */
static GPtrArray *
list_prefixes (DeskService *self, const char *platform)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer value;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const DeskServiceConnection *connection = value;
      if (platform != NULL && g_strcmp0 (platform, connection->platform) != 0)
        continue;
      char *key = g_strconcat (connection->platform, "\n", connection->chat_prefix, NULL);
      if (g_hash_table_add (known, key))
        g_ptr_array_add (list, key);
      else
        g_free (key);
    }
  return list;
}

static gboolean
invalidate (DeskAction *self, GError **error)
{
  const DeskWireUsers *users = self->request;
  g_autoptr (GPtrArray) prefixes = list_prefixes (self->work.service, users->platform);
  gint64 count = 0;
  for (guint i = 0; i < prefixes->len; i++)
    {
      g_auto (GStrv) parts = g_strsplit (prefixes->pdata[i], "\n", 2);
      for (guint k = 0; users->ids[k] != NULL; k++)
        {
          g_autofree char *user_id = g_strconcat (parts[1], users->ids[k], NULL);
          if (!invalidate_chat (self, parts[0], user_id, &count, error))
            return FALSE;
        }
    }
  DeskReply *reply = desk_reply_new_ok ();
  DeskJsonWriter w;
  reply->status = 202;
  desk_reply_begin (reply, &w);
  desk_wire_write_invalidated (&w, count);
  desk_reply_end (reply, &w, NULL);
  return desk_action_answer (self, reply);
}

void
desk_service_invalidate_users (DeskService *self,
                               DeskIdentity *who,
                               const DeskWireUsers *users,
                               DeskReplyDone done,
                               gpointer data)
{
  g_return_if_fail (self != NULL && who != NULL && users != NULL && done != NULL);
  if (who->role != DESK_ROLE_ADMIN && who->role != DESK_ROLE_BOT)
    {
      done (desk_reply_new_failure (DESK_CODE_FORBIDDEN,
                                    "Only an administrator or a bot may say that users changed",
                                    NULL, -1, ""),
            data);
      return;
    }
  DeskAction *action = desk_action_new (self, invalidate, who, done, data);
  action->request = desk_wire_users_copy (users);
  action->free_request = (GDestroyNotify)desk_wire_users_free;
  desk_action_submit (action);
}
