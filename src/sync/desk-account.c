/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-sync"

#include "config.h"

#include "sync/desk-account.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "sync/desk-account-private.h"

/* The list of accounts is a key file: a group "account N" for each, the last used first. A copy of an account stands in its cache folder, so that --cache DIR says whose it is. */

#define MAX_ACCOUNTS 100
#define FILE_NAME "account.ini"

G_DEFINE_QUARK (desk-account-error-quark, desk_account_error)

DeskAccount *
desk_account_copy (const DeskAccount *self)
{
  DeskAccount *copy = g_new0 (DeskAccount, 1);

  copy->server_url = g_strdup (self->server_url);
  copy->username = g_strdup (self->username);
  copy->display_name = g_strdup (self->display_name);
  copy->cache_dir = g_strdup (self->cache_dir);
  return copy;
}

void
desk_account_free (DeskAccount *self)
{
  if (self == NULL)
    return;
  g_free (self->server_url);
  g_free (self->username);
  g_free (self->display_name);
  g_free (self->cache_dir);
  g_free (self);
}

static char *
list_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "frontdesk", "accounts.ini", NULL);
}

static DeskAccount *
read_group (GKeyFile *file, const char *group, const char *cache_dir)
{
  g_autoptr (DeskAccount) account = g_new0 (DeskAccount, 1);

  account->server_url = g_key_file_get_string (file, group, "server", NULL);
  account->username = g_key_file_get_string (file, group, "username", NULL);
  account->display_name = g_key_file_get_string (file, group, "display_name", NULL);
  account->cache_dir = g_strdup (cache_dir);
  if (account->server_url == NULL || *account->server_url == '\0')
    return NULL;
  if (account->username == NULL)
    account->username = g_strdup ("");
  if (account->display_name == NULL)
    account->display_name = g_strdup (account->username);
  return g_steal_pointer (&account);
}

static void
write_group (GKeyFile *file, const char *group, const DeskAccount *account)
{
  g_key_file_set_string (file, group, "server", account->server_url);
  g_key_file_set_string (file, group, "username", account->username);
  g_key_file_set_string (file, group, "display_name", account->display_name);
}

GPtrArray *
desk_account_list (void)
{
  GPtrArray *accounts = g_ptr_array_new_with_free_func ((GDestroyNotify) desk_account_free);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = list_path ();

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return accounts;
  for (guint i = 0; i < MAX_ACCOUNTS; i++)
    {
      g_autofree char *group = g_strdup_printf ("account %u", i + 1);
      g_autofree char *cache_dir = g_key_file_get_string (file, group, "cache", NULL);
      DeskAccount *account = cache_dir ? read_group (file, group, cache_dir) : NULL;

      if (account != NULL)
        g_ptr_array_add (accounts, account);
    }
  return accounts;
}

DeskAccount *
desk_account_for_cache (const char *cache_dir)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = g_build_filename (cache_dir, FILE_NAME, NULL);

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return NULL;
  return read_group (file, "account", cache_dir);
}

static gboolean
save_key_file (GKeyFile *file, const char *path, GError **error)
{
  g_autofree char *dir = g_path_get_dirname (path);
  g_autofree char *data = NULL;
  gsize len;

  if (g_mkdir_with_parents (dir, 0700) != 0)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", dir, g_strerror (errno));
      return FALSE;
    }
  data = g_key_file_to_data (file, &len, NULL);
  return g_file_set_contents_full (path, data, (gssize) len, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, error);
}

static void
add_to_list (GKeyFile *file, guint *n, const DeskAccount *account)
{
  g_autofree char *group = g_strdup_printf ("account %u", ++*n);

  write_group (file, group, account);
  g_key_file_set_string (file, group, "cache", account->cache_dir);
}

/* Writes the list with account first, or without it. */
static gboolean
update_list (const DeskAccount *account, gboolean keep, GError **error)
{
  g_autoptr (GPtrArray) old = desk_account_list ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = list_path ();
  guint n = 0;

  if (keep)
    add_to_list (file, &n, account);
  for (guint i = 0; i < old->len; i++)
    {
      const DeskAccount *other = g_ptr_array_index (old, i);

      if (g_strcmp0 (other->cache_dir, account->cache_dir) != 0)
        add_to_list (file, &n, other);
    }
  return save_key_file (file, path, error);
}

gboolean
desk_account_set_current (const DeskAccount *account, GError **error)
{
  return update_list (account, TRUE, error);
}

gboolean
desk_account_save (const DeskAccount *account, gboolean list, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = g_build_filename (account->cache_dir, FILE_NAME, NULL);

  write_group (file, "account", account);
  if (!save_key_file (file, path, error))
    return FALSE;
  return !list || update_list (account, TRUE, error);
}

gboolean
desk_account_forget (const DeskAccount *account, GError **error)
{
  g_autofree char *path = g_build_filename (account->cache_dir, FILE_NAME, NULL);

  g_unlink (path);
  return update_list (account, FALSE, error);
}

static gboolean
is_loopback (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address != NULL)
    return g_inet_address_get_is_loopback (address);
  return g_ascii_strcasecmp (host, "localhost") == 0;
}

char *
desk_account_normalize_url (const char *text, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  g_autofree char *full = NULL;
  g_autoptr (GUri) uri = NULL;
  gboolean bare = strstr (trimmed, "://") == NULL;

  full = bare ? g_strconcat ("https://", trimmed, NULL) : g_strdup (trimmed);
  uri = g_uri_parse (full, G_URI_FLAGS_NONE, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0' || g_uri_get_userinfo (uri) != NULL
      || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL
      || (g_strcmp0 (g_uri_get_scheme (uri), "https") != 0 && g_strcmp0 (g_uri_get_scheme (uri), "http") != 0))
    {
      g_set_error (error, DESK_ACCOUNT_ERROR, DESK_ACCOUNT_ERROR_ADDRESS, "%s",
                   _("This is not a server address. It looks like chat.example.com."));
      return NULL;
    }
  if (bare && is_loopback (g_uri_get_host (uri)))
    {
      g_free (full);
      full = g_strconcat ("http://", trimmed, NULL);
    }
  while (g_str_has_suffix (full, "/"))
    full[strlen (full) - 1] = '\0';
  return g_steal_pointer (&full);
}
