/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the database tests share: a private folder for each test, and short forms. */

#include "common/desk-db.h"

#include <glib/gstdio.h>

typedef struct
{
  char *dir;
  char *path;
} Fixture;

G_GNUC_UNUSED static void
fixture_set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("desk-db-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "test.db", NULL);
}

G_GNUC_UNUSED static void
fixture_tear_down (Fixture *f, gconstpointer data)
{
  static const char *const suffixes[] = { "", "-wal", "-shm" };

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *file = g_strconcat (f->path, suffixes[i], NULL);

      g_unlink (file);
    }
  g_assert_cmpint (g_rmdir (f->dir), ==, 0);
  g_free (f->path);
  g_free (f->dir);
}

G_GNUC_UNUSED static DeskDb *
open_db (const char *path)
{
  g_autoptr (GError) error = NULL;
  DeskDb *db = desk_db_open (path, NULL, &error);

  g_assert_no_error (error);
  return db;
}

G_GNUC_UNUSED static void
must_exec (DeskDb *db, const char *sql)
{
  g_autoptr (GError) error = NULL;

  desk_db_exec (db, sql, &error);
  g_assert_no_error (error);
}

G_GNUC_UNUSED static void
assert_exec_fails (DeskDb *db, const char *sql, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (desk_db_exec (db, sql, &error));
  g_assert_error (error, DESK_DB_ERROR, code);
}

G_GNUC_UNUSED static gint64
query (DeskDb *db, const char *sql)
{
  g_autoptr (GError) error = NULL;
  gint64 result = -1;

  desk_db_query_int64 (db, sql, &result, &error);
  g_assert_no_error (error);
  return result;
}
