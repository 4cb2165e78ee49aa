/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* The health of the backend's connections, and notices about it: values without rules. */

#include "model/desk-connection-info.h"

#include <string.h>

DeskConnectionInfo *
desk_connection_info_new (void)
{
  return g_new0 (DeskConnectionInfo, 1);
}

void
desk_connection_info_free (DeskConnectionInfo *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->platform);
  g_free (self->title);
  g_free (self->state);
  g_free (self->trouble);
  g_free (self->reason);
  g_free (self->advice);
  g_free (self);
}

gboolean
desk_connection_info_is_failing (const DeskConnectionInfo *self)
{
  g_return_val_if_fail (self != NULL, FALSE);
  return self->state != NULL && strcmp (self->state, "ok") != 0
         && strcmp (self->state, "starting") != 0;
}

DeskNotification *
desk_notification_new (void)
{
  return g_new0 (DeskNotification, 1);
}

void
desk_notification_free (DeskNotification *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->kind);
  g_free (self->title);
  g_free (self->text);
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->connection);
  g_free (self->trouble);
  g_free (self->advice);
  g_free (self);
}
