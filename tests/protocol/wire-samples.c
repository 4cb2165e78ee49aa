/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "wire-samples.h"

#include <string.h>

#define T0 G_GINT64_CONSTANT (1795174380000) /* 2026-11-20T11:33:00Z */

static DeskAttachment *
sample_attachment (void)
{
  DeskAttachment *self = desk_attachment_new ("file-1");
  g_free (self->filename);
  g_free (self->mime_type);
  self->filename = g_strdup ("coat \"red\".jpg");
  self->mime_type = g_strdup ("image/jpeg");
  self->size = 48211;
  self->url = g_strdup ("/crm/files/file-1?expires=1&sig=5c1f");
  self->width = 800;
  self->height = 600;
  self->duration_ms = 1500;
  self->sha256 = g_strnfill (64, 'a');
  self->state = g_strdup ("ready");
  self->external_id = g_strdup ("AgAC");
  return self;
}

DeskMessage *
sample_message_full (void)
{
  DeskMessage *self = desk_message_new ("telegram", "42");
  self->id = g_strdup ("m-7");
  self->chat_id = g_strdup ("c-1");
  self->direction = DESK_DIRECTION_OUTGOING;
  self->sender = DESK_SENDER_MANAGER;
  g_free (self->text);
  self->text = g_strdup ("Так, \xf0\x9f\x91\x8d\n\"2\" left");
  self->created_at_ms = T0 + 120;
  g_ptr_array_add (self->attachments, sample_attachment ());
  g_ptr_array_add (self->attachments, desk_attachment_new ("file-2"));
  self->user_name = g_strdup ("Olena");
  self->messenger_name = g_strdup ("olenak");
  self->is_level2 = TRUE;
  self->chat_seq = 7;
  self->in_seq = 4;
  self->client_message_id = g_strdup ("key-1");
  self->sender_id = g_strdup ("ivan");
  self->sender_name = g_strdup ("Ivan");
  self->kind = DESK_KIND_IMAGE;
  self->is_private = TRUE;
  self->reply_to = desk_reply_to_new ("m-6", 6, "Olena", "Any left?");
  g_ptr_array_add (self->reactions, desk_reaction_new ("\xf0\x9f\x91\x8d", "42"));
  g_ptr_array_add (self->reactions, desk_reaction_new ("!", "ivan"));
  self->status = DESK_STATUS_FAILED;
  g_ptr_array_add (self->status_history,
                   desk_status_change_new (DESK_STATUS_QUEUED, T0 + 130, NULL, NULL));
  g_ptr_array_add (self->status_history,
                   desk_status_change_new (DESK_STATUS_FAILED, T0 + 140, "403", "blocked"));
  self->error.code = g_strdup ("BLOCKED");
  self->error.message = g_strdup ("The customer has blocked the bot");
  self->error.retryable = TRUE;
  self->external_id = g_strdup ("1187");
  self->source = DESK_SOURCE_API;
  self->edited_at_ms = T0 + 150;
  self->deleted_at_ms = T0 + 160;
  self->rev = 9;
  char *variables[] = { (char *)"4711", (char *)"Friday", NULL };
  self->template = desk_template_use_new ("order_update", "uk", variables);
  self->change = desk_change_new (DESK_OPERATION_EDIT, "ivan", T0 + 170);
  self->change->text = g_strdup ("Better");
  self->change->state = DESK_CHANGE_FAILED;
  self->change->code = g_strdup ("400");
  self->change->message = g_strdup ("Too old");
  return self;
}

DeskProfile *
sample_profile (void)
{
  DeskProfile *self = desk_profile_new ("telegram", "42");
  self->name = g_strdup ("Olena K.");
  self->handle = g_strdup ("olenak");
  self->phone = g_strdup ("+380441234567");
  self->language = g_strdup ("uk");
  self->avatar = g_strdup ("https://example.org/a.jpg");
  self->note = g_strdup ("Prefers mornings");
  g_free (self->attributes);
  self->attributes = g_strdup ("{\"size\":\"M\"}");
  g_free (self->products);
  self->products = g_strdup ("[{\"id\":7,\"title\":\"Coat\"}]");
  self->updated_at_ms = T0;
  self->rev = 3;
  return self;
}

DeskCanned *
sample_canned (void)
{
  DeskCanned *self = desk_canned_new ("c1", "hello", "Greeting", "Hello {{customer.name}}!");
  self->updated_at_ms = T0;
  self->rev = 2;
  return self;
}

DeskMessage *
sample_message_bare (void)
{
  DeskMessage *self = desk_message_new ("demo", "u/1");
  self->id = g_strdup ("m-1");
  self->created_at_ms = T0;
  self->is_level2 = TRUE;
  self->chat_seq = 1;
  return self;
}

DeskChat *
sample_chat_full (void)
{
  DeskChat *self = desk_chat_new ("telegram", "42");
  g_free (self->user_name);
  g_free (self->last_message);
  g_free (self->metadata);
  g_strfreev (self->labels);
  self->user_name = g_strdup ("Olena K.");
  self->messenger_name = g_strdup ("olenak");
  self->last_message = g_strdup ("how do I pay?");
  self->last_time_ms = T0;
  self->unread = 3;
  self->has_unread = TRUE;
  self->is_level2 = TRUE;
  self->type = DESK_CHAT_TYPE_BUSINESS;
  self->partner_name = g_strdup ("chotot");
  self->partner_room_id = g_strdup ("room-9");
  self->metadata = g_strdup ("{\"item_price\":12.5,\"item_name\":\"Coat\",\"tags\":[1,null]}");
  self->stream_id = desk_chat_stream_id ("telegram", "42");
  self->state = DESK_CHAT_STATE_SNOOZED;
  self->snoozed_until_ms = T0 + 1;
  self->assignee = g_strdup ("ivan");
  self->labels = g_strsplit ("vip,late", ",", 0);
  self->connection = g_strdup ("shop-bot");
  self->first_chat_seq = 2;
  self->last_chat_seq = 17;
  self->last_in_seq = 11;
  self->waiting_since_ms = T0 + 2;
  self->window_expires_at_ms = T0 + 3;
  self->rev = 12;
  self->has_personal = TRUE;
  self->personal = (DeskChatPersonal) {
    .read_chat_seq = 13, .read_in_seq = 8, .marked_unread = TRUE, .muted = TRUE
  };
  return self;
}

DeskChat *
sample_chat_bare (void)
{
  DeskChat *self = desk_chat_new ("demo", "u/1");
  self->is_level2 = TRUE;
  self->stream_id = desk_chat_stream_id ("demo", "u/1");
  return self;
}

DeskCapabilities *
sample_capabilities (void)
{
  DeskCapabilities *self = desk_capabilities_new_level0 ();
  DeskPlatform *platform = desk_platform_new ("telegram", "Telegram");
  self->level = 2;
  g_strfreev (self->features);
  self->features = g_strsplit ("send,read", ",", 0);
  platform->text_limit = 4000;
  platform->text_unit = DESK_TEXT_UTF16;
  platform->attachment_limit = 50000000;
  platform->window_hours = 24;
  g_strfreev (platform->statuses);
  platform->statuses = g_strsplit ("sent,read", ",", 0);
  platform->can_edit = platform->can_delete = platform->can_react = platform->can_reply = TRUE;
  g_ptr_array_add (self->platforms, platform);
  g_ptr_array_add (self->platforms, desk_platform_new ("demo", "Demo"));
  self->me = desk_manager_new ("ivan", "Ivan", DESK_ROLE_ADMIN);
  self->server_time_ms = T0;
  return self;
}

static void
set_chat (DeskEvent *self)
{
  self->platform = g_strdup ("telegram");
  self->user_id = g_strdup ("42");
}

static void
fill_hello (DeskEvent *self)
{
  self->hello = g_new0 (DeskHello, 1);
  self->hello->epoch = g_strdup ("e7");
  self->hello->reset = TRUE;
  self->hello->head = desk_cursor_parse ("e7:0-8412,3-9");
  self->hello->server_time_ms = T0;
  self->hello->heartbeat_ms = 25000;
}

static void
fill_event (DeskEvent *self)
{
  switch (self->type)
    {
    case DESK_EVENT_NEW_MESSAGE:
    case DESK_EVENT_MESSAGE_STATUS:
    case DESK_EVENT_MESSAGE_UPDATED:
    case DESK_EVENT_MESSAGE_DELETED:
      self->message = sample_message_full ();
      break;
    case DESK_EVENT_CHAT_UPDATED:
      self->chat = sample_chat_full ();
      self->chat->has_personal = self->chat->has_unread = FALSE;
      self->chat->unread = 0;
      memset (&self->chat->personal, 0, sizeof self->chat->personal);
      break;
    case DESK_EVENT_CANNED_UPDATED:
      self->data = g_strdup ("{\"id\":\"c1\",\"canned\":null}");
      break;
    case DESK_EVENT_NOTIFICATION:
      self->data
          = g_strdup ("{\"id\":\"n1\",\"kind\":\"purchase\",\"title\":\"New\",\"text\":\"x\","
                      "\"platform\":null,\"user_id\":null,\"connection\":null,"
                      "\"trouble\":null,\"advice\":null,\"since\":null,"
                      "\"created_at\":\"2026-11-20T12:34:00.500Z\"}");
      break;
    case DESK_EVENT_HELLO:
      fill_hello (self);
      break;
    case DESK_EVENT_HEAD:
      self->head = desk_cursor_parse ("_:0-8412,3-9");
      break;
    case DESK_EVENT_PROFILE_UPDATED:
      self->profile = sample_profile ();
      break;
    case DESK_EVENT_HIDDEN:
    case DESK_EVENT_UNKNOWN:
      break;
    default:
      set_chat (self);
      self->username = g_strdup ("ivan");
      break;
    }
}

static void
fill_numbers (DeskEvent *self)
{
  if (self->type == DESK_EVENT_CHAT_TRIMMED)
    self->first_chat_seq = 5;
  if (self->type == DESK_EVENT_READ)
    {
      self->up_to_chat_seq = 17;
      self->up_to_in_seq = 11;
      self->marked_unread = TRUE;
    }
  self->muted = self->type == DESK_EVENT_CHAT_MUTED;
  if (self->type == DESK_EVENT_PRESENCE)
    self->presence = g_strdup ("online");
  if (self->type == DESK_EVENT_CHAT_TRIMMED || self->type == DESK_EVENT_CHAT_ERASED)
    g_clear_pointer (&self->username, g_free);
}

#define N_TYPES (DESK_EVENT_READ_RECEIPT + 1)

/* Beside one of each type: the customer's typing, and presence that looks at no chat. */
guint
sample_n_events (void)
{
  return N_TYPES + 2;
}

DeskEvent *
sample_event (guint n)
{
  static const DeskEventType more[] = { DESK_EVENT_TYPING, DESK_EVENT_PRESENCE };
  DeskEvent *self = desk_event_new (n < N_TYPES ? (DeskEventType)n : more[n - N_TYPES]);
  fill_event (self);
  fill_numbers (self);
  if (self->type < DESK_EVENT_HELLO)
    {
      self->sequenced = TRUE;
      self->partition = 3;
      self->seq = 8412;
    }
  if (n == N_TYPES)
    {
      self->by_customer = TRUE;
      g_clear_pointer (&self->username, g_free);
    }
  if (n == N_TYPES + 1)
    {
      g_clear_pointer (&self->platform, g_free);
      g_clear_pointer (&self->user_id, g_free);
    }
  return self;
}

gboolean
sample_event_is_sent (const DeskEvent *event)
{
  return event->type != DESK_EVENT_UNKNOWN;
}

#define DEFINE_TEXT_OF(name, Type)                                                                 \
  char *text_of_##name (const Type *value)                                                         \
  {                                                                                                \
    GString *text = g_string_new (NULL);                                                           \
    DeskJsonWriter w;                                                                              \
    desk_json_writer_init (&w, text);                                                              \
    desk_wire_write_##name (&w, value);                                                            \
    return g_string_free (text, FALSE);                                                            \
  }

DEFINE_TEXT_OF (message, DeskMessage)
DEFINE_TEXT_OF (chat, DeskChat)
DEFINE_TEXT_OF (profile, DeskProfile)
DEFINE_TEXT_OF (canned, DeskCanned)
DEFINE_TEXT_OF (event, DeskEvent)
DEFINE_TEXT_OF (capabilities, DeskCapabilities)

JsonNode *
parse_or_die (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = desk_json_parse (text, strlen (text), DESK_WIRE_MAX_BODY, &error);
  g_assert_no_error (error);
  return node;
}
