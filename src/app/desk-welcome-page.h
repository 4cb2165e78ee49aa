/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "sync/desk-account.h"

G_BEGIN_DECLS

#define DESK_TYPE_WELCOME_PAGE (desk_welcome_page_get_type ())
G_DECLARE_FINAL_TYPE (DeskWelcomePage, desk_welcome_page, DESK, WELCOME_PAGE, GtkBox)

/* First run: the demo, or the way into an account.
 *
 * Signals: "try-demo" (), "signed-in" (DeskAccount *), "cancelled" (): back to the inbox */
/* @server_url, @username, @cache_dir: nullable. @form: show the sign-in form at once. */
void desk_welcome_page_set_up (DeskWelcomePage *self, const char *server_url, const char *username, const char *cache_dir,
                               gboolean form);
/* The form's way back leads to an inbox, not to the first page. */
void desk_welcome_page_set_returnable (DeskWelcomePage *self, gboolean returnable);
/* The demo is being started, or could not be. */
void desk_welcome_page_set_busy (DeskWelcomePage *self, gboolean busy);

G_END_DECLS
