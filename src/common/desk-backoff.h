/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-random.h"

G_BEGIN_DECLS

/**
 * desk_backoff_full_jitter_ms:
 * @attempt: failures so far; 0 for the first wait
 * @base_ms: bound of the first wait, at least 0
 * @cap_ms: no bound is longer than this, at least 0
 * @random: source of the jitter
 *
 * For reconnecting: spreads many clients evenly. Pure, any thread.
 *
 * Returns: a uniform wait from 0 to min(@cap_ms, @base_ms · 2^@attempt), both ends included
 */
gint64 desk_backoff_full_jitter_ms (guint attempt, gint64 base_ms, gint64 cap_ms,
                                    DeskRandom *random);

/**
 * desk_backoff_equal_jitter_ms:
 * @attempt: failures so far; 0 for the first wait
 * @base_ms: middle of the first wait, at least 0
 * @cap_ms: no middle is longer than this, at least 0
 * @random: source of the jitter
 *
 * For retrying a piece of work: keeps the doubling recognisable. Pure, any thread.
 *
 * Returns: d = min(@cap_ms, @base_ms · 2^@attempt), give or take up to 20 %
 */
gint64 desk_backoff_equal_jitter_ms (guint attempt, gint64 base_ms, gint64 cap_ms,
                                     DeskRandom *random);

G_END_DECLS
