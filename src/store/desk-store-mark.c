/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/desk-store-private.h"

/* Did the last process that had the cache end in order? A file "in-use" beside it holds one byte as long
 * as somebody has the cache open; each of them holds a shared lock on it. Who gets the exclusive
 * lock is alone, and a byte found then was left behind by a process that was killed or by a
 * machine that lost power. */

struct _DeskStoreMark
{
  int fd;
};

DeskStoreMark *
desk_store_mark_enter (const char *dir, gboolean *out_clean, GError **error)
{
  g_autofree char *path = g_build_filename (dir, "in-use", NULL);
  DeskStoreMark *self;
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  char byte;

  if (fd < 0)
    {
      int saved = errno;

      g_set_error (error, DESK_STORE_ERROR,
                   saved == ENOSPC ? DESK_STORE_ERROR_FULL : DESK_STORE_ERROR_ACCESS,
                   "The cache folder cannot be used: %s", g_strerror (saved));
      return NULL;
    }
  *out_clean = TRUE;
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    {
      *out_clean = pread (fd, &byte, 1, 0) == 0;
      if (pwrite (fd, "1", 1, 0) != 1)
        g_info ("The mark of use cannot be written: %s", g_strerror (errno));
    }
  /* Not one step, but who comes between finds the byte and at worst checks once too often. */
  while (flock (fd, LOCK_SH) != 0 && errno == EINTR)
    ;
  self = g_new0 (DeskStoreMark, 1);
  self->fd = fd;
  return self;
}

void
desk_store_mark_leave (DeskStoreMark *self, gboolean in_order)
{
  if (self == NULL)
    return;
  if (in_order && flock (self->fd, LOCK_EX | LOCK_NB) == 0 && ftruncate (self->fd, 0) != 0)
    g_info ("The mark of use cannot be taken away: %s", g_strerror (errno));
  close (self->fd);
  g_free (self);
}
