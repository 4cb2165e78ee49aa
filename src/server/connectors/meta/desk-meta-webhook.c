/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The webhook that Meta's platforms share.
 * Invariants: pure, any thread; nothing of a body is read before its signature is found right;
 * secrets are compared in constant time; everything authentic is confirmed. */

#include "server/connectors/meta/desk-meta-webhook.h"

#include <string.h>

#include "common/desk-crypto.h"
#include "common/desk-json.h"

#define SIGNATURE_HEADER "X-Hub-Signature-256"
#define SIGNATURE_PREFIX "sha256="
#define MAX_CHALLENGE    256

/* Values beyond this (the year 5138) can only be milliseconds. */
#define LAST_PLAUSIBLE_SECOND G_GINT64_CONSTANT (100000000000)
#define LAST_MS               G_GINT64_CONSTANT (253402300799999) /* the end of the year 9999 */

gint64
desk_meta_time_ms (gint64 value, gint64 fallback_ms)
{
  if (value <= 0 || value > LAST_MS)
    return fallback_ms;
  return value > LAST_PLAUSIBLE_SECOND ? value : value * 1000;
}

gboolean
desk_meta_signature_is_valid (const char *app_secret, const char *header, GBytes *body)
{
  const gsize prefix = strlen (SIGNATURE_PREFIX);
  g_autofree char *wanted = NULL;
  gsize len;
  const void *bytes = g_bytes_get_data (body, &len);

  if (app_secret == NULL || *app_secret == '\0' || header == NULL
      || !g_str_has_prefix (header, SIGNATURE_PREFIX))
    return FALSE;
  wanted = desk_hmac_sha256_hex (app_secret, strlen (app_secret), bytes != NULL ? bytes : "", len);
  return desk_secure_equal (wanted, strlen (wanted), header + prefix, strlen (header + prefix));
}

/* ── Handshake ──────────────────────────────────────────────────────────────────────────────── */

/* It goes back into an answer as it came: letters and digits alone. */
static gboolean
challenge_is_harmless (const char *challenge)
{
  gsize len = challenge != NULL ? strlen (challenge) : 0;

  if (len == 0 || len > MAX_CHALLENGE)
    return FALSE;
  for (gsize i = 0; i < len; i++)
    if (!g_ascii_isalnum (challenge[i]))
      return FALSE;
  return TRUE;
}

static void
answer_handshake (const DeskConnection *connection,
                  const DeskWebhookRequest *request,
                  DeskWebhookResult *result)
{
  const char *mode = g_hash_table_lookup (request->query, "hub.mode");
  const char *told = g_hash_table_lookup (request->query, "hub.verify_token");
  const char *challenge = g_hash_table_lookup (request->query, "hub.challenge");
  const char *token = connection->verify_token;

  result->status = 403;
  if (g_strcmp0 (mode, "subscribe") != 0 || token == NULL || *token == '\0' || told == NULL
      || !desk_secure_equal (token, strlen (token), told, strlen (told)))
    return;
  if (!challenge_is_harmless (challenge))
    {
      result->status = 400;
      return;
    }
  result->status = 200;
  result->body = g_strdup (challenge);
}

/* ── Payloads ───────────────────────────────────────────────────────────────────────────────── */

/* The code unit of "\uXXXX" at text, -1 if there is no such escape. */
static gint
escape_at (const char *text, gsize left)
{
  gint unit = 0;

  if (left < 6 || text[0] != '\\' || text[1] != 'u')
    return -1;
  for (guint i = 2; i < 6; i++)
    {
      if (!g_ascii_isxdigit (text[i]))
        return -1;
      unit = unit * 16 + g_ascii_xdigit_value (text[i]);
    }
  return unit;
}

static gboolean
is_half (gint unit, gint first)
{
  return unit >= first && unit < first + 0x400;
}

char *
desk_meta_mend_surrogates (const char *text, gsize len)
{
  g_autoptr (GString) out = g_string_sized_new (len);
  gboolean mended = FALSE;
  gsize i = 0;

  while (i < len)
    {
      const gint unit = escape_at (text + i, len - i);
      gsize n = unit >= 0 ? 6 : text[i] == '\\' && i + 1 < len ? 2 : 1;
      if (is_half (unit, 0xd800) && is_half (escape_at (text + i + n, len - i - n), 0xdc00))
        n = 12;
      else if (is_half (unit, 0xd800) || is_half (unit, 0xdc00))
        {
          g_string_append (out, "\\ufffd");
          mended = TRUE;
          i += n;
          continue;
        }
      g_string_append_len (out, text + i, (gssize)n);
      i += n;
    }
  return mended ? g_string_free (g_steal_pointer (&out), FALSE) : NULL;
}

JsonNode *
desk_meta_payload_read (GBytes *raw, GError **error)
{
  g_autoptr (GError) local = NULL;
  gsize len;
  const char *text = g_bytes_get_data (raw, &len);
  JsonNode *root = desk_json_parse (text != NULL ? text : "", len, DESK_META_MAX_WEBHOOK, &local);

  if (root == NULL && g_error_matches (local, DESK_JSON_ERROR, DESK_JSON_ERROR_UTF8))
    {
      g_autofree char *mended = desk_meta_mend_surrogates (text, len);
      if (mended != NULL)
        root = desk_json_parse (mended, strlen (mended), 2 * DESK_META_MAX_WEBHOOK, NULL);
    }
  if (root == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return root;
}

DeskWebhookResult *
desk_meta_webhook_open (const DeskConnection *connection,
                        const DeskWebhookRequest *request,
                        JsonNode **out_root)
{
  DeskWebhookResult *result = g_new0 (DeskWebhookResult, 1);
  g_autoptr (GError) error = NULL;

  *out_root = NULL;
  if (g_strcmp0 (request->method, "GET") == 0)
    answer_handshake (connection, request, result);
  else if (g_strcmp0 (request->method, "POST") != 0)
    result->status = 405;
  else if (g_bytes_get_size (request->body) > DESK_META_MAX_WEBHOOK)
    result->status = 413;
  else if (!desk_meta_signature_is_valid (connection->app_secret,
                                          request->get_header (request->request, SIGNATURE_HEADER),
                                          request->body))
    result->status = 403;
  if (result->status != 0)
    return result;

  result->status = 200;
  result->inbound = desk_inbound_new (connection->name, DESK_SOURCE_WEBHOOK, request->body);
  *out_root = desk_meta_payload_read (request->body, &error);
  if (*out_root == NULL)
    {
      g_warning ("%s: a payload of Meta cannot be read: %s", connection->name, error->message);
      result->inbound->problem = g_strdup (error->message);
    }
  return result;
}
