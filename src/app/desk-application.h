/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define DESK_TYPE_APPLICATION (desk_application_get_type ())
G_DECLARE_FINAL_TYPE (DeskApplication, desk_application, DESK, APPLICATION, AdwApplication)

/* The application: which inbox is opened, and what outlives windows. */
DeskApplication *desk_application_new (void);
/* 1 if the cache could not be used. */
int desk_application_get_exit_status (DeskApplication *self);

G_END_DECLS
