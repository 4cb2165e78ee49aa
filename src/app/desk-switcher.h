/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_SWITCHER (desk_switcher_get_type ())
G_DECLARE_FINAL_TYPE (DeskSwitcher, desk_switcher, DESK, SWITCHER, AdwWindow)

/* The quick switcher: a small window over the main one that goes to any chat, filtered or not, and does
 * any command, by a few letters of its name.
 *
 * @parent: whose actions are the commands; its "win.go-to-chat" (s: key) is activated for a chat. */
GtkWindow *desk_switcher_new (GtkWindow *parent, DeskInbox *inbox);

/**
 * desk_switcher_score:
 * @name: a name, in any case
 * @letters: what was typed, in any case
 *
 * Returns: how well the letters fit, which need only occur in this order; the beginning of the name
 *   and of its words count most; -1 if they do not
 */
int desk_switcher_score (const char *name, const char *letters);

G_END_DECLS
