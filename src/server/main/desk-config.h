/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-service.h"

/* The configuration of frontdeskd: one key file (data/frontdeskd.conf.example documents each key)
 * and the secrets that it names. */

G_BEGIN_DECLS

#define DESK_CONFIG_ERROR (desk_config_error_quark ())
GQuark desk_config_error_quark (void);

typedef enum
{
  DESK_CONFIG_ERROR_UNREADABLE, /* the file itself */
  DESK_CONFIG_ERROR_INVALID,    /* the message is "FILE:LINE: reason" */
} DeskConfigError;

/* The user service of the business: see server/users. */
typedef struct
{
  char *base_url; /* NULL: there is none */
  char *path;
  char *token; /* secret, nullable */
  char **platforms; /* nullable: all */
  guint batch_size;
  guint timeout_s;
  gboolean numbers; /* ids are numbers */
} DeskConfigUsers;

typedef struct
{
  char *address;
  guint16 port;
  char *data;             /* folder */
  char *public_url;       /* nullable, without a slash at the end */
  GPtrArray *connections; /* of DeskConnection */
  DeskRetention retention;
  guint requests_per_minute;
  guint sign_ins_per_minute;
  guint timeout_s;
  DeskConfigUsers users;
} DeskConfig;

typedef enum
{
  DESK_CONFIG_CHECK, /* environment variables need not be set here: they are told in notes */
  DESK_CONFIG_RUN,   /* every secret must be there */
} DeskConfigMode;

/* Defaults, no connections. */
DeskConfig *desk_config_new (void);
void desk_config_free (DeskConfig *self); /* clears the secrets */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskConfig, desk_config_free)

/**
 * desk_config_load:
 * @path: the key file
 * @mode: whether secrets must be there
 * @notes: (nullable): with %DESK_CONFIG_CHECK, lines "FILE:LINE: note: …" are appended
 * @error: #DeskConfigError; the first thing that is wrong, never a secret
 *
 * Reads the file strictly: unknown groups and keys, doubles, values out of range, secrets written
 * inline, prefixes of chats that could meet.
 */
DeskConfig *desk_config_load (const char *path, DeskConfigMode mode, GString *notes, GError **error);

/**
 * desk_config_parse_listen:
 * @text: "ADDRESS:PORT", "[IPV6]:PORT"
 *
 * Returns: whether it is an IP address and a port; out parameters are untouched otherwise
 */
gboolean desk_config_parse_listen (const char *text, char **out_address, guint16 *out_port);

/**
 * desk_config_list_secrets:
 * @platform: as in the configuration
 * @webhook: whether the platform calls us
 *
 * Returns: (transfer full) (nullable): names of the secrets that a connection needs ("token",
 *   "app_secret", …), in the order of asking; %NULL if there is no such platform
 */
char **desk_config_list_secrets (const char *platform, gboolean webhook);

/**
 * desk_config_append_group:
 * @path: the key file; made with mode 0600 if it does not exist
 * @name: of the group, for example "connection shop"
 * @entries: (array zero-terminated): keys and values in turn, without line ends
 * @commit: FALSE: only try whether the file would be valid with it
 * @out_config: (optional): the configuration with the new group
 * @error: #DeskConfigError or G_FILE_ERROR; then the file is as it was
 *
 * Puts a group at the end of the file, whose every byte stays; in one step, also after a power cut.
 * Nothing is written that desk_config_load() would refuse.
 */
gboolean desk_config_append_group (const char *path,
                                   const char *name,
                                   const char *const *entries,
                                   gboolean commit,
                                   DeskConfig **out_config,
                                   GError **error);

DeskConnection *desk_connection_new (const char *name, const char *platform);
void desk_connection_free (DeskConnection *self);

G_END_DECLS
