/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* What a Telegram message says: kind, text and attachments.
 * Invariants: every message gets a kind and a text that is not NULL; nothing in a payload can make
 * it fail. Source of the shapes: Bot API, type Message. */

#include "server/connectors/telegram/desk-telegram-content.h"

#include "server/connectors/telegram/desk-telegram-json.h"

#define MAX_NAME_CHARS 256

static void
set_text (DeskMessage *message, char *text)
{
  g_free (message->text);
  message->text = text != NULL ? text : g_strdup ("");
}

/* At most MAX_NAME_CHARS characters and no path separators: the name ends up in a file chooser. */
static char *
safe_filename (const char *name)
{
  char *copy = g_utf8_substring (name, 0, MIN (g_utf8_strlen (name, -1), MAX_NAME_CHARS));

  return g_strdelimit (copy, "/\\", '_');
}

char *
desk_telegram_full_name (JsonObject *person)
{
  const char *first = desk_tg_string (person, "first_name");
  const char *last = desk_tg_string (person, "last_name");
  const char *handle = desk_tg_string (person, "username");

  if (first != NULL || last != NULL)
    return g_strconcat (first != NULL ? first : "", first != NULL && last != NULL ? " " : "",
                        last != NULL ? last : "", NULL);
  return handle != NULL ? g_strconcat ("@", handle, NULL) : NULL;
}

static void
add_attachment (DeskMessage *message, JsonObject *file, const char *filename, const char *mime_type)
{
  const char *own_name = desk_tg_string (file, "file_name");
  const char *own_type = desk_tg_string (file, "mime_type");
  DeskAttachment *attachment = desk_attachment_new (NULL);

  g_free (attachment->filename);
  attachment->filename = safe_filename (own_name != NULL ? own_name : filename);
  g_free (attachment->mime_type);
  attachment->mime_type = g_strdup (own_type != NULL ? own_type : mime_type);
  attachment->size = MAX (desk_tg_int_or (file, "file_size", -1), -1);
  attachment->width = CLAMP (desk_tg_int_or (file, "width", 0), 0, G_MAXINT32);
  attachment->height = CLAMP (desk_tg_int_or (file, "height", 0), 0, G_MAXINT32);
  attachment->duration_ms = CLAMP (desk_tg_int_or (file, "duration", 0), 0, G_MAXINT32) * 1000;
  attachment->state = g_strdup ("pending");
  attachment->external_id = g_strdup (desk_tg_string (file, "file_id"));
  g_ptr_array_add (message->attachments, attachment);
}

static gboolean
fill_text (JsonObject *object, DeskMessage *message)
{
  const char *text = desk_tg_string (object, "text");

  if (text == NULL)
    return FALSE;
  message->kind = DESK_KIND_TEXT;
  set_text (message, g_strdup (text));
  return TRUE;
}

/* The sizes of a photo ascend; the last one that has a file_id is the best. */
static gboolean
fill_photo (JsonObject *object, DeskMessage *message)
{
  JsonArray *sizes = desk_tg_array (object, "photo");

  for (guint i = sizes != NULL ? json_array_get_length (sizes) : 0; i > 0; i--)
    {
      JsonObject *size = desk_tg_element (sizes, i - 1);
      if (desk_tg_string (size, "file_id") == NULL)
        continue;
      message->kind = DESK_KIND_IMAGE;
      add_attachment (message, size, "photo.jpg", "image/jpeg");
      set_text (message, g_strdup (desk_tg_string (object, "caption")));
      return TRUE;
    }
  return FALSE;
}

/* In order of preference: an animation repeats itself as a document. */
static const struct
{
  const char *member;
  DeskKind kind;
  const char *filename;
  const char *mime_type;
} files[] = {
  { "animation", DESK_KIND_VIDEO, "animation.mp4", "video/mp4" },
  { "video", DESK_KIND_VIDEO, "video.mp4", "video/mp4" },
  { "video_note", DESK_KIND_VIDEO, "video-note.mp4", "video/mp4" },
  { "voice", DESK_KIND_VOICE, "voice.ogg", "audio/ogg" },
  { "audio", DESK_KIND_AUDIO, "audio.mp3", "audio/mpeg" },
  { "document", DESK_KIND_FILE, "file", "application/octet-stream" },
};

static gboolean
fill_file (JsonObject *object, DeskMessage *message)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      JsonObject *file = desk_tg_object (object, files[i].member);
      if (desk_tg_string (file, "file_id") == NULL)
        continue;
      message->kind = files[i].kind;
      add_attachment (message, file, files[i].filename, files[i].mime_type);
      if (g_str_equal (files[i].member, "video_note"))
        {
          /* a round video tells one side instead of width and height */
          DeskAttachment *attachment = g_ptr_array_index (message->attachments, 0);
          attachment->width = CLAMP (desk_tg_int_or (file, "length", 0), 0, G_MAXINT32);
          attachment->height = attachment->width;
        }
      set_text (message, g_strdup (desk_tg_string (object, "caption")));
      return TRUE;
    }
  return FALSE;
}

static gboolean
json_true (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
         && json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}

static gboolean
fill_sticker (JsonObject *object, DeskMessage *message)
{
  JsonObject *sticker = desk_tg_object (object, "sticker");

  if (sticker == NULL)
    return FALSE;
  message->kind = DESK_KIND_STICKER;
  set_text (message, g_strdup (desk_tg_string (sticker, "emoji")));
  if (desk_tg_string (sticker, "file_id") == NULL)
    return TRUE;
  if (json_true (sticker, "is_animated"))
    add_attachment (message, sticker, "sticker.tgs", "application/x-tgsticker");
  else if (json_true (sticker, "is_video"))
    add_attachment (message, sticker, "sticker.webm", "video/webm");
  else
    add_attachment (message, sticker, "sticker.webp", "image/webp");
  return TRUE;
}

/* A venue fills location, too, and adds a title and an address above the coordinates. */
static gboolean
fill_location (JsonObject *object, DeskMessage *message)
{
  JsonObject *venue = desk_tg_object (object, "venue");
  JsonObject *location = desk_tg_object (venue, "location");
  double latitude, longitude;
  char lat[G_ASCII_DTOSTR_BUF_SIZE], lon[G_ASCII_DTOSTR_BUF_SIZE];
  g_autoptr (GString) text = g_string_new (NULL);

  if (location == NULL)
    location = desk_tg_object (object, "location");
  if (!desk_tg_double (location, "latitude", &latitude)
      || !desk_tg_double (location, "longitude", &longitude))
    return FALSE;

  for (guint i = 0; i < 2; i++)
    {
      const char *line = desk_tg_string (venue, i == 0 ? "title" : "address");
      if (line != NULL)
        g_string_append_printf (text, "%s\n", line);
    }
  g_ascii_formatd (lat, sizeof lat, "%.6f", latitude);
  g_ascii_formatd (lon, sizeof lon, "%.6f", longitude);
  g_string_append_printf (text, "%s, %s", lat, lon);
  message->kind = DESK_KIND_LOCATION;
  set_text (message, g_strdup (text->str));
  return TRUE;
}

static gboolean
fill_contact (JsonObject *object, DeskMessage *message)
{
  JsonObject *contact = desk_tg_object (object, "contact");
  const char *phone = desk_tg_string (contact, "phone_number");
  g_autofree char *name = desk_telegram_full_name (contact);

  if (phone == NULL && name == NULL)
    return FALSE;
  message->kind = DESK_KIND_CONTACT;
  set_text (message, g_strconcat (name != NULL ? name : "", name && phone ? "\n" : "",
                                  phone != NULL ? phone : "", NULL));
  return TRUE;
}

static char *
joined_text (JsonArray *members)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; members != NULL && i < json_array_get_length (members); i++)
    {
      g_autofree char *name = desk_telegram_full_name (desk_tg_element (members, i));
      if (name != NULL)
        g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", name);
    }
  return g_strdup_printf ("%s joined the group", names->len > 0 ? names->str : "Somebody");
}

static char *
pinned_text (JsonObject *pinned)
{
  const char *text = desk_tg_string (pinned, "text");

  if (text == NULL)
    text = desk_tg_string (pinned, "caption");
  return text != NULL ? g_strdup_printf ("Pinned a message: %s", text)
                      : g_strdup ("Pinned a message");
}

/* Service messages whose presence is all there is to tell. */
static const struct
{
  const char *member;
  const char *text;
} notices[] = {
  { "delete_chat_photo", "The group photo was removed" },
  { "new_chat_photo", "The group photo was changed" },
  { "group_chat_created", "The group was created" },
  { "supergroup_chat_created", "The group was created" },
  { "channel_chat_created", "The channel was created" },
  { "message_auto_delete_timer_changed", "The timer for deleting messages was changed" },
  { "forum_topic_created", "A topic was created" },
  { "forum_topic_edited", "A topic was changed" },
  { "forum_topic_closed", "A topic was closed" },
  { "forum_topic_reopened", "A topic was opened again" },
  { "write_access_allowed", "The customer allowed the bot to write" },
  { "video_chat_scheduled", "A video chat was scheduled" },
  { "video_chat_started", "A video chat began" },
  { "video_chat_ended", "A video chat ended" },
  { "migrate_to_chat_id", "The group became a supergroup" },
  { "migrate_from_chat_id", "The group became a supergroup" },
};

static gboolean
fill_system (JsonObject *object, DeskMessage *message)
{
  char *text = NULL;

  if (desk_tg_array (object, "new_chat_members") != NULL)
    text = joined_text (desk_tg_array (object, "new_chat_members"));
  else if (desk_tg_object (object, "left_chat_member") != NULL)
    {
      g_autofree char *name = desk_telegram_full_name (desk_tg_object (object, "left_chat_member"));
      text = g_strdup_printf ("%s left the group", name != NULL ? name : "Somebody");
    }
  else if (desk_tg_object (object, "pinned_message") != NULL)
    text = pinned_text (desk_tg_object (object, "pinned_message"));
  else if (desk_tg_string (object, "new_chat_title") != NULL)
    text = g_strdup_printf ("The group is now named “%s”",
                            desk_tg_string (object, "new_chat_title"));
  for (guint i = 0; text == NULL && i < G_N_ELEMENTS (notices); i++)
    if (json_object_has_member (object, notices[i].member))
      text = g_strdup (notices[i].text);

  if (text == NULL)
    return FALSE;
  message->kind = DESK_KIND_SYSTEM;
  set_text (message, text);
  return TRUE;
}

/* Members that every message may have and which say nothing of its kind. */
static const char *const riders[] = {
  "message_id",
  "message_thread_id",
  "from",
  "sender_chat",
  "sender_boost_count",
  "sender_business_bot",
  "date",
  "business_connection_id",
  "chat",
  "forward_origin",
  "forward_from",
  "forward_from_chat",
  "forward_date",
  "is_topic_message",
  "is_automatic_forward",
  "reply_to_message",
  "external_reply",
  "quote",
  "reply_to_story",
  "via_bot",
  "edit_date",
  "has_protected_content",
  "is_from_offline",
  "media_group_id",
  "author_signature",
  "entities",
  "link_preview_options",
  "effect_id",
  "caption",
  "caption_entities",
  "show_caption_above_media",
  "has_media_spoiler",
  "reply_markup",
  "botToken",
  "text",
  "direct_messages_topic",
  "paid_star_count",
  "is_paid_post",
  "suggested_post_info",
  "reply_to_checklist_task_id",
  NULL,
};

/* "paid_media" → "Paid media", with its title where it has one. */
static void
fill_unsupported (JsonObject *object, DeskMessage *message)
{
  static const char *const titles[] = { "question", "title", "emoji", "text" };
  g_autoptr (GList) names = json_object_get_members (object);
  const char *kind = NULL, *title = NULL, *caption = desk_tg_string (object, "caption");
  g_autofree char *hint = NULL;

  for (GList *l = names; l != NULL && kind == NULL; l = l->next)
    if (!g_strv_contains (riders, l->data))
      kind = l->data;
  if (kind != NULL)
    {
      hint = g_utf8_substring (kind, 0, MIN (g_utf8_strlen (kind, -1), 64));
      g_strdelimit (hint, "_", ' ');
      hint[0] = g_ascii_toupper (hint[0]);
      for (guint i = 0; i < G_N_ELEMENTS (titles) && title == NULL; i++)
        title = desk_tg_string (desk_tg_object (object, kind), titles[i]);
    }
  message->kind = DESK_KIND_UNSUPPORTED;
  set_text (message,
            g_strconcat (hint != NULL ? hint : "", title != NULL ? ": " : "",
                         title != NULL ? title : "", hint != NULL && caption != NULL ? "\n" : "",
                         caption != NULL ? caption : "", NULL));
}

static char *
forwarded_from (JsonObject *object)
{
  JsonObject *origin = desk_tg_object (object, "forward_origin");
  JsonObject *chat = desk_tg_object (origin, "sender_chat");
  char *name;

  if (origin == NULL)
    return NULL;
  if (chat == NULL)
    chat = desk_tg_object (origin, "chat");
  name = desk_telegram_full_name (desk_tg_object (origin, "sender_user"));
  if (name == NULL)
    name = g_strdup (desk_tg_string (origin, "sender_user_name"));
  if (name == NULL)
    name = g_strdup (desk_tg_string (chat, "title"));
  return name != NULL ? name : g_strdup ("somebody");
}

void
desk_telegram_fill_content (JsonObject *object, DeskMessage *message)
{
  g_autofree char *origin = NULL;

  g_return_if_fail (object != NULL && message != NULL);

  if (!fill_text (object, message) && !fill_photo (object, message) && !fill_file (object, message)
      && !fill_sticker (object, message) && !fill_location (object, message)
      && !fill_contact (object, message) && !fill_system (object, message))
    fill_unsupported (object, message);

  origin = forwarded_from (object);
  if (origin != NULL)
    set_text (message, g_strdup_printf ("Forwarded from %s%s%s", origin,
                                        *message->text != '\0' ? ":\n" : "", message->text));
}
