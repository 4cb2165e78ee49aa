/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The open accounts at the top of the main menu: who, where, how much is unread; and the way to add one.
 * @button: whose menu has a custom item "accounts". */
void desk_account_switcher_add_to (GtkMenuButton *button);

G_END_DECLS
