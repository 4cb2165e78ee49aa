/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-clock.h"
#include "common/desk-random.h"

G_BEGIN_DECLS

/**
 * desk_uuid7_new:
 * @clock: gives the millisecond
 * @random: gives the rest
 *
 * A version 7 UUID (RFC 9562, section 5.7) in lower case, 36 characters. With the system clock
 * the ids of one process grow strictly, on whatever threads they are made and even if the wall
 * clock goes back (section 6.2, method 1). With another clock the id depends on nothing but its
 * arguments, so that a simulation is repeatable.
 *
 * Returns: (transfer full): the id
 */
char *desk_uuid7_new (DeskClock *clock, DeskRandom *random);

G_END_DECLS
