/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "model/desk-message.h"

G_BEGIN_DECLS

/**
 * desk_telegram_fill_content:
 * @object: a Message of the Bot API
 * @message: its kind, text and attachments are set; nothing else is touched
 *
 * What a message says: the first kind that is recognised wins, and what is not recognised is
 * %DESK_KIND_UNSUPPORTED with a hint as text. Attachments are metadata only: state "pending",
 * external_id the file_id to ask getFile for. Pure, any thread.
 */
void desk_telegram_fill_content (JsonObject *object, DeskMessage *message);

/**
 * desk_telegram_full_name:
 * @person: (nullable): a User, or a Chat of type "private"
 *
 * Returns: (transfer full) (nullable): first and last name, else the @username, else %NULL
 */
char *desk_telegram_full_name (JsonObject *person);

G_END_DECLS
