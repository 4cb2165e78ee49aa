/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* One file of a message: a plain value. Every setter is the owner's assignment; strings are owned.
 * Invariants: file_id, filename and mime_type are never NULL. */

#include "model/desk-attachment.h"

DeskAttachment *
desk_attachment_new (const char *file_id)
{
  DeskAttachment *self = g_new0 (DeskAttachment, 1);
  self->file_id = g_strdup (file_id != NULL ? file_id : "");
  self->filename = g_strdup ("");
  self->mime_type = g_strdup ("");
  self->size = -1;
  return self;
}

DeskAttachment *
desk_attachment_copy (const DeskAttachment *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskAttachment *copy = g_new (DeskAttachment, 1);
  *copy = *self;
  copy->file_id = g_strdup (self->file_id);
  copy->filename = g_strdup (self->filename);
  copy->mime_type = g_strdup (self->mime_type);
  copy->url = g_strdup (self->url);
  copy->sha256 = g_strdup (self->sha256);
  copy->state = g_strdup (self->state);
  copy->external_id = g_strdup (self->external_id);
  return copy;
}

void
desk_attachment_free (DeskAttachment *self)
{
  if (self == NULL)
    return;
  g_free (self->file_id);
  g_free (self->filename);
  g_free (self->mime_type);
  g_free (self->url);
  g_free (self->sha256);
  g_free (self->state);
  g_free (self->external_id);
  g_free (self);
}
