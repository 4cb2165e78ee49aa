/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-notice-ledger.h"

G_BEGIN_DECLS

/* Which message made a notification, and why another made none; the newest first. */
GtkWindow *desk_notice_window_new (GtkWindow *parent, DeskNoticeLedger *ledger);

G_END_DECLS
