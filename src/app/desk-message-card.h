/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "model/desk-message.h"

G_BEGIN_DECLS

/* A widget for what a message holds besides its text: images, files, voice, places, contacts, and
 * what we do not know. NULL for plain text. */
GtkWidget *desk_message_card_new (const DeskMessage *message);

G_END_DECLS
