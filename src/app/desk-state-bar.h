/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_STATE_BAR (desk_state_bar_get_type ())
G_DECLARE_FINAL_TYPE (DeskStateBar, desk_state_bar, DESK, STATE_BAR, GtkBox)

/* The state of the connection, in plain words, at the bottom of the chat list. */
void desk_state_bar_set_inbox (DeskStateBar *self, DeskInbox *inbox);
/* The words for a state. Transfer full. */
char *desk_state_bar_describe (const DeskSyncState *state, gboolean has_server, gint64 now_ms);

G_END_DECLS
