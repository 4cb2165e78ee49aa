/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* What a messaging platform can do: a plain value.
 * Invariants: text_limit > 0; statuses is never NULL. */

#include "model/desk-platform.h"

#define DEFAULT_TEXT_LIMIT 4096

DeskPlatform *
desk_platform_new (const char *name, const char *title)
{
  g_return_val_if_fail (name != NULL, NULL);
  DeskPlatform *self = g_new0 (DeskPlatform, 1);
  self->name = g_strdup (name);
  self->title = g_strdup (title != NULL ? title : name);
  self->text_limit = DEFAULT_TEXT_LIMIT;
  self->statuses = g_new0 (char *, 1);
  return self;
}

DeskPlatform *
desk_platform_copy (const DeskPlatform *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskPlatform *copy = g_new (DeskPlatform, 1);
  *copy = *self;
  copy->name = g_strdup (self->name);
  copy->title = g_strdup (self->title);
  copy->statuses = self->statuses != NULL ? g_strdupv (self->statuses) : g_new0 (char *, 1);
  return copy;
}

void
desk_platform_free (DeskPlatform *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->title);
  g_strfreev (self->statuses);
  g_free (self);
}

gboolean
desk_platform_reports_status (const DeskPlatform *self, const char *status)
{
  g_return_val_if_fail (self != NULL && status != NULL, FALSE);
  return self->statuses != NULL && g_strv_contains ((const char *const *)self->statuses, status);
}
