/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "common/desk-clock.h"

G_BEGIN_DECLS

/* Telegram's guidance: 1 message a second in a chat with short bursts, 20 a minute in a group, 30 a
 * second in all. Main thread. */
typedef struct _DeskTelegramLimiter DeskTelegramLimiter;

DeskTelegramLimiter *desk_telegram_limiter_new (DeskClock *clock);
void desk_telegram_limiter_free (DeskTelegramLimiter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTelegramLimiter, desk_telegram_limiter_free)

/**
 * desk_telegram_limiter_take:
 * @chat_id: negative for a group
 *
 * Takes the turn of one call; whoever takes a turn must wait for it.
 *
 * Returns: milliseconds until it may be made; 0: at once
 */
gint64 desk_telegram_limiter_take (DeskTelegramLimiter *self, gint64 chat_id);

/* Telegram asked to wait: no call to this chat gets a turn before. */
void desk_telegram_limiter_block (DeskTelegramLimiter *self, gint64 chat_id, gint64 wait_ms);

/* Calls back after wait_ms, or at once when cancelled; from the main loop. */
void desk_telegram_limiter_wait (gint64 wait_ms,
                                 GCancellable *cancellable,
                                 GSourceFunc callback,
                                 gpointer data);

G_END_DECLS
