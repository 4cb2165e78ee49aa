/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/partner/desk-partner-options.h"

G_BEGIN_DECLS

/* A room as the partner lists or describes it. */
typedef struct
{
  char *id;
  gint64 time_ms; /* of its last message; 0 not told */
  char *user;     /* nullable: the other participant */
  char *name;     /* nullable */
  char *metadata; /* nullable: JSON object: item, price, … */
} DeskPartnerRoom;
void desk_partner_room_free (DeskPartnerRoom *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskPartnerRoom, desk_partner_room_free)

/* A message as the partner tells it. */
typedef struct
{
  char *room; /* nullable */
  gint64 time_ms;
  char *sender; /* "" if not told */
  char *name;   /* nullable */
  char *text;   /* "" if none */
  char *type;   /* "" if not told */
  char *id;     /* nullable: rarely there */
  char *client_id; /* nullable: drawn by whoever sent it */
  char *link;      /* nullable: of a picture or file */
  gboolean edited;
} DeskPartnerRow;
void desk_partner_row_free (DeskPartnerRow *self);

/**
 * desk_partner_parse_rooms:
 * @root: an answer
 *
 * Where a room is told once for each participant, it is the entry of the other one.
 *
 * Returns: (transfer full) (element-type DeskPartnerRoom): in the order of the answer
 */
GPtrArray *desk_partner_parse_rooms (const DeskConnection *connection, JsonNode *root);

/**
 * desk_partner_parse_rows:
 * @root: an answer or a push
 * @pointer: %DESK_PARTNER_MESSAGES or %DESK_PARTNER_PUSH
 *
 * Returns: (transfer full) (element-type DeskPartnerRow): oldest first, whatever the order there
 */
GPtrArray *desk_partner_parse_rows (const DeskConnection *connection,
                                    JsonNode *root,
                                    DeskPartnerOption pointer);

/**
 * desk_partner_rows_to_items:
 * @rows: (element-type DeskPartnerRow): oldest first; all that the partner has of one millisecond,
 *   or none of it
 * @room_id: (nullable): where a row names none
 * @room: (nullable): what is known of it
 * @now_ms: stands in where the partner tells no time
 * @items: (element-type DeskInboundItem): where the meaning is appended
 *
 * Gives each message a name of its own. Where the partner has none it is derived from room,
 * sender, time and text and, among messages that are equal in all of them, from the number before
 * it: equal messages are not lost, and a message that is read again keeps its name. Pure.
 */
void desk_partner_rows_to_items (const DeskConnection *connection,
                                 GPtrArray *rows,
                                 const char *room_id,
                                 const DeskPartnerRoom *room,
                                 gint64 now_ms,
                                 GPtrArray *items);

/* What the partner tells of a room alone, for a chat that exists. Transfer full. */
DeskInboundItem *desk_partner_room_to_item (const DeskConnection *connection,
                                            const DeskPartnerRoom *room);

/**
 * desk_partner_parse_products:
 * @root: an answer
 * @out_n: (out): how many
 *
 * Returns: (transfer full): JSON array of the configured fields
 */
char *desk_partner_parse_products (const DeskConnection *connection, JsonNode *root, guint *out_n);

G_END_DECLS
