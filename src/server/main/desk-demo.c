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

char *
desk_demo_sign_in (DeskService *service, const char *data, GError **error)
{
  g_autofree char *path = g_build_filename (data, "demo-token", NULL);
  g_autofree char *password = desk_token_new (desk_random_system ());
  g_autofree char *token = NULL;

  if (is_good (service, path))
    return g_steal_pointer (&path);
  token = desk_service_create_token (service, DEMO_USER, NULL);
  if (token == NULL
      && desk_service_add_user (service, DEMO_USER, "Demo Manager", DESK_ROLE_ADMIN, password, error))
    token = desk_service_create_token (service, DEMO_USER, error);
  desk_secure_clear (password);
  if (token == NULL)
    return NULL;

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
      g_unlink (path);
    }
  g_rmdir (folder);
}
