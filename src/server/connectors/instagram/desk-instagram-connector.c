/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Instagram's messages, by either of its two logins: what tells it from Messenger.
 * Sources: Instagram Platform, "Messaging"; Messenger Platform, "Instagram Messaging". */

#include "server/connectors/instagram/desk-instagram-connector.h"

#include <string.h>

#include "server/connectors/instagram/desk-instagram-token.h"
#include "server/connectors/messaging/desk-messaging-connector.h"

#define PLATFORM      "instagram"
#define INSTAGRAM_URL "https://graph.instagram.com"
#define FACEBOOK_URL  "https://graph.facebook.com"
#define MAX_TEXT      1000 /* bytes of UTF-8 */
#define MAX_IMAGE     (8 * 1024 * 1024)
#define MAX_FILE      (25 * 1024 * 1024)

#define WINDOW_WORDS                                                                               \
  "Instagram no longer takes replies in this chat: the customer's last message is too old"
#define GONE_WORDS "This person cannot be reached: they left Instagram or blocked the account"

static const DeskMetaRule rules[] = {
  { 10, 10, 2534022, DESK_META_CLASS_WINDOW, 0, WINDOW_WORDS },
  { 10, 10, 2018278, DESK_META_CLASS_WINDOW, 0, WINDOW_WORDS },
  { 10, 10, 2018300, DESK_META_CLASS_REFUSED, 0,
    "Another app holds this chat; it must hand it over before somebody can answer here" },
  { 551, 551, 0, DESK_META_CLASS_REFUSED, 0, GONE_WORDS },
  { 200, 200, 1545041, DESK_META_CLASS_REFUSED, 0, GONE_WORDS },
  { 100, 100, 2534014, DESK_META_CLASS_REFUSED, 0, "Instagram does not know this person" },
  { 100, 100, 2018001, DESK_META_CLASS_REFUSED, 0, "Instagram does not know this person" },
  { 100, 100, 33, DESK_META_CLASS_REFUSED, 0, "Instagram does not know this person" },
};

static const char *const own_fields[]
    = { "messages",       "messaging_postbacks", "messaging_seen", "message_reactions",
        "messaging_referral", "message_edit",    "standby",        NULL };
/* Those of the page: any of them makes the linked account's messages come; what is told of
 * Instagram itself is chosen in the app's dashboard. */
static const char *const page_fields[] = { "messages", NULL };

const DeskPlatform *
desk_instagram_describe (void)
{
  static gsize once;
  static DeskPlatform *platform;

  if (g_once_init_enter (&once))
    {
      static const char *const statuses[] = { "sent", "read", NULL };
      platform = desk_platform_new (PLATFORM, "Instagram");
      platform->text_limit = MAX_TEXT;
      platform->text_unit = DESK_TEXT_BYTES;
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
  const char *type = file->mime_type;

  if (file->size > MAX_FILE)
    return "Instagram takes files of up to 25 MB";
  if (g_str_has_prefix (type, "image/"))
    {
      if (strcmp (type, "image/jpeg") != 0 && strcmp (type, "image/png") != 0)
        return "Instagram takes pictures as JPEG or PNG";
      return file->size > MAX_IMAGE ? "Instagram takes pictures of up to 8 MB" : NULL;
    }
  return g_str_has_prefix (type, "audio/") || g_str_has_prefix (type, "video/")
                 || strcmp (type, "application/pdf") == 0
             ? NULL
             : "Instagram takes pictures, sound, films and PDF files";
}

/* The heart is the one that Meta documents for sending. */
static const char *
name_reaction (const char *emoji)
{
  return g_str_has_prefix (emoji, "❤") ? "love" : NULL;
}

#define COMMON                                                                                     \
  .platform = PLATFORM, .object = "instagram", .api_title = "Instagram",                           \
  .platform_traits = desk_instagram_describe, .rules = rules, .n_rules = G_N_ELEMENTS (rules),     \
  .profile_fields = "name,username,profile_pic", .max_text = MAX_TEXT,                             \
  .text_unit = DESK_TEXT_BYTES, .refuse_file = refuse_file, .name_reaction = name_reaction

static const DeskMessagingFlavour own_login = {
  COMMON,
  .identify_fields = "user_id,username",
  .id_member = "user_id",
  .name_member = "username",
  .fields = own_fields,
  .file_way = DESK_MESSAGING_BY_LINK,
};

static const DeskMessagingFlavour page_login = {
  COMMON,
  .identify_fields = "id,name,instagram_business_account",
  .id_member = "instagram_business_account.id",
  .name_member = "name",
  .fields = page_fields,
  .file_way = DESK_MESSAGING_BY_UPLOAD,
  .upload_platform = PLATFORM,
};

DeskConnector *
desk_instagram_connector_new (const DeskConnection *connection,
                              DeskConnectorHost *host,
                              GError **error)
{
  const gboolean by_page = g_strcmp0 (connection->login, "facebook") == 0;
  DeskConnector *connector
      = desk_messaging_connector_new (connection, host, by_page ? &page_login : &own_login,
                                      by_page ? FACEBOOK_URL : INSTAGRAM_URL, error);

  /* a page's token does not end by itself */
  if (connector != NULL && !by_page)
    desk_instagram_token_keep (DESK_MESSAGING_CONNECTOR (connector));
  return connector;
}
