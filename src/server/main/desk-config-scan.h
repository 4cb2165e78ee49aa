/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* The lines of a key file with their numbers, which GKeyFile does not tell. */

G_BEGIN_DECLS

typedef struct
{
  char *key;
  char *value;
  guint line; /* from 1 */
} DeskConfigEntry;

typedef struct
{
  char *name;
  guint line;
  GPtrArray *entries; /* of DeskConfigEntry, in the file's order */
} DeskConfigGroup;

/**
 * desk_config_scan:
 * @path: for messages
 * @text: the file
 * @len: bytes
 * @error: %DESK_CONFIG_ERROR_INVALID for what is no key file, and for doubles
 *
 * Returns: (transfer full) (element-type DeskConfigGroup): the groups, in the file's order
 */
GPtrArray *desk_config_scan (const char *path, const char *text, gsize len, GError **error);

/* %NULL if the group has no such key. */
const DeskConfigEntry *desk_config_group_find (const DeskConfigGroup *group, const char *key);

void desk_config_set_error (GError **error, const char *path, guint line, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

G_END_DECLS
