/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "common/desk-clock.h"
#include "server/connectors/meta/desk-meta-graph.h"

G_BEGIN_DECLS

/* Shows customers that somebody read and types. Main thread. */
typedef struct _DeskMessagingTyping DeskMessagingTyping;

/* graph, clock: outlive it. */
DeskMessagingTyping *desk_messaging_typing_new (DeskMetaGraph *graph, DeskClock *clock);
void desk_messaging_typing_free (DeskMessagingTyping *self);

/* Shows it to customer unless Meta wants to be spared; nothing depends on it. owner: kept alive by
 * what is under way. */
void desk_messaging_typing_show (DeskMessagingTyping *self,
                                 GObject *owner,
                                 const char *customer,
                                 GCancellable *cancellable);
/* A manager has read what the customer wrote: shows that alone. */
void desk_messaging_typing_seen (DeskMessagingTyping *self,
                                 GObject *owner,
                                 const char *customer,
                                 GCancellable *cancellable);

G_END_DECLS
