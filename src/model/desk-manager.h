/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  DESK_ROLE_MANAGER,
  DESK_ROLE_ADMIN,
  DESK_ROLE_BOT,
} DeskRole;

typedef struct
{
  char *username;
  char *display_name;
  DeskRole role;
} DeskManager;

DeskManager *desk_manager_new (const char *username, const char *display_name, DeskRole role);
DeskManager *desk_manager_copy (const DeskManager *self);
void desk_manager_free (DeskManager *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskManager, desk_manager_free)

const char *desk_role_to_string (DeskRole role);
gboolean desk_role_from_string (const char *text, DeskRole *out);
/* 1 to 64 of [A-Za-z0-9._@-]. */
gboolean desk_username_is_valid (const char *username);

G_END_DECLS
