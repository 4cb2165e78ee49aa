/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"
#include "model/desk-template.h"

G_BEGIN_DECLS

#define DESK_TYPE_TEMPLATE_WINDOW (desk_template_window_get_type ())
G_DECLARE_FINAL_TYPE (DeskTemplateWindow, desk_template_window, DESK, TEMPLATE_WINDOW, AdwWindow)

/**
 * desk_template_window_new:
 * @customer: (nullable): what the first variable is likely to be
 * @entry: (nullable): a reply that was refused because free replies are over: it goes out as the template instead
 *
 * Chooses an approved template, fills its variables in and sends it.
 */
GtkWidget *desk_template_window_new (GtkWindow *parent, DeskInbox *inbox, const char *platform, const char *user_id,
                                     const char *customer, const DeskOutboxEntry *entry);

G_END_DECLS
