/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* getMe and getWebhookInfo for a check of the token, getChat and its photo for a profile, and old
 * payloads read once more.
 * Invariants: nothing here changes anything at Telegram; no text holds the token. */

#include "server/connectors/telegram/desk-telegram-ask.h"

#include <string.h>

#include "common/desk-json.h"
#include "server/connectors/telegram/desk-telegram-fetch.h"
#include "server/connectors/telegram/desk-telegram-json.h"
#include "server/connectors/telegram/desk-telegram-parse.h"
#include "server/connectors/telegram/desk-telegram-rules.h"
#include "server/connectors/telegram/desk-telegram-send.h"

#define MAX_AVATAR (5 * 1024 * 1024)

/* ── Old payloads ───────────────────────────────────────────────────────────────────────────── */

DeskInbound *
desk_telegram_parse_raw (const DeskConnection *connection, gint64 now_ms, GBytes *raw, GError **error)
{
  DeskTelegramContext context
      = { connection->chat_prefix != NULL ? connection->chat_prefix : "", now_ms };
  g_autoptr (DeskTelegramParsed) parsed = desk_telegram_parsed_new ();
  gsize len;
  const char *text = g_bytes_get_data (raw, &len);
  g_autoptr (JsonNode) root
      = desk_json_parse (text != NULL ? text : "", len, DESK_TELEGRAM_MAX_ANSWER, error);

  if (root == NULL)
    return NULL;
  JsonArray *updates = JSON_NODE_HOLDS_OBJECT (root)
                           ? desk_tg_array (json_node_get_object (root), "result")
                           : NULL;
  for (guint i = 0; updates != NULL && i < json_array_get_length (updates); i++)
    desk_telegram_parse_update (&context, json_array_get_element (updates, i), parsed);
  if (updates == NULL)
    desk_telegram_parse_update (&context, root, parsed);

  DeskInbound *inbound = desk_inbound_new (
      connection->name, updates != NULL ? DESK_SOURCE_POLL : DESK_SOURCE_WEBHOOK, NULL);
  GPtrArray *items = inbound->items;
  inbound->items = parsed->items;
  parsed->items = items;
  return inbound;
}

/* ── A check of the token ───────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskTelegramApi *api;
  DeskConnectionReport *report;
} Check;

static void
check_free (gpointer data)
{
  Check *check = data;

  desk_connection_report_free (check->report);
  g_free (check);
}

static void
end_check (GTask *task)
{
  Check *check = g_task_get_task_data (task);

  g_task_return_pointer (task, g_steal_pointer (&check->report),
                         (GDestroyNotify)desk_connection_report_free);
  g_object_unref (task);
}

static JsonObject *
result_of (const DeskTelegramReply *reply)
{
  return reply->ok && reply->result != NULL && JSON_NODE_HOLDS_OBJECT (reply->result)
             ? json_node_get_object (reply->result)
             : NULL;
}

static gboolean
is_true (JsonObject *obj, const char *name)
{
  JsonNode *node = json_object_get_member (obj, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}

static char *
join_strings (JsonArray *array)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
        g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", json_node_get_string (node));
    }
  return g_string_free (out, FALSE);
}

static void
report_webhook (DeskConnectionReport *report, const DeskConnection *connection, JsonObject *info)
{
  const char *url = desk_tg_string (info, "url");
  const char *trouble = desk_tg_string (info, "last_error_message");
  const gint64 pending = desk_tg_int_or (info, "pending_update_count", 0);
  const gboolean wants = g_strcmp0 (connection->mode, "webhook") == 0;
  g_autofree char *fields = join_strings (desk_tg_array (info, "allowed_updates"));

  if (url != NULL && wants)
    desk_connection_report_add (report, DESK_FINDING_OK, NULL, "The webhook is registered: %s", url);
  else if (url != NULL)
    desk_connection_report_add (report, DESK_FINDING_NOTE,
                                "Make sure that no other program uses this bot",
                                "A webhook is registered (%s); it is removed when polling begins",
                                url);
  else if (wants)
    desk_connection_report_add (report, DESK_FINDING_NOTE, NULL,
                                "No webhook is registered yet; that happens when frontdeskd starts");
  else
    desk_connection_report_add (report, DESK_FINDING_OK, NULL,
                                "No webhook is registered, as polling needs it");
  if (*fields != '\0')
    desk_connection_report_add (report, DESK_FINDING_OK, NULL, "Subscribed to: %s", fields);
  if (url != NULL && trouble != NULL)
    desk_connection_report_add (report, wants ? DESK_FINDING_PROBLEM : DESK_FINDING_NOTE,
                                desk_trouble_get_advice (DESK_TROUBLE_WEBHOOK),
                                "Telegram's last delivery failed: %s", trouble);
  desk_connection_report_add (report, DESK_FINDING_OK, NULL,
                              "%" G_GINT64_FORMAT " updates are waiting to be fetched", pending);
}

static void
on_webhook_info (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Check *check = g_task_get_task_data (task);
  DeskConnector *connector = g_task_get_source_object (task);
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);
  JsonObject *info = result_of (reply);

  if (info != NULL)
    report_webhook (check->report, desk_connector_get_connection (connector), info);
  else
    desk_connection_report_add (check->report, DESK_FINDING_NOTE, NULL,
                                "Whether a webhook is registered could not be found out");
  end_check (task);
}

static void
report_bot (DeskConnectionReport *report, JsonObject *me)
{
  const char *username = desk_tg_string (me, "username");
  const char *name = desk_tg_string (me, "first_name");

  desk_connection_report_add (report, DESK_FINDING_OK, NULL,
                              "Telegram takes the token: the bot is @%s (%s)",
                              username != NULL ? username : "?", name != NULL ? name : "no name");
  desk_connection_report_add (report, DESK_FINDING_OK, NULL, "It may %sbe added to groups%s",
                              is_true (me, "can_join_groups") ? "" : "not ",
                              is_true (me, "can_read_all_group_messages")
                                  ? " and reads all that is written there"
                                  : ", where it reads only what is meant for it");
  if (is_true (me, "can_connect_to_business"))
    desk_connection_report_add (report, DESK_FINDING_OK, NULL,
                                "It may be connected to a business account");
}

static void
on_me (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);
  g_auto (DeskTelegramVerdict) verdict = { 0 };
  JsonObject *me = result_of (reply);

  if (me == NULL)
    {
      desk_telegram_judge (reply, &verdict);
      desk_connection_report_add (
          check->report, DESK_FINDING_PROBLEM, desk_trouble_get_advice (verdict.trouble), "%s",
          verdict.reason != NULL ? verdict.reason : "Telegram's answer to getMe is not what it was");
      end_check (task);
      return;
    }
  report_bot (check->report, me);
  desk_telegram_api_get_async (check->api, "getWebhookInfo", NULL, g_task_get_cancellable (task),
                               on_webhook_info, task);
}

void
desk_telegram_check_async (DeskConnector *connector,
                           DeskTelegramApi *api,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  GTask *task = g_task_new (connector, cancellable, callback, data);
  Check *check = g_new0 (Check, 1);

  check->api = api;
  check->report = desk_connection_report_new ();
  g_task_set_source_tag (task, desk_telegram_check_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, check, check_free);
  desk_telegram_api_get_async (api, "getMe", NULL, cancellable, on_me, task);
}

/* ── A profile ──────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskTelegramApi *api;
  DeskFileStore *files; /* nullable */
  DeskFoundProfile *found;
  DeskFileUpload *upload;
} Profile;

static void
profile_free (gpointer data)
{
  Profile *profile = data;

  desk_found_profile_free (profile->found);
  g_clear_pointer (&profile->upload, desk_file_upload_cancel);
  g_free (profile);
}

/* A photo that cannot be had does not take the name away. */
static void
end_profile (GTask *task)
{
  Profile *profile = g_task_get_task_data (task);

  g_task_return_pointer (task, g_steal_pointer (&profile->found),
                         (GDestroyNotify)desk_found_profile_free);
  g_object_unref (task);
}

static void
store_photo (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  DeskFileUpload *upload = data;

  g_task_return_pointer (task, upload->ops->finish (upload, NULL),
                         (GDestroyNotify)desk_stored_file_free);
}

static void
on_photo_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Profile *profile = g_task_get_task_data (task);
  DeskStoredFile *file = g_task_propagate_pointer (G_TASK (result), NULL);

  /* what the bytes say counts, not that Telegram calls it a photo */
  if (file != NULL && g_str_has_prefix (file->mime_type, "image/"))
    profile->found->avatar = file;
  else
    desk_stored_file_free (file);
  end_profile (task);
}

static void
on_photo_downloaded (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Profile *profile = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!desk_telegram_api_download_finish (result, &error))
    {
      g_info ("a profile's photo could not be fetched: %s", error->message);
      end_profile (task);
      return;
    }
  g_autoptr (GTask) work = g_task_new (NULL, NULL, on_photo_stored, task);
  g_task_set_task_data (work, g_steal_pointer (&profile->upload), NULL);
  g_task_run_in_thread (work, store_photo);
}

static void
on_photo_file (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Profile *profile = g_task_get_task_data (task);
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);
  JsonObject *file = result_of (reply);
  const char *path = file != NULL ? desk_tg_string (file, "file_path") : NULL;

  if (path != NULL)
    profile->upload = profile->files->ops->begin (profile->files, "avatar.jpg", MAX_AVATAR, NULL);
  if (profile->upload == NULL)
    {
      end_profile (task);
      return;
    }
  desk_telegram_api_download_async (profile->api, path, profile->upload,
                                    g_task_get_cancellable (task), on_photo_downloaded, task);
}

static char *
join_name (JsonObject *chat)
{
  const char *first = desk_tg_string (chat, "first_name");
  const char *last = desk_tg_string (chat, "last_name");
  const char *title = desk_tg_string (chat, "title");

  if (first != NULL && last != NULL)
    return g_strconcat (first, " ", last, NULL);
  return g_strdup (first != NULL ? first : last != NULL ? last : title);
}

static void
fail_profile (GTask *task, const DeskTelegramReply *reply)
{
  /* 400 "chat not found" and 403: Telegram will not tell tomorrow either */
  const gboolean never
      = reply->trouble == NULL && (reply->error_code == 400 || reply->error_code == 403);

  g_task_return_new_error (task, G_IO_ERROR, never ? G_IO_ERROR_NOT_FOUND : G_IO_ERROR_FAILED,
                           "Telegram tells no profile: %s",
                           reply->trouble != NULL       ? reply->trouble
                           : reply->description != NULL ? reply->description
                                                        : "no reason");
  g_object_unref (task);
}

static void
on_chat (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Profile *profile = g_task_get_task_data (task);
  g_autoptr (DeskTelegramReply) reply = desk_telegram_api_finish (result);
  JsonObject *chat = result_of (reply);

  if (chat == NULL)
    {
      fail_profile (task, reply);
      return;
    }
  JsonObject *photo = desk_tg_object (chat, "photo");
  const char *id = photo != NULL ? desk_tg_string (photo, "big_file_id") : NULL;
  profile->found = g_new0 (DeskFoundProfile, 1);
  profile->found->name = join_name (chat);
  profile->found->handle = g_strdup (desk_tg_string (chat, "username"));
  if (id == NULL || profile->files == NULL)
    {
      end_profile (task);
      return;
    }
  g_autofree char *escaped = g_uri_escape_string (id, NULL, FALSE);
  g_autofree char *query = g_strconcat ("file_id=", escaped, NULL);
  desk_telegram_api_get_async (profile->api, "getFile", query, g_task_get_cancellable (task),
                               on_photo_file, task);
}

void
desk_telegram_profile_async (DeskConnector *connector,
                             DeskTelegramApi *api,
                             const char *user_id,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  const DeskConnection *connection = desk_connector_get_connection (connector);
  GTask *task = g_task_new (connector, cancellable, callback, data);
  Profile *profile = g_new0 (Profile, 1);
  gint64 chat_id;

  profile->api = api;
  profile->files = desk_connector_get_host (connector)->files;
  g_task_set_source_tag (task, desk_telegram_profile_async);
  g_task_set_task_data (task, profile, profile_free);
  if (!desk_telegram_chat_id (connection->chat_prefix != NULL ? connection->chat_prefix : "",
                              user_id, &chat_id))
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                               "This chat does not belong to the connection");
      g_object_unref (task);
      return;
    }
  g_autofree char *query = g_strdup_printf ("chat_id=%" G_GINT64_FORMAT, chat_id);
  desk_telegram_api_get_async (api, "getChat", query, cancellable, on_chat, task);
}
