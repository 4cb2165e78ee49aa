/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-random.h"
#include "server/service/desk-server-store.h"

G_BEGIN_DECLS

/* The biggest group of jobs that share one transaction. */
#define DESK_STORE_SQLITE_GROUP 256

/**
 * DeskStoreSqliteOptions:
 * @random: (nullable): where epochs come from; %NULL is the system's
 * @max_pages: largest size of the file in pages, 0 for no limit: stands in for a full disk in tests
 * @group: most jobs of one transaction, 0 for %DESK_STORE_SQLITE_GROUP; 1 switches grouping off
 * @cache_kib: page cache of the writer in KiB, 0 for 64 MiB
 */
typedef struct
{
  DeskRandom *random;
  gint64 max_pages;
  guint group;
  int cache_kib;
} DeskStoreSqliteOptions;

/**
 * desk_store_sqlite_open:
 * @path: the database file; made with mode 0600 if it is missing
 * @options: (nullable): see #DeskStoreSqliteOptions
 * @error: #DeskServerStoreError: DAMAGED, TOO_NEW, NOT_WRITABLE, UNAVAILABLE
 *
 * Opens the store, brings its schema up to date and starts the writer thread. The file PATH.epoch
 * beside it remembers epoch and head: a database that knows less than that file is a restored
 * backup, and draws a new epoch. Several processes may have the store open at once (the daemon and
 * an administration command); only the daemon appends events.
 *
 * Returns: (transfer full): the store, to be closed with store->ops->close(), or %NULL
 */
DeskServerStore *
desk_store_sqlite_open (const char *path, const DeskStoreSqliteOptions *options, GError **error);

/* For tests: changes max_pages while the store runs; 0 takes the limit away. */
void desk_store_sqlite_set_max_pages (DeskServerStore *store, gint64 max_pages);

/**
 * DeskServerLock: proof that this process is the one daemon of a data folder.
 *
 * desk_server_lock_acquire:
 * @dir: the data folder; made with mode 0700 if it is missing
 * @error: #DeskServerStoreError: LOCKED (another daemon), NOT_WRITABLE
 *
 * Administration commands need no lock. The lock goes with the process, however it ends.
 */
typedef struct _DeskServerLock DeskServerLock;
DeskServerLock *desk_server_lock_acquire (const char *dir, GError **error);
void desk_server_lock_release (DeskServerLock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskServerLock, desk_server_lock_release)

G_END_DECLS
