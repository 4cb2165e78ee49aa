/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* The administrative commands of frontdeskd. They work on the data folder directly, also beside a
 * running daemon, which notices. */

G_BEGIN_DECLS

#define DESK_EXIT_FAILED 1
#define DESK_EXIT_USAGE  2

/**
 * desk_admin_run:
 * @argc: as main's
 * @argv: [1] is the command: "user", "token" or "check-config"
 *
 * Returns: the exit code: 0, %DESK_EXIT_FAILED or %DESK_EXIT_USAGE
 */
int desk_admin_run (int argc, char **argv);

/* Prints "frontdeskd: TEXT" on stderr. */
void desk_admin_complain (const char *format, ...) G_GNUC_PRINTF (1, 2);

G_END_DECLS
