/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-engine-private.h"

/* The clock of a plain server, which tells it by the Date of its answers alone: whole seconds, at an unknown moment
 * between request and answer. So what is known is a span, which each answer narrows; when an answer contradicts it, a
 * clock was moved or we slept, and it begins anew. It is kept against the monotonic clock: moving our own clock does
 * not touch it. Level 2 tells its time in hello. */

#define DATE_STEP_MS 1000

static gint64
mono_ms (gint64 us)
{
  return us / 1000;
}

void
desk_engine_learn_date (DeskEngine *self, const DeskRequest *request, gint64 date_ms)
{
  gint64 low, high;

  if (self->state->level != 0 || date_ms <= 0 || request->asked_us == 0)
    return;
  low = date_ms - mono_ms (self->now_us);
  high = date_ms + DATE_STEP_MS - mono_ms (request->asked_us);
  if (!self->server_clock.known || low > self->server_clock.high_ms || high < self->server_clock.low_ms)
    self->server_clock.low_ms = low, self->server_clock.high_ms = high;
  self->server_clock.low_ms = MAX (self->server_clock.low_ms, low);
  self->server_clock.high_ms = MIN (self->server_clock.high_ms, high);
  self->server_clock.known = TRUE;
  self->state->server_offset_ms = desk_engine_server_offset (self);
}

/* The server's clock minus ours: the most that it may be; 0 if nothing is known. */
gint64
desk_engine_server_offset (DeskEngine *self)
{
  return self->server_clock.known ? self->server_clock.high_ms + mono_ms (self->now_us) - self->wall_ms : 0;
}

/* Since when, by the server's clock, a message can be what was sent in this lane. An older one with the same text is
 * another one. While we run those are known and counted once, so that a clock that is a little behind does no harm;
 * what was there before we started is no proof, nor is anything if it cannot be told what was. */
gint64
desk_engine_lane_since (DeskEngine *self, const Lane *lane)
{
  if (lane->resumed)
    return lane->since_ms;
  if (!self->server_clock.known)
    return lane->since_ms - LOOK_SLACK_MS;
  return MAX (mono_ms (lane->since_us) + self->server_clock.low_ms - LOOK_SLACK_MS,
              mono_ms (self->started_us) + self->server_clock.low_ms);
}
