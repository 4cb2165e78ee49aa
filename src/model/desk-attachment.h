/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One file of a message. fileId, mimeType are spelled so on the wire (level 0), the members follow
 * the C convention. state is "ready", "pending", "failed" or "gone". */
typedef struct
{
  char *file_id;
  char *filename;
  char *mime_type;
  gint64 size; /* bytes; -1 unknown */
  char *url;   /* nullable; signed and short-lived */
  gint64 width, height; /* pixels; 0 unknown */
  gint64 duration_ms;   /* 0 unknown */
  char *sha256;         /* nullable, 64 lower-case hex digits */
  char *state;          /* nullable at level 0 */
  char *external_id;    /* nullable */
} DeskAttachment;

DeskAttachment *desk_attachment_new (const char *file_id);
DeskAttachment *desk_attachment_copy (const DeskAttachment *self);
void desk_attachment_free (DeskAttachment *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskAttachment, desk_attachment_free)

G_END_DECLS
