/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* Starting at login, by the Desktop Application Autostart Specification. */

#include "app/desk-autostart.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#define ENTRY                                                                                      \
  "[Desktop Entry]\nType=Application\nName=Frontdesk\nIcon=" APPLICATION_ID                        \
  "\nExec=frontdesk --background\nX-GNOME-UsesNotifications=true\nNoDisplay=true\n"

gboolean
desk_autostart_set (gboolean wanted, GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_config_dir (), "autostart", NULL);
  g_autofree char *path = g_build_filename (folder, APPLICATION_ID ".desktop", NULL);
  if (wanted)
    {
      g_mkdir_with_parents (folder, 0700);
      return g_file_set_contents (path, ENTRY, -1, error);
    }
  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", path,
               g_strerror (errno));
  return FALSE;
}
