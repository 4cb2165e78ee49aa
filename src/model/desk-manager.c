/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* Somebody of the team: a plain value. */

#include "model/desk-manager.h"

#include <string.h>

#include "model/desk-words.h"

#define MAX_USERNAME_BYTES 64

static const char *const role_words[] = {
  [DESK_ROLE_MANAGER] = "manager",
  [DESK_ROLE_ADMIN] = "admin",
  [DESK_ROLE_BOT] = "bot",
};

DESK_DEFINE_WORDS (DeskRole, role, role_words)

DeskManager *
desk_manager_new (const char *username, const char *display_name, DeskRole role)
{
  g_return_val_if_fail (username != NULL, NULL);
  DeskManager *self = g_new0 (DeskManager, 1);
  self->username = g_strdup (username);
  self->display_name = g_strdup (display_name != NULL ? display_name : username);
  self->role = role;
  return self;
}

DeskManager *
desk_manager_copy (const DeskManager *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return desk_manager_new (self->username, self->display_name, self->role);
}

void
desk_manager_free (DeskManager *self)
{
  if (self == NULL)
    return;
  g_free (self->username);
  g_free (self->display_name);
  g_free (self);
}

gboolean
desk_username_is_valid (const char *username)
{
  if (username == NULL)
    return FALSE;
  gsize len = 0;
  while (g_ascii_isalnum (username[len])
         || (username[len] != '\0' && strchr ("._@-", username[len]) != NULL))
    len++;
  return len > 0 && len <= MAX_USERNAME_BYTES && username[len] == '\0';
}
