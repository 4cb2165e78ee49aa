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

/* A group [connection NAME]: checks it and adds it. */
gboolean desk_config_read_connection (DeskConfig *self, const DeskConfigContext *context,
                                      const DeskConfigGroup *group, GError **error);
/* What concerns several groups: prefixes, public_url. */
gboolean desk_config_check_connections (DeskConfig *self, const DeskConfigContext *context, GError **error);

G_END_DECLS
