/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-files"

#include "config.h"

/* Files on a local disk, named by the SHA-256 of their bytes: FOLDER/ab/abcdef….
 *
 * Invariants: a file under its name is complete and durable, since it was synced before it was
 * renamed there, and never changes; its time says when it was last brought in; what is being
 * written stands in FOLDER/tmp and is nobody's after a crash; no name that came from outside ever
 * becomes a path; nothing is executable. */

#include "server/files/desk-files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/desk-file-type.h"

typedef struct
{
  DeskFileStore parent;
  char *folder;
  GMutex mutex; /* between a file that is brought in again and its removal */
  guint8 key[DESK_FILE_KEY_BYTES];
} Files;

typedef struct
{
  DeskFileUpload parent;
  Files *files;
  char *path; /* of the temporary file */
  int fd;
  gint64 size, max_bytes;
  GChecksum *checksum;
  guint8 head[DESK_FILE_HEAD_BYTES];
  gsize head_len;
} Upload;

static gboolean
fail (GError **error, int code, const char *what)
{
  const gboolean full = code == ENOSPC || code == EDQUOT || code == EFBIG;

  g_set_error (error, DESK_FILE_STORE_ERROR,
               full             ? DESK_FILE_STORE_ERROR_FULL
               : code == ENOENT ? DESK_FILE_STORE_ERROR_NOT_FOUND
                                : DESK_FILE_STORE_ERROR_FAILED,
               "%s: %s", what, g_strerror (code));
  return FALSE;
}

static gboolean
write_all (int fd, const void *data, gsize len)
{
  const guint8 *bytes = data;

  while (len > 0)
    {
      const gssize n = write (fd, bytes, len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      bytes += n;
      len -= (gsize)n;
    }
  return TRUE;
}

/* A rename is durable when its folder is. */
static gboolean
sync_folder (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok = fd >= 0 && fsync (fd) == 0;
  const int code = errno;

  if (fd >= 0)
    close (fd);
  errno = code;
  return ok;
}

static char *
path_of (Files *self, const char *hash)
{
  const char shard[] = { hash[0], hash[1], '\0' };

  return g_build_filename (self->folder, shard, hash, NULL);
}

/* ── Bringing in ────────────────────────────────────────────────────────────────────────────── */
static void
upload_free (Upload *self)
{
  if (self->fd >= 0)
    close (self->fd);
  if (self->path != NULL)
    unlink (self->path);
  g_free (self->path);
  g_free (self->parent.filename);
  g_checksum_free (self->checksum);
  g_free (self);
}

static void
files_cancel (DeskFileUpload *upload)
{
  upload_free ((Upload *)upload);
}

static DeskFileUpload *
files_begin (DeskFileStore *store, const char *filename, gint64 max_bytes, GError **error)
{
  Files *self = (Files *)store;
  Upload *upload = g_new0 (Upload, 1);

  upload->parent.ops = store->ops;
  upload->parent.filename = desk_file_name_clean (filename);
  upload->files = self;
  upload->max_bytes = max_bytes;
  upload->checksum = g_checksum_new (G_CHECKSUM_SHA256);
  upload->path = g_build_filename (self->folder, "tmp", "XXXXXX", NULL);
  upload->fd = g_mkstemp_full (upload->path, O_RDWR | O_CLOEXEC, 0600);
  if (upload->fd < 0)
    {
      fail (error, errno, "A file cannot be made");
      g_clear_pointer (&upload->path, g_free);
      upload_free (upload);
      return NULL;
    }
  return &upload->parent;
}

static gboolean
files_append (DeskFileUpload *upload, const void *data, gsize len, GError **error)
{
  Upload *self = (Upload *)upload;

  if ((guint64)len > (guint64)(self->max_bytes - self->size))
    {
      g_set_error (error, DESK_FILE_STORE_ERROR, DESK_FILE_STORE_ERROR_TOO_LARGE,
                   "The file has more than %" G_GINT64_FORMAT " bytes", self->max_bytes);
      return FALSE;
    }
  if (!write_all (self->fd, data, len))
    return fail (error, errno, "A file cannot be written");
  g_checksum_update (self->checksum, data, (gssize)len);
  self->size += (gint64)len;
  if (self->head_len < sizeof self->head)
    {
      const gsize n = MIN (len, sizeof self->head - self->head_len);
      memcpy (self->head + self->head_len, data, n);
      self->head_len += n;
    }
  return TRUE;
}

/* The same bytes again: only their time moves. Under the mutex, so that a removal which has seen
 * the old time looks once more. */
static gboolean
keep (Files *self, Upload *upload, const char *hash, GError **error)
{
  g_autofree char *path = path_of (self, hash);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (utimensat (AT_FDCWD, path, NULL, 0) == 0)
    return TRUE;
  if (errno != ENOENT)
    return fail (error, errno, "A file cannot be kept");
  if (g_mkdir (folder, 0700) == 0)
    {
      if (!sync_folder (self->folder))
        return fail (error, errno, "A folder cannot be kept");
    }
  else if (errno != EEXIST)
    return fail (error, errno, "A folder cannot be made");
  if (rename (upload->path, path) != 0)
    return fail (error, errno, "A file cannot be kept");
  g_clear_pointer (&upload->path, g_free);
  return sync_folder (folder) || fail (error, errno, "A file cannot be kept");
}

static DeskStoredFile *
files_finish (DeskFileUpload *upload, GError **error)
{
  Upload *self = (Upload *)upload;
  const char *hash = g_checksum_get_string (self->checksum);

  if (fsync (self->fd) != 0)
    {
      fail (error, errno, "A file cannot be written");
      upload_free (self);
      return NULL;
    }
  if (!keep (self->files, self, hash, error))
    {
      upload_free (self);
      return NULL;
    }
  DeskStoredFile *file = g_new0 (DeskStoredFile, 1);
  file->hash = g_strdup (hash);
  file->filename = g_strdup (self->parent.filename);
  file->mime_type = desk_file_guess_type (self->parent.filename, self->head, self->head_len);
  file->size = self->size;
  desk_file_read_picture_size (self->head, self->head_len, &file->width, &file->height);
  upload_free (self);
  return file;
}

/* ── Reading ────────────────────────────────────────────────────────────────────────────────── */
static int
files_open (
    DeskFileStore *store, const char *hash, gint64 *out_size, char **out_mime_type, GError **error)
{
  struct stat info;
  guint8 head[DESK_FILE_HEAD_BYTES];

  if (!desk_file_hash_is_valid (hash))
    {
      fail (error, ENOENT, "There is no such file");
      return -1;
    }
  g_autofree char *path = path_of ((Files *)store, hash);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    {
      fail (error, errno, "A file cannot be read");
      return -1;
    }
  const gssize n
      = fstat (fd, &info) == 0 && S_ISREG (info.st_mode) ? pread (fd, head, sizeof head, 0) : -1;
  if (n < 0)
    {
      fail (error, EIO, "A file cannot be read");
      close (fd);
      return -1;
    }
  *out_size = info.st_size;
  if (out_mime_type != NULL)
    *out_mime_type = desk_file_guess_type (NULL, head, (gsize)n);
  return fd;
}

static const guint8 *
files_get_key (DeskFileStore *store)
{
  return ((Files *)store)->key;
}

/* ── Removing ───────────────────────────────────────────────────────────────────────────────── */
static gint64
time_of (const char *path)
{
  struct stat info;

  if (lstat (path, &info) != 0 || !S_ISREG (info.st_mode))
    return G_MAXINT64;
  return info.st_mtim.tv_sec * G_GINT64_CONSTANT (1000) + info.st_mtim.tv_nsec / 1000000;
}

static void
list_shard (const char *folder, gint64 before_ms, GPtrArray *hashes)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (desk_file_hash_is_valid (name) && time_of (path) < before_ms)
        g_ptr_array_add (hashes, g_strdup (name));
    }
}

static GPtrArray *
files_list_before (DeskFileStore *store, gint64 before_ms, GError **error)
{
  Files *self = (Files *)store;
  GPtrArray *hashes = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < 256; i++)
    {
      char shard[3];
      g_snprintf (shard, sizeof shard, "%02x", i);
      g_autofree char *folder = g_build_filename (self->folder, shard, NULL);
      list_shard (folder, before_ms, hashes);
    }
  return hashes;
}

static gboolean
files_remove_before (DeskFileStore *store, const char *hash, gint64 before_ms)
{
  Files *self = (Files *)store;
  g_return_val_if_fail (desk_file_hash_is_valid (hash), FALSE);
  g_autofree char *path = path_of (self, hash);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return time_of (path) < before_ms && unlink (path) == 0;
}

/* ── Life ───────────────────────────────────────────────────────────────────────────────────── */
static void
files_close (DeskFileStore *store)
{
  Files *self = (Files *)store;

  explicit_bzero (self->key, sizeof self->key);
  g_mutex_clear (&self->mutex);
  g_free (self->folder);
  g_free (self);
}

static const DeskFileStoreClass files_class = {
  .name = "files",
  .begin = files_begin,
  .append = files_append,
  .finish = files_finish,
  .cancel = files_cancel,
  .open = files_open,
  .get_key = files_get_key,
  .list_before = files_list_before,
  .remove_before = files_remove_before,
  .close = files_close,
};

static gboolean
make_key (Files *self, const char *path, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".new", NULL);
  int fd;

  if (getrandom (self->key, sizeof self->key, 0) != (gssize)sizeof self->key)
    return fail (error, errno, "There is no randomness for a key");
  fd = open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok = fd >= 0 && write_all (fd, self->key, sizeof self->key) && fsync (fd) == 0
                && rename (temporary, path) == 0;
  const int code = errno;
  if (fd >= 0)
    close (fd);
  return ok || fail (error, code, "The key of links to files cannot be made");
}

/* A key that was cut short is replaced: links live minutes, nothing is lost with it. */
static gboolean
load_key (Files *self, const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0 && errno != ENOENT)
    return fail (error, errno, "The key of links to files cannot be read");
  gssize n = fd >= 0 ? read (fd, self->key, sizeof self->key) : 0;
  if (fd >= 0)
    close (fd);
  return n == (gssize)sizeof self->key || make_key (self, path, error);
}

static void
remove_leftovers (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      unlink (path);
    }
}

DeskFileStore *
desk_files_open (const char *folder, const char *key_path, GError **error)
{
  g_return_val_if_fail (folder != NULL && key_path != NULL, NULL);
  g_autofree char *temporary = g_build_filename (folder, "tmp", NULL);

  if (g_mkdir_with_parents (temporary, 0700) != 0)
    {
      fail (error, errno, "The folder of files cannot be made");
      return NULL;
    }
  Files *self = g_new0 (Files, 1);
  self->parent.ops = &files_class;
  self->folder = g_strdup (folder);
  g_mutex_init (&self->mutex);
  if (!load_key (self, key_path, error))
    {
      files_close (&self->parent);
      return NULL;
    }
  remove_leftovers (temporary);
  return &self->parent;
}
