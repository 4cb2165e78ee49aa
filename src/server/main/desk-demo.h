/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/main/desk-config.h"

/* frontdeskd --demo: simulated customers, and somebody who may sign in. */

G_BEGIN_DECLS

/**
 * desk_demo_prepare:
 * @config: gets a demo connection if it has none, and, unless @keep_data, a throw-away data folder
 * @keep_data: the folder was named on the command line
 * @out_remove: (out): transfer full, nullable: folder to remove at the end
 */
gboolean desk_demo_prepare (DeskConfig *config, gboolean keep_data, char **out_remove, GError **error);

/**
 * desk_demo_sign_in:
 *
 * Makes the user "demo" and writes a token of his to the file demo-token (0600) of the data folder,
 * unless the one there is still good.
 *
 * Returns: (transfer full): path of the file
 */
char *desk_demo_sign_in (DeskService *service, const char *data, GError **error);

void desk_demo_remove (const char *folder);

G_END_DECLS
