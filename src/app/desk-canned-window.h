/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_CANNED_WINDOW (desk_canned_window_get_type ())
G_DECLARE_FINAL_TYPE (DeskCannedWindow, desk_canned_window, DESK, CANNED_WINDOW, AdwWindow)

/* The team's canned replies: read from the cache, changed at the server. */
GtkWidget *desk_canned_window_new (GtkWindow *parent, DeskInbox *inbox);

G_END_DECLS
