/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* A store of a size that a long-lived backend has: 10,000 chats of 100 messages, as the service
 * would have written them. Made once and kept. */

#define STORE_CHATS    10000
#define STORE_MESSAGES 100 /* of a chat */
#define STORE_PLATFORM "bench"

/* The store under that path, made if it is missing; and the token of a manager. */
void bench_store_make (const char *path, const char *token_path);

/* A private copy of it in a folder as frontdeskd wants it; returns the database's path. */
char *bench_store_copy (const char *path, const char *folder);
