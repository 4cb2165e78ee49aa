/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

/* Plays a voice message or a sound in its row: a button, the position, and how long it is. Fetches the file when it
 * is first played. Where the desktop can play nothing, the file is opened with another program. */
#define DESK_TYPE_SOUND_PLAYER (desk_sound_player_get_type ())
G_DECLARE_FINAL_TYPE (DeskSoundPlayer, desk_sound_player, DESK, SOUND_PLAYER, GtkWidget)

GtkWidget *desk_sound_player_new (DeskInbox *inbox, const DeskMessage *message, guint index);

G_END_DECLS
