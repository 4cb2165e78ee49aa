/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/connectors/meta/desk-meta-rules.h"

G_BEGIN_DECLS

/* As desk_meta_outcome() and desk_meta_judge(), with WhatsApp's codes. An answer to a send is
 * DESK_OUTCOME_SENT with the message's id; without one, whatever its status, UNKNOWN. */
DeskOutcome *desk_whatsapp_outcome (const DeskMetaReply *reply, guint attempt);
/* What an answer to any other call means; NULL if it is fine. */
DeskOutcome *desk_whatsapp_refusal (const DeskMetaReply *reply, guint attempt);
void desk_whatsapp_judge (const DeskMetaReply *reply, DeskMetaVerdict *out);

/**
 * desk_whatsapp_read_error:
 * @error: (nullable): an element of a status's "errors"
 * @out: gets code, message and whether sending it again may help
 */
void desk_whatsapp_read_error (JsonObject *error, DeskMessageError *out);

/* Most of one kind of file that WhatsApp takes. */
#define DESK_WHATSAPP_MAX_TEXT     4096 /* characters */
#define DESK_WHATSAPP_MAX_CAPTION  1024 /* characters */
#define DESK_WHATSAPP_MAX_DOCUMENT (100 * 1024 * 1024)

/**
 * desk_whatsapp_media_type:
 * @mime_type: of a file
 * @size: bytes
 * @as_sticker: the message is one
 *
 * Returns: the "type" that WhatsApp takes such a file as, %NULL if it takes none: "image", "video",
 *   "audio", "sticker" or "document". What is too large or not of the formats of a kind is a document.
 */
const char *desk_whatsapp_media_type (const char *mime_type, gint64 size, gboolean as_sticker);

G_END_DECLS
