/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/service/desk-service.h"

G_BEGIN_DECLS

/**
 * DeskEventsLocal:
 *
 * The newest events in memory, so that resuming sockets do not read the table. Bounded in bytes;
 * frames are shared with whoever sends them. Any thread.
 */
typedef struct _DeskEventsLocal DeskEventsLocal;

/**
 * desk_events_local_new:
 * @max_bytes: most bytes of frames that are kept; the newest event is kept whatever its size
 */
DeskEventsLocal *desk_events_local_new (gsize max_bytes);
void desk_events_local_free (DeskEventsLocal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskEventsLocal, desk_events_local_free)

/* To be called from DeskServiceSink's published, before the sockets are told. A gap in seq empties
 * the ring. */
void
desk_events_local_publish (DeskEventsLocal *self, const DeskLoggedEvent *const *events, gsize n);

/**
 * desk_events_local_read:
 * @after_seq: what the reader has
 * @limit: most frames
 * @out_last_seq: (out): seq of the last frame, or @after_seq
 *
 * For DeskServiceSink's recent.
 *
 * Returns: (transfer full) (nullable) (element-type GBytes): the frames after @after_seq; %NULL if
 * the ring does not reach back so far, or is empty
 */
GPtrArray *desk_events_local_read (
    DeskEventsLocal *self, guint partition, gint64 after_seq, guint limit, gint64 *out_last_seq);

G_END_DECLS
