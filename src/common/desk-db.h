/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DESK_DB_ERROR (desk_db_error_quark ())

typedef enum
{
  DESK_DB_ERROR_FAILED,         /* anything else: bad SQL, misuse, interrupted */
  DESK_DB_ERROR_BUSY,           /* another connection holds the lock; may be tried again */
  DESK_DB_ERROR_CORRUPT,        /* the file is damaged or is no database */
  DESK_DB_ERROR_SCHEMA_VERSION, /* the file was written by a newer program */
  DESK_DB_ERROR_FULL,           /* disk, quota or max_page_count */
  DESK_DB_ERROR_IO,             /* the system could not read or write */
  DESK_DB_ERROR_CONSTRAINT,     /* UNIQUE, NOT NULL, CHECK, FOREIGN KEY */
  DESK_DB_ERROR_READ_ONLY,      /* the file or the connection cannot be written */
  DESK_DB_ERROR_CANT_OPEN,      /* no such file, no permission */
} DeskDbError;

GQuark desk_db_error_quark (void);

/**
 * DeskDb:
 *
 * One SQLite connection with its statement cache. It may move between threads, but only one
 * thread may use it at a time, and none may take it over while a transaction or a row loop is
 * open; builds without NDEBUG check both and log a critical. desk_db_interrupt() alone may be
 * called from anywhere.
 */
typedef struct _DeskDb DeskDb;

/**
 * DeskStmt:
 *
 * A prepared statement that the connection's cache owns. A row loop that is left early must be
 * reset, or it keeps the file locked: g_autoptr(DeskStmt) does that at the end of the scope
 * (it resets, the statement stays in the cache).
 */
typedef struct _DeskStmt DeskStmt;

typedef enum
{
  DESK_DB_SYNC_FULL = 0,   /* a commit is on the disk when it returns: an answer is a promise */
  DESK_DB_SYNC_NORMAL = 1, /* safe against a crash of the program, not of the machine */
} DeskDbSync;

/**
 * DeskDbOptions:
 * @read_only: open for reading; the file must exist
 * @create: make the file (mode 0600) if it is missing
 * @vfs: (nullable): name of a registered SQLite VFS, for fault injection
 * @synchronous: a #DeskDbSync
 * @cache_kib: page cache in KiB, 0 for SQLite's default
 * @mmap_bytes: size of the memory map, 0 for none
 * @busy_timeout_ms: how long to wait for another connection's lock, 0 for 5000, negative for not
 *   at all
 * @slow_query_us: statements that compute longer are logged at info level (the SQL text, never
 *   values), 0 for 40,000, negative for never
 * @trust_schema: leave `trusted_schema` on; needed where triggers write to an FTS5 table (SQLite
 *   3.40 refuses that otherwise); only for files that this program alone has written
 */
typedef struct
{
  gboolean read_only;
  gboolean create;
  const char *vfs;
  int synchronous;
  int cache_kib;
  gint64 mmap_bytes;
  int busy_timeout_ms;
  gint64 slow_query_us;
  gboolean trust_schema;
} DeskDbOptions;

typedef enum
{
  DESK_STEP_ROW,
  DESK_STEP_DONE,
  DESK_STEP_ERROR,
} DeskStep;

/**
 * desk_db_open:
 * @path: file, or ":memory:"
 * @opts: (nullable): %NULL means to read and write, and to create a missing file
 * @error: #DeskDbError
 *
 * Opens a database in WAL mode with foreign keys enforced and `trusted_schema` off
 * (unless asked otherwise).
 *
 * Returns: (transfer full): the connection, or %NULL
 */
DeskDb *desk_db_open (const char *path, const DeskDbOptions *opts, GError **error);

/**
 * desk_db_close:
 * @self: (nullable): a connection; all its statements become invalid
 *
 * An open transaction is rolled back.
 */
void desk_db_close (DeskDb *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskDb, desk_db_close)

/* Path as given to desk_db_open(). */
const char *desk_db_get_path (DeskDb *self);

/* The sqlite3 * underneath, for backups and tests. */
void *desk_db_get_handle (DeskDb *self);

/* Makes the running statement fail (FAILED) as soon as possible. Any thread. */
void desk_db_interrupt (DeskDb *self);

/**
 * desk_db_prepare:
 * @sql: one statement; best a literal, which is found by its address; other texts are found by
 *   content and stay cached, so values must be bound, never pasted in
 * @error: #DeskDbError
 *
 * Returns: (transfer none): the statement, reset and without bindings; %NULL on error. The same
 *   text gives the same statement: a row loop must not run inside a row loop of the same SQL,
 *   and preparing a statement whose loop was left without reset logs a critical.
 */
DeskStmt *desk_db_prepare (DeskDb *self, const char *sql, GError **error);

/* Binding: parameters count from 1; data is copied; an index that the SQL does not have is a
 * programmer error (critical). */
void desk_stmt_bind_int64 (DeskStmt *self, int index, gint64 value);
void desk_stmt_bind_double (DeskStmt *self, int index, double value);
/* @text: (nullable): UTF-8; NULL binds SQL NULL */
void desk_stmt_bind_text (DeskStmt *self, int index, const char *text);
/* @len: bytes, or -1 up to the NUL */
void desk_stmt_bind_text_len (DeskStmt *self, int index, const char *text, gssize len);
/* @data: (nullable): NULL with @len 0 binds an empty blob */
void desk_stmt_bind_blob (DeskStmt *self, int index, const void *data, gsize len);
void desk_stmt_bind_null (DeskStmt *self, int index);

/**
 * desk_stmt_step:
 * @error: #DeskDbError
 *
 * Runs to the next row. After DONE or ERROR the statement is already reset (bindings stay).
 */
DeskStep desk_stmt_step (DeskStmt *self, GError **error);

/* Columns count from 0 and are valid until the next step or reset. SQL NULL reads as 0 or NULL. */
gint64 desk_stmt_column_int64 (DeskStmt *self, int column);
double desk_stmt_column_double (DeskStmt *self, int column);
const char *desk_stmt_column_text (DeskStmt *self, int column);
/* @len: (out) (optional): bytes without the NUL */
const char *desk_stmt_column_text_len (DeskStmt *self, int column, gsize *len);
/* Returns: (nullable): NULL for SQL NULL and for an empty blob */
const void *desk_stmt_column_blob (DeskStmt *self, int column, gsize *len);
gboolean desk_stmt_column_is_null (DeskStmt *self, int column);

/**
 * desk_stmt_reset:
 * @self: (nullable): a statement
 *
 * Ends a row loop. The statement stays in the cache, its bindings stay.
 */
void desk_stmt_reset (DeskStmt *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskStmt, desk_stmt_reset)

/**
 * desk_stmt_run:
 * @error: #DeskDbError
 *
 * Steps to DONE, rows are skipped, and resets: for INSERT, UPDATE, DELETE.
 */
gboolean desk_stmt_run (DeskStmt *self, GError **error);

/**
 * desk_db_exec:
 * @sql: any number of statements; not cached, results are dropped
 * @error: #DeskDbError
 */
gboolean desk_db_exec (DeskDb *self, const char *sql, GError **error);

/**
 * desk_db_query_int64:
 * @sql: a cached statement without parameters that gives one number
 * @out: (out): first column of the first row; untouched if there is no row
 * @error: #DeskDbError
 */
gboolean desk_db_query_int64 (DeskDb *self, const char *sql, gint64 *out, GError **error);

/**
 * desk_db_begin:
 * @error: #DeskDbError; BUSY when the writer's lock could not be had in time
 *
 * BEGIN IMMEDIATE: takes the writer's lock at once, so that no later statement meets BUSY.
 */
gboolean desk_db_begin (DeskDb *self, GError **error);

/* BEGIN DEFERRED: several reads of one state of the file. End with commit or rollback. */
gboolean desk_db_begin_read (DeskDb *self, GError **error);

/**
 * desk_db_commit:
 * @error: #DeskDbError
 *
 * On failure the transaction has been rolled back: the caller has nothing to undo. That also
 * covers a transaction that SQLite itself gave up earlier (disk full, I/O error): the error is
 * then the one that ended it.
 */
gboolean desk_db_commit (DeskDb *self, GError **error);

/* Never fails in a way the caller could mend; does nothing without a transaction. */
void desk_db_rollback (DeskDb *self);

gboolean desk_db_in_transaction (DeskDb *self);

/* Savepoints nest inside a transaction. @name: [a-z0-9_]+; rollback_to also releases. */
gboolean desk_db_savepoint (DeskDb *self, const char *name, GError **error);
gboolean desk_db_release (DeskDb *self, const char *name, GError **error);
gboolean desk_db_rollback_to (DeskDb *self, const char *name, GError **error);

/* Rows changed by the last INSERT, UPDATE or DELETE. */
gint64 desk_db_changes (DeskDb *self);
gint64 desk_db_last_rowid (DeskDb *self);

/**
 * desk_db_quick_check:
 * @error: CORRUPT with the first finding
 *
 * PRAGMA quick_check and foreign_key_check; reads the whole file.
 */
gboolean desk_db_quick_check (DeskDb *self, GError **error);

/**
 * desk_db_checkpoint:
 * @error: #DeskDbError; BUSY when readers kept part of the log alive
 *
 * Copies the log into the file and truncates it.
 */
gboolean desk_db_checkpoint (DeskDb *self, GError **error);

/* Returns: PRAGMA user_version, or -1 with @error */
int desk_db_user_version (DeskDb *self, GError **error);

/**
 * DeskMigration:
 * @version: of the schema after it, ascending from 1
 * @sql: statements, without BEGIN and COMMIT
 */
typedef struct
{
  int version;
  const char *sql;
} DeskMigration;

/**
 * desk_db_migrate:
 * @list: (array length=n): every version there ever was, ascending
 * @n: their number
 * @out_from_version: (out) (optional): version that the file had; set as soon as it is known,
 *   also when the call fails
 * @error: #DeskDbError; SCHEMA_VERSION if the file is newer than the last of @list
 *
 * Brings the file to the last version: one transaction a version, with the version number
 * written in it, so that a failure leaves the file at the version before, untouched. Foreign
 * keys are off meanwhile (a table may be rebuilt) and checked before each commit.
 */
gboolean desk_db_migrate (DeskDb *self, const DeskMigration *list, gsize n, int *out_from_version,
                          GError **error);

G_END_DECLS
