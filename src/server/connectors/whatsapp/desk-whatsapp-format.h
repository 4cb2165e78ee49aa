/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "common/desk-json-writer.h"

G_BEGIN_DECLS

/* Bodies of POST /{phone-number-id}/messages. Pure. Source: WhatsApp Business Platform, "Messages". */

/* What every message has. */
typedef struct
{
  const char *to;        /* WhatsApp id, business-scoped user id, or a group's id */
  const char *reply_to;  /* nullable: id of the quoted message */
  const char *our_id;    /* nullable: comes back with each status */
} DeskWhatsappHead;

char *desk_whatsapp_format_text (const DeskWhatsappHead *head, const char *text);

/**
 * desk_whatsapp_format_media:
 * @type: "image", "video", "audio", "sticker" or "document"
 * @media_id: of an uploaded file
 * @caption: (nullable): where the type takes one
 * @filename: (nullable): of a document
 */
char *desk_whatsapp_format_media (const DeskWhatsappHead *head,
                                  const char *type,
                                  const char *media_id,
                                  const char *caption,
                                  const char *filename);

/* emoji "": takes the reaction back */
char *desk_whatsapp_format_reaction (const DeskWhatsappHead *head,
                                     const char *message_id,
                                     const char *emoji);

/**
 * desk_whatsapp_format_template:
 * @components: JSON array of the filled-in components
 */
char *desk_whatsapp_format_template (const DeskWhatsappHead *head,
                                     const char *name,
                                     const char *language,
                                     const char *components);

/* Marks a customer's message (and all before it) as read, and shows for up to 25 s that somebody types. */
char *desk_whatsapp_format_read (const char *message_id, gboolean typing);

G_END_DECLS
