/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DeskClock DeskClock;

/**
 * DeskClock:
 * @refs: reference count; the system clock ignores it
 * @now_ms: wall time, ms UTC since 1970; may jump both ways
 * @monotonic_us: µs since an arbitrary start; never goes back
 * @finalize: (nullable): frees what the implementation owns and the struct itself
 *
 * Where the flow of time comes from. Code takes a clock instead of asking the system, so that
 * tests and the simulation run in virtual time. Every function may be called on any thread.
 */
struct _DeskClock
{
  gatomicrefcount refs;
  gint64 (*now_ms) (DeskClock *self);
  gint64 (*monotonic_us) (DeskClock *self);
  void (*finalize) (DeskClock *self);
};

/**
 * desk_clock_system:
 *
 * The machine's clock.
 *
 * Returns: (transfer none): a singleton that lives as long as the process; ref and unref of it
 *   do nothing, so it may be treated like any other clock
 */
DeskClock *desk_clock_system (void);

/**
 * desk_clock_manual_new:
 * @now_ms: wall time to begin with, ms UTC
 *
 * A clock that stands still until it is told to move. Its monotonic time begins at one second,
 * so that zero stays free for "never".
 *
 * Returns: (transfer full): the clock
 */
DeskClock *desk_clock_manual_new (gint64 now_ms);

/**
 * desk_clock_manual_advance_ms:
 * @self: a manual clock
 * @ms: how far to move, at least 0
 *
 * Moves wall time and monotonic time together.
 */
void desk_clock_manual_advance_ms (DeskClock *self, gint64 ms);

/**
 * desk_clock_manual_set_wall_ms:
 * @self: a manual clock
 * @now_ms: new wall time, ms UTC; may lie in the past
 *
 * Sets wall time alone, as when a user or NTP corrects the clock; monotonic time does not move.
 */
void desk_clock_manual_set_wall_ms (DeskClock *self, gint64 now_ms);

/**
 * desk_clock_now_ms:
 *
 * Returns: wall time in ms UTC since 1970-01-01
 */
gint64 desk_clock_now_ms (DeskClock *self);

/**
 * desk_clock_monotonic_us:
 *
 * Returns: monotonic time in µs; only differences mean something
 */
gint64 desk_clock_monotonic_us (DeskClock *self);

DeskClock *desk_clock_ref (DeskClock *self);
void desk_clock_unref (DeskClock *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskClock, desk_clock_unref)

G_END_DECLS
