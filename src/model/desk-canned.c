/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* A canned reply: a plain value. */

#include "model/desk-canned.h"

#include <string.h>

DeskCanned *
desk_canned_new (const char *id, const char *shortcut, const char *title, const char *text)
{
  DeskCanned *self = g_new0 (DeskCanned, 1);
  self->id = g_strdup (id);
  self->shortcut = g_strdup (shortcut);
  self->title = g_strdup (title);
  self->text = g_strdup (text);
  return self;
}

DeskCanned *
desk_canned_copy (const DeskCanned *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskCanned *copy = desk_canned_new (self->id, self->shortcut, self->title, self->text);
  copy->rev = self->rev;
  copy->updated_at_ms = self->updated_at_ms;
  return copy;
}

void
desk_canned_free (DeskCanned *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->shortcut);
  g_free (self->title);
  g_free (self->text);
  g_free (self);
}

gboolean
desk_canned_shortcut_is_valid (const char *shortcut)
{
  if (shortcut == NULL || shortcut[0] == '\0' || strlen (shortcut) > DESK_CANNED_MAX_SHORTCUT
      || !g_utf8_validate (shortcut, -1, NULL))
    return FALSE;
  for (const char *c = shortcut; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar u = g_utf8_get_char (c);
      if (u == '/' || g_unichar_isspace (u) || g_unichar_iscntrl (u))
        return FALSE;
    }
  return TRUE;
}
