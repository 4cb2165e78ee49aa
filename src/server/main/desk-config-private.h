/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/main/desk-config-scan.h"
#include "server/main/desk-config.h"

G_BEGIN_DECLS

typedef struct
{
  const char *path;
  DeskConfigMode mode;
  GString *notes;    /* nullable */
  GPtrArray *groups; /* of DeskConfigGroup */
} DeskConfigContext;

gboolean desk_config_is_base_url (const char *value);
/* Without slashes at the end. */
char *desk_config_dup_url (const char *value);

/* Secrets: from an environment variable, or a file of one line. Untouched where the variable is not set and need not be. */
gboolean desk_config_take_env (const DeskConfigContext *context, const DeskConfigEntry *entry, char **out, GError **error);
gboolean desk_config_take_file (const DeskConfigContext *context, const DeskConfigEntry *entry, char **out, GError **error);
gboolean desk_config_read_number (const char *path, const DeskConfigEntry *entry, guint64 min, guint64 max, guint *out,
                                  GError **error);

/* The group [user_service]. */
void desk_config_users_init (DeskConfigUsers *self);
void desk_config_users_clear (DeskConfigUsers *self);
gboolean desk_config_read_users (DeskConfig *self, const DeskConfigContext *context, const DeskConfigGroup *group,
                                 GError **error);

/* A group [connection NAME]: checks it and adds it. */
gboolean desk_config_read_connection (DeskConfig *self, const DeskConfigContext *context,
                                      const DeskConfigGroup *group, GError **error);
/* What concerns several groups: prefixes, public_url. */
gboolean desk_config_check_connections (DeskConfig *self, const DeskConfigContext *context, GError **error);

G_END_DECLS
