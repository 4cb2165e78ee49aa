/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* A message text that a platform has approved for sending when its window for free replies is closed. */

G_BEGIN_DECLS

#define DESK_TEMPLATE_MAX_VARIABLES 32

typedef struct
{
  char *name;
  char *language; /* the platform's tag, "en_US" */
  char *category; /* nullable: the platform's word */
  char *text;     /* never NULL; variables stand as {{1}}, {{2}}, … */
  guint n_variables;
} DeskTemplate;

DeskTemplate *desk_template_new (const char *name, const char *language, const char *text, guint n_variables);
DeskTemplate *desk_template_copy (const DeskTemplate *self);
void desk_template_free (DeskTemplate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTemplate, desk_template_free)

/* The text with its variables put in; those that are missing stay as they stand. Transfer full. */
char *desk_template_fill (const DeskTemplate *self, char *const *variables);

/* What a reply uses of a template. */
typedef struct
{
  char *name;
  char *language;
  char **variables; /* never NULL */
} DeskTemplateUse;

DeskTemplateUse *desk_template_use_new (const char *name, const char *language, char *const *variables);
DeskTemplateUse *desk_template_use_copy (const DeskTemplateUse *self);
void desk_template_use_free (DeskTemplateUse *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskTemplateUse, desk_template_use_free)

G_END_DECLS
