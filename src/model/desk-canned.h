/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* A reply that the team has ready. Its text may hold {{customer.name}}, {{manager.name}} and {{metadata.KEY}}, which the
 * composer fills in. */

G_BEGIN_DECLS

#define DESK_CANNED_MAX_SHORTCUT 64   /* bytes */
#define DESK_CANNED_MAX_TITLE    256  /* bytes */
#define DESK_CANNED_MAX_TEXT     16384 /* bytes */

typedef struct
{
  char *id;
  char *shortcut; /* what is typed after the slash: one word, unique without regard to case */
  char *title;    /* nullable */
  char *text;
  gint64 rev;
  gint64 updated_at_ms;
} DeskCanned;

DeskCanned *desk_canned_new (const char *id, const char *shortcut, const char *title, const char *text);
DeskCanned *desk_canned_copy (const DeskCanned *self);
void desk_canned_free (DeskCanned *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskCanned, desk_canned_free)

/* 1 to 64 bytes without white space, slashes and control characters. */
gboolean desk_canned_shortcut_is_valid (const char *shortcut);

G_END_DECLS
