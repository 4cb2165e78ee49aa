/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* Telegram's updates → inbound items.
 * Invariants: whatever an update holds, parsing succeeds and next_offset passes it, so that no
 * update can block those behind it; every item carries a chat and a key that is the same when
 * Telegram delivers the update again. Source of the shapes: Bot API, type Update. */

#include "server/connectors/telegram/desk-telegram-parse.h"

#include "common/desk-json-writer.h"
#include "server/connectors/telegram/desk-telegram-content.h"
#include "server/connectors/telegram/desk-telegram-json.h"

/* Telegram tells seconds; values beyond this (the year 5138) can only be milliseconds. */
#define LAST_PLAUSIBLE_SECOND G_GINT64_CONSTANT (100000000000)
#define LAST_MS               G_GINT64_CONSTANT (253402300799999) /* the end of the year 9999 */

typedef struct
{
  const DeskTelegramContext *context;
  gint64 update_id;     /* -1 if it has none */
  const char *business; /* nullable: the business connection that it came through */
  DeskTelegramParsed *out;
} Parse;

DeskTelegramParsed *
desk_telegram_parsed_new (void)
{
  DeskTelegramParsed *self = g_new0 (DeskTelegramParsed, 1);

  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  self->callback_ids = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
desk_telegram_parsed_free (DeskTelegramParsed *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->items);
  g_ptr_array_unref (self->callback_ids);
  g_free (self);
}

static gint64
time_ms (gint64 value, gint64 fallback_ms)
{
  if (value <= 0 || value > LAST_MS)
    return fallback_ms;
  return value > LAST_PLAUSIBLE_SECOND ? value : value * 1000;
}

static char *
format_user_id (const Parse *parse, gint64 chat_id)
{
  return g_strdup_printf ("%s%" G_GINT64_FORMAT "%s%s", parse->context->chat_prefix, chat_id,
                          parse->business != NULL ? "@" : "",
                          parse->business != NULL ? parse->business : "");
}

/* An item about chat, added to the result; dedup_key is taken. NULL if the chat has no id. */
static DeskInboundItem *
add_item (const Parse *parse, DeskInboundType type, JsonObject *chat, char *dedup_key)
{
  g_autofree char *key = dedup_key;
  g_autofree char *user_id = NULL;
  const char *type_text = desk_tg_string (chat, "type");
  const char *kind = type_text != NULL ? type_text : "private";
  DeskInboundItem *item;
  gint64 chat_id;

  if (!desk_tg_int (chat, "id", &chat_id))
    return NULL;
  user_id = format_user_id (parse, chat_id);
  item = desk_inbound_item_new (type, DESK_TELEGRAM_PLATFORM, user_id, key);
  item->message->direction = DESK_DIRECTION_INCOMING;
  item->message->sender = DESK_SENDER_USER;
  item->message->is_level2 = TRUE;
  item->message->created_at_ms = parse->context->now_ms;
  if (g_str_equal (kind, "group") || g_str_equal (kind, "supergroup") || g_str_equal (kind, "channel"))
    item->chat_type = DESK_CHAT_TYPE_GROUP;
  else if (parse->business != NULL)
    item->chat_type = DESK_CHAT_TYPE_BUSINESS;
  g_ptr_array_add (parse->out->items, item);
  return item;
}

/* Who the chat is (user_name, messenger_name) and who in it wrote (sender_id, sender_name); the
 * same person in a private chat, not so in a group. */
static void
fill_people (DeskMessage *message, JsonObject *chat, JsonObject *person)
{
  const char *title = desk_tg_string (chat, "title");
  const char *handle = desk_tg_string (chat, "username");
  const char *type = desk_tg_string (chat, "type");
  gboolean is_private = type == NULL || g_str_equal (type, "private");
  gint64 id;

  message->sender_name = desk_telegram_full_name (person);
  if (message->sender_name == NULL && person != NULL)
    message->sender_name = g_strdup (desk_tg_string (person, "title"));
  if (desk_tg_int (person, "id", &id))
    message->sender_id = g_strdup_printf ("%" G_GINT64_FORMAT, id);

  if (handle == NULL && is_private)
    handle = desk_tg_string (person, "username");
  if (handle != NULL)
    message->messenger_name = g_strconcat ("@", handle, NULL);

  message->user_name = title != NULL ? g_strdup (title) : desk_telegram_full_name (chat);
  if (message->user_name == NULL && is_private)
    message->user_name = g_strdup (message->sender_name);
}

/* Groups may write as themselves or as a channel: then the chat is the person. */
static JsonObject *
author_of (JsonObject *object)
{
  JsonObject *sender_chat = desk_tg_object (object, "sender_chat");

  return sender_chat != NULL ? sender_chat : desk_tg_object (object, "from");
}

/* What the group talks about now. */
static char *
format_topic (const char *name)
{
  GString *json = g_string_new (NULL);
  DeskJsonWriter writer;

  desk_json_writer_init (&writer, json);
  desk_json_writer_begin_object (&writer);
  desk_json_writer_member_string (&writer, "topic", name);
  desk_json_writer_end_object (&writer);
  return g_string_free (json, FALSE);
}

static void
fill_reply (DeskInboundItem *item, JsonObject *object)
{
  JsonObject *quoted = desk_tg_object (object, "reply_to_message");
  JsonObject *topic = desk_tg_object (quoted, "forum_topic_created");
  const char *name = desk_tg_string (topic, "name");
  gint64 id;

  if (name == NULL && desk_tg_object (object, "forum_topic_edited") != NULL)
    name = desk_tg_string (desk_tg_object (object, "forum_topic_edited"), "name");
  if (name == NULL)
    name = desk_tg_string (desk_tg_object (object, "forum_topic_created"), "name");
  if (name != NULL)
    item->metadata = format_topic (name);
  item->quote = g_strdup (desk_tg_string (desk_tg_object (object, "quote"), "text"));

  /* in forums every message "replies" to the one that created its topic */
  if (quoted != NULL && !json_object_has_member (quoted, "forum_topic_created")
      && desk_tg_int (quoted, "message_id", &id))
    item->reply_to_external_id = g_strdup_printf ("%" G_GINT64_FORMAT, id);
}

static gboolean
add_migration (const Parse *parse, JsonObject *chat, gint64 from, gint64 to)
{
  DeskInboundItem *item
      = add_item (parse, DESK_INBOUND_CHAT_ID_CHANGED, chat,
                  g_strdup_printf ("g:%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, from, to));

  if (item == NULL)
    return FALSE;
  g_free (item->message->user_id);
  item->message->user_id = format_user_id (parse, from);
  item->new_user_id = format_user_id (parse, to);
  return TRUE;
}

/* A group that is upgraded tells it twice, in the old chat and in the new one: one key for both. */
static gboolean
parse_migration (const Parse *parse, JsonObject *object)
{
  JsonObject *chat = desk_tg_object (object, "chat");
  gint64 here, other;

  if (!desk_tg_int (chat, "id", &here))
    return FALSE;
  if (desk_tg_int (object, "migrate_to_chat_id", &other))
    return add_migration (parse, chat, here, other);
  if (desk_tg_int (object, "migrate_from_chat_id", &other))
    return add_migration (parse, chat, other, here);
  return FALSE;
}

/* What sets the keys of a business chat apart from those of the customer's chat with the bot. */
static char *
chat_key (const Parse *parse, gint64 chat_id)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT "%s%s", chat_id, parse->business != NULL ? "@" : "",
                          parse->business != NULL ? parse->business : "");
}

/* A message's key is (chat, message): message ids are unique within their chat alone. Two edits
 * may fall into one second, so that an edit's key has the update's id, too. */
static char *
message_key (const Parse *parse, JsonObject *object, gboolean is_edit)
{
  g_autofree char *chat
      = chat_key (parse, desk_tg_int_or (desk_tg_object (object, "chat"), "id", 0));
  gint64 message_id;

  if (!desk_tg_int (object, "message_id", &message_id))
    return g_strdup_printf ("u:%" G_GINT64_FORMAT, parse->update_id);
  if (!is_edit)
    return g_strdup_printf ("m:%s:%" G_GINT64_FORMAT, chat, message_id);
  return g_strdup_printf ("e:%s:%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, chat,
                          message_id, desk_tg_int_or (object, "edit_date", 0),
                          parse->update_id);
}

/* In a business chat the owner of the account writes, too: from a telephone, or through a bot. */
static gboolean
is_from_business (const Parse *parse, JsonObject *object)
{
  gint64 from, chat;

  return parse->business != NULL && desk_tg_int (desk_tg_object (object, "from"), "id", &from)
         && desk_tg_int (desk_tg_object (object, "chat"), "id", &chat) && from != chat;
}

static gboolean
parse_message (const Parse *parse, JsonObject *object, gboolean is_edit)
{
  JsonObject *chat = desk_tg_object (object, "chat");
  gint64 now_ms = parse->context->now_ms;
  DeskInboundItem *item;
  gint64 id;

  if (parse_migration (parse, object))
    return TRUE;
  item = add_item (parse, is_edit ? DESK_INBOUND_EDIT : DESK_INBOUND_MESSAGE, chat,
                   message_key (parse, object, is_edit));
  if (item == NULL)
    return FALSE;

  fill_people (item->message, chat, author_of (object));
  if (desk_tg_int (object, "message_id", &id))
    item->message->external_id = g_strdup_printf ("%" G_GINT64_FORMAT, id);
  item->message->created_at_ms = time_ms (desk_tg_int_or (object, "date", 0), now_ms);
  if (is_edit)
    item->message->edited_at_ms = time_ms (desk_tg_int_or (object, "edit_date", 0), now_ms);
  fill_reply (item, object);
  if (!is_edit)
    item->album = g_strdup (desk_tg_string (object, "media_group_id"));
  desk_telegram_fill_content (object, item->message);
  if (is_from_business (parse, object))
    {
      item->message->direction = DESK_DIRECTION_OUTGOING;
      item->message->sender = desk_tg_object (object, "sender_business_bot") != NULL
                                  ? DESK_SENDER_BOT
                                  : DESK_SENDER_MANAGER;
      g_free (item->message->user_name);
      item->message->user_name = desk_telegram_full_name (chat);
    }
  return TRUE;
}

/* A pressed button says what is written behind it. Its message is the bot's own (perhaps no longer
 * accessible, with date 0), so that the click counts as happening now. */
static gboolean
parse_callback (const Parse *parse, JsonObject *query)
{
  JsonObject *message = desk_tg_object (query, "message");
  JsonObject *chat = desk_tg_object (message, "chat");
  const char *id = desk_tg_string (query, "id");
  const char *data = desk_tg_string (query, "data");
  DeskInboundItem *item;
  gint64 message_id;

  if (id != NULL)
    g_ptr_array_add (parse->out->callback_ids, g_strdup (id));
  item = add_item (parse, DESK_INBOUND_MESSAGE, chat,
                   id != NULL ? g_strconcat ("c:", id, NULL)
                              : g_strdup_printf ("u:%" G_GINT64_FORMAT, parse->update_id));
  if (item == NULL)
    return FALSE;

  if (data == NULL)
    data = desk_tg_string (query, "game_short_name");
  item->message->kind = data != NULL ? DESK_KIND_TEXT : DESK_KIND_UNSUPPORTED;
  g_free (item->message->text);
  item->message->text = g_strdup (data != NULL ? data : "Button");
  fill_people (item->message, chat, desk_tg_object (query, "from"));
  if (desk_tg_int (message, "message_id", &message_id))
    item->reply_to_external_id = g_strdup_printf ("%" G_GINT64_FORMAT, message_id);
  return TRUE;
}

static const char *
reaction_emoji (JsonObject *reaction)
{
  const char *type = desk_tg_string (reaction, "type");
  const char *emoji = desk_tg_string (reaction, "emoji");

  if (emoji != NULL)
    return emoji;
  if (type != NULL && g_str_equal (type, "paid"))
    return "⭐";
  return "❔"; /* a custom emoji is a picture of which only the number is told */
}

static gboolean
parse_reaction (const Parse *parse, JsonObject *object)
{
  JsonObject *chat = desk_tg_object (object, "chat");
  JsonObject *person = desk_tg_object (object, "user");
  JsonArray *now = desk_tg_array (object, "new_reaction");
  DeskInboundItem *item;
  gint64 message_id;

  if (!desk_tg_int (object, "message_id", &message_id))
    return FALSE;
  item = add_item (parse, DESK_INBOUND_REACTION, chat,
                   g_strdup_printf ("r:%" G_GINT64_FORMAT, parse->update_id));
  if (item == NULL)
    return FALSE;

  fill_people (item->message, chat,
               person != NULL ? person : desk_tg_object (object, "actor_chat"));
  item->message->external_id = g_strdup_printf ("%" G_GINT64_FORMAT, message_id);
  item->message->created_at_ms
      = time_ms (desk_tg_int_or (object, "date", 0), parse->context->now_ms);
  for (guint i = 0; now != NULL && i < json_array_get_length (now); i++)
    g_ptr_array_add (item->message->reactions,
                     desk_reaction_new (reaction_emoji (desk_tg_element (now, i)),
                                        item->message->sender_id));
  return TRUE;
}

static const char *
membership_text (gboolean is_private, const char *before, const char *now)
{
  gboolean was_out = g_strcmp0 (before, "left") == 0 || g_strcmp0 (before, "kicked") == 0;

  if (is_private)
    return g_strcmp0 (now, "kicked") == 0 ? "The customer blocked the bot: replies will not arrive"
                                          : "The customer unblocked the bot: replies arrive again";
  if (g_strcmp0 (now, "left") == 0 || g_strcmp0 (now, "kicked") == 0)
    return "The bot was removed from the group";
  if (was_out)
    return "The bot was added to the group";
  if (g_strcmp0 (now, "administrator") == 0)
    return "The bot became an administrator of the group";
  return "The rights of the bot in the group were changed";
}

static gboolean
parse_membership (const Parse *parse, JsonObject *object)
{
  JsonObject *chat = desk_tg_object (object, "chat");
  const char *type = desk_tg_string (chat, "type");
  const char *before = desk_tg_string (desk_tg_object (object, "old_chat_member"), "status");
  const char *now = desk_tg_string (desk_tg_object (object, "new_chat_member"), "status");
  DeskInboundItem *item;

  if (now == NULL)
    return FALSE;
  item = add_item (parse, DESK_INBOUND_MESSAGE, chat,
                   g_strdup_printf ("s:%" G_GINT64_FORMAT, parse->update_id));
  if (item == NULL)
    return FALSE;
  fill_people (item->message, chat, desk_tg_object (object, "from"));
  item->message->created_at_ms
      = time_ms (desk_tg_int_or (object, "date", 0), parse->context->now_ms);
  item->message->kind = DESK_KIND_SYSTEM;
  g_free (item->message->text);
  item->message->text = g_strdup (membership_text (g_strcmp0 (type, "private") == 0, before, now));
  return TRUE;
}

static gboolean
parse_deleted (const Parse *parse, JsonObject *object)
{
  JsonObject *chat = desk_tg_object (object, "chat");
  JsonArray *ids = desk_tg_array (object, "message_ids");
  g_autofree char *key = chat_key (parse, desk_tg_int_or (chat, "id", 0));
  gboolean any = FALSE;

  for (guint i = 0; ids != NULL && i < json_array_get_length (ids); i++)
    {
      JsonNode *node = json_array_get_element (ids, i);
      g_autofree char *id = NULL;
      DeskInboundItem *item;

      if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
        continue;
      id = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
      item = add_item (parse, DESK_INBOUND_DELETE, chat,
                       g_strdup_printf ("d:%s:%s", key, id));
      if (item == NULL)
        return FALSE;
      item->message->external_id = g_steal_pointer (&id);
      any = TRUE;
    }
  return any;
}

/* The owner connected the bot to an account, changed its rights, or took it away: told in the
 * owner's own chat with the bot. */
static gboolean
parse_business (const Parse *parse, JsonObject *object)
{
  g_autoptr (JsonObject) chat = json_object_new ();
  JsonNode *enabled = json_object_get_member (object, "is_enabled");
  const char *id = desk_tg_string (object, "id");
  DeskInboundItem *item;
  gint64 user_chat_id;

  if (id == NULL || !desk_tg_int (object, "user_chat_id", &user_chat_id))
    return FALSE;
  json_object_set_int_member (chat, "id", user_chat_id);
  item = add_item (parse, DESK_INBOUND_MESSAGE, chat,
                   g_strdup_printf ("b:%s:%" G_GINT64_FORMAT, id, parse->update_id));
  if (item == NULL)
    return FALSE;
  fill_people (item->message, chat, desk_tg_object (object, "user"));
  item->message->created_at_ms
      = time_ms (desk_tg_int_or (object, "date", 0), parse->context->now_ms);
  item->message->kind = DESK_KIND_SYSTEM;
  g_free (item->message->text);
  item->message->text
      = g_strdup (enabled != NULL && JSON_NODE_HOLDS_VALUE (enabled)
                          && json_node_get_boolean (enabled)
                      ? "The bot now answers for this business account"
                      : "The bot no longer answers for this business account");
  return TRUE;
}

static gboolean
parse_kind (Parse *parse, const char *kind, JsonObject *object)
{
  const char *business = desk_tg_string (object, "business_connection_id");

  /* it becomes part of a chat's name */
  if (business != NULL && g_regex_match_simple ("^[A-Za-z0-9_-]{1,128}$", business, 0, 0))
    parse->business = business;
  if (g_str_equal (kind, "business_connection"))
    return parse_business (parse, object);
  if (g_str_equal (kind, "callback_query"))
    return parse_callback (parse, object);
  if (g_str_equal (kind, "message_reaction"))
    return parse_reaction (parse, object);
  if (g_str_equal (kind, "my_chat_member"))
    return parse_membership (parse, object);
  if (g_str_equal (kind, "deleted_business_messages"))
    return parse_deleted (parse, object);
  if (g_str_equal (kind, "edited_message") || g_str_equal (kind, "edited_channel_post")
      || g_str_equal (kind, "edited_business_message"))
    return parse_message (parse, object, TRUE);
  if (g_str_equal (kind, "message") || g_str_equal (kind, "channel_post")
      || g_str_equal (kind, "business_message"))
    return parse_message (parse, object, FALSE);

  /* a kind from the future: if it looks like a message somebody should see that there was one */
  if (!json_object_has_member (object, "message_id") || !json_object_has_member (object, "chat")
      || g_str_equal (kind, "message_reaction_count"))
    return FALSE;
  return parse_message (parse, object, FALSE);
}

void
desk_telegram_parse_update (const DeskTelegramContext *context,
                            JsonNode *update,
                            DeskTelegramParsed *out)
{
  Parse parse = { context, -1, NULL, out };
  g_autoptr (GList) names = NULL;
  JsonObject *object;
  gboolean any = FALSE;

  g_return_if_fail (context != NULL && context->chat_prefix != NULL && out != NULL);

  if (update == NULL || !JSON_NODE_HOLDS_OBJECT (update))
    {
      out->n_ignored++;
      return;
    }
  object = json_node_get_object (update);
  if (desk_tg_int (object, "update_id", &parse.update_id) && parse.update_id >= 0
      && parse.update_id < G_MAXINT64)
    out->next_offset = MAX (out->next_offset, parse.update_id + 1);

  names = json_object_get_members (object);
  for (GList *l = names; l != NULL && !any; l = l->next)
    {
      JsonObject *member = desk_tg_object (object, l->data);
      any = member != NULL && parse_kind (&parse, l->data, member);
    }
  if (!any)
    out->n_ignored++;
}

DeskTelegramParsed *
desk_telegram_parse_updates (const DeskTelegramContext *context, JsonArray *updates)
{
  DeskTelegramParsed *out = desk_telegram_parsed_new ();

  g_return_val_if_fail (updates != NULL, out);
  for (guint i = 0; i < json_array_get_length (updates); i++)
    desk_telegram_parse_update (context, json_array_get_element (updates, i), out);
  return out;
}
