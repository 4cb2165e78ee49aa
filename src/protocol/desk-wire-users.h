/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "protocol/desk-wire.h"

/* POST /users/invalidate: the user service tells that people changed. */

G_BEGIN_DECLS

#define DESK_WIRE_MAX_USERS 1000 /* of one request */

typedef struct
{
  char *platform; /* nullable: whatever the platform */
  char **ids;     /* never NULL; as the user service has them */
} DeskWireUsers;
DeskWireUsers *desk_wire_users_copy (const DeskWireUsers *self);
void desk_wire_users_free (DeskWireUsers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeskWireUsers, desk_wire_users_free)

/**
 * desk_wire_read_users:
 * @error: #DeskJsonError whose message names the member
 *
 * {"user_ids":[123,"abc"],"platform":"telegram"}: ids are numbers or texts, platform may be left out.
 *
 * Returns: (transfer full): the request
 */
DeskWireUsers *desk_wire_read_users (const char *body, gsize len, GError **error);

/* The data of the answer: how many chats it concerns. */
void desk_wire_write_invalidated (DeskJsonWriter *w, gint64 chats);

G_END_DECLS
