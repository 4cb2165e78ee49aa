/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "api/desk-api-transfer.h"

/* A form (multipart/form-data) as a stream: text fields from memory, files from the disk. Reading it blocks, so it
 * is read by GIO's threads. */

G_BEGIN_DECLS

#define DESK_TYPE_FORM (desk_form_get_type ())
G_DECLARE_FINAL_TYPE (DeskForm, desk_form, DESK, FORM, GInputStream)

/* parts: of DeskUploadPart. NULL with error if a file is not there or has changed its size. */
GInputStream *desk_form_new (const DeskSendRequest *fields, GPtrArray *parts, GError **error);
gint64 desk_form_get_size (DeskForm *self); /* bytes in all */
const char *desk_form_get_boundary (DeskForm *self);

G_END_DECLS
