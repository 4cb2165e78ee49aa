/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_META_MAX_WEBHOOK (4 * 1024 * 1024) /* Meta sends up to 3 MB */

/**
 * desk_meta_signature_is_valid:
 * @app_secret: (nullable): the connection's own; without one nothing is valid
 * @header: (nullable): value of X-Hub-Signature-256
 * @body: the bytes as they came
 *
 * Whether @header is "sha256=" and HMAC-SHA256(@app_secret, @body) in lower-case hex. Compares in
 * constant time. Any thread. Source: Graph API, Webhooks, "Validating payloads".
 */
gboolean desk_meta_signature_is_valid (const char *app_secret, const char *header, GBytes *body);

/**
 * desk_meta_webhook_open:
 * @connection: whose webhook was called
 * @request: the call
 * @out_root: (out) (nullable) (transfer full): the payload
 *
 * What all webhooks of Meta share: the handshake (GET) with verify_token, methods, size and
 * signature. If @out_root is set, the call is authentic and the result is 200 with an inbound whose
 * items (none as yet) the platform's own normalizer appends; in every other case the result is
 * complete. An authentic body that cannot be read is confirmed, too, since Meta would repeat it for
 * days: its inbound names the problem, so that it can be replayed by a version that can read it.
 * Pure, any thread.
 *
 * Returns: (transfer full): the result
 */
DeskWebhookResult *desk_meta_webhook_open (const DeskConnection *connection,
                                           const DeskWebhookRequest *request,
                                           JsonNode **out_root);

/**
 * desk_meta_payload_read:
 * @raw: the body of an authentic call
 * @error: #DeskJsonError
 *
 * Returns: (transfer full): the payload, %NULL if it cannot be read. For replays.
 */
JsonNode *desk_meta_payload_read (GBytes *raw, GError **error);

/**
 * desk_meta_time_ms:
 * @value: seconds, or milliseconds where a platform tells them
 * @fallback_ms: taken where @value is no plausible time
 *
 * Returns: ms UTC
 */
gint64 desk_meta_time_ms (gint64 value, gint64 fallback_ms);

/**
 * desk_meta_mend_surrogates:
 *
 * Meta escapes everything beyond ASCII, and cuts some texts between the halves of a surrogate pair,
 * which no JSON reader has to take.
 *
 * Returns: (transfer full) (nullable): the JSON text with each half that stands alone as U+FFFD,
 *   %NULL if there was none
 */
char *desk_meta_mend_surrogates (const char *text, gsize len);

G_END_DECLS
