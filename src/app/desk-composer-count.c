/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-app"

#include "config.h"

/* How long a reply may be, in the platform's own unit. */

#include "app/desk-composer.h"

#include "common/desk-text.h"

gboolean
desk_composer_fits (const DeskPlatform *platform, const char *text, int *out_used, int *out_left)
{
  DeskTextUnit unit = platform != NULL ? platform->text_unit : DESK_TEXT_CHARS;
  gsize used = desk_text_length (text, unit);
  gint64 left = platform != NULL && platform->text_limit > 0
                    ? (gint64)platform->text_limit - (gint64)used
                    : G_MAXINT;

  *out_used = (int)MIN (used, G_MAXINT);
  *out_left = (int)CLAMP (left, -G_MAXINT, G_MAXINT);
  return left >= 0;
}
