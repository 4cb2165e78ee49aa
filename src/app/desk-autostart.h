/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether the session starts the application, without a window, at login: a desktop file in the user's
 * autostart folder. Writes a small file: not for a thread that must never wait for the disk. */
gboolean desk_autostart_set (gboolean wanted, GError **error);

G_END_DECLS
