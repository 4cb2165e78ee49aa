/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "store/desk-store-rows.h"

G_BEGIN_DECLS

/* How far a reply has come, for people: an icon's name and a word, both borrowed; NULL if nothing is
 * known (level 0). The one place of these words. */
const char *desk_delivery_icon (DeskStatus status);
const char *desk_delivery_text (DeskStatus status);
const char *desk_outbox_icon (DeskOutboxState state);
const char *desk_outbox_text (DeskOutboxState state);
/* What a wire error code means for the manager and what to do next; @fallback if it is not known,
 * and a general sentence if that is NULL. Borrowed. */
const char *desk_error_text (const char *code, const char *fallback);
/* What a message is where its text does not say it: "Photo", "Voice message". Borrowed. */
const char *desk_kind_text (DeskKind kind);
const char *desk_kind_icon (DeskKind kind);
/* One line for lists: the text, or what the message is. Transfer full. */
char *desk_message_summary (const DeskMessage *message, gsize max_chars);
/* "Olena", "You", "Bot": who wrote it. @me is the manager's username, nullable. Transfer full. */
char *desk_message_writer (const DeskMessage *message, const char *customer, const char *me);

G_END_DECLS
