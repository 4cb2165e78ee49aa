/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <adwaita.h>

#include "app/desk-chat-item.h"
#include "app/desk-inbox.h"

G_BEGIN_DECLS

#define DESK_TYPE_COMPOSER (desk_composer_get_type ())
G_DECLARE_FINAL_TYPE (DeskComposer, desk_composer, DESK, COMPOSER, GtkBox)

/* Where a reply is written. Signal "sent" (): a reply went into the outbox. */

/* Stores the draft of the chat before and brings that of @item (NULL: none). */
void desk_composer_set_chat (DeskComposer *self, DeskInbox *inbox, DeskChatItem *item);
/* Stores the draft now if it was changed; called when the window closes. */
void desk_composer_save_draft (DeskComposer *self);
/* Quotes a message; @sender and @text are shown. */
void desk_composer_set_reply (DeskComposer *self, const char *message_id, const char *sender, const char *text);
/* Puts a text back, for example of a reply that was held back. */
void desk_composer_set_text (DeskComposer *self, const char *text);
/* As the button does; FALSE if there is nothing that can be sent. */
gboolean desk_composer_send (DeskComposer *self);
void desk_composer_toggle_note (DeskComposer *self);
void desk_composer_insert_emoji (DeskComposer *self);
/* Cancels the quote; FALSE if there was none. */
gboolean desk_composer_cancel_reply (DeskComposer *self);
void desk_composer_focus (DeskComposer *self);
/* Gives the key that @controller handles now to the text; FALSE if it is no text. */
gboolean desk_composer_take_key (DeskComposer *self, GtkEventControllerKey *controller);
/* What depends on the time and the connection. */
void desk_composer_refresh (DeskComposer *self);

/* The limit of a text: exposed for tests. FALSE if @text is too long for @platform (nullable: no limit
 * is known); @out_left is what may still be typed, negative if too much, G_MAXINT without a limit. */
gboolean desk_composer_fits (const DeskPlatform *platform, const char *text, int *out_used, int *out_left);

G_END_DECLS
