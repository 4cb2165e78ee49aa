/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* A customer's profile: a plain value. */

#include "model/desk-profile.h"

DeskProfile *
desk_profile_new (const char *platform, const char *user_id)
{
  g_return_val_if_fail (platform != NULL && user_id != NULL, NULL);
  DeskProfile *self = g_new0 (DeskProfile, 1);
  self->platform = g_strdup (platform);
  self->user_id = g_strdup (user_id);
  self->attributes = g_strdup ("{}");
  self->products = g_strdup ("[]");
  return self;
}

DeskProfile *
desk_profile_copy (const DeskProfile *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskProfile *copy = g_new (DeskProfile, 1);
  *copy = *self;
  copy->platform = g_strdup (self->platform);
  copy->user_id = g_strdup (self->user_id);
  copy->name = g_strdup (self->name);
  copy->handle = g_strdup (self->handle);
  copy->phone = g_strdup (self->phone);
  copy->language = g_strdup (self->language);
  copy->avatar = g_strdup (self->avatar);
  copy->note = g_strdup (self->note);
  copy->attributes = g_strdup (self->attributes);
  copy->products = g_strdup (self->products);
  return copy;
}

void
desk_profile_free (DeskProfile *self)
{
  if (self == NULL)
    return;
  g_free (self->platform);
  g_free (self->user_id);
  g_free (self->name);
  g_free (self->handle);
  g_free (self->phone);
  g_free (self->language);
  g_free (self->avatar);
  g_free (self->note);
  g_free (self->attributes);
  g_free (self->products);
  g_free (self);
}
