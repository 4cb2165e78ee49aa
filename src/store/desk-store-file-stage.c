/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "common/desk-file-type.h"
#include "common/desk-random.h"
#include "common/desk-uuid.h"
#include "store/desk-store-files.h"
#include "store/desk-store-private.h"

/* Copies what the manager attaches into the account's outbox/. A hard link would not do: an editor that writes in
 * place would change what is to be sent. The copy is on the disk for good before it is told, since the
 * outbox promises to survive a power cut. */

#define CHUNK (256 * 1024)
#define MAX_FILENAME 200 /* bytes */

typedef struct
{
  char *path;
  GBytes *bytes;
  char *name;
} Wish;

static void
wish_free (Wish *wish)
{
  g_free (wish->path);
  g_clear_pointer (&wish->bytes, g_bytes_unref);
  g_free (wish->name);
  g_free (wish);
}

static gboolean
fail_errno (GError **error, const char *what)
{
  int code = errno;

  if (code == ENOSPC || code == EDQUOT)
    g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL, "%s", _("The disk is full. The file was not attached."));
  else
    g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS, "%s %s", what, g_strerror (code));
  return FALSE;
}

/* A name that is safe on a disk and in a form, and still the manager's: one component, no control characters. */
static char *
safe_filename (const char *name)
{
  g_autofree char *utf8 = g_utf8_make_valid (name ? name : "", -1);
  GString *out = g_string_new (NULL);

  for (const char *p = utf8; *p != '\0' && out->len < MAX_FILENAME; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '/' || c == '\\' || g_unichar_iscntrl (c))
        c = '_';
      g_string_append_unichar (out, c == '"' ? '\'' : c); /* servers do not agree on how a form quotes it */
    }
  if (out->len > 0 && out->str[0] == '.')
    out->str[0] = '_';
  if (out->len == 0)
    g_string_append (out, "file");
  return g_string_free (out, FALSE);
}

static int
open_source (const char *path, struct stat *st, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

  if (fd < 0 || fstat (fd, st) != 0)
    {
      fail_errno (error, _("The file cannot be read:"));
      if (fd >= 0)
        close (fd);
      return -1;
    }
  if (!S_ISREG (st->st_mode))
    {
      g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS, "%s", _("Only files can be attached, not folders or devices."));
      close (fd);
      return -1;
    }
  return fd;
}

static gboolean
write_all (int fd, const guint8 *data, gsize len, GError **error)
{
  while (len > 0)
    {
      gssize n = write (fd, data, len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail_errno (error, _("The file cannot be copied:"));
      data += n;
      len -= (gsize) n;
    }
  return TRUE;
}

static gboolean
fail_too_large (GError **error)
{
  g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_FULL, "%s", _("The file is too large to be sent."));
  return FALSE;
}

/* Reads in to its end, into the sum and, if out ≥ 0, to out. */
static gboolean
pump (int in, int out, GChecksum *sum, DeskStagedFile *file, GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *chunk = g_malloc (CHUNK);

  for (;;)
    {
      gssize n = read (in, chunk, CHUNK);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail_errno (error, _("The file cannot be read:"));
      if (n == 0)
        return TRUE;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (file->size == 0)
        {
          file->mime_type = desk_file_guess_type (file->filename, chunk, MIN ((gsize) n, DESK_FILE_HEAD_BYTES));
          desk_file_read_picture_size (chunk, (gsize) n, &file->width, &file->height);
        }
      file->size += n;
      if (file->size > DESK_STAGE_MAX_BYTES)
        return fail_too_large (error);
      g_checksum_update (sum, chunk, n);
      if (out >= 0 && !write_all (out, chunk, (gsize) n, error))
        return FALSE;
    }
}

/* A reflink shares the blocks until one side changes; the sum is then taken of our side. */
static gboolean
fill_from_path (const char *path, int out, GChecksum *sum, DeskStagedFile *file, GCancellable *cancellable, GError **error)
{
  struct stat st;
  int in = open_source (path, &st, error);
  gboolean ok;

  if (in < 0)
    return FALSE;
  if (st.st_size > DESK_STAGE_MAX_BYTES)
    ok = fail_too_large (error);
  else if (ioctl (out, FICLONE, in) == 0)
    ok = pump (out, -1, sum, file, cancellable, error);
  else
    ok = pump (in, out, sum, file, cancellable, error);
  close (in);
  return ok;
}

static gboolean
fill_from_bytes (GBytes *bytes, int out, GChecksum *sum, DeskStagedFile *file, GError **error)
{
  gsize len;
  const guint8 *data = g_bytes_get_data (bytes, &len);

  if ((gint64) len > DESK_STAGE_MAX_BYTES)
    return fail_too_large (error);
  if (len > 0)
    {
      file->mime_type = desk_file_guess_type (file->filename, data, MIN (len, DESK_FILE_HEAD_BYTES));
      desk_file_read_picture_size (data, len, &file->width, &file->height);
      g_checksum_update (sum, data, (gssize) len);
    }
  file->size = (gint64) len;
  return write_all (out, data, len, error);
}

static void
sync_folder (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

static gboolean
write_staged (const char *folder, const Wish *wish, DeskStagedFile *file, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (folder, file->filename, NULL);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  int out = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  gboolean ok;

  if (out < 0)
    return fail_errno (error, _("The file cannot be copied:"));
  ok = wish->path != NULL ? fill_from_path (wish->path, out, sum, file, cancellable, error)
                          : fill_from_bytes (wish->bytes, out, sum, file, error);
  if (ok && fsync (out) != 0)
    ok = fail_errno (error, _("The file cannot be copied:"));
  if (close (out) != 0 && ok)
    ok = fail_errno (error, _("The file cannot be copied:"));
  file->sha256 = g_strdup (g_checksum_get_string (sum));
  if (file->mime_type == NULL)
    file->mime_type = g_strdup ("application/octet-stream");
  if (!ok)
    g_unlink (path);
  else
    sync_folder (folder);
  return ok;
}

static DeskStagedFile *
stage (DeskStore *self, const Wish *wish, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeskStagedFile) file = g_new0 (DeskStagedFile, 1);
  g_autofree char *given = wish->name == NULL && wish->path != NULL ? g_path_get_basename (wish->path) : g_strdup (wish->name);
  g_autofree char *base = g_build_filename (desk_store_get_dir (self), DESK_STORE_OUTBOX_DIR, NULL);
  g_autofree char *folder = NULL;

  file->name = desk_uuid7_new (desk_clock_system (), desk_random_system ());
  file->filename = safe_filename (given);
  folder = g_build_filename (base, file->name, NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      fail_errno (error, _("The file cannot be copied:"));
      return NULL;
    }
  if (!write_staged (folder, wish, file, cancellable, error))
    {
      g_rmdir (folder);
      return NULL;
    }
  sync_folder (base);
  return g_steal_pointer (&file);
}

DeskStagedFile *
desk_store_stage_file (DeskStore *self,
                       const char *path,
                       GBytes *bytes,
                       const char *name,
                       GCancellable *cancellable,
                       GError **error)
{
  Wish wish = { .path = (char *) path, .bytes = bytes, .name = (char *) name };

  g_return_val_if_fail (DESK_IS_STORE (self) && (path != NULL) != (bytes != NULL), NULL);
  return stage (self, &wish, cancellable, error);
}

static void
stage_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  DeskStagedFile *file = stage (source, data, cancellable, &error);

  if (file != NULL)
    g_task_return_pointer (task, file, (GDestroyNotify) desk_staged_file_free);
  else
    g_task_return_error (task, error);
}

void
desk_store_stage_file_async (DeskStore *self,
                             const char *path,
                             GBytes *bytes,
                             const char *name,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  g_autoptr (GTask) task = NULL;
  Wish *wish;

  g_return_if_fail (DESK_IS_STORE (self) && (path != NULL) != (bytes != NULL));
  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, desk_store_stage_file_async);
  wish = g_new0 (Wish, 1);
  wish->path = g_strdup (path);
  wish->bytes = bytes ? g_bytes_ref (bytes) : NULL;
  wish->name = g_strdup (name);
  g_task_set_task_data (task, wish, (GDestroyNotify) wish_free);
  g_task_run_in_thread (task, stage_thread);
}

DeskStagedFile *
desk_store_stage_file_finish (DeskStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

char *
desk_store_staged_path (DeskStore *self, const DeskStagedFile *file)
{
  g_return_val_if_fail (DESK_IS_STORE (self) && file != NULL, NULL);
  return g_build_filename (desk_store_get_dir (self), DESK_STORE_OUTBOX_DIR, file->name, file->filename, NULL);
}
