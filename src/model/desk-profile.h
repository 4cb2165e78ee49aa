/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* What is known of the customer behind a chat: partly told by the platform, partly typed by managers. */

G_BEGIN_DECLS

#define DESK_PROFILE_MAX_NOTE 16384 /* bytes */

typedef struct
{
  char *platform;
  char *user_id;
  char *name;       /* nullable, as all texts: not known */
  char *handle;     /* without @ */
  char *phone;
  char *language;   /* BCP 47 */
  char *avatar;     /* link */
  char *note;       /* typed by managers */
  char *attributes; /* JSON object text, "{}" if none */
  char *products;   /* JSON array text, "[]" if none: of objects, free */
  gint64 updated_at_ms; /* 0 = never */
  gint64 rev;
} DeskProfile;

DeskProfile *desk_profile_new (const char *platform, const char *user_id);
DeskProfile *desk_profile_copy (const DeskProfile *self);
void desk_profile_free (DeskProfile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskProfile, desk_profile_free)

G_END_DECLS
