/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* frontdeskd deadletters, replay and connections: the command lines. */

G_BEGIN_DECLS

/* As desk_admin_run(). */
int desk_admin_ops_run (int argc, char **argv);
int desk_admin_connections_run (int argc, char **argv);

#define DESK_ADMIN_OPS_USAGE                                                                       \
  "frontdeskd deadletters list|retry|discard [--connection C] [--id N|--all] [--data DIR]\n"       \
  "frontdeskd replay [--connection C] [--since TIME|7d|12h] [--id N] [--problems]\n"               \
  "                  [--config FILE] [--data DIR]\n"
#define DESK_ADMIN_CONNECTIONS_USAGE                                                               \
  "frontdeskd connections list|check [NAME] --config FILE [--data DIR]\n"                          \
  "frontdeskd connections add NAME --platform P --config FILE [--set KEY=VALUE]...\n"              \
  "                  [--secret-env SECRET=VARIABLE]... [--secrets DIR] [--no-check]\n"

G_END_DECLS
