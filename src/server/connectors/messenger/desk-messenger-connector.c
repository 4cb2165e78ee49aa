/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Messenger of a Facebook page: what tells it from Instagram.
 * Sources: Messenger Platform, "Send API", "Error Codes", "Message Tags", "Attachment Upload". */

#include "server/connectors/messenger/desk-messenger-connector.h"

#include "server/connectors/messaging/desk-messaging-connector.h"

#define PLATFORM    "messenger"
#define DEFAULT_URL "https://graph.facebook.com"
#define MAX_TEXT    2000 /* characters */
#define MAX_IMAGE   (8 * 1024 * 1024)
#define MAX_FILE    (25 * 1024 * 1024)

#define WINDOW_WORDS                                                                               \
  "Messenger no longer takes replies in this chat: the customer's last message is too old"
#define GONE_WORDS "This person cannot be reached: they left Messenger or blocked the page"

static const DeskMetaRule rules[] = {
  { 10, 10, 2018278, DESK_META_CLASS_WINDOW, 0, WINDOW_WORDS },
  { 10, 10, 2018065, DESK_META_CLASS_WINDOW, 0, WINDOW_WORDS },
  { 10, 10, 2018300, DESK_META_CLASS_REFUSED, 0,
    "Another app holds this chat; it must hand it over before somebody can answer here" },
  { 551, 551, 0, DESK_META_CLASS_REFUSED, 0, GONE_WORDS },
  { 200, 200, 1545041, DESK_META_CLASS_REFUSED, 0, GONE_WORDS },
  { 100, 100, 2018001, DESK_META_CLASS_REFUSED, 0, "Messenger does not know this person" },
  { 100, 100, 33, DESK_META_CLASS_REFUSED, 0, "Messenger does not know this person" },
  { 100, 100, 2018109, DESK_META_CLASS_REFUSED, 0, "The file is larger than Messenger takes" },
};

static const char *const fields[]
    = { "messages",          "messaging_postbacks", "message_deliveries", "message_reads",
        "message_echoes",    "message_reactions",   "message_edits",      "messaging_referrals",
        "messaging_handovers", "messaging_optins",  "standby",            NULL };

const DeskPlatform *
desk_messenger_describe (void)
{
  static gsize once;
  static DeskPlatform *platform;

  if (g_once_init_enter (&once))
    {
      static const char *const statuses[] = { "sent", "delivered", "read", NULL };
      platform = desk_platform_new (PLATFORM, "Messenger");
      platform->text_limit = MAX_TEXT;
      platform->text_unit = DESK_TEXT_CHARS;
      g_strfreev (platform->statuses);
      platform->statuses = g_strdupv ((char **)statuses);
      platform->window_hours = DESK_MESSAGING_WINDOW_HOURS;
      platform->attachment_limit = MAX_FILE;
      platform->can_reply = TRUE;
      platform->can_react = TRUE;
      g_once_init_leave (&once, 1);
    }
  return platform;
}

static const char *
refuse_file (const DeskAttachment *file)
{
  if (g_str_has_prefix (file->mime_type, "image/") && file->size > MAX_IMAGE)
    return "Messenger takes pictures of up to 8 MB";
  return file->size > MAX_FILE ? "Messenger takes files of up to 25 MB" : NULL;
}

/* Any emoji. */
static const char *
name_reaction (const char *emoji)
{
  return emoji;
}

static const DeskMessagingFlavour flavour = {
  .platform = PLATFORM,
  .object = "page",
  .api_title = "Messenger",
  .platform_traits = desk_messenger_describe,
  .rules = rules,
  .n_rules = G_N_ELEMENTS (rules),
  .identify_fields = "id,name",
  .id_member = "id",
  .name_member = "name",
  .profile_fields = "name,first_name,last_name,profile_pic",
  .fields = fields,
  .file_way = DESK_MESSAGING_BY_UPLOAD,
  .says_response = TRUE,
  .max_text = MAX_TEXT,
  .text_unit = DESK_TEXT_CHARS,
  .refuse_file = refuse_file,
  .name_reaction = name_reaction,
};

DeskConnector *
desk_messenger_connector_new (const DeskConnection *connection,
                              DeskConnectorHost *host,
                              GError **error)
{
  return desk_messaging_connector_new (connection, host, &flavour, DEFAULT_URL, error);
}
