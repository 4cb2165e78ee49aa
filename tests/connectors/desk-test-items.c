/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-test"

#include "config.h"

/* Inbound items as JSON. Every member that a connector may set is written, so that nothing it sets
 * by mistake stays unseen. */

#include "desk-test-items.h"

static void
text (JsonBuilder *b, const char *name, const char *value)
{
  if (value == NULL || *value == '\0')
    return;
  json_builder_set_member_name (b, name);
  json_builder_add_string_value (b, value);
}

static void
number (JsonBuilder *b, const char *name, gint64 value)
{
  if (value == 0)
    return;
  json_builder_set_member_name (b, name);
  json_builder_add_int_value (b, value);
}

static void
add_attachments (JsonBuilder *b, GPtrArray *attachments)
{
  if (attachments->len == 0)
    return;
  json_builder_set_member_name (b, "attachments");
  json_builder_begin_array (b);
  for (guint i = 0; i < attachments->len; i++)
    {
      const DeskAttachment *attachment = g_ptr_array_index (attachments, i);
      json_builder_begin_object (b);
      text (b, "file_id", attachment->file_id);
      text (b, "filename", attachment->filename);
      text (b, "mime_type", attachment->mime_type);
      number (b, "size", attachment->size);
      text (b, "url", attachment->url);
      number (b, "width", attachment->width);
      number (b, "height", attachment->height);
      number (b, "duration_ms", attachment->duration_ms);
      text (b, "sha256", attachment->sha256);
      text (b, "state", attachment->state);
      text (b, "external_id", attachment->external_id);
      json_builder_end_object (b);
    }
  json_builder_end_array (b);
}

static void
add_message (JsonBuilder *b, const DeskMessage *message)
{
  text (b, "id", message->id);
  text (b, "platform", message->platform);
  text (b, "user_id", message->user_id);
  text (b, "direction", desk_direction_to_string (message->direction));
  text (b, "sender", desk_sender_to_string (message->sender));
  text (b, "kind", desk_kind_to_string (message->kind));
  text (b, "text", message->text);
  text (b, "user_name", message->user_name);
  text (b, "messenger_name", message->messenger_name);
  text (b, "sender_id", message->sender_id);
  text (b, "sender_name", message->sender_name);
  text (b, "external_id", message->external_id);
  text (b, "client_message_id", message->client_message_id);
  text (b, "status", desk_status_to_string (message->status));
  number (b, "created_at", message->created_at_ms);
  number (b, "edited_at", message->edited_at_ms);
  number (b, "chat_seq", message->chat_seq);
  add_attachments (b, message->attachments);
  if (message->reactions->len > 0)
    {
      json_builder_set_member_name (b, "reactions");
      json_builder_begin_array (b);
      for (guint i = 0; i < message->reactions->len; i++)
        {
          const DeskReaction *reaction = g_ptr_array_index (message->reactions, i);
          g_autofree char *both = g_strdup_printf ("%s by %s", reaction->emoji, reaction->by);
          json_builder_add_string_value (b, both);
        }
      json_builder_end_array (b);
    }
}

JsonNode *
desk_test_items_to_json (GPtrArray *items)
{
  static const char *const types[]
      = { "message", "edit", "delete", "reaction", "status", "read_up_to", "typing", "attachment", "moved",
          "chat" };
  g_autoptr (JsonBuilder) b = json_builder_new ();

  json_builder_begin_array (b);
  for (guint i = 0; i < items->len; i++)
    {
      const DeskInboundItem *item = g_ptr_array_index (items, i);
      json_builder_begin_object (b);
      text (b, "type", types[item->type]);
      text (b, "dedup_key", item->dedup_key);
      text (b, "new_user_id", item->new_user_id);
      text (b, "reply_to", item->reply_to_external_id);
      text (b, "metadata", item->metadata);
      text (b, "room", item->partner_room_id);
      text (b, "album", item->album);
      text (b, "quote", item->quote);
      add_message (b, item->message);
      json_builder_end_object (b);
    }
  json_builder_end_array (b);
  return json_builder_get_root (b);
}
