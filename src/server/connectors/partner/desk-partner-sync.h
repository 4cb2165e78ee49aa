/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/partner/desk-partner-http.h"

G_BEGIN_DECLS

typedef struct _DeskPartnerSync DeskPartnerSync;

/* Main thread. owner and http must live until desk_partner_sync_free(). */
DeskPartnerSync *desk_partner_sync_new (DeskConnector *owner, DeskPartnerHttp *http);
/* Ends it: what is under way is cancelled and tells nobody. */
void desk_partner_sync_free (DeskPartnerSync *self);

/* Something was sent to this room: it is read soon, so that what was sent is found again. */
void desk_partner_sync_touch (DeskPartnerSync *self, const char *room);
/* A push told of this room: what it is about is asked for, once while the daemon runs. */
void desk_partner_sync_describe (DeskPartnerSync *self, const char *room);
/* What a send showed of the connection. */
void desk_partner_sync_note_outcome (DeskPartnerSync *self, const DeskOutcome *outcome);

G_END_DECLS
