/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-connectors"

#include "config.h"

/* The back-story as inbound items.
 * Invariants: in order of time; ids depend on the story alone, so that telling it twice brings
 * nothing twice. */

#include "server/connectors/demo/desk-demo-past.h"

#include <string.h>

typedef struct
{
  const DeskDemoPerson *people;
  guint n_people;
  const char *chat_prefix;
  gint64 now_ms;
  DeskRandom *random;
  GPtrArray *items;
} Past;

DeskInboundItem *
desk_demo_item_new (DeskInboundType type,
                    const DeskDemoPerson *who,
                    const char *chat_prefix,
                    const char *dedup_key,
                    gint64 now_ms)
{
  g_autofree char *user_id
      = g_strconcat (chat_prefix != NULL ? chat_prefix : "", who->user_id, NULL);
  DeskInboundItem *item = desk_inbound_item_new (type, DESK_DEMO_PLATFORM, user_id, dedup_key);

  item->message->is_level2 = TRUE;
  item->message->direction = DESK_DIRECTION_INCOMING;
  item->message->sender = DESK_SENDER_USER;
  item->message->user_name = g_strdup (who->name);
  item->message->messenger_name = g_strdup (who->handle);
  item->message->sender_id = g_strdup (who->user_id);
  item->message->sender_name = g_strdup (who->name);
  item->message->created_at_ms = now_ms;
  item->metadata = g_strdup (who->metadata);
  return item;
}

static DeskInboundItem *
item_new (const Past *past, DeskInboundType type, guint person, const char *key)
{
  return desk_demo_item_new (type, &past->people[person], past->chat_prefix, key, past->now_ms);
}

static void
add_attachment (DeskMessage *message, const DeskDemoLine *line)
{
  DeskAttachment *attachment = desk_attachment_new (NULL);

  g_free (attachment->filename);
  attachment->filename = g_strdup (line->filename);
  g_free (attachment->mime_type);
  attachment->mime_type = g_strdup (line->mime_type);
  attachment->size = line->size;
  attachment->width = line->width;
  attachment->height = line->height;
  attachment->duration_ms = line->duration_ms;
  attachment->state = g_strdup ("pending");
  attachment->external_id = g_strconcat ("demo:", line->filename, NULL);
  g_ptr_array_add (message->attachments, attachment);
}

static char *
line_id (guint person, guint n)
{
  return g_strdup_printf ("story-%u-%u", person, n);
}

static void
tell_line (const Past *past, guint person, guint n)
{
  const DeskDemoLine *line = &past->people[person].lines[n];
  g_autofree char *id = line_id (person, n);
  DeskInboundItem *item = item_new (past, DESK_INBOUND_MESSAGE, person, id);
  DeskMessage *message = item->message;

  message->external_id = g_strdup (id);
  message->kind = line->kind;
  g_free (message->text);
  message->text = g_strdup (line->text);
  /* seconds of its own, so that the history does not look like a timetable */
  message->created_at_ms = past->now_ms - line->minutes_ago * G_GINT64_CONSTANT (60000)
                           + (gint64)desk_random_below (past->random, 51) * 1000;
  if (line->filename != NULL)
    add_attachment (message, line);
  if (line->answers > 0 && (guint)line->answers <= n)
    item->reply_to_external_id = line_id (person, n - (guint)line->answers);
  if (line->by_shop)
    {
      message->direction = DESK_DIRECTION_OUTGOING;
      message->sender = DESK_SENDER_MANAGER;
      g_clear_pointer (&message->sender_id, g_free);
      g_free (message->sender_name);
      message->sender_name = g_strdup ("Shop");
      message->status = past->people[person].is_blocked ? DESK_STATUS_SENT : DESK_STATUS_READ;
    }
  g_ptr_array_add (past->items, item);

  if (line->reaction == NULL)
    return;
  g_autofree char *key = g_strconcat (id, "-reaction", NULL);
  DeskInboundItem *reaction = item_new (past, DESK_INBOUND_REACTION, person, key);
  reaction->message->external_id = g_strdup (id);
  reaction->message->created_at_ms = message->created_at_ms + 5000;
  g_ptr_array_add (reaction->message->reactions,
                   desk_reaction_new (line->reaction, past->people[person].user_id));
  g_ptr_array_add (past->items, reaction);
}

static int
compare_items (gconstpointer a, gconstpointer b)
{
  const DeskInboundItem *left = *(DeskInboundItem *const *)a;
  const DeskInboundItem *right = *(DeskInboundItem *const *)b;

  if (left->message->created_at_ms != right->message->created_at_ms)
    return left->message->created_at_ms < right->message->created_at_ms ? -1 : 1;
  return strcmp (left->dedup_key, right->dedup_key);
}

void
desk_demo_tell_past (const char *chat_prefix, gint64 now_ms, DeskRandom *random, GPtrArray *items)
{
  Past past = { NULL, 0, chat_prefix, now_ms, random, items };

  past.people = desk_demo_people (&past.n_people);
  for (guint i = 0; i < past.n_people; i++)
    for (guint n = 0; past.people[i].lines[n].minutes_ago > 0; n++)
      tell_line (&past, i, n);
  g_ptr_array_sort (items, compare_items);
}
