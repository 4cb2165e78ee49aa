/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* The groups and keys of the configuration.
 * Invariants: nothing is ignored: a key that is not read is an error; no message holds a secret or
 * what might be one. */

#include "server/main/desk-config.h"

#include <errno.h>
#include <string.h>

#include "server/main/desk-config-private.h"
#include "server/main/desk-config-scan.h"

G_DEFINE_QUARK (desk-config-error-quark, desk_config_error)

#define MAX_FILE (1024 * 1024)

DeskConfig *
desk_config_new (void)
{
  DeskConfig *self = g_new0 (DeskConfig, 1);

  self->address = g_strdup ("127.0.0.1");
  self->port = 8080;
  self->data = g_strdup ("/var/lib/frontdesk");
  self->connections = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_connection_free);
  self->retention.messages_per_chat = 100;
  self->retention.days = 30;
  self->retention.keep_at_least = 20;
  self->retention.cleanup_minute = 3 * 60;
  self->retention.events_days = 30;
  self->requests_per_minute = 1000;
  self->sign_ins_per_minute = 60;
  self->timeout_s = 30;
  desk_config_users_init (&self->users);
  return self;
}

void
desk_config_free (DeskConfig *self)
{
  if (self == NULL)
    return;
  g_free (self->address);
  g_free (self->data);
  g_free (self->public_url);
  g_ptr_array_unref (self->connections);
  desk_config_users_clear (&self->users);
  g_free (self);
}

gboolean
desk_config_parse_listen (const char *text, char **out_address, guint16 *out_port)
{
  const char *colon = strrchr (text, ':');
  guint64 port;

  if (colon == NULL || !g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &port, NULL))
    return FALSE;
  g_autofree char *address = g_strndup (text, (gsize)(colon - text));
  const gsize len = strlen (address);
  if (len > 2 && address[0] == '[' && address[len - 1] == ']')
    {
      memmove (address, address + 1, len - 2);
      address[len - 2] = '\0';
    }
  else if (strchr (address, ':') != NULL)
    return FALSE; /* where the port begins would be a guess */
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_string (address);
  if (inet == NULL)
    return FALSE;
  *out_address = g_steal_pointer (&address);
  *out_port = (guint16)port;
  return TRUE;
}

/* ── Values ─────────────────────────────────────────────────────────────────────────────────── */
/* TRUE if value is the address of a web server: http(s)://HOST, no query. */
gboolean
desk_config_is_base_url (const char *value)
{
  g_autoptr (GUri) uri = g_uri_parse (value, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0'
         && g_uri_get_query (uri) == NULL && g_uri_get_fragment (uri) == NULL
         && g_uri_get_userinfo (uri) == NULL
         && (strcmp (g_uri_get_scheme (uri), "http") == 0
             || strcmp (g_uri_get_scheme (uri), "https") == 0);
}

char *
desk_config_dup_url (const char *value)
{
  gsize len = strlen (value);

  while (len > 0 && value[len - 1] == '/')
    len--;
  return g_strndup (value, len);
}

gboolean
desk_config_read_number (const char *path,
                         const DeskConfigEntry *entry,
                         guint64 min,
                         guint64 max,
                         guint *out,
                         GError **error)
{
  guint64 value;

  if (g_ascii_string_to_unsigned (entry->value, 10, min, max, &value, NULL))
    {
      *out = (guint)value;
      return TRUE;
    }
  desk_config_set_error (error, path, entry->line,
                         "“%s” must be a whole number from %" G_GUINT64_FORMAT
                         " to %" G_GUINT64_FORMAT,
                         entry->key, min, max);
  return FALSE;
}

static gboolean
read_time_of_day (const char *path, const DeskConfigEntry *entry, guint *out, GError **error)
{
  const char *v = entry->value;

  if (strlen (v) == 5 && g_ascii_isdigit (v[0]) && g_ascii_isdigit (v[1]) && v[2] == ':'
      && g_ascii_isdigit (v[3]) && g_ascii_isdigit (v[4]))
    {
      const guint hour = (guint)(v[0] - '0') * 10 + (guint)(v[1] - '0');
      const guint minute = (guint)(v[3] - '0') * 10 + (guint)(v[4] - '0');
      if (hour < 24 && minute < 60)
        {
          *out = hour * 60 + minute;
          return TRUE;
        }
    }
  desk_config_set_error (error, path, entry->line, "“%s” must be a time of the day as HH:MM",
                         entry->key);
  return FALSE;
}

static gboolean
unknown_key (const char *path, const char *group, const DeskConfigEntry *entry, GError **error)
{
  desk_config_set_error (error, path, entry->line, "unknown key “%s” in [%s]", entry->key, group);
  return FALSE;
}

/* ── Groups ─────────────────────────────────────────────────────────────────────────────────── */
static gboolean
read_server (DeskConfig *self, const char *path, const DeskConfigEntry *entry, GError **error)
{
  if (strcmp (entry->key, "listen") == 0)
    {
      g_autofree char *address = NULL;
      if (!desk_config_parse_listen (entry->value, &address, &self->port))
        {
          desk_config_set_error (error, path, entry->line,
                                 "“listen” must be an IP address and a port, as 127.0.0.1:8080");
          return FALSE;
        }
      g_free (self->address);
      self->address = g_steal_pointer (&address);
    }
  else if (strcmp (entry->key, "data") == 0)
    {
      if (!g_path_is_absolute (entry->value))
        {
          desk_config_set_error (error, path, entry->line, "“data” must be an absolute path");
          return FALSE;
        }
      g_free (self->data);
      self->data = g_strdup (entry->value);
    }
  else if (strcmp (entry->key, "public_url") == 0)
    {
      if (!desk_config_is_base_url (entry->value))
        {
          desk_config_set_error (error, path, entry->line,
                                 "“public_url” must be an http or https address without a query");
          return FALSE;
        }
      g_free (self->public_url);
      self->public_url = desk_config_dup_url (entry->value);
    }
  else
    return unknown_key (path, "server", entry, error);
  return TRUE;
}

static gboolean
read_retention (DeskConfig *self, const char *path, const DeskConfigEntry *entry, GError **error)
{
  DeskRetention *retention = &self->retention;

  if (strcmp (entry->key, "messages_per_chat") == 0)
    return desk_config_read_number (path, entry, 0, 1000000000, &retention->messages_per_chat, error);
  if (strcmp (entry->key, "days") == 0)
    return desk_config_read_number (path, entry, 0, 36500, &retention->days, error);
  if (strcmp (entry->key, "keep_at_least") == 0)
    return desk_config_read_number (path, entry, 0, 1000000000, &retention->keep_at_least, error);
  if (strcmp (entry->key, "events_days") == 0)
    return desk_config_read_number (path, entry, 1, 36500, &retention->events_days, error);
  if (strcmp (entry->key, "cleanup_at") == 0)
    return read_time_of_day (path, entry, &retention->cleanup_minute, error);
  return unknown_key (path, "retention", entry, error);
}

static gboolean
read_limits (DeskConfig *self, const char *path, const DeskConfigEntry *entry, GError **error)
{
  if (strcmp (entry->key, "requests_per_minute") == 0)
    return desk_config_read_number (path, entry, 0, 60000000, &self->requests_per_minute, error);
  if (strcmp (entry->key, "sign_ins_per_minute") == 0)
    return desk_config_read_number (path, entry, 0, 60000000, &self->sign_ins_per_minute, error);
  if (strcmp (entry->key, "timeout_s") == 0)
    return desk_config_read_number (path, entry, 1, 3600, &self->timeout_s, error);
  return unknown_key (path, "limits", entry, error);
}

typedef gboolean (*EntryReader) (DeskConfig *, const char *, const DeskConfigEntry *, GError **);

static EntryReader
find_reader (const char *group)
{
  if (strcmp (group, "server") == 0)
    return read_server;
  if (strcmp (group, "retention") == 0)
    return read_retention;
  return strcmp (group, "limits") == 0 ? read_limits : NULL;
}

static gboolean
read_group (DeskConfig *self, const DeskConfigContext *context, const DeskConfigGroup *group, GError **error)
{
  EntryReader reader = find_reader (group->name);

  if (reader == NULL && g_str_has_prefix (group->name, "connection "))
    return desk_config_read_connection (self, context, group, error);
  if (reader == NULL && strcmp (group->name, "user_service") == 0)
    return desk_config_read_users (self, context, group, error);
  if (reader == NULL)
    {
      desk_config_set_error (error, context->path, group->line, "unknown group [%s]", group->name);
      return FALSE;
    }
  for (guint i = 0; i < group->entries->len; i++)
    if (!reader (self, context->path, g_ptr_array_index (group->entries, i), error))
      return FALSE;
  return TRUE;
}

/* ── The file ───────────────────────────────────────────────────────────────────────────────── */
static gboolean
read_file (const char *path, char **out_text, gsize *out_len, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (g_file_get_contents (path, out_text, out_len, &local) && *out_len <= MAX_FILE)
    return TRUE;
  g_clear_pointer (out_text, g_free);
  g_set_error (error, DESK_CONFIG_ERROR, DESK_CONFIG_ERROR_UNREADABLE, "%s: %s", path,
               local != NULL ? local->message : "the file is larger than 1 MiB");
  return FALSE;
}

DeskConfig *
desk_config_load (const char *path, DeskConfigMode mode, GString *notes, GError **error)
{
  g_autoptr (DeskConfig) self = desk_config_new ();
  g_autofree char *text = NULL;
  gsize len = 0;

  if (!read_file (path, &text, &len, error))
    return NULL;
  g_autoptr (GPtrArray) groups = desk_config_scan (path, text, len, error);
  if (groups == NULL)
    return NULL;

  const DeskConfigContext context = { .path = path, .mode = mode, .notes = notes, .groups = groups };
  for (guint i = 0; i < groups->len; i++)
    if (!read_group (self, &context, g_ptr_array_index (groups, i), error))
      return NULL;
  if (!desk_config_check_connections (self, &context, error))
    return NULL;
  return g_steal_pointer (&self);
}
