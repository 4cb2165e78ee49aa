/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store-sqlite"

#include "config.h"

/* The daemon's lock on its data folder, and the epoch file beside the database. */

#include "server/store/sqlite/desk-store-sqlite-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "model/desk-cursor.h"

struct _DeskServerLock
{
  int fd;
};

DeskServerLock *
desk_server_lock_acquire (const char *dir, GError **error)
{
  g_return_val_if_fail (dir != NULL, NULL);
  g_autofree char *path = g_build_filename (dir, "frontdeskd.lock", NULL);
  int fd = -1;
  if (g_mkdir_with_parents (dir, 0700) == 0)
    fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    {
      g_set_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_NOT_WRITABLE,
                   "The data folder %s cannot be written: %s", dir, g_strerror (errno));
      return NULL;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      int code = errno;
      close (fd);
      g_set_error (error, DESK_SERVER_STORE_ERROR, DESK_SERVER_STORE_ERROR_LOCKED,
                   code == EWOULDBLOCK ? "Another frontdeskd already works in %s"
                                       : "The data folder %s cannot be locked",
                   dir);
      return NULL;
    }
  DeskServerLock *self = g_new0 (DeskServerLock, 1);
  self->fd = fd;
  return self;
}

void
desk_server_lock_release (DeskServerLock *self)
{
  if (self == NULL)
    return;
  close (self->fd);
  g_free (self);
}

gboolean
desk_epoch_file_read (const char *path, char **out_epoch, gint64 *out_head)
{
  g_autofree char *name = g_strconcat (path, ".epoch", NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (name, &text, NULL, NULL))
    return FALSE;
  g_strdelimit (text, "\n", '\0');
  g_auto (GStrv) parts = g_strsplit (text, " ", 3);
  gint64 head;
  if (g_strv_length (parts) < 2 || !desk_cursor_epoch_is_valid (parts[0])
      || !g_ascii_string_to_signed (parts[1], 10, 0, G_MAXINT64, &head, NULL))
    return FALSE;
  *out_epoch = g_strdup (parts[0]);
  *out_head = head;
  return TRUE;
}

int
desk_epoch_file_open (const char *path)
{
  g_autofree char *name = g_strconcat (path, ".epoch", NULL);
  return open (name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Written after each commit and never synced: after a power cut the file may know less than the
 * database, which is harmless, and never more. One pwrite of fixed length cannot be seen half done
 * by a reader of this process's successor. */
void
desk_epoch_file_write (int fd, const char *epoch, gint64 head)
{
  char line[80];
  int len = g_snprintf (line, sizeof line, "%s %020" G_GINT64_FORMAT "\n", epoch, head);
  if (fd >= 0 && pwrite (fd, line, (gsize)len, 0) != len)
    g_debug ("the epoch file was not written: %s", g_strerror (errno));
}
