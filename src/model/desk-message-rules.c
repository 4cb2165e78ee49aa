/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-model"

#include "config.h"

/* The rules of messages: the wire's words of their enums, the ladder of statuses, and the one
 * comparator of their order. */

#include <string.h>

#include "model/desk-message.h"
#include "model/desk-words.h"

#define POSITIONS_A_MS 1024
/* Keeps ms × POSITIONS_A_MS within 64 bits; the years beyond 140,000 can wait. */
#define MAX_ORDER_MS (G_GINT64_CONSTANT (1) << 52)

static const char *const direction_words[] = {
  [DESK_DIRECTION_INCOMING] = "incoming",
  [DESK_DIRECTION_OUTGOING] = "outgoing",
};

static const char *const sender_words[] = {
  [DESK_SENDER_USER] = "user",
  [DESK_SENDER_MANAGER] = "manager",
  [DESK_SENDER_BOT] = "bot",
};

static const char *const kind_words[] = {
  [DESK_KIND_TEXT] = "text",
  [DESK_KIND_IMAGE] = "image",
  [DESK_KIND_VIDEO] = "video",
  [DESK_KIND_AUDIO] = "audio",
  [DESK_KIND_VOICE] = "voice",
  [DESK_KIND_FILE] = "file",
  [DESK_KIND_STICKER] = "sticker",
  [DESK_KIND_LOCATION] = "location",
  [DESK_KIND_CONTACT] = "contact",
  [DESK_KIND_SYSTEM] = "system",
  [DESK_KIND_UNSUPPORTED] = "unsupported",
};

static const char *const status_words[] = {
  [DESK_STATUS_NONE] = NULL,
  [DESK_STATUS_QUEUED] = "queued",
  [DESK_STATUS_UNKNOWN] = "unknown",
  [DESK_STATUS_SENT] = "sent",
  [DESK_STATUS_DELIVERED] = "delivered",
  [DESK_STATUS_READ] = "read",
  [DESK_STATUS_FAILED] = "failed",
};

static const char *const source_words[] = {
  [DESK_SOURCE_NONE] = NULL, [DESK_SOURCE_WEBHOOK] = "webhook", [DESK_SOURCE_POLL] = "poll",
  [DESK_SOURCE_API] = "api", [DESK_SOURCE_ECHO] = "echo",       [DESK_SOURCE_BOT] = "bot",
};

DESK_DEFINE_WORDS (DeskDirection, direction, direction_words)
DESK_DEFINE_WORDS (DeskSender, sender, sender_words)
DESK_DEFINE_WORDS (DeskKind, kind, kind_words)
DESK_DEFINE_WORDS (DeskStatus, status, status_words)
DESK_DEFINE_WORDS (DeskSource, source, source_words)

gboolean
desk_status_may_follow (DeskStatus from, DeskStatus to)
{
  /* FAILED ranks highest, so only READ needs a word of its own. */
  return to > from && from != DESK_STATUS_READ;
}

int
desk_place_compare (const DeskPlace *a, const DeskPlace *b)
{
  if (!a->pending != !b->pending)
    return a->pending ? 1 : -1;
  return (a->order_key > b->order_key) - (a->order_key < b->order_key);
}

gint64
desk_order_key_level0 (gint64 created_at_ms, guint position)
{
  return CLAMP (created_at_ms, -MAX_ORDER_MS, MAX_ORDER_MS) * POSITIONS_A_MS
         + MIN (position, POSITIONS_A_MS - 1);
}

gboolean
desk_message_same_level0 (const DeskMessage *a, const DeskMessage *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);
  return a->direction == b->direction && a->sender == b->sender
         && a->created_at_ms == b->created_at_ms && strcmp (a->text, b->text) == 0;
}
