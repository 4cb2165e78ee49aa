/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The short sound of a new message, at most every two seconds; nothing where GTK cannot play.
 * Main thread. */
void desk_sound_play (void);

G_END_DECLS
