/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* A new group at the end of the configuration.
 * Invariants: what stood in the file stays byte for byte; the new file is complete, valid and on
 * the disk before it takes the place of the old one, with its owner and mode. */

#include "server/main/desk-config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file itself where path is a link to it. */
static char *
resolve (const char *path)
{
  char *real = realpath (path, NULL);
  char *copy = g_strdup (real != NULL ? real : path);

  free (real);
  return copy;
}

static char *
compose (const char *old, gsize old_len, const char *name, const char *const *entries)
{
  GString *text = g_string_new_len (old, (gssize)old_len);

  if (text->len > 0 && text->str[text->len - 1] != '\n')
    g_string_append_c (text, '\n');
  if (text->len > 0)
    g_string_append_c (text, '\n');
  g_string_append_printf (text, "[%s]\n", name);
  for (gsize i = 0; entries[i] != NULL; i += 2)
    g_string_append_printf (text, "%s=%s\n", entries[i], entries[i + 1]);
  return g_string_free (text, FALSE);
}

static gboolean
set_errno (GError **error, const char *path)
{
  const int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), "%s: %s", path,
               g_strerror (code));
  return FALSE;
}

static gboolean
write_beside (const char *temporary, const GStatBuf *old, const char *text, GError **error)
{
  const gsize len = strlen (text);
  const int fd = open (temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  gsize done = 0;

  if (fd < 0)
    return set_errno (error, temporary);
  while (done < len)
    {
      const gssize n = write (fd, text + done, len - done);
      if (n < 0 && errno != EINTR)
        break;
      done += n > 0 ? (gsize)n : 0;
    }
  /* a file of somebody else's keeps its owner where that is permitted */
  const gboolean ok = done == len
                      && (old == NULL
                          || (fchmod (fd, old->st_mode & 07777) == 0
                              && (fchown (fd, old->st_uid, old->st_gid) == 0 || errno == EPERM)))
                      && fsync (fd) == 0;
  if (!ok)
    set_errno (error, temporary);
  close (fd);
  return ok;
}

static gboolean
sync_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  const int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (!ok)
    set_errno (error, folder);
  if (fd >= 0)
    close (fd);
  return ok;
}

/* The reader names the file that it was given; people know another. */
static void
rename_in_error (GError *error, const char *temporary, const char *path)
{
  if (error == NULL || !g_str_has_prefix (error->message, temporary))
    return;
  char *message = g_strconcat (path, error->message + strlen (temporary), NULL);
  g_free (error->message);
  error->message = message;
}

static gboolean
read_old (const char *path, char **out_text, gsize *out_len, GStatBuf *out_info, GError **error)
{
  *out_text = NULL;
  *out_len = 0;
  if (g_stat (path, out_info) != 0)
    return errno == ENOENT ? TRUE : set_errno (error, path);
  return g_file_get_contents (path, out_text, out_len, error);
}

gboolean
desk_config_append_group (const char *path,
                          const char *name,
                          const char *const *entries,
                          gboolean commit,
                          DeskConfig **out_config,
                          GError **error)
{
  g_return_val_if_fail (path != NULL && name != NULL && entries != NULL, FALSE);
  g_autofree char *real = resolve (path);
  g_autofree char *temporary = g_strdup_printf ("%s.new-%d", real, (int)getpid ());
  g_autofree char *old = NULL;
  GError *local = NULL;
  GStatBuf info;
  gsize len;

  if (!read_old (real, &old, &len, &info, error))
    return FALSE;
  g_autofree char *text = compose (old != NULL ? old : "", len, name, entries);
  gboolean ok = write_beside (temporary, old != NULL ? &info : NULL, text, &local);
  g_autoptr (DeskConfig) config
      = ok ? desk_config_load (temporary, DESK_CONFIG_CHECK, NULL, &local) : NULL;
  rename_in_error (local, temporary, path);
  ok = config != NULL
       && (!commit
           || ((g_rename (temporary, real) == 0 || set_errno (&local, real))
               && sync_folder (real, &local)));
  g_unlink (temporary);
  if (!ok)
    g_propagate_error (error, local);
  else if (out_config != NULL)
    *out_config = g_steal_pointer (&config);
  return ok;
}
