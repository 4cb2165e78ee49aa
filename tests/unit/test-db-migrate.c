/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "test"

#include "config.h"

/* The migrator: newer files are refused, and a failed step leaves what was there. */

#include "common/desk-db.h"
#include "db-support.h"

#include <string.h>

static const DeskMigration good[] = {
  { 1, "CREATE TABLE p (id INTEGER PRIMARY KEY);"
       "CREATE TABLE c (p INTEGER NOT NULL REFERENCES p(id) ON DELETE CASCADE)" },
  { 2, "ALTER TABLE p ADD COLUMN name TEXT; UPDATE p SET name = 'v2'" },
  /* rebuilds a table that others point at: with foreign keys on, this would empty c */
  { 5, "CREATE TABLE q (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
       "INSERT INTO q SELECT id, name FROM p; DROP TABLE p; ALTER TABLE q RENAME TO p" },
};

/* Everything that the file holds, as text. */
static char *
dump (DeskDb *db)
{
  GString *out = g_string_new (NULL);
  DeskStmt *stmt = desk_db_prepare (db, "SELECT name, sql FROM sqlite_schema ORDER BY name", NULL);

  while (desk_stmt_step (stmt, NULL) == DESK_STEP_ROW)
    g_string_append_printf (out, "%s:%s;", desk_stmt_column_text (stmt, 0),
                            desk_stmt_column_text (stmt, 1));
  g_string_append_printf (out, "version %d", desk_db_user_version (db, NULL));
  return g_string_free (out, FALSE);
}

static void
test_newer (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  int from = -1;

  must_exec (db, "CREATE TABLE future (a); PRAGMA user_version=6");
  before = dump (db);
  g_assert_false (desk_db_migrate (db, good, G_N_ELEMENTS (good), &from, &error));
  g_assert_error (error, DESK_DB_ERROR, DESK_DB_ERROR_SCHEMA_VERSION);
  g_assert_cmpint (from, ==, 6);
  after = dump (db);
  g_assert_cmpstr (before, ==, after);
}

static void
assert_step_fails (DeskDb *db, const char *sql, int code)
{
  const DeskMigration list[] = { good[0], { 2, sql } };
  g_autofree char *before = dump (db);
  g_autofree char *after = NULL;
  g_autoptr (GError) error = NULL;
  gint64 rows = query (db, "SELECT count(*) FROM c");
  int from = -1;

  g_assert_false (desk_db_migrate (db, list, G_N_ELEMENTS (list), &from, &error));
  g_assert_error (error, DESK_DB_ERROR, code);
  g_assert_cmpint (from, ==, 1);
  after = dump (db);
  g_assert_cmpstr (before, ==, after);
  g_assert_false (desk_db_in_transaction (db));
  g_assert_cmpint (query (db, "PRAGMA foreign_keys"), ==, 1);
  g_assert_cmpint (query (db, "SELECT count(*) FROM c"), ==, rows);
}

static void
test_failed_step (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);

  g_assert_true (desk_db_migrate (db, good, 1, NULL, NULL));
  must_exec (db, "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)");
  assert_step_fails (db, "CREATE TABLE x (a); SELEKT", DESK_DB_ERROR_FAILED);
  assert_step_fails (db, "DELETE FROM c; INSERT INTO p VALUES (1)", DESK_DB_ERROR_CONSTRAINT);
  assert_step_fails (db, "INSERT INTO c VALUES (99)", DESK_DB_ERROR_CONSTRAINT);
  assert_step_fails (db, "CREATE TABLE x (a); ROLLBACK", DESK_DB_ERROR_FAILED);
  must_exec (db, "PRAGMA max_page_count=6");
  assert_step_fails (db, "CREATE TABLE x (a); INSERT INTO x VALUES (randomblob(100000))",
                     DESK_DB_ERROR_FULL);
  must_exec (db, "PRAGMA max_page_count=1000");
  g_assert_true (desk_db_migrate (db, good, G_N_ELEMENTS (good), NULL, NULL));
}

/* The versions before the failing one stay. */
static void
test_failed_later_step (Fixture *f, gconstpointer data)
{
  const DeskMigration list[] = { good[0], good[1], { 3, "NONSENSE" } };
  g_autoptr (DeskDb) db = open_db (f->path);
  int from = -1;

  g_assert_false (desk_db_migrate (db, list, G_N_ELEMENTS (list), &from, NULL));
  g_assert_cmpint (from, ==, 0);
  g_assert_cmpint (desk_db_user_version (db, NULL), ==, 2);
}

static void
test_all_steps (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskDb) db = open_db (f->path);
  g_autoptr (GError) error = NULL;
  int from = -1;

  g_assert_true (desk_db_migrate (db, good, 1, &from, &error));
  g_assert_cmpint (from, ==, 0);
  must_exec (db, "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)");
  desk_db_migrate (db, good, G_N_ELEMENTS (good), &from, &error);
  g_assert_no_error (error);
  g_assert_cmpint (from, ==, 1);
  g_assert_cmpint (desk_db_user_version (db, NULL), ==, 5);
  g_assert_cmpint (query (db, "SELECT count(*) FROM c"), ==, 1);
  g_assert_cmpint (query (db, "SELECT count(*) FROM p WHERE name = 'v2'"), ==, 1);
  g_assert_cmpint (query (db, "PRAGMA foreign_keys"), ==, 1);
  g_assert_true (desk_db_migrate (db, good, G_N_ELEMENTS (good), &from, NULL));
  g_assert_cmpint (from, ==, 5);
  g_assert_true (desk_db_quick_check (db, NULL));
}

static gpointer
migrate_in_thread (gpointer path)
{
  g_autoptr (DeskDb) db = open_db (path);
  g_autoptr (GError) error = NULL;

  desk_db_migrate (db, good, G_N_ELEMENTS (good), NULL, &error);
  g_assert_no_error (error);
  return NULL;
}

/* Several programs start on the same new file. */
static void
test_race (Fixture *f, gconstpointer data)
{
  GThread *threads[4];
  g_autoptr (DeskDb) db = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("migrate", migrate_in_thread, f->path);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  db = open_db (f->path);
  g_assert_cmpint (desk_db_user_version (db, NULL), ==, 5);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/db/migrate/newer", test_newer);
  ADD ("/db/migrate/failed-step", test_failed_step);
  ADD ("/db/migrate/failed-later-step", test_failed_later_step);
  ADD ("/db/migrate/all-steps", test_all_steps);
  ADD ("/db/migrate/race", test_race);
  return g_test_run ();
}
