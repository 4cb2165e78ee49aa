/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-notice-ledger.h"

G_BEGIN_DECLS

#define DESK_TYPE_APPLICATION (desk_application_get_type ())
G_DECLARE_FINAL_TYPE (DeskApplication, desk_application, DESK, APPLICATION, AdwApplication)

/* The application: which inboxes are open, which one is shown, and what outlives windows. */
DeskApplication *desk_application_new (void);
/* 1 if the cache could not be used. */
int desk_application_get_exit_status (DeskApplication *self);
/* Of DeskSession: the open accounts. Borrowed. */
GListModel *desk_application_get_sessions (DeskApplication *self);
/* The folder of the cache that is in the window; NULL if none is. Borrowed. */
const char *desk_application_get_shown_dir (DeskApplication *self);
/* Why which message made a notification, or none. Borrowed. */
DeskNoticeLedger *desk_application_get_ledger (DeskApplication *self);

G_END_DECLS
