/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* The group [user_service].
 * Invariants: without base_url there is no user service; its token never stands in the file. */

#include <string.h>

#include "common/desk-crypto.h"
#include "server/main/desk-config-private.h"
#include "server/users/desk-user-directory.h"

void
desk_config_users_init (DeskConfigUsers *self)
{
  self->path = g_strdup ("/api/batch/profiles");
  self->batch_size = 100;
  self->timeout_s = 5;
  self->numbers = TRUE;
}

void
desk_config_users_clear (DeskConfigUsers *self)
{
  g_free (self->base_url);
  g_free (self->path);
  desk_secure_clear (self->token);
  g_free (self->token);
  g_strfreev (self->platforms);
}

static gboolean
refuse (const DeskConfigContext *context, const DeskConfigEntry *entry, const char *reason, GError **error)
{
  desk_config_set_error (error, context->path, entry->line, "“%s” %s", entry->key, reason);
  return FALSE;
}

static gboolean
read_token (DeskConfigUsers *self,
            const DeskConfigContext *context,
            const DeskConfigEntry *entry,
            GError **error)
{
  if (strcmp (entry->key, "token") == 0)
    return refuse (context, entry,
                   "is a secret and must not stand in this file: use “token_env” (the name of an "
                   "environment variable) or “token_file”",
                   error);
  if (self->token != NULL)
    return refuse (context, entry, "and the other way of telling the token exclude each other",
                   error);
  return strcmp (entry->key, "token_env") == 0
             ? desk_config_take_env (context, entry, &self->token, error)
             : desk_config_take_file (context, entry, &self->token, error);
}

static gboolean
read_path (DeskConfigUsers *self,
           const DeskConfigContext *context,
           const DeskConfigEntry *entry,
           GError **error)
{
  if (entry->value[0] != '/' || strpbrk (entry->value, "?# \t") != NULL)
    return refuse (context, entry, "must be a path that begins with a slash", error);
  g_free (self->path);
  self->path = g_strdup (entry->value);
  return TRUE;
}

static gboolean
read_platforms (DeskConfigUsers *self, const DeskConfigEntry *entry)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_auto (GStrv) parts = g_strsplit (entry->value, ",", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (*g_strstrip (parts[i]) != '\0')
      g_ptr_array_add (names, g_strdup (parts[i]));
  g_ptr_array_add (names, NULL);
  g_strfreev (self->platforms);
  self->platforms = (char **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
  return TRUE;
}

static gboolean
read_entry (DeskConfigUsers *self,
            const DeskConfigContext *context,
            const DeskConfigEntry *entry,
            GError **error)
{
  if (strcmp (entry->key, "base_url") == 0)
    {
      if (!desk_config_is_base_url (entry->value))
        return refuse (context, entry, "must be an http or https address without a query", error);
      g_free (self->base_url);
      self->base_url = desk_config_dup_url (entry->value);
      return TRUE;
    }
  if (g_str_has_prefix (entry->key, "token"))
    {
      if (strcmp (entry->key, "token") == 0 || strcmp (entry->key, "token_env") == 0
          || strcmp (entry->key, "token_file") == 0)
        return read_token (self, context, entry, error);
    }
  else if (strcmp (entry->key, "batch_path") == 0)
    return read_path (self, context, entry, error);
  else if (strcmp (entry->key, "batch_size") == 0)
    return desk_config_read_number (context->path, entry, 1, DESK_USER_MAX_BATCH,
                                    &self->batch_size, error);
  else if (strcmp (entry->key, "timeout_s") == 0)
    return desk_config_read_number (context->path, entry, 1, 60, &self->timeout_s, error);
  else if (strcmp (entry->key, "platforms") == 0)
    return read_platforms (self, entry);
  else if (strcmp (entry->key, "ids") == 0)
    {
      self->numbers = strcmp (entry->value, "number") == 0;
      return self->numbers || strcmp (entry->value, "text") == 0
             || refuse (context, entry, "must be number or text", error);
    }
  desk_config_set_error (error, context->path, entry->line, "unknown key “%s” in [user_service]",
                         entry->key);
  return FALSE;
}

gboolean
desk_config_read_users (DeskConfig *self,
                        const DeskConfigContext *context,
                        const DeskConfigGroup *group,
                        GError **error)
{
  for (guint i = 0; i < group->entries->len; i++)
    if (!read_entry (&self->users, context, group->entries->pdata[i], error))
      return FALSE;
  if (self->users.base_url != NULL)
    return TRUE;
  desk_config_set_error (error, context->path, group->line, "[user_service] needs “base_url”");
  return FALSE;
}
