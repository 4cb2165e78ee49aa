/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "common/desk-db.h"

#include <sqlite3.h>

G_BEGIN_DECLS

struct _DeskDb
{
  sqlite3 *handle;
  char *path;
  gint64 slow_query_us;    /* negative: never logged */
  GHashTable *by_address;  /* const char * as the caller gave it → DeskStmt, not owned */
  GHashTable *by_text;     /* DeskStmt.sql → DeskStmt, owned */
  gboolean in_transaction; /* between our begin and commit or rollback */
  GError *lost;            /* what made SQLite roll that transaction back by itself */
  GThread *inside;         /* thread that is in a call now (atomic) */
  GThread *owner;          /* thread of the last call */
  guint open_rows;         /* statements that stand on a row */
};

struct _DeskStmt
{
  DeskDb *db;
  sqlite3_stmt *handle;
  char *sql;
  gboolean has_row;
  gint64 spent_us; /* in sqlite3_step() since the last reset */
};

/* Around every use of the handle that runs SQL: guards the rule of one thread at a time. */
void desk_db_enter (DeskDb *self);
void desk_db_leave (DeskDb *self);

/* Sets @error from SQLite's code @rc and the connection's message; returns FALSE. */
gboolean desk_db_fail (DeskDb *self, int rc, GError **error);

/* After a statement failed: remembers it if SQLite gave up our transaction because of it. */
void desk_db_note_failure (DeskDb *self, const GError *error);

/* Fails if the transaction that the caller believes in is gone. */
gboolean desk_db_check_transaction (DeskDb *self, GError **error);

/* Runs one cached statement that returns nothing. */
gboolean desk_db_run_literal (DeskDb *self, const char *sql, GError **error);

void desk_stmt_free (DeskStmt *self);

G_END_DECLS
