/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_WINDOW (desk_window_get_type ())
G_DECLARE_FINAL_TYPE (DeskWindow, desk_window, DESK, WINDOW, AdwApplicationWindow)

/* The main window. Signals: "try-demo" (), "signed-in" (DeskAccount *), "sign-out" (), all answered by
 * the application, which then opens another inbox or none. */
DeskWindow *desk_window_new (GtkApplication *application);
/* Opens the cache, if it is not open, and shows it; the window shows what goes wrong. */
void desk_window_open (DeskWindow *self, DeskInbox *inbox);
DeskInbox *desk_window_get_inbox (DeskWindow *self); /* nullable */
/* All nullable. @form: the sign-in form at once; with an inbox behind it there is a way back. */
void desk_window_show_welcome (DeskWindow *self, const char *server_url, const char *username, const char *cache_dir, gboolean form);
/* Back from the sign-in form. */
void desk_window_show_inbox (DeskWindow *self);
/* Whose inbox it is, where there are several; NULL: not said. */
void desk_window_set_account_title (DeskWindow *self, const char *title);
void desk_window_show_demo_progress (DeskWindow *self, gboolean busy, const char *problem);
void desk_window_open_chat (DeskWindow *self, const char *key);
/* The chat on the screen, "P/U"; NULL if none is seen. */
const char *desk_window_get_visible_chat (DeskWindow *self);
void desk_window_tell (DeskWindow *self, const char *text);
/* Drafts are stored, and nothing of the account is shown; it stays open. */
void desk_window_leave_inbox (DeskWindow *self);

G_END_DECLS
