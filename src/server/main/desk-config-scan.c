/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* Splits a key file into groups and keys.
 * Invariants: every entry knows its line; a group and a key of a group stand there once; values are
 * what stands between "=" and the end of the line, without the blanks around it: nothing is
 * unescaped, so a path or a URL means what it says. */

#include "server/main/desk-config-scan.h"

#include <string.h>

#include "server/main/desk-config.h"

static void
entry_free (gpointer data)
{
  DeskConfigEntry *self = data;

  g_free (self->key);
  g_free (self->value);
  g_free (self);
}

static void
group_free (gpointer data)
{
  DeskConfigGroup *self = data;

  g_free (self->name);
  g_ptr_array_unref (self->entries);
  g_free (self);
}

void
desk_config_set_error (GError **error, const char *path, guint line, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, DESK_CONFIG_ERROR, DESK_CONFIG_ERROR_INVALID, "%s:%u: %s", path, line, reason);
}

const DeskConfigEntry *
desk_config_group_find (const DeskConfigGroup *group, const char *key)
{
  for (guint i = 0; group != NULL && i < group->entries->len; i++)
    {
      const DeskConfigEntry *entry = g_ptr_array_index (group->entries, i);
      if (strcmp (entry->key, key) == 0)
        return entry;
    }
  return NULL;
}

/* One blank between words and none around: "[connection  a]" is "[connection a]". */
static char *
join_words (const char *text)
{
  GString *out = g_string_new (NULL);

  for (; *text != '\0'; text++)
    {
      const gboolean blank = g_ascii_isspace (*text);
      if (!blank)
        g_string_append_c (out, *text);
      else if (out->len > 0 && out->str[out->len - 1] != ' ')
        g_string_append_c (out, ' ');
    }
  if (out->len > 0 && out->str[out->len - 1] == ' ')
    g_string_truncate (out, out->len - 1);
  return g_string_free (out, FALSE);
}

static gboolean
begin_group (GPtrArray *groups, const char *path, guint number, const char *line, GError **error)
{
  const gsize len = strlen (line);

  if (len < 3 || line[len - 1] != ']')
    {
      desk_config_set_error (error, path, number, "a group is written as [NAME]");
      return FALSE;
    }
  g_autofree char *inside = g_strndup (line + 1, len - 2);
  g_autofree char *name = join_words (inside);
  for (guint i = 0; i < groups->len; i++)
    {
      const DeskConfigGroup *other = g_ptr_array_index (groups, i);
      if (strcmp (other->name, name) == 0)
        {
          desk_config_set_error (error, path, number, "group [%s] stands twice, first in line %u",
                                 name, other->line);
          return FALSE;
        }
    }
  DeskConfigGroup *group = g_new0 (DeskConfigGroup, 1);
  group->name = g_steal_pointer (&name);
  group->line = number;
  group->entries = g_ptr_array_new_with_free_func (entry_free);
  g_ptr_array_add (groups, group);
  return TRUE;
}

static gboolean
add_entry (GPtrArray *groups, const char *path, guint number, const char *line, GError **error)
{
  const char *equals = strchr (line, '=');

  if (equals == NULL || equals == line)
    {
      desk_config_set_error (error, path, number, "expected [GROUP] or KEY=VALUE");
      return FALSE;
    }
  g_autofree char *key = g_strstrip (g_strndup (line, (gsize)(equals - line)));
  if (groups->len == 0)
    {
      desk_config_set_error (error, path, number, "key “%s” stands before the first [GROUP]", key);
      return FALSE;
    }
  DeskConfigGroup *group = g_ptr_array_index (groups, groups->len - 1);
  const DeskConfigEntry *other = desk_config_group_find (group, key);
  if (other != NULL)
    {
      desk_config_set_error (error, path, number, "key “%s” stands twice, first in line %u", key,
                             other->line);
      return FALSE;
    }
  DeskConfigEntry *entry = g_new0 (DeskConfigEntry, 1);
  entry->key = g_steal_pointer (&key);
  entry->value = g_strstrip (g_strdup (equals + 1));
  entry->line = number;
  g_ptr_array_add (group->entries, entry);
  return TRUE;
}

GPtrArray *
desk_config_scan (const char *path, const char *text, gsize len, GError **error)
{
  g_autoptr (GPtrArray) groups = g_ptr_array_new_with_free_func (group_free);
  const char *end = text + len;
  guint number = 0;

  while (text < end)
    {
      const char *newline = memchr (text, '\n', (gsize)(end - text));
      const gsize n = (gsize)((newline != NULL ? newline : end) - text);
      gboolean ok = TRUE;

      number++;
      if (memchr (text, '\0', n) != NULL || !g_utf8_validate (text, (gssize)n, NULL))
        {
          desk_config_set_error (error, path, number, "the line is not UTF-8 text");
          return NULL;
        }
      g_autofree char *line = g_strstrip (g_strndup (text, n));
      if (*line == '[')
        ok = begin_group (groups, path, number, line, error);
      else if (*line != '\0' && *line != '#')
        ok = add_entry (groups, path, number, line, error);
      if (!ok)
        return NULL;
      text += n + 1;
    }
  return g_steal_pointer (&groups);
}
