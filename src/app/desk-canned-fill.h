/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "model/desk-canned.h"

G_BEGIN_DECLS

/* What the variables of canned replies stand for; all nullable. */
typedef struct
{
  const char *customer;
  const char *manager;
  const char *metadata; /* JSON object: that of the chat */
} DeskCannedContext;

/**
 * desk_canned_fill:
 *
 * Puts in {{customer.name}}, {{manager.name}} and {{metadata.KEY}}. What is not known becomes nothing, what is no
 * variable stays as it stands.
 *
 * Returns: (transfer full): the text
 */
char *desk_canned_fill (const char *text, const DeskCannedContext *context);
/* How well a reply answers to what was typed after the slash: 0 not at all, more is better. */
guint desk_canned_match (const DeskCanned *canned, const char *typed);

G_END_DECLS
