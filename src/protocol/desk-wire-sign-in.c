/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-protocol"

#include "config.h"

/* Sign-in: tokens, credentials. Copies of secrets that this file makes are cleared before they are
 * freed; the JSON trees of a request live as long as the request. */

#include <string.h>

#include "common/desk-crypto.h"
#include "protocol/desk-wire-private.h"

#define MAX_SIGN_IN_BODY 65536
#define MAX_EXPIRES_IN_S (10 * 366 * 24 * 60 * 60)

void
desk_tokens_free (DeskTokens *self)
{
  if (self == NULL)
    return;
  desk_secure_clear (self->access_token);
  desk_secure_clear (self->refresh_token);
  g_free (self->access_token);
  g_free (self->refresh_token);
  g_free (self);
}

DeskTokens *
desk_wire_read_tokens (JsonNode *data, GError **error)
{
  const char *type = NULL;
  JsonObject *obj = desk_wire_get_root (data, "tokens", error);
  if (obj == NULL)
    return NULL;
  g_autoptr (DeskTokens) self = g_new0 (DeskTokens, 1);
  if (!desk_json_get_string (obj, "token_type", DESK_WIRE_MAX_WORD, FALSE, &type, error)
      || !desk_wire_take_nonempty (obj, "access_token", DESK_WIRE_MAX_LINK, TRUE,
                                   &self->access_token, error)
      || !desk_wire_take_nonempty (obj, "refresh_token", DESK_WIRE_MAX_LINK, FALSE,
                                   &self->refresh_token, error)
      || !desk_json_get_int64 (obj, "expires_in", 0, MAX_EXPIRES_IN_S, TRUE, &self->expires_in_s,
                               error))
    return NULL;
  if (type != NULL && g_ascii_strcasecmp (type, "Bearer") != 0)
    {
      desk_wire_set_error (error, DESK_JSON_ERROR_RANGE, "token_type", "is not Bearer");
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
desk_wire_write_tokens (DeskJsonWriter *w, const DeskTokens *tokens)
{
  g_return_if_fail (w != NULL && tokens != NULL);
  desk_json_writer_begin_object (w);
  desk_json_writer_member_string (w, "access_token", tokens->access_token);
  desk_json_writer_member_string (w, "token_type", "Bearer");
  desk_json_writer_member_int64 (w, "expires_in", tokens->expires_in_s);
  desk_json_writer_member_string (w, "refresh_token", tokens->refresh_token);
  desk_json_writer_end_object (w);
}

static void
clear_and_free (char *text)
{
  desk_secure_clear (text);
  g_free (text);
}

gboolean
desk_wire_read_credentials (
    const char *body, gsize len, char **out_username, char **out_password, GError **error)
{
  g_return_val_if_fail (out_username != NULL && out_password != NULL, FALSE);
  g_autoptr (JsonNode) root
      = desk_json_parse (body != NULL ? body : "", len, MAX_SIGN_IN_BODY, error);
  JsonObject *obj = root != NULL ? desk_wire_get_root (root, "body", error) : NULL;
  char *username = NULL, *password = NULL;
  if (obj == NULL
      || !desk_wire_take_nonempty (obj, "username", DESK_WIRE_MAX_ID, TRUE, &username, error)
      || !desk_wire_take_nonempty (obj, "password", DESK_WIRE_MAX_NAME, TRUE, &password, error))
    {
      g_free (username);
      clear_and_free (password);
      return FALSE;
    }
  *out_username = username;
  *out_password = password;
  return TRUE;
}

/* An object of strings; names and values alternate, NULL at the end. */
static char *object_text (const char *name, const char *value, ...) G_GNUC_NULL_TERMINATED;

static char *
object_text (const char *name, const char *value, ...)
{
  GString *text = g_string_new (NULL);
  DeskJsonWriter w;
  va_list args;
  desk_json_writer_init (&w, text);
  desk_json_writer_begin_object (&w);
  va_start (args, value);
  while (name != NULL)
    {
      desk_json_writer_member_string (&w, name, value);
      name = va_arg (args, const char *);
      value = name != NULL ? va_arg (args, const char *) : NULL;
    }
  va_end (args);
  desk_json_writer_end_object (&w);
  return g_string_free (text, FALSE);
}

char *
desk_wire_credentials_text (const char *username, const char *password)
{
  g_return_val_if_fail (username != NULL && password != NULL, NULL);
  return object_text ("username", username, "password", password, NULL);
}

gboolean
desk_wire_read_refresh (const char *body, gsize len, char **out_refresh_token, GError **error)
{
  g_return_val_if_fail (out_refresh_token != NULL, FALSE);
  g_autoptr (JsonNode) root
      = desk_json_parse (body != NULL ? body : "", len, MAX_SIGN_IN_BODY, error);
  JsonObject *obj = root != NULL ? desk_wire_get_root (root, "body", error) : NULL;
  char *token = NULL;
  if (obj == NULL
      || !desk_wire_take_nonempty (obj, "refresh_token", DESK_WIRE_MAX_LINK, TRUE, &token, error))
    return FALSE;
  *out_refresh_token = token;
  return TRUE;
}

char *
desk_wire_refresh_text (const char *refresh_token)
{
  g_return_val_if_fail (refresh_token != NULL, NULL);
  return object_text ("refresh_token", refresh_token, NULL);
}
