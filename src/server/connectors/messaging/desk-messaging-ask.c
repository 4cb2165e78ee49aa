/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What Messenger and Instagram are asked about: the account behind the token, what the webhook is
 * subscribed to, and a customer's profile.
 * Invariants: nothing is changed on the platform; a picture that cannot be had takes nothing from
 * the rest of a profile. Source: Messenger Platform, "User Profile API"; Graph API, "Page/
 * subscribed_apps"; Instagram Platform, "Get Started" and "User Profile". */

#include "server/connectors/messaging/desk-messaging-ask.h"

#include <string.h>

#include "common/desk-json-writer.h"
#include "server/connectors/messaging/desk-messaging-content.h"
#include "server/connectors/meta/desk-meta-json.h"

#define MAX_AVATAR (5 * 1024 * 1024)
#define MAX_APPS   100

/* "instagram_business_account.id" is a member of a member. */
static char *
get_member (JsonObject *object, const char *name)
{
  const char *dot = strchr (name, '.');
  g_autofree char *first = dot != NULL ? g_strndup (name, (gsize)(dot - name)) : NULL;

  if (first != NULL)
    {
      object = desk_meta_object (object, first);
      name = dot + 1;
    }
  return g_strdup (desk_meta_string (object, name));
}

/* An answer may be the account itself or a list of one. */
static JsonObject *
unwrap (JsonObject *answer)
{
  JsonArray *list = desk_meta_array (answer, "data");

  return desk_meta_length (list) == 1 ? desk_meta_element (list, 0) : answer;
}

char *
desk_messaging_account_id (const DeskMessagingFlavour *flavour, JsonObject *answer)
{
  return get_member (unwrap (answer), flavour->id_member);
}

static gboolean
lists_field (JsonObject *app, const char *field)
{
  JsonArray *fields = desk_meta_array (app, "subscribed_fields");

  for (guint i = 0; i < desk_meta_length (fields); i++)
    {
      JsonNode *node = json_array_get_element (fields, i);
      /* a word, or an object with a name in newer versions */
      const char *word
          = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                ? json_node_get_string (node)
                : desk_meta_string (desk_meta_node_object (node), "name");
      if (g_strcmp0 (word, field) == 0)
        return TRUE;
    }
  return FALSE;
}

char *
desk_messaging_missing_fields (const DeskMessagingFlavour *flavour, JsonObject *answer)
{
  JsonArray *apps = desk_meta_array (answer, "data");
  g_autoptr (GString) missing = g_string_new (NULL);

  for (guint i = 0; flavour->fields[i] != NULL; i++)
    {
      gboolean found = FALSE;
      for (guint n = 0; n < MIN (desk_meta_length (apps), MAX_APPS) && !found; n++)
        found = lists_field (desk_meta_element (apps, n), flavour->fields[i]);
      if (!found)
        g_string_append_printf (missing, "%s%s", missing->len > 0 ? "," : "", flavour->fields[i]);
    }
  return missing->len > 0 ? g_string_free (g_steal_pointer (&missing), FALSE) : NULL;
}

char *
desk_messaging_format_subscription (const DeskMessagingFlavour *flavour)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter w;

  desk_json_writer_init (&w, json);
  desk_json_writer_begin_object (&w);
  desk_json_writer_key (&w, "subscribed_fields");
  desk_json_writer_begin_array (&w);
  for (guint i = 0; flavour->fields[i] != NULL; i++)
    desk_json_writer_string (&w, flavour->fields[i]);
  desk_json_writer_end_array (&w);
  desk_json_writer_end_object (&w);
  return g_string_free (json, FALSE);
}

DeskTrouble
desk_messaging_trouble_of (const DeskMetaReply *reply)
{
  if (reply->trouble != NULL)
    return DESK_TROUBLE_UNREACHABLE;
  if (reply->has_error && (reply->code == 190 || reply->code == 102 || reply->code == 0))
    return DESK_TROUBLE_TOKEN;
  if (reply->has_error && (reply->code == 3 || reply->code == 10
                           || (reply->code >= 200 && reply->code <= 299)))
    return DESK_TROUBLE_PERMISSION;
  if (reply->has_error && reply->code == 100)
    return DESK_TROUBLE_CONFIG;
  return reply->http_status == 429 || reply->retry_after_ms > 0 ? DESK_TROUBLE_BUSY
                                                                : DESK_TROUBLE_PLATFORM;
}

/* ── The check ──────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskMetaGraph *graph;
  const DeskMessagingFlavour *flavour;
  const DeskConnection *connection;
  DeskConnectionReport *report;
} Check;

static void
check_free (Check *check)
{
  g_clear_pointer (&check->report, desk_connection_report_free);
  g_free (check);
}

static void
check_end (GTask *task)
{
  Check *check = g_task_get_task_data (task);

  g_task_return_pointer (task, g_steal_pointer (&check->report),
                         (GDestroyNotify)desk_connection_report_free);
  g_object_unref (task);
}

static gboolean
note_trouble (Check *check, const DeskMetaReply *reply, const char *what)
{
  g_auto (DeskMetaVerdict) verdict = { 0 };

  desk_meta_judge (reply, check->flavour->rules, check->flavour->n_rules, &verdict);
  if (verdict.ok)
    return FALSE;
  desk_connection_report_add (check->report, DESK_FINDING_PROBLEM,
                              verdict.health == DESK_HEALTH_DOWN
                                  ? "Make a new token on the platform, with the permissions for "
                                    "messages, and put it into the configuration"
                                  : "Try again later",
                              "%s: %s", what, verdict.reason);
  return TRUE;
}

static void
on_subscriptions (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  g_autofree char *missing = NULL;

  if (!note_trouble (check, reply, "The webhook's subscription cannot be read"))
    {
      missing = desk_messaging_missing_fields (check->flavour, reply->object);
      if (missing == NULL)
        desk_connection_report_add (check->report, DESK_FINDING_OK, NULL,
                                    "The webhook is subscribed to all that is needed");
      else
        desk_connection_report_add (check->report, DESK_FINDING_NOTE,
                                    "The server subscribes to them when it starts",
                                    "The webhook is not subscribed to: %s", missing);
    }
  check_end (task);
}

static void
report_account (Check *check, JsonObject *answer)
{
  g_autofree char *id = desk_messaging_account_id (check->flavour, answer);
  g_autofree char *name = get_member (unwrap (answer), check->flavour->name_member);
  const char *wanted = check->connection->account_id;

  if (id == NULL)
    desk_connection_report_add (check->report, DESK_FINDING_PROBLEM,
                                "Link the professional account to the page, and make a token of "
                                "this page",
                                "The token belongs to no account of %s", check->flavour->api_title);
  else if (wanted != NULL && strcmp (wanted, id) != 0)
    desk_connection_report_add (check->report, DESK_FINDING_PROBLEM,
                                "Put this id into account_id, or the token of the other account "
                                "into the configuration",
                                "The token belongs to the account %s (%s), and account_id is %s", id,
                                name != NULL ? name : "without a name", wanted);
  else
    desk_connection_report_add (check->report, DESK_FINDING_OK, NULL,
                                "The token belongs to %s (%s)", name != NULL ? name : "an account",
                                id);
}

static void
on_account (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Check *check = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);

  if (note_trouble (check, reply, "The token is no good"))
    {
      check_end (task);
      return;
    }
  report_account (check, reply->object);
  desk_meta_graph_get_async (check->graph, "me/subscribed_apps", g_task_get_cancellable (task),
                             on_subscriptions, task);
}

void
desk_messaging_check_async (DeskMetaGraph *graph,
                            const DeskMessagingFlavour *flavour,
                            const DeskConnection *connection,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Check *check = g_new0 (Check, 1);
  g_autofree char *path = g_strconcat ("me?fields=", flavour->identify_fields, NULL);

  g_task_set_source_tag (task, desk_messaging_check_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, check, (GDestroyNotify)check_free);
  check->graph = graph;
  check->flavour = flavour;
  check->connection = connection;
  check->report = desk_connection_report_new ();
  desk_meta_graph_get_async (graph, path, cancellable, on_account, task);
}

DeskConnectionReport *
desk_messaging_check_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ── Profiles ───────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  DeskMetaGraph *graph;
  const DeskMessagingFlavour *flavour;
  DeskFileStore *files;
  char *own_host;
  DeskFileUpload *upload;
  DeskFoundProfile *profile;
} Ask;

static void
ask_free (Ask *ask)
{
  g_free (ask->own_host);
  g_clear_pointer (&ask->upload, desk_file_upload_cancel);
  g_clear_pointer (&ask->profile, desk_found_profile_free);
  g_free (ask);
}

static void
ask_end (GTask *task)
{
  Ask *ask = g_task_get_task_data (task);

  g_task_return_pointer (task, g_steal_pointer (&ask->profile),
                         (GDestroyNotify)desk_found_profile_free);
  g_object_unref (task);
}

static void
keep_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  DeskFileUpload *upload = data;
  GError *error = NULL;
  DeskStoredFile *file = upload->ops->finish (upload, &error);

  if (file != NULL)
    g_task_return_pointer (task, file, (GDestroyNotify)desk_stored_file_free);
  else
    g_task_return_error (task, error);
}

static void
on_kept (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Ask *ask = g_task_get_task_data (task);

  ask->profile->avatar = g_task_propagate_pointer (G_TASK (result), NULL);
  ask_end (task);
}

static void
on_picture (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Ask *ask = g_task_get_task_data (task);
  g_autoptr (GTask) keep = NULL;

  if (!desk_meta_graph_download_finish (result, NULL))
    {
      ask_end (task);
      return;
    }
  keep = g_task_new (NULL, NULL, on_kept, task);
  g_task_set_task_data (keep, g_steal_pointer (&ask->upload), NULL);
  g_task_run_in_thread (keep, keep_in_thread);
}

static char *
full_name (JsonObject *answer)
{
  const char *name = desk_meta_string (answer, "name");
  const char *first = desk_meta_string (answer, "first_name");
  const char *last = desk_meta_string (answer, "last_name");

  if (name != NULL || (first == NULL && last == NULL))
    return g_strdup (name);
  return g_strconcat (first != NULL ? first : "", first != NULL && last != NULL ? " " : "",
                      last != NULL ? last : "", NULL);
}

static DeskFoundProfile *
read_profile (JsonObject *answer)
{
  DeskFoundProfile *profile = g_new0 (DeskFoundProfile, 1);
  const char *locale = desk_meta_string (answer, "locale");

  profile->name = full_name (answer);
  profile->handle = g_strdup (desk_meta_string (answer, "username"));
  profile->language = g_strdup (locale);
  if (profile->language != NULL)
    g_strdelimit (profile->language, "_", '-'); /* "vi_VN" is "vi-VN" for everybody else */
  return profile;
}

static void
return_trouble (GTask *task, const DeskMetaReply *reply)
{
  /* no such person, no consent, or no profile of this kind: it stays so */
  const gboolean is_final = reply->has_error && !reply->is_transient
                            && (reply->code == 100 || reply->code == 230 || reply->code == 551
                                || reply->code == 2018218);

  g_task_return_new_error (task, G_IO_ERROR, is_final ? G_IO_ERROR_NOT_FOUND : G_IO_ERROR_FAILED,
                           "%s",
                           reply->words != NULL     ? reply->words
                           : reply->trouble != NULL ? reply->trouble
                                                    : "The answer cannot be read");
  g_object_unref (task);
}

static void
on_profile (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Ask *ask = g_task_get_task_data (task);
  g_autoptr (DeskMetaReply) reply = desk_meta_graph_finish (result);
  const char *picture;

  if (!desk_meta_reply_is_ok (reply))
    {
      return_trouble (task, reply);
      return;
    }
  ask->profile = read_profile (reply->object);
  picture = desk_meta_string (reply->object, "profile_pic");
  if (ask->files != NULL && desk_messaging_is_media_url (picture, ask->own_host))
    ask->upload = ask->files->ops->begin (ask->files, "avatar.jpg", MAX_AVATAR, NULL);
  if (ask->upload == NULL)
    ask_end (task);
  else
    desk_meta_graph_download_async (ask->graph, picture, FALSE, ask->upload,
                                    g_task_get_cancellable (task), on_picture, task);
}

void
desk_messaging_profile_async (DeskMetaGraph *graph,
                              const DeskMessagingFlavour *flavour,
                              DeskFileStore *files,
                              const char *own_host,
                              const char *customer,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  Ask *ask = g_new0 (Ask, 1);
  g_autofree char *id = g_uri_escape_string (customer, NULL, FALSE);
  g_autofree char *path = g_strconcat (id, "?fields=", flavour->profile_fields, NULL);

  g_task_set_source_tag (task, desk_messaging_profile_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, ask, (GDestroyNotify)ask_free);
  ask->graph = graph;
  ask->flavour = flavour;
  ask->files = files;
  ask->own_host = g_strdup (own_host);
  desk_meta_graph_get_async (graph, path, cancellable, on_profile, task);
}

DeskFoundProfile *
desk_messaging_profile_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
