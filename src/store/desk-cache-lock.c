/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-store"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib-unix.h>

#include "store/desk-cache-lock.h"
#include "store/desk-store.h"

/* Who runs the engine of a cache. The lock is flock() on the file "lock": the kernel gives it up with the
 * process, however that ends. The datagram socket "socket" is made by the holder alone, so one
 * that is found while taking the lock is a dead holder's and is replaced.
 *
 * The path of a socket address has 108 bytes, a folder's may have more: the folder is opened and the
 * address goes through /proc/self/fd. */

#define MAX_NUDGE 32 /* bytes */

struct _DeskCacheLock
{
  int dir_fd;
  int lock_fd;
  int socket_fd;
  GSource *source;
  DeskCacheNudge nudge;
  gpointer data;
};

static gboolean
fail (GError **error, const char *what)
{
  int saved = errno;

  g_set_error (error, DESK_STORE_ERROR, DESK_STORE_ERROR_ACCESS, "%s: %s", what, g_strerror (saved));
  return FALSE;
}

static void
make_address (int dir_fd, struct sockaddr_un *address)
{
  memset (address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  g_snprintf (address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/socket", dir_fd);
}

static gboolean
receive (int fd, GIOCondition condition, gpointer data)
{
  DeskCacheLock *self = data;
  static const char *const words[] = { "outbox", "settle", "present", "stop", NULL };
  char text[MAX_NUDGE + 1];
  ssize_t len = recv (fd, text, sizeof text, MSG_DONTWAIT);

  if (len <= 0 || len > MAX_NUDGE)
    return G_SOURCE_CONTINUE; /* no word of ours */
  text[len] = '\0';
  if (g_strv_contains (words, text))
    self->nudge (text, self->data);
  else
    g_info ("An unknown nudge is ignored");
  return G_SOURCE_CONTINUE;
}

static gboolean
open_socket (DeskCacheLock *self, GError **error)
{
  struct sockaddr_un address;

  if (unlinkat (self->dir_fd, "socket", 0) != 0 && errno != ENOENT)
    return fail (error, "The old socket of the cache cannot be removed");
  self->socket_fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self->socket_fd < 0)
    return fail (error, "There is no socket for the cache");
  make_address (self->dir_fd, &address);
  if (bind (self->socket_fd, (struct sockaddr *) &address, sizeof address) != 0)
    return fail (error, "The socket of the cache cannot be made");
  if (fchmodat (self->dir_fd, "socket", 0600, 0) != 0)
    return fail (error, "The socket of the cache cannot be protected");
  self->source = g_unix_fd_source_new (self->socket_fd, G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (receive), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return TRUE;
}

DeskCacheLock *
desk_cache_lock_acquire (const char *dir, DeskCacheNudge nudge, gpointer data, GError **error)
{
  g_autoptr (DeskCacheLock) self = NULL;

  g_return_val_if_fail (dir != NULL && nudge != NULL, NULL);
  self = g_new0 (DeskCacheLock, 1);
  self->lock_fd = self->socket_fd = -1;
  self->nudge = nudge;
  self->data = data;
  if (g_mkdir_with_parents (dir, 0700) != 0)
    {
      self->dir_fd = -1;
      fail (error, "The cache folder cannot be made");
      return NULL;
    }
  self->dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->dir_fd < 0)
    {
      fail (error, "The cache folder cannot be opened");
      return NULL;
    }
  self->lock_fd = openat (self->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock_fd < 0)
    {
      fail (error, "The lock of the cache cannot be made");
      return NULL;
    }
  if (flock (self->lock_fd, LOCK_EX | LOCK_NB) != 0)
    {
      if (errno != EWOULDBLOCK)
        fail (error, "The cache cannot be locked");
      return NULL;
    }
  if (!open_socket (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
desk_cache_lock_release (DeskCacheLock *self)
{
  if (self == NULL)
    return;
  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_source_unref (self->source);
    }
  if (self->socket_fd >= 0)
    {
      unlinkat (self->dir_fd, "socket", 0); /* before the lock goes: the next holder makes its own */
      close (self->socket_fd);
    }
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  g_free (self);
}

gboolean
desk_cache_nudge (const char *dir, const char *what)
{
  struct sockaddr_un address;
  int dir_fd, fd;
  gboolean sent = FALSE;

  g_return_val_if_fail (dir != NULL && what != NULL && strlen (what) <= MAX_NUDGE, FALSE);
  dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0)
    return FALSE;
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0)
    {
      make_address (dir_fd, &address);
      sent = sendto (fd, what, strlen (what), 0, (struct sockaddr *) &address, sizeof address)
             == (ssize_t) strlen (what);
      /* A full queue means that somebody is there, has been nudged and did not look yet. */
      sent = sent || errno == EAGAIN;
      close (fd);
    }
  close (dir_fd);
  return sent;
}
