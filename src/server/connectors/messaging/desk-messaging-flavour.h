/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "server/connectors/meta/desk-meta-rules.h"
#include "server/service/desk-connector.h"

G_BEGIN_DECLS

/* Free replies end a day after the customer's last message; with the tag HUMAN_AGENT a person may
 * answer for seven ("Messenger Platform Policy"). */
#define DESK_MESSAGING_WINDOW_HOURS      24
#define DESK_MESSAGING_HUMAN_AGENT_HOURS (7 * 24)

/* How a file goes to the customer. */
typedef enum
{
  DESK_MESSAGING_BY_UPLOAD, /* POST message_attachments, then its attachment_id */
  DESK_MESSAGING_BY_LINK,   /* the platform fetches it from a signed public link */
} DeskMessagingFileWay;

/**
 * DeskMessagingFlavour:
 * @platform: "instagram" or "messenger"
 * @object: "object" of its payloads
 * @api_title: who answers, for people: "Messenger"
 * @platform_traits: what it can do
 * @rules: its rows of the table of errors
 * @n_rules: their number
 * @identify_fields: of GET me
 * @id_member: of its answer: the account's id; "a.b" for a member of a member
 * @name_member: of its answer: how people call it
 * @profile_fields: of GET {customer}
 * @fields: (array zero-terminated): that the webhook must be subscribed to
 * @file_way: how files go out
 * @upload_platform: (nullable): the "platform" of an upload
 * @says_response: whether a send says "messaging_type":"RESPONSE"
 * @max_text: in @text_unit
 * @text_unit: what counts
 * @refuse_file: (nullable): why a file cannot be sent, %NULL if it can
 * @name_reaction: what the platform calls an emoji, %NULL if it does not take it
 *
 * What tells one platform (and one way of signing in to it) from another. Constant.
 */
typedef struct
{
  const char *platform;
  const char *object;
  const char *api_title;
  const DeskPlatform *(*platform_traits) (void);
  const DeskMetaRule *rules;
  gsize n_rules;
  const char *identify_fields;
  const char *id_member;
  const char *name_member;
  const char *profile_fields;
  const char *const *fields;
  DeskMessagingFileWay file_way;
  const char *upload_platform;
  gboolean says_response;
  guint max_text;
  DeskTextUnit text_unit;
  const char *(*refuse_file) (const DeskAttachment *file);
  const char *(*name_reaction) (const char *emoji);
} DeskMessagingFlavour;

G_END_DECLS
