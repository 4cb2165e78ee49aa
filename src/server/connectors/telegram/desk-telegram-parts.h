/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/telegram/desk-telegram-api.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

#define DESK_TELEGRAM_MAX_ALBUM 10 /* files (Bot API, sendMediaGroup) */

/* How Telegram takes a file. Constant strings. */
typedef struct
{
  const char *method;
  const char *field; /* also what an album calls it */
} DeskTelegramWay;

/* as_document: whatever it is. */
DeskTelegramWay desk_telegram_way_of (const DeskAttachment *file, gboolean as_document);

/**
 * desk_telegram_count_album:
 * @attachments: (element-type DeskAttachment): of a message
 * @ids: (element-type utf8): nullable elements: what was sent in this attempt
 * @first: a file that Telegram does not have
 *
 * Albums hold pictures and films, or documents, or music; never a voice message (Bot API,
 * sendMediaGroup).
 *
 * Returns: how many files from @first on can go as one album; 1 if it goes alone
 */
guint desk_telegram_count_album (const GPtrArray *attachments, const GPtrArray *ids, guint first);

/* The "media" of an album; caption: nullable, of its first file. Transfer full. */
char *desk_telegram_format_album (const GPtrArray *attachments, guint first, guint n, const char *caption);

/* The pages of a stored file, not a copy; NULL if it is not kept any more. */
GBytes *desk_telegram_map_file (DeskFileStore *files /* nullable */, const DeskAttachment *file);

G_END_DECLS
