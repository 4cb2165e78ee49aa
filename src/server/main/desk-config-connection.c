/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-main"

#include "config.h"

/* The groups [connection NAME].
 * Invariants: what a platform needs is there, what it does not know is refused; no two connections
 * of a platform can give the same user_id; secrets come from the environment or a file, and a value
 * that might be one is never repeated in a message. */

#include "server/main/desk-config-private.h"

#include <string.h>

#include "common/desk-crypto.h"
#include "server/connectors/desk-connectors.h"

#define MAX_NAME   64
#define MAX_PREFIX 64
#define MAX_SECRET 4096

typedef enum
{
  NEEDS_TOKEN = 1 << 0,
  NEEDS_ACCOUNT = 1 << 1,
  NEEDS_APP = 1 << 2, /* app_secret and verify_token */
  CAN_POLL = 1 << 3,
  HAS_VERSION = 1 << 4,
  HAS_WEBHOOK_SECRET = 1 << 5,
  HAS_MESSAGING = 1 << 6, /* app_id and human_agent */
  HAS_LOGIN = 1 << 7,
  MAY_HAVE_TOKEN = 1 << 8,
  HAS_OPTIONS = 1 << 9, /* keys of its own: desk_connectors_check_option() */
  HAS_WABA = 1 << 10,
} Needs;

typedef struct
{
  const char *platform;
  const char *base_url;
  const char *version;
  Needs needs;
} Traits;

#define INSTAGRAM_URL "https://graph.instagram.com"
#define FACEBOOK_URL  "https://graph.facebook.com"

#define META (NEEDS_TOKEN | NEEDS_ACCOUNT | NEEDS_APP | HAS_VERSION)

static const Traits traits[] = {
  { "telegram", "https://api.telegram.org", NULL, NEEDS_TOKEN | CAN_POLL | HAS_WEBHOOK_SECRET },
  { "whatsapp", FACEBOOK_URL, "v23.0", META | HAS_WABA },
  { "instagram", INSTAGRAM_URL, "v23.0", META | HAS_MESSAGING | HAS_LOGIN },
  { "messenger", FACEBOOK_URL, "v23.0", META | HAS_MESSAGING },
  { "partner", "", NULL,
    NEEDS_ACCOUNT | CAN_POLL | HAS_WEBHOOK_SECRET | MAY_HAVE_TOKEN | HAS_OPTIONS },
  { "demo", NULL, NULL, CAN_POLL },
};

typedef struct
{
  const char *name;
  Needs bit;
  gsize offset;
} Secret;

static const Secret secrets[] = {
  { "token", NEEDS_TOKEN, G_STRUCT_OFFSET (DeskConnection, token) },
  { "webhook_secret", HAS_WEBHOOK_SECRET, G_STRUCT_OFFSET (DeskConnection, webhook_secret) },
  { "app_secret", NEEDS_APP, G_STRUCT_OFFSET (DeskConnection, app_secret) },
  { "verify_token", NEEDS_APP, G_STRUCT_OFFSET (DeskConnection, verify_token) },
};

DeskConnection *
desk_connection_new (const char *name, const char *platform)
{
  DeskConnection *self = g_new0 (DeskConnection, 1);

  self->name = g_strdup (name);
  self->platform = g_strdup (platform);
  self->chat_prefix = g_strdup ("");
  self->mode = g_strdup ("poll");
  return self;
}

void
desk_connection_free (DeskConnection *self)
{
  if (self == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (secrets); i++)
    {
      char **field = G_STRUCT_MEMBER_P (self, secrets[i].offset);
      desk_secure_clear (*field);
      g_free (*field);
    }
  g_free (self->name);
  g_free (self->platform);
  g_free (self->base_url);
  g_free (self->version);
  g_free (self->account_id);
  g_free (self->waba_id);
  g_free (self->mode);
  g_free (self->chat_prefix);
  g_free (self->public_url);
  g_free (self->app_id);
  g_free (self->login);
  g_free (self->token_path);
  g_clear_pointer (&self->options, g_hash_table_unref);
  g_free (self);
}

static const Traits *
find_traits (const char *platform)
{
  for (gsize i = 0; i < G_N_ELEMENTS (traits); i++)
    if (strcmp (traits[i].platform, platform) == 0)
      return &traits[i];
  return NULL;
}

/* ── Secrets ────────────────────────────────────────────────────────────────────────────────── */
/* "token_env" → the secret "token", suffix "env"; a bare "token" → suffix "" */
static const Secret *
find_secret (const char *key, const char **out_suffix)
{
  for (gsize i = 0; i < G_N_ELEMENTS (secrets); i++)
    {
      const gsize len = strlen (secrets[i].name);
      if (strncmp (key, secrets[i].name, len) != 0)
        continue;
      *out_suffix = key + len;
      if (**out_suffix == '\0' || strcmp (*out_suffix, "_env") == 0
          || strcmp (*out_suffix, "_file") == 0)
        return &secrets[i];
    }
  return NULL;
}

gboolean
desk_config_take_env (const DeskConfigContext *context,
                      const DeskConfigEntry *entry,
                      char **out,
                      GError **error)
{
  const char *value = g_getenv (entry->value);

  if (*entry->value == '\0' || strpbrk (entry->value, "= \t") != NULL)
    {
      desk_config_set_error (error, context->path, entry->line,
                             "“%s” must be the name of an environment variable", entry->key);
      return FALSE;
    }
  if (value != NULL && *value != '\0')
    {
      *out = g_strdup (value);
      return TRUE;
    }
  if (context->mode == DESK_CONFIG_RUN)
    {
      desk_config_set_error (error, context->path, entry->line,
                             "the environment variable that “%s” names is not set", entry->key);
      return FALSE;
    }
  if (context->notes != NULL)
    g_string_append_printf (context->notes,
                            "%s:%u: note: the environment variable that “%s” names is not set here\n",
                            context->path, entry->line, entry->key);
  return TRUE;
}

gboolean
desk_config_take_file (const DeskConfigContext *context,
                      const DeskConfigEntry *entry,
                      char **out,
                      GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  gsize len = 0;

  if (!g_file_get_contents (entry->value, &text, &len, &local))
    {
      desk_config_set_error (error, context->path, entry->line, "the file of “%s” cannot be read: %s",
                             entry->key, local->message);
      return FALSE;
    }
  while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
    text[--len] = '\0';
  if (len == 0 || len > MAX_SECRET || strlen (text) != len)
    {
      desk_config_set_error (error, context->path, entry->line,
                             "the file of “%s” must hold one line of at most %d bytes", entry->key,
                             MAX_SECRET);
      desk_secure_clear (text);
      return FALSE;
    }
  *out = g_steal_pointer (&text);
  return TRUE;
}

static gboolean
read_secret (DeskConnection *connection,
             const DeskConfigContext *context,
             const DeskConfigGroup *group,
             const DeskConfigEntry *entry,
             GError **error)
{
  const char *suffix;
  const Secret *secret = find_secret (entry->key, &suffix);
  char **field = G_STRUCT_MEMBER_P (connection, secret->offset);
  g_autofree char *env = g_strconcat (secret->name, "_env", NULL);

  if (*suffix == '\0')
    {
      desk_config_set_error (error, context->path, entry->line,
                             "“%s” is a secret and must not stand in this file: use “%s_env” (the "
                             "name of an environment variable) or “%s_file”",
                             entry->key, entry->key, entry->key);
      return FALSE;
    }
  const Needs may = secret->bit == NEEDS_TOKEN ? NEEDS_TOKEN | MAY_HAVE_TOKEN : secret->bit;
  if (!(find_traits (connection->platform)->needs & may))
    {
      desk_config_set_error (error, context->path, entry->line, "a %s connection has no “%s”",
                             connection->platform, entry->key);
      return FALSE;
    }
  if (strcmp (suffix, "_file") == 0 && desk_config_group_find (group, env) != NULL)
    {
      desk_config_set_error (error, context->path, entry->line,
                             "“%s” and “%s” exclude each other", env, entry->key);
      return FALSE;
    }
  if (strcmp (suffix, "_file") == 0 && secret->bit == NEEDS_TOKEN)
    connection->token_path = g_strdup (entry->value); /* where a newer one is put */
  return strcmp (suffix, "_env") == 0 ? desk_config_take_env (context, entry, field, error)
                                      : desk_config_take_file (context, entry, field, error);
}

/* ── Keys ───────────────────────────────────────────────────────────────────────────────────── */
static gboolean
refuse (const DeskConfigContext *context, const DeskConfigEntry *entry, const char *reason, GError **error)
{
  desk_config_set_error (error, context->path, entry->line, "“%s” %s", entry->key, reason);
  return FALSE;
}

static gboolean
prefix_is_valid (const char *prefix)
{
  return *prefix != '\0' && strlen (prefix) <= MAX_PREFIX && strpbrk (prefix, "/ \t") == NULL;
}

static gboolean
set_text (char **field, char *value)
{
  g_free (*field);
  *field = value;
  return TRUE;
}

/* ── Keys that only one platform has ────────────────────────────────────────────────────────── */
static void
free_secretly (gpointer text)
{
  desk_secure_clear (text);
  g_free (text);
}

static void
take_option (DeskConnection *connection, const char *key, char *value)
{
  if (connection->options == NULL)
    connection->options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_secretly);
  g_hash_table_replace (connection->options, g_strdup (key), value);
}

/* header_env.NAME and header_file.NAME → header.NAME */
static gboolean
read_secret_header (DeskConnection *connection,
                    const DeskConfigContext *context,
                    const DeskConfigEntry *entry,
                    GError **error)
{
  const gboolean is_env = g_str_has_prefix (entry->key, "header_env.");
  g_autofree char *key = g_strconcat ("header", strchr (entry->key, '.'), NULL);
  char *value = NULL;
  const char *reason;

  if (!(is_env ? desk_config_take_env (context, entry, &value, error) : desk_config_take_file (context, entry, &value, error)))
    return FALSE;
  if (value == NULL)
    return TRUE;
  take_option (connection, key, value);
  return desk_connectors_check_option (connection->platform, key, value, &reason)
         || refuse (context, entry, reason, error);
}

static gboolean
is_secret_header (const char *key)
{
  return g_regex_match_simple ("^header\\.(.*(key|token|secret|auth|cookie|password))", key,
                               G_REGEX_CASELESS, 0);
}

static gboolean
read_option (DeskConnection *connection,
             const DeskConfigContext *context,
             const DeskConfigEntry *entry,
             GError **error)
{
  const char *reason;

  if (g_str_has_prefix (entry->key, "header_env.") || g_str_has_prefix (entry->key, "header_file."))
    return read_secret_header (connection, context, entry, error);
  if (is_secret_header (entry->key))
    return refuse (context, entry,
                   "looks like a secret and must not stand in this file: use header_env.NAME or "
                   "header_file.NAME",
                   error);
  if (!desk_connectors_check_option (connection->platform, entry->key, entry->value, &reason))
    return refuse (context, entry, reason, error);
  take_option (connection, entry->key, g_strdup (entry->value));
  return TRUE;
}

/* Keys of some platforms alone. */
static gboolean
read_own_key (DeskConnection *connection,
              const DeskConfigContext *context,
              const DeskConfigEntry *entry,
              gboolean *out_known,
              GError **error)
{
  const Needs needs = find_traits (connection->platform)->needs;
  const char *value = entry->value;

  *out_known = TRUE;
  if (strcmp (entry->key, "app_id") == 0 && (needs & HAS_MESSAGING))
    return g_regex_match_simple ("^[0-9]{1,18}$", value, 0, 0)
               ? set_text (&connection->app_id, g_strdup (value))
               : refuse (context, entry, "must be the app's id, a number", error);
  if (strcmp (entry->key, "human_agent") == 0 && (needs & HAS_MESSAGING))
    {
      connection->human_agent = strcmp (value, "true") == 0;
      return connection->human_agent || strcmp (value, "false") == 0
             || refuse (context, entry, "must be true or false", error);
    }
  if (strcmp (entry->key, "login") == 0 && (needs & HAS_LOGIN))
    return strcmp (value, "instagram") == 0 || strcmp (value, "facebook") == 0
               ? set_text (&connection->login, g_strdup (value))
               : refuse (context, entry, "must be instagram or facebook", error);
  *out_known = FALSE;
  return TRUE;
}

static gboolean
read_key (DeskConnection *connection,
          const DeskConfigContext *context,
          const DeskConfigGroup *group,
          const DeskConfigEntry *entry,
          GError **error)
{
  const Traits *known = find_traits (connection->platform);
  const char *suffix;
  gboolean is_own;

  if (find_secret (entry->key, &suffix) != NULL)
    return read_secret (connection, context, group, entry, error);
  if (strcmp (entry->key, "platform") == 0)
    return TRUE;
  if (strcmp (entry->key, "base_url") == 0 && known->base_url != NULL)
    return desk_config_is_base_url (entry->value)
               ? set_text (&connection->base_url, desk_config_dup_url (entry->value))
               : refuse (context, entry, "must be an http or https address without a query", error);
  if (strcmp (entry->key, "version") == 0 && (known->needs & HAS_VERSION))
    return g_regex_match_simple ("^v[0-9]{1,3}\\.[0-9]{1,3}$", entry->value, 0, 0)
               ? set_text (&connection->version, g_strdup (entry->value))
               : refuse (context, entry, "must be a version as v23.0", error);
  if (strcmp (entry->key, "account_id") == 0 && (known->needs & NEEDS_ACCOUNT))
    return g_regex_match_simple ("^[A-Za-z0-9_.-]{1,128}$", entry->value, 0, 0)
               ? set_text (&connection->account_id, g_strdup (entry->value))
               : refuse (context, entry, "must be the account's id", error);
  if (strcmp (entry->key, "waba_id") == 0 && (known->needs & HAS_WABA))
    return g_regex_match_simple ("^[0-9]{1,64}$", entry->value, 0, 0)
               ? set_text (&connection->waba_id, g_strdup (entry->value))
               : refuse (context, entry, "must be the digits of the business account's id", error);
  if (strcmp (entry->key, "mode") == 0)
    {
      const gboolean poll = strcmp (entry->value, "poll") == 0 && (known->needs & CAN_POLL);
      if (poll || (strcmp (entry->value, "webhook") == 0 && known->base_url != NULL))
        return set_text (&connection->mode, g_strdup (entry->value));
      return refuse (context, entry,
                     !(known->needs & CAN_POLL)  ? "must be webhook for this platform"
                     : known->base_url == NULL   ? "must be poll for this platform"
                                                 : "must be poll or webhook",
                     error);
    }
  if (strcmp (entry->key, "chat_prefix") == 0)
    return prefix_is_valid (entry->value)
               ? set_text (&connection->chat_prefix, g_strdup (entry->value))
               : refuse (context, entry, "must be 1 to 64 bytes without slash and blank", error);
  if (known->needs & HAS_OPTIONS)
    return read_option (connection, context, entry, error);
  if (!read_own_key (connection, context, entry, &is_own, error))
    return FALSE;
  if (is_own)
    return TRUE;
  desk_config_set_error (error, context->path, entry->line, "unknown key “%s” in [%s]%s%s",
                         entry->key, group->name, " of platform ", connection->platform);
  return FALSE;
}

static gboolean
check_needs (const DeskConnection *connection,
             const DeskConfigContext *context,
             const DeskConfigGroup *group,
             GError **error)
{
  const Traits *known = find_traits (connection->platform);
  const gboolean webhook = strcmp (connection->mode, "webhook") == 0;

  for (gsize i = 0; i < G_N_ELEMENTS (secrets); i++)
    {
      const Needs bit = secrets[i].bit;
      const gboolean wanted
          = (known->needs & bit) && (bit != HAS_WEBHOOK_SECRET || webhook);
      g_autofree char *env = g_strconcat (secrets[i].name, "_env", NULL);
      g_autofree char *file = g_strconcat (secrets[i].name, "_file", NULL);
      if (wanted && desk_config_group_find (group, env) == NULL
          && desk_config_group_find (group, file) == NULL)
        {
          desk_config_set_error (error, context->path, group->line, "[%s] needs “%s” or “%s”",
                                 group->name, env, file);
          return FALSE;
        }
    }
  if (desk_connectors_find_missing (connection) != NULL)
    {
      desk_config_set_error (error, context->path, group->line, "[%s] needs “%s”", group->name,
                             desk_connectors_find_missing (connection));
      return FALSE;
    }
  if ((known->needs & NEEDS_ACCOUNT) && connection->account_id == NULL)
    {
      desk_config_set_error (error, context->path, group->line, "[%s] needs “account_id”",
                             group->name);
      return FALSE;
    }
  if (connection->webhook_secret != NULL
      && !g_regex_match_simple ("^[A-Za-z0-9_-]{1,256}$", connection->webhook_secret, 0, 0))
    {
      desk_config_set_error (error, context->path, group->line,
                             "the webhook secret of [%s] must be 1 to 256 of A-Z a-z 0-9 _ -",
                             group->name);
      return FALSE;
    }
  return TRUE;
}

static DeskConnection *
begin_connection (const DeskConfigContext *context, const DeskConfigGroup *group, GError **error)
{
  g_autofree char *name = g_strdup (group->name + strlen ("connection "));
  const DeskConfigEntry *platform = desk_config_group_find (group, "platform");

  if (strlen (name) > MAX_NAME || !g_regex_match_simple ("^[A-Za-z0-9._-]+$", name, 0, 0))
    desk_config_set_error (error, context->path, group->line,
                           "a connection's name is 1 to 64 of A-Z a-z 0-9 . _ -");
  else if (platform == NULL)
    desk_config_set_error (error, context->path, group->line, "[%s] needs “platform”", group->name);
  else if (find_traits (platform->value) == NULL)
    desk_config_set_error (
        error, context->path, platform->line,
        "unknown platform “%s”: use telegram, whatsapp, instagram, messenger, partner or demo",
        platform->value);
  else
    return desk_connection_new (name, platform->value);
  return NULL;
}

gboolean
desk_config_read_connection (DeskConfig *self,
                             const DeskConfigContext *context,
                             const DeskConfigGroup *group,
                             GError **error)
{
  DeskConnection *connection = begin_connection (context, group, error);

  if (connection == NULL)
    return FALSE;
  g_ptr_array_add (self->connections, connection);

  const Traits *known = find_traits (connection->platform);
  connection->base_url = g_strdup (known->base_url);
  connection->version = g_strdup (known->version);
  if (!(known->needs & CAN_POLL))
    set_text (&connection->mode, g_strdup ("webhook"));
  for (guint i = 0; i < group->entries->len; i++)
    if (!read_key (connection, context, group, g_ptr_array_index (group->entries, i), error))
      return FALSE;
  if (g_strcmp0 (connection->login, "facebook") == 0
      && g_strcmp0 (connection->base_url, INSTAGRAM_URL) == 0)
    set_text (&connection->base_url, g_strdup (FACEBOOK_URL));
  return check_needs (connection, context, group, error);
}

/* ── Between connections ────────────────────────────────────────────────────────────────────── */
static const DeskConfigGroup *
find_group (const DeskConfigContext *context, const DeskConnection *connection)
{
  for (guint i = 0; i < context->groups->len; i++)
    {
      const DeskConfigGroup *group = g_ptr_array_index (context->groups, i);
      if (!g_str_has_prefix (group->name, "connection "))
        continue;
      if (strcmp (group->name + strlen ("connection "), connection->name) == 0)
        return group;
    }
  return NULL;
}

/* Ids of one could begin like those of the other if one prefix begins the other; an empty prefix
 * begins all. */
static gboolean
check_pair (const DeskConfigContext *context,
            const DeskConnection *a,
            const DeskConnection *b,
            GError **error)
{
  const DeskConfigGroup *group = find_group (context, b);
  const DeskConfigEntry *entry = desk_config_group_find (group, "chat_prefix");
  const guint line = entry != NULL ? entry->line : group->line;

  if (strcmp (desk_connectors_get_name (a), desk_connectors_get_name (b)) != 0)
    return TRUE;
  if (*a->chat_prefix != '\0' && *b->chat_prefix != '\0'
      && !g_str_has_prefix (a->chat_prefix, b->chat_prefix)
      && !g_str_has_prefix (b->chat_prefix, a->chat_prefix))
    return TRUE;
  if (*a->chat_prefix == '\0' || *b->chat_prefix == '\0')
    desk_config_set_error (error, context->path, line,
                           "%s and %s are both %s connections: each needs a “chat_prefix” of its own",
                           a->name, b->name, desk_connectors_get_name (b));
  else
    desk_config_set_error (error, context->path, line,
                           "the “chat_prefix” of %s and %s collide: neither may begin the other",
                           a->name, b->name);
  return FALSE;
}

gboolean
desk_config_check_connections (DeskConfig *self, const DeskConfigContext *context, GError **error)
{
  for (guint i = 0; i < self->connections->len; i++)
    {
      DeskConnection *connection = g_ptr_array_index (self->connections, i);
      const DeskConfigGroup *group = find_group (context, connection);
      const DeskConfigEntry *mode = desk_config_group_find (group, "mode");

      connection->public_url = g_strdup (self->public_url);
      if (strcmp (connection->platform, "telegram") == 0
          && strcmp (connection->mode, "webhook") == 0 && self->public_url == NULL)
        {
          desk_config_set_error (error, context->path, mode != NULL ? mode->line : group->line,
                                 "mode=webhook needs “public_url” in [server]");
          return FALSE;
        }
      for (guint j = 0; j < i; j++)
        if (!check_pair (context, g_ptr_array_index (self->connections, j), connection, error))
          return FALSE;
    }
  return TRUE;
}

char **
desk_config_list_secrets (const char *platform, gboolean webhook)
{
  const Traits *known = find_traits (platform);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  if (known == NULL)
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (secrets); i++)
    if ((known->needs & secrets[i].bit) && (secrets[i].bit != HAS_WEBHOOK_SECRET || webhook))
      g_strv_builder_add (names, secrets[i].name);
  return g_strv_builder_end (names);
}
