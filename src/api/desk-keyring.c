/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-api"

#include "config.h"

#include "api/desk-keyring.h"

#include <libsecret/secret.h>

#include "common/desk-crypto.h"

/* The tokens of an account are one secret: the JSON that the server gave at sign-in. */

static const SecretSchema schema = {
  "org.frontdesk.Frontdesk.Token",
  SECRET_SCHEMA_NONE,
  { { "server", SECRET_SCHEMA_ATTRIBUTE_STRING }, { "username", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

static void
on_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (secret_password_store_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
desk_keyring_store_async (const char *server_url, const char *username, const DeskTokens *tokens,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *label = g_strdup_printf ("Frontdesk: %s", server_url);
  DeskJsonWriter writer;

  g_task_set_source_tag (task, desk_keyring_store_async);
  desk_json_writer_init (&writer, text);
  desk_wire_write_tokens (&writer, tokens);
  secret_password_store (&schema, SECRET_COLLECTION_DEFAULT, label, text->str, cancellable, on_stored, task, "server",
                         server_url, "username", username, NULL);
  desk_secure_clear (text->str);
  text->len = 0;
}

gboolean
desk_keyring_store_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  char *text = secret_password_lookup_finish (result, &error);
  g_autoptr (JsonNode) node = NULL;
  DeskTokens *tokens = NULL;

  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (text != NULL)
    {
      node = desk_wire_read_answer (text, strlen (text), NULL, NULL);
      tokens = node ? desk_wire_read_tokens (node, NULL) : NULL;
      secret_password_free (text);
    }
  g_task_return_pointer (task, tokens, (GDestroyNotify) desk_tokens_free);
}

void
desk_keyring_lookup_async (const char *server_url, const char *username, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);

  g_task_set_source_tag (task, desk_keyring_lookup_async);
  secret_password_lookup (&schema, cancellable, on_looked_up, task, "server", server_url, "username", username, NULL);
}

DeskTokens *
desk_keyring_lookup_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_cleared (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  secret_password_clear_finish (result, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
desk_keyring_clear_async (const char *server_url, const char *username, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);

  g_task_set_source_tag (task, desk_keyring_clear_async);
  secret_password_clear (&schema, cancellable, on_cleared, task, "server", server_url, "username", username, NULL);
}

gboolean
desk_keyring_clear_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
