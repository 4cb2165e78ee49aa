/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * desk_picture_load_async:
 * @path: of a picture file
 * @side: device pixels; the picture is made smaller until neither side is longer. It is never made greater
 *
 * Decodes a picture on a thread, upright, of animations the first frame. What was loaded lately comes at once from a
 * small memory. Errors: those of GdkPixbuf and GFile, G_IO_ERROR_INVALID_DATA (absurd size), _CANCELLED.
 * Main thread.
 */
void desk_picture_load_async (const char *path, int side, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GdkTexture *desk_picture_load_finish (GAsyncResult *result, GError **error);

G_END_DECLS
