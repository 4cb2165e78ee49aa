/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DESK_FILE_HEAD_BYTES 4096 /* that are looked at */

/**
 * desk_file_guess_type:
 * @filename: (nullable): helps only among types that bytes cannot tell, as documents in a zip
 * @head: the first bytes
 * @len: their number
 *
 * Returns: (transfer full): a MIME type; image, video and audio only if the bytes say so
 */
char *desk_file_guess_type (const char *filename, const guint8 *head, gsize len);

/**
 * desk_file_read_picture_size:
 * @head: the first bytes of a PNG, GIF or JPEG file
 * @len: their number
 *
 * Returns: whether the size is told in them; out parameters are untouched otherwise
 */
gboolean
desk_file_read_picture_size (const guint8 *head, gsize len, gint64 *out_width, gint64 *out_height);

G_END_DECLS
