/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/* Longest id of a message that is kept; Instagram's have some 200 bytes. */
#define DESK_MESSAGING_MAX_MID 1024

/* Apps of Meta itself, in which people answer by hand ("Handover Protocol", "Conversation
 * Routing"): the inbox of a page and that of Instagram. */
#define DESK_MESSAGING_PAGE_INBOX      G_GINT64_CONSTANT (263902037430900)
#define DESK_MESSAGING_INSTAGRAM_INBOX G_GINT64_CONSTANT (1217981644879628)

/**
 * DeskMessagingContext:
 * @platform: "instagram" or "messenger"
 * @chat_prefix: becomes the beginning of each user_id; "" if none
 * @account_id: (nullable): of the page or professional account; events of others are left out
 * @app_id: (nullable): of our own app, for echoes
 * @own_host: (nullable): as for desk_messaging_is_media_url()
 * @now_ms: the time of what has none
 */
typedef struct
{
  const char *platform;
  const char *chat_prefix;
  const char *account_id;
  const char *app_id;
  const char *own_host;
  gint64 now_ms;
} DeskMessagingContext;

/* What was left out of a payload. */
typedef struct
{
  guint n_ignored; /* known, and of no interest */
  guint n_unknown; /* not understood */
  guint n_foreign; /* of another account */
} DeskMessagingLeft;

/**
 * desk_messaging_parse:
 * @context: whose payload it is
 * @payload: (nullable): body of a webhook call
 * @items: (element-type DeskInboundItem): what it means is appended
 * @left: (out): counts of what was left out
 *
 * The payload of Messenger ("object":"page") and Instagram ("object":"instagram"), in all of its
 * forms: entry[].messaging[], entry[].standby[] and entry[].changes[]. Cannot fail: what cannot be
 * understood is counted. Pure, any thread.
 */
void desk_messaging_parse (const DeskMessagingContext *context,
                           JsonNode *payload,
                           GPtrArray *items,
                           DeskMessagingLeft *left);

G_END_DECLS
