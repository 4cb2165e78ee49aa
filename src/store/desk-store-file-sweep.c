/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "store/desk-store-files.h"
#include "store/desk-store-private.h"

/* Removing files. All of it runs on the writer's thread and looks at the tables at that moment, so that nothing
 * which is named is ever removed. What cannot be removed stays noted, or is found by the next sweep. */

#define STAGED_LIFE_MS (G_GINT64_CONSTANT (24) * 3600 * 1000)
#define MIN_AGE_MS (60 * 1000) /* a download between its move and its row */

/* One level of folders is all there is. */
static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);

      g_unlink (inner);
    }
  if (g_remove (path) != 0 && errno != ENOENT)
    g_info ("a file that is not needed any more stays: %s", g_strerror (errno));
}

static gboolean
query_flag (DeskDb *db, const char *sql, const char *name, gboolean otherwise)
{
  g_autoptr (DeskStmt) s = desk_db_prepare (db, sql, NULL);

  if (s == NULL)
    return otherwise;
  desk_stmt_bind_text (s, 1, name);
  return desk_stmt_step (s, NULL) == DESK_STEP_ROW ? desk_stmt_column_int64 (s, 0) != 0 : otherwise;
}

static gboolean
is_staged_named (DeskDb *db, const char *name)
{
  return query_flag (db,
                     "SELECT EXISTS(SELECT 1 FROM outbox_file WHERE name=?1)"
                     " OR EXISTS(SELECT 1 FROM draft_file WHERE name=?1)",
                     name, TRUE);
}

static gboolean
is_download_named (DeskDb *db, const char *sha256)
{
  return query_flag (db, "SELECT EXISTS(SELECT 1 FROM file WHERE sha256=?1)", sha256, TRUE);
}

/* ── The sweep ──────────────────────────────────────────────────────────────────────────────── */

static gboolean
is_older (const char *path, gint64 now_ms, gint64 age_ms)
{
  struct stat st;

  return lstat (path, &st) == 0 && now_ms - (gint64) st.st_ctime * 1000 > age_ms;
}

static void
sweep_outbox (DeskDb *db, const char *dir, gint64 now_ms)
{
  g_autofree char *base = g_build_filename (dir, DESK_STORE_OUTBOX_DIR, NULL);
  g_autoptr (GDir) list = g_dir_open (base, 0, NULL);
  const char *name;

  while (list != NULL && (name = g_dir_read_name (list)) != NULL)
    {
      g_autofree char *path = g_build_filename (base, name, NULL);

      if (is_older (path, now_ms, STAGED_LIFE_MS) && !is_staged_named (db, name))
        remove_tree (path);
    }
}

/* Whoever still writes one holds its lock. */
static void
sweep_partial (const char *dir)
{
  g_autofree char *base = g_build_filename (dir, DESK_STORE_PARTIAL_DIR, NULL);
  g_autoptr (GDir) list = g_dir_open (base, 0, NULL);
  const char *name;

  while (list != NULL && (name = g_dir_read_name (list)) != NULL)
    {
      g_autofree char *path = g_build_filename (base, name, NULL);
      int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);

      if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
        g_unlink (path);
      if (fd >= 0)
        close (fd);
    }
}

static void
sweep_folder (DeskDb *db, const char *base, gint64 now_ms)
{
  g_autoptr (GDir) list = g_dir_open (base, 0, NULL);
  const char *name;

  while (list != NULL && (name = g_dir_read_name (list)) != NULL)
    {
      g_autofree char *path = g_build_filename (base, name, NULL);

      if (is_older (path, now_ms, MIN_AGE_MS) && !is_download_named (db, name))
        g_unlink (path);
    }
}

static void
sweep_downloads (DeskDb *db, const char *dir, gint64 now_ms)
{
  g_autofree char *base = g_build_filename (dir, DESK_STORE_FILES_DIR, NULL);
  g_autoptr (GDir) list = g_dir_open (base, 0, NULL);
  const char *name;

  while (list != NULL && (name = g_dir_read_name (list)) != NULL)
    if (strlen (name) == 2)
      {
        g_autofree char *path = g_build_filename (base, name, NULL);

        sweep_folder (db, path, now_ms);
      }
}

/* Rows whose file is not there count in the quota for nothing. */
static void
sweep_rows (DeskDb *db, const char *dir)
{
  g_autoptr (GPtrArray) lost = g_ptr_array_new_with_free_func (g_free);
  DeskStmt *s = desk_db_prepare (db, "SELECT sha256 FROM file", NULL);

  while (s != NULL && desk_stmt_step (s, NULL) == DESK_STEP_ROW)
    {
      const char *sha256 = desk_stmt_column_text (s, 0);
      char first[3] = { sha256[0], sha256[1], '\0' };
      g_autofree char *path = g_build_filename (dir, DESK_STORE_FILES_DIR, first, sha256, NULL);

      if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
        g_ptr_array_add (lost, g_strdup (sha256));
    }
  for (guint i = 0; i < lost->len; i++)
    {
      s = desk_db_prepare (db, "DELETE FROM file WHERE sha256=?1", NULL);
      if (s == NULL)
        return;
      desk_stmt_bind_text (s, 1, g_ptr_array_index (lost, i));
      desk_stmt_run (s, NULL);
    }
}

static void
sweep (DeskDb *db, const char *dir)
{
  gint64 now_ms = desk_clock_now_ms (desk_clock_system ()); /* as the file system's */

  sweep_partial (dir);
  sweep_rows (db, dir);
  sweep_downloads (db, dir, now_ms);
  sweep_outbox (db, dir, now_ms);
}

/* ── After a commit ─────────────────────────────────────────────────────────────────────────── */

static GPtrArray *
list_gone (DeskDb *db)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  DeskStmt *s = desk_db_prepare (db, "SELECT path FROM gone", NULL);

  while (s != NULL && desk_stmt_step (s, NULL) == DESK_STEP_ROW)
    g_ptr_array_add (paths, g_strdup (desk_stmt_column_text (s, 0)));
  return paths;
}

void
desk_files_purge (DeskDb *db, const char *dir)
{
  g_autoptr (GPtrArray) paths = NULL;
  gint64 any = 0;

  if (!desk_db_query_int64 (db, "SELECT EXISTS(SELECT 1 FROM gone)", &any, NULL) || any == 0)
    return;
  paths = list_gone (db);
  for (guint i = 0; i < paths->len; i++)
    {
      const char *path = g_ptr_array_index (paths, i);
      g_autofree char *name = g_path_get_basename (path);
      g_autofree char *full = g_build_filename (dir, path, NULL);
      gboolean staged = g_str_has_prefix (path, DESK_STORE_OUTBOX_DIR "/");

      if (g_str_equal (path, DESK_GONE_ALL))
        sweep (db, dir);
      else if (!(staged ? is_staged_named (db, name) : is_download_named (db, name)))
        remove_tree (full);
    }
  if (!desk_db_exec (db, "DELETE FROM gone", NULL))
    g_info ("removed files stay noted");
}

static void
erase_folders (const char *base)
{
  g_autoptr (GDir) list = g_dir_open (base, 0, NULL);
  const char *name;

  while (list != NULL && (name = g_dir_read_name (list)) != NULL)
    {
      g_autofree char *path = g_build_filename (base, name, NULL);

      remove_tree (path);
    }
  g_rmdir (base);
}

void
desk_files_erase (const char *dir)
{
  g_autofree char *outbox = g_build_filename (dir, DESK_STORE_OUTBOX_DIR, NULL);
  g_autofree char *files = g_build_filename (dir, DESK_STORE_FILES_DIR, NULL);

  erase_folders (outbox);
  erase_folders (files);
}
