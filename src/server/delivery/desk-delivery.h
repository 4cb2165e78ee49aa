/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-service.h"

G_BEGIN_DECLS

/**
 * DeskDelivery:
 *
 * Takes replies to the platforms: first in, first out within a chat, up to eight chats of a
 * connection at a time. When to try again and when to give up is decided by the service; here live
 * the pauses of a whole connection and its circuit breaker. Everything but desk_delivery_wake()
 * belongs to the thread of the main context that was the thread-default when it was made.
 */
typedef struct _DeskDelivery DeskDelivery;

/**
 * desk_delivery_new:
 * @service: borrowed; outlives the delivery
 * @clock: times of pauses and of the breaker (monotonic)
 * @random: jitter
 */
DeskDelivery *desk_delivery_new (DeskService *service, DeskClock *clock, DeskRandom *random);

/* Only after desk_delivery_stop() has called back, or if it never started. */
void desk_delivery_free (DeskDelivery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskDelivery, desk_delivery_free)

/* Before start. Keeps a reference. */
void desk_delivery_add_connector (DeskDelivery *self, DeskConnector *connector);

/* Jobs whose attempt had begun when the process died become unknown, then delivery begins. */
gboolean desk_delivery_start (DeskDelivery *self, GError **error);

/**
 * desk_delivery_stop:
 * @deadline_ms: how long begun requests may still take; those that do not end are cancelled, and
 * their messages are unknown
 * @done: (nullable): called once, on the owner's thread, when everything is recorded
 *
 * Begins nothing new.
 */
void desk_delivery_stop (DeskDelivery *self,
                         gint64 deadline_ms,
                         void (*done) (gpointer data),
                         gpointer data);

/* There may be new jobs. Any thread; never before new or after free. */
void desk_delivery_wake (DeskDelivery *self);

/* The connection's health changed: OK lets a connection go on that was refused
 * (DESK_OUTCOME_CONNECTION). */
void desk_delivery_health_changed (DeskDelivery *self, const char *connection, DeskHealth health);

/* For tests with a manual clock: looks at everything that is due now, as the timer would. */
void desk_delivery_tick (DeskDelivery *self);

G_END_DECLS
