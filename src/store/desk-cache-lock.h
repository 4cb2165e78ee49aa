/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

/* One engine a cache: the holder has a lock file and a datagram socket beside the cache. Others read the
 * database, write intents into the outbox and nudge the holder. */

G_BEGIN_DECLS

typedef struct _DeskCacheLock DeskCacheLock;
typedef void (*DeskCacheNudge) (const char *what, gpointer data);

/* Becomes the holder, or returns NULL without error if another process is (with error if the folder cannot
 * be used). nudge is called on the thread-default context of the caller; what is "outbox", "settle" (tell when all is here), "present" (bring
 * the window to the front) or "stop". */
DeskCacheLock *desk_cache_lock_acquire (const char *dir, DeskCacheNudge nudge, gpointer data, GError **error);
void desk_cache_lock_release (DeskCacheLock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskCacheLock, desk_cache_lock_release)
/* FALSE if nobody holds the cache. */
gboolean desk_cache_nudge (const char *dir, const char *what);

G_END_DECLS
