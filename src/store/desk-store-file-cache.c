/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "common/desk-random.h"
#include "common/desk-uuid.h"
#include "store/desk-store-files.h"
#include "store/desk-store-private.h"

/* Downloads. A file is named by what it contains, so the same picture in ten chats is kept once; keys lead to it.
 * Invariants: what stands at files/ab/SHA256 has that checksum; it gets its row only after it stands there. */

#define CHUNK (256 * 1024)

void
desk_cached_file_free (DeskCachedFile *self)
{
  if (self == NULL)
    return;
  g_free (self->path);
  g_free (self->sha256);
  g_free (self);
}

char *
desk_attachment_cache_key (const DeskAttachment *attachment)
{
  const char *query;

  g_return_val_if_fail (attachment != NULL, NULL);
  if (attachment->file_id != NULL && *attachment->file_id != '\0')
    return g_strconcat ("id:", attachment->file_id, NULL);
  if (attachment->url == NULL || *attachment->url == '\0')
    return NULL;
  /* the signature of a link of the server's changes; what stands before it does not */
  query = *attachment->url == '/' ? strchr (attachment->url, '?') : NULL;
  return query ? g_strdup_printf ("url:%.*s", (int) (query - attachment->url), attachment->url)
               : g_strconcat ("url:", attachment->url, NULL);
}

static char *
path_of (const char *dir, const char *sha256)
{
  char first[3] = { sha256[0], sha256[1], '\0' };

  return g_build_filename (dir, DESK_STORE_FILES_DIR, first, sha256, NULL);
}

/* ── Looking up ─────────────────────────────────────────────────────────────────────────────── */

typedef struct
{
  char *dir;
  char *key;
} Find;

static void
find_free (Find *find)
{
  g_free (find->dir);
  g_free (find->key);
  g_free (find);
}

static gpointer
run_find (DeskDb *db, gconstpointer params, GError **error)
{
  const Find *find = params;
  g_autoptr (DeskCachedFile) file = NULL;
  g_autoptr (DeskStmt) s = desk_db_prepare (
      db,
      "SELECT f.sha256,f.size,f.used_at_ms FROM file_key k JOIN file f ON f.sha256=k.sha256 WHERE k.key=?1",
      error);
  struct stat st;

  if (s == NULL)
    return NULL;
  desk_stmt_bind_text (s, 1, find->key);
  if (desk_stmt_step (s, error) != DESK_STEP_ROW)
    return NULL;
  file = g_new0 (DeskCachedFile, 1);
  file->sha256 = g_strdup (desk_stmt_column_text (s, 0));
  file->size = desk_stmt_column_int64 (s, 1);
  file->used_at_ms = desk_stmt_column_int64 (s, 2);
  if (strlen (file->sha256) != 64)
    return NULL;
  file->path = path_of (find->dir, file->sha256);
  if (lstat (file->path, &st) != 0 || !S_ISREG (st.st_mode) || st.st_size != file->size)
    return NULL;
  return g_steal_pointer (&file);
}

static Find *
find_new (DeskStore *self, const char *key)
{
  Find *find = g_new0 (Find, 1);

  find->dir = g_strdup (desk_store_get_dir (self));
  find->key = g_strdup (key);
  return find;
}

DeskCachedFile *
desk_store_find_file (DeskStore *self, const char *key, GError **error)
{
  Find *find;
  DeskCachedFile *file;

  g_return_val_if_fail (DESK_IS_STORE (self) && key != NULL, NULL);
  find = find_new (self, key);
  file = desk_store_read (self, run_find, find, error);
  find_free (find);
  return file;
}

void
desk_store_find_file_async (DeskStore *self,
                            const char *key,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self) && key != NULL);
  desk_store_read_async (self, run_find, find_new (self, key), (GDestroyNotify) find_free,
                         (GDestroyNotify) desk_cached_file_free, desk_store_find_file_async, cancellable,
                         callback, data);
}

DeskCachedFile *
desk_store_find_file_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ── Settings ───────────────────────────────────────────────────────────────────────────────── */

static gint64
setting_bytes (DeskDb *db, const char *key, gint64 otherwise)
{
  g_autofree char *text = desk_query_setting (db, key, NULL);
  gint64 value;

  if (text == NULL || !g_ascii_string_to_signed (text, 10, 0, G_MAXINT64, &value, NULL))
    return otherwise;
  return value;
}

static gpointer
run_settings (DeskDb *db, gconstpointer params, GError **error)
{
  DeskFileSettings *settings = g_new0 (DeskFileSettings, 1);

  settings->files_max_bytes = setting_bytes (db, DESK_SETTING_FILES_MAX, DESK_FILES_MAX_BYTES);
  settings->download_max_bytes = setting_bytes (db, DESK_SETTING_DOWNLOAD_MAX, DESK_DOWNLOAD_MAX_BYTES);
  settings->download_auto_bytes = setting_bytes (db, DESK_SETTING_DOWNLOAD_AUTO, DESK_DOWNLOAD_AUTO_BYTES);
  return settings;
}

static void
give_settings (DeskFileSettings *found, DeskFileSettings *out)
{
  g_autofree DeskFileSettings *owned = found;

  *out = (DeskFileSettings){ DESK_FILES_MAX_BYTES, DESK_DOWNLOAD_MAX_BYTES, DESK_DOWNLOAD_AUTO_BYTES };
  if (owned != NULL)
    *out = *owned;
}

void
desk_store_get_file_settings (DeskStore *self, DeskFileSettings *out)
{
  g_return_if_fail (DESK_IS_STORE (self) && out != NULL);
  give_settings (desk_store_read (self, run_settings, NULL, NULL), out);
}

void
desk_store_get_file_settings_async (DeskStore *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer data)
{
  g_return_if_fail (DESK_IS_STORE (self));
  desk_store_read_async (self, run_settings, NULL, NULL, g_free, desk_store_get_file_settings_async,
                         cancellable, callback, data);
}

gboolean
desk_store_get_file_settings_finish (DeskStore *self,
                                     GAsyncResult *result,
                                     DeskFileSettings *out,
                                     GError **error)
{
  DeskFileSettings *found;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  found = g_task_propagate_pointer (G_TASK (result), error);
  if (found == NULL)
    return FALSE;
  give_settings (found, out);
  return TRUE;
}

/* ── A new download ─────────────────────────────────────────────────────────────────────────── */

static void
set_disk_error (GError **error, int code)
{
  if (code == ENOSPC || code == EDQUOT)
    g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL, "%s", _("The disk is full. The file was not kept."));
  else
    g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS, "%s %s", _("The file cannot be kept:"),
                 g_strerror (code));
}

int
desk_store_open_partial (DeskStore *self, char **out_path, GError **error)
{
  g_autofree char *folder = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  int fd;

  g_return_val_if_fail (DESK_IS_STORE (self) && out_path != NULL, -1);
  folder = g_build_filename (desk_store_get_dir (self), DESK_STORE_PARTIAL_DIR, NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      set_disk_error (error, errno);
      return -1;
    }
  name = desk_uuid7_new (desk_clock_system (), desk_random_system ());
  path = g_build_filename (folder, name, NULL);
  fd = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    {
      set_disk_error (error, errno);
      return -1;
    }
  flock (fd, LOCK_EX | LOCK_NB);
  *out_path = g_steal_pointer (&path);
  return fd;
}

typedef struct
{
  char *partial;
  char *key;
  char *sha256; /* nullable */
  gint64 size;
  gint64 max_bytes;
  DeskCachedFile *file;
} Adopt;

static void
adopt_free (Adopt *adopt)
{
  g_free (adopt->partial);
  g_free (adopt->key);
  g_free (adopt->sha256);
  g_clear_pointer (&adopt->file, desk_cached_file_free);
  g_free (adopt);
}

/* Size and checksum of a file; NULL if it cannot be read. */
static char *
sum_file (const char *path, gint64 *out_size)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *chunk = g_malloc (CHUNK);
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  gssize n = -1;

  *out_size = 0;
  while (fd >= 0 && ((n = read (fd, chunk, CHUNK)) > 0 || (n < 0 && errno == EINTR)))
    if (n > 0)
      {
        g_checksum_update (sum, chunk, n);
        *out_size += n;
      }
  if (fd >= 0)
    close (fd);
  return n < 0 ? NULL : g_strdup (g_checksum_get_string (sum));
}

static gboolean
move_to_place (const char *dir, Adopt *adopt, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (adopt->file->path);

  if (g_mkdir_with_parents (folder, 0700) != 0 || g_rename (adopt->partial, adopt->file->path) != 0)
    {
      set_disk_error (error, errno);
      return FALSE;
    }
  return TRUE;
}

static void
adopt_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Adopt *adopt = data;
  const char *dir = desk_store_get_dir (source);
  GError *error = NULL;
  gint64 size;
  g_autofree char *sha256 = sum_file (adopt->partial, &size);

  if (sha256 == NULL)
    set_disk_error (&error, EIO);
  else if ((adopt->sha256 != NULL && g_ascii_strcasecmp (adopt->sha256, sha256) != 0)
           || (adopt->size >= 0 && adopt->size != size))
    g_set_error (&error, DESK_STORE_ERROR, DESK_STORE_ERROR_CORRUPT, "%s",
                 _("The file arrived damaged and was not kept. Try again."));
  else
    {
      adopt->file = g_new0 (DeskCachedFile, 1);
      adopt->file->path = path_of (dir, sha256);
      adopt->file->sha256 = g_steal_pointer (&sha256);
      adopt->file->size = size;
      move_to_place (dir, adopt, &error);
    }
  if (error == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  g_unlink (adopt->partial);
  g_task_return_error (task, error);
}

static void
on_adopted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Adopt *adopt = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (DeskBatchResult) done = desk_store_apply_finish (DESK_STORE (source), result, &error);

  if (done == NULL) /* the file stands without a row: the next sweep takes it */
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&adopt->file), (GDestroyNotify) desk_cached_file_free);
}

static void
on_moved (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Adopt *adopt = g_task_get_task_data (task);
  GError *error = NULL;
  DeskBatch *batch;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  batch = desk_batch_new ();
  desk_batch_file_add (batch, adopt->key, adopt->file->sha256, adopt->file->size, adopt->max_bytes);
  desk_store_apply_async (DESK_STORE (source), batch, NULL, on_adopted, g_steal_pointer (&task));
}

static void
on_quota (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GTask) work = NULL;
  Adopt *adopt = g_task_get_task_data (task);
  DeskFileSettings settings;
  GError *error = NULL;

  if (!desk_store_get_file_settings_finish (DESK_STORE (source), result, &settings, &error))
    {
      g_unlink (adopt->partial);
      g_task_return_error (task, error);
      return;
    }
  adopt->max_bytes = settings.files_max_bytes;
  work = g_task_new (source, NULL, on_moved, g_object_ref (task));
  g_task_set_task_data (work, adopt, NULL);
  g_task_run_in_thread (work, adopt_thread);
}

void
desk_store_adopt_file_async (DeskStore *self,
                             const char *partial,
                             const char *key,
                             const char *sha256,
                             gint64 size,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  GTask *task;
  Adopt *adopt;

  g_return_if_fail (DESK_IS_STORE (self) && partial != NULL && key != NULL);
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_store_adopt_file_async);
  g_task_set_check_cancellable (task, FALSE); /* once it is kept, it is kept */
  adopt = g_new0 (Adopt, 1);
  adopt->partial = g_strdup (partial);
  adopt->key = g_strdup (key);
  adopt->sha256 = g_strdup (sha256);
  adopt->size = size;
  g_task_set_task_data (task, adopt, (GDestroyNotify) adopt_free);
  desk_store_get_file_settings_async (self, NULL, on_quota, task);
}

DeskCachedFile *
desk_store_adopt_file_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ── Cleaning ───────────────────────────────────────────────────────────────────────────────── */

void
desk_store_unstage_file (DeskStore *self, const DeskStagedFile *file)
{
  DeskBatch *batch;

  g_return_if_fail (DESK_IS_STORE (self) && file != NULL);
  batch = desk_batch_new ();
  desk_batch_file_gone (batch, file->name);
  desk_store_apply_async (self, batch, NULL, NULL, NULL);
}

void
desk_store_sweep_files_async (DeskStore *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  DeskBatch *batch;

  g_return_if_fail (DESK_IS_STORE (self));
  batch = desk_batch_new ();
  desk_batch_file_gone (batch, NULL);
  desk_store_apply_async (self, batch, cancellable, callback, data);
}

gboolean
desk_store_sweep_files_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_autoptr (DeskBatchResult) done = desk_store_apply_finish (self, result, error);

  return done != NULL;
}
