/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "common/desk-db.h"
#include "common/desk-random.h"
#include "store-fixture.h"
#include "store/desk-cache-lock.h"

/* Crashes, full disks, damage, other versions, other processes. The program runs itself as the other
 * process: "--writer DIR" writes until it is killed, "--reply DIR" queues a reply and nudges. */

#define PER_BATCH 7

/* ── The other processes ────────────────────────────────────────────────────────────────────── */

static DeskBatch *
numbered_batch (gint64 n)
{
  DeskBatch *batch = desk_batch_new ();
  g_autoptr (GPtrArray) messages = make_messages ();
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, P, U);
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, n);

  for (gint64 seq = (n + 1) * PER_BATCH; seq > n * PER_BATCH; seq--)
    g_ptr_array_add (messages, make_message (U, seq, 1, "some text to be indexed"));
  desk_batch_page (batch, P, U, messages, FALSE, FALSE);
  g_free (entry->text);
  entry->text = g_strdup (text);
  desk_batch_outbox_add (batch, entry, FALSE);
  g_free (text);
  text = g_strdup_printf ("%" G_GINT64_FORMAT, n + 1);
  desk_batch_setting (batch, "batches", text);
  return batch;
}

static gint64
get_batches (DeskStore *store)
{
  g_autofree char *text = desk_store_get_setting (store, "batches", NULL);

  return text ? g_ascii_strtoll (text, NULL, 10) : 0;
}

static int
run_writer (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStore) store = desk_store_open (dir, NULL, &error);

  g_assert_no_error (error);
  for (gint64 n = get_batches (store);; n++)
    {
      apply_quiet (store, numbered_batch (n));
      if (write (STDOUT_FILENO, "x", 1) != 1)
        return 1;
    }
}

static int
run_reply (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStore) store = desk_store_open (dir, NULL, &error);
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, P, U);
  DeskBatch *batch = desk_batch_new ();

  g_assert_no_error (error);
  g_free (entry->text);
  entry->text = g_strdup ("from outside");
  desk_batch_outbox_add (batch, entry, FALSE);
  apply_quiet (store, batch);
  desk_store_close (store);
  return desk_cache_nudge (dir, "outbox") ? 0 : 1;
}

static GPid
start_self (const char *mode, const char *dir, int *out)
{
  g_autoptr (GError) error = NULL;
  char *argv[] = { (char *) "/proc/self/exe", (char *) mode, (char *) dir, NULL };
  GPid pid;

  g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL, out,
                            NULL, &error);
  g_assert_no_error (error);
  return pid;
}

/* ── Tests ──────────────────────────────────────────────────────────────────────────────────── */

static void
test_kill (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskRandom) random = desk_random_seeded_new (7);
  gint64 acknowledged = 0;

  desk_store_close (f->store);
  g_clear_object (&f->store);
  for (guint round = 0; round < 50; round++)
    {
      int out, status;
      GPid pid = start_self ("--writer", f->dir, &out);
      guint commits = 1 + desk_random_below (random, 12);
      g_autofree DeskStoreCounts *counts = NULL;
      gint64 batches;
      char byte;

      for (guint i = 0; i < commits; i++)
        g_assert_cmpint (read (out, &byte, 1), ==, 1);
      kill (pid, SIGKILL); /* in the middle of one of the next batches */
      waitpid (pid, &status, 0);
      g_assert_true (WIFSIGNALED (status));
      acknowledged += commits;
      while (read (out, &byte, 1) == 1)
        acknowledged++;
      close (out);
      fixture_reopen (f);
      batches = get_batches (f->store);
      counts = desk_store_get_counts (f->store, NULL);
      g_assert_cmpint (batches, >=, acknowledged);
      g_assert_cmpint (counts->messages, ==, batches * PER_BATCH);
      g_assert_cmpint (counts->pending, ==, batches);
      acknowledged = batches;
      desk_store_close (f->store);
      g_clear_object (&f->store);
    }
  check_cache (f->dir);
}

/* A VFS whose writes can be made to fail as on a full disk. */
static gint disk_full;
static sqlite3_io_methods full_methods[4]; /* one for each kind of file: database, log … */
static const sqlite3_io_methods *real_methods[4];

static int
full_write (sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
  guint kind = (guint) (file->pMethods - full_methods);

  if (g_atomic_int_get (&disk_full))
    return SQLITE_FULL;
  return real_methods[kind]->xWrite (file, data, n, offset);
}

static int
full_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
  sqlite3_vfs *real = vfs->pAppData;
  int rc = real->xOpen (real, name, file, flags, out);
  guint kind = 0;

  if (rc != SQLITE_OK || file->pMethods == NULL)
    return rc;
  while (real_methods[kind] != NULL && real_methods[kind] != file->pMethods)
    kind++;
  g_assert_cmpuint (kind, <, G_N_ELEMENTS (real_methods));
  real_methods[kind] = file->pMethods;
  full_methods[kind] = *file->pMethods;
  full_methods[kind].xWrite = full_write;
  file->pMethods = &full_methods[kind];
  return rc;
}

static void
test_full (Fixture *f, gconstpointer data)
{
  static sqlite3_vfs vfs;
  g_autoptr (GError) error = NULL;
  DeskStoreOptions options = { .clock = f->clock, .vfs = "desk-full" };
  g_autofree DeskStoreCounts *counts = NULL;

  vfs = *sqlite3_vfs_find (NULL);
  vfs.pAppData = sqlite3_vfs_find (NULL);
  vfs.zName = "desk-full";
  vfs.xOpen = full_open;
  vfs.pNext = NULL;
  sqlite3_vfs_register (&vfs, 0);
  desk_store_close (f->store);
  g_object_unref (f->store);
  f->store = desk_store_open (f->dir, &options, &error);
  g_assert_no_error (error);
  apply_quiet (f->store, numbered_batch (0));
  g_atomic_int_set (&disk_full, TRUE);
  g_assert_null (desk_store_apply (f->store, numbered_batch (1), &error));
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL);
  g_atomic_int_set (&disk_full, FALSE);
  counts = desk_store_get_counts (f->store, NULL);
  g_assert_cmpint (counts->messages, ==, PER_BATCH);
  g_assert_cmpint (counts->pending, ==, 1);
  apply_quiet (f->store, numbered_batch (1)); /* goes on by itself when there is room */
  desk_store_close (f->store);
  check_cache (f->dir);
  sqlite3_vfs_unregister (&vfs);
}

static void
damage (const char *dir, goffset from, gsize len)
{
  g_autofree char *path = g_build_filename (dir, "cache.db", NULL);
  g_autofree char *noise = g_malloc (len);
  FILE *file = g_fopen (path, "r+b");

  memset (noise, 0xa5, len);
  g_assert_nonnull (file);
  g_assert_cmpint (fseek (file, from, SEEK_SET), ==, 0);
  g_assert_cmpint (fwrite (noise, 1, len, file), ==, len);
  fclose (file);
}

static void
test_damaged (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DeskStoreOptions options = { .clock = f->clock };
  g_autofree char *path = g_build_filename (f->dir, "cache.db", NULL);
  g_autofree char *mark = g_build_filename (f->dir, "in-use", NULL);
  g_autofree char *url = NULL;
  g_autoptr (DeskDraft) draft = desk_draft_new (P, U);
  g_autoptr (DeskDraft) saved = NULL;
  g_autoptr (GPtrArray) outbox = NULL;
  DeskBatch *batch;
  guint drafts = 0, entries = 0;
  gint64 page = 0;

  for (gint64 n = 0; n < 100; n++)
    apply_quiet (f->store, numbered_batch (n));
  batch = desk_batch_new ();
  g_free (draft->text);
  draft->text = g_strdup ("typed");
  desk_batch_draft (batch, draft);
  desk_batch_setting (batch, "server_url", "https://example.org");
  apply_quiet (f->store, batch);
  desk_store_close (f->store);
  g_clear_object (&f->store);
  {
    g_autoptr (DeskDb) db = desk_db_open (path, NULL, NULL);

    g_assert_true (desk_db_query_int64 (
        db, "SELECT rootpage FROM sqlite_schema WHERE name='message_place'", &page, &error));
  }
  damage (f->dir, (page - 1) * 4096, 4096);
  g_file_set_contents (mark, "1", 1, NULL); /* as after a power cut */
  g_test_expect_message ("desk-store", G_LOG_LEVEL_WARNING, "The cache is damaged*");
  g_assert_null (desk_store_open (f->dir, &options, &error));
  g_test_assert_expected_messages ();
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_true (desk_store_rescue (f->dir, &options, &drafts, &entries, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (drafts, ==, 1);
  g_assert_cmpuint (entries, ==, 100);
  fixture_reopen (f);
  saved = desk_store_get_draft (f->store, P, U, NULL);
  g_assert_cmpstr (saved->text, ==, "typed");
  outbox = desk_store_list_outbox (f->store, NULL);
  g_assert_cmpuint (outbox->len, ==, 100);
  url = desk_store_get_setting (f->store, "server_url", NULL);
  g_assert_cmpstr (url, ==, "https://example.org");
  desk_store_close (f->store);
  check_cache (f->dir);
}

static void
test_no_database (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint drafts = 9, entries = 9;

  apply_quiet (f->store, numbered_batch (0));
  desk_store_close (f->store);
  g_clear_object (&f->store);
  damage (f->dir, 0, 4096);
  g_assert_null (desk_store_open (f->dir, NULL, &error));
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT);
  g_clear_error (&error);
  g_assert_true (desk_store_rescue (f->dir, NULL, &drafts, &entries, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (drafts + entries, ==, 0);
  fixture_reopen (f);
}

static void
test_newer (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (f->dir, "cache.db", NULL);

  desk_store_close (f->store);
  g_clear_object (&f->store);
  {
    g_autoptr (DeskDb) db = desk_db_open (path, NULL, NULL);

    g_assert_true (desk_db_exec (db, "PRAGMA user_version=99", NULL));
  }
  g_assert_null (desk_store_open (f->dir, NULL, &error));
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_SCHEMA_VERSION);
}

/* A cache written by schema 1 must open for ever, with everything in it. */
static void
test_golden (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *from = g_test_build_filename (G_TEST_DIST, "golden", "cache-001.db", NULL);
  g_autofree char *to = g_build_filename (f->dir, "cache.db", NULL);
  g_autoptr (GFile) source = g_file_new_for_path (from);
  g_autoptr (GFile) target = g_file_new_for_path (to);
  g_autoptr (DeskTimelinePage) page = NULL;
  g_autoptr (DeskDraft) draft = NULL;
  g_autofree char *text = NULL;

  desk_store_close (f->store);
  g_clear_object (&f->store);
  g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  fixture_reopen (f);
  page = newest (f->store, U, 50);
  text = describe (page);
  g_assert_cmpstr (text, ==, "1 2 3 [4-7] 8 +waiting");
  draft = desk_store_get_draft (f->store, P, U, NULL);
  g_assert_cmpstr (draft->text, ==, "typed");
  desk_store_close (f->store);
  check_cache (f->dir);
}

static void
on_nudge (const char *what, gpointer data)
{
  g_string_append (data, what);
}

static void
test_two_processes (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (DeskCacheLock) lock = NULL;
  g_autoptr (GPtrArray) outbox = NULL;
  int status;
  GPid pid;

  g_assert_false (desk_cache_nudge (f->dir, "outbox")); /* nobody there */
  lock = desk_cache_lock_acquire (f->dir, on_nudge, heard, &error);
  g_assert_no_error (error);
  g_assert_nonnull (lock);
  g_assert_null (desk_cache_lock_acquire (f->dir, on_nudge, heard, &error));
  g_assert_no_error (error);
  pid = start_self ("--reply", f->dir, NULL);
  while (heard->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (heard->str, ==, "outbox");
  waitpid (pid, &status, 0);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  outbox = desk_store_list_outbox (f->store, NULL);
  g_assert_cmpuint (outbox->len, ==, 1);
  g_clear_pointer (&lock, desk_cache_lock_release);
  g_assert_false (desk_cache_nudge (f->dir, "outbox"));
}

/* The address of a socket has 108 bytes; and a dead holder leaves its socket behind. */
static void
test_lock_paths (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strnfill (120, 'n');
  g_autofree char *dir = g_build_filename (f->dir, name, name, NULL);
  g_autofree char *stale = g_build_filename (dir, "socket", NULL);
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (DeskCacheLock) lock = NULL;

  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (stale, "", 0, NULL));
  lock = desk_cache_lock_acquire (dir, on_nudge, heard, &error);
  g_assert_no_error (error);
  g_assert_nonnull (lock);
  g_assert_true (desk_cache_nudge (dir, "rubbish"));
  g_assert_true (desk_cache_nudge (dir, "present"));
  while (heard->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (heard->str, ==, "present");
}

static void
test_modes (Fixture *f, gconstpointer data)
{
  g_autofree char *dir = g_build_filename (f->dir, "new", NULL);
  g_autofree char *path = g_build_filename (dir, "cache.db", NULL);
  g_autofree char *a = desk_store_account_dir ("/b", "https://a/", "max");
  g_autofree char *b = desk_store_account_dir ("/b", "https://a", "max");
  g_autofree char *c = desk_store_account_dir ("/b", "https://b", "max");
  g_autoptr (DeskStore) store = desk_store_open (dir, NULL, NULL);
  GStatBuf info;

  g_assert_cmpint (g_stat (dir, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0700);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_assert_cmpstr (a, ==, b);
  g_assert_cmpstr (a, !=, c);
  g_assert_true (g_str_has_prefix (a, "/b/max-a-"));
  desk_store_close (store);
  g_assert_true (desk_store_erase (dir, NULL));
  g_assert_false (g_file_test (dir, G_FILE_TEST_EXISTS));
}

static void
make_golden (const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStore) store = desk_store_open (dir, NULL, &error);
  g_autoptr (DeskDraft) draft = desk_draft_new (P, U);
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, P, U);
  g_autoptr (DeskMessage) m = make_message (U, 8, 1, "eight");
  DeskBatch *batch = desk_batch_new ();

  g_assert_no_error (error);
  apply_page (store, 1, 3, TRUE, FALSE);
  g_ptr_array_add (m->reactions, desk_reaction_new ("👍", "42"));
  apply_message (store, DESK_EVENT_NEW_MESSAGE, desk_message_copy (m));
  g_free (draft->text);
  draft->text = g_strdup ("typed");
  desk_batch_draft (batch, draft);
  g_free (entry->text);
  entry->text = g_strdup ("waiting");
  desk_batch_outbox_add (batch, entry, FALSE);
  apply_quiet (store, batch);
  desk_store_close (store);
}

#define ADD(name, func) \
  g_test_add (name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "--writer"))
    return run_writer (argv[2]);
  if (argc == 3 && g_str_equal (argv[1], "--reply"))
    return run_reply (argv[2]);
  if (argc == 3 && g_str_equal (argv[1], "--make-golden"))
    {
      make_golden (argv[2]);
      return 0;
    }
  g_test_init (&argc, &argv, NULL);
  ADD ("/store/files/kill", test_kill);
  ADD ("/store/files/full", test_full);
  ADD ("/store/files/damaged", test_damaged);
  ADD ("/store/files/no-database", test_no_database);
  ADD ("/store/files/newer", test_newer);
  ADD ("/store/files/golden", test_golden);
  ADD ("/store/files/two-processes", test_two_processes);
  ADD ("/store/files/lock-paths", test_lock_paths);
  ADD ("/store/files/modes", test_modes);
  return g_test_run ();
}
