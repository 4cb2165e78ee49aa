/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-db.h"
#include "server/store/sqlite/desk-store-sqlite.h"

typedef struct _DeskStoreSqlite DeskStoreSqlite;

/* A transaction is a connection with its statements; the writer has one, readers come from a pool.
 */
typedef struct
{
  DeskServerTx parent;
  DeskStoreSqlite *store;
  DeskDb *db;
  gint64 next_seq; /* writer only: of the event log, within this transaction */
} DeskSqliteTx;

#define SQLITE_TX(tx) ((DeskSqliteTx *)(tx))
#define SQLITE_DB(tx) (SQLITE_TX (tx)->db)

/* 2^31 messages a chat, 2^32 chats. */
#define PLACE_BITS       31
#define PLACE(row, seq)  (((gint64)(row) << PLACE_BITS) | (gint64)(seq))
#define PLACE_MAX(row)   (PLACE ((row), (1LL << PLACE_BITS) - 1))
#define PLACE_ROW(place) ((place) >> PLACE_BITS)
#define PLACE_SEQ(place) ((place) & ((1LL << PLACE_BITS) - 1))

/* Errors of the database as those of a store; takes over error. */
void desk_store_sqlite_map_error (GError **error);

void desk_store_sqlite_init_chats (DeskServerStoreClass *ops);
void desk_store_sqlite_init_messages (DeskServerStoreClass *ops);
void desk_store_sqlite_init_log (DeskServerStoreClass *ops);
void desk_store_sqlite_init_jobs (DeskServerStoreClass *ops);
void desk_store_sqlite_init_team (DeskServerStoreClass *ops);
void desk_store_sqlite_init_connections (DeskServerStoreClass *ops);
void desk_store_sqlite_init_users (DeskServerStoreClass *ops);

/* The epoch file: PATH.epoch, one line "EPOCH HEAD". */
gboolean desk_epoch_file_read (const char *path, char **out_epoch, gint64 *out_head);
int desk_epoch_file_open (const char *path);
void desk_epoch_file_write (int fd, const char *epoch, gint64 head);
