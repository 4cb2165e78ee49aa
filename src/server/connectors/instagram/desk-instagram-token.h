/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/messaging/desk-messaging-connector.h"

G_BEGIN_DECLS

/* Tokens of Instagram's own login live 60 days; one that is a day old can be exchanged for a new
 * one, until it ends ("Refresh Access Token"). */
#define DESK_INSTAGRAM_TOKEN_LIFE_MS    (60 * G_GINT64_CONSTANT (86400000))
#define DESK_INSTAGRAM_TOKEN_MIN_AGE_MS (G_GINT64_CONSTANT (86400000))
#define DESK_INSTAGRAM_TOKEN_RENEW_MS   (7 * G_GINT64_CONSTANT (86400000)) /* age at which we do */

/**
 * desk_instagram_token_keep:
 * @connector: by Instagram's own login; not started
 *
 * Lets the token of @connector be refreshed once a week, and keeps the new one: in the file that
 * the configuration names, else in the store, with the connection's checkpoint. A token that
 * somebody puts into the configuration goes before what is kept.
 */
void desk_instagram_token_keep (DeskMessagingConnector *connector);

/* What is kept of a token, as the connection's checkpoint. */
typedef struct
{
  char *of;          /* SHA-256 of the token in the configuration */
  char *token;       /* nullable: the newer one, where the file could not be written */
  gint64 since_ms;   /* when it was given, or first seen */
  gint64 expires_ms; /* 0 unknown */
} DeskInstagramTokenState;
void desk_instagram_token_state_clear (DeskInstagramTokenState *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeskInstagramTokenState, desk_instagram_token_state_clear)

/* FALSE if text is none of ours; *out is empty then. Pure. */
gboolean desk_instagram_token_state_read (const char *text, DeskInstagramTokenState *out);
/* Transfer full. Pure. */
char *desk_instagram_token_state_write (const DeskInstagramTokenState *self);

G_END_DECLS
