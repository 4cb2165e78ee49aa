/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* The demonstration.
 * Invariant: nobody gets in by a known password: the demo user has a random one that nobody knows,
 * and a token in a file that only the owner of the process may read. */

#include "server/main/desk-demo.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "common/desk-crypto.h"

#define DEMO_USER "demo"

gboolean
desk_demo_prepare (DeskConfig *config, gboolean keep_data, char **out_remove, GError **error)
{
  gboolean has_demo = FALSE;

  for (guint i = 0; i < config->connections->len; i++)
    {
      const DeskConnection *connection = g_ptr_array_index (config->connections, i);
      has_demo |= strcmp (connection->platform, "demo") == 0;
    }
  if (!has_demo)
    g_ptr_array_add (config->connections, desk_connection_new ("demo", "demo"));
  if (keep_data)
    return TRUE;

  *out_remove = g_dir_make_tmp ("frontdeskd-demo-XXXXXX", error);
  if (*out_remove == NULL)
    return FALSE;
  g_free (config->data);
  config->data = g_strdup (*out_remove);
  return TRUE;
}

static gboolean
is_good (DeskService *service, const char *path)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  g_autoptr (DeskIdentity) who = desk_service_authenticate (service, g_strstrip (text));
  return who != NULL;
}

/* ── What the demo manager has read ─────────────────────────────────────────────────────────────
 * The customers' back-story is stored once the main loop runs. Whoever answered has read what came before, so that
 * the inbox opens with the chats unread that really wait. */

#define READ_EVERY_MS 50
#define READ_TRIES 600

typedef struct
{
  DeskService *service;
  DeskIdentity *who;
  guint tries;
} DeskDemoReading;

static void
reading_free (DeskDemoReading *reading)
{
  desk_identity_unref (reading->who);
  g_free (reading);
}

static void
on_read (DeskReply *reply, gpointer data)
{
  desk_reply_free (reply);
}

static JsonNode *
take_answer (DeskReply *reply)
{
  JsonNode *node = desk_wire_read_answer (reply->body->str, reply->body->len, NULL, NULL);

  desk_reply_free (reply);
  return node;
}

static void
read_answered (DeskService *service, DeskIdentity *who, const DeskChat *chat)
{
  g_autoptr (JsonNode) node = take_answer (
      desk_service_get_messages (service, who, chat->platform, chat->user_id, 1000, 0, G_MAXINT64, -1));
  g_autoptr (GPtrArray) messages = node != NULL ? desk_wire_read_messages (node, NULL) : NULL;

  for (guint i = 0; messages != NULL && i < messages->len; i++)
    {
      const DeskMessage *message = g_ptr_array_index (messages, i);

      if (message->direction != DESK_DIRECTION_OUTGOING)
        continue;
      desk_service_mark_read (service, who, chat->platform, chat->user_id, message->chat_seq, on_read, NULL);
      return;
    }
}

static gboolean
read_story (gpointer data)
{
  DeskDemoReading *reading = data;
  const DeskChatsFilter all = { .state = -1 };
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GPtrArray) chats = NULL;

  node = take_answer (desk_service_get_chats (reading->service, reading->who, &all));
  chats = node != NULL ? desk_wire_read_chats (node, NULL) : NULL;
  if (chats == NULL || chats->len == 0)
    return ++reading->tries < READ_TRIES ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
  for (guint i = 0; i < chats->len; i++)
    read_answered (reading->service, reading->who, g_ptr_array_index (chats, i));
  return G_SOURCE_REMOVE;
}

char *
desk_demo_sign_in (DeskService *service, const char *data, GError **error)
{
  g_autofree char *path = g_build_filename (data, "demo-token", NULL);
  g_autofree char *password = desk_token_new (desk_random_system ());
  g_autofree char *token = NULL;
  gboolean is_new;

  if (is_good (service, path))
    return g_steal_pointer (&path);
  token = desk_service_create_token (service, DEMO_USER, NULL);
  is_new = token == NULL;
  if (token == NULL
      && desk_service_add_user (service, DEMO_USER, "Demo Manager", DESK_ROLE_ADMIN, password, error))
    token = desk_service_create_token (service, DEMO_USER, error);
  desk_secure_clear (password);
  if (token == NULL)
    return NULL;

  if (is_new)
    {
      DeskDemoReading *reading = g_new0 (DeskDemoReading, 1);

      reading->service = service;
      reading->who = desk_service_authenticate (service, token);
      g_timeout_add_full (G_PRIORITY_DEFAULT, READ_EVERY_MS, read_story, reading, (GDestroyNotify) reading_free);
    }
  g_autofree char *line = g_strconcat (token, "\n", NULL);
  const gboolean ok
      = g_file_set_contents_full (path, line, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
  desk_secure_clear (token);
  desk_secure_clear (line);
  return ok ? g_steal_pointer (&path) : NULL;
}

void
desk_demo_remove (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (g_unlink (path) != 0) /* a link is taken away, never followed */
        desk_demo_remove (path);
    }
  g_rmdir (folder);
}
