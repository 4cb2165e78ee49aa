/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "desk-simulation"

#include "config.h"

#include "sim.h"

/* Property 17: what is shown of a chat, a message and a profile is what the server told, with the manager's waiting
 * changes on top, in their order, and nothing else. Computed here from the server's own past and the outbox. */

static gboolean
waits (const DeskOutboxEntry *entry)
{
  return entry->state == DESK_OUTBOX_QUEUED || entry->state == DESK_OUTBOX_SENDING;
}

static gboolean
is_of (const DeskOutboxEntry *entry, const SimChat *chat)
{
  return g_str_equal (entry->user_id, chat->chat->user_id) && g_str_equal (entry->platform, chat->chat->platform);
}

static void
set_label (DeskChat *chat, const char *label, gboolean on)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; chat->labels[i] != NULL; i++)
    if (!g_str_equal (chat->labels[i], label))
      g_strv_builder_add (builder, chat->labels[i]);
  if (on)
    g_strv_builder_add (builder, label);
  g_strfreev (chat->labels);
  chat->labels = g_strv_builder_end (builder);
}

static void
put_on_top (DeskChat *chat, const DeskChatChange *change)
{
  if ((change->fields & DESK_CHAT_CHANGE_STATE) != 0)
    chat->state = change->state;
  if ((change->fields & DESK_CHAT_CHANGE_ASSIGNEE) != 0)
    {
      g_free (chat->assignee);
      chat->assignee = g_strdup (change->assignee);
    }
  for (guint i = 0; change->add_labels[i] != NULL; i++)
    set_label (chat, change->add_labels[i], TRUE);
  for (guint i = 0; change->remove_labels[i] != NULL; i++)
    set_label (chat, change->remove_labels[i], FALSE);
}

static void
check_shown_chat (Device *device, const SimChat *chat, GPtrArray *entries)
{
  g_autoptr (DeskChatRow) row = desk_query_chat (device->db, chat->chat->platform, chat->chat->user_id, NULL);
  g_autoptr (DeskChat) expected = NULL;

  if (row == NULL || row->chat->rev < 1 || row->chat->rev > (gint64) chat->revs->len)
    return;
  expected = desk_chat_copy (g_ptr_array_index (chat->revs, row->chat->rev - 1));
  for (guint i = 0; i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);

      if (entry->intent == DESK_INTENT_CHAT && waits (entry) && is_of (entry, chat))
        put_on_top (expected, entry->change);
    }
  if (row->chat->state != expected->state || g_strcmp0 (row->chat->assignee, expected->assignee) != 0
      || g_strv_length (row->chat->labels) != g_strv_length (expected->labels)
      || (expected->labels[0] != NULL && g_strcmp0 (row->chat->labels[0], expected->labels[0]) != 0))
    sim_violation (device->sim, 17,
                   "device %u: %s is shown with state %d, assignee %s, %u labels instead of %d, %s, %u at rev %" G_GINT64_FORMAT,
                   device->index, chat->chat->user_id, row->chat->state, row->chat->assignee,
                   g_strv_length (row->chat->labels), expected->state, expected->assignee,
                   g_strv_length (expected->labels), row->chat->rev);
}

/* ── Messages ───────────────────────────────────────────────────────────────────────────────── */

static const char *
reaction_of (const DeskMessage *message, const char *who)
{
  const char *found = "";

  for (guint i = 0; i < message->reactions->len; i++)
    {
      const DeskReaction *reaction = g_ptr_array_index (message->reactions, i);

      if (g_strcmp0 (reaction->by, who) == 0)
        found = reaction->emoji;
    }
  return found;
}

static void
check_shown_message (Device *device, const DeskMessage *shown, GPtrArray *entries)
{
  g_autoptr (DeskMessage) told = desk_query_message (device->db, shown->id, NULL);
  const char *me = sim_user_names[device->user];
  const char *text, *emoji;
  gboolean deleted;
  DeskStatus status;

  if (told == NULL)
    return;
  text = told->text;
  emoji = reaction_of (told, me);
  deleted = told->deleted_at_ms > 0;
  status = told->status;
  for (guint i = 0; i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);

      if (!waits (entry) || g_strcmp0 (entry->message_id, shown->id) != 0)
        continue;
      if (entry->intent == DESK_INTENT_EDIT)
        text = entry->text;
      else if (entry->intent == DESK_INTENT_REACT)
        emoji = entry->text;
      else if (entry->intent == DESK_INTENT_DELETE)
        deleted = TRUE;
      else if (entry->intent == DESK_INTENT_RETRY)
        status = DESK_STATUS_QUEUED;
    }
  if (g_strcmp0 (shown->text, text) != 0 || g_strcmp0 (reaction_of (shown, me), emoji) != 0
      || (shown->deleted_at_ms > 0) != deleted || shown->status != status)
    sim_violation (device->sim, 17, "device %u: %s is shown as “%s” %s %d %d instead of “%s” %s %d %d", device->index,
                   shown->id, shown->text, reaction_of (shown, me), shown->deleted_at_ms > 0, shown->status, text, emoji,
                   deleted, status);
}

static void
check_shown_messages (Device *device, const SimChat *chat, GPtrArray *entries)
{
  DeskTimelineQuery query = { .platform = chat->chat->platform,
                              .user_id = chat->chat->user_id,
                              .anchor = DESK_ANCHOR_NEWEST,
                              .limit = 200 };
  DeskTimelinePage *page = desk_query_timeline (device->db, &query, NULL);

  for (guint i = 0; page != NULL && i < page->items->len; i++)
    {
      const DeskTimelineItem *item = g_ptr_array_index (page->items, i);

      if (item->type == DESK_ITEM_MESSAGE && item->message->id != NULL)
        check_shown_message (device, item->message, entries);
    }
  desk_timeline_page_free (page);
}

static void
check_shown_profile (Device *device, const SimChat *chat, GPtrArray *entries)
{
  g_autoptr (DeskProfileRow) row = desk_query_profile (device->db, chat->chat->platform, chat->chat->user_id, NULL);
  const char *note = NULL;
  gboolean pending = FALSE;

  for (guint i = 0; i < entries->len; i++)
    {
      const DeskOutboxEntry *entry = g_ptr_array_index (entries, i);

      if (entry->intent != DESK_INTENT_PROFILE || !waits (entry) || !is_of (entry, chat))
        continue;
      pending = TRUE;
      if (entry->profile->note != NULL)
        note = entry->profile->note;
    }
  if (pending && (row == NULL || !row->pending || g_strcmp0 (row->profile->note, note) != 0))
    sim_violation (device->sim, 17, "device %u: the note of %s that waits is not shown", device->index, chat->chat->user_id);
  if (!pending && row != NULL && row->pending)
    sim_violation (device->sim, 17, "device %u: the profile of %s is said to wait", device->index, chat->chat->user_id);
}

void
sim_check_overlay (Device *device, const SimChat *chat)
{
  g_autoptr (GPtrArray) entries = desk_query_outbox (device->db, NULL);
  gboolean any = FALSE;

  if (entries == NULL)
    return;
  check_shown_chat (device, chat, entries);
  for (guint i = 0; i < entries->len && !any; i++)
    any = is_of (g_ptr_array_index (entries, i), chat);
  if (!any)
    return; /* then what is shown is the row, which other properties compare */
  check_shown_messages (device, chat, entries);
  check_shown_profile (device, chat, entries);
}

/* When quiet: the canned replies are the server's. */
char *
sim_compare_canned (Device *device)
{
  g_autoptr (GPtrArray) list = desk_query_canned (device->db, NULL);
  g_autofree char *text = sim_canned_text (device->sim);
  const DeskCanned *canned = list != NULL && list->len == 1 ? g_ptr_array_index (list, 0) : NULL;

  if (canned == NULL || g_strcmp0 (canned->text, text) != 0)
    return g_strdup_printf ("canned replies: “%s” instead of “%s”", canned ? canned->text : "nothing", text);
  return NULL;
}
