/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_REPORT_WINDOW (desk_report_window_get_type ())
G_DECLARE_FINAL_TYPE (DeskReportWindow, desk_report_window, DESK, REPORT_WINDOW, AdwWindow)

/* Volume and response times over the cache of @inbox. */
GtkWindow *desk_report_window_new (GtkWindow *parent, DeskInbox *inbox);

G_END_DECLS
