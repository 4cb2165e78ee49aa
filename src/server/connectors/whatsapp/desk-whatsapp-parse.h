/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_WHATSAPP_PLATFORM "whatsapp"

/* What the normalizer must know besides the payload. */
typedef struct
{
  const char *chat_prefix;     /* beginning of every user_id; "" if none */
  const char *phone_number_id; /* nullable: what is for another number is not ours */
  gint64 now_ms;               /* stands in where WhatsApp tells no usable time */
} DeskWhatsappContext;

/**
 * DeskWhatsappParsed:
 * @items: (element-type DeskInboundItem): what the payload means, in its order
 * @n_foreign: changes for other phone numbers, left out
 * @n_ignored: changes of no interest
 */
typedef struct
{
  GPtrArray *items;
  guint n_foreign;
  guint n_ignored;
} DeskWhatsappParsed;

DeskWhatsappParsed *desk_whatsapp_parsed_new (void);
void desk_whatsapp_parsed_free (DeskWhatsappParsed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskWhatsappParsed, desk_whatsapp_parsed_free)

/**
 * desk_whatsapp_parse:
 * @context: where the payload arrived
 * @payload: (nullable): a webhook payload; any JSON is tolerated
 * @out: where the meaning is appended
 *
 * Turns a payload with any number of entries and changes into inbound items. Never fails: a message
 * that cannot be understood becomes a visible placeholder (%DESK_KIND_UNSUPPORTED) if its chat is
 * known. Pure, any thread. Source of the shapes: WhatsApp Business Platform, "Webhooks reference".
 */
void desk_whatsapp_parse (const DeskWhatsappContext *context,
                          JsonNode *payload,
                          DeskWhatsappParsed *out);

G_END_DECLS
