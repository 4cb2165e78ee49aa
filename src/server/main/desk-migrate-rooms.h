/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/main/desk-config.h"
#include "server/service/desk-server-store.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_made;      /* chats that were not there */
  guint n_completed; /* chats that lacked something */
  guint n_same;
  guint n_passed_over; /* no id, or of no configured partner */
} DeskMigration;

/**
 * desk_migrate_rooms:
 * @store: where chats are kept; no service may run on it
 * @connections: (element-type DeskConnection): the configured ones
 * @path: a file of old rooms: a JSON array, or one JSON object a line
 * @out: (out): what was done
 * @error: of files, of JSON with the line, of the store
 *
 * Brings rooms of the shape {external_room_id, name, item_name, item_price} and {partner{room_id,
 * name}, metadata} to chats. What a chat has already stays, so that it may be run again.
 */
gboolean desk_migrate_rooms (DeskServerStore *store,
                             GPtrArray *connections,
                             const char *path,
                                      DeskMigration *out,
                             GError **error);

G_END_DECLS
