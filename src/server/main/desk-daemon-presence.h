/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/hub/desk-hub.h"

/* Who is connected and looks at which chat. Held in memory only: it may vanish without loss. Any
 * thread. */

G_BEGIN_DECLS

typedef struct _DeskPresence DeskPresence;

/* tell: called with the lock held, so that frames leave in the order of the changes; must not
 * block or call back. */
DeskPresence *desk_presence_new (void (*tell) (DeskFrame *frame, gpointer data), gpointer data);
void desk_presence_free (DeskPresence *self);

/* A socket (any pointer that is its own) of a manager came or went. Only the first and the last are told; with a socket
 * goes what was looked at through it. */
void desk_presence_join (DeskPresence *self, const char *username);
void desk_presence_leave (DeskPresence *self, const char *username, gconstpointer socket);
/* platform NULL: looks at no chat through this socket. Of several sockets, the one that changed last counts. */
void desk_presence_view (DeskPresence *self, const char *username, gconstpointer socket, const char *platform,
                         const char *user_id);
/* Appends a frame (DeskFrame) for each manager who is connected. */
void desk_presence_snapshot (DeskPresence *self, GPtrArray *frames);

G_END_DECLS
