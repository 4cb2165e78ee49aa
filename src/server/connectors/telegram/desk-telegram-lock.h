/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * desk_telegram_lock:
 * @base_url: (nullable): of the Bot API
 * @token: of the bot
 *
 * Holds the right to poll this bot, for this whole machine and until the process ends.
 *
 * Returns: a descriptor for desk_telegram_unlock(); -1: somebody else has it
 */
int desk_telegram_lock (const char *base_url, const char *token);
/* Sets it to -1; does nothing if it is. */
void desk_telegram_unlock (int *lock);

G_END_DECLS
