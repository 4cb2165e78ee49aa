/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "model/desk-template.h"

G_BEGIN_DECLS

/**
 * DeskWhatsappTemplate:
 * @shown: as the service knows it: header, body, footer and buttons in one text whose variables are
 *   counted through
 *
 * An approved template whose variables are all texts.
 */
typedef struct
{
  DeskTemplate *shown;
  /*< private >*/
  GPtrArray *slots;
} DeskWhatsappTemplate;

void desk_whatsapp_template_free (DeskWhatsappTemplate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskWhatsappTemplate, desk_whatsapp_template_free)

/**
 * desk_whatsapp_template_parse:
 * @object: (nullable): an element of the answer to GET /{waba-id}/message_templates
 *
 * Pure. Source: WhatsApp Business Management API, "Message templates".
 *
 * Returns: (transfer full) (nullable): %NULL if it is not approved, or wants what a manager cannot
 *   write: a picture in its header, a code for signing in, a carousel
 */
DeskWhatsappTemplate *desk_whatsapp_template_parse (JsonObject *object);

/* The "components" of a send, with these variables; those that are missing are empty. */
char *desk_whatsapp_template_format_components (const DeskWhatsappTemplate *self,
                                                char *const *variables);

G_END_DECLS
