/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "common/desk-text.h"

/* What a messaging platform can do. Everything above the connectors asks these traits and never
 * a platform's name (PLATFORMS facts are written down in the connectors alone). */

G_BEGIN_DECLS

typedef struct
{
  char *name;  /* "telegram", … the {p} of the wire */
  char *title; /* for people: "Telegram" */
  guint text_limit; /* in text_unit; always > 0 */
  DeskTextUnit text_unit;
  gint64 attachment_limit; /* bytes; 0 = no attachments */
  guint window_hours;      /* free replies end so long after the customer's last message; 0 = never */
  char **statuses;         /* which of sent, delivered, read the platform ever reports */
  gboolean can_edit;
  gboolean can_delete;
  gboolean can_react;
  gboolean can_reply;
} DeskPlatform;

DeskPlatform *desk_platform_new (const char *name, const char *title);
DeskPlatform *desk_platform_copy (const DeskPlatform *self);
void desk_platform_free (DeskPlatform *self);
gboolean desk_platform_reports_status (const DeskPlatform *self, const char *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskPlatform, desk_platform_free)

G_END_DECLS
