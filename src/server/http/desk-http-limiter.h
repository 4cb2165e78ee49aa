/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <sys/socket.h>

#include "common/desk-clock.h"

/* Limits on how often somebody may ask: a token bucket a key, so a quiet client may burst up to the
 * minute's number, and no window's edge lets twice as many through. Any thread. */

G_BEGIN_DECLS

typedef struct _DeskHttpLimiter DeskHttpLimiter;

/**
 * desk_http_limiter_new:
 * @per_minute: requests a minute and key; 0 lets everything through
 * @clock: monotonic time comes from here
 */
DeskHttpLimiter *desk_http_limiter_new (guint per_minute, DeskClock *clock);
void desk_http_limiter_free (DeskHttpLimiter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskHttpLimiter, desk_http_limiter_free)

/* Key of a token's id and of an address (IPv6: its /64, which one person owns). */
guint64 desk_http_limiter_key_token (gint64 token_id);
guint64 desk_http_limiter_key_address (const struct sockaddr *address);

/**
 * desk_http_limiter_take:
 * @key: who asks
 * @out_retry_after_s: (out): whole seconds until it may ask again; set when refused
 *
 * Returns: whether the request is within the limit
 */
gboolean desk_http_limiter_take (DeskHttpLimiter *self, guint64 key, gint64 *out_retry_after_s);

G_END_DECLS
