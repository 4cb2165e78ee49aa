/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* The SQLite wrapper: typed errors, a lost transaction is lost whole, statements are cached. */

#include "common/desk-db.h"
#include "db-support.h"

#include <string.h>
#include <sys/stat.h>

static void
test_cannot_open (Fixture *f, gconstpointer data)
{
  const DeskDbOptions existing = { 0 };
  const DeskDbOptions reading = { .read_only = TRUE, .create = TRUE };
  const DeskDbOptions creating = { .create = TRUE };
  const DeskDbOptions unknown = { .vfs = "no-such-vfs" };
  g_autofree char *nowhere = g_build_filename (f->dir, "no", "dir", "x.db", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (desk_db_open (f->path, &existing, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CANT_OPEN);
  g_clear_error (&error);
  g_assert_null (desk_db_open (f->path, &reading, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CANT_OPEN);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_clear_error (&error);
  g_assert_null (desk_db_open (nowhere, &creating, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CANT_OPEN);
  g_clear_error (&error);
  g_assert_null (desk_db_open (":memory:", &unknown, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FAILED);
}

static void
test_not_a_database (Fixture *f, gconstpointer data)
{
  g_autofree char *noise = g_strnfill (8192, 'z');
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (f->path, noise, 8192, NULL));
  g_assert_null (desk_db_open (f->path, NULL, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CORRUPT);
}

/* Overwrites pages in the middle of a good file: the check says so, and the reader gets CORRUPT. */
static void
test_damaged (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gint64 sum;
  gsize len;

  must_exec (db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000)"
                 "INSERT INTO t SELECT i, printf('%0100d', i) FROM n");
  g_assert_true (desk_db_quick_check (db, NULL));
  g_assert_true (desk_db_checkpoint (db, NULL));
  g_clear_pointer (&db, desk_db_close);
  g_assert_true (g_file_get_contents (f->path, &bytes, &len, NULL));
  g_assert_cmpuint (len, >, 100000);
  memset (bytes + 8 * 4096, 0xa5, 8 * 4096);
  g_assert_true (g_file_set_contents (f->path, bytes, (gssize) len, NULL));

  db = open_db (f->path);
  g_assert_false (desk_db_quick_check (db, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_false (desk_db_query_int64 (db, "SELECT sum(length(b)) FROM t", &sum, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CORRUPT);
}

static void
test_open_state (Fixture *f, gconstpointer data)
{
  const DeskDbOptions opts = { .create = TRUE, .synchronous = DESK_DB_SYNC_NORMAL,
                               .cache_kib = 3000, .mmap_bytes = 1 << 20 };
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (DeskDb) tuned = desk_db_open (f->path, &opts, NULL);
  g_autoptr (DeskStmt) mode = desk_db_prepare (db, "PRAGMA journal_mode", NULL);
  struct stat info;

  g_assert_cmpint (desk_stmt_step (mode, NULL), ==, DESK_STEP_ROW);
  g_assert_cmpstr (desk_stmt_column_text (mode, 0), ==, "wal");
  g_assert_cmpint (query (db, "PRAGMA foreign_keys"), ==, 1);
  g_assert_cmpint (query (db, "PRAGMA trusted_schema"), ==, 0);
  g_assert_cmpint (query (db, "PRAGMA synchronous"), ==, 2);
  g_assert_cmpint (query (tuned, "PRAGMA synchronous"), ==, 1);
  g_assert_cmpint (query (tuned, "PRAGMA cache_size"), ==, -3000);
  g_assert_cmpint (query (tuned, "PRAGMA mmap_size"), ==, 1 << 20);
  must_exec (db, "CREATE TABLE t (a)");
  g_assert_cmpint (stat (f->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_autofree char *wal = g_strconcat (f->path, "-wal", NULL);
  g_assert_cmpint (stat (wal, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_assert_cmpstr (desk_db_get_path (db), ==, f->path);
}

/* Triggers that keep an FTS5 index need a trusted schema; statements do not. */
static void
test_fts_trigger (Fixture *f, gconstpointer data)
{
  const DeskDbOptions opts = { .create = TRUE, .trust_schema = TRUE };
  g_autoptr (DeskDb) db = desk_db_open (f->path, &opts, NULL);
  g_autoptr (DeskDb) careful = open_db (f->path);

  must_exec (db, "CREATE TABLE m (id INTEGER PRIMARY KEY, text TEXT);"
                 "CREATE VIRTUAL TABLE s USING fts5(text, content='m', content_rowid='id');"
                 "CREATE TRIGGER tr AFTER INSERT ON m BEGIN"
                 " INSERT INTO s(rowid, text) VALUES (new.id, new.text); END;"
                 "INSERT INTO m VALUES (1, 'hello world')");
  g_assert_cmpint (query (db, "SELECT count(*) FROM s WHERE s MATCH 'world'"), ==, 1);
  must_exec (careful, "INSERT INTO s(rowid, text) VALUES (2, 'wide world')");
  g_assert_cmpint (query (careful, "SELECT count(*) FROM s WHERE s MATCH 'world'"), ==, 2);
}

static void
test_error_types (Fixture *f, gconstpointer data)
{
  const DeskDbOptions reading = { .read_only = TRUE };
  const DeskDbOptions hasty = { .busy_timeout_ms = -1 };
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (DeskDb) reader = NULL;
  g_autoptr (DeskDb) other = NULL;

  must_exec (db, "CREATE TABLE p (id INTEGER PRIMARY KEY);"
                 "CREATE TABLE c (p INTEGER NOT NULL REFERENCES p(id))");
  assert_exec_fails (db, "SELECT nonsense FROM p", DESK_DB_ERROR_FAILED);
  assert_exec_fails (db, "INSERT INTO c VALUES (NULL)", DESK_DB_ERROR_CONSTRAINT);
  assert_exec_fails (db, "INSERT INTO c VALUES (7)", DESK_DB_ERROR_CONSTRAINT);
  reader = desk_db_open (f->path, &reading, NULL);
  assert_exec_fails (reader, "INSERT INTO p VALUES (1)", DESK_DB_ERROR_READ_ONLY);
  other = desk_db_open (f->path, &hasty, NULL);
  g_assert_true (desk_db_begin (db, NULL));
  assert_exec_fails (other, "INSERT INTO p VALUES (1)", DESK_DB_ERROR_BUSY);
  g_assert_cmpint (query (reader, "SELECT count(*) FROM p"), ==, 0);
  desk_db_rollback (db);
  must_exec (other, "INSERT INTO p VALUES (1)");
  /* A row that points at nothing is damage, too. */
  must_exec (db, "PRAGMA foreign_keys=OFF; INSERT INTO c VALUES (99); PRAGMA foreign_keys=ON");
  {
    g_autoptr (GError) error = NULL;

    g_assert_false (desk_db_quick_check (db, &error));
    g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CORRUPT);
  }
}

/* A statement that fails inside its transaction leaves the earlier ones, and the commit is the
 * caller's to decide. */
static void
test_transaction (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (GError) error = NULL;

  must_exec (db, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
  g_assert_false (desk_db_commit (db, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FAILED);
  desk_db_rollback (db);

  g_assert_true (desk_db_begin (db, NULL));
  g_assert_false (desk_db_begin (db, NULL));
  g_assert_true (desk_db_in_transaction (db));
  must_exec (db, "INSERT INTO t VALUES (1)");
  assert_exec_fails (db, "INSERT INTO t VALUES (1)", DESK_DB_ERROR_CONSTRAINT);
  g_assert_true (desk_db_savepoint (db, "inner", NULL));
  must_exec (db, "INSERT INTO t VALUES (2)");
  g_assert_true (desk_db_rollback_to (db, "inner", NULL));
  g_assert_false (desk_db_release (db, "inner", NULL));
  g_assert_true (desk_db_savepoint (db, "inner", NULL));
  must_exec (db, "INSERT INTO t VALUES (3)");
  g_assert_true (desk_db_release (db, "inner", NULL));
  g_assert_true (desk_db_commit (db, NULL));
  g_assert_false (desk_db_in_transaction (db));
  g_assert_cmpint (query (db, "SELECT group_concat(a, '') FROM t"), ==, 13);

  g_assert_true (desk_db_begin (db, NULL));
  must_exec (db, "DELETE FROM t");
  g_assert_cmpint (desk_db_changes (db), ==, 2);
  desk_db_rollback (db);
  g_assert_cmpint (query (db, "SELECT count(*) FROM t"), ==, 2);
}

/* A deferred constraint fails at COMMIT: rolled back, typed, and the connection goes on. */
static void
test_commit_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (GError) error = NULL;

  must_exec (db, "CREATE TABLE p (id INTEGER PRIMARY KEY);"
                 "CREATE TABLE c (p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)");
  g_assert_true (desk_db_begin (db, NULL));
  must_exec (db, "INSERT INTO c VALUES (7)");
  g_assert_false (desk_db_commit (db, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_CONSTRAINT);
  g_assert_false (desk_db_in_transaction (db));
  g_assert_cmpint (query (db, "SELECT count(*) FROM c"), ==, 0);
  g_assert_true (desk_db_begin (db, NULL));
  must_exec (db, "INSERT INTO p VALUES (1)");
  g_assert_true (desk_db_commit (db, NULL));
  g_assert_cmpint (query (db, "SELECT count(*) FROM p"), ==, 1);
}

/* The disk fills up inside a transaction: nothing of it stays, not even what a careless caller
 * writes after the error. */
static void
test_full (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (GError) error = NULL;
  DeskStmt *insert;
  gboolean failed = FALSE;

  must_exec (db, "CREATE TABLE t (a); INSERT INTO t VALUES ('before'); PRAGMA max_page_count=20");
  g_assert_true (desk_db_begin (db, NULL));
  for (int i = 0; i < 1000 && !failed; i++)
    {
      insert = desk_db_prepare (db, "INSERT INTO t VALUES (randomblob(2000))", NULL);
      failed = !desk_stmt_run (insert, &error);
    }
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FULL);
  g_clear_error (&error);
  g_assert_false (desk_db_in_transaction (db)); /* SQLite gave it up */

  insert = desk_db_prepare (db, "INSERT INTO t VALUES ('careless')", NULL);
  g_assert_false (desk_stmt_run (insert, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FULL);
  g_clear_error (&error);
  assert_exec_fails (db, "INSERT INTO t VALUES ('careless')", DESK_DB_ERROR_FULL);
  g_assert_false (desk_db_commit (db, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FULL);
  g_assert_cmpint (query (db, "SELECT count(*) FROM t"), ==, 1);

  must_exec (db, "PRAGMA max_page_count=2000");
  g_assert_true (desk_db_begin (db, NULL));
  must_exec (db, "INSERT INTO t VALUES ('after')");
  g_assert_true (desk_db_commit (db, NULL));
  g_assert_cmpint (query (db, "SELECT count(*) FROM t"), ==, 2);
  g_assert_true (desk_db_quick_check (db, NULL));
}

static void
test_values (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (DeskStmt) echo = desk_db_prepare (db, "SELECT ?1,?2,?3,?4,?5,?6,?7", NULL);
  gsize len = 0;

  desk_stmt_bind_int64 (echo, 1, G_MININT64);
  desk_stmt_bind_text (echo, 2, "caf\xc3\xa9'; DROP TABLE t; --");
  desk_stmt_bind_text_len (echo, 3, "abcdef", 3);
  desk_stmt_bind_blob (echo, 4, "a\0b", 3);
  desk_stmt_bind_text (echo, 5, NULL);
  desk_stmt_bind_blob (echo, 6, NULL, 0);
  desk_stmt_bind_double (echo, 7, -2.5);
  g_assert_cmpint (desk_stmt_step (echo, NULL), ==, DESK_STEP_ROW);
  g_assert_cmpint (desk_stmt_column_int64 (echo, 0), ==, G_MININT64);
  g_assert_cmpstr (desk_stmt_column_text (echo, 1), ==, "caf\xc3\xa9'; DROP TABLE t; --");
  g_assert_cmpstr (desk_stmt_column_text_len (echo, 2, &len), ==, "abc");
  g_assert_cmpuint (len, ==, 3);
  g_assert_cmpmem (desk_stmt_column_blob (echo, 3, &len), len, "a\0b", 3);
  g_assert_true (desk_stmt_column_is_null (echo, 4));
  g_assert_null (desk_stmt_column_text (echo, 4));
  g_assert_false (desk_stmt_column_is_null (echo, 5));
  g_assert_cmpfloat (desk_stmt_column_double (echo, 6), ==, -2.5);
  g_assert_cmpint (desk_stmt_step (echo, NULL), ==, DESK_STEP_DONE);

  must_exec (db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b)");
  must_exec (db, "INSERT INTO t VALUES (41, 1)");
  g_assert_cmpint (desk_db_last_rowid (db), ==, 41);
}

static void
test_cache (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  char reused[] = "SELECT 1";
  DeskStmt *a = desk_db_prepare (db, "SELECT ?1 IS NULL", NULL);
  g_autofree char *copy = g_strdup ("SELECT ?1 IS NULL");
  g_autoptr (GError) error = NULL;

  /* found by address and by text; bindings of the last use are gone */
  desk_stmt_bind_int64 (a, 1, 5);
  g_assert_cmpint (desk_stmt_step (a, NULL), ==, DESK_STEP_ROW);
  g_assert_cmpint (desk_stmt_column_int64 (a, 0), ==, 0);
  desk_stmt_reset (a);
  g_assert_true (desk_db_prepare (db, copy, NULL) == a);
  g_assert_cmpint (desk_stmt_step (a, NULL), ==, DESK_STEP_ROW);
  g_assert_cmpint (desk_stmt_column_int64 (a, 0), ==, 1);
  desk_stmt_reset (a);

  /* the same address with another text is another statement */
  g_assert_cmpint (query (db, reused), ==, 1);
  reused[7] = '2';
  g_assert_cmpint (query (db, reused), ==, 2);

  g_assert_null (desk_db_prepare (db, "SELECT 1; SELECT 2", &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_null (desk_db_prepare (db, "  ", &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_null (desk_db_prepare (db, "SELEKT", &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_FAILED);
  g_assert_nonnull (desk_db_prepare (db, "SELECT 3 ;\n", NULL));
}

/* More texts than addresses are remembered: all still give their own result. */
static void
test_cache_many (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);

  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 2500; i++)
      {
        g_autofree char *sql = g_strdup_printf ("SELECT %d", i);

        g_assert_cmpint (query (db, sql), ==, i);
      }
}

/* g_autoptr on a statement ends its row loop, so the log can be truncated afterwards. */
static void
test_autoptr_resets (Fixture *f, gconstpointer data)
{
  const DeskDbOptions hasty = { .busy_timeout_ms = -1 };
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (DeskDb) reader = desk_db_open (f->path, &hasty, NULL);

  must_exec (db, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)");
  {
    g_autoptr (DeskStmt) rows = desk_db_prepare (reader, "SELECT a FROM t", NULL);
    g_autoptr (GError) error = NULL;
    const DeskDbOptions opts = { .busy_timeout_ms = -1 };
    g_autoptr (DeskDb) impatient = desk_db_open (f->path, &opts, NULL);

    g_assert_cmpint (desk_stmt_step (rows, NULL), ==, DESK_STEP_ROW);
    must_exec (db, "INSERT INTO t VALUES (4)");
    g_assert_false (desk_db_checkpoint (impatient, &error));
    g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_BUSY);
  }
  g_assert_true (desk_db_checkpoint (db, NULL));
}

static void
test_left_on_row (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (DeskDb) db = open_db (":memory:");
      static const char sql[] = "SELECT 1 UNION SELECT 2";

      desk_stmt_step (desk_db_prepare (db, sql, NULL), NULL);
      desk_db_prepare (db, sql, NULL);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*left on a row*");
}

static gpointer
use_elsewhere (gpointer db)
{
  return GINT_TO_POINTER (desk_db_exec (db, "SELECT 1", NULL));
}

/* Handing an idle connection over is fine; taking one within a transaction is not. */
static void
test_threads (void)
{
  g_autoptr (DeskDb) idle = open_db (":memory:");

  if (g_test_subprocess ())
    {
      desk_db_begin (idle, NULL);
      g_thread_join (g_thread_new ("thief", use_elsewhere, idle));
      return;
    }
  g_assert_true (g_thread_join (g_thread_new ("heir", use_elsewhere, idle)));
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*changed its thread*");
}

static GLogWriterOutput
collect_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  for (gsize i = 0; i < n; i++)
    g_string_append_printf (data, "%s=%s;", fields[i].key, (const char *) fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

static void
test_slow_query (void)
{
  if (g_test_subprocess ())
    {
      const DeskDbOptions opts = { .slow_query_us = 1 };
      g_autoptr (DeskDb) db = desk_db_open (":memory:", &opts, NULL);
      g_autoptr (GString) log = g_string_new (NULL);
      DeskStmt *stmt = desk_db_prepare (
          db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<90000)"
              " SELECT count(*), ?1 FROM n", NULL);

      g_log_set_writer_func (collect_log, log, NULL);
      desk_stmt_bind_text (stmt, 1, "private text");
      g_assert_true (desk_stmt_run (stmt, NULL));
      g_assert_nonnull (strstr (log->str, "MESSAGE=Slow query;"));
      g_assert_nonnull (strstr (log->str, "sql=WITH RECURSIVE"));
      g_assert_null (strstr (log->str, "private"));
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/db/cannot-open", test_cannot_open);
  ADD ("/db/not-a-database", test_not_a_database);
  ADD ("/db/damaged", test_damaged);
  ADD ("/db/open-state", test_open_state);
  ADD ("/db/fts-trigger", test_fts_trigger);
  ADD ("/db/error-types", test_error_types);
  ADD ("/db/transaction", test_transaction);
  ADD ("/db/commit-fails", test_commit_fails);
  ADD ("/db/full", test_full);
  ADD ("/db/values", test_values);
  ADD ("/db/cache", test_cache);
  ADD ("/db/cache-many", test_cache_many);
  ADD ("/db/autoptr-resets", test_autoptr_resets);
  g_test_add_func ("/db/left-on-row", test_left_on_row);
  g_test_add_func ("/db/threads", test_threads);
  g_test_add_func ("/db/slow-query", test_slow_query);
  return g_test_run ();
}
