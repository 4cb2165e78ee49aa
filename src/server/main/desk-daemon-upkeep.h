/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-service.h"

G_BEGIN_DECLS

/* What the daemon does by the clock: it opens snoozed chats whose time has come, and asks the connectors for their
 * templates. Main thread alone. */
typedef struct _DeskUpkeep DeskUpkeep;

/* connectors: of DeskConnector, started; referenced. Begins at once. */
DeskUpkeep *desk_upkeep_new (DeskService *service, DeskClock *clock, GPtrArray *connectors);
/* Nothing is asked any more; the service must outlive what was submitted. */
void desk_upkeep_free (DeskUpkeep *self);

G_END_DECLS
