/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* Templates and their use: plain values. */

#include "model/desk-template.h"

#include <string.h>

DeskTemplate *
desk_template_new (const char *name, const char *language, const char *text, guint n_variables)
{
  g_return_val_if_fail (name != NULL && language != NULL, NULL);
  DeskTemplate *self = g_new0 (DeskTemplate, 1);
  self->name = g_strdup (name);
  self->language = g_strdup (language);
  self->text = g_strdup (text != NULL ? text : "");
  self->n_variables = n_variables;
  return self;
}

DeskTemplate *
desk_template_copy (const DeskTemplate *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  DeskTemplate *copy
      = desk_template_new (self->name, self->language, self->text, self->n_variables);
  copy->category = g_strdup (self->category);
  return copy;
}

void
desk_template_free (DeskTemplate *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->language);
  g_free (self->category);
  g_free (self->text);
  g_free (self);
}

/* The number of "{{N}}" at the beginning of text, and its length; 0 if it is none. */
static guint
read_mark (const char *text, gsize *out_len)
{
  if (!g_str_has_prefix (text, "{{"))
    return 0;
  gsize digits = strspn (text + 2, "0123456789");
  if (digits == 0 || digits > 3 || !g_str_has_prefix (text + 2 + digits, "}}"))
    return 0;
  *out_len = digits + 4;
  return (guint)g_ascii_strtoull (text + 2, NULL, 10);
}

char *
desk_template_fill (const DeskTemplate *self, char *const *variables)
{
  g_return_val_if_fail (self != NULL, NULL);
  GString *text = g_string_new (NULL);
  guint n = variables != NULL ? g_strv_length ((char **)variables) : 0;
  for (const char *c = self->text; *c != '\0';)
    {
      gsize len = 1;
      guint number = read_mark (c, &len);
      if (number >= 1 && number <= n)
        g_string_append (text, variables[number - 1]);
      else
        g_string_append_len (text, c, (gssize)len);
      c += len;
    }
  return g_string_free (text, FALSE);
}

DeskTemplateUse *
desk_template_use_new (const char *name, const char *language, char *const *variables)
{
  DeskTemplateUse *self = g_new0 (DeskTemplateUse, 1);
  self->name = g_strdup (name);
  self->language = g_strdup (language);
  self->variables = variables != NULL ? g_strdupv ((char **)variables) : g_new0 (char *, 1);
  return self;
}

DeskTemplateUse *
desk_template_use_copy (const DeskTemplateUse *self)
{
  return self != NULL ? desk_template_use_new (self->name, self->language, self->variables) : NULL;
}

void
desk_template_use_free (DeskTemplateUse *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->language);
  g_strfreev (self->variables);
  g_free (self);
}
