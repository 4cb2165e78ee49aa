/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "model/desk-message.h"

G_BEGIN_DECLS

/**
 * desk_whatsapp_fill_content:
 * @object: a message of a payload, or the new one of an edit
 * @message: gets kind, text and attachments
 *
 * Never fails: what is not known becomes a placeholder.
 */
void desk_whatsapp_fill_content (JsonObject *object, DeskMessage *message);

/**
 * desk_whatsapp_format_metadata:
 * @object: a message of a payload
 *
 * Returns: (transfer full) (nullable): what led the customer here (an advertisement, a product), as
 *   a JSON object of texts; %NULL if the message does not tell
 */
char *desk_whatsapp_format_metadata (JsonObject *object);

G_END_DECLS
