/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * desk_fault_point:
 * @name: of the place, for example "send-committed"
 *
 * A place between two steps where a crash must lose nothing. Tests set FRONTDESK_FAULT=NAME:N in
 * the environment, and the process kills itself (SIGKILL) when it comes here for the N-th time.
 * Otherwise this does nothing. Any thread.
 */
void desk_fault_point (const char *name);

G_END_DECLS
