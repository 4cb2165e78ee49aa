/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_CANNED_COMPLETION (desk_canned_completion_get_type ())
G_DECLARE_FINAL_TYPE (DeskCannedCompletion, desk_canned_completion, DESK, CANNED_COMPLETION, GtkPopover)

/* Canned replies while a reply is written: a slash at the beginning of a line offers those whose shortcut, title or text
 * fits what follows. Everything comes from the cache. It never takes the focus from the text. */
DeskCannedCompletion *desk_canned_completion_new (GtkWidget *parent, GtkTextView *view);
/* NULL: none. */
void desk_canned_completion_set_chat (DeskCannedCompletion *self, DeskInbox *inbox, DeskChatItem *item);
/* Arrows, Enter, Tab and Escape while it is open; FALSE: the key is not for it. */
gboolean desk_canned_completion_take_key (DeskCannedCompletion *self, guint keyval, GdkModifierType state);

G_END_DECLS
