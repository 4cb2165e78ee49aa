/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store-fixture.h"
#include "store/desk-store-files.h"

/* Files beside the cache: what is attached stays as long as something names it and no longer; downloads are
 * checked, found, and evicted. */

static DeskStagedFile *
stage (Fixture *f, const char *text, const char *name)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;
  DeskStagedFile *file = desk_store_stage_file (f->store, NULL, bytes, name, NULL, &error);

  g_assert_no_error (error);
  return file;
}

static gboolean
is_there (Fixture *f, const DeskStagedFile *file)
{
  g_autofree char *path = desk_store_staged_path (f->store, file);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static GPtrArray *
list_of (DeskStagedFile *file) /* a copy */
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_staged_file_free);

  g_ptr_array_add (list, desk_staged_file_copy (file));
  return list;
}

static void
save_draft (Fixture *f, GPtrArray *files, const char *text)
{
  g_autoptr (DeskDraft) draft = desk_draft_new (P, U);
  DeskBatch *batch = desk_batch_new ();

  g_free (draft->text);
  draft->text = g_strdup (text);
  g_free (draft->attachments);
  draft->attachments = desk_staged_files_to_json (files);
  desk_batch_draft (batch, draft);
  apply_quiet (f->store, batch);
}

static gint64
send_files (Fixture *f, GPtrArray *files)
{
  g_autoptr (DeskOutboxEntry) entry = desk_outbox_entry_new (DESK_INTENT_SEND, P, U);
  g_autoptr (DeskBatchResult) result = NULL;
  DeskBatch *batch = desk_batch_new ();

  entry->files = desk_staged_files_copy (files);
  desk_batch_outbox_add (batch, entry, TRUE);
  result = apply (f->store, batch);
  return g_array_index (result->added_local_ids, gint64, 0);
}

static void
test_stage (Fixture *f, gconstpointer data)
{
  g_autofree char *original = g_build_filename (f->dir, "..", "original.png", NULL);
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeskStagedFile) file = NULL;
  g_autoptr (DeskStagedFile) empty = stage (f, "", "../../etc/\"x\"\n");
  struct stat st;
  static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x07\x08\x02\0\0\0";

  g_assert_cmpstr (empty->filename, ==, "_._.._etc_'x'_");
  g_assert_cmpint (empty->size, ==, 0);
  g_assert_true (g_file_set_contents (original, png, sizeof png - 1, NULL));
  file = desk_store_stage_file (f->store, original, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_unlink (original), ==, 0);
  path = desk_store_staged_path (f->store, file);
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);
  g_assert_cmpint (st.st_size, ==, sizeof png - 1);
  text = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) png, sizeof png - 1);
  g_assert_cmpstr (file->sha256, ==, text);
  g_assert_cmpstr (file->mime_type, ==, "image/png");
  g_assert_cmpint (file->width, ==, 5);
  g_assert_cmpint (file->height, ==, 7);
  g_assert_null (desk_store_stage_file (f->store, f->dir, NULL, NULL, NULL, &error));
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS);
  g_clear_error (&error);
  g_assert_null (desk_store_stage_file (f->store, "/nonexistent", NULL, NULL, NULL, &error));
  g_assert_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS);
}

/* From the draft to the outbox and away. */
static void
test_life (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskStagedFile) one = stage (f, "one", "one.txt");
  g_autoptr (DeskStagedFile) two = stage (f, "two", "two.txt");
  g_autoptr (GPtrArray) both = list_of (one);
  g_autoptr (GPtrArray) first = list_of (one);
  g_autoptr (DeskDraft) draft = NULL;
  g_autoptr (GPtrArray) again = NULL;
  g_autoptr (GPtrArray) outbox = NULL;
  const DeskOutboxEntry *entry;
  DeskBatch *batch;
  gint64 id;

  g_ptr_array_add (both, desk_staged_file_copy (two));
  save_draft (f, both, "text");
  fixture_reopen (f);
  draft = desk_store_get_draft (f->store, P, U, NULL);
  again = desk_staged_files_from_json (draft->attachments);
  g_assert_cmpuint (again->len, ==, 2);
  g_assert_cmpstr (((DeskStagedFile *) again->pdata[1])->filename, ==, "two.txt");
  g_assert_cmpint (((DeskStagedFile *) again->pdata[1])->size, ==, 3);
  g_assert_true (is_there (f, one) && is_there (f, two));
  save_draft (f, first, "text"); /* taken off */
  g_assert_true (is_there (f, one) && !is_there (f, two));
  id = send_files (f, first); /* the draft goes, the entry has the file */
  g_assert_true (is_there (f, one));
  outbox = desk_store_list_outbox (f->store, NULL);
  entry = g_ptr_array_index (outbox, 0);
  g_assert_cmpuint (entry->files->len, ==, 1);
  g_assert_cmpstr (((DeskStagedFile *) entry->files->pdata[0])->sha256, ==, one->sha256);
  desk_store_unstage_file (f->store, one); /* is named: stays */
  batch = desk_batch_new ();
  desk_batch_outbox_discard (batch, id);
  g_assert_true (is_there (f, one));
  apply_quiet (f->store, batch);
  g_assert_false (is_there (f, one));
}

/* The message's own arrival is the acknowledgement; and a chat that is erased takes all with it. */
static void
test_ends (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskStagedFile) one = stage (f, "one", "one.txt");
  g_autoptr (DeskStagedFile) two = stage (f, "two", "two.txt");
  g_autoptr (GPtrArray) list_one = list_of (one);
  g_autoptr (GPtrArray) list_two = list_of (two);
  g_autoptr (GPtrArray) outbox = NULL;
  g_autoptr (DeskEvent) erased = desk_event_new (DESK_EVENT_CHAT_ERASED);
  DeskMessage *message = make_message (U, 2, 1, "");
  DeskBatch *batch = desk_batch_new ();

  send_files (f, list_one);
  outbox = desk_store_list_outbox (f->store, NULL);
  message->client_message_id = g_strdup (((DeskOutboxEntry *) outbox->pdata[0])->client_message_id);
  apply_message (f->store, DESK_EVENT_NEW_MESSAGE, message);
  g_assert_false (is_there (f, one));
  send_files (f, list_two);
  save_draft (f, list_two, "");
  g_assert_true (is_there (f, two));
  erased->platform = g_strdup (P);
  erased->user_id = g_strdup (U);
  desk_batch_event (batch, erased, NULL);
  apply_quiet (f->store, batch);
  g_assert_false (is_there (f, two));
}

/* ── Downloads ──────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  DeskCachedFile *file;
  GError *error;
  gboolean done;
} Adopted;

static void
on_adopted (GObject *source, GAsyncResult *result, gpointer data)
{
  Adopted *adopted = data;

  adopted->file = desk_store_adopt_file_finish (DESK_STORE (source), result, &adopted->error);
  adopted->done = TRUE;
}

static DeskCachedFile *
adopt (Fixture *f, const char *key, const char *text, gsize len, const char *sha256, gint64 size, int code)
{
  Adopted adopted = { 0 };
  g_autofree char *partial = NULL;
  int fd = desk_store_open_partial (f->store, &partial, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, len), ==, (gssize) len);
  close (fd);
  desk_store_adopt_file_async (f->store, partial, key, sha256, size, NULL, on_adopted, &adopted);
  while (!adopted.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (g_file_test (partial, G_FILE_TEST_EXISTS));
  if (code >= 0)
    g_assert_error (adopted.error, DESK_STORE_ERROR, code);
  else
    g_assert_no_error (adopted.error);
  g_clear_error (&adopted.error);
  return adopted.file;
}

static void
test_downloads (Fixture *f, gconstpointer data)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "picture", -1);
  g_autoptr (DeskCachedFile) file = NULL;
  g_autoptr (DeskCachedFile) found = NULL;
  g_autoptr (DeskCachedFile) other = NULL;

  g_assert_null (adopt (f, "id:1", "damaged", 7, sum, 7, DESK_STORE_ERROR_CORRUPT));
  g_assert_null (adopt (f, "id:1", "picture", 7, sum, 8, DESK_STORE_ERROR_CORRUPT));
  g_assert_null (desk_store_find_file (f->store, "id:1", NULL));
  file = adopt (f, "id:1", "picture", 7, sum, 7, -1);
  g_assert_true (g_str_has_suffix (file->path, sum));
  found = desk_store_find_file (f->store, "id:1", NULL);
  g_assert_cmpstr (found->path, ==, file->path);
  other = adopt (f, "url:/b", "picture", 7, NULL, -1, -1); /* the same bytes are kept once */
  g_assert_cmpstr (other->path, ==, file->path);
  g_assert_cmpint (g_unlink (file->path), ==, 0);
  g_assert_null (desk_store_find_file (f->store, "id:1", NULL));
}

static gint64
bytes_below (const char *dir)
{
  g_autoptr (GDir) list = g_dir_open (dir, 0, NULL);
  const char *name;
  gint64 total = 0;

  while (list != NULL && (name = g_dir_read_name (list)) != NULL)
    {
      g_autofree char *path = g_build_filename (dir, name, NULL);
      struct stat st;

      if (lstat (path, &st) == 0)
        total += S_ISDIR (st.st_mode) ? bytes_below (path) : st.st_size;
    }
  return total;
}

/* Whatever comes, all take at most the quota, unless the newest alone is larger; and the least recently used go. */
static void
test_quota (Fixture *f, gconstpointer data)
{
  const gint64 quota = 10000;
  g_autofree char *files = g_build_filename (f->dir, DESK_STORE_FILES_DIR, NULL);
  g_autofree char *text = g_strnfill (12000, 'x');
  DeskBatch *batch = desk_batch_new ();
  g_autoptr (DeskCachedFile) kept = NULL;
  g_autoptr (DeskCachedFile) lost = NULL;
  g_autoptr (DeskCachedFile) big = NULL;

  desk_batch_setting (batch, DESK_SETTING_FILES_MAX, "10000");
  apply_quiet (f->store, batch);
  for (guint i = 0; i < 60; i++)
    {
      gsize len = (gsize) g_test_rand_int_range (1, 6000);
      g_autofree char *key = g_strdup_printf ("id:%u", i);
      g_autoptr (DeskCachedFile) file = NULL;

      text[0] = (char) ('!' + i); /* other bytes each time */
      desk_clock_manual_advance_ms (f->clock, 1000);
      file = adopt (f, key, text, len, NULL, -1, -1);
      g_assert_cmpint (bytes_below (files), <=, MAX (quota, (gint64) len));
    }
  text[0] = '\1';
  desk_clock_manual_advance_ms (f->clock, 1000);
  desk_cached_file_free (adopt (f, "id:old", text, 4000, NULL, -1, -1));
  text[0] = '\2';
  desk_clock_manual_advance_ms (f->clock, 1000);
  desk_cached_file_free (adopt (f, "id:new", text, 4000, NULL, -1, -1));
  kept = desk_store_find_file (f->store, "id:old", NULL);
  desk_clock_manual_advance_ms (f->clock, 1000);
  batch = desk_batch_new ();
  desk_batch_file_used (batch, kept->sha256);
  apply_quiet (f->store, batch);
  g_clear_pointer (&kept, desk_cached_file_free);
  text[0] = '\3';
  desk_clock_manual_advance_ms (f->clock, 1000);
  desk_cached_file_free (adopt (f, "id:third", text, 5000, NULL, -1, -1));
  kept = desk_store_find_file (f->store, "id:old", NULL);
  lost = desk_store_find_file (f->store, "id:new", NULL);
  g_assert_nonnull (kept); /* was looked at since */
  g_assert_null (lost);
  big = adopt (f, "id:big", text, 12000, NULL, -1, -1); /* stays, alone */
  g_assert_cmpint (bytes_below (files), ==, 12000);
}

static void
on_swept (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (desk_store_sweep_files_finish (DESK_STORE (source), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
test_sweep (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskStagedFile) fresh = stage (f, "fresh", "fresh.txt");
  g_autofree char *left = NULL;
  g_autofree char *writing = NULL;
  int fd = desk_store_open_partial (f->store, &left, NULL);
  int busy = desk_store_open_partial (f->store, &writing, NULL);
  gboolean done = FALSE;

  close (fd); /* as after a kill */
  desk_store_sweep_files_async (f->store, NULL, on_swept, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (g_file_test (left, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (writing, G_FILE_TEST_EXISTS));
  g_assert_true (is_there (f, fresh)); /* its draft may be on its way */
  close (busy);
}

static void
test_rescued_and_erased (Fixture *f, gconstpointer data)
{
  g_autoptr (DeskStagedFile) one = stage (f, "one", "one.txt");
  g_autoptr (GPtrArray) list = list_of (one);
  g_autoptr (GPtrArray) outbox = NULL;
  g_autofree char *dir = g_strdup (f->dir);
  guint drafts = 0, entries = 0;

  send_files (f, list);
  desk_store_close (f->store);
  g_assert_true (desk_store_rescue (f->dir, NULL, &drafts, &entries, NULL));
  g_assert_cmpuint (entries, ==, 1);
  fixture_reopen (f);
  outbox = desk_store_list_outbox (f->store, NULL);
  g_assert_cmpuint (((DeskOutboxEntry *) outbox->pdata[0])->files->len, ==, 1);
  g_assert_true (is_there (f, one));
  desk_store_close (f->store);
  g_assert_true (desk_store_erase (f->dir, NULL));
  g_assert_false (is_there (f, one));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)
  ADD ("/store/attach/stage", test_stage);
  ADD ("/store/attach/life", test_life);
  ADD ("/store/attach/ends", test_ends);
  ADD ("/store/attach/downloads", test_downloads);
  ADD ("/store/attach/quota", test_quota);
  ADD ("/store/attach/sweep", test_sweep);
  ADD ("/store/attach/rescued-and-erased", test_rescued_and_erased);
  return g_test_run ();
}
