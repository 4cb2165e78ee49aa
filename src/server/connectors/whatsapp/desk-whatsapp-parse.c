/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* WhatsApp's webhooks → inbound items.
 *
 * Who a customer is: the WhatsApp id (digits, from the phone number) where a payload tells it, else
 * the business-scoped user id ("US.1349…"), which people with a user name have instead of a number.
 * A payload that tells both moves a chat that began under the latter.
 *
 * Invariants: whatever a payload holds, parsing succeeds; every item carries a chat and a key that
 * is the same when WhatsApp delivers the event again. Source of the shapes: WhatsApp Business
 * Platform, "Webhooks reference" and "Business-scoped user IDs". */

#include "server/connectors/whatsapp/desk-whatsapp-parse.h"

#include <string.h>

#include "server/connectors/meta/desk-meta-json.h"
#include "server/connectors/meta/desk-meta-webhook.h"
#include "server/connectors/whatsapp/desk-whatsapp-content.h"
#include "server/connectors/whatsapp/desk-whatsapp-rules.h"

#define MAX_ID_BYTES 480 /* of what is part of a key */

typedef struct
{
  const DeskWhatsappContext *context;
  JsonArray *contacts; /* nullable: of the value */
  DeskWhatsappParsed *out;
} Parse;

DeskWhatsappParsed *
desk_whatsapp_parsed_new (void)
{
  DeskWhatsappParsed *self = g_new0 (DeskWhatsappParsed, 1);

  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify)desk_inbound_item_free);
  return self;
}

void
desk_whatsapp_parsed_free (DeskWhatsappParsed *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->items);
  g_free (self);
}

/* An id that may become part of a key; "+" before a number is left out. */
static const char *
get_id (JsonObject *object, const char *name)
{
  const char *id = desk_meta_string (object, name);

  if (id != NULL && id[0] == '+')
    id++;
  return id != NULL && *id != '\0' && strlen (id) <= MAX_ID_BYTES ? id : NULL;
}

static gboolean
is_digits (const char *text)
{
  return text != NULL && *text != '\0' && strspn (text, "0123456789") == strlen (text);
}

static char *
format_user_id (const Parse *parse, const char *id)
{
  return g_strconcat (parse->context->chat_prefix, id, NULL);
}

static DeskInboundItem *
add_item (const Parse *parse, DeskInboundType type, const char *chat, char *dedup_key)
{
  g_autofree char *key = dedup_key;
  g_autofree char *user_id = format_user_id (parse, chat);
  DeskInboundItem *item = desk_inbound_item_new (type, DESK_WHATSAPP_PLATFORM, user_id, key);

  item->message->direction = DESK_DIRECTION_INCOMING;
  item->message->sender = DESK_SENDER_USER;
  item->message->is_level2 = TRUE;
  g_ptr_array_add (parse->out->items, item);
  return item;
}

static gint64
time_of (const Parse *parse, JsonObject *object)
{
  return desk_meta_time_ms (desk_meta_int_or (object, "timestamp", 0), parse->context->now_ms);
}

/* ── People ─────────────────────────────────────────────────────────────────────────────────── */
typedef struct
{
  const char *wa_id;    /* nullable */
  const char *user_id;  /* nullable: business-scoped */
  const char *name;     /* nullable */
  const char *username; /* nullable */
} Person;

/* The contact of a message; the only one of a payload is that even if it names nobody. */
static JsonObject *
find_contact (const Parse *parse, const char *wa_id, const char *user_id)
{
  guint n = desk_meta_length (parse->contacts);

  for (guint i = 0; i < n; i++)
    {
      JsonObject *contact = desk_meta_element (parse->contacts, i);
      if ((wa_id != NULL && g_strcmp0 (get_id (contact, "wa_id"), wa_id) == 0)
          || (user_id != NULL && g_strcmp0 (get_id (contact, "user_id"), user_id) == 0))
        return contact;
    }
  return n == 1 ? desk_meta_element (parse->contacts, 0) : NULL;
}

static Person
person_of (const Parse *parse, JsonObject *object, const char *number, const char *scoped)
{
  Person person = { get_id (object, number), get_id (object, scoped), NULL, NULL };
  JsonObject *contact = find_contact (parse, person.wa_id, person.user_id);
  JsonObject *profile = desk_meta_object (contact, "profile");

  /* "from" is the number that was written from, wa_id what WhatsApp files it under */
  if (get_id (contact, "wa_id") != NULL && (person.wa_id == NULL || is_digits (person.wa_id)))
    person.wa_id = get_id (contact, "wa_id");
  if (person.user_id == NULL)
    person.user_id = get_id (contact, "user_id");
  person.name = desk_meta_string (profile, "name");
  person.username = desk_meta_string (profile, "username");
  return person;
}

static const char *
person_id (const Person *person)
{
  return person->wa_id != NULL ? person->wa_id : person->user_id;
}

/* In a group the chat is not the person. */
static void
fill_people (DeskMessage *message, const Person *person, gboolean is_group)
{
  message->sender_id = g_strdup (person_id (person));
  message->sender_name = g_strdup (person->name);
  if (is_group)
    return;
  message->user_name = g_strdup (person->name != NULL ? person->name : person->username);
  if (person->username != NULL)
    message->messenger_name = g_strconcat ("@", person->username, NULL);
  else if (is_digits (person->wa_id))
    message->messenger_name = g_strconcat ("+", person->wa_id, NULL);
}

/* A chat that began without a number goes on under it: before the message is filed. */
static void
join_ids (const Parse *parse, const Person *person, const char *key)
{
  DeskInboundItem *item;

  if (person->wa_id == NULL || person->user_id == NULL || strcmp (person->wa_id, person->user_id) == 0)
    return;
  item = add_item (parse, DESK_INBOUND_CHAT_ID_CHANGED, person->user_id,
                   g_strconcat ("j:", key, NULL));
  item->message->created_at_ms = parse->context->now_ms;
  item->new_user_id = format_user_id (parse, person->wa_id);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

/* What a message is about: its chat, who wrote it, its key. */
typedef struct
{
  const char *chat;
  const char *id; /* nullable */
  char *key;      /* without what kind of event it is */
  gint64 at_ms;
  Person person;
  gboolean is_group;
  gboolean is_echo;
} Envelope;

static void
envelope_clear (Envelope *self)
{
  g_free (self->key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Envelope, envelope_clear)

static DeskInboundItem *
add_from (const Parse *parse, const Envelope *envelope, DeskInboundType type, const char *prefix)
{
  DeskInboundItem *item = add_item (parse, type, envelope->chat,
                                    g_strconcat (prefix, envelope->key, NULL));

  if (envelope->is_group)
    item->chat_type = DESK_CHAT_TYPE_GROUP;
  if (envelope->is_echo)
    {
      item->message->direction = DESK_DIRECTION_OUTGOING;
      item->message->sender = DESK_SENDER_MANAGER;
    }
  else
    fill_people (item->message, &envelope->person, envelope->is_group);
  item->message->created_at_ms = envelope->at_ms;
  return item;
}

static gboolean
parse_reaction (const Parse *parse, JsonObject *object, const Envelope *envelope)
{
  JsonObject *reaction = desk_meta_object (object, "reaction");
  const char *about = desk_meta_string (reaction, "message_id");
  const char *emoji = desk_meta_string (reaction, "emoji");
  DeskInboundItem *item;

  if (about == NULL || envelope->is_echo)
    return FALSE;
  item = add_from (parse, envelope, DESK_INBOUND_REACTION, "r:");
  item->message->external_id = g_strdup (about);
  if (emoji != NULL)
    g_ptr_array_add (item->message->reactions,
                     desk_reaction_new (emoji, item->message->sender_id));
  return TRUE;
}

static gboolean
parse_edit (const Parse *parse, JsonObject *object, const Envelope *envelope)
{
  JsonObject *edit = desk_meta_object (object, "edit");
  JsonObject *text = desk_meta_object (edit, "message");
  const char *about = desk_meta_string (edit, "original_message_id");
  DeskInboundItem *item;

  if (about == NULL || text == NULL)
    return FALSE;
  item = add_from (parse, envelope, DESK_INBOUND_EDIT, "e:");
  item->message->external_id = g_strdup (about);
  item->message->edited_at_ms = envelope->at_ms;
  desk_whatsapp_fill_content (text, item->message);
  return TRUE;
}

static gboolean
parse_revoke (const Parse *parse, JsonObject *object, const Envelope *envelope)
{
  const char *about
      = desk_meta_string (desk_meta_object (object, "revoke"), "original_message_id");
  DeskInboundItem *item;

  if (about == NULL)
    return FALSE;
  item = add_from (parse, envelope, DESK_INBOUND_DELETE, "d:");
  item->message->external_id = g_strdup (about);
  return TRUE;
}

static void
parse_content (const Parse *parse, JsonObject *object, const Envelope *envelope)
{
  DeskInboundItem *item = add_from (parse, envelope, DESK_INBOUND_MESSAGE, "m:");

  item->message->external_id = g_strdup (envelope->id);
  item->reply_to_external_id
      = g_strdup (desk_meta_string (desk_meta_object (object, "context"), "id"));
  desk_whatsapp_fill_content (object, item->message);
  item->metadata = desk_whatsapp_format_metadata (object);
}

/* The notice of a new number stays in the chat, which then goes on under the new number. */
static void
parse_moved (const Parse *parse, JsonObject *object, const Envelope *envelope)
{
  JsonObject *system = desk_meta_object (object, "system");
  const char *to = get_id (system, "wa_id");
  DeskInboundItem *item;

  if (to == NULL)
    to = get_id (system, "new_wa_id");
  if (to == NULL && g_strcmp0 (desk_meta_string (system, "type"), "user_changed_user_id") == 0)
    to = get_id (system, "user_id");
  if (to == NULL || strcmp (to, envelope->chat) == 0 || envelope->is_group)
    return;
  item = add_from (parse, envelope, DESK_INBOUND_CHAT_ID_CHANGED, "n:");
  item->new_user_id = format_user_id (parse, to);
}

static gboolean
read_envelope (const Parse *parse, JsonObject *object, gboolean is_echo, Envelope *out)
{
  const char *group = get_id (object, "group_id");

  *out = (Envelope) { .is_echo = is_echo, .is_group = group != NULL };
  out->person = is_echo ? person_of (parse, object, "to", "to_user_id")
                        : person_of (parse, object, "from", "from_user_id");
  out->chat = group != NULL ? group : person_id (&out->person);
  if (out->chat == NULL)
    return FALSE;
  out->id = get_id (object, "id");
  out->at_ms = time_of (parse, object);
  /* one that has no id is known by all else that it has */
  if (out->id != NULL)
    out->key = g_strdup (out->id);
  else
    out->key = g_strdup_printf ("%s:%s:%s", out->chat,
                                desk_meta_string (object, "timestamp") != NULL
                                    ? desk_meta_string (object, "timestamp")
                                    : "",
                                desk_meta_string (object, "type") != NULL
                                    ? desk_meta_string (object, "type")
                                    : "");
  if (strlen (out->key) > MAX_ID_BYTES)
    out->key[MAX_ID_BYTES] = '\0';
  return TRUE;
}

static void
parse_message (const Parse *parse, JsonObject *object, gboolean is_echo)
{
  const char *type = desk_meta_string (object, "type");
  g_auto (Envelope) envelope = { 0 };

  if (object == NULL || !read_envelope (parse, object, is_echo, &envelope))
    {
      parse->out->n_ignored++;
      return;
    }
  if (!envelope.is_group)
    join_ids (parse, &envelope.person, envelope.key);
  if (g_strcmp0 (type, "reaction") == 0 && (parse_reaction (parse, object, &envelope) || is_echo))
    return;
  if (g_strcmp0 (type, "edit") == 0 && parse_edit (parse, object, &envelope))
    return;
  if (g_strcmp0 (type, "revoke") == 0 && parse_revoke (parse, object, &envelope))
    return;
  parse_content (parse, object, &envelope);
  if (g_strcmp0 (type, "system") == 0)
    parse_moved (parse, object, &envelope);
}

/* ── Statuses ───────────────────────────────────────────────────────────────────────────────── */
static DeskStatus
status_of (const char *word)
{
  static const struct
  {
    const char *word;
    DeskStatus status;
  } words[] = {
    { "sent", DESK_STATUS_SENT },   { "delivered", DESK_STATUS_DELIVERED },
    { "read", DESK_STATUS_READ },   { "played", DESK_STATUS_READ },
    { "failed", DESK_STATUS_FAILED },
  };

  for (guint i = 0; word != NULL && i < G_N_ELEMENTS (words); i++)
    if (strcmp (word, words[i].word) == 0)
      return words[i].status;
  return DESK_STATUS_NONE;
}

static void
parse_status (const Parse *parse, JsonObject *object)
{
  const char *id = get_id (object, "id");
  const char *word = desk_meta_string (object, "status");
  const char *chat = get_id (object, "recipient_id");
  const char *ours = desk_meta_string (object, "biz_opaque_callback_data");
  const DeskStatus status = status_of (word);
  JsonArray *errors = desk_meta_array (object, "errors");
  DeskInboundItem *item;

  if (chat == NULL)
    chat = get_id (object, "recipient_user_id");
  if (id == NULL || chat == NULL || status == DESK_STATUS_NONE)
    {
      parse->out->n_ignored++;
      return;
    }
  item = add_item (parse, DESK_INBOUND_STATUS, chat, g_strdup_printf ("s:%s:%s", id, word));
  item->message->direction = DESK_DIRECTION_OUTGOING;
  item->message->sender = DESK_SENDER_MANAGER;
  item->message->external_id = g_strdup (id);
  item->message->client_message_id = g_strdup (ours);
  item->message->status = status;
  item->message->created_at_ms = time_of (parse, object);
  if (status == DESK_STATUS_FAILED)
    desk_whatsapp_read_error (desk_meta_length (errors) > 0 ? desk_meta_element (errors, 0) : NULL,
                              &item->message->error);
}

/* ── Payloads ───────────────────────────────────────────────────────────────────────────────── */

/* {"user_id":{"previous","current"}} of people whose business-scoped id is another one now */
static void
parse_user_id_update (const Parse *parse, JsonObject *object)
{
  JsonObject *ids = desk_meta_object (object, "user_id");
  const char *from = get_id (ids, "previous"), *to = get_id (ids, "current");
  DeskInboundItem *item;

  if (from == NULL || to == NULL)
    {
      parse->out->n_ignored++;
      return;
    }
  item = add_item (parse, DESK_INBOUND_CHAT_ID_CHANGED, from,
                   g_strdup_printf ("u:%s:%s", from, to));
  item->message->created_at_ms = time_of (parse, object);
  item->new_user_id = format_user_id (parse, to);
}

static void
tell_errors (JsonObject *value)
{
  JsonArray *errors = desk_meta_array (value, "errors");

  for (guint i = 0; i < MIN (desk_meta_length (errors), 3); i++)
    g_message ("WhatsApp reports error %" G_GINT64_FORMAT ": %s",
               desk_meta_int_or (desk_meta_element (errors, i), "code", -1),
               desk_meta_string (desk_meta_element (errors, i), "title"));
}

static void
parse_value (Parse *parse, const char *field, JsonObject *value)
{
  JsonArray *messages = desk_meta_array (value, "messages");
  JsonArray *echoes = desk_meta_array (value, "message_echoes");
  JsonArray *statuses = desk_meta_array (value, "statuses");
  JsonArray *moves = desk_meta_array (value, "user_id_update");
  const guint before = parse->out->items->len;

  parse->contacts = desk_meta_array (value, "contacts");
  if (g_strcmp0 (field, "messages") == 0)
    {
      for (guint i = 0; i < desk_meta_length (messages); i++)
        parse_message (parse, desk_meta_element (messages, i), FALSE);
      for (guint i = 0; i < desk_meta_length (statuses); i++)
        parse_status (parse, desk_meta_element (statuses, i));
    }
  else if (g_strcmp0 (field, "smb_message_echoes") == 0)
    for (guint i = 0; i < desk_meta_length (echoes); i++)
      parse_message (parse, desk_meta_element (echoes, i), TRUE);
  else if (g_strcmp0 (field, "user_id_update") == 0)
    for (guint i = 0; i < desk_meta_length (moves); i++)
      parse_user_id_update (parse, desk_meta_element (moves, i));
  tell_errors (value);
  if (parse->out->items->len == before)
    parse->out->n_ignored++;
}

static gboolean
is_foreign (const Parse *parse, JsonObject *value)
{
  const char *number
      = desk_meta_string (desk_meta_object (value, "metadata"), "phone_number_id");

  return number != NULL && parse->context->phone_number_id != NULL
         && strcmp (number, parse->context->phone_number_id) != 0;
}

void
desk_whatsapp_parse (const DeskWhatsappContext *context,
                     JsonNode *payload,
                     DeskWhatsappParsed *out)
{
  g_return_if_fail (context != NULL && out != NULL);
  Parse parse = { context, NULL, out };
  JsonArray *entries = desk_meta_array (desk_meta_node_object (payload), "entry");

  for (guint i = 0; i < desk_meta_length (entries); i++)
    {
      JsonArray *changes = desk_meta_array (desk_meta_element (entries, i), "changes");
      for (guint n = 0; n < desk_meta_length (changes); n++)
        {
          JsonObject *change = desk_meta_element (changes, n);
          JsonObject *value = desk_meta_object (change, "value");
          if (is_foreign (&parse, value))
            out->n_foreign++;
          else
            parse_value (&parse, desk_meta_string (change, "field"), value);
        }
    }
}
