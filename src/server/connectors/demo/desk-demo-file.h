/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * desk_demo_file_make:
 * @mime_type: image/png, audio/x-wav or application/pdf
 * @name: of the file; its picture or sound depends on it alone
 * @width: pixels of a picture
 * @height: pixels of a picture
 * @duration_ms: of a sound
 *
 * Returns: (transfer full) (nullable): the bytes of a small file, %NULL for any other type
 */
GBytes *desk_demo_file_make (
    const char *mime_type, const char *name, gint64 width, gint64 height, gint64 duration_ms);

G_END_DECLS
