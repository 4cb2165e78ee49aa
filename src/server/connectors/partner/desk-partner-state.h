/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* How far each room of a partner was read: the checkpoint of a polled connection. */

G_BEGIN_DECLS

typedef struct
{
  gint64 newest_ms; /* of the messages that are stored; 0 none yet */
  gint64 listed_ms; /* what the list of rooms told when it was read last; 0 nothing */
} DeskPartnerMark;

typedef struct _DeskPartnerState DeskPartnerState;

/* text: nullable; what cannot be read counts as nothing, and everything is read once more. */
DeskPartnerState *desk_partner_state_new (const char *text);
void desk_partner_state_free (DeskPartnerState *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskPartnerState, desk_partner_state_free)

/* Zeros for a room that is not known. */
DeskPartnerMark desk_partner_state_get (DeskPartnerState *self, const char *room);
void desk_partner_state_set (DeskPartnerState *self, const char *room, DeskPartnerMark mark);
/* The checkpoint as it would be with this mark; transfer full. Of the rooms that were quiet
 * longest, those beyond 5000 are left out: their messages still have their keys. */
char *desk_partner_state_format_with (DeskPartnerState *self, const char *room, DeskPartnerMark mark);

G_END_DECLS
