/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

/* What a message has besides its text: a picture, files, a place, a person, "unsupported"; NULL if it has nothing.
 * A new widget; its buttons need @inbox. */
GtkWidget *desk_message_card_new (DeskInbox *inbox, const DeskMessage *message);
/* Does @card (nullable), made by desk_message_card_new(), still show @message? Then it stays: what plays goes on. */
gboolean desk_message_card_shows (GtkWidget *card, const DeskMessage *message);

G_END_DECLS
