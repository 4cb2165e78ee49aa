/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "server/service/desk-connector.h"

/* How a partner's API looks: everything of it is configuration. data/frontdeskd.conf.example
 * documents each key. */

G_BEGIN_DECLS

/* In the order of the table in the .c file. */
typedef enum
{
  DESK_PARTNER_ROOMS_PATH,
  DESK_PARTNER_MESSAGES_PATH,
  DESK_PARTNER_ROOM_PATH,
  DESK_PARTNER_SEND_PATH,
  DESK_PARTNER_PRODUCTS_PATH,
  DESK_PARTNER_SEND_BODY,
  DESK_PARTNER_SEND_ID,
  DESK_PARTNER_ANSWER_CODE,
  DESK_PARTNER_ANSWER_ERROR,
  DESK_PARTNER_ROOMS,
  DESK_PARTNER_ROOM_ID,
  DESK_PARTNER_ROOM_TIME,
  DESK_PARTNER_ROOM_USER,
  DESK_PARTNER_ROOM_NAME,
  DESK_PARTNER_ROOM_METADATA,
  DESK_PARTNER_MESSAGES,
  DESK_PARTNER_MESSAGE_ROOM,
  DESK_PARTNER_MESSAGE_ID,
  DESK_PARTNER_MESSAGE_CLIENT_ID,
  DESK_PARTNER_MESSAGE_SENDER,
  DESK_PARTNER_MESSAGE_NAME,
  DESK_PARTNER_MESSAGE_TIME,
  DESK_PARTNER_MESSAGE_TEXT,
  DESK_PARTNER_MESSAGE_TYPE,
  DESK_PARTNER_MESSAGE_EDITED,
  DESK_PARTNER_MESSAGE_LINK,
  DESK_PARTNER_PUSH,
  DESK_PARTNER_PUSH_HEADER,
  DESK_PARTNER_PRODUCTS,
  DESK_PARTNER_PRODUCT_FIELDS,
  DESK_PARTNER_TOKEN_HEADER,
  DESK_PARTNER_TOKEN_PREFIX,
  DESK_PARTNER_TEXT_LIMIT,
  DESK_PARTNER_POLL_SECONDS,
  DESK_PARTNER_WINDOW_SECONDS,
  DESK_PARTNER_FIRST_MESSAGES,
  DESK_PARTNER_NAME,
  DESK_PARTNER_TITLE,
  DESK_PARTNER_ROOM_PATTERN,
  DESK_PARTNER_N_OPTIONS,
} DeskPartnerOption;

/**
 * desk_partner_option_check:
 * @key: of the configuration, for example "path.messages" or "header.X-Project"
 * @value: of it
 * @out_reason: (out): why it is refused, as the end of a sentence that begins with the key
 *
 * Returns: whether a partner connection has such a key and may have such a value
 */
gboolean desk_partner_option_check (const char *key, const char *value, const char **out_reason);

/* A key that the connection needs and does not have; secrets are left to the caller. NULL if none. */
const char *desk_partner_find_missing (const DeskConnection *connection);

/* The connection's own value or the default; never NULL. */
const char *desk_partner_option (const DeskConnection *connection, DeskPartnerOption option);
gint64 desk_partner_option_number (const DeskConnection *connection, DeskPartnerOption option);

/* What a placeholder of a template stands for; each NULL for "". */
typedef struct
{
  const char *account;
  const char *room;
  const char *user;
  const char *text;
  const char *client_id;
  gint64 limit;
  gint64 page;      /* from 1 */
  gint64 before_ms; /* exclusive */
} DeskPartnerValues;

/**
 * desk_partner_expand_path:
 * @template: a path with placeholders {room}, {limit}, …
 * @values: what for
 *
 * Returns: (transfer full): the path, every value percent-encoded
 */
char *desk_partner_expand_path (const char *template, const DeskPartnerValues *values);
/* The same in a JSON text: values are escaped for the inside of a string. */
char *desk_partner_expand_json (const char *template, const DeskPartnerValues *values);

/**
 * desk_partner_find:
 * @node: (nullable): where to begin
 * @path: names and indices with dots between them, as "data.items.0.id"; "" is @node itself
 *
 * Returns: (transfer none) (nullable): what stands there; %NULL also for JSON's null
 */
JsonNode *desk_partner_find (JsonNode *node, const char *path);
/* A string, or a number or boolean as text; NULL if it is neither, or empty. Transfer full. */
char *desk_partner_find_text (JsonNode *node, const char *path);
gboolean desk_partner_find_int (JsonNode *node, const char *path, gint64 *out);
/* Seconds or milliseconds since 1970 as number or text, or ISO 8601; FALSE if it is none of them. */
gboolean desk_partner_find_time_ms (JsonNode *node, const char *path, gint64 *out);
/* The array there; an object there counts as an array of one. Of borrowed JsonNode, transfer container. */
GPtrArray *desk_partner_find_list (JsonNode *node, const char *path);
/* fields: "name=path,other" picks members into a flat JSON object; transfer full, NULL if there was none. */
char *desk_partner_pick (JsonNode *node, const char *fields);

/**
 * desk_partner_platform_name:
 *
 * Returns: (transfer none): the name of the partner on the wire, as configured: "chotot"
 */
const char *desk_partner_platform_name (const DeskConnection *connection);

/**
 * desk_partner_detect:
 * @connections: (element-type DeskConnection): all that are configured
 * @name: (nullable): a room's partner.name; decides alone if it is there
 * @room_id: the partner's id of the room; fallback: the first whose room_pattern matches
 *
 * Returns: (transfer none) (nullable): whose room it is
 */
const DeskConnection *
desk_partner_detect (GPtrArray *connections, const char *name, const char *room_id);

G_END_DECLS
