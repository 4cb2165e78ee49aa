/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-hub"

#include "config.h"

#include "server/hub/desk-hub-private.h"

/* A hashed timer wheel. A timer lies in the slot of the tick at which it is due, or if that is
 * beyond one turn in the farthest slot, from where it is put back. It fires up to one tick late and
 * never early. */

void
desk_timer_wheel_init (DeskTimerWheel *self, gint64 tick_us, gint64 now_us)
{
  self->tick_us = tick_us;
  self->position = now_us / tick_us;
  self->count = 0;
  for (guint i = 0; i < DESK_WHEEL_SLOTS; i++)
    self->slots[i].previous = self->slots[i].next = &self->slots[i];
}

static void
link_timer (DeskTimerWheel *self, DeskTimer *timer)
{
  gint64 tick = CLAMP (timer->due_us / self->tick_us + 1, self->position,
                       self->position + DESK_WHEEL_SLOTS - 1);
  DeskTimer *head = &self->slots[tick % DESK_WHEEL_SLOTS];

  timer->previous = head->previous;
  timer->next = head;
  head->previous->next = timer;
  head->previous = timer;
}

void
desk_timer_wheel_unset (DeskTimerWheel *self, DeskTimer *timer)
{
  if (timer->next == NULL)
    return;
  timer->previous->next = timer->next;
  timer->next->previous = timer->previous;
  timer->previous = timer->next = NULL;
  self->count--;
}

void
desk_timer_wheel_set (DeskTimerWheel *self, DeskTimer *timer, gint64 due_us)
{
  desk_timer_wheel_unset (self, timer);
  timer->due_us = due_us;
  link_timer (self, timer);
  self->count++;
}

static void
run_slot (DeskTimerWheel *self, DeskTimer *head, gint64 now_us, DeskTimerFired fired, gpointer data)
{
  DeskTimer due = { &due, &due, 0 };

  if (head->next == head)
    return;
  /* Moved to a list of its own: what fires may set itself again into this very slot, and may unset
   * any other timer. */
  due.next = head->next;
  due.previous = head->previous;
  due.next->previous = due.previous->next = &due;
  head->next = head->previous = head;
  while (due.next != &due)
    {
      DeskTimer *timer = due.next;
      gint64 due_us = timer->due_us;

      desk_timer_wheel_unset (self, timer);
      if (due_us > now_us)
        desk_timer_wheel_set (self, timer, due_us);
      else
        fired (timer, now_us, data);
    }
}

void
desk_timer_wheel_run (DeskTimerWheel *self, gint64 now_us, DeskTimerFired fired, gpointer data)
{
  gint64 last = now_us / self->tick_us;

  if (self->count == 0 || last - self->position > DESK_WHEEL_SLOTS)
    self->position = MAX (self->position, last - DESK_WHEEL_SLOTS);
  while (self->position <= last)
    {
      DeskTimer *head = &self->slots[self->position % DESK_WHEEL_SLOTS];

      self->position++;
      run_slot (self, head, now_us, fired, data);
    }
}

/* For epoll_wait(): -1 without timers. */
int
desk_timer_wheel_wait_ms (DeskTimerWheel *self, gint64 now_us)
{
  gint64 left;

  if (self->count == 0)
    return -1;
  left = self->position * self->tick_us - now_us;
  return left <= 0 ? 0 : (int) ((left + 999) / 1000);
}
