/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sync/desk-account.h"

G_BEGIN_DECLS

/* Writes the account into its cache folder, and into the user's list if asked (not for --cache DIR). */
gboolean desk_account_save (const DeskAccount *account, gboolean list, GError **error);
gboolean desk_account_forget (const DeskAccount *account, GError **error);

G_END_DECLS
